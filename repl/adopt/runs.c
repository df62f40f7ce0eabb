#include "repl/adopt/runs.h"

#include "engine/base/cleanup.h"
#include "repl/tutor/trap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_RUNS 4 /* each for a block that did not end */

/* One run; the options come first, so that a format finds the rest. */
struct one_run {
    struct run_options options;
    struct adopt_runs *runs;
    const struct lesson *lesson;
    struct lab_picture *before;
    struct timespec since;
    struct made_files made;
    bool again, failed;
    struct err err;
};

static struct one_run *of(struct run_sink *sink)
{
    return (struct one_run *)(uintptr_t)sink->run->options;
}

/* The plan's block that @block of the draft was made of. */
static struct adopt_block *plan_block(const struct one_run *run, const struct step *step, const struct block *block)
{
    const struct adopt_section *section = &run->runs->plan->sections[step->number - 1];
    size_t number = (size_t)(block - step->blocks);
    for (size_t i = section->first; i < section->first + section->count; i++) {
        struct adopt_block *at = &run->runs->plan->blocks[i];
        if (at->way != ADOPT_LEFT_OUT && number-- == 0)
            return at;
    }
    return NULL;
}

static void fail(struct one_run *run, const char *what)
{
    run->failed = true;
    err_say(&run->err, ENOMEM, "%s: out of memory", what);
}

static void on_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step)
{
    struct one_run *run = of(sink);
    fprintf(run->runs->out, "step %u of %zu: %s\n", step->number, lesson->step_count, step->title);
    fflush(run->runs->out);
    picture_free(run->before);
    run->before = picture_take(sink->run->session, &run->err);
    run->failed |= !run->before;
    clock_gettime(CLOCK_REALTIME_COARSE, &run->since);
}

/* What the block must end with, to be as it was now. */
static void note_exit(struct adopt_block *at, const struct block_result *result)
{
    bool before = false;
    for (size_t i = 0; i + 1 < result->command_count; i++)
        before |= result->commands[i].wait_status != 0;
    if (strcmp(at->block->exit, "0") != 0 && block_exit_matches(at->block, result->wait_status))
        snprintf(at->exit, sizeof at->exit, "%.7s", at->block->exit);
    else if (before)
        snprintf(at->exit, sizeof at->exit, "any");
    else if (result->wait_status == 0)
        at->exit[0] = '\0';
    else if (WIFEXITED(result->wait_status))
        snprintf(at->exit, sizeof at->exit, "%d", WEXITSTATUS(result->wait_status));
    else
        snprintf(at->exit, sizeof at->exit, "any");
}

/* It goes on: once more, left running. Whoever types there next interrupts it, as they must. */
static void note_endless(struct one_run *run, struct adopt_block *at, const struct block_result *result)
{
    struct adopt_plan *plan = run->runs->plan;
    struct adopt_block *next = at + 1, *end = plan->blocks + plan->count;
    size_t commands = 0;
    while (at->block->commands && at->block->commands[commands])
        commands++;
    bool last = commands > 0 && result->command_count >= commands;
    run->again = true;
    if (!last || at->way != ADOPT_RUN) {
        at->way = ADOPT_LEFT_OUT;
        at->left_out = "it did not end in time";
        fprintf(run->runs->out, "    once more without it\n");
        return;
    }
    at->way = ADOPT_BACKGROUND;
    while (next < end &&
           (next->way == ADOPT_LEFT_OUT || next->terminal != at->terminal || next->block->type != BLOCK_COMMAND))
        next++;
    if (next < end)
        next->interrupt = true;
    if (next < end)
        fprintf(run->runs->out, "    once more, with it left running, and Ctrl+C before line %d\n", next->line);
    else
        fprintf(run->runs->out, "    once more, with it left running\n");
}

