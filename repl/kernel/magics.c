#include "repl/kernel/magics.h"

#include "engine/base/cleanup.h"
#include "repl/kernel/kernel_internal.h"
#include "repl/play/display.h"
#include "repl/play/plain_text.h"
#include "repl/screen/commands.h"
#include "repl/session/session_review.h"
#include "repl/tutor/explain.h"

#include <string.h>

static bool has_lab(struct kernel *kernel)
{
    if (kernel->desk.state == DESK_READY)
        return true;
    cell_fail(kernel, "NoLab", NULL, "%s", kernel->desk.why);
    return false;
}

static bool has_lesson(struct kernel *kernel)
{
    if (!has_lab(kernel))
        return false;
    if (kernel->desk.path)
        return true;
    cell_fail(kernel, "NoLesson", NULL, "no lesson is open: %%lesson 1 opens the first one, %%lessons lists them");
    return false;
}

/* What @write puts on a page of words. malloc'ed; NULL: no memory. */
static char *page_of(struct kernel *kernel,
                     void (*write)(const struct plain_page *page, struct kernel *kernel, const char *argument),
                     const char *argument)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    struct plain_page page = { out, 100, { .look = LOOK_MONO, .plain = true } };
    write(&page, kernel, argument);
    fclose(out);
    return text;
}

static void print_page(struct kernel *kernel,
                       void (*write)(const struct plain_page *page, struct kernel *kernel, const char *argument),
                       const char *argument)
{
    cleanup_free char *text = page_of(kernel, write, argument);
    stream_print(kernel, "stdout", "%s", text ? text : "");
}

/* Going somewhere. */

static void arrived(struct kernel *kernel)
{
    struct desk *desk = &kernel->desk;
    unsigned step = session_current(desk->session);
    if (desk->guided)
        guide_step(kernel);
    else if (step <= desk->lesson->step_count)
        stream_print(kernel, "stdout", "Step %u of %zu: %s\n", step, desk->lesson->step_count,
                     desk->lesson->steps[step - 1].title);
    else
        stream_print(kernel, "stdout", "The lesson is finished.\n");
}

static void go(struct kernel *kernel, const char *path, unsigned step)
{
    struct err err;
    struct cell *cell = &kernel->cell;
    if (desk_open(kernel, path, step, &err) < 0) {
        cell_fail(kernel, "CannotOpen", NULL, "%s", err.message);
        return;
    }
    cell->terminal = cell->home = 1;
    cell->block = NULL;
    cell->phase = CELL_LAB;
    cell->after = arrived;
}

static bool load_curriculum(struct kernel *kernel)
{
    struct curriculum *curriculum = &kernel->desk.curriculum;
    struct err err;
    if (curriculum->count || curriculum_load(curriculum, &err) == 0)
        return true;
    *curriculum = (struct curriculum){ 0 };
    return false;
}

static void write_lessons(const struct plain_page *page, struct kernel *kernel, const char *argument)
{
    const struct curriculum *curriculum = &kernel->desk.curriculum;
    for (size_t i = 0; i < curriculum->count; i++)
        fprintf(page->out, "%2d  %s. %s\n", curriculum->entries[i].number, curriculum->entries[i].title,
                curriculum->entries[i].summary);
    fprintf(page->out, "%s\n",
            curriculum->count ? "%lesson NUMBER opens one."
                              : "No lessons were found: TEACHROOT_LESSONS says where they are.");
}

static void lessons(struct kernel *kernel, const char *argument)
{
    load_curriculum(kernel);
    print_page(kernel, write_lessons, NULL);
}

static void lesson(struct kernel *kernel, const char *argument)
{
    struct err err;
    bool quiet = strncmp(argument, "-q", 2) == 0 && (argument[2] == ' ' || argument[2] == '\0');
    argument += quiet ? 2 + strspn(argument + 2, " \t") : 0;
    if (!*argument) {
        cell_fail(kernel, "WrongUsage", NULL,
                  "which lesson? %%lesson 4, or the path of a lesson's file; %%lessons lists them");
        return;
    }
    load_curriculum(kernel); /* a path needs none */
    cleanup_free char *path = curriculum_find(&kernel->desk.curriculum, argument, &err);
    if (!path) {
        cell_fail(kernel, "NoSuchLesson", NULL, "%s", err.message);
        return;
    }
    kernel->desk.guided = !quiet;
    go(kernel, path, 1);
}

