#include "repl/play/nbformat.h"

#include "engine/base/cleanup.h"
#include "repl/lesson/curriculum.h"
#include "repl/play/account.h"
#include "repl/tutor/markdown_out.h"

#include <cmark.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

/* A multiline string: its lines, each with its newline. */
static json_t *lines_of(const char *text, size_t len)
{
    cleanup_free char *clean = account_text(text, len);
    json_t *lines = clean ? json_array() : NULL;
    for (const char *line = clean; lines && *line;) {
        size_t n = strcspn(line, "\n");
        n += line[n] == '\n';
        if (json_array_append_new(lines, json_stringn(line, n)) < 0) {
            json_decref(lines);
            return NULL;
        }
        line += n;
    }
    return lines;
}

/* Words of a quiz: a line of Markdown in which only code is more than words. */
static void put_words(FILE *out, const char *text)
{
    while (*text) {
        size_t plain = strcspn(text, "`");
        size_t code = text[plain] ? strcspn(text + plain + 1, "`") : 0;
        bool closed = text[plain] && text[plain + 1 + code] == '`';
        cleanup_free char *words = strndup(text, closed || !text[plain] ? plain : strlen(text));
        markdown_out_words(out, words ? words : "");
        if (!closed)
            return;
        fprintf(out, "`%.*s`", (int)code, text + plain + 1);
        text += plain + code + 2;
    }
}

/* ---- outputs ---- */

json_t *nb_stream(const char *name, const char *text, size_t len)
{
    return json_pack("{s:s, s:s, s:o}", "output_type", "stream", "name", name, "text", lines_of(text, len));
}

json_t *nb_error(const char *name, const char *value)
{
    cleanup_free char *clean = account_text(value, strlen(value));
    return clean ? json_pack("{s:s, s:s, s:s, s:[s]}", "output_type", "error", "ename", name, "evalue", clean,
                             "traceback", clean)
                 : NULL;
}

/* In a file the texts of a bundle are lists of lines, as a cell's source is. */
json_t *nb_display(json_t *bundle)
{
    const char *type;
    json_t *text, *data = bundle ? json_object() : NULL;
    json_object_foreach(bundle, type, text) if (data && json_object_set_new(data, type,
                                                                            lines_of(json_string_value(text),
                                                                                     json_string_length(text))) < 0)
    {
        json_decref(data);
        data = NULL;
    }
    json_decref(bundle);
    return data ? json_pack("{s:s, s:o, s:{}}", "output_type", "display_data", "data", data, "metadata") : NULL;
}

/* ---- cells ---- */

static void add(struct nb *nb, json_t *cell)
{
    char id[48];
    if (nb->step)
        snprintf(id, sizeof id, "step-%u-%u", nb->step->number, ++nb->cell);
    else
        snprintf(id, sizeof id, "lesson-%u", ++nb->cell);
    if (!cell || json_object_set_new(cell, "id", json_string(id)) < 0 || json_array_append(nb->cells, cell) < 0)
        nb->failed = true;
    json_decref(cell);
}

static void add_markdown(struct nb *nb, const char *text)
{
    size_t len = strlen(text);
    while (len && text[len - 1] == '\n')
        len--;
    if (len)
        add(nb, json_pack("{s:s, s:{}, s:o}", "cell_type", "markdown", "metadata", "source", lines_of(text, len)));
}

static void add_code(struct nb *nb, const char *source, json_t *metadata, json_t *outputs)
{
    size_t len = strlen(source);
    while (len && source[len - 1] == '\n')
        len--;
    json_t *count = outputs ? json_integer(++nb->count) : json_null();
    add(nb, json_pack("{s:s, s:o, s:o, s:o, s:o}", "cell_type", "code", "execution_count", count, "metadata", metadata,
                      "outputs", outputs ? outputs : json_array(), "source", lines_of(source, len)));
}

/* Markdown of our own, written by @put. */
struct markdown {
    char *text;
    size_t size;
    FILE *out;
};

static FILE *markdown_begin(struct nb *nb, struct markdown *markdown)
{
    *markdown = (struct markdown){ 0 };
    markdown->out = open_memstream(&markdown->text, &markdown->size);
    nb->failed |= !markdown->out;
    return markdown->out;
}

static void markdown_end(struct nb *nb, struct markdown *markdown)
{
    if (fclose(markdown->out) == 0)
        add_markdown(nb, markdown->text);
    else
        nb->failed = true;
    free(markdown->text);
}

