/* Markdown: the lesson as it was, with what its blocks really printed. */
#include "repl/play/account.h"
#include "repl/play/formats.h"
#include "repl/tutor/markdown_out.h"

#include <cmark.h>
#include <stdlib.h>
#include <string.h>

struct md {
    struct account account;
    FILE *out;
};

static void put_node(FILE *out, struct cmark_node *node)
{
    char *text = cmark_render_commonmark(node, CMARK_OPT_DEFAULT, 0);
    size_t len = text ? strlen(text) : 0;
    while (len && text[len - 1] == '\n')
        len--;
    fprintf(out, "%.*s\n\n", (int)len, text ? text : "");
    free(text);
}

static void put_heading(FILE *out, int level, const char *title)
{
    for (int i = 0; i < level; i++)
        fputc('#', out);
    fputc(' ', out);
    markdown_out_words(out, title);
    fputs("\n\n", out);
}

static void put_remark(FILE *out, const char *label, const char *text)
{
    fprintf(out, "> **%s** ", label);
    markdown_out_words(out, text ? text : "");
    fputs("\n\n", out);
}

static void open_details(FILE *out, const char *summary)
{
    fprintf(out, "<details><summary>%s</summary>\n\n", summary);
}

static void close_details(FILE *out)
{
    fputs("</details>\n\n", out);
}

/* --- blocks ------------------------------------------------------------------------------------------------------------------------ */

static void put_typed(FILE *out, const char *command)
{
    for (const char *mark = "$", *end; command; mark = ">") {
        end = strchrnul(command, '\n');
        fprintf(out, "%s %.*s\n", mark, (int)(end - command), command);
        command = *end ? end + 1 : NULL;
    }
}

static void put_session(FILE *out, const struct account_block *block)
{
    char *text = NULL, ending[64];
    size_t size = 0;
    FILE *session = open_memstream(&text, &size);
    if (!session)
        return;
    for (size_t i = 0; i < block->command_count; i++) {
        const struct account_command *command = &block->commands[i];
        const char *output = command->output ? command->output : "";
        put_typed(session, command->command ? command->command : "");
        fprintf(session, "%s%s", output, *output && output[strlen(output) - 1] != '\n' ? "\n" : "");
    }
    fclose(session);
    markdown_out_block(out, "console", text);
    fputc('\n', out);
    free(text);
    for (size_t i = 0; i < block->command_count; i++) {
        const struct account_command *command = &block->commands[i];
        if (!*account_ending(command->wait_status, ending, sizeof ending))
            continue;
        fputs("- ", out);
        markdown_out_code(out, command->command ? command->command : "");
        fprintf(out, ": %s\n", ending);
        if (i + 1 == block->command_count)
            fputc('\n', out);
    }
}

static void put_quiz(FILE *out, const struct quiz *quiz)
{
    fprintf(out, "**%s** %s\n\n", quiz->several ? "Which are right?" : "What do you think?",
            quiz->question ? quiz->question : "");
    for (size_t i = 0; i < quiz->count; i++)
        fprintf(out, "- %s\n", quiz->answers[i].text);
    fputs(quiz->count ? "\n" : "", out);
    open_details(out, "Answer");
    if (quiz->typed) {
        markdown_out_code(out, quiz->typed);
        fprintf(out, "%s%s\n\n", quiz->typed_reason ? " — " : "", quiz->typed_reason ? quiz->typed_reason : "");
    }
    for (size_t i = 0; i < quiz->count; i++)
        fprintf(out, "- %s %s%s%s\n", quiz->answers[i].right ? "**Right:**" : "Wrong:", quiz->answers[i].text,
                quiz->answers[i].reason ? " — " : "", quiz->answers[i].reason ? quiz->answers[i].reason : "");
    fputs(quiz->count ? "\n" : "", out);
    close_details(out);
}

static void put_code(FILE *out, const char *info, const char *text)
{
    markdown_out_block(out, info, text ? text : "");
    fputc('\n', out);
}

