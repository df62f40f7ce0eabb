/* JSON Lines: an event a line, as it happens. docs/play.schema.json says what is in each. */
#include "repl/play/formats.h"

#include "engine/base/open.h"
#include "engine/base/signal_name.h"
#include "engine/observe/observe.h"
#include "repl/play/json_line.h"
#include "repl/play/redact.h"
#include "repl/session/state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define SCHEMA_VERSION 1
#define TERMINALS 10 /* numbered from 1 */

struct json_sink {
    uint64_t began; /* us */
    char *lesson;
    unsigned step;
    struct {
        char bytes[4];
        size_t len;
    } cut[TERMINALS]; /* the beginning of a character that came last on each terminal */
};

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Which schema, which event, when, and of what. */
static struct json_line event(struct run_sink *sink, const char *name)
{
    struct json_sink *json = sink->data;
    struct json_line line;
    json_line_begin(&line, sink->out);
    json_line_number(&line, "version", SCHEMA_VERSION);
    json_line_string(&line, "event", name);
    json_line_seconds(&line, "time", sink->run->redact ? 0 : now_us() - json->began);
    if (json->lesson)
        json_line_string(&line, "lesson", json->lesson);
    if (json->step)
        json_line_number(&line, "step", json->step);
    return line;
}

static unsigned block_terminal(const struct block *block)
{
    return block->terminal ? (unsigned)strtoul(block->terminal, NULL, 10) : 1;
}

static void put_output(struct run_sink *sink, unsigned terminal, const char *bytes, size_t len)
{
    struct json_line line = event(sink, "output");
    json_line_number(&line, "terminal", terminal);
    json_line_bytes(&line, "text", "base64", bytes, len);
    json_line_end(&line);
}

static void flush_cut(struct run_sink *sink, unsigned terminal)
{
    struct json_sink *json = sink->data;
    if (json->cut[terminal].len)
        put_output(sink, terminal, json->cut[terminal].bytes, json->cut[terminal].len);
    json->cut[terminal].len = 0;
}

static void flush_all_cut(struct run_sink *sink)
{
    for (unsigned i = 0; i < TERMINALS; i++)
        flush_cut(sink, i);
}

static void json_begin(struct run_sink *sink, size_t steps)
{
    struct json_sink *json = calloc(1, sizeof *json);
    sink->data = json;
    if (json)
        json->began = now_us();
}

static void json_drop(struct run_sink *sink)
{
    struct json_sink *json = sink->data;
    if (json)
        free(json->lesson);
    free(json);
}

static void json_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab)
{
    struct json_sink *json = sink->data;
    if (!json)
        return;
    flush_all_cut(sink); /* of the lesson before */
    free(json->lesson);
    json->lesson = run_lesson_name(lesson);
    json->step = 0;
    json->began = now_us();
    struct json_line line = event(sink, "lesson");
    json_line_string(&line, "path", lesson->path);
    json_line_string(&line, "title", lesson->title);
    json_line_number(&line, "steps", (int64_t)lesson->step_count);
    if (lab) {
        const struct lab_facts *facts = lab_facts(lab);
        json_line_open(&line, "lab", '{');
        json_line_bool(&line, "rootless", facts->rootless);
        json_line_open(&line, "missing", '[');
        for (size_t i = 0; facts->missing[i]; i++)
            json_line_string(&line, NULL, facts->missing[i]);
        json_line_close(&line, ']');
        json_line_close(&line, '}');
    }
    json_line_end(&line);
}

static void json_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step)
{
    struct json_sink *json = sink->data;
    if (!json)
        return;
    json->step = step->number;
    struct json_line line = event(sink, "step");
    json_line_string(&line, "title", step->title);
    json_line_number(&line, "line", step->line);
    json_line_end(&line);
}

static void json_before(struct run_sink *sink, const struct step *step, const char *said)
{
    if (!sink->data)
        return;
    struct json_line line = event(sink, "before");
    json_line_string(&line, "said", said);
    json_line_end(&line);
}

