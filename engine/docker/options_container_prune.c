#include "engine/docker/docker.h"

static const struct tool_option rows[] = {
    { 'f', 'f', "force", no_argument, NULL, "do not ask", NULL },
    OPTION_ROW_HELP(0),
};

const struct tool_options docker_container_prune_options = {
    .tool = "docker container prune",
    .usage = "[OPTION]…",
    .summary = "Remove all containers that do not run.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
};
