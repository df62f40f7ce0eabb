/** The journal: what one learner did in one lesson, command by command, as it was done. For `teachroot transcript` and the review.
 *
 * A file of JSON lines beside the progress file, `journal/LESSON.jsonl`, 0600, only ever appended to, a line a write, under flock(2): two programs may write at the same
 * time, and what a crash tore is one line, which readers pass over. A command has two lines, one when its shell accepted it and one when it ended, so that the one that
 * ended the lab is there too. It is bounded: what was printed is cut in its middle to JOURNAL_OUTPUT, and at JOURNAL_FILE the file becomes `LESSON.jsonl.1`, in the place of
 * an older one. What was typed while the terminal did not echo is in no line: only commands that a shell accepted and what stood on the screen are.
 *
 * Opened without a path it is kept in memory, without what was printed, and gone with the program: the review of a learner who wants no journal.
 */
#ifndef REPL_LESSON_JOURNAL_H
#define REPL_LESSON_JOURNAL_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_OUTPUT ((size_t)16 * 1024)
#define JOURNAL_FILE ((size_t)1024 * 1024)
#define JOURNAL_CALLS 32

struct journal;

/** `journal/LESSON.jsonl` beside @progress_path, or in the default place (NULL). @lesson is the lesson's file name. malloc'ed; NULL: no memory. */
char *journal_path(const char *progress_path, const char *lesson);

/** Nothing is made before the first line. @path NULL: in memory. NULL only when out of memory. */
struct journal *journal_new(const char *path);
/** The journal of the lesson at @lesson_path; in memory where it is not @wanted, or $TEACHROOT_JOURNAL is `off`. */
struct journal *journal_of_lesson(const char *progress_path, const char *lesson_path, bool wanted);
void journal_free(struct journal *journal);

/* What is written. Texts need not be UTF-8: what is not becomes U+FFFD, and control characters but tab and newline are dropped. Each returns 0, or -1 with @err set. */

/** A command was accepted. Returns its number, by which it is ended; 0 with @err set when it could not be written. */
uint64_t journal_command(struct journal *journal, unsigned step, unsigned terminal, const char *line, struct err *err);
struct journal_end {
    bool nested;              /* it did not end: a shell that it started is at its prompt */
    int status;               /* as $? */
    const char *output;       /* as it stood on the screen */
    const char *const *calls; /* what the kernel was asked, a line each; NULL-terminated; NULL: not known */
};
int journal_ended(struct journal *journal, uint64_t command, const struct journal_end *end, struct err *err);
int journal_answer(struct journal *journal, unsigned step, const char *question, const char *answer, bool right,
                   struct err *err);
int journal_passed(struct journal *journal, unsigned step, struct err *err);

/* What is read. */
struct journal_entry {
    enum journal_kind { JOURNAL_COMMAND, JOURNAL_ANSWER, JOURNAL_PASSED } kind;
    long long time; /* seconds since the epoch, when it began */
    unsigned step, terminal;
    const char *text;                     /* the command; the answer */
    const char *output;                   /* of a command; the question of an answer; "" if none */
    bool ended;                           /* a command: its end is known */
    bool nested;                          /* … it had not ended, but a shell that it started was at its prompt */
    bool right;                           /* an answer */
    int status;                           /* of a command that ended */
    const char *calls[JOURNAL_CALLS + 1]; /* NULL-terminated */
};
struct journal_record {
    struct journal_entry *entries; /* in the order they began */
    size_t count;
    size_t damaged; /* lines that could not be read */
    void *lines;    /* what the strings belong to */
};
/** All there is, the older file first. A journal that is not there is empty. Returns 0, or -1 with @err set. */
int journal_read(const struct journal *journal, struct journal_record *record, struct err *err);
void journal_record_free(struct journal_record *record);

#endif
