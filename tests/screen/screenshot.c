/* screenshot OUT.svg COLUMNSxROWS COMMAND… : a picture of a terminal program from a real run, read through the grid that the program's own panes and the screen
 * tests use. Driven by standard input, one action a line:
 *     wait REGEX     until the screen shows it (30 seconds at most)
 *     type TEXT      as typed; \n Enter, \e Escape, \\ a backslash
 *     sleep SECONDS
 * Text stays text in the SVG, so the picture can be searched and read aloud. */
#include "repl/session/terminal.h"

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
#include <wchar.h>

#define CELL_WIDTH 8.4
#define CELL_HEIGHT 18
#define FONT_SIZE 14
#define MARGIN 12
#define FOREGROUND 0xd5d9e0
#define BACKGROUND 0x14161b

static const unsigned palette[16] = { 0x1c1f26, 0xe06c5f, 0x8fbf6a, 0xe5b567, 0x6aa9e9, 0xc08ae0, 0x5fc1c9, 0xd5d9e0,
                                      0x6b7280, 0xff8f80, 0xb2e08a, 0xffd37f, 0x93c7ff, 0xdcb0ff, 0x8be5ec, 0xffffff };

static struct terminal *terminal;
static bool closed;

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
    }
    return false;
}

static void type(const char *text)
{
    for (; *text; text++) {
        char byte = *text;
        if (byte == '\\' && text[1]) {
            byte = *++text;
            byte = byte == 'n' ? '\r' : byte == 'e' ? '\033' : byte;
        }
        terminal_write(terminal, &byte, 1);
    }
}

static void act(char *line)
{
    char *rest = strchr(line, ' ');
    if (!rest)
        die("expected wait REGEX, type TEXT or sleep SECONDS, not: ", line);
    *rest++ = '\0';
    if (strcmp(line, "type") == 0) {
        type(rest);
    } else if (strcmp(line, "sleep") == 0) {
        run(strtod(rest, NULL), NULL);
    } else if (strcmp(line, "wait") == 0) {
        regex_t regex;
        if (regcomp(&regex, rest, REG_EXTENDED | REG_NOSUB) != 0)
            die("no regular expression: ", rest);
        if (!run(30, &regex))
            die("the screen never showed: ", rest);
        regfree(&regex);
    } else {
        die("expected wait, type or sleep, not: ", line);
    }
}

/* xterm's 256 colours: 16 of the palette, a cube, a ramp of greys. */
static unsigned colour(int index, unsigned otherwise)
{
    if (index < 0)
        return otherwise;
    if (index < 16)
        return palette[index];
    if (index >= 232)
        return (unsigned)(8 + 10 * (index - 232)) * 0x10101u;
    const int parts[3] = { (index - 16) / 36, (index - 16) / 6 % 6, (index - 16) % 6 };
    unsigned rgb = 0;
    for (int i = 0; i < 3; i++)
        rgb = rgb << 8 | (unsigned)(parts[i] ? 55 + 40 * parts[i] : 0);
    return rgb;
}

static bool same_look(const struct terminal_cell *a, const struct terminal_cell *b)
{
    return a->fg == b->fg && a->bg == b->bg && a->bold == b->bold && a->dim == b->dim && a->italic == b->italic &&
           a->underline == b->underline && a->reverse == b->reverse;
}

static void put_glyph(FILE *out, uint32_t c)
{
    if (c == '&' || c == '<' || c == '>')
        fprintf(out, "&#%u;", c);
    else
        fprintf(out, "%lc", (wint_t)(c ? c : ' '));
}

/* A run of cells of one look: its ground, and its text stretched to its cells so that columns stay columns in any font. */
static void draw_run(FILE *out, unsigned row, unsigned from, unsigned to, const struct terminal_cell *look)
{
    unsigned ink = colour(look->fg, FOREGROUND), ground = colour(look->bg, BACKGROUND);
    if (look->reverse) {
        unsigned swap = ink;
        ink = ground;
        ground = swap;
    }
    double x = MARGIN + from * CELL_WIDTH, width = (to - from) * CELL_WIDTH;
    unsigned y = MARGIN + row * CELL_HEIGHT;
    if (ground != BACKGROUND)
        fprintf(out, "<rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\" fill=\"#%06x\"/>\n", x, y, width,
                CELL_HEIGHT, ground);
    bool blank = !look->underline;
    struct terminal_cell cell;
    for (unsigned col = from; blank && col < to; col++)
        blank = terminal_get(terminal, (int)row, col, &cell) && (cell.chars[0] == 0 || cell.chars[0] == ' ');
    if (blank)
        return;
    fprintf(out, "<text x=\"%.1f\" y=\"%u\" textLength=\"%.1f\" fill=\"#%06x\"%s%s%s%s>", x, y + FONT_SIZE, width, ink,
            look->bold ? " font-weight=\"bold\"" : "", look->italic ? " font-style=\"italic\"" : "",
            look->underline ? " text-decoration=\"underline\"" : "", look->dim ? " opacity=\"0.65\"" : "");
    for (unsigned col = from; col < to; col++)
        if (terminal_get(terminal, (int)row, col, &cell) && cell.chars[0] != (uint32_t)-1)
            for (size_t i = 0; i == 0 || (i < 6 && cell.chars[i]); i++)
                put_glyph(out, cell.chars[i]);
    fprintf(out, "</text>\n");
}

static void draw(FILE *out)
{
    unsigned rows = terminal_rows(terminal), cols = terminal_cols(terminal);
    double width = cols * CELL_WIDTH + 2 * MARGIN;
    unsigned height = rows * CELL_HEIGHT + 2 * MARGIN;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %u\" width=\"%.0f\" height=\"%u\"\n"
            "     font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"%d\" "
            "xml:space=\"preserve\">\n"
            "<rect width=\"%.0f\" height=\"%u\" rx=\"8\" fill=\"#%06x\"/>\n",
            width, height, width, height, FONT_SIZE, width, height, BACKGROUND);
    for (unsigned row = 0; row < rows; row++)
        for (unsigned from = 0, col = 1; from < cols; col++) {
            struct terminal_cell first, here;
            terminal_get(terminal, (int)row, from, &first);
            if (col < cols && terminal_get(terminal, (int)row, col, &here) &&
                (here.chars[0] == (uint32_t)-1 || same_look(&first, &here)))
                continue;
            draw_run(out, row, from, col, &first);
            from = col;
        }
    fprintf(out, "</svg>\n");
}

int main(int argc, char **argv)
{
    unsigned cols = 0, rows = 0;
    if (argc < 4 || sscanf(argv[2], "%ux%u", &cols, &rows) != 2)
        die("usage: screenshot OUT.svg COLUMNSxROWS COMMAND…", "");
    setlocale(LC_ALL, "C.UTF-8");
    struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };
    int master;
    pid_t pid = forkpty(&master, NULL, NULL, &size);
    if (pid == 0) {
        setenv("TERM", "xterm-256color", 1);
        unsetenv("NO_COLOR");
        execvp(argv[3], argv + 3);
        _exit(127);
    }
    struct err err = { 0 };
    struct terminal_options options = { .master = master, .rows = rows, .cols = cols, .nonce = "", .on_event = note };
    terminal = pid > 0 ? terminal_new(&options, &err) : NULL;
    if (!terminal)
        die("no terminal: ", err.message);
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] && line[0] != '#')
            act(line);
    }
    free(line);
    FILE *out = fopen(argv[1], "w");
    if (!out)
        die("cannot write ", argv[1]);
    draw(out);
    if (fclose(out) != 0)
        die("cannot write ", argv[1]);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    terminal_free(terminal);
    return 0;
}
