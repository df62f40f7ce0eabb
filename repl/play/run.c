#include "repl/play/run.h"

#include "engine/base/cleanup.h"
#include "repl/lesson/curriculum.h"
#include "repl/play/afterwards.h"
#include "repl/play/ranges.h"
#include "repl/play/sinks.h"
#include "repl/play/tell.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define UNMARKED_MS 100 /* what a shell without marks is given to ask for the next line of a command */

/* One lesson being run. */
struct lesson_run {
    struct run *run;
    const struct lesson *lesson;
    struct session *session;
    struct loop *loop;
    struct loop_source *typing; /* the next line of a command waits to be typed */
    uint64_t typing_until;      /* ms; it is typed then at the latest, or once its shell has asked for it */
    unsigned typing_in;         /* terminal */
    bool by_prompt;
    struct loop_source *next; /* the step after this one is begun from the loop, not from within the session's events */
    unsigned step;            /* the one at hand; before the first one is begun, the one before it */
    bool running;             /* it is not over */
    size_t block;
    unsigned from, until; /* the steps that are asked for */
    uint64_t began;       /* ms, of the step */
    char trouble[1024];   /* what went wrong beside its blocks: a setup that failed */
    bool over, interrupted;
};

const struct run_format *run_format_find(const struct run_format *const *formats, const char *name, size_t len)
{
    while (*formats && (strlen((*formats)->name) != len || strncmp((*formats)->name, name, len) != 0))
        formats++;
    return *formats;
}

void run_print_lines(FILE *out, const char *indent, const char *text)
{
    while (text && *text) {
        size_t len = strcspn(text, "\n");
        fprintf(out, "%s%.*s\n", indent, (int)len, text);
        text += len + (text[len] == '\n');
    }
}

int run_failed_line(const struct run_step *done)
{
    return done->block ? done->block->line : done->step->check ? done->step->check_line : done->step->line;
}

static void next_block(struct lesson_run *at);

/* Nothing of it goes on, also where its lab is held. */
static void lesson_over(struct lesson_run *at)
{
    at->over = true;
    at->running = false;
    loop_remove(at->next);
    loop_remove(at->typing);
    at->next = at->typing = NULL;
    loop_quit(at->loop);
}

/* The rest of a lesson, which the failure of step @failed ends. */
static void steps_not_run(struct lesson_run *at, unsigned failed)
{
    char why[64];
    snprintf(why, sizeof why, "step %u failed", failed);
    for (unsigned i = failed + 1; i <= at->until; i++)
        tell_done(at->run, &(struct run_step){ .lesson = at->lesson,
                                               .step = &at->lesson->steps[i - 1],
                                               .outcome = RUN_STEP_NOT_RUN,
                                               .why = why });
}

/* Those that the session passed over on its way to step @to. */
static void steps_skipped(struct lesson_run *at, unsigned to)
{
    for (unsigned i = at->step + 1; i < to && i <= at->until; i++)
        tell_done(at->run, &(struct run_step){ .lesson = at->lesson,
                                               .step = &at->lesson->steps[i - 1],
                                               .outcome = RUN_STEP_SKIPPED,
                                               .why = session_skip_reason(at->session, i) });
}

/* What goes wrong beside a step, while those before are done again or when no new lab can be had, is a failure of the next one: a report that counts steps alone would tell of none. */
static void next_step_fails(struct lesson_run *at, const char *why)
{
    unsigned next = at->step + 1;
    while (next <= at->until && session_skip_reason(at->session, next))
        next++;
    steps_skipped(at, next);
    if (next <= at->until) {
        const struct step *step = &at->lesson->steps[next - 1];
        SINKS_TELL(at->run, step, at->lesson, step);
        tell_done(at->run,
                  &(struct run_step){ .lesson = at->lesson, .step = step, .outcome = RUN_STEP_FAILED, .why = why });
        steps_not_run(at, next);
    }
    lesson_over(at);
}

static void on_next_step(void *data)
{
    struct lesson_run *at = data;
    struct err err;
    at->next = NULL;
    if (at->step >= at->until) { /* the lab is as this step left it: its teardown is the next one's affair */
        lesson_over(at);
        return;
    }
    if (session_lab(at->session)) {
        const char *why = session_next(at->session, true);
        if (why)
            next_step_fails(at, why);
        return;
    }
    /* The lab died of the step: the next one needs a new one. */
    if (session_goto(at->session, at->step + 1, &err) < 0)
        next_step_fails(at, err.message);
}

