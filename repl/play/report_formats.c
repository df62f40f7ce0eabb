/* The report's formats. Names come from files of others: in none of them can they be more than a name. */
#include "repl/play/report.h"

#include "repl/screen/utf8.h"
#include "repl/tutor/markdown_out.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

#define MOST_STUCK 8 /* in words; programs get all */
#define NAME_CELLS 24

/* In UTC; "" where it is not known. */
static const char *date(long long seconds, bool iso, char *text, size_t size)
{
    time_t when = (time_t)seconds;
    struct tm tm;
    text[0] = '\0';
    if (seconds > 0 && gmtime_r(&when, &tm))
        iso ? strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &tm) : strftime(text, size, "%Y-%m-%d %H:%M", &tm);
    return text;
}

/* "3/12", "12/12", "3/?", "-" */
static const char *cell_text(const struct report_lesson *lesson, const struct report_cell *cell, char *text,
                             size_t size)
{
    if (!cell->passed && !cell->step)
        return "-";
    if (lesson->step_count)
        snprintf(text, size, "%zu/%zu", cell->passed, lesson->step_count);
    else
        snprintf(text, size, "%zu/?", cell->passed);
    return text;
}

/* Control characters would act on the terminal. */
static void clean_text(const char *text, char *clean, size_t size)
{
    size_t len = 0;
    for (; *text && len + 1 < size; text++)
        clean[len++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
    clean[len] = '\0';
}

static void lesson_name(const struct report_lesson *lesson, char *text, size_t size)
{
    if (lesson->number >= 0) {
        snprintf(text, size, "%d", lesson->number);
        return;
    }
    clean_text(lesson->file, text, size);
    text[utf8_fit(text, strlen(text), 20)] = '\0';
}

/* "4.3" of a learner in the middle of it, "4 done", "" */
static void place_text(const struct report *report, const struct report_learner *learner, char *text, size_t size)
{
    char name[32];
    text[0] = '\0';
    if (learner->at < 0)
        return;
    lesson_name(&report->lessons[learner->at], name, sizeof name);
    unsigned step = learner->cells[learner->at].step;
    if (step)
        snprintf(text, size, "%s.%u", name, step);
    else
        snprintf(text, size, "%s done", name);
}

/* ---- text ---- */

/* At most @cells, filled up with blanks. */
static void put_name(FILE *out, const char *name, unsigned cells)
{
    char clean[256];
    clean_text(name, clean, sizeof clean);
    size_t len = strlen(clean);
    size_t fit = utf8_fit(clean, len, cells);
    fprintf(out, "%.*s%*s", (int)fit, clean, (int)(cells - utf8_width(clean, fit)), "");
}

static int print_text(const struct report *report, FILE *out)
{
    char text[64];
    put_name(out, "learner", NAME_CELLS);
    for (size_t k = 0; k < report->lesson_count; k++) {
        lesson_name(&report->lessons[k], text, sizeof text);
        if (report->lessons[k].begun)
            fprintf(out, " %6s", text);
    }
    fprintf(out, "  %-10s  %s\n", "is at", "last active");
    for (size_t i = 0; i < report->learner_count; i++) {
        const struct report_learner *learner = &report->learners[i];
        put_name(out, learner->name, NAME_CELLS);
        for (size_t k = 0; k < report->lesson_count; k++)
            if (report->lessons[k].begun)
                fprintf(out, " %6s", cell_text(&report->lessons[k], &learner->cells[k], text, sizeof text));
        place_text(report, learner, text, sizeof text);
        fprintf(out, "  %-10s", text);
        fprintf(out, "  %s\n", date(learner->time, false, text, sizeof text));
    }
    if (report->stuck_count)
        fprintf(out, "\nwhere most are:\n");
    for (size_t i = 0; i < report->stuck_count && i < MOST_STUCK; i++) {
        const struct report_stuck *stuck = &report->stuck[i];
        const struct report_lesson *lesson = &report->lessons[stuck->lesson];
        lesson_name(lesson, text, sizeof text);
        fprintf(out, "  %zu of %zu at %s.%u %s\n", stuck->learners, report->learner_count, text, stuck->step,
                stuck->step <= lesson->step_count ? lesson->steps[stuck->step - 1] : "");
    }
    return ferror(out) ? -1 : 0;
}

/* ---- Markdown ---- */

static int print_markdown(const struct report *report, FILE *out)
{
    char text[64];
    fputs("| learner |", out);
    for (size_t k = 0; k < report->lesson_count; k++)
        if (report->lessons[k].begun) {
            lesson_name(&report->lessons[k], text, sizeof text);
            fputc(' ', out);
            markdown_out_words(out, text);
            fputs(" |", out);
        }
    fputs(" is at | last active |\n|---|", out);
    for (size_t k = 0; k < report->lesson_count; k++)
        if (report->lessons[k].begun)
            fputs("---|", out);
    fputs("---|---|\n", out);
    for (size_t i = 0; i < report->learner_count; i++) {
        const struct report_learner *learner = &report->learners[i];
        fputs("| ", out);
        markdown_out_words(out, learner->name);
        fputs(" |", out);
        for (size_t k = 0; k < report->lesson_count; k++)
            if (report->lessons[k].begun)
                fprintf(out, " %s |", cell_text(&report->lessons[k], &learner->cells[k], text, sizeof text));
        place_text(report, learner, text, sizeof text);
        fputc(' ', out);
        markdown_out_words(out, text);
        fprintf(out, " | %s |\n", date(learner->time, false, text, sizeof text));
    }
    if (report->stuck_count)
        fputs("\nWhere most are:\n\n", out);
    for (size_t i = 0; i < report->stuck_count && i < MOST_STUCK; i++) {
        const struct report_stuck *stuck = &report->stuck[i];
        const struct report_lesson *lesson = &report->lessons[stuck->lesson];
        lesson_name(lesson, text, sizeof text);
        fprintf(out, "- %zu of %zu at ", stuck->learners, report->learner_count);
        markdown_out_words(out, text);
        fprintf(out, ".%u ", stuck->step);
        markdown_out_words(out, stuck->step <= lesson->step_count ? lesson->steps[stuck->step - 1] : "");
        fputc('\n', out);
    }
    return ferror(out) ? -1 : 0;
}

/* ---- CSV, RFC 4180: a row for each learner and lesson begun ---- */

/* A field that a spreadsheet would compute is made text by an apostrophe. */
static void put_field(FILE *out, const char *text)
{
    fputc('"', out);
    if (*text && strchr("=+-@\t\r", *text))
        fputc('\'', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static int print_csv(const struct report *report, FILE *out)
{
    char text[64];
    fputs("learner,lesson,title,passed,steps,at,last_active\r\n", out);
    for (size_t i = 0; i < report->learner_count; i++)
        for (size_t k = 0; k < report->lesson_count; k++) {
            const struct report_lesson *lesson = &report->lessons[k];
            const struct report_cell *cell = &report->learners[i].cells[k];
            if (!cell->passed && !cell->step)
                continue;
            put_field(out, report->learners[i].name);
            fputc(',', out);
            lesson_name(lesson, text, sizeof text);
            put_field(out, text);
            fputc(',', out);
            put_field(out, lesson->title);
            fprintf(out, ",%zu,", cell->passed);
            if (lesson->step_count)
                fprintf(out, "%zu", lesson->step_count);
            fputc(',', out);
            if (cell->step)
                fprintf(out, "%u", cell->step);
            fprintf(out, ",%s\r\n", date(cell->time, true, text, sizeof text));
        }
    return ferror(out) ? -1 : 0;
}

/* ---- JSON ---- */

/* File names need not be UTF-8. */
static json_t *string(const char *text)
{
    json_t *value = json_string(text);
    if (value)
        return value;
    char clean[4096];
    size_t len = 0;
    for (; *text && len + 1 < sizeof clean; text++)
        clean[len++] = (unsigned char)*text < 0x80 ? *text : '?';
    clean[len] = '\0';
    return json_string(clean);
}

static void set_time(json_t *object, const char *key, long long seconds)
{
    char text[64];
    date(seconds, true, text, sizeof text);
    json_object_set_new(object, key, seconds > 0 ? json_string(text) : json_null());
}

static json_t *lessons_of(const struct report *report, const struct report_learner *learner)
{
    json_t *array = json_array();
    for (size_t k = 0; k < report->lesson_count; k++) {
        const struct report_lesson *lesson = &report->lessons[k];
        const struct report_cell *cell = &learner->cells[k];
        if (!cell->passed && !cell->step)
            continue;
        json_t *object = json_pack("{s:o, s:o, s:i, s:i}", "file", string(lesson->file), "title", string(lesson->title),
                                   "passed", (int)cell->passed, "steps", (int)lesson->step_count);
        if (lesson->number >= 0)
            json_object_set_new(object, "number", json_integer(lesson->number));
        if (cell->step)
            json_object_set_new(object, "at", json_integer(cell->step));
        set_time(object, "last_active", cell->time);
        json_array_append_new(array, object);
    }
    return array;
}

static int print_json(const struct report *report, FILE *out)
{
    json_t *learners = json_array(), *stuck = json_array(), *damaged = json_array();
    for (size_t i = 0; i < report->learner_count; i++) {
        const struct report_learner *learner = &report->learners[i];
        json_t *object = json_pack("{s:o, s:o, s:o}", "name", string(learner->name), "file", string(learner->path),
                                   "lessons", lessons_of(report, learner));
        set_time(object, "last_active", learner->time);
        json_array_append_new(learners, object);
    }
    for (size_t i = 0; i < report->stuck_count; i++)
        json_array_append_new(stuck, json_pack("{s:o, s:i, s:i}", "lesson",
                                               string(report->lessons[report->stuck[i].lesson].file), "step",
                                               (int)report->stuck[i].step, "learners", (int)report->stuck[i].learners));
    for (size_t i = 0; i < report->damaged_count; i++)
        json_array_append_new(damaged, json_pack("{s:o, s:o}", "file", string(report->damaged[i].path), "why",
                                                 string(report->damaged[i].why)));
    json_t *root = json_pack("{s:o, s:o, s:o}", "learners", learners, "stuck", stuck, "damaged", damaged);
    int result = root && json_dumpf(root, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF ? 0 : -1;
    json_decref(root);
    return result;
}

const struct report_format report_formats[] = {
    { "text", "a table for people (the default)", print_text },
    { "csv", "a row for each learner and lesson, for spreadsheets", print_csv },
    { "json", "all of it, for programs", print_json },
    { "md", "the table as Markdown", print_markdown },
    { NULL, NULL, NULL },
};
