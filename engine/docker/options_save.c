#include "engine/docker/docker.h"

static const struct tool_option rows[] = {
    { 'o', 'o', "output", required_argument, "FILE", "write the archive to FILE, not to standard output", NULL },
    OPTION_ROW_HELP('h'),
};

const struct tool_options docker_save_options = {
    .tool = "docker save",
    .usage = "[OPTION]… IMAGE…",
    .summary = "Write images with their layers and names to one tar archive, for `docker load`, `podman load`, or any "
               "OCI tool: it is an OCI image layout too. A name without a tag means all its tags.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
    .notes = "The same images give the same bytes.\n"
             "\n"
             "Exit status: 0; 1 it failed; 125 it was asked wrongly.\n",
};
