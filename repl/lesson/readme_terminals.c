/* Which terminal does a README mean? Its words say so ("in a second terminal", "back in terminal 1"), the title of a block, or the comment it begins with. */
#include "repl/lesson/parse.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TERMINALS 9

enum { OTHER = -1, FRESH = -2 };
static const struct {
    const char *word;
    int terminal;
    bool of_shell; /* also of what is only called a shell: "a new shell" is mostly one more in the same terminal */
} which[] = {
    { "first", 1, true },         { "original", 1, true },    { "main", 1, false },    { "second", 2, true },
    { "2nd", 2, true },           { "third", 3, true },       { "3rd", 3, true },      { "fourth", 4, true },
    { "other", OTHER, true },     { "another", FRESH, true }, { "new", FRESH, false }, { "separate", FRESH, true },
    { "different", FRESH, true },
};

static const char *const terminals_words[] = { "terminal", "window", "tab", "pane" };
static const char *const shell_words[] = { "shell", "console", "session" };
static const char *const places[] = { "in", "into", "from", "to", "open", "on", "with", "use" };
static const char *const articles[] = { "a", "an", "the", "your", "that" };
static const char *const numbers[] = { "one", "two", "three", "four" };

#define IN(word, list) in_list(word, list, sizeof(list) / sizeof *(list))
static bool in_list(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, list[i]) == 0)
            return true;
    return false;
}

#define KEPT 4 /* words behind the one at hand */
struct reading {
    char last[KEPT][16]; /* [0] is the word at hand, "" at a sentence's start */
};

/** The next word of @at, in small letters, a hyphen or plus within it left in. Returns what is left, NULL at the end. */
static const char *next_word(const char *at, char word[16])
{
    while (*at && !isalnum((unsigned char)*at))
        at++;
    size_t len = 0;
    for (; isalnum((unsigned char)*at) || (*at && len > 0 && strchr("-+", *at) && isalnum((unsigned char)at[1])); at++)
        if (len < 15)
            word[len++] = (char)tolower((unsigned char)*at);
    word[len] = '\0';
    return len ? at : NULL;
}

static int number_of(const char *word)
{
    if (word[0] >= '1' && word[0] <= '0' + MOST_TERMINALS && word[1] == '\0')
        return word[0] - '0';
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(word, numbers[i]) == 0)
            return (int)i + 1;
    return 0;
}

/** What "a second terminal" or "in another shell", which ends with the word at hand, means: a number, OTHER, FRESH, or 0. */
static int named(const struct reading *at)
{
    bool terminal = IN(at->last[0], terminals_words), shell = IN(at->last[0], shell_words);
    const char *place = IN(at->last[2], articles) ? at->last[3] : at->last[2];
    for (size_t i = 0; (terminal || shell) && i < sizeof which / sizeof *which; i++)
        if (strcmp(at->last[1], which[i].word) == 0 && (terminal || (which[i].of_shell && IN(place, places))))
            return which[i].terminal;
    return IN(at->last[1], terminals_words) ? number_of(at->last[0]) : 0;
}

/** The last terminal that @words name, as in named(); *interrupts: they speak of Ctrl+C. */
static int last_named(const char *words, bool *interrupts)
{
    struct reading at = { 0 };
    char word[16];
    int found = 0;
    while ((words = next_word(words, word))) {
        memmove(at.last[1], at.last[0], sizeof at.last - sizeof at.last[0]);
        memcpy(at.last[0], word, sizeof word);
        int now = named(&at);
        found = now ? now : found;
        *interrupts |= strcmp(word, "ctrl-c") == 0 || strcmp(word, "ctrl+c") == 0 || strcmp(word, "control-c") == 0;
    }
    return found;
}

/** The comments that a block begins with. malloc'ed. */
static char *first_comments(struct parser *p, const struct fence *fence)
{
    struct text comments = { 0 };
    const char *line = cmark_node_get_literal(fence->node) + fence->body_at;
    for (; *line == '#'; line += strcspn(line, "\n"), line += *line == '\n') {
        text_add(&comments, line, strcspn(line, "\n"));
        text_add(&comments, "\n", 1);
    }
    return kept(p, text_take(&comments));
}

static struct block *last_block_of(const struct lesson *lesson, unsigned terminal)
{
    for (size_t i = lesson->step_count - 1; i-- > 0;) {
        struct step *step = &lesson->steps[i];
        for (size_t j = step->block_count; j-- > 0;) {
            struct block *block = &step->blocks[j];
            if (block->type == BLOCK_COMMAND && block->terminal && block->terminal[0] == (char)('0' + terminal))
                return block;
        }
    }
    return NULL;
}

static unsigned resolve(const struct readme_terminals *terminals, int found)
{
    unsigned current = terminals->current;
    if (found == FRESH)
        return terminals->most < MOST_TERMINALS ? terminals->most + 1 : MOST_TERMINALS;
    if (found == OTHER)
        return current == 1 ? 2 : 1;
    return found ? (unsigned)found : current;
}

void readme_terminal(struct parser *p, struct readme_terminals *terminals, const char *words, const struct fence *fence)
{
    struct step *step = last_step(p);
    struct block *block = &step->blocks[step->block_count - 1], *left;
    char *comments = first_comments(p, fence);
    bool interrupts = false, unused = false;
    if (!terminals->current)
        *terminals = (struct readme_terminals){ 1, 1 };
    if (block->type != BLOCK_COMMAND || !block->terminal || !comments) {
        free(comments);
        return;
    }
    int found = last_named(words, &interrupts), of_info = last_named(fence->info ? fence->info : "", &unused),
        of_comments = last_named(comments, &unused);
    free(comments);
    found = of_comments ? of_comments : of_info ? of_info : found;
    unsigned number = block->terminal[0] != '1' ? (unsigned)(block->terminal[0] - '0') : resolve(terminals, found);
    bool aside = fence->form == FENCE_RUNME && block->background; /* Runme gives it a terminal of its own */
    if (aside)
        number = resolve(terminals, FRESH);
    block->terminal[0] = (char)('0' + number);
    terminals->most = number > terminals->most ? number : terminals->most;
    if (aside)
        return;
    if (number != terminals->current && (left = last_block_of(p->lesson, terminals->current)) && !left->interactive)
        left->background = true; /* its reader goes to the next terminal whether or not it has ended */
    if (interrupts && (left = last_block_of(p->lesson, number)) && !left->interactive)
        block->interrupt = left->background = true;
    terminals->current = number;
}
