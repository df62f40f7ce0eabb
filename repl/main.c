/* teachroot: which verb? */
#include "repl/adopt/adopt.h"
#include "engine/base/similar.h"
#include "repl/panel/top.h"
#include "repl/play/demo.h"
#include "repl/play/doctor.h"
#include "repl/play/explain.h"
#include "repl/play/follow.h"
#include "repl/play/image.h"
#include "repl/play/kernel.h"
#include "repl/play/lab.h"
#include "repl/play/lessons.h"
#include "repl/play/notebook.h"
#include "repl/play/notes.h"
#include "repl/play/play.h"
#include "repl/play/progress.h"
#include "repl/play/report.h"
#include "repl/play/shell.h"
#include "repl/play/test.h"
#include "repl/play/transcript.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int help_main(int argc, char **argv);

static const struct verb {
    const char *name;
    int (*main)(int argc, char **argv);
    const char *summary;
} verbs[] = {
    { "play", play_main, "play lessons from first step to last, without a terminal" },
    { "demo", demo_main, "show a lesson on the projector, one key an action" },
    { "notes", notes_main, "the presenter's notes for the demo that is running" },
    { "follow", follow_main, "see somebody else's session on this machine" },
    { "test", test_main, "prove lessons: each check fails before its step and passes after" },
    { "adopt", adopt_main, "make a lesson of a README: run it, and propose checks" },
    { "notebook", notebook_main, "a lesson as a Jupyter notebook, not run yet" },
    { "lessons", lessons_main, "list the lessons, and how far each was worked through" },
    { "transcript", transcript_main, "what you typed in a lesson and what it printed, as Markdown" },
    { "review", review_main, "what each step of a lesson has shown, and which syscalls did it" },
    { "progress", progress_main, "how far you are, as a file: show, export, import, forget" },
    { "report", report_main, "how far many learners are, from their progress files" },
    { "doctor", doctor_main, "what this machine allows, and what would bring the rest" },
    { "kernel", kernel_verb_main, "a Jupyter kernel: notebook cells in a lab" },
    { "lab", lab_main, "labs by hand: ls, enter, reset, rm, gc" },
    { "image", image_verb_main, "images that every lab sees: from-rootfs, from-host, gc, fsck" },
    { "top", top_main, "processes and cgroups, live: of this machine, a lab, a container or a cgroup" },
    { "explain", explain_verb_main, "what the words of a command line mean, and which syscalls they become" },
    { "help", help_main, "say how a verb is used" },
};
#define VERBS (sizeof verbs / sizeof *verbs)

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static void print_usage(FILE *out)
{
    shell_usage(out);
    fprintf(out, "\nVerbs:\n");
    for (size_t i = 0; i < VERBS; i++)
        fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    fprintf(out, "\n`teachroot help VERB` says more; `teachroot --version` says which one this is.\n");
}

static int unknown_verb(const char *name)
{
    const char *near = words_nearest(name, &verbs[0].name, VERBS, sizeof verbs[0]);
    if (near)
        fprintf(stderr, "teachroot: no verb `%s`: did you mean `teachroot %s`?\n", name, near);
    else
        fprintf(stderr, "teachroot: no verb `%s`: `teachroot help` lists them\n", name);
    return 2;
}

static int help_main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return 0;
    }
    const struct verb *verb = find_verb(argv[1]);
    if (!verb)
        return unknown_verb(argv[1]);
    char name[16], option[] = "--help";
    snprintf(name, sizeof name, "%s", verb->name);
    return verb->main(2, (char *[]){ name, option, NULL });
}

/* No verb: nothing, an option, a number or a file. The start of a title is asked for as `teachroot "A new"`: with a capital, which no verb has. */
static bool names_a_lesson(const char *first)
{
    return !*first || first[0] == '-' || (first[0] >= '0' && first[0] <= '9') || strchr(first, '/') ||
           strchr(first, '.') || (first[0] >= 'A' && first[0] <= 'Z');
}

int main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "--version") == 0) {
        printf("teachroot %s\n", TEACHROOT_VERSION);
        return 0;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        print_usage(stdout);
        return 0;
    }
    const struct verb *verb = find_verb(first);
    if (verb)
        return verb->main(argc - 1, argv + 1);
    return names_a_lesson(first) ? shell_main(argc, argv) : unknown_verb(first);
}
