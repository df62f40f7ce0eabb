/* docker ps: containers, those that run or all. */
#include "engine/docker/options_internal.h"
#include "engine/docker/verbs.h"

#include "engine/base/cleanup.h"
#include "engine/tools/program.h"

#include <stdint.h>
#include <string.h>

struct request {
    const char *format;
    bool all, quiet, whole;
    uint64_t last; /* 0: any number */
    struct docker_filters filters;
    struct digest ancestors[16]; /* of filter i, if it is one */
    json_t *rows;
    int status;
};

static const char *const states[] = { "created", "running", "paused", "exited", "dead" };

static bool is_wanted(const struct request *request, const struct container *container)
{
    const json_t *labels = json_object_get(json_object_get(container->json, "Config"), "Labels");
    bool by_state = false, states_match = false;
    for (size_t i = 0; i < request->filters.count; i++) {
        const char *key = request->filters.filters[i].key, *value = request->filters.filters[i].value;
        if (strcmp(key, "status") == 0) {
            by_state = true;
            states_match |= strcmp(value, states[container->state]) == 0;
        } else if ((strcmp(key, "name") == 0 && !strstr(container->name, value[0] == '/' ? value + 1 : value)) ||
                   (strcmp(key, "id") == 0 && strncmp(container->id, value, strlen(value)) != 0) ||
                   (strcmp(key, "label") == 0 && !docker_label_matches(labels, value)) ||
                   (strcmp(key, "ancestor") == 0 && !digest_equal(&request->ancestors[i], &container->image_id))) {
            return false;
        }
    }
    if (by_state)
        return states_match;
    return request->all || request->last > 0 || container->state == CONTAINER_RUNNING ||
           container->state == CONTAINER_PAUSED;
}

/* What is run: the entrypoint and its arguments, in quotes. */
static void describe_command(const json_t *config, bool whole, char *text, size_t size)
{
    char words[2048];
    size_t length = 0;
    const json_t *const parts[] = { json_object_get(config, "Entrypoint"), json_object_get(config, "Cmd") };
    words[0] = '\0';
    for (size_t part = 0; part < 2; part++)
        for (size_t i = 0; i < json_array_size(parts[part]) && length < sizeof words; i++) {
            const char *word = json_string_value(json_array_get(parts[part], i));
            const char *quote = word && strchr(word, ' ') ? "'" : "";
            length += (size_t)snprintf(words + length, sizeof words - length, "%s%s%s%s", length ? " " : "", quote,
                                       word ? word : "", quote);
        }
    for (char *at = words; *at; at++)
        if (*at == '\t' || *at == '\n')
            *at = ' ';
    char cut[2048];
    docker_cut(words, whole ? sizeof words : 20, cut, sizeof cut);
    snprintf(text, size, "\"%s\"", cut);
}

static char *describe_labels(const json_t *labels)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    json_t *all = json_deep_copy(labels);
    for (void *at = json_object_iter(all); out && at; at = json_object_iter_next(all, at))
        fprintf(out, "%s%s=%s", at == json_object_iter(all) ? "" : ",", json_object_iter_key(at),
                json_string_value(json_object_iter_value(at)) ? json_string_value(json_object_iter_value(at)) : "");
    json_decref(all);
    if (out)
        fclose(out);
    return text;
}

static int add_row(struct container *container, const char *damage, void *data)
{
    struct request *request = data;
    char id[CONTAINER_ID], command[2100], when[64], since[64];
    if (damage) {
        fprintf(stderr, "docker ps: %s\n", damage);
        request->status = 1;
        return 0;
    }
    if (!is_wanted(request, container))
        return 0;
    const json_t *config = json_object_get(container->json, "Config");
    cleanup_free char *labels = describe_labels(json_object_get(config, "Labels"));
    docker_id(container->id, request->whole, id, sizeof id);
    describe_command(config, request->whole, command, sizeof command);
    docker_when(container->created, when, sizeof when);
    docker_since(container->created, since, sizeof since);
    json_array_append_new(request->rows,
                          json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Command", command,
                                    "CreatedAt", when, "ID", id, "Image", container->image, "Labels",
                                    labels ? labels : "", "Mounts", "", "Names", container->name, "Networks", "",
                                    "Ports", "", "RunningFor", since, "State", states[container->state], "Status",
                                    container->state == CONTAINER_CREATED ? "Created" : states[container->state]));
    return request->last > 0 && json_array_size(request->rows) >= request->last;
}

