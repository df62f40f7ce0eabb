#include "engine/observe/host.h"

#include "engine/observe/probes.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SYSTEM "The machine"
#define SPACES "Namespaces"
#define STORAGE "Root file systems"
#define GROUPS "Control groups"
#define NETWORK "Network"
#define PROGRAMS "Programs"
#define CALLS "Newer system calls (each has a slower stand-in)"

#define FILTER "a newer kernel; or, in Docker, --security-opt seccomp=unconfined"
#define AS_ROOT "start teachroot as root (sudo teachroot)"
#define AS_USER ", or as a user have systemd hand it down: teachroot doctor delegation"
#define ALLOW_USERNS                                                                                                   \
    "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), sysctl -w "                           \
    "kernel.unprivileged_userns_clone=1 (older Debian), or start teachroot as root"

const struct host_feature host_features[] = {
    { "kernel", "kernel version", probe_kernel, "a newer kernel", SYSTEM, false, false },
    { "root", "root's privileges", probe_root, AS_ROOT, SYSTEM, false, true },
    { "subuid", "a range of user ids", probe_subuid,
      "{install uidmap}; then as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 YOU", SYSTEM,
      false, false },
    { "seccomp", "seccomp filters", probe_seccomp, "a kernel with CONFIG_SECCOMP_FILTER", SYSTEM, false, false },
    { "apparmor", "user namespaces free of AppArmor", probe_apparmor, ALLOW_USERNS, SYSTEM, false, false },

    { "userns", "user namespaces", probe_userns, ALLOW_USERNS, SPACES, false, false },
    { "mntns", "mount namespaces", probe_mntns, ALLOW_USERNS, SPACES, false, false },
    { "pidns", "pid namespaces", probe_pidns,
      "in Docker: docker run --privileged, or --security-opt systempaths=unconfined", SPACES, false, false },
    { "netns", "network namespaces", probe_netns, ALLOW_USERNS, SPACES, false, false },
    { "ipcns", "ipc namespaces", probe_ipcns, ALLOW_USERNS, SPACES, false, false },
    { "utsns", "uts namespaces", probe_utsns, ALLOW_USERNS, SPACES, false, false },
    { "cgroupns", "cgroup namespaces", probe_cgroupns, "a kernel from 4.6 on", SPACES, false, false },
    { "timens", "time namespaces", probe_timens, "a kernel from 5.6 on with CONFIG_TIME_NS", SPACES, false, true },

    { "overlay", "overlay mounts", probe_overlay, "as root: modprobe overlay; for ordinary users a kernel from 5.11 on",
      STORAGE, false, false },
    { "userns-overlay", "overlay mounts without root", probe_userns_overlay,
      "as root: modprobe overlay; a kernel from 5.11 on", STORAGE, false, false },
    { "idmap", "idmapped mount of /", probe_idmap, "root, a kernel from 5.19 on, and a / that is not itself an overlay",
      STORAGE, false, true },
    { "loop", "a disk in a file", probe_loop, "root, and modprobe loop; in Docker: --privileged", STORAGE, true, true },
    { "mke2fs", "making file systems", probe_mke2fs, "{install e2fsprogs}", STORAGE, false, true },

    { "cgroup", "control groups", probe_cgroup, "mount -t cgroup2 none /sys/fs/cgroup", GROUPS, false, false },
    { "cgroup1", "version 1", probe_cgroup1,
      "the kernel parameter systemd.unified_cgroup_hierarchy=0 (not needed: v1 commands are translated)", GROUPS, false,
      true },
    { "cgroup2", "version 2 with controllers", probe_cgroup2, "the kernel parameter systemd.unified_cgroup_hierarchy=1",
      GROUPS, false, true },
    { "memcg", "memory limits", probe_memcg, AS_ROOT AS_USER, GROUPS, false, false },
    { "pidscg", "process limits", probe_pidscg, AS_ROOT AS_USER, GROUPS, false, false },
    { "cpucg", "cpu limits", probe_cpucg, AS_ROOT AS_USER, GROUPS, false, false },
    { "cpusetcg", "choice of cpus", probe_cpusetcg, AS_ROOT, GROUPS, false, true },
    { "iocg", "disk limits (blkio, io)", probe_iocg, AS_ROOT, GROUPS, false, true },
    { "freezercg", "freezing", probe_freezercg, AS_ROOT, GROUPS, false, true },
    { "devicescg", "device lists (v1)", probe_devicescg, AS_ROOT ", where v1 is mounted", GROUPS, false, true },
    { "delegation", "groups without root", probe_delegation,
      "cgroup v2 without v1, and systemd's user manager (a login starts it, or as root: loginctl enable-linger USER); "
      "what it hands down is said by Delegate= of user@.service",
      GROUPS, false, false },

    { "network", "a way out", probe_network, "a default route, and a name server that is not on loopback", NETWORK,
      true, false },
    { "veth", "veth pairs", probe_veth, "as root: modprobe veth", NETWORK, false, false },
    { "bridge", "bridges", probe_bridge, "as root: modprobe bridge", NETWORK, false, false },
    { "nft", "address translation", probe_nft, "{install nftables}; as root: modprobe nf_tables", NETWORK, true,
      false },
    { "ip", "the program ip", probe_ip, "{install iproute2}", NETWORK, false, false },
    { "tun", "tun device", probe_tun, "as root: modprobe tun, and chmod 666 /dev/net/tun", NETWORK, false, true },
    { "pasta", "network without root", probe_pasta, "{install passt}", NETWORK, false, true },

    { "strace", "the lens (strace)", probe_strace, "{install strace}; in Docker: --cap-add SYS_PTRACE", PROGRAMS, true,
      false },
    { "busybox", "busybox, static", probe_busybox, "{install busybox-static}", PROGRAMS, false, false },
    { "debootstrap", "debootstrap", probe_debootstrap, "{install debootstrap}", PROGRAMS, false, false },
    { "bootstrap", "a root filesystem of a distribution", probe_bootstrap,
      "{install debootstrap}, a way to a mirror of packages, and for an ordinary user a range of user ids", PROGRAMS,
      true, false },
    { "ldd", "ldd", probe_ldd, "{install libc-bin}", PROGRAMS, false, false },
    { "cc", "a C compiler", probe_cc, "{install gcc}", PROGRAMS, false, true },
    { "curl", "curl", probe_curl, "{install curl}", PROGRAMS, false, true },
    { "perl", "perl", probe_perl, "{install perl-base}", PROGRAMS, false, true },
    { "qemu", "a virtual machine to compare with", probe_qemu, "{install qemu-system-x86}", PROGRAMS, false, true },

    { "openat2", "openat2", probe_openat2, FILTER, CALLS, false, true },
    { "open_tree", "open_tree, move_mount", probe_open_tree, FILTER, CALLS, false, true },
    { "mount_setattr", "mount_setattr", probe_mount_setattr, FILTER, CALLS, false, true },
    { "clone3", "clone3", probe_clone3, FILTER, CALLS, false, true },
    { "pidfd", "pidfds", probe_pidfd, FILTER, CALLS, false, true },
    { "close_range", "close_range", probe_close_range, FILTER, CALLS, false, true },
};
const size_t host_feature_count = sizeof host_features / sizeof *host_features;

