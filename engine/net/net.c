#include "engine/net/net.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/net/link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <spawn.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* One uplink serves all labs, so who changes its forwarding, and back, takes turns; the file remembers that it was us. */
#define STATE_DIRECTORY "/run/teachroot"
#define LOCK_FILE STATE_DIRECTORY "/net.lock"

static const uint32_t pool_first = 10u << 24 | 88u << 16; /* 10.88.0.0/16: 16,384 subnets of four addresses */
#define POOL_SUBNETS 16384u

struct survey {
    uint32_t subnet; /* asked about */
    bool covered;
    int uplink; /* index of the default route's interface; 0: none */
};

static void look_at_route(uint32_t destination, unsigned prefix, int index, void *data)
{
    struct survey *survey = data;
    if (prefix == 0) {
        if (!survey->uplink)
            survey->uplink = index;
        return;
    }
    unsigned shorter = prefix < 30 ? prefix : 30;
    uint32_t mask = ~0u << (32 - shorter);
    survey->covered |= (destination & mask) == (survey->subnet & mask);
}

int net_lab_plan(const char *lab_name, unsigned slot, struct net_lab *net, struct err *err)
{
    cleanup_netlink struct mnl_socket *nl = link_open(-1, err);
    if (!nl)
        return -1;
    memset(net, 0, sizeof *net);
    int n = snprintf(net->link, sizeof net->link, "tr-%s", lab_name);
    if (n >= (int)sizeof net->link)
        snprintf(net->link, sizeof net->link, "tr-%.6s-%u", lab_name, slot);
    snprintf(net->table, sizeof net->table, "teachroot_%s", lab_name);
    for (char *c = net->table; *c; c++)
        if (*c == '-')
            *c = '_'; /* nft's identifiers have no hyphens */
    struct survey survey = { .covered = true };
    for (unsigned i = 0; survey.covered && i < POOL_SUBNETS; i++) {
        survey = (struct survey){ .subnet = pool_first + 4 * ((slot + i) % POOL_SUBNETS) };
        if (link_each_route(nl, look_at_route, &survey, err) < 0)
            return -1;
    }
    if (survey.covered)
        return err_say(err, EADDRNOTAVAIL, "no free subnet in 10.88.0.0/16 for the lab");
    net->host = survey.subnet + 1;
    net->peer = survey.subnet + 2;
    if (survey.uplink)
        if_indextoname((unsigned)survey.uplink, net->uplink);
    return 0;
}

int net_lab_to_text(const struct net_lab *net, char *text, size_t size)
{
    return snprintf(text, size, "%s %s %s %08x %08x", net->link, net->table, net->uplink[0] ? net->uplink : "-",
                    net->host, net->peer);
}

int net_lab_from_text(const char *text, struct net_lab *net)
{
    memset(net, 0, sizeof *net);
    if (sscanf(text, "%15s %63s %15s %x %x", net->link, net->table, net->uplink, &net->host, &net->peer) != 5)
        return -1;
    if (strcmp(net->uplink, "-") == 0)
        net->uplink[0] = '\0';
    return 0;
}

/* nft(8) with @script on its standard input. It holds the lock as well: killed while nft works, we leave the lock to it, and whoever clears up after us waits. */
static int run_nft(const char *script, int lock, struct err *err)
{
    static const char *const programs[] = { "/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft" };
    const char *const argv[] = { "nft", "-f", "-", NULL };
    const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
    int pipe_ends[2], failed = ENOENT, status = 0;
    pid_t pid = 0;
    if (pipe2(pipe_ends, O_CLOEXEC) < 0)
        return err_set(err, errno, "pipe2");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[0], 0);
    posix_spawn_file_actions_adddup2(&actions, lock, 3);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    for (size_t i = 0; i < sizeof programs / sizeof *programs && failed == ENOENT; i++)
        failed = posix_spawn(&pid, programs[i], &actions, NULL, (char *const *)(uintptr_t)argv,
                             (char *const *)(uintptr_t)env);
    posix_spawn_file_actions_destroy(&actions);
    size_t len = strlen(
        script); /* far shorter than a pipe holds; our read end stays open, so nft's early death is no SIGPIPE of ours */
    bool written = failed == 0 && write(pipe_ends[1], script, len) == (ssize_t)len;
    close(pipe_ends[1]);
    close(pipe_ends[0]);
    if (failed)
        return err_set(err, failed, "run `nft` (the package nftables has it)");
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return written && status == 0 ? 0 : err_say(err, EIO, "nft refused the lab's table (is nf_tables in this kernel?)");
}

