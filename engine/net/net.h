/** The network of a lab as root: a veth pair, a /30 subnet of its own, and NAT on the host. See rtnetlink(7), veth(4), nft(8).
 *
 * Called in the host's network namespace. What it makes on the host carries the lab's name: link `tr-NAME` (cut to 15 bytes, then with the lab's slot), nft table
 * `ip teachroot_NAME`. The lab reaches what the host reaches by its routes, not the host itself and not other labs.
 */
#ifndef ENGINE_NET_NET_H
#define ENGINE_NET_NET_H

#include "engine/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What was made and must be undone; also as text, one line without newline, so that whoever clears up after a kill knows it. */
struct net_lab {
    char link[16];       /* the host's end */
    char table[64];      /* nft table of family ip */
    char uplink[16];     /* the interface of the default route, "" if there is none */
    uint32_t host, peer; /* the two addresses, host byte order; /30 */
};

/** Choose names and a subnet that no address or route of the host covers, from 10.88.0.0/16 on by @slot. Nothing is made yet: write the text down, then net_lab_up. */
int net_lab_plan(const char *lab_name, unsigned slot, struct net_lab *net, struct err *err);
int net_lab_to_text(const struct net_lab *net, char *text, size_t size);
int net_lab_from_text(const char *text, struct net_lab *net);

/** Make it: the pair, the peer in @netns as eth0 with its address and default route, the nft table, forwarding on the two interfaces.
 * ENOENT: no nft program, or no default route (the message says which). What was made so far stays for net_lab_down. */
int net_lab_up(const struct net_lab *net, int netns, struct err *err);

/** Undo it, in any half-made state; what is not there is fine. Forwarding of the uplink goes back to what it was with the last lab: a file in
 * /run/teachroot remembers that it was off, and labs take turns by a lock there. */
int net_lab_down(const struct net_lab *net, struct err *err);

/** A resolv.conf for a lab: the host's name servers; for loopback ones, which the lab cannot reach, systemd-resolved's upstream list. Returns 0, or -1 ENOENT if no
 * reachable name server is configured. */
int net_resolv_conf(char *text, size_t size, struct err *err);

#endif
