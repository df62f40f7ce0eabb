/* What many learners' progress files say together. The files are only read: they may be the learners' own. */
#include "repl/play/report.h"

#include "engine/base/cleanup.h"
#include "repl/lesson/curriculum.h"
#include "repl/lesson/lesson.h"
#include "repl/lesson/progress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOME_DAMAGED = 1, WRONG_USAGE, CANNOT };
enum { MOST_DEPTH = 16, MOST_FILES = 100000, MOST_LESSONS = 1000 };

/* While it is made: the lessons with the hashes that passed steps are told by, and the files. */
struct making {
    struct report report;
    struct lesson **lessons;    /* as report.lessons; NULL where a file has one that is in no curriculum */
    struct progress **progress; /* as report.learners */
    bool no_memory;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* One more element at the end of *@list, zeroed; NULL: no memory. */
static void *grow(struct making *making, void *list_pointer, size_t count, size_t size)
{
    void **list = list_pointer, *grown = reallocarray(*list, count + 1, size);
    if (!grown) {
        making->no_memory = true;
        return NULL;
    }
    *list = grown;
    return memset((char *)grown + count * size, 0, size);
}

static void add_damaged(struct making *making, const char *path, const char *why)
{
    struct report *report = &making->report;
    struct report_damaged *damaged = grow(making, &report->damaged, report->damaged_count, sizeof *damaged);
    if (!damaged)
        return;
    report->damaged_count++;
    damaged->path = strdup(path);
    damaged->why = strdup(why);
    making->no_memory |= !damaged->path || !damaged->why;
}

/* `alice.json` is alice's; `alice/progress.json` too, and so is `alice/.local/state/teachroot/progress.json`: directories that every learner has name nobody. */
static char *learner_name(const char *path)
{
    static const char *const nobody[] = { "teachroot", "state", ".local", ".", "home" };
    const char *file = base_name(path);
    size_t len = strlen(file);
    if (len > 5 && strcmp(file + len - 5, ".json") == 0)
        len -= 5;
    if (len != strlen("progress") || strncmp(file, "progress", len) != 0)
        return strndup(file, len);
    for (const char *end = file; end > path;) {
        const char *from = end - 1; /* its slash */
        while (from > path && from[-1] != '/')
            from--;
        size_t part = (size_t)(end - 1 - from);
        bool known = part == 0;
        for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++)
            known |= strlen(nobody[i]) == part && strncmp(nobody[i], from, part) == 0;
        if (!known)
            return strndup(from, part);
        end = from;
    }
    return strndup(file, len);
}

static void add_file(struct making *making, const char *path)
{
    struct report *report = &making->report;
    struct err err = { 0 };
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        add_damaged(making, path, "it is no file");
        return;
    }
    struct progress *progress = progress_read(path, &err);
    if (!progress) {
        add_damaged(making, path, err.message);
        return;
    }
    if (progress_lesson(progress, MOST_LESSONS)) {
        add_damaged(making, path, "it names more lessons than there can be");
        progress_free(progress);
        return;
    }
    struct progress **place = grow(making, &making->progress, report->learner_count, sizeof *place);
    struct report_learner *learner = grow(making, &report->learners, report->learner_count, sizeof *learner);
    if (!place || !learner) {
        progress_free(progress);
        return;
    }
    *place = progress;
    report->learner_count++;
    learner->path = strdup(path);
    learner->name = learner_name(path);
    making->no_memory |= !learner->path || !learner->name;
}

static bool is_json(const char *name)
{
    size_t len = strlen(name);
    return len > 5 && strcmp(name + len - 5, ".json") == 0;
}

/* Links are not followed: what is below is what was copied there. */
static void add_directory(struct making *making, const char *path, int depth)
{
    struct dirent **names = NULL;
    int count = scandir(path, &names, NULL, alphasort);
    if (count < 0)
        add_damaged(making, path, strerror(errno));
    for (int i = 0; i < count; i++) {
        cleanup_free char *below = NULL;
        struct stat st;
        const char *name = names[i]->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && asprintf(&below, "%s/%s", path, name) >= 0 &&
            lstat(below, &st) == 0 && making->report.learner_count < MOST_FILES) {
            if (S_ISDIR(st.st_mode) && depth < MOST_DEPTH)
                add_directory(making, below, depth + 1);
            else if (S_ISREG(st.st_mode) && is_json(name))
                add_file(making, below);
        }
        free(names[i]);
    }
    free(names);
}

static void add_lesson(struct making *making, int number, const char *file, struct lesson *lesson)
{
    struct report *report = &making->report;
    struct lesson **place = grow(making, &making->lessons, report->lesson_count, sizeof(struct lesson *));
    struct report_lesson *listed = grow(making, &report->lessons, report->lesson_count, sizeof *listed);
    const char **titles = calloc(lesson ? lesson->step_count + 1 : 1, sizeof *titles);
    if (!place || !listed || !titles) {
        making->no_memory = true;
        lesson_free(lesson);
        free(titles);
        return;
    }
    report->lesson_count++;
    *place = lesson;
    *listed = (struct report_lesson){ .number = number,
                                      .file = lesson ? base_name(lesson->path) : file,
                                      .title = lesson && lesson->title ? lesson->title : file,
                                      .steps = titles,
                                      .step_count = lesson ? lesson->step_count : 0 };
    for (size_t i = 0; i < listed->step_count; i++)
        titles[i] = lesson->steps[i].title;
}