static int forwarding_path(const char *link, char *path, size_t size)
{
    return snprintf(path, size, "/proc/sys/net/ipv4/conf/%s/forwarding", link);
}

static void saved_path(const char *link, char *path, size_t size)
{
    snprintf(path, size, STATE_DIRECTORY "/forwarding-%s", link);
}

/* Switch the uplink's forwarding on, and remember if it was off. Under the lock. */
static int forward_uplink(const char *uplink, struct err *err)
{
    char path[128], saved[128], value[16];
    forwarding_path(uplink, path, sizeof path);
    saved_path(uplink, saved, sizeof saved);
    if (read_file_at(AT_FDCWD, path, value, sizeof value, err) < 0)
        return -1;
    if (value[0] != '0')
        return 0;
    if (replace_volatile_file(saved, "0\n", 2, 0600, err) < 0)
        return -1;
    return write_file_at(AT_FDCWD, path, "1", err);
}

/* Is any lab's link left on the host? */
static bool labs_left(void)
{
    struct if_nameindex *links = if_nameindex();
    bool left = false;
    for (size_t i = 0; links && links[i].if_index; i++)
        left |= strncmp(links[i].if_name, "tr-", 3) == 0;
    if (links)
        if_freenameindex(links);
    return left;
}

static void restore_uplink(const char *uplink)
{
    char path[128], saved[128];
    saved_path(uplink, saved, sizeof saved);
    if (!*uplink || labs_left() || access(saved, F_OK) < 0)
        return;
    forwarding_path(uplink, path, sizeof path);
    write_file_at(AT_FDCWD, path, "0", NULL);
    unlink(saved);
}

static int lock_state(struct err *err)
{
    if (mkdir(STATE_DIRECTORY, 0755) < 0 && errno != EEXIST)
        return err_set(err, errno, "mkdir `" STATE_DIRECTORY "`");
    int fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) < 0)
        return err_set(err, errno, "lock `" LOCK_FILE "`");
    return fd;
}

/* NAT out by the uplink; nothing in but answers; nothing to the host itself but ping; and where only we made the host forward, nothing else is forwarded. */
static void table_script(const struct net_lab *net, bool ours, char *script, size_t size)
{
    char guard[128] = "";
    if (ours)
        snprintf(guard, sizeof guard, "    iifname \"%s\" oifname != \"tr-*\" drop\n", net->uplink);
    snprintf(script, size,
             "table ip %s {\n"
             "  chain postrouting { type nat hook postrouting priority srcnat;\n"
             "    ip saddr %u.%u.%u.%u oifname \"%s\" masquerade\n"
             "  }\n"
             "  chain forward { type filter hook forward priority filter;\n"
             "    iifname \"%s\" oifname != \"%s\" drop\n"
             "    oifname \"%s\" ct state established,related accept\n"
             "    oifname \"%s\" drop\n"
             "%s"
             "  }\n"
             "  chain input { type filter hook input priority filter;\n"
             "    iifname \"%s\" icmp type echo-request accept\n"
             "    iifname \"%s\" drop\n"
             "  }\n"
             "}\n",
             net->table, net->peer >> 24, net->peer >> 16 & 255, net->peer >> 8 & 255, net->peer & 255, net->uplink,
             net->link, net->uplink, net->link, net->link, guard, net->link, net->link);
}

