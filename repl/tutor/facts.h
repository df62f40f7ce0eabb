/** The facts that a trap may ask for: named predicates, each answered by the kernel and the lab's files as they are now, from where the shell stands.
 *
 * One table: the parser checks names and counts by it, and the list for authors is made of it. Every path is resolved by policy under the shell's root. Private to repl/tutor.
 */
#ifndef REPL_TUTOR_FACTS_H
#define REPL_TUTOR_FACTS_H

#include "engine/observe/observe.h"
#include "engine/observe/place.h"
#include "repl/tutor/trap.h"

#include <dirent.h>
#include <sys/stat.h>

enum fact_answer { FACT_NO, FACT_YES, FACT_UNKNOWN }; /* unknown: neither it nor its opposite holds */

#define FACT_ARGUMENTS 2
struct fact_call {
    const struct observe_place *place; /* where paths begin: the shell's, or that of `in ROOT` */
    const struct observe_place *shell; /* where the shell stands */
    pid_t pid, lab;                    /* host pids of the shell and of the lab's init */
    const char *line;                  /* as typed */
    char quote;                        /* that is open at its end */
    char arguments[FACT_ARGUMENTS][VALUE_LENGTH];
    struct names *names;
};

struct fact {
    const char *name;
    const char *arguments; /* their names, for authors: "PATH"; "" none */
    const char *gives;     /* names that are known where it holds: "pid program"; "" none */
    enum fact_answer (*holds)(struct fact_call *call);
    const char *means;
};
extern const struct fact facts[];
extern const size_t fact_count;
const struct fact *fact_find(const char *name);
/** How many words @words has (of a fact's arguments, or of the names it gives). */
size_t fact_words(const char *words);

/** The fact holds, and `$name` is @value. FACT_UNKNOWN if it cannot be kept. */
enum fact_answer fact_give(struct fact_call *call, const char *name, const char *value);
enum fact_answer fact_give_number(struct fact_call *call, const char *name, long value);
static inline enum fact_answer fact_says(bool holds)
{
    return holds ? FACT_YES : FACT_NO;
}

/* facts.c: paths */
/** @path from where the call's paths begin, absolute, into PATH_MAX bytes. False: too long. */
bool fact_path(const struct fact_call *call, const char *path, char *absolute);
/** An O_PATH fd of @path; -1. The directory a shell is in is that very directory, also where a mount covers it. */
int fact_open(const struct fact_call *call, const char *path);
/** The same of what is there, or of the nearest directory above it that is. */
int fact_open_near(const struct fact_call *call, const char *path);
bool fact_exists(const struct fact_call *call, const char *path);
/** The directory @absolute, to be read; NULL. */
DIR *fact_entries(const struct fact_call *call, const char *absolute);
/** At most @size - 1 bytes of the regular file @path, NUL-terminated; its length, or -1. */
ssize_t fact_read(const struct fact_call *call, const char *path, char *buf, size_t size);
/** At most @size - 1 bytes of @fd, NUL-terminated; their number, or -1 where @fd is. */
ssize_t fact_read_fd(int fd, char *buf, size_t size);
/** @pid (of the host) as the shell sees it, or -1. */
long fact_pid_inside(const struct fact_call *call, pid_t pid);

typedef enum fact_answer fact_fn(struct fact_call *call);

/* facts_paths.c */
fact_fn fact_exists_path, fact_directory, fact_executable, fact_dangling, fact_parent_missing, fact_near, fact_at_top,
    fact_here, fact_at_home, fact_in_lab, fact_inside_root, fact_other_root, fact_colon_path, fact_missing_of,
    fact_whiteout, fact_below, fact_has_text, fact_file_says, fact_open_quote;
/* facts_programs.c */
fact_fn fact_program, fact_program_in_lab, fact_program_near, fact_teaching_word, fact_program_elsewhere,
    fact_interpreter_missing, fact_interpreter_elsewhere, fact_interpreter_dangling, fact_library_elsewhere, fact_crlf,
    fact_no_shebang, fact_other_machine, fact_same_name;
/* facts_mounts.c */
fact_fn fact_mount_point, fact_covered, fact_shared_parent, fact_shared_root, fact_on_root_mount, fact_mounts_below,
    fact_busy, fact_noexec, fact_nodev, fact_read_only, fact_no_space, fact_on_overlay, fact_other_file_system,
    fact_no_userxattr;
/* facts_namespaces.c */
fact_fn fact_same_namespace, fact_children_elsewhere, fact_stale_proc, fact_no_proc, fact_proc_covered,
    fact_no_full_proc, fact_in_user_namespace, fact_no_map, fact_map_written, fact_unmapped_id, fact_setgroups_denied,
    fact_pid_in_lab, fact_apparmor, fact_loopback_down, fact_no_network, fact_listening;
/* facts_groups.c */
fact_fn fact_cgroup_v1, fact_cgroup_v2, fact_has_processes, fact_has_children, fact_controller, fact_controller_near,
    fact_other_version, fact_controller_off, fact_cpuset_empty, fact_own_limit, fact_fork_refused, fact_oom_killed,
    fact_group_near;

#endif
