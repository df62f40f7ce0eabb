/* Layers on their way in: at most LANES at a time. The bytes are written and digested as they come; what unpacks them reads the same file behind the one who writes, so that a cut connection or a slow disk stops
 * neither, and what an earlier run has left is unpacked while the rest arrives. */
#include "engine/image/registry_pull.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LANES 3
#define READ_BLOCK 262144

struct lane {
    struct layers *layers;
    const struct image_layer *layer; /* NULL: free */
    struct request request;
    struct blob *blob; /* being written; NULL: it is in the store */
    int fd;            /* of one that is there and to be unpacked; -1 */
    struct digester *digester;
    uint64_t have;  /* bytes of it */
    uint64_t skip;  /* bytes of this answer that are there already */
    bool looked;    /* at this answer's headers */
    bool patched;   /* it was not got in one go */
    bool restarted; /* and was once thrown away for it */
    bool arrived;
    struct unpacking *unpacking;
};

struct layers {
    struct http *http;
    struct store *store;
    const struct image *image;
    const struct registry_watch *watch;
    bool unpack, fetched;
    size_t next; /* the first layer nobody has begun with */
    struct lane lanes[LANES];
};

static void tell(const struct lane *lane, enum registry_state state)
{
    const struct registry_watch *watch = lane->layers->watch;
    if (watch && watch->layer)
        watch->layer(&lane->layer->digest, state, lane->have, lane->layer->size, watch->data);
}

static bool stopped(const struct layers *layers)
{
    return layers->watch && layers->watch->stop && *layers->watch->stop;
}

/* --- the end of a lane --- */

/* @keep: what there is may be of use to a later run. */
static void free_lane(struct lane *lane, bool keep)
{
    unpacking_end(lane->unpacking);
    blob_abandon(lane->blob, keep);
    digester_free(lane->digester);
    request_clear(&lane->request);
    if (lane->fd >= 0)
        close(lane->fd);
    *lane = (struct lane){ .layers = lane->layers, .fd = -1 };
}

static void fail(struct lane *lane, bool keep, struct err *err)
{
    err_prefix(err, "layer `%.19s`", lane->layer->digest.text);
    http_fail(lane->layers->http, err);
    free_lane(lane, keep);
}

static void end_if_done(struct lane *lane)
{
    struct err err = { 0 };
    if (!lane->layer || !lane->arrived)
        return;
    int state = lane->unpacking ? unpacking_state(lane->unpacking, &err) : 1;
    if (state == 0) {
        tell(lane, REGISTRY_UNPACKING);
        return;
    }
    if (state < 0) {
        fail(lane, false, &err);
        return;
    }
    tell(lane, REGISTRY_COMPLETE);
    free_lane(lane, false);
}

/* --- bytes --- */

static int wrong_length(struct lane *lane, uint64_t length, struct err *err)
{
    return err_say(err, EPROTO, "`%s` says that it has %llu bytes, its manifest %llu%s", http_name(lane->layers->http),
                   (unsigned long long)length, (unsigned long long)lane->layer->size,
                   lane->request.encoded ? "; and it is sent with a Content-Encoding nobody asked for" : "");
}

/* The headers, before the first byte: is this what is to come next? */
static int look(struct lane *lane, struct err *err)
{
    const struct request *request = &lane->request;
    uint64_t first = 0, last, total = UINT64_MAX;
    if (request->status_bad)
        return 0;
    if (request->content_range) {
        if (registry_content_range(request->content_range, &first, &last, &total) < 0 || first > lane->have)
            return err_say(err, EPROTO, "`%s` sends another part of it than was asked for: Content-Range `%.80s`",
                           http_name(lane->layers->http), request->content_range);
        if (total != UINT64_MAX && total != lane->layer->size)
            return wrong_length(lane, total, err);
    } else if (request->length >= 0 && (uint64_t)request->length != lane->layer->size) {
        return wrong_length(lane, (uint64_t)request->length, err);
    }
    lane->skip = lane->have - first;
    lane->looked = true;
    return 0;
}