static bool has_lesson(const struct report *report, const char *file)
{
    for (size_t i = 0; i < report->lesson_count; i++)
        if (strcmp(report->lessons[i].file, file) == 0)
            return true;
    return false;
}

/* The curriculum's, then those that only the learners' files name. */
static void list_lessons(struct making *making, const struct curriculum *curriculum)
{
    for (size_t i = 0; i < curriculum->count; i++) {
        struct lesson_mistakes mistakes = { 0 };
        struct err err;
        struct lesson *lesson = lesson_load(curriculum->entries[i].path, &mistakes, &err);
        lesson_mistakes_free(&mistakes);
        add_lesson(making, curriculum->entries[i].number, base_name(curriculum->entries[i].path), lesson);
    }
    for (size_t i = 0; i < making->report.learner_count; i++) {
        const char *file;
        for (size_t k = 0; (file = progress_lesson(making->progress[i], k)); k++)
            if (!has_lesson(&making->report, file))
                add_lesson(making, -1, file, NULL);
    }
}

/* A step counts as `teachroot lessons` counts it: an edited one has not passed. Of a lesson that is not here, all that passed do. */
static struct report_cell cell_of(const struct making *making, const struct progress *progress, size_t lesson)
{
    const struct report_lesson *listed = &making->report.lessons[lesson];
    const struct lesson *known = making->lessons[lesson];
    struct report_cell cell = { .time = progress_time(progress, listed->file) };
    unsigned from = progress_step(progress, listed->file);
    if (!known) {
        cell.passed = progress_passed_steps(progress, listed->file);
        cell.step = from;
        return cell;
    }
    for (unsigned i = 0; i < known->step_count; i++) {
        char hash[17];
        /* From the step last worked on to the end, then from the first. */
        unsigned step = (unsigned)((from ? from - 1 : 0) + i) % (unsigned)known->step_count + 1;
        step_hash(&known->steps[step - 1], hash);
        if (progress_passed(progress, listed->file, step, hash))
            cell.passed++;
        else if (!cell.step && (from || progress_passed_steps(progress, listed->file)))
            cell.step = step;
    }
    return cell;
}

static void fill_learner(struct making *making, size_t i)
{
    struct report *report = &making->report;
    struct report_learner *learner = &report->learners[i];
    learner->at = -1;
    learner->cells = calloc(report->lesson_count + 1, sizeof *learner->cells);
    if (!learner->cells) {
        making->no_memory = true;
        return;
    }
    for (size_t k = 0; k < report->lesson_count; k++) {
        struct report_cell *cell = &learner->cells[k];
        *cell = cell_of(making, making->progress[i], k);
        report->lessons[k].begun |= cell->passed || cell->step;
        if (cell->time > learner->time)
            learner->time = cell->time;
        if (strcmp(progress_last(making->progress[i]), report->lessons[k].file) == 0)
            learner->at = (int)k;
    }
}

static int by_learners(const void *a, const void *b)
{
    const struct report_stuck *x = a, *y = b;
    if (x->learners != y->learners)
        return x->learners < y->learners ? 1 : -1;
    if (x->lesson != y->lesson)
        return x->lesson < y->lesson ? -1 : 1;
    return x->step < y->step ? -1 : x->step > y->step;
}

static void count_stuck(struct making *making, size_t lesson, unsigned step)
{
    struct report *report = &making->report;
    for (size_t i = 0; i < report->stuck_count; i++)
        if (report->stuck[i].lesson == lesson && report->stuck[i].step == step) {
            report->stuck[i].learners++;
            return;
        }
    struct report_stuck *stuck = grow(making, &report->stuck, report->stuck_count, sizeof *stuck);
    if (!stuck)
        return;
    report->stuck_count++;
    *stuck = (struct report_stuck){ lesson, step, 1 };
}

struct named {
    struct report_learner learner;
    struct progress *progress;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->learner.name, y->learner.name);
    return order ? order : strcmp(x->learner.path, y->learner.path);
}

static void sort_learners(struct making *making)
{
    struct report *report = &making->report;
    cleanup_free struct named *named = calloc(report->learner_count + 1, sizeof *named);
    if (!named) {
        making->no_memory = true;
        return;
    }
    for (size_t i = 0; i < report->learner_count; i++)
        named[i] = (struct named){ report->learners[i], making->progress[i] };
    qsort(named, report->learner_count, sizeof *named, by_name);
    for (size_t i = 0; i < report->learner_count; i++) {
        report->learners[i] = named[i].learner;
        making->progress[i] = named[i].progress;
    }
    /* Two of one name are told apart by where they are. */
    for (size_t i = 0; i < report->learner_count;) {
        size_t end = i + 1;
        while (end < report->learner_count && strcmp(named[i].learner.name, named[end].learner.name) == 0)
            end++;
        for (size_t k = i; end > i + 1 && k < end; k++) {
            char *path = strdup(report->learners[k].path);
            if (!path)
                continue;
            free(report->learners[k].name);
            report->learners[k].name = path;
        }
        i = end;
    }
}

