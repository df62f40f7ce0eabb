/** What the files of completion share. Nothing else includes this. */
#ifndef REPL_SCREEN_COMPLETION_INTERNAL_H
#define REPL_SCREEN_COMPLETION_INTERNAL_H

#include "repl/screen/completion.h"

struct found {
    char **list;
    size_t count, size;
};

/* What is asked: where the word stands and what it says so far. */
struct request {
    const struct completion_options *options;
    const char *word; /* as typed */
    char open;        /* the quote open before it */
    char *text;       /* the whole shell word, unquoted: what stands before an open quote too */
    size_t hidden;    /* how many bytes of it stand before @word */
    struct found *found;
};

/** A candidate without a directory in it, if it begins as the word does. */
void completion_offer(struct request *request, const char *name);

/** docker's verbs, options, images and containers. @words: "docker" and what follows it before this word, unquoted. Returns whether nothing but what was offered makes sense there: else files do. */
bool completion_of_docker(struct request *request, char *const *words, size_t count);

#endif
