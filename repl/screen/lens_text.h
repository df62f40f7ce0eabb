/** The calls of the lens in words, for the pane, the whole page and plain mode; and which of them a filter lets through. */
#ifndef REPL_SCREEN_LENS_TEXT_H
#define REPL_SCREEN_LENS_TEXT_H

#include "repl/session/lens.h"

#define LENS_LINE_SIZE 1400 /* what the longest call needs as a line */

/** Who called: "unshare(71)" with its pid in its own pid namespace; "unshare" when that is not known any more. */
void lens_process_words(const struct lens_call *call, char *buf, size_t size);
/** What came of it: "0", "-1 EINVAL (Invalid argument)", or that it has not returned. @brief: "EINVAL" is enough. */
void lens_result_words(const struct lens_call *call, bool brief, char *buf, size_t size);
/** The whole as one line: "unshare(71) unshare(CLONE_NEWNS) = 0", with "(3 times)" and "(asked for by this step)". */
void lens_line_words(const struct lens_call *call, char *buf, size_t size);

/** Does every word of @filter stand in the call (its process, name, arguments or errno's name)? `failed` asks for those that failed, `-word` for those without it. Upper and lower case are
 * one. The empty filter lets all through. */
bool lens_matches(const struct lens_call *call, const char *filter);

#endif
