#include "repl/screen/demo.h"

#include "repl/screen/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTER_LETTERS 5 /* between a line's last letter and Enter: as long as so many letters take */
#define CLOCK_MS 400    /* a command that is done sooner is not said to run */

struct demo *demo_new(const struct demo_options *options)
{
    struct demo *demo = calloc(1, sizeof(*demo));
    if (!demo)
        return NULL;
    demo->mode = options->mode;
    demo->speed = options->speed;
    demo->keys_shown = demo->elsewhere = true;
    demo->began = demo->step_began = time(NULL);
    return demo;
}

static void stop_timers(struct demo *demo)
{
    loop_remove(demo->typing);
    loop_remove(demo->clock);
    demo->typing = demo->clock = NULL;
}

void demo_free(struct screen *screen)
{
    if (!screen->demo)
        return;
    stop_timers(screen->demo);
    free(screen->demo->line);
    free(screen->demo);
    screen->demo = NULL;
}

void demo_say(struct screen *screen, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(screen->demo->said, sizeof(screen->demo->said), format, args);
    va_end(args);
    screen->dirty |= DIRTY_STATUS;
}

static void drop_line(struct screen *screen)
{
    struct demo *demo = screen->demo;
    loop_remove(demo->typing);
    demo->typing = NULL;
    demo->typed = 0;
    if (screen->prompt)
        prompt_clear(screen->prompt);
    screen->dirty |= DIRTY_TERMINAL;
}

static void spotlight(struct screen *screen, enum spotlight on)
{
    if (screen->spotlight == on)
        return;
    screen->spotlight = on;
    screen_relayout(screen);
}

static void on_clock(void *data)
{
    struct screen *screen = data;
    screen->dirty |= DIRTY_STATUS;
}

static void set_stage(struct screen *screen, enum demo_stage stage)
{
    struct demo *demo = screen->demo;
    bool asked = demo->stage == DEMO_QUESTION || demo->stage == DEMO_ANSWER;
    bool asks = stage == DEMO_QUESTION || stage == DEMO_ANSWER;
    loop_remove(demo->clock);
    demo->clock = NULL;
    demo->stage = stage;
    if (stage == DEMO_RUNNING || stage == DEMO_CHECKING) {
        demo->since = loop_now();
        demo->clock = loop_add_timer(screen->loop, CLOCK_MS, 1000, on_clock, screen);
    }
    if (asks && !asked)
        demo->kept = screen->spotlight;
    if (asks)
        spotlight(screen, SPOTLIGHT_LESSON);
    else if (asked)
        spotlight(screen, demo->kept == SPOTLIGHT_LESSON ? SPOTLIGHT_ALL : demo->kept);
    screen->dirty |= DIRTY_LESSON | DIRTY_STATUS;
    share_changed(screen);
}

void demo_stop(struct screen *screen)
{
    struct demo *demo = screen->demo;
    drop_line(screen);
    demo->block = demo->command = 0;
    demo->go = false;
    demo->elsewhere = true;
    demo->said[0] = demo->keys[0] = '\0';
    set_stage(screen, DEMO_BUILDING);
}

/* ---- typing ---- */

/* Where the presenter's line is readline's, it is shown there, with all that the prompt says of it. */
static void show_typed(struct screen *screen)
{
    struct demo *demo = screen->demo;
    screen->dirty |= DIRTY_TERMINAL;
    if (!screen_at_prompt(screen))
        return;
    char *part = strndup(demo->line, demo->typed);
    if (part)
        prompt_set_line(screen->prompt, part);
    free(part);
}

static void run_line(struct screen *screen)
{
    unsigned active = session_active(screen->session);
    bool own = screen_at_prompt(screen);
    drop_line(screen);
    if (own && active <= TERMINALS_MAX)
        screen->terminal_view.sent[active] = true;
    demo_show_key(screen, "Enter");
    set_stage(screen, DEMO_RUNNING);
    session_line_typed(screen->session);
}

static void on_letter(void *data);

/* Nobody types evenly: a letter takes half to one and a half times its share. */
static unsigned letter_ms(const struct demo *demo)
{
    unsigned noise = ((unsigned char)demo->line[demo->typed] * 37 + (unsigned)demo->typed * 73) % 100;
    return 1000 / demo->speed * (50 + noise) / 100;
}

static void schedule(struct screen *screen)
{
    struct demo *demo = screen->demo;
    unsigned ms = demo->line[demo->typed] ? letter_ms(demo) : ENTER_LETTERS * 1000 / demo->speed;
    if (demo->mode == DEMO_EACH)
        return;
    demo->typing = loop_add_timer(screen->loop, demo->mode == DEMO_INSTANT || ms == 0 ? 1 : ms, 0, on_letter, screen);
}

