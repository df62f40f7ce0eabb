/** What the files of a pull share: the layers on their way in, each downloaded, digested, written and unpacked at once. */
#ifndef ENGINE_IMAGE_REGISTRY_PULL_H
#define ENGINE_IMAGE_REGISTRY_PULL_H

#include "engine/image/registry_internal.h"

/* --- registry_unpack.c: a thread that unpacks a blob while it is still being written --- */

struct unpacking;
/** Unpack @layer into the store from @fd, which is the caller's and outlives it. NULL with @err set. */
struct unpacking *unpacking_start(struct store *store, const struct image_layer *layer, int fd, struct err *err);
/** The first @there bytes of the blob are there now; its last when that is its size. */
void unpacking_feed(struct unpacking *unpacking, uint64_t there);
/** 0: at work, 1: done, -1: it failed. */
int unpacking_state(struct unpacking *unpacking, struct err *err);
/** Give up what is not done, wait for the thread, free. NULL is fine. */
void unpacking_end(struct unpacking *unpacking);

/* --- registry_layer.c --- */

/* Layers on their way in. */
struct layers;
/** Bring in what the store does not have of @image's layers, and unpack them if @unpack. *@fetched: there was something to bring in. Returns 0 or -1. */
int layers_pull(struct http *http, struct store *store, const struct image *image, bool unpack,
                const struct registry_watch *watch, bool *fetched, struct err *err);

#endif
