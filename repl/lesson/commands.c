/* A block's body cut into complete commands, and its prompts stripped.
 *
 * The scanner knows just enough of bash's grammar (bash(1), SHELL GRAMMAR and QUOTING) to tell whether a newline ends a command. Where it is wrong it
 * holds lines together, which the shell still reads rightly: it reads lines itself.
 */
#include "repl/lesson/parse.h"

#include <stdlib.h>
#include <string.h>

enum context {
    TOP,
    PAREN,        /* ( … ) */
    SUBSTITUTION, /* $( … ), <( … ): part of a word */
    BRACE,        /* { … } */
    IF,
    LOOP,
    CASE,
    WORDS, /* name=( … ), @( … ): no commands inside */
    TEST,  /* [[ … ]] */
    DOUBLE_QUOTE,
    BACKTICK,
    PARAMETER,      /* ${ … } */
    ARITHMETIC,     /* (( … )) */
    GROUP,          /* ( … ) inside ARITHMETIC */
    OLD_ARITHMETIC, /* $[ … ] */
};
#define LAST_OF_COMMANDS CASE /* contexts up to here hold commands */

#define DEEPEST 64
#define MOST_HEREDOCS 8

struct scan {
    const char *at;
    enum context stack[DEEPEST];
    size_t depth;
    struct heredoc {
        char *word;
        bool tabs;
    } heredocs[MOST_HEREDOCS];
    size_t heredoc_count;
    bool command_next; /* a keyword here would be one */
    bool in_word;
    bool goes_on;       /* an operator or a function's name: the next line belongs to it */
    bool function_name; /* the next word is one */
    bool lost;          /* nested too deep, or out of memory: hold everything together */
};

static const struct keyword {
    const char *word;
    enum context opens, closes;
    bool command_after;
} keywords[] = {
    { "if", IF, TOP, true },     { "while", LOOP, TOP, true },   { "until", LOOP, TOP, true },
    { "for", LOOP, TOP, false }, { "select", LOOP, TOP, false }, { "case", CASE, TOP, false },
    { "{", BRACE, TOP, true },   { "[[", TEST, TOP, false },     { "then", TOP, TOP, true },
    { "do", TOP, TOP, true },    { "else", TOP, TOP, true },     { "elif", TOP, TOP, true },
    { "!", TOP, TOP, true },     { "time", TOP, TOP, true },     { "fi", TOP, IF, true },
    { "done", TOP, LOOP, true }, { "esac", TOP, CASE, true },    { "}", TOP, BRACE, true },
};

static enum context top(const struct scan *scan)
{
    return scan->depth ? scan->stack[scan->depth - 1] : TOP;
}

static void push(struct scan *scan, enum context context, size_t skip)
{
    scan->at += skip;
    if (scan->depth == DEEPEST) {
        scan->lost = true;
        return;
    }
    scan->stack[scan->depth++] = context;
    scan->command_next = context <= LAST_OF_COMMANDS;
    scan->in_word = false;
}

/** Leave a context that was part of a word. */
static void pop_word(struct scan *scan, size_t skip)
{
    scan->at += skip;
    scan->depth--;
    scan->command_next = false;
    scan->in_word = true;
    scan->goes_on = false;
}

/** Quotes, substitutions and backslashes, which mean the same almost everywhere. Returns false if there is none here. */
static bool expansion(struct scan *scan)
{
    const char *at = scan->at;
    if (at[0] == '\\') {
        scan->at += at[1] ? 2 : 1;
    } else if (at[0] == '"') {
        push(scan, DOUBLE_QUOTE, 1);
    } else if (at[0] == '`') {
        push(scan, BACKTICK, 1);
    } else if (strncmp(at, "$((", 3) == 0) {
        push(scan, ARITHMETIC, 3);
    } else if (strncmp(at, "$(", 2) == 0) {
        push(scan, SUBSTITUTION, 2);
    } else if (strncmp(at, "${", 2) == 0) {
        push(scan, PARAMETER, 2);
    } else if (strncmp(at, "$[", 2) == 0) {
        push(scan, OLD_ARITHMETIC, 2);
    } else {
        return false;
    }
    return true;
}

/** '…' and $'…', which nest nothing. Returns false if there is none here. */
static bool single_quote(struct scan *scan)
{
    bool escapes = scan->at[0] == '$' && scan->at[1] == '\'';
    if (scan->at[0] != '\'' && !escapes)
        return false;
    const char *at = scan->at + 1 + escapes;
    while (*at && *at != '\'')
        at += escapes && at[0] == '\\' && at[1] ? 2 : 1;
    if (!*at)
        scan->lost = true;
    scan->at = *at ? at + 1 : at;
    return true;
}

