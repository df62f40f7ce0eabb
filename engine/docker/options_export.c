#include "engine/docker/docker.h"

static const struct tool_option rows[] = {
    { 'o', 'o', "output", required_argument, "FILE", "to this file, not to standard output", NULL },
    OPTION_ROW_HELP(0),
};

const struct tool_options docker_export_options = {
    .tool = "docker export",
    .usage = "[OPTION]… CONTAINER",
    .summary = "Write the root filesystem of a container as a tar archive.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
    .notes = "Of a container that was never started it is the files of its image, no more and no less: docker itself "
             "would add /.dockerenv and some empty files in /etc and /dev, places for what it mounts there. Entries "
             "are sorted, and keep the times they have; sockets are left out, with a word.\n",
};
