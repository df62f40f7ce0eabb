#include "repl/play/relay.h"

#include "engine/base/cleanup.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

static void follow_size(int master)
{
    struct winsize size;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
        ioctl(master, TIOCSWINSZ, &size);
}

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* Copies until the master ends: the last process in the lab has let go of its terminal. A signal to end us ends the copying too. */
static void copy(int master, int signals)
{
    struct pollfd fds[3] = { { .fd = STDIN_FILENO, .events = POLLIN },
                             { .fd = master, .events = POLLIN },
                             { .fd = signals, .events = POLLIN } };
    char bytes[65536];
    for (;;) {
        if (poll(fds, 3, -1) < 0 && errno != EINTR)
            return;
        if (fds[2].revents) {
            struct signalfd_siginfo info;
            if (read(signals, &info, sizeof info) != (ssize_t)sizeof info || info.ssi_signo != SIGWINCH)
                return;
            follow_size(master);
        }
        if (fds[1].revents) {
            ssize_t n = read(master, bytes, sizeof bytes);
            if (n <= 0 || !write_all(STDOUT_FILENO, bytes, (size_t)n))
                return;
        }
        if (fds[0].revents) {
            ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
            if (n <= 0)
                fds[0].fd = -1;
            else if (!write_all(master, bytes, (size_t)n))
                return;
        }
    }
}

static int relay_terminal(struct lab *lab, const char *const *argv, struct err *err)
{
    static const int ours[] = { SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGQUIT };
    cleanup_close int master = -1, slave = -1;
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
    if (lab_open_pty(lab, size.ws_row, size.ws_col, &master, &slave, err) < 0)
        return -1;
    const char *term = getenv("TERM");
    char term_entry[128];
    snprintf(term_entry, sizeof term_entry, "TERM=%s", term ? term : "dumb");
    const char *const env[] = { term_entry, NULL };
    struct lab_command command = { .argv = argv, .env = env, .stdio = { slave, slave, slave }, .tty = true };
    pid_t pid = lab_spawn(lab, &command, NULL, err);
    if (pid < 0)
        return -1;
    close(take_fd(&slave));

    sigset_t set, before;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigaddset(&set, ours[i]);
    sigprocmask(SIG_BLOCK, &set, &before);
    cleanup_close int signals = signalfd(-1, &set, SFD_CLOEXEC);
    struct termios cooked, raw;
    tcgetattr(STDIN_FILENO, &cooked);
    raw = cooked;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    copy(master, signals);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
    close(take_fd(&master)); /* hangs the program up, if it still runs */
    sigprocmask(SIG_SETMASK, &before, NULL);
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_set(err, errno, "wait for `%s`", argv[0]);
    return status;
}

int relay_run(struct lab *lab, const char *const *argv, struct err *err)
{
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        return relay_terminal(lab, argv, err);
    struct lab_command command = { .argv = argv, .stdio = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO } };
    pid_t pid = lab_spawn(lab, &command, NULL, err);
    int status;
    if (pid < 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_set(err, errno, "wait for `%s`", argv[0]);
    return status;
}