static void say_block(struct one_run *run, const struct adopt_block *at, const struct block_result *result)
{
    FILE *out = run->runs->out;
    char text[64];
    adopt_block_text(at->block, text, sizeof text);
    fprintf(out, "  line %d: %s: ", at->line, text);
    if (result->skipped)
        fprintf(out, "skipped: %s\n", result->skipped);
    else if (result->timed_out)
        fprintf(out, "did not end\n");
    else if (result->nested)
        fprintf(out, at->way == ADOPT_BACKGROUND ? "ok, it goes on\n" : "ok, a shell in it\n");
    else if (result->wait_status == 0)
        fprintf(out, "ok\n");
    else
        fprintf(out, "status %d\n",
                WIFEXITED(result->wait_status) ? WEXITSTATUS(result->wait_status)
                                               : 128 + WTERMSIG(result->wait_status));
    for (size_t i = 0; i + 1 < result->command_count; i++)
        if (result->commands[i].wait_status != 0)
            fprintf(out, "    status %d: %.60s\n", WEXITSTATUS(result->commands[i].wait_status),
                    result->commands[i].command);
    if (at->prints_else)
        fprintf(out, "    the README has other output: %s\n", at->prints);
    fflush(out);
}

static void on_block(struct run_sink *sink, const struct step *step, const struct block *block,
                     const struct block_result *result)
{
    struct one_run *run = of(sink);
    struct adopt_block *at = plan_block(run, step, block);
    struct err why = { 0 };
    if (!at)
        return;
    at->ran = !result->skipped;
    if (at->ran && !result->timed_out) {
        note_exit(at, result);
        at->prints_else = !block_output_matches(at->block, result->output, &why);
        snprintf(at->prints, sizeof at->prints, "%.199s", why.message);
    }
    say_block(run, at, result);
    if (at->way == ADOPT_BACKGROUND && !result->nested && !result->timed_out && at->ran)
        at->way = ADOPT_RUN; /* it did end */
    if (result->timed_out)
        note_endless(run, at, result);
}

/* `docker build -t NAME`, `docker run --name NAME`: what only words tell, and the second run proves. */
static int claim_images(struct adopt_claims *claims, const struct simple_command *command)
{
    static const struct {
        const char *verb, *option, *claim;
    } names[] = { { "build", "-t", "image" },          { "build", "--tag", "image" }, { "run", "--name", "container" },
                  { "create", "--name", "container" }, { "pull", NULL, "image" },     { "tag", NULL, "image" },
                  { "commit", NULL, "image" },         { "import", NULL, "image" } };
    int result = 0;
    if (command->plain < 3 || strcmp(last_part(command->words[0].text), "docker") != 0)
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && result == 0; i++) {
        const char *name = names[i].option ? NULL : command->words[command->plain - 1].text;
        if (strcmp(command->words[1].text, names[i].verb) != 0)
            continue;
        for (size_t k = 2; names[i].option && k + 1 < command->plain; k++)
            if (strcmp(command->words[k].text, names[i].option) == 0)
                name = command->words[k + 1].text;
        cleanup_free char *word = name ? claims_word(name) : NULL;
        if (name)
            result = word ? claims_add(claims, CLAIM_IMAGE, 0, "assert %s %s", names[i].claim, word) : -1;
    }
    return result;
}

/* That a command was typed, the last of its step, and how it ended: for a step that leaves nothing behind. */
static int claim_last(struct adopt_claims *claims, const char *exit, const char *command, unsigned group)
{
    cleanup_free char *word = claims_glob(command + strspn(command, " \t"), 100, "*");
    int result = word ? 0 : -1;
    if (result == 0 && exit)
        result = claims_add(claims, CLAIM_LAST, group, "assert last command %s && assert last exit %s", word, exit);
    return result == 0 ? claims_add(claims, CLAIM_LAST, group, "assert last command %s", word) : -1;
}

#define MOST_LAST 4 /* commands from the end on: what a nested shell was told is not known, but what started it is */

static int claim_last_commands(const struct one_run *run, const struct step *step, struct adopt_claims *claims)
{
    unsigned group = ++claims->groups;
    size_t made = 0;
    int result = 0;
    for (size_t i = step->block_count; i-- > 0 && result == 0;) {
        const struct adopt_block *at = plan_block(run, step, &step->blocks[i]);
        char *const *commands = step->blocks[i].commands;
        size_t count = 0;
        if (!at || !commands || step->blocks[i].background)
            continue;
        while (commands[count])
            count++;
        const char *exit = !at->exit[0] ? "0" : strcmp(at->exit, "!0") == 0 ? "nonzero" : at->exit;
        bool known = strcmp(exit, "any") != 0;
        for (size_t k = count; k-- > 0 && made < MOST_LAST && result == 0; made++, known = false)
            result = claim_last(claims, known ? exit : NULL, commands[k], group);
    }
    return result;
}

