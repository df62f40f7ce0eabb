#include "engine/tools/cg_options.h"

#define GROUPS "CONTROLLERS:PATH"
#define NOTES                                                                                                          \
    "CONTROLLERS are names with commas between them, such as cpu,memory, or * for all that are mounted. PATH is "      \
    "below the place where they are mounted. Names of cgroup v1 work on v2 and the other way round; what was done "    \
    "instead is said on standard error.\n"
#define STICKY                                                                                                         \
    {                                                                                                                  \
        CG_STICKY, 0, "sticky", no_argument, NULL, "kept for scripts: it speaks to a daemon that is not here", NULL    \
    }

static const struct tool_option create_rows[] = {
    { 'g', 'g', NULL, required_argument, GROUPS, "make this group for these controllers; may be given again",
      "mkdir(\"/sys/fs/cgroup/…\")" },
    { 'a', 'a', NULL, required_argument, "USER:GROUP", "whose the group and all its files shall be", "fchownat" },
    { 't', 't', NULL, required_argument, "USER:GROUP", "whose its list of processes shall be: who may move some in",
      "fchownat" },
    { 'd', 'd', "dperm", required_argument, "MODE", "mode of the group's directory, in octal digits", "fchmodat" },
    { 'f', 'f', "fperm", required_argument, "MODE",
      "mode of its files; nobody is given more than the owner has at a file", "fchmodat" },
    { 's', 's', "tperm", required_argument, "MODE", "mode of its list of processes", "fchmodat" },
    OPTION_ROW_EXPLAIN,
    OPTION_ROW_HELP('h'),
};
const struct tool_options cgcreate_options = {
    .tool = "cgcreate",
    .usage = "[OPTION]… -g " GROUPS " [-g …]",
    .summary = "Make control groups: a directory in each hierarchy that has one of the controllers.\n",
    OPTION_ROWS(create_rows),
    .wrong = 255,
    .notes = NOTES,
};

static const struct tool_option classify_rows[] = {
    { 'g', 'g', NULL, required_argument, GROUPS, "the group to move them to; may be given again",
      "write(\"…/cgroup.procs\")" },
    STICKY,
    { CG_CANCEL_STICKY, 0, "cancel-sticky", no_argument, NULL, "kept for scripts, as --sticky", NULL },
    OPTION_ROW_EXPLAIN,
    OPTION_ROW_HELP('h'),
};
const struct tool_options cgclassify_options = {
    .tool = "cgclassify",
    .usage = "-g " GROUPS " [-g …] PID…",
    .summary = "Move processes that run into control groups. On v1 a PID is one thread, as the file tasks takes it.\n",
    OPTION_ROWS(classify_rows),
    .wrong = 1,
    .notes = NOTES,
};

static const struct tool_option exec_rows[] = {
    { 'g', 'g', NULL, required_argument, GROUPS, "the group to run it in; may be given again",
      "write(\"…/cgroup.procs\", \"0\")" },
    STICKY,
    OPTION_ROW_EXPLAIN,
    OPTION_ROW_HELP('h'),
};
const struct tool_options cgexec_options = {
    .tool = "cgexec",
    .usage = "-g " GROUPS " [-g …] PROGRAM [ARGUMENT]…",
    .summary = "Enter control groups, then become another program.\n",
    OPTION_ROWS(exec_rows),
    .stop = true,
    .wrong = 1,
    .notes = NOTES,
};

static const struct tool_option set_rows[] = {
    { 'r', 'r', "variable", required_argument, "NAME=VALUE", "write VALUE to the group's file NAME; may be given again",
      "write(\"…/NAME\", \"VALUE\")" },
    { CG_COPY_FROM, 0, "copy-from", required_argument, "PATH", "write what the files of this group hold",
      "read, write" },
    OPTION_ROW_EXPLAIN,
    OPTION_ROW_HELP('h'),
};
const struct tool_options cgset_options = {
    .tool = "cgset",
    .usage = "-r NAME=VALUE [-r …] PATH…\n   or: cgset --copy-from PATH PATH…",
    .summary =
        "Write files of control groups: their limits, above all. A name begins with its controller: cpu.shares.\n",
    OPTION_ROWS(set_rows),
    .wrong = 255,
    .notes = NOTES,
};

static const struct tool_option get_rows[] = {
    { 'r', 'r', "variable", required_argument, "NAME", "read the group's file NAME; may be given again",
      "read(\"…/NAME\")" },
    { 'g', 'g', NULL, required_argument, "CONTROLLERS[:PATH]",
      "all files of these controllers, of the groups named at the end or of PATH", "getdents64, read" },
    { 'a', 'a', "all", no_argument, NULL, "all files of every controller", "getdents64, read" },
    { 'n', 'n', NULL, no_argument, NULL, "without the lines that name the groups", NULL },
    { 'v', 'v', "values-only", no_argument, NULL, "values without their names", NULL },
    OPTION_ROW_EXPLAIN,
    OPTION_ROW_HELP('h'),
};
const struct tool_options cgget_options = {
    .tool = "cgget",
    .usage = "[-nv] [-r NAME]… [-g CONTROLLERS]… [-a] PATH…\n   or: cgget [-nv] -g " GROUPS " [-g …]",
    .summary = "Read files of control groups: their limits, and what has been used.\n",
    OPTION_ROWS(get_rows),
    .wrong = 1,
    .notes = NOTES,
};

static const struct tool_option delete_rows[] = {
    { 'g', 'g', NULL, required_argument, GROUPS, "remove this group; the -g may be left out",
      "rmdir(\"/sys/fs/cgroup/…\")" },
    { 'r', 'r', "recursive", no_argument, NULL, "with all groups below it", "getdents64, rmdir" },
    OPTION_ROW_EXPLAIN,
    OPTION_ROW_HELP('h'),
};
const struct tool_options cgdelete_options = {
    .tool = "cgdelete",
    .usage = "[-r] [-g] " GROUPS "…",
    .summary = "Remove control groups. Processes in them go to the group above first.\n",
    OPTION_ROWS(delete_rows),
    .wrong = 255,
    .notes = NOTES,
};

static const struct tool_option ls_rows[] = {
    { 'g', 'g', NULL, required_argument, GROUPS, "this group and those below it; the -g may be left out",
      "getdents64" },
    OPTION_ROW_EXPLAIN,
    OPTION_ROW_HELP('h'),
};
const struct tool_options lscgroup_options = {
    .tool = "lscgroup",
    .usage = "[[-g] " GROUPS "]…",
    .summary = "List control groups.\n",
    OPTION_ROWS(ls_rows),
    .wrong = 255,
    .notes = NOTES,
};
