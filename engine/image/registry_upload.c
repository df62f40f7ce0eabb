/* Blobs on their way to a registry, a few at a time. Each goes through the steps of one table: is it there, may it be mounted, send it, say that this was all. Where the connection was cut the registry is asked how much
 * it has; one that has forgotten the upload (docker's own does, when the cut was in the middle of a request) gets it again from its first byte. */
#include "engine/image/registry_push.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LANES 3
#define AT_ONCE 1048576 /* what is no larger than this is sent in one request, with its digest */

struct lane;

/* One request of an upload: what it asks, and what is made of its answer. */
struct step {
    const char *method;
    char *(*url)(const struct lane *lane, struct err *err);
    void (*prepare)(struct lane *lane);               /* NULL: nothing is sent */
    void (*answered)(struct lane *lane, long status); /* begins the next step, or ends the lane */
    void (*broke)(struct lane *lane);                 /* after a cut or a 5xx; NULL: just again, as any request */
};
enum step_id { STEP_HEAD, STEP_BEGIN, STEP_SEND, STEP_STATUS, STEP_FINISH };

struct lane {
    struct uploads *uploads;
    const struct push_blob *blob; /* NULL: free */
    enum step_id step;
    struct request request;
    char *asked, *location; /* where the upload is, relative to what was asked */
    uint64_t offset;        /* what the registry has of it */
    struct registry_backoff backoff;
};

struct uploads {
    struct http *http;
    const struct push_blob *blobs;
    size_t count, next;
    const struct registry_watch *watch;
    struct lane lanes[LANES];
};

static void tell(const struct lane *lane, enum registry_state state, uint64_t done)
{
    const struct registry_watch *watch = lane->uploads->watch;
    if (watch && watch->layer && !lane->blob->quiet)
        watch->layer(&lane->blob->digest, state, done, lane->blob->size, watch->data);
}

static void free_lane(struct lane *lane)
{
    request_clear(&lane->request);
    free(lane->asked);
    free(lane->location);
    *lane = (struct lane){ .uploads = lane->uploads };
}

static void fail(struct lane *lane, struct err *err)
{
    err_prefix(err, "%s `%.19s`", lane->blob->quiet ? "config" : "layer", lane->blob->digest.text);
    http_fail(lane->uploads->http, err);
    free_lane(lane);
}

static void end(struct lane *lane, enum registry_state state)
{
    tell(lane, state, lane->blob->size);
    free_lane(lane);
}

static void go(struct lane *lane, enum step_id step, int64_t delay);

/* Once more from @step, after a pause; or that was it. @progress: the registry has more than before. */
static void go_later(struct lane *lane, enum step_id step, bool progress)
{
    struct err err = lane->request.err;
    int64_t wait = registry_backoff_next(&lane->backoff, progress, lane->request.retry_after);
    const struct registry_watch *watch = lane->uploads->watch;
    if (!lane->request.failed)
        request_refused(&lane->request, &err, "send it");
    if (wait < 0) {
        fail(lane, &err);
        return;
    }
    tell(lane, REGISTRY_RETRYING, lane->offset);
    if (watch && watch->say) {
        char text[1200];
        snprintf(text, sizeof text, "retrying in %lld.%lld s: %s", (long long)wait / 1000, (long long)wait % 1000 / 100,
                 err.message);
        watch->say(text, watch->data);
    }
    go(lane, step, wait);
}

static void refused(struct lane *lane, const char *doing)
{
    struct err err = { 0 };
    request_refused(&lane->request, &err, doing);
    fail(lane, &err);
}

/* The Location of this answer is where the upload goes on. */
static bool keep_location(struct lane *lane)
{
    struct err err = { 0 };
    if (!lane->request.location) {
        err_say(&err, EPROTO, "`%s` does not say where the upload goes on", http_name(lane->uploads->http));
        fail(lane, &err);
        return false;
    }
    free(lane->asked);
    free(lane->location);
    lane->asked = take_ptr(&lane->request.url);
    lane->location = take_ptr(&lane->request.location);
    return true;
}

/* --- the steps --- */

static char *url_blob(const struct lane *lane, struct err *err)
{
    return http_url(lane->uploads->http, "blobs/%s", lane->blob->digest.text);
}

static void head_answered(struct lane *lane, long status)
{
    if (status == 200)
        end(lane, REGISTRY_EXISTS);
    else if (status == 404 || status == 405)
        go(lane, STEP_BEGIN, 0);
    else
        refused(lane, "ask whether it is there");
}

static char *url_begin(const struct lane *lane, struct err *err)
{
    const struct push_blob *blob = lane->blob;
    return *blob->from ? http_url(lane->uploads->http, "blobs/uploads/?mount=%s&from=%s", blob->digest.text, blob->from)
                       : http_url(lane->uploads->http, "blobs/uploads/");
}

static void begin_answered(struct lane *lane, long status)
{
    lane->offset = 0;
    if (status == 201)
        end(lane, REGISTRY_EXISTS);
    else if (status != 202)
        refused(lane, "begin to send it");
    else if (keep_location(lane))
        go(lane, lane->blob->size > AT_ONCE ? STEP_SEND : STEP_FINISH, 0);
}

