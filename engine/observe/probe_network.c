/* The network: only looked at. No packet leaves for any test; what is made, is made in a network namespace of its own. */
#include "engine/observe/probes.h"

#include "engine/base/cleanup.h"
#include "engine/net/link.h"
#include "engine/net/net.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void look_for_default(uint32_t destination, unsigned prefix, int index, void *data)
{
    int *uplink = data;
    if (prefix == 0 && destination == 0 && !*uplink)
        *uplink = index;
}

/* Docker and some firewalls drop what is forwarded unless a rule lets it through. */
static bool forwarding_is_dropped(void)
{
    static const char *const iptables[] = { "iptables", "-w", "1", "-S", "FORWARD", NULL }, *const nft[] = {
        "nft", "list", "ruleset", NULL
    };
    char text[16384];
    if (host_run(iptables, text, sizeof text) == 0 && strstr(text, "-P FORWARD DROP"))
        return true;
    if (host_run(nft, text, sizeof text) != 0)
        return false;
    for (const char *hook = text; (hook = strstr(hook, "hook forward")); hook++) {
        const char *end = strchr(hook, '\n');
        const char *drop = strstr(hook, "policy drop");
        if (drop && (!end || drop < end))
            return true;
    }
    return false;
}

static enum host_answer try_network(char *found, size_t size)
{
    struct err err;
    struct mnl_socket *nl = link_open(-1, &err);
    int uplink = 0;
    if (!nl)
        return host_say(HOST_NO, found, size, "%.200s", err.message);
    int result = link_each_route(nl, look_for_default, &uplink, &err);
    mnl_socket_close(nl);
    if (result < 0)
        return host_say(HOST_NO, found, size, "%.200s", err.message);
    char interface[IF_NAMESIZE] = "", servers[1024];
    if (!uplink || !if_indextoname((unsigned)uplink, interface))
        return host_say(HOST_NO, found, size, "no default route: labs are offline");
    if (net_resolv_conf(servers, sizeof servers, &err) < 0)
        return host_say(HOST_PARTLY, found, size, "a route out by %s, but no name server that a lab could reach",
                        interface);
    if (geteuid() == 0 && forwarding_is_dropped())
        return host_say(HOST_PARTLY, found, size,
                        "a route out by %s, but the firewall drops what is forwarded (Docker's rules?)", interface);
    char *server = strstr(servers, "nameserver ");
    return host_say(HOST_YES, found, size, "a route out by %s, name server %.60s", interface,
                    server ? strtok(server + 11, "\n") : "?");
}

enum host_answer probe_network(char *found, size_t size)
{
    return host_try(try_network, found, size);
}

static int enter_network(char *found, size_t size)
{
    if (host_enter_user_namespace(found, size) < 0)
        return -1;
    if (unshare(CLONE_NEWNET) == 0)
        return 0;
    host_fails(found, size, "a network namespace");
    return -1;
}

static enum host_answer try_veth(char *found, size_t size)
{
    if (enter_network(found, size) < 0)
        return HOST_NO;
    struct err err = { 0 };
    cleanup_close int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    struct mnl_socket *nl = link_open(-1, &err);
    int result = nl ? link_add_veth(nl, "doctor0", "doctor1", netns, &err) : -1;
    if (nl)
        mnl_socket_close(nl);
    if (result < 0)
        return host_say(HOST_NO, found, size, "%.200s", err.message);
    return host_say(HOST_YES, found, size, "a pair can be made");
}

enum host_answer probe_veth(char *found, size_t size)
{
    return host_try(try_veth, found, size);
}

static enum host_answer try_bridge(char *found, size_t size)
{
    if (enter_network(found, size) < 0)
        return HOST_NO;
    cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCBRADDBR, "doctor0") < 0)
        return host_fails(found, size, "make a bridge (the kernel module bridge)");
    return host_say(HOST_YES, found, size, "one can be made");
}

enum host_answer probe_bridge(char *found, size_t size)
{
    return host_try(try_bridge, found, size);
}

static enum host_answer try_nft(char *found, size_t size)
{
    static const char *const masquerade[] = {
        "nft",
        "add table ip doctor; add chain ip doctor post { type nat hook postrouting priority 100; }; "
        "add rule ip doctor post masquerade",
        NULL
    };
    char path[PATH_MAX], said[256];
    if (!host_program("nft", path, sizeof path))
        return host_say(HOST_NO, found, size, "no program nft");
    if (enter_network(found, size) < 0)
        return HOST_NO;
    if (host_run(masquerade, said, sizeof said) != 0)
        return host_say(HOST_NO, found, size, "nft cannot make a masquerade rule: %.150s", strtok(said, "\n"));
    return host_say(HOST_YES, found, size, "nft can make a masquerade rule");
}

enum host_answer probe_nft(char *found, size_t size)
{
    return host_try(try_nft, found, size);
}

enum host_answer probe_tun(char *found, size_t size)
{
    cleanup_close int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return host_fails(found, size, "open `/dev/net/tun`");
    return host_say(HOST_YES, found, size, "/dev/net/tun opens");
}

enum host_answer probe_pasta(char *found, size_t size)
{
    char path[PATH_MAX];
    if (!host_program("pasta", path, sizeof path) && !host_program("slirp4netns", path, sizeof path))
        return host_say(HOST_NO, found, size,
                        "no program pasta or slirp4netns: rootless labs share this machine's network");
    return host_say(HOST_YES, found, size, "%.200s", path);
}
