#include "repl/play/transcript.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "repl/play/learned.h"
#include "repl/play/plain_text.h"
#include "repl/tutor/markdown_out.h"
#include "repl/tutor/review.h"

#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOTHING_THERE = 1, WRONG_USAGE, CANNOT };

static const char transcript_help[] =
    "usage: teachroot transcript [-o FILE] [LESSON]\n"
    "Write what you typed in LESSON, what it printed and how you answered, step by step, as Markdown.\n\n"
    "LESSON is a number, a file, or the start of a title; without one it is the lesson last worked on.\n\n"
    "  -o, --output FILE  write to FILE, which is replaced as a whole; else to standard output\n"
    "  -h, --help         this text\n\n"
    "It is made from the journal, which `teachroot --no-journal` and TEACHROOT_JOURNAL=off do not keep.\n"
    "Exit status: 0; 1 if there is nothing in it, 2 on wrong usage, 3 if it cannot be written.\n";

static const char review_help[] =
    "usage: teachroot review [LESSON]\n"
    "Say what each step of LESSON has shown, what you typed in it, and which syscalls did it.\n\n"
    "LESSON is a number, a file, or the start of a title; without one it is the lesson last worked on.\n"
    "In a lesson the command `review` does the same.\n";

/* In UTC: a transcript is read on other machines. */
static void put_time(FILE *out, long long seconds)
{
    time_t when = (time_t)seconds;
    struct tm tm;
    char text[32];
    if (gmtime_r(&when, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm) > 0)
        fputs(text, out);
}

/* A command and what it printed, as one console block: `$ ` before its first line, `> ` before the others. */
static void put_command(FILE *out, const struct journal_entry *entry)
{
    char *console = NULL;
    size_t size;
    FILE *text = open_memstream(&console, &size);
    if (!text)
        return;
    const char *prompt = "$ ";
    for (const char *line = entry->text, *end; line; line = *end ? end + 1 : NULL, prompt = "> ") {
        end = strchrnul(line, '\n');
        fprintf(text, "%s%.*s\n", prompt, (int)(end - line), line);
    }
    fputs(entry->output, text);
    if (fclose(text) == 0) {
        if (entry->terminal != 1)
            fprintf(out, "In terminal %u:\n\n", entry->terminal);
        markdown_out_block(out, "console", console);
    }
    free(console);
    if (!entry->ended)
        fputs("\nIts end was not seen.\n", out);
    else if (entry->nested)
        fputs("\nIt started a shell.\n", out);
    else if (entry->status != 0)
        fprintf(out, "\nStatus %d.\n", entry->status);
    fputc('\n', out);
}

static void put_entry(FILE *out, const struct journal_entry *entry)
{
    switch (entry->kind) {
    case JOURNAL_COMMAND:
        put_command(out, entry);
        break;
    case JOURNAL_ANSWER:
        fputs("Question: ", out);
        markdown_out_words(out, entry->output);
        fputs("  \nAnswer: ", out);
        markdown_out_words(out, entry->text);
        fprintf(out, " (%s)\n\n", entry->right ? "right" : "not right");
        break;
    case JOURNAL_PASSED:
        fputs("Passed, ", out);
        put_time(out, entry->time);
        fputs(".\n\n", out);
        break;
    }
}

static void put_step(FILE *out, const struct learned *learned, unsigned step)
{
    bool begun = false;
    for (size_t i = 0; i < learned->record.count; i++) {
        const struct journal_entry *entry = &learned->record.entries[i];
        if (entry->step != step)
            continue;
        if (!begun) {
            fprintf(out, "## %u. ", step);
            markdown_out_words(out, step <= learned->lesson->step_count ? learned->lesson->steps[step - 1].title
                                                                        : "After the lesson");
            fputs("\n\nBegun, ", out);
            put_time(out, entry->time);
            fputs(".\n\n", out);
        }
        begun = true;
        put_entry(out, entry);
    }
}

