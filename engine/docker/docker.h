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

enum docker_operand { /* what a verb's operands are */
                      DOCKER_NOTHING,
                      DOCKER_FILE,
                      DOCKER_IMAGE,
                      DOCKER_IMAGE_FIRST, /* and then a program's own line */
                      DOCKER_CONTAINER,
                      DOCKER_EITHER, /* a container or an image */
};

struct docker_verb {
    const char *name;                   /* "images", "image prune" */
    const char *brief;                  /* what it does, in at most 64 characters, for lists of verbs */
    const struct tool_options *options; /* .tool is "docker images" */
    enum docker_operand operand;
};
extern const struct docker_verb docker_verbs[];
extern const size_t docker_verb_count;

/* `docker GROUP WORD` is that verb. */
struct docker_word {
    const char *group, *word, *verb;
    const char *argument; /* one more, or NULL */
};
extern const struct docker_word docker_words[];
extern const size_t docker_word_count;

/** By its name, or NULL. */
const struct docker_verb *docker_verb_named(const char *name);
/** @word of @group, or the group's first (@word NULL); NULL: there is none. */
const struct docker_word *docker_word_find(const char *group, const char *word);
/** Which verb do the words after `docker` begin with? *@used is how many of them name it. NULL: none, or not yet. */
const struct docker_verb *docker_verb_of(const char *const *words, size_t count, size_t *used);

/** What a verb's operands could be in the lab whose root directory is @root: the names of its images (of those in the store below too) and containers. Nothing is believed and nothing waits, so it may
 * be asked at each Tab. */
void docker_candidates(int root, enum docker_operand operand, void (*each)(const char *name, void *data), void *data);

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
