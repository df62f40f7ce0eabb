/** Errors as values. Every engine function that can fail takes `struct err *err` last and returns <0 or NULL.
 *
 * A message says what was asked, of what (in backquotes, the syscall's own name first), and why it failed:
 *     pivot_root into `/srv/root`: Invalid argument
 * @err may be NULL wherever it is taken; the caller then only learns that it failed. Nothing here prints or exits.
 */
#ifndef ENGINE_BASE_ERR_H
#define ENGINE_BASE_ERR_H

#include <stdarg.h>

struct err {
    int code;           /* an errno value; 0: no error */
    char message[1024]; /* one line of UTF-8, no newline, always terminated; too long is cut at the end */
};

/** Set code @errnum and message "FORMATTED: strerror(errnum)". Returns -1, so `return err_set(…)` reads well. */
int err_set(struct err *err, int errnum, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** As err_set, but the message is FORMATTED alone: for failures that strerror would only blur. */
int err_say(struct err *err, int errnum, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Put "FORMATTED: " before the message that is there. Returns -1. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

#endif
