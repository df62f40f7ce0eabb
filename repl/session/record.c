/* What the learner does, into the journal: what was typed and accepted, and what stood on the screen because of it. A replay's commands are not the learner's. */
#include "repl/session/session_internal.h"

#include "engine/base/cleanup.h"

#include <stdio.h>
#include <string.h>

#define PRINTED_LIMIT ((size_t)256 * 1024) /* the journal cuts it once more */

/* Once: a learner need not be told at every command that the disk is full. */
static void failed(struct session *session, const struct err *err)
{
    if (!session->record_failed)
        session_message(session, true, "the journal is not kept: %s", err->message);
    session->record_failed = true;
}

/* What is on the lines from where @command's output began to the cursor: lines that were written over are seen once, colours not at all. malloc'ed. */
static char *printed(const struct session_terminal *at, const struct open_command *command, bool whole_last)
{
    struct text text = { 0 };
    unsigned cursor, col;
    bool visible;
    terminal_cursor(at->terminal, &cursor, &col, &visible);
    long first = command->row - (long)(terminal_scrolled(at->terminal) - command->scrolled);
    long oldest = -(long)terminal_scrollback(at->terminal);
    for (long row = first < oldest ? oldest : first; row <= (long)cursor; row++) {
        char line[4096];
        if (row == (long)cursor && (col == 0 || !whole_last))
            break;
        size_t len = terminal_row_text(at->terminal, (int)row, line, sizeof line);
        if (text.len && !terminal_row_continues(at->terminal, (int)row))
            text_append(&text, "\n", 1, PRINTED_LIMIT);
        text_append(&text, line, len < sizeof line ? len : sizeof line - 1, PRINTED_LIMIT);
    }
    return text.data;
}

void record_accepted(struct session_terminal *at, struct open_command *command)
{
    struct session *session = at->session;
    struct err err;
    if (!session->options.journal || session->replay.on || !session->lab_ready || !command->text ||
        !command->text[strspn(command->text, " \t\n")])
        return;
    command->number = journal_command(session->options.journal, session->current, at->number, command->text, &err);
    if (!command->number)
        failed(session, &err);
}

static void write_end(struct session_terminal *at, const struct open_command *command, const struct journal_end *end)
{
    struct err err;
    if (journal_ended(at->session->options.journal, command->number, end, &err) < 0)
        failed(at->session, &err);
}

void record_nested(struct session_terminal *at)
{
    struct open_command *command = at->command_count ? &at->commands[at->command_count - 1] : NULL;
    if (!command || !command->number || command->nested)
        return;
    cleanup_free char *output = printed(at, command, false); /* on the last line is the shell's prompt */
    command->nested = true;
    write_end(at, command, &(struct journal_end){ .nested = true, .output = output });
}

void record_ended(struct session_terminal *at, const struct open_command *command, int status)
{
    if (!command->number)
        return;
    cleanup_free char *output = command->nested ? NULL : printed(at, command, true);
    write_end(at, command, &(struct journal_end){ .status = status, .output = output });
}

void record_answer(struct session *session, const struct quiz *quiz, const unsigned *choices, size_t count,
                   const char *typed, bool right)
{
    struct text answer = { 0 };
    struct err err;
    if (!session->options.journal)
        return;
    if (quiz->typed && typed)
        text_append(&answer, typed, strlen(typed), SAID_LIMIT);
    for (size_t i = 0; !quiz->typed && i < count; i++) {
        if (choices[i] >= quiz->count)
            continue;
        const char *text = quiz->answers[choices[i]].text;
        if (answer.len)
            text_append(&answer, "; ", 2, SAID_LIMIT);
        text_append(&answer, text, strlen(text), SAID_LIMIT);
    }
    if (journal_answer(session->options.journal, session->current, quiz->question ? quiz->question : "",
                       text_string(&answer), right, &err) < 0)
        failed(session, &err);
    text_free(&answer);
}

void record_passed(struct session *session)
{
    struct err err;
    if (session->options.journal && journal_passed(session->options.journal, session->current, &err) < 0)
        failed(session, &err);
}
