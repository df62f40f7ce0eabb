#include "engine/docker/docker.h"

static const struct tool_option rows[] = {
    { 'f', 'f', "force", no_argument, NULL, "although containers are made of it, or it has several names", NULL },
    OPTION_ROW_HELP(0),
};

const struct tool_options docker_rmi_options = {
    .tool = "docker rmi",
    .usage = "[OPTION]… IMAGE…",
    .summary = "Take names of images away; with its last name an image goes, and the layers that no other has.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
};
