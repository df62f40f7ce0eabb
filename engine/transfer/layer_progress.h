/** What a pull or push shows of its layers, on stderr: on a terminal a line for each, drawn anew as it changes, with a bar; elsewhere a line for each thing that happens. And Ctrl-C, which ends both at once. */
#ifndef ENGINE_TRANSFER_LAYER_PROGRESS_H
#define ENGINE_TRANSFER_LAYER_PROGRESS_H

#include "engine/image/registry.h"

struct layer_words {
    const char *waiting, *exists, *moving, *moved,
        *complete; /* "Pulling fs layer", "Already exists", "Downloading" … */
};
struct layer_progress;
/** @verb: "docker pull", for messages. @quiet: nothing is shown. NULL: no memory. */
struct layer_progress *layer_progress_start(const char *verb, const struct layer_words *words, bool quiet);
/** To be given to registry_pull or registry_push. */
const struct registry_watch *layer_progress_watch(struct layer_progress *progress);
/** The last picture; signals are as they were before. */
void layer_progress_end(struct layer_progress *progress);
/** If a signal wanted the end: end by that signal, after having said so. */
void end_if_interrupted(const char *verb, const char *kept);

#endif
