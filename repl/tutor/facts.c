/* The table of facts, and what they share. */
#include "repl/tutor/facts.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

const struct fact facts[] = {
    /* paths */
    { "exists", "PATH", "", fact_exists_path, "it is there, links followed" },
    { "directory", "PATH", "", fact_directory, "it is a directory" },
    { "executable", "FILE", "", fact_executable, "it is a file with an x bit" },
    { "dangling", "PATH", "to", fact_dangling, "it is a symbolic link to $to, which is not there" },
    { "parent-missing", "PATH", "parent", fact_parent_missing,
      "of the directories above it $parent is the first one that is not there" },
    { "near", "PATH", "near", fact_near,
      "it is not there, and beside it is $near, whose name differs by a letter or two" },
    { "at-top", "PATH", "found", fact_at_top, "it is relative and not there, but $found, the same from `/`, is" },
    { "here", "PATH", "found", fact_here,
      "it is absolute and not there, but $found, relative to the directory the shell is in, is" },
    { "at-home", "PATH", "found", fact_at_home, "it is relative and not there, but $found, in the home directory, is" },
    { "in-lab", "PATH", "", fact_in_lab, "it is not there, but it is in the lab's own root directory" },
    { "inside-root", "PATH", "root inside", fact_inside_root,
      "it begins with the path that the shell's root $root has outside; in here it is $inside, and that is there" },
    { "other-root", "", "root", fact_other_root, "the shell's root directory is not the lab's, but $root" },
    { "colon-path", "LIST", "path", fact_colon_path,
      "a directory that is in the list, parted by colons, has a colon in its name: $path" },
    { "missing-of", "LIST", "missing", fact_missing_of, "of the list, parted by colons, $missing is not there" },
    { "whiteout", "PATH", "", fact_whiteout, "it is a device with the numbers 0, 0" },
    { "below", "PATH DIRECTORY", "", fact_below, "it is DIRECTORY or below it" },
    { "has-text", "FILE", "", fact_has_text, "it is a file, and not empty" },
    { "says", "FILE WORD", "", fact_file_says, "the file's first word is WORD" },
    { "open-quote", "", "quote", fact_open_quote, "a quote is open at the line's end" },
    /* programs */
    { "program", "PROGRAM", "file", fact_program, "it is found along PATH, as $file" },
    { "program-in-lab", "PROGRAM", "file", fact_program_in_lab,
      "it is found along PATH in the lab's own root, as $file" },
    { "program-near", "PROGRAM", "near", fact_program_near,
      "it is not found, but $near is, whose name differs by a letter or two" },
    { "teaching-word", "WORD", "word", fact_teaching_word,
      "it is $word, which teachroot itself takes at the prompt, in capitals or with a letter wrong" },
    { "program-elsewhere", "PROGRAM", "file", fact_program_elsewhere, "it is not found along PATH, but as $file" },
    { "interpreter-missing", "PROGRAM", "file interpreter", fact_interpreter_missing,
      "it is there as $file, and the loader or interpreter it names is not" },
    { "interpreter-elsewhere", "PROGRAM", "interpreter found", fact_interpreter_elsewhere,
      "the same, and a file of the loader's name is at $found" },
    { "interpreter-dangling", "PROGRAM", "interpreter to", fact_interpreter_dangling,
      "the same, and where the loader should be is a link to $to, which is not there" },
    { "library-elsewhere", "NAME", "found", fact_library_elsewhere, "a file of that name is at $found" },
    { "crlf", "FILE", "", fact_crlf, "its lines end in a carriage return and a newline" },
    { "no-shebang", "PROGRAM", "file", fact_no_shebang, "it is a text without `#!` in front" },
    { "other-machine", "PROGRAM", "machine", fact_other_machine,
      "it is a program for another kind of processor, whose number in ELF is $machine" },
    { "same-name", "PATH PROGRAM", "", fact_same_name, "the last part of PATH is PROGRAM" },
    /* mounts */
    { "mount-point", "PATH", "", fact_mount_point, "something is mounted there" },
    { "covered", "PATH", "", fact_covered,
      "PATH is `.`, and a mount covers that directory since the shell went there" },
    { "shared-parent", "PATH", "parent", fact_shared_parent,
      "it is a mount point, and the mount it is on, $parent, is shared" },
    { "shared-root", "", "", fact_shared_root, "the mount that is the root is shared" },
    { "on-root-mount", "PATH", "", fact_on_root_mount, "it is on the mount that is the root" },
    { "mounts-below", "PATH", "below", fact_mounts_below, "$below is mounted below it" },
    { "busy", "PATH", "pid program", fact_busy,
      "the process $pid, $program, stands in that mount or has its root there" },
    { "noexec", "PATH", "", fact_noexec, "it is on a mount with noexec" },
    { "nodev", "PATH", "", fact_nodev, "it is on a mount with nodev" },
    { "read-only", "PATH", "", fact_read_only, "it is on a mount or file system that is only read" },
    { "no-space", "PATH", "size", fact_no_space, "its file system, of $size, is full" },
    { "on-overlay", "PATH", "", fact_on_overlay, "it is on an overlay" },
    { "other-file-system", "PATH OTHER", "", fact_other_file_system, "the two are on different mounts" },
    { "no-userxattr", "PATH", "mount", fact_no_userxattr,
      "it is on an overlay at $mount that was mounted without userxattr" },
    /* processes and namespaces */
    { "same-namespace", "KIND", "", fact_same_namespace, "the shell is in the lab's own namespace of that kind" },
    { "children-elsewhere", "", "", fact_children_elsewhere,
      "children of the shell are born in another pid namespace than its own" },
    { "stale-proc", "", "", fact_stale_proc, "/proc shows another pid namespace than the shell's" },
    { "no-proc", "", "", fact_no_proc, "no proc is mounted at /proc" },
    { "proc-covered", "", "cover", fact_proc_covered, "a file or directory of /proc is covered by a mount: $cover" },
    { "no-full-proc", "", "", fact_no_full_proc, "no proc that could be seen in full is mounted anywhere" },
    { "in-user-namespace", "", "", fact_in_user_namespace, "the shell is in a user namespace of its own" },
    { "no-map", "", "", fact_no_map, "and that has no id map" },
    { "map-written", "", "", fact_map_written, "and that has one" },
    { "unmapped-id", "ID", "", fact_unmapped_id, "the number is not in the shell's id map" },
    { "setgroups-denied", "", "", fact_setgroups_denied, "setgroups is denied in the shell's user namespace" },
    { "pid-in-lab", "PID", "", fact_pid_in_lab,
      "the lab has a process of that number, and the shell's pid namespace has not" },
    { "apparmor", "", "", fact_apparmor, "AppArmor restricts user namespaces of ordinary users" },
    { "loopback-down", "", "", fact_loopback_down, "lo of the shell's network namespace is down" },
    { "no-network", "", "", fact_no_network, "the shell's network namespace has no route" },
    { "listening", "PORT", "", fact_listening, "a process of the shell's network namespace listens there" },
    /* control groups */
    { "cgroup-v1", "PATH", "", fact_cgroup_v1, "it is, or would be, in a cgroup tree of v1" },
    { "cgroup-v2", "PATH", "", fact_cgroup_v2, "the same of v2" },
    { "has-processes", "PATH", "pid program group", fact_has_processes,
      "the process $pid, $program, is in the group at PATH, or that PATH is a file of: $group" },
    { "has-children", "PATH", "child", fact_has_children, "the group at PATH has the group $child below it" },
    { "controller", "NAME", "", fact_controller, "this kernel has it, by v1's or v2's name" },
    { "controller-near", "NAME", "near", fact_controller_near,
      "it has none of that name, but $near, which differs by a letter or two" },
    { "group-near", "NAME", "near", fact_group_near,
      "the lab has no group of that name, but $near, which differs by a letter or two" },
    { "other-version", "FILE", "here", fact_other_version,
      "its name belongs to the other version of cgroups; $here is what is in its place" },
    { "controller-off", "FILE", "controller parent", fact_controller_off,
      "v2: the group has no $controller, as the group above, $parent, does not hand it on" },
    { "cpuset-empty", "PATH", "", fact_cpuset_empty, "v1: cpuset.cpus or cpuset.mems of the group is empty" },
    { "own-limit", "FILE", "", fact_own_limit,
      "it belongs to the uppermost group that the lab sees, which is the lab's own limit" },
    { "fork-refused", "", "group most", fact_fork_refused, "the group $group has refused a fork: pids.max is $most" },
    { "oom-killed", "", "group times", fact_oom_killed,
      "processes of the group $group were killed for its memory limit, $times so far" },
};
const size_t fact_count = sizeof facts / sizeof *facts;

