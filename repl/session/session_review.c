#include "repl/session/session_review.h"

#include "repl/session/session_internal.h"
#include "repl/tutor/review.h"

#include <errno.h>

static enum review_mark mark_of(unsigned step, void *data)
{
    const struct session *session = data;
    switch (session_step_status(session, step)) {
    case STEP_PASSED:
        return REVIEW_PASSED;
    case STEP_SKIPPED:
        return REVIEW_SKIPPED;
    case STEP_CURRENT:
        return session_current_passed(session) ? REVIEW_PASSED : REVIEW_OPEN;
    case STEP_AHEAD:
        break;
    }
    return REVIEW_OPEN;
}

char *session_review(const struct session *session, struct err *err)
{
    struct journal_record record = { 0 };
    if (session->options.journal && journal_read(session->options.journal, &record, err) < 0)
        return NULL;
    char *text = review_text(session->options.lesson, &record, mark_of, (void *)(uintptr_t)session);
    journal_record_free(&record);
    if (!text)
        err_set(err, ENOMEM, "make the review");
    return text;
}
