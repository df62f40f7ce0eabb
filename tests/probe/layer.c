/* What the benches of layers run: `layer unpack FILE DIR`, `layer pack DIR FILE`, with digests, as images are made; and `layer export DIR` to standard output, as docker export does. */
#include "engine/base/cleanup.h"
#include "engine/layers/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(const struct err *err)
{
    fprintf(stderr, "layer: %s\n", err->message);
    return 1;
}

static int unpack(int file, int dir, struct err *err)
{
    struct digest packed, plain;
    struct tar_counts counts;
    const struct tar_unpack options = { .plain = true };
    struct source *from = source_digest(source_fd(file, err), &packed, NULL, err);
    from = source_digest(source_decompress(from, NULL, err), &plain, NULL, err);
    from = source_beside(from, err);
    int result = from ? tar_unpack(from, dir, &options, &counts, err) : -1;
    source_close(from);
    return result;
}

static int pack(int file, int dir, const char *name, struct err *err)
{
    struct digest packed, plain;
    const struct tar_pack options = { 0 };
    const char *end = strrchr(name, '.');
    enum compression compression = COMPRESSION_NONE;
    if (end && strcmp(end, ".gz") == 0)
        compression = COMPRESSION_GZIP;
    if (end && strcmp(end, ".zst") == 0)
        compression = COMPRESSION_ZSTD;
    struct sink *to = sink_digest(sink_fd(file, err), &packed, NULL, err);
    if (compression != COMPRESSION_NONE)
        to = sink_digest(sink_compress(to, compression, err), &plain, NULL, err);
    to = sink_beside(to, err);
    int result = to ? tar_pack(dir, to, &options, NULL, err) : -1;
    if (result == 0)
        result = to->finish(to, err);
    sink_close(to);
    if (result == 0)
        printf("%s\n", packed.text);
    return result;
}

static int export(int dir, struct err *err)
{
    const struct tar_pack options = { .dense = true };
    struct sink *to = sink_fd(STDOUT_FILENO, err);
    int result = to ? tar_pack(dir, to, &options, NULL, err) : -1;
    if (result == 0)
        result = to->finish(to, err);
    sink_close(to);
    return result;
}

static int use(const char *verb, const char *from, const char *to, struct err *err)
{
    bool packs = strcmp(verb, "unpack") != 0;
    cleanup_close int dir = open(packs ? from : to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_set(err, errno, "open the directory");
    if (!to)
        return export(dir, err);
    const char *name = packs ? to : from;
    cleanup_close int file = open(name, (packs ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC, 0644);
    if (file < 0)
        return err_set(err, errno, "open `%s`", name);
    return packs ? pack(file, dir, name, err) : unpack(file, dir, err);
}

int main(int argc, char **argv)
{
    struct err err = { 0 };
    if (argc < 3 || argc > 4 || (argc == 3) != (strcmp(argv[1], "export") == 0)) {
        fputs("layer: unpack FILE DIR, pack DIR FILE, or export DIR\n", stderr);
        return 2;
    }
    return use(argv[1], argv[2], argv[3], &err) < 0 ? fail(&err) : 0;
}
