/** The output formats of the headless verbs, each in a file of its own (format_*.c); a new one is a new row of a table. */
#ifndef REPL_PLAY_FORMATS_H
#define REPL_PLAY_FORMATS_H

#include "repl/play/run.h"

/* What `--format` takes, the first one if nothing is said; ended by NULL. */
extern const struct run_format *const play_formats[];
extern const struct run_format *const test_formats[];

extern const struct run_format run_text;  /* what a reader would have seen */
extern const struct run_format run_proof; /* the same of a test: what was proved */
extern const struct run_format run_tap, run_md, run_html, run_cast, run_json, run_junit, run_ipynb;

extern const struct run_format run_progress; /* a line a step, on standard output beside what goes to files */
extern const struct run_format
    run_annotations; /* workflow commands of GitHub Actions, on standard output beside another format */

#endif
