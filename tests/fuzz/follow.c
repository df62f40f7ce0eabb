/* Any bytes as what the other side of a followed session sends: it is refused or it is a screen, or notes, that can be shown; nothing that acts on a terminal is in a cell, one reading
 * takes one message, and everything is freed. The first byte says whether the rest is sent as it is or makes messages whose shape is right and whose values are anything. */
#include "repl/play/notes_page.h"
#include "repl/screen/flow.h"
#include "repl/screen/theme.h"
#include "repl/screen/utf8.h"
#include "repl/share/client.h"

#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- What is looked at --- */

struct followed {
    struct share_screen screen;
    struct notes notes;
    unsigned messages;
};

static void check_cell(const struct share_screen *screen, const struct share_cell *cell, unsigned col)
{
    if (cell->fg < -1 || cell->fg > 255 || cell->bg < -1 || cell->bg > 255 || cell->attributes > 31)
        abort();
    if (cell->chars[0] == 0 && (col == 0 || utf8_cells(cell[-1].chars[0]) != 2))
        abort();
    if (utf8_cells(cell->chars[0]) == 2 && (col + 1 == screen->cols || cell[1].chars[0] != 0))
        abort();
    for (unsigned i = 0; i < 4; i++)
        if ((cell->chars[i] > 0 && cell->chars[i] < 0x20) || (cell->chars[i] >= 0x7f && cell->chars[i] < 0xa0) ||
            (cell->chars[i] >= 0x202a && cell->chars[i] <= 0x202e) || cell->chars[i] > 0x10ffff ||
            (i > 0 && cell->chars[i] && (!cell->chars[i - 1] || utf8_cells(cell->chars[i]) != 0)))
            abort();
}

#define CHECKED_ROWS 16 /* of a big screen: looking at a million cells is all that would be done */

static void check_screen(const struct share_screen *screen)
{
    if (screen->rows > SHARE_SIDE_MAX || screen->cols > SHARE_SIDE_MAX || screen->cursor_row >= (int)screen->rows ||
        screen->cursor_col >= (int)screen->cols)
        abort();
    unsigned rows = screen->rows < CHECKED_ROWS ? screen->rows : CHECKED_ROWS;
    for (unsigned row = 0; row < rows; row++)
        for (unsigned col = 0; col < screen->cols; col++)
            check_cell(screen, &screen->cells[(size_t)row * screen->cols + col], col);
}

static void check_notes(const struct notes *notes)
{
    static const struct theme theme = { 0 };
    struct flow *flow = flow_new(&theme, 78);
    size_t count = 0;
    if (!flow)
        return;
    notes_put_page(flow, notes, 1700000000);
    const struct line *lines = flow_lines(flow, &count);
    for (size_t i = 0; i < count; i++)
        if (lines[i].cells > 78)
            abort();
    flow_free(flow);
}

static FILE *nowhere;

static void on_message(const struct json_t *message, void *data)
{
    struct followed *followed = data;
    followed->messages++;
    if (share_screen_take(&followed->screen, message))
        check_screen(&followed->screen);
    if (notes_print(nowhere, &followed->notes, message) || followed->notes.now)
        check_notes(&followed->notes);
}

/* --- What is sent --- */

struct source {
    const uint8_t *data;
    size_t size, at;
};

static uint8_t next_byte(struct source *source)
{
    return source->at < source->size ? source->data[source->at++] : 0;
}

static json_t *any_value(struct source *source, unsigned depth);

static json_t *any_text(struct source *source)
{
    size_t len = next_byte(source), left = source->size - source->at;
    len = len < left ? len : left;
    json_t *text = json_stringn((const char *)source->data + source->at, len);
    source->at += len;
    return text ? text : json_string("\033[31m\u202e\u0301x");
}

