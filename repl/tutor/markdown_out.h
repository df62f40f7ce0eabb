/** Writing Markdown that says just what it is given: nothing in a text can end its fence, open a heading or become HTML. For transcripts and reviews. */
#ifndef REPL_TUTOR_MARKDOWN_OUT_H
#define REPL_TUTOR_MARKDOWN_OUT_H

#include <stdio.h>

/** @text as a code block: behind a fence longer than any in it. */
void markdown_out_block(FILE *out, const char *info, const char *text);
/** The first line of @text as code in a sentence, with an ellipsis after it if there are more. */
void markdown_out_code(FILE *out, const char *text);
/** @text as words behind others on a line: what Markdown or HTML would take for its own there is escaped, and lines are joined. */
void markdown_out_words(FILE *out, const char *text);

#endif
