/* What to type next in a step: the command after the last one of the step's that was typed, whatever else was typed since; and before that a file that the commands need and that is not
 * there yet. Typing an earlier one again begins anew from there. */
#include "repl/session/session_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum written { WRITTEN, NOT_WRITTEN, UNKNOWN };

/* Is the file of @block in the lab? However it was made: by an editor too. Of a name relative to some directory nobody can say. */
static enum written is_written(const struct session *session, const struct block *block)
{
    char root[64];
    if (block->name[0] != '/' || !session->lab)
        return UNKNOWN;
    snprintf(root, sizeof root, "/proc/%d/root", lab_init_pid(session->lab));
    cleanup_close int lab_root = open_policy(AT_FDCWD, root, OPEN_ROOT_DIRECTORY, NULL);
    if (lab_root < 0)
        return UNKNOWN;
    cleanup_close int file = open_policy(lab_root, block->name, OPEN_IN_ROOT_PATH, NULL);
    return file < 0 ? NOT_WRITTEN : WRITTEN;
}

static unsigned terminal_of(const struct block *block)
{
    return block->terminal ? (unsigned)strtoul(block->terminal, NULL, 10) : 1;
}

/* A step's commands one by one, the files it has written among them. */
struct command_at {
    const struct block *block;
    const char *text;
    size_t number; /* among the step's commands, files that are there already counted: an index of session->done */
};

typedef bool command_fn(const struct session *session, const struct command_at *at, void *data);

/* Give each command of the step to @each until that returns true, which is when this does. */
static bool each_command(const struct session *session, command_fn *each, void *data)
{
    const struct step *step = session_step(session, session->current);
    struct command_at at = { .number = 0 };
    for (size_t i = 0; step && i < step->block_count; i++) {
        at.block = &step->blocks[i];
        if (at.block->type == BLOCK_FILE) {
            at.text = at.block->writing;
            if (at.text && each(session, &at, data))
                return true;
            at.number++;
            continue;
        }
        for (char **command = at.block->type == BLOCK_COMMAND ? at.block->commands : NULL; command && *command;
             command++, at.number++) {
            at.text = *command;
            if (each(session, &at, data))
                return true;
        }
    }
    return false;
}

/* ---- what was typed ---- */

struct typed {
    const char *text;
    unsigned terminal; /* 0: of a step that uses one terminal, in which another does as well */
    ssize_t first,
        next; /* the first command of that text, and the first that was not typed after the last one that was; -1: none */
};

static bool uses_another_terminal(const struct session *session, const struct command_at *at, void *data)
{
    unsigned *terminal = data;
    if (at->number == 0)
        *terminal = terminal_of(at->block);
    return *terminal != terminal_of(at->block);
}

static bool uses_several_terminals(const struct session *session)
{
    unsigned terminal = 0;
    return each_command(session, uses_another_terminal, &terminal);
}

static bool is_typed(const struct session *session, const struct command_at *at, void *data)
{
    struct typed *typed = data;
    if (strcmp(at->text, typed->text) != 0 || (typed->terminal && typed->terminal != terminal_of(at->block)))
        return false;
    if (typed->first < 0)
        typed->first = (ssize_t)at->number;
    if (at->number >= session->after_typed)
        typed->next = (ssize_t)at->number;
    return typed->next >= 0;
}

void solution_typed(struct session *session, unsigned terminal, const char *text)
{
    cleanup_free char *trimmed = text ? trimmed_command(text) : NULL;
    struct typed typed = { trimmed, uses_several_terminals(session) ? terminal : 0, -1, -1 };
    if (!trimmed)
        return;
    each_command(session, is_typed, &typed);
    ssize_t found = typed.next >= 0 ? typed.next : typed.first;
    if (found < 0)
        return;
    size_t size = (size_t)found + 1;
    bool *done = realloc(session->done, size * sizeof *done);
    if (!done)
        return;
    for (size_t i = session->after_typed; i < size; i++)
        done[i] = false;
    done[found] = true;
    session->done = done;
    session->after_typed = size;
}

void solution_begin(struct session *session)
{
    free(take_ptr(&session->done));
    session->after_typed = 0;
}

/* ---- what comes next ---- */

struct next {
    struct command_at first, skipped, after, file; /* text NULL: there is none */
};

static bool look_at(const struct session *session, const struct command_at *at, void *data)
{
    struct next *next = data;
    bool before = at->number < session->after_typed;
    if (at->block->type == BLOCK_FILE) {
        enum written written = is_written(session, at->block);
        if (written == WRITTEN)
            return false;
        if (written == NOT_WRITTEN && before && !next->file.text)
            next->file = *at;
    }
    if (!next->first.text)
        next->first = *at;
    if (before && !session->done[at->number] && !next->skipped.text)
        next->skipped = *at;
    if (!before)
        next->after = *at;
    return !before;
}

/* In order: a file without which what came after it was typed too early, the command after the last one that was typed, one that was left out, and from the beginning. */
static struct command_at next_command(const struct session *session)
{
    struct next next = { .first = { .text = NULL } };
    each_command(session, look_at, &next);
    if (next.file.text)
        return next.file;
    if (next.after.text)
        return next.after;
    if (session_current_passed(session))
        return (struct command_at){ .text = NULL };
    return next.skipped.text ? next.skipped : next.first;
}

const char *session_solution(const struct session *session)
{
    return next_command(session).text;
}

unsigned session_solution_terminal(const struct session *session)
{
    struct command_at next = next_command(session);
    return next.text && uses_several_terminals(session) ? terminal_of(next.block) : 0;
}

const char *session_suggestion(const struct session *session)
{
    if (session_current_passed(session))
        return NULL;
    struct command_at next = next_command(session);
    unsigned terminal = next.text && uses_several_terminals(session) ? terminal_of(next.block) : session->active;
    return next.text && terminal == session->active && !next.block->hidden && !strchr(next.text, '\n') ? next.text
                                                                                                       : NULL;
}
