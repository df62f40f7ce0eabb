/* The kernel itself: who we are to it, and the newer system calls. */
#include "engine/observe/probes.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "engine/observe/observe.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

enum host_answer probe_root(char *found, size_t size)
{
    static const cap_value_t needed[] = { CAP_SYS_ADMIN, CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER,
                                          CAP_SETUID,    CAP_SETGID, CAP_NET_ADMIN,    CAP_SYS_CHROOT,
                                          CAP_MKNOD,     CAP_KILL,   CAP_SYS_PTRACE };
    if (geteuid() != 0)
        return host_say(HOST_NO, found, size, "user %u: labs are rootless", geteuid());
    struct capability_sets sets;
    struct err err;
    if (observe_capabilities(getpid(), &sets, &err) < 0)
        return host_say(HOST_NO, found, size, "%s", err.message);
    char missing[160] = "";
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (sets.effective >> needed[i] & 1)
            continue;
        char *name = cap_to_name(needed[i]);
        size_t len = strlen(missing);
        snprintf(missing + len, sizeof missing - len, " %s", name ? name : "?");
        cap_free(name);
    }
    if (*missing)
        return host_say(HOST_PARTLY, found, size, "root, but without%s (in a container?)", missing);
    return host_say(HOST_YES, found, size, "root, with the capabilities a lab is built with");
}

enum host_answer probe_kernel(char *found, size_t size)
{
    struct utsname name;
    unsigned major = 0, minor = 0;
    uname(&name);
    sscanf(name.release, "%u.%u", &major, &minor);
    bool tested = major > 6 || (major == 6 && minor >= 1);
    return host_say(tested ? HOST_YES : HOST_PARTLY, found, size, "%s %s, %s%s", name.sysname, name.release,
                    name.machine, tested ? "" : ": older than 6.1, the oldest we try labs on");
}

/* What a call that may be absent, or kept from us by a filter, answered. */
static enum host_answer answered(bool works, const char *name, char *found, size_t size)
{
    if (works)
        return host_say(HOST_YES, found, size, "works");
    if (errno == ENOSYS)
        return host_say(HOST_NO, found, size, "this kernel, or a seccomp filter round us, has no %s", name);
    return host_fails(found, size, "%s", name);
}

enum host_answer probe_openat2(char *found, size_t size)
{
    struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
    cleanup_close int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how);
    return answered(fd >= 0, "openat2", found, size);
}

static enum host_answer try_clone3(char *found, size_t size)
{
    struct clone_args args = { .exit_signal = SIGCHLD };
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        _exit(0);
    return answered(pid > 0 && waitpid(pid, NULL, 0) == pid, "clone3", found, size);
}

enum host_answer probe_clone3(char *found, size_t size)
{
    return host_try(try_clone3, found, size);
}

static enum host_answer try_pidfd(char *found, size_t size)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    cleanup_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    bool works = fd >= 0 && syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
    int saved = errno;
    struct pollfd ended = { .fd = fd, .events = POLLIN };
    if (works && poll(&ended, 1, 1000) != 1)
        return host_say(HOST_NO, found, size, "a pidfd does not say that its process has ended");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    errno = saved;
    return answered(works, "pidfd_open or pidfd_send_signal", found, size);
}

enum host_answer probe_pidfd(char *found, size_t size)
{
    return host_try(try_pidfd, found, size);
}

static enum host_answer try_open_tree(char *found, size_t size)
{
    if (host_enter_user_namespace(found, size) < 0 || host_enter_scratch(found, size) < 0)
        return HOST_NO;
    cleanup_close int tree = sys_open_tree(AT_FDCWD, ".", false);
    return answered(tree >= 0 && sys_move_mount(tree, AT_FDCWD, "/proc") == 0, "open_tree or move_mount", found, size);
}

enum host_answer probe_open_tree(char *found, size_t size)
{
    return host_try(try_open_tree, found, size);
}

static enum host_answer try_mount_setattr(char *found, size_t size)
{
    if (host_enter_user_namespace(found, size) < 0 || host_enter_scratch(found, size) < 0)
        return HOST_NO;
    /* Recursive: the way that has no fallback. */
    if (sys_mount_attr(AT_FDCWD, ".", MOUNT_ATTR_RDONLY, 0, true) < 0)
        return answered(false, "mount_setattr", found, size);
    cleanup_close int fd = open("x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 || errno != EROFS)
        return host_say(HOST_NO, found, size, "mount_setattr says yes and does nothing");
    return answered(true, "mount_setattr", found, size);
}

enum host_answer probe_mount_setattr(char *found, size_t size)
{
    return host_try(try_mount_setattr, found, size);
}

static enum host_answer try_close_range(char *found, size_t size)
{
    return answered(syscall(SYS_close_range, ~0U, ~0U, 0) == 0, "close_range", found, size);
}

enum host_answer probe_close_range(char *found, size_t size)
{
    return host_try(try_close_range, found, size);
}

static enum host_answer try_seccomp(char *found, size_t size)
{
    int before = prctl(PR_GET_SECCOMP);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        return host_fails(found, size, "install a filter");
    if (syscall(SYS_getppid) != -1 || errno != EDOM)
        return host_say(HOST_NO, found, size, "a filter can be installed and does nothing");
    return host_say(HOST_YES, found, size, "a filter acts%s",
                    before == 2 ? "; we run under another one ourselves (in a container?)" : "");
}

enum host_answer probe_seccomp(char *found, size_t size)
{
    return host_try(try_seccomp, found, size);
}

enum host_answer probe_apparmor(char *found, size_t size)
{
    char text[64];
    if (read_file_at(AT_FDCWD, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", text, sizeof text, NULL) > 0 &&
        text[0] == '1')
        return host_say(geteuid() == 0 ? HOST_PARTLY : HOST_NO, found, size,
                        "AppArmor keeps ordinary users from using their user namespaces");
    bool on = read_file_at(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", text, sizeof text, NULL) > 0 &&
              text[0] == 'Y';
    return host_say(HOST_YES, found, size, "%s", on ? "AppArmor is on and does not restrict them" : "no AppArmor");
}
