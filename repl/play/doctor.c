#include "repl/play/doctor.h"

#include "engine/lab/lab.h"

#include <getopt.h>
#include <jansson.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_MACHINE = 3 };

static const struct look {
    const char *word, *mark, *ascii, *colour;
} looks[] = {
    [HOST_NO] = { "no", "✗", "-", "\033[1;33m" },
    [HOST_YES] = { "yes", "✓", "+", "\033[36m" },
    [HOST_PARTLY] = { "partly", "◐", "~", "\033[33m" },
};

struct doctor {
    struct doctor_answers answers;
    struct timespec start;
    bool json, no_lab;
    bool colour, utf8, progress; /* of the output; progress: it has said what it is at */
    unsigned width;
};

/* ---- asking ---- */

const struct doctor_answer *doctor_ask(struct doctor_answers *answers, const struct host_feature *feature)
{
    struct doctor_answer *answer = &answers->list[feature - host_features];
    if (!answer->known) {
        if (answers->about_to_try)
            answers->about_to_try(feature->what, answers->data);
        answer->answer = feature->probe(answer->found, sizeof answer->found);
        answer->known = true;
    }
    return answer;
}

/* Who waits longer than a second is told what for. */
static void say_progress(const char *what, void *data)
{
    struct doctor *doctor = data;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double waited = (double)(now.tv_sec - doctor->start.tv_sec) + (double)(now.tv_nsec - doctor->start.tv_nsec) / 1e9;
    if (waited < 1 || !isatty(STDERR_FILENO))
        return;
    fflush(stdout);
    fprintf(stderr, "\rtrying %s …\033[K", what);
    doctor->progress = true;
}

static void end_progress(struct doctor *doctor)
{
    if (doctor->progress)
        fprintf(stderr, "\r\033[K");
    doctor->progress = false;
}

/* ---- the lab this machine gives ---- */

struct lab_answer {
    bool tried, built;
    struct err err;
    struct lab_facts facts; /* its strings are copies */
    char real_directories[256], network[32], missing[8][256];
    size_t missing_count;
};

static void build_lab(struct doctor *doctor, struct lab_answer *answer)
{
    char name[33];
    snprintf(name, sizeof name, "doctor-%d", getpid());
    say_progress("a lab", doctor);
    struct lab_options options = { .name = name, .offline = true };
    struct lab *lab = lab_create(&options, &answer->err);
    answer->tried = true;
    if (!lab)
        return;
    answer->built = true;
    answer->facts = *lab_facts(lab);
    snprintf(answer->real_directories, sizeof answer->real_directories, "%s",
             answer->facts.real_directories ? answer->facts.real_directories : "");
    for (size_t i = 0; i < sizeof answer->facts.missing / sizeof *answer->facts.missing && answer->facts.missing[i];
         i++)
        snprintf(answer->missing[answer->missing_count++], sizeof answer->missing[0], "%s", answer->facts.missing[i]);
    lab_destroy(lab);
}

/* ---- the table ---- */

