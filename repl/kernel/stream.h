/** What commands print, on its way to the client: gathered, so that a flood of output is a few large messages, and cut only between whole characters.
 *
 * Whole lines are sent within 20 ms. A line that is not ended waits 200 ms for its rest: a prompt is one, which is then not output but what an input_request asks (stream_take_line).
 * Of bytes that are no UTF-8 U+FFFD is made.
 */
#ifndef REPL_KERNEL_STREAM_H
#define REPL_KERNEL_STREAM_H

#include <jansson.h>
#include <stddef.h>

struct kernel;

/** @text as a JSON string, with U+FFFD for what is no UTF-8. */
json_t *stream_text(const char *text, size_t len);

/** @name: "stdout" or "stderr". */
void stream_put(struct kernel *kernel, const char *name, const char *bytes, size_t len);
void stream_print(struct kernel *kernel, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** Send all of it now. */
void stream_flush(struct kernel *kernel);
/** Take the unended line at the end of what was not sent yet: malloc'ed, "" if there is none; NULL: no memory. */
char *stream_take_line(struct kernel *kernel);
void stream_free(struct kernel *kernel);

#endif