const struct host_feature *host_feature_find(const char *name)
{
    for (size_t i = 0; i < host_feature_count; i++)
        if (strcmp(host_features[i].name, name) == 0)
            return &host_features[i];
    return NULL;
}

static const struct manager {
    const char *program, *install;
} managers[] = {
    { "apt-get", "apt-get install" }, { "dnf", "dnf install" },       { "apk", "apk add" },
    { "pacman", "pacman -S" },        { "zypper", "zypper install" },
};
enum { APT, DNF, APK, PACMAN, ZYPPER, MANAGERS };

/* Where others name a package otherwise than Debian does; NULL: the same. */
static const struct {
    const char *debian, *names[MANAGERS];
} packages[] = {
    { "uidmap", { [DNF] = "shadow-utils", [APK] = "shadow-uidmap", [PACMAN] = "shadow", [ZYPPER] = "shadow" } },
    { "iproute2", { [DNF] = "iproute" } },
    { "busybox-static", { [DNF] = "busybox", [PACMAN] = "busybox" } },
    { "libc-bin", { [DNF] = "glibc-common", [APK] = "musl-utils", [PACMAN] = "glibc", [ZYPPER] = "glibc" } },
    { "qemu-system-x86",
      { [DNF] = "qemu-system-x86-core", [APK] = "qemu-system-x86_64", [PACMAN] = "qemu-base", [ZYPPER] = "qemu-x86" } },
};

void host_install_command(const char *package, char *buf, size_t size)
{
    char path[PATH_MAX];
    for (size_t m = 0; m < MANAGERS; m++) {
        if (!host_program(managers[m].program, path, sizeof path))
            continue;
        const char *name = package;
        for (size_t i = 0; i < sizeof packages / sizeof *packages; i++)
            if (strcmp(packages[i].debian, package) == 0 && packages[i].names[m])
                name = packages[i].names[m];
        snprintf(buf, size, "%s %s", managers[m].install, name);
        return;
    }
    snprintf(buf, size, "the package %s", package);
}

void host_brings(const struct host_feature *feature, char *buf, size_t size)
{
    static const char open[] = "{install ";
    size_t len = 0;
    const char *text = feature->brings;
    for (const char *at; (at = strstr(text, open)) && len < size;) {
        char package[64], command[128];
        const char *name = at + sizeof open - 1, *end = strchr(name, '}');
        snprintf(package, sizeof package, "%.*s", (int)(end - name), name);
        host_install_command(package, command, sizeof command);
        len += (size_t)snprintf(buf + len, size - len, "%.*s%s", (int)(at - text), text, command);
        text = end + 1;
    }
    if (len < size)
        snprintf(buf + len, size - len, "%s", text);
}