/** One step inside a context that holds no commands. */
static void scan_text(struct scan *scan)
{
    static const char ends[] = {
        [WORDS] = ')', [DOUBLE_QUOTE] = '"', [BACKTICK] = '`', [PARAMETER] = '}', [GROUP] = ')', [OLD_ARITHMETIC] = ']'
    };
    enum context context = top(scan);
    const char *at = scan->at;
    if (context == ARITHMETIC ? strncmp(at, "))", 2) == 0 : context != TEST && at[0] == ends[context]) {
        pop_word(scan, context == ARITHMETIC ? 2 : 1);
    } else if (context == TEST && strncmp(at, "]]", 2) == 0 && strchr(" \t\n", at[-1]) &&
               strchr(" \t\n;&|)<>", at[2])) {
        pop_word(scan, 2);
    } else if (context == BACKTICK) {
        scan->at += at[0] == '\\' && at[1] ? 2 : 1;
    } else if (context == DOUBLE_QUOTE) { /* single quotes mean nothing in it */
        scan->at += expansion(scan) ? 0 : 1;
    } else if (context == WORDS && at[0] == '#' && strchr(" \t\n(", at[-1])) {
        scan->at += strcspn(at, "\n");
    } else if ((context == ARITHMETIC || context == GROUP) && at[0] == '(') {
        push(scan, GROUP, 1);
    } else if (context == WORDS && at[0] == '(') {
        push(scan, WORDS, 1);
    } else if (!single_quote(scan) && !expansion(scan)) {
        scan->at++;
    }
}

/** `<<word`: note what ends it. */
static void here_document(struct scan *scan)
{
    bool tabs = scan->at[2] == '-';
    scan->at += tabs ? 3 : 2;
    scan->at += strspn(scan->at, " \t");
    struct text word = { 0 };
    char quote = '\0';
    const char *at = scan->at;
    for (; *at && (quote ? *at != '\n' : !strchr(" \t\n;&|()<>", *at)); at++) {
        if (quote ? *at == quote : *at == '\'' || *at == '"')
            quote = quote ? '\0' : *at;
        else if (*at == '\\' && quote != '\'' && at[1] && at[1] != '\n')
            text_add(&word, ++at, 1);
        else
            text_add(&word, at, 1);
    }
    scan->at = at;
    char *end = text_take(&word);
    if (!end || scan->heredoc_count == MOST_HEREDOCS) {
        free(end);
        scan->lost = true;
        return;
    }
    scan->heredocs[scan->heredoc_count++] = (struct heredoc){ end, tabs };
}

/** At the start of the line after `<<word`: move past the bodies that begin here. */
static void skip_bodies(struct scan *scan)
{
    for (size_t i = 0; i < scan->heredoc_count; i++) {
        const struct heredoc *heredoc = &scan->heredocs[i];
        bool found = false;
        while (*scan->at && !found) {
            const char *line = scan->at + (heredoc->tabs ? strspn(scan->at, "\t") : 0);
            size_t len = strcspn(line, "\n");
            found = len == strlen(heredoc->word) && memcmp(line, heredoc->word, len) == 0;
            scan->at = line + len + (line[len] != '\0');
        }
        if (!found)
            scan->lost = true;
        free(heredoc->word);
    }
    scan->heredoc_count = 0;
}

static const struct keyword *keyword_find(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (strlen(keywords[i].word) == len && memcmp(keywords[i].word, word, len) == 0)
            return &keywords[i];
    return NULL;
}

/** A word's first plain part, which may be a keyword if it is all of it. */
static void scan_word(struct scan *scan)
{
    size_t len = strcspn(scan->at, " \t\n;&|()<>'\"\\$`");
    bool whole = len > 0 && (scan->at[len] == '\0' || strchr(" \t\n;&|()<>", scan->at[len]));
    const struct keyword *keyword = whole && scan->command_next ? keyword_find(scan->at, len) : NULL;
    bool is_in = whole && len == 2 && memcmp(scan->at, "in", 2) == 0 && top(scan) == CASE;
    bool is_function = whole && scan->command_next && len == 8 && memcmp(scan->at, "function", 8) == 0;
    const char *start = scan->at;
    scan->at += len;
    scan->goes_on = scan->function_name;
    if (keyword) {
        if (keyword->opens != TOP)
            push(scan, keyword->opens, 0);
        else if (keyword->closes != TOP && top(scan) == keyword->closes)
            scan->depth--;
        scan->command_next = keyword->command_after;
        scan->in_word = false;
        return;
    }
    scan->command_next = is_in || scan->function_name;
    scan->function_name = is_function;
    scan->in_word = true;
    if (len == 0 && !single_quote(scan) && !expansion(scan))
        scan->at = start + 1; /* a `$` by itself */
}

