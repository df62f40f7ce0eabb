/* The steps of unshare, in the order the kernel needs them: what --explain prints and what is done are this one list. */
#include "engine/tools/unshare.h"

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"
#include "engine/isolate/mounts.h"
#include "engine/isolate/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

typedef const struct unshare_request request_t;

static bool has_files(request_t *r)
{
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (r->files[i])
            return true;
    return false;
}

/* --- Helpers outside ------------------------------------------------------------------------------------------------------------------ */

/* Fork a process that waits for a word: in it this returns 1 when the word has come, in the caller 0. */
static int start_helper(struct unshare_helper *helper, struct err *err)
{
    int go[2];
    char byte;
    ssize_t n;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, go) < 0)
        return err_set(err, errno, "socketpair");
    helper->pid = fork();
    if (helper->pid < 0) {
        int saved = errno;
        close(go[0]);
        close(go[1]);
        return err_set(err, saved, "fork a helper");
    }
    helper->go = go[1];
    if (helper->pid > 0) {
        close(go[0]);
        return 0;
    }
    close(go[1]);
    helper->go = go[0];
    while ((n = recv(go[0], &byte, 1, 0)) < 0 && errno == EINTR) {
    }
    if (n != 1)
        _exit(1); /* unshare has failed or died: there is nothing to do */
    return 1;
}

/* The helper's end: what it could not do goes to who waits for it. */
static void __attribute__((noreturn)) end_helper(const struct unshare_helper *helper, int result, const struct err *err)
{
    if (result < 0)
        send(helper->go, err, sizeof *err, MSG_NOSIGNAL);
    _exit(result < 0 ? 1 : 0);
}

