/* Jumps: to a step of this lesson or another, back to where a step began. Each is a fresh lab in which what came before is done again. */
#include "engine/base/cleanup.h"
#include "repl/screen/view.h"

/* Keys are held from here on until the step is in play: a SESSION_STEP says so. */
static void fresh_lab(struct screen *screen, unsigned step)
{
    struct err err = { 0 };
    ahead_drop(screen);
    screen->building = session_goto(screen->session, step, &err) == 0;
    if (!screen->building)
        screen_message(screen, ROLE_FAILED, "%s", err.message);
    else if (screen->demo)
        demo_stop(screen);
}

void jump_reset(struct screen *screen)
{
    unsigned step = session_current(screen->session), last = (unsigned)screen->lesson->step_count;
    step = step > last ? last : step;
    screen_message(screen, ROLE_NOTICE, "A fresh lab is being built for step %u.", step);
    fresh_lab(screen, step);
}

void jump_undo(struct screen *screen)
{
    unsigned step = session_undo_step(screen->session);
    if (step == 0) {
        screen_message(screen, ROLE_NOTICE, "Nothing to undo: this is the lesson's beginning.");
        return;
    }
    screen_message(screen, ROLE_NOTICE, "A fresh lab is being built, as it was when step %u began.", step);
    fresh_lab(screen, step);
}

void jump_to(struct screen *screen, const struct place *place)
{
    struct err err = { 0 };
    if (!place->names_lesson || (int)place->lesson == screen->lesson->number) {
        screen_message(screen, ROLE_NOTICE, "A fresh lab is being built for step %u.", place->step);
        fresh_lab(screen, place->step);
        return;
    }
    cleanup_free char *path = place_find(&screen->curriculum, place, &err);
    if (!path || screen_open_lesson(screen, path, place->step, &err) < 0)
        screen_message(screen, ROLE_FAILED, "%s", err.message);
}
