#include "engine/net/link.h"

#include "engine/base/cleanup.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER 8192 /* libmnl's advice: a page or 8 KiB */

static struct mnl_socket *open_here(struct err *err)
{
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
        err_set(err, errno, "open a netlink socket");
        if (nl)
            mnl_socket_close(nl);
        return NULL;
    }
    return nl;
}

struct mnl_socket *link_open(int netns, struct err *err)
{
    if (netns < 0)
        return open_here(err);
    cleanup_close int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own < 0 || setns(netns, CLONE_NEWNET) < 0) {
        err_set(err, errno, "enter a network namespace");
        return NULL;
    }
    struct mnl_socket *nl = open_here(err);
    if (setns(own, CLONE_NEWNET) < 0) { /* cannot be: it was ours a moment ago */
        err_set(err, errno, "return to the network namespace");
        if (nl)
            mnl_socket_close(nl);
        return NULL;
    }
    return nl;
}

struct request {
    char buffer[BUFFER];
    struct nlmsghdr *header;
};

static void *start(struct request *request, uint16_t type, uint16_t flags, size_t family_size)
{
    memset(request->buffer, 0, sizeof request->buffer);
    request->header = mnl_nlmsg_put_header(request->buffer);
    request->header->nlmsg_type = type;
    request->header->nlmsg_flags = NLM_F_REQUEST | flags;
    request->header->nlmsg_seq = 1;
    return mnl_nlmsg_put_extra_header(request->header, family_size);
}

/* Send and take the kernel's acknowledgement (or the dump, into @each). Returns 0, or -1 with errno. */
static int ask(struct mnl_socket *nl, struct request *request, mnl_cb_t each, void *data)
{
    char answer[4 * BUFFER];
    if (mnl_socket_sendto(nl, request->header, request->header->nlmsg_len) < 0)
        return -1;
    for (;;) {
        ssize_t n = mnl_socket_recvfrom(nl, answer, sizeof answer);
        if (n < 0)
            return -1;
        int more = mnl_cb_run(answer, (size_t)n, 1, mnl_socket_get_portid(nl), each, data);
        if (more <= MNL_CB_STOP)
            return more < 0 ? -1 : 0;
        if (!(request->header->nlmsg_flags & (NLM_F_ACK | NLM_F_DUMP)))
            return 0;
    }
}