static void add_letters(struct demo *demo)
{
    do
        demo->typed++;
    while (((unsigned char)demo->line[demo->typed] & 0xc0) == 0x80);
}

static void on_letter(void *data)
{
    struct screen *screen = data;
    struct demo *demo = screen->demo;
    demo->typing = NULL;
    if (demo->mode == DEMO_INSTANT || !demo->line[demo->typed]) {
        run_line(screen);
        return;
    }
    add_letters(demo);
    show_typed(screen);
    schedule(screen);
}

static void begin_typing(struct screen *screen)
{
    struct demo *demo = screen->demo;
    demo->typed = 0;
    demo->said[0] = demo->keys[0] = '\0';
    if (!screen->layout.terminal.rows)
        spotlight(screen, SPOTLIGHT_ALL);
    if (screen->prompt)
        prompt_clear(screen->prompt);
    screen->terminal_view.back = 0;
    set_stage(screen, DEMO_TYPING);
    schedule(screen);
}

static void begin_action(struct screen *screen);

bool demo_letter_due(const struct screen *screen)
{
    const struct demo *demo = screen->demo;
    return demo->mode == DEMO_EACH && (demo->stage == DEMO_TOLD || demo->stage == DEMO_TYPING ||
                                       (demo->stage == DEMO_READY && demo_command(screen)));
}

void demo_letter(struct screen *screen)
{
    struct demo *demo = screen->demo;
    if (demo->stage == DEMO_READY)
        begin_action(screen);
    if (demo->stage == DEMO_TOLD)
        begin_typing(screen);
    if (demo->stage != DEMO_TYPING || !demo->line[demo->typed])
        return;
    add_letters(demo);
    show_typed(screen);
}

void demo_line(struct session *session, const struct session_line *line, void *data)
{
    struct screen *screen = data;
    struct demo *demo = screen->demo;
    const struct block *block = demo_block(screen);
    char *copy = block && !demo->elsewhere ? strdup(line->text) : NULL;
    if (!copy)
        return;
    free(demo->line);
    demo->line = copy;
    size_t before = block->path != NULL; /* the `cd` into it is none of the block's own */
    demo->command = line->number > before ? line->number - before : 0;
    bool go = (demo->go || !line->first) && !demo->live;
    if (line->first)
        demo->go = false;
    if (go)
        begin_typing(screen);
    else
        set_stage(screen, DEMO_TOLD);
}

/* ---- actions ---- */

static void block_over(struct session *session, const struct block *block, const struct block_result *result,
                       void *data)
{
    struct screen *screen = data;
    struct demo *demo = screen->demo;
    if (block != demo_block(screen) || demo->elsewhere)
        return;
    if (block->type == BLOCK_QUIZ) {
        set_stage(screen, DEMO_ANSWER);
        return;
    }
    if (result->skipped)
        demo_say(screen, "Left out here: %s", result->skipped);
    else if (!result->matched_exit)
        demo_say(screen, "Not as the lesson has it: %s", result->why);
    else if (block->type == BLOCK_FILE)
        demo_say(screen, "Written: %s", block->name);
    demo->block++;
    demo->command = 0;
    demo->go = false;
    set_stage(screen, DEMO_READY);
}

static void play_block(struct screen *screen, const struct block *block)
{
    struct err err = { 0 };
    screen->demo->said[0] = screen->message[0] = '\0';
    screen->demo->go = true;
    set_stage(screen, DEMO_RUNNING);
    if (session_play_block(screen->session, block, block_over, screen, &err) == 0)
        return;
    demo_say(screen, "%s", err.message);
    set_stage(screen, DEMO_READY);
}

static void next_step(struct screen *screen, bool passed)
{
    const char *why = session_next(screen->session, !passed);
    if (!why)
        return;
    demo_say(screen, "%s", why);
    set_stage(screen, DEMO_READY);
}

static void on_checked(struct session *session, bool passed, const char *said, void *data)
{
    struct screen *screen = data;
    unsigned step = screen->demo->step;
    if (screen->demo->stage != DEMO_CHECKING)
        return;
    next_step(screen, passed);
    if (!passed)
        demo_say(screen, "Step %u is not as the lesson has it%s%s", step, *said ? ": " : "", said);
}

static void end_step(struct screen *screen)
{
    struct err err = { 0 };
    set_stage(screen, DEMO_CHECKING);
    if (session_current_passed(screen->session)) {
        next_step(screen, true);
    } else if (session_run_check(screen->session, screen->demo->step, on_checked, screen, &err) < 0) {
        demo_say(screen, "%s", err.message);
        set_stage(screen, DEMO_READY);
    }
}

static void begin_action(struct screen *screen)
{
    const struct block *block = demo_block(screen);
    if (!block)
        end_step(screen);
    else if (block->type == BLOCK_QUIZ)
        set_stage(screen, DEMO_QUESTION);
    else
        play_block(screen, block);
}

