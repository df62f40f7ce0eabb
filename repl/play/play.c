#include "repl/play/play.h"

#include "repl/play/formats.h"
#include "repl/play/lint.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option long_options[] = {
    { "format", required_argument, NULL, 'f' },
    { "rootless", no_argument, NULL, 'r' },
    { "offline", no_argument, NULL, 'n' },
    { "keep", no_argument, NULL, 'k' },
    { "output", required_argument, NULL, 'o' },
    { "keep-going", no_argument, NULL, 'g' },
    { "timeout", required_argument, NULL, 't' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void print_help(const char *verb, const struct run_format *formats)
{
    printf("usage: teachroot %s [OPTION]… LESSON…\n", verb);
    printf(
        strcmp(verb, "play") == 0
            ? "Run each lesson's steps in order in a fresh lab, and say what they printed. Progress is not touched.\n"
            : "Prove each lesson: a check fails before its step and passes after it, blocks end and print as "
              "stated.\n");
    printf("\nLESSON is a number, a path, or the start of a title (`teachroot lessons` lists them).\n\n"
           "  --format FORMAT  how to say it; several with commas between:\n");
    for (; formats->name; formats++)
        printf("                     %-8s %s\n", formats->name, formats->what);
    printf("  -o, --output DIR a file for each lesson and format there, instead of standard output\n"
           "  --keep-going     go on after a step that failed\n"
           "  --timeout S      give a lesson up after S seconds\n"
           "  --keep           hold the last lab until Ctrl-C, to look round in it (`teachroot lab enter`)\n"
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
    printf("\nexit status: 0 every step passed, 1 one failed, 2 a lesson is malformed, 3 no lab could be made,\n"
           "             77 everything was skipped, 130 interrupted\n");
}

static int refuse(const char *verb, const char *what, const char *which)
{
    fprintf(stderr, "teachroot %s: %s `%s`: `teachroot %s --help` says what there is\n", verb, what, which, verb);
    return -1;
}

static bool number(const char *text, unsigned *value)
{
    char *end;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    *value = (unsigned)n;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && n >= 1 && n <= 1000000;
}

/* "json,cast" */
static int add_formats(const char *verb, const struct run_format *formats, const char *names,
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
        bool there = options->format_count + 1 == RUN_FORMATS; /* one more is left for the progress */
        for (size_t i = 0; i < options->format_count; i++)
            there |= options->formats[i] == format;
        if (!there)
            options->formats[options->format_count++] = format;
    }
    return 0;
}

/* What goes where, once all options are known. */
static int choose_formats(const char *verb, const struct run_format *formats, struct run_options *options)
{
    if (!options->format_count)
        options->formats[options->format_count++] = &formats[0];
    if (options->directory)
        options->formats[options->format_count++] = &run_progress;
    else if (options->format_count > 1) {
        fprintf(stderr,
                "teachroot %s: standard output takes one format: `-o DIR` writes a file for each lesson and format\n",
                verb);
        return -1;
    }
    return 0;
}

int play_options(int argc, char **argv, const char *verb, struct run_options *options)
{
    const struct run_format *formats = options->prove ? test_formats : play_formats;
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
            if (!number(optarg, &options->timeout_s))
                return refuse(verb, "not a number of seconds", optarg);
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
    if (optind == argc) {
        fprintf(
            stderr,
            "teachroot %s: which lesson? A number, a path, or the start of a title: `teachroot lessons` lists them\n",
            verb);
        return -1;
    }
    return choose_formats(verb, formats, options) < 0 ? -1 : optind;
}

int play_main(int argc, char **argv)
{
    struct run_options options = { 0 };
    int first = play_options(argc, argv, "play", &options);
    if (first <= 0)
        return first < 0 ? RUN_MALFORMED : RUN_OK;
    return run_lessons(argv + first, (size_t)(argc - first), &options);
}
