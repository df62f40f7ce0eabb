/* Checks: bash in the lab, beside the learner's shell, never two at once.
 *
 * One runs at every end of a command, when a nested shell comes to its prompt, and once a second while the step has not passed: but the latter only if a terminal printed
 * something, or something in the lab has run since (see activity.h), or five seconds have gone (time itself may be what the check waits for): a check takes some 10 ms of CPU, a
 * look whether anything ran a hundredth of that.
 */
#include "repl/session/session_internal.h"

#include "engine/base/cleanup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define TICK_MS 1000
#define QUIET_PERIOD_MS 5000
#define PAUSE_MS 100 /* between two letters, that no look at the lab waits for */
#define HELD_MS 2000 /* that a look waits at most */
#define SOON_MS 20   /* what follows a command at once is waited for */
#define RESIDUE_NS                                                                                                     \
    150000 /* of a check's own exit, charged after it was reaped; any program that is started uses more */

/* What tells whether anything ran. Returns false when it cannot be known. */
static bool read_activity(struct session *session, uint64_t *value)
{
    pid_t shells[SESSION_TERMINALS];
    for (unsigned i = 0; i < SESSION_TERMINALS; i++)
        shells[i] = session_shell(session, i + 1);
    return session->lab && activity_read(&session->check.activity, session->lab, shells, SESSION_TERMINALS, value);
}

static char *trimmed(const char *text)
{
    while (*text == '\n' || *text == ' ')
        text++;
    size_t len = strlen(text);
    while (len && (text[len - 1] == '\n' || text[len - 1] == ' ' || text[len - 1] == '\r'))
        len--;
    return strndup(text, len);
}

static void start(struct session *session, unsigned step, session_check_fn *done, void *data);

static void tell_check(struct session *session, bool passed, const char *said)
{
    struct check *check = &session->check;
    bool changed = passed || !check->said || strcmp(check->said, said) != 0;
    free(check->said);
    check->said = strdup(said);
    check->met = passed;
    if (changed || check->loud)
        session_tell(session, &(struct session_event){
                                  .kind = SESSION_CHECK, .step = check->step, .passed = passed, .text = said });
    check->loud = check->loud && check->again;
}

static void ended(struct session *session, bool passed, const char *said)
{
    struct check *check = &session->check;
    session_check_fn *done = check->done;
    check->job = NULL;
    check->done = NULL;
    check->ended = loop_now();
    check->settled = false;
    if (!read_activity(session, &check->seen))
        check->seen = 0;
    if (check->step == session->current) {
        tell_check(session, passed, said);
        step_consider(session, passed);
    }
    if (done)
        done(session, passed, said, check->data);
    if (check->again && !check->job) {
        check->again = false;
        check_soon(session, check->loud);
    }
}

static void on_check_done(const struct job_result *result, void *data)
{
    struct session *session = data;
    cleanup_free char *said = NULL;
    bool passed = !result->timed_out && result->wait_status == 0;
    if (result->timed_out) {
        if (asprintf(&said, "the check did not end in %d s", CHECK_TIMEOUT_MS / 1000) < 0)
            said = NULL;
    } else {
        said = trimmed(result->output);
    }
    ended(session, passed, said ? said : "");
}

static void start(struct session *session, unsigned step, session_check_fn *done, void *data)
{
    struct check *check = &session->check;
    struct err err;
    const char *const argv[] = { "bash", "-c", session_step(session, step)->check, NULL };
    cleanup_environment char **env = script_environment(session, step);
    struct job_options options = { .loop = session->options.loop,
                                   .lab = session->lab,
                                   .argv = argv,
                                   .env = (const char *const *)env,
                                   .timeout_ms = CHECK_TIMEOUT_MS,
                                   .output_limit = SAID_LIMIT,
                                   .done = on_check_done,
                                   .data = session };
    check->step = step;
    check->done = done;
    check->data = data;
    check->active = false;
    check->job = job_start(&session->jobs, &options, &err);
    if (!check->job) /* the pids limit is reached, say: that is a state of the lab like another */
        ended(session, false, lab_words(session, &err));
}

static bool wanted(const struct session *session)
{
    const struct step *step = session_step(session, session->current);
    return step && step->check && session->lab && session->lab_ready && !session->setup && !session->replay.on &&
           !session->options.by_hand && !session_current_passed(session);
}

