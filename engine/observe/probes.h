/** The probes of the table in host.c, by subject. Each fills one line and returns its answer; see struct host_feature. */
#ifndef ENGINE_OBSERVE_PROBES_H
#define ENGINE_OBSERVE_PROBES_H

#include "engine/observe/try.h"

/* probe_kernel.c */
host_probe_fn probe_root, probe_kernel, probe_openat2, probe_clone3, probe_pidfd, probe_open_tree, probe_mount_setattr,
    probe_close_range;
host_probe_fn probe_seccomp, probe_apparmor;

/* probe_namespaces.c */
host_probe_fn probe_userns, probe_mntns, probe_pidns, probe_netns, probe_ipcns, probe_utsns, probe_cgroupns,
    probe_timens, probe_subuid;

/* probe_storage.c */
host_probe_fn probe_overlay, probe_userns_overlay, probe_idmap, probe_loop, probe_mke2fs;

/* probe_cgroups.c */
host_probe_fn probe_cgroup, probe_cgroup1, probe_cgroup2, probe_memcg, probe_pidscg, probe_cpucg, probe_cpusetcg,
    probe_iocg, probe_freezercg;
host_probe_fn probe_devicescg, probe_delegation;

/* probe_network.c */
host_probe_fn probe_network, probe_veth, probe_bridge, probe_nft, probe_tun, probe_pasta;

/* probe_programs.c */
host_probe_fn probe_strace, probe_busybox, probe_debootstrap, probe_bootstrap, probe_ip, probe_ldd, probe_qemu,
    probe_cc, probe_curl, probe_perl;

#endif
