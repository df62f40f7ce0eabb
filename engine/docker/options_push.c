#include "engine/docker/docker.h"

static const struct tool_option rows[] = {
    { 'q', 'q', "quiet", no_argument, NULL, "say only the image's whole name, when it is there", NULL },
    OPTION_ROW_HELP(0),
};

const struct tool_options docker_push_options = {
    .tool = "docker push",
    .usage = "[OPTION]… NAME[:TAG]",
    .summary = "Bring an image to the registry that its name names: `docker tag tool localhost:5000/tool` gives it "
               "such a name. Layers that the registry has already, also in another repository, are not sent again.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
    .notes = "Registries without TLS: ~/.config/teachroot/registries.json, /etc/teachroot/registries.json.\n"
             "Passwords: where docker, podman and skopeo keep them (~/.docker/config.json and others).\n"
             "Exit status: 0; 1 if it failed; 125 for a wrong command line.\n",
};
