#include "engine/base/cleanup.h"
#include "repl/screen/markdown.h"
#include "repl/screen/state_sections.h"
#include "repl/screen/view.h"

#include <stdio.h>
#include <string.h>

static struct rect overlay_rect(const struct screen *screen)
{
    return (struct rect){ 0, 0, screen->rows, screen->cols };
}

static void put_help(struct flow *flow)
{
    char name[48];
    flow_text(flow, ROLE_HEADING, "Keys");
    flow_blank(flow);
    for (size_t i = 0; i < key_binding_count; i++) {
        snprintf(name, sizeof(name), "  %-12s", key_bindings[i].name);
        flow_push(flow, name, "              ", ROLE_STRONG);
        flow_text(flow, ROLE_TEXT, key_bindings[i].help);
        flow_pop(flow);
    }
    flow_blank(flow);
    flow_text(flow, ROLE_TEXT,
              "While a program has the whole terminal (vim, less, htop), every key but Ctrl-] is the program's own. "
              "Hold Shift to select text with the mouse.");
    flow_blank(flow);
    flow_text(flow, ROLE_TEXT,
              "Begin to type the step's command and the rest of it stands there in grey: Right, End or Ctrl-E at the "
              "line's end takes it.");
    flow_blank(flow);
    flow_text(flow, ROLE_HEADING, "Commands, at a prompt of bash in the lab or after Ctrl-]");
    flow_blank(flow);
    for (size_t i = 0; i < command_count; i++) {
        char words[32];
        snprintf(words, sizeof(words), "%s%s%s", commands[i].name, commands[i].argument_name ? " " : "",
                 commands[i].argument_name ? commands[i].argument_name : "");
        snprintf(name, sizeof(name), "  %-12s", words);
        flow_push(flow, name, "              ", ROLE_STRONG);
        flow_text(flow, ROLE_TEXT, commands[i].help);
        flow_pop(flow);
    }
    flow_blank(flow);
    flow_text(flow, ROLE_TEXT, "A program of the same name is run with a backslash before it: ");
    flow_word(flow, ROLE_CODE, "\\next");
    flow_text(flow, ROLE_TEXT, ". Numbers alone answer an open question.");
    flow_blank(flow);
    flow_text(flow, ROLE_TEXT,
              "A shell that is no bash (dash, busybox's sh) does not mark its prompt: there these words are the "
              "shell's, and what fails is not diagnosed. The keys work, and Ctrl-].");
}

static void put_lessons(struct flow *flow, const struct screen *screen)
{
    int current = screen_lesson_place(screen);
    flow_text(flow, ROLE_HEADING, "Lessons");
    flow_blank(flow);
    for (size_t i = 0; i < screen->curriculum.count; i++) {
        const struct curriculum_entry *entry = &screen->curriculum.entries[i];
        bool selected = i == screen->overlay_selected;
        char first[32];
        snprintf(first, sizeof(first), "%s %2d  ", selected ? theme_glyph(&screen->theme, GLYPH_CURRENT) : " ",
                 entry->number);
        flow_push(flow, first, "      ", selected ? ROLE_SELECTED : ROLE_TEXT);
        flow_text(flow, selected ? ROLE_SELECTED : ROLE_STRONG, entry->title);
        if ((int)i == current)
            flow_text(flow, ROLE_FAINT, " (this one)");
        if (*entry->summary) {
            flow_break(flow);
            flow_text(flow, ROLE_TEXT, entry->summary);
        }
        flow_pop(flow);
    }
    if (screen->curriculum.count == 0)
        flow_text(flow, ROLE_NOTICE, "No curriculum was found: name a lesson's file when you start teachroot.");
}

static void put_diagnosis(struct flow *flow, const struct screen *screen)
{
    cleanup_free char *page = advice_page(screen->advice);
    flow_text(flow, ROLE_HEADING, "What happened");
    flow_blank(flow);
    if (page)
        markdown_draw_text(flow, page);
}