static char *url_location(const struct lane *lane, struct err *err)
{
    return http_upload_url(lane->uploads->http, lane->asked, lane->location, NULL, err);
}

static void sent(struct request *request)
{
    const struct lane *lane = request->data;
    tell(lane, REGISTRY_MOVING, lane->offset + request->sent_bytes);
}

static void send_rest(struct lane *lane)
{
    struct request *request = &lane->request;
    request->type = "application/octet-stream";
    request->send_fd = lane->blob->fd;
    request->send_at = lane->offset;
    request->send_size = lane->blob->size - lane->offset;
    /* The first request of an upload goes without a Content-Range, as docker's does. */
    request->send_total = request->send_size ? lane->offset : 0;
    request->sent = sent;
}

static void send_answered(struct lane *lane, long status)
{
    if (status == 404 || status == 416)
        go_later(lane, STEP_STATUS, false);
    else if (status != 202 && status != 204)
        refused(lane, "send it");
    else if (keep_location(lane)) {
        lane->offset = lane->blob->size;
        go(lane, STEP_FINISH, 0);
    }
}

static void send_broke(struct lane *lane)
{
    go_later(lane, STEP_STATUS, false);
}

static void status_answered(struct lane *lane, long status)
{
    const struct request *request = &lane->request;
    uint64_t have;
    if ((status != 204 && status != 200) || !request->upload_range ||
        registry_upload_range(request->upload_range, &have) < 0 || have > lane->blob->size) {
        go(lane, STEP_BEGIN, 0); /* it is forgotten there */
        return;
    }
    if (have > lane->offset)
        lane->backoff.in_a_row = 0;
    lane->offset = have;
    if (!request->location || keep_location(lane))
        go(lane, have < lane->blob->size ? STEP_SEND : STEP_FINISH, 0);
}

static char *url_finish(const struct lane *lane, struct err *err)
{
    char query[16 + DIGEST_SIZE];
    snprintf(query, sizeof query, "digest=%s", lane->blob->digest.text);
    return http_upload_url(lane->uploads->http, lane->asked, lane->location, query, err);
}

static void finish_answered(struct lane *lane, long status)
{
    if (status == 201 || status == 204)
        end(lane, REGISTRY_COMPLETE);
    else if (status == 404 || status == 416)
        go_later(lane, STEP_BEGIN, false);
    else
        refused(lane, "end sending it");
}

/* It may have arrived, and only the answer not. */
static void finish_broke(struct lane *lane)
{
    go_later(lane, STEP_HEAD, false);
}

static const struct step steps[] = {
    [STEP_HEAD] = { "HEAD", url_blob, NULL, head_answered, NULL },
    [STEP_BEGIN] = { "POST", url_begin, NULL, begin_answered, NULL },
    [STEP_SEND] = { "PATCH", url_location, send_rest, send_answered, send_broke },
    [STEP_STATUS] = { "GET", url_location, NULL, status_answered, NULL },
    [STEP_FINISH] = { "PUT", url_finish, send_rest, finish_answered, finish_broke },
};

static void done(struct request *request)
{
    struct lane *lane = request->data;
    const struct step *step = &steps[lane->step];
    if (request->transient && step->broke)
        step->broke(lane);
    else if (request->failed) {
        struct err err = request->err;
        fail(lane, &err);
    } else {
        step->answered(lane, request->status);
    }
}

static void go(struct lane *lane, enum step_id id, int64_t delay)
{
    struct err err = { 0 };
    const struct step *step = &steps[id];
    char *url = step->url(lane, &err);
    request_clear(&lane->request);
    if (!url) {
        if (err.code == 0)
            err_set(&err, ENOMEM, "make a URL");
        fail(lane, &err);
        return;
    }
    lane->step = id;
    lane->request = (struct request){ .method = step->method,
                                      .url = url,
                                      .limit = 65536,
                                      .once = step->broke != NULL,
                                      .delay = delay,
                                      .done = done,
                                      .data = lane };
    if (step->prepare)
        step->prepare(lane);
    http_start(lane->uploads->http, &lane->request);
}

static bool advance(void *data)
{
    struct uploads *uploads = data;
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &uploads->lanes[i];
        if (lane->blob || uploads->next == uploads->count || http_failed(uploads->http))
            continue;
        lane->blob = &uploads->blobs[uploads->next++];
        go(lane, STEP_HEAD, 0);
    }
    return false; /* what is begun is a request */
}

int blobs_push(struct http *http, const struct push_blob *blobs, size_t count, const struct registry_watch *watch,
               struct err *err)
{
    struct uploads uploads = { .http = http, .blobs = blobs, .count = count, .watch = watch };
    for (size_t i = 0; i < LANES; i++)
        uploads.lanes[i].uploads = &uploads;
    for (size_t i = 0; watch && watch->layer && i < count; i++)
        if (!blobs[i].quiet)
            watch->layer(&blobs[i].digest, REGISTRY_WAITING, 0, blobs[i].size, watch->data);
    http_each_tick(http, advance, &uploads);
    int rc = http_run(http, err);
    http_each_tick(http, NULL, NULL);
    for (size_t i = 0; i < LANES; i++)
        free_lane(&uploads.lanes[i]);
    return rc;
}