static void fill(struct making *making)
{
    struct report *report = &making->report;
    sort_learners(making);
    for (size_t i = 0; !making->no_memory && i < report->learner_count; i++) {
        fill_learner(making, i);
        const struct report_learner *learner = &report->learners[i];
        if (learner->at >= 0 && learner->cells && learner->cells[learner->at].step)
            count_stuck(making, (size_t)learner->at, learner->cells[learner->at].step);
    }
    if (report->stuck_count)
        qsort(report->stuck, report->stuck_count, sizeof *report->stuck, by_learners);
}

static void making_free(struct making *making)
{
    struct report *report = &making->report;
    for (size_t i = 0; i < report->lesson_count; i++) {
        free(report->lessons[i].steps);
        lesson_free(making->lessons[i]);
    }
    for (size_t i = 0; i < report->learner_count; i++) {
        free(report->learners[i].name);
        free(report->learners[i].path);
        free(report->learners[i].cells);
        progress_free(making->progress[i]);
    }
    for (size_t i = 0; i < report->damaged_count; i++) {
        free(report->damaged[i].path);
        free(report->damaged[i].why);
    }
    free(report->lessons);
    free(report->learners);
    free(report->damaged);
    free(report->stuck);
    free(making->lessons);
    free(making->progress);
}

static const struct report_format *find_format(const char *name)
{
    for (const struct report_format *format = report_formats; format->name; format++)
        if (strcmp(format->name, name) == 0)
            return format;
    return NULL;
}

static void print_usage(FILE *out)
{
    fprintf(
        out,
        "usage: teachroot report [--format FORMAT] FILE|DIRECTORY…\n\n"
        "Say how far the learners are whose progress files (`progress.json`, see `teachroot progress export`) are\n"
        "named, or are somewhere below a DIRECTORY. A learner's name is that of the file, or of the directory it is\n"
        "in. The files are only read.\n\n"
        "  --format FORMAT  ");
    for (const struct report_format *format = report_formats; format->name; format++)
        fprintf(out, "%s%-5s %s\n", format == report_formats ? "" : "                   ", format->name, format->what);
    fprintf(out, "  -h, --help       this text\n\n"
                 "Exit status: 0; 1 if some file is damaged, which is named and left out, 2 on wrong usage.\n");
}

static int make(struct making *making, char **paths, const struct report_format *format)
{
    struct curriculum curriculum;
    struct err err = { 0 };
    struct stat st;
    for (; *paths; paths++)
        if (stat(*paths, &st) == 0 && S_ISDIR(st.st_mode))
            add_directory(making, *paths, 0);
        else
            add_file(making, *paths);
    if (curriculum_load(&curriculum, &err) < 0) {
        fprintf(stderr, "teachroot report: %s\n", err.message);
        curriculum = (struct curriculum){ 0 };
    }
    list_lessons(making, &curriculum);
    curriculum_free(&curriculum);
    fill(making);
    for (size_t i = 0; i < making->report.damaged_count; i++)
        fprintf(stderr, "teachroot report: left out: %s: %s\n", making->report.damaged[i].path,
                making->report.damaged[i].why);
    if (making->no_memory)
        errno = ENOMEM;
    if (making->no_memory || format->print(&making->report, stdout) < 0 || fflush(stdout) != 0) {
        fprintf(stderr, "teachroot report: it cannot be written: %s\n", strerror(errno));
        return CANNOT;
    }
    return making->report.damaged_count ? SOME_DAMAGED : 0;
}

int report_main(int argc, char **argv)
{
    static const struct option options[] = { { "format", required_argument, NULL, 'f' },
                                             { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    const struct report_format *format = report_formats;
    struct making making = { 0 };
    opterr = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, ":f:h", options, NULL)) != -1;)
        switch (c) {
        case 'f':
            format = find_format(optarg);
            if (format)
                break;
            fprintf(stderr, "teachroot report: no such format `%s`: `teachroot report --help` says which there are\n",
                    optarg);
            return WRONG_USAGE;
        case 'h':
            print_usage(stdout);
            return 0;
        default:
            fprintf(stderr, "teachroot report: %s `%s`: `teachroot report --help` says what there is\n",
                    c == ':' ? "this option needs a value" : "no such option", argv[optind - 1]);
            return WRONG_USAGE;
        }
    if (optind == argc) {
        fprintf(stderr, "teachroot report: whose progress? Name progress files, or a directory that holds them\n");
        return WRONG_USAGE;
    }
    setlocale(LC_ALL, "");
    int status = make(&making, argv + optind, format);
    making_free(&making);
    return status;
}