static int claim_words(const struct one_run *run, const struct step *step, struct adopt_claims *claims)
{
    int result = 0;
    for (size_t i = 0; i < step->block_count && result == 0; i++) {
        const struct block *block = &step->blocks[i];
        for (size_t k = 0; block->commands && block->commands[k] && result == 0; k++) {
            struct command_list list = { 0 };
            result = command_list_read(block->commands[k], &list);
            for (size_t n = 0; n < list.count && result == 0; n++)
                result = claim_images(claims, &list.commands[n]);
            command_list_free(&list);
        }
    }
    return result == 0 ? claim_last_commands(run, step, claims) : -1;
}

/* Whatever a block's commands end with is right here, so it failed otherwise: its shell has ended, say. Once more without it. Where no block is to blame the run is. */
static void note_failure(struct one_run *run, const struct run_step *done)
{
    struct adopt_block *at = done->block ? plan_block(run, done->step, done->block) : NULL;
    if (!at) {
        run->failed = true;
        err_say(&run->err, ECANCELED, "step %u: %s", done->step->number, done->why);
        return;
    }
    const char *why = strstr(done->why, ": ");
    snprintf(at->failed, sizeof at->failed, "%.199s", why ? why + 2 : done->why);
    at->way = ADOPT_LEFT_OUT;
    at->left_out = at->failed;
    run->again = true;
    fprintf(run->runs->out, "    %s: once more without it\n", at->failed);
}

static void on_observed(struct run_sink *sink, const struct run_step *done)
{
    struct one_run *run = of(sink);
    if (done->outcome == RUN_STEP_FAILED && !run->again && !run->failed)
        note_failure(run, done);
    struct adopt_claims *claims = &run->runs->claims[done->step->number - 1];
    run->runs->plan->sections[done->step->number - 1].skipped = done->outcome == RUN_STEP_SKIPPED;
    if (done->outcome == RUN_STEP_SKIPPED)
        fprintf(run->runs->out, "step %u: skipped here: %s\n", done->step->number, done->why);
    if (done->outcome == RUN_STEP_SKIPPED || !sink->run->session || run->failed || run->again)
        return;
    struct lab_picture *now = session_lab(sink->run->session) ? picture_take(sink->run->session, &run->err) : NULL;
    if (now && (picture_compare(run->before, now, claims) < 0 ||
                files_changed(sink->run->session, &run->since, &run->made, claims) < 0))
        fail(run, "look at what changed");
    picture_free(now);
    if (!run->failed && claim_words(run, done->step, claims) < 0)
        fail(run, "look at what changed");
}

static void on_message(struct run_sink *sink, const char *text)
{
    fprintf(of(sink)->runs->out, "  %s\n", text);
}

static const struct run_format observing = {
    .name = "observe", .step = on_step, .block = on_block, .done = on_observed, .message = on_message
};

/* The numbers that a trial's check said: of the claims that hold. */
static void read_held(struct adopt_claims *claims, const char *said, bool after)
{
    for (const char *at = said; *at;) {
        char *end;
        unsigned long number = strtoul(at, &end, 10);
        if (end > at && *end != ' ' && number < claims->count)
            *(after ? &claims->list[number].after : &claims->list[number].before) = true;
        at = end + strcspn(end, "\n");
        at += *at == '\n';
    }
}

static void on_before(struct run_sink *sink, const struct step *step, const char *said)
{
    read_held(&of(sink)->runs->claims[step->number - 1], said, false);
}

static void on_check(struct run_sink *sink, const struct step *step, bool passed, const char *said)
{
    read_held(&of(sink)->runs->claims[step->number - 1], said, true);
}

