/** How the shell would cut and quote a line that is still being typed. Looks at text only. */
#ifndef REPL_SCREEN_SHELL_WORDS_H
#define REPL_SCREEN_SHELL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/** Is the byte at @index of @line quoted: after a backslash, or inside quotes (the quotes themselves are not)? */
bool shell_is_quoted(const char *line, size_t index);
/** The quote that is open at @index: '"', '\'' or 0. */
char shell_open_quote(const char *line, size_t index);

/** The characters that begin a new word for completion at @point. After a `=` in a word, `,` and `:` too: mount options and search paths list paths. */
const char *shell_word_breaks(const char *line, size_t point);

/** @word without its quoting, malloc'ed. @open is the quote open before it (0: none). */
char *shell_unquote(const char *word, char open);
/** @text quoted so that the shell reads it as it is, after the quote @open (0: none, backslashes are used). malloc'ed. */
char *shell_quote(const char *text, char open);

#endif
