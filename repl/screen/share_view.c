/* What others see of this screen: its cells, read back from ncurses after each frame, and for the presenter's notes where the demo is. */
#include "repl/screen/utf8.h"
#include "repl/screen/view.h"
#include "repl/share/share.h"

#include <curses.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    attr_t curses;
    unsigned style;
} attributes[] = {
    { A_BOLD, STYLE_BOLD },       { A_DIM, STYLE_DIM },       { A_UNDERLINE, STYLE_UNDERLINE },
    { A_REVERSE, STYLE_REVERSE }, { A_ITALIC, STYLE_ITALIC },
};

/* memset by the caller: cells are compared as bytes. */
static void read_cell(const cchar_t *from, struct share_cell *cell)
{
    wchar_t text[CCHARW_MAX + 1] = L"";
    attr_t attrs;
    short pair;
    int wide_pair = 0, fg = -1, bg = -1;
    getcchar(from, text, &attrs, &pair, &wide_pair);
    if (wide_pair > 0)
        extended_pair_content(wide_pair, &fg, &bg);
    for (size_t i = 0; i < 4 && text[i]; i++)
        cell->chars[i] = (uint32_t)text[i];
    if (!cell->chars[0])
        cell->chars[0] = ' ';
    cell->fg = (short)fg;
    cell->bg = (short)bg;
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
        if (attrs & attributes[i].curses)
            cell->attributes |= attributes[i].style;
}

static void read_row(int row, struct share_cell *cells, int cols)
{
    cchar_t *line = calloc((size_t)cols + 1, sizeof(*line));
    if (!line || mvin_wchnstr(row, 0, line, cols) == ERR) {
        free(line);
        return;
    }
    for (int col = 0; col < cols; col++) {
        read_cell(&line[col], &cells[col]);
        if (utf8_cells(cells[col].chars[0]) == 2 && col + 1 < cols) {
            cells[col + 1] = cells[col];
            memset(cells[col + 1].chars, 0, sizeof(cells[col + 1].chars));
            col++;
        }
    }
    free(line);
}

void share_frame(struct screen *screen)
{
    if (!share_watched(screen->share))
        return;
    int rows, cols, row, col;
    getmaxyx(stdscr, rows, cols);
    getyx(stdscr, row, col);
    struct share_cell *cells = calloc((size_t)rows * (size_t)cols, sizeof(*cells));
    if (!cells)
        return;
    for (int i = 0; i < rows; i++)
        read_row(i, cells + (size_t)i * (size_t)cols, cols);
    move(row, col);
    share_put_screen(screen->share, cells, (unsigned)rows, (unsigned)cols, screen->cursor_shown ? row : -1, col);
    free(cells);
}

/* ---- the presenter's notes ---- */

static const char *const stages[] = {
    [DEMO_BUILDING] = "building", [DEMO_READY] = "ready",       [DEMO_TOLD] = "ready",
    [DEMO_TYPING] = "typing",     [DEMO_RUNNING] = "running",   [DEMO_QUESTION] = "question",
    [DEMO_ANSWER] = "answer",     [DEMO_CHECKING] = "checking", [DEMO_FINISHED] = "finished",
};

/* Minutes that the notes of the steps before @step, and of @step itself, plan for. */
static json_t *plan(const struct lesson *lesson, unsigned step)
{
    unsigned before = 0, now = 0, all = 0;
    for (unsigned i = 1; lesson->steps && i <= lesson->step_count; i++) {
        unsigned minutes = notes_minutes(lesson->steps[i - 1].notes);
        all += minutes;
        before += i < step ? minutes : 0;
        now = i == step ? minutes : now;
    }
    return json_pack("{sisisi}", "before", (int)before, "step", (int)now, "lesson", (int)all);
}

/* JSON takes whole characters alone: drop what was cut off one at the end. */
static void end_whole(char *text)
{
    size_t len = strlen(text), at = len;
    while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
        at--;
    if (at > 0 && utf8_expected((unsigned char)text[at - 1]) > len - at + 1)
        text[at - 1] = '\0';
}

static json_t *notes_message(const struct screen *screen)
{
    const struct demo *demo = screen->demo;
    const struct lesson *lesson = screen->lesson;
    unsigned number = demo->step;
    const struct step *step = number >= 1 && number <= lesson->step_count ? &lesson->steps[number - 1] : NULL;
    const struct step *after = number < lesson->step_count ? &lesson->steps[number] : NULL;
    char next[2048], said[sizeof(demo->said)];
    demo_next_words(screen, next, sizeof(next));
    snprintf(said, sizeof(said), "%s", demo->said);
    end_whole(next);
    end_whole(said);
    return json_pack("{s:s, s:i, s:i, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:o, s:b}", "lesson",
                     lesson->title ? lesson->title : "", "number", lesson->number, "steps", (int)lesson->step_count,
                     "step", (int)number, "title", step ? step->title : "", "notes",
                     step && step->notes ? step->notes : "", "about", lesson->notes ? lesson->notes : "", "after",
                     after ? after->title : "", "stage", demo->live ? "by hand" : stages[demo->stage], "next", next,
                     "said", said, "began", (json_int_t)demo->began, "step_began", (json_int_t)demo->step_began, "plan",
                     plan(lesson, number), "passed", screen->session && session_current_passed(screen->session));
}

void share_changed(struct screen *screen)
{
    screen->share_due = true;
}

void share_notes(struct screen *screen)
{
    if (!screen->share_due)
        return;
    screen->share_due = false;
    if (screen->demo && screen->share && screen->lesson)
        share_put_notes(screen->share, notes_message(screen));
}

/* ---- opening and closing ---- */

static void on_joined(void *data)
{
    struct screen *screen = data;
    screen->dirty |= DIRTY_STATUS;
}

const char *share_begin(struct screen *screen, const char *path, const char *group, struct err *err)
{
    if (!screen->share)
        screen->share = share_new(screen->loop, on_joined, screen);
    if (!screen->share) {
        err_set(err, ENOMEM, "share this session");
        return NULL;
    }
    return path ? share_listen(screen->share, path, group, err)
                : share_listen_own(screen->share, screen->demo ? "demo" : "lesson", screen->demo, err);
}

void share_end(struct screen *screen)
{
    share_free(screen->share);
    screen->share = NULL;
}

void share_command(struct screen *screen, const char *argument)
{
    struct err err = { 0 };
    if (strcmp(argument, "off") == 0) {
        screen_message(screen, ROLE_NOTICE,
                       share_close_others(screen->share) ? "Nobody else can watch any more."
                                                         : "Nobody else could watch.");
        return;
    }
    const char *at = share_begin(screen, *argument ? argument : NULL, NULL, &err);
    if (at)
        screen_message(screen, ROLE_NOTICE, "Who runs `teachroot follow %s` watches this screen. `share off` ends it.",
                       at);
    else
        screen_message(screen, ROLE_FAILED, "%s", err.message);
}
