/* A real program on a real pty, seen through a terminal. */
#ifndef TESTS_UNIT_PTY_SESSION_H
#define TESTS_UNIT_PTY_SESSION_H

#include "repl/session/marks.h"
#include "repl/session/terminal.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PTY_DEADLINE_MS = 20000, PTY_LOG = 65536 };

struct pty_session {
    struct terminal *terminal;
    pid_t pid;
    char nonce[17];
    char events
        [PTY_LOG]; /* one a line: P prompt, C command, D done with its status; own shell or nested: "P own", "D nested 3" */
    size_t len;
    bool closed;
    char raw[PTY_LOG]; /* the last bytes read, NUL-terminated */
    size_t raw_len;
};

static inline uint64_t pty_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void pty_event(struct terminal *terminal, const struct terminal_event *event, void *data)
{
    struct pty_session *session = data;
    static const char letters[] = "PCDTBX";
    if (event->kind == TERMINAL_CLOSED)
        session->closed = true;
    if (event->kind > TERMINAL_DONE || session->len + 64 > PTY_LOG)
        return;
    size_t room = PTY_LOG - session->len;
    const char *who = event->own ? "own" : "nested";
    session->len +=
        (size_t)(event->kind == TERMINAL_DONE
                     ? snprintf(session->events + session->len, room, "D %s %d\n", who, event->status)
                     : snprintf(session->events + session->len, room, "%c %s\n", letters[event->kind], who));
}

static inline void pty_output(struct terminal *terminal, const char *bytes, size_t len, void *data)
{
    struct pty_session *session = data;
    if (len >= PTY_LOG)
        return;
    if (session->raw_len + len >= PTY_LOG)
        session->raw_len = 0;
    memcpy(session->raw + session->raw_len, bytes, len);
    session->raw_len += len;
    session->raw[session->raw_len] = '\0';
}

/* Start @argv with the marks and @environment (NULL-terminated, may be NULL) in an otherwise empty environment. */
static inline void pty_start(struct pty_session *session, unsigned rows, unsigned cols, const char *const *argv,
                             const char *const *environment)
{
    memset(session, 0, sizeof(*session));
    marks_nonce(session->nonce);
    char **marks = marks_environment(session->nonce);
    struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };
    int master;
    session->pid = forkpty(&master, NULL, NULL, &size);
    if (session->pid == 0) {
        clearenv();
        setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
        setenv("TERM", "xterm-256color", 1);
        setenv("LANG", "C.UTF-8", 1);
        setenv("HOME", "/nonexistent", 1);
        for (char **at = marks; *at; at++)
            putenv(*at);
        for (const char *const *at = environment; at && *at; at++)
            putenv(strdup(*at));
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    free(marks);
    struct err err;
    struct terminal_options options = { .master = master,
                                        .rows = rows,
                                        .cols = cols,
                                        .nonce = session->nonce,
                                        .on_event = pty_event,
                                        .on_output = pty_output,
                                        .data = session };
    session->terminal = session->pid > 0 ? terminal_new(&options, &err) : NULL;
    if (!session->terminal)
        abort();
}

/* Serve the terminal for up to @ms or until something was read. */
static inline void pty_serve(struct pty_session *session, int ms)
{
    struct pollfd fd = { .fd = terminal_fd(session->terminal), .events = POLLIN };
    if (terminal_wants_write(session->terminal))
        fd.events |= POLLOUT;
    struct err err;
    if (session->closed || poll(&fd, 1, ms) <= 0)
        return;
    if (fd.revents & POLLOUT)
        terminal_flush(session->terminal, &err);
    if (fd.revents & (POLLIN | POLLHUP))
        terminal_read(session->terminal, 65536, &err);
}

/* Serve until the events end with @tail. False after the deadline, with what there is on stderr. */
static inline bool pty_until_events(struct pty_session *session, const char *tail)
{
    uint64_t end = pty_now() + PTY_DEADLINE_MS;
    size_t len = strlen(tail);
    while (session->len < len || strcmp(session->events + session->len - len, tail) != 0) {
        if (pty_now() > end || session->closed) {
            fprintf(stderr, "# wanted events\n%s# got\n%s# output: %s\n", tail, session->events, session->raw);
            return false;
        }
        pty_serve(session, 50);
    }
    return true;
}

/* Any row of the screen that contains @text, or -1. */
static inline int pty_row_with(const struct pty_session *session, const char *text)
{
    char row[8192];
    for (int i = 0; i < (int)terminal_rows(session->terminal); i++) {
        terminal_row_text(session->terminal, i, row, sizeof(row));
        if (strstr(row, text))
            return i;
    }
    return -1;
}

static inline bool pty_until_shown(struct pty_session *session, const char *text)
{
    uint64_t end = pty_now() + PTY_DEADLINE_MS;
    while (pty_row_with(session, text) < 0) {
        if (pty_now() > end || session->closed) {
            fprintf(stderr, "# never shown: %s\n", text);
            for (int i = 0; i < (int)terminal_rows(session->terminal); i++) {
                char row[8192];
                terminal_row_text(session->terminal, i, row, sizeof(row));
                fprintf(stderr, "# |%s\n", row);
            }
            return false;
        }
        pty_serve(session, 50);
    }
    return true;
}

/* Serve until nothing was read for @ms. */
static inline void pty_settle(struct pty_session *session, unsigned ms)
{
    uint64_t quiet = pty_now() + ms, end = pty_now() + PTY_DEADLINE_MS;
    while (pty_now() < quiet && pty_now() < end && !session->closed) {
        size_t before = session->raw_len;
        pty_serve(session, 20);
        if (session->raw_len != before)
            quiet = pty_now() + ms;
    }
}

static inline void pty_forget(struct pty_session *session)
{
    session->len = session->raw_len = 0;
    session->events[0] = session->raw[0] = '\0';
}

static inline void pty_stop(struct pty_session *session)
{
    if (!session->terminal)
        return;
    kill(-session->pid, SIGHUP);
    kill(session->pid, SIGKILL);
    terminal_free(session->terminal);
    waitpid(session->pid, NULL, 0);
    session->terminal = NULL;
}

#endif
