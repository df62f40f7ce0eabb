/* From a key to its echo on the screen: the whole program against tmux with a client attached, each on a terminal of its own at the same size, in one run.
 *
 * A key is written to the terminal's master, and the time taken until its letter comes back there. KEYS keys a case, at a person's pace and not in step with any clock;
 * our cases and tmux's follow one another in turn. `prompt`: the lab shell's own, our readline, against bash's in tmux. `shell`: bash within each. `cat`: the tty's own echo.
 * Needs what a lab needs. */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KEYS = 400, LINE = 20, START_MS = 30000, ECHO_MS = 2000 };

static const unsigned sizes[][2] = { { 24, 80 }, { 50, 200 } };

struct window {
    pid_t pid;
    int master;
    char directory[64];
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* Whatever is still there: our program clears up after itself, tmux's server is told to end, directories go. */
static struct window windows[2];
static char tmux_socket[64];

static void clear_up(void)
{
    char command[256];
    for (size_t i = 0; i < 2; i++) {
        if (windows[i].pid <= 0)
            continue;
        close(windows[i].master); /* SIGHUP */
        for (int turn = 0; turn < 200 && waitpid(windows[i].pid, NULL, WNOHANG) == 0; turn++)
            usleep(20000);
        kill(windows[i].pid, SIGKILL);
        snprintf(command, sizeof command, "rm -r %s", windows[i].directory);
        if (system(command) != 0)
            fprintf(stderr, "echo: %s cannot be removed\n", windows[i].directory);
        windows[i].pid = 0;
    }
    snprintf(command, sizeof command, "tmux -S %s kill-server 2>/dev/null; rm -f %s", tmux_socket, tmux_socket);
    if (*tmux_socket && system(command) != 0)
        fprintf(stderr, "echo: %s cannot be removed\n", tmux_socket);
    *tmux_socket = '\0';
}

static void fail(const char *what)
{
    fprintf(stderr, "echo: %s\n", what);
    exit(1);
}

/* Read until @text has come, or for @ms. Returns whether it came. */
static bool wait_for(const struct window *window, const char *text, double ms)
{
    char tail[8192];
    size_t len = 0;
    double end = now() + ms, left;
    while ((left = end - now()) > 0) {
        struct pollfd fd = { .fd = window->master, .events = POLLIN };
        if (poll(&fd, 1, (int)left + 1) <= 0)
            continue;
        if (len > sizeof tail / 2) {
            memmove(tail, tail + len - 256, 256);
            len = 256;
        }
        ssize_t n = read(window->master, tail + len, sizeof tail - 1 - len);
        if (n <= 0)
            return false;
        for (ssize_t i = 0; i < n; i++)
            if (tail[len + (size_t)i] == '\0')
                tail[len + (size_t)i] = ' ';
        len += (size_t)n;
        tail[len] = '\0';
        if (strstr(tail, text))
            return true;
    }
    return false;
}

static void drain(const struct window *window, double ms)
{
    wait_for(window, "\001", ms); /* which nobody prints */
}

static void type(const struct window *window, const char *keys)
{
    if (write(window->master, keys, strlen(keys)) < 0)
        fail("the terminal is gone");
}

static void start(struct window *window, const char *const *argv, unsigned rows, unsigned cols)
{
    struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };
    strcpy(window->directory, "/tmp/echo-bench-XXXXXX");
    if (!mkdtemp(window->directory))
        fail("no directory");
    window->pid = forkpty(&window->master, NULL, NULL, &size);
    if (window->pid == 0) {
        setenv("TERM", "xterm-256color", 1);
        setenv("XDG_STATE_HOME", window->directory, 1);
        unsetenv("TMUX");
        unsetenv("PROMPT_COMMAND");
        if (chdir(window->directory) == 0)
            execvp(argv[0], (char *const *)(size_t)argv);
        _exit(127);
    }
    fcntl(window->master, F_SETFD,
          FD_CLOEXEC); /* tmux's server would keep the other's terminal open when the bench is killed */
    if (window->pid < 0)
        fail("no terminal");
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct figures {
    double times[KEYS];
    size_t count;
};

/* One line of keys. The letters end no escape sequence, and the words that are typed mean nothing. */
static void measure_line(const struct window *window, struct figures *figures)
{
    static const char letters[] = "zwqy";
    for (unsigned i = 0; i < LINE && figures->count < KEYS; i++) {
        char key[2] = { letters[(figures->count + i) % 4], '\0' };
        double begin = now();
        type(window, key);
        if (!wait_for(window, key, ECHO_MS))
            fail("a key was not echoed");
        figures->times[figures->count++] = now() - begin;
        drain(window, 15 + (double)(random() % 20));
    }
    type(window, "\025"); /* Ctrl-U */
    drain(window, 60);
}

static void sort_figures(struct figures *figures)
{
    qsort(figures->times, figures->count, sizeof figures->times[0], by_value);
}

static double percentile(const struct figures *figures, unsigned percent)
{
    return figures->times[(figures->count - 1) * percent / 100];
}

static const struct scenario {
    const char *name, *ours, *theirs; /* what is typed first, in ours and in tmux */
} scenarios[] = {
    { "prompt", "", "" },
    { "shell", "bash --norc\r", "bash --norc\r" },
    { "cat", "cat\r", "cat\r" },
};

static void start_ours(struct window *window, unsigned rows, unsigned cols)
{
    static char lesson[512];
    const char *program = getenv("TEACHROOT"), *source = getenv("TEACHROOT_SOURCE");
    snprintf(lesson, sizeof lesson, "%s/tests/screen/lesson.md", source ? source : ".");
    const char *const argv[] = { program ? program : "build/teachroot", "--offline", lesson, NULL };
    start(window, argv, rows, cols);
    if (!wait_for(window, ":~#", START_MS))
        fail("the lab did not come up");
}

static void start_tmux(struct window *window, unsigned rows, unsigned cols)
{
    snprintf(tmux_socket, sizeof tmux_socket, "/tmp/echo-bench-%d", (int)getpid());
    const char *const argv[] = { "tmux", "-u",        "-f",          "/dev/null",
                                 "-S",   tmux_socket, "new-session", "bash --norc --noprofile",
                                 ";",    "set",       "-g",          "status",
                                 "off",  NULL };
    start(window, argv, rows, cols);
    if (!wait_for(window, "bash-", START_MS))
        fail("tmux did not come up");
}

static void run(const struct scenario *scenario, unsigned rows, unsigned cols)
{
    struct window *ours = &windows[0], *theirs = &windows[1];
    static struct figures mine, tmux;
    mine.count = tmux.count = 0;
    start_ours(ours, rows, cols);
    start_tmux(theirs, rows, cols);
    type(ours, scenario->ours);
    type(theirs, scenario->theirs);
    drain(ours, 700);
    drain(theirs, 300);
    while (mine.count < KEYS) {
        measure_line(ours, &mine);
        measure_line(theirs, &tmux);
    }
    clear_up();
    sort_figures(&mine);
    sort_figures(&tmux);
    printf("%-8s %4ux%-3u %8.2f ms %8.2f ms %8.2f ms %8.2f ms   %.2f   %.2f\n", scenario->name, cols, rows,
           percentile(&mine, 50), percentile(&mine, 99), percentile(&tmux, 50), percentile(&tmux, 99),
           percentile(&mine, 50) / percentile(&tmux, 50), percentile(&mine, 99) / percentile(&tmux, 99));
    fflush(stdout);
}

int main(void)
{
    atexit(clear_up);
    printf("%-8s %8s %11s %11s %11s %11s   ours/tmux\n", "", "size", "ours p50", "p99", "tmux p50", "p99");
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
            run(&scenarios[i], sizes[s][0], sizes[s][1]);
    return 0;
}
