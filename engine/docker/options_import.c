#include "engine/docker/docker.h"

static const struct tool_option rows[] = {
    { 'c', 'c', "change", required_argument, "INSTRUCTION",
      "what the image is to have, as a Dockerfile says it; may be repeated", NULL },
    { 'm', 'm', "message", required_argument, "TEXT", "the comment in the image's history", NULL },
    { 'p', 0, "platform", required_argument, "OS/ARCH", "the platform it is for: linux/arm64/v8 (this machine's)",
      NULL },
    OPTION_ROW_HELP('h'),
};

const struct tool_options docker_import_options = {
    .tool = "docker import",
    .usage = "[OPTION]… FILE|- [REPOSITORY[:TAG]]",
    .summary = "Make an image of one layer from the archive of a root filesystem: a tar, plain or compressed with "
               "gzip, zstd or xz; `-` reads it from standard input. Prints the new image's id.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
    .notes = "Instructions of --change: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME, WORKDIR\n"
             "  docker export box | docker import --change 'CMD [\"/bin/sh\"]' - base:1\n"
             "\n"
             "Exit status: 0; 1 it failed; 125 it was asked wrongly.\n",
};
