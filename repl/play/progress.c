#include "repl/play/progress.h"

#include "engine/base/cleanup.h"
#include "repl/lesson/curriculum.h"
#include "repl/lesson/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAILED = 1, WRONG_USAGE };

static int fail(const struct err *err)
{
    fprintf(stderr, "teachroot progress: %s\n", err->message);
    return FAILED;
}

static int show(struct progress *progress, const char *argument)
{
    const char *lesson;
    printf("%s\n", progress_path(progress));
    for (size_t i = 0; (lesson = progress_lesson(progress, i)); i++)
        printf("%-36s %2zu steps passed, left at step %u%s\n", lesson, progress_passed_steps(progress, lesson),
               progress_step(progress, lesson), strcmp(lesson, progress_last(progress)) == 0 ? " <" : "");
    printf("\n`teachroot lessons` says how much is left of each.\n");
    return 0;
}

static int export(struct progress *progress, const char *path)
{
    struct err err;
    return progress_export(progress, path, &err) < 0 ? fail(&err) : 0;
}

static int import(struct progress *progress, const char *path)
{
    struct err err;
    struct progress *other = progress_read(path, &err);
    int result = other ? progress_merge(progress, other, &err) : -1;
    progress_free(other);
    return result < 0 ? fail(&err) : 0;
}

/* Named as lessons are, or by its file's name as progress has it, for one that is not there any more. */
static char *lesson_file(const struct progress *progress, const char *name, struct err *err)
{
    struct curriculum curriculum = { 0 };
    const char *lesson;
    for (size_t i = 0; (lesson = progress_lesson(progress, i)); i++)
        if (strcmp(lesson, name) == 0)
            return strdup(lesson);
    if (curriculum_load(&curriculum, err) < 0)
        curriculum = (struct curriculum){ 0 };
    cleanup_free char *path = curriculum_find(&curriculum, name, err);
    curriculum_free(&curriculum);
    const char *slash = path ? strrchr(path, '/') : NULL;
    return path ? strdup(slash ? slash + 1 : path) : NULL;
}

static int forget(struct progress *progress, const char *name)
{
    struct err err;
    cleanup_free char *file = lesson_file(progress, name, &err);
    if (!file)
        return fail(&err);
    size_t passed = progress_passed_steps(progress, file);
    if (progress_forget(progress, file, 0, &err) < 0 || progress_set_step(progress, file, 1, &err) < 0)
        return fail(&err);
    printf("%s: %zu steps are forgotten, and it begins at step 1 again. Its transcript is kept.\n", file, passed);
    return 0;
}

static const struct {
    const char *name, *argument, *what;
    int (*run)(struct progress *progress, const char *argument);
} verbs[] = {
    { "show", NULL, "where it is kept, and what is in it (this is what no word does, too)", show },
    { "export", "FILE", "write a copy, to take it to another machine", export },
    { "import", "FILE", "add what a copy has: steps passed there have passed here, too", import },
    { "forget", "LESSON", "begin a lesson as if for the first time", forget },
};

static void print_usage(FILE *out)
{
    fprintf(out, "usage: teachroot progress [show | export FILE | import FILE | forget LESSON]\n\n");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        fprintf(out, "  %s %-*s %s\n", verbs[i].name, (int)(15 - strlen(verbs[i].name)),
                verbs[i].argument ? verbs[i].argument : "", verbs[i].what);
}

int progress_main(int argc, char **argv)
{
    struct err err = { 0 };
    const char *name = argc > 1 ? argv[1] : "show";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        int arguments = verbs[i].argument ? 1 : 0;
        if (strcmp(verbs[i].name, name) != 0)
            continue;
        if (argc > 2 + arguments || (arguments && argc < 3)) {
            print_usage(stderr);
            return WRONG_USAGE;
        }
        struct progress *progress = progress_load(NULL, &err);
        if (err.code)
            fprintf(stderr, "teachroot progress: %s\n", err.message);
        int status = progress ? verbs[i].run(progress, arguments ? argv[2] : NULL) : FAILED;
        progress_free(progress);
        return status;
    }
    fprintf(stderr, "teachroot progress: no such word `%s`: there are show, export, import and forget\n", name);
    return WRONG_USAGE;
}
