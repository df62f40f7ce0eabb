#include "repl/play/ranges.h"

#include <errno.h>

static bool is_about(const struct place *place, const struct lesson *lesson)
{
    return place->step && (!place->names_lesson || (int)place->lesson == lesson->number);
}

void run_range(const struct run_options *options, const struct lesson *lesson, unsigned *from, unsigned *until)
{
    *from = is_about(&options->from, lesson) ? options->from.step : 1;
    *until = is_about(&options->until, lesson) ? options->until.step : (unsigned)lesson->step_count;
}

static int check_place(const char *option, const struct place *place, struct lesson *const *lessons, size_t count,
                       struct err *err)
{
    bool any = !place->step;
    for (size_t i = 0; i < count; i++) {
        if (!is_about(place, lessons[i]))
            continue;
        any = true;
        if (place->step > lessons[i]->step_count)
            return err_say(err, EINVAL, "%s: `%s` has no step %u: it has %zu", option, lessons[i]->path, place->step,
                           lessons[i]->step_count);
    }
    return any ? 0 : err_say(err, EINVAL, "%s: lesson %u is not among those to be played", option, place->lesson);
}

int ranges_check(const struct run_options *options, struct lesson *const *lessons, size_t count, struct err *err)
{
    if (check_place("--from", &options->from, lessons, count, err) < 0 ||
        check_place("--until", &options->until, lessons, count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        unsigned from, until;
        run_range(options, lessons[i], &from, &until);
        if (from > until && lessons[i]->step_count)
            return err_say(err, EINVAL, "--from step %u --until step %u: nothing of `%s` is between them", from, until,
                           lessons[i]->path);
    }
    return 0;
}
