/** Writing tar archives: ustar, and pax records only for what ustar cannot say. The same entries give the same bytes. Internal to this room.
 *
 * Names stand as bytes in the header as long as they fit; longer ones are pax records, those that are not UTF-8 with `hdrcharset=BINARY` before them. Sparse files are in GNU's form 1.0, which
 * GNU tar, bsdtar and Go read.
 */
#ifndef ENGINE_LAYERS_TAR_WRITE_H
#define ENGINE_LAYERS_TAR_WRITE_H

#include "engine/layers/stream.h"
#include "engine/layers/tar_entry.h"

struct tar_writer;

/** @to stays the caller's. */
struct tar_writer *tar_writer_new(struct sink *to, struct err *err);
/** Write the headers of @entry; the bytes of a file's spans (or of all of it) follow, then tar_writer_pad. */
int tar_writer_entry(struct tar_writer *writer, const struct tar_entry *entry, struct err *err);
/** Room to put file data in: at least one byte, at *@room. */
size_t tar_writer_room(struct tar_writer *writer, void **room, struct err *err);
void tar_writer_used(struct tar_writer *writer, size_t size);
/** Fill up the last block of a file. */
int tar_writer_pad(struct tar_writer *writer, struct err *err);
/** The end mark; all is in the sink then. */
int tar_writer_end(struct tar_writer *writer, struct err *err);
void tar_writer_free(struct tar_writer *writer);

#endif
