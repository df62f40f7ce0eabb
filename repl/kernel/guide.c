/* A lesson in cells: what a step says, and the next cell for the client to put below. A client takes one such cell from a reply, so they are given one by one: the step's first command with its text,
 * each next one when the one before was run, and at last %check, whose success shows the next step. */
#include "repl/kernel/kernel_internal.h"

#include "engine/base/cleanup.h"
#include "repl/tutor/markdown_out.h"

#include <cmark.h>
#include <string.h>

/* Are both the same but for blanks at the ends? */
static bool same_text(const char *a, const char *b)
{
    size_t la, lb;
    a += strspn(a, " \t\r\n");
    b += strspn(b, " \t\r\n");
    for (la = strlen(a); la && strchr(" \t\r\n", a[la - 1]); la--) {
    }
    for (lb = strlen(b); lb && strchr(" \t\r\n", b[lb - 1]); lb--) {
    }
    return la == lb && la && memcmp(a, b, la) == 0;
}

static unsigned terminal_of(const struct block *block)
{
    return block->terminal ? (unsigned)strtoul(block->terminal, NULL, 10) : 1;
}

/* What stands in a cell for the block, the magic aside. */
static const char *cell_text(const struct block *block)
{
    return block->type == BLOCK_FILE ? block->writing : block->body;
}

static const struct block *block_of_step(const struct step *step, const char *text, unsigned terminal)
{
    for (size_t i = 0; i < step->block_count; i++) {
        const struct block *block = &step->blocks[i];
        if (block->type != BLOCK_QUIZ && terminal_of(block) == terminal && cell_text(block) &&
            same_text(cell_text(block), text))
            return block;
    }
    return NULL;
}

const struct block *guide_block(const struct desk *desk, const char *text, unsigned terminal)
{
    const struct lesson *lesson = desk->lesson;
    const struct block *block = NULL;
    unsigned current = session_current(desk->session);
    if (!desk->path)
        return NULL;
    if (current >= 1 && current <= lesson->step_count)
        block = block_of_step(&lesson->steps[current - 1], text, terminal);
    for (size_t i = 0; !block && i < lesson->step_count; i++)
        block = block_of_step(&lesson->steps[i], text, terminal);
    return block;
}

unsigned guide_step_of(const struct desk *desk, const struct block *block)
{
    for (unsigned i = 0; i < desk->lesson->step_count; i++)
        if (block >= desk->lesson->steps[i].blocks &&
            block < desk->lesson->steps[i].blocks + desk->lesson->steps[i].block_count)
            return i + 1;
    return 0;
}

static void say_quiz(FILE *out, const struct quiz *quiz)
{
    fprintf(out, "**Question**: %s\n\n", quiz->question ? quiz->question : "");
    for (size_t i = 0; i < quiz->count; i++)
        fprintf(out, "%zu. %s\n", i + 1, quiz->answers[i].text);
    fprintf(out, "\nAnswer with `%%answer %s`.\n\n", quiz->count ? "N" : "WORD");
}

static void say_block(FILE *out, const struct step *step, const struct block *block)
{
    if (block->type == BLOCK_QUIZ) {
        say_quiz(out, block->quiz);
        return;
    }
    if (block->type == BLOCK_FILE)
        fprintf(out, "The file `%s`:\n\n", block->name ? block->name : "");
    else if (step_names_terminal(step, block))
        fprintf(out, "In terminal %s:\n\n", block->terminal);
    markdown_out_block(out, "bash", block->body);
    fputc('\n', out);
}

static void say_node(FILE *out, const struct step *step, struct cmark_node *node)
{
    const struct block *block = step ? step_node_block(step, node) : NULL;
    enum node_kind kind = step_node_kind(node);
    if (kind == NODE_KIND_OUTPUT || kind == NODE_KIND_KEYS || kind == NODE_KIND_HIDDEN)
        return;
    if (block) {
        say_block(out, step, block);
        return;
    }
    char *text = cmark_render_commonmark(node, CMARK_OPT_DEFAULT, 0);
    fprintf(out, "%s\n", text ? text : "");
    free(text);
}

static void say_step(FILE *out, const struct desk *desk, unsigned number)
{
    const struct lesson *lesson = desk->lesson;
    const struct step *step = &lesson->steps[number - 1];
    const struct block *open = session_quiz(desk->session);
    if (number == 1) {
        fprintf(out, "# %s\n\n", lesson->title ? lesson->title : lesson->path);
        for (size_t i = 0; i < lesson->intro_count; i++)
            if (cmark_node_get_type(lesson->intro[i]) != CMARK_NODE_HEADING)
                say_node(out, NULL, lesson->intro[i]);
    }
    fprintf(out, "## Step %u of %zu: %s\n\n", number, lesson->step_count, step->title);
    for (size_t i = 0; i < step->prose_count; i++)
        if (!step_prose_withheld(step, i, open))
            say_node(out, step, step->prose[i]);
}

/* The cell for @step's block @index, or for what comes after the last one. */
static void offer(struct kernel *kernel, const struct step *step, size_t index)
{
    cleanup_free char *text = NULL;
    while (index < step->block_count && step->blocks[index].hidden)
        index++;
    const struct block *block = index < step->block_count ? &step->blocks[index] : NULL;
    if (!block) {
        cell_offer(kernel, "%check");
    } else if (block->type == BLOCK_QUIZ) {
        cell_offer(kernel, "%answer ");
    } else if (terminal_of(block) == 1) {
        cell_offer(kernel, cell_text(block));
    } else if (asprintf(&text, "%%%%terminal %s\n%s", block->terminal, cell_text(block)) >= 0) {
        cell_offer(kernel, text);
    }
}

void guide_step(struct kernel *kernel)
{
    struct desk *desk = &kernel->desk;
    unsigned number = session_current(desk->session);
    char *text = NULL;
    size_t size;
    if (number > desk->lesson->step_count) {
        const char *lacks = session_lacks(desk->session);
        cell_say(kernel, lacks ? lacks : "The lesson is finished. `%lessons` lists the others; the lab is yours.");
        return;
    }
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    say_step(out, desk, number);
    fclose(out);
    cell_say(kernel, text);
    free(text);
    offer(kernel, &desk->lesson->steps[number - 1], 0);
}

void guide_answered(struct kernel *kernel, const struct block *question)
{
    const struct desk *desk = &kernel->desk;
    const struct step *step = &desk->lesson->steps[session_current(desk->session) - 1];
    const struct block *open = session_quiz(desk->session);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    for (size_t i = 0; i < step->prose_count; i++)
        if (step_prose_withheld(step, i, question) && !step_prose_withheld(step, i, open))
            say_node(out, step, step->prose[i]);
    fclose(out);
    if (*text)
        cell_say(kernel, text);
    free(text);
}

void guide_after(struct kernel *kernel, const struct block *done)
{
    struct desk *desk = &kernel->desk;
    unsigned number = session_current(desk->session);
    if (!desk->guided || guide_step_of(desk, done) != number)
        return;
    const struct step *step = &desk->lesson->steps[number - 1];
    offer(kernel, step, (size_t)(done - step->blocks) + 1);
}
