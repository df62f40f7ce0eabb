/* The door: lines, one word, and what comes next. */
#include "repl/tutor/explain_internal.h"

#include "engine/base/cleanup.h"
#include "repl/screen/theme.h"
#include "repl/screen/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- gathering ---- */

#define VALUE_MAX 60 /* bytes of a value that is put into a sentence */

/* @text with @value for each `%`, and `%` for `%%`, malloc'ed. */
static char *filled(const char *text, const char *value)
{
    char shown[VALUE_MAX + 8];
    size_t len = strlen(value);
    if (len > VALUE_MAX) {
        for (len = VALUE_MAX; len > 0 && ((unsigned char)value[len] & 0xc0) == 0x80;)
            len--;
        snprintf(shown, sizeof shown, "%.*s…", (int)len, value);
        value = shown;
    }
    size_t size = strlen(text) + 1;
    for (const char *p = text; *p; p++)
        size += *p == '%' ? strlen(value) : 0;
    char *result = malloc(size), *to = result;
    for (const char *p = text; result && *p; p++) {
        if (*p == '%' && p[1] != '%')
            to = stpcpy(to, value);
        else if (*p == '%')
            *to++ = *p++;
        else
            *to++ = *p;
    }
    if (result)
        *to = '\0';
    for (char *p = result; p && *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    return result;
}

static void word_free(struct explain_word *word)
{
    free(word->word);
    free(word->meaning);
    free(word->syscall);
}

/* What was said of the same bytes first holds, unless it was only that a variable stands there. */
static bool known_already(struct explanation *out, size_t start, size_t len)
{
    static const size_t generic = sizeof EXPLAIN_SOME_VARIABLE - 2; /* without its % */
    for (size_t i = 0; i < out->count; i++) {
        struct explain_word *word = &out->words[i];
        if (word->start != start || word->len != len)
            continue;
        if (strncmp(word->meaning, EXPLAIN_SOME_VARIABLE, generic) != 0)
            return true;
        word_free(word);
        *word = out->words[--out->count];
        return false;
    }
    return false;
}

void explainer_say(struct explainer *e, size_t start, size_t len, const char *word, const char *meaning,
                   const char *call, const char *value)
{
    struct explanation *out = e->out;
    if (!out || e->failed || !meaning || len == 0 || known_already(out, start, len))
        return;
    struct explain_word *grown = reallocarray(out->words, out->count + 1, sizeof *grown);
    if (!grown) {
        e->failed = true;
        return;
    }
    out->words = grown;
    cleanup_free char *own = word ? NULL : strndup(e->line + start, len);
    struct explain_word said = { .start = start,
                                 .len = len,
                                 .word = filled("%", word  ? word
                                                     : own ? own
                                                           : ""),
                                 .meaning = filled(meaning, value),
                                 .syscall = call ? filled(call, value) : NULL };
    e->failed |= !said.word || !said.meaning || (call && !said.syscall) || (!word && !own);
    out->words[out->count++] = said;
}

static int in_order(const void *left, const void *right)
{
    const struct explain_word *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return a->len > b->len ? -1 : a->len < b->len;
}

static bool run(struct explainer *e)
{
    explainer_parse(e, 0, 0);
    for (unsigned i = 0; i < e->heredoc_count; i++)
        free(e->heredocs[i].word);
    return !e->failed;
}

int explain_line(const char *line, struct explanation *explanation)
{
    *explanation = (struct explanation){ 0 };
    struct explainer e = { .line = line, .end = strlen(line), .out = explanation };
    if (e.end > EXPLAIN_LINE_MAX)
        return 0;
    if (!run(&e)) {
        explanation_free(explanation);
        return -1;
    }
    if (explanation->count > 0)
        qsort(explanation->words, explanation->count, sizeof *explanation->words, in_order);
    return 0;
}

void explanation_free(struct explanation *explanation)
{
    for (size_t i = 0; i < explanation->count; i++)
        word_free(&explanation->words[i]);
    free(explanation->words);
    *explanation = (struct explanation){ 0 };
}

/* ---- as a page ---- */

/* @text with what Markdown would take for its own escaped; what stands in backquotes stays. */
static void put_escaped(FILE *out, const char *text)
{
    bool code = false;
    for (; *text; text++) {
        code ^= *text == '`';
        if (!code && strchr("\\*_<>[]#|~&", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

/* As code: more backquotes round it than it has in a row. */
static void put_code(FILE *out, const char *text)
{
    size_t longest = 0, run = 0;
    for (const char *p = text; *p; p++) {
        run = *p == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (size_t i = 0; i <= longest; i++)
        fputc('`', out);
    fprintf(out, longest ? " %s " : "%s", text);
    for (size_t i = 0; i <= longest; i++)
        fputc('`', out);
}

char *explain_markdown(const char *line)
{
    struct explanation explanation;
    char *text = NULL;
    size_t size;
    if (explain_line(line, &explanation) < 0)
        return NULL;
    FILE *out = explanation.count > 0 ? open_memstream(&text, &size) : NULL;
    for (size_t i = 0; out && i < explanation.count; i++) {
        const struct explain_word *word = &explanation.words[i];
        fputs("- ", out);
        put_code(out, word->word);
        fputs(": ", out);
        put_escaped(out, word->meaning);
        if (word->syscall) {
            fputs(". Syscall: ", out);
            put_code(out, word->syscall);
        }
        fputc('\n', out);
    }
    if (out && fclose(out) != 0) {
        free(text);
        text = NULL;
    }
    explanation_free(&explanation);
    return text;
}

/* ---- the word at the cursor ---- */

static const struct explain_word *word_at(const struct explanation *explanation, size_t point, bool after)
{
    const struct explain_word *best = NULL;
    for (size_t i = 0; i < explanation->count; i++) {
        const struct explain_word *word = &explanation->words[i];
        bool here = after ? word->start + word->len == point : word->start <= point && point < word->start + word->len;
        if (here && (!best || word->len <= best->len))
            best = word;
    }
    return best;
}

static size_t blanks_before(const char *line, size_t point)
{
    size_t count = 0;
    while (count < point && (line[point - 1 - count] == ' ' || line[point - 1 - count] == '\t'))
        count++;
    return count;
}

static const struct explain_word *find_word(const char *line, size_t point, const struct explanation *explanation)
{
    const struct explain_word *word = word_at(explanation, point, false);
    bool on_blank = !line[point] || strchr(" \t\n", line[point]);
    if (!word || on_blank) {
        const struct explain_word *before = word_at(explanation, point, true);
        word = before ? before : word;
    }
    if (!word && on_blank) /* before the next word is begun, the last one still */
        word = word_at(explanation, point - blanks_before(line, point), true);
    return word;
}

/* Every character as the terminal can show it. */
static void copy_ascii(char *to, size_t size, const char *from)
{
    size_t used = 0;
    for (size_t len = strlen(from); len > 0;) {
        uint32_t character;
        size_t n = utf8_decode(from, len, &character);
        const char *plain = character >= 0x80 ? theme_ascii(character) : NULL;
        int wrote = snprintf(to + used, size - used, "%.*s", plain ? (int)strlen(plain) : (int)n, plain ? plain : from);
        if (wrote < 0 || used + (size_t)wrote >= size)
            break;
        used += (size_t)wrote;
        from += n;
        len -= n;
    }
    to[used] = '\0';
}

/* @text in at most @cells, an ellipsis at its end if it is longer. */
static void cut(char *text, unsigned cells, bool ascii)
{
    const char *ellipsis = ascii ? "..." : "…";
    unsigned wide = ascii ? 3 : 1;
    size_t len = strlen(text);
    if (utf8_width(text, len) <= cells)
        return;
    size_t fit = utf8_fit(text, len, cells > wide ? cells - wide : 0);
    while (fit > 0 && text[fit - 1] == ' ')
        fit--;
    if (cells < wide || fit + strlen(ellipsis) > len)
        text[fit] = '\0';
    else
        strcpy(text + fit, ellipsis);
}

#define MEANING_LEAST 24 /* cells below which a meaning is no help: then the end is cut, whatever stands there */

bool explain_at(const char *line, size_t point, unsigned width, bool ascii, char *text, size_t size)
{
    struct explanation explanation;
    if (point > strlen(line) || explain_line(line, &explanation) < 0)
        return false;
    const struct explain_word *word = find_word(line, point, &explanation);
    if (word && size > 0) {
        char name[256], meaning[512], call[256] = "", raw[300];
        snprintf(raw, sizeof raw, " %s %s", ascii ? "-" : "·", word->syscall ? word->syscall : "");
        snprintf(name, sizeof name, "%.*s", 200, word->word);
        cut(name, width / 3, false);
        if (ascii) {
            char plain[256];
            copy_ascii(plain, sizeof plain, name);
            strcpy(name, plain);
            copy_ascii(meaning, sizeof meaning, word->meaning);
        } else {
            snprintf(meaning, sizeof meaning, "%.*s", (int)sizeof meaning - 1, word->meaning);
        }
        if (word->syscall && ascii)
            copy_ascii(call, sizeof call, raw);
        else if (word->syscall)
            snprintf(call, sizeof call, "%.*s", (int)sizeof call - 1, raw);
        unsigned taken = utf8_width(name, strlen(name)) + 2 + utf8_width(call, strlen(call));
        if (taken + MEANING_LEAST <= width)
            cut(meaning, width - taken, ascii);
        cleanup_free char *whole = NULL;
        if (asprintf(&whole, "%s  %s%s", name, meaning, call) < 0)
            whole = NULL;
        if (whole)
            cut(whole, width, ascii);
        snprintf(text, size, "%.*s", (int)size - 1, whole ? whole : "");
    }
    explanation_free(&explanation);
    return word;
}

/* ---- what comes next ---- */

static bool look(const char *line, size_t start, struct explain_site *site)
{
    *site = (struct explain_site){ 0 };
    struct explainer e = { .line = line, .end = start, .site = site };
    if (start > EXPLAIN_LINE_MAX)
        return true;
    return run(&e);
}

static void words_free(char **words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(words[i]);
    free(words);
}

static void site_free(struct explain_site *site)
{
    free(site->prefix);
    free(site->root);
    words_free(site->words, site->word_count);
}

static enum explain_expects expected(const struct explain_site *site)
{
    const struct explain_values *values = site->option ? explain_values_of(site->program, site->option) : NULL;
    if (site->operator_)
        return EXPLAIN_FILE;
    if (site->prefix && *site->prefix)
        return EXPLAIN_WORD;
    if (values && values->kind == VALUES_GROUP)
        return EXPLAIN_GROUP;
    if (values && values->kind == VALUES_GROUP_FILE)
        return site->option->call && strncmp(site->option->call, "write", 5) == 0 ? EXPLAIN_GROUP_LIMIT
                                                                                  : EXPLAIN_GROUP_FILE;
    if (site->option)
        return EXPLAIN_WORD;
    if (site->command)
        return EXPLAIN_COMMAND;
    if (site->program && (site->program->flags & EXPLAIN_GROUPS))
        return site->program->values && site->program->values->kind == VALUES_GROUP &&
                       !site->program->operands[1].name && strchr(site->program->operands->name, ':')
                   ? EXPLAIN_GROUP
                   : EXPLAIN_GROUP_PATH;
    return site->program && (site->program->flags & EXPLAIN_DIRECTORIES) ? EXPLAIN_DIRECTORY : EXPLAIN_WORD;
}

int explain_place(const char *line, size_t start, struct explain_place *place)
{
    struct explain_site site;
    *place = (struct explain_place){ .first = strspn(line, " \t") >= start };
    if (!look(line, start, &site)) {
        site_free(&site);
        return -1;
    }
    place->expects = expected(&site);
    place->root = take_ptr(&site.root);
    place->words = take_ptr(&site.words);
    place->word_count = site.word_count;
    site.word_count = 0;
    site_free(&site);
    return 0;
}

void explain_place_free(struct explain_place *place)
{
    free(place->root);
    words_free(place->words, place->word_count);
}

struct offering {
    const struct explain_site *site;
    explain_offer_fn *offer;
    void *data;
};

/* Each of the blank-separated names. */
static void offer_names(const struct offering *to, const char *names)
{
    char name[64];
    for (size_t n; *names; names += n + (names[n] == ' ')) {
        n = strcspn(names, " ");
        snprintf(name, sizeof name, "%.*s", (int)n, names);
        to->offer(name, to->data);
    }
}

static void offer_entries(const struct offering *to, const struct explain_entry *entries)
{
    for (; entries && entries->name; entries++)
        to->offer(entries->name, to->data);
}

static void offer_values(const struct offering *to, const struct explain_values *values)
{
    if (values->kind == VALUES_WORD || values->kind == VALUES_LIST)
        offer_entries(to, values->entries);
    else if (values->kind == VALUES_SIGNAL)
        offer_entries(to, explain_signals);
}

static void offer_options(const struct offering *to, const struct explain_program *program)
{
    const struct tool_option *row;
    char text[64];
    bool words = program->flags & EXPLAIN_WORDS, one_dash = program->flags & EXPLAIN_ONE_DASH;
    bool sign = words ? !(program->flags & EXPLAIN_SHORT)
                      : !one_dash; /* of=FILE and --type=TYPE; but `dev LINK`, `-name PATTERN` */
    for (size_t i = 0; (row = explain_row(program, i)); i++) {
        if (row->name)
            snprintf(text, sizeof text, "%s%s%s",
                     words      ? ""
                     : one_dash ? "-"
                                : "--",
                     row->name, sign && row->argument == required_argument ? "=" : "");
        else
            snprintf(text, sizeof text, "-%c", row->letter);
        to->offer(text, to->data);
    }
}

/* `--type=`, `of=` stand before: the option whose value is begun. */
static const struct tool_option *option_begun(const struct explain_site *site)
{
    size_t len = site->prefix ? strlen(site->prefix) : 0;
    if (!site->program || len < 2 || site->prefix[len - 1] != '=')
        return NULL;
    const char *name = site->prefix + strspn(site->prefix, "-");
    return explain_row_named(site->program, name, strcspn(name, "="));
}

void explain_offers(const char *line, size_t start, bool dash, explain_offer_fn *offer, void *data)
{
    struct explain_site site;
    const struct offering to = { &site, offer, data };
    if (look(line, start, &site) && site.program) {
        const struct tool_option *option = site.option ? site.option : option_begun(&site);
        const struct explain_values *values = explain_values_of(site.program, option);
        if (values)
            offer_values(&to, values);
        else if (!option && dash && !site.options_ended && !(site.program->flags & EXPLAIN_WORDS))
            offer_options(&to, site.program);
        else if (!option && !dash && site.operand == 0)
            for (const struct explain_program *verb = site.program->verbs; verb && verb->names; verb++)
                offer_names(&to, verb->names);
        if (!option && !dash && (site.program->flags & EXPLAIN_WORDS))
            offer_options(&to, site.program);
    }
    site_free(&site);
}
