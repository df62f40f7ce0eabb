/* A layer is unpacked while it is downloaded: a thread reads the blob's file behind the one who writes it, and sleeps when it has caught up. */
#include "engine/image/registry_pull.h"
#include "engine/image/store_internal.h"

#include "engine/layers/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct unpacking {
    struct source source; /* of what is there of the blob, until it is whole */
    uint64_t at;
    int fd, dir;
    struct store *store;
    const struct image_layer *layer;
    struct tar_unpack options;
    char ingest[INGEST_NAME];
    pthread_t thread;

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t more;
    uint64_t there;
    bool given_up;
    int state;
    struct err err;
};

/* --- the source --- */

static int wait_for_more(struct unpacking *unpacking, uint64_t *there, struct err *err)
{
    pthread_mutex_lock(&unpacking->mutex);
    while (unpacking->there == unpacking->at && !unpacking->given_up)
        pthread_cond_wait(&unpacking->more, &unpacking->mutex);
    *there = unpacking->there;
    bool given_up = unpacking->given_up;
    pthread_mutex_unlock(&unpacking->mutex);
    return given_up ? err_set(err, ECANCELED, "unpack a layer") : 0;
}

static ssize_t follow_read(struct source *source, void *buf, size_t size, struct err *err)
{
    struct unpacking *unpacking = (struct unpacking *)source;
    uint64_t there;
    if (unpacking->at == unpacking->layer->size)
        return 0;
    if (wait_for_more(unpacking, &there, err) < 0)
        return -1;
    if (size > there - unpacking->at)
        size = (size_t)(there - unpacking->at);
    ssize_t n = pread(unpacking->fd, buf, size, (off_t)unpacking->at);
    if (n <= 0)
        return err_set(err, n < 0 ? errno : EIO, "read a layer's blob");
    unpacking->at += (uint64_t)n;
    return n;
}

static void give_up(struct unpacking *unpacking)
{
    pthread_mutex_lock(&unpacking->mutex);
    unpacking->given_up = true;
    pthread_cond_broadcast(&unpacking->more);
    pthread_mutex_unlock(&unpacking->mutex);
}

static void follow_interrupt(struct source *source)
{
    give_up((struct unpacking *)source);
}

static void follow_close(struct source *source)
{
    /* it is a part of struct unpacking */
}

/* --- the thread --- */

static int unpack(struct unpacking *unpacking, struct err *err)
{
    struct digest found = { "" };
    struct source *from = source_decompress(&unpacking->source, NULL, err);
    from = source_beside(source_digest(from, &found, NULL, err), err);
    int rc = from ? tar_unpack(from, unpacking->dir, &unpacking->options, NULL, err) : -1;
    source_close(from);
    if (rc == 0 && !digest_equal(&found, &unpacking->layer->diff_id))
        rc = err_say(err, EIO, "it unpacks to %s, its config says %s", found.text, unpacking->layer->diff_id.text);
    if (rc == 0)
        rc = ingest_commit_layer(unpacking->store, unpacking->ingest, unpacking->dir, &unpacking->layer->diff_id, err);
    if (rc < 0)
        ingest_remove(unpacking->store, unpacking->ingest);
    return rc;
}

static void *run(void *data)
{
    struct unpacking *unpacking = data;
    struct err err = { 0 };
    int rc = unpack(unpacking, &err);
    pthread_mutex_lock(&unpacking->mutex);
    unpacking->state = rc < 0 ? -1 : 1;
    unpacking->err = err;
    pthread_mutex_unlock(&unpacking->mutex);
    return NULL;
}

static void release(struct unpacking *unpacking)
{
    if (unpacking->fd >= 0)
        close(unpacking->fd);
    if (unpacking->dir >= 0)
        close(unpacking->dir);
    pthread_cond_destroy(&unpacking->more);
    pthread_mutex_destroy(&unpacking->mutex);
    free(unpacking);
}

struct unpacking *unpacking_start(struct store *store, const struct image_layer *layer, int fd, struct err *err)
{
    struct unpacking *unpacking = calloc(1, sizeof *unpacking);
    if (!unpacking) {
        err_set(err, ENOMEM, "unpack a layer");
        return NULL;
    }
    unpacking->source = (struct source){ follow_read, follow_close, follow_interrupt };
    unpacking->store = store;
    unpacking->layer = layer;
    unpacking->dir = -1;
    pthread_mutex_init(&unpacking->mutex, NULL);
    pthread_cond_init(&unpacking->more, NULL);
    unpacking->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (unpacking->fd < 0)
        err_set(err, errno, "unpack a layer");
    else
        unpacking->dir = layer_unpack_begin(store, unpacking->ingest, &unpacking->options, err);
    if (unpacking->dir < 0) {
        release(unpacking);
        return NULL;
    }
    int rc = pthread_create(&unpacking->thread, NULL, run, unpacking);
    if (rc != 0) {
        err_set(err, rc, "start a thread");
        ingest_remove(store, unpacking->ingest);
        release(unpacking);
        return NULL;
    }
    return unpacking;
}

void unpacking_feed(struct unpacking *unpacking, uint64_t there)
{
    pthread_mutex_lock(&unpacking->mutex);
    unpacking->there = there;
    pthread_cond_signal(&unpacking->more);
    pthread_mutex_unlock(&unpacking->mutex);
}

int unpacking_state(struct unpacking *unpacking, struct err *err)
{
    pthread_mutex_lock(&unpacking->mutex);
    int state = unpacking->state;
    if (state < 0 && err)
        *err = unpacking->err;
    pthread_mutex_unlock(&unpacking->mutex);
    return state;
}

void unpacking_end(struct unpacking *unpacking)
{
    if (!unpacking)
        return;
    give_up(unpacking);
    pthread_join(unpacking->thread, NULL);
    release(unpacking);
}
