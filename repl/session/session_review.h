/** The review of a session's lesson, as far as it has come. */
#ifndef REPL_SESSION_SESSION_REVIEW_H
#define REPL_SESSION_SESSION_REVIEW_H

#include "repl/session/session.h"

/** See repl/tutor/review.h. Markdown, malloc'ed; NULL with @err set. */
char *session_review(const struct session *session, struct err *err);

#endif
