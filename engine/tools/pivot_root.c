/* pivot_root: the syscall, and which of its rules was broken when it says no. */
#include "engine/tools/tools.h"

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"
#include "engine/observe/mounts.h"
#include "engine/tools/pivot_root_options.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <linux/magic.h>

struct pivot {
    const char *new_root, *put_old;
};

/* A directory as the kernel's rules see it. */
struct place {
    const char *given;
    char path[PATH_MAX]; /* whole, without links */
    unsigned long long mount;
    bool is_root; /* of its mount: a mount point */
};

static int look_at(const char *given, struct place *place)
{
    struct statx stx;
    place->given = given;
    if (statx(AT_FDCWD, given, 0, STATX_MNT_ID, &stx) < 0 || !(stx.stx_mask & STATX_MNT_ID) ||
        !realpath(given, place->path))
        return -1;
    place->mount = stx.stx_mnt_id;
    place->is_root = (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    return 0;
}

static const struct observe_mount *find_mount(const struct observe_mounts *mounts, unsigned long long id)
{
    for (size_t i = 0; i < mounts->count; i++)
        if ((unsigned long long)mounts->list[i].id == id)
            return &mounts->list[i];
    return NULL;
}

static bool is_shared(const struct observe_mount *mount)
{
    return mount && strcmp(observe_propagation(mount), "shared") == 0;
}

static bool is_below(const char *path, const char *top)
{
    size_t len = strlen(top);
    return strcmp(top, "/") == 0 || (strncmp(path, top, len) == 0 && (!path[len] || path[len] == '/'));
}

/* The rule that was broken, in the kernel's order, into @why. Returns false if none of those that can be seen was. */
static bool find_rule(int code, const struct pivot *pivot, char *why, size_t size)
{
    struct place root, new_root, put_old;
    struct statfs fs;
    struct observe_mounts mounts = { 0 };
    if (code == EPERM) {
        snprintf(why, size,
                 "it takes CAP_SYS_ADMIN in the user namespace that owns this mount namespace: be root, or "
                 "`unshare --user --map-root-user --mount` first");
        return true;
    }
    if ((code != EINVAL && code != EBUSY) || look_at("/", &root) < 0 || look_at(pivot->new_root, &new_root) < 0 ||
        look_at(pivot->put_old, &put_old) < 0)
        return false;
    observe_mounts(getpid(), &mounts, NULL);
    const struct observe_mount *on = find_mount(&mounts, new_root.mount);
    const struct observe_mount *parent = on ? find_mount(&mounts, (unsigned)on->parent) : NULL;
    const struct observe_mount *old = find_mount(&mounts, put_old.mount);
    const struct observe_mount *top = find_mount(&mounts, root.mount);
    bool found = true;
    if (code == EBUSY && new_root.mount == root.mount)
        snprintf(why, size,
                 "%s is on the mount that is the root already; it must be a mount of its own: `mount --bind %s %s`",
                 new_root.given, new_root.given, new_root.given);
    else if (code == EBUSY)
        snprintf(why, size, "%s is on the mount that is the root; it must be in the new root: %s or below it",
                 put_old.given, new_root.given);
    else if (is_shared(old))
        snprintf(why, size,
                 "%s is on %s, whose propagation is shared: `mount --make-rprivate /` in this mount namespace first",
                 put_old.given, old->point);
    else if (is_shared(parent))
        snprintf(why, size,
                 "%s is mounted on %s, whose propagation is shared: `mount --make-rprivate /` in this mount namespace "
                 "first",
                 new_root.given, parent->point);
    else if (top && is_shared(find_mount(&mounts, (unsigned)top->parent)))
        snprintf(why, size,
                 "the mount under the root is shared: `mount --make-rprivate /` in this mount namespace "
                 "first");
    else if (!root.is_root)
        snprintf(why, size,
                 "the root there is, is a plain directory (of a chroot), no mount: bind it on itself before "
                 "the chroot");
    else if (!new_root.is_root)
        snprintf(why, size, "%s is a plain directory, no mount point: `mount --bind %s %s` makes it one",
                 new_root.given, new_root.given, new_root.given);
    else if (!is_below(put_old.path, new_root.path))
        snprintf(why, size, "%s is not below %s: what was the root must be put into the new one", put_old.given,
                 new_root.given);
    else if (statfs("/", &fs) == 0 && (fs.f_type == RAMFS_MAGIC || (fs.f_type == TMPFS_MAGIC && !top)))
        snprintf(why, size, "the root is the initramfs' own rootfs, which cannot be moved: switch_root is for that");
    else if (on && parent)
        snprintf(why, size,
                 "%s may be locked: a mount that came from a more privileged namespace; `mount --rbind %s %s` makes "
                 "one that is not",
                 new_root.given, new_root.given, new_root.given);
    else
        found = false;
    observe_mounts_free(&mounts);
    return found;
}

static void explain_pivot(const void *request, struct tool_explanation *e)
{
    const struct pivot *pivot = request;
    explain_call(e, "pivot_root(\"%s\", \"%s\")", pivot->new_root, pivot->put_old);
    explain_why(e, "`%s` becomes `/` of this mount namespace, for every process whose root the old one was",
                pivot->new_root);
    explain_why(e, "what `/` was is mounted on `%s` from then on; `umount -l` there lets go of it", pivot->put_old);
}

static int run_pivot(void *request, struct err *err)
{
    const struct pivot *pivot = request;
    if (sys_pivot_root(pivot->new_root, pivot->put_old) == 0)
        return 0;
    char why[sizeof err->message];
    int code = errno;
    tool_error("pivot_root", "failed to change root from `%s' to `%s': %s", pivot->new_root, pivot->put_old,
               strerror(code));
    return find_rule(code, pivot, why, sizeof why) ? err_say(err, code, "%s", why) : err_say(err, code, "%s", "");
}

static const struct tool_step steps[] = { { NULL, explain_pivot, run_pivot } };

int pivot_root_main(int argc, char **argv)
{
    struct tool_parser parser;
    tool_parse(&parser, &pivot_root_options, argc, argv);
    tool_parse_next(&parser); /* it has no option of its own */
    if (parser.ended)
        return parser.status;
    if (argc - optind != 2)
        return tool_wrong(&pivot_root_options, "bad usage");
    struct pivot pivot = { argv[optind], argv[optind + 1] };
    if (parser.explain)
        return tool_explain(&pivot_root_options, steps, 1, &pivot, stdout);
    struct err err = { 0 };
    if (tool_run(steps, 1, &pivot, &err) < 0)
        return *err.message ? tool_error("pivot_root", "%s", err.message) : 1;
    return 0;
}
