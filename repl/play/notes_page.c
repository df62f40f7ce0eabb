#include "repl/play/notes_page.h"

#include "engine/base/cleanup.h"
#include "repl/screen/flow.h"
#include "repl/screen/markdown.h"
#include "repl/screen/theme.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const struct notes *notes, const char *name)
{
    const char *text = json_string_value(json_object_get(notes->now, name));
    return text ? text : "";
}

/* Of a time in seconds, or a number of steps or minutes: far from where sums would overflow. */
#define NUMBER_MAX (1LL << 40)

static json_int_t number_of(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value < -NUMBER_MAX ? -NUMBER_MAX : value > NUMBER_MAX ? NUMBER_MAX : value;
}

/* @text cut to NOTES_TEXT_MAX bytes, whole characters. */
static json_t *shortened(const char *text)
{
    size_t len = NOTES_TEXT_MAX;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return json_stringn(text, len);
}

bool notes_take(struct notes *notes, const struct json_t *message)
{
    const json_t *sent = json_object_get(message, "notes");
    json_t *now = json_is_object(sent) ? json_copy((json_t *)(uintptr_t)sent) : NULL;
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(now, next, name, value)
    {
        if (json_string_length(value) > NOTES_TEXT_MAX &&
            json_object_set_new(now, name, shortened(json_string_value(value))) < 0) {
            json_decref(now);
            return false;
        }
    }
    if (!now)
        return false;
    json_decref(notes->now);
    notes->now = now;
    int step = (int)(number_of(now, "step") & 0xffff);
    if (step != notes->step)
        notes->top = 0;
    notes->step = step;
    return true;
}

/* "12:05", "1:02:05" */
static void clock_words(json_int_t seconds, char *text, size_t size)
{
    unsigned long long all = seconds > 0 ? (unsigned long long)seconds : 0;
    if (all >= 3600)
        snprintf(text, size, "%llu:%02llu:%02llu", all / 3600, all / 60 % 60, all % 60);
    else
        snprintf(text, size, "%llu:%02llu", all / 60, all % 60);
}

/* The time since the demo began, since the step did, and how far that is from the plan: by the end of this step, if it took what it should. */
static void put_times(struct flow *flow, const struct notes *notes, json_int_t now)
{
    const json_t *plan = json_object_get(notes->now, "plan");
    json_int_t all = now - number_of(notes->now, "began"), here = now - number_of(notes->now, "step_began");
    json_int_t before = number_of(plan, "before"), step = number_of(plan, "step"), lesson = number_of(plan, "lesson");
    char elapsed[32], in_step[32], off[32];
    clock_words(all, elapsed, sizeof elapsed);
    clock_words(here, in_step, sizeof in_step);
    flow_format(flow, ROLE_STRONG, "%s", elapsed);
    flow_text(flow, ROLE_TEXT, " in all, ");
    flow_format(flow, ROLE_STRONG, "%s", in_step);
    if (step > 0)
        flow_format(flow, ROLE_TEXT, " in this step, of %lld min", (long long)step);
    else
        flow_text(flow, ROLE_TEXT, " in this step");
    flow_break(flow);
    if (lesson == 0)
        return;
    /* In a step one is where the plan has one as long as the step's own time is not over. */
    json_int_t spare = step * 60 > here ? here : step * 60, behind = all - before * 60 - spare;
    clock_words(behind < 0 ? -behind : behind, off, sizeof off);
    flow_format(flow, ROLE_TEXT, "Plan: %lld of %lld min before this step; ", (long long)before, (long long)lesson);
    if (behind >= 60)
        flow_format(flow, ROLE_NOTICE, "%s behind", off);
    else if (behind <= -60)
        flow_format(flow, ROLE_PASSED, "%s ahead", off);
    else
        flow_text(flow, ROLE_PASSED, "in time");
    flow_break(flow);
}

static void put_next(struct flow *flow, const struct notes *notes)
{
    const char *stage = text_of(notes, "stage"), *said = text_of(notes, "said");
    cleanup_free char *copy = strdup(text_of(notes, "next"));
    char *rest = copy, *line;
    flow_blank(flow);
    flow_format(flow, ROLE_NOTICE,
                strcmp(stage, "running") == 0  ? "Now running"
                : strcmp(stage, "typing") == 0 ? "Now typing"
                                               : "Next key");
    if (strcmp(stage, "by hand") == 0)
        flow_text(flow, ROLE_TEXT, " (after F4: you type by hand now)");
    flow_break(flow);
    while (rest && (line = strsep(&rest, "\n"))) {
        flow_push(flow, "  ", "    ", ROLE_TEXT);
        flow_verbatim(flow, ROLE_TODO, line, strlen(line));
        flow_pop(flow);
    }
    flow_break(flow);
    if (*said) {
        flow_quoted(flow, ROLE_FAILED, said);
        flow_break(flow);
    }
}

void notes_put_page(struct flow *flow, const struct notes *notes, long long now)
{
    const char *about = text_of(notes, "about"), *after = text_of(notes, "after"), *words = text_of(notes, "notes");
    json_int_t step = number_of(notes->now, "step"), steps = number_of(notes->now, "steps");
    put_times(flow, notes, now);
    flow_blank(flow);
    if (step <= steps)
        flow_format(flow, ROLE_HEADING, "%lld/%lld %s", (long long)step, (long long)steps, text_of(notes, "title"));
    else
        flow_format(flow, ROLE_HEADING, "The end of: %s", text_of(notes, "lesson"));
    if (json_is_true(json_object_get(notes->now, "passed")))
        flow_format(flow, ROLE_PASSED, " %s passed", theme_glyph(flow_theme(flow), GLYPH_PASSED));
    flow_break(flow);
    put_next(flow, notes);
    flow_blank(flow);
    markdown_draw_text(flow, *words ? words : step <= steps ? "No notes for this step." : "");
    if (*after) {
        flow_blank(flow);
        flow_format(flow, ROLE_TEXT, "Then: %s", after);
        flow_break(flow);
    }
    if (step == 1 && *about) {
        flow_blank(flow);
        flow_text(flow, ROLE_HEADING, "The lesson");
        flow_break(flow);
        markdown_draw_text(flow, about);
    }
}

/* ---- as text ---- */

/* What would act on a terminal is shown as `?`. */
static void put_plain(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text, next = (unsigned char)text[1];
        bool control = (c < ' ' && c != '\n' && c != '\t') || c == 0x7f || (c == 0xc2 && next >= 0x80 && next < 0xa0);
        putc(control ? '?' : c, out);
        text += control && c == 0xc2;
    }
}

bool notes_print(FILE *out, struct notes *notes, const struct json_t *message)
{
    int step = notes->step;
    char *next = NULL;
    if (!notes_take(notes, message) || strcmp(text_of(notes, "stage"), "building") == 0)
        return false;
    if (notes->step != step) {
        fprintf(out, "\nStep %lld of %lld: ", (long long)number_of(notes->now, "step"),
                (long long)number_of(notes->now, "steps"));
        put_plain(out, text_of(notes, "title"));
        fputs("\n\n", out);
        put_plain(out, text_of(notes, "notes"));
        fputc('\n', out);
        free(take_ptr(&notes->printed));
    }
    next = strdup(text_of(notes, "next"));
    if (!next)
        return false;
    if (!notes->printed || strcmp(notes->printed, next) != 0) {
        fputs("Next: ", out);
        put_plain(out, next);
        fputc('\n', out);
    }
    free(notes->printed);
    notes->printed = next;
    return true;
}

void notes_free(struct notes *notes)
{
    json_decref(notes->now);
    free(notes->printed);
    *notes = (struct notes){ 0 };
}
