/* The lens of a real lab's terminals: what the kernel was asked is there when a command has ended, and no strace outlives its lab. */
#include "engine/base/cleanup.h"
#include "repl/session/lens_internal.h"
#include "repl/session/session.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* The first call of that name by that program with that among its arguments, or NULL. */
static const struct lens_call *find(const struct learner *l, unsigned terminal, const char *process, const char *name,
                                    const char *arguments)
{
    const struct lens *lens = session_lens(l->session, terminal);
    for (size_t i = 0; lens && i < lens_count(lens); i++) {
        const struct lens_call *call = lens_call_at(lens, i);
        if (strcmp(call->process, process) == 0 && strcmp(call->name, name) == 0 && strstr(call->arguments, arguments))
            return call;
    }
    return NULL;
}

static const struct lens_call *must_find(const struct learner *l, unsigned terminal, const char *process,
                                         const char *name, const char *arguments)
{
    const struct lens_call *call = find(l, terminal, process, name, arguments);
    if (!call)
        fail_msg("the lens of terminal %u has no %s(%s) by %s", terminal, name, arguments, process);
    return call;
}

/* Who traces the shell of the terminal, as the kernel has it; 0: nobody. */
static pid_t tracer(const struct learner *l, unsigned terminal)
{
    char path[64], line[256];
    int pid = 0;
    snprintf(path, sizeof path, "/proc/%d/status", session_shell(l->session, terminal));
    FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "TracerPid: %d", &pid) == 1)
            break;
    if (status)
        fclose(status);
    return pid;
}

static void wait_gone(pid_t pid)
{
    for (int i = 0; i < 200 && kill(pid, 0) == 0; i++)
        usleep(10000);
    if (kill(pid, 0) == 0)
        fail_msg("process %d is still there", pid);
}

static const char one_step[] =
    "# Lens\n\n## A step\n\n```bash\ntrue\n```\n"
    "<!-- check\nassert syscall pivot_root failed EINVAL by pivot_root with '\"/usr\"' from terminal 1\n-->\n";

static void what_a_command_asked_the_kernel_for_is_there_when_it_has_ended(void **state)
{
    const struct lens_call *failures[4];
    struct learner *l = learn(one_step);
    run(l, "chroot /tmp nothere");
    unsigned command = l->command;
    assert_int_equal(lens_failures(session_lens(l->session, 1), command, failures, 4), 1);
    assert_string_equal(failures[0]->name, "execve");
    assert_int_equal(failures[0]->error, ENOENT);
    assert_string_equal(failures[0]->process, "chroot");
    run(l, "unshare --mount --pid --fork sh -c 'kill -0 1; sleep 0.3'; env true");
    assert_int_equal(l->command, command + 1);
    assert_int_equal(session_commands(l->session, 1), command + 1);
    const struct lens_call *call = must_find(l, 1, "unshare", "unshare", "CLONE_NEWNS");
    assert_int_equal(call->command, command + 1);
    assert_true(call->ended && !call->error && call->inside > 1);
    assert_int_equal(must_find(l, 1, "sh", "kill", "1, 0")->inside, 1); /* as it numbers itself */
    must_find(l, 1, "env", "execve", "/bin/true");
    assert_int_equal(lens_failures(session_lens(l->session, 1), l->command, failures, 4), 0);
    leave(l);
}

static void a_check_can_ask_for_a_syscall(void **state)
{
    struct learner *l = learn(one_step);
    run(l, "pivot_root /etc /etc");
    assert_false(session_current_passed(l->session));
    run(l, "pivot_root /usr /usr");
    uint64_t until = loop_now() + 10000;
    while (!session_current_passed(l->session) && loop_now() < until)
        loop_once(l->loop, 100);
    if (!session_current_passed(l->session))
        fail_msg("it waits for `%s`", session_why(l->session));
    assert_true(must_find(l, 1, "pivot_root", "pivot_root", "\"/usr\", \"/usr\"")->expected);
    leave(l);
}

static void job_control_works_under_the_lens(void **state)
{
    static const char interrupt[] = "\003", stop[] = "\032";
    struct err err;
    struct learner *l = learn(one_step);
    unsigned done = l->done;
    session_send_line(l->session, "sleep 100", &err);
    while (!find(l, 1, "bash", "execve", "\"sleep\", \"100\""))
        loop_once(l->loop, 100);
    terminal_write(session_terminal(l->session, 1), stop, 1);
    turn_until(l, &l->done, done + 1, "end of what was stopped");
    run(l, "jobs | grep -q Stopped && mkdir /tmp/stopped");
    must_find(l, 1, "mkdir", "mkdir", "/tmp/stopped");
    done = l->done;
    session_send_line(l->session, "fg", &err);
    for (int i = 0; i < 10; i++)
        loop_once(l->loop, 50);
    terminal_write(session_terminal(l->session, 1), interrupt, 1);
    turn_until(l, &l->done, done + 1, "end of what was interrupted");
    leave(l);
}

