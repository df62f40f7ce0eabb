#include "engine/rootfs/bootstrap_service.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "engine/rootfs/bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { MOST_JOBS = 4, JOB_END_MS = 15000 };

struct bootstrap_service {
    pid_t pid;
    int life;
};

struct server {
    int life, lab, listener;
    pid_t init;       /* of the lab */
    uid_t owner;      /* host id of the lab's root */
    int jobs_life[2]; /* its write end is the server's alone: jobs end with it */
    struct {
        pid_t pid;
        int pidfd;
    } jobs[MOST_JOBS];
    size_t job_count;
    struct bootstrap_job template;
};

/* As the lab's root, to whom the socket then belongs: a user the lab does not know may not make anything in it. */
static int listen_in_lab(pid_t init, uid_t owner, struct err *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/root", init);
    cleanup_close int root = open_policy(AT_FDCWD, path, OPEN_ROOT_DIRECTORY, err);
    if (root < 0)
        return -1;
    cleanup_close int run = open_policy(root, "/run/teachroot", OPEN_IN_ROOT_DIRECTORY, err);
    if (run < 0)
        return -1;
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", run, strrchr(BOOTSTRAP_SOCKET, '/') + 1);
    bool as_lab = geteuid() == 0;
    mode_t mask = umask(0177);
    if (as_lab) {
        setfsgid(owner);
        setfsuid(owner);
    }
    int bound = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof address), failed = errno;
    if (as_lab) {
        setfsuid(0);
        setfsgid(0);
    }
    umask(mask);
    if (bound < 0)
        return err_set(err, failed, "bind `%s` of the lab", BOOTSTRAP_SOCKET);
    if (listen(fd, MOST_JOBS) < 0)
        return err_set(err, errno, "listen on `%s` of the lab", BOOTSTRAP_SOCKET);
    return take_fd(&fd);
}

static void refuse(int client, const char *why)
{
    char line[256];
    int n = snprintf(line, sizeof line, "E %s\n", why);
    ssize_t sent = send(client, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* who does not listen is not told */
}

static void forget_job(struct server *server, size_t i)
{
    while (waitpid(server->jobs[i].pid, NULL, 0) < 0 && errno == EINTR) {
    }
    close(server->jobs[i].pidfd);
    server->jobs[i] = server->jobs[--server->job_count];
}

static void accept_one(struct server *server)
{
    /* cppcheck-suppress nullPointer ; the caller's address is not asked for */
    cleanup_close int client = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    if (server->job_count == MOST_JOBS) {
        refuse(client, "too many root filesystems are being made at once: wait until one of them is done");
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        struct bootstrap_job job = server->template;
        job.client = client;
        job.alive = server->jobs_life[0];
        close(server->jobs_life[1]);
        close(server->listener);
        close(server->life);
        close(server->lab);
        for (size_t i = 0; i < server->job_count; i++)
            close(server->jobs[i].pidfd);
        bootstrap_job_run(&job);
        _exit(0);
    }
    int pidfd = pid < 0 ? -1 : sys_pidfd_open(pid);
    if (pid < 0 || pidfd < 0) {
        refuse(client, "this machine has no room for another process");
        if (pid > 0) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
        }
        return;
    }
    server->jobs[server->job_count].pid = pid;
    server->jobs[server->job_count++].pidfd = pidfd;
}

static void serve(struct server *server)
{
    for (;;) {
        struct pollfd fds[3 + MOST_JOBS] = { { .fd = server->life, .events = POLLIN },
                                             { .fd = server->lab, .events = POLLIN },
                                             { .fd = server->listener, .events = POLLIN } };
        for (size_t i = 0; i < server->job_count; i++)
            fds[3 + i] = (struct pollfd){ .fd = server->jobs[i].pidfd, .events = POLLIN };
        if (poll(fds, 3 + server->job_count, -1) < 0 && errno != EINTR)
            return;
        if (fds[0].revents || fds[1].revents)
            return;
        for (size_t i = server->job_count; i-- > 0;)
            if (fds[3 + i].revents)
                forget_job(server, i);
        if (fds[2].revents)
            accept_one(server);
    }
}

