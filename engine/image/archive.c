#include "engine/image/archive.h"

#include "engine/base/cleanup.h"

#include <string.h>

#define BLOCK ((size_t)64 << 10)

/* --- reading --- */

struct archive_reading {
    struct source data; /* of the entry */
    struct source *from;
    struct archive *archive;
    struct err why; /* of the source, when it failed */
    bool any;       /* it had a byte */
    char block[BLOCK];
};

static la_ssize_t read_block(struct archive *archive, void *data, const void **block)
{
    struct archive_reading *reading = data;
    ssize_t n = reading->from->read(reading->from, reading->block, BLOCK, &reading->why);
    *block = reading->block;
    reading->any |= n > 0;
    if (n < 0)
        archive_set_error(archive, reading->why.code ? reading->why.code : EIO, "%s", reading->why.message);
    return n;
}

/* What libarchive has to say, or the source had. */
static int failed(struct archive_reading *reading, struct err *err)
{
    const char *why = archive_error_string(reading->archive);
    if (reading->why.code) {
        if (err)
            *err = reading->why;
        return -1;
    }
    if (!reading->any)
        return err_say(err, EINVAL, "it is empty: no archive");
    if (why && strstr(why, "Unrecognized"))
        return err_say(err, EINVAL, "it is no tar archive");
    return err_say(err, EIO, "the archive is damaged: %s", why ? why : "it cannot be read");
}

static ssize_t read_data(struct source *source, void *buf, size_t size, struct err *err)
{
    struct archive_reading *reading = (struct archive_reading *)source;
    la_ssize_t n = archive_read_data(reading->archive, buf, size);
    return n < 0 ? failed(reading, err) : (ssize_t)n;
}

static void close_data(struct source *source)
{
}

struct archive_reading *archive_reading_open(struct source *from, struct err *err)
{
    struct archive_reading *reading = calloc(1, sizeof *reading);
    if (!reading || !(reading->archive = archive_read_new())) {
        free(reading);
        err_set(err, ENOMEM, "read an archive");
        return NULL;
    }
    reading->data = (struct source){ read_data, close_data, NULL };
    reading->from = from;
    archive_read_support_format_tar(reading->archive);
    if (archive_read_open(reading->archive, reading, NULL, read_block, NULL) != ARCHIVE_OK) {
        failed(reading, err);
        archive_reading_close(reading);
        return NULL;
    }
    return reading;
}

int archive_reading_next(struct archive_reading *reading, struct archive_entry **entry, struct err *err)
{
    int result = archive_read_next_header(reading->archive, entry);
    if (result == ARCHIVE_EOF)
        return reading->any ? 0 : failed(reading, err);
    /* A warning is of attributes (a name's encoding), which are not used. */
    return result == ARCHIVE_OK || result == ARCHIVE_WARN ? 1 : failed(reading, err);
}

struct source *archive_reading_data(struct archive_reading *reading)
{
    return &reading->data;
}

void archive_reading_close(struct archive_reading *reading)
{
    if (!reading)
        return;
    archive_read_free(reading->archive);
    free(reading);
}

/* --- writing --- */

struct archive_writing {
    struct sink *to;
    struct archive *archive;
    struct err why;
};

static la_ssize_t write_block(struct archive *archive, void *data, const void *block, size_t size)
{
    struct archive_writing *writing = data;
    if (writing->to->write(writing->to, block, size, &writing->why) == 0)
        return (la_ssize_t)size;
    archive_set_error(archive, writing->why.code ? writing->why.code : EIO, "%s", writing->why.message);
    return -1;
}

static int not_written(struct archive_writing *writing, const char *name, struct err *err)
{
    const char *why = archive_error_string(writing->archive);
    if (!writing->why.code)
        return err_say(err, EIO, "write `%s` to the archive: %s", name, why ? why : "failed");
    if (err)
        *err = writing->why;
    return err_prefix(err, "write the archive");
}

struct archive_writing *archive_writing_open(struct sink *to, struct err *err)
{
    struct archive_writing *writing = calloc(1, sizeof *writing);
    if (!writing || !(writing->archive = archive_write_new())) {
        free(writing);
        err_set(err, ENOMEM, "write an archive");
        return NULL;
    }
    writing->to = to;
    if (archive_write_set_format_pax_restricted(writing->archive) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(writing->archive, 10240) != ARCHIVE_OK ||
        archive_write_open(writing->archive, writing, NULL, write_block, NULL) != ARCHIVE_OK) {
        not_written(writing, "header", err);
        archive_writing_close(writing);
        return NULL;
    }
    return writing;
}

static int write_header(struct archive_writing *writing, const char *name, mode_t type, mode_t mode, uint64_t size,
                        struct err *err)
{
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        return err_set(err, ENOMEM, "write an archive");
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, mode);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_mtime(entry, 0, 0);
    int result = archive_write_header(writing->archive, entry);
    archive_entry_free(entry);
    return result == ARCHIVE_OK ? 0 : not_written(writing, name, err);
}

int archive_writing_directory(struct archive_writing *writing, const char *name, struct err *err)
{
    return write_header(writing, name, AE_IFDIR, 0755, 0, err);
}

int archive_writing_file(struct archive_writing *writing, const char *name, uint64_t size, struct source *data,
                         struct err *err)
{
    cleanup_free char *block = malloc(BLOCK);
    uint64_t done = 0;
    if (!block)
        return err_set(err, ENOMEM, "write an archive");
    if (write_header(writing, name, AE_IFREG, 0644, size, err) < 0)
        return -1;
    for (;;) {
        ssize_t n = data->read(data, block, BLOCK, err);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        if (archive_write_data(writing->archive, block, (size_t)n) != n)
            return not_written(writing, name, err);
        done += (uint64_t)n;
    }
    return done == size ? 0 : err_say(err, EIO, "write `%s` to the archive: it has not the size it had", name);
}

int archive_writing_end(struct archive_writing *writing, struct err *err)
{
    return archive_write_close(writing->archive) == ARCHIVE_OK ? 0 : not_written(writing, "the end", err);
}

void archive_writing_close(struct archive_writing *writing)
{
    if (!writing)
        return;
    /* Without this, freeing would write the end mark of an archive that has no whole end. */
    archive_write_fail(writing->archive);
    archive_write_free(writing->archive);
    free(writing);
}