static void put_nodes(struct nb *nb, struct cmark_node *const *nodes, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        enum node_kind kind = step_node_kind(nodes[i]);
        if (kind != NODE_KIND_PROSE && kind != NODE_KIND_CODE)
            continue;
        cleanup_free char *text = cmark_render_commonmark(nodes[i], CMARK_OPT_UNSAFE, 0);
        nb->failed |= !text;
        fprintf(out, "%s\n", text ? text : "");
    }
}

static void put_title(FILE *out, const char *marks, const char *title)
{
    fputs(marks, out);
    put_words(out, title);
    fputs("\n\n", out);
}

/* Does the introduction begin with the title itself? */
static bool has_title(const struct lesson *lesson)
{
    return lesson->intro_count && cmark_node_get_type(lesson->intro[0]) == CMARK_NODE_HEADING;
}

/* As the kernel's user names the lesson: by its number if it is one of the curriculum's, else by its path. */
static char *name_of(const struct lesson *lesson)
{
    struct curriculum curriculum = { 0 };
    char *path = realpath(lesson->path, NULL), *name = NULL;
    if (path && curriculum_load(&curriculum, NULL) == 0) {
        for (size_t i = 0; i < curriculum.count && !name; i++) {
            cleanup_free char *entry = realpath(curriculum.entries[i].path, NULL);
            if (entry && strcmp(entry, path) == 0 && asprintf(&name, "%d", curriculum.entries[i].number) < 0)
                name = NULL;
        }
        curriculum_free(&curriculum);
    }
    if (!name)
        return path ? path : strdup(lesson->path);
    free(path);
    return name;
}

void nb_begin(struct nb *nb, const struct lesson *lesson, bool executed)
{
    struct markdown markdown;
    *nb = (struct nb){ .lesson = lesson, .cells = json_array() };
    cleanup_free char *name = name_of(lesson), *line = NULL;
    if (!nb->cells || !name || asprintf(&line, "%%lesson -q %s", name) < 0) {
        nb->failed = true;
        return;
    }
    FILE *out = markdown_begin(nb, &markdown);
    if (!out)
        return;
    if (!has_title(lesson))
        put_title(out, "# ", lesson->title ? lesson->title : lesson->path);
    put_nodes(nb, lesson->intro, lesson->intro_count, out);
    markdown_end(nb, &markdown);
    nb_magic(nb, line, executed ? json_array() : NULL);
}

void nb_free(struct nb *nb)
{
    json_decref(nb->cells);
    nb->cells = NULL;
}

void nb_step(struct nb *nb, const struct step *step, const char *note)
{
    struct markdown markdown;
    nb->step = step;
    nb->prose = 0;
    nb->cell = 0;
    FILE *out = markdown_begin(nb, &markdown);
    if (!out)
        return;
    fprintf(out, "## %u. ", step->number);
    put_words(out, step->title);
    fputs("\n\n", out);
    if (note) {
        fputs("> ", out);
        markdown_out_words(out, note);
        fputc('\n', out);
    }
    markdown_end(nb, &markdown);
}

void nb_prose(struct nb *nb, int line)
{
    struct markdown markdown;
    size_t first = nb->prose;
    if (!nb->step || !markdown_begin(nb, &markdown))
        return;
    while (nb->prose < nb->step->prose_count &&
           (line == 0 || cmark_node_get_start_line(nb->step->prose[nb->prose]) < line))
        nb->prose++;
    put_nodes(nb, nb->step->prose + first, nb->prose - first, markdown.out);
    markdown_end(nb, &markdown);
}