static void put_block(const struct account_block *kept, void *data)
{
    struct md *md = data;
    const struct block *block = kept->block;
    FILE *out = md->out;
    char ending[64];
    if (block->type == BLOCK_QUIZ) {
        put_quiz(out, block->quiz);
        return;
    }
    if (block->hidden)
        open_details(out, "Solution");
    if (block->type == BLOCK_FILE) {
        fputs("The file ", out);
        markdown_out_code(out, block->name ? block->name : "");
        fputs(":\n\n", out);
    } else if (step_names_terminal(md->account.step, block)) {
        fprintf(out, "In terminal %s:\n\n", block->terminal ? block->terminal : "1");
    }
    if (block->type == BLOCK_COMMAND && kept->command_count) {
        put_session(out, kept);
    } else {
        put_code(out, block->type == BLOCK_FILE ? "" : "bash", block->body);
        if (kept->output && *kept->output)
            put_code(out, "text", kept->output);
        if (*account_ending(kept->wait_status, ending, sizeof ending))
            fprintf(out, "- %s\n\n", ending);
    }
    if (kept->skipped)
        put_remark(out, "Not run here:", kept->skipped);
    if (kept->wrong)
        put_remark(out, "Not as the lesson says:", kept->wrong);
    if (block->hidden)
        close_details(out);
}

static void put_prose(struct cmark_node *node, void *data)
{
    put_node(((struct md *)data)->out, node);
}

/* --- the format -------------------------------------------------------------------------------------------------------------------- */

static void md_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab)
{
    struct md *md = sink->data = sink->data ? sink->data : calloc(1, sizeof *md);
    if (!md)
        return;
    md->out = sink->out;
    if (sink->number)
        fputs("* * *\n\n", sink->out);
    put_heading(sink->out, 1, lesson->title ? lesson->title : lesson->path);
    for (size_t i = 0; lab && i < 8 && lab_facts(lab)->missing[i]; i++)
        put_remark(sink->out, "The lab does without:", lab_facts(lab)->missing[i]);
    for (size_t i = 0; i < lesson->intro_count; i++)
        if (step_node_kind(lesson->intro[i]) != NODE_KIND_HIDDEN &&
            cmark_node_get_type(lesson->intro[i]) != CMARK_NODE_HEADING)
            put_node(sink->out, lesson->intro[i]);
}

static void md_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step)
{
    struct md *md = sink->data;
    if (md)
        account_begin(&md->account, step);
}

static void md_block(struct run_sink *sink, const struct step *step, const struct block *block,
                     const struct block_result *result)
{
    struct md *md = sink->data;
    if (md)
        account_block(&md->account, block, result);
}

static void md_check(struct run_sink *sink, const struct step *step, bool passed, const char *said)
{
    struct md *md = sink->data;
    if (md)
        account_check(&md->account, passed, said);
}

static void put_outcome(struct md *md, const struct run_step *done)
{
    FILE *out = md->out;
    if (done->outcome == RUN_STEP_FAILED)
        put_remark(out, "Failed:", done->why);
    else if (done->outcome == RUN_STEP_SKIPPED)
        put_remark(out, "Skipped here:", done->why);
    else if (done->outcome == RUN_STEP_NOT_RUN)
        put_remark(out, "Not run:", done->why);
    if (!done->step->check)
        return;
    open_details(out, done->outcome == RUN_STEP_PASSED ? "The check passes" : "The check");
    put_code(out, "bash", done->step->check);
    if (md->account.checked && md->account.said && *md->account.said)
        put_code(out, "text", md->account.said);
    close_details(out);
}

static void md_done(struct run_sink *sink, const struct run_step *done)
{
    static const struct account_visitor visitor = { .prose = put_prose, .block = put_block };
    struct md *md = sink->data;
    if (!md)
        return;
    if (md->account.step != done->step)
        account_begin(&md->account, done->step);
    put_heading(md->out, 2, done->step->title);
    account_visit(&md->account, &visitor, md);
    for (const struct hint *hint = done->step->hints; hint && hint->text; hint++) {
        open_details(md->out, hint->solution ? "Solution" : "Hint");
        fprintf(md->out, "%s\n\n", hint->text);
        close_details(md->out);
    }
    put_outcome(md, done);
}

static void md_message(struct run_sink *sink, const char *text)
{
    put_remark(sink->out, "Note:", text);
}

static void md_drop(struct run_sink *sink)
{
    struct md *md = sink->data;
    if (md)
        account_free(&md->account);
    free(md);
}

const struct run_format run_md = { .name = "md",
                                   .what = "Markdown: the lesson with what it printed",
                                   .suffix = ".md",
                                   .lesson = md_lesson,
                                   .step = md_step,
                                   .block = md_block,
                                   .check = md_check,
                                   .done = md_done,
                                   .message = md_message,
                                   .drop = md_drop };
