/** Others see a session, and cannot touch it: the door for the program that is watched.
 *
 * A Unix stream socket in the program's own loop. What is sent are lines of JSON, each an object with one member:
 *     {"share":1}                                                     first of all; the number grows when what follows changes its meaning
 *     {"screen":{"cols":C,"rows":R,"cursor":[ROW,COL] or null,"lines":[[ROW,[["text",FG,BG,ATTRIBUTES],…]],…]}}
 *     {"notes":{…}}                                                   to the presenter's own sockets alone; see notes_message in repl/screen/share_view.c
 * A screen holds the lines that changed since the last one that this client got, in runs of one look: colours are -1 (the terminal's own) or 0…255, attributes are bits of
 * enum style_attribute. Cells are sent, not what was written to a terminal: those who follow have terminals of other sizes, and get nothing that the screen does not show.
 *
 * Nothing is read from a client: its half of the socket is shut as soon as it is there. Each client has one message under way and what it does not take meanwhile is left out, so a
 * slow one, or one that stopped, costs one message of memory and no time. At most SHARE_CLIENTS are served at a time.
 *
 * A program that was killed leaves its sockets behind; whoever listens, or looks for sockets, next removes them.
 */
#ifndef REPL_SHARE_SHARE_H
#define REPL_SHARE_SHARE_H

#include "engine/base/err.h"
#include "repl/session/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARE_VERSION 1
#define SHARE_CLIENTS 32
#define SHARE_SIDE_MAX 1000 /* rows or columns of a screen */

struct json_t;
struct share;

struct share_cell {
    uint32_t chars
        [4]; /* code points, base first, 0-terminated where there are fewer; chars[0] 0: the right half of the wide one before it */
    short fg, bg;        /* -1 the terminal's own, or 0…255 */
    unsigned attributes; /* bits of enum style_attribute */
};

/** @joined is called when somebody has come, who is to see the screen as it is: it need not change for that. NULL: no memory. */
struct share *share_new(struct loop *loop, void (*joined)(void *data), void *data);
/** Closes and removes every socket. NULL is fine. */
void share_free(struct share *share);

/** Listen for this user alone: $XDG_RUNTIME_DIR/teachroot/NAME-PID.sock, mode 0600, or the same name below the state directory. @notes: who connects here gets the notes as well.
 * Returns the path, the share's own, or NULL with @err set. */
const char *share_listen_own(struct share *share, const char *name, bool notes, struct err *err);
/** Listen at @path for the members of @group, or (NULL) for everybody who can reach it. EEXIST: there is something already that is not a socket left behind by this user;
 * ENOENT: no such group, or directory. */
const char *share_listen(struct share *share, const char *path, const char *group, struct err *err);
/** End what share_listen began, and let those who came that way go. Returns whether there was any. */
bool share_close_others(struct share *share);

/** Is anybody there? Else the screen need not be read. */
bool share_watched(const struct share *share);
/** The screen as it now is, rows × cols cells; @cursor_row -1: no cursor is shown. */
void share_put_screen(struct share *share, const struct share_cell *cells, unsigned rows, unsigned cols, int cursor_row,
                      int cursor_col);
/** What the presenter's notes go by: an object, which becomes the share's. */
void share_put_notes(struct share *share, struct json_t *notes);

#endif
