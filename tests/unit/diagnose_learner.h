/* A learner whose failed commands are diagnosed: a session without a screen, driven line by line as fast as the lab's shells go. */
#ifndef TESTS_UNIT_DIAGNOSE_LEARNER_H
#define TESTS_UNIT_DIAGNOSE_LEARNER_H

#include "repl/session/session.h"
#include "repl/tutor/advice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LEARNER_MS 30000

struct learner {
    struct loop *loop;
    struct lesson *lesson;
    struct session *session;
    struct advice *advice;
    unsigned prompts;    /* that came, of any terminal */
    char trap[64];       /* of the last evidence; "" none */
    char said[2048];     /* unasked, about it; "" nothing */
    unsigned said_count; /* how often something was said, and what it was last */
    char last_said[2048];
    bool stepped;
};

static inline void learner_event(struct session *session, const struct session_event *event, void *data)
{
    struct learner *learner = data;
    const char *said;
    if (event->kind == SESSION_PROMPT)
        learner->prompts++;
    if (event->kind == SESSION_STEP)
        learner->stepped = !session_replaying(session);
    if (event->kind == SESSION_MESSAGE && event->failed)
        printf("# %s\n", event->text);
    if (event->kind != SESSION_EVIDENCE)
        return;
    said = advice_take(learner->advice, session);
    if (said) {
        learner->said_count++;
        snprintf(learner->last_said, sizeof learner->last_said, "%s: %s", session_evidence(session)->line, said);
    }
    snprintf(learner->said, sizeof learner->said, "%s", said ? said : "");
    snprintf(learner->trap, sizeof learner->trap, "%s",
             advice_trap(learner->advice) ? advice_trap(learner->advice) : "");
    if (getenv("VERBOSE")) {
        const struct session_evidence *evidence = session_evidence(session);
        printf("# `%s` -> %d, %s%s\n# | %s\n", evidence->line, evidence->status, *learner->trap ? learner->trap : "-",
               said                 ? " (said)"
               : evidence->expected ? " (expected)"
                                    : "",
               evidence->output);
    }
}

static inline void learner_turn(struct learner *learner, uint64_t until, const char *what)
{
    uint64_t now = loop_now();
    if (now >= until)
        fail_msg("waited in vain: %s", what);
    loop_once(learner->loop, (int)(until - now));
}

/* Begin the lesson at @path, or that in @text, at @step. */
static inline void learner_start(struct learner *learner, const char *path, const char *text, unsigned step)
{
    struct err err = { 0 };
    struct lesson_mistakes mistakes = { 0 };
    *learner = (struct learner){ .loop = loop_new(&err), .advice = advice_new(&err) };
    if (!learner->advice)
        fail_msg("%s", err.message);
    learner->lesson =
        text ? lesson_parse(path, text, strlen(text), &mistakes, &err) : session_load_lesson(path, &mistakes, &err);
    if (!learner->lesson)
        fail_msg("%s: %s", path, mistakes.count ? mistakes.list[0].what : err.message);
    struct session_options options = { .loop = learner->loop,
                                       .lesson = learner->lesson,
                                       .rows = 40,
                                       .cols = 160,
                                       .lab = { .offline = true, .tools = getenv("TEACHROOT_TOOLS") },
                                       .on_event = learner_event,
                                       .data = learner };
    learner->session = session_new(&options, &err);
    if (!learner->session || session_start(learner->session, step, &err) < 0)
        fail_msg("%s", err.message);
    for (uint64_t until = loop_now() + LEARNER_MS; !learner->stepped || !learner->prompts;)
        learner_turn(learner, until, "the step in play");
}

static inline void learner_stop(struct learner *learner)
{
    session_free(learner->session);
    advice_free(learner->advice);
    lesson_free(learner->lesson);
    loop_free(learner->loop);
}

/* Type a line and wait for the next prompt. @learner->trap is then what fits it; "" also where nothing was to be diagnosed. */
static inline void learner_type(struct learner *learner, const char *line)
{
    struct err err = { 0 };
    unsigned prompts = learner->prompts;
    learner->trap[0] = learner->said[0] = '\0';
    if (session_send_line(learner->session, line, &err) < 0)
        fail_msg("%s", err.message);
    for (uint64_t until = loop_now() + LEARNER_MS; learner->prompts == prompts;)
        learner_turn(learner, until, line);
}

static inline void learner_interrupt(struct learner *learner)
{
    unsigned prompts = learner->prompts;
    terminal_write(session_terminal(learner->session, session_active(learner->session)), "\003", 1);
    session_flush(learner->session);
    for (uint64_t until = loop_now() + LEARNER_MS; learner->prompts == prompts;)
        learner_turn(learner, until, "the prompt after Ctrl-C");
}

static inline void learner_terminal(struct learner *learner, unsigned number)
{
    struct err err = { 0 };
    unsigned prompts = learner->prompts;
    if (!session_terminal(learner->session, number)) {
        if (session_open_terminal(learner->session, number, &err) < 0)
            fail_msg("%s", err.message);
        for (uint64_t until = loop_now() + LEARNER_MS; learner->prompts == prompts;)
            learner_turn(learner, until, "the terminal's prompt");
    }
    session_set_active(learner->session, number);
}

#endif
