#include "engine/tools/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

void tool_parse(struct tool_parser *parser, const struct tool_options *table, int argc, char **argv)
{
    size_t longs = 0;
    *parser = (struct tool_parser){ .table = table, .argc = argc, .argv = argv };
    char *letter = parser->letters;
    if (table->stop)
        *letter++ = '+';
    for (size_t i = 0; i < table->count && i < OPTION_ROWS_MAX; i++) {
        const struct tool_option *row = &table->rows[i];
        if (row->name)
            parser->longs[longs++] =
                (struct option){ .name = row->name,
                                 .val = row->id,
                                 .has_arg = row->argument == OPTION_LONG_OPTIONAL ? optional_argument : row->argument };
        if (!row->letter)
            continue;
        *letter++ = row->letter;
        for (int colons = row->argument == OPTION_LONG_OPTIONAL ? 0 : row->argument; colons > 0; colons--)
            *letter++ = ':';
    }
    optind = 0; /* getopt_long starts anew, the order of operands with it */
}

static int next_id(struct tool_parser *parser)
{
    int id = getopt_long(parser->argc, parser->argv, parser->letters, parser->longs, NULL);
    for (size_t i = 0; i < parser->table->count; i++)
        if (parser->table->rows[i].letter == id)
            return parser->table->rows[i].id;
    return id;
}

static int end(struct tool_parser *parser, int status)
{
    parser->ended = true;
    parser->status = status;
    return -1;
}

int tool_parse_next(struct tool_parser *parser)
{
    int id;
    while ((id = next_id(parser)) == OPTION_EXPLAIN)
        parser->explain = true;
    switch (id) {
    case OPTION_HELP:
        return end(parser, tool_options_help(parser->table, stdout));
    case OPTION_VERSION:
        return end(parser, tool_options_version(parser->table, stdout));
    case OPTION_WRONG: /* getopt_long has said what */
        return end(parser, tool_wrong(parser->table, NULL));
    default:
        return id;
    }
}

int number_parse(const char *text, uint64_t max, uint64_t *number)
{
    char *end;
    text += strspn(text, " \t");
    if (!isdigit((unsigned char)*text))
        return -1;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno || *end || *number > max ? -1 : 0;
}

int id_parse(const char *text, uint32_t *id)
{
    uint64_t number;
    if (number_parse(text, UINT32_MAX - 1, &number) < 0)
        return -1;
    *id = (uint32_t)number;
    return 0;
}

const struct tool_option *tool_option_find(const struct tool_options *table, int id)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].id == id)
            return &table->rows[i];
    return NULL;
}

/* "-m, --mount", and with its argument "-m, --mount[=FILE]". */
static void option_form(const struct tool_option *row, bool with_argument, char *form, size_t size)
{
    bool optional = row->argument == optional_argument || row->argument == OPTION_LONG_OPTIONAL;
    const char *before = optional ? (row->name ? "[=" : "[") : row->name ? "=" : " ";
    char letter[8] = "    ";
    if (row->letter)
        snprintf(letter, sizeof letter, "-%c%s", row->letter, row->name ? ", " : "");
    int n = snprintf(form, size, "%s%s%s", letter, row->name ? "--" : "", row->name ? row->name : "");
    if (with_argument && row->argument != no_argument && (size_t)n < size)
        snprintf(form + n, size - (size_t)n, "%s%s%s", before, row->value ? row->value : "", optional ? "]" : "");
}

static int written(FILE *out)
{
    return fflush(out) == 0 && !ferror(out) ? 0 : 1;
}

/* Columns to write in: of the terminal, if that is where it goes; 80 elsewhere. */
static size_t columns_of(FILE *out)
{
    enum { USUAL = 80, LEAST = 50, MOST = 120 };
    struct winsize size;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return USUAL;
    return size.ws_col < LEAST ? LEAST : size.ws_col > MOST ? MOST : size.ws_col;
}

