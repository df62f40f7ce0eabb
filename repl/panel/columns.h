/** The columns of the process list: each is one row of a table, with a function that writes a process's value and one that compares two processes. */
#ifndef REPL_PANEL_COLUMNS_H
#define REPL_PANEL_COLUMNS_H

#include "engine/observe/sample.h"

#include <stdbool.h>
#include <stddef.h>

/* What a value depends on besides its process. */
struct column_facts {
    const struct sample_host *host;
    char group_prefix[1024];    /* what every cgroup path in this scope begins with; "" if nothing */
    uint32_t id_base, id_count; /* host ids that are a lab's 0…; id_count 0: no map */
};

struct column {
    const char *name;  /* in settings and menus: "PID" */
    const char *title; /* over the column */
    unsigned width;    /* cells; 0: the rest of the line */
    bool left;         /* aligned to the left */
    bool descending;   /* how it sorts at first: largest first */
    unsigned keep;     /* in a narrow window the lowest goes first; 9 stays */
    unsigned details;  /* of enum sample_detail */
    void (*format)(const struct column_facts *facts, const struct sample_process *process, char *out, size_t size);
    int (*compare)(const struct column_facts *facts, const struct sample_process *a, const struct sample_process *b);
    const char *what;
};
extern const struct column columns[];
extern const size_t column_count;

/** The place in the table of the column called @name, ignoring case; column_count if there is none. */
size_t column_find(const char *name);

/** "0", "812K", "1.5M", "12G": at most five characters. */
void column_bytes(uint64_t bytes, char *out, size_t size);
/** The name of the user with that id on this machine, or its number. Valid until the program ends. */
const char *column_user(const struct column_facts *facts, uid_t uid);

#endif