static void step_over(struct lesson_run *at, const char *failure, const struct block *block,
                      const struct block_result *result)
{
    const struct step *step = &at->lesson->steps[at->step - 1];
    at->running = false;
    struct run_step done = { .lesson = at->lesson,
                             .step = step,
                             .outcome = failure ? RUN_STEP_FAILED : RUN_STEP_PASSED,
                             .why = failure,
                             .block = block,
                             .result = result,
                             .ms = (unsigned)(loop_now() - at->began) };
    tell_done(at->run, &done);
    at->trouble[0] = '\0';
    if (sinks_broken(at->run)) {
        lesson_over(at);
        return;
    }
    if (failure && !at->run->options->keep_going) {
        steps_not_run(at, at->step);
        lesson_over(at);
        return;
    }
    at->next = loop_add_timer(at->loop, 0, 0, on_next_step, at);
}

static void on_checked(struct session *session, bool passed, const char *said, void *data)
{
    struct lesson_run *at = data;
    char why[4400];
    if (!at->running)
        return;
    tell_check(at->run, &at->lesson->steps[at->step - 1], passed, said);
    if (passed) {
        step_over(at, at->trouble[0] ? at->trouble : NULL, NULL, NULL);
        return;
    }
    snprintf(why, sizeof why, "the check does not pass%s%s", *said ? ": " : "", said);
    step_over(at, why, NULL, NULL);
}

static void on_block_done(struct session *session, const struct block *block, const struct block_result *result,
                          void *data)
{
    struct lesson_run *at = data;
    char why[640];
    if (!at->running)
        return;
    const struct block_result *told = tell_block(at->run, &at->lesson->steps[at->step - 1], block, result);
    if (!result->skipped && (!result->matched_exit || !result->matched_output)) {
        snprintf(why, sizeof why, "line %d: %s", block->line, result->why);
        step_over(at, why, block, told);
        return;
    }
    at->block++;
    next_block(at);
}

static void next_block(struct lesson_run *at)
{
    const struct step *step = &at->lesson->steps[at->step - 1];
    struct err err;
    int started;
    if (at->block < step->block_count) {
        tell_block_begins(at->run, step, &step->blocks[at->block]);
        started = session_play_block(at->session, &step->blocks[at->block], on_block_done, at, &err);
    } else {
        started = session_run_check(at->session, at->step, on_checked, at, &err);
    }
    if (started < 0)
        step_over(at, err.message, NULL, NULL);
}

static void on_proof(struct session *session, bool passed, const char *said, void *data)
{
    struct lesson_run *at = data;
    const struct step *step = &at->lesson->steps[at->step - 1];
    if (!at->running)
        return;
    if (passed) {
        step_over(at, "its check passes before the step was done", NULL, NULL);
        return;
    }
    tell_before(at->run, step, said);
    next_block(at);
}

static void begin_step(struct lesson_run *at, unsigned number)
{
    const struct step *step = &at->lesson->steps[number - 1];
    struct err err;
    at->step = number;
    at->block = 0;
    at->running = true;
    at->began = loop_now();
    SINKS_TELL(at->run, step, at->lesson, step);
    sinks_flush(at->run);
    if (!at->run->options->prove || !step->check)
        next_block(at);
    else if (session_run_check(at->session, number, on_proof, at, &err) < 0)
        step_over(at, err.message, NULL, NULL);
}

static void on_step(struct lesson_run *at)
{
    unsigned current = session_current(at->session);
    if (current == at->step || session_replaying(at->session)) /* its status changed: ours to know from the check */
        return;
    steps_skipped(at, current);
    if (current <= at->until)
        begin_step(at, current);
    else
        lesson_over(at);
}

static void lab_died(struct lesson_run *at)
{
    const char *why = at->trouble[0] ? at->trouble : "the lab ended";
    if (at->running)
        step_over(at, why, NULL, NULL);
    else if (!at->next) /* what comes next makes a new one */
        next_step_fails(at, why);
}

static void on_event(struct session *session, const struct session_event *event, void *data)
{
    struct lesson_run *at = data;
    if (at->over)
        return;
    if (!session_replaying(session))
        SINKS_TELL(at->run, event, event);
    switch (event->kind) {
    case SESSION_STEP:
        on_step(at);
        break;
    case SESSION_LAB_DIED:
        lab_died(at);
        break;
    case SESSION_MESSAGE:
        if (event->failed && !at->trouble[0])
            snprintf(at->trouble, sizeof at->trouble, "%s", event->text);
        if (event->failed)
            run_message(at->run, event->text);
        if (event->failed && !at->running && !at->next && !session_lab(session))
            next_step_fails(at, event->text);
        break;
    default:
        break;
    }
}

static void on_output(struct terminal *terminal, const char *bytes, size_t len, void *data)
{
    struct lesson_run *at = data;
    unsigned number = 1;
    if (at->over || session_replaying(at->session))
        return;
    while (number < session_terminals(at->session) && session_terminal(at->session, number) != terminal)
        number++;
    tell_output(at->run, number, bytes, len);
    if (sinks_broken(at->run))
        lesson_over(at);
}

