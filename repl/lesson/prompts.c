/* Prompts: a block that shows them is a session; its other lines are what the commands printed. */
#include "repl/lesson/parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const prompts[] = { "$ ", "$: ", "C-$ " };

/** The bytes of `user@host:~/dir$ `, `[user@host dir]# ` or `bash-5.2$ ` at the start of @line, 0 if there is none. No command begins so. */
static size_t full_prompt(const char *line)
{
    bool bracket = *line == '[';
    const char *at = line + bracket;
    size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
    if (name == 0)
        return 0;
    bool shell = strncmp(at, "bash-", 5) == 0 || strncmp(at, "sh-", 3) == 0;
    if (!bracket && shell && strchr("$#", at[name]) && at[name] && at[name + 1] == ' ')
        return name + 2;
    if (at[name] != '@')
        return 0;
    at += name + 1;
    at += strcspn(at, bracket ? "]\n" : "$# \n");
    if (bracket && *at++ != ']')
        return 0;
    return *at && strchr("$#", *at) && at[1] == ' ' ? (size_t)(at + 2 - line) : 0;
}

/** Is what stands after `# ` words for the reader, no command of root's: "# Now look at it"? */
static bool is_comment(const char *text)
{
    size_t word = strcspn(text, " \n"), line = strcspn(text, "\n");
    return word == 0 || (isupper((unsigned char)text[0]) && !memchr(text, '=', word) && line > word) ||
           text[line - 1] == ':';
}

/** The command after the prompt of this line, or NULL if it has none. */
static const char *after_prompt(const char *line, bool session)
{
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++)
        if (strncmp(line, prompts[i], strlen(prompts[i])) == 0)
            return line + strlen(prompts[i]);
    size_t full = full_prompt(line);
    if (full)
        return line + full;
    if (session && strncmp(line, "/ # ", 4) == 0) /* busybox's */
        return line + 4;
    return session && strncmp(line, "# ", 2) == 0 && !is_comment(line + 2) ? line + 2 : NULL;
}

#define MOST_LINES_OF_ONE 200 /* of one command in a block with prompts: each more line scans it anew */

/** Does the command, of whole lines, go on in the next one? */
static bool goes_on(const struct text *commands, size_t start)
{
    const char *end, *last = commands->s + commands->len;
    size_t backslashes = 0;
    if (commands->failed)
        return false;
    while (last - 2 - backslashes >= commands->s + start && last[-2 - (ssize_t)backslashes] == '\\')
        backslashes++;
    return backslashes % 2 == 1 || !command_end(commands->s + start, &end);
}

char *strip_prompts(struct parser *p, const char *body, bool session)
{
    bool any = false;
    for (const char *line = body; *line && !any; line += strcspn(line, "\n"), line += *line == '\n')
        any = after_prompt(line, session);
    if (!any)
        return kept(p, strdup(body));
    struct text commands = { 0 };
    size_t start = 0; /* of the command that the next line may belong to */
    int lines = 0;    /* of it; 0: none */
    for (const char *line = body; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *command = NULL;
        if (lines > 0 && lines < MOST_LINES_OF_ONE && goes_on(&commands, start))
            command = strncmp(line, "> ", 2) == 0 ? line + 2 : *line == '>' && line[1] == '\n' ? line + 1 : line;
        if (!command || after_prompt(line, false)) { /* a command that never ended: the next prompt begins anew */
            command = after_prompt(line, session);
            start = commands.len;
            lines = 0;
        }
        if (!command)
            continue;
        text_add(&commands, command, strcspn(command, "\n"));
        text_add(&commands, "\n", 1);
        lines++;
    }
    return kept(p, text_take(&commands));
}
