/* What the learner does, into the journal: what was typed and accepted, and what stood on the screen because of it. A replay's commands are not the learner's. */
#include "repl/session/session_internal.h"

#include "engine/base/cleanup.h"

#include <stdio.h>
#include <string.h>

/* Once: a learner need not be told at every command that the disk is full. */
static void failed(struct session *session, const struct err *err)
{
    if (!session->record_failed)
        session_message(session, true, "the journal is not kept: %s", err->message);
    session->record_failed = true;
}

void record_accepted(struct session_terminal *at, struct open_command *command)
{
    struct session *session = at->session;
    struct err err;
    if (!session->options.journal || session->replay.on || !session->lab_ready || !command->text ||
        !command->text[strspn(command->text, " \t\n")])
        return;
    command->entry = journal_command(session->options.journal, session->current, at->number, command->text, &err);
    if (!command->entry)
        failed(session, &err);
}

/* What the kernel was asked because of a command, in text. */
struct told {
    char *lines[JOURNAL_CALLS + 1]; /* NULL-terminated */
    size_t count;
};

/* What these carry may be what was typed while the terminal did not echo. */
static bool carries_data(const char *name)
{
    static const char *const names[] = { "read",     "readv",    "pread64", "preadv",  "preadv2",  "recvfrom",
                                         "recvmsg",  "recvmmsg", "write",   "writev",  "pwrite64", "pwritev",
                                         "pwritev2", "sendto",   "sendmsg", "sendmmsg" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void tell_call(struct told *told, const struct lens_call *call)
{
    const char *error = call->error ? strerrorname_np(call->error) : NULL;
    char *line = NULL;
    int made;
    if (call->error)
        made = asprintf(&line, "%s(%s) = -1 %s", call->name, call->arguments, error ? error : "");
    else if (call->ended)
        made = asprintf(&line, "%s(%s) = %ld", call->name, call->arguments, call->result);
    else
        made = asprintf(&line, "%s(%s)", call->name, call->arguments);
    for (size_t i = 0; made >= 0 && i < told->count; i++)
        if (strcmp(told->lines[i], line) == 0) {
            free(line);
            return;
        }
    if (made >= 0)
        told->lines[told->count++] = line;
}

static void tell_calls(const struct session_terminal *at, const struct open_command *command, struct told *told)
{
    const struct lens *lens = session_lens(at->session, at->number);
    size_t count = lens ? lens_count(lens) : 0, first = count;
    while (first > 0 && lens_call_at(lens, first - 1)->command >= command->number)
        first--;
    for (size_t i = first; i < count && told->count < JOURNAL_CALLS; i++)
        if (lens_call_at(lens, i)->command == command->number && !carries_data(lens_call_at(lens, i)->name))
            tell_call(told, lens_call_at(lens, i));
}

static void write_end(struct session_terminal *at, const struct open_command *command, const struct journal_end *end)
{
    struct told told = { .count = 0 };
    struct journal_end with = *end;
    struct err err;
    tell_calls(at, command, &told);
    with.calls = (const char *const *)told.lines;
    if (journal_ended(at->session->options.journal, command->entry, &with, &err) < 0)
        failed(at->session, &err);
    while (told.count)
        free(told.lines[--told.count]);
}

void record_nested(struct session_terminal *at, const struct open_command *command)
{
    if (!command->entry)
        return;
    cleanup_free char *output = printed_since(at, command->output_line, true);
    write_end(at, command, &(struct journal_end){ .nested = true, .output = output });
}

void record_ended(struct session_terminal *at, const struct open_command *command, int status, const char *output)
{
    if (command->entry)
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
