#include "engine/docker/docker.h"
#include "engine/docker/options_internal.h"

static const struct tool_option rows[] = {
    { DOCKER_FORMAT, 0, "format", required_argument, "TEMPLATE",
      "print each by this template; `table TEMPLATE`: under headings; `json`", NULL },
    { 'H', 'H', "human", OPTION_LONG_OPTIONAL, "BOOL",
      "sizes and times for people (without it: true); --human=false: bytes, and times in full", NULL },
    { DOCKER_NO_TRUNC, 0, "no-trunc", no_argument, NULL, "show ids and texts whole", NULL },
    { 'q', 'q', "quiet", no_argument, NULL, "only the ids", NULL },
    OPTION_ROW_HELP(0),
};

const struct tool_options docker_history_options = {
    .tool = "docker history",
    .usage = "[OPTION]… IMAGE",
    .summary = "Show how an image was made, the newest step first.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
    .notes = "Fields of a template: Comment CreatedAt CreatedBy CreatedSince ID Size.\n",
};
