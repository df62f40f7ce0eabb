/* docker inspect: all that is known of containers and images. */
#include "engine/docker/format.h"
#include "engine/docker/options_internal.h"
#include "engine/docker/verbs.h"

#include "engine/base/cleanup.h"

#include <string.h>

/* A new reference, or NULL: ENOENT where neither a container nor an image is called @what. */
static json_t *find(struct store *store, const char *what, const char *type, struct err *err)
{
    struct container container;
    struct image image;
    json_t *json = NULL;
    *err = (struct err){ .code = ENOENT };
    if (strcmp(type, "image") != 0 && container_open(store, what, &container, err) == 0) {
        json = docker_container_json(store, &container, err);
        container_close(&container);
        return json;
    }
    if (err->code != ENOENT || strcmp(type, "container") == 0)
        return NULL;
    if (image_open(store, what, &image, err) == 0) {
        json = docker_image_json(store, &image, err);
        image_close(&image);
    } else if (!*type && (err->code == ENOENT || err->code == EINVAL)) {
        err_say(err, ENOENT, "No such object: %s", what);
    }
    return json;
}

static int print_array(const json_t *found)
{
    cleanup_free char *text = json_dumps(found, JSON_INDENT(4));
    if (!text)
        return 1;
    puts(text);
    return 0;
}

static int print_formatted(const json_t *found, const struct format *format)
{
    for (size_t i = 0; i < json_array_size(found); i++) {
        struct err err = { 0 };
        cleanup_free char *text = format_apply(format, json_array_get(found, i), &err);
        if (!text)
            return docker_error("docker inspect", &err);
        puts(text);
    }
    return 0;
}

int docker_inspect(int argc, char **argv)
{
    struct tool_parser parser;
    const char *text = NULL, *type = "";
    struct format *format = NULL;
    struct err err = { 0 };
    int id;
    tool_parse(&parser, &docker_inspect_options, argc, argv);
    while ((id = tool_parse_next(&parser)) != -1)
        if (id == 'f')
            text = strcmp(optarg, "json") == 0 ? "{{json .}}" : optarg;
        else
            type = optarg;
    if (parser.ended)
        return parser.status;
    if (*type && strcmp(type, "image") != 0 && strcmp(type, "container") != 0)
        return tool_wrong(parser.table, "\"%s\" is not a valid value for --type: it is container or image", type);
    if (!docker_operands(&parser, 1, -1))
        return 125;
    if (text && !(format = format_parse(text, &err))) {
        docker_error("docker inspect", &err);
        return 125;
    }
    struct store *store = docker_store("docker inspect", STORE_READ);
    if (!store) {
        format_free(format);
        return 1;
    }
    json_t *found = json_array();
    int status = 0;
    for (char **what = argv + optind; *what; what++) {
        json_t *json = find(store, *what, type, &err);
        if (json)
            json_array_append_new(found, json);
        else
            status = docker_error("docker inspect", &err);
    }
    int printed = format ? print_formatted(found, format) : print_array(found);
    json_decref(found);
    format_free(format);
    store_close(store);
    return fflush(stdout) == 0 && printed == 0 ? status : 1;
}
