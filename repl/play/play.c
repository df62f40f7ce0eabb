#include "repl/play/play.h"

#include "repl/play/formats.h"
#include "repl/play/lint.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FROM = 256, UNTIL, ONLY, SHELL, SPEED, REDACT, ANNOTATIONS, CAST_VERSION };
static const struct option long_options[] = {
    { "format", required_argument, NULL, 'f' },
    { "from", required_argument, NULL, FROM },
    { "until", required_argument, NULL, UNTIL },
    { "only", required_argument, NULL, ONLY },
    { "shell", no_argument, NULL, SHELL },
    { "speed", required_argument, NULL, SPEED },
    { "record-redact", no_argument, NULL, REDACT },
    { "cast-version", required_argument, NULL, CAST_VERSION },
    { "annotations", no_argument, NULL, ANNOTATIONS },
    { "rootless", no_argument, NULL, 'r' },
    { "offline", no_argument, NULL, 'n' },
    { "keep", no_argument, NULL, 'k' },
    { "output", required_argument, NULL, 'o' },
    { "keep-going", no_argument, NULL, 'g' },
    { "timeout", required_argument, NULL, 't' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void print_help(const char *verb, const struct run_format *const *formats)
{
    printf("usage: teachroot %s [OPTION]… LESSON…\n", verb);
    printf(
        strcmp(verb, "play") == 0
            ? "Run each lesson's steps in order in a fresh lab, and say what they printed. Progress is not touched.\n"
            : "Prove each lesson: a check fails before its step and passes after it, blocks end and print as "
              "stated.\n");
    printf("\nLESSON is a number, a path, or the start of a title (`teachroot lessons` lists them).\n\n"
           "  --format FORMAT  how to say it; several with commas between:\n");
    for (; *formats; formats++)
        printf("                     %-8s %s\n", (*formats)->name, (*formats)->what);
    printf(
        "  -o, --output DIR a file for each lesson and format there, instead of standard output\n"
        "  --annotations    say what failed to GitHub Actions too; what lessons print cannot give it commands\n"
        "  --from STEP      begin with that step: 3, or 4.3 for step 3 of lesson 4; those before it are done unseen\n"
        "  --until STEP     end after that step\n"
        "  --only STEP      that step alone\n"
        "  --keep-going     go on after a step that failed\n"
        "  --timeout S      give a lesson up after S seconds\n"
        "  --speed N        type as a hand does, N letters a second\n"
        "  --record-redact  pids, inodes, times and other accidents replaced, so that a second play gives the same\n"
        "  --cast-version N of asciicasts: 2, or 3 for newer players\n"
        "  --keep           hold the last lab until Ctrl-C, to look round in it (`teachroot lab enter`)\n"
        "  --shell          a shell in the last lab, on this terminal, when the lessons are done\n"
        "  --rootless       build the lab as an ordinary user would\n"
        "  --offline        no network in the lab\n"
        "  --help           this\n");
    if (strcmp(verb, "test") == 0) {
        printf("  --lint           only say what is wrong or could be better, and run nothing; without LESSON, of all\n"
               "                   lessons\n"
               "  --strict         a warning fails as well\n"
               "  --watch          look again whenever the lesson is saved, and prove it from the first step that "
               "changed\n                   on, until Ctrl-C; with --lint, only look\n\n"
               "Said beside what is run, with file and line; errors fail:\n");
        lint_print_rules(stdout);
    }
    printf("\nexit status: 0 every step passed, 1 one failed, 2 a lesson is malformed, 3 no lab could be made or\n"
           "             something could not be written, 77 everything was skipped, 130 interrupted\n");
}

static int refuse(const char *verb, const char *what, const char *which)
{
    fprintf(stderr, "teachroot %s: %s `%s`: `teachroot %s --help` says what there is\n", verb, what, which, verb);
    return -1;
}

/* "3", "4.3" */
static bool step_place(const char *text, struct place *place)
{
    return place_parse(text, place) && place->step >= 1;
}

bool play_number(const char *text, unsigned *value)
{
    char *end;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    *value = (unsigned)n;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && n >= 1 && n <= 1000000;
}

/* "json,cast" */
static int add_formats(const char *verb, const struct run_format *const *formats, const char *names,
                       struct run_options *options)
{
    for (const char *end; *names; names = *end ? end + 1 : end) {
        end = strchrnul(names, ',');
        const struct run_format *format = run_format_find(formats, names, (size_t)(end - names));
        if (!format) {
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)(end - names), names);
            return refuse(verb, "no such format", name);
        }
        bool there = options->format_count + 2 == RUN_FORMATS; /* two more are left for progress and annotations */
        for (size_t i = 0; i < options->format_count; i++)
            there |= options->formats[i] == format;
        if (!there)
            options->formats[options->format_count++] = format;
    }
    return 0;
}

