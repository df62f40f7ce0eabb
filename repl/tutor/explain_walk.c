/* What the words of one command are: its options by its table, its operands by their place, a command within it by its own. */
#include "repl/tutor/explain_internal.h"

#include "engine/base/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    struct explainer *e;
    const struct shell_word *words;
    size_t count, at; /* of the words; the one looked at */
    const struct explain_program *program;
    unsigned operand, operands; /* how many have been seen, and how many there are */
    bool ended;                 /* options have */
    bool dry;                   /* only counting */
    struct explain_site *site;  /* what would come after the last word; NULL: not asked */
};

static void say_word(struct walk *walk, const struct shell_word *word, const char *meaning, const char *call)
{
    if (!walk->dry)
        explainer_say(walk->e, word->start, word->len, NULL, meaning, call, word->text);
}

/* ---- values of options ---- */

/* Bytes @from to @to of the word's text, as a place in the line. */
static void say_part(struct walk *walk, const struct shell_word *word, size_t from, size_t to, const char *meaning,
                     const char *call)
{
    if (walk->dry || to <= from)
        return;
    cleanup_free char *value = strndup(word->text + from, to - from);
    size_t start = word->at[from];
    explainer_say(walk->e, start, word->at[to] - start, value, meaning, call, value ? value : "");
}

/* "ro,lowerdir=/a:/b": each by its entry. Returns whether anything was said. */
static bool say_list(struct walk *walk, const struct shell_word *word, size_t from, const struct explain_entry *entries)
{
    const char *text = word->text;
    bool said = false;
    for (size_t end; text[from]; from = end + (text[end] == ',')) {
        end = from + strcspn(text + from, ",");
        size_t name = strcspn(text + from, "=,");
        const struct explain_entry *entry = explain_entry_find(entries, text + from, name + (text[from + name] == '='));
        if (!entry)
            entry = explain_entry_find(entries, text + from, name);
        if (entry)
            say_part(walk, word, from, end, entry->meaning, entry->call);
        said |= entry != NULL;
    }
    return said;
}

/* "cpu,memory:/path" */
static void say_group(struct walk *walk, const struct shell_word *word, size_t from, const char *call)
{
    const char *text = word->text;
    size_t colon = from + strcspn(text + from, ":");
    for (size_t end; from < colon; from = end + (text[end] == ',')) {
        end = from + strcspn(text + from, ",:");
        const struct explain_entry *entry = explain_entry_find(explain_controllers, text + from, end - from);
        char meaning[96];
        snprintf(meaning, sizeof meaning, "the controller of %s", entry ? entry->meaning : "this name");
        if (entry)
            say_part(walk, word, from, end, meaning, NULL);
    }
    if (text[colon])
        say_part(walk, word, colon + 1, strlen(text), "the group, as a path below the place where these are mounted",
                 call);
}

/* "cpu.max=50000 100000" */
static void say_group_file(struct walk *walk, const struct shell_word *word, size_t from, bool writes)
{
    const char *text = word->text + from;
    size_t name = strcspn(text, "="), len = strlen(text);
    const struct explain_entry *entry = explain_entry_find(explain_group_files, text, name);
    char call[160];
    if (!writes)
        snprintf(call, sizeof call, "read(\"…/%.*s\")", (int)(name < 60 ? name : 60), text);
    else
        snprintf(call, sizeof call, "write(\"…/%.*s\", \"%.60s\")", (int)(name < 60 ? name : 60), text,
                 text[name] ? text + name + 1 : "…");
    say_part(walk, word, from, from + len, entry ? entry->meaning : "a file of the group", call);
}

/* The value of @row, which begins at byte @from of the word's text. @whole: it is a word of its own, of which something is to be said in any case. */
static void say_value(struct walk *walk, const struct tool_option *row, const struct shell_word *word, size_t from,
                      bool whole)
{
    const struct explain_values *values = explain_values_of(walk->program, row);
    const struct explain_entry *entry = NULL;
    const char *text = word->text + from, *call = NULL;
    if (walk->dry)
        return;
    if (values)
        switch (values->kind) {
        case VALUES_WORD:
            entry = explain_entry_find(values->entries, text, strlen(text));
            break;
        case VALUES_SIGNAL:
            entry = explain_signal_find(text);
            call = row->call; /* --kill-child's is not sent yet */
            break;
        case VALUES_LIST:
            whole &= !say_list(walk, word, from, values->entries);
            break;
        case VALUES_GROUP:
            say_group(walk, word, from, row->call);
            whole &= !strchr(text, ':');
            break;
        case VALUES_GROUP_FILE:
            say_group_file(walk, word, from, row->call && strncmp(row->call, "write", 5) == 0);
            return;
        case VALUES_LINE:
            if (from == 0)
                explainer_parse_word(walk->e, word);
            whole &= from > 0;
            break;
        }
    if (entry) {
        say_part(walk, word, from, strlen(word->text), entry->meaning, call ? call : entry->call);
    } else if (whole) {
        char meaning[256];
        snprintf(meaning, sizeof meaning, "%s: %s", row->value ? row->value : "its value", row->meaning);
        explainer_say(walk->e, word->start, word->len, NULL, meaning, row->call, text);
    }
}

