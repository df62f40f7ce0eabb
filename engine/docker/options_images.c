#include "engine/docker/docker.h"
#include "engine/docker/options_internal.h"

static const struct tool_option rows[] = {
    { 'a', 'a', "all", no_argument, NULL, "also images that others were made of: here all are shown anyway", NULL },
    { DOCKER_DIGESTS, 0, "digests", no_argument, NULL, "show the digests of the manifests too", NULL },
    { 'f', 'f', "filter", required_argument, "FILTER",
      "only those: reference=PATTERN, dangling=true, label=KEY[=VALUE], before=IMAGE, since=IMAGE", NULL },
    { DOCKER_FORMAT, 0, "format", required_argument, "TEMPLATE",
      "print each by this template; `table TEMPLATE`: under headings; `json`", NULL },
    { DOCKER_NO_TRUNC, 0, "no-trunc", no_argument, NULL, "show ids and texts whole", NULL },
    { 'q', 'q', "quiet", no_argument, NULL, "only the ids", NULL },
    OPTION_ROW_HELP(0),
};

const struct tool_options docker_images_options = {
    .tool = "docker images",
    .usage = "[OPTION]… [REPOSITORY[:TAG]]",
    .summary = "List images: what is in the store, by name.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
    .notes = "Fields of a template: Containers CreatedAt CreatedSince Digest ID Repository SharedSize Size Tag "
             "UniqueSize.\n\nSIZE is what the layers take as they are kept: those from a registry are mostly "
             "compressed, those made here are plain tar archives.\n",
};
