/** What the files of the parser share. Private to repl/lesson: everyone else reads lesson.h.
 *
 * A mistake is hard, or soft: soft ones are things other tools may write into a README (front matter keys of their own, an `output` fence that follows
 * nothing). They are dropped when the file turns out to be a plain README, and count like any other in a lesson.
 * When memory runs out `oom` is set, whatever is at hand is left half-done and lesson_parse gives the whole lesson up.
 */
#ifndef REPL_LESSON_PARSE_H
#define REPL_LESSON_PARSE_H

#include "repl/lesson/lesson.h"

#include <cmark.h>
#include <locale.h>
#include <regex.h>
#include <stdint.h>
#include <stdarg.h>

/* A string that grows; `s` is always NUL-terminated once something was added. */
struct text {
    char *s;
    size_t len, size;
    bool failed; /* out of memory: nothing was added since */
};
void text_add(struct text *text, const char *s, size_t len);
void text_add_line(struct text *text, const char *line); /* and a newline */
/** The string, malloc'ed ("" if empty), leaving @text empty; NULL when memory ran out. */
char *text_take(struct text *text);
/** A copy of @len bytes without blanks at the ends. */
char *trimmed(const char *s, size_t len);
/** The number of bytes of the UTF-8 character at @s (whole, shortest form, no surrogate), 0 if it is not one. @left > 0. */
size_t utf8_length(const char *s, size_t left);

enum fence_form { FENCE_PLAIN, FENCE_JSON, FENCE_RELAXED, FENCE_RUNME };

/* A fenced (or indented) code block of the document as its source line gives it. */
struct fence {
    cmark_node *node;
    int line;
    enum fence_form form;
    enum node_kind kind;
    enum block_type type; /* of a NODE_KIND_BLOCK */
    char *language;       /* "bash", "" */
    char *info;           /* what stands after it on the line */
    size_t body_at;       /* the bytes of its body that are options of MyST's, not commands */
    bool may_fail;        /* MyST's raises-exception */
    bool left_out;        /* by MyST's skip-execution, or by Runme's excludeFromRunAll or ignore */
    struct fence_pair {
        char *key, *value;
    } * pairs;
    size_t count;
};

struct parser {
    const char *path;
    struct lesson *lesson;
    struct lesson_mistakes mistakes, soft;
    bool oom;
    char **lines; /* the file's lines, no line ends; lines[0] is line 1 */
    size_t line_count;
    struct fence *fences; /* in document order */
    size_t fence_count;
    cmark_node *
        block_node; /* the block that an output or keys fence would belong to: nothing but such fences stands between */
};

