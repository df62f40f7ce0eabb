/* Lists as docker prints them: a table, or each row by a template. */
#include "engine/docker/format.h"
#include "engine/docker/verbs.h"

#include "engine/base/cleanup.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS 32
/* Of docker's tables: no column is narrower, and so much is between two. */
enum { NARROWEST = 10, GAP = 3 };
/* The same where the terminal has no room for that; and what of a text is left when it has to be cut. */
enum { NARROW_GAP = 2, LEAST = 8 };

static size_t characters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static void measure(const char *line, size_t *widths)
{
    for (size_t column = 0; column < COLUMNS; column++) {
        size_t length = strcspn(line, "\t");
        if (!line[length])
            return;
        size_t width = characters(line, length) + GAP;
        widths[column] = width > widths[column] ? width : widths[column];
        line += length + 1;
    }
}

static void print_line(const char *line, const size_t *widths)
{
    for (size_t column = 0;; column++) {
        size_t length = strcspn(line, "\t");
        fwrite(line, 1, length, stdout);
        if (!line[length] || column == COLUMNS)
            break;
        printf("%*s", (int)(widths[column] - characters(line, length)), "");
        line += length + 1;
    }
    putchar('\n');
}

/* --- a table that is too wide for the terminal --- */

static size_t terminal_width(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : SIZE_MAX;
}

/* A line's column, and its length in bytes; NULL: it has no such column. */
static const char *cell(const char *line, size_t column, size_t *length)
{
    for (; column > 0; column--) {
        line += strcspn(line, "\t");
        if (!*line++)
            return NULL;
    }
    *length = strcspn(line, "\t");
    return line;
}

/* The widest text of each column, in characters. A column that only its heading (line 0) has anything in is 0 wide. Returns how many there are. */
static size_t measure_texts(char *const *lines, size_t count, size_t *widths)
{
    size_t columns = 0, length;
    const char *text;
    for (; columns < COLUMNS && cell(lines[0], columns, &length); columns++) {
        size_t widest = 0;
        for (size_t i = 1; i < count; i++)
            if ((text = cell(lines[i], columns, &length)) && characters(text, length) > widest)
                widest = characters(text, length);
        text = cell(lines[0], columns, &length);
        size_t heading = characters(text, length);
        widths[columns] = widest == 0 && count > 1 ? 0 : widest > heading ? widest : heading;
    }
    return columns;
}

/* Of the columns that give way the widest loses a character at a time, until all fit. */
static void shrink(size_t *widths, size_t columns, unsigned gives, size_t room)
{
    for (;;) {
        size_t total = 0, widest = COLUMNS;
        for (size_t i = 0; i < columns; i++) {
            total += widths[i] ? widths[i] + NARROW_GAP : 0;
            if ((gives & (1U << i)) && widths[i] > LEAST && (widest == COLUMNS || widths[i] > widths[widest]))
                widest = i;
        }
        if (total <= room + NARROW_GAP || widest == COLUMNS)
            return;
        widths[widest]--;
    }
}

static void print_narrow(const char *line, const size_t *widths, size_t columns)
{
    size_t owed = 0, length = 0;
    for (size_t i = 0; i < columns; i++) {
        const char *text = cell(line, i, &length);
        if (!text || !widths[i])
            continue;
        size_t width = characters(text, length), kept = width > widths[i] ? widths[i] - 1 : width, bytes = 0;
        for (size_t n = 0; bytes < length; bytes++)
            if (((unsigned char)text[bytes] & 0xc0) != 0x80 && n++ == kept)
                break;
        printf("%*s%.*s%s", (int)owed, "", (int)bytes, text, kept < width ? "…" : "");
        owed = widths[i] - (kept < width ? kept + 1 : kept) + NARROW_GAP;
    }
    putchar('\n');
}

/* Does a table with those columns fit as it is? */
static bool fits(char *const *lines, size_t count, const size_t *widths, size_t room)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = 0, length;
        const char *text;
        for (size_t column = 0; column <= COLUMNS && (text = cell(lines[i], column, &length)); column++)
            if (text[length] && column < COLUMNS)
                at += widths[column];
            else if (at + characters(text, length) > room)
                return false;
    }
    return true;
}

/* --- what is printed --- */

