/* How long a jump takes, to every step of every lesson: from the asking to the step's prompt, the cache being warm. `goto [-v] [LESSON[.STEP]]…`; -v says what each took. */
#include "repl/lesson/curriculum.h"
#include "repl/session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIVE_UP_MS 300000
#define BOUND_MS 3000

static struct jump {
    struct session *session;
    bool verbose, ready, arrived, failed;
    uint64_t asked, lab, last;
    char doing[64];
} jump;

/* What was under way until now took so long. */
static void note(const char *next)
{
    uint64_t now = loop_now();
    if (jump.verbose && jump.doing[0])
        printf("    %6llu  %s\n", (unsigned long long)(now - jump.last), jump.doing);
    jump.last = now;
    snprintf(jump.doing, sizeof jump.doing, "%.*s", (int)strcspn(next, "\n"), next);
}

static void on_event(struct session *session, const struct session_event *event, void *data)
{
    switch (event->kind) {
    case SESSION_LAB_READY:
        jump.ready = true;
        jump.lab = loop_now();
        note("(lab, first prompt, setup)");
        break;
    case SESSION_REPLAY:
        note(event->text ? event->text : "(replay)");
        break;
    case SESSION_STEP:
        jump.arrived = jump.ready && !session_replaying(session);
        if (jump.arrived)
            note("(the step's own setup)");
        break;
    case SESSION_MESSAGE:
        if (event->failed) {
            printf("    ! %s\n", event->text);
            jump.failed = true;
        }
        break;
    default:
        break;
    }
}

/* The step is in play, with its setup done: then `next` has something else to say than that the lab is being made ready. */
static bool in_play(void)
{
    const char *said = jump.arrived ? session_next(jump.session, false) : NULL;
    return said && !strstr(said, "being made ready");
}

/* Milliseconds, or -1. */
static long measure(struct loop *loop, const struct lesson *lesson, unsigned step)
{
    struct err err = { 0 };
    struct session_options options = { .loop = loop,
                                       .lesson = lesson,
                                       .rows = 24,
                                       .cols = 80,
                                       .lab = { .tools = getenv("TEACHROOT_TOOLS") },
                                       .on_event = on_event };
    jump = (struct jump){ .verbose = jump.verbose, .asked = loop_now(), .last = loop_now() };
    jump.session = session_new(&options, &err);
    snprintf(jump.doing, sizeof jump.doing, "(lab, first prompt, the lesson's setup)");
    if (!jump.session || session_start(jump.session, step, &err) < 0) {
        fprintf(stderr, "goto: %s\n", err.message);
        exit(3);
    }
    while (!in_play() && loop_now() - jump.asked < GIVE_UP_MS)
        loop_once(loop, 20);
    note("");
    long ms = (long)(loop_now() - jump.asked);
    bool arrived = in_play();
    session_free(jump.session);
    return arrived ? ms : -1;
}

int main(int argc, char **argv)
{
    struct curriculum curriculum;
    struct err err = { 0 };
    struct loop *loop = loop_new(&err);
    int bad = 0;
    long worst = 0;
    char worst_step[16] = "";
    jump.verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    int first = jump.verbose ? 2 : 1;
    if (!loop || curriculum_load(&curriculum, &err) < 0) {
        fprintf(stderr, "goto: %s\n", err.message);
        return 3;
    }
    for (size_t i = 0; i < curriculum.count; i++) {
        struct lesson_mistakes mistakes = { 0 };
        int number = curriculum.entries[i].number;
        unsigned only = 0;
        bool wanted = first == argc;
        for (int a = first; a < argc; a++) {
            char *end;
            if (strtol(argv[a], &end, 10) == number) {
                wanted = true;
                only = *end == '.' ? (unsigned)atoi(end + 1) : 0;
            }
        }
        struct lesson *lesson = wanted ? session_load_lesson(curriculum.entries[i].path, &mistakes, &err) : NULL;
        if (!lesson)
            continue;
        bool verbose = jump.verbose;
        jump.verbose = false;
        measure(loop, lesson, only ? only : (unsigned)lesson->step_count); /* the cache is warm from here on */
        jump.verbose = verbose;
        for (unsigned step = only ? only : 1; step <= (only ? only : lesson->step_count); step++) {
            long ms = measure(loop, lesson, step);
            printf("%2d.%-3u %6ld ms%s\n", number, step, ms, jump.failed ? "  (something failed)" : "");
            fflush(stdout);
            bad += ms < 0 || ms > BOUND_MS || jump.failed;
            if (ms > worst) {
                worst = ms;
                snprintf(worst_step, sizeof worst_step, "%d.%u", number, step);
            }
        }
        lesson_free(lesson);
    }
    printf("worst: %s, %ld ms; over %d ms or failed: %d\n", worst_step, worst, BOUND_MS, bad);
    curriculum_free(&curriculum);
    loop_free(loop);
    return bad > 0;
}
