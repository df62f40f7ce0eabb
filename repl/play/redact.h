/** Takes out of what was played whatever differs from one play to the next, so that a second play gives the same bytes.
 *
 * A real value is replaced by a stand-in of its kind, the same one wherever it comes again in the same lesson; stand-ins are given in the order in which values are first
 * seen. What is replaced: process ids, inodes, namespace ids, dates and times of the days around the play, the names of the host and the lab, names made by mktemp(1), digests, UUIDs,
 * MAC addresses, and what ps(1), time(1) and others measure of a process's memory and time. A number is a process id or an inode only where the words around it say so: under a header's PID, after `pid=`, in /proc/N, or printed by a
 * command that asks for one (`echo $$`, `ls -i`). Sizes of files, loads and counts are left as they are, as is the order of lines that a program sorts by such values, and so are numbers below
 * REDACT_MIN: a new pid namespace gives those pids in the same order each time, and a new file system those inodes.
 *
 * With `--record-redact` a run does this for its formats: the output and the block results they are told are redacted already, and output comes in whole lines, in the order of the
 * terminals, when the block that caused it is over. What a format reads itself (the state, a lens) it has redacted by these functions, with run->redact; that is
 * NULL without the option, and every function here then gives back what it was given.
 */
#ifndef REPL_PLAY_REDACT_H
#define REPL_PLAY_REDACT_H

#include <stddef.h>
#include <stdint.h>

#define REDACT_MIN 10

struct redact;

enum redact_kind {
    REDACT_PID,
    REDACT_INODE,
    REDACT_NAMESPACE, /* the number in `pid:[4026531836]` */
    REDACT_MOUNT,     /* the number of a mount, or of a device that a mount made */
    REDACT_HOST,      /* a name: of the machine */
    REDACT_LAB,
    REDACT_TEMPORARY,
    REDACT_DIGEST, /* hexadecimal digits, of any length from 12 on; a beginning of a known one gets the stand-in's beginning */
    REDACT_UUID,
    REDACT_MAC,
    REDACT_TIME,    /* zeros in place of its digits, a day is that of 2000-01-01 */
    REDACT_MEASURE, /* zero in place of a share of a CPU or of memory, of seconds with a fraction, of milliseconds */
    REDACT_KINDS,
};

/** Knows nothing yet: one for each lesson. NULL: out of memory. */
struct redact *redact_new(void);
void redact_free(struct redact *redact); /* NULL is fine */

/** A name to be replaced wherever it stands as a word, of REDACT_HOST or REDACT_LAB. */
void redact_name(struct redact *redact, enum redact_kind kind, const char *name);

/** What is redacted next was printed by @command, on @terminal. */
void redact_command(struct redact *redact, unsigned terminal, const char *command);

/** @len bytes of @text as they are to be shown; malloc'ed, and NUL-terminated beyond *@redacted_len (may be NULL). NULL: out of memory. Text comes in whole lines: what is cut in two is not known. Escape sequences and
 * CRs may be in it. @terminal (0: none) is whose header and command say what its columns are. */
char *redact_text(struct redact *redact, unsigned terminal, const char *text, size_t len, size_t *redacted_len);

/** The stand-in for a number that a format has of its own: a pid, an inode, a namespace id. */
uint64_t redact_number(struct redact *redact, enum redact_kind kind, uint64_t number);

#endif
