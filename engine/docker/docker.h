/** The docker command: one file a verb. What only reads and writes small files runs in teachroot-tools; what moves archives and images is in teachroot-transfer, which loads the libraries for that,
 * and which `docker` becomes.
 *
 * The option tables are data of libengine.a, docker_VERB_options in engine/docker/options_VERB.c: parsing, --help, completion and the explanation of a line as it is typed read the same rows.
 * A verb prints results to stdout, progress and errors to stderr ("docker pull: …"), and returns docker's exit statuses: 0; 1 it failed; 125 it was asked wrongly.
 */
#ifndef ENGINE_DOCKER_DOCKER_H
#define ENGINE_DOCKER_DOCKER_H

#include "engine/container/container.h"
#include "engine/image/store.h"
#include "engine/tools/options.h"

#include <stdbool.h>
#include <stddef.h>

struct docker_verb {
    const char *name;                   /* "images" */
    const char *brief;                  /* what it does, in at most 64 characters, for lists of verbs */
    const struct tool_options *options; /* .tool is "docker images" */
    int (*run)(int argc, char **argv);  /* argv[0] is "docker images"; NULL: teachroot-transfer has it */
};
extern const struct docker_verb docker_verbs[];
extern const size_t docker_verb_count;

/** `docker VERB …` as teachroot-tools runs it. */
int docker_main(int argc, char **argv);

/** "VERB: MESSAGE" on stderr. Returns 1. */
int docker_error(const char *verb, const struct err *err);
/** Is the number of operands (argv[optind] …) what the verb wants? Else says so. @most: -1 is any. */
bool docker_operands(const struct tool_parser *parser, int least, int most);

/** "12.3MB" of bytes, as docker's lists have it. */
void docker_size(uint64_t bytes, char *text, size_t size);

/** The store this process is to use, or NULL after saying why as @verb ("docker pull"). For reading, the one below is enough; where there is none yet, an empty one is made. */
struct store *docker_store(const char *verb, enum store_access access);

extern const struct tool_options docker_create_options, docker_export_options, docker_history_options,
    docker_images_options, docker_import_options, docker_inspect_options, docker_load_options, docker_ps_options,
    docker_pull_options, docker_push_options, docker_rm_options, docker_rmi_options, docker_save_options,
    docker_tag_options, docker_image_prune_options, docker_container_prune_options;

#endif
