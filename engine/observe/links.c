#include "engine/observe/links.h"

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"
#include "engine/net/link.h"
#include "engine/observe/proc.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define CHILD_MS 1000 /* it does a handful of system calls */

struct found {
    struct observe_link *links;
    int *master;
    size_t count, max;
};

static void take_link(const struct link_facts *facts, void *data)
{
    struct found *found = data;
    if (found->count == found->max)
        return;
    found->master[found->count] = facts->master;
    struct observe_link *link = &found->links[found->count++];
    *link = (struct observe_link){
        .index = facts->index, .up = facts->up, .running = facts->running, .peer_elsewhere = facts->peer_elsewhere
    };
    snprintf(link->name, sizeof link->name, "%s", facts->name);
    snprintf(link->kind, sizeof link->kind, "%s", facts->kind);
}

static void take_address(int index, int family, const void *address, unsigned prefix, void *data)
{
    struct found *found = data;
    char text[INET6_ADDRSTRLEN];
    if ((family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)address)) ||
        !inet_ntop(family, address, text, sizeof text))
        return;
    for (size_t i = 0; i < found->count; i++)
        for (size_t a = 0; found->links[i].index == index && a < LINK_ADDRESSES; a++)
            if (!found->links[i].address[a][0]) {
                snprintf(found->links[i].address[a], sizeof found->links[i].address[a], "%s/%u", text, prefix);
                return;
            }
}

/* @netns -1: that of the calling process. */
static ssize_t ask(int netns, struct observe_link *links, size_t max, struct err *err)
{
    cleanup_free int *master = calloc(max + 1, sizeof *master);
    struct found found = { links, master, 0, max };
    if (!master)
        return err_set(err, ENOMEM, "list the links");
    struct mnl_socket *nl = link_open(netns, err);
    if (!nl)
        return -1;
    bool asked = link_each(nl, take_link, &found, err) == 0 && link_each_address(nl, take_address, &found, err) == 0;
    mnl_socket_close(nl);
    for (size_t i = 0; i < found.count; i++)
        for (size_t k = 0; k < found.count; k++)
            if (master[i] && links[k].index == master[i])
                memcpy(links[i].master, links[k].name, sizeof links[i].master);
    return asked ? (ssize_t)found.count : -1;
}

/* The child writes what it found and ends; nothing at all where it could not. */
static void ask_in_child(int dir, int netns, int to, size_t max)
{
    cleanup_close int user = openat(dir, "ns/user", O_RDONLY | O_CLOEXEC);
    cleanup_free struct observe_link *links = calloc(max + 1, sizeof *links);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (user < 0 || !links || setns(user, CLONE_NEWUSER) < 0 || setns(netns, CLONE_NEWNET) < 0)
        return;
    ssize_t count = ask(-1, links, max, NULL);
    const char *at = (const char *)links;
    for (ssize_t left = count * (ssize_t)sizeof *links, n; left > 0; left -= n, at += n)
        if ((n = write(to, at, (size_t)left)) <= 0)
            return;
}

static ssize_t ask_by_child(int dir, int netns, struct observe_link *links, size_t max)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    pid_t child = sys_fork(0, NULL);
    if (child == 0) {
        ask_in_child(dir, netns, ends[1], max);
        _exit(0);
    }
    close(ends[1]);
    size_t held = 0;
    struct pollfd ready = { .fd = ends[0], .events = POLLIN };
    while (child > 0 && held < max * sizeof *links && poll(&ready, 1, CHILD_MS) == 1) {
        ssize_t n = read(ends[0], (char *)links + held, max * sizeof *links - held);
        if (n <= 0)
            break;
        held += (size_t)n;
    }
    close(ends[0]);
    if (child > 0) {
        kill(child, SIGKILL); /* it has said all it will */
        waitpid(child, NULL, 0);
    }
    return held ? (ssize_t)(held / sizeof *links) : -1;
}

/* Two lines of heading, then "  name: numbers". */
static ssize_t names_only(int dir, pid_t pid, struct observe_link *links, size_t max, struct err *err)
{
    char text[16384];
    size_t count = 0;
    if (proc_read(dir, pid, "net/dev", text, sizeof text, err) < 0)
        return -1;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) && count < max;) {
        line += strspn(line, " ");
        size_t len = strcspn(line, ":");
        if (line[len] != ':' || len >= sizeof links->name)
            continue;
        links[count] = (struct observe_link){ .index = 0 };
        memcpy(links[count++].name, line, len);
    }
    return (ssize_t)count;
}

/* A lab of an ordinary user shares the host's: everybody may ask about that. */
static bool is_own(int netns)
{
    struct stat theirs, ours;
    return fstat(netns, &theirs) == 0 && stat("/proc/self/ns/net", &ours) == 0 && theirs.st_ino == ours.st_ino &&
           theirs.st_dev == ours.st_dev;
}

ssize_t observe_links(pid_t pid, struct observe_link *links, size_t max, bool *partly, struct err *err)
{
    *partly = false;
    cleanup_close int dir = proc_open(pid, err);
    if (dir < 0)
        return -1;
    cleanup_close int netns = openat(dir, "ns/net", O_RDONLY | O_CLOEXEC);
    ssize_t count = netns < 0 ? -1 : ask(is_own(netns) ? -1 : netns, links, max, err);
    if (count < 0 && netns >= 0)
        count = ask_by_child(dir, netns, links, max);
    if (count >= 0)
        return count;
    *partly = true;
    return names_only(dir, pid, links, max, err);
}
