/** What the files of the panel share. */
#ifndef REPL_PANEL_PANEL_INTERNAL_H
#define REPL_PANEL_PANEL_INTERNAL_H

#include "engine/observe/sample_groups.h"
#include "repl/panel/meters.h"
#include "repl/panel/model.h"
#include "repl/panel/panel.h"
#include "repl/screen/draw.h"

#include <stdio.h>

#define PANEL_COLUMNS 24

enum panel_view { VIEW_PROCESSES, VIEW_GROUPS };
enum panel_entry { ENTRY_NONE, ENTRY_SEARCH, ENTRY_FILTER };
enum panel_menu {
    MENU_NONE,
    MENU_HELP,
    MENU_SETUP,
    MENU_SORT,
    MENU_SIGNAL,
    MENU_USER,
    MENU_SCOPE,
};

struct menu_item {
    char text[160];
    long value;
    bool ticked;
};
struct menu {
    enum panel_menu kind; /* MENU_NONE: closed */
    char title[96];
    struct menu_item *items;
    size_t count, room, selected, top;
    struct rect rect; /* where it was drawn */
    unsigned typed;   /* a number being typed */
};

struct target {
    struct sample_process process; /* as it was when the menu was opened: its strings are not to be used */
};

struct panel_settings {
    size_t column[PANEL_COLUMNS]; /* places in the table of columns */
    size_t column_count;
    unsigned delay_ms;
    bool changed;
};

struct panel {
    const struct theme *theme;
    struct sampler *sampler;
    struct group_sampler *groups; /* NULL: this machine has no cgroups that can be read */
    struct scope scope;
    bool scope_set;
    char *settings_path;
    struct panel_settings settings;
    struct model model;
    bool threads, paused;
    bool some_hidden; /* among the rows last drawn: namespaces that may not be read */
    bool beat;        /* changes with each refresh: what flashes goes by it */

    enum panel_view view;
    size_t group_selected, group_top;
    char group_path[1024]; /* of the selected group */

    size_t shift; /* columns scrolled off at the left */
    enum panel_entry entry;
    char text[64];
    size_t text_len;
    bool not_found;
    char search[64];
    unsigned digits; /* a pid being typed */
    uint64_t digits_at;
    char message[256];
    uint64_t message_until;

    struct menu menu;
    struct target *targets;
    size_t target_count;

    /* Where things were drawn, for the mouse. */
    struct rect rect, header, list, keys;
    enum panel_form form;
};

/* panel.c */
void panel_say(struct panel *panel, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct sample_group *panel_group_at(const struct panel *panel, size_t row);
size_t panel_group_count(const struct panel *panel);
void panel_facts(const struct panel *panel, struct meter_facts *facts);

/* settings.c */
void settings_defaults(struct panel *panel);
void settings_load(struct panel *panel);
void settings_save(struct panel *panel);

/* draw_list.c */
void draw_processes(struct panel *panel, const struct rect *rect, bool narrow);
/** The column whose title is at @col of the last drawn list; column_count: none. */
size_t column_at(const struct panel *panel, unsigned col);
/** @text made fit for the screen: what cannot be shown is `?`, or ASCII where the theme says so. */
void panel_clean(const struct panel *panel, const char *text, char *out, size_t size);
/** Write @text into @cells cells of @row, blanks around it. */
void draw_cell(const struct panel *panel, const struct rect *rect, unsigned row, unsigned col, unsigned cells,
               bool left, enum role role, const char *text);

/* draw_groups.c */
void draw_groups(struct panel *panel, const struct rect *rect);

/* menus.c */
void menu_open(struct panel *panel, enum panel_menu kind);
void menu_draw(struct panel *panel, const struct rect *rect);
enum panel_answer menu_input(struct panel *panel, const struct input_event *event);
void menu_close(struct panel *panel);

/* panel_keys.c */
enum panel_action {
    PANEL_ACTION_NONE,
    PANEL_ACTION_HELP,
    PANEL_ACTION_SETUP,
    PANEL_ACTION_SEARCH,
    PANEL_ACTION_FILTER,
    PANEL_ACTION_TREE,
    PANEL_ACTION_SORT_MENU,
    PANEL_ACTION_NICE_DOWN,
    PANEL_ACTION_NICE_UP,
    PANEL_ACTION_KILL,
    PANEL_ACTION_QUIT,
    PANEL_ACTION_VIEW,
    PANEL_ACTION_SCOPE,
    PANEL_ACTION_INTO,
    PANEL_ACTION_USER,
    PANEL_ACTION_MARK,
    PANEL_ACTION_MARK_CHILDREN,
    PANEL_ACTION_UNMARK,
    PANEL_ACTION_FOLLOW,
    PANEL_ACTION_THREADS,
    PANEL_ACTION_KERNEL,
    PANEL_ACTION_BY_PID,
    PANEL_ACTION_BY_CPU,
    PANEL_ACTION_BY_MEMORY,
    PANEL_ACTION_BY_TIME,
    PANEL_ACTION_INVERT,
    PANEL_ACTION_UNFOLD,
    PANEL_ACTION_FOLD,
    PANEL_ACTION_PAUSE,
    PANEL_ACTION_REDRAW,
    PANEL_ACTION_UP,
    PANEL_ACTION_DOWN,
    PANEL_ACTION_PAGE_UP,
    PANEL_ACTION_PAGE_DOWN,
    PANEL_ACTION_HOME,
    PANEL_ACTION_END,
    PANEL_ACTION_LEFT,
    PANEL_ACTION_RIGHT,
};
struct panel_key {
    uint32_t key;
    unsigned modifiers;
    enum panel_action action;
    const char *label; /* "F3" */
    const char *name;  /* in the line of keys: "Search"; NULL: not there */
    const char *what;  /* in help; NULL: another name of the key above */
    bool processes;    /* only where processes are listed */
};
extern const struct panel_key panel_keys[];
extern const size_t panel_key_count;
void draw_keys(struct panel *panel, const struct rect *rect);
enum panel_answer panel_act(struct panel *panel, enum panel_action action);

#endif
