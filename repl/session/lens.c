/* The rows of a lens: what strace says, folded and marked. How a line is taken apart is in lens_line.c, who starts strace in lens_start.c. */
#include "repl/session/lens_internal.h"

#include "repl/session/lens_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 32768
#define PROCESSES 512 /* known at once; of more the one seen longest ago is looked up again */
#define EARLY_MS 100  /* by so much a command's calls may be here before the news that it was accepted */

struct row {
    struct lens_call call;
    char text[]; /* name and arguments */
};

struct process {
    pid_t pid, inside;
    char name[16];
    uint64_t seen; /* the line it was last in */
    struct row *last,
        *before;     /* its newest row and, while that one has no result, the one before; NULL: not kept any more */
    bool unfinished; /* the newest one has no result yet */
};

struct lens {
    struct row *rows[LENS_ROWS]; /* a ring; NULL: none yet */
    size_t first, count;
    uint64_t calls, dropped, lines;
    struct process processes[PROCESSES];
    size_t process_count;
    char line[LINE_MAX_BYTES];
    size_t line_len;
    bool overlong; /* the rest of this line is passed over */
    pid_t shell;
    bool inside; /* the shell has been executed */
    unsigned command;
    uint64_t prompted; /* calls at the last prompt */
    struct lens_wish wishes[LENS_WISHES];
    bool granted[LENS_WISHES];
    size_t wish_count;
    char said[256];
};

struct lens *lens_new(void)
{
    return calloc(1, sizeof(struct lens));
}

void lens_free(struct lens *lens)
{
    for (size_t i = 0; lens && i < LENS_ROWS; i++)
        free(lens->rows[i]);
    free(lens);
}

/* --- rows ------------------------------------------------------------------------------------------------------------------------- */

static struct row **slot(struct lens *lens, size_t index)
{
    return &lens->rows[(lens->first + index) % LENS_ROWS];
}

size_t lens_count(const struct lens *lens)
{
    return lens->count;
}

const struct lens_call *lens_call_at(const struct lens *lens, size_t index)
{
    return index < lens->count ? &lens->rows[(lens->first + index) % LENS_ROWS]->call : NULL;
}

uint64_t lens_dropped(const struct lens *lens)
{
    return lens->dropped;
}

size_t lens_failures(const struct lens *lens, unsigned command, const struct lens_call **calls, size_t max)
{
    size_t found = 0;
    for (size_t i = lens->count; i > 0 && found < max; i--) {
        const struct lens_call *call = lens_call_at(lens, i - 1);
        if (call->command == command && call->ended && call->error)
            calls[found++] = call;
    }
    for (size_t i = 0; i < found / 2; i++) {
        const struct lens_call *swap = calls[i];
        calls[i] = calls[found - 1 - i];
        calls[found - 1 - i] = swap;
    }
    return found;
}

/* Nobody refers to @row any more. */
static void forget_row(struct lens *lens, const struct row *row)
{
    for (size_t i = 0; i < lens->process_count; i++)
        if (lens->processes[i].last == row) {
            lens->processes[i].last = NULL;
            lens->processes[i].unfinished = false;
        } else if (lens->processes[i].before == row) {
            lens->processes[i].before = NULL;
        }
}

static void remove_row(struct lens *lens, struct row *row)
{
    size_t at = lens->count;
    while (at > 0 && *slot(lens, at - 1) != row)
        at--;
    if (at == 0)
        return;
    forget_row(lens, row);
    for (; at < lens->count; at++) /* near the end: it is a short way */
        *slot(lens, at - 1) = *slot(lens, at);
    *slot(lens, --lens->count) = NULL;
    free(row);
}

static size_t cut(const char *text, size_t max)
{
    size_t len = strnlen(text, max + 1);
    return len > max ? max : len;
}

/* Where the environment lies says nothing to anybody; how many variables it has may. */
static void drop_address(char *arguments)
{
    char *comment = strstr(arguments, " /* "), *at = comment;
    for (char *next; comment && (next = strstr(comment + 1, " /* ")); at = comment = next) {
    }
    while (at && at > arguments && at[-1] != ' ')
        at--;
    if (at && strncmp(at, "0x", 2) == 0)
        memmove(at, comment + 1, strlen(comment + 1) + 1);
}

