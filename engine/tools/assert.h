/** What the files of the `assert` tool share: a claim, the checks of its table by subject, and the words for what was found. */
#ifndef ENGINE_TOOLS_ASSERT_H
#define ENGINE_TOOLS_ASSERT_H

#include <stddef.h>
#include <sys/types.h>

/* UNKNOWN: it cannot be told (yet); neither the claim nor its opposite then passes. WRONG: no such claim can be made. */
enum verdict { CLAIM_HOLDS, CLAIM_FAILS, CLAIM_UNKNOWN, CLAIM_WRONG };

struct claim {
    const char *words[4]; /* what stood in the places of the row's capital words, in order */
    size_t count;         /* how many */
    char *const *rest;    /* the words after the row's own, NULL at the end; of a row with […] */
    char seen[1024];      /* filled by the check, whatever its verdict: one line that says what there is */
};
typedef enum verdict claim_fn(struct claim *claim);

/** Set claim->seen and return @verdict: `return see(claim, CLAIM_FAILS, "…")`. */
enum verdict see(struct claim *claim, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Say of @path that it is not there, and what is there instead. Returns CLAIM_FAILS. */
enum verdict see_missing(struct claim *claim, const char *path);

/* assert_files.c */
claim_fn claim_file, claim_file_contains, claim_directory, claim_executable, claim_link, claim_link_to, claim_runs;

/* assert_processes.c */
claim_fn claim_process, claim_process_gone, claim_process_root, claim_process_isolated, claim_process_visible,
    claim_process_pid;

/* assert_rootfs.c */
claim_fn claim_rootfs, claim_rootfs_of, claim_names;

/* assert_terminals.c */
claim_fn claim_last_exit, claim_last_command, claim_terminal_root, claim_terminal_pid, claim_hostname;

/* assert_namespaces.c */
claim_fn claim_namespace_differs, claim_namespace_same, claim_namespace_differs_from, claim_namespace_same_as;
claim_fn claim_uidmap, claim_gidmap, claim_uidmap_empty, claim_gidmap_empty, claim_root_mapped;

/* assert_mounts.c */
claim_fn claim_mount, claim_mount_type, claim_mount_of, claim_mount_type_of, claim_mount_propagation,
    claim_mount_propagation_of;

/* assert_overlay.c */
claim_fn claim_overlay, claim_overlay_lowers, claim_overlay_file, claim_whiteout, claim_opaque;

/* assert_cgroups.c */
claim_fn claim_cgroup, claim_cgroup_holds, claim_terminal_cgroup, claim_limit, claim_throttled, claim_oom_killed,
    claim_frozen;

/* assert_images.c */
claim_fn claim_image, claim_image_layers, claim_image_has, claim_image_shares, claim_image_same, claim_container,
    claim_container_state;

/* assert_syscalls.c */
claim_fn claim_syscall;

/** The pid in TEACHROOT_TERMINAL_@name. Returns it, or -1 with claim->seen set. */
pid_t terminal_pid(struct claim *claim, const char *name);

/** The process number that @word is. Returns it, or -1 with claim->seen set. */
pid_t claim_pid(struct claim *claim, const char *word);

#endif
