#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define SLOTS 4000

static int make_path(char *path, mode_t mode, struct err *err)
{
    for (char *p = path + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char saved = *p;
        *p = '\0';
        int failed = mkdir(path, mode) < 0 && errno != EEXIST ? errno : 0;
        if (failed)
            err_set(err, failed, "mkdir `%s`", path);
        *p = saved;
        if (failed)
            return -1;
        if (saved == '\0')
            return 0;
    }
}

int registry_directory(char *path, size_t size, struct err *err)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *home = getenv("HOME");
    struct stat st;
    int n;
    if (geteuid() == 0)
        n = snprintf(path, size, "/run/teachroot/labs");
    else if (runtime && runtime[0] == '/' && stat(runtime, &st) == 0 && st.st_uid == geteuid())
        n = snprintf(path, size, "%s/teachroot/labs", runtime);
    else if (home && home[0] == '/')
        n = snprintf(path, size, "%s/.local/share/teachroot/run", home);
    else
        return err_say(err, ENOENT, "no place for the lab's state: neither XDG_RUNTIME_DIR nor HOME is set");
    if (n < 0 || (size_t)n >= size)
        return err_set(err, ENAMETOOLONG, "the registry's path");
    return make_path(path, geteuid() == 0 ? 0755 : 0700, err);
}

bool lab_name_is_good(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= LAB_NAME_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
           name[0] != '-';
}

uint64_t process_start_time(pid_t pid)
{
    char path[64], stat[1024];
    unsigned long long ticks = 0;
    char state = 'X';
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (read_file_at(AT_FDCWD, path, stat, sizeof stat, NULL) < 0)
        return 0;
    const char *after = strrchr(stat, ')'); /* the name before it may hold anything */
    if (after)
        sscanf(after, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
               &ticks);
    return state == 'Z' || state == 'X' ? 0 : ticks;
}

int registry_write(const struct lab_record *record, struct err *err)
{
    char path[PATH_MAX + 16], text[3 * PATH_MAX];
    snprintf(path, sizeof path, "%s/record", record->dir);
    int n =
        snprintf(text, sizeof text,
                 "name %s\nslot %u\nmode %s\nowner %d %llu\ninit %d %llu\nstarted %llu\nfiles %s\ncgroup %s\nnet %s\n",
                 record->name, record->slot, record->rootless ? "rootless" : "root", record->owner,
                 (unsigned long long)record->owner_started, record->init, (unsigned long long)record->init_started,
                 (unsigned long long)record->started, record->files, record->cgroup, record->net);
    if (n < 0 || (size_t)n >= sizeof text)
        return err_set(err, ENAMETOOLONG, "record of lab `%s`", record->name);
    return replace_volatile_file(path, text, (size_t)n, 0600, err);
}

int registry_read(const char *dir, struct lab_record *record, struct err *err)
{
    char path[PATH_MAX + 16];
    memset(record, 0, sizeof *record);
    snprintf(record->dir, sizeof record->dir, "%s", dir);
    const char *base = strrchr(dir, '/');
    snprintf(record->name, sizeof record->name, "%.*s", LAB_NAME_MAX, base ? base + 1 : dir);
    snprintf(path, sizeof path, "%s/record", dir);
    cleanup_file FILE *f = fopen(path, "re");
    if (!f)
        return err_set(err, errno, "open `%s`", path);
    cleanup_free char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *value = strchr(line, ' ');
        if (!value)
            continue;
        *value++ = '\0';
        if (strcmp(line, "slot") == 0)
            record->slot = (unsigned)strtoul(value, NULL, 10);
        else if (strcmp(line, "mode") == 0)
            record->rootless = strcmp(value, "rootless") == 0;
        else if (strcmp(line, "owner") == 0)
            record->owner = (pid_t)strtol(value, &value, 10), record->owner_started = strtoull(value, NULL, 10);
        else if (strcmp(line, "init") == 0)
            record->init = (pid_t)strtol(value, &value, 10), record->init_started = strtoull(value, NULL, 10);
        else if (strcmp(line, "started") == 0)
            record->started = strtoull(value, NULL, 10);
        else if (strcmp(line, "files") == 0)
            snprintf(record->files, sizeof record->files, "%s", value);
        else if (strcmp(line, "cgroup") == 0)
            snprintf(record->cgroup, sizeof record->cgroup, "%s", value);
        else if (strcmp(line, "net") == 0)
            snprintf(record->net, sizeof record->net, "%s", value);
    }
    return 0;
}

