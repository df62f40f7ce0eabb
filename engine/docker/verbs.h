/** The verbs that teachroot-tools runs itself, and what they share: lists, and words for sizes and times. Nothing outside this room includes this. */
#ifndef ENGINE_DOCKER_VERBS_H
#define ENGINE_DOCKER_VERBS_H

#include "engine/docker/docker.h"
#include "engine/image/image.h"

#include <jansson.h>

int docker_container_prune(int argc, char **argv);
int docker_history(int argc, char **argv);
int docker_image_prune(int argc, char **argv);
int docker_images(int argc, char **argv);
int docker_inspect(int argc, char **argv);
int docker_ps(int argc, char **argv);
int docker_rm(int argc, char **argv);
int docker_rmi(int argc, char **argv);
int docker_tag(int argc, char **argv);

/* rm.c */
/** Remove what the user names by @what, and say what was. Returns 0, or -1 (ENOENT: there is none, which --force takes for done). */
typedef int docker_remove_fn(struct store *store, const char *what, bool force, struct err *err);
/** A verb whose one option is --force and whose operands are each to be removed; one that cannot be does not keep the others. Returns the verb's exit status. */
int docker_remove_each(const struct tool_options *options, enum store_access access, docker_remove_fn *remove, int argc,
                       char **argv);

/* list.c */
struct docker_list {
    const char *verb;     /* "docker ps" */
    const char *format;   /* as the user gave it; NULL: none */
    const char *standard; /* what is between "table " and the end where the user gave none */
    unsigned
        gives; /* bits of the standard's columns that are cut on a terminal that is too narrow; 0: the table is as wide as it is */
    bool quiet;       /* the ids alone, unless there is a format */
    json_t *headings; /* one string a field, the same fields as a row has. Borrowed */
    json_t *rows;     /* Borrowed */
};
/** Print it as docker does; on a terminal that the standard table is too wide for, narrower. Returns the verb's exit status. */
int docker_list_print(const struct docker_list *list);

/* A filter, "key=value". */
struct docker_filters {
    struct {
        char key[16];
        const char *value;
    } filters[16];
    size_t count;
};
/** Take one more. @known: the keys there are, NULL at the end. Returns 0, or -1 after saying what is wrong. */
int docker_filter_add(struct docker_filters *filters, const struct tool_parser *parser, const char *text,
                      const char *const *known);
/** Does the object @labels have "KEY" or "KEY=VALUE"? */
bool docker_label_matches(const json_t *labels, const char *wanted);

/* words.c */
/** "3 hours ago", of seconds since the epoch; "" where that is 0 or less. */
void docker_since(int64_t when, char *text, size_t size);
/** "2024-05-01 12:00:00 +0000 UTC". */
void docker_when(int64_t when, char *text, size_t size);
/** Seconds since the epoch of an RFC 3339 time, 0 if it is none. */
int64_t docker_time(const char *text);
/** The first 12 digits of a digest or an id, or all of it if @whole. */
void docker_id(const char *digest, bool whole, char *text, size_t size);
/** At most @most characters, the last of them … if it was longer. */
void docker_cut(const char *from, size_t most, char *text, size_t size);

/* names.c: the images of a store with all their names */
struct docker_name {
    char *name; /* NULL: none */
    struct digest manifest;
    bool below;
    struct image image;
    char damage[512]; /* not "": the image cannot be read, and why */
};
struct docker_names {
    struct docker_name *names;
    size_t count;
};
/** All, the newest first. Returns 0 or -1. */
int docker_names_read(struct store *store, struct docker_names *names, struct err *err);
void docker_names_free(struct docker_names *names);
/** The image's "created". */
int64_t docker_created(const struct image *image);

/** Say what of @image is not in the store any more after a collection: its id and layers, as docker does when it deletes one. */
int docker_collect(struct store *store, const struct image *images, size_t count, uint64_t *bytes, struct err *err);
/** A container made of that image, its id; "" if there is none. Returns 0 or -1. */
int docker_user_of(struct store *store, const struct digest *image, char id[CONTAINER_ID], struct err *err);

/* inspect_image.c, inspect_container.c: what docker inspect prints of one. New references. */
json_t *docker_image_json(struct store *store, const struct image *image, struct err *err);
json_t *docker_container_json(struct store *store, const struct container *container, struct err *err);

#endif
