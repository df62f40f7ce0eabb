/** What the files of stream.h share, and what reads or writes through them closely. */
#ifndef ENGINE_LAYERS_STREAM_INTERNAL_H
#define ENGINE_LAYERS_STREAM_INTERNAL_H

#include "engine/layers/stream.h"

/* How much is asked of a source at once: large enough that calls cost nothing, small enough to stay in the processor's cache. */
#define STREAM_BLOCK ((size_t)256 << 10)

/** NULL and those that never wait are fine. */
void source_interrupt(struct source *source);
void sink_interrupt(struct sink *sink);

/** Read until @size bytes are there or the end: returns how many, fewer only at the end, or -1. */
ssize_t source_read_full(struct source *source, void *buf, size_t size, struct err *err);

#endif
