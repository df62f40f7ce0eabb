#include "repl/session/session_internal.h"

#include "engine/base/cleanup.h"
#include "engine/rootfs/bootstrap_service.h"
#include "repl/session/marks.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define FIRST_PROMPT_MS 30000
#define DEATHS_MAX 3 /* of a lab while it is being replayed: then the replay itself kills it */

void session_tell(struct session *session, const struct session_event *event)
{
    if (session->options.on_event)
        session->options.on_event(session, event, session->options.data);
}

void session_message(struct session *session, bool failed, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    session_tell(session, &(struct session_event){
                              .kind = SESSION_MESSAGE, .failed = failed, .step = session->current, .text = text });
}

const struct step *session_step(const struct session *session, unsigned step)
{
    const struct lesson *lesson = session->options.lesson;
    return step >= 1 && step <= lesson->step_count ? &lesson->steps[step - 1] : NULL;
}

bool session_lab_alive(const struct session *session)
{
    struct pollfd dead = { .fd = session->lab ? lab_pidfd(session->lab) : -1, .events = POLLIN };
    return session->lab && poll(&dead, 1, 0) == 0;
}

struct session *session_new(const struct session_options *options, struct err *err)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session) {
        err_set(err, ENOMEM, "start a session");
        return NULL;
    }
    session->options = *options;
    session->active = 1;
    session->current = 1;
    for (unsigned i = 0; i <= SESSION_TERMINALS; i++)
        session->terminals[i] = (struct session_terminal){ .session = session, .number = i, .shell_pidfd = -1 };
    marks_nonce(session->nonce);
    session->environment = marks_environment(session->nonce);
    if (!session->environment) {
        err_set(err, ENOMEM, "start a session");
        session_free(session);
        return NULL;
    }
    if (steps_init(session, err) < 0) {
        session_free(session);
        return NULL;
    }
    return session;
}

void session_end_lab(struct session *session)
{
    player_end(session);
    replay_end(session);
    check_end(session);
    state_forget(session);
    session->setup = NULL;
    session->setup_done = NULL;
    session->lab_ready = session->lesson_set_up = false;
    loop_remove(session->lab_watch);
    loop_remove(session->start_timer);
    session->lab_watch = session->start_timer = NULL;
    /* The lab's init cannot end before our children in its pid namespace are reaped: so they go first. */
    terminals_end(session);
    jobs_end(&session->jobs);
    bootstrap_service_stop(session->bootstrap);
    session->bootstrap = NULL;
    lab_destroy(session->lab);
    lenses_end(session);
    session->lab = NULL;
}

void session_free(struct session *session)
{
    if (!session)
        return;
    session->options.on_event = NULL;
    loop_remove(session->rebuild);
    session_end_lab(session);
    steps_free(session);
    free(session->environment);
    free(session->last_command);
    free(session->done);
    evidence_forget(session);
    evidence_step_began(session);
    text_free(&session->said);
    free(session);
}

const struct lesson *session_lesson(const struct session *session)
{
    return session->options.lesson;
}

struct lab *session_lab(struct session *session)
{
    return session->lab;
}

/* The lab and its first prompt are there, and what the lesson needs: now the steps. */
void session_lab_ready(struct session *session)
{
    if (session->lab_ready || !session->lesson_set_up || !session->terminals[1].ready)
        return;
    session->lab_ready = true;
    loop_remove(session->start_timer);
    session->start_timer = NULL;
    session_tell(session,
                 &(struct session_event){ .kind = SESSION_LAB_READY, .terminal = 1, .step = session->current });
    replay_start(session, session->current);
}

static void lesson_set_up(struct session *session)
{
    session->lesson_set_up = true;
    session_lab_ready(session);
}

static void lab_gone(struct session *session);