static void on_signal(int signal, void *data)
{
    struct lesson_run *at = data;
    at->interrupted = true;
    lesson_over(at);
}

static void on_timeout(void *data)
{
    struct lesson_run *at = data;
    char why[128];
    if (at->over) /* its lab is held for as long as one likes */
        return;
    snprintf(why, sizeof why, "the lesson did not end in %u s (--timeout)", at->run->options->timeout_s);
    if (!at->running) {
        next_step_fails(at, why);
        return;
    }
    tell_done(at->run, &(struct run_step){ .lesson = at->lesson,
                                           .step = &at->lesson->steps[at->step - 1],
                                           .outcome = RUN_STEP_FAILED,
                                           .why = why,
                                           .ms = (unsigned)(loop_now() - at->began) });
    steps_not_run(at, at->step);
    lesson_over(at);
}

/* Signals end the wait, so that the lab is always cleared up on the way out. */
static int watch(struct lesson_run *at, struct err *err)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (!loop_add_signal(at->loop, signals[i], on_signal, at))
            return err_set(err, ENOMEM, "watch for signals");
    if (at->run->options->timeout_s && !loop_add_timer(at->loop, at->run->options->timeout_s * 1000, 0, on_timeout, at))
        return err_set(err, ENOMEM, "watch the time");
    return 0;
}

static bool all_skipped(const struct lesson_run *at)
{
    for (unsigned i = at->from; i <= at->until; i++)
        if (!session_skip_reason(at->session, i))
            return false;
    return true;
}

static int run_in_lab(struct lesson_run *at, struct err *err)
{
    if (all_skipped(at)) {
        tell_lab(at->run, at->lesson, NULL);
        steps_skipped(at, at->until + 1);
        return RUN_OK;
    }
    if (session_start(at->session, at->from, err) < 0)
        return RUN_CANNOT;
    tell_lab(at->run, at->lesson, session_lab(at->session));
    if (!at->over && loop_run(at->loop, NULL, NULL, err) < 0)
        return RUN_CANNOT;
    return at->interrupted ? RUN_INTERRUPTED : RUN_OK;
}

/* Does anyone want to know of each byte? */
static bool output_is_wanted(const struct run *run)
{
    for (size_t i = 0; i < run->sink_count; i++)
        if (run->sinks[i].format->output)
            return true;
    return run->options->redact;
}

static bool syscalls_are_wanted(const struct run *run)
{
    for (size_t i = 0; i < run->sink_count; i++)
        if (run->sinks[i].format->syscalls)
            return true;
    return false;
}

/* A line is typed when a hand of that speed would have typed it; and with none, where somebody reads each byte, after the prompt that asks for it, so that the lines of a command
 * and their prompts stand in the same order each time. */
static void on_typing(void *data)
{
    struct lesson_run *at = data;
    struct terminal *terminal = session_terminal(at->session, at->typing_in);
    bool asked = at->by_prompt && (!terminal || terminal_at_prompt(terminal));
    if (!asked && loop_now() < at->typing_until)
        return;
    loop_remove(at->typing);
    at->typing = NULL;
    session_line_typed(at->session);
}

static void type_line(struct session *session, const struct session_line *line, void *data)
{
    struct lesson_run *at = data;
    unsigned speed = at->run->options->speed;
    at->by_prompt = !speed;
    at->typing_in = line->terminal;
    size_t ms = speed ? strlen(line->text) * 1000 / speed : line->first ? 0 : UNMARKED_MS;
    at->typing_until = loop_now() + ms;
    loop_remove(at->typing);
    at->typing = ms ? loop_add_timer(at->loop, speed ? (unsigned)ms : 1, 1, on_typing, at) : NULL;
    if (!at->typing)
        session_line_typed(session);
}

static int play_lesson(struct lesson_run *at, struct err *err)
{
    struct run *run = at->run;
    unsigned speed = run->options->speed;
    at->loop = loop_new(err);
    if (!at->loop || watch(at, err) < 0 || tell_begin(run, err) < 0)
        return RUN_CANNOT;
    struct session_options options = { .loop = at->loop,
                                       .lesson = at->lesson,
                                       .lab = run->options->lab,
                                       .rows = run->rows,
                                       .cols = run->cols,
                                       .by_hand = true,
                                       .lens = syscalls_are_wanted(run),
                                       .typist = speed || output_is_wanted(run) ? type_line : NULL,
                                       .on_event = on_event,
                                       .on_output = output_is_wanted(run) ? on_output : NULL,
                                       .data = at };
    at->session = session_new(&options, err);
    run->session = at->session;
    if (!at->session)
        return RUN_CANNOT;
    session_set_pace(at->session, speed ? 1000 / speed : 0);
    return run_in_lab(at, err);
}

