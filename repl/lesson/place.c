#include "repl/lesson/place.h"

#include "engine/base/cleanup.h"
#include "repl/lesson/lesson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DIGITS 4

/* Digits up to @end, which gets what stands behind them. */
static bool number(const char *text, unsigned *value, const char **end)
{
    size_t digits = strspn(text, "0123456789");
    *value = (unsigned)strtoul(text, NULL, 10);
    *end = text + digits;
    return digits > 0 && digits <= MOST_DIGITS;
}

bool place_parse(const char *text, struct place *place)
{
    const char *rest;
    *place = (struct place){ 0 };
    if (!number(text, &place->step, &rest))
        return false;
    if (*rest == '.') {
        place->names_lesson = true;
        place->lesson = place->step;
        if (!number(rest + 1, &place->step, &rest))
            return false;
    }
    return *rest == '\0' && place->step > 0;
}

char *place_find(const struct curriculum *curriculum, const struct place *place, struct err *err)
{
    char number[16];
    snprintf(number, sizeof number, "%u", place->lesson);
    cleanup_free char *path = curriculum_find(curriculum, number, err);
    struct lesson_mistakes mistakes = { 0 };
    struct err ignored;
    struct lesson *lesson = path ? lesson_load(path, &mistakes, &ignored) : NULL;
    size_t steps = lesson ? lesson->step_count : place->step;
    lesson_free(lesson);
    lesson_mistakes_free(&mistakes);
    if (place->step <= steps)
        return path ? take_ptr(&path) : NULL;
    err_say(err, EINVAL, "go to %u.%u: lesson %u has steps 1 to %zu", place->lesson, place->step, place->lesson, steps);
    return NULL;
}
