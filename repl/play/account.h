/** What a step did, kept until it is over: each block's commands, what they printed and how they ended. For documents, in which prose and output stand in the lesson's order.
 *
 * Text is valid UTF-8 in which nothing is left but characters, tabs and newlines: sequences and other control characters are taken out.
 */
#ifndef REPL_PLAY_ACCOUNT_H
#define REPL_PLAY_ACCOUNT_H

#include "repl/play/run.h"

struct account_command {
    char *command, *output;
    int wait_status;
    bool nested; /* a shell in the shell is at its prompt, and it has not ended */
};

struct account_block {
    const struct block *block;
    bool run;
    char *skipped;                    /* why it was not; NULL */
    struct account_command *commands; /* of a command block */
    size_t command_count;
    char *output; /* of another one */
    int wait_status;
    char *wrong; /* how it is not as stated; NULL */
    char *page;  /* what a format made of it; freed with it; NULL */
};

struct account {
    const struct step *step;
    struct account_block *blocks; /* one for each of the step's */
    char *said;                   /* what the check said; NULL */
    bool checked, passed;
};

/** Begin with @step; what was kept is gone. Out of memory leaves no blocks. */
void account_begin(struct account *account, const struct step *step);
void account_block(struct account *account, const struct block *block, const struct block_result *result);
void account_check(struct account *account, bool passed, const char *said);
void account_free(struct account *account);
/** That of @block, or NULL. */
struct account_block *account_find(const struct account *account, const struct block *block);

/** @len bytes that a program printed, as text; malloc'ed, NULL when out of memory. */
char *account_text(const char *bytes, size_t len);

/* The pieces that a document has of a step, in their order. */
struct account_visitor {
    void (*prose)(struct cmark_node *node, void *data); /* as it is, or with all that is in it */
    void (*block)(const struct account_block *block, void *data);
};
/** Tell the prose and the blocks of @account's step: a block where it stands, or after the list that holds it; a hidden one at the end. */
void account_visit(const struct account *account, const struct account_visitor *visitor, void *data);

/** How a command ended, in words ("ended with status 3"), or "" if there is nothing to say. Returns @buf. */
const char *account_ending(int wait_status, char *buf, size_t size);

#endif
