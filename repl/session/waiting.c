/* Is a program in the terminal waiting for what is typed? Read from the kernel: which system call it is in, and on which fd. This is how a shell without marks (ash, dash,
 * python) is known to be at its prompt.
 */
#include "repl/session/session_internal.h"

#include "engine/base/open.h"
#include "engine/observe/observe.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#define PROCESSES_MAX 1024

enum waits_on { WAITS_READ, WAITS_POLL, WAITS_SELECT };
static const struct {
    long number;
    enum waits_on on;
} waiting_calls[] = {
    { SYS_read, WAITS_READ },
#ifdef SYS_poll
    { SYS_poll, WAITS_POLL },
#endif
    { SYS_ppoll, WAITS_POLL },
#ifdef SYS_select
    { SYS_select, WAITS_SELECT },
#endif
    { SYS_pselect6, WAITS_SELECT },
};

static bool is_terminal(pid_t pid, unsigned long fd)
{
    char link[64], to[64];
    snprintf(link, sizeof link, "/proc/%d/fd/%lu", pid, fd);
    ssize_t n = readlink(link, to, sizeof to - 1);
    if (n < 0)
        return false;
    to[n] = '\0';
    return strstr(to, "/pts/") || strcmp(to, "/dev/tty") == 0 || strcmp(to, "/dev/console") == 0;
}

static bool copy_from(pid_t pid, unsigned long address, void *to, size_t len)
{
    struct iovec local = { to, len }, remote = { (void *)address, len };
    return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)len;
}

static bool polls_terminal(pid_t pid, unsigned long address, unsigned long count)
{
    struct pollfd fds[16];
    if (count > 16 || !copy_from(pid, address, fds, count * sizeof *fds))
        return false;
    for (unsigned long i = 0; i < count; i++)
        if (fds[i].fd >= 0 && (fds[i].events & POLLIN) && is_terminal(pid, (unsigned long)fds[i].fd))
            return true;
    return false;
}

/* Of a select: only standard input is asked about, which is what line editors wait on. */
static bool selects_terminal(pid_t pid, unsigned long address)
{
    unsigned long first;
    return address && copy_from(pid, address, &first, sizeof first) && (first & 1) && is_terminal(pid, 0);
}

static bool reads_terminal(pid_t pid)
{
    char path[64], text[256];
    unsigned long args[3];
    long number;
    snprintf(path, sizeof path, "/proc/%d/syscall", pid);
    if (read_file_at(AT_FDCWD, path, text, sizeof text, NULL) < 0 ||
        sscanf(text, "%ld 0x%lx 0x%lx 0x%lx", &number, &args[0], &args[1], &args[2]) != 4)
        return false;
    for (size_t i = 0; i < sizeof waiting_calls / sizeof *waiting_calls; i++) {
        if (waiting_calls[i].number != number)
            continue;
        switch (waiting_calls[i].on) {
        case WAITS_READ:
            return is_terminal(pid, args[0]);
        case WAITS_POLL:
            return polls_terminal(pid, args[0], args[1]);
        case WAITS_SELECT:
            return selects_terminal(pid, args[1]);
        }
    }
    return false;
}

static pid_t foreground_reader(const struct session_terminal *at)
{
    pid_t group = terminal_foreground(at->terminal), pids[PROCESSES_MAX];
    if (group <= 0)
        return 0;
    if (reads_terminal(group))
        return group;
    ssize_t count = observe_processes_below(lab_init_pid(at->session->lab), pids, PROCESSES_MAX, NULL);
    for (ssize_t i = 0; i < count; i++)
        if (pids[i] != group && getpgid(pids[i]) == group && reads_terminal(pids[i]))
            return pids[i];
    return 0;
}

bool foreground_reads(const struct session_terminal *at)
{
    return foreground_reader(at) > 0;
}

pid_t session_reading(const struct session *session, unsigned number)
{
    if (number < 1 || number > SESSION_TERMINALS || !session->terminals[number].terminal || !session->lab)
        return 0;
    return foreground_reader(&session->terminals[number]);
}

enum session_reader session_reader(const struct session *session, unsigned number)
{
    struct termios tty;
    if (number < 1 || number > SESSION_TERMINALS || !session->terminals[number].terminal)
        return SESSION_READER_NONE;
    const struct session_terminal *at = &session->terminals[number];
    if (at->sent && !at->accepted) /* the shell reads still, but the line that is on its way to it */
        return SESSION_READER_NONE;
    if (tcgetattr(terminal_fd(at->terminal), &tty) == 0 && (tty.c_lflag & (ICANON | ECHO)) != (ICANON | ECHO))
        return SESSION_READER_KEYS;
    return foreground_reads(at) ? SESSION_READER_LINES : SESSION_READER_NONE;
}
