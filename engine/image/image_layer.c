/* Layers brought in: from an archive in one pass, or packed from a directory. */
#include "engine/image/image_internal.h"
#include "engine/image/store_internal.h"

#include "engine/base/cleanup.h"

#include <string.h>

/* The first bytes of a source, looked at before it is known what is to be done with it. Closing leaves @from open. */
struct peeked {
    struct source source;
    struct source *from;
    unsigned char start[6];
    size_t have, given;
};

static ssize_t peeked_read(struct source *source, void *buf, size_t size, struct err *err)
{
    struct peeked *peeked = (struct peeked *)source;
    size_t left = peeked->have - peeked->given;
    if (left == 0)
        return peeked->from->read(peeked->from, buf, size, err);
    size_t n = left < size ? left : size;
    memcpy(buf, peeked->start + peeked->given, n);
    peeked->given += n;
    return (ssize_t)n;
}

static void peeked_close(struct source *source)
{
}

static void peeked_interrupt(struct source *source)
{
    struct source *from = ((struct peeked *)source)->from;
    if (from->interrupt)
        from->interrupt(from);
}

static int peek(struct peeked *peeked, struct source *from, struct err *err)
{
    *peeked = (struct peeked){ .source = { peeked_read, peeked_close, peeked_interrupt }, .from = from };
    while (peeked->have < sizeof peeked->start) {
        ssize_t n = from->read(from, peeked->start + peeked->have, sizeof peeked->start - peeked->have, err);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        peeked->have += (size_t)n;
    }
    return peeked->have > 0 ? 0 : err_say(err, EINVAL, "it is empty: no archive");
}

/* One pass: the first thread reads, digests and keeps, the second decompresses, and the caller's digests that and looks at the entries. An xz is kept plain, so there the keeping is the caller's. */
static struct source *stack_pass(struct source *from, struct blob *blob, struct image_layer *layer, struct err *err)
{
    bool packed = layer->compression == COMPRESSION_GZIP || layer->compression == COMPRESSION_ZSTD;
    struct sink *keep = blob_sink(blob, err);
    if (layer->compression == COMPRESSION_XZ) {
        from = source_decompress(source_beside(from, err), NULL, err);
        layer->compression = COMPRESSION_NONE;
        from = from ? source_copied(source_digest(from, &layer->diff_id, &layer->size, err), keep, err) : NULL;
        return from;
    }
    from = source_digest(from, packed ? &layer->digest : &layer->diff_id, &layer->size, err);
    from = source_beside(from ? source_copied(from, keep, err) : NULL, err);
    return packed ? source_digest(source_beside(source_decompress(from, NULL, err), err), &layer->diff_id, NULL, err)
                  : from;
}

struct pass {
    struct store *store;
    struct blob *blob;
    bool unpack;
    char name[INGEST_NAME]; /* of the directory it is unpacked to, "" without */
    int dir;
};

static int run_pass(struct pass *pass, struct source *from, struct image_layer *layer, struct err *err)
{
    struct tar_unpack options;
    if (pass->unpack && (pass->dir = layer_unpack_begin(pass->store, pass->name, &options, err)) < 0)
        return -1;
    struct source *stack = stack_pass(from, pass->blob, layer, err);
    if (!stack)
        return -1;
    int result = pass->unpack ? tar_unpack(stack, pass->dir, &options, NULL, err) : tar_check(stack, NULL, err);
    source_close(stack);
    if (result == 0 && !*layer->digest.text)
        layer->digest = layer->diff_id;
    return result;
}

int image_add_layer(struct store *store, struct source *from, bool unpack, struct image_layer *layer,
                    stream_progress_fn *progress, void *data, struct err *err)
{
    struct peeked peeked;
    struct pass pass = { .store = store, .unpack = unpack, .dir = -1 };
    *layer = (struct image_layer){ 0 };
    if (peek(&peeked, from, err) < 0 || !(pass.blob = blob_begin(store, NULL, err)))
        return -1;
    layer->compression = compression_detect(peeked.start, peeked.have);
    struct source *watched = progress ? source_watched(&peeked.source, progress, data, err) : &peeked.source;
    int result = watched ? run_pass(&pass, watched, layer, err) : -1;
    image_layer_media(layer->compression, layer->media, sizeof layer->media);
    if (result == 0) {
        result = blob_commit(pass.blob, &layer->digest, err);
        if (result == 0 && unpack)
            result = ingest_commit_layer(store, pass.name, pass.dir, &layer->diff_id, err);
    } else {
        blob_abandon(pass.blob, false);
    }
    if (result < 0 && *pass.name)
        ingest_remove(store, pass.name);
    cleanup_closep(&pass.dir);
    return result;
}

/* --- from a directory --- */

int layer_pack(struct store *store, int root, const struct tar_pack *options, struct image_layer *layer,
               struct err *err)
{
    struct blob *blob = blob_begin(store, NULL, err);
    if (!blob)
        return -1;
    *layer = (struct image_layer){ .compression = COMPRESSION_GZIP };
    image_layer_media(layer->compression, layer->media, sizeof layer->media);
    /* This thread reads the files and digests the tar; the other compresses it, digests that and writes. */
    struct sink *to = sink_digest(blob_sink(blob, err), &layer->digest, &layer->size, err);
    to = sink_beside(sink_compress(to, layer->compression, err), err);
    to = sink_digest(to, &layer->diff_id, NULL, err);
    int result = to ? tar_pack(root, to, options, NULL, err) : -1;
    if (result == 0)
        result = to->finish(to, err);
    sink_close(to);
    if (result == 0)
        return blob_commit(blob, &layer->digest, err);
    blob_abandon(blob, false);
    return -1;
}

int image_add_directory(struct store *store, int root, int64_t time, struct image_layer *layer, struct err *err)
{
    const struct tar_pack options = {
        .form = WHITEOUT_NONE, .one_file_system = true, .dense = true, .set_time = time >= 0, .time = time
    };
    return layer_pack(store, root, &options, layer, err);
}
