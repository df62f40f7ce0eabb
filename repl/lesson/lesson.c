/* A lesson, from its file to its steps. */
#include "repl/lesson/parse.h"
#include "engine/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_FILE (1024 * 1024)
#define DEEPEST_NESTING 32
#define DEFAULT_TIMEOUT 20000

/** Cut the file into lines: a byte order mark and the CR of CRLF are dropped, anything that is not text is a mistake. */
static void read_lines(struct parser *p, const char *text, size_t len)
{
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        len -= 3;
    }
    const char *end = text + len;
    while (text < end && !p->oom) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t line_len = (size_t)((newline ? newline : end) - text);
        const char *line = text;
        text += line_len + (newline != NULL);
        if (newline && line_len > 0 && line[line_len - 1] == '\r')
            line_len--;
        char **slot = ARRAY_ADD(p, p->lines, p->line_count);
        if (slot)
            *slot = kept(p, calloc(line_len + 1, 1));
        if (p->oom)
            return;
        size_t bytes;
        for (size_t i = 0; i < line_len; i += bytes) {
            unsigned char c = (unsigned char)line[i];
            bytes = utf8_length(line + i, line_len - i);
            if (bytes == 0 || (c < ' ' && c != '\t') || c == 0x7f) {
                mistake(p, (int)p->line_count, "the byte 0x%02x at column %zu is %s, expected UTF-8 text", c, i + 1,
                        bytes == 0 ? "not UTF-8" : "a control character");
                break;
            }
            memcpy(*slot + i, line + i, bytes);
        }
    }
}

static cmark_node *read_document(struct parser *p, size_t front_lines)
{
    struct text text = { 0 };
    for (size_t i = 0; i < p->line_count; i++)
        text_add_line(&text, i < front_lines ? "" : p->lines[i]); /* empty lines keep the numbers those of the file */
    size_t len = text.len;
    char *s = kept(p, text_take(&text));
    cmark_node *document = s ? cmark_parse_document(s, len, CMARK_OPT_DEFAULT) : NULL;
    free(s);
    return document;
}

/** Quotes and lists nested past the limit are a mistake, so that whoever walks the nodes may recurse. */
static bool check_nesting(struct parser *p)
{
    cmark_iter *iter = cmark_iter_new(p->lesson->document);
    cmark_event_type event;
    int depth = 0;
    bool good = true;
    while (iter && good && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iter);
        bool holds = cmark_node_first_child(node);
        depth += event == CMARK_EVENT_ENTER ? holds : -holds;
        if (depth <= DEEPEST_NESTING)
            continue;
        while (cmark_node_parent(node) && cmark_node_get_start_line(node) < 1)
            node = cmark_node_parent(node); /* some inline nodes have no line */
        int line = cmark_node_get_start_line(node);
        mistake(p, line < 1 ? 1 : line,
                "more than %d levels of quotes, lists and emphasis in each other, expected fewer", DEEPEST_NESTING);
        good = false;
    }
    cmark_iter_free(iter);
    return good;
}

