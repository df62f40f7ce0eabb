#include "repl/screen/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command commands[] = {
    { "next", COMMAND_ALONE, NULL, ACTION_NEXT, "go on to the next step", NULL },
    { "skip", COMMAND_ALONE, NULL, ACTION_SKIP, "go on although this step is not done", NULL },
    { "hint", COMMAND_ALONE, NULL, ACTION_HINT,
      "a hint; again for the next one, and at last the command is typed for you", NULL },
    { "why", COMMAND_ALONE, NULL, ACTION_WHY, "what this step still waits for", NULL },
    { "diagnose", COMMAND_ALONE, NULL, ACTION_DIAGNOSE,
      "why the last command that failed did: what happened, why here, and a way out", NULL },
    { "solution", COMMAND_ALONE, NULL, ACTION_SOLUTION, "put the step's next command on the line; Enter runs it",
      NULL },
    { "answer", COMMAND_REST, "N", ACTION_ANSWER, "answer the question: its number, several as `1 3`, or a word",
      NULL },
    { "explain", COMMAND_REST, "LINE", ACTION_EXPLAIN,
      "what the words of a command line mean and which syscalls they become; `off` and `on`: as you type", NULL },
    { "reset", COMMAND_ALONE, NULL, ACTION_RESET, "begin this step anew in a fresh lab", NULL },
    { "goto", COMMAND_PLACE, "N", ACTION_GOTO,
      "go to step N, or to step 3 of lesson 4 with `goto 4.3`: a fresh lab in which the steps before it are done",
      NULL },
    { "undo", COMMAND_ALONE, NULL, ACTION_UNDO,
      "a fresh lab as it was when this step began; where nothing was done in it yet, when the one before it began",
      NULL },
    { "state", COMMAND_ALONE, NULL, ACTION_STATE,
      "the kernel's state of what has the terminal: namespaces, id maps, mounts, processes, links", NULL },
    { "panel", COMMAND_ALONE, NULL, ACTION_PANEL_BESIDE,
      "the lab's processes and limits, live, in the place of the state, or away again; F11 gives them the whole "
      "screen",
      "" },
    { "review", COMMAND_ALONE, NULL, ACTION_REVIEW,
      "what each step has shown, what you typed in it, and which syscalls did it", NULL },
    { "lens", COMMAND_WORDS, "[WORD]", ACTION_LENS,
      "the syscalls of the terminal's commands beside it, or away again; only those with WORD (`failed`, a syscall, a "
      "program …; `all` for all); `lens off` and `lens on`: a new shell without and with it; Shift-F12 gives them the "
      "whole screen",
      "the syscalls of the terminal's commands; only those with WORD (`failed`, a syscall, a program …; `all` for "
      "all); "
      "`lens off` and `lens on`: a new shell without and with it" },
    { "lessons", COMMAND_ALONE, NULL, ACTION_LESSONS, "the list of lessons, to choose another", NULL },
    { "terminal", COMMAND_NUMBER, "N", ACTION_TERMINAL, "look at terminal N; it is opened if it is not there", NULL },
    { "share", COMMAND_WORDS, "[PATH]", ACTION_SHARE,
      "let others on this machine watch, not touch: `teachroot follow PATH`; `share off` ends it", NULL },
    { "help", COMMAND_ALONE, NULL, ACTION_HELP, "the keys and these commands", NULL },
    { "quit", COMMAND_ALONE, NULL, ACTION_QUIT, "leave; where you are is remembered", NULL },
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);

static const char blanks[] = " \t";

/* Names that are also programs or builtins (`help`, `hint N`) are ours only when nothing but their argument stands on the line. */
static const struct command *find(const char *line, size_t len)
{
    for (size_t i = 0; i < command_count; i++)
        if (strlen(commands[i].name) == len && memcmp(commands[i].name, line, len) == 0)
            return &commands[i];
    return NULL;
}

/* The argument with the blanks round it cut; false if it is too long. */
static bool copy_argument(const char *text, struct command_line *command)
{
    text += strspn(text, blanks);
    size_t len = strlen(text);
    while (len && strchr(blanks, text[len - 1]))
        len--;
    if (len >= sizeof(command->argument))
        return false;
    memcpy(command->argument, text, len);
    command->argument[len] = '\0';
    return true;
}

static bool parse_number(const char *text, unsigned *number)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 6 || text[digits])
        return false;
    *number = (unsigned)strtoul(text, NULL, 10);
    return *number > 0;
}