/* The columns a text takes, counting UTF-8 characters; ours are all one wide. */
static unsigned columns(const char *text, size_t bytes)
{
    unsigned n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

/* Print @text from column @at on, broken at spaces, further lines starting at column @indent. */
static void print_wrapped(const struct doctor *doctor, unsigned at, unsigned indent, const char *text)
{
    while (*text) {
        size_t space = strspn(text, " "), word = strcspn(text + space, " ");
        unsigned wide = columns(text, space + word);
        if (at + wide > doctor->width && at > indent) {
            printf("\n%*s", (int)indent, "");
            at = indent;
            text += space;
            wide -= (unsigned)space;
            space = 0;
        }
        printf("%.*s", (int)(space + word), text);
        at += wide;
        text += space + word;
    }
    putchar('\n');
}

static void print_heading(const struct doctor *doctor, const char *heading)
{
    printf("\n%s%s%s\n", doctor->colour ? "\033[1m" : "", heading, doctor->colour ? "\033[0m" : "");
}

#define NAME_COLUMN 11
#define TEXT_COLUMN 27

/* "  ✓ yes    NAME            TEXT" */
static void print_row(const struct doctor *doctor, enum host_answer answer, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void print_row(const struct doctor *doctor, enum host_answer answer, const char *name, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const struct look *look = &looks[answer];
    printf("  %s%s %-6s%s %-15s ", doctor->colour ? look->colour : "", doctor->utf8 ? look->mark : look->ascii,
           look->word, doctor->colour ? "\033[0m" : "", name);
    print_wrapped(doctor, TEXT_COLUMN, TEXT_COLUMN, text);
}

static void print_feature(struct doctor *doctor, const struct host_feature *feature)
{
    const struct doctor_answer *answer = doctor_ask(&doctor->answers, feature);
    end_progress(doctor);
    print_row(doctor, answer->answer, feature->name, "%s: %s", feature->what, answer->found);
    if (answer->answer == HOST_YES)
        return;
    char brings[512], line[600];
    host_brings(feature, brings, sizeof brings);
    snprintf(line, sizeof line, "%s: %s", feature->optional ? "if you want it" : "what brings it", brings);
    printf("%*s", TEXT_COLUMN, "");
    print_wrapped(doctor, TEXT_COLUMN, TEXT_COLUMN + 2, line);
}

static void print_lab(const struct doctor *doctor, const struct lab_answer *lab)
{
    const struct lab_facts *facts = &lab->facts;
    print_heading(doctor, "The lab this gives");
    if (!lab->built) {
        print_row(doctor, HOST_NO, "lab", "%s", lab->err.message);
        return;
    }
    print_row(doctor, HOST_YES, "lab", "%s, %s", facts->rootless ? "without root" : "as root",
              facts->whole_root ? "all of / under one overlay" : "its root put together from single directories");
    if (facts->id_count > 1)
        print_row(doctor, HOST_YES, "user ids", "%u of its own, %u to %u outside", facts->id_count, facts->id_base,
                  facts->id_base + facts->id_count - 1);
    else
        print_row(doctor, HOST_PARTLY, "user ids", "one only: programs that change the user fail");
    if (facts->disk_bytes)
        print_row(doctor, HOST_YES, "disk", "its writes end at %llu MiB", (unsigned long long)facts->disk_bytes >> 20);
    else
        print_row(doctor, HOST_PARTLY, "disk", "its writes are not limited: they go to a directory of yours");
    if (facts->memory_bytes)
        print_row(doctor, HOST_YES, "memory", "limited to %llu MiB", (unsigned long long)facts->memory_bytes >> 20);
    else
        print_row(doctor, HOST_NO, "memory",
                  "not limited: a memory hog, or a tmpfs filled up, is felt by the whole machine");
    if (facts->pids)
        print_row(doctor, facts->pids_by_rlimit ? HOST_PARTLY : HOST_YES, "processes", "limited to %u%s", facts->pids,
                  facts->pids_by_rlimit ? ", by a resource limit" : "");
    else
        print_row(doctor, HOST_NO, "processes", "not limited: lessons leave the fork bomb out");
    print_row(doctor, *lab->real_directories ? HOST_YES : HOST_NO, "overlays in it", "upper layers may lie in: %s",
              *lab->real_directories ? lab->real_directories : "nowhere");
    for (size_t i = 0; i < lab->missing_count; i++)
        print_row(doctor, HOST_PARTLY, "without", "%s", lab->missing[i]);
}

static void print_lessons(const struct doctor *doctor, const struct doctor_lesson *lessons, int count,
                          const struct err *err)
{
    print_heading(doctor, "Lessons");
    if (count < 0)
        print_row(doctor, HOST_NO, "lessons", "%s", err->message);
    for (int i = 0; i < count; i++) {
        const struct doctor_lesson *lesson = &lessons[i];
        char number[16];
        snprintf(number, sizeof number, "%d", lesson->number);
        if (lesson->why)
            print_row(doctor, HOST_NO, number, "%s: %s", lesson->title, lesson->why);
        else if (lesson->answer == HOST_YES)
            print_row(doctor, HOST_YES, number, "%s", lesson->title);
        else
            print_row(doctor, lesson->answer, number, "%s: %s not here: %s", lesson->title,
                      lesson->answer == HOST_NO ? "what it needs is" : "what some of its steps need is", lesson->lacks);
    }
}

/* ---- JSON ---- */

static json_t *feature_json(struct doctor *doctor, const struct host_feature *feature)
{
    const struct doctor_answer *answer = doctor_ask(&doctor->answers, feature);
    char brings[512];
    host_brings(feature, brings, sizeof brings);
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "name", feature->name, "what", feature->what, "group",
                               feature->group, "answer", looks[answer->answer].word, "found", answer->found, "optional",
                               feature->optional);
    if (answer->answer != HOST_YES)
        json_object_set_new(object, "brings", json_string(brings));
    return object;
}

static json_t *lab_json(const struct lab_answer *lab)
{
    const struct lab_facts *facts = &lab->facts;
    if (!lab->built)
        return json_pack("{s:b, s:s}", "built", 0, "why", lab->err.message);
    json_t *missing = json_array();
    for (size_t i = 0; i < lab->missing_count; i++)
        json_array_append_new(missing, json_string(lab->missing[i]));
    return json_pack("{s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:b, s:s, s:o}", "built", 1, "rootless", facts->rootless,
                     "whole_root", facts->whole_root, "ids", (json_int_t)facts->id_count, "disk_bytes",
                     (json_int_t)facts->disk_bytes, "memory_bytes", (json_int_t)facts->memory_bytes, "pids",
                     (json_int_t)facts->pids, "pids_by_rlimit", facts->pids_by_rlimit, "real_directories",
                     lab->real_directories, "missing", missing);
}

static json_t *lessons_json(const struct doctor_lesson *lessons, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        json_t *object = json_pack("{s:i, s:s, s:s, s:s}", "number", lessons[i].number, "title", lessons[i].title,
                                   "path", lessons[i].path, "answer", looks[lessons[i].answer].word);
        if (lessons[i].lacks && *lessons[i].lacks)
            json_object_set_new(object, "lacks", json_string(lessons[i].lacks));
        if (lessons[i].why)
            json_object_set_new(object, "why", json_string(lessons[i].why));
        json_array_append_new(list, object);
    }
    return list;
}