static void on_no_prompt(void *data)
{
    struct session *session = data;
    session->start_timer = NULL;
    if (session->terminals[1].ready)
        return;
    session_message(session, true, "the lab's shell has not come to its prompt in %d s: `reset` makes a fresh lab",
                    FIRST_PROMPT_MS / 1000);
    if (session->options.by_hand)
        lab_gone(session);
}

static void on_lab_died(int fd, uint32_t events, void *data);

static int build(struct session *session, unsigned step, struct err *err)
{
    struct loop *loop = session->options.loop;
    session_end_lab(session);
    session->current = step;
    session->finished_told = false;
    session->active = 1;
    session->lab = lab_create(&session->options.lab, err);
    if (!session->lab)
        return -1;
    session->bootstrap = bootstrap_service_start(session->lab, NULL);
    session->lab_watch = loop_add_fd(loop, lab_pidfd(session->lab), EPOLLIN, 2, on_lab_died, session);
    session->start_timer = loop_add_timer(loop, FIRST_PROMPT_MS, 0, on_no_prompt, session);
    if (!session->lab_watch || !session->start_timer)
        err_say(err, ENOMEM, "watch the lab");
    if (!session->lab_watch || !session->start_timer || session_open_terminal(session, 1, err) < 0) {
        session_end_lab(session);
        return -1;
    }
    session_run_setup(session, "the lesson's setup", session->options.lesson->setup, lesson_set_up);
    return 0;
}

static void on_rebuild(void *data)
{
    struct session *session = data;
    struct err err;
    session->rebuild = NULL;
    if (build(session, session->rebuild_step, &err) < 0)
        session_message(session, true, "no new lab could be made: %s; `reset` tries again", err.message);
}

static int rebuild_soon(struct session *session, unsigned step, struct err *err)
{
    session->rebuild_step = step;
    if (!session->rebuild)
        session->rebuild = loop_add_timer(session->options.loop, 1, 0, on_rebuild, session);
    return session->rebuild ? 0 : err_set(err, ENOMEM, "make a fresh lab");
}

static void lab_gone(struct session *session)
{
    unsigned deaths = session->replay.on ? session->replay.deaths + 1 : 0;
    unsigned step = session->replay.on ? session->replay.target : session->current;
    loop_remove(session->lab_watch);
    session->lab_watch = NULL;
    session_tell(session,
                 &(struct session_event){ .kind = SESSION_LAB_DIED, .step = session->current, .failed = true });
    session_end_lab(session);
    session->replay.deaths = deaths;
    if (session->options.by_hand)
        return;
    if (deaths >= DEATHS_MAX)
        session_message(session, true, "the lab has died %u times while step %u was replayed: `goto` an earlier step",
                        deaths, step);
    else if (rebuild_soon(session, step, NULL) < 0)
        session_message(session, true, "the lab ended and no new one could be made: `reset` tries again");
}

static void on_lab_died(int fd, uint32_t events, void *data)
{
    lab_gone(data);
}

int session_start(struct session *session, unsigned step, struct err *err)
{
    struct err ignored;
    const struct lesson *lesson = session->options.lesson;
    if (step > lesson->step_count)
        return err_say(err, EINVAL, "start at step %u: `%s` has %zu", step,
                       lesson->title ? lesson->title : lesson->path, lesson->step_count);
    steps_resume(session);
    if (step == 0)
        step = steps_first_open(session);
    steps_jump(session, step);
    if (session->options.progress && progress_set_last(session->options.progress, progress_name(session), &ignored) < 0)
        session_message(session, true, "progress is not saved: %s", ignored.message);
    return build(session, step, err);
}

int session_goto(struct session *session, unsigned step, struct err *err)
{
    const struct lesson *lesson = session->options.lesson;
    if (step < 1 || step > lesson->step_count)
        return err_say(err, EINVAL, "go to step %u: this lesson has steps 1 to %zu", step, lesson->step_count);
    session->replay.deaths = 0;
    steps_jump(session, step);
    return rebuild_soon(session, step, err);
}

bool session_replaying(const struct session *session)
{
    return session->replay.on;
}

