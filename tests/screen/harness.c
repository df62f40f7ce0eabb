#include "tests/screen/harness.h"

#include "repl/session/loop.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct harness {
    pid_t pid;
    struct terminal *terminal;
    bool closed, ended;
    int status;
    char *text;
};

static void on_event(struct terminal *terminal, const struct terminal_event *event, void *data)
{
    struct harness *harness = data;
    if (event->kind == TERMINAL_CLOSED)
        harness->closed = true;
}

struct harness *harness_start(const char *const *argv, const char *const *env, unsigned cols, unsigned rows)
{
    struct harness *harness = calloc(1, sizeof(*harness));
    struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };
    int master;
    assert_non_null(harness);
    harness->pid = forkpty(&master, NULL, NULL, &size);
    if (harness->pid == 0) {
        setenv("TERM", "xterm-256color", 1);
        for (size_t i = 0; env && env[i]; i++)
            putenv((char *)(uintptr_t)env[i]);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_true(harness->pid > 0);
    struct terminal_options options = {
        .master = master, .rows = rows, .cols = cols, .nonce = "", .on_event = on_event, .data = harness
    };
    struct err err = { 0 };
    harness->terminal = terminal_new(&options, &err);
    if (!harness->terminal)
        fail_msg("%s", err.message);
    return harness;
}

/* Take what has arrived, waiting at most @ms for the first of it. */
static void take(struct harness *harness, int ms)
{
    if (harness->closed) {
        usleep(1000);
        return;
    }
    struct pollfd fd = { .fd = terminal_fd(harness->terminal),
                         .events = (short)(POLLIN | (terminal_wants_write(harness->terminal) ? POLLOUT : 0)) };
    poll(&fd, 1, ms);
    terminal_flush(harness->terminal, NULL);
    while (!harness->closed && terminal_read(harness->terminal, 65536, NULL) > 0)
        ;
}

const char *harness_text(struct harness *harness)
{
    unsigned rows = terminal_rows(harness->terminal), cols = terminal_cols(harness->terminal);
    size_t room = (size_t)rows * (cols * 8 + 2) + 1, used = 0;
    free(harness->text);
    harness->text = calloc(1, room);
    assert_non_null(harness->text);
    for (unsigned row = 0; row < rows; row++) {
        used += terminal_row_text(harness->terminal, (int)row, harness->text + used, room - used);
        harness->text[used++] = '\n';
    }
    return harness->text;
}

static bool found(struct harness *harness, const char *pattern)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0)
        fail_msg("`%s` is no regex", pattern);
    bool matches = regexec(&regex, harness_text(harness), 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}

static void await(struct harness *harness, const char *pattern, bool wanted, unsigned timeout_ms)
{
    uint64_t until = loop_now() + timeout_ms;
    while (found(harness, pattern) != wanted) {
        if (loop_now() > until) {
            fprintf(stderr, "%s", harness->text); /* longer than what cmocka prints */
            fail_msg("`%s` %s within %u ms on the screen above", pattern, wanted ? "was not seen" : "did not go",
                     timeout_ms);
        }
        take(harness, 20);
    }
}

void harness_expect(struct harness *harness, const char *pattern, unsigned timeout_ms)
{
    await(harness, pattern, true, timeout_ms);
}

void harness_expect_gone(struct harness *harness, const char *pattern, unsigned timeout_ms)
{
    await(harness, pattern, false, timeout_ms);
}

bool harness_shows(struct harness *harness, const char *pattern)
{
    take(harness, 0);
    return found(harness, pattern);
}

void harness_send(struct harness *harness, const char *bytes)
{
    terminal_write(harness->terminal, bytes, strlen(bytes));
    take(harness, 0);
}

void harness_resize(struct harness *harness, unsigned cols, unsigned rows)
{
    assert_int_equal(terminal_resize(harness->terminal, rows, cols, NULL), 0);
}

int harness_wait(struct harness *harness, unsigned timeout_ms)
{
    uint64_t until = loop_now() + timeout_ms;
    while (!harness->ended) {
        if (waitpid(harness->pid, &harness->status, WNOHANG) == harness->pid) {
            harness->ended = true;
        } else if (loop_now() > until) {
            fprintf(stderr, "%s", harness_text(harness));
            fail_msg("the program did not end within %u ms; its screen is above", timeout_ms);
        } else {
            take(harness, 10);
        }
    }
    take(harness, 0);
    return harness->status;
}

int harness_stop(struct harness *harness)
{
    if (!harness->ended) {
        kill(harness->pid, SIGKILL);
        while (waitpid(harness->pid, &harness->status, 0) < 0 && errno == EINTR)
            ;
    }
    int status = harness->status;
    terminal_free(harness->terminal);
    free(harness->text);
    free(harness);
    return status;
}

struct terminal *harness_terminal(struct harness *harness)
{
    return harness->terminal;
}

pid_t harness_pid(const struct harness *harness)
{
    return harness->pid;
}
