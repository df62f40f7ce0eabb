/* How long 100 MB of `cat` take in a terminal of ours, against tmux with a client attached, at the same size on the same machine.
 *
 * Each is timed from the start of the program to its end with everything read, RUNS times in turn; the medians and their ratio are printed.
 * Our terminal is read 64 KiB a turn and asked for its damage, as the screen does. tmux's client is on a pty that is drained as fast as
 * it gives. `pty` is the floor: the same program's output only read. */
#include "repl/session/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS = 3, MEGABYTES = 100 };

static const unsigned sizes[][2] = { { 24, 80 }, { 36, 120 }, { 50, 200 } };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static pid_t start(const char *const *argv, unsigned rows, unsigned cols, int *master)
{
    struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };
    pid_t pid = forkpty(master, NULL, NULL, &size);
    if (pid == 0) {
        setenv("TERM", "xterm-256color", 1);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    if (pid < 0) {
        perror("forkpty");
        exit(1);
    }
    return pid;
}

static void drain(int master)
{
    static char bytes[65536];
    while (read(master, bytes, sizeof(bytes)) > 0)
        continue;
}

static double time_pty(const char *path, unsigned rows, unsigned cols)
{
    const char *const argv[] = { "cat", path, NULL };
    int master;
    double begin = now();
    pid_t pid = start(argv, rows, cols, &master);
    drain(master);
    waitpid(pid, NULL, 0);
    close(master);
    return now() - begin;
}

static void note_end(struct terminal *terminal, const struct terminal_event *event, void *data)
{
    if (event->kind == TERMINAL_CLOSED)
        *(bool *)data = true;
}

static double time_ours(const char *path, unsigned rows, unsigned cols)
{
    const char *const argv[] = { "cat", path, NULL };
    struct err err;
    bool closed = false;
    double begin = now();
    struct terminal_options options = { .rows = rows, .cols = cols, .on_event = note_end, .data = &closed };
    pid_t pid = start(argv, rows, cols, &options.master);
    struct terminal *terminal = terminal_new(&options, &err);
    if (!terminal) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    while (!closed) {
        struct pollfd fd = { .fd = terminal_fd(terminal), .events = POLLIN };
        unsigned first, last;
        poll(&fd, 1, -1);
        if (terminal_read(terminal, 65536, &err) < 0)
            break;
        if (terminal_damage(terminal, &first, &last))
            terminal_clean(terminal);
    }
    waitpid(pid, NULL, 0);
    terminal_free(terminal);
    return now() - begin;
}

static double time_tmux(const char *path, unsigned rows, unsigned cols)
{
    char socket[64], command[512];
    int master;
    snprintf(socket, sizeof(socket), "/tmp/pane-bench-%d", (int)getpid());
    snprintf(command, sizeof(command), "cat %s", path);
    const char *const argv[] = { "tmux", "-u", "-f", "/dev/null", "-S", socket, "new-session", command, NULL };
    unsetenv("TMUX");
    double begin = now();
    pid_t pid = start(argv, rows, cols, &master);
    drain(master); /* the client ends with its session, and that with the program */
    waitpid(pid, NULL, 0);
    close(master);
    double took = now() - begin;
    unlink(socket);
    return took;
}

static void write_text(FILE *file)
{
    static const char words[] =
        "a terminal shows what programs write and keeps the lines that have left over the top of it ";
    unsigned line = 0;
    for (size_t len = 0; len < MEGABYTES * 1000000u; line++) {
        int count = (int)(line * 37 % 91);
        len += (size_t)fprintf(file, "%u %.*s%.*s\n", line, count, words, (int)(line * 53 % 60), words);
    }
}

static void write_yes(FILE *file)
{
    for (size_t len = 0; len < MEGABYTES * 1000000u / 4; len += 2)
        fputs("y\n", file);
}

static void write_colour(FILE *file)
{
    for (unsigned len = 0, line = 0; len < MEGABYTES * 1000000u; line++)
        len += (unsigned)fprintf(
            file,
            "\033[01;3%um%u\033[0m drwxr-xr-x \033[38;5;%um\xe4\xb8\x80 e\xcc\x81t\xc3\xa9\033[m some text after it\n",
            line % 8, line, line % 256);
}

static const struct content {
    const char *name;
    void (*write)(FILE *file);
} contents[] = { { "text", write_text },
                 { "short lines (25 MB of `y`)", write_yes },
                 { "colours, wide, combining", write_colour } };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double times[RUNS])
{
    qsort(times, RUNS, sizeof(times[0]), by_value);
    return times[RUNS / 2];
}

int main(void)
{
    char path[] = "/tmp/pane-bench-text-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0) {
        perror(path);
        return 1;
    }
    printf("%-28s %8s %8s %8s %8s  %s\n", "", "size", "pty", "ours", "tmux", "ours/tmux");
    for (size_t c = 0; c < sizeof(contents) / sizeof(contents[0]); c++) {
        FILE *file = fopen(path, "w");
        if (!file)
            break;
        contents[c].write(file);
        fclose(file);
        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
            double pty[RUNS], ours[RUNS], tmux[RUNS];
            unsigned rows = sizes[s][0], cols = sizes[s][1];
            for (int run = 0; run < RUNS; run++) {
                pty[run] = time_pty(path, rows, cols);
                ours[run] = time_ours(path, rows, cols);
                tmux[run] = time_tmux(path, rows, cols);
            }
            double mine = median(ours), theirs = median(tmux);
            printf("%-28s %4ux%-3u %7.2fs %7.2fs %7.2fs  %.2f\n", contents[c].name, cols, rows, median(pty), mine,
                   theirs, mine / theirs);
            fflush(stdout);
        }
    }
    close(fd);
    unlink(path);
    return 0;
}
