#include "engine/tools/pivot_root_options.h"

static const struct tool_option rows[] = {
    OPTION_ROW_EXPLAIN,
    OPTION_ROW_HELP('h'),
    OPTION_ROW_VERSION('V'),
};

const struct tool_options pivot_root_options = {
    .tool = "pivot_root",
    .usage = "[OPTION]… NEW_ROOT PUT_OLD",
    .summary = "Make the mount NEW_ROOT the root of this mount namespace, and move the old root to PUT_OLD.\n"
               "Every process whose root or working directory was the old root gets the new one.\n",
    OPTION_ROWS(rows),
    .wrong = 1,
    .notes =
        "The kernel wants of them:\n"
        "  NEW_ROOT is a mount point, and not the root there is (`mount --bind NEW_ROOT NEW_ROOT` makes any directory "
        "one)\n"
        "  PUT_OLD is NEW_ROOT or below it\n"
        "  neither NEW_ROOT's parent mount nor the one PUT_OLD is on is shared (`mount --make-rprivate /`)\n"
        "  the root there is is itself a mount, and not the rootfs of an initramfs\n"
        "\n"
        "Exit status: 0, or 1 if it failed.\n",
};
