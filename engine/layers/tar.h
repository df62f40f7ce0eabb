/** Directories to tar archives and back, with every attribute: owners, modes, times, extended attributes, ACLs, capabilities, hard links, sparse files, devices.
 *
 * Reading is made for archives that nobody vouches for. Every path is resolved inside the target: parents by openat2(RESOLVE_IN_ROOT), the last part never followed, files made with
 * O_EXCL, hard links made by fd of a file in the target. What would leave the target, or is more than the limits, is an error that names the entry, and nothing outside was touched.
 *
 * Writing is reproducible: entries sorted by name (bytes), the times as chosen, no user names; the same tree gives the same bytes.
 *
 * Both take the same memory however much there is, but for the names of one directory and of files with several while writing, and what layers applied on one another in one directory have made (at most
 * 32 bytes an entry).
 *
 * Names are bytes, whatever their encoding. Attributes of overlay file systems (trusted.overlay.*, user.overlay.*) and SELinux's labels neither enter nor leave an archive. Access control lists are in
 * ours both as attributes and as text, so that container tools and tar programs find them.
 *
 * See tar(5), and the OCI image specification, layer.md.
 */
#ifndef ENGINE_LAYERS_TAR_H
#define ENGINE_LAYERS_TAR_H

#include "engine/base/err.h"
#include "engine/isolate/userns.h"
#include "engine/layers/stream.h"
#include "engine/layers/whiteout.h"

/* Ids in the archive (inside) and on disk (outside), as a user namespace's map has them. count 0: they are the same. */
struct tar_ids {
    const struct id_map *users, *groups;
    size_t user_count, group_count;
};

/** What was left out and why: "socket", "device node: Operation not permitted", "attribute trusted.x: Operation not permitted". @path is as in the archive, in any encoding. */
typedef void tar_skipped_fn(const char *path, const char *why, void *data);

struct tar_counts {
    uint64_t entries;
    uint64_t bytes;   /* of regular files, holes included */
    uint64_t skipped; /* entries and attributes */
};

struct tar_unpack {
    enum whiteout_form
        form; /* in which `.wh.` files become whiteouts; WHITEOUT_NONE: they take away what is there, as one layer is applied on another in one directory */
    bool plain;         /* no whiteouts: `.wh.` files are files as any other (a root filesystem's tar) */
    struct tar_ids ids; /* an id without a place is EOVERFLOW, naming it */
    bool
        squash; /* everything belongs to the caller, whatever the archive says: for who may not chown. Files have no set-id bits then, which would make programs of strangers run as the caller */
    uint64_t max_entries;    /* 0: 4 million */
    uint64_t max_bytes;      /* of all files together, holes included; 0: 64 GiB */
    tar_skipped_fn *skipped; /* may be NULL */
    void *data;
};
/** A directory that the archive has files in but no entry for keeps its owner, mode and time; one that is not there is made root's, with mode 0755, as docker makes it, also where a layer below has it with others.
 * A whiteout takes nothing away that the same archive made, before or after it in any order. Names with `.wh..wh.` that are not opaque marks are reserved, and left out with a word.
 *
 * Unpack the archive, plain tar (source_decompress comes before), into the directory @root, over what is there. Returns 0, or -1: ENAMETOOLONG, EINVAL,
 * ELOOP, EOVERFLOW, EFBIG … naming the entry; EIO the archive is damaged or ends early. What was unpacked until then stays. @counts may be NULL. @from is read to its end, also beyond
 * the archive's end mark, so that its digests are whole; and is not closed. */
int tar_unpack(struct source *from, int root, const struct tar_unpack *options, struct tar_counts *counts,
               struct err *err);

/** Read the archive to its end, as tar_unpack does, and refuse what that would refuse wherever it is unpacked to: names with `..`, whiteouts of nothing, more than its limits, damage. Nothing is
 * written. Returns 0 or -1. @counts may be NULL. @from is not closed. */
int tar_check(struct source *from, struct tar_counts *counts, struct err *err);

struct tar_pack {
    enum whiteout_form
        form; /* of whiteouts in the directory, which become `.wh.` files; WHITEOUT_NONE: none are looked for */
    struct tar_ids ids;
    bool one_file_system; /* directories that are mount points are packed empty */
    bool
        dense; /* holes as zeros: docker's and podman's code for layers cannot read sparse entries, or not write them again */
    bool set_time;   /* every entry has the time @time; */
    bool clamp_time; /* or at most that */
    int64_t time;    /* seconds since the epoch */
    tar_skipped_fn *skipped;
    void *data;
};
/** Write all below the directory @root (and its own attributes, as `./`) to @to, in pax format, and the end mark; @to is not finished. Nothing may change meanwhile: a file that is
 * not as long as it was is EBUSY. Returns 0 or -1. */
int tar_pack(int root, struct sink *to, const struct tar_pack *options, struct tar_counts *counts, struct err *err);

enum tar_found { TAR_NOT_HERE, TAR_FOUND, TAR_HIDDEN /* a whiteout says that it is gone */ };
/** Is @path, or anything below it, in the layer's archive @from? Links on the way are not followed. Reading ends where it is found. */
int tar_find(struct source *from, const char *path, enum tar_found *found, struct err *err);

#endif
