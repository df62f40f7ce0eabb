/** The few rtnetlink(7) requests a lab's network needs, by libmnl. Indices and sockets belong to one network namespace. */
#ifndef ENGINE_NET_LINK_H
#define ENGINE_NET_LINK_H

#include "engine/base/err.h"

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

/** A NETLINK_ROUTE socket in the calling process's network namespace, or in @netns (>= 0; entered for the moment of opening, so not for threads). */
struct mnl_socket *link_open(int netns, struct err *err);

/** cleanup_netlink struct mnl_socket *nl = link_open(…): closed when it goes out of scope. */
static inline void cleanup_mnl(struct mnl_socket **nl)
{
    if (*nl)
        mnl_socket_close(*nl);
}
#define cleanup_netlink __attribute__((cleanup(cleanup_mnl)))

/** ip link add @name type veth peer name @peer netns @netns */
int link_add_veth(struct mnl_socket *nl, const char *name, const char *peer, int netns, struct err *err);
/** ip link delete @name; a link that is not there is fine. */
int link_delete(struct mnl_socket *nl, const char *name, struct err *err);
/** ip link set @name up */
int link_up(struct mnl_socket *nl, const char *name, struct err *err);
/** The index of @name, or -1 (ENODEV). */
int link_index(struct mnl_socket *nl, const char *name, struct err *err);
/** ip address add @address/@prefix dev @index (host byte order) */
int link_add_address(struct mnl_socket *nl, int index, uint32_t address, unsigned prefix, struct err *err);
/** ip route add default via @gateway dev @index */
int link_add_default_route(struct mnl_socket *nl, int index, uint32_t gateway, struct err *err);

typedef void link_route_fn(uint32_t destination, unsigned prefix, int index, void *data);
/** Call @each for every IPv4 route of every table; a default route has prefix 0. */
int link_each_route(struct mnl_socket *nl, link_route_fn *each, void *data, struct err *err);

struct link_facts {
    int index;
    const char *name;
    const char *kind;    /* "veth", "bridge" …; "loopback"; "" a device of the machine's own */
    int master;          /* index of the bridge it is a port of; 0 none */
    bool up, running;    /* set up; and a signal is on it */
    bool peer_elsewhere; /* its other end is in another network namespace */
};
typedef void link_facts_fn(const struct link_facts *link, void *data);
/** Call @each for every link, in the order of their indices. */
int link_each(struct mnl_socket *nl, link_facts_fn *each, void *data, struct err *err);

typedef void link_address_fn(int index, int family, const void *address, unsigned prefix, void *data);
/** Call @each for every address of every link: @family AF_INET or AF_INET6, @address 4 or 16 bytes as inet_ntop(3) takes them. */
int link_each_address(struct mnl_socket *nl, link_address_fn *each, void *data, struct err *err);

#endif
