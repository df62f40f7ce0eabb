#include "repl/play/demo.h"

#include "engine/base/cleanup.h"
#include "repl/lesson/place.h"
#include "repl/screen/screen.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

static const char usage[] =
    "usage: teachroot demo [OPTION]… LESSON[.STEP]\n"
    "Shows a lesson on the projector. One key, Space or what a presenter's remote sends, does the next thing: types a\n"
    "command and runs it, asks a question, answers it, goes on. What commands print is real. F1 lists the keys:\n"
    "type by hand and come back, step back, jump, spotlight, pointer, theme. Progress is not touched.\n"
    "Your notes, on another terminal: teachroot notes.\n"
    "\n"
    "LESSON is a number, a path, or the start of a title; 4.3 is the third step of lesson 4.\n"
    "\n"
    "      --prepare        do every slow thing now, and prove that the lesson then works with the network\n"
    "                       unplugged; shows nothing\n"
    "      --speed N        letters typed a second (20)\n"
    "      --each           any key types the next letter of a command, Enter runs it\n"
    "      --instant        a command is there at once\n"
    "      --theme THEME    dark, light or contrast; else what TEACHROOT_THEME says\n"
    "      --share PATH     let others on this machine watch: teachroot follow PATH\n"
    "      --share-group G  only members of group G\n"
    "      --ascii          only ASCII on the screen\n"
    "      --rootless       a lab as an ordinary user has it, although you are root\n"
    "      --offline        a lab without network\n"
    "  -h, --help           this text\n";

enum { PREPARE = 256, SPEED, EACH, INSTANT, THEME, SHARE, GROUP, ASCII, ROOTLESS, OFFLINE };
static const struct option longs[] = {
    { "prepare", no_argument, NULL, PREPARE },   { "speed", required_argument, NULL, SPEED },
    { "each", no_argument, NULL, EACH },         { "instant", no_argument, NULL, INSTANT },
    { "theme", required_argument, NULL, THEME }, { "share", required_argument, NULL, SHARE },
    { "ascii", no_argument, NULL, ASCII },       { "share-group", required_argument, NULL, GROUP },
    { "rootless", no_argument, NULL, ROOTLESS }, { "offline", no_argument, NULL, OFFLINE },
    { "help", no_argument, NULL, 'h' },          { NULL, 0, NULL, 0 },
};

static int refuse(const char *what, const char *which)
{
    fprintf(stderr, "teachroot demo: %s `%s`: `teachroot demo --help` says what there is\n", what, which);
    return EXIT_USAGE;
}

static bool number(const char *text, unsigned most, unsigned *value)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 6 || text[digits])
        return false;
    *value = (unsigned)strtoul(text, NULL, 10);
    return *value >= 1 && *value <= most;
}

/* "4.3": lesson 4, step 3. Anything else is a lesson's name as it stands, from step 1. malloc'ed. */
static char *lesson_and_step(const char *word, unsigned *step)
{
    struct place place;
    char *name = NULL;
    bool both = place_parse(word, &place) && place.names_lesson;
    *step = both ? place.step : 1;
    if (!both)
        return strdup(word);
    return asprintf(&name, "%u", place.lesson) < 0 ? NULL : name;
}

int demo_main(int argc, char **argv)
{
    struct demo_options demo = { .mode = DEMO_TYPED, .speed = 20 };
    struct screen_options screen = { .demo = &demo };
    const char *theme = NULL;
    bool prepare = false;
    struct err err = { 0 };
    opterr = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;)
        switch (c) {
        case PREPARE:
            prepare = true;
            break;
        case SPEED:
            if (!number(optarg, 1000, &demo.speed))
                return refuse("--speed is a number from 1 to 1000, not", optarg);
            break;
        case EACH:
            demo.mode = DEMO_EACH;
            break;
        case INSTANT:
            demo.mode = DEMO_INSTANT;
            break;
        case THEME:
            theme = optarg;
            break;
        case SHARE:
            screen.share_path = optarg;
            break;
        case GROUP:
            screen.share_group = optarg;
            break;
        case ASCII:
            screen.ascii = true;
            break;
        case ROOTLESS:
            screen.lab.rootless = true;
            break;
        case OFFLINE:
            screen.lab.offline = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case ':':
            return refuse("this option needs a value:", argv[optind - 1]);
        default:
            return refuse("no such option", argv[optind - 1]);
        }
    if (optind + 1 != argc)
        return optind == argc ? refuse("which lesson? A number is missing after", "demo")
                              : refuse("one lesson at a time: not also", argv[optind + 1]);
    if (theme_paper(theme, &screen.paper, &err) < 0) {
        fprintf(stderr, "teachroot demo: %s\n", err.message);
        return EXIT_USAGE;
    }
    cleanup_free char *lesson = lesson_and_step(argv[optind], &screen.step);
    if (!lesson)
        return 1;
    screen.lesson = lesson;
    if (prepare)
        return demo_prepare(lesson, &screen.lab);
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        fprintf(stderr, "teachroot demo: a demo needs a terminal; `teachroot play %s` plays the lesson by itself\n",
                lesson);
        return EXIT_USAGE;
    }
    return screen_main(&screen);
}
