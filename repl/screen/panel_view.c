/* The live panel in the lesson shell: in the place of the state pane, or over the whole screen; always the lab's own processes at first. */
#include "repl/panel/panel.h"
#include "repl/panel/scope.h"
#include "repl/screen/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_FDS 256 /* a lab has few processes, and this program has other uses for its files */

struct panel_view {
    struct panel *panel;
    struct loop_source *timer;
    unsigned delay_ms; /* the timer's */
    char lab[64];      /* whose scope was set */
};

static struct panel_view *view_of(const struct screen *screen)
{
    return screen->panel_view;
}

/* The lab may have come, gone, or been built anew since. What else the learner chose to look at stays. */
static void follow_lab(struct screen *screen)
{
    struct panel_view *view = view_of(screen);
    const struct lab *lab = screen->session ? session_lab(screen->session) : NULL;
    const char *name = lab ? lab_name(lab) : "";
    const struct scope *scope = panel_scope(view->panel);
    /* The lab itself, or one of its cgroups. */
    bool ours = scope->kind == SCOPE_LAB || (scope->kind == SCOPE_CGROUP && scope->init) || !*view->lab;
    bool same = strcmp(name, view->lab) == 0 && (!scope->init || !lab || scope->init == lab_init_pid(lab));
    struct scope found;
    if (same || !ours || !*name || scope_lab(name, &found, NULL) < 0)
        return;
    panel_set_scope(view->panel, &found);
    snprintf(view->lab, sizeof(view->lab), "%s", name);
}

static void refresh(void *data)
{
    struct screen *screen = data;
    follow_lab(screen);
    panel_refresh(view_of(screen)->panel);
    screen->dirty |= DIRTY_STATE;
}

/* It is read only while it is looked at. */
static void set_timer(struct screen *screen)
{
    struct panel_view *view = view_of(screen);
    bool looked_at = screen->panel_beside || screen->overlay == OVERLAY_PANEL;
    unsigned delay = panel_delay_ms(view->panel);
    if (looked_at && view->timer && view->delay_ms == delay)
        return;
    loop_remove(view->timer);
    view->timer = looked_at ? loop_add_timer(screen->loop, delay, delay, refresh, screen) : NULL;
    view->delay_ms = delay;
}

static bool begin(struct screen *screen)
{
    char path[4096];
    struct err err = { 0 };
    if (screen->panel_view)
        return true;
    struct panel_view *view = calloc(1, sizeof(*view));
    struct panel_options options = { .theme = &screen->theme,
                                     .keep_fds = KEEP_FDS,
                                     .settings_path = panel_settings_path(path, sizeof(path)) == 0 ? path : NULL };
    if (view)
        view->panel = panel_new(&options, &err);
    if (!view || !view->panel) {
        screen_message(screen, ROLE_FAILED, "%s", view ? err.message : "out of memory");
        free(view);
        return false;
    }
    screen->panel_view = view;
    panel_set_delay(view->panel, 1000);
    return true;
}

void panel_view_beside(struct screen *screen)
{
    if (!begin(screen))
        return;
    screen->panel_beside = !screen->panel_beside;
    if (screen->panel_beside)
        refresh(screen);
    screen_relayout(screen); /* the lens may have had the place */
    if (screen->panel_beside && screen->layout.state.rows == 0)
        screen_message(screen, ROLE_NOTICE,
                       "There is no room beside the terminal for the panel; F11 gives it the whole screen.");
    set_timer(screen);
    screen->dirty |= DIRTY_ALL | DIRTY_CLEAN;
}

void panel_view_whole(struct screen *screen)
{
    if (!begin(screen))
        return;
    overlay_show(screen, OVERLAY_PANEL);
    refresh(screen);
    set_timer(screen);
}

void panel_view_draw(struct screen *screen)
{
    struct rect pane = screen->layout.state, all = { 0, 0, screen->rows, screen->cols };
    if (screen->overlay == OVERLAY_PANEL) {
        panel_draw(view_of(screen)->panel, &all, PANEL_FULL);
        return;
    }
    if (pane.rows == 0)
        return;
    char legend[80];
    snprintf(legend, sizeof(legend), "panel: off %s F11 whole", theme_glyph(&screen->theme, GLYPH_DOT));
    draw_title(&screen->theme, &screen->layout.state_title, ROLE_TITLE, panel_scope(view_of(screen)->panel)->name,
               legend);
    panel_draw(view_of(screen)->panel, &pane, PANEL_NARROW);
}

void panel_view_input(struct screen *screen, const struct input_event *event)
{
    struct panel_view *view = view_of(screen);
    bool leaves = event->kind == INPUT_KEY && event->key == INPUT_KEY_F1 + 10;
    switch (leaves ? PANEL_QUIT : panel_input(view->panel, event)) {
    case PANEL_NOTHING:
        return;
    case PANEL_QUIT:
        overlay_show(screen, OVERLAY_NONE);
        break;
    case PANEL_REFRESH:
        panel_refresh(view->panel);
        break;
    case PANEL_DREW:
        break;
    }
    set_timer(screen);
    screen->dirty |= DIRTY_STATE;
}

void panel_view_end(struct screen *screen)
{
    if (!screen->panel_view)
        return;
    loop_remove(view_of(screen)->timer);
    panel_free(view_of(screen)->panel);
    free(screen->panel_view);
    screen->panel_view = NULL;
}