static void json_begin_block(struct run_sink *sink, const struct step *step, const struct block *block)
{
    static const char *const types[] = {
        [BLOCK_COMMAND] = "command", [BLOCK_SCRIPT] = "script", [BLOCK_FILE] = "file", [BLOCK_QUIZ] = "quiz"
    };
    if (!sink->data)
        return;
    struct json_line line = event(sink, "block");
    json_line_string(&line, "type", types[block->type]);
    json_line_number(&line, "line", block->line);
    if (block->type == BLOCK_COMMAND)
        json_line_number(&line, "terminal", block_terminal(block));
    json_line_string(&line, "body", block->type == BLOCK_QUIZ ? block->quiz->question : block->body);
    json_line_end(&line);
}

/* A character that is cut in two by the end of what was read waits for its rest. */
static void json_output(struct run_sink *sink, unsigned terminal, const char *bytes, size_t len)
{
    struct json_sink *json = sink->data;
    bool cut;
    if (!json || terminal >= TERMINALS)
        return;
    char *before = json->cut[terminal].bytes;
    size_t *held = &json->cut[terminal].len;
    while (*held && len) {
        before[(*held)++] = *bytes++;
        len--;
        if (utf8_whole(before, *held, &cut) == *held || !cut)
            flush_cut(sink, terminal);
    }
    size_t whole = utf8_whole(bytes, len, &cut), rest = cut ? len - whole : 0;
    if (len - rest)
        put_output(sink, terminal, bytes, len - rest);
    memcpy(before + *held, bytes + len - rest, rest);
    *held += rest;
}

static void put_exit(struct json_line *line, int wait_status)
{
    char name[SIGNAL_NAME];
    if (WIFSIGNALED(wait_status))
        json_line_string(line, "signal", signal_name(WTERMSIG(wait_status), name));
    else
        json_line_number(line, "exit", WEXITSTATUS(wait_status));
}

static void put_call(struct run_sink *sink, struct json_line *line, const struct lens_call *call)
{
    json_line_open(line, NULL, '{');
    json_line_string(line, "name", call->name);
    char *arguments = redact_text(sink->run->redact, 0, call->arguments, strlen(call->arguments), NULL);
    json_line_string(line, "arguments", arguments ? arguments : "");
    free(arguments);
    if (call->ended) {
        json_line_number(line, "result", call->result);
        const char *error = call->error ? strerrorname_np(call->error) : NULL; /* ERESTARTSYS is in no header */
        if (error)
            json_line_string(line, "error", error);
    }
    json_line_string(line, "process", call->process);
    if (call->inside && !sink->run->redact) /* whether it was still there to be asked is an accident */
        json_line_number(line, "pid", call->inside);
    if (call->repeats > 1)
        json_line_number(line, "repeats", call->repeats);
    if (call->expected)
        json_line_bool(line, "expected", true);
    json_line_close(line, '}');
}

static int by_words(const void *left, const void *right)
{
    const struct lens_call *const *a = left, *const *b = right;
    int names = strcmp((*a)->name, (*b)->name);
    return names ? names : strcmp((*a)->arguments, (*b)->arguments);
}

/* In which order the processes of a pipeline get to their calls is an accident. */
static void put_sorted(struct run_sink *sink, struct json_line *line, const struct lens *lens, size_t first, size_t end)
{
    const struct lens_call **calls = calloc(end - first + 1, sizeof *calls);
    for (size_t i = first; calls && i < end; i++)
        calls[i - first] = lens_call_at(lens, i);
    if (calls)
        qsort(calls, end - first, sizeof *calls, by_words);
    for (size_t i = first; calls && i < end; i++)
        put_call(sink, line, calls[i - first]);
    free(calls);
}

static void put_calls(struct run_sink *sink, struct json_line *line, const struct session_event *told)
{
    const struct lens *lens = session_lens(sink->run->session, told->terminal);
    size_t end = lens && told->command ? lens_count(lens) : 0;
    while (end && lens_call_at(lens, end - 1)->command > told->command)
        end--;
    size_t first = end;
    while (first && lens_call_at(lens, first - 1)->command == told->command)
        first--;
    if (!lens)
        return;
    json_line_open(line, "syscalls", '[');
    if (sink->run->redact)
        put_sorted(sink, line, lens, first, end);
    else
        for (; first < end; first++)
            put_call(sink, line, lens_call_at(lens, first));
    json_line_close(line, ']');
}

static void command_done(struct run_sink *sink, const struct session_event *told)
{
    struct json_line line = event(sink, "command");
    json_line_number(&line, "terminal", told->terminal);
    json_line_string(&line, "command", told->text);
    put_exit(&line, (told->status & 0xff) << 8);
    put_calls(sink, &line, told);
    json_line_end(&line);
}

