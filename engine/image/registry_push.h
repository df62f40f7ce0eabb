/** What the files of a push share: blobs on their way to a registry. */
#ifndef ENGINE_IMAGE_REGISTRY_PUSH_H
#define ENGINE_IMAGE_REGISTRY_PUSH_H

#include "engine/image/registry_internal.h"

/* A blob that the registry is to have. */
struct push_blob {
    struct digest digest;
    uint64_t size;
    int fd;         /* to read it from */
    char from[256]; /* another repository there that has it, to mount it from; "": none is known */
    bool quiet;     /* a config: nobody is told of it */
};

/** Bring all @blobs to the registry, those first that come first, a few at a time. Returns 0 or -1. */
int blobs_push(struct http *http, const struct push_blob *blobs, size_t count, const struct registry_watch *watch,
               struct err *err);

#endif
