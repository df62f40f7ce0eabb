/** The trusted side of debootstrap in a lab: makes root filesystems for the cache, where no lab can write, and keeps them for the labs to come.
 *
 * A process of its own beside the program that owns the lab, at the other end of a socket in the lab. Each request is answered by a child that runs debootstrap in
 * a throwaway lab of its own; nothing of the asking lab but the words of its request has any influence on the result. When the asking side, the lab or the program
 * goes away, kill -9 included, what was begun is ended and removed at once.
 *
 * The conversation: the lab sends `keep` or `fresh` (make it anew even if it is there) on a line, then the request (bootstrap_to_text), then an empty line. It gets lines, each a
 * letter, a space and text: M something worth saying; P percent, done, total, phase and, behind a tab each, what is being done and the package at hand; and at last
 * D the name below BOOTSTRAP_TREES, or E why there is none, or N why this one is not kept (then the lab may make it for itself).
 */
#ifndef ENGINE_ROOTFS_BOOTSTRAP_SERVICE_H
#define ENGINE_ROOTFS_BOOTSTRAP_SERVICE_H

#include "engine/base/err.h"
#include "engine/lab/lab.h"

#include <stdbool.h>

struct bootstrap_service;

/** Start it for a lab that was just built, before anything of the learner's runs in it. Returns NULL with @err set where nothing can be kept; the lab is as good without. */
struct bootstrap_service *bootstrap_service_start(struct lab *lab, struct err *err);

/** End it, and wait until what it had begun is removed. NULL is fine. To be called before lab_destroy. */
void bootstrap_service_stop(struct bootstrap_service *service);

/* For the two files of the service. */
struct bootstrap_job {
    int client, alive;      /* hang up when the asker, or the service, has gone */
    bool offline;           /* the asking lab was made without a network */
    char trees[4096 - 300]; /* the cache's directory for finished trees */
    char packages[4096 - 300];
};
/** Read a request, answer it, and return when all is done and removed. */
void bootstrap_job_run(struct bootstrap_job *job);

#endif
