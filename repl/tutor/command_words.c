/* The simple commands of a line, and their words. Bash's grammar as far as it matters for what was meant: see bash(1), QUOTING and SHELL GRAMMAR. */
#include "repl/tutor/trap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 256
#define COMMANDS_MAX 64
#define DEPTH_MAX 8

struct reading {
    const char *at;
    struct command_list *list;
    unsigned depth; /* of command substitutions */
    bool here_document;
    bool failed;
};

static const char blanks[] = " \t\r";
static const char breaks[] = " \t\r\n;|&()<>";

/* What stands before a command and is none. */
static const char *const openers[] = { "{",     "}",     "!",  "if",   "then", "elif", "else",
                                       "while", "until", "do", "done", "fi",   "time", "sudo" };

static bool is_opener(const char *word)
{
    for (size_t i = 0; i < sizeof openers / sizeof *openers; i++)
        if (strcmp(word, openers[i]) == 0)
            return true;
    return false;
}

static bool is_assignment(const char *word)
{
    size_t len = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    return len && !(*word >= '0' && *word <= '9') && word[len] == '=';
}

static void read_list(struct reading *reading, char end);

/* `$(…)`, the inside read as commands of its own; or `${…}`, or a backquote's. Returns its length. */
static size_t skip_substitution(struct reading *reading, const char *at)
{
    if (at[0] == '$' && at[1] == '(' && at[2] != '(' && reading->depth < DEPTH_MAX) {
        struct reading inner = { .at = at + 2, .list = reading->list, .depth = reading->depth + 1 };
        read_list(&inner, ')');
        reading->failed |= inner.failed;
        return (size_t)(inner.at - at) + (*inner.at == ')');
    }
    char close = at[0] == '`' ? '`' : at[1] == '{' ? '}' : at[1] == '(' ? ')' : 0;
    const char *end = close ? strchr(at + 1 + (at[0] == '$'), close) : NULL;
    return end ? (size_t)(end + 1 - at) : 1;
}

static void put(char *text, size_t *len, const char *bytes, size_t count)
{
    memcpy(text + *len, bytes, count);
    *len += count;
}

/* One word; what the shell would expand stays as it is written, and makes the word uncertain. */
static struct command_word read_word(struct reading *reading)
{
    struct command_word word = { malloc(strlen(reading->at) + 1), true };
    size_t len = 0;
    char quote = 0;
    const char *at = reading->at;
    if (!word.text) {
        reading->failed = true;
        return word;
    }
    for (; *at && (quote || !strchr(breaks, *at)); at++) {
        if (quote ? *at == quote : *at == '\'' || *at == '"') {
            quote = quote ? 0 : *at;
        } else if (*at == '\\' && quote != '\'' && at[1]) {
            at++;
            if (*at != '\n')
                put(word.text, &len, at, 1);
        } else if ((*at == '$' || *at == '`') && quote != '\'') {
            size_t count = skip_substitution(reading, at);
            put(word.text, &len, at, count);
            at += count - 1;
            word.certain = false;
        } else {
            if (!quote && strchr("*?[", *at))
                word.certain = false;
            put(word.text, &len, at, 1);
        }
    }
    if (quote)
        reading->list->quote = quote;
    word.text[len] = '\0';
    reading->at = at;
    return word;
}

static void add_word(struct reading *reading, struct simple_command *command, struct command_word word)
{
    struct command_word *grown =
        command->count < WORDS_MAX && word.text ? realloc(command->words, (command->count + 1) * sizeof word) : NULL;
    if (!grown) {
        reading->failed |= command->count < WORDS_MAX;
        free(word.text);
        return;
    }
    command->words = grown;
    grown[command->count++] = word;
}

static void command_clear(struct simple_command *command)
{
    for (size_t i = 0; i < command->count; i++)
        free(command->words[i].text);
    free(command->words);
    *command = (struct simple_command){ 0 };
}

static void add_command(struct reading *reading, struct simple_command *command, struct simple_command *redirections)
{
    struct command_list *list = reading->list;
    command->plain = command->count;
    for (size_t i = 0; i < redirections->count; i++) {
        add_word(reading, command, redirections->words[i]);
        redirections->words[i].text = NULL;
    }
    command_clear(redirections);
    struct simple_command *grown = command->count && list->count < COMMANDS_MAX
                                       ? realloc(list->commands, (list->count + 1) * sizeof *grown)
                                       : NULL;
    if (grown) {
        list->commands = grown;
        grown[list->count++] = *command;
        *command = (struct simple_command){ 0 };
    } else {
        reading->failed |= command->count && list->count < COMMANDS_MAX;
        command_clear(command);
    }
}

/* `2> FILE`, `<< END`: at the operator. Of a copy of another fd (`2>&1`) nothing is kept. */
static void read_redirection(struct reading *reading, struct simple_command *redirections)
{
    bool out = *reading->at == '>';
    reading->here_document |= strncmp(reading->at, "<<", 2) == 0 && reading->at[2] != '<';
    reading->at += strspn(reading->at, "<>");
    bool copy = *reading->at == '&';
    reading->at += copy || *reading->at == '|';
    reading->at += strspn(reading->at, blanks);
    struct command_word to = read_word(reading);
    if (copy || !to.text || !*to.text) {
        free(to.text);
        return;
    }
    add_word(reading, redirections, (struct command_word){ strdup(out ? ">" : "<"), true });
    add_word(reading, redirections, to);
}

static void skip_comment(struct reading *reading)
{
    reading->at += strcspn(reading->at, "\n");
}

/* Up to the `)` that ends a substitution, or all of it. */
static void read_list(struct reading *reading, char end)
{
    struct simple_command command = { 0 }, redirections = { 0 };
    while (*reading->at && *reading->at != end && !reading->failed) {
        char c = *reading->at;
        size_t digits = strspn(reading->at, "0123456789");
        if (strchr(blanks, c)) {
            reading->at++;
        } else if (c == '#') {
            skip_comment(reading);
        } else if (c == '<' || c == '>' || (digits && strchr("<>", reading->at[digits]) && reading->at[digits])) {
            reading->at += digits;
            read_redirection(reading, &redirections);
        } else if (strchr(breaks, c)) {
            add_command(reading, &command, &redirections);
            reading->at++;
            if (c == '\n' && reading->here_document)
                break; /* what follows is its text */
        } else {
            struct command_word word = read_word(reading);
            if (command.count == 0 && word.text && (is_assignment(word.text) || is_opener(word.text)))
                free(word.text);
            else
                add_word(reading, &command, word);
        }
    }
    add_command(reading, &command, &redirections);
}

int command_list_read(const char *line, struct command_list *list)
{
    *list = (struct command_list){ 0 };
    struct reading reading = { .at = line, .list = list };
    while (*reading.at && !reading.failed && !reading.here_document) /* a `)` too many does not end it */
        read_list(&reading, '\0');
    if (reading.failed)
        errno = ENOMEM;
    return reading.failed ? -1 : 0;
}

void command_list_free(struct command_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        command_clear(&list->commands[i]);
    free(list->commands);
    *list = (struct command_list){ 0 };
}