static int receive(struct request *request, const void *data, size_t size, struct err *err)
{
    struct lane *lane = request->data;
    if (!lane->looked && look(lane, err) < 0)
        return -1;
    size_t skipped = lane->skip < size ? (size_t)lane->skip : size;
    lane->skip -= skipped;
    data = (const char *)data + skipped;
    size -= skipped;
    if (size > lane->layer->size - lane->have)
        return err_say(err, EFBIG, "`%s` sends more than the %llu bytes its manifest says", http_name(request->http),
                       (unsigned long long)lane->layer->size);
    digester_add(lane->digester, data, size);
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(blob_fd(lane->blob), (const char *)data + done, size - done, (off_t)(lane->have + done));
        if (n < 0 && errno != EINTR)
            return err_set(err, errno, "write it to the image store");
        done += n > 0 ? (size_t)n : 0;
    }
    lane->have += size;
    if (lane->unpacking)
        unpacking_feed(lane->unpacking, lane->have);
    tell(lane, REGISTRY_MOVING);
    return 0;
}

static void again(struct request *request)
{
    struct lane *lane = request->data;
    request->from = lane->have;
    lane->looked = false;
    lane->patched = lane->have > 0;
    tell(lane, REGISTRY_RETRYING);
}

/* --- the beginning of a lane --- */

static int begin_unpacking(struct lane *lane, struct err *err)
{
    if (!lane->layers->unpack)
        return 0;
    int fd = lane->fd >= 0 ? lane->fd : blob_fd(lane->blob);
    lane->unpacking = unpacking_start(lane->layers->store, lane->layer, fd, err);
    if (!lane->unpacking)
        return -1;
    unpacking_feed(lane->unpacking, lane->have);
    return 0;
}

/* What an earlier run left is digested again: nobody vouches for it. */
static int digest_what_is_there(struct lane *lane, struct err *err)
{
    cleanup_free char *block = malloc(READ_BLOCK);
    uint64_t at = 0;
    if (!block)
        return err_set(err, ENOMEM, "take up a download");
    while (at < lane->have) {
        uint64_t left = lane->have - at;
        ssize_t n = pread(blob_fd(lane->blob), block, left < READ_BLOCK ? (size_t)left : READ_BLOCK, (off_t)at);
        if (n <= 0)
            return err_set(err, n < 0 ? errno : EIO, "take up a download");
        if (stopped(lane->layers))
            return err_say(err, EINTR, "interrupted");
        digester_add(lane->digester, block, (size_t)n);
        at += (uint64_t)n;
    }
    lane->patched = lane->have > 0;
    return 0;
}

static void ask(struct lane *lane)
{
    lane->looked = false;
    lane->request.from = lane->have;
    http_start(lane->layers->http, &lane->request);
}

/* From the first byte on, once more: what was patched together is not what it should be. */
static int restart(struct lane *lane, struct err *err)
{
    struct digest ignored;
    unpacking_end(lane->unpacking);
    lane->unpacking = NULL;
    if (digester_end(lane->digester, &ignored, err) < 0)
        return -1;
    if (ftruncate(blob_fd(lane->blob), 0) < 0)
        return err_set(err, errno, "begin again with a download");
    lane->have = 0;
    lane->patched = false;
    lane->restarted = true;
    if (begin_unpacking(lane, err) < 0)
        return -1;
    ask(lane);
    return 0;
}

/* All bytes are there. */
static void arrive(struct lane *lane)
{
    struct err err = { 0 };
    struct digest digest;
    if (digester_end(lane->digester, &digest, &err) < 0) {
        fail(lane, true, &err);
        return;
    }
    if (!digest_equal(&digest, &lane->layer->digest)) {
        if (lane->patched && !lane->restarted && restart(lane, &err) == 0)
            return;
        if (err.code == 0)
            err_say(&err, EPROTO, "`%s` sends something else: its digest is %s%s", http_name(lane->layers->http),
                    digest.text, lane->request.encoded ? " (sent with a Content-Encoding nobody asked for)" : "");
        fail(lane, false, &err);
        return;
    }
    if (blob_commit(take_ptr(&lane->blob), &digest, &err) < 0) {
        fail(lane, false, &err);
        return;
    }
    lane->arrived = true;
    end_if_done(lane);
}

static void done(struct request *request)
{
    struct lane *lane = request->data;
    struct err err = request->err;
    if (request->failed) {
        fail(lane, err.code != EPROTO && err.code != EFBIG, &err);
        return;
    }
    if (request->status == 416 && lane->have > 0 && !lane->restarted) {
        if (restart(lane, &err) < 0)
            fail(lane, false, &err);
        return;
    }
    if (request->status != 200 && request->status != 206) {
        request_refused(request, &err, "get it");
        fail(lane, true, &err);
        return;
    }
    if (lane->have == lane->layer->size) {
        arrive(lane);
        return;
    }
    /* It ended early, and nobody said so: a connection that was cut, of an answer without a length. */
    int64_t wait = registry_backoff_next(&request->backoff, request->received > 0, -1);
    if (wait < 0) {
        err_say(&err, EPROTO, "`%s` sends %llu of its %llu bytes", http_name(request->http),
                (unsigned long long)lane->have, (unsigned long long)lane->layer->size);
        fail(lane, true, &err);
        return;
    }
    again(request);
    request->delay = wait;
    http_start(lane->layers->http, request);
}

