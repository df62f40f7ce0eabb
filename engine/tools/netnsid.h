/** The number by which our network namespace knows another one: rtnetlink's RTM_GETNSID, see rtnetlink(7) and `ip netns list-id`.
 * By raw netlink, not libmnl: the tools load only libc. */
#ifndef ENGINE_TOOLS_NETNSID_H
#define ENGINE_TOOLS_NETNSID_H

#include "engine/base/err.h"

#define NETNSID_UNASSIGNED (-1)
#define NETNSID_UNKNOWN (-2)

/** A socket to ask on, or -1. */
int netnsid_open(struct err *err);
/** The id of the network namespace @ns (an fd of it): 0 or more, or one of the above. */
int netnsid_get(int socket, int ns);

#endif
