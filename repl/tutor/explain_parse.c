/* A line cut into commands, as bash cuts it: quoting, substitutions, redirections, here-documents. Nothing is expanded. */
#include "repl/tutor/explain_internal.h"

#include "engine/base/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct words {
    struct shell_word *list;
    size_t count;
};

static void word_free(struct shell_word *word)
{
    free(word->text);
    free(word->at);
}

static void words_free(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        word_free(&words->list[i]);
    free(words->list);
    *words = (struct words){ 0 };
}

static bool words_add(struct explainer *e, struct words *words, struct shell_word *word)
{
    struct shell_word *grown = reallocarray(words->list, words->count + 1, sizeof *grown);
    if (!grown) {
        e->failed = true;
        word_free(word);
        return false;
    }
    words->list = grown;
    words->list[words->count++] = *word;
    return true;
}

static char peek(const struct explainer *e, size_t at)
{
    return at < e->end ? e->line[at] : '\0';
}

static void say_operator(struct explainer *e, size_t at, size_t len, const char *name)
{
    const struct explain_entry *entry = explain_entry_find(explain_operators, name, strlen(name));
    if (entry)
        explainer_say(e, at, len, NULL, entry->meaning, entry->call, "");
}

/* ---- inside a word ---- */

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* What begins with the `$` at @at: a variable. Returns the byte after it; @at + 1 if it is only a dollar. */
static size_t parse_variable(struct explainer *e, size_t at)
{
    size_t name = at + 1, end = name;
    bool braces = peek(e, name) == '{';
    if (braces)
        end = name += 1 + (peek(e, name + 1) == '#' || peek(e, name + 1) == '!');
    if (isalpha((unsigned char)peek(e, end)) || peek(e, end) == '_')
        while (is_name(peek(e, end)))
            end++;
    else if (peek(e, end) && strchr("0123456789?!$@*#-", peek(e, end)))
        end++;
    size_t len = end - name;
    if (braces)
        while (end < e->end && e->line[end] != '\n' && e->line[end++] != '}')
            continue;
    if (len == 0)
        return end;
    const struct explain_entry *known = explain_entry_find(explain_variables, e->line + name, len);
    cleanup_free char *value = strndup(e->line + name, len);
    explainer_say(e, at, end - at, NULL, known ? known->meaning : EXPLAIN_SOME_VARIABLE, known ? known->call : NULL,
                  value ? value : "");
    return end;
}

/* Sum, command or variable at the `$`. */
static size_t parse_dollar(struct explainer *e, size_t at)
{
    if (peek(e, at + 1) != '(')
        return parse_variable(e, at);
    if (peek(e, at + 2) == '(') {
        size_t end = at + 3;
        for (unsigned open = 2; end < e->end && open > 0; end++)
            open += (e->line[end] == '(') - (e->line[end] == ')');
        say_operator(e, at, end - at, "$((");
        return end;
    }
    say_operator(e, at, 2, "$(");
    return explainer_parse(e, at + 2, ')');
}

struct word_builder {
    struct shell_word word;
    size_t len, size;
};

static void put(struct explainer *e, struct word_builder *to, size_t at)
{
    if (to->len + 2 > to->size) {
        size_t size = to->size ? to->size * 2 : 32;
        char *text = realloc(to->word.text, size);
        if (text)
            to->word.text = text;
        size_t *places = reallocarray(to->word.at, size, sizeof *places);
        if (places)
            to->word.at = places;
        if (!text || !places) {
            e->failed = true;
            return;
        }
        to->size = size;
    }
    to->word.at[to->len] = at;
    to->word.text[to->len++] = e->line[at];
}

/* Take a substitution over into the word as it stands. */
static size_t put_dollar(struct explainer *e, struct word_builder *to, size_t at)
{
    size_t end = peek(e, at) == '`' ? explainer_parse(e, at + 1, '`') : parse_dollar(e, at);
    if (peek(e, at) == '`')
        say_operator(e, at, 1, "`");
    for (size_t i = at; i < end; i++)
        put(e, to, i);
    return end;
}

static size_t put_double_quoted(struct explainer *e, struct word_builder *to, size_t at)
{
    while (at < e->end && e->line[at] != '"') {
        if (e->line[at] == '\\' && at + 1 < e->end && strchr("\\\"`$\n", e->line[at + 1])) {
            put(e, to, at + 1);
            at += 2;
        } else if (e->line[at] == '$' || e->line[at] == '`') {
            at = put_dollar(e, to, at);
        } else {
            put(e, to, at++);
        }
    }
    return at < e->end ? at + 1 : at;
}

static bool ends_word(char c)
{
    return !c || strchr(" \t\n;|&()<>", c);
}

