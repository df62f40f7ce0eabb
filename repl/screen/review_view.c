/* The review as a page over the screen: at a lesson's end, or asked for. */
#include "engine/base/cleanup.h"
#include "repl/screen/markdown.h"
#include "repl/screen/view.h"
#include "repl/session/session_review.h"

static void put_next(struct flow *flow, const struct screen *screen)
{
    int place = screen_lesson_place(screen);
    flow_format(flow, ROLE_PASSED, "%s You have finished this lesson: %s.", theme_glyph(&screen->theme, GLYPH_PASSED),
                screen->lesson->title);
    flow_break(flow);
    if (place >= 0 && (size_t)place + 1 < screen->curriculum.count) {
        const struct curriculum_entry *next = &screen->curriculum.entries[place + 1];
        flow_format(flow, ROLE_NOTICE, "F2 opens lesson %d: %s.", next->number, next->title);
        flow_break(flow);
    }
    flow_blank(flow);
}

void review_put(struct flow *flow, const struct screen *screen)
{
    struct err err;
    flow_format(flow, ROLE_HEADING, "Review: %s", screen->lesson->title);
    flow_blank(flow);
    if (screen->finished)
        put_next(flow, screen);
    cleanup_free char *text = session_review(screen->session, &err);
    if (text)
        markdown_draw_text(flow, text);
    else
        flow_text(flow, ROLE_FAILED, err.message);
}
