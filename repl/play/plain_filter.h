/** A terminal's output made fit for reading in order: escape sequences out, the shell's marks (OSC 133) told apart. */
#ifndef REPL_PLAY_PLAIN_FILTER_H
#define REPL_PLAY_PLAIN_FILTER_H

#include <stdbool.h>
#include <stddef.h>

struct plain_filter {
    bool keep; /* the reader's terminal understands escape sequences: let them through, but for queries and titles */
    enum { FILTER_TEXT, FILTER_ESCAPE, FILTER_CSI, FILTER_STRING, FILTER_STRING_ESCAPE } state;
    bool osc;           /* the string is an OSC */
    char sequence[128]; /* what has been read of it; longer ones are not let through */
    size_t len;
};

struct plain_filter_events {
    void (*text)(const char *bytes, size_t len, void *data);
    void (*mark)(char mark, void *data); /* 'A' … 'D' */
    void *data;
};

void plain_filter_feed(struct plain_filter *filter, const char *bytes, size_t len,
                       const struct plain_filter_events *events);

#endif