/* The word at @at. Returns the byte after it. */
static size_t parse_word(struct explainer *e, size_t at, char stop, struct shell_word *word)
{
    struct word_builder to = { .word.start = at };
    size_t glob = SIZE_MAX;
    while (at < e->end && !ends_word(e->line[at]) && e->line[at] != stop) {
        char c = e->line[at];
        if (c == '\'' || (c == '$' && peek(e, at + 1) == '\'')) {
            to.word.quoted = true;
            for (at += c == '$' ? 2 : 1; at < e->end && e->line[at] != '\''; at++)
                put(e, &to, at);
            at += at < e->end;
        } else if (c == '"') {
            to.word.quoted = true;
            at = put_double_quoted(e, &to, at + 1);
        } else if (c == '\\') {
            to.word.quoted = true;
            if (peek(e, at + 1) && peek(e, at + 1) != '\n')
                put(e, &to, at + 1);
            at = at + 2 < e->end ? at + 2 : e->end;
        } else if (c == '$' || c == '`') {
            at = put_dollar(e, &to, at);
        } else {
            if (c == '*' && glob == SIZE_MAX && stop != '`')
                glob = at;
            put(e, &to, at++);
        }
    }
    to.word.len = at - to.word.start;
    if (!to.word.text && !e->failed) { /* "" is a word too */
        to.word.text = malloc(1);
        to.word.at = malloc(sizeof *to.word.at);
        e->failed = !to.word.text || !to.word.at;
    }
    if (e->failed) {
        word_free(&to.word);
        return e->end;
    }
    to.word.text[to.len] = '\0';
    to.word.at[to.len] = at;
    if (glob != SIZE_MAX)
        say_operator(e, glob, 1, "*");
    *word = to.word;
    return at;
}

void explainer_parse_word(struct explainer *e, const struct shell_word *word)
{
    size_t start = word->start, end = word->start + word->len, was = e->end;
    char quote = word->len ? e->line[start] : '\0';
    if (quote == '\'' || quote == '"') {
        start++;
        if (end > start && e->line[end - 1] == quote)
            end--;
    }
    struct explain_site *site = e->site;
    e->site = NULL; /* its own end is not the line's */
    e->end = end;
    explainer_parse(e, start, 0);
    e->end = was;
    e->site = site;
}

/* ---- here-documents ---- */

static void heredoc_add(struct explainer *e, const char *word, bool tabs)
{
    if (e->heredoc_count == sizeof e->heredocs / sizeof *e->heredocs)
        return;
    char *copy = strdup(word);
    e->failed |= !copy;
    if (!copy)
        return;
    e->heredocs[e->heredoc_count].word = copy;
    e->heredocs[e->heredoc_count++].tabs = tabs;
}

/* The text of those that were begun on the line that has just ended. */
static size_t parse_heredocs(struct explainer *e, size_t at)
{
    const struct explain_entry *text = explain_entry_find(explain_operators, "text", 4);
    for (unsigned i = 0; i < e->heredoc_count; i++) {
        size_t begin = at, word_len = strlen(e->heredocs[i].word);
        bool ended = false;
        while (!ended && at < e->end) {
            const char *newline = memchr(e->line + at, '\n', e->end - at);
            size_t line_end = newline ? (size_t)(newline - e->line) : e->end;
            size_t from = at;
            while (e->heredocs[i].tabs && from < line_end && e->line[from] == '\t')
                from++;
            ended =
                newline && line_end - from == word_len && memcmp(e->line + from, e->heredocs[i].word, word_len) == 0;
            at = line_end + (newline != NULL);
        }
        explainer_say(e, begin, at - begin, e->heredocs[i].word, text->meaning, text->call, e->heredocs[i].word);
        if (e->site && !ended)
            e->site->taken = true; /* text comes next: nothing of the shell's */
        free(e->heredocs[i].word);
    }
    e->heredoc_count = 0;
    return at;
}

/* ---- between words ---- */

/* The longest operator at @at, or "". */
static const char *operator_at(const struct explainer *e, size_t at)
{
    static const char *const names[] = { "&>>", "<<<", "<<-", "&>", ">>", ">|", ">&", "<<", "<&", "<>", "||",
                                         "|&",  "&&",  ";;",  "|",  "&",  ";",  "(",  ")",  "<",  ">" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = strlen(names[i]);
        if (e->end - at >= len && memcmp(e->line + at, names[i], len) == 0)
            return names[i];
    }
    return "";
}

static bool redirects(const char *operator_)
{
    return strpbrk(operator_, "<>");
}

/* 2> is of errors: said so, where the meaning speaks of what is printed. malloc'ed. */
static char *meaning_for(const struct explain_entry *entry, char descriptor)
{
    static const char printed[] = "what is printed";
    char *text = NULL;
    size_t len = sizeof printed - 1;
    bool other = descriptor && descriptor != '1' && strncmp(entry->meaning, printed, len) == 0;
    int n = !other              ? asprintf(&text, "%s", entry->meaning)
            : descriptor == '2' ? asprintf(&text, "what is said as an error%s", entry->meaning + len)
                                : asprintf(&text, "what is written to %c%s", descriptor, entry->meaning + len);
    return n < 0 ? NULL : text;
}

