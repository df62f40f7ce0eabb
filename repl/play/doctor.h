/** `teachroot doctor`: what this machine allows, what would bring the rest, which lessons that is enough for, and what kind of lab it gives. */
#ifndef REPL_PLAY_DOCTOR_H
#define REPL_PLAY_DOCTOR_H

#include "engine/base/err.h"
#include "engine/observe/host.h"

#include <stdbool.h>
#include <stddef.h>

/** `doctor [--json] [--no-lab] [FEATURE…]`; argv[0] is "doctor". Exit status: 0 all asked for is there (without names: a lab can be built); 2 wrong usage; 3 not there. */
int doctor_main(int argc, char **argv);

/** What was found of each feature of host_features, by its index; a feature is tried when first asked for. */
struct doctor_answer {
    bool known;
    enum host_answer answer;
    char found[256];
};
struct doctor_answers {
    struct doctor_answer *list; /* host_feature_count of them */
    void (*about_to_try)(const char *name, void *data);
    void *data;
};
/** The answer for @feature. */
const struct doctor_answer *doctor_ask(struct doctor_answers *answers, const struct host_feature *feature);

/** Of one lesson: what its front matter requires decides whether it can be played, what single steps and blocks require whether all of it can. */
struct doctor_lesson {
    int number;
    char *title, *path;
    enum host_answer answer;
    char *lacks; /* names of what it needs and is not there, space-separated; "" if none */
    char *why;   /* NULL, or why it could not be read */
};
/** Read the curriculum and every lesson in it. Returns how many, in *lessons (to be freed by doctor_lessons_free); or -1. */
int doctor_lessons(struct doctor_answers *answers, struct doctor_lesson **lessons, struct err *err);
void doctor_lessons_free(struct doctor_lesson *lessons, size_t count);

#endif