const struct fact *fact_find(const char *name)
{
    for (size_t i = 0; i < fact_count; i++)
        if (strcmp(facts[i].name, name) == 0)
            return &facts[i];
    return NULL;
}

size_t fact_words(const char *words)
{
    size_t count = 0;
    for (; *words; words += strspn(words, " "), count++)
        words += strcspn(words, " ");
    return count;
}

enum fact_answer fact_give(struct fact_call *call, const char *name, const char *value)
{
    return names_set(call->names, name, strlen(name), value, strlen(value), true) ? FACT_YES : FACT_UNKNOWN;
}

enum fact_answer fact_give_number(struct fact_call *call, const char *name, long value)
{
    char text[32];
    snprintf(text, sizeof text, "%ld", value);
    return fact_give(call, name, text);
}

bool fact_path(const struct fact_call *call, const char *path, char *absolute)
{
    const char *before = call->place->cwd, *home;
    if (*path == '/')
        return (size_t)snprintf(absolute, PATH_MAX, "%s", path) < PATH_MAX;
    if (path[0] == '~' && (!path[1] || path[1] == '/') && (home = observe_place_variable(call->place, "HOME", 4))) {
        before = home;
        path += 1 + (path[1] == '/');
    }
    return (size_t)snprintf(absolute, PATH_MAX, "%s/%s", before[1] ? before : "", path) < PATH_MAX;
}

