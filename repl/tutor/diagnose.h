/** Diagnose: a command that failed becomes what happened, why here, and a way out.
 *
 * The known traps are data (lessons/traps.md, one a heading): what is seen of the command (its words, its exit status, what it printed, the failed syscalls the lens saw) and a fact of the kernel's
 * that is looked up when the rest fits. All words that are shown stand there, none in C; names found on the way (`$path`, `$program` …) are put into them.
 * Nothing is guessed: a trap whose fact does not hold is not said, and where no trap fits nothing is.
 */
#ifndef REPL_TUTOR_DIAGNOSE_H
#define REPL_TUTOR_DIAGNOSE_H

#include "engine/base/err.h"
#include "repl/session/lens.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct traps; /* the table, as read from the file */

/** Read and check the table at @path. NULL with @err set: it is not there, or FILE:LINE and what was expected. */
struct traps *traps_load(const char *path, struct err *err);
void traps_free(struct traps *traps);
size_t traps_count(const struct traps *traps);

/* What is known of a command that ended. Everything is borrowed. */
struct diagnose_command {
    const char *line;   /* as typed; "" if not known */
    int status;         /* as $? */
    const char *output; /* what stood on the screen because of it, CRs dropped; may be cut at its beginning */
    const struct lens_call *const *failures; /* of the lens, oldest first; NULL and 0 without it */
    size_t failure_count;
    pid_t shell; /* host pid of the shell that ran it: facts are looked up as it stands */
    pid_t lab;   /* host pid of the lab's init */
};

struct diagnosis {
    const char *trap; /* its name: "loader-missing"; the table's */
    char *short_text; /* two lines of Markdown: what happened and why here; the way out */
    char *page;       /* the longer page, Markdown */
};

/** The first trap, in the table's order, that fits. Returns 1 and fills @diagnosis (free it), 0: none fits, -1 with @err set. Reads /proc and the lab's file system by policy only; under 20 ms. */
int diagnose(const struct traps *traps, const struct diagnose_command *command, struct diagnosis *diagnosis,
             struct err *err);
void diagnosis_free(struct diagnosis *diagnosis);

#endif
