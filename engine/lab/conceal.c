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
    "/var/lib/docker",
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
    /* The directories on the way keep the modes they have on the host. */
    for (size_t i = 0; slash && i <= strlen(parent); i++) {
        if (parent[i] != '/' && parent[i] != '\0')
            continue;
        char saved = parent[i];
        struct stat on_host;
        parent[i] = '\0';
        if (fstatat(host, parent, &on_host, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(on_host.st_mode))
            return 0; /* a link on the way leads elsewhere: what it leads to is listed by its own name */
        if (mkdirat(upper, parent, 0700) == 0 && (fchownat(upper, parent, owner, owner, AT_SYMLINK_NOFOLLOW) < 0 ||
                                                  fchmodat(upper, parent, on_host.st_mode & 07777, 0) < 0))
            return err_set(err, errno, "conceal `%s`", path);
        parent[i] = saved;
    }
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
