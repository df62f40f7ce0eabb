/** Watching a session of another program on a screen of one's own: what `follow` and `notes` share. */
#ifndef REPL_PLAY_WATCH_H
#define REPL_PLAY_WATCH_H

#include "engine/base/err.h"
#include "repl/screen/input.h"
#include "repl/screen/layout.h"
#include "repl/screen/theme.h"

#include <stdbool.h>

struct json_t;

struct watcher {
    bool (*message)(const struct json_t *message, void *data); /* is it to be drawn anew? */
    void (*draw)(const struct rect *screen, const struct theme *theme, void *data);
    bool (*key)(const struct input_event *event,
                void *data); /* as for a message; q, Ctrl-C and F10 leave and never come here. May be NULL */
    bool clock;              /* draw once a second */
    void *data;
};

/** Take the user's locale, and the theme that fits its charset. */
struct theme watch_look(void);

/** Watch the session behind @fd on this terminal until it ends, or the user leaves. Returns 0, or -1 with @err set: ENOTTY no terminal; EPROTO not a session. @ended tells whether the session
 * did. */
int watch_on_screen(int fd, const struct watcher *watcher, struct theme theme, bool *ended, struct err *err);
/** The same without a terminal: each message is given to the watcher, which prints it, until the session ends or a signal comes. */
int watch_as_text(int fd, const struct watcher *watcher, struct err *err);

#endif
