/** The network links of a process's network namespace. */
#ifndef ENGINE_OBSERVE_LINKS_H
#define ENGINE_OBSERVE_LINKS_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LINK_ADDRESSES 3
struct observe_link {
    int index;
    char name[16], kind[16]; /* kind: "veth", "bridge", "loopback" …; "" a device of the machine's own, or not known */
    char master[16];         /* the bridge it is a port of, "" none */
    bool up, running;
    bool peer_elsewhere;              /* the other end is in another network namespace */
    char address[LINK_ADDRESSES][56]; /* "10.0.0.2/24", IPv4 first, "" ends; link-local IPv6 addresses are left out */
};

/** By rtnetlink in the namespace itself, which the caller enters and leaves again; who may not do so (an ordinary user) asks through a child that first enters
 * @pid's user namespace. Where neither is allowed /proc/@pid/net/dev at least has the names: *partly is then true, and nothing else is known of a link. Returns how many
 * were stored (at most @max), or -1 (ESRCH: it has ended). Not for threads. Some 100 µs; 1 ms with a child. */
ssize_t observe_links(pid_t pid, struct observe_link *links, size_t max, bool *partly, struct err *err);

#endif