/* The next word is the value of @row; if there is none, that is what comes next. */
static void take_value(struct walk *walk, const struct tool_option *row)
{
    if (walk->at + 1 < walk->count)
        say_value(walk, row, &walk->words[++walk->at], 0, true);
    else if (walk->site)
        walk->site->option = row;
}

/* ---- options ---- */

static const char *value_of(const struct walk *walk, const struct tool_option *row, const char *inlined)
{
    if (inlined && *inlined)
        return inlined;
    return row->argument == required_argument && walk->at + 1 < walk->count ? walk->words[walk->at + 1].text
           : row->value && row->argument == required_argument               ? row->value
                                                                            : "…";
}

/* The call is that of its value, where that has one of its own: `--propagation slave`. */
static void say_option(struct walk *walk, const struct tool_option *row, size_t start, size_t len, const char *name,
                       const char *inlined)
{
    const char *value = value_of(walk, row, inlined);
    const struct explain_values *values = explain_values_of(walk->program, row);
    const struct explain_entry *entry =
        values && values->kind == VALUES_WORD ? explain_entry_find(values->entries, value, strlen(value)) : NULL;
    if (!walk->dry)
        explainer_say(walk->e, start, len, name, row->meaning, entry && entry->call ? entry->call : row->call, value);
}

/* --name, --name=VALUE; with one dash where the program has it so. */
static bool long_option(struct walk *walk)
{
    const struct shell_word *word = &walk->words[walk->at];
    size_t dashes = word->text[1] == '-' ? 2 : 1;
    const char *name = word->text + dashes;
    size_t len = strcspn(name, "=");
    const struct tool_option *row = explain_row_named(walk->program, name, len);
    if (!row)
        return false;
    bool inlined = name[len] == '=';
    say_option(walk, row, word->start, word->len, NULL, inlined ? name + len + 1 : NULL);
    if (inlined)
        say_value(walk, row, word, dashes + len + 1, false);
    else if (row->argument == required_argument)
        take_value(walk, row);
    return true;
}

static const struct tool_option *row_of_letter(const struct walk *walk, char letter, bool bare)
{
    const struct tool_option *row = walk->program->letters;
    if (!bare || !row)
        return explain_row_lettered(walk->program, letter);
    for (; row->meaning; row++)
        if (row->letter == letter)
            return row;
    return NULL;
}

/* Letters from byte @from of the word on, the dash before them if there is one. */
static void letters(struct walk *walk, size_t from, bool bare)
{
    const struct shell_word *word = &walk->words[walk->at];
    const char *text = word->text;
    for (size_t i = from; text[i]; i++) {
        const struct tool_option *row = row_of_letter(walk, text[i], bare);
        if (!row)
            return;
        bool takes = row->argument == required_argument || row->argument == optional_argument;
        const char *rest = takes && !bare ? text + i + 1 : "";
        size_t begin = i == from ? word->start : word->at[i];
        size_t end = *rest ? word->start + word->len : word->at[i + 1];
        char name[3] = { '-', text[i], '\0' };
        say_option(walk, row, begin, end - begin, *rest ? NULL : bare ? name + 1 : name, rest);
        if (*rest) {
            say_value(walk, row, word, i + 1, false);
            return;
        }
        if (row->argument == required_argument) {
            take_value(walk, row);
            if (!bare)
                return;
            word = &walk->words
                        [walk->at]; /* after tar's `f` more letters may stand in the first word: they are only flags */
            if (word->text != text)
                return;
        }
    }
}

static bool all_letters(const struct walk *walk, const char *text)
{
    for (; *text; text++)
        if (!row_of_letter(walk, *text, true))
            return false;
    return true;
}

static void option(struct walk *walk)
{
    const struct shell_word *word = &walk->words[walk->at];
    const struct explain_entry *signal =
        walk->program->flags & EXPLAIN_SIGNALS ? explain_signal_find(word->text + 1) : NULL;
    if (signal)
        say_word(walk, word, signal->meaning, signal->call);
    else if (word->text[1] == '-' || (walk->program->flags & EXPLAIN_ONE_DASH))
        (void)(long_option(walk) || (word->text[1] != '-' && (letters(walk, 1, false), true)));
    else
        letters(walk, 1, false);
}

