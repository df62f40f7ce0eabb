#include "repl/play/notes.h"

#include "engine/base/cleanup.h"
#include "repl/play/watch.h"
#include "repl/screen/draw.h"
#include "repl/screen/markdown.h"
#include "repl/share/client.h"

#include <curses.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_GONE = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: teachroot notes [SOCKET]\n"
    "The presenter's notes for the demo that is running, on a terminal that the room does not see: what to say\n"
    "at this step, what the next key does, what comes after, and the time against the plan.\n"
    "With several demos SOCKET says which. Without a terminal it prints them as they come.\n"
    "\n"
    "Up, Down, PgUp and PgDn scroll; q or Ctrl-C leaves.\n"
    "\n"
    "      --theme THEME  dark, light or contrast\n"
    "      --ascii        draw with ASCII characters only\n"
    "  -h, --help         say this\n";

struct notes {
    json_t *now; /* the last message; NULL: none yet */
    unsigned top;
    int step;
    char *printed; /* as text: what was said last */
};

static const char *text_of(const struct notes *notes, const char *name)
{
    const char *text = json_string_value(json_object_get(notes->now, name));
    return text ? text : "";
}

static json_int_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static bool take_message(const struct json_t *message, void *data)
{
    struct notes *notes = data;
    json_t *now = json_object_get(message, "notes");
    if (!json_is_object(now))
        return false;
    json_decref(notes->now);
    notes->now = json_incref(now);
    int step = (int)number_of(now, "step");
    if (step != notes->step)
        notes->top = 0;
    notes->step = step;
    return true;
}

/* "12:05", "1:02:05" */
static void clock_words(json_int_t seconds, char *text, size_t size)
{
    unsigned long long all = seconds > 0 ? (unsigned long long)seconds : 0;
    if (all >= 3600)
        snprintf(text, size, "%llu:%02llu:%02llu", all / 3600, all / 60 % 60, all % 60);
    else
        snprintf(text, size, "%llu:%02llu", all / 60, all % 60);
}

/* The time since the demo began, since the step did, and how far that is from the plan: by the end of this step, if it took what it should. */
static void put_times(struct flow *flow, const struct notes *notes)
{
    const json_t *plan = json_object_get(notes->now, "plan");
    json_int_t now = time(NULL), all = now - number_of(notes->now, "began"),
               here = now - number_of(notes->now, "step_began");
    json_int_t before = number_of(plan, "before"), step = number_of(plan, "step"), lesson = number_of(plan, "lesson");
    char elapsed[32], in_step[32], off[32];
    clock_words(all, elapsed, sizeof elapsed);
    clock_words(here, in_step, sizeof in_step);
    flow_format(flow, ROLE_STRONG, "%s", elapsed);
    flow_text(flow, ROLE_TEXT, " in all, ");
    flow_format(flow, ROLE_STRONG, "%s", in_step);
    if (step > 0)
        flow_format(flow, ROLE_TEXT, " in this step, of %lld min", (long long)step);
    else
        flow_text(flow, ROLE_TEXT, " in this step");
    flow_break(flow);
    if (lesson == 0)
        return;
    /* In a step one is where the plan has one as long as the step's own time is not over. */
    json_int_t spare = step * 60 > here ? here : step * 60, behind = all - before * 60 - spare;
    clock_words(behind < 0 ? -behind : behind, off, sizeof off);
    flow_format(flow, ROLE_TEXT, "Plan: %lld of %lld min before this step; ", (long long)before, (long long)lesson);
    if (behind >= 60)
        flow_format(flow, ROLE_NOTICE, "%s behind", off);
    else if (behind <= -60)
        flow_format(flow, ROLE_PASSED, "%s ahead", off);
    else
        flow_text(flow, ROLE_PASSED, "in time");
    flow_break(flow);
}

static void put_next(struct flow *flow, const struct notes *notes)
{
    const char *stage = text_of(notes, "stage"), *said = text_of(notes, "said");
    cleanup_free char *copy = strdup(text_of(notes, "next"));
    char *rest = copy, *line;
    flow_blank(flow);
    flow_format(flow, ROLE_NOTICE,
                strcmp(stage, "running") == 0  ? "Now running"
                : strcmp(stage, "typing") == 0 ? "Now typing"
                                               : "Next key");
    if (strcmp(stage, "by hand") == 0)
        flow_text(flow, ROLE_TEXT, " (after F4: you type by hand now)");
    flow_break(flow);
    while (rest && (line = strsep(&rest, "\n"))) {
        flow_push(flow, "  ", "    ", ROLE_TEXT);
        flow_verbatim(flow, ROLE_TODO, line, strlen(line));
        flow_pop(flow);
    }
    flow_break(flow);
    if (*said) {
        flow_quoted(flow, ROLE_FAILED, said);
        flow_break(flow);
    }
}

