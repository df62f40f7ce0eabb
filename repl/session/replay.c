/* Replay: the state at a step is what the steps before it give in a fresh lab. Each one's setup, blocks and teardown, as fast as the shell goes. */
#include "repl/session/session_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void replay_step(struct session *session);
static void replay_block(struct session *session);

static void tell_replay(const struct session *session, const char *text)
{
    session_tell((struct session *)(uintptr_t)session,
                 &(struct session_event){ .kind = SESSION_REPLAY, .step = session->replay.step, .text = text });
}

static void step_replayed(struct session *session)
{
    session->replay.step++;
    replay_step(session);
}

static const char *block_text(const struct block *block)
{
    switch (block->type) {
    case BLOCK_COMMAND:
        return block->commands && block->commands[0] ? block->commands[0] : "";
    case BLOCK_FILE:
        return block->name ? block->name : "";
    case BLOCK_SCRIPT:
        return block->name ? block->name : "a script";
    case BLOCK_QUIZ:
        break;
    }
    return "";
}

/* Its first line is named, as long as there is room. */
static void leave_out(struct replay *replay, const struct block *block)
{
    const char *text = block_text(block);
    char name[128];
    size_t used = strlen(replay->left_out);
    snprintf(name, sizeof name, "%s`%.*s` (step %u)", used ? ", " : "", (int)strcspn(text, "\n"), text, replay->step);
    if (used + strlen(name) < sizeof replay->left_out)
        memcpy(replay->left_out + used, name, strlen(name) + 1);
    else
        replay->left_out_unnamed++;
}

/* Said once, when the step is in play: who looks for the traces of it must know why there are none. */
static void tell_left_out(struct session *session)
{
    const struct replay *replay = &session->replay;
    char more[32] = "";
    if (replay->left_out_unnamed)
        snprintf(more, sizeof more, " and %u more", replay->left_out_unnamed);
    if (replay->left_out[0])
        session_message(session, false,
                        "Not done again: %s%s. Such a thing takes long, and no later step builds on it; what it would "
                        "have measured or left running is not there",
                        replay->left_out, more);
}

static void on_block_replayed(struct session *session, const struct block *block, const struct block_result *result,
                              void *data)
{
    if (!result->matched_exit && !result->skipped)
        session_message(session, true, "replaying step %u: `%.200s`: %s", session->replay.step, block_text(block),
                        result->why);
    session->replay.block++;
    replay_block(session);
}

static void replay_block(struct session *session)
{
    struct replay *replay = &session->replay;
    const struct step *step = session_step(session, replay->step);
    struct err err;
    for (; replay->block < step->block_count; replay->block++) {
        const struct block *block = &step->blocks[replay->block];
        if (block->type == BLOCK_QUIZ)
            continue;
        if (block->replay_skip) {
            leave_out(replay, block);
            continue;
        }
        tell_replay(session, block->hidden ? step->title : block_text(block));
        if (session_play_block(session, block, on_block_replayed, NULL, &err) == 0)
            return;
        session_message(session, true, "replaying step %u: %s", replay->step, err.message);
    }
    session_run_setup(session, "the teardown of a replayed step", step->teardown, step_replayed);
}

static void replay_step(struct session *session)
{
    struct replay *replay = &session->replay;
    while (replay->step < replay->target && session_skip_reason(session, replay->step))
        replay->step++;
    replay->block = 0;
    if (replay->step < replay->target) {
        const struct step *step = session_step(session, replay->step);
        tell_replay(session, step->title);
        session_run_setup(session, "the setup of a replayed step", step->setup, replay_block);
        return;
    }
    replay->on = false;
    replay->deaths = 0;
    const struct step *target = session_step(session, replay->target);
    unsigned terminal = 1;
    if (target && target->block_count && target->blocks[0].terminal)
        terminal = (unsigned)strtoul(target->blocks[0].terminal, NULL, 10);
    session_set_active(session, session_terminal(session, terminal) ? terminal : 1);
    step_begin(session, replay->target);
    tell_left_out(session);
}

void replay_start(struct session *session, unsigned target)
{
    bool on = target > 1 && session_step(session, target); /* a finished lesson's end builds on nothing */
    session->replay =
        (struct replay){ .on = on, .target = target, .step = on ? 1 : target, .deaths = session->replay.deaths };
    replay_step(session);
}

void replay_end(struct session *session)
{
    session->replay.on = false;
}

bool session_stop_replay(struct session *session)
{
    static const char interrupt[] = "\003";
    unsigned step = session->replay.step, terminal = session->player.terminal;
    if (!session->replay.on)
        return false;
    job_cancel(session->setup);
    session->setup = NULL;
    session->setup_done = NULL;
    player_end(session);
    replay_end(session);
    if (session_terminal(session, terminal)) {
        session_set_active(session, terminal);
        terminal_write(session_terminal(session, terminal), interrupt, 1);
        session_flush(session);
    }
    steps_jump(session, step);
    step_begin(session, step);
    return true;
}
