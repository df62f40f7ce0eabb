/* What the benches of layers run: `layer unpack FILE DIR`, `layer pack DIR FILE`, `layer digest FILE`. Prints what it took at most of memory, in KiB. */
#include "engine/base/cleanup.h"
#include "engine/layers/tar.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

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

int main(int argc, char **argv)
{
    struct err err = { 0 };
    bool packs = argc == 4 && strcmp(argv[1], "pack") == 0;
    if (argc != 4 || (!packs && strcmp(argv[1], "unpack") != 0)) {
        fputs("layer: unpack FILE DIR, or pack DIR FILE\n", stderr);
        return 2;
    }
    const char *name = argv[packs ? 3 : 2];
    cleanup_close int dir = open(argv[packs ? 2 : 3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int file = open(name, (packs ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC, 0644);
    if (dir < 0 || file < 0) {
        perror("layer");
        return 1;
    }
    if ((packs ? pack(file, dir, name, &err) : unpack(file, dir, &err)) < 0)
        return fail(&err);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%ld\n", usage.ru_maxrss);
    return 0;
}