void demo_next(struct screen *screen)
{
    struct demo *demo = screen->demo;
    switch (demo->stage) {
    case DEMO_BUILDING:
    case DEMO_RUNNING:
    case DEMO_CHECKING: /* the status line says what it is at */
        break;
    case DEMO_READY:
        begin_action(screen);
        break;
    case DEMO_TOLD:
        begin_typing(screen);
        break;
    case DEMO_TYPING: /* faster, please */
        run_line(screen);
        break;
    case DEMO_QUESTION: /* busy: it is being answered */
        session_play_block(screen->session, demo_block(screen), block_over, screen, NULL);
        break;
    case DEMO_ANSWER:
        demo->block++;
        set_stage(screen, DEMO_READY);
        begin_action(screen);
        break;
    case DEMO_FINISHED:
        demo_say(screen, "This was the last step. PgUp goes back, F10 leaves.");
        break;
    }
}

void demo_back(struct screen *screen)
{
    struct demo *demo = screen->demo;
    unsigned last = (unsigned)screen->lesson->step_count, step = session_current(screen->session);
    bool begun = step <= last && (demo->block > 0 || demo->command > 0 || demo->stage > DEMO_READY);
    step = step > last ? last : begun || step == 1 ? step : step - 1;
    if (demo->back != step) {
        demo_say(screen, "Once more: step %u from its beginning, in a fresh lab.", step);
        demo->back = step;
        return;
    }
    jump_to(screen, &(struct place){ .step = step });
}

/* ---- by hand ---- */

/* A line that was left half typed where the prompt is that of a shell with its own line editor. */
static bool half_typed(struct terminal *terminal)
{
    unsigned row, col, at, column;
    bool visible;
    char text[4096];
    if (!terminal_prompt_position(terminal, &row, &col))
        return false;
    terminal_cursor(terminal, &at, &column, &visible);
    return at != row || column != col || terminal_row_text(terminal, (int)row, text, sizeof(text)) > col;
}

static void leave_line(struct screen *screen)
{
    static const char interrupt[] = "\003";
    struct terminal *terminal = screen_terminal(screen);
    if (screen->prompt)
        prompt_clear(screen->prompt);
    if (terminal && !screen_at_prompt(screen) && half_typed(terminal))
        terminal_write(terminal, interrupt, 1);
    else if (terminal)
        ahead_kill(screen, terminal);
    ahead_drop(screen);
    session_flush(screen->session);
}

void demo_live(struct screen *screen, bool live)
{
    struct demo *demo = screen->demo;
    if (live == demo->live || !screen->session)
        return;
    demo->live = live;
    demo->keys[0] = demo->said[0] = '\0';
    if (demo->stage == DEMO_TYPING) {
        drop_line(screen);
        set_stage(screen, DEMO_RUNNING);
        session_type_again(screen->session);
    } else if (!live && demo->stage == DEMO_TOLD) {
        set_stage(screen, DEMO_RUNNING);
        session_type_again(screen->session);
    }
    if (!live)
        leave_line(screen);
    else if (!screen->layout.terminal.rows)
        spotlight(screen, SPOTLIGHT_ALL);
    screen->dirty |= DIRTY_ALL;
    share_changed(screen);
}

/* ---- the session's events ---- */

static void begin_step(struct screen *screen)
{
    struct demo *demo = screen->demo;
    demo_stop(screen);
    demo->elsewhere = false;
    demo->step = session_current(screen->session);
    demo->step_began = time(NULL);
    demo_set_mode(screen, demo->mode, demo->speed); /* the session may be a new one */
    set_stage(screen, demo->step > screen->lesson->step_count ? DEMO_FINISHED : DEMO_READY);
}

void demo_event(struct screen *screen, const struct session_event *event)
{
    struct demo *demo = screen->demo;
    switch (event->kind) {
    case SESSION_LAB_DIED:
        demo_stop(screen);
        break;
    case SESSION_STEP:
    case SESSION_FINISHED:
        if (!session_replaying(screen->session) &&
            (session_current(screen->session) != demo->step || demo->elsewhere)) {
            char said[sizeof(demo->said)];
            memcpy(said, demo->said, sizeof(said));
            begin_step(screen);
            memcpy(demo->said, said, sizeof(said)); /* of the step before: why it was left undone */
        }
        screen->dirty |= DIRTY_LESSON | DIRTY_STATUS;
        share_changed(screen);
        break;
    case SESSION_PROMPT: /* of a line that continues the one before */
        if (demo->stage == DEMO_TYPING && event->terminal == session_active(screen->session))
            show_typed(screen);
        break;
    case SESSION_KEY:
        demo_show_key(screen, event->text);
        break;
    default:
        break;
    }
}