static void end_jobs(struct server *server)
{
    close(server->listener);
    close(server->jobs_life[1]);
    while (server->job_count > 0) {
        struct pollfd ended = { .fd = server->jobs[0].pidfd, .events = POLLIN };
        if (poll(&ended, 1, JOB_END_MS) <= 0)
            sys_pidfd_signal(server->jobs[0].pidfd, SIGKILL);
        forget_job(server, 0);
    }
}

/* Nothing of the program's may be kept open here: neither what its lab lives by, nor anybody's terminal. */
static void __attribute__((noreturn)) server_main(struct server *server, int told)
{
    int keep[4] = { server->life, server->lab, told, -1 };
    struct err err = { 0 };
    for (int i = 1; i < 3; i++) /* sorted */
        for (int k = i; k > 0 && keep[k] < keep[k - 1]; k--) {
            int swap = keep[k];
            keep[k] = keep[k - 1];
            keep[k - 1] = swap;
        }
    sigset_t none;
    sigemptyset(&none);
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
    setsid(); /* a Ctrl-C is for the program, which then ends us */
    prctl(PR_SET_NAME, "teachroot-cache");
    if (sys_close_from(3, keep, 3) < 0 || chdir("/") < 0)
        err_set(&err, errno, "prepare the cache's process");
    else if (pipe2(server->jobs_life, O_CLOEXEC) < 0)
        err_set(&err, errno, "pipe2");
    else
        server->listener = listen_in_lab(server->init, server->owner, &err);
    ssize_t n = write(told, &err, sizeof err);
    close(told);
    if (n != (ssize_t)sizeof err || err.code)
        _exit(1);
    serve(server);
    end_jobs(server);
    _exit(0);
}

static int prepare(struct server *server, struct lab *lab, struct err *err)
{
    char cache[sizeof server->template.trees - 16];
    const struct lab_facts *facts = lab_facts(lab);
    if (geteuid() == 0 && !facts->whole_root)
        return err_say(err, ENOTSUP, "what is kept has the owners of this machine, and this lab shows it with others");
    if (lab_cache_directory(cache, sizeof cache, err) < 0)
        return -1;
    struct bootstrap_job *job = &server->template;
    job->offline = strcmp(facts->network, "offline") == 0;
    snprintf(job->trees, sizeof job->trees, "%s/trees", cache);
    snprintf(job->packages, sizeof job->packages, "%s/packages", cache);
    if ((mkdir(job->trees, 0755) < 0 && errno != EEXIST) || (mkdir(job->packages, 0755) < 0 && errno != EEXIST))
        return err_set(err, errno, "mkdir in `%s`", cache);
    server->init = lab_init_pid(lab);
    server->owner = facts->id_base;
    return 0;
}

struct bootstrap_service *bootstrap_service_start(struct lab *lab, struct err *err)
{
    struct server server = { .life = -1, .lab = -1, .listener = -1, .jobs_life = { -1, -1 } };
    int life[2], told[2];
    struct err why;
    if (prepare(&server, lab, err) < 0)
        return NULL;
    cleanup_close int lab_fd = fcntl(lab_pidfd(lab), F_DUPFD_CLOEXEC, 3);
    server.lab = lab_fd;
    struct bootstrap_service *service = calloc(1, sizeof *service);
    if (!service || lab_fd < 0 || pipe2(life, O_CLOEXEC) < 0) {
        err_set(err, errno, "start the cache's process");
        free(service);
        return NULL;
    }
    cleanup_close int life_read = life[0], life_write = life[1];
    server.life = life_read;
    if (pipe2(told, O_CLOEXEC) < 0) {
        err_set(err, errno, "pipe2");
        free(service);
        return NULL;
    }
    service->pid = fork();
    if (service->pid == 0)
        server_main(&server, told[1]);
    int failed = errno;
    close(told[1]);
    ssize_t n = service->pid < 0 ? 0 : read(told[0], &why, sizeof why);
    close(told[0]);
    if (n == (ssize_t)sizeof why && why.code == 0) {
        service->life = take_fd(&life_write);
        return service;
    }
    if (service->pid > 0)
        while (waitpid(service->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    if (n == (ssize_t)sizeof why)
        err_say(err, why.code, "%s", why.message);
    else
        err_set(err, service->pid < 0 ? failed : EIO, "start the cache's process");
    free(service);
    return NULL;
}

void bootstrap_service_stop(struct bootstrap_service *service)
{
    if (!service)
        return;
    close(service->life);
    while (waitpid(service->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    free(service);
}
