/** Explain: what the words of a command line mean, and which syscall each becomes.
 *
 * Read from the option tables of our tools (the same that parse, complete and print --help) and, for programs that are not ours, from tables of the same shape (explain_tables.h: mount, ip, ps,
 * kill, tar, ldd, debootstrap …). Nothing is run and no file is read. The shell's own words (|, >, $( ), variables, builtins) are known too, and a command inside a command (`unshare … chroot DIR bash`,
 * `sh -c '…'`) is explained by its own table.
 *
 * Text is UTF-8 whatever the locale. A line may be cut anywhere: an open quote, half an option. Lines of several rows (a here-document, a loop) are one text with newlines.
 */
#ifndef REPL_TUTOR_EXPLAIN_H
#define REPL_TUTOR_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

struct explain_word {
    size_t start,
        len;       /* in the line, bytes; words may lie inside one another: `f` in `-xzf`, a variable in an operand */
    char *word;    /* as it is said: "-f" for the f of `-xzf`; else its bytes, on one line */
    char *meaning; /* one sentence without its full stop: "new pid namespace for the children: …" */
    char *syscall; /* "unshare(CLONE_NEWPID)", as strace(1) writes it on this system; NULL: none of its own */
};

struct explanation {
    struct explain_word *words;
    size_t count;
};

/** Every word of @line that something is known about, in order; one that lies inside another comes after it. Returns 0, or -1 (ENOMEM). */
int explain_line(const char *line, struct explanation *explanation);
void explanation_free(struct explanation *explanation);

/** The word at byte @point of @line: the one it is in or right after, the innermost of several; in the blanks after a word still that word, so that the line below does not come and go while one
 * types. One line of at most @width cells, "word  meaning · syscall", cut with an ellipsis; @ascii: no other characters. False: nothing is known. */
bool explain_at(const char *line, size_t point, unsigned width, bool ascii, char *text, size_t size);

/** The whole line as a list in Markdown, a word a row. malloc'ed; NULL if nothing is known of it. */
char *explain_markdown(const char *line);

/* What the word that begins at a byte of a line is going to be, by the words before it. */
enum explain_expects {
    EXPLAIN_WORD,        /* nothing special: a file, most likely */
    EXPLAIN_COMMAND,     /* the name of a command */
    EXPLAIN_FILE,        /* a file: it follows a redirection */
    EXPLAIN_DIRECTORY,   /* a directory, and nothing else makes sense */
    EXPLAIN_GROUP,       /* control groups: "cpu,memory:/path" */
    EXPLAIN_GROUP_PATH,  /* the path of a control group */
    EXPLAIN_GROUP_FILE,  /* the name of a control group's file, to be read */
    EXPLAIN_GROUP_LIMIT, /* the same, with `=` and a value after it, to be written */
};
struct explain_place {
    enum explain_expects expects;
    bool first; /* it is the first word of the line */
    char *root; /* `chroot DIR` stands before it: absolute paths are inside DIR; malloc'ed, or NULL */
    char **
        words; /* the name of the command it belongs to (of several inside one another, the innermost that is known) and what follows that before this word, unquoted; malloc'ed, or NULL */
    size_t word_count;
};

/** Where does the word that begins at byte @start of @line stand? Returns 0, or -1 (ENOMEM, and nothing to free). */
int explain_place(const char *line, size_t start, struct explain_place *place);
void explain_place_free(struct explain_place *place);

typedef void explain_offer_fn(const char *word, void *data);
/** Whatever the tables know that may stand at byte @start of @line: options, `ip`'s and docker's verbs, the values of an option (types of `mount -t`, signals). Options only where @dash says that the word
 * begins with one. Each in full, not only those that begin as what is typed. Candidates after a comma or `=` inside a word are the part from @start on. */
void explain_offers(const char *line, size_t start, bool dash, explain_offer_fn *offer, void *data);

#endif