static void on_soon(void *data)
{
    struct session *session = data;
    session->check.soon = NULL;
    if (!wanted(session))
        return;
    if (session->check.job)
        session->check.again = true;
    else
        start(session, session->current, NULL, NULL);
}

void check_soon(struct session *session, bool loud)
{
    struct check *check = &session->check;
    if (!wanted(session))
        return;
    check->loud |= loud;
    if (!check->soon)
        check->soon = loop_add_timer(session->options.loop, SOON_MS, 0, on_soon, session);
}

void session_typed(struct session *session, bool letter)
{
    struct typing *typing = &session->typing;
    uint64_t now = loop_now();
    if (!letter)
        *typing = (struct typing){ 0 };
    else if (now - typing->last >= PAUSE_MS)
        typing->began = now;
    if (letter)
        typing->last = now;
}

bool typing_holds(const struct session *session, uint64_t since)
{
    const struct typing *typing = &session->typing;
    uint64_t now = loop_now(), waits_since = since > typing->began ? since : typing->began;
    return now - typing->last < PAUSE_MS && now - waits_since < HELD_MS;
}

/* Has anything in the lab run since the last look? After a check, what is left of its own exit may still be charged to the cgroup. */
static bool something_ran(struct session *session)
{
    struct check *check = &session->check;
    uint64_t now;
    if (!read_activity(session, &now))
        return true;
    bool residue = !check->settled && check->activity.file[0] && now - check->seen <= RESIDUE_NS;
    bool ran = now != check->seen && !residue;
    check->seen = now;
    check->settled = true;
    return ran;
}

static void on_tick(void *data)
{
    struct session *session = data;
    struct check *check = &session->check;
    if (session_current_passed(session)) {
        loop_remove(check->timer);
        check->timer = NULL;
        return;
    }
    if (!wanted(session) || check->job || check->soon || typing_holds(session, check->ended))
        return;
    bool ran = something_ran(session);
    if (check->active || ran || loop_now() - check->ended >= QUIET_PERIOD_MS)
        start(session, session->current, NULL, NULL);
}

void check_begin(struct session *session)
{
    struct check *check = &session->check;
    if (session->options.by_hand)
        return;
    activity_open(&check->activity, session->lab);
    if (!check->timer)
        check->timer = loop_add_timer(session->options.loop, TICK_MS, TICK_MS, on_tick, session);
    check_soon(session, true);
}

void check_end(struct session *session)
{
    struct check *check = &session->check;
    job_cancel(check->job);
    loop_remove(check->soon);
    loop_remove(check->asked);
    loop_remove(check->timer);
    free(check->said);
    *check = (struct check){ 0 };
}

/* One asked for by hand begins when the step's setup is done and no other runs. */
static void on_asked(void *data)
{
    struct session *session = data;
    struct check *check = &session->check;
    check->asked = NULL;
    if (session->setup || check->job) {
        check->asked = loop_add_timer(session->options.loop, SOON_MS, 0, on_asked, session);
        return;
    }
    session_check_fn *done = check->asked_done;
    unsigned step = check->asked_step;
    check->asked_done = NULL;
    if (session->lab && session_step(session, step)->check) {
        start(session, step, done, check->asked_data);
        return;
    }
    bool passed = session->lab && !session->steps[step - 1].block_failed;
    check->step = step;
    check->done = done;
    check->data = check->asked_data;
    ended(session, passed, session->lab ? "" : "the lab has ended");
}

int session_run_check(struct session *session, unsigned step, session_check_fn *done, void *data, struct err *err)
{
    struct check *check = &session->check;
    if (!session_step(session, step))
        return err_say(err, EINVAL, "check step %u: this lesson has steps 1 to %zu", step,
                       session->options.lesson->step_count);
    if (check->asked_done)
        return err_say(err, EBUSY, "check step %u: another check was asked for and has not ended", step);
    check->asked = loop_add_timer(session->options.loop, 1, 0, on_asked, session);
    if (!check->asked)
        return err_set(err, ENOMEM, "check step %u", step);
    check->asked_done = done;
    check->asked_data = data;
    check->asked_step = step;
    return 0;
}