static void strace_stays_outside_the_lab(void **state)
{
    char path[64], group[4096] = "", inside[256], outside[256];
    struct learner *l = learn(one_step);
    pid_t strace = tracer(l, 1);
    assert_true(strace > 0);
    snprintf(path, sizeof path, "/proc/%d/cgroup", strace);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(group, 1, sizeof group - 1, file) > 0);
    fclose(file);
    snprintf(path, sizeof path, "/teachroot/%s", lab_name(session_lab(l->session)));
    assert_null(strstr(group, path));
    snprintf(path, sizeof path, "/proc/%d/ns/pid", strace);
    ssize_t a = readlink(path, outside, sizeof outside - 1),
            b = readlink("/proc/self/ns/pid", inside, sizeof inside - 1);
    assert_true(a == b && memcmp(inside, outside, (size_t)a) == 0);
    run(l, "ps -e -o comm | grep -c strace | grep -qx 0 && mkdir /tmp/absent");
    must_find(l, 1, "mkdir", "mkdir", "/tmp/absent");
    leave(l);
    wait_gone(strace);
}

static void when_strace_dies_its_terminal_gets_a_new_shell_and_nothing_else_happens(void **state)
{
    struct learner *l = learn(one_step);
    struct err err;
    assert_int_equal(session_open_terminal(l->session, 2, &err), 0);
    unsigned prompts = l->prompts;
    turn_until(l, &l->prompts, prompts + 1, "prompt of terminal 2");
    pid_t strace = tracer(l, 1), first = session_shell(l->session, 1), second = session_shell(l->session, 2);
    pid_t init = lab_init_pid(session_lab(l->session));
    prompts = l->prompts;
    kill(strace, SIGKILL);
    turn_until(l, &l->prompts, prompts + 1, "new prompt");
    assert_non_null(strstr(l->message, "strace"));
    assert_int_not_equal(session_shell(l->session, 1), first);
    assert_int_equal(session_shell(l->session, 2), second);
    assert_int_equal(lab_init_pid(session_lab(l->session)), init);
    assert_true(tracer(l, 1) > 0 && tracer(l, 1) != strace);
    assert_int_equal(kill(strace, 0), -1); /* waited for */
    run(l, "mkdir /tmp/again");
    must_find(l, 1, "mkdir", "mkdir", "/tmp/again");
    leave(l);
}

static void the_lens_can_be_turned_off_and_on(void **state)
{
    struct learner *l = learn(one_step);
    struct err err;
    run(l, "cd /tmp");
    unsigned prompts = l->prompts;
    assert_int_equal(session_switch_lens(l->session, 1, false, &err), 0);
    turn_until(l, &l->prompts, prompts + 1, "prompt without the lens");
    assert_int_equal(tracer(l, 1), 0);
    assert_non_null(session_lens_lacks(l->session, 1));
    run(l, "grep -q 'NoNewPrivs:.0' /proc/self/status && mkdir here");
    assert_null(find(l, 1, "mkdir", "mkdir", "here"));
    prompts = l->prompts;
    assert_int_equal(session_switch_lens(l->session, 1, true, &err), 0);
    turn_until(l, &l->prompts, prompts + 1, "prompt with the lens");
    assert_null(session_lens_lacks(l->session, 1));
    run(l, "rmdir here"); /* in the directory where the shell before was */
    assert_true(must_find(l, 1, "rmdir", "rmdir", "here")->error == 0);
    session_send_line(l->session, "sleep 100", &err);
    while (!find(l, 1, "bash", "execve", "\"sleep\", \"100\""))
        loop_once(l->loop, 100);
    assert_int_equal(session_switch_lens(l->session, 1, false, &err), -1);
    assert_int_equal(err.code, EBUSY);
    leave(l);
}

static void the_lesson_says_which_calls_and_which_terminals(void **state)
{
    struct learner *l =
        learn("---\nlens: mkdir\n---\n# Lens\n\n## A step\n\n```bash |{\"lens\":\"symlinkat\"}\ntrue\n```\n"
              "```bash |{\"terminal\":\"2\",\"lens\":\"off\"}\ntrue\n```\n");
    struct err err;
    run(l, "mkdir /tmp/a; ln -s x /tmp/a/b; rmdir /nothere");
    must_find(l, 1, "mkdir", "mkdir", "/tmp/a");
    must_find(l, 1, "ln", "symlinkat", "/tmp/a/b");
    assert_null(find(l, 1, "rmdir", "rmdir", "/nothere"));
    unsigned prompts = l->prompts;
    assert_int_equal(session_open_terminal(l->session, 2, &err), 0);
    turn_until(l, &l->prompts, prompts + 1, "prompt of terminal 2");
    assert_int_equal(tracer(l, 2), 0);
    assert_non_null(session_lens_lacks(l->session, 2));
    leave(l);
}