static struct row *make_row(const char *name, const char *arguments, const char *more)
{
    static const char ellipsis[] = "…";
    size_t name_len = cut(name, LENS_NAME_MAX - 1), len = strlen(arguments), more_len = strlen(more);
    bool blank = len && arguments[len - 1] == ',' && more_len && *more != ' ';
    struct row *row = calloc(1, sizeof *row + name_len + 1 + len + blank + more_len + 1);
    if (!row)
        return NULL;
    char *text = row->text + name_len + 1;
    memcpy(row->text, name, name_len);
    memcpy(text, arguments, len);
    if (blank)
        text[len++] = ' ';
    memcpy(text + len, more, more_len);
    if (len + more_len > LENS_ARGUMENTS_MAX)
        memcpy(text + LENS_ARGUMENTS_MAX - sizeof ellipsis, ellipsis, sizeof ellipsis);
    if (strcmp(row->text, "execve") == 0)
        drop_address(text);
    struct row *fitting = realloc(row, sizeof *row + name_len + 1 + strlen(text) + 1);
    row = fitting ? fitting : row;
    row->call.name = row->text;
    row->call.arguments = row->text + name_len + 1;
    return row;
}

static struct row *add_row(struct lens *lens, struct row *row)
{
    if (lens->count == LENS_ROWS) {
        struct row *oldest = *slot(lens, 0);
        forget_row(lens, oldest);
        *slot(lens, 0) = NULL;
        lens->first = (lens->first + 1) % LENS_ROWS;
        lens->count--;
        lens->dropped += oldest->call.repeats;
        free(oldest);
    }
    *slot(lens, lens->count++) = row;
    return row;
}

/* --- processes -------------------------------------------------------------------------------------------------------------------- */

static struct process *find_process(struct lens *lens, pid_t pid)
{
    for (size_t i = 0; i < lens->process_count; i++)
        if (lens->processes[i].pid == pid)
            return &lens->processes[i];
    return NULL;
}

/* Its name and its innermost pid as /proc has them; what is not known stays. */
static void look_up(struct process *process)
{
    char path[32], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", process->pid);
    FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "Name:\t", 6) == 0) {
            snprintf(process->name, sizeof process->name, "%.15s", line + 6);
            for (char *c = process->name; *c; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                    *c = '?';
        } else if (strncmp(line, "NSpid:\t", 7) == 0) {
            process->inside = atoi(strrchr(line, '\t') + 1);
            break;
        }
    }
    if (status)
        fclose(status);
}

static struct process *meet_process(struct lens *lens, const struct lens_line *line)
{
    struct process *process = find_process(lens, line->pid);
    if (!process) {
        struct process *oldest = &lens->processes[0];
        for (size_t i = 1; i < lens->process_count; i++)
            if (lens->processes[i].seen < oldest->seen)
                oldest = &lens->processes[i];
        process = lens->process_count < PROCESSES ? &lens->processes[lens->process_count++] : oldest;
        *process = (struct process){ .pid = line->pid };
        look_up(process);
        if (line->process[0]) /* /proc may already tell of what it has executed since */
            memcpy(process->name, line->process, sizeof process->name);
    }
    process->seen = lens->lines;
    return process;
}

static void forget_process(struct lens *lens, pid_t pid)
{
    struct process *process = find_process(lens, pid);
    if (process)
        *process = lens->processes[--lens->process_count];
}

/* The file an execve names, as the kernel makes a process's name of it. */
static void name_of_program(const char *arguments, char name[16])
{
    const char *start = strchr(arguments, '"'), *end = start ? strchr(start + 1, '"') : NULL;
    if (!end)
        return;
    for (const char *c = ++start; c < end; c++)
        if (*c == '/')
            start = c + 1;
    snprintf(name, 16, "%.*s", (int)(end - start < 15 ? end - start : 15), start);
}

/* --- calls ------------------------------------------------------------------------------------------------------------------------ */