static void build(struct screen *screen, unsigned width)
{
    unsigned most = screen->overlay == OVERLAY_STATE ? 110 : 78; /* the state is tables, not prose */
    screen->overlay_flow = flow_new(&screen->theme, width > most ? most : width);
    if (!screen->overlay_flow)
        return;
    if (screen->overlay == OVERLAY_HELP && screen->demo)
        demo_put_help(screen->overlay_flow);
    else if (screen->overlay == OVERLAY_HELP)
        put_help(screen->overlay_flow);
    else if (screen->overlay == OVERLAY_LESSONS)
        put_lessons(screen->overlay_flow, screen);
    else if (screen->overlay == OVERLAY_DIAGNOSIS)
        put_diagnosis(screen->overlay_flow, screen);
    else if (screen->overlay == OVERLAY_STATE)
        state_put_page(screen->overlay_flow, &screen->state);
    else if (screen->overlay == OVERLAY_REVIEW)
        review_put(screen->overlay_flow, screen);
    else
        welcome_put(screen->overlay_flow, screen);
}

void overlay_changed(struct screen *screen)
{
    flow_free(screen->overlay_flow);
    screen->overlay_flow = NULL;
}

void overlay_show(struct screen *screen, enum overlay_page overlay)
{
    overlay_changed(screen);
    screen->overlay_top = 0;
    screen->overlay = overlay;
    int place = screen_lesson_place(screen);
    screen->overlay_selected = place > 0 ? (unsigned)place : 0;
    screen->dirty |= DIRTY_ALL | DIRTY_CLEAN;
}

static const char *footer(const struct screen *screen)
{
    bool narrow = screen->cols < 64;
    switch (screen->overlay) {
    case OVERLAY_LESSONS:
        return narrow ? "Enter opens, Esc back" : "Up and Down choose, Enter opens the lesson, Esc goes back";
    case OVERLAY_WELCOME:
        if (screen->curriculum.count == 0)
            return "q quits";
        return narrow ? "Enter begins, l lists, q quits" : "Enter begins, l lists the lessons, q quits";
    case OVERLAY_STATE:
        return narrow ? "PgDn scrolls, Esc back" : "Up, Down, PgUp, PgDn scroll; Esc or F12 goes back";
    case OVERLAY_REVIEW:
    case OVERLAY_DIAGNOSIS:
        if (screen->overlay == OVERLAY_REVIEW && screen->finished)
            return narrow ? "PgDn, Esc back, F2 next"
                          : "Up, Down, PgUp, PgDn scroll; Esc goes back; F2: the next lesson";
        return narrow ? "PgDn scrolls, Esc back" : "Up, Down, PgUp, PgDn scroll; Esc goes back";
    default:
        return narrow ? "PgDn scrolls, Esc back" : "Up, Down, PgUp, PgDn scroll; Esc or F1 goes back";
    }
}

static unsigned page_rows(const struct screen *screen)
{
    return screen->rows > 5 ? screen->rows - 4 : 1;
}

/* Keep the chosen lesson on the page: its line is the one with the mark. */
static void follow_selected(struct screen *screen, const struct line *lines, size_t count)
{
    if (screen->overlay != OVERLAY_LESSONS)
        return;
    for (size_t i = 0; i < count; i++) {
        if (lines[i].count == 0 || lines[i].spans[0].role != ROLE_SELECTED)
            continue;
        if (i < screen->overlay_top)
            screen->overlay_top = (unsigned)i;
        if (i >= screen->overlay_top + page_rows(screen))
            screen->overlay_top = (unsigned)i + 1 - page_rows(screen);
        if (i < 4 && page_rows(screen) > 6)
            screen->overlay_top = 0;
    }
}