static void put_page(struct flow *flow, const struct notes *notes)
{
    const char *about = text_of(notes, "about"), *after = text_of(notes, "after"), *words = text_of(notes, "notes");
    json_int_t step = number_of(notes->now, "step"), steps = number_of(notes->now, "steps");
    put_times(flow, notes);
    flow_blank(flow);
    if (step <= steps)
        flow_format(flow, ROLE_HEADING, "%lld/%lld %s", (long long)step, (long long)steps, text_of(notes, "title"));
    else
        flow_format(flow, ROLE_HEADING, "The end of: %s", text_of(notes, "lesson"));
    if (json_is_true(json_object_get(notes->now, "passed")))
        flow_format(flow, ROLE_PASSED, " %s passed", theme_glyph(flow_theme(flow), GLYPH_PASSED));
    flow_break(flow);
    put_next(flow, notes);
    flow_blank(flow);
    markdown_draw_text(flow, *words ? words : step <= steps ? "No notes for this step." : "");
    if (*after) {
        flow_blank(flow);
        flow_format(flow, ROLE_TEXT, "Then: %s", after);
        flow_break(flow);
    }
    if (step == 1 && *about) {
        flow_blank(flow);
        flow_text(flow, ROLE_HEADING, "The lesson");
        flow_break(flow);
        markdown_draw_text(flow, about);
    }
}

static void draw(const struct rect *rect, const struct theme *theme, void *data)
{
    struct notes *notes = data;
    struct rect page = *rect;
    curs_set(0);
    draw_clear(theme, rect);
    if (page.cols > 8) {
        page.col += 2;
        page.cols -= 4;
    }
    if (!notes->now) {
        draw_text(theme, &page, 0, 0, ROLE_FAINT, "Waiting for the demo.");
        return;
    }
    struct flow *flow = flow_new(theme, page.cols > 100 ? 100 : page.cols);
    if (!flow)
        return;
    put_page(flow, notes);
    size_t count;
    const struct line *lines = flow_lines(flow, &count);
    unsigned most = count > page.rows ? (unsigned)count - page.rows : 0;
    notes->top = notes->top < most ? notes->top : most;
    for (unsigned row = 0; row < page.rows && notes->top + row < count; row++)
        draw_line(theme, &page, row, &lines[notes->top + row]);
    if (notes->top < most)
        draw_text(theme, rect, rect->rows - 1, rect->cols - 1, ROLE_NOTICE, theme_glyph(theme, GLYPH_MORE_BELOW));
    flow_free(flow);
}

static bool on_key(const struct input_event *event, void *data)
{
    struct notes *notes = data;
    unsigned by = event->key == INPUT_KEY_PAGE_UP || event->key == INPUT_KEY_PAGE_DOWN ? 10 : 1;
    if (event->kind != INPUT_KEY)
        return false;
    if (event->key == INPUT_KEY_UP || event->key == INPUT_KEY_PAGE_UP)
        notes->top = notes->top > by ? notes->top - by : 0;
    else if (event->key == INPUT_KEY_DOWN || event->key == INPUT_KEY_PAGE_DOWN)
        notes->top += by; /* drawing knows the end */
    return true;
}

/* ---- as text ---- */

static bool print_message(const struct json_t *message, void *data)
{
    struct notes *notes = data;
    int step = notes->step;
    char *next = NULL;
    if (!take_message(message, data) || strcmp(text_of(notes, "stage"), "building") == 0)
        return false;
    if (notes->step != step) {
        printf("\nStep %lld of %lld: %s\n\n%s\n", (long long)number_of(notes->now, "step"),
               (long long)number_of(notes->now, "steps"), text_of(notes, "title"), text_of(notes, "notes"));
        free(take_ptr(&notes->printed));
    }
    if (asprintf(&next, "Next: %s", text_of(notes, "next")) < 0)
        return false;
    if (!notes->printed || strcmp(notes->printed, next) != 0)
        puts(next);
    free(notes->printed);
    notes->printed = next;
    fflush(stdout);
    return true;
}

/* ---- the command line ---- */

static int say(const struct err *err)
{
    fprintf(stderr, "teachroot notes: %s\n", err->message);
    return EXIT_GONE;
}

static int show(const char *socket, struct theme theme)
{
    struct err err = { 0 };
    struct notes notes = { 0 };
    bool ended = false, tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    struct watcher watcher = {
        .message = tty ? take_message : print_message, .draw = draw, .key = on_key, .clock = true, .data = &notes
    };
    cleanup_close int fd = share_connect(socket, true, &err);
    if (fd < 0)
        return say(&err);
    int result = tty ? watch_on_screen(fd, &watcher, theme, &ended, &err) : watch_as_text(fd, &watcher, &err);
    json_decref(notes.now);
    free(notes.printed);
    if (result < 0)
        return say(&err);
    if (ended)
        puts("The demo has ended.");
    return 0;
}

int notes_main(int argc, char **argv)
{
    static const struct option options[] = { { "ascii", no_argument, NULL, 'a' },
                                             { "theme", required_argument, NULL, 't' },
                                             { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    struct theme theme = watch_look();
    struct err err = { 0 };
    const char *paper = NULL;
    opterr = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        if (c == 'a') {
            theme.ascii = true;
        } else if (c == 't') {
            paper = optarg;
        } else if (c == 'h') {
            fputs(usage, stdout);
            return 0;
        } else {
            fprintf(stderr, "teachroot notes: no such option `%s`: `teachroot notes --help` says what there is\n",
                    argv[optind - 1]);
            return EXIT_USAGE;
        }
    if (optind + 1 < argc || theme_paper(paper, &theme.paper, &err) < 0) {
        fprintf(stderr, "teachroot notes: %s\n", *err.message ? err.message : "one socket, and nothing more");
        return EXIT_USAGE;
    }
    return show(optind < argc ? argv[optind] : NULL, theme);
}
