/** The ncurses program: a lesson, a terminal and the kernel's state on one screen. */
#ifndef REPL_SCREEN_SCREEN_H
#define REPL_SCREEN_SCREEN_H

#include "engine/lab/lab.h"
#include "repl/screen/theme.h"

#include <stdbool.h>

/* How a demo's commands are typed. */
enum demo_mode {
    DEMO_TYPED,   /* by themselves, as by hand */
    DEMO_EACH,    /* any key types the next letter, Enter runs the line */
    DEMO_INSTANT, /* whole, and run at once */
    DEMO_MODES,
};
struct demo_options {
    enum demo_mode mode;
    unsigned speed; /* letters a second */
};

struct screen_options {
    const char *
        lesson; /* as the user names it: a number, a path, the start of a title; NULL: the first screen, or where one left off */
    unsigned step;             /* 1-based; 0: where progress left off */
    bool ascii;                /* no glyph beyond ASCII, whatever the locale says */
    struct lab_options lab;    /* name, limits, rootless, offline, tools */
    const char *progress_path; /* NULL: the default place */
    const char *history_path;  /* NULL: beside the progress */
    enum paper paper;
    const struct demo_options *demo; /* NULL: not a demo */
    const char *share_path;          /* where others can follow from the beginning; NULL: nowhere */
    const char *share_group;         /* who; NULL: everybody */
    bool no_journal;                 /* what is done is not written down */
};

/** Run until the user quits. Returns the exit status: 0; 1 it could not be run (said on stderr); 2 the lesson is malformed (each mistake
 * said on stderr as FILE:LINE). */
int screen_main(const struct screen_options *options);

#endif
