/* The steps of a lesson: which is current, what it waits for, and the teaching commands. */
#include "repl/session/session_internal.h"

#include "engine/base/cleanup.h"
#include "engine/observe/host.h"

#include <stdio.h>
#include <string.h>

#define STATUS_STEPS(session) ((session)->options.lesson->step_count)

/* Tried once a session: some take a while, and every step may ask for the same. */
static const struct feature_answer *ask_feature(struct session *session, const char *name)
{
    for (size_t i = 0; i < session->feature_count; i++)
        if (strcmp(session->features[i].name, name) == 0)
            return &session->features[i];
    struct feature_answer *features = realloc(session->features, (session->feature_count + 1) * sizeof *features);
    if (!features)
        return NULL;
    session->features = features;
    struct feature_answer *answer = &features[session->feature_count++];
    const struct host_feature *feature = host_feature_find(name);
    char found[160] = "", brings[160] = "";
    *answer = (struct feature_answer){ .missing = true };
    snprintf(answer->name, sizeof answer->name, "%s", name);
    if (!feature) {
        snprintf(answer->reason, sizeof answer->reason, "%.64s: no such feature (`teachroot doctor` lists them)", name);
        return answer;
    }
    answer->missing = feature->probe(found, sizeof found) == HOST_NO;
    host_brings(feature, brings, sizeof brings);
    snprintf(answer->reason, sizeof answer->reason, "%s: %s%s%s", feature->name, found[0] ? found : "missing",
             brings[0] ? "; " : "", brings);
    return answer;
}

bool feature_missing(struct session *session, const char *names, char *reason, size_t size)
{
    cleanup_free char *copy = strdup(names ? names : "");
    char *rest = copy, *name;
    while ((name = strsep(&rest, " ,\t\n"))) {
        const struct feature_answer *answer = *name ? ask_feature(session, name) : NULL;
        if (!answer || !answer->missing)
            continue;
        snprintf(reason, size, "%s", answer->reason);
        return true;
    }
    return false;
}

static struct step_state *state_of(const struct session *session, unsigned step)
{
    return step >= 1 && step <= STATUS_STEPS(session) ? &session->steps[step - 1] : NULL;
}

int steps_init(struct session *session, struct err *err)
{
    const struct lesson *lesson = session->options.lesson;
    char reason[512];
    session->steps = calloc(lesson->step_count + 1, sizeof *session->steps);
    if (!session->steps)
        return err_set(err, ENOMEM, "start a session");
    bool lacks = feature_missing(session, lesson->requires, reason, sizeof reason);
    session->lacks = lacks ? strdup(reason) : NULL;
    for (size_t i = 0; i < lesson->step_count; i++) {
        struct step_state *state = &session->steps[i];
        if (lacks || feature_missing(session, lesson->steps[i].requires, reason, sizeof reason))
            state->skip_reason = strdup(reason);
        state->answered = calloc(lesson->steps[i].block_count + 1, sizeof *state->answered);
        if (!state->answered)
            return err_set(err, ENOMEM, "start a session");
    }
    return 0;
}

void steps_free(struct session *session)
{
    for (size_t i = 0; session->steps && i < STATUS_STEPS(session); i++) {
        free(session->steps[i].skip_reason);
        free(session->steps[i].answered);
    }
    free(session->steps);
    free(session->lacks);
    free(session->features);
}

static bool known_feature(const char *name)
{
    return host_feature_find(name) != NULL;
}

struct lesson *session_load_lesson(const char *path, struct lesson_mistakes *mistakes, struct err *err)
{
    struct lesson *lesson = lesson_load(path, mistakes, err);
    if (!lesson || lesson_check_requires(lesson, known_feature, mistakes) == 0)
        return lesson;
    lesson_free(lesson);
    return NULL;
}

