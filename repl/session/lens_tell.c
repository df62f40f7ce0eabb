/* What a check is told of the lens: the step's calls that it asks about. Their form is that of engine/tools/assert_syscalls.c. */
#include "repl/session/session_internal.h"

#include "engine/base/cleanup.h"
#include "repl/session/lens_internal.h"

#include <stdio.h>
#include <string.h>

#define TOLD_LIMIT 65536 /* a string of an environment may have twice that */

static bool asks_about(const struct lens_wish *wishes, size_t count, const struct lens_call *call)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(wishes[i].name, call->name) == 0)
            return true;
    return false;
}

static bool tell_call(struct text *told, unsigned terminal, const struct lens_call *call)
{
    char line[LENS_ARGUMENTS_MAX + 128];
    const char *error = call->error ? strerrorname_np(call->error) : call->ended ? "0" : "?";
    int len = snprintf(line, sizeof line, "%u\t%s\t%s\t%s\t%s\n", terminal, call->process, call->name,
                       error ? error : "E?", call->arguments);
    return told->len + (size_t)len < TOLD_LIMIT && text_append(told, line, (size_t)len, TOLD_LIMIT);
}

size_t lens_environment(const struct session *session, unsigned step, char *strings[2])
{
    struct lens_wish wishes[LENS_WISHES];
    const struct step *of = session_step(session, step);
    size_t count = lens_wishes(of ? of->check : NULL, wishes), n = 0;
    struct text told = { 0 };
    bool any = false;
    if (count == 0)
        return 0;
    text_append(&told, "TEACHROOT_SYSCALLS=", 19, TOLD_LIMIT);
    for (unsigned i = 1; i <= SESSION_TERMINALS; i++) {
        const struct lens *lens = session_lens(session, i);
        any |= lens != NULL;
        lens_catch_up(session, i);
        /* Newest first: where there are too many, those are told. */
        for (size_t row = lens ? lens_count(lens) : 0; row > 0; row--) {
            const struct lens_call *call = lens_call_at(lens, row - 1);
            if (call->number < session->lenses[i].step)
                break;
            if (asks_about(wishes, count, call) && !tell_call(&told, i, call))
                break;
        }
    }
    if (any)
        strings[n++] = take_ptr(&told.data);
    text_free(&told);
    const char *lacks = session_lens_lacks(session, session->active);
    if (lacks && asprintf(&strings[n], "TEACHROOT_LENS_LACKS=%s", lacks) >= 0)
        n++;
    return n;
}
