#include "repl/play/notebook.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/output.h"
#include "repl/lesson/curriculum.h"
#include "repl/play/nbformat.h"
#include "repl/session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CANNOT_WRITE = 1, WRONG_USAGE = 2 };

static const struct option long_options[] = {
    { "output", required_argument, NULL, 'o' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void print_help(void)
{
    printf("usage: teachroot notebook [-o FILE] LESSON\n"
           "Write a lesson as a Jupyter notebook that has not been run: its prose, its commands as cells for\n"
           "teachroot's own kernel (`teachroot kernel install`), questions and hints folded, a check after each step.\n"
           "\n"
           "LESSON is a number, a path, or the start of a title (`teachroot lessons` lists them).\n\n"
           "  -o, --output FILE  write it there, whole or not at all, instead of to standard output\n"
           "  --help             this\n\n"
           "`teachroot play --format ipynb` writes a notebook with what the lesson prints.\n\n"
           "exit status: 0 written, 1 it cannot be written, 2 no such lesson, or it is malformed\n");
}

static int refuse(const char *what, const char *which)
{
    fprintf(stderr, "teachroot notebook: %s `%s`: `teachroot notebook --help` says what there is\n", what, which);
    return WRONG_USAGE;
}

static struct lesson *load(const char *name)
{
    struct curriculum curriculum = { 0 };
    struct lesson_mistakes mistakes = { 0 };
    struct err err;
    if (curriculum_load(&curriculum, &err) < 0)
        curriculum = (struct curriculum){ 0 }; /* a path needs none */
    cleanup_free char *path = curriculum_find(&curriculum, name, &err);
    curriculum_free(&curriculum);
    struct lesson *lesson = path ? session_load_lesson(path, &mistakes, &err) : NULL;
    if (!lesson && !mistakes.count)
        fprintf(stderr, "teachroot notebook: %s\n", err.message);
    for (size_t i = 0; i < mistakes.count; i++)
        fprintf(stderr, "%s:%d: %s\n", path, mistakes.list[i].line, mistakes.list[i].what);
    lesson_mistakes_free(&mistakes);
    return lesson;
}

/* The whole is made before the file is, so that only the file can still fail. */
static int make(const struct lesson *lesson, char **text, size_t *size, struct err *err)
{
    struct nb nb;
    FILE *out = open_memstream(text, size);
    if (!out)
        return err_set(err, ENOMEM, "write the notebook");
    nb_begin(&nb, lesson, false);
    for (size_t i = 0; i < lesson->step_count; i++)
        nb_step_unexecuted(&nb, &lesson->steps[i], NULL);
    int result = nb_write(&nb, out);
    nb_free(&nb);
    if (fclose(out) != 0 || result < 0)
        return err_set(err, ENOMEM, "write the notebook");
    return 0;
}

static int save(const struct lesson *lesson, const char *path, struct err *err)
{
    struct output output;
    cleanup_free char *text = NULL;
    size_t size = 0;
    if (make(lesson, &text, &size, err) < 0 || output_open(&output, path, 0666, err) < 0)
        return -1;
    int result = write_all(output.fd, text, size);
    if (result < 0)
        err_set(err, errno, "write `%s`", path ? path : "standard output");
    else
        result = output_commit(&output, err);
    output_close(&output);
    return result;
}

int notebook_main(int argc, char **argv)
{
    const char *path = NULL;
    struct err err;
    int c;
    opterr = 0;
    optind = 1;
    while ((c = getopt_long(argc, argv, ":o:", long_options, NULL)) >= 0) {
        switch (c) {
        case 'o':
            path = optarg;
            break;
        case 'h':
            print_help();
            return 0;
        case ':':
            return refuse("this option needs a value", argv[optind - 1]);
        default:
            return refuse("no such option", argv[optind - 1]);
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "teachroot notebook: %s: `teachroot lessons` lists them\n",
                optind == argc ? "which lesson? A number, a path, or the start of a title"
                               : "one lesson a notebook, please");
        return WRONG_USAGE;
    }
    struct lesson *lesson = load(argv[optind]);
    if (!lesson)
        return WRONG_USAGE;
    int result = save(lesson, path, &err);
    lesson_free(lesson);
    if (result < 0)
        fprintf(stderr, "teachroot notebook: %s\n", err.message);
    return result < 0 ? CANNOT_WRITE : 0;
}