static void jump(struct kernel *kernel, const char *argument)
{
    struct place place;
    struct err err;
    if (!has_lesson(kernel))
        return;
    if (!place_parse(argument, &place)) {
        cell_fail(kernel, "WrongUsage", NULL, "`%s` is no step: %%goto 3, or %%goto 4.3 for step 3 of lesson 4",
                  argument);
        return;
    }
    load_curriculum(kernel);
    cleanup_free char *path =
        place.names_lesson ? place_find(&kernel->desk.curriculum, &place, &err) : strdup(kernel->desk.path);
    if (path)
        go(kernel, path, place.step);
    else
        cell_fail(kernel, "NoSuchStep", NULL, "%s", err.message);
}

static void reset(struct kernel *kernel, const char *argument)
{
    unsigned step = kernel->desk.step ? kernel->desk.step : 1;
    unsigned last = kernel->desk.lesson ? (unsigned)kernel->desk.lesson->step_count : 0;
    go(kernel, kernel->desk.path, last && step > last ? last : step);
}

/* Steps. */

static void move_on(struct kernel *kernel, bool skip)
{
    const char *not_yet = session_next(kernel->desk.session, skip);
    if (not_yet) {
        cell_fail(kernel, "NotYet", NULL, "%s", not_yet);
        return;
    }
    kernel->cell.phase = CELL_LAB;
    kernel->cell.after = arrived;
}

static void checked(struct kernel *kernel)
{
    struct cell *cell = &kernel->cell;
    struct desk *desk = &kernel->desk;
    bool current = cell->checked == session_current(desk->session);
    if (cell->why) {
        cell_say(kernel, session_why(desk->session));
        return;
    }
    if (!cell->passed) {
        cell_fail(kernel, "CheckFailed", NULL, "step %u: %s", cell->checked,
                  cell->said && *cell->said ? cell->said : "its check does not pass");
        return;
    }
    stream_print(kernel, "stdout", "Step %u passed.\n", cell->checked);
    if (current)
        move_on(kernel, !desk->guided);
}

static void on_checked(struct session *session, bool passed, const char *said, void *data)
{
    struct kernel *kernel = data;
    struct cell *cell = &kernel->cell;
    if (cell->phase != CELL_CHECK)
        return;
    cell->passed = passed;
    free(cell->said);
    cell->said = strdup(said);
    cell->phase = CELL_LAB;
    cell->after = checked;
}

static void run_check(struct kernel *kernel, unsigned step, bool why)
{
    struct err err;
    struct desk *desk = &kernel->desk;
    const char *skipped = session_skip_reason(desk->session, step);
    if (skipped) {
        stream_print(kernel, "stdout", "Step %u is skipped: %s\n", step, skipped);
        return;
    }
    if (session_run_check(desk->session, step, on_checked, kernel, &err) < 0) {
        cell_fail(kernel, "CannotCheck", NULL, "%s", err.message);
        return;
    }
    kernel->cell.checked = step;
    kernel->cell.why = why;
    kernel->cell.phase = CELL_CHECK;
}

static void check(struct kernel *kernel, const char *argument)
{
    char *end;
    if (!has_lesson(kernel))
        return;
    unsigned step = *argument ? (unsigned)strtoul(argument, &end, 10) : session_current(kernel->desk.session);
    if (*argument && (*end || step == 0))
        cell_fail(kernel, "WrongUsage", NULL, "`%s` is no step's number", argument);
    else if (!*argument && step > kernel->desk.lesson->step_count)
        stream_print(kernel, "stdout", "The lesson is finished.\n");
    else
        run_check(kernel, step, false);
}

static void why(struct kernel *kernel, const char *argument)
{
    unsigned step;
    if (!has_lesson(kernel))
        return;
    step = session_current(kernel->desk.session);
    if (step <= kernel->desk.lesson->step_count && kernel->desk.lesson->steps[step - 1].check)
        run_check(kernel, step, true);
    else
        cell_say(kernel, session_why(kernel->desk.session));
}

static void next(struct kernel *kernel, const char *argument)
{
    if (has_lesson(kernel))
        move_on(kernel, false);
}