static int cores(pid_t pid)
{
    cpu_set_t set;
    return sched_getaffinity(pid, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
}

static void wait_cores(struct learner *l, pid_t pid, int count)
{
    uint64_t until = loop_now() + 10000;
    while (cores(pid) != count) {
        if (loop_now() >= until)
            fail_msg("process %d may use %d cores, not %d", pid, cores(pid), count);
        loop_once(l->loop, 10);
    }
}

static void what_forks_much_shares_a_core_with_its_strace_and_only_for_so_long(void **state)
{
    struct learner *l = learn(one_step);
    pid_t shell = session_shell(l->session, 1), strace = tracer(l, 1);
    int all = cores(shell);
    struct err err;
    if (all < 2)
        skip();
    run(l, "sleep 100 & before=$!");
    unsigned done = l->done;
    session_send_line(l->session,
                      "for ((i = 0; i < 1000; i++)); do /bin/true; [ $i != 990 ] || taskset -cp $before; done | "
                      "grep -q '[-,]' && mkdir /tmp/apart; sleep 100 &",
                      &err);
    wait_cores(l, shell, 1);
    assert_int_equal(cores(strace), 1);
    turn_until(l, &l->done, done + 1, "end of the loop");
    wait_cores(l, shell, all);
    assert_int_equal(cores(strace), all);
    run(l, "[ $(taskset -cp $! | grep -c '[-,]') = 1 ] && mkdir /tmp/everywhere"); /* who was born in between */
    must_find(l, 1, "mkdir", "mkdir", "/tmp/everywhere");
    must_find(l, 1, "mkdir", "mkdir", "/tmp/apart"); /* who works in the background stays where it was */
    leave(l);
}

static void *wait_for_nothing(void *data)
{
    pause();
    return NULL;
}

/* A process that begins a thread when told to, and then lives on with both. */
static void live_with_a_thread(int told, int tell)
{
    pthread_t thread;
    char byte = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (read(told, &byte, 1) == 1 && pthread_create(&thread, NULL, wait_for_nothing, NULL) == 0 &&
        write(tell, &byte, 1) == 1)
        pause();
    _exit(1);
}

static int threads_on(pid_t pid, int count)
{
    char path[64];
    int found = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    for (const struct dirent *entry; tasks && (entry = readdir(tasks));)
        found += entry->d_name[0] != '.' && cores(atoi(entry->d_name)) == count;
    if (tasks)
        closedir(tasks);
    return found;
}

static void a_core_is_shared_by_threads_too_and_not_taken_from_who_was_given_it(void **state)
{
    struct lens *lens = lens_new();
    struct lens_pin pin = { .on = false }, other = { .on = false };
    int told[2], tell[2], all = cores(getpid());
    char byte = 0;
    if (all < 2)
        skip();
    assert_int_equal(pipe(told) | pipe(tell), 0);
    pid_t child = fork();
    if (child == 0)
        live_with_a_thread(told[0], tell[1]);
    assert_int_equal(ptrace(PTRACE_SEIZE, child, 0, 0), 0);
    lens_pin(&pin, lens, child, child, getpid());
    assert_true(pin.on);
    assert_int_equal(write(told[1], &byte, 1), 1);
    assert_int_equal(read(tell[0], &byte, 1), 1);
    assert_int_equal(threads_on(child, 1), 2);
    lens_unpin(&pin, getpid());
    assert_int_equal(threads_on(child, all), 2);
    assert_int_equal(cores(getpid()), all);
    assert_int_equal(sched_setaffinity(child, sizeof pin.core, &pin.core), 0);
    lens_pin(&other, lens, child, child, getpid());
    assert_false(other.on);
    lens_unpin(&other, getpid());
    assert_int_equal(threads_on(child, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    lens_free(lens);
}

static void a_job_left_behind_is_traced_until_the_lab_ends(void **state)
{
    struct learner *l = learn(one_step);
    run(l, "setsid sh -c 'while :; do mkdir /tmp/x; rmdir /tmp/x; done' &");
    pid_t strace = tracer(l, 1);
    unsigned prompts = l->prompts;
    struct err err;
    session_send_line(l->session, "exit", &err);
    turn_until(l, &l->prompts, prompts + 1, "prompt of the next shell");
    assert_int_equal(kill(strace, 0), 0);
    assert_int_not_equal(tracer(l, 1), strace);
    run(l, "mkdir /tmp/y");
    must_find(l, 1, "mkdir", "mkdir", "/tmp/y");
    leave(l);
    wait_gone(strace);
}

/* In a process of its own, since what this machine can is asked once: a session whose strace is the shell @script, which finds the real one in $STRACE. Returns whether a command is run in
 * it as it should, and what the lens says of it. */
static bool with_strace(const char *script, char *words, size_t size)
{
    char dir[] = "/tmp/lens-strace-XXXXXX", path[128];
    int ends[2], status;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/strace", dir);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\nSTRACE=/usr/bin/strace\n%s\n", script);
    fclose(file);
    chmod(path, 0755);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char search[4096], said[1024];
        snprintf(search, sizeof search, "%s:%s", dir, getenv("PATH"));
        setenv("PATH", search, 1);
        struct learner *l = learn(one_step);
        snprintf(said, sizeof said, "%s", l->message);
        run(l, "mkdir /tmp/a");
        const char *lacks = session_lens_lacks(l->session, 1);
        const struct lens_call *call = find(l, 1, "mkdir", "mkdir", "/tmp/a");
        int len = snprintf(words, size, "%s|%s|%s", said, lacks ? lacks : "", call ? call->name : "");
        (void)!write(ends[1], words, (size_t)len);
        leave(l);
        _exit(0);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], words, size - 1);
    words[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    waitpid(child, &status, 0);
    unlink(path);
    rmdir(dir);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void without_a_strace_that_traces_there_is_no_lens_and_all_the_rest(void **state)
{
    char words[1200];
    assert_true(with_strace("echo 'strace: ptrace: Operation not permitted' >&2; exit 1", words, sizeof words));
    if (!strstr(words, "|strace: cannot trace") || words[strlen(words) - 1] != '|')
        fail_msg("`%s`", words);
    /* It traced when it was tried, and does not when it is needed. */
    assert_true(with_strace("case \"$*\" in *-DDD*) echo 'strace: no more' >&2; exit 1; esac; exec $STRACE \"$@\"",
                            words, sizeof words));
    if (!strstr(words, "terminal 1 has no lens: strace: no more|strace could not be started"))
        fail_msg("`%s`", words);
}

static void an_older_strace_will_do(void **state)
{
    char words[1200];
    assert_true(with_strace("case \"$*\" in *--decode-pids*) exit 1; esac; exec $STRACE \"$@\"", words, sizeof words));
    assert_string_equal(words, "||mkdir");
    assert_true(with_strace("case \"$*\" in *--seccomp-bpf*) exit 1; esac; exec $STRACE \"$@\"", words, sizeof words));
    assert_string_equal(words, "||mkdir");
}

static void a_killed_program_leaves_no_strace(void **state)
{
    int ends[2], status;
    pid_t strace = 0;
    assert_int_equal(pipe(ends), 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* so that its end can be waited for here */
    pid_t program = fork();
    if (program == 0) {
        struct learner *l = learn(one_step);
        strace = tracer(l, 1);
        (void)!write(ends[1], &strace, sizeof strace);
        for (;;)
            loop_once(l->loop, -1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &strace, sizeof strace), sizeof strace);
    assert_true(strace > 0);
    kill(program, SIGKILL);
    assert_int_equal(waitpid(program, &status, 0), program);
    alarm(10);
    assert_int_equal(waitpid(strace, &status, 0), strace);
    alarm(0);
    while (waitpid(-1, &status, WNOHANG) > 0) { /* the lab's init among them */
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(ends[0]);
    assert_true(lab_gc(NULL) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First, before this process has asked what the machine can. */
        cmocka_unit_test(without_a_strace_that_traces_there_is_no_lens_and_all_the_rest),
        cmocka_unit_test(an_older_strace_will_do),
        cmocka_unit_test(what_a_command_asked_the_kernel_for_is_there_when_it_has_ended),
        cmocka_unit_test(a_check_can_ask_for_a_syscall),
        cmocka_unit_test(job_control_works_under_the_lens),
        cmocka_unit_test(strace_stays_outside_the_lab),
        cmocka_unit_test(when_strace_dies_its_terminal_gets_a_new_shell_and_nothing_else_happens),
        cmocka_unit_test(the_lens_can_be_turned_off_and_on),
        cmocka_unit_test(the_lesson_says_which_calls_and_which_terminals),
        cmocka_unit_test(a_killed_program_leaves_no_strace),
        cmocka_unit_test(what_forks_much_shares_a_core_with_its_strace_and_only_for_so_long),
        cmocka_unit_test(a_core_is_shared_by_threads_too_and_not_taken_from_who_was_given_it),
        cmocka_unit_test(a_job_left_behind_is_traced_until_the_lab_ends),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
