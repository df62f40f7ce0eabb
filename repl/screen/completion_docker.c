/* docker's words: its verbs, their options, and what those verbs are about, by the tables that parse them. */
#include "repl/screen/completion_internal.h"

#include "engine/docker/docker.h"

#include <string.h>

/* What stands before the word. */
struct place {
    const struct tool_option *value_of; /* it is this option's argument */
    size_t operands;
    bool ended; /* options have ended: by `--`, or by the operand that a program's line begins after */
};

static const struct tool_option *long_row(const struct tool_options *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].name && strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    return NULL;
}

static const struct tool_option *letter_row(const struct tool_options *table, char letter)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].letter == letter)
            return &table->rows[i];
    return NULL;
}

/* The option that takes the word after @word: `--name`, or the last letter of `-abc`. */
static const struct tool_option *taking_next(const struct tool_options *table, const char *word)
{
    const struct tool_option *row = NULL;
    if (word[1] == '-') {
        row = long_row(table, word + 2);
    } else {
        for (const char *letter = word + 1; *letter; letter++) {
            row = letter_row(table, *letter);
            if (row && row->argument == required_argument && letter[1])
                return NULL; /* the rest is its argument */
        }
    }
    return row && row->argument == required_argument ? row : NULL;
}

static struct place read_place(const struct tool_options *table, char *const *words, size_t count)
{
    struct place place = { .value_of = NULL };
    for (size_t i = 0; i < count; i++) {
        const char *word = words[i];
        if (place.value_of) {
            place.value_of = NULL;
        } else if (!place.ended && strcmp(word, "--") == 0) {
            place.ended = true;
        } else if (!place.ended && word[0] == '-' && word[1]) {
            place.value_of = taking_next(table, word);
        } else {
            place.operands++;
            place.ended |= table->stop;
        }
    }
    return place;
}

static void offer_options(struct request *request, const struct tool_options *table)
{
    char text[64];
    for (size_t i = 0; i < table->count; i++) {
        const struct tool_option *row = &table->rows[i];
        if (row->name) {
            snprintf(text, sizeof text, "--%s", row->name);
            completion_offer(request, text);
        } else {
            snprintf(text, sizeof text, "-%c", row->letter);
            completion_offer(request, text);
        }
    }
}

static void offer_name(const char *name, void *data)
{
    completion_offer(data, name);
}

static void offer_operands(struct request *request, const struct docker_verb *verb)
{
    docker_candidates(request->options->place->root, verb->operand, offer_name, request);
}

/* The words that can follow `docker`, or `docker GROUP`. */
static void offer_verbs(struct request *request, const char *group)
{
    for (size_t i = 0; !group && i < docker_verb_count; i++)
        if (!strchr(docker_verbs[i].name, ' '))
            completion_offer(request, docker_verbs[i].name);
    for (size_t i = 0; i < docker_word_count; i++)
        if (!group)
            completion_offer(request, docker_words[i].group);
        else if (strcmp(docker_words[i].group, group) == 0)
            completion_offer(request, docker_words[i].word);
    completion_offer(request, "--help");
    if (!group) {
        completion_offer(request, "--version");
        completion_offer(request, "help");
    }
}

bool completion_of_docker(struct request *request, char *const *words, size_t count)
{
    size_t used;
    if (count == 2 && strcmp(words[1], "help") == 0) {
        offer_verbs(request, NULL);
        return true;
    }
    const struct docker_verb *verb = docker_verb_of((const char *const *)words + 1, count - 1, &used);
    if (!verb) {
        bool group = count == 2 && docker_word_find(words[1], NULL);
        if (count == 1 || group)
            offer_verbs(request, group ? words[1] : NULL);
        return true;
    }
    struct place place = read_place(verb->options, words + 1 + used, count - 1 - used);
    if (place.value_of)
        return false;
    if (!place.ended && *request->text == '-') {
        offer_options(request, verb->options);
        return true;
    }
    if (verb->operand == DOCKER_FILE || (verb->operand == DOCKER_IMAGE_FIRST && place.operands > 0))
        return false;
    offer_operands(request, verb);
    return true;
}
