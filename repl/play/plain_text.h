/** What plain mode says, as lines of words: no box drawing, no cursor movement, nothing that only a colour or a place would tell. */
#ifndef REPL_PLAY_PLAIN_TEXT_H
#define REPL_PLAY_PLAIN_TEXT_H

#include "repl/lesson/curriculum.h"
#include "repl/screen/theme.h"
#include "repl/session/session.h"

#include <stdio.h>

struct plain_page {
    FILE *out;
    unsigned width;
    struct theme theme;
};

/** The current step: its number and title, its prose, what to type; before the first one the lesson's introduction; after the last one that it is finished. */
void plain_say_step(const struct plain_page *page, const struct session *session);
/** Markdown, under a word that says what it is ("Hint"), which may be NULL. */
void plain_say(const struct plain_page *page, const char *title, const char *markdown);
/** Text to be typed as it is, under a word. */
void plain_say_code(const struct plain_page *page, const char *title, const char *code);
/** The words of the current step that were withheld while @question, which is answered now, was open. */
void plain_say_answered(const struct plain_page *page, const struct session *session, const struct block *question);
/** The calls of the active terminal that @filter lets through; of its newest command where it is empty. */
void plain_say_lens(const struct plain_page *page, const struct session *session, const char *filter);
/** The kernel's state of what has the active terminal. */
void plain_say_state(const struct plain_page *page, struct session *session);
/** The teaching commands, from their table. */
void plain_say_help(const struct plain_page *page);
void plain_say_lessons(const struct plain_page *page, const struct curriculum *curriculum);

#endif
