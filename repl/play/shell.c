#include "repl/play/shell.h"

#include "engine/base/cleanup.h"
#include "repl/lesson/curriculum.h"
#include "repl/lesson/place.h"
#include "repl/play/plain.h"
#include "repl/screen/screen.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

void shell_usage(FILE *out)
{
    fprintf(
        out,
        "usage: teachroot [OPTION]… [LESSON [STEP] | LESSON.STEP]\n"
        "       teachroot VERB [ARGUMENT]…\n\n"
        "Opens the lesson shell: a lesson, real terminals in a lab of your own, and the kernel's state beside them.\n"
        "LESSON is a number, a file, or the start of a title; without one it goes on where you left off.\n"
        "4.3 is step 3 of lesson 4: a fresh lab in which the steps before it are done for you.\n\n"
        "      --ascii     only ASCII on the screen\n"
        "      --theme T   dark, light or contrast; else what TEACHROOT_THEME says\n"
        "      --plain     no screen: everything is said in order, for screen readers and dumb terminals\n"
        "      --rootless  a lab as an ordinary user has it, although you are root\n"
        "      --offline   a lab without network\n"
        "      --no-journal  what you do is not written down for `teachroot transcript`\n"
        "  -h, --help      this text\n"
        "      --version   the version\n");
}

/* Said before anything else that may be wrong: a terminal would not bring the lesson. */
static bool lesson_is_there(const char *name)
{
    struct curriculum curriculum = { 0 };
    struct err err = { 0 };
    if (!name)
        return true;
    if (curriculum_load(&curriculum, &err) < 0)
        curriculum = (struct curriculum){ 0 }; /* a path needs none */
    cleanup_free char *path = curriculum_find(&curriculum, name, &err);
    curriculum_free(&curriculum);
    if (!path)
        fprintf(stderr, "teachroot: %s\n", err.message);
    return path;
}

/* `4.3`, unless that is a file. @number gets the lesson's. */
static bool names_place(const char *argument, char *number, size_t size, unsigned *step)
{
    struct place place;
    if (!place_parse(argument, &place) || !place.names_lesson || access(argument, F_OK) == 0)
        return false;
    snprintf(number, size, "%u", place.lesson);
    *step = place.step;
    return true;
}

int shell_main(int argc, char **argv)
{
    enum { ASCII = 256, PLAIN, ROOTLESS, OFFLINE, THEME, NO_JOURNAL };
    static const struct option options[] = {
        { "ascii", no_argument, NULL, ASCII },       { "plain", no_argument, NULL, PLAIN },
        { "rootless", no_argument, NULL, ROOTLESS }, { "offline", no_argument, NULL, OFFLINE },
        { "theme", required_argument, NULL, THEME }, { "no-journal", no_argument, NULL, NO_JOURNAL },
        { "help", no_argument, NULL, 'h' },          { NULL, 0, NULL, 0 },
    };
    struct screen_options screen = { 0 };
    const char *term = getenv("TERM"), *theme = NULL;
    struct err err = { 0 };
    bool plain = term && strcmp(term, "dumb") == 0;
    opterr = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;)
        switch (c) {
        case ASCII:
            screen.ascii = true;
            break;
        case THEME:
            theme = optarg;
            break;
        case PLAIN:
            plain = true;
            break;
        case ROOTLESS:
            screen.lab.rootless = true;
            break;
        case OFFLINE:
            screen.lab.offline = true;
            break;
        case NO_JOURNAL:
            screen.no_journal = true;
            break;
        case 'h':
            shell_usage(stdout);
            return 0;
        case ':':
            fprintf(stderr, "teachroot: the option `%s` needs a value\n", argv[optind - 1]);
            return EXIT_USAGE;
        default:
            fprintf(stderr, "teachroot: no such option `%s`: `teachroot --help` lists them\n", argv[optind - 1]);
            return EXIT_USAGE;
        }
    char number[16];
    if (optind < argc)
        screen.lesson = argv[optind++];
    if (screen.lesson && names_place(screen.lesson, number, sizeof number, &screen.step))
        screen.lesson = number;
    if (optind < argc) {
        char *end;
        unsigned long step = strtoul(argv[optind], &end, 10);
        if (*end || end == argv[optind] || step == 0 || optind + 1 < argc || screen.step) {
            fprintf(stderr, "teachroot: after the lesson comes the number of a step, and nothing more: not `%s`\n",
                    argv[optind]);
            return EXIT_USAGE;
        }
        screen.step = (unsigned)step;
    }
    if (plain)
        return plain_main(&screen);
    if (theme_paper(theme, &screen.paper, &err) < 0) {
        fprintf(stderr, "teachroot: %s\n", err.message);
        return EXIT_USAGE;
    }
    if (!lesson_is_there(screen.lesson))
        return EXIT_USAGE;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        fprintf(stderr,
                "teachroot: the lesson shell needs a terminal; `--plain` does without one, and `teachroot play %s` "
                "plays the lesson by itself\n",
                screen.lesson ? screen.lesson : "LESSON");
        return EXIT_USAGE;
    }
    return screen_main(&screen);
}
