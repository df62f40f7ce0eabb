#include "repl/lesson/resume.h"

#include "engine/observe/host.h"

#include <stdio.h>
#include <string.h>

/* Does this machine lack one of @requires? Such a step is passed over, and is no reason for a lesson not to be done. */
static bool lacks(const char *requires)
{
    char found[160];
    for (const char *name = requires ? requires : ""; *name;) {
        char one[64];
        size_t skip = strspn(name, " ,"), len = strcspn(name + skip, " ,");
        snprintf(one, sizeof one, "%.*s", (int)len, name + skip);
        name += skip + len;
        const struct host_feature *feature = *one ? host_feature_find(one) : NULL;
        if (*one && (!feature || feature->probe(found, sizeof found) == HOST_NO))
            return true;
    }
    return false;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_open(const struct lesson *lesson, const struct progress *progress, unsigned step)
{
    char hash[17];
    step_hash(&lesson->steps[step - 1], hash);
    return !(progress && progress_passed(progress, file_name(lesson->path), step, hash)) &&
           !lacks(lesson->steps[step - 1].requires);
}

unsigned resume_step(const struct lesson *lesson, const struct progress *progress)
{
    unsigned from = progress ? progress_step(progress, file_name(lesson->path)) : 0,
             count = (unsigned)lesson->step_count;
    if (from < 1 || from > count)
        from = 1;
    for (unsigned i = 0; i < count; i++) {
        unsigned step = from + i > count ? from + i - count : from + i; /* from there to the end, then from the first */
        if (is_open(lesson, progress, step))
            return lacks(lesson->requires) ? 0 : step;
    }
    return 0;
}

static bool is_finished(const char *path, const struct progress *progress)
{
    struct lesson_mistakes mistakes = { 0 };
    struct err err;
    struct lesson *lesson = lesson_load(path, &mistakes, &err);
    bool finished = lesson && resume_step(lesson, progress) == 0; /* opening a malformed one says what is wrong */
    lesson_mistakes_free(&mistakes);
    lesson_free(lesson);
    return finished;
}

struct resume resume_lesson(const struct curriculum *curriculum, const struct progress *progress)
{
    struct resume resume = { .place = curriculum->count > 0 ? 0 : -1, .finished = -1 };
    const char *last = progress ? progress_last(progress) : "";
    size_t place = 0;
    while (place < curriculum->count && strcmp(file_name(curriculum->entries[place].path), last) != 0)
        place++;
    if (!*last || place == curriculum->count)
        return resume;
    resume.place = (int)place;
    resume.begun = true;
    if (!is_finished(curriculum->entries[place].path, progress))
        return resume;
    resume.finished = (int)place;
    for (size_t i = place + 1; i < curriculum->count; i++) {
        if (is_finished(curriculum->entries[i].path, progress))
            continue;
        resume.place = (int)i;
        resume.begun = progress_step(progress, file_name(curriculum->entries[i].path)) > 0;
        break;
    }
    return resume;
}
