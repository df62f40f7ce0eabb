#include "engine/docker/docker.h"
#include "engine/docker/options_internal.h"

static const struct tool_option rows[] = {
    { DOCKER_PLATFORM, 0, "platform", required_argument, "OS/ARCH[/VARIANT]",
      "of an image that is made for several, that for this one: linux/arm64", NULL },
    { 'q', 'q', "quiet", no_argument, NULL, "say only the image's whole name, when it is here", NULL },
    OPTION_ROW_HELP(0),
};

const struct tool_options docker_pull_options = {
    .tool = "docker pull",
    .usage = "[OPTION]… NAME[:TAG|@DIGEST]",
    .summary = "Bring an image from a registry. The registry is the name's part before the first slash, if that looks "
               "like a host (localhost:5000/tool), or else docker.io. What is here already is not fetched again; what "
               "a broken or interrupted pull has fetched is taken up by the next.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
    .notes = "Mirrors, and registries without TLS: ~/.config/teachroot/registries.json, "
             "/etc/teachroot/registries.json.\nPasswords: where docker, podman and skopeo keep them "
             "(~/.docker/config.json and others).\nExit status: 0; 1 if it failed; 125 for a wrong command line.\n",
};