static void skip(struct kernel *kernel, const char *argument)
{
    if (!has_lesson(kernel))
        return;
    unsigned step = session_current(kernel->desk.session);
    if (step >= kernel->desk.lesson->step_count)
        move_on(kernel, true);
    else
        go(kernel, kernel->desk.path, step + 1); /* in a lab in which the step's commands were run */
}

static void hint(struct kernel *kernel, const char *argument)
{
    enum hint_kind kind;
    if (!has_lesson(kernel))
        return;
    const char *text = session_hint(kernel->desk.session, &kind);
    if (kind != HINT_COMMAND) {
        cell_say(kernel, text);
        return;
    }
    cell_offer(kernel, text);
    stream_print(kernel, "stdout", "The command is:\n%s\n", text);
}

static void solution(struct kernel *kernel, const char *argument)
{
    if (!has_lesson(kernel))
        return;
    const char *text = session_solution(kernel->desk.session);
    if (text)
        cell_offer(kernel, text);
    stream_print(kernel, "stdout", "%s\n", text ? text : "Nothing is left to type in this step.");
}

static void answer(struct kernel *kernel, const char *argument)
{
    unsigned choices[32];
    const char *reason = NULL;
    if (!has_lesson(kernel))
        return;
    const struct block *block = session_quiz(kernel->desk.session);
    if (!block) {
        cell_fail(kernel, "NoQuestion", NULL, "no question is open in this step");
        return;
    }
    size_t count = block->quiz->count ? commands_choices(argument, choices, 32, block->quiz->count) : 0;
    if (block->quiz->count && (count == 0 || (count > 1 && !block->quiz->several))) {
        cell_fail(kernel, "WrongUsage", NULL, "`%s` is none of the answers: %%answer and its number", argument);
        return;
    }
    bool right = session_answer(kernel->desk.session, choices, count, block->quiz->count ? NULL : argument, &reason);
    stream_print(kernel, "stdout", "%s\n", right ? "Right." : "Not that: try again.");
    if (reason && *reason)
        cell_say(kernel, reason);
    if (!right)
        return;
    if (kernel->desk.guided)
        guide_answered(kernel, block);
    guide_after(kernel, block);
}

static void review(struct kernel *kernel, const char *argument)
{
    struct err err;
    if (!has_lesson(kernel))
        return;
    cleanup_free char *text = session_review(kernel->desk.session, &err);
    if (text)
        cell_say(kernel, text);
    else
        cell_fail(kernel, "CannotReview", NULL, "%s", err.message);
}

/* Looking. */

static void state(struct kernel *kernel, const char *argument)
{
    struct err err;
    if (!has_lab(kernel))
        return;
    struct display *display = display_read(kernel->desk.session, &(struct display_options){ .all = *argument }, &err);
    json_t *bundle = display ? display_bundle(display) : NULL;
    display_free(display);
    if (!bundle) {
        cell_fail(kernel, "CannotShow", NULL, "%s", display ? "out of memory" : err.message);
        return;
    }
    stream_flush(kernel);
    kernel_publish(kernel, kernel->output_parent, "display_data",
                   json_pack("{s:o, s:{}, s:{}}", "data", bundle, "metadata", "transient"));
}

static void write_lens(const struct plain_page *page, struct kernel *kernel, const char *argument)
{
    plain_say_lens(page, kernel->desk.session, strcmp(argument, "all") == 0 ? " " : argument);
}

static void lens(struct kernel *kernel, const char *argument)
{
    if (has_lab(kernel))
        print_page(kernel, write_lens, argument);
}

/* What was asked for is the cell's result. */
static void explain(struct kernel *kernel, const char *argument)
{
    cleanup_free char *markdown = explain_markdown(argument), *plain = ask_explained(argument);
    if (!markdown || !plain) {
        stream_print(kernel, "stdout", "Nothing is known of the words of %s\n", argument);
        return;
    }
    stream_flush(kernel);
    kernel_publish(kernel, kernel->output_parent, "execute_result",
                   json_pack("{s:i, s:{s:o, s:o}, s:{}}", "execution_count", (int)kernel->count, "data", "text/plain",
                             stream_text(plain, strlen(plain)), "text/markdown",
                             stream_text(markdown, strlen(markdown)), "metadata"));
}

static void diagnose(struct kernel *kernel, const char *argument)
{
    if (!has_lab(kernel))
        return;
    cleanup_free char *page = kernel->desk.advice ? advice_page(kernel->desk.advice) : NULL;
    cell_say(kernel, page ? page : "There is no lessons/traps.md beside these lessons: nothing is diagnosed.");
}

