/** The output formats of the headless verbs; a new one is a new row. */
#ifndef REPL_PLAY_FORMATS_H
#define REPL_PLAY_FORMATS_H

#include "repl/play/run.h"

extern const struct run_format play_formats[]; /* ended by a row without a name */
extern const struct run_format test_formats[];
extern const struct run_format run_progress; /* a line a step, on standard output beside what goes to files */
extern const struct run_format
    run_annotations; /* workflow commands of GitHub Actions, on standard output beside another format */

/* format_tap.c: TAP 13, a test point a step; of play and test alike. */
void tap_begin(struct run_sink *sink, size_t steps);
void tap_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab);
void tap_done(struct run_sink *sink, const struct run_step *step);
void tap_message(struct run_sink *sink, const char *text);

/* format_md.c: Markdown, the lesson with what it printed. */
void md_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab);
void md_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step);
void md_block(struct run_sink *sink, const struct step *step, const struct block *block,
              const struct block_result *result);
void md_check(struct run_sink *sink, const struct step *step, bool passed, const char *said);
void md_done(struct run_sink *sink, const struct run_step *done);
void md_message(struct run_sink *sink, const char *text);
void md_drop(struct run_sink *sink);

/* format_html.c: a page with the lesson, what it printed and a film of it. */
void html_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab);
void html_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step);
void html_begin_block(struct run_sink *sink, const struct step *step, const struct block *block);
void html_block(struct run_sink *sink, const struct step *step, const struct block *block,
                const struct block_result *result);
void html_check(struct run_sink *sink, const struct step *step, bool passed, const char *said);
void html_done(struct run_sink *sink, const struct run_step *done);
void html_message(struct run_sink *sink, const char *text);
void html_output(struct run_sink *sink, unsigned terminal, const char *bytes, size_t len);
void html_end(struct run_sink *sink);
void html_drop(struct run_sink *sink);

/* format_cast.c: an asciicast of the terminals together, and one of each. */
void cast_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab);
void cast_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step);
void cast_begin_block(struct run_sink *sink, const struct step *step, const struct block *block);
void cast_block(struct run_sink *sink, const struct step *step, const struct block *block,
                const struct block_result *result);
void cast_done(struct run_sink *sink, const struct run_step *done);
void cast_bytes(struct run_sink *sink, unsigned terminal, const char *bytes, size_t len);
void cast_finish(struct run_sink *sink);
void cast_drop(struct run_sink *sink);

/* format_json.c: an event a line; of play and test alike. */
void json_begin(struct run_sink *sink, size_t steps);
void json_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab);
void json_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step);
void json_before(struct run_sink *sink, const struct step *step, const char *said);
void json_begin_block(struct run_sink *sink, const struct step *step, const struct block *block);
void json_block(struct run_sink *sink, const struct step *step, const struct block *block,
                const struct block_result *result);
void json_check(struct run_sink *sink, const struct step *step, bool passed, const char *said);
void json_done(struct run_sink *sink, const struct run_step *step);
void json_message(struct run_sink *sink, const char *text);
void json_output(struct run_sink *sink, unsigned terminal, const char *bytes, size_t len);
void json_event(struct run_sink *sink, const struct session_event *event);
void json_end(struct run_sink *sink);
void json_drop(struct run_sink *sink);

/* format_junit.c: a test suite a lesson, a test case a step; of play and test alike. */
void junit_begin(struct run_sink *sink, size_t steps);
void junit_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab);
void junit_block(struct run_sink *sink, const struct step *step, const struct block *block,
                 const struct block_result *result);
void junit_done(struct run_sink *sink, const struct run_step *step);
void junit_message(struct run_sink *sink, const char *text);
void junit_end(struct run_sink *sink);
void junit_drop(struct run_sink *sink);

/* format_ipynb.c: a notebook of one lesson. */
void ipynb_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab);
void ipynb_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step);
void ipynb_block(struct run_sink *sink, const struct step *step, const struct block *block,
                 const struct block_result *result);
void ipynb_check(struct run_sink *sink, const struct step *step, bool passed, const char *said);
void ipynb_done(struct run_sink *sink, const struct run_step *done);
void ipynb_message(struct run_sink *sink, const char *text);
void ipynb_end(struct run_sink *sink);
void ipynb_drop(struct run_sink *sink);

#endif
