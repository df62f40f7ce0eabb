/* Looking things up in the tables. */
#include "repl/tutor/explain_internal.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Is @name one of the blank-separated @names? */
static bool named(const char *names, const char *name, size_t len)
{
    for (size_t n; *names; names += n + (names[n] == ' ')) {
        n = strcspn(names, " ");
        if (n == len && memcmp(names, name, len) == 0)
            return true;
    }
    return false;
}

const struct explain_program *explain_program_find(const char *name)
{
    static const struct explain_program *const tables[] = { explain_builtins, explain_tools,     explain_mounting,
                                                            explain_files,    explain_processes, explain_network,
                                                            explain_texts };
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    for (size_t t = 0; *base && t < sizeof tables / sizeof *tables; t++)
        for (const struct explain_program *row = tables[t]; row->names; row++)
            if (!(slash && tables[t] == explain_builtins) && named(row->names, base, strlen(base)))
                return row;
    /* A builtin that is a program as well: /bin/kill. */
    for (const struct explain_program *row = explain_builtins; slash && *base && row->names; row++)
        if (named(row->names, base, strlen(base)))
            return row;
    return NULL;
}

const struct explain_program *explain_verb_find(const struct explain_program *program, const char *name)
{
    size_t len = strlen(name);
    for (const struct explain_program *verb = program->verbs; len && verb && verb->names; verb++)
        if (named(verb->names, name, len))
            return verb;
    for (const struct explain_program *verb = program->verbs;
         len && (program->flags & EXPLAIN_SHORT) && verb && verb->names; verb++)
        if (strncmp(verb->names, name, len) == 0)
            return verb;
    return NULL;
}

const struct explain_entry *explain_entry_find(const struct explain_entry *entries, const char *name, size_t len)
{
    for (; entries && entries->name; entries++)
        if (strlen(entries->name) == len && memcmp(entries->name, name, len) == 0)
            return entries;
    return NULL;
}

const struct explain_entry *explain_path_find(const char *path)
{
    size_t len = strlen(path);
    if (len >= 4096)
        return NULL;
    char plain[4096];
    memcpy(plain, path, len + 1);
    while (len > 1 && plain[len - 1] == '/')
        plain[--len] = '\0';
    const char *slash = strrchr(plain, '/');
    const struct explain_entry *file =
        slash ? explain_entry_find(explain_group_files, slash + 1, strlen(slash + 1)) : NULL;
    if (file && strchr(file->name, '.')) /* `tasks` may be any file */
        return file;
    for (const struct explain_entry *row = explain_paths; slash && row->name; row++)
        if (fnmatch(row->name, plain, FNM_NOESCAPE) == 0)
            return row;
    return NULL;
}

const struct explain_entry *explain_signal_find(const char *name)
{
    char *end;
    if (strncasecmp(name, "SIG", 3) == 0)
        name += 3;
    long number = strtol(name, &end, 10);
    for (const struct explain_entry *row = explain_signals; row->name; row++)
        if (isdigit((unsigned char)*name) ? !*end && strtol(row->meaning, NULL, 10) == number
                                          : strcasecmp(row->name, name) == 0)
            return row;
    return NULL;
}

const struct tool_option *explain_row(const struct explain_program *program, size_t index)
{
    if (program->ours)
        return index < program->ours->count ? &program->ours->rows[index] : NULL;
    return program->options && program->options[index].meaning ? &program->options[index] : NULL;
}

const struct tool_option *explain_row_named(const struct explain_program *program, const char *name, size_t len)
{
    const struct tool_option *only = NULL, *row;
    size_t found = 0;
    for (size_t i = 0; (row = explain_row(program, i)); i++) {
        if (!row->name || strncmp(row->name, name, len) != 0)
            continue;
        if (!row->name[len])
            return row;
        only = row;
        found++;
    }
    bool exact = (program->flags & EXPLAIN_ONE_DASH) || len == 0;
    return found == 1 && !exact ? only : NULL;
}

const struct tool_option *explain_row_lettered(const struct explain_program *program, char letter)
{
    const struct tool_option *row;
    for (size_t i = 0; (row = explain_row(program, i)); i++)
        if (row->letter == letter)
            return row;
    return NULL;
}

const struct explain_values *explain_values_of(const struct explain_program *program, const struct tool_option *row)
{
    if (!program || !row || !row->id)
        return NULL;
    for (const struct explain_values *values = program->values; values && values->id; values++)
        if (values->id == row->id)
            return values;
    return NULL;
}

size_t explain_assignment(const char *text)
{
    size_t len = 0;
    while (isalpha((unsigned char)text[len]) || text[len] == '_' || (len && isdigit((unsigned char)text[len])))
        len++;
    return text[len] == '=' || (text[len] == '+' && text[len + 1] == '=') ? len : 0;
}
