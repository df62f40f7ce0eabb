/** The live panel: processes, cgroups and what bounds them, drawn into a rectangle of the screen, driven by the keys htop has.
 *
 * The panel owns its samplers and its settings, knows no loop and no lesson: the caller calls panel_refresh as often as panel_delay_ms says, hands it the events that are its own, and
 * has it drawn. Everything is usable without colour, in ASCII, and at 40 columns.
 */
#ifndef REPL_PANEL_PANEL_H
#define REPL_PANEL_PANEL_H

#include "engine/base/err.h"
#include "repl/panel/scope.h"
#include "repl/screen/input.h"
#include "repl/screen/layout.h"
#include "repl/screen/theme.h"

#include <stdbool.h>
#include <stdio.h>

struct panel;

enum panel_form {
    PANEL_FULL,   /* meters, list, line of keys */
    PANEL_NARROW, /* beside a terminal: bars and the processes that use most, nothing to choose */
};

struct panel_options {
    const struct theme *theme; /* borrowed */
    unsigned keep_fds;         /* stat files that may be kept open */
    const char *settings_path; /* NULL: settings are neither read nor saved */
};

/** NULL with @err set: /proc cannot be read. The scope is the host's. */
struct panel *panel_new(const struct panel_options *options, struct err *err);
/** Saves the settings if they were changed, and frees everything. */
void panel_free(struct panel *panel);

void panel_set_scope(struct panel *panel, const struct scope *scope);
const struct scope *panel_scope(const struct panel *panel);
void panel_show_groups(struct panel *panel, bool groups);
void panel_show_tree(struct panel *panel);
/** 100…60000. */
void panel_set_delay(struct panel *panel, unsigned ms);
unsigned panel_delay_ms(const struct panel *panel);

/** Read everything again. A scope that is gone is said on the panel. */
void panel_refresh(struct panel *panel);
void panel_draw(struct panel *panel, const struct rect *rect, enum panel_form form);

enum panel_answer {
    PANEL_NOTHING, /* not one of its events */
    PANEL_DREW,    /* draw it again */
    PANEL_REFRESH, /* read everything again, then draw it */
    PANEL_QUIT,    /* the key for leaving was pressed */
};
/** Rows and columns of mouse events are the screen's. */
enum panel_answer panel_input(struct panel *panel, const struct input_event *event);

/** Write what it shows to @out as text: @groups the cgroup view. Nothing is cut. Returns 0, or -1 if it cannot be written. */
int panel_print(struct panel *panel, FILE *out);

/** "$XDG_CONFIG_HOME/teachroot/top". Returns 0, or -1: there is no home directory. */
int panel_settings_path(char *path, size_t size);

#endif
