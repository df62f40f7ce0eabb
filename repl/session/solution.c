/* What to type next in a step: the command after the last one typed, and first of all a file that the commands need and that is not there yet. */
#include "repl/session/session_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <fcntl.h>
#include <stdio.h>
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

/* What @block has to be typed, one by one; NULL after the last. A file is one command, and none once it is there. */
static const char *command_of(const struct session *session, const struct block *block, size_t k)
{
    if (block->type == BLOCK_FILE)
        return k == 0 && is_written(session, block) != WRITTEN ? block->writing : NULL;
    return block->type == BLOCK_COMMAND && block->commands ? block->commands[k] : NULL;
}

/* The first file before @end that is not there: what comes after it was typed too early. */
static const struct block *missing_file(const struct session *session, const struct step *step, size_t end)
{
    for (size_t i = 0; i < end; i++)
        if (step->blocks[i].type == BLOCK_FILE && is_written(session, &step->blocks[i]) == NOT_WRITTEN)
            return &step->blocks[i];
    return NULL;
}

/* The first command of the step that was not the last one typed, in order: after the k-th, the one that follows it. @from gets its block. */
static const char *next_command(const struct session *session, const struct block **from)
{
    const struct step *step = session_step(session, session->current);
    const char *first = NULL, *next = NULL, *last = session->last_command;
    const struct block *first_from = NULL;
    bool found = !last || !*last, typed = false;
    size_t i = 0;
    for (; step && !next && i < step->block_count; i++) {
        const struct block *block = &step->blocks[i];
        const char *command;
        if (block->type == BLOCK_FILE && last && block->writing && strcmp(block->writing, last) == 0)
            found = typed = true;
        for (size_t k = 0; !next && (command = command_of(session, block, k)); k++) {
            *from = block;
            if (found)
                next = command;
            if (!first) {
                first = command;
                first_from = block;
            }
            if (last && strcmp(command, last) == 0)
                found = typed = true;
        }
    }
    const struct block *file = step && typed ? missing_file(session, step, i) : NULL;
    if (file) {
        *from = file;
        return file->writing;
    }
    if (next)
        return next;
    *from = first_from;
    return session_current_passed(session) ? NULL : first;
}

const char *session_solution(const struct session *session)
{
    const struct block *from = NULL;
    return next_command(session, &from);
}

const char *session_suggestion(const struct session *session)
{
    const struct block *from = NULL;
    const char *command = session_current_passed(session) ? NULL : next_command(session, &from);
    return command && !from->hidden && !strchr(command, '\n') ? command : NULL;
}
