/** A scenario: what a forked child writes down, in mounts of its own, on a kernel that may lack some syscalls. */
#ifndef TESTS_UNIT_SCENARIO_H
#define TESTS_UNIT_SCENARIO_H

#include "tests/unit/block_syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SCENARIO_ROOM 32768

typedef void scenario_fn(FILE *out);

/** Stand on an empty tmpfs, in a mount namespace that the caller has just made. Returns 0 or -1. */
static inline int scenario_ground(void)
{
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("none", "/mnt", "tmpfs", 0, NULL) < 0
               ? -1
               : chdir("/mnt");
}

/** What @scenario writes down in a child, once @prepare(@who) is 0 there and the syscalls @blocked (ended by 0) are gone. */
static inline void scenario_record(scenario_fn *scenario, int (*prepare)(int who), int who, const int *blocked,
                                   char *text, size_t room)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        FILE *out = fdopen(ends[1], "w");
        setvbuf(out, NULL, _IOLBF, 0);
        umask(022);
        if (prepare(who) < 0 || block_syscalls(blocked) < 0)
            fprintf(out, "could not be prepared: %s\n", strerror(errno));
        else
            scenario(out);
        fclose(out);
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(ends[0], text + len, room - 1 - len)) > 0;)
        len += (size_t)n;
    text[len] = '\0';
    close(ends[0]);
    int status;
    waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || len == 0 || strstr(text, "could not be prepared"))
        fail_msg("the scenario ended with status %#x after: %s", (unsigned)status, text);
}

/** For @prepare: a mount namespace of its own, on an empty tmpfs at /mnt. */
static inline int scenario_alone(int who)
{
    return unshare(CLONE_NEWNS) < 0 ? -1 : scenario_ground();
}

/** What @scenario writes down is the same with the syscalls @blocked and without. */
static inline void scenario_same_without(scenario_fn *scenario, int (*prepare)(int who), int who, const int *blocked)
{
    static char with[SCENARIO_ROOM], without[SCENARIO_ROOM];
    static const int none[] = { 0 };
    scenario_record(scenario, prepare, who, none, with, sizeof with);
    scenario_record(scenario, prepare, who, blocked, without, sizeof without);
    for (char *a = with, *b = without; a || b;) {
        const char *line_a = strsep(&a, "\n"), *line_b = strsep(&b, "\n");
        if (!line_a || !line_b || strcmp(line_a, line_b) != 0)
            fail_msg("with the syscall\n%s\nand without\n%s", line_a ? line_a : "nothing", line_b ? line_b : "nothing");
    }
}

#endif