static bool grants(const struct lens_wish *wish, const struct lens_call *call)
{
    if (strcmp(wish->name, call->name) != 0 || !call->ended ||
        (wish->process[0] && strcmp(wish->process, call->process) != 0) || !strstr(call->arguments, wish->text))
        return false;
    if (wish->outcome == LENS_ANY || wish->outcome == LENS_NEVER)
        return wish->outcome == LENS_ANY;
    return wish->outcome == LENS_SUCCEEDED ? !call->error : call->error && (!wish->error || wish->error == call->error);
}

static void mark_expected(struct lens *lens, struct lens_call *call)
{
    for (size_t i = 0; i < lens->wish_count; i++)
        if (!lens->granted[i] && grants(&lens->wishes[i], call))
            lens->granted[i] = call->expected = true;
}

static bool is_execve(const char *name)
{
    return strcmp(name, "execve") == 0;
}

/* Are they look-ups of one name in two directories, or twice in one? */
static bool same_program(const char *a, const char *b)
{
    char first[16] = "", second[16] = "";
    name_of_program(a, first);
    name_of_program(b, second);
    return *first && strcmp(first, second) == 0;
}

static bool equal(const struct lens_call *a, const struct lens_call *b)
{
    return a->pid == b->pid && a->command == b->command && a->ended && b->ended && a->result == b->result &&
           a->error == b->error && strcmp(a->name, b->name) == 0 && strcmp(a->arguments, b->arguments) == 0 &&
           strcmp(a->process, b->process) == 0;
}

/* Is @call the next look-up of the search along PATH that @before was part of? */
static bool goes_on_searching(const struct lens_call *before, const struct lens_call *call)
{
    bool failed = before->error == ENOENT || before->error == ENOTDIR || before->error == EACCES;
    return failed && is_execve(before->name) && is_execve(call->name) &&
           same_program(before->arguments, call->arguments);
}

/* A search along PATH is one row: that of the file that was found, or that may not be run, or the last. Returns the row that stays of @row and the one before. */
static struct row *fold_search(struct lens *lens, struct row *before, struct row *row)
{
    if (!before || !goes_on_searching(&before->call, &row->call))
        return row;
    bool absent = row->call.error == ENOENT || row->call.error == ENOTDIR;
    bool before_stays = before->call.error == EACCES && absent;
    remove_row(lens, before_stays ? row : before);
    return before_stays ? before : row;
}

/* The same as the row above it is counted there. Returns the row that stays. */
static struct row *fold_repeat(struct lens *lens, struct row *row)
{
    struct row *above = lens->count > 1 ? *slot(lens, lens->count - 2) : NULL;
    if (!above || row != *slot(lens, lens->count - 1) || !equal(&above->call, &row->call))
        return row;
    above->call.repeats++;
    above->call.time = row->call.time;
    remove_row(lens, row);
    return above;
}

/* @row has its result. @before: the process's row before this one. */
static void call_ended(struct lens *lens, struct process *process, struct row *before, struct row *row,
                       const struct lens_line *line)
{
    row->call.result = line->result;
    row->call.error = line->error;
    row->call.ended = line->ended;
    if (line->ended && !line->error && is_execve(row->call.name))
        name_of_program(row->call.arguments, process->name);
    row = fold_repeat(lens, fold_search(lens, before, row));
    process->last = row;
    mark_expected(lens, &row->call);
}

/* A row of @line's call, with what it has of arguments so far. */
static struct row *call_begun(struct lens *lens, struct process *process, const struct lens_line *line, uint64_t now)
{
    struct row *row = make_row(line->name, line->arguments, "");
    if (!row)
        return NULL;
    row->call.number = ++lens->calls;
    row->call.time = now;
    row->call.command = lens->command;
    row->call.pid = process->pid;
    row->call.inside = process->inside;
    row->call.repeats = 1;
    memcpy(row->call.process, process->name, sizeof row->call.process);
    return add_row(lens, row);
}

