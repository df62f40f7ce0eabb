#include "engine/transfer/common.h"

#include "engine/base/cleanup.h"
#include "engine/image/reference.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

int transfer_failed(const char *verb, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fprintf(stderr, "%s: ", verb);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return 1;
}

int transfer_printed(const char *verb)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : transfer_failed(verb, "cannot write to standard output");
}

const char *bytes_text(uint64_t bytes, char text[32])
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    snprintf(text, 32, unit == 0 ? "%.0f %s" : "%.3g %s", value, units[unit]);
    return text;
}

/* --- progress --- */

static int64_t since(const struct timespec *then, struct timespec *now)
{
    clock_gettime(CLOCK_MONOTONIC, now);
    return (int64_t)(now->tv_sec - then->tv_sec) * 1000 + (now->tv_nsec - then->tv_nsec) / 1000000;
}

void progress_start(struct progress *progress, const char *verb, uint64_t total, bool quiet)
{
    *progress = (struct progress){ .verb = verb, .total = total, .quiet = quiet || !isatty(STDERR_FILENO) };
    since(&progress->start, &progress->start);
}

void progress_step(uint64_t bytes, void *data)
{
    struct progress *progress = data;
    struct timespec now;
    char done[32], total[32];
    if (progress->quiet || since(&progress->start, &now) < 1000 ||
        (progress->shown && since(&progress->last, &now) < 100))
        return;
    progress->shown = true;
    progress->last = now;
    if (progress->total)
        fprintf(stderr, "\r\033[K%s: %s of %s", progress->verb, bytes_text(bytes, done),
                bytes_text(progress->total, total));
    else
        fprintf(stderr, "\r\033[K%s: %s", progress->verb, bytes_text(bytes, done));
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}

/* --- files --- */

int transfer_input(const char *path, uint64_t *size, struct err *err)
{
    struct stat st;
    bool standard = !path || strcmp(path, "-") == 0;
    cleanup_close int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(err, errno, "open `%s`", standard ? "standard input" : path);
    if (S_ISDIR(st.st_mode))
        return err_say(err, EISDIR, "`%s` is a directory, not an archive", path);
    *size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    return take_fd(&fd);
}

/* --- images --- */

int transfer_check_name(const char *name, struct err *err)
{
    struct reference reference;
    if (!name)
        return 0;
    if (reference_parse(name, &reference, err) < 0)
        return -1;
    return *reference.digest.text
               ? err_say(err, EINVAL, "`%s`: a digest is what an image is, not a name it can get", name)
               : 0;
}

int transfer_name(struct store *store, const char *name, const struct image *image, struct err *err)
{
    struct reference reference;
    char whole[700];
    if (name && reference_parse(name, &reference, err) < 0)
        return -1;
    if (name)
        reference_full(&reference, whole, sizeof whole);
    return store_set_name(store, name ? whole : NULL, &image->manifest, image->media, image->manifest_size, err);
}

int transfer_make(struct store *store, const struct image_spec *spec, const char *name, struct err *err)
{
    struct image image;
    if (image_create(store, spec, &image, err) < 0)
        return -1;
    int result = transfer_name(store, name, &image, err);
    if (result == 0)
        printf("%s\n", image.config.text);
    image_close(&image);
    return result;
}
