#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Ids no distribution gives out: above those of containers (systemd's table ends at 0x6fffffff), below 2^31. */
#define ID_FIRST 0x70000000u
#define ID_COUNT 65536u

static bool overlaps_sub_ranges(uint32_t base)
{
    static const char *const files[] = { "/etc/subuid", "/etc/subgid" };
    for (size_t i = 0; i < 2; i++) {
        cleanup_file FILE *f = fopen(files[i], "re");
        char line[512];
        while (f && fgets(line, sizeof line, f)) {
            unsigned first, count;
            const char *colon = strchr(line, ':');
            if (colon && sscanf(colon, ":%u:%u", &first, &count) == 2 && (uint64_t)first < (uint64_t)base + ID_COUNT &&
                (uint64_t)base < (uint64_t)first + count)
                return true;
        }
    }
    return false;
}

int lab_id_maps(struct lab *lab, bool assembled, struct err *err)
{
    if (geteuid() == 0) {
        uint32_t base = ID_FIRST + lab->record.slot * ID_COUNT;
        while (overlaps_sub_ranges(base) && base < 0x7fff0000u - ID_COUNT)
            base += 2000 * ID_COUNT;
        lab->users[0] = lab->groups[0] = (struct id_map){ 0, base, ID_COUNT };
        lab->user_maps = lab->group_maps = 1;
        return 0;
    }
    struct id_map uids, gids;
    struct err why;
    lab->users[0] = (struct id_map){ 0, getuid(), 1 };
    lab->groups[0] = (struct id_map){ 0, getgid(), 1 };
    lab->user_maps = lab->group_maps = 1;
    if (userns_sub_range("/etc/subuid", getuid(), ID_COUNT - 1, &uids, &why) < 0 ||
        userns_sub_range("/etc/subgid", getuid(), ID_COUNT - 1, &gids, &why) < 0) {
        if (assembled)
            lab_missing(lab, "only one user id in the lab: %.180s", why.message);
        return 0;
    }
    lab->users[1] = (struct id_map){ 1, uids.outside, ID_COUNT - 1 };
    lab->groups[1] = (struct id_map){ 1, gids.outside, ID_COUNT - 1 };
    lab->user_maps = lab->group_maps = 2;
    (void)err;
    return 0;
}

int lab_write_maps(const struct lab *lab, pid_t pid, struct err *err)
{
    if (geteuid() == 0)
        return userns_write_maps(pid, lab->users, lab->user_maps, lab->groups, lab->group_maps, err);
    if (lab->user_maps == 1)
        return userns_write_single_map(pid, getuid(), getgid(), err);
    return userns_write_maps_by_helper(pid, lab->users, lab->user_maps, lab->groups, lab->group_maps, err);
}

/* rm -rf below @dirfd. What is not ours to open is made so first: in a user namespace where all of it is. */
static int remove_below(int dirfd, int depth)
{
    int again = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;
    int result = 0;
    if (!dir || depth == 0)
        return -1;
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            unlinkat(dirfd, entry->d_name, 0) == 0)
            continue;
        if (errno != EISDIR) {
            result = -1;
            continue;
        }
        cleanup_close int child = openat(dirfd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (child < 0 && fchmodat(dirfd, entry->d_name, 0700, 0) == 0)
            child = openat(dirfd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (child < 0 || (fchmod(child, 0700), remove_below(child, depth - 1)) < 0 ||
            unlinkat(dirfd, entry->d_name, AT_REMOVEDIR) < 0)
            result = -1;
    }
    return result;
}

static int remove_tree(const char *path)
{
    cleanup_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return errno == ENOENT ? 0 : -1;
    if (remove_below(dir, 4096) < 0)
        return -1;
    close(take_fd(&dir));
    return rmdir(path);
}

