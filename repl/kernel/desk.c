/* The lab that cells are typed in: the session, opened, watched, and opened again when the lab has died. */
#include "repl/kernel/kernel_internal.h"

#include "engine/base/cleanup.h"

#include <string.h>

/* A lesson has at least one step: this one does nothing, and is not shown. */
static const char bare[] = "# A lab\n\n```bash\n:\n```\n";

static void say(struct desk *desk, const char *text)
{
    stream_print(desk->consoles[0].kernel, "stderr", "%s\n", text);
}

static void on_event(struct session *session, const struct session_event *event, void *data)
{
    struct kernel *kernel = data;
    struct desk *desk = &kernel->desk;
    switch (event->kind) {
    case SESSION_STEP:
    case SESSION_FINISHED:
        desk->step = session_current(session);
        if (desk->state == DESK_BUILDING && !session_replaying(session))
            desk->state = DESK_READY;
        break;
    case SESSION_LAB_DIED:
        desk->state = DESK_DEAD;
        snprintf(desk->why, sizeof desk->why, "the lab has ended; the next cell gets a fresh one");
        break;
    case SESSION_TERMINAL:
        if (event->terminal <= TERMINALS && !session_terminal(session, event->terminal))
            console_reset(&desk->consoles[event->terminal]);
        break;
    case SESSION_MESSAGE:
        say(desk, event->text);
        break;
    default:
        break;
    }
    cell_event(kernel, event);
}

/* The lesson at @path (NULL: none). Mistakes are said in @err, the first of them. */
static struct lesson *load(const char *path, struct err *err)
{
    struct lesson_mistakes mistakes = { 0 };
    struct lesson *lesson = path ? session_load_lesson(path, &mistakes, err)
                                 : lesson_parse("lab.md", bare, sizeof bare - 1, &mistakes, err);
    if (!lesson && mistakes.count)
        err_say(err, EINVAL, "%s:%d: %s", path, mistakes.list[0].line, mistakes.list[0].what);
    lesson_mistakes_free(&mistakes);
    return lesson;
}

void desk_close(struct desk *desk)
{
    session_free(desk->session);
    desk->session = NULL;
    if (desk->lesson)
        lesson_free(desk->lesson);
    desk->lesson = NULL;
    advice_free(desk->advice);
    desk->advice = NULL;
    free(desk->path);
    desk->path = NULL;
    for (unsigned i = 1; i <= TERMINALS; i++)
        console_reset(&desk->consoles[i]);
    desk->state = DESK_NONE;
}

int desk_open(struct kernel *kernel, const char *path, unsigned step, struct err *err)
{
    struct desk *desk = &kernel->desk;
    cleanup_free char *copy = path ? strdup(path) : NULL; /* it may be the desk's own */
    struct lesson *lesson = load(copy, err);
    if (!lesson)
        return -1;
    if (step > lesson->step_count) {
        err_say(err, EINVAL, "there is no step %u: this lesson has steps 1 to %zu", step, lesson->step_count);
        lesson_free(lesson);
        return -1;
    }
    desk_close(desk);
    desk->lesson = lesson;
    desk->path = take_ptr(&copy);
    desk->step = step;
    desk->state = DESK_BUILDING;
    desk->advice = advice_new(NULL);
    struct session_options options = { .loop = kernel->loop,
                                       .lesson = lesson,
                                       .rows = 24,
                                       .cols = 80,
                                       .by_hand = true,
                                       .on_event = on_event,
                                       .on_output = console_output,
                                       .data = kernel };
    desk->session = session_new(&options, err);
    if (desk->session && session_start(desk->session, step, err) == 0)
        return 0;
    desk->state = DESK_DEAD;
    snprintf(desk->why, sizeof desk->why,
             "no lab could be made: %.800s\n`teachroot doctor` says what this machine allows", err->message);
    return err_say(err, err->code, "%s", desk->why);
}

void desk_need(struct desk *desk)
{
    struct kernel *kernel = desk->consoles[0].kernel;
    struct err err;
    if (desk->state != DESK_NONE && desk->state != DESK_DEAD)
        return;
    unsigned last = desk->lesson ? (unsigned)desk->lesson->step_count : 1;
    if (desk_open(kernel, desk->path, desk->step < 1 ? 1 : desk->step > last ? last : desk->step, &err) == 0)
        return;
    desk->state = DESK_DEAD;
    snprintf(desk->why, sizeof desk->why, "%.1000s", err.message);
}

bool desk_settled(const struct desk *desk)
{
    return desk->state == DESK_DEAD || (desk->state == DESK_READY && !session_in_setup(desk->session));
}
