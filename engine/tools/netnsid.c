#include "engine/tools/netnsid.h"

#include <errno.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

int netnsid_open(struct err *err)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    return fd < 0 ? err_set(err, errno, "socket `NETLINK_ROUTE`") : fd;
}

int netnsid_get(int socket, int ns)
{
    struct {
        struct nlmsghdr header;
        struct rtgenmsg message;
        char pad[NLMSG_ALIGN(sizeof(struct rtgenmsg)) - sizeof(struct rtgenmsg)];
        struct rtattr attribute;
        int fd;
    } request = {
        .header = { .nlmsg_len = sizeof request, .nlmsg_type = RTM_GETNSID, .nlmsg_flags = NLM_F_REQUEST },
        .message = { .rtgen_family = AF_UNSPEC },
        .attribute = { .rta_type = NETNSA_FD, .rta_len = RTA_LENGTH(sizeof(int)) },
        .fd = ns,
    };
    __attribute__((aligned(NLMSG_ALIGNTO))) char answer[1024];
    if (send(socket, &request, sizeof request, 0) < 0)
        return NETNSID_UNKNOWN;
    ssize_t n = recv(socket, answer, sizeof answer, 0);
    const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)answer;
    if (n < (ssize_t)NLMSG_SPACE(sizeof(struct rtgenmsg)) || header->nlmsg_type != RTM_NEWNSID ||
        header->nlmsg_len > (size_t)n)
        return NETNSID_UNKNOWN;
    for (size_t at = NLMSG_SPACE(sizeof(struct rtgenmsg)); at + sizeof(struct rtattr) <= header->nlmsg_len;) {
        const struct rtattr *attribute = (const struct rtattr *)(const void *)(answer + at);
        if (attribute->rta_len < sizeof *attribute || at + attribute->rta_len > header->nlmsg_len)
            break;
        int id;
        if (attribute->rta_type == NETNSA_NSID && attribute->rta_len >= RTA_LENGTH(sizeof id)) {
            memcpy(&id, answer + at + RTA_LENGTH(0), sizeof id);
            return id >= 0 ? id : NETNSID_UNASSIGNED;
        }
        at += RTA_ALIGN(attribute->rta_len);
    }
    return NETNSID_UNKNOWN;
}
