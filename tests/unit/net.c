/* A lab's network, between network namespaces this test makes: one plays the host, one the world behind its uplink, two play labs. */
#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/net/link.h"
#include "engine/net/net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <cmocka.h>

#define UPLINK "tnup0"
#define HOST_ADDRESS (198u << 24 | 51u << 16 | 100u << 8 | 1u) /* TEST-NET-2, RFC 5737 */
#define WORLD_ADDRESS (HOST_ADDRESS + 1)
#define PORT 7777

static int new_netns(void)
{
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    assert_true(own >= 0);
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    int made = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    assert_true(made >= 0);
    assert_int_equal(setns(own, CLONE_NEWNET), 0);
    close(own);
    return made;
}

static void configure(int netns, const char *name, uint32_t address, uint32_t gateway)
{
    struct err err = { 0 };
    struct mnl_socket *nl = link_open(netns, &err);
    assert_non_null(nl);
    int index = link_index(nl, name, &err);
    assert_true(index > 0);
    assert_int_equal(link_add_address(nl, index, address, 24, &err), 0);
    assert_int_equal(link_up(nl, name, &err), 0);
    if (gateway)
        assert_int_equal(link_add_default_route(nl, index, gateway, &err), 0);
    mnl_socket_close(nl);
}

/* In @netns: accept one connection and say who called. */
static pid_t serve(int netns, int *ready)
{
    int pipe_ends[2];
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(PORT) }, caller = { 0 };
        int one = 1;
        socklen_t len = sizeof caller;
        if (setns(netns, CLONE_NEWNET) < 0)
            _exit(1);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, (struct sockaddr *)&here, sizeof here) < 0 || listen(fd, 4) < 0 ||
            write(pipe_ends[1], "r", 1) != 1)
            _exit(1);
        for (;;) {
            int client = accept(fd, (struct sockaddr *)&caller, &len);
            uint32_t address = ntohl(caller.sin_addr.s_addr);
            ssize_t n = write(client, &address, sizeof address);
            (void)n;
            close(client);
        }
    }
    char byte;
    close(pipe_ends[1]);
    assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
    *ready = pipe_ends[0];
    return pid;
}

/* Connect from @netns; returns the address the server saw us as, 0 if it could not be reached within a second. */
static uint32_t call(int netns, uint32_t address)
{
    int pipe_ends[2];
    uint32_t seen = 0;
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct sockaddr_in there = { .sin_family = AF_INET,
                                     .sin_port = htons(PORT),
                                     .sin_addr.s_addr = htonl(address) };
        struct timeval second = { .tv_sec = 1 };
        int fd = -1;
        if (setns(netns, CLONE_NEWNET) == 0)
            fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
        if (connect(fd, (struct sockaddr *)&there, sizeof there) == 0 &&
            read(fd, &seen, sizeof seen) == (ssize_t)sizeof seen &&
            write(pipe_ends[1], &seen, sizeof seen) == (ssize_t)sizeof seen)
            _exit(0);
        _exit(1);
    }
    close(pipe_ends[1]);
    ssize_t n = read(pipe_ends[0], &seen, sizeof seen);
    close(pipe_ends[0]);
    waitpid(pid, NULL, 0);
    return n == (ssize_t)sizeof seen ? seen : 0;
}

static char uplink_forwarding(void)
{
    char value[8] = "";
    assert_true(read_file_at(AT_FDCWD, "/proc/sys/net/ipv4/conf/" UPLINK "/forwarding", value, sizeof value, NULL) > 0);
    return value[0];
}

static bool table_exists(const char *table)
{
    char line[256];
    snprintf(line, sizeof line, "/usr/sbin/nft list table ip %s >/dev/null 2>&1", table);
    return system(line) == 0;
}

static int world;

/* Everything runs in a namespace of its own, so the machine's network is never touched. */
static int set_up(void **state)
{
    struct err err = { 0 };
    if (unshare(CLONE_NEWNET) < 0)
        return -1;
    world = new_netns();
    struct mnl_socket *nl = link_open(-1, &err);
    assert_non_null(nl);
    assert_int_equal(link_add_veth(nl, UPLINK, "world0", world, &err), 0);
    mnl_socket_close(nl);
    configure(-1, UPLINK, HOST_ADDRESS, WORLD_ADDRESS);
    configure(world, "world0", WORLD_ADDRESS, 0); /* it knows no way back to a lab: only NAT makes an answer possible */
    return 0;
}

static struct net_lab up(const char *name, unsigned slot, int netns)
{
    struct net_lab net;
    struct err err = { 0 };
    if (net_lab_plan(name, slot, &net, &err) < 0 || net_lab_up(&net, netns, &err) < 0)
        fail_msg("%s: %s", name, err.message);
    return net;
}

static void a_lab_reaches_the_world_and_not_the_host(void **state)
{
    struct err err = { 0 };
    int lab = new_netns(), ready, ready_host;
    pid_t server = serve(world, &ready);
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    pid_t host_server = serve(own, &ready_host);
    assert_int_equal(call(lab, WORLD_ADDRESS), 0);
    struct net_lab net = up("reach", 3, lab);
    assert_string_equal(net.uplink, UPLINK);
    assert_int_equal(call(lab, WORLD_ADDRESS), HOST_ADDRESS);
    assert_int_equal(call(lab, HOST_ADDRESS), 0);
    assert_int_equal(call(lab, net.host), 0);
    assert_int_equal(call(world, net.peer), 0);
    assert_int_equal(net_lab_down(&net, &err), 0);
    kill(server, SIGKILL);
    kill(host_server, SIGKILL);
    waitpid(server, NULL, 0);
    waitpid(host_server, NULL, 0);
    close(ready);
    close(ready_host);
    close(own);
    close(lab);
}

