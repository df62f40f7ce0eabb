/* teachroot-transfer look: what the state pane shows of an image of a lab.
 *
 * The lab's store is the lab's to write, so nothing in it is believed. It is read by a process of the trusted side, which no process of the lab sees, with no more rights than the lab's root has and
 * no other files to reach than the lab's: before the first of them is opened it has entered the lab's namespaces. Its memory and its time are limited; whoever reads what it prints believes none of
 * it either.
 */
#include "engine/transfer/transfer.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "engine/container/container.h"
#include "engine/image/look.h"
#include "engine/isolate/enter.h"
#include "engine/lab/lab.h"
#include "engine/transfer/common.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define MOST_MEMORY ((rlim_t)512 << 20) /* more than it has at first; a zstd window has at most 128 MiB of it */
#define MOST_SECONDS 10

static int limit(struct err *err)
{
    char statm[128];
    if (read_file_at(AT_FDCWD, "/proc/self/statm", statm, sizeof statm, err) < 0)
        return -1;
    rlim_t memory = strtoull(statm, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE) + MOST_MEMORY;
    const struct {
        int what;
        rlim_t most;
    } limits[] = { { RLIMIT_AS, memory }, { RLIMIT_CPU, MOST_SECONDS }, { RLIMIT_CORE, 0 } };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (setrlimit(limits[i].what, &(struct rlimit){ limits[i].most, limits[i].most }) < 0)
            return err_set(err, errno, "setrlimit");
    return 0;
}

static int enter(pid_t pid, struct err *err)
{
    struct digest digest;
    pid_t parent = getppid();
    /* Libraries are loaded while it is still ours that are found. */
    if (digest_of("", 0, &digest, err) < 0 || limit(err) < 0)
        return -1;
    prctl(PR_SET_DUMPABLE, 0);
    cleanup_close int pidfd = sys_pidfd_open(pid);
    if (isolate_enter_process(pid, pidfd, CLONE_NEWUSER | CLONE_NEWNS, CLONE_NEWNET | CLONE_NEWIPC, err) < 0)
        return -1;
    if (setgroups(0, NULL) < 0 && errno != EPERM)
        return err_set(err, errno, "setgroups");
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return err_set(err, errno, "become the lab's root");
    /* Both were reset with the ids. Who asked has a pipe of ours, and is to be there still. */
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (getppid() != parent)
        return err_say(err, ESRCH, "who asked is gone");
    return 0;
}

static int look_at_container(struct store *store, const char *id, const char *const *known, struct image_look *look,
                             struct err *err)
{
    struct container container;
    if (container_open(store, id, &container, err) < 0)
        return -1;
    int result = image_look(store, NULL, container.image_id.text, known, look, err);
    snprintf(look->container, sizeof look->container, "%s", container.name);
    container_close(&container);
    return result;
}

static int look_at_layout(struct store *lab, const char *path, const char *const *known, struct image_look *look,
                          struct err *err)
{
    struct store *store = store_open(path, STORE_READ, NULL, err);
    if (!store)
        return -1;
    int result = image_look(store, lab, NULL, known, look, err);
    store_close(store);
    return result;
}

static int look_at(const char *kind, const char *what, const char *const *known, struct image_look *look,
                   struct err *err)
{
    struct err why = { 0 };
    struct store *lab = store_open(LAB_STORE, STORE_READ, LAB_CACHE "/images", &why);
    int result = -1;
    if (strcmp(kind, "layout") == 0)
        result = look_at_layout(lab, what, known, look, err);
    else if (!lab)
        err_say(err, why.code, "%s", why.message);
    else if (strcmp(kind, "container") == 0)
        result = look_at_container(lab, what, known, look, err);
    else
        result = image_look(lab, NULL, NULL, known, look, err);
    store_close(lab);
    return result;
}

/* @argv: the lab's init; "named", "container" or "layout"; the container's id or the layout's path; then manifests that need not be read again. Prints one line of JSON. */
int look_main(int argc, char **argv)
{
    struct image_look look = { .count = 0 };
    struct err err = { 0 };
    uint64_t pid;
    if (argc < 4 || number_parse(argv[1], INT32_MAX, &pid) < 0 || pid < 1)
        return transfer_failed(argv[0], "it needs a process of a lab, a kind and what is looked at");
    int result = enter((pid_t)pid, &err);
    if (result == 0)
        result = look_at(argv[2], argv[3], (const char *const *)argv + 4, &look, &err);
    if (result < 0) {
        look = (struct image_look){ .count = 0 };
        snprintf(look.damage, sizeof look.damage, "%.*s", (int)sizeof look.damage - 1, err.message);
    }
    json_t *json = image_look_json(&look);
    if (!json || json_dumpf(json, stdout, JSON_COMPACT) < 0)
        return transfer_failed(argv[0], "its answer cannot be written");
    json_decref(json);
    return transfer_printed(argv[0]);
}
