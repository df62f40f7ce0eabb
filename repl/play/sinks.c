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

struct sink_file {
    struct output output;
    char *path;
    FILE *file;
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
static char *stem_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return strndup(name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

int sinks_check(const struct run_options *options, struct lesson *const *lessons, size_t count, struct err *err)
{
    for (size_t i = 0; i < options->format_count && !options->directory; i++)
        if (options->formats[i]->single && count > 1)
            return err_say(err, EINVAL, "a %s is of one lesson: give one, or a directory for a file each (-o DIR)",
                           options->formats[i]->name);
    for (size_t i = 0; i < count && options->directory; i++)
        for (size_t k = 0; k < i; k++) {
            cleanup_free char *one = stem_of(lessons[k]->path), *other = stem_of(lessons[i]->path);
            if (one && other && strcmp(one, other) == 0)
                return err_say(err, EINVAL,
                               "`%s` and `%s` would be written to files of the same name: play one of them",
                               lessons[k]->path, lessons[i]->path);
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
    setvbuf(file->file, NULL, _IOFBF, BUFFER);
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
    if (fflush(file->file) != 0 || ferror(file->file))
        return err_set(err, errno ? errno : EIO, "write `%s`", file->path);
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
    sink->counts = (struct run_counts){ 0 };
    if (sink->format->begin)
        sink->format->begin(sink, steps);
}

static void end(struct run_sink *sink, bool whole)
{
    if (whole && sink->format->end)
        sink->format->end(sink);
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
        cleanup_free char *below = NULL;
        if (asprintf(&below, "%s/.", options->directory) < 0)
            return err_set(err, ENOMEM, "write to `%s`", options->directory);
        if (make_directories_above(below, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < options->format_count; i++) {
        struct run_sink *sink = &run->sinks[run->sink_count++];
        *sink = (struct run_sink){ .run = run, .format = options->formats[i] };
        if (to_file(sink))
            continue;
        sink->out = stdout;
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
        cleanup_free char *stem = stem_of(lesson->path);
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
        if (sink->out)
            end(sink, whole);
        if (close_files(sink->files, whole, err) < 0)
            result = -1;
        sink->files = NULL;
        sink->out = NULL;
    }
    return result;
}

void sinks_close(struct run *run, bool whole)
{
    for (size_t i = 0; i < run->sink_count; i++)
        if (!to_file(&run->sinks[i]))
            end(&run->sinks[i], whole);
    fflush(stdout);
    free(run->sinks);
    run->sinks = NULL;
    run->sink_count = 0;
}

void sinks_flush(struct run *run)
{
    for (size_t i = 0; i < run->sink_count; i++)
        if (run->sinks[i].out == stdout)
            fflush(stdout);
}
