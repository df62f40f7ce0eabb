#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/net/net.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

int network_start(struct lab *lab, struct err *err)
{
    struct net_lab net;
    char path[64];
    int result[2];
    if (net_lab_plan(lab->record.name, lab->record.slot, &net, err) < 0)
        return -1;
    if (!net.uplink[0])
        return err_say(err, ENETUNREACH, "this machine has no default route");
    net_lab_to_text(&net, lab->record.net, sizeof lab->record.net);
    snprintf(path, sizeof path, "/proc/%d/ns/net", lab->init);
    cleanup_close int netns = open(path, O_RDONLY | O_CLOEXEC);
    if (netns < 0)
        return err_set(err, errno, "open `%s`", path);
    if (registry_write(&lab->record, err) < 0) /* written down before anything is made */
        return -1;
    if (pipe2(result, O_CLOEXEC | O_NONBLOCK) < 0)
        return err_set(err, errno, "pipe2");
    lab->net_child = fork();
    if (lab->net_child == 0) {
        /* It must not keep the lab's life open, nor outlive the program. */
        struct err why = { 0 };
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(lab->life);
        if (getppid() == lab->record.owner && net_lab_up(&net, netns, &why) == 0)
            why.code = 0;
        ssize_t n = write(result[1], &why, sizeof why);
        _exit(n == (ssize_t)sizeof why ? 0 : 1);
    }
    int failed = errno;
    close(result[1]);
    if (lab->net_child < 0) {
        close(result[0]);
        lab->net_child = 0;
        return err_set(err, failed, "fork");
    }
    lab->net_result = result[0];
    return 0;
}

void network_hear(struct lab *lab)
{
    struct err why;
    if (lab->net_result < 0)
        return;
    ssize_t n = read(lab->net_result, &why, sizeof why);
    if (n < 0 && errno == EAGAIN)
        return;
    close(take_fd(&lab->net_result));
    while (waitpid(lab->net_child, NULL, 0) < 0 && errno == EINTR) {
    }
    lab->net_child = 0;
    lab->facts.network = n == (ssize_t)sizeof why && why.code == 0 ? "nat" : "offline";
    if (n != (ssize_t)sizeof why)
        lab_missing(lab, "no network: its set-up broke off");
    else if (why.code)
        lab_missing(lab, "no network: %.180s", why.message);
}

int network_clear(const struct lab_record *record, struct err *err)
{
    struct net_lab net;
    if (!record->net[0] || net_lab_from_text(record->net, &net) < 0)
        return 0;
    return net_lab_down(&net, err);
}