static int begin_download(struct lane *lane, struct err *err)
{
    struct layers *layers = lane->layers;
    layers->fetched = true;
    lane->blob = blob_begin(layers->store, &lane->layer->digest, err);
    lane->digester = digester_new(err);
    if (!lane->blob || !lane->digester)
        return -1;
    lane->have = blob_have(lane->blob);
    if (lane->have > lane->layer->size) {
        lane->have = 0;
        if (ftruncate(blob_fd(lane->blob), 0) < 0)
            return err_set(err, errno, "begin a download");
    }
    if (digest_what_is_there(lane, err) < 0 || begin_unpacking(lane, err) < 0)
        return -1;
    lane->request = (struct request){ .method = "GET",
                                      .url = http_url(layers->http, "blobs/%s", lane->layer->digest.text),
                                      .receive = receive,
                                      .again = again,
                                      .done = done,
                                      .data = lane };
    if (!lane->request.url)
        return err_set(err, ENOMEM, "make a URL");
    tell(lane, REGISTRY_MOVING);
    if (lane->have == lane->layer->size)
        arrive(lane);
    else
        ask(lane);
    return 0;
}

/* It is in the store: perhaps it is to be unpacked. */
static int begin_there(struct lane *lane, struct err *err)
{
    char path[4096];
    tell(lane, REGISTRY_EXISTS);
    lane->arrived = true;
    lane->have = lane->layer->size;
    if (lane->layers->unpack) {
        if (store_layer_path(lane->layers->store, &lane->layer->diff_id, path, sizeof path, err) < 0)
            return -1;
        if (!*path && ((lane->fd = store_open_blob(lane->layers->store, &lane->layer->digest, err)) < 0 ||
                       begin_unpacking(lane, err) < 0))
            return -1;
    }
    if (lane->unpacking)
        return 0;
    free_lane(lane, false);
    return 0;
}

static bool seen_before(const struct layers *layers, size_t which)
{
    for (size_t i = 0; i < which; i++)
        if (digest_equal(&layers->image->layers[i].digest, &layers->image->layers[which].digest))
            return true;
    return false;
}

static void begin(struct lane *lane, const struct image_layer *layer)
{
    struct err err = { 0 };
    uint64_t size = 0;
    lane->layer = layer;
    int has = store_has(lane->layers->store, &layer->digest, &size, &err);
    if (has > 0 && size != layer->size)
        has = wrong_length(lane, size, &err);
    if (has < 0 || (has ? begin_there(lane, &err) : begin_download(lane, &err)) < 0)
        fail(lane, true, &err);
}

/* Lanes that are free take the next layers; those whose layer is unpacked become free. Returns whether there is still something to do. */
static bool advance(void *data)
{
    struct layers *layers = data;
    bool at_work = false;
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &layers->lanes[i];
        end_if_done(lane);
        while (!lane->layer && layers->next < layers->image->layer_count && !http_failed(layers->http)) {
            size_t which = layers->next++;
            if (!seen_before(layers, which))
                begin(lane, &layers->image->layers[which]);
        }
        at_work |= lane->layer != NULL;
    }
    return at_work;
}

int layers_pull(struct http *http, struct store *store, const struct image *image, bool unpack,
                const struct registry_watch *watch, bool *fetched, struct err *err)
{
    struct layers layers = { .http = http, .store = store, .image = image, .watch = watch, .unpack = unpack };
    int rc = 0;
    for (size_t i = 0; i < LANES; i++)
        layers.lanes[i] = (struct lane){ .layers = &layers, .fd = -1 };
    if (watch && watch->layer)
        for (size_t i = 0; i < image->layer_count; i++)
            if (!seen_before(&layers, i))
                watch->layer(&image->layers[i].digest, REGISTRY_WAITING, 0, image->layers[i].size, watch->data);
    http_each_tick(http, advance, &layers);
    rc = http_run(http, err);
    http_each_tick(http, NULL, NULL);
    for (size_t i = 0; i < LANES; i++)
        free_lane(&layers.lanes[i], true);
    *fetched = layers.fetched;
    return rc;
}