/* \t and \n as a user of a shell writes them, outside of actions too. */
static char *unescape(const char *text)
{
    char *made = strdup(text), *to = made;
    for (const char *from = text; made && *from; from++)
        if (from[0] == '\\' && (from[1] == 't' || from[1] == 'n'))
            *to++ = *++from == 't' ? '\t' : '\n';
        else
            *to++ = *from;
    if (made)
        *to = '\0';
    return made;
}

struct lines {
    char **lines;
    size_t count;
};

static int make_lines(const struct docker_list *list, const char *text, bool heading, struct lines *lines,
                      struct err *err)
{
    size_t rows = json_array_size(list->rows);
    struct format *format = format_parse(text, err);
    lines->lines = format ? calloc(rows + 2, sizeof *lines->lines) : NULL;
    int result = lines->lines ? 0 : -1;
    if (format && !lines->lines)
        err_set(err, ENOMEM, "list");
    for (size_t i = heading ? 0 : 1; result == 0 && i <= rows; i++) {
        char *line = format_apply(format, i == 0 ? list->headings : json_array_get(list->rows, i - 1), err);
        if (line)
            lines->lines[lines->count++] = line;
        else
            result = -1;
    }
    format_free(format);
    return result;
}

int docker_list_print(const struct docker_list *list)
{
    struct lines lines = { 0 };
    struct err err = { 0 };
    const char *asked = list->format ? list->format : list->quiet ? "{{.ID}}" : "table";
    bool table =
        strncmp(asked, "table", 5) == 0 && (!asked[5] || asked[5] == ' ' || asked[5] == '\\' || asked[5] == '\t');
    if (table) {
        asked += 5;
        asked += strspn(asked, " ");
        if (list->quiet)
            asked = "{{.ID}}";
        else if (!*asked)
            asked = list->standard;
    } else if (strcmp(asked, "json") == 0) {
        asked = "{{json .}}";
    }
    cleanup_free char *text = unescape(asked);
    int result = text ? make_lines(list, text, table && !list->quiet, &lines, &err) : err_set(&err, ENOMEM, "list");
    size_t widths[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        widths[i] = NARROWEST;
    for (size_t i = 0; table && i < lines.count; i++)
        measure(lines.lines[i], widths);
    size_t room = terminal_width(), columns = 0;
    if (result == 0 && table && list->gives && asked == list->standard &&
        !fits(lines.lines, lines.count, widths, room)) {
        columns = measure_texts(lines.lines, lines.count, widths);
        shrink(widths, columns, list->gives, room);
    }
    for (size_t i = 0; i < lines.count; i++) {
        if (result == 0 && columns)
            print_narrow(lines.lines[i], widths, columns);
        else if (result == 0 && table)
            print_line(lines.lines[i], widths);
        else if (result == 0)
            puts(lines.lines[i]);
        free(lines.lines[i]);
    }
    free(lines.lines);
    if (result < 0) {
        docker_error(list->verb, &err);
        return err.code == EINVAL ? 125 : 1;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

int docker_filter_add(struct docker_filters *filters, const struct tool_parser *parser, const char *text,
                      const char *const *known)
{
    size_t key = strcspn(text, "=");
    for (size_t i = 0; known[i]; i++) {
        if (strlen(known[i]) != key || strncmp(known[i], text, key) != 0 || text[key] != '=')
            continue;
        if (filters->count == sizeof filters->filters / sizeof *filters->filters) {
            tool_wrong(parser->table, "too many filters");
            return -1;
        }
        snprintf(filters->filters[filters->count].key, sizeof filters->filters->key, "%s", known[i]);
        filters->filters[filters->count++].value = text + key + 1;
        return 0;
    }
    tool_wrong(parser->table, text[key] == '=' ? "invalid filter '%.*s'" : "invalid filter '%.*s': it is KEY=VALUE",
               (int)key, text);
    return -1;
}

bool docker_label_matches(const json_t *labels, const char *wanted)
{
    size_t key = strcspn(wanted, "=");
    cleanup_free char *name = strndup(wanted, key);
    const char *value = name ? json_string_value(json_object_get(labels, name)) : NULL;
    return value && (!wanted[key] || strcmp(value, wanted + key + 1) == 0);
}
