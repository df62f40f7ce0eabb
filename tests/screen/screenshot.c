/* screenshot [--film FILM.svg] [--cast CAST] OUT.svg COLUMNSxROWS COMMAND… : a picture of a terminal program from a real run, read through the grid that the program's own panes and
 * the screen tests use; and the run itself, as an animated picture and as an asciicast. Driven by standard input, one action a line:
 *     wait REGEX     until the screen shows it (30 seconds at most)
 *     type TEXT      as typed; \n Enter, \e Escape, \s a blank, \\ a backslash
 *     sleep SECONDS
 *     press SECONDS TEXT REGEX   TEXT again and again, each time when the screen has not changed for SECONDS, until it shows REGEX
 *     cut            the film ends here; its picture goes on, and so does the cast
 */
#include "repl/play/cast_out.h"
#include "repl/session/terminal.h"
#include "tests/screen/film.h"
#include "tests/screen/svg.h"

#include <getopt.h>
#include <locale.h>
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

static struct terminal *terminal;
static bool closed;
static struct film *film;
static FILE *cast;
static struct cast_out recording;
static double began, looked, cut_at, changed; /* seconds; changed: when something was last printed */

#define LOOK 0.04 /* seconds between two pictures of a film */

static void die(const char *what, const char *detail)
{
    fprintf(stderr, "screenshot: %s%s\n", what, detail);
    exit(1);
}

static void note(struct terminal *t, const struct terminal_event *event, void *data)
{
    (void)t;
    (void)data;
    closed |= event->kind == TERMINAL_CLOSED;
}

static double now(void);

static void record(struct terminal *t, const char *bytes, size_t len, void *data)
{
    (void)t;
    (void)data;
    changed = now();
    if (cast)
        cast_output(&recording, (uint64_t)((changed - began) * 1000), bytes, len);
}

static void look(void)
{
    if (!film || cut_at > 0)
        return;
    looked = now();
    film_look(film, terminal, looked - began);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Let the program run, and its output into the grid, for @seconds or until the screen shows @regex. */
static bool run(double seconds, const regex_t *regex)
{
    char text[64 * 1024];
    for (double end = now() + seconds; !closed;) {
        size_t len = 0;
        for (unsigned row = 0; regex && row < terminal_rows(terminal) && len + 1024 < sizeof text; row++) {
            len += terminal_row_text(terminal, (int)row, text + len, 1023);
            text[len++] = '\n';
        }
        text[len] = '\0';
        if (regex && regexec(regex, text, 0, NULL, 0) == 0)
            return true;
        double left = end - now();
        if (left <= 0)
            return false;
        struct pollfd fd = { .fd = terminal_fd(terminal),
                             .events = POLLIN | (terminal_wants_write(terminal) ? POLLOUT : 0) };
        poll(&fd, 1, (int)(left * 1000) + 1);
        terminal_flush(terminal, NULL);
        terminal_read(terminal, 65536, NULL);
        if (now() - looked >= LOOK)
            look();
    }
    return false;
}

/* Until nothing was printed for so long. */
static void settle(double seconds)
{
    changed = now();
    while (!closed && now() - changed < seconds)
        run(seconds - (now() - changed) + 0.01, NULL);
    look();
}

static void type(const char *text)
{
    for (; *text; text++) {
        char byte = *text;
        if (byte == '\\' && text[1]) {
            byte = *++text;
            byte = byte == 'n' ? '\r' : byte == 'e' ? '\033' : byte == 's' ? ' ' : byte;
        }
        terminal_write(terminal, &byte, 1);
    }
}

static regex_t compiled(const char *pattern)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0)
        die("no regular expression: ", pattern);
    return regex;
}