static void json_event(struct run_sink *sink, const struct session_event *told)
{
    struct json_sink *json = sink->data;
    if (json && json->step && told->kind == SESSION_COMMAND_DONE)
        command_done(sink, told);
    else if (told->kind == SESSION_OUTPUT && sink->out == stdout)
        fflush(sink->out); /* whoever reads along sees it now */
}

/* ---- what the kernel says of who has the terminal ---- */

static void put_namespaces(struct run_sink *sink, struct json_line *line, const struct session_state *state)
{
    json_line_open(line, "namespaces", '{');
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (state->inode[i])
            json_line_number(line, namespace_kinds[i].name,
                             (int64_t)redact_number(sink->run->redact, REDACT_NAMESPACE, state->inode[i]));
    json_line_close(line, '}');
    json_line_open(line, "differs", '[');
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (state->differs[i])
            json_line_string(line, NULL, namespace_kinds[i].name);
    json_line_close(line, ']');
}

/* The path of the same hierarchy in @list, whose lines are those of /proc/PID/cgroup; its length in @len. */
static const char *same_hierarchy(const char *list, const char *line, size_t *len)
{
    const char *path = strchr(strchr(line, ':') + 1, ':');
    size_t head = (size_t)(path + 1 - line);
    for (; list && *list; list = strchr(list, '\n'), list += list != NULL)
        if (strncmp(list, line, head) == 0) {
            *len = strcspn(list + head, "\n");
            return list + head;
        }
    return NULL;
}

static void put_cgroup(struct json_line *line, const char *text, const char *of_lab)
{
    char controllers[256], path[4096];
    const char *first = strchr(text, ':') + 1, *second = strchr(first, ':') + 1, *own;
    size_t len = strcspn(second, "\n"), own_len = 0;
    snprintf(controllers, sizeof controllers, "%.*s", (int)(second - 1 - first), first);
    own = same_hierarchy(of_lab, text, &own_len);
    bool below = own && own_len > 1 && len >= own_len && strncmp(second, own, own_len) == 0 &&
                 (len == own_len || second[own_len] == '/');
    snprintf(path, sizeof path, "%.*s", (int)(below ? len - own_len : len), below ? second + own_len : second);
    json_line_open(line, NULL, '{');
    json_line_number(line, "hierarchy", strtol(text, NULL, 10));
    json_line_string(line, "controllers", controllers);
    json_line_string(line, "path", *path ? path : "/");
    json_line_close(line, '}');
}

/* Each as the lab sees it: below the group that the lab's init is in. */
static void put_cgroups(struct run_sink *sink, struct json_line *line, pid_t pid)
{
    char file[64], groups[16384], of_lab[16384];
    struct lab *lab = session_lab(sink->run->session);
    snprintf(file, sizeof file, "/proc/%d/cgroup", pid);
    if (read_file_at(AT_FDCWD, file, groups, sizeof groups, NULL) < 0)
        return;
    snprintf(file, sizeof file, "/proc/%d/cgroup", lab_init_pid(lab));
    if (read_file_at(AT_FDCWD, file, of_lab, sizeof of_lab, NULL) < 0)
        of_lab[0] = '\0';
    json_line_open(line, "cgroups", '[');
    for (const char *at = groups; at && *at; at = strchr(at, '\n'), at += at != NULL) {
        const char *colon = strchr(at, ':');
        if (colon && strchr(colon + 1, ':'))
            put_cgroup(line, at, of_lab);
    }
    json_line_close(line, ']');
}

/* Of whoever has the terminal when its block is over: its shell, a shell in that, or what it left running. */
static void put_state(struct run_sink *sink)
{
    struct run *run = sink->run;
    struct session_state *state = session_lab(run->session) ? calloc(1, sizeof *state) : NULL;
    if (!state)
        return;
    session_state_process(run->session, state);
    if (state->process > 0) {
        struct json_line line = event(sink, "state");
        json_line_number(&line, "terminal", state->terminal);
        json_line_string(&line, "process", state->command);
        if (state->inside > 0)
            json_line_number(&line, "pid", (int64_t)redact_number(run->redact, REDACT_PID, (uint64_t)state->inside));
        put_namespaces(sink, &line, state);
        put_cgroups(sink, &line, state->process);
        json_line_end(&line);
    }
    free(state);
}

