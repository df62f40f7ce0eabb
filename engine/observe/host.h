/** What this machine allows: each feature is found out by trying it (in a forked child, with nothing left behind), not by version numbers.
 *
 * One table serves `teachroot doctor`, `requires:` in lessons, and the messages of a lab that had to do without.
 */
#ifndef ENGINE_OBSERVE_HOST_H
#define ENGINE_OBSERVE_HOST_H

#include <stdbool.h>
#include <stddef.h>

enum host_answer { HOST_NO, HOST_YES, HOST_PARTLY };

struct host_feature {
    const char *name; /* what `requires:` says: "userns", "pidns", "overlay", "idmap", "memcg", "strace" … */
    const char *what; /* "user namespaces" */
    enum host_answer (*probe)(char *found, size_t size); /* fills one line: what was found, or why not */
    const char *brings; /* what brings it when missing: a command or a sentence; may hold {install PACKAGE} */
    bool slow;          /* over 50 ms: only when asked for by name or by doctor */
};
extern const struct host_feature host_features[];
extern const size_t host_feature_count;

const struct host_feature *host_feature_find(const char *name);

/** The command that installs @package with this machine's package manager: "apt-get install uidmap". */
void host_install_command(const char *package, char *buf, size_t size);

#endif
