/** Explain: what the words of a command line mean, and which syscall each becomes.
 *
 * Read from the option tables of our tools (the same that parse, complete and print --help) and, for programs that are not ours, from tables of the same shape (mount, ip, ps, kill, tar, ldd,
 * debootstrap …). Nothing is run. The shell's own words (|, >, $( ), variables, builtins) are known too.
 */
#ifndef REPL_TUTOR_EXPLAIN_H
#define REPL_TUTOR_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

struct explain_word {
    size_t start, len; /* in the line, bytes */
    char *meaning;     /* one sentence without its full stop: "a new pid namespace for what is started next" */
    char *syscall;     /* "unshare(CLONE_NEWPID)"; NULL: none of its own */
};

struct explanation {
    struct explain_word *words;
    size_t count;
};

/** Every word of @line that something is known about, in order. Returns 0, or -1 (ENOMEM). A line that is not finished (an open quote) is explained as far as it goes. */
int explain_line(const char *line, struct explanation *explanation);
void explanation_free(struct explanation *explanation);

/** The word at byte @point of @line: the one it is in or right after. One line, at most @width cells, "word  meaning · syscall", cut with an ellipsis. False: nothing is known. */
bool explain_at(const char *line, size_t point, unsigned width, bool ascii, char *text, size_t size);

#endif