static void press(char *words)
{
    char *seconds = strsep(&words, " "), *text = strsep(&words, " ");
    if (!text || !words)
        die("expected press SECONDS TEXT REGEX, not: ", seconds);
    regex_t regex = compiled(words);
    for (int times = 0; !run(0.001, &regex); times++) {
        if (times == 500 || closed)
            die("the screen never showed: ", words);
        settle(strtod(seconds, NULL));
        if (!run(0.001, &regex))
            type(text);
    }
    regfree(&regex);
}

static void act(char *line)
{
    char *rest = line, *verb = strsep(&rest, " ");
    if (strcmp(verb, "cut") == 0) {
        look();
        cut_at = now() - began;
    } else if (!rest) {
        die("expected something after ", verb);
    } else if (strcmp(verb, "type") == 0) {
        type(rest);
    } else if (strcmp(verb, "sleep") == 0) {
        run(strtod(rest, NULL), NULL);
    } else if (strcmp(verb, "press") == 0) {
        press(rest);
    } else if (strcmp(verb, "wait") == 0) {
        regex_t regex = compiled(rest);
        if (!run(30, &regex))
            die("the screen never showed: ", rest);
        regfree(&regex);
    } else {
        die("expected wait, type, sleep, press or cut, not: ", verb);
    }
}

static FILE *create(const char *path)
{
    FILE *out = fopen(path, "w");
    if (!out)
        die("cannot write ", path);
    return out;
}

static void finish(FILE *out, const char *path)
{
    if (fclose(out) != 0)
        die("cannot write ", path);
}

static void write_picture(const char *path)
{
    FILE *out = create(path);
    svg_begin(out, terminal_rows(terminal), terminal_cols(terminal));
    for (unsigned row = 0; row < terminal_rows(terminal); row++)
        svg_row(out, terminal, row);
    svg_end(out);
    finish(out, path);
}

static void write_film(const char *path)
{
    FILE *out = create(path);
    film_write(film, out, terminal_rows(terminal), terminal_cols(terminal), cut_at > 0 ? cut_at : now() - began);
    finish(out, path);
}

static pid_t start(char **command, unsigned cols, unsigned rows)
{
    struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };
    struct err err = { 0 };
    int master;
    pid_t pid = forkpty(&master, NULL, NULL, &size);
    if (pid == 0) {
        setenv("TERM", "xterm-256color", 1);
        unsetenv("NO_COLOR");
        execvp(command[0], command);
        _exit(127);
    }
    struct terminal_options options = {
        .master = master, .rows = rows, .cols = cols, .nonce = "", .on_event = note, .on_output = record
    };
    began = now();
    terminal = pid > 0 ? terminal_new(&options, &err) : NULL;
    if (!terminal)
        die("no terminal: ", err.message);
    return pid;
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "film", required_argument, NULL, 'f' },
                                             { "cast", required_argument, NULL, 'c' },
                                             { NULL, 0, NULL, 0 } };
    unsigned cols = 0, rows = 0;
    const char *film_path = NULL, *cast_path = NULL;
    for (int c; (c = getopt_long(argc, argv, "+", options, NULL)) != -1;)
        *(c == 'f' ? &film_path : &cast_path) = optarg;
    argv += optind;
    argc -= optind;
    if (argc < 3 || sscanf(argv[1], "%ux%u", &cols, &rows) != 2)
        die("usage: screenshot [--film FILM.svg] [--cast CAST] OUT.svg COLUMNSxROWS COMMAND…", "");
    setlocale(LC_ALL, "C.UTF-8");
    film = film_path ? film_new() : NULL;
    cast = cast_path ? create(cast_path) : NULL;
    if (cast)
        cast_begin(&recording, cast, 2, rows, cols, "teachroot");
    pid_t pid = start(argv + 2, cols, rows);
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] && line[0] != '#')
            act(line);
    }
    free(line);
    write_picture(argv[0]);
    if (film)
        write_film(film_path);
    if (cast) {
        cast_end(&recording, (uint64_t)((now() - began) * 1000));
        finish(cast, cast_path);
    }
    cast = NULL;
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    terminal_free(terminal);
    return 0;
}
