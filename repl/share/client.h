/** Following a session: the door for the programs that watch. What comes is checked before it is believed; nothing is ever sent. */
#ifndef REPL_SHARE_CLIENT_H
#define REPL_SHARE_CLIENT_H

#include "repl/share/share.h"

/** Connect to the socket at @path, or (NULL) to the one that this user's programs have: @demos of demos alone. Returns the fd, or -1 with @err set: ENOENT there is none; EEXIST there are
 * several, which the message names. */
int share_connect(const char *path, bool demos, struct err *err);

struct share_reader {
    char *line; /* what has come of one */
    size_t len, room;
    bool greeted;
};
typedef void share_message_fn(const struct json_t *message, void *data);
/** Read what is there of one message, and give it out when it is whole: whoever sends many does not keep the caller busy. Returns 1, 0 at the end of the session, or -1 with @err set: EPROTO what comes is no session of this program's, or one of
 * another version. */
int share_read(struct share_reader *reader, int fd, share_message_fn *each, void *data, struct err *err);
void share_reader_free(struct share_reader *reader);

/* What the other side shows. */
struct share_screen {
    unsigned rows, cols;
    int cursor_row, cursor_col; /* -1: no cursor */
    struct share_cell *cells;
};
/** Take in a message. Returns whether it was one of a screen, and a possible one: no other changes anything. */
bool share_screen_take(struct share_screen *screen, const struct json_t *message);
void share_screen_free(struct share_screen *screen);

#endif
