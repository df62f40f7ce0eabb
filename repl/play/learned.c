#include "repl/play/learned.h"

#include "engine/base/cleanup.h"
#include "repl/lesson/curriculum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTHING_THERE = 1, WRONG_USAGE, NO_MEMORY };

static int say(const char *verb, const struct err *err, int status)
{
    fprintf(stderr, "teachroot %s: %s\n", verb, err->message);
    return status;
}

/* The path of the lesson with that file name, else the name itself: a lesson that is in no curriculum is found where one stands. */
static char *path_of(const struct curriculum *curriculum, const char *file, struct err *err)
{
    for (size_t i = 0; i < curriculum->count; i++) {
        const char *slash = strrchr(curriculum->entries[i].path, '/');
        if (strcmp(slash ? slash + 1 : curriculum->entries[i].path, file) == 0)
            return strdup(curriculum->entries[i].path);
    }
    return curriculum_find(curriculum, file, err);
}

static char *find(const struct learned *learned, const char *verb, const char *name, struct err *err)
{
    struct curriculum curriculum = { 0 };
    const char *last = learned->progress ? progress_last(learned->progress) : "";
    if (curriculum_load(&curriculum, err) < 0)
        curriculum = (struct curriculum){ 0 }; /* a path needs none */
    char *path = NULL;
    if (name)
        path = curriculum_find(&curriculum, name, err);
    else if (*last)
        path = path_of(&curriculum, last, err);
    else
        err_say(err, ENOENT, "no lesson was begun yet: `teachroot %s LESSON` names one", verb);
    curriculum_free(&curriculum);
    return path;
}

static int read_journal(struct learned *learned, const char *verb, struct err *err)
{
    cleanup_free char *path = journal_path(NULL, learned->file);
    struct journal *journal = path ? journal_new(path) : NULL;
    if (!journal)
        err_set(err, ENOMEM, "read the journal");
    int result = journal ? journal_read(journal, &learned->record, err) : -1;
    journal_free(journal);
    if (result < 0)
        return say(verb, err, NO_MEMORY);
    if (learned->record.damaged)
        fprintf(stderr, "teachroot %s: %zu lines of `%s` are damaged and left out\n", verb, learned->record.damaged,
                path);
    return 0;
}

int learned_open(struct learned *learned, const char *verb, const char *name)
{
    struct err err = { 0 };
    struct lesson_mistakes mistakes = { 0 };
    *learned = (struct learned){ 0 };
    learned->progress = progress_load(NULL, &err);
    if (err.code)
        fprintf(stderr, "teachroot %s: %s\n", verb, err.message);
    cleanup_free char *path = find(learned, verb, name, &err);
    if (!path)
        return say(verb, &err, name ? WRONG_USAGE : NOTHING_THERE);
    learned->lesson = lesson_load(path, &mistakes, &err);
    for (size_t i = 0; i < mistakes.count; i++)
        fprintf(stderr, "%s:%d: %s\n", path, mistakes.list[i].line, mistakes.list[i].what);
    bool malformed = mistakes.count > 0;
    lesson_mistakes_free(&mistakes);
    if (!learned->lesson)
        return malformed ? WRONG_USAGE : say(verb, &err, WRONG_USAGE);
    const char *slash = strrchr(learned->lesson->path, '/');
    learned->file = slash ? slash + 1 : learned->lesson->path;
    return read_journal(learned, verb, &err);
}

void learned_close(struct learned *learned)
{
    journal_record_free(&learned->record);
    lesson_free(learned->lesson);
    progress_free(learned->progress);
}
