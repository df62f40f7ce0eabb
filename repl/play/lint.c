#include "repl/play/lint.h"

#include "engine/base/cleanup.h"
#include "engine/observe/host.h"
#include "repl/play/run.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool known_feature(const char *name)
{
    return host_feature_find(name) != NULL;
}

const char *lint_path(const char *path)
{
    char here[PATH_MAX];
    size_t len = getcwd(here, sizeof here) ? strlen(here) : 0;
    return len > 1 && strncmp(path, here, len) == 0 && path[len] == '/' ? path + len + 1 : path;
}

static void print_finding(FILE *out, const char *path, const struct lint_finding *finding)
{
    fprintf(out, "%s:%d: %s: %s", lint_path(path), finding->line, lint_level_name(finding->level), finding->what);
    fprintf(out, finding->rule ? " [%s]\n" : "\n", finding->rule);
}

static bool was_found(const struct lint_report *report, const struct lint_finding *finding)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->list[i].level == finding->level && strcmp(report->list[i].what, finding->what) == 0)
            return true;
    return false;
}

void lint_print_new(FILE *out, const char *path, const struct lint_report *report, const struct lint_report *before)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->list[i].level != LINT_ADVICE || !was_found(before, &report->list[i]))
            print_finding(out, path, &report->list[i]);
}

void lint_print(FILE *out, const char *path, const struct lint_report *report, bool mistakes)
{
    for (size_t i = 0; i < report->count; i++)
        if (mistakes || report->list[i].level != LINT_MISTAKE)
            print_finding(out, path, &report->list[i]);
}

void lint_print_rules(FILE *out)
{
    for (size_t i = 0; i < lint_rule_count; i++)
        fprintf(out, "  %-15s %-8s %s\n", lint_rules[i].name, lint_level_name(lint_rules[i].level), lint_rules[i].what);
}

/* A value ends at the first of these that is written as it is. */
static void put_escaped(FILE *out, const char *text, bool property)
{
    for (; *text; text++)
        if (strchr(property ? "%\r\n:," : "%\r\n", *text))
            fprintf(out, "%%%02X", (unsigned char)*text);
        else
            fputc(*text, out);
}

static void print_annotations(FILE *out, const char *path, const struct lint_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct lint_finding *finding = &report->list[i];
        fprintf(out, "::%s file=", finding->level == LINT_ADVICE ? "warning" : "error");
        put_escaped(out, lint_path(path), true);
        fprintf(out, ",line=%d,title=%s::", finding->line, finding->rule ? finding->rule : "mistake");
        put_escaped(out, finding->what, false);
        fputc('\n', out);
    }
}

static void look_at(const char *path, const struct curriculum *curriculum, const struct lint_options *options,
                    size_t counts[LINT_LEVELS])
{
    struct lint_report report;
    struct err err;
    struct lesson *lesson = lint_load(path, curriculum, known_feature, &report, &err);
    if (!lesson && !report.count) {
        counts[LINT_MISTAKE]++;
        if (options->mistakes)
            fprintf(stderr, "teachroot: %s\n", err.message);
    }
    if (options->annotations)
        print_annotations(options->out, path, &report);
    else
        lint_print(options->out, path, &report, options->mistakes);
    for (int i = 0; i < LINT_LEVELS; i++)
        counts[i] += report.counts[i];
    lesson_free(lesson);
    lint_free(&report);
}

int lint_lessons(char *const *names, size_t count, const struct lint_options *options, size_t counts[LINT_LEVELS])
{
    struct curriculum curriculum = { 0 };
    struct err err;
    bool have = curriculum_load(&curriculum, &err) == 0;
    memset(counts, 0, LINT_LEVELS * sizeof *counts);
    if (!have && count == 0) {
        fprintf(stderr, "teachroot: %s\n", err.message);
        counts[LINT_MISTAKE]++;
    }
    for (size_t i = 0; i < (count ? count : have ? curriculum.count : 0); i++) {
        cleanup_free char *found = count ? curriculum_find(&curriculum, names[i], &err) : NULL;
        const char *path = count ? found : curriculum.entries[i].path;
        if (path) {
            look_at(path, have ? &curriculum : NULL, options, counts);
            continue;
        }
        counts[LINT_MISTAKE]++;
        if (options->mistakes)
            fprintf(stderr, "teachroot: %s\n", err.message);
    }
    if (have)
        curriculum_free(&curriculum);
    if (counts[LINT_MISTAKE])
        return RUN_MALFORMED;
    return counts[LINT_ERROR] || (options->strict && counts[LINT_ADVICE]) ? RUN_FAILED : RUN_OK;
}
