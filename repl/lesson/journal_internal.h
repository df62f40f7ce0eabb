/** What the files of the journal share. Nothing outside them includes this. */
#ifndef REPL_LESSON_JOURNAL_INTERNAL_H
#define REPL_LESSON_JOURNAL_INTERNAL_H

#include "repl/lesson/journal.h"

struct journal {
    char *path;       /* NULL: in memory */
    int memory;       /* -1: in a file */
    char session[17]; /* tells the commands of one program from another's */
    uint64_t commands;
};

/* journal.c */
int journal_append(struct journal *journal, const char *line, size_t len, struct err *err);

/* journal_lines.c */
/** Add what the lines of @text say to @record. */
int journal_take_lines(struct journal_record *record, const char *text, struct err *err);

#endif