/* The owners of a rootless lab's files are sub-ids: only root of a user namespace with the same map may remove them all. */
int lab_remove_files(const char *path, struct err *err)
{
    struct lab lab = { .lock = -1 };
    struct stat st;
    int go[2];
    if (stat(path, &st) < 0 && errno == ENOENT)
        return 0;
    if (geteuid() == 0)
        return remove_tree(path) < 0 ? err_set(err, errno, "remove `%s`", path) : 0;
    if (lab_id_maps(&lab, false, err) < 0)
        return -1;
    if (pipe2(go, O_CLOEXEC) < 0)
        return err_set(err, errno, "pipe2");
    pid_t pid = sys_fork(CLONE_NEWUSER, NULL);
    if (pid == 0) {
        char byte;
        close(go[1]);
        if (read(go[0], &byte, 1) != 1)
            _exit(1);
        setgroups(0, NULL);
        _exit(setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || remove_tree(path) < 0 ? 1 : 0);
    }
    close(go[0]);
    int status = 1, mapped = -1;
    if (pid < 0)
        err_set(err, errno, "clone a user namespace to remove `%s`", path);
    else
        mapped = lab_write_maps(&lab, pid, err);
    if (mapped == 0 && write(go[1], "g", 1) != 1)
        mapped = err_set(err, errno, "start the removal of `%s`", path);
    close(go[1]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (mapped == 0 && status != 0)
        return err_say(err, EBUSY, "remove `%s`: not all of it could be removed", path);
    return mapped;
}

/* Init ends by itself when its program does; this waits for it, and helps. A number that somebody else has by now shows another start time. */
static int end_init(const struct lab_record *record, struct err *err)
{
    cleanup_close int pidfd = record->init > 0 ? sys_pidfd_open(record->init) : -1;
    if (pidfd < 0 || process_start_time(record->init) != record->init_started)
        return 0;
    sys_pidfd_signal(pidfd, SIGKILL);
    for (int waited = 0; process_start_time(record->init) == record->init_started; waited++) {
        struct pollfd ended = { .fd = pidfd, .events = POLLIN };
        if (poll(&ended, 1, 10) > 0)
            return 0;
        if (waited == 500)
            return err_say(err, EBUSY, "init of lab `%s` (process %d) does not end", record->name, record->init);
    }
    return 0;
}

int clear_lab(const struct lab_record *record, struct err *err)
{
    /* A frozen process outlives SIGKILL, so the groups, which thaw, come first. */
    int result = groups_clear(record, err);
    if (end_init(record, err) < 0)
        result = -1;
    if (network_clear(record, err) < 0 || (record->files[0] && lab_remove_files(record->files, err) < 0))
        result = -1;
    if (result == 0)
        result = registry_drop(record, err);
    return result;
}

/* Call @each for every lab's directory in the registry. */
static int each_lab(int (*each)(const char *dir, void *data, struct err *err), void *data, struct err *err)
{
    char labs[PATH_MAX - 64];
    if (registry_directory(labs, sizeof labs, err) < 0)
        return -1;
    cleanup_dir DIR *dir = opendir(labs);
    if (!dir)
        return err_set(err, errno, "open `%s`", labs);
    const struct dirent *entry;
    int count = 0, result = 0;
    while ((entry = readdir(dir))) {
        char path[PATH_MAX];
        if (entry->d_name[0] == '.' || snprintf(path, sizeof path, "%s/%s", labs, entry->d_name) >= (int)sizeof path)
            continue;
        int n = each(path, data, err);
        if (n < 0)
            result = -1;
        else
            count += n;
    }
    return result < 0 ? -1 : count;
}

/* Nobody holds the lock any more. A program killed while it built its lab leaves the lock to a builder that is just dying: that is waited for. */
static bool is_dead(int lock, const struct lab_record *record)
{
    for (int waited = 0; flock(lock, LOCK_EX | LOCK_NB) < 0; waited++) {
        bool owner_lives = record->owner <= 0 || process_start_time(record->owner) == record->owner_started;
        if (owner_lives || waited == 400)
            return false;
        poll(NULL, 0, 5);
    }
    return true;
}

/* 1: the lab was dead and is cleared; 0: it lives. */
static int clear_if_dead(const char *dir, void *data, struct err *err)
{
    char path[PATH_MAX + 8];
    struct lab_record record;
    (void)data;
    snprintf(path, sizeof path, "%s/lock", dir);
    cleanup_close int lock = open(path, O_RDWR | O_CLOEXEC);
    if (registry_read(dir, &record, NULL) < 0) {
        memset(&record, 0, sizeof record);
        snprintf(record.dir, sizeof record.dir, "%s", dir);
    }
    if (lock >= 0 && !is_dead(lock, &record))
        return 0;
    return clear_lab(&record, err) < 0 ? -1 : 1;
}

int lab_gc(struct err *err)
{
    char labs[PATH_MAX - 64], path[PATH_MAX];
    if (registry_directory(labs, sizeof labs, err) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/.lock", labs);
    cleanup_close int registry = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (registry < 0 || flock(registry, LOCK_EX) < 0) /* a lab being named has a directory and no lock yet */
        return err_set(err, errno, "lock `%s`", path);
    return each_lab(clear_if_dead, NULL, err);
}

struct listing {
    void (*each)(const struct lab_entry *entry, void *data);
    void *data;
};

static int list_one(const char *dir, void *data, struct err *err)
{
    const struct listing *listing = data;
    struct lab_record record;
    char path[PATH_MAX + 8];
    (void)err;
    if (registry_read(dir, &record, NULL) < 0)
        return 0;
    snprintf(path, sizeof path, "%s/lock", dir);
    cleanup_close int lock = open(path, O_RDWR | O_CLOEXEC);
    bool alive = lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) < 0;
    struct lab_entry entry = { .name = record.name,
                               .owner = alive ? record.owner : 0,
                               .init = record.init,
                               .alive = alive,
                               .started = record.started,
                               .mode = record.rootless ? "rootless" : "root" };
    listing->each(&entry, listing->data);
    return 1;
}

int lab_list(void (*each)(const struct lab_entry *entry, void *data), void *data, struct err *err)
{
    struct listing listing = { each, data };
    return each_lab(list_one, &listing, err);
}