int fact_open(const struct fact_call *call, const char *path)
{
    char absolute[PATH_MAX];
    if (strcmp(path, ".") == 0 && call->place == call->shell) {
        snprintf(absolute, sizeof absolute, "/proc/%d/cwd", (int)call->pid);
        return open_policy(AT_FDCWD, absolute, OPEN_ROOT_DIRECTORY, NULL);
    }
    return *path && fact_path(call, path, absolute) ? open_policy(call->place->root, absolute, OPEN_IN_ROOT_PATH, NULL)
                                                    : -1;
}

int fact_open_near(const struct fact_call *call, const char *path)
{
    char absolute[PATH_MAX];
    int fd = fact_open(call, path);
    if (fd >= 0 || !fact_path(call, path, absolute))
        return fd;
    for (char *slash; fd < 0 && (slash = strrchr(absolute, '/'));) {
        *slash = '\0';
        fd = open_policy(call->place->root, *absolute ? absolute : "/", OPEN_IN_ROOT_PATH, NULL);
    }
    return fd;
}

bool fact_exists(const struct fact_call *call, const char *path)
{
    cleanup_close int fd = fact_open(call, path);
    return fd >= 0;
}

ssize_t fact_read(const struct fact_call *call, const char *path, char *buf, size_t size)
{
    struct stat st;
    char absolute[PATH_MAX];
    if (!fact_path(call, path, absolute))
        return -1;
    cleanup_close int found = open_policy(call->place->root, absolute, OPEN_IN_ROOT_PATH, NULL);
    if (found < 0 || fstat(found, &st) < 0 || !S_ISREG(st.st_mode)) /* of a FIFO nobody may be at the other end */
        return -1;
    snprintf(absolute, sizeof absolute, "/proc/self/fd/%d", found);
    cleanup_close int fd = open(absolute, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fact_read_fd(fd, buf, size);
}

ssize_t fact_read_fd(int fd, char *buf, size_t size)
{
    size_t len = 0;
    for (ssize_t n = 1; fd >= 0 && n > 0 && len<size - 1; len += n> 0 ? (size_t)n : 0)
        n = read(fd, buf + len, size - 1 - len);
    buf[len] = '\0';
    return fd < 0 ? -1 : (ssize_t)len;
}

DIR *fact_entries(const struct fact_call *call, const char *absolute)
{
    int fd = open_policy(call->place->root, absolute, OPEN_IN_ROOT_DIRECTORY, NULL);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (fd >= 0 && !dir)
        close(fd);
    return dir;
}

long fact_pid_inside(const struct fact_call *call, pid_t pid)
{
    struct observe_process shell, process;
    if (observe_process(call->pid, &shell, NULL) < 0 || observe_process(pid, &process, NULL) < 0)
        return -1;
    return process.depth >= shell.depth && shell.depth > 0 ? process.nspid[shell.depth - 1] : -1;
}