static json_t *any_number(struct source *source)
{
    static const json_int_t numbers[] = { -1, 0, 1, 24, 80, 255, 256, 1001, INT32_MAX, INT64_MIN, INT64_MAX };
    uint8_t which = next_byte(source);
    return json_integer(which < sizeof numbers / sizeof *numbers ? numbers[which] : which);
}

static json_t *any_array(struct source *source, unsigned depth)
{
    json_t *array = json_array();
    for (unsigned count = next_byte(source) % 8; count > 0; count--)
        json_array_append_new(array, any_value(source, depth + 1));
    return array;
}

static json_t *any_value(struct source *source, unsigned depth)
{
    switch (next_byte(source) % (depth > 6 ? 3 : 5)) {
    case 0:
        return any_number(source);
    case 1:
        return any_text(source);
    case 2:
        return json_null();
    default:
        return any_array(source, depth);
    }
}

static json_t *any_line(struct source *source)
{
    json_t *runs = json_array();
    for (unsigned count = next_byte(source) % 6; count > 0; count--)
        json_array_append_new(runs, next_byte(source) % 8 == 0
                                        ? any_value(source, 0)
                                        : json_pack("[oooo]", any_text(source), any_number(source), any_number(source),
                                                    any_number(source)));
    return json_pack("[oo]", any_number(source), runs);
}

static json_t *any_screen(struct source *source)
{
    json_t *lines = json_array();
    for (unsigned count = next_byte(source) % 12; count > 0; count--)
        json_array_append_new(lines, any_line(source));
    return json_pack("{s{sosososo}}", "screen", "cols", any_number(source), "rows", any_number(source), "cursor",
                     any_value(source, 5), "lines", lines);
}

static json_t *any_notes(struct source *source)
{
    static const char *const names[] = { "lesson", "title", "notes", "about", "after",      "stage", "next",
                                         "said",   "steps", "step",  "began", "step_began", "passed" };
    static const char *const plans[] = { "before", "step", "lesson" };
    json_t *notes = json_object(), *plan = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_object_set_new(notes, names[i], i < 8 ? any_text(source) : any_number(source));
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        json_object_set_new(plan, plans[i], any_number(source));
    json_object_set_new(notes, "plan", plan);
    return json_pack("{so}", "notes", notes);
}

static char *messages(struct source *source)
{
    char *all = strdup("{\"share\":1}\n");
    while (all && source->at < source->size) {
        json_t *message = next_byte(source) % 2 ? any_screen(source) : any_notes(source);
        char *text = message ? json_dumps(message, JSON_COMPACT) : NULL, *more = NULL;
        json_decref(message);
        if (asprintf(&more, "%s%s\n", all, text ? text : "{}") < 0)
            more = NULL;
        free(text);
        free(all);
        all = more;
    }
    return all;
}

/* --- A session --- */

static void follow(const char *bytes, size_t size)
{
    struct followed followed = { .screen = { 0 } };
    struct share_reader reader = { 0 };
    struct err err;
    int pair[2], more = 1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        abort();
    for (size_t at = 0; more > 0;) {
        ssize_t sent = at < size ? write(pair[0], bytes + at, size - at) : 0;
        at += sent > 0 ? (size_t)sent : 0;
        if (at == size)
            shutdown(pair[0], SHUT_WR);
        unsigned before = followed.messages;
        more = share_read(&reader, pair[1], on_message, &followed, &err);
        if (followed.messages > before + 1)
            abort(); /* the keyboard would have to wait */
    }
    close(pair[0]);
    close(pair[1]);
    share_reader_free(&reader);
    share_screen_free(&followed.screen);
    notes_free(&followed.notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!nowhere) {
        setlocale(LC_ALL, "C.UTF-8");
        nowhere = fopen("/dev/null", "we");
    }
    if (size == 0)
        return 0;
    if (data[0] % 2) {
        follow((const char *)data + 1, size - 1);
        return 0;
    }
    struct source source = { data, size, 1 };
    char *text = messages(&source);
    if (text)
        follow(text, strlen(text));
    free(text);
    return 0;
}