/* Let it go on, and wait for it. */
static int await_helper(struct unshare_helper *helper, struct err *err)
{
    struct err why = { 0 };
    int status = 0;
    ssize_t n = -1;
    if (send(helper->go, "g", 1, MSG_NOSIGNAL) == 1)
        while ((n = recv(helper->go, &why, sizeof why, 0)) < 0 && errno == EINTR) {
        }
    close(helper->go);
    helper->go = -1;
    while (waitpid(helper->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (n == (ssize_t)sizeof why) {
        *err = why;
        return -1;
    }
    if (n != 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_say(err, ECHILD, "the helper outside the new namespaces died before its work was done");
    return 0;
}

static bool wants_ranges(const void *request)
{
    request_t *r = request;
    return r->users.count || r->groups.count;
}

static size_t ranges(bool map_one, uint32_t inside, uint32_t outside, const struct id_map *range, struct id_map out[4])
{
    const struct id_map one = { inside, outside, 1 };
    if (map_one)
        return userns_punch(&one, range, out);
    out[0] = *range;
    return 1;
}

static int write_ranges(request_t *r, struct err *err)
{
    struct id_map map[4];
    if (r->users.count) {
        size_t n = ranges(r->map_user, r->user, r->euid, &r->users, map);
        if (userns_run_helper(r->self, USERNS_USERS, map, n, err) < 0)
            return -1;
    }
    if (r->groups.count) {
        size_t n = ranges(r->map_group, r->group, r->egid, &r->groups, map);
        if (userns_run_helper(r->self, USERNS_GROUPS, map, n, err) < 0)
            return -1;
    }
    return 0;
}

static void explain_start_mapper(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    explain_call(e, "clone(SIGCHLD)");
    explain_why(e,
                "a helper that stays in the old user namespace: newuidmap and newgidmap must run outside the new one");
    explain_option(e, r->users.count ? r->users_because : r->groups_because);
}

static int start_mapper(void *request, struct err *err)
{
    struct unshare_request *r = request;
    struct err why;
    int helper = start_helper(&r->mapper, err);
    if (helper == 1)
        end_helper(&r->mapper, write_ranges(r, &why), &why);
    return helper;
}

static void explain_helper_call(struct tool_explanation *e, const char *program, bool map_one, uint32_t inside,
                                uint32_t outside, const struct id_map *range)
{
    struct id_map map[4];
    char words[256] = "";
    size_t count = ranges(map_one, inside, outside, range, map), len = 0;
    for (size_t i = 0; i < count && len < sizeof words; i++)
        len += (size_t)snprintf(words + len, sizeof words - len, ", \"%u\", \"%u\", \"%u\"", map[i].inside,
                                map[i].outside, map[i].count);
    explain_call(e, "execve(\"%s\", [\"%s\", \"PID\"%s])", program, program, words);
}

static void explain_ranges(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    if (r->users.count) {
        explain_helper_call(e, "newuidmap", r->map_user, r->user, r->euid, &r->users);
        explain_why(e, "by the helper; set-user-ID root, it writes uid_map if /etc/subuid gives you the range");
        explain_option(e, r->users_because);
        if (r->map_user)
            explain_option(e, r->user_because);
    }
    if (r->groups.count) {
        explain_helper_call(e, "newgidmap", r->map_group, r->group, r->egid, &r->groups);
        explain_why(e, "the same for gid_map and /etc/subgid");
        explain_option(e, r->groups_because);
        if (r->map_group)
            explain_option(e, r->group_because);
    }
}

static int await_mapper(void *request, struct err *err)
{
    struct unshare_request *r = request;
    return await_helper(&r->mapper, err);
}

/* --- Namespaces that live on ---------------------------------------------------------------------------------------------------------- */

static const char *proc_name(size_t kind)
{
    switch (namespace_kinds[kind].flag) {
    case CLONE_NEWPID:
        return "pid_for_children";
    case CLONE_NEWTIME:
        return "time_for_children";
    default:
        return namespace_kinds[kind].name;
    }
}

static int bind_files(request_t *r, struct err *err)
{
    for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/ns/%s", r->self, proc_name(i));
        if (r->files[i] && mount(path, r->files[i], NULL, MS_BIND, NULL) < 0)
            return err_set(err, errno, "mount `%s` on `%s`", path, r->files[i]);
    }
    return 0;
}

static bool wants_binder(const void *request)
{
    request_t *r = request;
    return has_files(r) && (r->namespaces & CLONE_NEWNS);
}

static void explain_start_binder(const void *request, struct tool_explanation *e)
{
    explain_call(e, "clone(SIGCHLD)");
    explain_why(e,
                "a helper that stays in the old mount namespace: binds made in the new one would not be seen outside");
}

static int start_binder(void *request, struct err *err)
{
    struct unshare_request *r = request;
    struct err why;
    int helper = start_helper(&r->binder, err);
    if (helper == 1)
        end_helper(&r->binder, bind_files(r, &why), &why);
    return helper;
}

static int bind_now(struct unshare_request *r, struct err *err)
{
    if (wants_binder(r))
        return await_helper(&r->binder, err);
    return bind_files(r, err);
}

static bool wants_files(const void *request)
{
    return has_files(request);
}

static void explain_bind(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (r->files[i]) {
            explain_call(e, "mount(\"/proc/PID/ns/%s\", \"%s\", NULL, MS_BIND, NULL)", proc_name(i), r->files[i]);
            explain_why(e, "a namespace with a name lives on without processes (%s)",
                        wants_binder(r) ? "the helper makes it"
                        : r->fork       ? "the parent makes it"
                                        : "nsenter finds it there, umount ends it");
        }
}

/* With a child it is the parent's, who goes no further. */
static int bind_step(void *request, struct err *err)
{
    struct unshare_request *r = request;
    return r->fork ? 0 : bind_now(r, err);
}

/* --- The namespaces themselves -------------------------------------------------------------------------------------------------------- */

static bool wants_namespaces(const void *request)
{
    return ((request_t *)request)->namespaces != 0;
}

static void explain_unshare(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    char flags[160];
    explain_call(e, "unshare(%s)", namespace_flags(r->namespaces, flags, sizeof flags));
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (r->namespaces & namespace_kinds[i].flag)
            explain_option(e, r->because[i]);
}

static int unshare_step(void *request, struct err *err)
{
    request_t *r = request;
    char flags[160];
    if (unshare(r->namespaces) < 0)
        return err_set(err, errno, "unshare(%s)", namespace_flags(r->namespaces, flags, sizeof flags));
    return 0;
}

static bool wants_clocks(const void *request)
{
    request_t *r = request;
    return r->monotonic || r->boottime;
}

static void explain_clocks(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    if (r->monotonic) {
        explain_call(e, "write(/proc/self/timens_offsets, \"monotonic %" PRId64 " 0\")", r->monotonic);
        explain_option(e, UNSHARE_MONOTONIC);
    }
    if (r->boottime) {
        explain_call(e, "write(/proc/self/timens_offsets, \"boottime %" PRId64 " 0\")", r->boottime);
        explain_option(e, UNSHARE_BOOTTIME);
    }
    explain_why(e, "only until the first process is in the namespace: then its clocks are fixed");
}

static int clocks_step(void *request, struct err *err)
{
    request_t *r = request;
    return isolate_clock_offsets(r->monotonic, r->boottime, err);
}

/* --- The child ------------------------------------------------------------------------------------------------------------------------ */

static bool wants_fork(const void *request)
{
    return ((request_t *)request)->fork;
}

static void explain_fork(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    explain_call(e, "rt_sigprocmask(SIG_BLOCK, [INT TERM])");
    explain_why(e, "Ctrl-C is the program's to answer; this process only waits");
    explain_call(e, "clone(SIGCHLD)");
    explain_option(e, r->fork_because);
    if (r->namespaces & CLONE_NEWPID)
        explain_why(e, "the child is the first process of the new pid namespace: its pid 1");
    explain_why(e, "the parent does wait4 and ends as the child does; what follows is the child's");
}

static int fork_step(void *request, struct err *err)
{
    struct unshare_request *r = request;
    sigset_t block, before;
    signal(SIGCHLD, SIG_DFL); /* an ignored SIGCHLD leaves nobody to wait for */
    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    sigaddset(&block, SIGTERM);
    sigprocmask(SIG_BLOCK, &block, &before);
    pid_t pid = fork();
    if (pid < 0)
        return err_set(err, errno, "fork");
    if (pid > 0) {
        if (has_files(r) && bind_now(r, err) < 0)
            return -1;
        program_end_as(pid, false);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (r->binder.go >= 0)
        close(r->binder.go); /* or the helper waits for this process too */
    return 0;
}

static bool wants_kill_child(const void *request)
{
    return ((request_t *)request)->kill_child != 0;
}

static void explain_kill_child(const void *request, struct tool_explanation *e)
{
    explain_call(e, "prctl(PR_SET_PDEATHSIG, SIG%s)", sigabbrev_np(((request_t *)request)->kill_child) ?: "RT");
    explain_option(e, UNSHARE_KILL_CHILD);
}

static int kill_child_step(void *request, struct err *err)
{
    request_t *r = request;
    if (prctl(PR_SET_PDEATHSIG, r->kill_child) < 0)
        return err_set(err, errno, "prctl PR_SET_PDEATHSIG");
    return 0;
}

/* --- Who one is inside ---------------------------------------------------------------------------------------------------------------- */

static bool wants_user(const void *request)
{
    request_t *r = request;
    return r->map_user && !r->users.count;
}

static void explain_user(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    explain_call(e, "write(/proc/self/uid_map, \"%u %u 1\")", r->user, r->euid);
    explain_option(e, r->user_because);
}

static int user_step(void *request, struct err *err)
{
    request_t *r = request;
    const struct id_map map = { r->user, r->euid, 1 };
    return userns_write_map(0, USERNS_USERS, &map, 1, err);
}

static bool wants_group(const void *request)
{
    request_t *r = request;
    return r->map_group && !r->groups.count;
}

static void explain_group(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    explain_call(e, "write(/proc/self/setgroups, \"deny\")");
    explain_why(
        e, "without privilege a gid_map is taken only after this: else one could leave a group that is denied a file");
    explain_call(e, "write(/proc/self/gid_map, \"%u %u 1\")", r->group, r->egid);
    explain_option(e, r->group_because);
}

static int group_step(void *request, struct err *err)
{
    request_t *r = request;
    const struct id_map map = { r->group, r->egid, 1 };
    if (userns_write_setgroups(0, false, err) < 0)
        return -1;
    return userns_write_map(0, USERNS_GROUPS, &map, 1, err);
}

static bool wants_setgroups(const void *request)
{
    return ((request_t *)request)->setgroups != SETGROUPS_AS_IS;
}

static void explain_setgroups(const void *request, struct tool_explanation *e)
{
    explain_call(e, "write(/proc/self/setgroups, \"%s\")",
                 ((request_t *)request)->setgroups == SETGROUPS_ALLOW ? "allow" : "deny");
    explain_option(e, UNSHARE_SETGROUPS);
}

static int setgroups_step(void *request, struct err *err)
{
    return userns_write_setgroups(0, ((request_t *)request)->setgroups == SETGROUPS_ALLOW, err);
}

/* --- What one sees inside ------------------------------------------------------------------------------------------------------------- */

static bool wants_propagation(const void *request)
{
    request_t *r = request;
    return r->propagation && (r->namespaces & CLONE_NEWNS);
}

static const char *propagation_name(unsigned long propagation)
{
    return propagation == MS_SLAVE ? "MS_SLAVE" : propagation == MS_SHARED ? "MS_SHARED" : "MS_PRIVATE";
}

static void explain_propagation(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    explain_call(e, "mount(\"none\", \"/\", NULL, MS_REC|%s, NULL)", propagation_name(r->propagation));
    if (r->propagation_asked)
        explain_option(e, UNSHARE_PROPAGATION);
    else
        explain_why(e,
                    "most systems share their mounts: without this what is mounted here would appear outside as well");
}

static int propagation_step(void *request, struct err *err)
{
    return isolate_propagation(((request_t *)request)->propagation, err);
}

static bool wants_root(const void *request)
{
    return ((request_t *)request)->root != NULL;
}

static void explain_root(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    explain_call(e, "chroot(\"%s\")", r->root);
    explain_option(e, 'R');
    if (r->wd)
        return;
    explain_call(e, "chdir(\"/\")");
    explain_why(e, "chroot alone leaves the working directory outside, and with it a way out");
}

static int root_step(void *request, struct err *err)
{
    request_t *r = request;
    if (chroot(r->root) < 0)
        return err_set(err, errno, "chroot to `%s`", r->root);
    if (!r->wd && chdir("/") < 0)
        return err_set(err, errno, "chdir to `/` of the new root");
    return 0;
}

static bool wants_wd(const void *request)
{
    return ((request_t *)request)->wd != NULL;
}

static void explain_wd(const void *request, struct tool_explanation *e)
{
    explain_call(e, "chdir(\"%s\")", ((request_t *)request)->wd);
    explain_option(e, 'w');
}

static int wd_step(void *request, struct err *err)
{
    request_t *r = request;
    if (chdir(r->wd) < 0)
        return err_set(err, errno, "chdir to `%s`%s", r->wd, r->root ? " in the new root" : "");
    return 0;
}

static bool wants_mount_proc(const void *request)
{
    return ((request_t *)request)->mount_proc != NULL;
}

/* A proc that is to be hidden must not pass the new one on to where it is seen from outside. */
static bool proc_is_shared(request_t *r)
{
    return !r->root && r->propagation != MS_PRIVATE;
}

static void explain_mount_proc(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    if (proc_is_shared(r)) {
        explain_call(e, "mount(\"none\", \"%s\", NULL, MS_REC|MS_PRIVATE, NULL)", r->mount_proc);
        explain_why(e, "or the new proc would cover the old one outside too");
    }
    explain_call(e, "mount(\"proc\", \"%s\", \"proc\", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL)", r->mount_proc);
    explain_option(e, UNSHARE_MOUNT_PROC);
}

static int mount_proc_step(void *request, struct err *err)
{
    request_t *r = request;
    /* EINVAL: it is no mount point, so there is nothing to make private. */
    if (proc_is_shared(r) && mount("none", r->mount_proc, NULL, MS_REC | MS_PRIVATE, NULL) < 0 && errno != EINVAL)
        return err_set(err, errno, "mount: make `%s` private", r->mount_proc);
    if (mount("proc", r->mount_proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        return err_set(err, errno, "mount proc on `%s`", r->mount_proc);
    return 0;
}

/* --- Rights --------------------------------------------------------------------------------------------------------------------------- */

static bool wants_setgid(const void *request)
{
    return ((request_t *)request)->setgid;
}

static void explain_setgid(const void *request, struct tool_explanation *e)
{
    explain_call(e, "setgroups(0, NULL)");
    explain_call(e, "setgid(%u)", ((request_t *)request)->gid);
    explain_option(e, 'G');
}

static int setgid_step(void *request, struct err *err)
{
    request_t *r = request;
    if (setgroups(0, NULL) < 0)
        return err_set(err, errno, "setgroups");
    if (setgid(r->gid) < 0)
        return err_set(err, errno, "setgid(%u)", r->gid);
    return 0;
}

static bool wants_setuid(const void *request)
{
    return ((request_t *)request)->setuid;
}

static void explain_setuid(const void *request, struct tool_explanation *e)
{
    explain_call(e, "setuid(%u)", ((request_t *)request)->uid);
    explain_option(e, 'S');
}

static int setuid_step(void *request, struct err *err)
{
    request_t *r = request;
    if (setuid(r->uid) < 0)
        return err_set(err, errno, "setuid(%u)", r->uid);
    return 0;
}

static bool wants_keep_caps(const void *request)
{
    request_t *r = request;
    return r->keep_caps && (r->namespaces & CLONE_NEWUSER);
}

static void explain_keep_caps(const void *request, struct tool_explanation *e)
{
    explain_call(e, "capset(inheritable = permitted)");
    explain_call(e, "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, …)");
    explain_why(e,
                "once for each: only ambient capabilities survive the exec of an ordinary program by who is not root");
    explain_option(e, UNSHARE_KEEP_CAPS);
}

static int keep_caps_step(void *request, struct err *err)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) < 0)
        return err_set(err, errno, "capget");
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        data[i].inheritable = data[i].permitted;
    if (syscall(SYS_capset, &header, data) < 0)
        return err_set(err, errno, "capset");
    for (unsigned cap = 0; cap < 32 * _LINUX_CAPABILITY_U32S_3; cap++)
        if ((data[cap / 32].permitted & (1U << (cap % 32))) &&
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
            return err_set(err, errno, "prctl PR_CAP_AMBIENT_RAISE of capability %u", cap);
    return 0;
}

/* --- The program ---------------------------------------------------------------------------------------------------------------------- */

static void explain_program(const void *request, struct tool_explanation *e)
{
    program_explain(((request_t *)request)->argv, e);
}

/* unshare_main's: it has the exit status. */
static int nothing(void *request, struct err *err)
{
    return 0;
}

const struct tool_step unshare_steps[] = {
    { wants_ranges, explain_start_mapper, start_mapper },
    { wants_binder, explain_start_binder, start_binder },
    { wants_namespaces, explain_unshare, unshare_step },
    { wants_ranges, explain_ranges, await_mapper },
    { wants_clocks, explain_clocks, clocks_step },
    { wants_fork, explain_fork, fork_step },
    { wants_files, explain_bind, bind_step },
    { wants_kill_child, explain_kill_child, kill_child_step },
    { wants_user, explain_user, user_step },
    { wants_group, explain_group, group_step },
    { wants_setgroups, explain_setgroups, setgroups_step },
    { wants_propagation, explain_propagation, propagation_step },
    { wants_root, explain_root, root_step },
    { wants_wd, explain_wd, wd_step },
    { wants_mount_proc, explain_mount_proc, mount_proc_step },
    { wants_setgid, explain_setgid, setgid_step },
    { wants_setuid, explain_setuid, setuid_step },
    { wants_keep_caps, explain_keep_caps, keep_caps_step },
    { NULL, explain_program, nothing },
};
const size_t unshare_step_count = sizeof unshare_steps / sizeof *unshare_steps;

const char *unshare_advice(request_t *r, const struct err *err)
{
    bool at_unshare = strncmp(err->message, "unshare(", 8) == 0, at_proc = strncmp(err->message, "mount proc", 10) == 0;
    if (at_unshare && err->code == EPERM)
        return r->namespaces & CLONE_NEWUSER ? "user namespaces are refused to you here (user.max_user_namespaces, "
                                               "AppArmor, or a chroot you are in)"
                                             : "only root may; an ordinary user first becomes root in a user "
                                               "namespace: add --user --map-root-user";
    if (at_unshare && err->code == ENOSPC)
        return "the limit of such namespaces is reached: see /proc/sys/user/max_*_namespaces";
    if (at_unshare && err->code == EINVAL)
        return "this kernel lacks one of these namespaces";
    if (err->code == EINVAL && strncmp(err->message, "mount `/proc/", 13) == 0)
        return "FILE of a mount namespace must be on a mount that is not shared (mount --make-private); Linux 6.18 may "
               "also refuse "
               "by the processors they were made on: try again";
    if (at_proc && err->code == EPERM && !(r->namespaces & CLONE_NEWPID))
        return "a proc may be mounted by who owns the pid namespace it shows: add --pid --fork";
    if (at_proc && err->code == EPERM && !r->fork)
        return "this process is still in the old pid namespace, only children are in the new one: add --fork";
    if (at_proc && err->code == EPERM)
        return "the kernel wants to see a whole /proc here before it gives a new one: nothing may be mounted over "
               "parts of it";
    return NULL;
}
