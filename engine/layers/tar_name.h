/** Names in archives: bytes that become paths inside a directory, and words in messages. Internal to this room. */
#ifndef ENGINE_LAYERS_TAR_NAME_H
#define ENGINE_LAYERS_TAR_NAME_H

#include "engine/base/err.h"

#include <limits.h>
#include <stddef.h>

/* A tree deeper than this is neither unpacked nor packed. */
enum { TAR_MOST_DEPTH = 200 };

/** Write to @path what @name means inside the target: no `/` at either end, no empty part, no `.`; "" is the target itself. EINVAL: it has a `..`; ENAMETOOLONG. */
int tar_name_inside(const char *name, char path[static PATH_MAX], struct err *err);

/** How many bytes the UTF-8 character at @at has; 0: it is none. */
size_t tar_utf8_length(const char *at);

/** Make a message with names from an archive in it one printable line of UTF-8. */
void tar_name_show(struct err *err);

#endif
