/* Plain text: what a reader of the lesson would have seen. */
#include "engine/base/cleanup.h"
#include "repl/play/account.h"
#include "repl/play/formats.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static void text_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab)
{
    fprintf(sink->out, "%s%s (%s)\n", sink->number ? "\n" : "", lesson->title ? lesson->title : lesson->path,
            lesson->path);
    for (size_t i = 0; lab && i < 8 && lab_facts(lab)->missing[i]; i++)
        fprintf(sink->out, "  the lab does without: %s\n", lab_facts(lab)->missing[i]);
}

static void text_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step)
{
    fprintf(sink->out, "\n%u. %s\n", step->number, step->title);
}

static void print_command(struct run_sink *sink, const struct block *block, const struct block_result *result,
                          const struct command_result *command)
{
    const char *text = command->command;
    bool other = block->terminal && strcmp(block->terminal, "1") != 0;
    for (const char *mark = "$"; text; mark = ">") {
        const char *end = strchrnul(text, '\n');
        fprintf(sink->out, "%s%s%s %.*s\n", other ? "[" : "", other ? block->terminal : "",
                other ? (*mark == '$' ? "]$" : "]>") : mark, (int)(end - text), text);
        text = *end ? end + 1 : NULL;
    }
    const char *output = result->output ? result->output + command->output_at : "";
    fwrite(output, 1, command->output_len, sink->out);
    if (command->output_len && output[command->output_len - 1] != '\n')
        fputc('\n', sink->out);
    if (WIFEXITED(command->wait_status) && WEXITSTATUS(command->wait_status))
        fprintf(sink->out, "(status %d)\n", WEXITSTATUS(command->wait_status));
}

/* Of a script: a command's has no escape sequences any more when it is told. */
static void print_output(struct run_sink *sink, const char *output)
{
    cleanup_free char *text = output ? account_text(output, strlen(output)) : NULL;
    run_print_lines(sink->out, "", text);
}

static void print_quiz(struct run_sink *sink, const struct quiz *quiz)
{
    fprintf(sink->out, "? %s\n", quiz->question);
    if (quiz->typed)
        fprintf(sink->out, "  (typed) /%s/%s%s\n", quiz->typed, quiz->typed_reason ? " — " : "",
                quiz->typed_reason ? quiz->typed_reason : "");
    for (size_t i = 0; i < quiz->count; i++)
        fprintf(sink->out, "  %s %s%s%s\n", quiz->answers[i].right ? "(x)" : "( )", quiz->answers[i].text,
                quiz->answers[i].reason ? " — " : "", quiz->answers[i].reason ? quiz->answers[i].reason : "");
}

static void text_block(struct run_sink *sink, const struct step *step, const struct block *block,
                       const struct block_result *result)
{
    if (result->skipped) {
        fprintf(sink->out, "(line %d is not run here: %s)\n", block->line, result->skipped);
        return;
    }
    switch (block->type) {
    case BLOCK_COMMAND:
        for (size_t i = 0; i < result->command_count; i++)
            print_command(sink, block, result, &result->commands[i]);
        break;
    case BLOCK_SCRIPT:
        run_print_lines(sink->out, "| ", block->body);
        print_output(sink, result->output);
        break;
    case BLOCK_FILE:
        fprintf(sink->out, "> %s\n", block->name);
        run_print_lines(sink->out, "| ", block->body);
        print_output(sink, result->output);
        break;
    case BLOCK_QUIZ:
        print_quiz(sink, block->quiz);
        break;
    }
}

static void text_done(struct run_sink *sink, const struct run_step *done)
{
    switch (done->outcome) {
    case RUN_STEP_PASSED:
        fprintf(sink->out, "ok: %s\n", done->step->check ? "the check passes" : "nothing failed");
        break;
    case RUN_STEP_FAILED:
        fprintf(sink->out, "not ok: ");
        run_print_lines(sink->out, "", done->why);
        break;
    case RUN_STEP_SKIPPED:
        fprintf(sink->out, "\n%u. %s\nskipped: %s\n", done->step->number, done->step->title,
                done->why ? done->why : "");
        break;
    case RUN_STEP_NOT_RUN:
        fprintf(sink->out, "\n%u. %s\nnot run: %s\n", done->step->number, done->step->title, done->why);
        break;
    }
}

static void text_message(struct run_sink *sink, const char *text)
{
    fprintf(sink->out, "! %s\n", text);
}

static void text_end(struct run_sink *sink)
{
    fprintf(sink->out, "\n%zu passed, %zu failed, %zu skipped, %zu not run\n", sink->counts.passed, sink->counts.failed,
            sink->counts.skipped, sink->counts.not_run);
}

static void proof_before(struct run_sink *sink, const struct step *step, const char *said)
{
    const char *end = strchrnul(said, '\n');
    fprintf(sink->out, "fails before: %.*s\n", (int)(end - said), *said ? said : "(without a word)");
}

static void proof_block(struct run_sink *sink, const struct step *step, const struct block *block,
                        const struct block_result *result)
{
    static const char *const kinds[] = {
        [BLOCK_COMMAND] = "commands", [BLOCK_SCRIPT] = "script", [BLOCK_FILE] = "file", [BLOCK_QUIZ] = "question"
    };
    fprintf(sink->out, "line %d, %s: %s%s\n", block->line, kinds[block->type],
            result->skipped             ? "not run here: "
            : !result->matched_exit     ? "does not end as stated"
            : !result->matched_output   ? "does not print what is stated"
            : block->has_output         ? "ends and prints as stated"
            : block->type == BLOCK_QUIZ ? "every wrong answer has its reason"
                                        : "ends as stated",
            result->skipped ? result->skipped : "");
}

static void proof_done(struct run_sink *sink, const struct run_step *done)
{
    if (done->outcome == RUN_STEP_PASSED && done->step->check)
        fprintf(sink->out, "passes after\n");
    text_done(sink, done);
}

const struct run_format run_text = { .name = "text",
                                     .what = "what a reader would have seen",
                                     .suffix = ".txt",
                                     .lesson = text_lesson,
                                     .step = text_step,
                                     .block = text_block,
                                     .done = text_done,
                                     .message = text_message,
                                     .end = text_end };

const struct run_format run_proof = { .name = "text",
                                      .what = "the proof, step by step",
                                      .suffix = ".txt",
                                      .lesson = text_lesson,
                                      .step = text_step,
                                      .before = proof_before,
                                      .block = proof_block,
                                      .done = proof_done,
                                      .message = text_message,
                                      .end = text_end };
