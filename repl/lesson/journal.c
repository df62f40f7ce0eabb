/* The journal's file: lines appended, and the file set aside when it is full. What a line says: journal_lines.c. */
#include "repl/lesson/journal_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 8 /* to lock the file that has the name, while others set it aside */

char *journal_path(const char *progress_path, const char *lesson)
{
    char *path = NULL;
    cleanup_free char *name = NULL;
    if (asprintf(&name, "journal/%s.jsonl", lesson) < 0) {
        name = NULL;
        return NULL;
    }
    if (!progress_path)
        return user_state_path(name);
    const char *slash = strrchr(progress_path, '/');
    int directory = slash ? (int)(slash - progress_path) + 1 : 0;
    return asprintf(&path, "%.*s%s", directory, progress_path, name) < 0 ? NULL : path;
}

struct journal *journal_new(const char *path)
{
    struct journal *journal = calloc(1, sizeof *journal);
    uint64_t number = 0;
    if (!journal)
        return NULL;
    journal->memory = -1;
    journal->path = path ? strdup(path) : NULL;
    if (!path)
        journal->memory = memfd_create("journal", MFD_CLOEXEC);
    if ((path && !journal->path) || (!path && journal->memory < 0)) {
        journal_free(journal);
        return NULL;
    }
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        number = (uint64_t)getpid();
    snprintf(journal->session, sizeof journal->session, "%016llx", (unsigned long long)number);
    return journal;
}

struct journal *journal_of_lesson(const char *progress_path, const char *lesson_path, bool wanted)
{
    const char *slash = strrchr(lesson_path, '/'), *off = getenv("TEACHROOT_JOURNAL");
    if (!wanted || (off && strcmp(off, "off") == 0))
        return journal_new(NULL);
    cleanup_free char *path = journal_path(progress_path, slash ? slash + 1 : lesson_path);
    return path ? journal_new(path) : NULL;
}

void journal_free(struct journal *journal)
{
    if (!journal)
        return;
    if (journal->memory >= 0)
        close(journal->memory);
    free(journal->path);
    free(journal);
}

/* An fd of the file that has the name, locked; -1 with @err. */
static int open_locked(const char *path, struct stat *st, struct err *err)
{
    for (int try = 0; try < TRIES; try++) {
        struct stat named;
        cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && errno != ENOENT)
            return err_set(err, errno, "open `%s`", path);
        if (fd < 0 && make_directories_above(path, err) < 0)
            return -1;
        if (fd < 0)
            continue;
        while (flock(fd, LOCK_EX) < 0)
            if (errno != EINTR)
                return err_set(err, errno, "flock `%s`", path);
        if (fstat(fd, st) == 0 && stat(path, &named) == 0 && named.st_ino == st->st_ino && named.st_dev == st->st_dev)
            return S_ISREG(st->st_mode) ? take_fd(&fd) : err_say(err, EINVAL, "`%s` is no file", path);
    }
    return err_say(err, EAGAIN, "lock `%s`: others keep setting it aside", path);
}

/* The last line may have been torn by a crash: what follows it must not become part of it. */
static bool ends_in_newline(int fd, off_t size)
{
    char last = '\n';
    return size == 0 || (pread(fd, &last, 1, size - 1) == 1 && last == '\n');
}

static int append(int fd, const struct stat *st, const char *line, size_t len, const char *path, struct err *err)
{
    cleanup_free char *whole = NULL;
    int size = asprintf(&whole, "%s%.*s\n", ends_in_newline(fd, st->st_size) ? "" : "\n", (int)len, line);
    if (size < 0) {
        whole = NULL;
        return err_set(err, ENOMEM, "write `%s`", path);
    }
    ssize_t written = write(fd, whole, (size_t)size);
    if (written == size)
        return 0;
    int failed = written < 0 ? errno : ENOSPC;
    if (ftruncate(fd, st->st_size) < 0) /* then the torn line is passed over, as after a crash */
        failed = errno;
    return err_set(err, failed, "write `%s`", path);
}

static int append_in_memory(struct journal *journal, const char *line, size_t len, struct err *err)
{
    struct stat st;
    if (fstat(journal->memory, &st) < 0 || lseek(journal->memory, 0, SEEK_END) < 0)
        return err_set(err, errno, "keep the journal");
    if ((size_t)st.st_size + len > JOURNAL_FILE)
        return 0;
    return append(journal->memory, &st, line, len, "the journal", err);
}

int journal_append(struct journal *journal, const char *line, size_t len, struct err *err)
{
    struct stat st = { 0 };
    if (journal->memory >= 0)
        return append_in_memory(journal, line, len, err);
    cleanup_close int fd = open_locked(journal->path, &st, err);
    if (fd < 0)
        return -1;
    if (st.st_size == 0 || (size_t)st.st_size + len <= JOURNAL_FILE)
        return append(fd, &st, line, len, journal->path, err);
    cleanup_free char *aside = NULL;
    if (asprintf(&aside, "%s.1", journal->path) < 0) {
        aside = NULL;
        return err_set(err, ENOMEM, "write `%s`", journal->path);
    }
    if (rename(journal->path, aside) < 0)
        return err_set(err, errno, "rename `%s` to `%s`", journal->path, aside);
    cleanup_close int fresh = open_locked(journal->path, &st, err);
    return fresh < 0 ? -1 : append(fresh, &st, line, len, journal->path, err);
}

/* What @fd holds, NUL-terminated, malloc'ed. A file that somebody else filled is read up to twice what we would write. */
static char *read_all(int fd, const char *name, struct err *err)
{
    size_t size = 2 * JOURNAL_FILE, len = 0;
    char *text = malloc(size + 1);
    ssize_t n = 0;
    while (text && len < size && (n = pread(fd, text + len, size - len, (off_t)len)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        len += (size_t)n;
    }
    if (!text || n < 0) {
        err_set(err, text ? errno : ENOMEM, "read `%s`", name);
        free(text);
        return NULL;
    }
    text[len] = '\0';
    for (size_t i = 0; i < len; i++)
        if (!text[i])
            text[i] = ' ';
    return text;
}

static int read_file(const char *path, struct journal_record *record, struct err *err)
{
    cleanup_close int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_set(err, errno, "open `%s`", path);
    cleanup_free char *text = read_all(fd, path, err);
    return text ? journal_take_lines(record, text, err) : -1;
}

int journal_read(const struct journal *journal, struct journal_record *record, struct err *err)
{
    *record = (struct journal_record){ 0 };
    int result;
    if (journal->memory >= 0) {
        cleanup_free char *text = read_all(journal->memory, "the journal", err);
        result = text ? journal_take_lines(record, text, err) : -1;
    } else {
        cleanup_free char *aside = NULL;
        if (asprintf(&aside, "%s.1", journal->path) < 0) {
            aside = NULL;
            return err_set(err, ENOMEM, "read `%s`", journal->path);
        }
        result = read_file(aside, record, err) < 0 ? -1 : read_file(journal->path, record, err);
    }
    if (result < 0)
        journal_record_free(record);
    return result;
}
