#include "engine/docker/docker.h"
#include "engine/docker/options_internal.h"

static const struct tool_option rows[] = {
    { DOCKER_NAME, 0, "name", required_argument, "NAME", "its name; without it one is made up", NULL },
    { 'e', 'e', "env", required_argument, "VARIABLE", "a variable KEY=VALUE; KEY alone: as it is here", NULL },
    { DOCKER_ENV_FILE, 0, "env-file", required_argument, "FILE", "variables from a file, one a line", NULL },
    { 'w', 'w', "workdir", required_argument, "DIRECTORY", "working directory in the container", NULL },
    { 'u', 'u', "user", required_argument, "USER",
      "who the process is: NAME|UID[:GROUP|GID], by the files of the image", NULL },
    { 't', 't', "tty", no_argument, NULL, "the process gets a terminal", NULL },
    { 'i', 'i', "interactive", no_argument, NULL, "its standard input stays open", NULL },
    { DOCKER_RM, 0, "rm", no_argument, NULL, "the container is removed when it ends", NULL },
    { 'h', 'h', "hostname", required_argument, "NAME",
      "host name in the container; without it the first digits of its id", NULL },
    { DOCKER_ENTRYPOINT, 0, "entrypoint", required_argument, "PROGRAM",
      "what is run, in place of what the image says; \"\": nothing but COMMAND", NULL },
    { 'l', 'l', "label", required_argument, "LABEL", "a label KEY[=VALUE]", NULL },
    { DOCKER_LABEL_FILE, 0, "label-file", required_argument, "FILE", "labels from a file, one a line", NULL },
    { DOCKER_READ_ONLY, 0, "read-only", no_argument, NULL, "its root filesystem may not be written", NULL },
    { DOCKER_PULL, 0, "pull", required_argument, "WHEN", "pull the image first: always, missing (without it) or never",
      NULL },
    { DOCKER_CIDFILE, 0, "cidfile", required_argument, "FILE", "write the id to this file, which must not be there",
      NULL },
    { 'm', 'm', "memory", required_argument, "BYTES", "not yet: it takes effect when a container runs", NULL },
    { DOCKER_CPUS, 0, "cpus", required_argument, "NUMBER", "not yet: it takes effect when a container runs", NULL },
    { DOCKER_NETWORK, 0, "network", required_argument, "NETWORK", "not yet: it takes effect when a container runs",
      NULL },
    { 'p', 'p', "publish", required_argument, "PORT", "not yet: it takes effect when a container runs", NULL },
    { 'v', 'v', "volume", required_argument, "VOLUME", "not yet: it takes effect when a container runs", NULL },
    { DOCKER_MOUNT, 0, "mount", required_argument, "MOUNT", "not yet: it takes effect when a container runs", NULL },
    OPTION_ROW_HELP(0),
};

const struct tool_options docker_create_options = {
    .tool = "docker create",
    .usage = "[OPTION]… IMAGE [COMMAND] [ARGUMENT]…",
    .summary = "Make a container of an image, and print its id. It is not started.\n",
    OPTION_ROWS(rows),
    .stop = true,
    .wrong = 125,
    .notes = "The container is an OCI bundle: containers/ID/bundle/config.json in the store is what a runtime such as "
             "crun reads, and says all of the above.\n",
};
