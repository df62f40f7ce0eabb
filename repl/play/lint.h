/** `teachroot test --lint`, and what every `teachroot test` says before it runs a lesson. */
#ifndef REPL_PLAY_LINT_H
#define REPL_PLAY_LINT_H

#include "repl/lesson/lint.h"

#include <stdio.h>

/** @path as an editor, or a CI service with the repository at hand, can find it: from the working directory on, if it is below. */
const char *lint_path(const char *path);

/** A line a finding, `FILE:LINE: warning: what [rule]`, the file as seen from the working directory. Mistakes are left out unless @mistakes. */
void lint_print(FILE *out, const char *path, const struct lint_report *report, bool mistakes);

/** The same of what is new since @before: warnings that were there already, on whatever line, are left out. */
void lint_print_new(FILE *out, const char *path, const struct lint_report *report, const struct lint_report *before);

struct lint_options {
    FILE *out;
    bool mistakes;    /* are said, and what cannot be read is one; else run_lessons says them */
    bool strict;      /* a warning counts as an error does */
    bool annotations; /* workflow commands of GitHub Actions, which show a finding beside its line */
};

/** Look at each of the lessons as lint_load does and print what was found: of the lessons that lessons.md lists where there are no @names. Returns RUN_MALFORMED if there was a
 * mistake, RUN_FAILED if there was an error, or RUN_OK; @counts gets the numbers of findings. */
int lint_lessons(char *const *names, size_t count, const struct lint_options *options, size_t counts[LINT_LEVELS]);

/** The rules, for --help. */
void lint_print_rules(FILE *out);

#endif