void mistake(struct parser *p, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
void soft_mistake(struct parser *p, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
int mistakes_add(struct lesson_mistakes *mistakes, int line, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
int mistakes_join(struct lesson_mistakes *into, struct lesson_mistakes *from);
void mistakes_sort(struct lesson_mistakes *mistakes);

/** @s, noting that it is NULL for want of memory. */
char *kept(struct parser *p, char *s);

/** Room for one more element after @count; NULL (and oom noted) when there is none. */
void *array_grow(struct parser *p, void *array, size_t count, size_t size);
#define ARRAY_ADD(p, array, count)                                                                                     \
    ({                                                                                                                 \
        __typeof__(array) grown_ = array_grow(p, array, count, sizeof *(array));                                       \
        if (grown_) {                                                                                                  \
            (array) = grown_;                                                                                          \
            memset(&(array)[count], 0, sizeof *(array));                                                               \
            (count)++;                                                                                                 \
        }                                                                                                              \
        grown_ ? &(array)[(count)-1] : NULL;                                                                           \
    })

/* values.c: the values that front matter, comments and info strings share. Each returns false when the value is not one. */
bool value_timeout(const char *value, unsigned *ms);
bool value_names(const char *value);
bool value_lens(const char *value);
bool value_exit(const char *value);
/** Does @value name only steps before @step of this lesson (0: only earlier lessons)? Says the mistake itself. */
void check_needs(struct parser *p, int line, const char *value, unsigned step);
/** Names separated by blanks or commas, as single blanks; malloc'ed. */
char *names_list(struct parser *p, const char *value);

/* lesson.c */
/** The bytes of the file, at most one more than a lesson may have, malloc'ed; NULL with @err. */
char *read_file(const char *path, size_t *length, struct err *err);

/* front_matter.c */
/** Does a line of front matter open, or close, it? */
bool is_front_delimiter(const char *line, bool closing);
/** Read the front matter if there is one. Returns the number of lines it takes, delimiters included. */
size_t read_front_matter(struct parser *p);

/* fence.c */
void read_fences(struct parser *p, cmark_node *document);
struct fence *fence_of(const struct parser *p, const cmark_node *node);
void fences_free(struct parser *p);

/* block.c */
/** Make the fence a block of @step. */
void add_block(struct parser *p, struct step *step, const struct fence *fence);
/** Give an output or keys fence to the last block of @step (NULL: there is none before it). */
void attach_fence(struct parser *p, struct step *step, const struct fence *fence);
void block_clear(struct block *block);

/* language.c */
/** The language that @info begins with, however other tools write it; *rest is what stands after it. */
char *read_language(struct parser *p, const char *info, const char **rest);
/** Is it one of those that show a session, where `# ` is root's prompt? */
bool is_session(const char *language);
/** Read the options of a MyST cell at the beginning of its body. */
void read_cell_options(struct fence *fence, const char *body);

/* walk.c */
struct step *add_step(struct parser *p, char *title, int line);
struct step *last_step(const struct parser *p);
/** Show @node in @step (NULL: in the introduction). */
void add_prose(struct parser *p, struct step *step, cmark_node *node);
bool is_heading(cmark_node *node, int level); /* 0: of any level */
/** The comments and hints. Returns the last node taken, or NULL if @node is for reading. */
cmark_node *take_html(struct parser *p, struct step *step, cmark_node *node);
/** The plain text of a node and all below it, malloc'ed; NULL when memory ran out. */
char *node_text(cmark_node *node);
/** Make the document's nodes into steps: of a lesson, one a second-level heading; of a plain README, one a block. */
void walk_lesson(struct parser *p, cmark_node *document);

/* readme.c */
void walk_readme(struct parser *p, cmark_node *document);

/* readme_terminals.c */
struct readme_terminals {
    unsigned current, most; /* where its reader is, and the highest number so far; 0: 1 */
};
/** Which terminal is the last block for, by the @words before it, its info string and the comment it begins with? It is told so, and the block before it in a terminal that the
 * reader leaves, or interrupts, need not end. */
void readme_terminal(struct parser *p, struct readme_terminals *terminals, const char *words,
                     const struct fence *fence);

/* prompts.c */
/** Strip the prompts of a block; in a @session `# ` is root's. Returns the commands alone, malloc'ed; the lines that were output are left out. */
char *strip_prompts(struct parser *p, const char *body, bool session);

/* commands.c */
/** The end of the command that starts at @start: at its last newline or at the end. False if it is not complete there. */
bool command_end(const char *start, const char **end);
/** Cut into complete commands. On an incomplete last one *open_line is its first line in @body, from 1; else 0. NULL-terminated. */
char **cut_commands(struct parser *p, const char *body, int *open_line);

/* output.c, keys.c, quiz.c */
void read_output(struct parser *p, struct block *block, const struct fence *fence);
void read_keys(struct parser *p, struct block *block, const struct fence *fence);
void read_quiz(struct parser *p, struct block *block, const struct fence *fence);
void quiz_free(struct quiz *quiz);

/* regex.c */
/** Until utf8_end, regexes and classes of characters are about UTF-8, whatever the user's locale: a lesson means the same everywhere. */
struct utf8_locale {
    locale_t ours, before;
};
struct utf8_locale utf8_begin(void);
void utf8_end(struct utf8_locale *utf8);
/** Compile an extended regex, @whole lines only or anywhere. Returns false with one line in @why: also for a pattern that could take the machine's
 * memory or time (counts that multiply past 1000, back references, over 512 bytes). */
bool regex_compile(regex_t *regex, const char *pattern, bool whole, int flags, char *why, size_t size);

/* hidden.c */
enum hidden_kind { HIDDEN_SETUP, HIDDEN_CHECK, HIDDEN_TEARDOWN, HIDDEN_NOTES, HIDDEN_WATCH, HIDDEN_KINDS };
/** Does the HTML block @node open the hidden block `check`? */
bool is_check(const cmark_node *node);
/** Take @node if it is a comment: @step is NULL before the first step. Returns false if it is other HTML. */
bool take_comment(struct parser *p, struct step *step, cmark_node *node);
/** If @node opens a hint (`<details>` whose summary is Hint or Solution), add it to @step and return its last node; else NULL. */
cmark_node *take_hint(struct parser *p, struct step *step, cmark_node *node);

#endif
