#include "engine/docker/docker.h"

static const struct tool_option rows[] = {
    OPTION_ROW_HELP(0),
};

const struct tool_options docker_tag_options = {
    .tool = "docker tag",
    .usage = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    .summary = "Give an image one more name.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
};