/* What the file of a redirection is: what is known of its path, and the call with its name. */
static void say_target(struct explainer *e, const struct explain_entry *entry, const struct shell_word *word)
{
    const char *meaning = entry->name[0] == '<' && !entry->name[1] ? "the file that is read"
                          : strstr(entry->name, ">>")              ? "the file it is added to, made if it is not there"
                                                                   : "the file it goes into, made if it is not there";
    const struct explain_entry *path = explain_path_find(word->text);
    cleanup_free char *call = NULL;
    bool opens = entry->call && strncmp(entry->call, "openat(", 7) == 0;
    if (opens && asprintf(&call, "openat(\"%%\", %s", entry->call + 7) < 0)
        call = NULL;
    explainer_say(e, word->start, word->len, NULL, path ? path->meaning : meaning, call ? call : entry->call,
                  word->text);
}

static size_t skip_blanks(const struct explainer *e, size_t at)
{
    while (peek(e, at) == ' ' || peek(e, at) == '\t')
        at++;
    return at;
}

static size_t parse_redirection(struct explainer *e, size_t begin, size_t at, char stop)
{
    const char *name = operator_at(e, at);
    const struct explain_entry *entry = explain_entry_find(explain_operators, name, strlen(name));
    char descriptor = begin < at ? e->line[begin] : '\0';
    size_t end = at + strlen(name), next = skip_blanks(e, end);
    cleanup_free char *meaning = meaning_for(entry, descriptor);
    bool copies = name[strlen(name) - 1] == '&';
    struct shell_word word = { 0 };
    size_t after = parse_word(e, next, stop, &word);
    if (e->failed)
        return e->end;
    if (e->site && !e->site->taken && after >= e->end) {
        e->site->taken = true;
        e->site->operator_ = entry;
        e->site->prefix = strdup(word.text);
        e->failed |= !e->site->prefix;
    }
    if (copies && word.len) {
        char call[64];
        char own = descriptor ? descriptor : name[0] == '<' ? '0' : '1';
        snprintf(call, sizeof call, "dup2(%.8s, %c)", word.text, own);
        explainer_say(e, begin, after - begin, NULL, entry->meaning, call, "");
    } else {
        explainer_say(e, begin, end - begin, NULL, meaning ? meaning : entry->meaning, entry->call, "");
        if (strncmp(name, "<<", 2) == 0 && name[2] != '<' && word.len)
            heredoc_add(e, word.text, name[2] == '-');
        else if (word.len && name[1] != '<')
            say_target(e, entry, &word);
    }
    word_free(&word);
    return after;
}

static void end_command(struct explainer *e, struct words *words, bool ends)
{
    if (!e->failed)
        explainer_walk(e, words->list, words->count, ends && e->site && !e->site->taken);
    if (ends && e->site)
        e->site->taken = true;
    words_free(words);
}

size_t explainer_parse(struct explainer *e, size_t at, char stop)
{
    struct words words = { 0 };
    unsigned open = 0; /* ( that were not closed */
    bool closed = false;
    if (e->depth >= EXPLAIN_DEPTH_MAX)
        return e->end;
    e->depth++;
    while (at < e->end && !e->failed) {
        char c = e->line[at];
        if (c == ' ' || c == '\t') {
            at++;
            continue;
        }
        if (c == '\\' && peek(e, at + 1) == '\n') {
            at += 2;
            continue;
        }
        if (c == stop && stop && (open == 0 || stop == '`')) {
            at++;
            closed = true;
            break;
        }
        if (c == '\n') {
            end_command(e, &words, false);
            at = parse_heredocs(e, at + 1);
            continue;
        }
        if (c == '#') {
            const char *newline = memchr(e->line + at, '\n', e->end - at);
            size_t end = newline ? (size_t)(newline - e->line) : e->end;
            say_operator(e, at, end - at, "#");
            if (e->site && !newline)
                e->site->taken = true;
            at = end;
            continue;
        }
        if ((c == '<' || c == '>') && peek(e, at + 1) == '(') {
            say_operator(e, at, 2, c == '<' ? "<(" : ">(");
            at = explainer_parse(e, at + 2, ')');
            continue;
        }
        size_t operator_ = at;
        while (isdigit((unsigned char)peek(e, operator_)))
            operator_++;
        bool numbered = operator_ > at && (peek(e, operator_) == '<' || peek(e, operator_) == '>');
        const char *name = operator_at(e, numbered ? operator_ : at);
        if (redirects(name)) {
            at = parse_redirection(e, at, numbered ? operator_ : at, stop);
        } else if (*name) {
            end_command(e, &words, false);
            open += *name == '(';
            open -= *name == ')' && open > 0;
            say_operator(e, at, strlen(name), name);
            at += strlen(name);
        } else {
            struct shell_word word = { 0 };
            size_t after = parse_word(e, at, stop, &word);
            if (e->failed)
                break;
            if (after >= e->end && e->site && !e->site->taken) { /* what is asked about belongs to this word */
                e->site->prefix = strdup(word.text);
                e->failed |= !e->site->prefix;
                end_command(e, &words, true);
                word_free(&word);
                at = after;
                break;
            }
            words_add(e, &words, &word);
            at = after;
        }
    }
    end_command(e, &words, !closed && at >= e->end);
    e->depth--;
    return at < e->end ? at : e->end;
}
