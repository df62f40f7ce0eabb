/** What this machine allows: each feature is found out by trying it (in a forked child, with nothing left behind), not by version numbers.
 *
 * One table serves `teachroot doctor`, `requires:` in lessons, and the messages of a lab that had to do without. What is tried is tried as a lab would use it: namespaces
 * and what is in them in a user namespace, the lab's own disk, groups and idmapped mount as the user that asks. Nothing is ever sent to the network.
 */
#ifndef ENGINE_OBSERVE_HOST_H
#define ENGINE_OBSERVE_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* HOST_PARTLY: it can be used, with less than usual; who only needs to know whether to go on takes it for a yes. */
enum host_answer { HOST_NO, HOST_YES, HOST_PARTLY };

struct host_feature {
    const char *name; /* what `requires:` says: "userns", "pidns", "overlay", "idmap", "memcg", "strace" … */
    const char *what; /* "user namespaces" */
    enum host_answer (*probe)(char *found,
                              size_t size); /* fills one line: what was found, or why not; ends within 5 s */
    const char *brings; /* what brings it when missing: a sentence; may hold {install PACKAGE} (Debian's name of it) */
    const char *group;  /* the heading it stands under; those of a group stand together in the table */
    bool slow;          /* over 50 ms: only when asked for by name or by doctor */
    bool optional;      /* nothing is worse without it than slower or plainer: not a lack to report */
};
extern const struct host_feature host_features[];
extern const size_t host_feature_count;

/** The feature of that name, or NULL. */
const struct host_feature *host_feature_find(const char *name);

/** The command that installs @package (Debian's name; others are translated) with this machine's package manager: "apt-get install uidmap". "the package uidmap" where no
 * manager is known. */
void host_install_command(const char *package, char *buf, size_t size);

/** What brings @feature, with each {install PACKAGE} spelled out for this machine. */
void host_brings(const struct host_feature *feature, char *buf, size_t size);

#endif