static void json_block(struct run_sink *sink, const struct step *step, const struct block *block,
                       const struct block_result *result)
{
    struct json_sink *json = sink->data;
    if (!json)
        return;
    flush_all_cut(sink);
    if (!result->skipped && block->type == BLOCK_COMMAND)
        put_state(sink);
    struct json_line line = event(sink, "result");
    json_line_number(&line, "line", block->line);
    if (result->skipped) {
        json_line_string(&line, "skipped", result->skipped);
        json_line_end(&line);
        return;
    }
    if (block->type == BLOCK_COMMAND || block->type == BLOCK_SCRIPT || block->type == BLOCK_FILE)
        put_exit(&line, result->wait_status);
    if (result->timed_out)
        json_line_bool(&line, "timed_out", true);
    if (result->nested)
        json_line_bool(&line, "nested", true);
    json_line_bool(&line, "matched", result->matched_exit && result->matched_output);
    if (result->why[0])
        json_line_string(&line, "why", result->why);
    json_line_open(&line, "commands", '[');
    for (size_t i = 0; i < result->command_count; i++) {
        const struct command_result *command = &result->commands[i];
        json_line_open(&line, NULL, '{');
        json_line_string(&line, "command", command->command);
        put_exit(&line, command->wait_status);
        json_line_bytes(&line, "output", "output_base64", result->output ? result->output + command->output_at : "",
                        command->output_len);
        json_line_close(&line, '}');
    }
    json_line_close(&line, ']');
    if (!result->command_count && result->output)
        json_line_bytes(&line, "output", "output_base64", result->output, strlen(result->output));
    json_line_end(&line);
}

static void json_check(struct run_sink *sink, const struct step *step, bool passed, const char *said)
{
    if (!sink->data)
        return;
    struct json_line line = event(sink, "check");
    json_line_bool(&line, "passed", passed);
    json_line_bool(&line, "written", step->check != NULL);
    json_line_string(&line, "said", said);
    json_line_end(&line);
}

static void json_done(struct run_sink *sink, const struct run_step *done)
{
    static const char *const outcomes[] = { [RUN_STEP_PASSED] = "passed",
                                            [RUN_STEP_FAILED] = "failed",
                                            [RUN_STEP_SKIPPED] = "skipped",
                                            [RUN_STEP_NOT_RUN] = "not run" };
    struct json_sink *json = sink->data;
    if (!json)
        return;
    json->step = done->step->number;
    struct json_line line = event(sink, "done");
    json_line_string(&line, "outcome", outcomes[done->outcome]);
    json_line_string(&line, "title", done->step->title);
    if (done->why)
        json_line_string(&line, "why", done->why);
    if (done->outcome == RUN_STEP_FAILED)
        json_line_number(&line, "line", run_failed_line(done));
    json_line_seconds(&line, "seconds", (uint64_t)done->ms * 1000);
    json_line_end(&line);
}

static void json_message(struct run_sink *sink, const char *text)
{
    if (!sink->data)
        return;
    struct json_line line = event(sink, "message");
    json_line_string(&line, "text", text);
    json_line_end(&line);
}

static void json_end(struct run_sink *sink)
{
    struct json_sink *json = sink->data;
    if (!json)
        return;
    flush_all_cut(sink);
    json->step = 0;
    struct json_line line = event(sink, "end");
    json_line_number(&line, "passed", (int64_t)sink->counts.passed);
    json_line_number(&line, "failed", (int64_t)sink->counts.failed);
    json_line_number(&line, "skipped", (int64_t)sink->counts.skipped);
    json_line_number(&line, "not_run", (int64_t)sink->counts.not_run);
    json_line_end(&line);
}

const struct run_format run_json = { .name = "json",
                                     .what = "an event a line, for programs",
                                     .suffix = ".jsonl",
                                     .syscalls = true,
                                     .whole = true,
                                     .begin = json_begin,
                                     .lesson = json_lesson,
                                     .step = json_step,
                                     .before = json_before,
                                     .begin_block = json_begin_block,
                                     .block = json_block,
                                     .check = json_check,
                                     .done = json_done,
                                     .message = json_message,
                                     .output = json_output,
                                     .event = json_event,
                                     .end = json_end,
                                     .drop = json_drop };
