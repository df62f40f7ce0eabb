/** What the files of this room share. Nothing outside it includes this. */
#ifndef REPL_SHARE_SHARE_INTERNAL_H
#define REPL_SHARE_SHARE_INTERNAL_H

#include "repl/share/share.h"

#include <jansson.h>

/* place.c: where sockets are */

/** The directory for this user's own sockets, mode 0700, made if it is not there. Returns an fd or -1; @path gets its name. */
int place_directory(char *path, size_t size, struct err *err);
/** Remove what killed programs left in the directory. */
void place_clear(int directory);
/** Bind and listen at @name in @directory, with that mode and group ((gid_t)-1: as it comes). Returns the listening fd or -1 with errno. */
int place_listen(int directory, const char *name, unsigned mode, unsigned group);
/** Does somebody listen there? -1: no such socket. */
int place_alive(int directory, const char *name);

/* frame.c: cells and JSON */

/** Row @cells as runs of one look, trailing blanks of the terminal's own look cut. NULL: no memory. */
json_t *frame_runs(const struct share_cell *cells, unsigned cols);

#endif
