/** Diagnose: a command that failed becomes what happened, why here, and a way out.
 *
 * The known traps are data (lessons/traps.md, one a heading): what is seen of the command (its words, its exit status, what it printed, the failed syscalls the lens saw) and facts of the kernel's
 * that are looked up when the rest fits. All words that are shown stand there, none in C; names found on the way (`$path`, `$program` …) are put into them.
 * Nothing is guessed: a trap whose facts do not hold, or cannot be known, is not said, and where no trap fits nothing is. How a trap is written: lessons.md, "Traps".
 */
#ifndef REPL_TUTOR_DIAGNOSE_H
#define REPL_TUTOR_DIAGNOSE_H

#include "engine/base/err.h"
#include "repl/lesson/lesson.h"
#include "repl/session/lens.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct traps; /* the table, as read from the file */

/** Read and check the table at @path. NULL: with @mistakes filled (the table is malformed), or with @err set and no mistakes (it could not be read). */
struct traps *traps_load(const char *path, struct lesson_mistakes *mistakes, struct err *err);
/** The same from memory. */
struct traps *traps_parse(const char *path, const char *text, size_t len, struct lesson_mistakes *mistakes,
                          struct err *err);
/** The table beside the curriculum, lessons/traps.md. A mistake in it is an error: the first one, as FILE:LINE. */
struct traps *traps_open(struct err *err);
void traps_free(struct traps *traps);
size_t traps_count(const struct traps *traps);
const char *traps_name(const struct traps *traps, size_t index);

#define DIAGNOSE_UNFINISHED (-1) /* status: the line is not a whole command yet, and the shell waits for the rest */

/* What is known of a command that ended. Everything is borrowed. */
struct diagnose_command {
    const char *line;   /* as typed; "" if not known */
    int status;         /* as $?, or DIAGNOSE_UNFINISHED */
    const char *output; /* what stood on the screen because of it, CRs dropped; may be cut at its beginning */
    const struct lens_call *const *failures; /* of the lens, oldest first; NULL and 0 without it */
    size_t failure_count;
    pid_t shell; /* host pid of the shell that ran it: facts are looked up as it stands */
    pid_t lab;   /* host pid of the lab's init */
};

struct diagnosis {
    const char *trap; /* its name: "loader-missing"; the table's */
    char *short_text; /* Markdown, two paragraphs: what happened and why here; the way out */
    char *page;       /* the longer page, Markdown; the short text is not in it */
};

/** The first trap, in the table's order, that fits. Returns 1 and fills @diagnosis (free it), 0: none fits, -1 with @err set. Reads /proc and the lab's file system by policy only; under 20 ms. */
int diagnose(const struct traps *traps, const struct diagnose_command *command, struct diagnosis *diagnosis,
             struct err *err);
void diagnosis_free(struct diagnosis *diagnosis);

#endif
