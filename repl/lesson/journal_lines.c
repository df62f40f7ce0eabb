/* A line of the journal: how it is written, and what is read out of it.
 *
 *     {"s": "0123456789abcdef", "n": 5, "t": 1700000000, "step": 3, "terminal": 1, "command": "ls"}
 *     {"s": "0123456789abcdef", "n": 5, "status": 0, "output": "bin\n", "calls": ["chroot(\"/x\") = 0"]}
 *     {"t": 1700000009, "step": 3, "question": "Which?", "answer": "2", "right": true}
 *     {"t": 1700000010, "step": 3, "passed": true}
 */
#include "repl/lesson/journal_internal.h"
#include "repl/lesson/parse.h"

#include "engine/base/cleanup.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LONGEST_LINE 4096 /* of a command, a question, an answer */
#define LONGEST_CALL 256
#define LATEST_YEAR_9999 253402300799LL

/* Tab and newline are the only control characters that are kept; those of C1 are two bytes. */
static bool is_kept(const char *s, size_t n)
{
    unsigned char c = (unsigned char)s[0];
    if (n == 1)
        return (c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t';
    return !(n == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0);
}

/* Valid UTF-8 of @s without control characters: jansson takes nothing else, and no reader wants more. */
static void add_clean(struct text *text, const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = utf8_length(s + i, len - i);
        if (n == 0)
            text_add(text, "\xef\xbf\xbd", 3);
        else if (is_kept(s + i, n))
            text_add(text, s + i, n);
        i += n ? n : 1;
    }
}

/* Start of a character at or after @at. */
static size_t whole(const char *s, size_t len, size_t at)
{
    while (at < len && ((unsigned char)s[at] & 0xc0) == 0x80)
        at++;
    return at;
}

/* @s as a JSON string; where it is longer than @limit its middle is left out, and that is said. */
static json_t *string(const char *s, size_t limit)
{
    size_t len = strlen(s);
    struct text text = { 0 };
    if (len <= limit) {
        add_clean(&text, s, len);
    } else {
        char cut[80];
        size_t head = whole(s, len, limit / 2), tail = whole(s, len, len - limit / 2);
        add_clean(&text, s, head);
        int n = snprintf(cut, sizeof cut, "\n[%zu bytes are left out here]\n", tail - head);
        text_add(&text, cut, (size_t)n);
        add_clean(&text, s + tail, len - tail);
    }
    char *clean = text_take(&text);
    json_t *value = clean ? json_string(clean) : NULL;
    free(clean);
    return value;
}

static int write_line(struct journal *journal, json_t *line, struct err *err)
{
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    int result =
        text ? journal_append(journal, text, strlen(text), err) : err_set(err, ENOMEM, "write a line of the journal");
    free(text);
    json_decref(line);
    return result;
}

uint64_t journal_command(struct journal *journal, unsigned step, unsigned terminal, const char *line, struct err *err)
{
    uint64_t number = journal->commands + 1;
    json_t *object = json_pack("{s:s, s:I, s:I, s:i, s:i, s:o}", "s", journal->session, "n", (json_int_t)number, "t",
                               (json_int_t)time(NULL), "step", (int)step, "terminal", (int)terminal, "command",
                               string(line, LONGEST_LINE));
    if (write_line(journal, object, err) < 0)
        return 0;
    return journal->commands = number;
}

int journal_ended(struct journal *journal, uint64_t command, const struct journal_end *end, struct err *err)
{
    json_t *object = json_pack("{s:s, s:I}", "s", journal->session, "n", (json_int_t)command);
    const char *output = journal->memory >= 0 || !end->output ? "" : end->output;
    json_t *calls = end->calls && end->calls[0] ? json_array() : NULL;
    if (end->nested)
        json_object_set_new(object, "nested", json_true());
    else
        json_object_set_new(object, "status", json_integer(end->status));
    if (*output)
        json_object_set_new(object, "output", string(output, JOURNAL_OUTPUT));
    for (size_t i = 0; calls && i < JOURNAL_CALLS && end->calls[i]; i++)
        json_array_append_new(calls, string(end->calls[i], LONGEST_CALL));
    if (calls)
        json_object_set_new(object, "calls", calls);
    return write_line(journal, object, err);
}

int journal_answer(struct journal *journal, unsigned step, const char *question, const char *answer, bool right,
                   struct err *err)
{
    return write_line(journal,
                      json_pack("{s:I, s:i, s:o, s:o, s:b}", "t", (json_int_t)time(NULL), "step", (int)step, "question",
                                string(question, LONGEST_LINE), "answer", string(answer, LONGEST_LINE), "right", right),
                      err);
}

int journal_passed(struct journal *journal, unsigned step, struct err *err)
{
    return write_line(journal,
                      json_pack("{s:I, s:i, s:b}", "t", (json_int_t)time(NULL), "step", (int)step, "passed", 1), err);
}

