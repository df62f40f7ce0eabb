/* What is known of the learner's last command, for whoever explains failures; and whether the lesson itself is about to. */
#include "repl/session/session_internal.h"

#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\n";

static bool same_program(const char *one, const char *other)
{
    size_t len = strcspn(one, " \t\n");
    return len && len == strcspn(other, " \t\n") && strncmp(one, other, len) == 0;
}

/* `exit` is about a block's last command; the ones before it may have that status too. */
static bool status_expected(const struct block *block, bool last, int status)
{
    return (!last && status == 0) || block_exit_matches(block, status << 8);
}

static bool was_typed(const struct session *session, const char *line)
{
    for (unsigned i = 0; i < session->typed_count; i++)
        if (strcmp(session->typed[i], line) == 0)
            return true;
    return false;
}

/* Typed as it stands there, after what comes before it, and come out as the step says; or in other words, where the step says what it prints. */
static bool command_expected(const struct session *session, const struct block *block, size_t i, bool order,
                             const struct session_evidence *evidence)
{
    const char *command = block->commands[i];
    bool alone = i == 0 && !block->commands[1], same = strcmp(command, evidence->line) == 0;
    if (i > 0 && order && !was_typed(session, block->commands[i - 1])) /* it comes too early */
        return false;
    if (evidence->status == SESSION_UNFINISHED) /* a command of several lines begins so */
        return strncmp(command, evidence->line, strlen(evidence->line)) == 0;
    if (!same && !(alone && block->has_output && same_program(command, evidence->line)))
        return false;
    return status_expected(block, !block->commands[i + 1], evidence->status) &&
           (!alone || block_output_matches(block, evidence->output, NULL));
}

static bool block_expects(const struct session *session, const struct block *block, bool order,
                          const struct session_evidence *evidence)
{
    for (size_t i = 0; block->type == BLOCK_COMMAND && block->commands && block->commands[i]; i++)
        if (command_expected(session, block, i, order, evidence))
            return true;
    return block->type == BLOCK_FILE && evidence->status == SESSION_UNFINISHED && block->writing &&
           strncmp(block->writing, evidence->line, strlen(evidence->line)) == 0;
}

/* Of the step it was typed in: a command may go on into the next one. */
static bool is_expected(const struct session *session, unsigned number, const struct session_evidence *evidence)
{
    const struct step *step = session_step(session, number);
    bool order = number == session->current; /* what was typed before it in an earlier step is not known any more */
    for (size_t i = 0; step && i < step->block_count; i++)
        if (block_expects(session, &step->blocks[i], order, evidence))
            return true;
    return false;
}

void evidence_take(struct session_terminal *at, struct open_command command, int status, char *output)
{
    struct session *session = at->session;
    pid_t foreground = terminal_foreground(at->terminal);
    unsigned number = session->evidence.number + 1;
    evidence_forget(session);
    char *line = session->evidence_line = command.text;
    session->evidence_output = output;
    if (!line || !output)
        return;
    memmove(line, line + strspn(line, blanks), strlen(line + strspn(line, blanks)) + 1);
    for (size_t len = strlen(line); len && strchr(blanks, line[len - 1]);)
        line[--len] = '\0';
    session->evidence = (struct session_evidence){ .number = number,
                                                   .terminal = at->number,
                                                   .line = line,
                                                   .status = status,
                                                   .output = output,
                                                   .command = command.number,
                                                   .shell = foreground > 0 ? foreground : at->shell };
    session->evidence.expected = is_expected(session, command.step, &session->evidence);
    session_tell(session, &(struct session_event){
                              .kind = SESSION_EVIDENCE, .terminal = at->number, .status = status, .text = line });
}

void evidence_typed(struct session *session, const char *line)
{
    char *copy = line && session->typed_count < EVIDENCE_TYPED ? strdup(line) : NULL;
    if (copy)
        session->typed[session->typed_count++] = copy;
}

void evidence_step_began(struct session *session)
{
    while (session->typed_count)
        free(session->typed[--session->typed_count]);
}

void evidence_forget(struct session *session)
{
    free(session->evidence_line);
    free(session->evidence_output);
    session->evidence_line = session->evidence_output = NULL;
    session->evidence.line = session->evidence.output = NULL;
}

const struct session_evidence *session_evidence(const struct session *session)
{
    return session->evidence.line ? &session->evidence : NULL;
}