static void scan_parenthesis(struct scan *scan)
{
    const char *at = scan->at;
    if (at[0] == ')') {
        enum context context = top(scan);
        if (context == SUBSTITUTION) {
            pop_word(scan, 1);
            return;
        }
        if (context == PAREN)
            scan->depth--;
        scan->at++;
        scan->command_next = true;
        scan->in_word = scan->goes_on = false;
        return;
    }
    size_t blank = strspn(at + 1, " \t");
    if (scan->in_word && at[-1] == '=') {
        push(scan, WORDS, 1);
    } else if (at[1 + blank] == ')') { /* a function's name was before it, its body comes */
        scan->at += blank + 2;
        scan->command_next = scan->goes_on = true;
        scan->in_word = false;
    } else if (scan->in_word) {
        push(scan, WORDS, 1);
    } else if (scan->command_next && at[1] == '(') {
        push(scan, ARITHMETIC, 2);
    } else {
        push(scan, PAREN, 1);
    }
}

/** An operator: `;` `&` `|` and redirections. */
static void scan_operator(struct scan *scan)
{
    const char *at = scan->at;
    scan->in_word = false;
    if (strncmp(at, "<<<", 3) == 0) {
        scan->at += 3;
    } else if (strncmp(at, "<<", 2) == 0) {
        here_document(scan);
    } else if ((at[0] == '<' || at[0] == '>') && at[1] == '(') {
        push(scan, SUBSTITUTION, 2);
    } else if (at[0] == '<' || at[0] == '>') {
        scan->at += at[1] && strchr("&|>", at[1]) ? 2 : 1;
    } else if (strncmp(at, "&>", 2) == 0) {
        scan->at += 2;
    } else {
        scan->goes_on = at[0] == '|' || (at[0] == '&' && at[1] == '&');
        scan->at += scan->goes_on && (at[1] == at[0] || at[1] == '&') ? 2 : 1;
        scan->command_next = true;
    }
}

/** One step where commands stand. Returns true at the newline that ends the command. */
static bool scan_command(struct scan *scan)
{
    char c = *scan->at;
    if (c == '\n') {
        if (scan->heredoc_count) {
            const char *newline = scan->at++;
            skip_bodies(scan);
            if (scan->at > newline + 1)
                scan->at--; /* the newline after the last body is this line's end */
            if (scan->lost)
                return false;
        }
        if (scan->depth == 0 && !scan->goes_on)
            return true;
        scan->at += *scan->at != '\0';
        scan->command_next = true;
        scan->in_word = false;
    } else if (c == ' ' || c == '\t') {
        scan->at++;
        scan->in_word = false;
    } else if (c == '#' && !scan->in_word) {
        scan->at += strcspn(scan->at, "\n");
    } else if (c == '\\' && scan->at[1] == '\n') {
        scan->at += 2;
    } else if (c == '(' || c == ')') {
        scan_parenthesis(scan);
    } else if (strchr(";&|<>", c)) {
        scan_operator(scan);
    } else if (!scan->in_word) {
        scan_word(scan);
    } else if (!single_quote(scan) && !expansion(scan)) {
        scan->at++;
    }
    return false;
}

bool command_end(const char *start, const char **end)
{
    struct scan scan = { .at = start, .command_next = true };
    bool ended = false;
    while (*scan.at && !ended && !scan.lost) {
        if (top(&scan) <= LAST_OF_COMMANDS)
            ended = scan_command(&scan);
        else
            scan_text(&scan);
    }
    bool complete = ended || (!scan.lost && scan.depth == 0 && !scan.goes_on && scan.heredoc_count == 0);
    for (size_t i = 0; i < scan.heredoc_count; i++)
        free(scan.heredocs[i].word);
    *end = complete ? scan.at : start + strlen(start);
    return complete;
}

size_t lesson_command_length(const char *text)
{
    const char *end;
    command_end(text, &end);
    return (size_t)(end - text);
}

static int lines_between(const char *from, const char *to)
{
    int lines = 0;
    for (; from < to; from++)
        lines += *from == '\n';
    return lines;
}

char **cut_commands(struct parser *p, const char *body, int *open_line)
{
    char **commands = NULL;
    size_t count = 0;
    *open_line = 0;
    const char *at = body;
    while (*at && !p->oom) {
        const char *word = at + strspn(at, " \t");
        if (*word == '\n' || *word == '#' || *word == '\0') { /* nothing that a shell would run */
            at = word + strcspn(word, "\n");
            at += *at == '\n';
            continue;
        }
        const char *end;
        if (!command_end(at, &end))
            *open_line = lines_between(body, at) + 1;
        size_t len = (size_t)(end - at);
        while (len > 0 && at[len - 1] == '\n')
            len--;
        char **command = ARRAY_ADD(p, commands, count);
        if (command)
            *command = kept(p, strndup(at, len));
        at = end + (*end == '\n');
    }
    if (ARRAY_ADD(p, commands, count) || !commands)
        return commands;
    commands[count - 1] = NULL;
    return commands;
}