static void two_labs_reach_the_world_and_not_each_other(void **state)
{
    struct err err = { 0 };
    int one = new_netns(), two = new_netns(), ready, ready_one;
    struct net_lab first = up("lab-one", 4, one), second = up("lab-two", 5, two);
    pid_t server = serve(world, &ready), neighbour = serve(one, &ready_one);
    assert_int_equal(call(one, WORLD_ADDRESS), HOST_ADDRESS);
    assert_int_equal(call(two, WORLD_ADDRESS), HOST_ADDRESS);
    assert_int_equal(call(two, first.peer), 0);
    assert_int_equal(call(two, first.host), 0);
    assert_int_equal(net_lab_down(&second, &err), 0);
    assert_int_equal(call(one, WORLD_ADDRESS), HOST_ADDRESS); /* the one that is left keeps its way out */
    assert_int_equal(net_lab_down(&first, &err), 0);
    assert_int_equal(uplink_forwarding(), '0');
    kill(server, SIGKILL);
    kill(neighbour, SIGKILL);
    waitpid(server, NULL, 0);
    waitpid(neighbour, NULL, 0);
    close(ready);
    close(ready_one);
    close(one);
    close(two);
}

static void nothing_is_left_and_forwarding_is_as_it_was(void **state)
{
    struct err err = { 0 };
    int one = new_netns(), two = new_netns();
    assert_int_equal(uplink_forwarding(), '0');
    struct net_lab first = up("first", 0, one), second = up("second", 1, two);
    assert_int_not_equal(first.host, second.host);
    assert_true(table_exists(first.table) && table_exists(second.table));
    assert_int_equal(uplink_forwarding(), '1');
    assert_int_equal(net_lab_down(&first, &err), 0);
    assert_int_equal(if_nametoindex(first.link), 0);
    assert_false(table_exists(first.table));
    assert_int_equal(uplink_forwarding(), '1'); /* the other lab still needs it */
    assert_int_equal(net_lab_down(&second, &err), 0);
    assert_int_equal(uplink_forwarding(), '0');
    assert_false(table_exists(second.table));
    close(one);
    close(two);
}

static void forwarding_that_was_on_stays_on(void **state)
{
    struct err err = { 0 };
    int lab = new_netns();
    assert_int_equal(write_file_at(AT_FDCWD, "/proc/sys/net/ipv4/conf/" UPLINK "/forwarding", "1", &err), 0);
    struct net_lab net = up("router", 0, lab);
    assert_int_equal(net_lab_down(&net, &err), 0);
    assert_int_equal(uplink_forwarding(), '1');
    assert_int_equal(write_file_at(AT_FDCWD, "/proc/sys/net/ipv4/conf/" UPLINK "/forwarding", "0", &err), 0);
    close(lab);
}

static void a_half_made_network_can_be_cleared(void **state)
{
    struct net_lab net, read_back;
    struct err err = { 0 };
    char text[512];
    int lab = new_netns();
    assert_int_equal(net_lab_plan("half", 0, &net, &err), 0);
    assert_int_equal(net_lab_down(&net, &err), 0);
    struct mnl_socket *nl = link_open(-1, &err);
    assert_int_equal(link_add_veth(nl, net.link, "eth0", lab, &err), 0);
    mnl_socket_close(nl);
    net_lab_to_text(&net, text, sizeof text);
    assert_int_equal(net_lab_from_text(text, &read_back), 0);
    assert_memory_equal(&net, &read_back, sizeof net);
    assert_int_equal(net_lab_down(&read_back, &err), 0);
    assert_int_equal(if_nametoindex(net.link), 0);
    assert_int_equal(net_lab_from_text("garbage", &read_back), -1);
    close(lab);
}

static void a_subnet_the_host_has_is_not_taken(void **state)
{
    struct err err = { 0 };
    struct net_lab before, after;
    int lab = new_netns();
    assert_int_equal(net_lab_plan("subnet", 9, &before, &err), 0);
    struct net_lab holder = up("holder", 9, lab);
    assert_int_equal(holder.host, before.host);
    assert_int_equal(net_lab_plan("subnet", 9, &after, &err), 0);
    assert_int_not_equal(after.host, before.host);
    assert_int_equal(net_lab_down(&holder, &err), 0);
    close(lab);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (geteuid() != 0) {
        printf("1..0 # SKIP a lab's network is made by root\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lab_reaches_the_world_and_not_the_host),
        cmocka_unit_test(two_labs_reach_the_world_and_not_each_other),
        cmocka_unit_test(nothing_is_left_and_forwarding_is_as_it_was),
        cmocka_unit_test(forwarding_that_was_on_stays_on),
        cmocka_unit_test(a_half_made_network_can_be_cleared),
        cmocka_unit_test(a_subnet_the_host_has_is_not_taken),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
