/** The kernel spec: what tells Jupyter's clients that there is this kernel, and how it is started. */
#ifndef REPL_KERNEL_INSTALL_H
#define REPL_KERNEL_INSTALL_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/** Where the spec goes: below @prefix (PREFIX/share/jupyter), the user's own directory (@user), or, with neither, the machine's: /usr/local/share/jupyter. Returns 0 or -1. */
int install_directory(const char *prefix, bool user, char *path, size_t size, struct err *err);
/** Write kernel.json and the logo into @directory, which is made; @program is what is run. Each file is whole at every moment. Returns 0 or -1. */
int install_spec(const char *directory, const char *program, struct err *err);

#endif