static int set_up_peer(const struct net_lab *net, int netns, struct err *err)
{
    cleanup_netlink struct mnl_socket *nl = link_open(netns, err);
    int index;
    if (!nl || (index = link_index(nl, "eth0", err)) < 0 || link_add_address(nl, index, net->peer, 30, err) < 0 ||
        link_up(nl, "eth0", err) < 0)
        return -1;
    return link_add_default_route(nl, index, net->host, err);
}

int net_lab_up(const struct net_lab *net, int netns, struct err *err)
{
    char script[2048], path[128], saved[128];
    if (!net->uplink[0])
        return err_say(err, ENOENT, "this machine has no default route");
    cleanup_close int lock = lock_state(err);
    if (lock < 0)
        return -1;
    cleanup_netlink struct mnl_socket *nl = link_open(-1, err);
    int index;
    if (!nl || link_add_veth(nl, net->link, "eth0", netns, err) < 0 || (index = link_index(nl, net->link, err)) < 0 ||
        link_add_address(nl, index, net->host, 30, err) < 0 || link_up(nl, net->link, err) < 0 ||
        set_up_peer(net, netns, err) < 0)
        return -1;
    forwarding_path(net->link, path, sizeof path);
    saved_path(net->uplink, saved, sizeof saved);
    /* The table before the forwarding: from the first packet the rules hold. */
    char value[16] = "";
    char uplink_path[128];
    forwarding_path(net->uplink, uplink_path, sizeof uplink_path);
    bool ours = access(saved, F_OK) == 0 ||
                (read_file_at(AT_FDCWD, uplink_path, value, sizeof value, NULL) > 0 && value[0] == '0');
    table_script(net, ours, script, sizeof script);
    if (run_nft(script, lock, err) < 0 || forward_uplink(net->uplink, err) < 0)
        return -1;
    return write_file_at(AT_FDCWD, path, "1", err);
}

int net_lab_down(const struct net_lab *net, struct err *err)
{
    char script[256];
    cleanup_close int lock = lock_state(err);
    if (lock < 0)
        return -1;
    cleanup_netlink struct mnl_socket *nl = link_open(-1, err);
    int result = !nl || link_delete(nl, net->link, err) < 0 ? -1 : 0;
    /* `add` first makes `delete` right whether the table was there or not. */
    snprintf(script, sizeof script, "add table ip %s\ndelete table ip %s\n", net->table, net->table);
    struct err why;
    if (run_nft(script, lock, &why) < 0 && why.code != ENOENT) {
        result = -1;
        if (err)
            *err = why;
    }
    restore_uplink(net->uplink);
    return result;
}

static int reachable_servers(const char *path, char *text, size_t size)
{
    cleanup_file FILE *f = fopen(path, "re");
    char line[512], server[128];
    size_t len = 0;
    int servers = 0;
    while (f && fgets(line, sizeof line, f)) {
        bool is_server = sscanf(line, "nameserver %127s", server) == 1;
        bool wanted = is_server ? strncmp(server, "127.", 4) != 0 && strcmp(server, "::1") != 0 && !strchr(server, '%')
                                : strncmp(line, "search ", 7) == 0 || strncmp(line, "options ", 8) == 0;
        if (!wanted)
            continue;
        int n = snprintf(text + len, size - len, "%s", line);
        if (n < 0 || len + (size_t)n >= size)
            break;
        len += (size_t)n;
        servers += is_server;
    }
    return servers;
}

int net_resolv_conf(char *text, size_t size, struct err *err)
{
    static const char *const files[] = { "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (reachable_servers(files[i], text, size) > 0)
            return 0;
    text[0] = '\0';
    return err_say(err, ENOENT, "no name server that a lab can reach: /etc/resolv.conf names only this machine itself");
}