static char *transcript_text(const struct learned *learned)
{
    char *text = NULL;
    size_t size;
    unsigned last = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fputs("# ", out);
    markdown_out_words(out, learned->lesson->title ? learned->lesson->title : learned->file);
    fputs("\n\nWhat was typed in the lesson ", out);
    markdown_out_code(out, learned->file);
    fputs(", what it printed, and how its questions were answered.\n\n", out);
    for (size_t i = 0; i < learned->record.count; i++)
        last = learned->record.entries[i].step > last ? learned->record.entries[i].step : last;
    for (unsigned step = 1; step <= last; step++)
        put_step(out, learned, step);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static int write_transcript(const struct learned *learned, const char *path)
{
    struct err err = { 0 };
    if (!learned->record.count) {
        fprintf(stderr,
                "teachroot transcript: nothing is written down of `%s`: a journal is kept from the first command on, "
                "unless --no-journal or TEACHROOT_JOURNAL=off says not to\n",
                learned->file);
        return NOTHING_THERE;
    }
    cleanup_free char *text = transcript_text(learned);
    int result = text ? 0 : err_set(&err, ENOMEM, "make the transcript");
    if (text && path)
        result = replace_file(path, text, strlen(text), 0600, &err);
    else if (text && (fputs(text, stdout) < 0 || fflush(stdout) != 0))
        result = err_set(&err, errno, "write the transcript");
    if (result < 0)
        fprintf(stderr, "teachroot transcript: %s\n", err.message);
    return result < 0 ? CANNOT : 0;
}

/* The options of both. Returns false with *status set when there is nothing more to do. */
static bool read_options(int argc, char **argv, const char *help, const char **output, const char **lesson, int *status)
{
    static const struct option options[] = { { "output", required_argument, NULL, 'o' },
                                             { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    opterr = 0;
    optind = 1;
    *status = WRONG_USAGE;
    for (int c; (c = getopt_long(argc, argv, output ? ":o:h" : ":h", output ? options : options + 1, NULL)) != -1;)
        switch (c) {
        case 'o':
            if (output)
                *output = optarg;
            break;
        case 'h':
            fputs(help, stdout);
            *status = 0;
            return false;
        default:
            fprintf(stderr, "teachroot %s: %s `%s`: `teachroot %s --help` says what there is\n", argv[0],
                    c == ':' ? "this option needs a value" : "no such option", argv[optind - 1], argv[0]);
            return false;
        }
    *lesson = optind < argc ? argv[optind] : NULL;
    if (optind + 1 >= argc)
        return true;
    fprintf(stderr, "teachroot %s: one lesson, and nothing more: not `%s`\n", argv[0], argv[optind + 1]);
    return false;
}

int transcript_main(int argc, char **argv)
{
    const char *output = NULL, *name;
    struct learned learned;
    int status;
    if (!read_options(argc, argv, transcript_help, &output, &name, &status))
        return status;
    status = learned_open(&learned, "transcript", name);
    if (status == 0)
        status = write_transcript(&learned, output);
    learned_close(&learned);
    return status;
}

static enum review_mark mark_of(unsigned step, void *data)
{
    const struct learned *learned = data;
    char hash[17];
    step_hash(&learned->lesson->steps[step - 1], hash);
    return learned->progress && progress_passed(learned->progress, learned->file, step, hash) ? REVIEW_PASSED
                                                                                              : REVIEW_OPEN;
}

int review_main(int argc, char **argv)
{
    const char *name;
    struct learned learned;
    int status;
    if (!read_options(argc, argv, review_help, NULL, &name, &status))
        return status;
    setlocale(LC_ALL, "");
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (!utf8)
        setlocale(LC_CTYPE, "C.UTF-8"); /* widths are those of the text; what is said is ASCII */
    status = learned_open(&learned, "review", name);
    if (status == 0) {
        const struct plain_page page = { stdout, 80, { .look = LOOK_MONO, .ascii = !utf8, .plain = true } };
        cleanup_free char *text = review_text(learned.lesson, &learned.record, mark_of, &learned);
        if (text)
            plain_say(&page, learned.lesson->title, text);
        else
            status = CANNOT;
    }
    learned_close(&learned);
    return status;
}
