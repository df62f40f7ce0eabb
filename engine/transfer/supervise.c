/* A verb's work in a child process: whatever ends it, somebody is left who clears up. */
#include "engine/transfer/common.h"

#include "engine/image/store.h"

#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
enum { PASSED_ON = sizeof passed_on / sizeof *passed_on };

/* Ingests of a dead maker go when the store is next opened to write: that is now. */
static void clear_store(void)
{
    char path[PATH_MAX];
    if (store_default_path(path, sizeof path, NULL) < 0)
        return;
    struct store *store = store_open(path, STORE_READ, NULL, NULL);
    if (!store)
        return;
    store_close(store);
    store_close(store_open(path, STORE_WRITE, NULL, NULL));
}

static void end_by(int signal_number)
{
    sigset_t one;
    signal(signal_number, SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, signal_number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(signal_number);
}

int transfer_supervise(int (*run)(int argc, char **argv), int argc, char **argv)
{
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    for (size_t i = 0; i < PASSED_ON; i++)
        sigaddset(&signals, passed_on[i]);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, &signals, &before);
    pid_t self = getpid(), child = fork();
    if (child < 0)
        return transfer_failed(argv[0], "fork: out of processes or memory");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != self)
            _exit(1);
        sigprocmask(SIG_SETMASK, &before, NULL);
        _exit(run(argc, argv));
    }
    for (;;) {
        int status, got = sigwaitinfo(&signals, NULL);
        if (got > 0 && got != SIGCHLD)
            kill(child, got);
        if (waitpid(child, &status, WNOHANG) != child)
            continue;
        if (WIFEXITED(status))
            return WEXITSTATUS(status);
        clear_store();
        end_by(WTERMSIG(status));
        return 128 + WTERMSIG(status);
    }
}