/* ---- operands ---- */

static const struct explain_entry *operand_entry(const struct walk *walk)
{
    const struct explain_entry *entry = walk->program->operands;
    if (walk->program->last && walk->operands > 1 && walk->operand + 1 == walk->operands)
        return walk->program->last;
    for (unsigned i = 0; entry && i < walk->operand && entry[1].name; i++)
        entry++;
    return entry && entry->name ? entry : NULL;
}

/* Where what is known of a path says more than the operand's place. */
static bool path_counts(const struct explain_entry *entry)
{
    static const char *const names[] = { "FILE", "DIRECTORY", "SOURCE", "TARGET" };
    for (size_t i = 0; entry && i < sizeof names / sizeof *names; i++)
        if (strcmp(entry->name, names[i]) == 0)
            return true;
    return !entry;
}

static void operand(struct walk *walk)
{
    const struct shell_word *word = &walk->words[walk->at];
    const struct explain_entry *entry = operand_entry(walk);
    const struct explain_entry *path = path_counts(entry) ? explain_path_find(word->text) : NULL;
    if (path)
        say_word(walk, word, path->meaning, entry ? entry->call : NULL);
    else if (entry)
        say_word(walk, word, entry->meaning, entry->call);
    walk->operand++;
}

static unsigned listed_operands(const struct explain_program *program)
{
    unsigned count = 0;
    while (program->operands && program->operands[count].name)
        count++;
    return count;
}

/* ip's and dd's words, which need no dash. */
static bool word_option(struct walk *walk)
{
    const struct shell_word *word = &walk->words[walk->at];
    size_t len = strcspn(word->text, "=");
    bool joined = word->text[len] == '=';
    const struct tool_option *row = explain_row_named(walk->program, word->text, len);
    if (!row || row->name[len]) /* cut short it could be a name of the learner's */
        return false;
    say_option(walk, row, word->start, word->len, NULL, joined ? word->text + len + 1 : NULL);
    if (joined)
        say_value(walk, row, word, len + 1, false);
    else if (row->argument == required_argument)
        take_value(walk, row);
    return true;
}

static void walk_command(struct walk *walk);

/* find -exec COMMAND… ; — the words between are a command. */
static bool find_exec(struct walk *walk)
{
    const char *text = walk->words[walk->at].text;
    if (!(walk->program->flags & EXPLAIN_ONE_DASH) || (strcmp(text, "-exec") != 0 && strcmp(text, "-execdir") != 0))
        return false;
    size_t end = walk->at + 1;
    while (end < walk->count && strcmp(walk->words[end].text, ";") != 0 && strcmp(walk->words[end].text, "+") != 0)
        end++;
    option(walk);
    bool open = end == walk->count;
    if (!walk->dry) {
        struct walk inner = {
            .e = walk->e, .words = walk->words, .at = walk->at + 1, .count = end, .site = open ? walk->site : NULL
        };
        walk_command(&inner);
    }
    if (open)
        walk->site = NULL;
    walk->at = end;
    return true;
}

static void note_root(struct walk *walk)
{
    if (!walk->site || !(walk->program->flags & EXPLAIN_ROOT))
        return;
    free(walk->site->root);
    walk->site->root = strdup(walk->words[walk->at].text);
}

/* The words after the program's name, from walk->at on. */
static void walk_words(struct walk *walk)
{
    unsigned listed = listed_operands(walk->program);
    for (; walk->at < walk->count; walk->at++) {
        const struct explain_program *program = walk->program, *verb;
        const char *text = walk->words[walk->at].text;
        unsigned flags = program->flags;
        if (!walk->ended && strcmp(text, "--") == 0) {
            say_word(walk, &walk->words[walk->at], "options end here: what follows are operands, dash or not", NULL);
            walk->ended = true;
        } else if (find_exec(walk)) {
            continue;
        } else if (!walk->ended && text[0] == '-' && text[1]) {
            option(walk);
        } else if ((flags & EXPLAIN_ASSIGNS) && explain_assignment(text)) {
            say_word(walk, &walk->words[walk->at], "a variable in the program's environment", NULL);
        } else if ((flags & EXPLAIN_RUNS) && walk->operand >= listed) {
            walk_command(walk);
            return;
        } else if (walk->operand == 0 && (verb = explain_verb_find(program, text))) {
            say_word(walk, &walk->words[walk->at], verb->meaning, verb->call);
            walk->program = verb;
            walk->ended = false;
            listed = listed_operands(verb);
        } else if (walk->operand == 0 && (flags & EXPLAIN_BUNDLE) && all_letters(walk, text)) {
            letters(walk, 0, true);
        } else if (!(flags & EXPLAIN_WORDS) || !word_option(walk)) {
            if (walk->operand == 0)
                note_root(walk);
            operand(walk);
            walk->ended |= (flags & (EXPLAIN_RUNS | EXPLAIN_STOPS)) != 0;
        }
    }
    if (walk->site) {
        walk->site->program = walk->program;
        walk->site->operand = walk->operand;
        walk->site->options_ended = walk->ended;
        walk->site->command = !walk->site->option && (walk->program->flags & EXPLAIN_RUNS) && walk->operand >= listed;
    }
}

