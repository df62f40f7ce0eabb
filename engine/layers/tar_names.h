/** What a layer's archive holds, by name, read once and kept: for looking at a layer without unpacking it.
 *
 * Only names and what is hidden by them are kept, none that lies deeper than a list goes, and no more than TAR_NAMES of them, whatever the archive has. What says that a name below is gone (`.wh.NAME`, `.wh..wh..opq`) stands for what it
 * hides; a directory that only the names below it speak of is one all the same. Names that tar_unpack would refuse are left out.
 */
#ifndef ENGINE_LAYERS_TAR_NAMES_H
#define ENGINE_LAYERS_TAR_NAMES_H

#include "engine/layers/merged.h"
#include "engine/layers/stream.h"

#define TAR_NAMES 16384

struct tar_name {
    char *path;
    enum layer_holds holds;
};
struct tar_names {
    struct tar_name *list; /* sorted by path, each once */
    size_t count;
    bool more; /* there were more than are kept */
};

/** Read the plain archive @from to its end, also beyond the end mark, so that its digests are whole. Returns 0, or -1 with what was read until then in @names: EIO, EINVAL it is damaged; or what
 * @from says. To be freed in any case. @from is not closed. */
int tar_names_read(struct source *from, struct tar_names *names, struct err *err);
void tar_names_free(struct tar_names *names);

/** The same as a layer to be listed with others. @names is borrowed. */
struct merged_layer tar_names_layer(const struct tar_names *names);

#endif
