/** The multi-call program teachroot-tools: one table of small tools, each in a file of its own.
 *
 * To add one: write engine/tools/NAME.c with a `NAME_main`, declare it here, and give it a row in main.c's table. The row's usage text
 * is what `NAME --help` prints: main.c answers that itself, before the tool runs, if --help is the first argument. A tool prints results to stdout and errors to
 * stderr as `NAME: …`, and returns 0, 1 (it failed) or 2 (it was asked wrongly; tool_usage says so).
 */
#ifndef ENGINE_TOOLS_TOOLS_H
#define ENGINE_TOOLS_TOOLS_H

#include <stdbool.h>
#include <stddef.h>

struct tool {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the name it was called by */
    const char *summary;               /* one line, no full stop */
    const char *usage;                 /* all of --help; NULL: the tool answers --help itself */
    bool hidden;                       /* not for people: not in --help, no link in a lab */
};
extern const struct tool tools[];
extern const size_t tool_count;

/** "NAME: FORMATTED" and a pointer to --help on stderr. Returns 2. */
int tool_usage(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** "NAME: FORMATTED" on stderr. Returns 1. */
int tool_error(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

int assert_main(int argc, char **argv);
int chroot_main(int argc, char **argv);
int debootstrap_main(int argc, char **argv);
int enter_main(int argc, char **argv);
int init_main(int argc, char **argv);
int ldcopy_main(int argc, char **argv);
int ldd_main(int argc, char **argv);
int lsns_main(int argc, char **argv);
int nsenter_main(int argc, char **argv);
int pivot_root_main(int argc, char **argv);
int unshare_main(int argc, char **argv);

extern const char debootstrap_usage[];
extern const char ldcopy_usage[];
extern const char ldd_usage[];

#endif
