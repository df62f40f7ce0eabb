#include "repl/screen/markdown.h"
#include "repl/screen/view.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>

static struct rect overlay_rect(const struct screen *screen)
{
    return (struct rect){0, 0, screen->rows, screen->cols};
}

static void put_help(struct flow *flow)
{
    char name[32];
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
    flow_text(flow, ROLE_HEADING, "Commands, at the lab's prompt or after Ctrl-]");
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

static void put_welcome(struct flow *flow, const struct screen *screen)
{
    char heading[64];
    snprintf(heading, sizeof(heading), "teachroot %s", TEACHROOT_VERSION);
    flow_text(flow, ROLE_HEADING, heading);
    flow_blank(flow);
    flow_text(flow, ROLE_TEXT,
              "You build a Linux container by hand, one step at a time, in a real terminal. The kernel really does every "
              "step, and a step ticks itself off when the kernel's state says that it is done.");
    flow_blank(flow);
    flow_text(flow, ROLE_STRONG, "Nothing outside the lab can change.");
    flow_text(flow, ROLE_TEXT,
              " You work as root in a copy-on-write view of this machine: what you write, break or delete is gone when you "
              "leave, and the machine never sees it.");
    flow_blank(flow);
    welcome_machine(flow, screen);
    flow_blank(flow);
    welcome_where(flow, screen);
}

static void build(struct screen *screen, unsigned width)
{
    screen->overlay_flow = flow_new(&screen->theme, width > 78 ? 78 : width);
    if (!screen->overlay_flow)
        return;
    if (screen->overlay == OVERLAY_HELP)
        put_help(screen->overlay_flow);
    else if (screen->overlay == OVERLAY_LESSONS)
        put_lessons(screen->overlay_flow, screen);
    else
        put_welcome(screen->overlay_flow, screen);
}

void overlay_show(struct screen *screen, enum overlay overlay)
{
    flow_free(screen->overlay_flow);
    screen->overlay_flow = NULL;
    screen->overlay_top = 0;
    screen->overlay = overlay;
    int place = screen_lesson_place(screen);
    screen->overlay_selected = place > 0 ? (unsigned)place : 0;
    screen->dirty |= DIRTY_ALL | DIRTY_CLEAN;
}