/* ---- reading ---- */

static long long integer(const json_t *line, const char *key, long long least, long long most)
{
    long long value = json_integer_value(json_object_get(line, key));
    return value < least ? least : value > most ? most : value;
}

static const char *text_of(const json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));
    return text ? text : "";
}

static bool same_command(const json_t *a, const json_t *b)
{
    const char *session = json_string_value(json_object_get(a, "s")),
               *other = json_string_value(json_object_get(b, "s"));
    return session && other && strcmp(session, other) == 0 &&
           json_equal(json_object_get(a, "n"), json_object_get(b, "n"));
}

static void set_end(struct journal_entry *entry, const json_t *line)
{
    const json_t *calls = json_object_get(line, "calls");
    size_t count = 0;
    entry->ended = true;
    entry->nested = json_is_true(json_object_get(line, "nested"));
    entry->status = (int)integer(line, "status", 0, 255);
    entry->output = text_of(line, "output");
    for (size_t i = 0; i < json_array_size(calls) && count < JOURNAL_CALLS; i++)
        if (json_is_string(json_array_get(calls, i)))
            entry->calls[count++] = json_string_value(json_array_get(calls, i));
    entry->calls[count] = NULL;
}

/* The record's lines: a JSON array, whose first @count are those of the entries, in their order. */
static void end_command(struct journal_record *record, const json_t *commands, const json_t *line)
{
    for (size_t i = record->count; i-- > 0;) {
        struct journal_entry *entry = &record->entries[i];
        if (entry->kind != JOURNAL_COMMAND || !same_command(json_array_get(commands, i), line))
            continue;
        /* A command that had started a shell ends later; what it printed until then is what it printed. */
        const char *output = entry->nested ? entry->output : NULL;
        set_end(entry, line);
        if (output)
            entry->output = output;
        return;
    }
}

static bool read_entry(const json_t *line, struct journal_entry *entry)
{
    *entry = (struct journal_entry){ .time = integer(line, "t", 0, LATEST_YEAR_9999),
                                     .step = (unsigned)integer(line, "step", 0, 1000000),
                                     .terminal = (unsigned)integer(line, "terminal", 1, 99),
                                     .output = "",
                                     .text = "" };
    if (json_is_string(json_object_get(line, "command"))) {
        entry->kind = JOURNAL_COMMAND;
        entry->text = text_of(line, "command");
    } else if (json_is_string(json_object_get(line, "answer"))) {
        entry->kind = JOURNAL_ANSWER;
        entry->text = text_of(line, "answer");
        entry->output = text_of(line, "question");
        entry->right = json_is_true(json_object_get(line, "right"));
    } else if (json_is_true(json_object_get(line, "passed"))) {
        entry->kind = JOURNAL_PASSED;
    } else {
        return false;
    }
    return entry->step > 0;
}

struct record_lines {
    json_t *entries, *ends; /* arrays: of the entries in their order; of the ends of commands */
};

static int take_line(struct journal_record *record, const char *text, size_t len)
{
    struct record_lines *lines = record->lines;
    json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    struct journal_entry entry;
    if (json_is_object(line) && read_entry(line, &entry)) {
        if ((record->count & (record->count - 1)) == 0) { /* full at each power of two */
            size_t room = record->count ? record->count * 2 : 1;
            struct journal_entry *grown = reallocarray(record->entries, room, sizeof *grown);
            if (!grown) {
                json_decref(line);
                return -1;
            }
            record->entries = grown;
        }
        record->entries[record->count++] = entry;
        return json_array_append_new(lines->entries, line);
    }
    if (json_is_object(line) && json_is_string(json_object_get(line, "s")) &&
        json_is_integer(json_object_get(line, "n"))) {
        end_command(record, lines->entries, line);
        return json_array_append_new(lines->ends, line);
    }
    record->damaged++;
    json_decref(line);
    return 0;
}

int journal_take_lines(struct journal_record *record, const char *text, struct err *err)
{
    struct record_lines *lines = record->lines ? record->lines : calloc(1, sizeof *lines);
    if (!lines)
        return err_set(err, ENOMEM, "read the journal");
    record->lines = lines;
    if (!lines->entries)
        *lines = (struct record_lines){ json_array(), json_array() };
    for (const char *end; *text; text = *end ? end + 1 : end) {
        end = strchrnul(text, '\n');
        if (text[strspn(text, " \t")] == '\n')
            continue;
        if (take_line(record, text, (size_t)(end - text)) < 0)
            return err_set(err, ENOMEM, "read the journal");
    }
    return 0;
}

void journal_record_free(struct journal_record *record)
{
    struct record_lines *lines = record->lines;
    if (lines) {
        json_decref(lines->entries);
        json_decref(lines->ends);
    }
    free(lines);
    free(record->entries);
    *record = (struct journal_record){ 0 };
}
