/* Typing the commands of a played block: all at once, or line by line by a typist that shows how. Until a line is typed nothing of it is in the terminal, so it can be left at any
 * letter. */
#include "repl/session/session_internal.h"

#include <stdlib.h>
#include <string.h>

static struct session_terminal *terminal_of(struct session *session)
{
    return &session->terminals[session->player.terminal];
}

static void type_at_once(struct session *session)
{
    struct player *player = &session->player;
    struct err err;
    player_prepare(session);
    player_typed(session);
    if (terminal_command(terminal_of(session), player->commands[player->at], &err) < 0)
        player_fail(session, &err);
}

/* Cut the next line off what is left of the command, and tell it. */
static void tell_line(struct session *session, bool first)
{
    struct player *player = &session->player;
    player->line = strsep(&player->rest, "\n");
    session->options.typist(
        session,
        &(struct session_line){
            .text = player->line, .number = player->at, .terminal = player->terminal, .first = first },
        session->options.data);
}

void typing_begin(struct session *session)
{
    struct player *player = &session->player;
    if (!session->options.typist || session->replay.on) {
        type_at_once(session);
        return;
    }
    free(player->typed);
    player->typed = player->rest = strdup(player->commands[player->at]);
    if (!player->typed) {
        type_at_once(session);
        return;
    }
    /* Whoever types takes the time they like: the command's own begins when it is typed. */
    loop_remove(player->deadline);
    player->deadline = NULL;
    player->phase = PLAYER_TYPING;
    tell_line(session, true);
}

void session_line_typed(struct session *session)
{
    struct player *player = &session->player;
    struct session_terminal *at = terminal_of(session);
    struct err err;
    if (player->phase != PLAYER_TYPING || !at->terminal)
        return;
    if (player->line == player->typed) {
        player_prepare(session);
        terminal_command_begins(at, player->commands[player->at]);
    }
    bool last = !player->rest;
    if (last)
        player_typed(session);
    if (terminal_line(at, player->line, &err) < 0)
        player_fail(session, &err);
    else if (!last)
        tell_line(session, false);
}

void session_type_again(struct session *session)
{
    struct player *player = &session->player;
    if (player->phase != PLAYER_TYPING)
        return;
    if (player->line != player->typed) { /* the shell has half of it: leave that */
        terminal_write(terminal_of(session)->terminal, "\003", 1);
        session_flush(session);
    }
    player_wait(session);
}

void session_set_pace(struct session *session, unsigned ms)
{
    session->pace = ms;
}