/* The command's words, from its name at @from on. */
static void note_words(struct walk *walk, size_t from)
{
    struct explain_site *site = walk->site;
    while (site->word_count)
        free(site->words[--site->word_count]);
    free(site->words);
    site->words = calloc(walk->count - from, sizeof *site->words);
    walk->e->failed |= !site->words;
    for (size_t i = from; site->words && i < walk->count; i++) {
        char *text = strdup(walk->words[i].text);
        walk->e->failed |= !text;
        if (text)
            site->words[site->word_count++] = text;
    }
}

static void walk_program(struct walk *walk)
{
    if (walk->program->last) {
        struct walk counting = *walk;
        counting.dry = true;
        counting.site = NULL;
        walk_words(&counting);
        walk->operands = counting.operand;
    }
    walk_words(walk);
}

/* ---- commands ---- */

static bool keyword(struct walk *walk)
{
    const struct shell_word *word = &walk->words[walk->at];
    const struct explain_entry *entry =
        word->quoted ? NULL : explain_entry_find(explain_keywords, word->text, strlen(word->text));
    if (!entry || strcmp(entry->name, "in") == 0)
        return false;
    say_word(walk, word, entry->meaning, entry->call);
    walk->at++;
    return true;
}

/* `for NAME in WORD…`, `case WORD in`, `function NAME`: what follows is no command. */
static void walk_names(struct walk *walk, const char *kind)
{
    if (walk->at < walk->count)
        say_word(walk, &walk->words[walk->at],
                 *kind == 'f' && kind[1] == 'o' ? "the variable: each of the words in turn"
                 : *kind == 'c'                 ? "the word that is looked at"
                                                : "the name of the new command",
                 NULL);
    walk->at++;
    const struct explain_entry *in = explain_entry_find(explain_keywords, "in", 2);
    if (walk->at < walk->count && strcmp(walk->words[walk->at].text, "in") == 0)
        say_word(walk, &walk->words[walk->at], in->meaning, NULL);
}

static void walk_command(struct walk *walk)
{
    if (walk->e->depth >= EXPLAIN_DEPTH_MAX)
        return;
    for (; walk->at < walk->count; walk->at++) {
        const struct shell_word *word = &walk->words[walk->at];
        /* quoted up to the sign it is only a word */
        size_t name = explain_assignment(word->text);
        if (!name || word->at[name] != word->start + name)
            break;
        const struct explain_entry *set = explain_entry_find(explain_operators, "=", 1);
        say_word(walk, word, set->meaning, set->call);
    }
    while (walk->at < walk->count && keyword(walk)) {
        const char *kind = walk->words[walk->at - 1].text;
        if (strcmp(kind, "for") == 0 || strcmp(kind, "case") == 0 || strcmp(kind, "function") == 0) {
            walk_names(walk, kind);
            return;
        }
        if (strcmp(kind, "[[") == 0) {
            walk->program = explain_program_find("[");
            walk_program(walk);
            return;
        }
    }
    if (walk->at >= walk->count) {
        if (walk->site)
            walk->site->command = true;
        return;
    }
    const struct shell_word *word = &walk->words[walk->at];
    const struct explain_program *program = explain_program_find(word->text);
    if (!program) {
        for (walk->at++; walk->at < walk->count; walk->at++) {
            const struct explain_entry *path = explain_path_find(walk->words[walk->at].text);
            if (path)
                say_word(walk, &walk->words[walk->at], path->meaning, path->call);
        }
        return;
    }
    say_word(walk, word, program->meaning, program->call);
    if (walk->site)
        note_words(walk, walk->at);
    struct walk inner = { .e = walk->e,
                          .words = walk->words,
                          .count = walk->count,
                          .at = walk->at + 1,
                          .program = program,
                          .dry = walk->dry,
                          .site = walk->site };
    walk->e->depth++;
    walk_program(&inner);
    walk->e->depth--;
}

void explainer_walk(struct explainer *e, const struct shell_word *words, size_t count, bool ends)
{
    struct walk walk = { .e = e, .words = words, .count = count, .site = ends ? e->site : NULL };
    walk_command(&walk);
}
