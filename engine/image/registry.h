/** Registries: images brought from one and to one, by the OCI distribution specification, with libcurl.
 *
 * Layers come in parallel, each in one pass: bytes from the network are digested and written while the next arrive; a cut connection is taken up where it broke (Range), also by a later
 * run; what fails for a moment (429, 5xx, a broken connection) is tried again after a growing pause. Tokens are fetched as WWW-Authenticate says. What is in the store already, or in the registry, is not sent
 * again.
 *
 * Config, "registries.json" in $XDG_CONFIG_HOME/teachroot, and /etc/teachroot: { "mirrors": { "docker.io": ["http://localhost:5000"] }, "insecure": ["localhost:5000", "10.0.0.0/8"] }.
 * The loopback addresses are always allowed without TLS. Credentials: $REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json, ~/.docker/config.json ("auths": { "host": { "auth": "base64" } }).
 */
#ifndef ENGINE_IMAGE_REGISTRY_H
#define ENGINE_IMAGE_REGISTRY_H

#include "engine/image/image.h"
#include "engine/image/reference.h"

enum registry_state {
    REGISTRY_WAITING,
    REGISTRY_EXISTS, /* "Already exists", "Layer already exists" */
    REGISTRY_MOVING, /* done of total bytes */
    REGISTRY_RETRYING,
    REGISTRY_UNPACKING,
    REGISTRY_COMPLETE
};
/* Calls come from the thread that called registry_pull or registry_push. */
struct registry_watch {
    void (*layer)(const struct digest *digest, enum registry_state state, uint64_t done, uint64_t total, void *data);
    void (*say)(const char *text, void *data); /* "retrying in 2 s: connection reset" */
    void *data;
    const volatile int *stop; /* not 0: give up, EINTR. May be set by a signal handler */
};

struct registry_options {
    const char *platform; /* "linux/arm64/v8"; NULL: this machine's */
    bool unpack;          /* layers are unpacked while they arrive */
};

struct registry_pulled {
    bool fresh; /* something was new */
    struct digest
        digest; /* what the registry has under the name: of the manifest, or of the index it was chosen from */
};
/** Pull @reference into the store and name it there. *@image (may be NULL) is opened. */
int registry_pull(struct store *store, const struct reference *reference, const struct registry_options *options,
                  const struct registry_watch *watch, struct image *image, struct registry_pulled *pulled,
                  struct err *err);
/** Push the image that the store has under @reference. Layers kept plain are compressed on their way (gzip). *@manifest is what the registry now has. */
int registry_push(struct store *store, const struct reference *reference, const struct registry_watch *watch,
                  struct digest *manifest, struct err *err);

#endif
