#include "repl/session/job.h"

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct job {
    struct jobs *all;
    struct job *next;
    pid_t pid;
    int pidfd, pipe;
    struct loop_source *ended, *readable, *deadline;
    struct text output;
    size_t output_limit;
    bool timed_out;
    job_done_fn *done; /* NULL: cancelled */
    void *data;
};

bool text_append(struct text *text, const char *bytes, size_t len, size_t limit)
{
    size_t room = text->len < limit ? limit - text->len : 0, take = len < room ? len : room;
    if (text->len + take + 1 > text->size) {
        size_t size = text->size ? text->size : 256;
        while (size < text->len + take + 1)
            size *= 2;
        char *data = realloc(text->data, size);
        if (!data)
            return false;
        text->data = data;
        text->size = size;
    }
    if (take)
        memcpy(text->data + text->len, bytes, take);
    text->len += take;
    text->data[text->len] = '\0';
    return take == len;
}

void text_clear(struct text *text)
{
    text->len = 0;
    if (text->data)
        text->data[0] = '\0';
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){ 0 };
}

const char *text_string(const struct text *text)
{
    return text->data ? text->data : "";
}

static void job_free(struct job *job)
{
    for (struct job **at = &job->all->first; *at; at = &(*at)->next)
        if (*at == job) {
            *at = job->next;
            break;
        }
    loop_remove(job->ended);
    loop_remove(job->readable);
    loop_remove(job->deadline);
    if (job->pidfd >= 0)
        close(job->pidfd);
    if (job->pipe >= 0)
        close(job->pipe);
    text_free(&job->output);
    free(job);
}

/* Returns false at end of file. */
static bool drain(struct job *job)
{
    char bytes[16384];
    for (int turn = 0; turn < 4; turn++) {
        ssize_t n = read(job->pipe, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        if (n == 0)
            return false;
        text_append(&job->output, bytes, (size_t)n, job->output_limit);
    }
    return true;
}

static void on_output(int fd, uint32_t events, void *data)
{
    struct job *job = data;
    if (!drain(job)) {
        loop_remove(job->readable);
        job->readable = NULL;
    }
}

static void on_ended(int fd, uint32_t events, void *data)
{
    struct job *job = data;
    int status;
    pid_t pid = waitpid(job->pid, &status, WNOHANG);
    if (pid == 0)
        return;
    if (pid < 0)
        status = 0;
    drain(job);
    if (job->done) {
        struct job_result result = { .wait_status = status,
                                     .timed_out = job->timed_out,
                                     .output = text_string(&job->output) };
        job->done(&result, job->data);
    }
    job_free(job);
}

static void on_deadline(void *data)
{
    struct job *job = data;
    job->deadline = NULL;
    job->timed_out = true;
    kill(-job->pid, SIGKILL);
}

/* What the program reads: held in memory, so that nothing needs to be fed. */
static int input_fd(const char *input, struct err *err)
{
    cleanup_close int fd = memfd_create("input", MFD_CLOEXEC);
    size_t len = strlen(input);
    if (fd < 0 || write(fd, input, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) < 0)
        return err_set(err, errno, "hold a program's input");
    return take_fd(&fd);
}

/* In the child: our own program, with nothing of ours but its standard output. */
static void __attribute__((noreturn)) run_outside(const struct job_options *options, pid_t parent, int output)
{
    static char *const environment[] = { NULL };
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), program = lab_open_program(NULL, LAB_TRANSFER, NULL);
    if (getppid() == parent && setpgid(0, 0) == 0 && null >= 0 && program >= 0 && dup2(null, 0) == 0 &&
        dup2(output, 1) == 1 && dup2(null, 2) == 2 && sys_close_from(3, &program, 1) == 0)
        fexecve(program, (char *const *)(uintptr_t)options->argv, environment);
    _exit(127);
}

static pid_t spawn_outside(const struct job_options *options, int output, int *pidfd, struct err *err)
{
    pid_t self = getpid(), pid = fork();
    if (pid < 0)
        return err_set(err, errno, "fork");
    if (pid == 0)
        run_outside(options, self, output);
    setpgid(pid, pid); /* by whichever of the two is first: it is killed by its group */
    *pidfd = sys_pidfd_open(pid);
    if (*pidfd >= 0)
        return pid;
    err_set(err, errno, "pidfd_open");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return -1;
}

struct job *job_start(struct jobs *jobs, const struct job_options *options, struct err *err)
{
    int ends[2];
    cleanup_close int input = -1;
    if (options->input && (input = input_fd(options->input, err)) < 0)
        return NULL;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        err_set(err, errno, "pipe2");
        return NULL;
    }
    cleanup_close int from = ends[0], to = ends[1];
    struct job *job = calloc(1, sizeof *job);
    if (!job || fcntl(from, F_SETFL, O_NONBLOCK) < 0) {
        err_set(err, job ? errno : ENOMEM, "start a program in the lab");
        free(job);
        return NULL;
    }
    struct lab_command command = {
        .argv = options->argv, .env = options->env, .cwd = options->cwd, .stdio = { input, to, to }
    };
    *job = (struct job){ .all = jobs,
                         .pidfd = -1,
                         .pipe = -1,
                         .output_limit = options->output_limit,
                         .done = options->done,
                         .data = options->data };
    job->pid = options->outside ? spawn_outside(options, to, &job->pidfd, err)
                                : lab_spawn(options->lab, &command, &job->pidfd, err);
    if (job->pid < 0) {
        free(job);
        return NULL;
    }
    job->next = jobs->first;
    jobs->first = job;
    job->pipe = take_fd(&from);
    job->ended = loop_add_fd(options->loop, job->pidfd, EPOLLIN, 2, on_ended, job);
    job->readable = loop_add_fd(options->loop, job->pipe, EPOLLIN, 2, on_output, job);
    job->deadline = loop_add_timer(options->loop, options->timeout_ms, 0, on_deadline, job);
    if (!job->ended || !job->readable || !job->deadline) {
        err_say(err, ENOMEM, "watch a program in the lab");
        kill(-job->pid, SIGKILL);
        waitpid(job->pid, NULL, 0);
        job_free(job);
        return NULL;
    }
    return job;
}

void job_wait(struct job *job, unsigned ms)
{
    for (uint64_t until = loop_now() + ms, now; (now = loop_now()) < until;) {
        struct pollfd fds[] = { { .fd = job->pidfd, .events = POLLIN },
                                { .fd = job->readable ? job->pipe : -1, .events = POLLIN } };
        if (poll(fds, 2, (int)(until - now)) < 0 && errno != EINTR)
            return;
        if (fds[1].revents)
            on_output(job->pipe, 0, job);
        if (fds[0].revents) {
            on_ended(job->pidfd, 0, job);
            return;
        }
    }
}

void job_cancel(struct job *job)
{
    if (!job)
        return;
    job->done = NULL;
    kill(-job->pid, SIGKILL);
}

void jobs_end(struct jobs *jobs)
{
    while (jobs->first) {
        struct job *job = jobs->first;
        struct pollfd gone = { .fd = job->pidfd, .events = POLLIN };
        job_cancel(job);
        if (poll(&gone, 1, 2000) > 0)
            waitpid(job->pid, NULL, 0);
        job_free(job);
    }
}
