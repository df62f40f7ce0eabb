/* The lens of a real lab's terminals: what the kernel was asked is there when a command has ended, and no strace outlives its lab. */
#include "engine/base/cleanup.h"
#include "repl/session/session.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct learner {
    struct loop *loop;
    struct lesson *lesson;
    struct session *session;
    unsigned done, command, prompts, steps; /* counted; command: number of the one that ended last */
    char message[512];
};

static void on_event(struct session *session, const struct session_event *event, void *data)
{
    struct learner *l = data;
    if (getenv("VERBOSE") && event->kind != SESSION_OUTPUT)
        printf("# event %d terminal %u: %s\n", (int)event->kind, event->terminal, event->text ? event->text : "");
    l->prompts += event->kind == SESSION_PROMPT;
    l->steps += event->kind == SESSION_STEP;
    if (event->kind == SESSION_COMMAND_DONE) {
        l->done++;
        l->command = event->command;
    }
    if (event->kind == SESSION_MESSAGE)
        snprintf(l->message, sizeof l->message, "%s", event->text);
}

static void turn_until(struct learner *l, const unsigned *counter, unsigned value, const char *what)
{
    uint64_t until = loop_now() + 20000;
    while (*counter < value) {
        if (loop_now() >= until)
            fail_msg("no %s in 20 s; last message `%s`", what, l->message);
        loop_once(l->loop, 100);
    }
}

static struct learner *learn(const char *text)
{
    struct err err = { 0 };
    struct lesson_mistakes mistakes = { 0 };
    struct learner *l = calloc(1, sizeof *l);
    l->loop = loop_new(&err);
    l->lesson = lesson_parse("/tmp/07-lens.md", text, strlen(text), &mistakes, &err);
    if (!l->lesson)
        fail_msg("line %d: %s", mistakes.count ? mistakes.list[0].line : 0, err.message);
    struct session_options options = { .loop = l->loop,
                                       .lesson = l->lesson,
                                       .rows = 24,
                                       .cols = 80,
                                       .lab = { .offline = true },
                                       .on_event = on_event,
                                       .data = l };
    l->session = session_new(&options, &err);
    if (!l->session || session_start(l->session, 1, &err) < 0)
        fail_msg("%s", err.message);
    turn_until(l, &l->steps, 1, "step");
    return l;
}

static void leave(struct learner *l)
{
    session_free(l->session);
    lesson_free(l->lesson);
    loop_free(l->loop);
    free(l);
}

static void run(struct learner *l, const char *line)
{
    struct err err;
    unsigned done = l->done, prompts = l->prompts;
    if (session_send_line(l->session, line, &err) < 0)
        fail_msg("%s", err.message);
    turn_until(l, &l->done, done + 1, line);
    turn_until(l, &l->prompts, prompts + 1, "prompt");
}

static void show(struct learner *l){
    struct lens *lens = session_lens(l->session, 1);
    for (size_t i = 0; i < lens_count(lens); i++) {
        const struct lens_call *c = lens_call_at(lens, i);
        printf("%lu c%u %s(%d/%d) %s(%s) = %ld %s x%u%s%s\n", c->number, c->command, c->process, c->inside, c->pid, c->name, c->arguments, c->result, c->error?strerrorname_np(c->error):"", c->repeats, c->ended?"":" unended", c->expected?" EXPECTED":"");
    }
}
static void t(void **state)
{
    struct learner *l = learn("# x\n\n## a\n\n```bash\ntrue\n```\n<!-- check\nassert syscall pivot_root failed EINVAL\n-->\n");
    run(l, "chroot /tmp nothere");
    run(l, "unshare -m true; nosuch; env nosuch; echo hi | cat");
    run(l, "for i in 1 2 3; do kill -0 1; done; pivot_root /usr /usr");
    run(l, "sh -c 'sleep 0.2; kill -9 $$'; (sleep 1 & sleep 2; exit 3); echo $?");
    show(l);
    struct err err;
    const struct lens_call *f[5];
    printf("failures %zu\n", lens_failures(session_lens(l->session,1),1,f,5));
    pid_t s=session_shell(l->session,1); char b[200]; snprintf(b,200,"grep Tracer /proc/%d/status | cut -f2 | xargs kill -9",s); system(b);
    unsigned p = l->prompts; turn_until(l,&l->prompts,p+1,"new prompt"); puts(l->message);
    run(l, "cd /tmp; unshare -m true");
    assert_int_equal(session_switch_lens(l->session, 1, false, &err), 0);
    p = l->prompts; turn_until(l,&l->prompts,p+1,"new prompt"); puts(l->message);
    run(l, "pwd; unshare -m true; grep NoNew /proc/self/status");
    show(l);
    leave(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