static int find_ancestors(struct request *request, struct store *store)
{
    for (size_t i = 0; i < request->filters.count; i++) {
        struct image image;
        struct err err = { 0 };
        if (strcmp(request->filters.filters[i].key, "ancestor") != 0)
            continue;
        if (image_open(store, request->filters.filters[i].value, &image, &err) == 0) {
            request->ancestors[i] = image.config;
            image_close(&image);
        } else if (err.code != ENOENT) {
            return docker_error("docker ps", &err);
        }
    }
    return 0;
}

static int print(struct request *request, struct store *store)
{
    struct err err = { 0 };
    request->rows = json_array();
    int status = find_ancestors(request, store);
    if (status == 0 && container_each(store, add_row, request, &err) < 0)
        status = docker_error("docker ps", &err);
    json_t *headings = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Command", "COMMAND",
                                 "CreatedAt", "CREATED AT", "ID", "CONTAINER ID", "Image", "IMAGE", "Labels", "LABELS",
                                 "Mounts", "MOUNTS", "Names", "NAMES", "Networks", "NETWORKS", "Ports", "PORTS",
                                 "RunningFor", "CREATED", "State", "STATE", "Status", "STATUS");
    struct docker_list list = {
        .verb = "docker ps",
        .format = request->format,
        .quiet = request->quiet,
        .standard = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}",
        .gives = request->whole ? 0 : 1U << 1 | 1U << 2 | 1U << 3, /* image, command, created */
        .headings = headings,
        .rows = request->rows,
    };
    if (status == 0)
        status = docker_list_print(&list);
    json_decref(headings);
    json_decref(request->rows);
    return status ? status : request->status;
}

static int add_filter(struct request *request, const struct tool_parser *parser)
{
    static const char *const known[] = { "name", "id", "status", "ancestor", "label", NULL };
    if (docker_filter_add(&request->filters, parser, optarg, known) < 0)
        return 125;
    const char *value = request->filters.filters[request->filters.count - 1].value;
    bool good = strcmp(request->filters.filters[request->filters.count - 1].key, "status") != 0;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        good |= strcmp(states[i], value) == 0;
    return good ? 0
                : tool_wrong(parser->table,
                             "invalid filter 'status=%s': the states are created, running, paused, exited and dead",
                             value);
}

int docker_ps(int argc, char **argv)
{
    struct request request = { .format = NULL };
    struct tool_parser parser;
    int id, status = 0;
    tool_parse(&parser, &docker_ps_options, argc, argv);
    while (status == 0 && (id = tool_parse_next(&parser)) != -1)
        switch (id) {
        case 'a':
            request.all = true;
            break;
        case 'f':
            status = add_filter(&request, &parser);
            break;
        case 'n':
            if (number_parse(optarg, 1000000, &request.last) < 0 || request.last == 0)
                status = tool_wrong(parser.table,
                                    "invalid argument \"%s\" for \"-n, --last\" flag: it is a number from 1", optarg);
            break;
        case 'l':
            request.last = 1;
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
    if (parser.ended || status)
        return parser.ended ? parser.status : status;
    if (!docker_operands(&parser, 0, 0))
        return 125;
    struct store *store = docker_store("docker ps", STORE_READ);
    if (!store)
        return 1;
    status = print(&request, store);
    store_close(store);
    return status;
}
