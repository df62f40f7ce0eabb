/** The words of a cell that are not the shell's: lines that begin with `%` and a name of this table.
 *
 *     %lesson 4            a line of its own, anywhere between commands
 *     %%terminal 2         the first line of a cell: the rest of it is for that terminal
 *
 * `%1`, `%%` and `%+`, which bash knows as jobs, stay bash's.
 */
#ifndef REPL_KERNEL_MAGICS_H
#define REPL_KERNEL_MAGICS_H

#include <stddef.h>

struct kernel;

struct magic {
    const char *name;
    const char *argument; /* "N", "[N]": in brackets it may be left out; NULL: it takes nothing */
    /** Do it; with cell_fail when it cannot be done. Where it takes time the cell's phase is what it waits for. */
    void (*run)(struct kernel *kernel, const char *argument);
    const char *help;
};
extern const struct magic magics[];
extern const size_t magic_count;

/** The magic that the @len bytes at @name name, or NULL. */
const struct magic *magic_find(const char *name, size_t len);

#endif
