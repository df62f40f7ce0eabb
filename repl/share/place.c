#include "repl/share/share_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/user.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 16

/* A runtime directory of somebody else's, as under sudo, is not ours to write to. */
static bool is_ours(const char *path)
{
    struct stat st;
    return path && path[0] == '/' && stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

static void make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    mkdir(path, 0700);
}

int place_directory(char *path, size_t size, struct err *err)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    cleanup_free char *state = user_state_path("run");
    struct stat st;
    int n = is_ours(runtime) ? snprintf(path, size, "%s/teachroot", runtime)
                             : snprintf(path, size, "%s", state ? state : "");
    if (!state || n <= 0 || (size_t)n >= size)
        return err_set(err, state ? ENAMETOOLONG : ENOMEM, "the directory for sockets");
    make_directories(path);
    cleanup_close int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (directory < 0 || fstat(directory, &st) < 0)
        return err_set(err, errno, "open `%s`", path);
    if (st.st_uid != geteuid() || (st.st_mode & 077))
        return err_say(err, EACCES, "`%s` is not this user's alone: sockets are not put there", path);
    return take_fd(&directory);
}

/* Through the directory's fd: a socket's whole path may be too long for its address. */
static int address_of(int directory, const char *name, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    int n = directory == AT_FDCWD
                ? snprintf(address->sun_path, sizeof address->sun_path, "%s", name)
                : snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", directory, name);
    if (n > 0 && (size_t)n < sizeof address->sun_path)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

int place_alive(int directory, const char *name)
{
    struct sockaddr_un address;
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || address_of(directory, name, &address) < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN)
        return 1;
    return errno == ECONNREFUSED ? 0 : -1;
}

static bool is_own_socket(int directory, const char *name)
{
    struct stat st;
    return fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == geteuid();
}

/* A link stands for a socket elsewhere; what it names is removed only if it is one of this user's that nobody listens at. */
static void clear_link(int directory, const char *name)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(directory, name, target, sizeof target - 1);
    if (n <= 0)
        return;
    target[n] = '\0';
    int alive = place_alive(AT_FDCWD, target);
    if (alive == 1)
        return;
    if (alive == 0 && target[0] == '/' && is_own_socket(AT_FDCWD, target))
        unlink(target);
    unlinkat(directory, name, 0);
}

void place_clear(int directory)
{
    cleanup_close int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    if (!entries)
        return;
    take_fd(&copy);
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (entry->d_type == DT_LNK)
            clear_link(directory, entry->d_name);
        else if (entry->d_type == DT_SOCK && place_alive(directory, entry->d_name) == 0)
            unlinkat(directory, entry->d_name, 0);
    }
}

int place_listen(int directory, const char *name, unsigned mode, unsigned group)
{
    struct sockaddr_un address;
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || address_of(directory, name, &address) < 0)
        return -1;
    mode_t before = umask(0177);
    int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(before);
    if (bound < 0)
        return -1;
    if ((group != (gid_t)-1 && fchownat(directory, name, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) < 0) ||
        fchmodat(directory, name, mode, 0) < 0 || listen(fd, BACKLOG) < 0) {
        int error = errno;
        unlinkat(directory, name, 0);
        errno = error;
        return -1;
    }
    return take_fd(&fd);
}
