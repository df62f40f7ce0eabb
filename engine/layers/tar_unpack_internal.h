/** What the files of tar_unpack share. */
#ifndef ENGINE_LAYERS_TAR_UNPACK_INTERNAL_H
#define ENGINE_LAYERS_TAR_UNPACK_INTERNAL_H

#include "engine/layers/tar.h"
#include "engine/layers/tar_attributes.h"
#include "engine/layers/tar_name.h"
#include "engine/layers/tar_read.h"

#include <limits.h>
#include <sys/stat.h>

/* The directory that entries are being made in: most come after one of the same, so that its path is resolved once. */
struct parent {
    int fd;                /* -1: none */
    bool stale;            /* something was removed that its path may have led through */
    bool set_gid, has_acl; /* what is made in it inherits a group, or an access control list */
    uint64_t device, inode;
    char path[PATH_MAX];
};

/* A directory on the way to where entries are being made: what it is to have when the archive has left it. */
struct pending {
    size_t length; /* of its path, which is the start of the trail */
    struct timespec time;
    uint32_t mode;
    bool set_mode; /* it has another until then */
    bool must;     /* the archive says so; otherwise it had them before */
};

struct unpack {
    int root;
    const struct tar_unpack *options;
    struct tar_reader *reader;
    struct tar_counts counts;
    struct parent parent;
    uint32_t uid, gid; /* of what we make, without chown */
    uint32_t umask;
    bool own_root; /* ids may be given away: we are root, here */

    struct pending *pending; /* the deepest last */
    size_t pending_count, pending_room;

    uint64_t *made; /* a hash set of what this layer has made, of what it replaced nothing may be taken away again */
    size_t made_count, made_room;
    uint64_t seed;

    const struct tar_entry *entry;
    char path[PATH_MAX];            /* the entry's */
    char trail[PATH_MAX];           /* of the deepest pending directory; those of the others are its starts */
    char value[TAR_ATTRIBUTE_MOST]; /* of an attribute */
};

/* --- tar_unpack_place.c: where entries go ------------------------------------------------------------------------------------------ */

/** The directory of @path, opened (and made, if @make): its fd, which stays @u's; *@base is the last part of @path. -1 ENOENT if it is not there. */
int place_parent(struct unpack *u, const char *path, const char **base, bool make, struct err *err);
/** Remove whatever is at @base in the current parent. */
int place_clear(struct unpack *u, const char *base, struct err *err);
/** Remember that this layer made @base in the current parent. */
int place_made(struct unpack *u, const char *base, struct err *err);
/** Take away what lower layers had at @base in @dir, and all below it; what this layer made stays. */
int place_hide(struct unpack *u, int dir, const char *base, struct err *err);
/** The same for all in the directory @base of @dir, which itself stays. */
int place_hide_below(struct unpack *u, int dir, const char *base, struct err *err);

/* --- tar_unpack_attributes.c --------------------------------------------------------------------------------------------------------- */

struct owner {
    uint32_t uid, gid;
    bool change; /* what is made does not belong to them anyway */
};
int owner_of(struct unpack *u, struct owner *owner, struct err *err);
/** What mode to set: without the set-id bits where the owner is not the archive's. */
uint32_t mode_of(const struct unpack *u);
int give_owner(int dir, const char *base, const struct owner *owner, struct err *err);
/** @fd: a file or directory, or -1 and then @base in the current parent. */
int give_attributes(struct unpack *u, int fd, const char *base, struct err *err);
/** Take away those that an existing or inheriting file has and the entry has not. */
int drop_attributes(struct unpack *u, int fd, struct err *err);
void entry_times(const struct unpack *u, struct timespec times[2]);

/** May what is made have @mode from its first moment? Nothing is to be kept from others until the owner is right, there are no set-id bits, and nothing that the umask or a list takes away. */
bool mode_at_once(const struct unpack *u, const struct owner *owner, uint32_t mode);

/* --- tar_unpack_pending.c: directories get their modes and times last ----------------------------------------------------------------- */

/** The directory @path is made, or found, for the current entry, whose mode and time it gets when it is left. @has_mode: it has the mode. */
int pending_entry(struct unpack *u, const char *path, bool has_mode, struct err *err);
/** Something will be made or removed in the directory of the first @length bytes of @path, which is open as @fd and is @st: it can be written to from now on, and has its mode and time again when it is left. */
int pending_entered(struct unpack *u, const char *path, size_t length, int fd, const struct stat *st, struct err *err);
/** The archive goes on in the directory of the first @length bytes of @path: all that are not on the way to it get what they are to have. */
int pending_leave(struct unpack *u, const char *path, size_t length, struct err *err);
/** All of them. */
int pending_end(struct unpack *u, struct err *err);

void unpack_skipped(struct unpack *u, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
