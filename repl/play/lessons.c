#include "repl/play/lessons.h"

#include "engine/base/cleanup.h"
#include "repl/lesson/resume.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct listed {
    const struct curriculum_entry *entry;
    const char *file; /* its name, by which progress knows it */
    size_t steps, passed;
    unsigned next; /* first step that has not passed; 0: all have */
    bool malformed, last;
};

static struct listed look_up(const struct curriculum_entry *entry, const struct progress *progress)
{
    struct listed listed = { .entry = entry };
    struct lesson_mistakes mistakes = { 0 };
    struct err err;
    const char *slash = strrchr(entry->path, '/');
    listed.file = slash ? slash + 1 : entry->path;
    listed.last = progress && strcmp(progress_last(progress), listed.file) == 0;
    struct lesson *lesson = lesson_load(entry->path, &mistakes, &err);
    listed.malformed = !lesson;
    listed.next = lesson ? resume_step(lesson, progress) : 0;
    for (unsigned i = 1; lesson && i <= lesson->step_count; i++) {
        char hash[17];
        step_hash(&lesson->steps[i - 1], hash);
        listed.passed += progress && progress_passed(progress, listed.file, i, hash);
    }
    listed.steps = lesson ? lesson->step_count : 0;
    lesson_mistakes_free(&mistakes);
    lesson_free(lesson);
    return listed;
}

static void print_line(const struct listed *listed)
{
    char begun[32];
    snprintf(begun, sizeof begun, "begun (step %u next)", listed->next);
    const char *state = listed->malformed ? "malformed" : !listed->passed ? "not begun" : listed->next ? begun : "done";
    printf("%3d  %-32s %2zu/%-2zu  %-20s %s\n", listed->entry->number, listed->entry->title, listed->passed,
           listed->steps, state, listed->last ? "<" : "");
}

/* The one to go on with: the last worked on if it is not done, else the first that is not. */
static const struct listed *go_on(const struct listed *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].last && list[i].next)
            return &list[i];
    for (size_t i = 0; i < count; i++)
        if (list[i].next)
            return &list[i];
    return NULL;
}

static void print_list(const struct listed *list, size_t count)
{
    const struct listed *next = go_on(list, count);
    for (size_t i = 0; i < count; i++)
        print_line(&list[i]);
    if (next)
        printf("\nto go on: teachroot %d   (step %u of %zu)\n", next->entry->number, next->next, next->steps);
    else
        printf("\nall of them are done\n");
}

static int print_json(const struct listed *list, size_t count)
{
    json_t *array = json_array();
    char number[16];
    for (size_t i = 0; i < count; i++) {
        snprintf(number, sizeof number, "%d", list[i].entry->number);
        json_array_append_new(array, json_pack("{s:i, s:s, s:s, s:s, s:i, s:i, s:b, s:b, s:s}", "number",
                                               list[i].entry->number, "title", list[i].entry->title, "summary",
                                               list[i].entry->summary, "path", list[i].entry->path, "steps",
                                               (int)list[i].steps, "passed", (int)list[i].passed, "malformed",
                                               list[i].malformed, "last", list[i].last, "run", number));
    }
    int result = json_dumpf(array, stdout, JSON_INDENT(2)) < 0 || printf("\n") < 0;
    json_decref(array);
    return result;
}

int lessons_main(int argc, char **argv)
{
    struct curriculum curriculum;
    struct err err = { 0 };
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        printf("usage: teachroot lessons [--json]\nList the lessons, how far each was worked through, and what to type "
               "to go on.\n");
        return 0;
    }
    if (argc > 1 && !json) {
        fprintf(stderr, "teachroot lessons: no such option `%s`: there is --json\n", argv[1]);
        return 2;
    }
    if (curriculum_load(&curriculum, &err) < 0) {
        fprintf(stderr, "teachroot lessons: %s\n", err.message);
        return 2;
    }
    struct progress *progress = progress_load(NULL, &err);
    if (err.code)
        fprintf(stderr, "teachroot lessons: %s\n", err.message);
    cleanup_free struct listed *list = calloc(curriculum.count + 1, sizeof *list);
    int result = 3;
    if (list) {
        for (size_t i = 0; i < curriculum.count; i++)
            list[i] = look_up(&curriculum.entries[i], progress);
        result = json ? print_json(list, curriculum.count) : (print_list(list, curriculum.count), 0);
    }
    progress_free(progress);
    curriculum_free(&curriculum);
    return result;
}