static void on_proved(struct run_sink *sink, const struct run_step *done)
{
    struct one_run *run = of(sink);
    const struct adopt_block *at = done->block ? plan_block(run, done->step, done->block) : NULL;
    if (done->outcome != RUN_STEP_FAILED || !at)
        return;
    run->runs->failures++;
    fprintf(run->runs->out, "%s:%d: not the same the second time: %s\n", run->runs->plan->readme->path, at->line,
            done->why + strcspn(done->why, " ") + 1);
}

static const struct run_format proving = {
    .name = "prove", .before = on_before, .check = on_check, .done = on_proved, .message = on_message
};

/* The draft as a lesson; NULL when it is none, which was said. */
static struct lesson *draft_lesson(struct adopt_runs *runs, enum draft_stage stage)
{
    struct lesson_mistakes mistakes = { 0 };
    struct err err = { 0 };
    cleanup_free char *text = draft_write(runs->plan, runs->claims, stage);
    struct lesson *lesson = text ? lesson_parse(runs->plan->readme->path, text, strlen(text), &mistakes, &err) : NULL;
    if (lesson && lesson->step_count != runs->plan->section_count) {
        fprintf(stderr, "teachroot adopt: %s: its headings make %zu steps, and its blocks are in %zu\n", lesson->path,
                lesson->step_count, runs->plan->section_count);
        lesson_free(lesson);
        return NULL;
    }
    for (size_t i = 0; i < mistakes.count; i++) {
        const char *line = text;
        for (int k = 1; k < mistakes.list[i].line && *line; k++)
            line += strcspn(line, "\n") + 1;
        fprintf(stderr, "teachroot adopt: %s: no lesson can be made of it while it has the line `%.*s`: %s\n",
                runs->plan->readme->path, (int)strcspn(line, "\n"), line, mistakes.list[i].what);
    }
    if (!lesson && !mistakes.count)
        fprintf(stderr, "teachroot adopt: %s\n", err.message[0] ? err.message : "out of memory");
    lesson_mistakes_free(&mistakes);
    return lesson;
}

static int run_once(struct one_run *run, struct adopt_runs *runs, enum draft_stage stage,
                    const struct run_format *format)
{
    struct lesson *lesson = draft_lesson(runs, stage);
    if (!lesson)
        return RUN_MALFORMED;
    run->runs = runs;
    run->lesson = lesson;
    run->options.formats[0] = format;
    run->options.format_count = 1;
    run->options.prove = stage == DRAFT_TRY;
    run->options.keep_going = true;
    run->options.timeout_s = runs->timeout_s;
    run->options.lab = runs->lab;
    int result = run_loaded(&lesson, 1, &run->options);
    lesson_free(lesson);
    picture_free(run->before);
    made_files_free(&run->made);
    if (!run->failed)
        return result;
    fprintf(stderr, "teachroot adopt: %s\n", run->err.message);
    return RUN_CANNOT;
}

int runs_observe(struct adopt_runs *runs)
{
    for (size_t i = 0; i < MOST_RUNS; i++) {
        struct one_run run = { 0 };
        for (size_t k = 0; k < runs->plan->section_count; k++)
            claims_free(&runs->claims[k]);
        int result = run_once(&run, runs, DRAFT_OBSERVE, &observing);
        if (result != RUN_OK && result != RUN_FAILED && result != RUN_SKIPPED)
            return result;
        if (!run.again)
            return RUN_OK;
    }
    fprintf(stderr, "teachroot adopt: %s: more than %d of its blocks do not end, or cannot be run\n",
            runs->plan->readme->path, MOST_RUNS - 1);
    return RUN_FAILED;
}

int runs_prove(struct adopt_runs *runs)
{
    struct one_run run = { 0 };
    char name[32];
    snprintf(name, sizeof name, "proof-%d", getpid());
    runs->lab.name = name; /* what only has to do with the lab's name is not the same then */
    int result = run_once(&run, runs, DRAFT_TRY, &proving);
    runs->lab.name = NULL;
    if (result != RUN_OK && result != RUN_FAILED && result != RUN_SKIPPED)
        return result;
    return runs->failures ? RUN_FAILED : RUN_OK;
}