static int say_cannot(const struct err *err)
{
    fprintf(stderr, "teachroot: %s\n", err->message);
    return RUN_CANNOT;
}

static int run_lesson(struct run *run, const struct lesson *lesson, bool last)
{
    struct lesson_run at = { .run = run, .lesson = lesson };
    struct err err;
    run_range(run->options, lesson, &at.from, &at.until);
    at.step = at.from - 1;
    if (sinks_begin(run, lesson, &err) < 0) {
        int result = say_cannot(&err);
        sinks_end(run, false, &err);
        return result;
    }
    int result = play_lesson(&at, &err);
    if (result == RUN_CANNOT)
        fprintf(stderr,
                "teachroot: no lab could be made for `%s`: %s\nteachroot: `teachroot doctor` says what this machine "
                "allows and what would bring the rest\n",
                lesson->path, err.message);
    at.over = true;
    if (sinks_end(run, result == RUN_OK, &err) < 0 && result == RUN_OK)
        result = say_cannot(&err);
    if (last && sinks_close(run, result == RUN_OK, &err) < 0 && result == RUN_OK)
        result = say_cannot(&err);
    if (result == RUN_OK && last && at.session && session_lab(at.session))
        afterwards(run->options, at.loop, session_lab(at.session));
    session_free(at.session);
    run->session = NULL;
    tell_end(run);
    loop_free(at.loop);
    return result;
}

/* All of them, before any is run: a mistake in the last is known before an hour has gone into the first. */
static int load(char *const *names, size_t count, struct lesson **lessons)
{
    struct curriculum curriculum = { 0 };
    struct err err;
    int result = RUN_OK;
    if (curriculum_load(&curriculum, &err) < 0)
        curriculum = (struct curriculum){ 0 }; /* a path needs none */
    for (size_t i = 0; i < count; i++) {
        struct lesson_mistakes mistakes = { 0 };
        cleanup_free char *path = curriculum_find(&curriculum, names[i], &err);
        lessons[i] = path ? session_load_lesson(path, &mistakes, &err) : NULL;
        if (!lessons[i] && !mistakes.count)
            fprintf(stderr, "teachroot: %s\n", err.message);
        for (size_t k = 0; k < mistakes.count; k++)
            fprintf(stderr, "%s:%d: %s\n", path, mistakes.list[k].line, mistakes.list[k].what);
        if (!lessons[i] || mistakes.count)
            result = RUN_MALFORMED;
        lesson_mistakes_free(&mistakes);
    }
    curriculum_free(&curriculum);
    return result;
}

static int summary(const struct run_counts *counts)
{
    if (counts->failed)
        return RUN_FAILED;
    return counts->passed == 0 && counts->skipped ? RUN_SKIPPED : RUN_OK;
}

static int run_all(struct run *run, struct lesson *const *lessons, size_t count)
{
    struct err err;
    size_t steps = 0;
    int result = RUN_OK;
    if (sinks_check(run->options, lessons, count, &err) < 0 || ranges_check(run->options, lessons, count, &err) < 0) {
        fprintf(stderr, "teachroot: %s\n", err.message);
        return RUN_MALFORMED;
    }
    for (size_t i = 0; i < count; i++) {
        unsigned from, until;
        run_range(run->options, lessons[i], &from, &until);
        steps += until + 1 - from;
    }
    if (sinks_open(run, steps, &err) < 0)
        result = say_cannot(&err);
    for (size_t i = 0; result == RUN_OK && i < count; i++)
        result = run_lesson(run, lessons[i], i + 1 == count);
    if (sinks_close(run, result == RUN_OK, &err) < 0 && result == RUN_OK)
        result = say_cannot(&err);
    return result == RUN_OK ? summary(&run->counts) : result;
}

int run_loaded(struct lesson *const *lessons, size_t count, const struct run_options *options)
{
    struct run run = { .options = options, .rows = 24, .cols = 80 };
    void (*before)(int) =
        signal(SIGPIPE, SIG_IGN); /* a reader that goes is an error of writing: the lab is cleared up */
    int result = run_all(&run, lessons, count);
    signal(SIGPIPE, before);
    return result;
}

int run_lessons(char *const *names, size_t count, const struct run_options *options)
{
    cleanup_free struct lesson **lessons = calloc(count + 1, sizeof(struct lesson *));
    if (!lessons)
        return RUN_CANNOT;
    int result = load(names, count, lessons);
    if (result == RUN_OK)
        result = run_loaded(lessons, count, options);
    for (size_t i = 0; i < count; i++)
        lesson_free(lessons[i]);
    return result;
}
