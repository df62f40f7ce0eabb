#include "repl/play/afterwards.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"

static void turn(struct loop *loop)
{
    struct err err;
    if (loop_run(loop, NULL, NULL, &err) < 0)
        fprintf(stderr, "teachroot: %s\n", err.message);
}

static void hold(struct loop *loop, struct lab *lab)
{
    fprintf(stderr, "teachroot: lab `%s` is kept: `teachroot lab enter %s`; Ctrl-C ends it\n", lab_name(lab),
            lab_name(lab));
    turn(loop);
}

static void on_shell_ended(int fd, uint32_t events, void *data)
{
    loop_quit(data);
}

/* This program again, as `lab enter`: the loop goes on meanwhile, and with it the lesson's own terminals. */
static pid_t start_shell(struct lab *lab)
{
    char *const argv[] = { (char *)(uintptr_t) "teachroot", (char *)(uintptr_t) "lab", (char *)(uintptr_t) "enter",
                           (char *)(uintptr_t)lab_name(lab), NULL };
    posix_spawnattr_t attributes;
    sigset_t signals;
    pid_t pid = -1;
    posix_spawnattr_init(&attributes);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    errno = posix_spawn(&pid, "/proc/self/exe", NULL, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    return errno ? -1 : pid;
}

static void shell(struct loop *loop, struct lab *lab)
{
    fprintf(stderr, "teachroot: a shell in lab `%s`: `exit` ends both\n", lab_name(lab));
    pid_t pid = start_shell(lab);
    cleanup_close int ended = pid > 0 ? sys_pidfd_open(pid) : -1;
    if (ended < 0) {
        fprintf(stderr, "teachroot: no shell can be started in lab `%s`: %s\n", lab_name(lab), strerror(errno));
    } else {
        struct loop_source *source = loop_add_fd(loop, ended, EPOLLIN, 1, on_shell_ended, loop);
        turn(loop);
        loop_remove(source);
        kill(pid, SIGTERM); /* it has ended, unless a signal ended the loop */
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
}

void afterwards(const struct run_options *options, struct loop *loop, struct lab *lab)
{
    if (options->shell)
        shell(loop, lab);
    if (options->keep)
        hold(loop, lab);
}
