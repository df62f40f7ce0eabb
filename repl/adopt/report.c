/* What `teachroot adopt` says of a README before anything is run. */
#include "repl/adopt/plan.h"

#include <stdio.h>
#include <string.h>

static const char *const type_names[] = { "command", "script", "file", "quiz" };

void adopt_block_text(const struct block *block, char *text, size_t size)
{
    size_t count = 0;
    while (block->commands && block->commands[count])
        count++;
    const char *from = block->type == BLOCK_FILE ? block->name : count ? block->commands[0] : block->body;
    from = from ? from + strspn(from, " \t\n") : "";
    size_t len = strcspn(from, "\n");
    const char *more = from[len] || count > 1 ? " …" : "";
    if (len > size - 8) {
        len = size - 8;
        while (len > 0 && ((unsigned char)from[len] & 0xc0) == 0x80)
            len--;
        more = " …";
    }
    snprintf(text, size, "%.*s%s", (int)len, from, more);
}

static void print_notes(const struct adopt_plan *plan, const struct adopt_block *at)
{
    if (at->way == ADOPT_LEFT_OUT)
        printf("            not run: %s\n", at->left_out);
    if (at->program && at->way == ADOPT_KEYS) {
        char keys[64];
        snprintf(keys, sizeof keys, "%s", at->keys);
        for (char *c = keys; *c; c++)
            *c = *c == '\n' ? c[1] ? ',' : '\0' : *c;
        printf("            interactive: `%s` has the terminal until a user ends it; these keys do: %s\n", at->program,
               keys);
    } else if (at->program) {
        printf("            interactive: `%s`%s\n", at->program,
               at->way == ADOPT_LEFT_OUT ? "" : " opens a shell; what comes next in this terminal is typed into it");
    }
    if (at->interrupt)
        printf("            Ctrl+C first: the words before it say so\n");
    if (at->way == ADOPT_BACKGROUND)
        printf("            need not have ended when the reader goes on in another terminal, or interrupts it\n");
    if (at->network)
        printf("            needs the network\n");
    if (at->sudo)
        printf("            `sudo`: the lab's shell is root's already; the lesson says it without\n");
    if (at->absent[0])
        printf("            `%s` is not installed on this machine, which is what a lab is made of, unless a block "
               "before brings it\n",
               at->absent);
    if (at->lacks[0])
        printf("            cannot run here: %s\n", at->lacks);
}

void adopt_plan_print(const struct adopt_plan *plan)
{
    size_t runs = 0;
    for (size_t i = 0; i < plan->count; i++)
        runs += plan->blocks[i].way != ADOPT_LEFT_OUT && !plan->blocks[i].lacks[0];
    printf("%s: %zu block%s, %zu of them to run, %zu step%s%s\n\n", plan->readme->path, plan->count,
           plan->count == 1 ? "" : "s", runs, plan->section_count, plan->section_count == 1 ? "" : "s",
           plan->terminals > 1 ? ", several terminals" : "");
    for (size_t i = 0; i < plan->count; i++) {
        const struct adopt_block *at = &plan->blocks[i];
        char text[72], terminal[32] = "";
        adopt_block_text(at->block, text, sizeof text);
        if (plan->terminals > 1 && at->block->type == BLOCK_COMMAND)
            snprintf(terminal, sizeof terminal, " in terminal %u", at->terminal);
        printf("line %-5d  %s%s: %s\n", at->line, type_names[at->block->type], terminal, text);
        print_notes(plan, at);
    }
    for (size_t i = 0; i < plan->silent_count; i++)
        printf("line %-5d  only shown: a fence without a language, though its lines begin with `$ `. ```console has it "
               "run\n",
               plan->silent[i].line);
    printf("\nNo step has a check: each passes with its commands' exit status alone.\n");
}