static int print_json(json_t *object)
{
    int failed = json_dumpf(object, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(object);
    return failed < 0 || fflush(stdout) != 0 ? 1 : 0;
}

/* ---- the command ---- */

static int examine_all(struct doctor *doctor)
{
    json_t *features = doctor->json ? json_array() : NULL;
    for (size_t i = 0; i < host_feature_count; i++) {
        if (features) {
            json_array_append_new(features, feature_json(doctor, &host_features[i]));
            continue;
        }
        if (i == 0 || strcmp(host_features[i].group, host_features[i - 1].group) != 0)
            print_heading(doctor, host_features[i].group);
        print_feature(doctor, &host_features[i]);
    }
    struct lab_answer lab = { 0 };
    if (!doctor->no_lab)
        build_lab(doctor, &lab);
    struct doctor_lesson *lessons = NULL;
    struct err err = { 0 };
    int count = doctor_lessons(&doctor->answers, &lessons, &err);
    end_progress(doctor);
    int status = lab.tried && !lab.built ? EXIT_MACHINE : 0;
    if (features) {
        json_t *all = json_pack("{s:o, s:o}", "features", features, "lessons", lessons_json(lessons, count));
        if (lab.tried)
            json_object_set_new(all, "lab", lab_json(&lab));
        if (print_json(all) != 0)
            status = 1;
    } else {
        if (lab.tried)
            print_lab(doctor, &lab);
        print_lessons(doctor, lessons, count, &err);
    }
    doctor_lessons_free(lessons, count < 0 ? 0 : (size_t)count);
    return status;
}

static int examine_some(struct doctor *doctor, char **names)
{
    int status = 0;
    for (char **name = names; *name; name++)
        if (!host_feature_find(*name)) {
            fprintf(stderr, "teachroot doctor: no feature `%s`; `teachroot doctor --help` lists them\n", *name);
            status = EXIT_USAGE;
        }
    if (status)
        return status;
    json_t *features = doctor->json ? json_array() : NULL;
    for (char **name = names; *name; name++) {
        const struct host_feature *feature = host_feature_find(*name);
        if (features)
            json_array_append_new(features, feature_json(doctor, feature));
        else
            print_feature(doctor, feature);
        if (doctor_ask(&doctor->answers, feature)->answer == HOST_NO)
            status = EXIT_MACHINE;
    }
    if (features && print_json(json_pack("{s:o}", "features", features)) != 0)
        return 1;
    return status;
}

static int help(struct doctor *doctor)
{
    puts("usage: teachroot doctor [--json] [--no-lab] [FEATURE…]\n"
         "\n"
         "Tries what lessons need on this machine, and says of what is missing what would bring it. Leaves nothing "
         "behind\n"
         "and sends nothing to the network.\n"
         "\n"
         "  --json     for programs\n"
         "  --no-lab   do not build a lab to see what it is like\n"
         "  FEATURE    only these, as lessons name them in `requires:`\n"
         "\n"
         "Exit status: 0 all asked for is there (without names: a lab can be built); 3 it is not; 2 wrong usage.\n"
         "\n"
         "Features:");
    for (size_t i = 0; i < host_feature_count; i++) {
        printf("  %-15s ", host_features[i].name);
        print_wrapped(doctor, 18, 18, host_features[i].what);
    }
    return 0;
}

static unsigned terminal_width(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 60)
        return isatty(STDOUT_FILENO) ? 80 : 120;
    return size.ws_col < 140 ? size.ws_col : 140;
}

int doctor_main(int argc, char **argv)
{
    static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                                             { "no-lab", no_argument, NULL, 'l' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    const char *no_colour = getenv("NO_COLOR");
    setlocale(LC_CTYPE, "");
    struct doctor doctor = {
        .answers = { .list = calloc(host_feature_count, sizeof *doctor.answers.list),
                     .about_to_try = say_progress,
                     .data = &doctor },
        .colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour),
        .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
        .width = terminal_width(),
    };
    if (!doctor.answers.list) {
        fprintf(stderr, "teachroot doctor: out of memory\n");
        return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &doctor.start);
    int status = -1;
    opterr = 0;
    optind = 0; /* the program's own options were read before */
    for (int option; status < 0 && (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (option == 'j')
            doctor.json = true;
        else if (option == 'l')
            doctor.no_lab = true;
        else if (option == 'h')
            status = help(&doctor);
        else {
            fprintf(stderr, "teachroot doctor: no such option `%s`: `teachroot doctor --help` lists them\n",
                    argv[optind > 1 ? optind - 1 : 1]);
            status = EXIT_USAGE;
        }
    }
    if (status < 0)
        status = argv[optind] ? examine_some(&doctor, argv + optind) : examine_all(&doctor);
    free(doctor.answers.list);
    if (status == 0 && fflush(stdout) != 0)
        return 1;
    return status;
}
