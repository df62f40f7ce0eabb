#include "engine/docker/docker.h"

static const struct tool_option rows[] = {
    { 'i', 'i', "input", required_argument, "FILE", "read the archive from FILE, not from standard input", NULL },
    { 'q', 'q', "quiet", no_argument, NULL, "show no progress", NULL },
    OPTION_ROW_HELP('h'),
};

const struct tool_options docker_load_options = {
    .tool = "docker load",
    .usage = "[OPTION]…",
    .summary = "Bring in the images of an archive, with their names: one that `docker save` or `podman save` wrote, or "
               "an OCI archive, plain or compressed.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
    .notes = "Nothing is brought in unless all of the archive is good: every digest is checked.\n"
             "\n"
             "Exit status: 0; 1 it failed; 125 it was asked wrongly.\n",
};
