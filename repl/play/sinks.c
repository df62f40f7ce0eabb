#include "repl/play/sinks.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER (256 * 1024)

static char standard_buffer[BUFFER]; /* of standard output, which is open as long as the program runs */

struct sink_file {
    struct output output;
    char *path;
    FILE *file;
    char *buffer; /* of file */
    struct sink_file *next;
};

/* Of one lesson. */
struct run_sink_files {
    char *stem; /* their path up to the suffix */
    struct sink_file *first;
    struct err err; /* the first that could not be made */
};

static bool to_file(const struct run_sink *sink)
{
    return sink->run->options->directory && sink->format->suffix;
}

/* `lessons/04-namespaces.md` is `04-namespaces`. */
char *run_lesson_name(const struct lesson *lesson)
{
    const char *slash = strrchr(lesson->path, '/');
    const char *name = slash ? slash + 1 : lesson->path;
    const char *dot = strrchr(name, '.');
    return strndup(name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

/* `teachroot play -o lessons --format md lessons/04.md` would end with the lesson gone. */
static int check_kept(const struct run_options *options, const struct lesson *lesson, struct err *err)
{
    cleanup_free char *name = run_lesson_name(lesson);
    struct stat own, there;
    if (!name || stat(lesson->path, &own) < 0)
        return 0;
    for (size_t i = 0; i < options->format_count; i++) {
        char *path = NULL;
        if (!options->formats[i]->suffix ||
            asprintf(&path, "%s/%s%s", options->directory, name, options->formats[i]->suffix) < 0)
            continue;
        bool same = stat(path, &there) == 0 && there.st_dev == own.st_dev && there.st_ino == own.st_ino;
        if (same)
            err_say(err, EINVAL, "`%s` is the lesson itself, and would be written over: give -o another directory",
                    path);
        free(path);
        if (same)
            return -1;
    }
    return 0;
}

int sinks_check(const struct run_options *options, struct lesson *const *lessons, size_t count, struct err *err)
{
    for (size_t i = 0; i < options->format_count && !options->directory; i++)
        if (options->formats[i]->single && count > 1)
            return err_say(err, EINVAL, "a %s is of one lesson: give one, or a directory for a file each (-o DIR)",
                           options->formats[i]->name);
    for (size_t i = 0; i < count && options->directory; i++) {
        if (check_kept(options, lessons[i], err) < 0)
            return -1;
        for (size_t k = 0; k < i; k++) {
            cleanup_free char *one = run_lesson_name(lessons[k]), *other = run_lesson_name(lessons[i]);
            if (one && other && strcmp(one, other) == 0)
                return err_say(err, EINVAL,
                               "`%s` and `%s` would be written to files of the same name: play one of them",
                               lessons[k]->path, lessons[i]->path);
        }
    }
    return 0;
}

static FILE *add_file(struct run_sink_files *files, const char *suffix)
{
    struct sink_file *file = calloc(1, sizeof *file);
    if (!file || asprintf(&file->path, "%s%s", files->stem, suffix) < 0) {
        free(file);
        err_set(&files->err, ENOMEM, "write `%s%s`", files->stem, suffix);
        return NULL;
    }
    if (output_open(&file->output, file->path, 0666, &files->err) == 0) {
        int fd = fcntl(file->output.fd, F_DUPFD_CLOEXEC, 3);
        file->file = fd < 0 ? NULL : fdopen(fd, "w");
        if (!file->file) {
            err_set(&files->err, errno, "write `%s`", file->path);
            if (fd >= 0)
                close(fd);
            output_close(&file->output);
        }
    }
    if (!file->file) {
        free(file->path);
        free(file);
        return NULL;
    }
    file->buffer = malloc(BUFFER); /* without one of ours, stdio takes its own size */
    if (file->buffer)
        setvbuf(file->file, file->buffer, _IOFBF, BUFFER);
    struct sink_file **last = &files->first;
    while (*last)
        last = &(*last)->next;
    *last = file;
    return file->file;
}

FILE *run_sink_file(struct run_sink *sink, const char *suffix)
{
    return sink->files ? add_file(sink->files, suffix) : NULL;
}

static int commit(struct sink_file *file, struct err *err)
{
    errno = 0;
    if (fflush(file->file) != 0 || ferror(file->file))
        return err_set(err, errno ? errno : ENOSPC, "write `%s`", file->path);
    return output_commit(&file->output, err);
}

/* Every one of them is closed; with @whole each gets its name, if nothing failed. */
static int close_files(struct run_sink_files *files, bool whole, struct err *err)
{
    int result = 0;
    if (files->err.code) {
        *err = files->err;
        result = -1;
    }
    for (struct sink_file *file = files->first, *next; file; file = next) {
        next = file->next;
        if (whole && result == 0) {
            result = commit(file, err);
            if (result == 0)
                printf("wrote %s\n", file->path);
        }
        fclose(file->file);
        free(file->buffer);
        output_close(&file->output);
        free(file->path);
        free(file);
    }
    free(files->stem);
    free(files);
    return result;
}

static void begin(struct run_sink *sink, size_t steps)
{
    sink->number = 0;
    sink->failed = false;
    sink->counts = (struct run_counts){ 0 };
    if (sink->format->begin)
        sink->format->begin(sink, steps);
}

static void end(struct run_sink *sink)
{
    if (sink->format->end)
        sink->format->end(sink);
    sink->failed |= sink->format->drop && !sink->data; /* there was no memory for what it keeps */
}

static void drop(struct run_sink *sink)
{
    if (sink->format->drop)
        sink->format->drop(sink);
    sink->data = NULL;
}

int sinks_open(struct run *run, size_t steps, struct err *err)
{
    const struct run_options *options = run->options;
    run->sinks = calloc(options->format_count + 1, sizeof *run->sinks);
    if (!run->sinks)
        return err_set(err, ENOMEM, "write what happens");
    if (options->directory) {
        if (make_whole_path(options->directory, 0777, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < options->format_count; i++) {
        struct run_sink *sink = &run->sinks[run->sink_count++];
        *sink = (struct run_sink){ .run = run, .format = options->formats[i] };
        if (to_file(sink))
            continue;
        sink->out = stdout;
        if (sink->format->whole)
            setvbuf(stdout, standard_buffer, _IOFBF, sizeof standard_buffer); /* what is to be seen is flushed */
        begin(sink, steps);
    }
    return 0;
}

int sinks_begin(struct run *run, const struct lesson *lesson, struct err *err)
{
    for (size_t i = 0; i < run->sink_count; i++) {
        struct run_sink *sink = &run->sinks[i];
        if (!to_file(sink))
            continue;
        cleanup_free char *stem = run_lesson_name(lesson);
        sink->files = calloc(1, sizeof *sink->files);
        if (!stem || !sink->files || asprintf(&sink->files->stem, "%s/%s", run->options->directory, stem) < 0) {
            free(sink->files);
            sink->files = NULL;
            return err_set(err, ENOMEM, "write of `%s`", lesson->path);
        }
        sink->out = add_file(sink->files, sink->format->suffix);
        if (!sink->out) {
            *err = sink->files->err;
            return -1;
        }
        begin(sink, lesson->step_count);
    }
    return 0;
}

int sinks_end(struct run *run, bool whole, struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < run->sink_count; i++) {
        struct run_sink *sink = &run->sinks[i];
        if (!sink->files)
            continue;
        if (sink->out && whole)
            end(sink);
        if (sink->out)
            drop(sink);
        if (whole && sink->failed && !sink->files->err.code)
            err_set(&sink->files->err, ENOMEM, "write `%s%s`", sink->files->stem, sink->format->suffix);
        if (close_files(sink->files, whole, err) < 0)
            result = -1;
        sink->files = NULL;
        sink->out = NULL;
    }
    return result;
}

int sinks_close(struct run *run, bool whole, struct err *err)
{
    int result = 0;
    for (size_t i = 0; whole && i < run->sink_count; i++)
        if (!to_file(&run->sinks[i]))
            end(&run->sinks[i]);
    for (size_t i = 0; i < run->sink_count; i++) { /* all have said what they have to say */
        if (to_file(&run->sinks[i]))
            continue;
        drop(&run->sinks[i]);
        if (whole && run->sinks[i].failed)
            result = err_set(err, ENOMEM, "write to standard output");
    }
    errno = 0;
    if (run->sink_count && (fflush(stdout) != 0 || ferror(stdout)))
        result = err_set(err, errno ? errno : run->write_error, "write to standard output");
    free(run->sinks);
    run->sinks = NULL;
    run->sink_count = 0;
    return result;
}

void sinks_flush(struct run *run)
{
    errno = 0;
    for (size_t i = 0; i < run->sink_count; i++)
        if (run->sinks[i].out == stdout && fflush(stdout) != 0 && !run->write_error)
            run->write_error = errno;
}

bool sinks_broken(const struct run *run)
{
    for (size_t i = 0; i < run->sink_count; i++)
        if (run->sinks[i].out && ferror(run->sinks[i].out))
            return true;
    return false;
}