static bool argument_fits(const struct command *known, struct command_line *command)
{
    switch (known->argument) {
    case COMMAND_ALONE:
        return !*command->argument;
    case COMMAND_NUMBER:
        return parse_number(command->argument, &command->number);
    case COMMAND_PLACE:
        return place_parse(command->argument, &command->place);
    case COMMAND_REST:
        return *command->argument;
    case COMMAND_WORDS:
        return command->argument[strspn(command->argument,
                                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-./")] == '\0';
    }
    return false;
}

/* Nothing but numbers, blanks and commas, so that `1 3` can be an answer and `1/0` cannot; and `2.` and `2)`, as numbers are written in a list. */
static bool is_choices(const char *line)
{
    size_t digits = strspn(line, "0123456789"), len = strspn(line, "0123456789, \t");
    if (*line < '1' || *line > '9')
        return false;
    bool listed = len == digits && (line[len] == '.' || line[len] == ')') && !line[len + 1];
    return line[len] == '\0' || listed;
}

static bool parse(const char *line, bool quiz, struct command_line *command, const struct command **known)
{
    *command = (struct command_line){ .action = ACTION_NONE };
    *known = NULL;
    if (quiz && is_choices(line)) {
        command->action = ACTION_ANSWER;
        bool fits = copy_argument(line, command);
        command->argument[strcspn(command->argument, ".)")] = '\0';
        return fits;
    }
    size_t len = strcspn(line, blanks);
    *known = find(line, len);
    if (!*known || !copy_argument(line + len, command) || !argument_fits(*known, command))
        return false;
    command->action = (*known)->action;
    return true;
}

bool commands_at_prompt(const char *line, bool quiz, struct command_line *command)
{
    const struct command *known;
    if (parse(line, quiz, command, &known))
        return !(command->action == ACTION_ANSWER && !quiz);
    command->action = ACTION_NONE;
    return false;
}

bool commands_parse(const char *line, bool quiz, struct command_line *command, char *why, size_t size)
{
    const struct command *known;
    line += strspn(line, blanks);
    if (parse(line, quiz, command, &known))
        return true;
    command->action = ACTION_NONE;
    if (!known) {
        snprintf(why, size, "`%.20s` is not a command here; `help` lists them: next, hint, why …", line);
    } else if (known->argument == COMMAND_ALONE) {
        snprintf(why, size, "`%s` takes nothing after it; type `%s` alone", known->name, known->name);
    } else if (known->argument == COMMAND_WORDS) {
        snprintf(why, size, "`%s` takes plain words after it, or nothing; type `%s`", known->name, known->name);
    } else {
        static const char *const needs[] = {
            [COMMAND_NUMBER] = "a number", [COMMAND_PLACE] = "a step's number", [COMMAND_REST] = "an answer"
        };
        bool line_ = known->action == ACTION_EXPLAIN;
        snprintf(why, size, "`%s` needs %s; type for example `%s %s`%s", known->name,
                 line_ ? "a command line" : needs[known->argument], known->name, line_ ? "ls -l /proc" : "2",
                 known->argument == COMMAND_PLACE ? ", or `goto 4.3` for step 3 of lesson 4" : "");
    }
    return false;
}

bool commands_mistaken(const char *line, char *why, size_t size)
{
    const struct command *known = find(line, strcspn(line, blanks));
    struct command_line command;
    return known &&
           (known->argument == COMMAND_NUMBER || known->argument == COMMAND_PLACE || known->action == ACTION_EXPLAIN) &&
           !commands_parse(line, false, &command, why, size);
}

size_t commands_choices(const char *text, unsigned *choices, size_t max, size_t count)
{
    size_t n = 0;
    while (*text) {
        text += strspn(text, " \t,");
        if (!*text)
            break;
        unsigned long choice;
        size_t len = strcspn(text, " \t,");
        if (*text >= '1' && *text <= '9' && strspn(text, "0123456789") == len && len < 4)
            choice = strtoul(text, NULL, 10);
        else if (len == 1 && *text >= 'a' && *text <= 'z')
            choice = (unsigned long)(*text - 'a') + 1;
        else if (len == 1 && *text >= 'A' && *text <= 'Z')
            choice = (unsigned long)(*text - 'A') + 1;
        else
            return 0;
        if (choice > count || n == max)
            return 0;
        choices[n++] = (unsigned)choice - 1;
        text += len;
    }
    return n;
}
