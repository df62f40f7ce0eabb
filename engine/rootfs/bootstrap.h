/** A root filesystem of a Debian kind, as debootstrap makes it: what is asked for, the command line that makes it, and how far that is.
 *
 * debootstrap itself is run by whoever uses this: a tool in a lab, or the trusted side for the cache (bootstrap_service.h). Both take requests only
 * through bootstrap_set, which lets nothing through but the characters that names of suites, packages and mirrors are made of.
 */
#ifndef ENGINE_ROOTFS_BOOTSTRAP_H
#define ENGINE_ROOTFS_BOOTSTRAP_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define BOOTSTRAP_SOCKET "/run/teachroot/host" /* in a lab: where the trusted side listens */
#define BOOTSTRAP_TREES                                                                                                \
    "/var/cache/teachroot/trees" /* in a lab: the finished trees, one directory each, with `root` in it */
#define BOOTSTRAP_TEXT 4096      /* a request as text is shorter */
#define BOOTSTRAP_ARGUMENTS 24

struct bootstrap_request {
    char suite[64], arch[32], variant[32], mirror[256], components[128], include[1024], exclude[512], extra_suites[128];
    char merged_usr[4];   /* "yes", "no", "": as the suite has it */
    char resolve_deps[4]; /* "no", "": yes */
};

/** Set the part @name ("suite", "arch", "variant", "mirror", "components", "include", "exclude", "extra-suites", "merged-usr", "resolve-deps").
 * Returns 0, or -1 with EINVAL and the reason: no such part, too long, or not made of what such a part is made of. */
int bootstrap_set(struct bootstrap_request *request, const char *name, const char *value, struct err *err);

/** Lines `NAME VALUE`, in a fixed order, empty parts left out. Returns the length, or -1. */
int bootstrap_to_text(const struct bootstrap_request *request, char *text, size_t size, struct err *err);
/** The reverse, checked by bootstrap_set, and that a suite, an architecture and a mirror are there. @text is changed. Returns 0 or -1 with EINVAL. */
int bootstrap_from_text(struct bootstrap_request *request, char *text, struct err *err);

/** The name under which a finished tree is kept: all of the request, readable, no `/` in it; equal requests have equal names and others have others.
 * Returns 0, or -1 with ENAMETOOLONG: a tree with so long a list of packages is not kept. */
int bootstrap_name(const struct bootstrap_request *request, char *name, size_t size, struct err *err);

/** An argv that runs @debootstrap into @target (both absolute), its log where debootstrap itself would have it, and what bootstrap_progress reads on its stdout.
 * @packages: a directory that keeps downloaded packages, or NULL. Strings belong to @argv and the arguments. */
struct bootstrap_argv {
    const char *words[BOOTSTRAP_ARGUMENTS + 1];
    char text[BOOTSTRAP_TEXT];
};
int bootstrap_argv(const struct bootstrap_request *request, const char *debootstrap, const char *target,
                   const char *packages, struct bootstrap_argv *argv, struct err *err);

/** This machine's own source of packages for @suite, by its apt configuration: the first that has the suite, else the first of the same distribution as debootstrap's
 * script of that suite expects. Returns 0 with @mirror filled, or -1 with ENOENT. @root: "" for this machine. */
int bootstrap_mirror(const char *root, const char *suite, char *mirror, size_t size, struct err *err);

/** What debootstrap says while it works. */
struct bootstrap_progress {
    unsigned phase;       /* 1 … BOOTSTRAP_PHASES; 0 before the first */
    const char *doing;    /* "downloading packages" */
    unsigned done, total; /* packages of this phase; total 0: not counted in packages */
    unsigned percent;     /* of this phase */
    char item[128];       /* the package at hand, "" if none */
    char error[512];      /* what it failed with, "" if it has not */
    /* private to bootstrap_progress_feed: */
    unsigned packages; /* how many there are in all */
    char line[512], name[32], message[64], kind, arguments[3][192];
    size_t length;
    unsigned argument_count;
};
enum { BOOTSTRAP_PHASES = 6 };

/** Read what debootstrap wrote; @changed (may be NULL) is called whenever something above has changed. A zeroed struct is the beginning. */
void bootstrap_progress_feed(struct bootstrap_progress *progress, const char *bytes, size_t len,
                             void (*changed)(const struct bootstrap_progress *progress, void *data), void *data);

#endif