int link_add_veth(struct mnl_socket *nl, const char *name, const char *peer, int netns, struct err *err)
{
    struct request request;
    start(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(request.header, IFLA_IFNAME, name);
    struct nlattr *info = mnl_attr_nest_start(request.header, IFLA_LINKINFO);
    mnl_attr_put_strz(request.header, IFLA_INFO_KIND, "veth");
    struct nlattr *veth = mnl_attr_nest_start(request.header, IFLA_INFO_DATA);
    struct nlattr *other = mnl_attr_nest_start(request.header, VETH_INFO_PEER);
    mnl_nlmsg_put_extra_header(request.header, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(request.header, IFLA_IFNAME, peer);
    mnl_attr_put_u32(request.header, IFLA_NET_NS_FD, (uint32_t)netns);
    mnl_attr_nest_end(request.header, other);
    mnl_attr_nest_end(request.header, veth);
    mnl_attr_nest_end(request.header, info);
    return ask(nl, &request, NULL, NULL) < 0 ? err_set(err, errno, "add veth link `%s`", name) : 0;
}

int link_delete(struct mnl_socket *nl, const char *name, struct err *err)
{
    struct request request;
    start(&request, RTM_DELLINK, NLM_F_ACK, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(request.header, IFLA_IFNAME, name);
    if (ask(nl, &request, NULL, NULL) < 0 && errno != ENODEV)
        return err_set(err, errno, "delete link `%s`", name);
    return 0;
}

int link_up(struct mnl_socket *nl, const char *name, struct err *err)
{
    struct request request;
    struct ifinfomsg *link = start(&request, RTM_NEWLINK, NLM_F_ACK, sizeof *link);
    link->ifi_change = IFF_UP;
    link->ifi_flags = IFF_UP;
    mnl_attr_put_strz(request.header, IFLA_IFNAME, name);
    return ask(nl, &request, NULL, NULL) < 0 ? err_set(err, errno, "set link `%s` up", name) : 0;
}

static int take_index(const struct nlmsghdr *header, void *data)
{
    const struct ifinfomsg *link = mnl_nlmsg_get_payload(header);
    *(int *)data = link->ifi_index;
    return MNL_CB_OK;
}

int link_index(struct mnl_socket *nl, const char *name, struct err *err)
{
    struct request request;
    int index = -1;
    start(&request, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(request.header, IFLA_IFNAME, name);
    if (ask(nl, &request, take_index, &index) < 0)
        return err_set(err, errno, "find link `%s`", name);
    return index;
}

int link_add_address(struct mnl_socket *nl, int index, uint32_t address, unsigned prefix, struct err *err)
{
    struct request request;
    struct ifaddrmsg *message = start(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, sizeof *message);
    message->ifa_family = AF_INET;
    message->ifa_prefixlen = (unsigned char)prefix;
    message->ifa_index = (unsigned)index;
    mnl_attr_put_u32(request.header, IFA_LOCAL, htonl(address));
    mnl_attr_put_u32(request.header, IFA_ADDRESS, htonl(address));
    return ask(nl, &request, NULL, NULL) < 0 ? err_set(err, errno, "add an address to link %d", index) : 0;
}

int link_add_default_route(struct mnl_socket *nl, int index, uint32_t gateway, struct err *err)
{
    struct request request;
    struct rtmsg *route = start(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, sizeof *route);
    route->rtm_family = AF_INET;
    route->rtm_table = RT_TABLE_MAIN;
    route->rtm_protocol = RTPROT_STATIC;
    route->rtm_scope = RT_SCOPE_UNIVERSE;
    route->rtm_type = RTN_UNICAST;
    mnl_attr_put_u32(request.header, RTA_GATEWAY, htonl(gateway));
    mnl_attr_put_u32(request.header, RTA_OIF, (uint32_t)index);
    return ask(nl, &request, NULL, NULL) < 0 ? err_set(err, errno, "add the default route") : 0;
}

struct routes {
    link_route_fn *each;
    void *data;
};

struct route_found {
    uint32_t destination;
    int index;
};

static int take_route_attribute(const struct nlattr *attribute, void *data)
{
    struct route_found *found = data;
    if (mnl_attr_get_type(attribute) == RTA_DST && mnl_attr_get_payload_len(attribute) == 4)
        found->destination = ntohl(mnl_attr_get_u32(attribute));
    if (mnl_attr_get_type(attribute) == RTA_OIF && mnl_attr_get_payload_len(attribute) == 4)
        found->index = (int)mnl_attr_get_u32(attribute);
    return MNL_CB_OK;
}

static int take_route(const struct nlmsghdr *header, void *data)
{
    const struct routes *routes = data;
    const struct rtmsg *route = mnl_nlmsg_get_payload(header);
    struct route_found found = { 0 };
    if (route->rtm_family == AF_INET &&
        mnl_attr_parse(header, sizeof *route, take_route_attribute, &found) == MNL_CB_OK)
        routes->each(found.destination, route->rtm_dst_len, found.index, routes->data);
    return MNL_CB_OK;
}

int link_each_route(struct mnl_socket *nl, link_route_fn *each, void *data, struct err *err)
{
    struct request request;
    struct routes routes = { each, data };
    struct rtmsg *route = start(&request, RTM_GETROUTE, NLM_F_DUMP, sizeof *route);
    route->rtm_family = AF_INET;
    return ask(nl, &request, take_route, &routes) < 0 ? err_set(err, errno, "list the routes") : 0;
}

struct links {
    link_facts_fn *each;
    void *data;
};

static int take_kind(const struct nlattr *attribute, void *data)
{
    struct link_facts *link = data;
    if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
        link->kind = mnl_attr_get_str(attribute);
    return MNL_CB_OK;
}

static int take_link_attribute(const struct nlattr *attribute, void *data)
{
    struct link_facts *link = data;
    uint16_t type = mnl_attr_get_type(attribute);
    if (type == IFLA_IFNAME && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
        link->name = mnl_attr_get_str(attribute);
    else if (type == IFLA_MASTER && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
        link->master = (int)mnl_attr_get_u32(attribute);
    else if (type == IFLA_LINK_NETNSID)
        link->peer_elsewhere = true;
    else if (type == IFLA_LINKINFO)
        return mnl_attr_parse_nested(attribute, take_kind, link);
    return MNL_CB_OK;
}

static int take_link(const struct nlmsghdr *header, void *data)
{
    const struct links *links = data;
    const struct ifinfomsg *message = mnl_nlmsg_get_payload(header);
    struct link_facts link = { .index = message->ifi_index,
                               .name = "",
                               .kind = message->ifi_type == ARPHRD_LOOPBACK ? "loopback" : "",
                               .up = message->ifi_flags & IFF_UP,
                               .running = message->ifi_flags & IFF_RUNNING };
    if (mnl_attr_parse(header, sizeof *message, take_link_attribute, &link) == MNL_CB_OK)
        links->each(&link, links->data);
    return MNL_CB_OK;
}

int link_each(struct mnl_socket *nl, link_facts_fn *each, void *data, struct err *err)
{
    struct request request;
    struct links links = { each, data };
    start(&request, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
    return ask(nl, &request, take_link, &links) < 0 ? err_set(err, errno, "list the links") : 0;
}

struct addresses {
    link_address_fn *each;
    void *data;
};

struct address_found {
    const void *address, *local;
};

/* IFA_LOCAL is the link's own where IFA_ADDRESS names the other end. */
static int take_address_attribute(const struct nlattr *attribute, void *data)
{
    struct address_found *found = data;
    uint16_t type = mnl_attr_get_type(attribute);
    if (mnl_attr_get_payload_len(attribute) != 4 && mnl_attr_get_payload_len(attribute) != 16)
        return MNL_CB_OK;
    if (type == IFA_ADDRESS)
        found->address = mnl_attr_get_payload(attribute);
    else if (type == IFA_LOCAL)
        found->local = mnl_attr_get_payload(attribute);
    return MNL_CB_OK;
}

static int take_address(const struct nlmsghdr *header, void *data)
{
    const struct addresses *addresses = data;
    const struct ifaddrmsg *message = mnl_nlmsg_get_payload(header);
    struct address_found found = { 0 };
    if ((message->ifa_family == AF_INET || message->ifa_family == AF_INET6) &&
        mnl_attr_parse(header, sizeof *message, take_address_attribute, &found) == MNL_CB_OK &&
        (found.local || found.address))
        addresses->each((int)message->ifa_index, message->ifa_family, found.local ? found.local : found.address,
                        message->ifa_prefixlen, addresses->data);
    return MNL_CB_OK;
}

int link_each_address(struct mnl_socket *nl, link_address_fn *each, void *data, struct err *err)
{
    struct request request;
    struct addresses addresses = { each, data };
    start(&request, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
    return ask(nl, &request, take_address, &addresses) < 0 ? err_set(err, errno, "list the addresses") : 0;
}
