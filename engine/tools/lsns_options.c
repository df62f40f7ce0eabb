#include "engine/tools/lsns_options.h"

static const struct tool_option rows[] = {
    { 'J', 'J', "json", no_argument, NULL, "print JSON", NULL },
    { 'l', 'l', "list", no_argument, NULL, "print a list, no tree", NULL },
    { 'n', 'n', "noheadings", no_argument, NULL, "print no line of column names", NULL },
    { 'o', 'o', "output", required_argument, "LIST", "print these columns, parted by commas; +LIST: these too", NULL },
    { LSNS_OUTPUT_ALL, 0, "output-all", no_argument, NULL, "print every column there is", NULL },
    { 'p', 'p', "task", required_argument, "PID", "only the namespaces this process is in", NULL },
    { 'r', 'r', "raw", no_argument, NULL, "print columns for scripts: one blank between them, blanks in them as \\x20",
      NULL },
    { 'u', 'u', "notruncate", no_argument, NULL, "cut no column, however narrow the terminal is", NULL },
    { 'W', 'W', "nowrap", no_argument, NULL, "several values in one column are parted by commas, not put on lines",
      NULL },
    { 't', 't', "type", required_argument, "NAME",
      "only this kind, may be said more than once: mnt, net, ipc, user, pid, uts, cgroup or time",
      "readlinkat(\"ns/…\")" },
    { 'T', 'T', "tree", optional_argument, "REL",
      "namespaces as a tree: by their owner (if REL is left out), parent, or process", "ioctl(NS_GET_USERNS)" },
    OPTION_ROW_EXPLAIN,
    OPTION_ROW_HELP('h'),
    OPTION_ROW_VERSION('V'),
};

const struct tool_options lsns_options = {
    .tool = "lsns",
    .usage = "[OPTION]… [NAMESPACE]",
    .summary = "List the namespaces that processes are in, or the processes in NAMESPACE, which is an inode number as "
               "`readlink /proc/$$/ns/mnt` shows it. What /proc does not show is not listed: without root, other "
               "users' processes are missing.\n",
    OPTION_ROWS(rows),
    .wrong = 1,
    .notes = "Columns:\n"
             "  NS       the namespace, by its inode number\n"
             "  TYPE     its kind\n"
             "  PATH     where /proc has it\n"
             "  NPROCS   how many processes are in it\n"
             "  PID      the lowest pid of those\n"
             "  PPID     that process' parent\n"
             "  COMMAND  that process' command line\n"
             "  UID      that process' user, as a number\n"
             "  USER     that process' user\n"
             "  NETNSID  the number by which this network namespace knows that one\n"
             "  NSFS     where it is bound on a file, which holds it without any process\n"
             "  PNS      the namespace it was made in (pid and user only)\n"
             "  ONS      the user namespace that owns it: whose capabilities count there\n"
             "\n"
             "Exit status: 0, or 1 if something was asked wrongly or there is no such namespace.\n",
};
