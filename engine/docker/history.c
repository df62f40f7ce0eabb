/* docker history: the steps an image was made in. */
#include "engine/docker/options_internal.h"
#include "engine/docker/verbs.h"

#include <string.h>

struct request {
    const char *format;
    bool bytes, whole, quiet;
};

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

static json_t *make_row(const struct request *request, const struct image *image, const json_t *step, bool newest,
                        uint64_t bytes)
{
    char id[DIGEST_SIZE], since[64], size[32], by[64], flat[4096];
    int64_t created = docker_time(text_of(step, "created"));
    docker_id(image->config.text, request->whole, id, sizeof id);
    docker_since(created, since, sizeof since);
    if (request->bytes)
        snprintf(size, sizeof size, "%llu", (unsigned long long)bytes);
    else
        docker_size(bytes, size, sizeof size);
    snprintf(flat, sizeof flat, "%.4000s", text_of(step, "created_by"));
    for (char *at = flat; *at; at++)
        if (*at == '\t' || *at == '\n')
            *at = ' ';
    docker_cut(flat, 45, by, sizeof by);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "Comment", text_of(step, "comment"), "CreatedAt",
                     text_of(step, "created"), "CreatedBy", request->whole ? flat : by, "CreatedSince",
                     request->bytes ? text_of(step, "created") : since, "ID", newest ? id : "<missing>", "Size", size);
}

static int print(const struct request *request, const struct image *image)
{
    const json_t *history = json_object_get(image->config_json, "history");
    json_t *rows = json_array();
    size_t steps = json_array_size(history), layer = image->layer_count;
    for (size_t i = steps; i-- > 0;) {
        const json_t *step = json_array_get(history, i);
        bool empty = json_is_true(json_object_get(step, "empty_layer"));
        uint64_t bytes = !empty && layer > 0 ? image->layers[--layer].size : 0;
        json_array_append_new(rows, make_row(request, image, step, i + 1 == steps, bytes));
    }
    json_t *headings = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "Comment", "COMMENT", "CreatedAt", "CREATED AT",
                                 "CreatedBy", "CREATED BY", "CreatedSince", "CREATED", "ID", "IMAGE", "Size", "SIZE");
    struct docker_list list = {
        .verb = "docker history",
        .format = request->format,
        .quiet = request->quiet,
        .standard = "{{.ID}}\t{{or .CreatedSince \"N/A\"}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
        .gives = request->whole ? 0 : 1U << 1 | 1U << 2 | 1U << 4, /* created, created by, comment */
        .headings = headings,
        .rows = rows,
    };
    int status = docker_list_print(&list);
    json_decref(headings);
    json_decref(rows);
    return status;
}

int docker_history(int argc, char **argv)
{
    struct request request = { .format = NULL };
    struct tool_parser parser;
    struct image image;
    struct err err = { 0 };
    int id;
    tool_parse(&parser, &docker_history_options, argc, argv);
    while ((id = tool_parse_next(&parser)) != -1)
        switch (id) {
        case 'H':
            if (optarg && strcmp(optarg, "true") != 0 && strcmp(optarg, "false") != 0)
                return tool_wrong(parser.table, "invalid argument \"%s\" for \"-H, --human\" flag: it is true or false",
                                  optarg);
            request.bytes = optarg && strcmp(optarg, "false") == 0;
            break;
        case 'q':
            request.quiet = true;
            break;
        case DOCKER_FORMAT:
            request.format = optarg;
            break;
        default:
            request.whole = true;
        }
    if (parser.ended)
        return parser.status;
    if (!docker_operands(&parser, 1, 1))
        return 125;
    struct store *store = docker_store("docker history", STORE_READ);
    if (!store)
        return 1;
    int status = 1;
    if (image_open(store, argv[optind], &image, &err) == 0) {
        status = print(&request, &image);
        image_close(&image);
    } else {
        docker_error("docker history", &err);
    }
    store_close(store);
    return status;
}