/* What goes where, once all options are known. */
static int choose_formats(const char *verb, const struct run_format *const *formats, struct run_options *options)
{
    if (!options->format_count)
        options->formats[options->format_count++] = formats[0];
    if (options->directory)
        options->formats[options->format_count++] = &run_progress;
    else if (options->annotations && options->formats[0]->whole) {
        fprintf(stderr,
                "teachroot %s: --annotations go to standard output, where they would spoil the %s: `-o DIR` writes "
                "that to a file\n",
                verb, options->formats[0]->name);
        return -1;
    } else if (options->format_count > 1) {
        fprintf(stderr,
                "teachroot %s: standard output takes one format: `-o DIR` writes a file for each lesson and format\n",
                verb);
        return -1;
    }
    if (options->annotations) { /* the first: its fence stands before what the others say */
        memmove(options->formats + 1, options->formats, options->format_count++ * sizeof *options->formats);
        options->formats[0] = &run_annotations;
    }
    if (options->shell && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
        fprintf(stderr,
                "teachroot %s: --shell needs a terminal on standard input and output; `--keep` holds the lab for "
                "`teachroot lab enter`\n",
                verb);
        return -1;
    }
    return 0;
}

static int play_options(int argc, char **argv, const char *verb, struct run_options *options)
{
    const struct run_format *const *formats = options->prove ? test_formats : play_formats;
    int c;
    opterr = 0;
    optind = 1;
    while ((c = getopt_long(argc, argv, ":o:", long_options, NULL)) >= 0) {
        switch (c) {
        case 'f':
            if (add_formats(verb, formats, optarg, options) < 0)
                return -1;
            break;
        case 'o':
            options->directory = optarg;
            break;
        case 'r':
            options->lab.rootless = true;
            break;
        case 'n':
            options->lab.offline = true;
            break;
        case 'k':
            options->keep = true;
            break;
        case 'g':
            options->keep_going = true;
            break;
        case 't':
            if (!play_number(optarg, &options->timeout_s))
                return refuse(verb, "not a number of seconds", optarg);
            break;
        case FROM:
        case ONLY:
        case UNTIL:
            if ((c != UNTIL && !step_place(optarg, &options->from)) ||
                (c != FROM && !step_place(optarg, &options->until)))
                return refuse(verb, "not a step (`3`, or `4.3` for step 3 of lesson 4):", optarg);
            break;
        case SHELL:
            options->shell = true;
            break;
        case SPEED:
            if (!play_number(optarg, &options->speed) || options->speed > 1000)
                return refuse(verb, "not a number of letters a second from 1 to 1000:", optarg);
            break;
        case REDACT:
            options->redact = true;
            break;
        case ANNOTATIONS:
            options->annotations = true;
            break;
        case CAST_VERSION:
            if (!play_number(optarg, &options->cast_version) || options->cast_version < 2 || options->cast_version > 3)
                return refuse(verb, "asciicasts are of version 2 or 3, not", optarg);
            break;
        case 'h':
            print_help(verb, formats);
            return 0;
        case ':':
            return refuse(verb, "this option needs a value", argv[optind - 1]);
        default:
            return refuse(verb, "no such option", argv[optind - 1]);
        }
    }
    const struct place *named = options->from.names_lesson ? &options->from : &options->until;
    if (optind == argc && !(named->names_lesson && strcmp(verb, "play") == 0)) {
        fprintf(
            stderr,
            "teachroot %s: which lesson? A number, a path, or the start of a title: `teachroot lessons` lists them\n",
            verb);
        return -1;
    }
    return choose_formats(verb, formats, options) < 0 ? -1 : optind;
}

int play_lessons(int argc, char **argv, const char *verb, struct run_options *options, char ***names)
{
    static char number[16], *named[] = { number, NULL };
    int first = play_options(argc, argv, verb, options);
    if (first <= 0)
        return first;
    *names = argv + first;
    if (first < argc)
        return argc - first;
    const struct place *place = options->from.names_lesson ? &options->from : &options->until;
    snprintf(number, sizeof number, "%u", place->lesson);
    *names = named;
    return 1;
}

int play_main(int argc, char **argv)
{
    struct run_options options = { 0 };
    char **names;
    int count = play_lessons(argc, argv, "play", &options, &names);
    if (count <= 0)
        return count < 0 ? RUN_MALFORMED : RUN_OK;
    return run_lessons(names, (size_t)count, &options);
}
