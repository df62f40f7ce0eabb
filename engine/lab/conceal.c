#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Read as empty in a lab. A line of this file is a path more; it need not exist. */
#define CONCEAL_FILE "/etc/teachroot/concealed"

static const char *const concealed[] = {
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers.d",
    "/etc/ssh/ssh_host_rsa_key",
    "/etc/ssh/ssh_host_ecdsa_key",
    "/etc/ssh/ssh_host_ed25519_key",
    "/etc/ssl/private",
    "/etc/wireguard",
    "/etc/NetworkManager/system-connections",
    "/etc/krb5.keytab",
    "/var/backups",
    "/var/cache/debconf/passwords.dat",
    "/var/cache/teachroot",
    "/var/lib/containers",
    LAB_STORE,
    "/var/lib/lxc",
    "/var/lib/machines",
    "/var/lib/mysql",
    "/var/lib/postgresql",
    "/var/lib/private",
    "/var/lib/sss",
    "/var/lib/teachroot",
    "/var/log",
    "/var/mail",
    "/var/spool/cron",
    "/var/spool/mail",
    "/var/tmp",
};

/* The directories of @path in the upper layer, with the modes they have on the host. Returns 1; 0: a link on the way leads elsewhere, or one is not there; -1. */
static int make_parents(int upper, int host, char *path, uid_t owner, struct err *err)
{
    size_t length = strlen(path);
    for (size_t i = 0; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        char saved = path[i];
        struct stat on_host;
        path[i] = '\0';
        if (fstatat(host, path, &on_host, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(on_host.st_mode))
            return 0;
        if (mkdirat(upper, path, 0700) == 0 && (fchownat(upper, path, owner, owner, AT_SYMLINK_NOFOLLOW) < 0 ||
                                                fchmodat(upper, path, on_host.st_mode & 07777, 0) < 0))
            return err_set(err, errno, "make `%s` for the lab", path);
        path[i] = saved;
    }
    return 1;
}

/* A place for a directory of the lab's own, below directories in which an ordinary user's lab may make none. */
static int make_place(int upper, int host, const char *path, uid_t owner, struct err *err)
{
    const char *relative = path + strspn(path, "/");
    const char *slash = strrchr(relative, '/');
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - relative) : 0, relative);
    int parents = slash ? make_parents(upper, host, parent, owner, err) : 1;
    if (parents <= 0)
        return parents;
    if (mkdirat(upper, relative, 0755) < 0)
        return errno == EEXIST ? 0 : err_set(err, errno, "make `%s` for the lab", path);
    return fchownat(upper, relative, owner, owner, AT_SYMLINK_NOFOLLOW) < 0
               ? err_set(err, errno, "chown `%s` of the lab", path)
               : 0;
}

/* An empty file, or an opaque directory, in the upper layer: the overlay shows it in place of the host's. */
static int conceal_one(int upper, int host, const char *path, uid_t owner, bool trusted, struct err *err)
{
    struct stat st;
    const char *relative = path + strspn(path, "/");
    const char *slash = strrchr(relative, '/');
    char parent[PATH_MAX] = ".";
    if (!*relative || fstatat(host, relative, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
        return 0;
    if (slash && snprintf(parent, sizeof parent, "%.*s", (int)(slash - relative), relative) >= (int)sizeof parent)
        return err_set(err, ENAMETOOLONG, "conceal `%s`", path);
    int parents = slash ? make_parents(upper, host, parent, owner, err) : 1;
    if (parents <= 0)
        return parents;
    cleanup_close int fd = -1;
    if (S_ISDIR(st.st_mode)) {
        if (mkdirat(upper, relative, 0700) < 0 && errno != EEXIST)
            return err_set(err, errno, "conceal `%s`", path);
        fd = openat(upper, relative, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fsetxattr(fd, trusted ? "trusted.overlay.opaque" : "user.overlay.opaque", "y", 1, 0) < 0)
            return err_set(err, errno, "conceal `%s`", path);
    } else {
        fd = openat(upper, relative, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            return errno == EEXIST ? 0 : err_set(err, errno, "conceal `%s`", path);
    }
    if (fchown(fd, owner, owner) < 0 || fchmod(fd, st.st_mode & 07777) < 0)
        return err_set(err, errno, "conceal `%s`", path);
    return 0;
}

/* @path below @prefix ("/etc" of "/etc/shadow"; "" for the root), or NULL. */
static const char *below(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(path, prefix, len) == 0 && path[len] == '/' ? path + len : NULL;
}

int conceal(int upper, int host, const char *prefix, uid_t owner, bool trusted, struct err *err)
{
    for (size_t i = 0; i < sizeof concealed / sizeof *concealed; i++)
        if (below(concealed[i], prefix) &&
            conceal_one(upper, host, below(concealed[i], prefix), owner, trusted, err) < 0)
            return -1;
    const char *store = below(LAB_STORE, prefix);
    if (store && make_place(upper, host, store, owner, err) < 0)
        return -1;
    cleanup_file FILE *f = fopen(CONCEAL_FILE, "re");
    cleanup_free char *line = NULL;
    size_t size = 0;
    while (f && getline(&line, &size, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (below(line, prefix) && conceal_one(upper, host, below(line, prefix), owner, trusted, err) < 0)
            return -1;
    }
    return 0;
}

bool is_concealed(const char *path)
{
    for (size_t i = 0; i < sizeof concealed / sizeof *concealed; i++)
        if (strcmp(concealed[i], path) == 0)
            return true;
    return false;
}
