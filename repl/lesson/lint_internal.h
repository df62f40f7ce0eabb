/** What the files of the lint share. Private to them.
 *
 * When memory runs out `oom` is set, and lint_load gives up.
 */
#ifndef REPL_LESSON_LINT_INTERNAL_H
#define REPL_LESSON_LINT_INTERNAL_H

#include "repl/lesson/lint.h"
#include "repl/lesson/parse.h"

/* The rows of lint_rules. */
enum lint_rule_id {
    RULE_LINK,
    RULE_REFERENCE,
    RULE_ABSOLUTE_LINK,
    RULE_IMAGE_ALT,
    RULE_LONG_LINE,
    RULE_MISSPELT,
    RULE_CHECK,
    RULE_HINT,
    RULE_NOTES,
    RULE_ESSENCE,
    RULE_WRONG_REASON,
    RULE_RIGHT_REASON,
    RULE_NEEDS,
    RULE_NEEDS_REQUIRES,
    RULE_UNREACHABLE,
    RULE_TERMINAL,
    RULE_ASIDE,
    RULES
};

/* A document that a link may lead to. */
struct lint_target {
    char *path;     /* absolute */
    char **anchors; /* what `#name` may be in it */
    size_t count;
};

struct lint {
    const struct lesson *lesson;
    const struct curriculum *curriculum;
    struct lint_report *report;
    char **lines; /* of the file, no line ends; lines[0] is line 1 */
    size_t line_count;
    struct lint_target *targets; /* the lesson itself is the first */
    size_t target_count;
    bool oom;
};

void lint_say(struct lint *lint, enum lint_rule_id rule, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** Room for one more element after @count of @array; NULL (and oom noted) when there is none. */
void *lint_grow(struct lint *lint, void *array, size_t count, size_t size);
/** @s, noting that it is NULL for want of memory. */
char *lint_kept(struct lint *lint, char *s);

/** The line of @node, or of the nearest one around it that has one. */
int lint_line(cmark_node *node);
/** The first line from @line to @end (0: the file's last) with @text in it; @line if none has it. */
int lint_line_of(const struct lint *lint, const char *text, int line, int end);
/** The line of a quiz's answer @which, counted from 0. */
int lint_answer_line(const struct lint *lint, const struct block *block, size_t which);
/** Cut @text (@len bytes) into lines, without line ends; NULL when memory ran out. */
char **lint_lines(const char *text, size_t len, size_t *count);
void lint_lines_free(char **lines, size_t count);
/** The document that the lines make, front matter left out. NULL when memory ran out. */
cmark_node *lint_document(char *const *lines, size_t count);

/* Each looks for what its rules ask. lint_links also fills the report's list of linked files. */
void lint_links(struct lint *lint);
void lint_texts(struct lint *lint);
void lint_steps(struct lint *lint);
void lint_ways(struct lint *lint);

#endif
