#include "engine/docker/docker.h"

static const struct tool_option rows[] = {
    { 'f', 'f', "force", no_argument, NULL, "also one that runs, is damaged or is not there", NULL },
    OPTION_ROW_HELP(0),
};

const struct tool_options docker_rm_options = {
    .tool = "docker rm",
    .usage = "[OPTION]… CONTAINER…",
    .summary = "Remove containers, with all they have written.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
};
