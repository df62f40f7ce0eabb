#include "engine/docker/docker.h"
#include "engine/docker/options_internal.h"

static const struct tool_option rows[] = {
    { 'a', 'a', "all", no_argument, NULL, "also those that do not run", NULL },
    { 'f', 'f', "filter", required_argument, "FILTER",
      "only those: name=TEXT, id=DIGITS, status=STATE, ancestor=IMAGE, label=KEY[=VALUE]", NULL },
    { DOCKER_FORMAT, 0, "format", required_argument, "TEMPLATE",
      "print each by this template; `table TEMPLATE`: under headings; `json`", NULL },
    { 'n', 'n', "last", required_argument, "N", "only the N made last, whether they run or not", NULL },
    { 'l', 'l', "latest", no_argument, NULL, "only the one made last", NULL },
    { DOCKER_NO_TRUNC, 0, "no-trunc", no_argument, NULL, "show ids and texts whole", NULL },
    { 'q', 'q', "quiet", no_argument, NULL, "only the ids", NULL },
    OPTION_ROW_HELP(0),
};

const struct tool_options docker_ps_options = {
    .tool = "docker ps",
    .usage = "[OPTION]…",
    .summary = "List containers: those that run, or all.\n",
    OPTION_ROWS(rows),
    .wrong = 125,
    .notes = "Fields of a template: Command CreatedAt ID Image Labels Mounts Names Networks Ports RunningFor State "
             "Status.\n",
};
