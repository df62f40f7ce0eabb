#include "engine/tools/chroot_options.h"

static const struct tool_option rows[] = {
    { CHROOT_GROUPS, 0, "groups", required_argument, "LIST", "supplementary groups, by name or number: G1,G2,…",
      "setgroups" },
    { CHROOT_USERSPEC, 0, "userspec", required_argument, "USER:GROUP",
      "run as this user and group, by name or number, as the new root's /etc/passwd has them",
      "setgroups, setgid, setuid" },
    { CHROOT_SKIP_CHDIR, 0, "skip-chdir", no_argument, NULL, "stay in the working directory, if NEWROOT is `/`", NULL },
    OPTION_ROW_EXPLAIN,
    OPTION_ROW_HELP(0),
    OPTION_ROW_VERSION(0),
};

const struct tool_options chroot_options = {
    .tool = "chroot",
    .usage = "[OPTION]… NEWROOT [COMMAND [ARGUMENT]…]",
    .summary = "Run COMMAND (`$SHELL -i`, if none is named; /bin/sh without SHELL) with NEWROOT as its root directory. "
               "Nothing else changes: COMMAND keeps its user, its open files, its mounts, and sees every process.\n",
    OPTION_ROWS(rows),
    .stop = true,
    .wrong = 125,
    .notes = "Exit status: the command's; 125 if chroot itself failed, 126 if COMMAND cannot be run, 127 if it is not "
             "found.\n",
};
