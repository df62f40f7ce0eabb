#include "repl/play/test.h"

#include "repl/play/formats.h"
#include "repl/play/lint.h"
#include "repl/play/play.h"
#include "repl/play/test_watch.h"

#include <stdio.h>
#include <string.h>

/* Options of test alone. */
struct own_options {
    bool lint, strict, watch;
};

/* Takes them out of @argv, up to a `--`, and returns how many arguments are left. */
static int take_own(int argc, char **argv, struct own_options *own)
{
    int left = 1;
    bool options = true;
    for (int i = 1; i < argc; i++) {
        options = options && strcmp(argv[i], "--") != 0;
        if (options && strcmp(argv[i], "--lint") == 0)
            own->lint = true;
        else if (options && strcmp(argv[i], "--strict") == 0)
            own->strict = true;
        else if (options && strcmp(argv[i], "--watch") == 0)
            own->watch = true;
        else
            argv[left++] = argv[i];
    }
    argv[left] = NULL;
    return left;
}

static int refuse_with_lint(const char *option)
{
    fprintf(stderr,
            "teachroot test: `%s` does not go with --lint, which runs nothing: `teachroot test --help` says what "
            "does\n",
            option);
    return RUN_MALFORMED;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static int watch_main(int count, char **names, const struct run_options *options, bool prove)
{
    bool ranged = options->from.step || options->until.step;
    if (count == 1 && !options->directory && !options->keep && !options->shell && !options->annotations && !ranged &&
        (!options->format_count || options->formats[0] == test_formats[0]))
        return test_watch(names[0], options, prove);
    fprintf(stderr, "teachroot test: --watch takes one lesson, and says what it finds in its own way: neither a format "
                    "nor a range of steps, and no lab is kept\n");
    return RUN_MALFORMED;
}

/* Nothing is run: no lab, no options of one. */
static int lint_main(int argc, char **argv, const struct own_options *own)
{
    struct lint_options options = { .out = stdout, .mistakes = true, .strict = own->strict };
    size_t counts[LINT_LEVELS];
    int first = 1;
    for (; first < argc && argv[first][0] == '-' && strcmp(argv[first], "--") != 0; first++)
        if (strcmp(argv[first], "--annotations") == 0)
            options.annotations = true;
        else
            return refuse_with_lint(argv[first]);
    first += first < argc && strcmp(argv[first], "--") == 0; /* what follows is a lesson, whatever it begins with */
    if (own->watch)
        return watch_main(argc - first, argv + first, &(struct run_options){ 0 }, false);
    int result = lint_lessons(argv + first, (size_t)(argc - first), &options, counts);
    fflush(stdout);
    if (counts[LINT_MISTAKE] + counts[LINT_ERROR] + counts[LINT_ADVICE])
        fprintf(stderr, "%zu mistake%s, %zu error%s, %zu warning%s\n", counts[LINT_MISTAKE],
                plural(counts[LINT_MISTAKE]), counts[LINT_ERROR], plural(counts[LINT_ERROR]), counts[LINT_ADVICE],
                plural(counts[LINT_ADVICE]));
    return result;
}

int test_main(int argc, char **argv)
{
    struct own_options own = { 0 };
    struct run_options options = { .prove = true };
    size_t counts[LINT_LEVELS];
    char **names;
    argc = take_own(argc, argv, &own);
    bool help = argc > 1 && strcmp(argv[1], "--help") == 0;
    if (own.lint && !help)
        return lint_main(argc, argv, &own);
    int count = play_lessons(argc, argv, "test", &options, &names);
    if (count <= 0)
        return count < 0 ? RUN_MALFORMED : RUN_OK;
    if (own.watch)
        return watch_main(count, names, &options, true);
    int looked =
        lint_lessons(names, (size_t)count, &(struct lint_options){ .out = stderr, .strict = own.strict }, counts);
    int result = run_lessons(names, (size_t)count, &options);
    return looked == RUN_FAILED && (result == RUN_OK || result == RUN_SKIPPED) ? RUN_FAILED : result;
}