const char *progress_name(const struct session *session)
{
    const char *path = session->options.lesson->path, *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void steps_resume(struct session *session)
{
    for (unsigned i = 1; session->options.progress && i <= STATUS_STEPS(session); i++) {
        char hash[17];
        step_hash(session_step(session, i), hash);
        if (progress_passed(session->options.progress, progress_name(session), i, hash))
            state_of(session, i)->status = STEP_PASSED;
    }
}

/* From the step last worked on, then from the first: one that is still to be done. */
unsigned steps_first_open(const struct session *session)
{
    unsigned last = session->options.progress ? progress_step(session->options.progress, progress_name(session)) : 0;
    for (unsigned i = last ? last : 1; i <= STATUS_STEPS(session); i++)
        if (session->steps[i - 1].status != STEP_PASSED && !session->steps[i - 1].skip_reason)
            return i;
    for (unsigned i = 1; i <= STATUS_STEPS(session); i++)
        if (session->steps[i - 1].status != STEP_PASSED && !session->steps[i - 1].skip_reason)
            return i;
    return (unsigned)STATUS_STEPS(session) + 1;
}

void steps_jump(struct session *session, unsigned step)
{
    for (unsigned i = 1; i <= STATUS_STEPS(session); i++) {
        struct step_state *state = state_of(session, i);
        if (state->status == STEP_PASSED)
            continue;
        state->status = i < step ? STEP_SKIPPED : STEP_AHEAD;
    }
}

const char *session_lacks(const struct session *session)
{
    return session->lacks;
}

const char *session_skip_reason(const struct session *session, unsigned step)
{
    const struct step_state *state = state_of(session, step);
    return state ? state->skip_reason : NULL;
}

unsigned session_current(const struct session *session)
{
    return session->current;
}

enum step_status session_step_status(const struct session *session, unsigned step)
{
    const struct step_state *state = state_of(session, step);
    if (state && step == session->current)
        return STEP_CURRENT;
    return state ? state->status : STEP_AHEAD;
}

bool session_current_passed(const struct session *session)
{
    const struct step_state *state = state_of(session, session->current);
    return state && state->passed;
}

static void tell_step(struct session *session)
{
    session_tell(session, &(struct session_event){ .kind = SESSION_STEP,
                                                   .step = session->current,
                                                   .passed = session_current_passed(session) });
}

static void finish(struct session *session)
{
    check_end(session);
    tell_step(session);
    if (!session->finished_told)
        session_tell(session, &(struct session_event){ .kind = SESSION_FINISHED, .step = session->current });
    session->finished_told = true;
}

static void step_set_up(struct session *session)
{
    state_step_began(session);
    lenses_step_began(session);
    if (session->current <= STATUS_STEPS(session))
        check_begin(session);
}

void step_begin(struct session *session, unsigned step)
{
    check_end(session);
    while (step <= STATUS_STEPS(session) && session->steps[step - 1].skip_reason) {
        session->steps[step - 1].status = STEP_SKIPPED;
        if (!session->lacks) /* else it is said of the lesson */
            session_message(session, false, "step %u is skipped: %s", step, session->steps[step - 1].skip_reason);
        step++;
    }
    session->current = step;
    evidence_step_began(session);
    session->last_status = 0;
    free(session->last_command);
    session->last_command = NULL;
    solution_begin(session);
    const struct step *now = session_step(session, step);
    if (!now) {
        finish(session);
        return;
    }
    struct err err;
    if (session->options.progress &&
        progress_set_step(session->options.progress, progress_name(session), step, &err) < 0)
        session_message(session, true, "progress is not saved: %s", err.message);
    struct step_state *state = state_of(session, step);
    state->passed = state->touched = state->command_done = state->block_failed = false;
    state->hint = 0;
    state->hinted = false;
    memset(state->answered, 0, now->block_count * sizeof *state->answered);
    session_run_setup(session, "the step's setup", now->setup, step_set_up);
    if (session->current == step)
        tell_step(session);
}

void step_touched(struct session *session)
{
    struct step_state *state = state_of(session, session->current);
    if (state && !session->replay.on && session->lab_ready)
        state->touched = true;
}

unsigned session_undo_step(const struct session *session)
{
    const struct step_state *state = state_of(session, session->current);
    unsigned step = session->current;
    if (state && state->touched)
        return step;
    while (--step >= 1 && session_skip_reason(session, step)) {
    }
    return step;
}

static bool has_block(const struct step *step, enum block_type type)
{
    for (size_t i = 0; i < step->block_count; i++)
        if (step->blocks[i].type == type)
            return true;
    return false;
}

bool step_is_answered(const struct session *session, unsigned number)
{
    const struct step *step = session_step(session, number);
    for (size_t i = 0; i < step->block_count; i++)
        if (step->blocks[i].type == BLOCK_QUIZ && !session->steps[number - 1].answered[i])
            return false;
    return true;
}

/* Does anything tell whether the step was done? If not, `next` passes it. */
static bool asks_for_something(const struct step *step)
{
    return step->check || has_block(step, BLOCK_COMMAND) || has_block(step, BLOCK_QUIZ);
}

static void pass(struct session *session)
{
    struct step_state *state = state_of(session, session->current);
    struct err err;
    char hash[17];
    state->passed = true;
    state->status = STEP_PASSED;
    step_hash(session_step(session, session->current), hash);
    if (session->options.progress &&
        progress_pass(session->options.progress, progress_name(session), session->current, hash, &err) < 0)
        session_message(session, true, "progress is not saved: %s", err.message);
    record_passed(session);
    tell_step(session);
}

void step_consider(struct session *session, bool checked)
{
    const struct step *step = session_step(session, session->current);
    struct step_state *state = state_of(session, session->current);
    if (!step || state->passed || session->replay.on || !step_is_answered(session, session->current))
        return;
    bool judged = step->check || session->options.by_hand;
    if (judged ? checked : !has_block(step, BLOCK_COMMAND) || state->command_done)
        pass(session);
}

/* The block the command is from: by its text; else (typed in other words) any block it could stand for. */
static bool command_counts(const struct step *step, const char *command, int status, bool nested)
{
    bool known = false, counts = false;
    for (size_t i = 0; i < step->block_count; i++) {
        const struct block *block = &step->blocks[i];
        bool same = false;
        if (block->type != BLOCK_COMMAND)
            continue;
        for (size_t k = 0; block->commands && block->commands[k]; k++)
            same |= strcmp(block->commands[k], command) == 0;
        bool matches = nested ? block_exit_matches(block, 0) : block_exit_matches(block, status << 8);
        if (same && !known) {
            known = true;
            counts = false;
        }
        if (same || !known)
            counts |= matches;
    }
    return counts;
}

void step_command_ended(struct session *session, const char *command, int status, bool nested)
{
    const struct step *step = session_step(session, session->current);
    if (!step || step->check || session->options.by_hand || !session->lab_ready)
        return;
    if (command_counts(step, command, status, nested))
        state_of(session, session->current)->command_done = true;
    step_consider(session, false);
}

static const char *say(struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *say(struct session *session, const char *format, ...)
{
    char text[SAID_LIMIT + 256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_clear(&session->said);
    text_append(&session->said, text, strlen(text), sizeof text);
    return text_string(&session->said);
}

static void step_torn_down(struct session *session)
{
    step_begin(session, session->current + 1);
}

static bool makes_something(const struct step *step)
{
    return has_block(step, BLOCK_COMMAND) || has_block(step, BLOCK_SCRIPT) || has_block(step, BLOCK_FILE);
}

/* The steps after this one build on what it would have made: it is done for the learner, in a fresh lab. */
static const char *skip_done(struct session *session)
{
    struct err err;
    unsigned step = session->current;
    check_end(session);
    if (session_goto(session, step + 1, &err) < 0)
        return say(session, "%s", err.message);
    session_message(session, false, "step %u is skipped: a fresh lab is made, with its commands run for you", step);
    return NULL;
}

const char *session_next(struct session *session, bool skip)
{
    const struct step *step = session_step(session, session->current);
    struct step_state *state = state_of(session, session->current);
    if (session->replay.on || !session->lab_ready || session->setup)
        return say(session, "The lab is still being made ready: a moment");
    if (!step)
        return say(session, "This lesson is finished: every step has passed or was skipped");
    if (!state->passed && !skip && !asks_for_something(step))
        pass(session);
    if (!state->passed && !skip) {
        cleanup_free char *why = strdup(session_why(session));
        if (why && lab_is_broken(why))
            return session_why(session);
        return say(session, "Not yet: %s (`hint` helps, `skip` goes on without it)", why ? why : "");
    }
    if (!state->passed && !session->options.by_hand && !session->options.presented && makes_something(step) &&
        session->current < STATUS_STEPS(session))
        return skip_done(session);
    if (!state->passed)
        state->status = STEP_SKIPPED;
    check_end(session);
    session_run_setup(session, "the step's teardown", step->teardown, step_torn_down);
    return NULL;
}

const char *session_why(struct session *session)
{
    const struct step *step = session_step(session, session->current);
    const struct step_state *state = state_of(session, session->current);
    if (!step)
        return say(session, "nothing: this lesson is finished");
    if (state->passed)
        return say(session, "nothing: this step has passed; `next` goes on");
    bool said = step->check && session->check.said && *session->check.said && !session->check.met;
    if (!step_is_answered(session, session->current))
        return said ? say(session, "the question is not answered, and: %s", session->check.said)
                    : say(session, "the question is not answered");
    if (step->check && session->check.said && *session->check.said)
        return say(session, "%s", session->check.said);
    if (step->check)
        return say(session, session->check.said ? "the step's check does not pass, and does not say why"
                                                : "the step's check has not run yet");
    if (has_block(step, BLOCK_COMMAND))
        return say(session, "a command of this step has to be run, and to end as the step says");
    return say(session, "nothing: `next` goes on");
}

static const char *next_hint(const struct session *session, const struct step *step, struct step_state *state,
                             enum hint_kind *kind)
{
    const char *said = session->check.said;
    *kind = HINT_WORDS;
    if (said && *said && !state->hinted) {
        state->hinted = true;
        return said;
    }
    const struct hint *hint = step->hints;
    for (unsigned n = state->hint; hint && hint->text && n > 0; n--)
        hint++;
    if (!hint || !hint->text)
        return NULL;
    state->hint++;
    *kind = hint->solution ? HINT_SOLUTION : HINT_WORDS;
    return hint->text;
}

/* All else that the step asks for is done: hints at that would lead astray. */
static bool only_question_left(const struct session *session)
{
    const struct step *step = session_step(session, session->current);
    if (step_is_answered(session, session->current) || !makes_something(step))
        return false;
    return step->check ? session->check.met : state_of(session, session->current)->command_done;
}

const char *session_hint(struct session *session, enum hint_kind *kind)
{
    const struct step *step = session_step(session, session->current);
    struct step_state *state = state_of(session, session->current);
    enum hint_kind ignored = HINT_NONE;
    kind = kind ? kind : &ignored;
    *kind = HINT_NONE;
    if (!step)
        return say(session, "This lesson is finished");
    if (state->passed)
        return say(session, "This step has passed: `next` goes on");
    if (only_question_left(session))
        return say(session, "The commands are done, only the question is left. A wrong answer costs nothing: "
                            "it is told why it is wrong");
    const char *hint = next_hint(session, step, state, kind);
    if (hint)
        return say(session, "%s", hint);
    const char *command = session_solution(session);
    *kind = command ? HINT_COMMAND : HINT_NONE;
    return say(session, "%s", command ? command : "There are no more hints for this step");
}

const struct block *session_quiz(const struct session *session)
{
    const struct step *step = session_step(session, session->current);
    for (size_t i = 0; step && i < step->block_count; i++)
        if (step->blocks[i].type == BLOCK_QUIZ && !session->steps[session->current - 1].answered[i])
            return &step->blocks[i];
    return NULL;
}

void step_answered(struct session *session, const struct block *block)
{
    const struct step *step = session_step(session, session->current);
    if (!step || block < step->blocks || block >= step->blocks + step->block_count)
        return;
    session->steps[session->current - 1].answered[block - step->blocks] = true;
    if (session->options.by_hand)
        return;
    if (step->check)
        check_soon(session, true);
    else
        step_consider(session, false);
}

static bool chosen(const unsigned *choices, size_t count, unsigned which)
{
    for (size_t i = 0; i < count; i++)
        if (choices[i] == which)
            return true;
    return false;
}

static void add_reason(struct session *session, const char *reason)
{
    if (!reason)
        return;
    if (session->said.len)
        text_append(&session->said, "\n", 1, SAID_LIMIT);
    text_append(&session->said, reason, strlen(reason), SAID_LIMIT);
}

bool session_answer(struct session *session, const unsigned *choices, size_t count, const char *typed,
                    const char **reason)
{
    const struct block *block = session_quiz(session);
    bool right = true;
    text_clear(&session->said);
    if (reason)
        *reason = "";
    if (!block)
        return false;
    const struct quiz *quiz = block->quiz;
    if (quiz->typed) {
        right = typed && quiz_typed_right(quiz, typed);
        add_reason(session, quiz->typed_reason);
    }
    for (size_t i = 0; !quiz->typed && i < quiz->count; i++) {
        bool said = chosen(choices, count, (unsigned)i);
        /* One of several right answers is enough where only one can be chosen. */
        if (quiz->several ? said != quiz->answers[i].right : said && !quiz->answers[i].right)
            right = false;
        if (said)
            add_reason(session, quiz->answers[i].reason);
    }
    right = right && (quiz->typed || count > 0 || quiz->several);
    step_touched(session);
    record_answer(session, quiz, choices, count, typed, right);
    if (reason)
        *reason = text_string(&session->said);
    if (!right)
        return false;
    step_answered(session, block);
    return true;
}