/* The lowest slot that no lab of @labs has; dead ones count until they are cleared. */
static int free_slot(const char *labs, unsigned *slot, struct err *err)
{
    cleanup_dir DIR *dir = opendir(labs);
    if (!dir)
        return err_set(err, errno, "open `%s`", labs);
    bool taken[SLOTS] = { false };
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        char path[PATH_MAX];
        struct lab_record other;
        if (entry->d_name[0] == '.' || snprintf(path, sizeof path, "%s/%s", labs, entry->d_name) >= (int)sizeof path)
            continue;
        if (registry_read(path, &other, NULL) == 0 && other.slot < SLOTS)
            taken[other.slot] = true;
    }
    for (*slot = 0; *slot < SLOTS; (*slot)++)
        if (!taken[*slot])
            return 0;
    return err_say(err, EAGAIN, "%d labs are running: remove one with `teachroot lab rm NAME`", SLOTS);
}

/* Make @dir and take its lock. 1: taken; 0: somebody has it; -1 error. */
static int take(const char *dir, int *lock, struct err *err)
{
    char path[PATH_MAX + 8];
    if (mkdir(dir, 0700) < 0) {
        if (errno == EEXIST)
            return 0;
        return err_set(err, errno, "mkdir `%s`", dir);
    }
    snprintf(path, sizeof path, "%s/lock", dir);
    cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, errno, "open `%s`", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return err_set(err, errno, "flock `%s`", path);
    *lock = take_fd(&fd);
    return 1;
}

int registry_claim(const char *name, bool rootless, struct lab_record *record, int *lock, struct err *err)
{
    char labs[PATH_MAX - 64], path[PATH_MAX];
    if (name && !lab_name_is_good(name))
        return err_say(err, EINVAL, "`%s` is no name for a lab: 1 to %d of a-z, 0-9 and -", name, LAB_NAME_MAX);
    if (registry_directory(labs, sizeof labs, err) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/.lock", labs);
    cleanup_close int registry =
        open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* released when this function returns */
    if (registry < 0 || flock(registry, LOCK_EX) < 0)
        return err_set(err, errno, "lock `%s`", path);
    memset(record, 0, sizeof *record);
    if (free_slot(labs, &record->slot, err) < 0)
        return -1;
    for (unsigned i = 1; i <= SLOTS; i++) {
        if (name)
            snprintf(record->name, sizeof record->name, "%s", name);
        else
            snprintf(record->name, sizeof record->name, "lab%u", i);
        snprintf(record->dir, sizeof record->dir, "%s/%s", labs, record->name);
        int taken = take(record->dir, lock, err);
        if (taken < 0)
            return -1;
        if (taken) {
            record->rootless = rootless;
            record->owner = getpid();
            record->owner_started = process_start_time(record->owner);
            record->started = (uint64_t)time(NULL);
            if (registry_write(record, err) == 0)
                return 0;
            close(*lock);
            *lock = -1;
            registry_drop(record, NULL);
            return -1;
        }
        if (name)
            return err_say(err, EEXIST, "a lab named `%s` is running: choose another name, or `teachroot lab rm %s`",
                           name, name);
    }
    return err_say(err, EAGAIN, "no free lab name");
}

int registry_drop(const struct lab_record *record, struct err *err)
{
    cleanup_close int dir = open(record->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return errno == ENOENT ? 0 : err_set(err, errno, "open `%s`", record->dir);
    int again = dup(dir);
    cleanup_dir DIR *entries = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;
    while (entries && (entry = readdir(entries)))
        if (entry->d_type != DT_DIR)
            unlinkat(dir, entry->d_name, 0);
        else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dir, entry->d_name, AT_REMOVEDIR);
    if (rmdir(record->dir) < 0 && errno != ENOENT)
        return err_set(err, errno, "rmdir `%s`", record->dir);
    return 0;
}
