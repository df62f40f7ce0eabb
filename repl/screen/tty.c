#include "repl/screen/tty.h"

#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

/* A signal handler must reach these, so they are the program's own. */
static struct {
    struct termios saved;
    SCREEN *screen;
    volatile sig_atomic_t running;
    bool mouse;
    int mouse_level;
} tty;

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT, SIGTERM, SIGHUP };

static const char modes_on[] = "\033[?2004h";
/* Pastes, mouse, cursor shown, attributes off, and out of the alternate screen: all harmless where they were never on. */
static const char modes_off[] = "\033[?2004l\033[?1003l\033[?1002l\033[?1000l\033[?1006l\033[?25h\033[0m";

static void write_all(const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(STDOUT_FILENO, text, len);
        if (n < 0 && errno != EINTR)
            return;
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
}

static void on_fatal(int number)
{
    if (tty.running) {
        static const char leave[] = "\033[?1049l\r\n";
        tty.running = 0;
        write_all(modes_off, sizeof(modes_off) - 1);
        write_all(leave, sizeof(leave) - 1);
        tcsetattr(STDIN_FILENO, TCSANOW, &tty.saved);
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void catch_fatal(void)
{
    struct sigaction action = { .sa_handler = on_fatal, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER) };
    for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(fatal_signals[0]); i++)
        sigaction(fatal_signals[i], &action, NULL);
}

int tty_start(struct err *err)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return err_say(err, ENOTTY,
                       "the screen needs a terminal for input and output; run `teachroot --plain` in a pipe");
    if (tcgetattr(STDIN_FILENO, &tty.saved) < 0)
        return err_set(err, errno, "tcgetattr");
    const char *term = getenv("TERM");
    tty.screen = newterm(NULL, stdout, stdin);
    if (!tty.screen)
        return err_say(err, EINVAL,
                       "no terminfo entry for TERM `%s`; set TERM to what your terminal is (xterm-256color, linux), "
                       "or run `teachroot --plain`",
                       term ? term : "");
    start_color();
    use_default_colors();
    raw();
    noecho();
    nonl();
    leaveok(stdscr, FALSE);
    typeahead(-1); /* a frame is drawn whole, whatever has been typed meanwhile */
    struct termios raw_mode = tty.saved;
    cfmakeraw(&raw_mode);
    raw_mode.c_oflag = tty.saved.c_oflag;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw_mode);
    tty.running = 1;
    catch_fatal();
    refresh();
    write_all(modes_on, sizeof(modes_on) - 1);
    const char *mouse = tigetstr("kmous");
    tty.mouse = mouse && mouse != (char *)-1;
    tty.mouse_level = 0;
    tty_mouse(1);
    return 0;
}

void tty_stop(void)
{
    if (!tty.running)
        return;
    endwin();
    write_all(modes_off, sizeof(modes_off) - 1);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &tty.saved);
    tty.running = 0;
    delscreen(tty.screen);
    tty.screen = NULL;
    for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(fatal_signals[0]); i++)
        signal(fatal_signals[i], SIG_DFL);
}

void tty_mouse(int level)
{
    static const char *const wanted[] = { "", "\033[?1003l\033[?1002l\033[?1000h\033[?1006h",
                                          "\033[?1003l\033[?1002h\033[?1006h", "\033[?1003h\033[?1006h" };
    if (!tty.mouse || level == tty.mouse_level || level < 1 || level > 3)
        return;
    tty.mouse_level = level;
    write_all(wanted[level], strlen(wanted[level]));
}

void tty_copy(const char *text, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *bytes = (const unsigned char *)text;
    write_all("\033]52;c;", 7);
    for (size_t i = 0; i < len; i += 3) {
        unsigned group = (unsigned)bytes[i] << 16 | (i + 1 < len ? (unsigned)bytes[i + 1] << 8 : 0) |
                         (i + 2 < len ? (unsigned)bytes[i + 2] : 0);
        const char four[] = { digits[group >> 18], digits[group >> 12 & 63],
                              i + 1 < len ? digits[group >> 6 & 63] : '=', i + 2 < len ? digits[group & 63] : '=' };
        write_all(four, sizeof(four));
    }
    write_all("\a", 1);
}

void tty_resized(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
}
