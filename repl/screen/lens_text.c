#include "repl/screen/lens_text.h"

#include <stdio.h>
#include <string.h>

void lens_process_words(const struct lens_call *call, char *buf, size_t size)
{
    const char *name = call->process[0] ? call->process : "?";
    if (call->inside > 0)
        snprintf(buf, size, "%s(%d)", name, call->inside);
    else
        snprintf(buf, size, "%s", name);
}

void lens_result_words(const struct lens_call *call, bool brief, char *buf, size_t size)
{
    const char *name = call->error ? strerrorname_np(call->error) : NULL;
    if (!call->ended)
        snprintf(buf, size, "not returned");
    else if (!call->error)
        snprintf(buf, size, "%ld", call->result);
    else if (brief)
        snprintf(buf, size, "%s", name ? name : "-1");
    else
        snprintf(buf, size, "-1 %s (%s)", name ? name : "?", name ? strerrordesc_np(call->error) : "an error");
}

void lens_line_words(const struct lens_call *call, char *buf, size_t size)
{
    char process[64], result[160], times[32] = "";
    lens_process_words(call, process, sizeof(process));
    lens_result_words(call, false, result, sizeof(result));
    if (call->repeats > 1)
        snprintf(times, sizeof(times), " (%u times)", call->repeats);
    snprintf(buf, size, "%s %s(%s) = %s%s%s", process, call->name, call->arguments, result, times,
             call->expected ? " (asked for by this step)" : "");
}

static bool contains(const char *text, const char *word, size_t len)
{
    for (; *text; text++)
        if (strncasecmp(text, word, len) == 0)
            return true;
    return false;
}

static bool has_word(const struct lens_call *call, const char *word, size_t len)
{
    const char *error = call->error ? strerrorname_np(call->error) : NULL;
    if (len == 6 && strncasecmp(word, "failed", 6) == 0)
        return call->error;
    return contains(call->process, word, len) || contains(call->name, word, len) ||
           contains(call->arguments, word, len) || (error && contains(error, word, len));
}

bool lens_matches(const struct lens_call *call, const char *filter)
{
    while (*(filter += strspn(filter, " "))) {
        size_t len = strcspn(filter, " ");
        bool without = *filter == '-' && len > 1;
        if (has_word(call, filter + without, len - without) == without)
            return false;
        filter += len;
    }
    return true;
}