static void lab(struct kernel *kernel, const char *argument)
{
    if (!has_lab(kernel))
        return;
    struct lab *here = session_lab(kernel->desk.session);
    const struct lab_facts *facts = lab_facts(here);
    stream_print(kernel, "stdout", "Lab %s (teachroot lab enter %s), %s, network: %s\n", lab_name(here), lab_name(here),
                 facts->rootless ? "without root" : "as root", facts->network);
    for (size_t i = 0; facts->missing[i]; i++)
        stream_print(kernel, "stdout", "%s\n", facts->missing[i]);
}

static void terminal(struct kernel *kernel, const char *argument)
{
    if (strlen(argument) != 1 || *argument < '1' || *argument > '0' + TERMINALS)
        cell_fail(kernel, "WrongUsage", NULL, "`%s` is no terminal: they are numbered from 1 to %d", argument,
                  TERMINALS);
    else
        kernel->cell.terminal = (unsigned)(*argument - '0');
    if (kernel->cell.phase != CELL_NONE && !kernel->cell.aside && has_lab(kernel))
        session_set_active(kernel->desk.session, kernel->cell.terminal);
}

static void help(struct kernel *kernel, const char *argument)
{
    stream_print(kernel, "stdout",
                 "A cell is typed at the prompt of a terminal in the lab. These lines are the kernel's own:\n\n");
    for (size_t i = 0; i < magic_count; i++) {
        char name[40];
        snprintf(name, sizeof name, "%%%s%s%s", magics[i].name, magics[i].argument ? " " : "",
                 magics[i].argument ? magics[i].argument : "");
        stream_print(kernel, "stdout", "  %-20s %s\n", name, magics[i].help);
    }
    stream_print(kernel, "stdout", "\n  %-20s %s\n", "%%terminal N",
                 "as a cell's first line: the cell alone is for terminal N");
}

static void list(struct kernel *kernel, const char *argument)
{
    for (size_t i = 0; i < magic_count; i++)
        stream_print(kernel, "stdout", "%%%s ", magics[i].name);
    stream_print(kernel, "stdout", "%%%%terminal\n");
}

const struct magic magics[] = {
    { "lesson", "[-q] N", lesson,
      "open lesson N, or the lesson in a file, in a fresh lab: its text, and its cells one by one; -q: only the lab" },
    { "lessons", NULL, lessons, "the list of lessons" },
    { "check", "[N]", check, "does the step (or step N) pass? Then the next one begins" },
    { "why", NULL, why, "what the step still waits for" },
    { "hint", NULL, hint, "a hint; again for the next one, and at last the command" },
    { "solution", NULL, solution, "the step's next command, in the next cell" },
    { "answer", "N", answer, "answer the question: its number, several as `1 3`, or a word" },
    { "next", NULL, next, "go on to the next step" },
    { "skip", NULL, skip, "go on to the next step in a fresh lab in which this one was done" },
    { "goto", "N", jump,
      "go to step N, or to step 3 of lesson 4 with %goto 4.3: a fresh lab, the steps before it done" },
    { "reset", NULL, reset, "begin this step anew in a fresh lab" },
    { "state", "[all]", state,
      "the kernel's state of what has the terminal: namespaces, id maps, mounts, processes, groups; `all`: also what "
      "is as in any shell" },
    { "lens", "[WORD]", lens, "the syscalls of the last command; only those with WORD (`failed`, a syscall …; `all`)" },
    { "explain", "LINE", explain, "what the words of a command line mean, and which syscalls they become" },
    { "diagnose", NULL, diagnose, "why the last command that failed did, and a way out" },
    { "review", NULL, review, "what each step has shown" },
    { "terminal", "N", terminal, "from here on cells are for terminal N" },
    { "lab", NULL, lab, "which lab this is, and what it does without" },
    { "help", NULL, help, "these lines" },
    { "lsmagic", NULL, list, "their names alone" },
};
const size_t magic_count = sizeof magics / sizeof *magics;

const struct magic *magic_find(const char *name, size_t len)
{
    for (size_t i = 0; i < magic_count; i++)
        if (strlen(magics[i].name) == len && memcmp(magics[i].name, name, len) == 0)
            return &magics[i];
    return NULL;
}