/* The arguments that were not known when it began. */
static struct row *call_resumed(struct lens *lens, struct process *process, const struct lens_line *line)
{
    struct row *old = process->last, *row = make_row(old->call.name, old->call.arguments, line->arguments);
    if (!row)
        return old;
    const char *name = row->call.name, *arguments = row->call.arguments;
    row->call = old->call;
    row->call.name = name;
    row->call.arguments = arguments;
    for (size_t i = lens->count; i > 0; i--)
        if (*slot(lens, i - 1) == old) {
            *slot(lens, i - 1) = row;
            break;
        }
    process->last = row;
    free(old);
    return row;
}

static void take_call(struct lens *lens, const struct lens_line *line, uint64_t now)
{
    struct process *process = meet_process(lens, line);
    struct row *row = process->last;
    if (line->kind == LENS_LINE_RESUMED) {
        if (!row || !process->unfinished || strcmp(row->call.name, line->name) != 0)
            return; /* its beginning is not kept any more */
        row = call_resumed(lens, process, line);
    } else {
        row = call_begun(lens, process, line, now);
        if (!row)
            return;
        process->before = process->last;
        process->last = row;
    }
    process->unfinished = line->kind == LENS_LINE_UNFINISHED;
    if (process->unfinished)
        return;
    call_ended(lens, process, process->before, row, line);
    process->before = NULL;
}

/* Until the shell has been executed it is the lab that is entered. */
static void look_for_shell(struct lens *lens, const struct lens_line *line)
{
    bool executed = line->kind != LENS_LINE_UNFINISHED && line->ended && !line->error;
    if (line->pid != lens->shell || !is_execve(line->name))
        return;
    name_of_program(line->arguments, meet_process(lens, line)->name);
    lens->inside = executed;
}

static void take_line(struct lens *lens, uint64_t now)
{
    struct lens_line line;
    lens->lines++;
    lens->line[lens->line_len] = '\0';
    lens_line_parse(lens->line, &line);
    if (line.kind == LENS_LINE_SAID)
        snprintf(lens->said, sizeof lens->said, "%.255s", line.arguments);
    else if (!lens->inside)
        look_for_shell(lens, &line);
    else if (line.kind == LENS_LINE_END)
        forget_process(lens, line.pid);
    else if (line.kind != LENS_LINE_OTHER)
        take_call(lens, &line, now);
}

void lens_begin(struct lens *lens, pid_t shell)
{
    /* What has no result will have none. */
    lens->process_count = lens->line_len = 0;
    lens->overlong = lens->inside = false;
    lens->shell = shell;
    lens->said[0] = '\0';
}

void lens_feed(struct lens *lens, const char *bytes, size_t len, uint64_t now)
{
    while (len > 0) {
        const char *newline = memchr(bytes, '\n', len);
        size_t piece = newline ? (size_t)(newline - bytes) : len, room = sizeof lens->line - 1 - lens->line_len;
        size_t take = piece < room ? piece : room;
        lens->overlong |= piece > room;
        memcpy(lens->line + lens->line_len, bytes, take);
        lens->line_len += take;
        if (!newline)
            return;
        if (!lens->overlong)
            take_line(lens, now);
        lens->overlong = false;
        lens->line_len = 0;
        len -= piece + 1;
        bytes = newline + 1;
    }
}

const char *lens_said(const struct lens *lens)
{
    return lens->said;
}

size_t lens_processes(const struct lens *lens)
{
    return lens->process_count;
}

pid_t lens_process_at(const struct lens *lens, size_t index)
{
    return lens->processes[index].pid;
}

void lens_prompt(struct lens *lens)
{
    lens->prompted = lens->calls;
}

void lens_command(struct lens *lens, unsigned number, uint64_t now)
{
    for (size_t i = lens->count; i > 0; i--) {
        struct lens_call *call = &(*slot(lens, i - 1))->call;
        if (call->number <= lens->prompted || call->time + EARLY_MS < now)
            break;
        call->command = number;
    }
    lens->command = number;
}

uint64_t lens_expect(struct lens *lens, const struct lens_wish *wishes, size_t count)
{
    lens->wish_count = count < LENS_WISHES ? count : LENS_WISHES;
    memset(lens->granted, 0, sizeof lens->granted);
    if (count)
        memcpy(lens->wishes, wishes, lens->wish_count * sizeof *wishes);
    return lens->calls + 1;
}
