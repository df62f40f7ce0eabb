/* docker images: what is in the store, by name. */
#include "engine/docker/options_internal.h"
#include "engine/docker/verbs.h"

#include "engine/base/cleanup.h"
#include "engine/image/reference.h"

#include <fnmatch.h>
#include <string.h>

struct request {
    bool digests, quiet, whole;
    const char *format;
    struct docker_filters filters;
    int64_t before, since; /* 0: any */
};

/* "debian", "12" of a name; "<none>" where there is none. */
static void split(const char *name, char *repository, char *tag, size_t size)
{
    struct reference reference;
    snprintf(repository, size, "<none>");
    snprintf(tag, size, "<none>");
    if (!name || reference_parse(name, &reference, NULL) < 0)
        return;
    reference_familiar_repository(&reference, repository, size);
    if (*reference.tag)
        snprintf(tag, size, "%s", reference.tag);
}

static bool is_wanted(const struct request *request, const struct docker_name *name)
{
    char repository[600], tag[600], both[1300];
    split(name->name, repository, tag, sizeof repository);
    snprintf(both, sizeof both, "%s:%s", repository, tag);
    const json_t *labels = json_object_get(json_object_get(name->image.config_json, "config"), "Labels");
    int64_t created = docker_created(&name->image);
    if ((request->before && created >= request->before) || (request->since && created <= request->since))
        return false;
    for (size_t i = 0; i < request->filters.count; i++) {
        const char *key = request->filters.filters[i].key, *value = request->filters.filters[i].value;
        if (strcmp(key, "dangling") == 0 &&
            (name->name != NULL) == (strcmp(value, "true") == 0 || strcmp(value, "1") == 0))
            return false;
        if (strcmp(key, "reference") == 0 &&
            (!name->name || (fnmatch(value, repository, FNM_PATHNAME) != 0 && fnmatch(value, both, FNM_PATHNAME) != 0)))
            return false;
        if (strcmp(key, "label") == 0 && !docker_label_matches(labels, value))
            return false;
    }
    return true;
}

static json_t *make_row(const struct request *request, const struct docker_name *name)
{
    char repository[600], tag[600], id[DIGEST_SIZE], when[64], since[64], size[32];
    const struct image *image = &name->image;
    split(name->name, repository, tag, sizeof repository);
    docker_id(image->config.text, request->whole, id, sizeof id);
    docker_when(docker_created(image), when, sizeof when);
    docker_since(docker_created(image), since, sizeof since);
    docker_size(image->size, size, sizeof size);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Containers", "N/A", "CreatedAt", when,
                     "CreatedSince", since, "Digest", name->manifest.text, "ID", id, "Repository", repository,
                     "SharedSize", "N/A", "Size", size, "Tag", tag, "UniqueSize", "N/A");
}

static int print(const struct request *request, struct store *store)
{
    struct docker_names names = { 0 };
    struct err err = { 0 };
    int status = 0;
    if (docker_names_read(store, &names, &err) < 0) {
        docker_names_free(&names);
        return docker_error("docker images", &err);
    }
    json_t *rows = json_array();
    for (size_t i = 0; i < names.count; i++) {
        if (names.names[i].damage[0]) {
            fprintf(stderr, "docker images: %s\n", names.names[i].damage);
            status = 1;
        } else if (is_wanted(request, &names.names[i])) {
            json_array_append_new(rows, make_row(request, &names.names[i]));
        }
    }
    json_t *headings =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Containers", "CONTAINERS", "CreatedAt",
                  "CREATED AT", "CreatedSince", "CREATED", "Digest", "DIGEST", "ID", "IMAGE ID", "Repository",
                  "REPOSITORY", "SharedSize", "SHARED SIZE", "Size", "SIZE", "Tag", "TAG", "UniqueSize", "UNIQUE SIZE");
    struct docker_list list = {
        .verb = "docker images",
        .format = request->format,
        .quiet = request->quiet,
        .standard = request->digests
                        ? "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{or .CreatedSince \"N/A\"}}\t{{.Size}}"
                        : "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{or .CreatedSince \"N/A\"}}\t{{.Size}}",
        .gives = request->whole     ? 0
                 : request->digests ? 1U << 2 | 1U << 4 /* digest, created */
                                    : 1U << 3,          /* created */
        .headings = headings,
        .rows = rows,
    };
    int printed = docker_list_print(&list);
    json_decref(headings);
    json_decref(rows);
    docker_names_free(&names);
    return printed ? printed : status;
}

/* before=IMAGE, since=IMAGE: by when that one was made. */
static int resolve_times(struct request *request, struct store *store)
{
    for (size_t i = 0; i < request->filters.count; i++) {
        struct image image;
        struct err err = { 0 };
        const char *key = request->filters.filters[i].key;
        bool before = strcmp(key, "before") == 0;
        if (!before && strcmp(key, "since") != 0)
            continue;
        if (image_open(store, request->filters.filters[i].value, &image, &err) < 0)
            return docker_error("docker images", &err);
        *(before ? &request->before : &request->since) = docker_created(&image);
        image_close(&image);
    }
    return 0;
}

int docker_images(int argc, char **argv)
{
    static const char *const known[] = { "reference", "dangling", "label", "before", "since", NULL };
    struct request request = { .format = NULL };
    struct tool_parser parser;
    char pattern[1100];
    int id;
    tool_parse(&parser, &docker_images_options, argc, argv);
    while ((id = tool_parse_next(&parser)) != -1)
        switch (id) {
        case 'f':
            if (docker_filter_add(&request.filters, &parser, optarg, known) < 0)
                return 125;
            break;
        case 'q':
            request.quiet = true;
            break;
        case DOCKER_DIGESTS:
            request.digests = true;
            break;
        case DOCKER_FORMAT:
            request.format = optarg;
            break;
        case DOCKER_NO_TRUNC:
            request.whole = true;
            break;
        default: /* -a: all are shown anyway */
            break;
        }
    if (parser.ended)
        return parser.status;
    if (!docker_operands(&parser, 0, 1))
        return 125;
    if (argv[optind]) {
        snprintf(pattern, sizeof pattern, "reference=%s", argv[optind]);
        if (docker_filter_add(&request.filters, &parser, pattern, known) < 0)
            return 125;
    }
    struct store *store = docker_store("docker images", STORE_READ);
    if (!store)
        return 1;
    int status = resolve_times(&request, store);
    if (status == 0)
        status = print(&request, store);
    store_close(store);
    return status;
}
