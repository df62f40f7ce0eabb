#include "engine/docker/docker.h"
#include "engine/docker/options_internal.h"

static const struct tool_option rows[] = {
    { 'f', 'f', "format", required_argument, "TEMPLATE", "print each by this template; `json`: on one line", NULL },
    { DOCKER_TYPE, 0, "type", required_argument, "KIND", "only this kind: container or image", NULL },
    OPTION_ROW_HELP(0),
};

const struct tool_options docker_inspect_options = {
    .tool = "docker inspect",
    .usage = "[OPTION]… NAME|ID…",
    .summary = "Tell all that is known of containers and images, as JSON.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
    .notes = "A name that is both is the container.\n",
};
