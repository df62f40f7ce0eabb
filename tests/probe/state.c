/* Prints what the kernel says of this process: what tools that change namespaces, ids, mounts and roots leave behind for the program they run. Two tools
 * that did the same give the same text: what differs between any two runs (inode numbers, mount ids, pids) is left out or told by comparison.
 *
 * CALLER and TARGET hold the inodes of the eight namespaces of the process that ran the tool and of the one it was to enter. With an argument it does not
 * print but wait: to be such a target. */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const kinds[] = {
    "mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time", "pid_for_children", "time_for_children"
};

static unsigned long long wanted(const char *variable, size_t kind)
{
    const char *list = getenv(variable);
    char *end;
    unsigned long long inode = 0;
    for (size_t i = 0; list && *list && i <= kind; i++) {
        inode = strtoull(list, &end, 10);
        if (end == list)
            return 0;
        list = end;
    }
    return inode;
}

static void print_namespaces(void)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[64];
        struct stat st;
        size_t base = i == 8 ? 1 : i == 9 ? 7 : i;
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        const char *whose = "new";
        if (stat(path, &st) < 0)
            whose = "not to be seen";
        else if (st.st_ino == wanted("CALLER", base))
            whose = "the caller's";
        else if (st.st_ino == wanted("TARGET", base))
            whose = "the target's";
        printf("%s: %s\n", kinds[i], whose);
    }
}

static void print_file(const char *path, const char *prefix)
{
    char line[4096];
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, prefix, strlen(prefix)) == 0)
            printf("%s %s", path, line);
    if (f)
        fclose(f);
    else
        printf("%s: none\n", path);
}

/* Root, place, flags, propagation without numbers, type. */
static void print_mounts(void)
{
    char line[4096];
    FILE *f = fopen("/proc/self/mountinfo", "re");
    while (f && fgets(line, sizeof line, f)) {
        char *save, *word = strtok_r(line, " \n", &save);
        for (int field = 0; word; field++, word = strtok_r(NULL, " \n", &save)) {
            if (strncmp(word, "shared:", 7) == 0 || strncmp(word, "master:", 7) == 0)
                word[7] = '\0';
            if (field == 3 && strchr(word, '['))
                *strchr(word, '[') = '\0'; /* a namespace's own number */
            if (field >= 3 && strncmp(word, "propagate_from:", 15) != 0)
                printf("%s ", word);
        }
        putchar('\n');
    }
    if (f)
        fclose(f);
}

static void print_ids(void)
{
    uid_t u[3];
    gid_t g[3], groups[64];
    getresuid(&u[0], &u[1], &u[2]);
    getresgid(&g[0], &g[1], &g[2]);
    int n = getgroups(64, groups);
    printf("ids: %u %u %u, %u %u %u, groups", u[0], u[1], u[2], g[0], g[1], g[2]);
    for (int i = 0; i < n; i++)
        printf(" %u", groups[i]);
    printf("\n");
}

static void print_fds(void)
{
    printf("fds:");
    for (int fd = 0; fd < 64; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf(" %d", fd);
    printf("\n");
}

static void print_processes(void)
{
    struct stat st;
    int seen = 0;
    DIR *dir = opendir("/proc");
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        seen += entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
    if (dir)
        closedir(dir);
    printf("pid: %s, parent: %s, processes in /proc: %s, itself: %s\n", getpid() == 1 ? "1" : "another",
           getppid() == 0 ? "outside" : "inside",
           seen == 0  ? "none"
           : seen < 4 ? "few"
                      : "many",
           stat("/proc/self", &st) == 0 ? "seen" : "not seen");
}

int main(int argc, char **argv __attribute__((unused)))
{
    char path[4096];
    struct stat st;
    int death = 0;
    struct timespec boot, monotonic;
    if (argc > 1)
        for (;;)
            pause();
    print_namespaces();
    print_ids();
    static const char *const files[] = { "uid_map", "gid_map", "setgroups", "timens_offsets" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "/proc/self/%s", files[i]);
        print_file(path, "");
    }
    static const char *const fields[] = { "Cap", "NoNewPrivs", "SigBlk", "SigIgn", "NSpid" };
    for (size_t i = 0; i < 4; i++)
        print_file("/proc/self/status", fields[i]);
    print_mounts();
    print_processes();
    print_fds();
    prctl(PR_GET_PDEATHSIG, &death);
    gethostname(path, sizeof path);
    printf("death signal: %d, host name: %s\n", death, path);
    printf("cwd: %s\n", getcwd(path, sizeof path) ? path : "none");
    ssize_t n = readlink("/proc/self/root", path, sizeof path - 1);
    path[n < 0 ? 0 : n] = '\0';
    stat("/", &st);
    printf("root: `%s`, %s\n", path, access("/only-in-this-root", F_OK) == 0 ? "the test's" : "the machine's");
    /* To the hour: enough to see an offset of days. */
    clock_gettime(CLOCK_BOOTTIME, &boot);
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    printf("clocks ahead by days: %lld %lld\n", (long long)boot.tv_sec / 86400, (long long)monotonic.tv_sec / 86400);
    return 0;
}
