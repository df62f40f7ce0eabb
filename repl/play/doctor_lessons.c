/* Which lessons this machine's features are enough for. */
#include "repl/play/doctor.h"

#include "engine/base/cleanup.h"
#include "repl/lesson/curriculum.h"
#include "repl/lesson/lesson.h"

#include <string.h>

/* Add each name in @requires that is not there to @lacks, once. Returns whether any was lacking. */
static bool note_lacks(struct doctor_answers *answers, const char *requires, char *lacks, size_t size)
{
    bool lacking = false;
    for (const char *name = requires ? requires : ""; *name;) {
        size_t skip = strspn(name, " ,"), len = strcspn(name + skip, " ,");
        char one[64], spaced[1100], wanted[80];
        snprintf(one, sizeof one, "%.*s", (int)len, name + skip);
        name += skip + len;
        const struct host_feature *feature = host_feature_find(one);
        if (!*one || (feature && doctor_ask(answers, feature)->answer != HOST_NO))
            continue;
        lacking = true;
        snprintf(spaced, sizeof spaced, " %s ", lacks);
        snprintf(wanted, sizeof wanted, " %s ", one);
        size_t held = strlen(lacks);
        if (!strstr(spaced, wanted))
            snprintf(lacks + held, size - held, "%s%s", held ? " " : "", one);
    }
    return lacking;
}

static void look_at(struct doctor_answers *answers, struct doctor_lesson *result, const struct lesson *lesson)
{
    char lacks[1024] = "";
    result->answer = HOST_YES;
    if (note_lacks(answers, lesson->requires, lacks, sizeof lacks))
        result->answer = HOST_NO;
    for (size_t s = 0; s < lesson->step_count; s++) {
        const struct step *step = &lesson->steps[s];
        bool lacking = note_lacks(answers, step->requires, lacks, sizeof lacks);
        for (size_t b = 0; b < step->block_count; b++)
            lacking |= note_lacks(answers, step->blocks[b].requires, lacks, sizeof lacks);
        if (lacking && result->answer == HOST_YES)
            result->answer = HOST_PARTLY;
    }
    result->lacks = strdup(lacks);
}

static bool is_feature(const char *name)
{
    return host_feature_find(name) != NULL;
}

static void read_lesson(struct doctor_answers *answers, struct doctor_lesson *result)
{
    struct lesson_mistakes mistakes = { 0 };
    struct err err = { 0 };
    struct lesson *lesson = lesson_load(result->path, &mistakes, &err);
    if (lesson)
        lesson_check_requires(lesson, is_feature, &mistakes);
    if (lesson && mistakes.count == 0)
        look_at(answers, result, lesson);
    else if (mistakes.count == 0)
        result->why = strdup(err.message);
    else if (asprintf(&result->why, "%s:%d: %s", result->path, mistakes.list[0].line, mistakes.list[0].what) < 0)
        result->why = NULL;
    lesson_mistakes_free(&mistakes);
    lesson_free(lesson);
}

int doctor_lessons(struct doctor_answers *answers, struct doctor_lesson **lessons, struct err *err)
{
    struct curriculum curriculum;
    if (curriculum_load(&curriculum, err) < 0)
        return -1;
    struct doctor_lesson *list = calloc(curriculum.count + 1, sizeof *list);
    for (size_t i = 0; list && i < curriculum.count; i++) {
        list[i] = (struct doctor_lesson){ .number = curriculum.entries[i].number,
                                          .title = strdup(curriculum.entries[i].title),
                                          .path = strdup(curriculum.entries[i].path),
                                          .answer = HOST_NO };
        if (list[i].path)
            read_lesson(answers, &list[i]);
    }
    int count = (int)curriculum.count;
    curriculum_free(&curriculum);
    if (!list)
        return err_set(err, ENOMEM, "read the lessons");
    *lessons = list;
    return count;
}

void doctor_lessons_free(struct doctor_lesson *lessons, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(lessons[i].title);
        free(lessons[i].path);
        free(lessons[i].lacks);
        free(lessons[i].why);
    }
    free(lessons);
}
