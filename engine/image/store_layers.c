/* Layers unpacked for overlay mounts: in a directory below .ingest first, renamed when it is whole and its digest is what it should be. */
#include "engine/image/store_internal.h"

#include "engine/base/cleanup.h"
#include "engine/layers/overlay.h"
#include "engine/layers/tar.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>

int store_drain(struct source *from, struct err *err)
{
    cleanup_free char *block = malloc(65536);
    ssize_t n = block ? 1 : err_set(err, ENOMEM, "read a blob");
    while (n > 0)
        n = from->read(from, block, 65536, err);
    return n < 0 ? -1 : 0;
}

/* Who may not give files away unpacks all as their own. */
static bool may_chown(void)
{
    cap_t caps = cap_get_proc();
    cap_flag_value_t has = CAP_CLEAR;
    if (caps)
        cap_get_flag(caps, CAP_CHOWN, CAP_EFFECTIVE, &has);
    cap_free(caps);
    return has == CAP_SET;
}

int layer_unpack_begin(struct store *store, char name[INGEST_NAME], struct tar_unpack *options, struct err *err)
{
    struct overlay_abilities abilities;
    if (store_need_write(store, "unpack a layer", err) < 0 || overlay_probe(store->layers, &abilities, err) < 0)
        return -1;
    *options = (struct tar_unpack){ .form = abilities.form, .squash = !may_chown() };
    cleanup_close int dir = ingest_directory(store, name, err);
    /* What an archive says nothing about is a root directory as any. */
    if (dir >= 0 && fchmod(dir, 0755) < 0) {
        ingest_remove(store, name);
        return err_set(err, errno, "chmod of an unpacked layer");
    }
    return take_fd(&dir);
}

static int unpack(struct store *store, const struct digest *diff_id, const struct digest *compressed, struct err *err)
{
    char name[INGEST_NAME];
    struct tar_unpack options;
    struct digest found = { "" };
    cleanup_close int blob = store_open_blob(store, compressed, err);
    if (blob < 0)
        return -1;
    cleanup_close int dir = layer_unpack_begin(store, name, &options, err);
    if (dir < 0)
        return -1;
    struct source *from = source_decompress(source_fd(blob, err), NULL, err);
    from = source_beside(source_digest(from, &found, NULL, err), err);
    int result = from ? tar_unpack(from, dir, &options, NULL, err) : -1;
    source_close(from);
    if (result == 0 && !digest_equal(&found, diff_id))
        result = err_say(err, EIO, "layer `%s` unpacks to %s; its image says %s", compressed->text, found.text,
                         diff_id->text);
    if (result == 0)
        result = ingest_commit_layer(store, name, dir, diff_id, err);
    if (result < 0)
        ingest_remove(store, name);
    return result;
}

int store_layer(struct store *store, const struct digest *diff_id, const struct digest *compressed, struct err *err)
{
    const char *name = store_blob_name(diff_id, err);
    if (!name)
        return -1;
    for (bool tried = false;; tried = true) {
        /* One of the store below is of its owner's ids and form of whiteouts: never taken from there. */
        int fd = store->layers < 0 ? -1 : openat(store->layers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
            return fd;
        if (store->layers >= 0 && (errno != ENOENT || tried))
            return err_set(err, errno, "open the unpacked layer `%s` of `%s`", diff_id->text, store->path);
        if (unpack(store, diff_id, compressed, err) < 0)
            return -1;
    }
}