bool session_in_setup(const struct session *session)
{
    return session->setup;
}

static bool add_variable(char ***env, size_t *count, char *string)
{
    char **more = string ? realloc(*env, (*count + 2) * sizeof *more) : NULL;
    if (!more) {
        free(string);
        return false;
    }
    *env = more;
    more[(*count)++] = string;
    more[*count] = NULL;
    return true;
}

static bool add_format(char ***env, size_t *count, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool add_format(char ***env, size_t *count, const char *format, ...)
{
    va_list args;
    char *string;
    va_start(args, format);
    int len = vasprintf(&string, format, args);
    va_end(args);
    return add_variable(env, count, len < 0 ? NULL : string);
}

void environment_free(char ***env)
{
    for (size_t i = 0; *env && (*env)[i]; i++)
        free((*env)[i]);
    free(*env);
}

char **script_environment(const struct session *session, unsigned step)
{
    char **env = NULL, status[16] = "", *lens[2];
    size_t n = 0, seen = lens_environment(session, step, lens);
    if (session->last_command)
        snprintf(status, sizeof status, "%d", session->last_status);
    add_format(&env, &n, "TEACHROOT_STEP=%u", step);
    add_format(&env, &n, "TEACHROOT_LAST_STATUS=%s", status);
    add_format(&env, &n, "TEACHROOT_LAST_COMMAND=%s", session->last_command ? session->last_command : "");
    for (size_t i = 0; i < seen; i++)
        add_variable(&env, &n, lens[i]);
    for (unsigned i = 1; i <= SESSION_TERMINALS; i++) {
        pid_t pid = session_foreground_inside(session, i);
        if (pid > 0)
            add_format(&env, &n, "TEACHROOT_TERMINAL_%u=%d", i, pid);
    }
    return env;
}

static const char broken_lab[] = "The lab is broken: its bash is gone. `reset` builds a fresh one.";

const char *lab_words(const struct session *session, const struct err *err)
{
    bool broken =
        strncmp(err->message, "run `bash` in the lab", 21) == 0 && (err->code == ENOENT || err->code == ENOEXEC);
    return broken && !session->options.by_hand ? broken_lab : err->message;
}

bool lab_is_broken(const char *words)
{
    return strcmp(words, broken_lab) == 0;
}

static void on_setup_done(const struct job_result *result, void *data)
{
    struct session *session = data;
    void (*done)(struct session * session) = session->setup_done;
    session->setup = NULL;
    session->setup_done = NULL;
    if (result->timed_out)
        session_message(session, true, "%s did not end in %d s", session->setup_what, SETUP_TIMEOUT_MS / 1000);
    else if (result->wait_status != 0)
        session_message(session, true, "%s failed (status %d): %.900s", session->setup_what,
                        WIFEXITED(result->wait_status) ? WEXITSTATUS(result->wait_status)
                                                       : 128 + WTERMSIG(result->wait_status),
                        result->output);
    done(session);
}

void session_run_setup(struct session *session, const char *what, const char *script,
                       void (*done)(struct session *session))
{
    struct err err;
    if (!script || !*script) {
        done(session);
        return;
    }
    const char *const argv[] = { "bash", "-c", script, NULL };
    cleanup_environment char **env = script_environment(session, session->current);
    struct job_options options = { .loop = session->options.loop,
                                   .lab = session->lab,
                                   .argv = argv,
                                   .env = (const char *const *)env,
                                   .timeout_ms = SETUP_TIMEOUT_MS,
                                   .output_limit = SAID_LIMIT,
                                   .done = on_setup_done,
                                   .data = session };
    session->setup_what = what;
    session->setup_done = done;
    session->setup = job_start(&session->jobs, &options, &err);
    if (session->setup)
        return;
    const char *words = lab_words(session, &err);
    if (lab_is_broken(words))
        session_message(session, true, "%s", words);
    else
        session_message(session, true, "%s: %s", what, words);
    done(session);
}
