/** Names of images: "debian", "debian:12", "localhost:5000/team/tool:v1", "name@sha256:…". See the distribution specification and its reference grammar. */
#ifndef ENGINE_IMAGE_REFERENCE_H
#define ENGINE_IMAGE_REFERENCE_H

#include "engine/base/err.h"
#include "engine/layers/digest.h"

struct reference {
    char registry[256];   /* "docker.io", "localhost:5000" */
    char repository[256]; /* "library/debian", "team/tool" */
    char tag[129];        /* "latest"; "" where only a digest is given */
    struct digest digest; /* "" if none is given */
};

/** As docker reads it: no registry is docker.io, one word there is library/WORD, no tag and no digest is latest. Returns 0, or -1 (EINVAL: what is wrong, and where). */
int reference_parse(const char *text, struct reference *reference, struct err *err);
/** The whole name, as it stands in the store: "docker.io/library/debian:12". */
void reference_full(const struct reference *reference, char *text, size_t size);
/** As docker shows it: "debian:12". */
void reference_familiar(const struct reference *reference, char *text, size_t size);
/** As docker shows it in its REPOSITORY column: "debian". */
void reference_familiar_repository(const struct reference *reference, char *text, size_t size);

#endif
