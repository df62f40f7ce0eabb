#include "engine/docker/docker.h"

static const struct tool_option rows[] = {
    { 'a', 'a', "all", no_argument, NULL, "also those with a name that no container is made of", NULL },
    { 'f', 'f', "force", no_argument, NULL, "do not ask", NULL },
    OPTION_ROW_HELP(0),
};

const struct tool_options docker_image_prune_options = {
    .tool = "docker image prune",
    .usage = "[OPTION]…",
    .summary = "Remove images without a name, and what no image needs.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
};