static bool has_check(cmark_node *document)
{
    for (cmark_node *node = cmark_node_first_child(document); node; node = cmark_node_next(node))
        if (cmark_node_get_type(node) == CMARK_NODE_HTML_BLOCK && is_check(node))
            return true;
    return false;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int number_of(const char *path)
{
    const char *name = file_name(path);
    size_t digits = strspn(name, "0123456789");
    return digits > 0 && digits < 6 ? atoi(name) : -1;
}

/** A title from the first first-level heading, else the file's name. */
static void find_title(struct parser *p)
{
    struct lesson *lesson = p->lesson;
    for (cmark_node *node = cmark_node_first_child(lesson->document); node && !lesson->title;
         node = cmark_node_next(node))
        if (cmark_node_get_type(node) == CMARK_NODE_HEADING && cmark_node_get_heading_level(node) == 1)
            lesson->title = kept(p, node_text(node));
    if (!lesson->title || !*lesson->title) {
        free(lesson->title);
        lesson->title = kept(p, strdup(file_name(lesson->path)));
    }
}

static void resolve_timeouts(struct lesson *lesson)
{
    if (!lesson->timeout_ms)
        lesson->timeout_ms = DEFAULT_TIMEOUT;
    for (size_t i = 0; i < lesson->step_count; i++) {
        struct step *step = &lesson->steps[i];
        for (size_t j = 0; j < step->block_count; j++) {
            struct block *block = &step->blocks[j];
            if (!block->timeout || !value_timeout(block->timeout, &block->timeout_ms))
                block->timeout_ms = step->timeout_ms ? step->timeout_ms : lesson->timeout_ms;
        }
    }
}

static int by_name(const void *a, const void *b)
{
    const struct block *const *one = a, *const *two = b;
    int order = strcmp((*one)->name, (*two)->name);
    return order ? order : (*one)->line - (*two)->line;
}

/** Two blocks of one name. A file may be written twice, so names of files are not looked at. */
static void check_names(struct parser *p)
{
    const struct block **named = NULL;
    size_t count = 0;
    for (size_t i = 0; i < p->lesson->step_count; i++)
        for (size_t j = 0; j < p->lesson->steps[i].block_count; j++) {
            const struct block *block = &p->lesson->steps[i].blocks[j];
            const struct block **slot = block->name && block->type != BLOCK_FILE ? ARRAY_ADD(p, named, count) : NULL;
            if (slot)
                *slot = block;
        }
    if (count > 1)
        qsort(named, count, sizeof *named, by_name);
    for (size_t i = 1; i < count; i++)
        if (strcmp(named[i]->name, named[i - 1]->name) == 0)
            soft_mistake(p, named[i]->line, "the name `%s` is that of the block on line %d, expected another",
                         named[i]->name, named[i - 1]->line);
    free(named);
}

static void read_lesson(struct parser *p)
{
    struct lesson *lesson = p->lesson;
    lesson->document = read_document(p, read_front_matter(p));
    if (!lesson->document) {
        p->oom = true;
        return;
    }
    if (!check_nesting(p))
        return;
    read_fences(p, lesson->document);
    lesson->plain = !has_check(lesson->document);
    if (lesson->plain)
        walk_readme(p, lesson->document);
    else
        walk_lesson(p, lesson->document);
    if (p->oom)
        return;
    find_title(p);
    resolve_timeouts(lesson);
    check_names(p);
    if (lesson->step_count == 0)
        mistake(p, 1, "a lesson without steps, expected `## ` headings with checks, or a fenced block of bash");
}

struct lesson *lesson_parse(const char *path, const char *text, size_t len, struct lesson_mistakes *mistakes,
                            struct err *err)
{
    struct parser p = { .path = path };
    struct lesson *lesson = NULL;
    *mistakes = (struct lesson_mistakes){ 0 };
    if (len > LONGEST_FILE) {
        err_say(err, EFBIG, "read lesson `%s`: it is longer than %d bytes", path, LONGEST_FILE);
        return NULL;
    }
    p.lesson = lesson = calloc(1, sizeof *lesson);
    p.oom = !lesson || !(lesson->path = strdup(path));
    if (!p.oom) {
        lesson->number = number_of(path);
        struct utf8_locale utf8 = utf8_begin();
        read_lines(&p, text, len);
        if (!p.oom && p.mistakes.count == 0)
            read_lesson(&p);
        utf8_end(&utf8);
    }
    if (lesson && mistakes_join(lesson->plain ? &lesson->asides : &p.mistakes, &p.soft) < 0)
        p.oom = true;
    lesson_mistakes_free(&p.soft);
    fences_free(&p);
    for (size_t i = 0; i < p.line_count; i++)
        free(p.lines[i]);
    free(p.lines);
    if (!p.oom && p.mistakes.count == 0)
        return lesson;
    lesson_free(lesson);
    if (p.oom) {
        lesson_mistakes_free(&p.mistakes);
        err_set(err, ENOMEM, "read lesson `%s`", path);
        return NULL;
    }
    mistakes_sort(&p.mistakes);
    *mistakes = p.mistakes;
    return NULL;
}

char *read_file(const char *path, size_t *length, struct err *err)
{
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    cleanup_free char *text = fd < 0 ? NULL : malloc(LONGEST_FILE + 1);
    size_t len = 0;
    ssize_t got = text ? 1 : -1;
    while (got > 0 && len <= LONGEST_FILE) {
        got = read(fd, text + len, LONGEST_FILE + 1 - len);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            len += (size_t)got;
    }
    if (got < 0) {
        err_set(err, errno, "read lesson `%s`", path);
        return NULL;
    }
    *length = len;
    return take_ptr(&text);
}

struct lesson *lesson_load(const char *path, struct lesson_mistakes *mistakes, struct err *err)
{
    size_t len = 0;
    *mistakes = (struct lesson_mistakes){ 0 };
    cleanup_free char *text = read_file(path, &len, err);
    return text ? lesson_parse(path, text, len, mistakes, err) : NULL;
}

static void step_clear(struct step *step)
{
    char *const texts[] = { step->title, step->check,    step->setup, step->teardown, step->notes,
                            step->needs, step->requires, step->watch, step->essence };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    for (size_t i = 0; step->hints && step->hints[i].text; i++)
        free(step->hints[i].text);
    free(step->hints);
    for (size_t i = 0; i < step->block_count; i++)
        block_clear(&step->blocks[i]);
    free(step->blocks);
    free(step->prose);
}

void lesson_free(struct lesson *lesson)
{
    if (!lesson)
        return;
    char *const texts[] = { lesson->path, lesson->title,    lesson->requires, lesson->needs,
                            lesson->lens, lesson->teardown, lesson->setup,    lesson->notes };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    for (size_t i = 0; i < lesson->step_count; i++)
        step_clear(&lesson->steps[i]);
    free(lesson->steps);
    free(lesson->intro);
    lesson_mistakes_free(&lesson->asides);
    if (lesson->document)
        cmark_node_free(lesson->document);
    free(lesson);
}

const struct block *step_node_block(const struct step *step, const struct cmark_node *node)
{
    if (step_node_kind(node) != NODE_KIND_BLOCK)
        return NULL;
    int line = cmark_node_get_start_line((cmark_node *)(uintptr_t)node);
    for (size_t i = 0; i < step->block_count; i++)
        if (step->blocks[i].line == line)
            return &step->blocks[i];
    return NULL;
}

bool step_prose_withheld(const struct step *step, size_t which, const struct block *open)
{
    cmark_node_type type = cmark_node_get_type(step->prose[which]);
    if (!open || (type != CMARK_NODE_PARAGRAPH && type != CMARK_NODE_BLOCK_QUOTE))
        return false;
    for (size_t i = 0; i < which; i++)
        if (step_node_block(step, step->prose[i]) == open)
            return true;
    return false;
}

static size_t check_names_known(const char *names, int line, lesson_feature_fn *known, struct parser *into)
{
    size_t before = into->mistakes.count;
    char *copy = names ? kept(into, strdup(names)) : NULL;
    char *rest = copy;
    for (char *name; rest && (name = strsep(&rest, " "));)
        if (*name && !known(name))
            mistake(into, line,
                    "`requires` names `%s`, which is no feature, expected a name that `teachroot doctor` lists", name);
    free(copy);
    return into->mistakes.count - before;
}

size_t lesson_check_requires(const struct lesson *lesson, lesson_feature_fn *known, struct lesson_mistakes *mistakes)
{
    struct parser into = { .mistakes = *mistakes };
    size_t added = check_names_known(lesson->requires, lesson->requires_line, known, &into);
    for (size_t i = 0; i < lesson->step_count; i++) {
        const struct step *step = &lesson->steps[i];
        added += check_names_known(step->requires, step->requires_line, known, &into);
        for (size_t j = 0; j < step->block_count; j++)
            added += check_names_known(step->blocks[j].requires, step->blocks[j].line, known, &into);
    }
    mistakes_sort(&into.mistakes);
    *mistakes = into.mistakes;
    return added;
}

bool step_names_terminal(const struct step *step, const struct block *block)
{
    if (!block->terminal)
        return false;
    bool says = strcmp(block->terminal, "1") != 0;
    for (size_t i = 0; i < step->block_count; i++)
        says |= step->blocks[i].type == BLOCK_COMMAND && !step->blocks[i].hidden && step->blocks[i].terminal &&
                strcmp(step->blocks[i].terminal, block->terminal) != 0;
    return says;
}
