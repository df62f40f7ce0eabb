#include "repl/adopt/adopt.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "repl/adopt/runs.h"
#include "repl/play/play.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST_FILE (1024 * 1024)

struct adopt_options {
    const char *output;
    bool force, only_report;
    unsigned timeout_s;
    struct lab_options lab;
};

static const struct option long_options[] = {
    { "output", required_argument, NULL, 'o' },
    { "force", no_argument, NULL, 'f' },
    { "no-run", no_argument, NULL, 'n' },
    { "dry-run", no_argument, NULL, 'n' },
    { "timeout", required_argument, NULL, 't' },
    { "rootless", no_argument, NULL, 'r' },
    { "offline", no_argument, NULL, 'l' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void print_help(void)
{
    printf(
        "usage: teachroot adopt [OPTION]… README.md\n"
        "Make a lesson of a README: say what will run, run it in a fresh lab, and propose a check for each step from "
        "what\n"
        "changed there. It is run twice; what is not the same both times is not proposed.\n\n"
        "  -o, --output FILE  write the lesson to FILE; without it the checks are only shown\n"
        "  --force            also when FILE is there already\n"
        "  --no-run           say what will run, what looks interactive and what this machine cannot, and run nothing\n"
        "                     (--dry-run is the same)\n"
        "  --timeout S        give a run up after S seconds\n"
        "  --rootless         build the lab as an ordinary user would\n"
        "  --offline          no network in the lab\n"
        "  --help             this\n\n"
        "exit status: 0 the lesson passes `teachroot test`, 1 a block does something else each time, 2 the command "
        "line or\n"
        "             the README is malformed, 3 no lab could be made or the lesson not be written, 77 this machine "
        "can\n"
        "             do none of it, 130 interrupted\n");
}

static int refuse(const char *what, const char *which)
{
    fprintf(stderr, "teachroot adopt: %s `%s`: `teachroot adopt --help` says what there is\n", what, which);
    return -1;
}

/* Minutes of running are not to end with a directory that is not there. */
static bool cannot_write(const char *path)
{
    char directory[4096];
    snprintf(directory, sizeof directory, "%s", path);
    char *slash = strrchr(directory, '/');
    snprintf(slash ? slash + (slash == directory) : directory, 2, "%s", slash ? "" : ".");
    if (access(directory, W_OK | X_OK) == 0)
        return false;
    fprintf(stderr, "teachroot adopt: write `%s`: `%s`: %s\n", path, directory, strerror(errno));
    return true;
}

/* Returns the index of the README in argv; 0: help was printed; -1: it was said what is wrong. */
static int read_options(int argc, char **argv, struct adopt_options *options)
{
    int c;
    opterr = 0;
    optind = 1;
    while ((c = getopt_long(argc, argv, ":o:", long_options, NULL)) >= 0) {
        switch (c) {
        case 'o':
            options->output = optarg;
            break;
        case 'f':
            options->force = true;
            break;
        case 'n':
            options->only_report = true;
            break;
        case 't':
            if (!play_number(optarg, &options->timeout_s))
                return refuse("not a number of seconds", optarg);
            break;
        case 'r':
            options->lab.rootless = true;
            break;
        case 'l':
            options->lab.offline = true;
            break;
        case 'h':
            print_help();
            return 0;
        case ':':
            return refuse("this option needs a value", argv[optind - 1]);
        default:
            return refuse("no such option", argv[optind - 1]);
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "teachroot adopt: %s README.md`\n",
                optind == argc ? "which file? `teachroot adopt" : "one file at a time: `teachroot adopt");
        return -1;
    }
    if (options->output && !options->force && access(options->output, F_OK) == 0) {
        fprintf(stderr, "teachroot adopt: `%s` is there already: another name for `-o`, or --force to replace it\n",
                options->output);
        return -1;
    }
    return options->output && cannot_write(options->output) ? -1 : optind;
}

static char *read_text(const char *path, size_t *len, struct err *err)
{
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char *text = fd < 0 ? NULL : calloc(1, LONGEST_FILE + 2);
    ssize_t got = text ? 1 : -1;
    *len = 0;
    while (got > 0 && *len <= LONGEST_FILE) {
        got = read(fd, text + *len, LONGEST_FILE + 1 - *len);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            *len += (size_t)got;
    }
    if (got >= 0)
        return text;
    err_set(err, errno, "read `%s`", path);
    free(text);
    return NULL;
}

static struct lesson *load(const char *path, const char *text, size_t len)
{
    struct lesson_mistakes mistakes = { 0 };
    struct err err = { 0 };
    struct lesson *lesson = lesson_parse(path, text, len, &mistakes, &err);
    for (size_t i = 0; i < mistakes.count; i++)
        fprintf(stderr, "%s:%d: %s\n", path, mistakes.list[i].line, mistakes.list[i].what);
    if (!lesson && !mistakes.count)
        fprintf(stderr, "teachroot adopt: %s\n", err.message);
    lesson_mistakes_free(&mistakes);
    if (!lesson || lesson->plain)
        return lesson;
    fprintf(stderr, "teachroot adopt: `%s` has checks, so it is a lesson already: `teachroot test %s` proves it\n",
            path, path);
    lesson_free(lesson);
    return NULL;
}

static void print_claims(const struct adopt_plan *plan, const struct adopt_claims *claims)
{
    size_t bare = 0;
    printf("\nWhat changed, and the checks that it makes:\n");
    for (size_t i = 0; i < plan->section_count; i++) {
        const struct adopt_claim *kept[CLAIMS_OF_A_CHECK];
        size_t count = claims_proved(&claims[i], kept, CLAIMS_OF_A_CHECK);
        bool last = count > 0 && kept[0]->subject == CLAIM_LAST;
        printf("\n%zu. %s\n", i + 1, plan->sections[i].title);
        for (size_t k = 0; k < count; k++)
            printf("   %s\n", kept[k]->text);
        if (plan->sections[i].skipped)
            printf("   no check: it was skipped here\n");
        else if (count == 0)
            printf("   no check: it changes nothing that stays, and its last command cannot be told from others\n");
        else if (last)
            printf("   (nothing that it changes stays: the check only asks for its last command)\n");
        bare += count == 0 || last;
        for (size_t k = plan->sections[i].first; k < plan->sections[i].first + plan->sections[i].count; k++)
            if (plan->blocks[k].way == ADOPT_LEFT_OUT)
                printf("   line %d is only shown: %s\n", plan->blocks[k].line, plan->blocks[k].left_out);
            else if (plan->blocks[k].exit[0])
                printf("   line %d fails here, and the lesson expects that: `exit` is `%s`\n", plan->blocks[k].line,
                       plan->blocks[k].exit);
    }
    printf("\n%zu step%s, %zu with a check of what changed\n", plan->section_count, plan->section_count == 1 ? "" : "s",
           plan->section_count - bare);
}

static int write_lesson(const struct adopt_plan *plan, const struct adopt_claims *claims, const char *path)
{
    struct err err = { 0 };
    cleanup_free char *text = draft_write(plan, claims, DRAFT_LESSON);
    if (!text)
        err_set(&err, ENOMEM, "write `%s`", path);
    else if (replace_file(path, text, strlen(text), 0644, &err) == 0)
        return RUN_OK;
    fprintf(stderr, "teachroot adopt: %s\n", err.message);
    return RUN_CANNOT;
}

static bool has_check(const struct adopt_plan *plan, const struct adopt_claims *claims)
{
    const struct adopt_claim *kept[1];
    for (size_t i = 0; i < plan->section_count; i++)
        if (claims_proved(&claims[i], kept, 1))
            return true;
    return false;
}

static bool all_skipped(const struct adopt_plan *plan)
{
    bool all = true;
    for (size_t i = 0; i < plan->section_count; i++)
        all &= plan->sections[i].skipped;
    return all;
}

static int run_and_write(struct adopt_plan *plan, const struct adopt_options *options)
{
    cleanup_free struct adopt_claims *claims = calloc(plan->section_count + 1, sizeof *claims);
    struct adopt_runs runs = {
        .plan = plan, .claims = claims, .lab = options->lab, .timeout_s = options->timeout_s, .out = stdout
    };
    if (!claims)
        return RUN_CANNOT;
    printf("\nOnce, to see what it does:\n");
    int result = runs_observe(&runs);
    if (result == RUN_OK) {
        printf("\nOnce more, to see whether it does the same.\n");
        fflush(stdout);
        result = runs_prove(&runs);
    }
    if (result == RUN_OK || result == RUN_FAILED)
        print_claims(plan, claims);
    if (result == RUN_OK && all_skipped(plan)) {
        fprintf(stderr, "teachroot adopt: this machine can do none of its steps: nothing was written\n");
        result = RUN_SKIPPED;
    } else if (result == RUN_OK && !has_check(plan, claims)) {
        fprintf(stderr, "teachroot adopt: no step leaves anything that a check could ask for, so it stays a README\n");
        result = RUN_FAILED;
    } else if (result == RUN_OK && options->output &&
               (result = write_lesson(plan, claims, options->output)) == RUN_OK) {
        printf("%s: written; `teachroot test %s` proves it\n", options->output, options->output);
    } else if (result == RUN_OK && !options->output) {
        printf("`-o FILE` writes the lesson\n");
    } else if (result == RUN_FAILED) {
        fprintf(stderr, "teachroot adopt: nothing was written: make those blocks do the same each time first\n");
    }
    for (size_t i = 0; i < plan->section_count; i++)
        claims_free(&claims[i]);
    return result;
}

int adopt_main(int argc, char **argv)
{
    struct adopt_options options = { 0 };
    struct adopt_plan plan;
    struct err err = { 0 };
    size_t len;
    int result = RUN_OK, first = read_options(argc, argv, &options);
    if (first <= 0)
        return first < 0 ? RUN_MALFORMED : RUN_OK;
    cleanup_free char *text = read_text(argv[first], &len, &err);
    if (!text) {
        fprintf(stderr, "teachroot adopt: %s\n", err.message);
        return RUN_MALFORMED;
    }
    struct lesson *readme = load(argv[first], text, len);
    if (!readme)
        return RUN_MALFORMED;
    if (adopt_plan_read(&plan, readme, text, &err) < 0) {
        fprintf(stderr, "teachroot adopt: %s\n", err.message);
        lesson_free(readme);
        return RUN_CANNOT;
    }
    adopt_plan_ask(&plan);
    adopt_plan_print(&plan);
    if (plan.section_count == 0) {
        fprintf(stderr, "teachroot adopt: `%s` has no block that can be run\n", argv[first]);
        result = RUN_MALFORMED;
    } else if (!options.only_report) {
        result = run_and_write(&plan, &options);
    }
    adopt_plan_free(&plan);
    lesson_free(readme);
    return result;
}
