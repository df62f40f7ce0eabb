/** What the files of redact.h share. Nothing else includes this. */
#ifndef REPL_PLAY_REDACT_INTERNAL_H
#define REPL_PLAY_REDACT_INTERNAL_H

#include "repl/play/redact.h"

#include <stdbool.h>
#include <time.h>

/** Write the stand-in for @real to @text; @real itself where it is none of that kind after all. */
typedef void redact_put_fn(struct redact *redact, enum redact_kind kind, const char *real, char *text, size_t size);

/* The first one that matches at a place has it. */
struct redact_rule {
    enum redact_kind kind;
    redact_put_fn *put;
    unsigned group;      /* of the pattern: what is replaced */
    const char *pattern; /* extended, see regex(7) */
};
#define REDACT_RULES 31
extern const struct redact_rule redact_rules[REDACT_RULES];

redact_put_fn redact_put_number, redact_put_zero, redact_put_name;

/** The number of @real among those of its kind, from 1; with @add it gets the next one if it has none. 0: it has none. */
unsigned redact_known(struct redact *redact, enum redact_kind kind, const char *real, bool add);
/** When the play began. */
time_t redact_now(const struct redact *redact);

#endif
