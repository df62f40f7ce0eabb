/** What is wrong with a lesson, or could be better, as far as can be seen without running it.
 *
 * Three weights. A mistake is the parser's: the lesson cannot be run. An error is something that a reader or the run will meet: a link that leads nowhere, a check that can never
 * pass. Advice is what a good lesson has: hints, notes, lines that fit. Every finding but a mistake belongs to a rule of the table, whose name stands behind it. A plain README is only
 * held to what any text is held to, and told what it was not taken for.
 *
 * Nothing is run and nothing is fetched: a link to the web is looked at for its form alone. Files that the lesson links to are read.
 */
#ifndef REPL_LESSON_LINT_H
#define REPL_LESSON_LINT_H

#include "repl/lesson/curriculum.h"
#include "repl/lesson/lesson.h"

enum lint_level { LINT_ADVICE, LINT_ERROR, LINT_MISTAKE };
#define LINT_LEVELS 3

/** "warning", "error", "mistake": how a finding of that weight is called. */
const char *lint_level_name(enum lint_level level);

struct lint_finding {
    int line; /* in the file, from 1 */
    enum lint_level level;
    const char *rule; /* its name; NULL of a mistake */
    char *what;       /* one line */
};

/* In the order of the lines. */
struct lint_report {
    struct lint_finding *list;
    size_t count;
    size_t counts[LINT_LEVELS];
    char **linked; /* the files that were read because the lesson links to them: absolute paths, each once */
    size_t linked_count;
};

struct lint_rule {
    const char *name;
    enum lint_level level;
    const char *what; /* what it asks for, half a sentence */
};
extern const struct lint_rule lint_rules[];
extern const size_t lint_rule_count;

/** Look at the lesson in the file @path. @curriculum (NULL: there is none) has the lessons that `needs` may name; @known says which features there are. What was found stands in
 * @report, to be freed with lint_free. Returns the lesson, for whoever goes on to run it: NULL when it has mistakes, or, with @err set and nothing found, when it could not be read. */
struct lesson *lint_load(const char *path, const struct curriculum *curriculum, lesson_feature_fn *known,
                         struct lint_report *report, struct err *err);
void lint_free(struct lint_report *report);

#endif
