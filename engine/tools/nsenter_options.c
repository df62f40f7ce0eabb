#include "engine/tools/nsenter_options.h"

static const struct tool_option rows[] = {
    { 'a', 'a', "all", no_argument, NULL,
      "every namespace of the target (not the user namespace, if it is yours already)", "setns(pidfd, …)" },
    { 't', 't', "target", required_argument, "PID", "the process whose namespaces, root or working directory are meant",
      "pidfd_open" },
    { 'm', 'm', "mount", optional_argument, "FILE", "its mount namespace", "setns(CLONE_NEWNS)" },
    { 'u', 'u', "uts", optional_argument, "FILE", "its UTS namespace: the host name", "setns(CLONE_NEWUTS)" },
    { 'i', 'i', "ipc", optional_argument, "FILE", "its IPC namespace", "setns(CLONE_NEWIPC)" },
    { 'n', 'n', "net", optional_argument, "FILE", "its network namespace", "setns(CLONE_NEWNET)" },
    { 'p', 'p', "pid", optional_argument, "FILE",
      "its pid namespace: only children are in it, so the program runs in one", "setns(CLONE_NEWPID), clone(SIGCHLD)" },
    { 'C', 'C', "cgroup", optional_argument, "FILE", "its cgroup namespace", "setns(CLONE_NEWCGROUP)" },
    { 'U', 'U', "user", optional_argument, "FILE", "its user namespace, and become root in it",
      "setns(CLONE_NEWUSER)" },
    { 'T', 'T', "time", optional_argument, "FILE", "its time namespace", "setns(CLONE_NEWTIME)" },
    { 'S', 'S', "setuid", required_argument, "UID", "be this user at last (0, in a user namespace)", "setuid" },
    { 'G', 'G', "setgid", required_argument, "GID", "be in this group alone at last (0, in a user namespace)",
      "setgroups(0, NULL), setgid" },
    { NSENTER_PRESERVE, 0, "preserve-credentials", no_argument, NULL, "stay who you are in the user namespace too",
      NULL },
    { 'r', 'r', "root", optional_argument, "DIR", "its root directory, or DIR as it is seen from here",
      "open, fchdir, chroot(\".\"), chdir(\"/\")" },
    { 'w', 'w', "wd", optional_argument, "DIR", "its working directory, or DIR as it is seen from here",
      "open, fchdir" },
    { 'W', 'W', "wdns", required_argument, "DIR", "the working directory DIR as it is seen inside", "chdir" },
    { 'F', 'F', "no-fork", no_argument, NULL, "no child: the program itself then stays outside the pid namespace",
      NULL },
    { 'Z', 'Z', "follow-context", no_argument, NULL, "the target's SELinux context, where there is SELinux",
      "write(/proc/self/attr/exec)" },
    OPTION_ROW_EXPLAIN,
    OPTION_ROW_HELP('h'),
    OPTION_ROW_VERSION('V'),
};

const struct tool_options nsenter_options = {
    .tool = "nsenter",
    .usage = "[OPTION]… [PROGRAM [ARGUMENT]…]",
    .summary = "Run PROGRAM (your shell, if none is named) in namespaces that exist: those of process --target, or "
               "those that FILE is (a file of /proc/PID/ns, or one that such a file is bound on).\n",
    OPTION_ROWS(rows),
    .stop = true,
    .wrong = 1,
    .notes = "Exit status: the program's; 127 if there is no such program, 126 if it cannot be run, 1 if anything "
             "before failed.\n",
};
