/** A file that is there whole or not at all: what had its name until then stays until it is.
 *
 * It has no name while it is written (O_TMPFILE), so that nothing is left of it whatever ends the program.
 */
#ifndef ENGINE_BASE_OUTPUT_H
#define ENGINE_BASE_OUTPUT_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct output {
    const char *path; /* NULL: standard output; outlives the output */
    char real[4096];  /* where the name leads */
    char temp[4128];  /* a file beside it; "" if it has no name yet, or is written as it stands */
    int fd;
    bool place; /* it gets its name at the end */
};
/** Open a file for @path with @mode less the umask, standard output for NULL; what is there and is no regular file (a pipe, a device) is written as it stands. Returns 0 or -1. */
int output_open(struct output *output, const char *path, mode_t mode, struct err *err);
/** Flush and name it. Returns 0 or -1. */
int output_commit(struct output *output, struct err *err);
void output_close(struct output *output);

#endif
