#include "repl/play/account.h"

#include "engine/base/signal_name.h"
#include "repl/play/sieve.h"

#include <cmark.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* --- text -------------------------------------------------------------------------------------------------------------------------- */

static void keep_text(const char *bytes, size_t len, void *data)
{
    if ((unsigned char)bytes[0] >= ' ' || bytes[0] == '\n' || bytes[0] == '\t')
        fwrite(bytes, 1, len, data);
}

static void no_mark(char letter, void *data)
{
}

char *account_text(const char *bytes, size_t len)
{
    static const struct sieve_hooks hooks = { .out = keep_text, .mark = no_mark };
    char *text = NULL;
    size_t size = 0;
    struct sieve sieve;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    sieve_init(&sieve, &hooks, out);
    sieve_feed(&sieve, bytes, len);
    sieve_feed(&sieve, " ", sieve.guard.held_len ? 1 : 0); /* a character that was cut off is told */
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

const char *account_ending(int wait_status, char *buf, size_t size)
{
    char name[SIGNAL_NAME];
    buf[0] = '\0';
    if (WIFSIGNALED(wait_status))
        snprintf(buf, size, "ended by SIG%s", signal_name(WTERMSIG(wait_status), name));
    else if (WEXITSTATUS(wait_status))
        snprintf(buf, size, "exit status %d", WEXITSTATUS(wait_status));
    return buf;
}

/* --- keeping ----------------------------------------------------------------------------------------------------------------------- */

static void clear(struct account_block *block)
{
    for (size_t i = 0; i < block->command_count; i++) {
        free(block->commands[i].command);
        free(block->commands[i].output);
    }
    free(block->commands);
    free(block->skipped);
    free(block->output);
    free(block->wrong);
    free(block->page);
    *block = (struct account_block){ .block = block->block };
}

void account_free(struct account *account)
{
    for (size_t i = 0; account->blocks && i < account->step->block_count; i++)
        clear(&account->blocks[i]);
    free(account->blocks);
    free(account->said);
    *account = (struct account){ 0 };
}

void account_begin(struct account *account, const struct step *step)
{
    account_free(account);
    account->step = step;
    account->blocks = calloc(step->block_count + 1, sizeof *account->blocks);
    for (size_t i = 0; account->blocks && i < step->block_count; i++)
        account->blocks[i].block = &step->blocks[i];
}

struct account_block *account_find(const struct account *account, const struct block *block)
{
    for (size_t i = 0; account->blocks && i < account->step->block_count; i++)
        if (account->blocks[i].block == block)
            return &account->blocks[i];
    return NULL;
}

void account_block(struct account *account, const struct block *block, const struct block_result *result)
{
    struct account_block *kept = account_find(account, block);
    if (!kept)
        return;
    clear(kept);
    kept->run = !result->skipped;
    kept->skipped = result->skipped ? strdup(result->skipped) : NULL;
    if (result->skipped)
        return;
    kept->wait_status = result->wait_status;
    if (!result->matched_exit || !result->matched_output)
        kept->wrong = account_text(result->why, strlen(result->why));
    const char *output = result->output ? result->output : "";
    if (block->type != BLOCK_COMMAND) {
        kept->output = account_text(output, strlen(output));
        return;
    }
    kept->commands = calloc(result->command_count + 1, sizeof *kept->commands);
    for (size_t i = 0; kept->commands && i < result->command_count; i++) {
        const struct command_result *command = &result->commands[i];
        kept->commands[kept->command_count++] =
            (struct account_command){ .command = strdup(command->command),
                                      .output = account_text(output + command->output_at, command->output_len),
                                      .wait_status = command->wait_status,
                                      .nested = command->nested };
    }
}

void account_check(struct account *account, bool passed, const char *said)
{
    free(account->said);
    account->checked = true;
    account->passed = passed;
    account->said = account_text(said, strlen(said));
}

/* --- telling ----------------------------------------------------------------------------------------------------------------------- */

struct visit {
    const struct account *account;
    const struct account_visitor *visitor;
    void *data;
    bool *told; /* one for each block */
};

static void tell_block(const struct visit *visit, const struct block *block)
{
    const struct account_block *kept = account_find(visit->account, block);
    size_t at = (size_t)(block - visit->account->step->blocks);
    if (kept && !visit->told[at])
        visit->visitor->block(kept, visit->data);
    visit->told[at] = true;
}

/* The blocks within a list or a quote, which was shown as it is. */
static void tell_within(const struct visit *visit, struct cmark_node *node)
{
    cmark_iter *iter = cmark_iter_new(node);
    cmark_event_type event;
    while (iter && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *at = cmark_iter_get_node(iter);
        const struct block *block = cmark_node_get_type(at) == CMARK_NODE_CODE_BLOCK && event == CMARK_EVENT_ENTER
                                        ? step_node_block(visit->account->step, at)
                                        : NULL;
        if (block)
            tell_block(visit, block);
    }
    cmark_iter_free(iter);
}

void account_visit(const struct account *account, const struct account_visitor *visitor, void *data)
{
    const struct step *step = account->step;
    struct visit visit = { account, visitor, data, calloc(step->block_count + 1, sizeof(bool)) };
    for (size_t i = 0; visit.told && i < step->prose_count; i++) {
        struct cmark_node *node = step->prose[i];
        const struct block *block = step_node_block(step, node);
        switch (step_node_kind(node)) {
        case NODE_KIND_BLOCK:
            if (block)
                tell_block(&visit, block);
            break;
        case NODE_KIND_PROSE:
        case NODE_KIND_CODE:
            visitor->prose(node, data);
            tell_within(&visit, node);
            break;
        case NODE_KIND_OUTPUT: /* what was printed stands there instead */
        case NODE_KIND_KEYS:
        case NODE_KIND_HIDDEN:
            break;
        }
    }
    for (size_t i = 0; visit.told && i < step->block_count; i++)
        tell_block(&visit, &step->blocks[i]);
    free(visit.told);
}
