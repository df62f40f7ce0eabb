/** Reading tar archives that nobody vouches for: ustar, pax, GNU (long names, base-256 numbers, its four forms of sparse files) and v7. Internal to this room.
 *
 * Nothing is believed: numbers are in range, texts end, records are whole, spans of sparse files are in order and as long as what follows. What is not so is EINVAL (or EIO where the archive
 * just ends). Global pax headers are read over, as container tools do: an archive's names and sizes are those of its entries.
 */
#ifndef ENGINE_LAYERS_TAR_READ_H
#define ENGINE_LAYERS_TAR_READ_H

#include "engine/layers/stream.h"
#include "engine/layers/tar_entry.h"

struct tar_reader;

/** @from stays the caller's. */
struct tar_reader *tar_reader_new(struct source *from, struct err *err);
/** The next entry, what is left of the one before passed over. Valid until the next call. Returns 1; 0 at the end mark; or -1. */
int tar_reader_next(struct tar_reader *reader, const struct tar_entry **entry, struct err *err);
/** The next piece of the entry's file and its place in it; between pieces are holes. Returns 1, 0 at its end, or -1. */
int tar_reader_data(struct tar_reader *reader, const void **data, size_t *size, uint64_t *offset, struct err *err);
void tar_reader_free(struct tar_reader *reader);

#endif
