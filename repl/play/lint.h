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

/** Look at each of the lessons as lint_load does and print what was found; @curriculum's own lessons where there are no @names. With @mistakes all of it, and what cannot be
 * read is a mistake; else what run_lessons does not say itself. Returns RUN_MALFORMED if there was a mistake, RUN_FAILED if there was an error (@strict: or a warning), or RUN_OK;
 * @counts gets the numbers of findings. */
int lint_lessons(FILE *out, char *const *names, size_t count, bool mistakes, bool strict, size_t counts[LINT_LEVELS]);

/** The rules, for --help. */
void lint_print_rules(FILE *out);

#endif