void overlay_draw(struct screen *screen)
{
    struct rect all = overlay_rect(screen);
    draw_clear(&screen->theme, &all);
    unsigned wide = screen->overlay == OVERLAY_STATE ? 112 : 80;
    unsigned side = all.cols > wide + 6 ? (all.cols - wide) / 2 : all.cols > 44 ? 2 : 0;
    unsigned top = all.rows > 30 && screen->overlay != OVERLAY_STATE ? 3 : 1;
    struct rect page = { top, side, all.rows - top - 2, all.cols - 2 * side };
    if (!screen->overlay_flow)
        build(screen, page.cols);
    if (!screen->overlay_flow)
        return;
    size_t count;
    const struct line *lines = flow_lines(screen->overlay_flow, &count);
    unsigned most = count > page.rows ? (unsigned)count - page.rows : 0;
    follow_selected(screen, lines, count);
    if (screen->overlay_top > most)
        screen->overlay_top = most;
    for (unsigned row = 0; row < page.rows && screen->overlay_top + row < count; row++)
        draw_line(&screen->theme, &page, row, &lines[screen->overlay_top + row]);
    struct rect bottom = { all.rows - 1, side, 1, all.cols - side };
    unsigned col = draw_text(&screen->theme, &bottom, 0, 0, ROLE_NOTICE, footer(screen));
    if (screen->overlay_top < most) {
        char more[32];
        snprintf(more, sizeof(more), "  %s more%s", theme_glyph(&screen->theme, GLYPH_MORE_BELOW),
                 screen->cols < 64 ? "" : " below");
        draw_text(&screen->theme, &bottom, 0, col, ROLE_FAINT, more);
    }
}

static void open_chosen(struct screen *screen)
{
    if (screen->overlay_selected >= screen->curriculum.count)
        return;
    const char *path = screen->curriculum.entries[screen->overlay_selected].path;
    overlay_show(screen, OVERLAY_NONE);
    struct err err = { 0 };
    if (screen_open_lesson(screen, path, 0, &err) < 0) {
        screen_message(screen, ROLE_FAILED, "%s", err.message);
        if (!screen->session)
            overlay_show(screen, OVERLAY_LESSONS);
    }
}

static void scroll(struct screen *screen, int lines)
{
    if (screen->overlay == OVERLAY_LESSONS) {
        int to = (int)screen->overlay_selected + (lines > 0 ? 1 : -1);
        if (to >= 0 && (size_t)to < screen->curriculum.count)
            screen->overlay_selected = (unsigned)to;
        overlay_changed(screen);
    } else {
        int to = (int)screen->overlay_top + lines;
        screen->overlay_top = to < 0 ? 0 : (unsigned)to; /* drawing knows the end */
    }
    screen->dirty |= DIRTY_ALL;
}

static void close_overlay(struct screen *screen)
{
    if (screen->session)
        overlay_show(screen, OVERLAY_NONE);
    else if (screen->overlay == OVERLAY_WELCOME)
        loop_quit(screen->loop);
    else
        overlay_show(screen, OVERLAY_WELCOME);
}

void overlay_input(struct screen *screen, const struct input_event *event)
{
    if (event->kind == INPUT_MOUSE && (event->button == 4 || event->button == 5))
        scroll(screen, event->button == 4 ? -3 : 3);
    if (event->kind != INPUT_KEY)
        return;
    switch (event->key) {
    case INPUT_KEY_UP:
    case 'k':
        scroll(screen, -1);
        break;
    case INPUT_KEY_DOWN:
    case 'j':
        scroll(screen, 1);
        break;
    case INPUT_KEY_PAGE_UP:
        scroll(screen, -(int)page_rows(screen));
        break;
    case INPUT_KEY_PAGE_DOWN:
    case ' ':
        scroll(screen, (int)page_rows(screen));
        break;
    case INPUT_KEY_ENTER:
        if (screen->overlay == OVERLAY_LESSONS)
            open_chosen(screen);
        else if (screen->overlay == OVERLAY_WELCOME)
            welcome_begin(screen);
        else
            close_overlay(screen);
        break;
    case 'l':
        if (screen->overlay == OVERLAY_WELCOME)
            overlay_show(screen, OVERLAY_LESSONS);
        break;
    case INPUT_KEY_F1 + 1:
        if (screen->overlay != OVERLAY_REVIEW)
            break;
        close_overlay(screen);
        action_run(screen, ACTION_NEXT, NULL);
        break;
    case INPUT_KEY_F1:
    case INPUT_KEY_F12:
    case INPUT_KEY_ESCAPE:
        close_overlay(screen);
        break;
    case 'q':
        if (screen->overlay == OVERLAY_WELCOME)
            loop_quit(screen->loop);
        else
            close_overlay(screen);
        break;
    case 'c': /* Ctrl-C */
        if (event->modifiers == INPUT_CTRL)
            close_overlay(screen);
        break;
    case INPUT_KEY_F1 + 9:
        loop_quit(screen->loop);
        break;
    default:
        break;
    }
}