/* The question, its answers, and what is right, folded. */
static void add_quiz(struct nb *nb, const struct quiz *quiz)
{
    struct markdown markdown;
    FILE *out = markdown_begin(nb, &markdown);
    if (!out)
        return;
    fputs("**Question.** ", out);
    put_words(out, quiz->question);
    fputs(quiz->several ? " (Several may be right.)\n\n" : "\n\n", out);
    for (size_t i = 0; i < quiz->count; i++) {
        fprintf(out, "%zu. ", i + 1);
        put_words(out, quiz->answers[i].text);
        fputc('\n', out);
    }
    fputs("\n<details><summary>Answer</summary>\n\n", out);
    if (quiz->typed) {
        fputs("To be typed; right is what matches ", out);
        markdown_out_code(out, quiz->typed);
        fputs(quiz->typed_reason ? ": " : "", out);
        put_words(out, quiz->typed_reason ? quiz->typed_reason : "");
        fputs("\n", out);
    }
    for (size_t i = 0; i < quiz->count; i++) {
        fprintf(out, "%zu. %s", i + 1, quiz->answers[i].right ? "**Right**" : "Wrong");
        fputs(quiz->answers[i].reason ? ": " : "", out);
        put_words(out, quiz->answers[i].reason ? quiz->answers[i].reason : "");
        fputc('\n', out);
    }
    fputs("\n</details>\n", out);
    markdown_end(nb, &markdown);
}

void nb_block(struct nb *nb, const struct block *block, json_t *outputs)
{
    nb_prose(nb, block->line);
    if (block->type == BLOCK_QUIZ) {
        json_decref(outputs);
        add_quiz(nb, block->quiz);
        return;
    }
    const char *body = block->type == BLOCK_FILE && block->writing ? block->writing : block->body;
    bool other = block->terminal && strcmp(block->terminal, "1") != 0;
    cleanup_free char *source = NULL;
    if (asprintf(&source, "%s%s%s%s", other ? "%%terminal " : "", other ? block->terminal : "", other ? "\n" : "",
                 body) < 0) {
        source = NULL;
        nb->failed = true;
    }
    /* What is to be found out is there to be run, and not to be seen at once. */
    json_t *metadata = block->hidden ? json_pack("{s:{s:b}, s:[s]}", "jupyter", "source_hidden", 1, "tags", "solution")
                                     : json_object();
    add_code(nb, source ? source : "", metadata, outputs);
}

void nb_step_end(struct nb *nb)
{
    struct markdown markdown;
    nb_prose(nb, 0);
    if (!nb->step || !markdown_begin(nb, &markdown))
        return;
    for (const struct hint *hint = nb->step->hints; hint && hint->text; hint++)
        fprintf(markdown.out, "<details><summary>%s</summary>\n\n%s\n\n</details>\n\n",
                hint->solution ? "Solution" : "Hint", hint->text);
    markdown_end(nb, &markdown);
}

void nb_magic(struct nb *nb, const char *line, json_t *outputs)
{
    add_code(nb, line, json_object(), outputs);
}

void nb_check(struct nb *nb, json_t *outputs)
{
    char line[32];
    if (nb->lesson->plain || !nb->step) {
        json_decref(outputs);
        return;
    }
    snprintf(line, sizeof line, "%%check %u", nb->step->number);
    nb_magic(nb, line, outputs);
}

void nb_remark(struct nb *nb, const char *text)
{
    struct markdown markdown;
    if (!markdown_begin(nb, &markdown))
        return;
    fputs("> ", markdown.out);
    markdown_out_words(markdown.out, text);
    markdown_end(nb, &markdown);
}

void nb_step_unexecuted(struct nb *nb, const struct step *step, const char *note)
{
    nb_step(nb, step, note);
    for (size_t i = 0; i < step->block_count; i++)
        nb_block(nb, &step->blocks[i], NULL);
    nb_step_end(nb);
    if (step->watch)
        nb_magic(nb, "%state", NULL);
    nb_check(nb, NULL);
}

/* ---- the file ---- */

static int put(const char *bytes, size_t len, void *out)
{
    return fwrite(bytes, 1, len, out) == len ? 0 : -1;
}

int nb_write(const struct nb *nb, FILE *out)
{
    if (nb->failed)
        return -1;
    json_t *notebook =
        json_pack("{s:O, s:{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s}, s:s}, s:i, s:i}", "cells", nb->cells, "metadata",
                  "kernelspec", "display_name", "teachroot", "language", "bash", "name", "teachroot", "language_info",
                  "codemirror_mode", "shell", "file_extension", ".sh", "mimetype", "text/x-sh", "name", "bash", "title",
                  nb->lesson->title ? nb->lesson->title : nb->lesson->path, "nbformat", 4, "nbformat_minor", 5);
    int result = notebook ? json_dump_callback(notebook, put, out, JSON_INDENT(1) | JSON_SORT_KEYS) : -1;
    json_decref(notebook);
    return result < 0 || fputc('\n', out) == EOF ? -1 : 0;
}
