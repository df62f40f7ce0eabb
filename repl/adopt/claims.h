/** What changed in the lab during a step, as the words of `assert` say it.
 *
 * Claims are made from what was seen while the steps ran once, and proved when they run again: one that holds before its step, or not after it, is given up.
 */
#ifndef REPL_ADOPT_CLAIMS_H
#define REPL_ADOPT_CLAIMS_H

#include "engine/base/err.h"
#include "repl/session/session.h"

#include <time.h>

enum claim_subject {
    CLAIM_TERMINAL,
    CLAIM_MOUNT,
    CLAIM_PROCESS,
    CLAIM_GROUP,
    CLAIM_LINK,
    CLAIM_IMAGE,
    CLAIM_FILE,
    CLAIM_LAST
};

struct adopt_claim {
    enum claim_subject subject;
    char *text;     /* bash: "assert file /root/x" */
    unsigned group; /* of claims that say the same, the first that holds is taken; 0: it is its own */
    bool before, after;
};
struct adopt_claims {
    struct adopt_claim *list;
    size_t count;
    unsigned groups;
};

/** Add one, formatted. Returns 0 or -1 (ENOMEM). The same text is added once. */
int claims_add(struct adopt_claims *claims, enum claim_subject subject, unsigned group, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void claims_free(struct adopt_claims *claims);
#define CLAIMS_OF_A_CHECK 8
/** Those that are proved, at most @max, best first, into @kept. Returns how many. */
size_t claims_proved(const struct adopt_claims *claims, const struct adopt_claim **kept, size_t max);

/** @text as one word of bash's; malloc'ed. */
char *claims_word(const char *text);
/** The first line of @text, cut after @most bytes, as a glob that finds it, and that as one word: what would be special stands for itself. @around (a `*`, or "") is before and after it. malloc'ed. */
char *claims_glob(const char *text, size_t most, const char *around);

/* What the kernel and the lab's files said at one moment. */
struct lab_picture;
struct lab_picture *picture_take(struct session *session, struct err *err);
void picture_free(struct lab_picture *picture);
/** What changed from @before to now. Returns 0 or -1. */
int picture_compare(const struct lab_picture *before, const struct lab_picture *now, struct adopt_claims *claims);

/* Files that were seen to be made, so that it is seen when they go. */
struct made_files {
    char **list;
    size_t count;
};
void made_files_free(struct made_files *made);
/** Files made or written in the lab of @session since @since (CLOCK_REALTIME_COARSE), which are added to @made, and those of it that are gone. Returns 0 or -1. */
int files_changed(struct session *session, const struct timespec *since, struct made_files *made,
                  struct adopt_claims *claims);

#endif