static size_t characters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* The words of @text, @length bytes, from column @at on; lines after the first begin at @indent. */
static void put_words(FILE *out, const char *text, size_t length, size_t at, size_t indent)
{
    size_t columns = columns_of(out);
    bool first = true;
    for (const char *end = text + length; text < end;) {
        size_t word = strcspn(text, " \n");
        word = word < (size_t)(end - text) ? word : (size_t)(end - text);
        size_t cells = characters(text, word);
        if (!first && at + 1 + cells > columns) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', out);
            at++;
        }
        fwrite(text, 1, word, out);
        at += cells;
        first = false;
        text += word;
        text += text < end;
    }
    fputc('\n', out);
}

/* Where the second column of @line begins, in bytes; 0: it has none, or does not begin with blanks. */
static size_t second_column(const char *line, size_t length)
{
    size_t blanks = strspn(line, " ");
    for (size_t i = blanks; blanks && i + 2 < length; i++)
        if (line[i] == ' ' && line[i + 1] == ' ')
            return i + strspn(line + i, " ");
    return 0;
}

static void put_paragraph(FILE *out, const char *line, size_t length)
{
    size_t second = second_column(line, length), start = second ? second : strspn(line, " ");
    size_t at = characters(line, start), further = start && start < 8 && !second ? 2 : 0;
    if (characters(line, length) <= columns_of(out)) {
        fprintf(out, "%.*s\n", (int)length, line);
        return;
    }
    fwrite(line, 1, start, out);
    put_words(out, line + start, length - start, at, at + further);
}

void tool_text(const char *text, FILE *out)
{
    for (size_t length; *text; text += length + (text[length] != '\0')) {
        length = strcspn(text, "\n");
        put_paragraph(out, text, length);
    }
}

int tool_options_help(const struct tool_options *table, FILE *out)
{
    enum { COLUMN = 30, MEANING = COLUMN + 2 };
    fprintf(out, "usage: %s%s%s\n\n", table->tool, *table->usage ? " " : "", table->usage);
    tool_text(table->summary, out);
    fputc('\n', out);
    for (size_t i = 0; i < table->count; i++) {
        char form[80];
        const char *meaning = table->rows[i].meaning;
        option_form(&table->rows[i], true, form, sizeof form);
        int room = COLUMN - (int)strlen(form);
        fprintf(out, room < 1 ? "  %s\n%*s" : "  %s%*s", form, room < 1 ? MEANING : room, "");
        put_words(out, meaning, strlen(meaning), MEANING, MEANING);
    }
    if (table->notes) {
        fputc('\n', out);
        tool_text(table->notes, out);
    }
    return written(out);
}

int tool_options_version(const struct tool_options *table, FILE *out)
{
    fprintf(out, "%s (teachroot) " TEACHROOT_VERSION "\n", table->tool);
    return written(out);
}

int tool_wrong(const struct tool_options *table, const char *format, ...)
{
    if (format) {
        va_list args;
        va_start(args, format);
        fprintf(stderr, "%s: ", table->tool);
        vfprintf(stderr, format, args);
        fputc('\n', stderr);
        va_end(args);
    }
    fprintf(stderr, "%s: `%s --help` says how it is used\n", table->tool, table->tool);
    return table->wrong;
}

void explain_call(struct tool_explanation *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(e->out, "%2u. ", ++e->calls);
    vfprintf(e->out, format, args);
    fputc('\n', e->out);
    va_end(args);
}

void explain_option(struct tool_explanation *e, int id)
{
    const struct tool_option *row = tool_option_find(e->table, id);
    char form[80];
    if (!row)
        return;
    option_form(row, false, form, sizeof form);
    fprintf(e->out, "      %s: %s\n", form + strspn(form, " "), row->meaning);
}

void explain_why(struct tool_explanation *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("      ", e->out);
    vfprintf(e->out, format, args);
    fputc('\n', e->out);
    va_end(args);
}

int tool_explain(const struct tool_options *table, const struct tool_step *steps, size_t count, const void *request,
                 FILE *out)
{
    struct tool_explanation e = { table, out, 0 };
    for (size_t i = 0; i < count; i++)
        if (!steps[i].wanted || steps[i].wanted(request))
            steps[i].explain(request, &e);
    return written(out);
}

int tool_run(const struct tool_step *steps, size_t count, void *request, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if ((!steps[i].wanted || steps[i].wanted(request)) && steps[i].run(request, err) < 0)
            return -1;
    return 0;
}
