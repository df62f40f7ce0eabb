/* How long the state pane takes to show a mount, from before mount(2) to the moment it can be read on the screen: in the lab itself, and in a container in it.
 *
 * The program runs on a terminal of its own. In the lab one command, which keeps running so that no prompt tells anything, mounts and unmounts at odd moments and says
 * when; what is told thus includes starting mount(8). */
#include "repl/session/terminal.h"

#include <poll.h>
#include <pty.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIMES = 40, ROWS = 36, COLS = 120, START_MS = 30000, SHOWN_MS = 5000 };

static const char lesson[] =
    "---\ntitle: Bench\n---\nWords.\n\n## One\n\n```bash\ntrue\n```\n<!-- check\ntest -e /never\n-->\n";

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    fprintf(stderr, "state: %s\n", what);
    exit(1);
}

/* The text of the screen, rows joined by newlines. */
static const char *screen(const struct terminal *terminal)
{
    static char text[ROWS * 1024];
    size_t len = 0;
    for (int row = 0; row < ROWS; row++) {
        len += terminal_row_text(terminal, row, text + len, 1000);
        text[len++] = '\n';
    }
    text[len] = '\0';
    return text;
}

static bool shows(const struct terminal *terminal, const char *pattern)
{
    regex_t regex;
    regcomp(&regex, pattern, REG_EXTENDED | REG_NEWLINE | REG_NOSUB);
    bool found = regexec(&regex, screen(terminal), 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

/* Wait until @pattern is shown, or no longer is. */
static void await(struct terminal *terminal, const char *pattern, bool shown, unsigned ms)
{
    double until = now(CLOCK_MONOTONIC) + ms / 1e3;
    struct err err;
    while (shows(terminal, pattern) != shown) {
        struct pollfd fd = { .fd = terminal_fd(terminal), .events = POLLIN };
        if (now(CLOCK_MONOTONIC) > until) {
            fprintf(stderr, "%s\n", screen(terminal));
            fail(pattern);
        }
        if (poll(&fd, 1, 100) > 0)
            terminal_read(terminal, 65536, &err);
    }
}

static void send(struct terminal *terminal, const char *text)
{
    struct err err;
    terminal_write(terminal, text, strlen(text));
    while (terminal_wants_write(terminal))
        terminal_flush(terminal, &err);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(struct terminal *terminal, const char *where)
{
    double took[TIMES];
    send(terminal, "clear; for i in {1..40}; do sleep 0.$((RANDOM % 300 + 300)); t=$EPOCHREALTIME; "
                   "mount -t tmpfs none /mnt; sleep 0.7; echo T=$t; umount /mnt; done; echo do''ne\r");
    for (int i = 0; i < TIMES; i++) {
        await(terminal, "\\+ /mnt mounted", true, START_MS);
        double seen = now(CLOCK_REALTIME);
        await(terminal, "\\+ /mnt mounted", false, SHOWN_MS);
        const char *last = NULL;
        for (const char *at = screen(terminal); (at = strstr(at, "T=1")); at++)
            last = at;
        if (!last)
            fail("the time was not said");
        took[i] = (seen - strtod(last + 2, NULL)) * 1e3;
    }
    await(terminal, "^.*done", true, SHOWN_MS);
    qsort(took, TIMES, sizeof(took[0]), by_value);
    printf("%-28s median %3.0f ms, 95%% %3.0f ms, most %3.0f ms of %d mounts (aim: 200 ms)\n", where, took[TIMES / 2],
           took[TIMES * 95 / 100], took[TIMES - 1], TIMES);
}

int main(void)
{
    char directory[] = "/tmp/state-bench-XXXXXX", path[64], command[96];
    const char *program = getenv("TEACHROOT");
    if (!mkdtemp(directory))
        fail("mkdtemp");
    snprintf(path, sizeof(path), "%s/01-bench.md", directory);
    FILE *file = fopen(path, "w");
    if (!file || fputs(lesson, file) < 0 || fclose(file) != 0)
        fail(path);
    struct winsize size = { .ws_row = ROWS, .ws_col = COLS };
    struct terminal_options options = { .rows = ROWS, .cols = COLS };
    struct err err;
    pid_t pid = forkpty(&options.master, NULL, NULL, &size);
    if (pid == 0) {
        setenv("TERM", "xterm-256color", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        setenv("XDG_STATE_HOME", directory, 1);
        execlp(program ? program : "build/teachroot", "teachroot", "--offline", path, (char *)NULL);
        _exit(127);
    }
    struct terminal *terminal = pid > 0 ? terminal_new(&options, &err) : NULL;
    if (!terminal)
        fail("no terminal");
    await(terminal, "lab[0-9]+:.*#", true, START_MS);
    measure(terminal, "in the lab");
    send(terminal, "unshare --mount --pid --fork --user --map-root-user --mount-proc bash --norc\r");
    await(terminal, "1 inside", true, START_MS);
    measure(terminal, "in a container in the lab");
    send(terminal, "\033[21~"); /* F10 */
    double until = now(CLOCK_MONOTONIC) + 10;
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        struct pollfd fd = { .fd = terminal_fd(terminal), .events = POLLIN };
        if (poll(&fd, 1, 10) > 0)
            terminal_read(terminal, 65536, &err);
        if (now(CLOCK_MONOTONIC) > until)
            kill(pid, SIGKILL);
    }
    terminal_free(terminal);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command) != 0;
}
