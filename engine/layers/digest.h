/** Digests of content: "sha256:" and 64 hexadecimal digits. See the OCI image specification, descriptor.md. */
#ifndef ENGINE_LAYERS_DIGEST_H
#define ENGINE_LAYERS_DIGEST_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_SIZE 72 /* "sha256:", 64 digits, the NUL */
struct digest {
    char text[DIGEST_SIZE]; /* "" is none */
};

/** @text must be a whole digest, in lower case. Returns 0, or -1: EINVAL it is none; ENOTSUP another algorithm than sha256. */
int digest_parse(const char *text, struct digest *digest, struct err *err);
/** The digits alone, which are also a file's name. */
const char *digest_hex(const struct digest *digest);
bool digest_equal(const struct digest *a, const struct digest *b);

struct digester;
struct digester *digester_new(struct err *err);
void digester_add(struct digester *digester, const void *data, size_t size);
/** What all that was added digests to; it starts anew after. Returns 0 or -1. */
int digester_end(struct digester *digester, struct digest *digest, struct err *err);
void digester_free(struct digester *digester);

/** Of @size bytes at @data. Returns 0 or -1. */
int digest_of(const void *data, size_t size, struct digest *digest, struct err *err);

#endif
