/* docker import: an image of one layer from a root filesystem's archive. */
#include "engine/transfer/transfer.h"

#include "engine/base/cleanup.h"
#include "engine/docker/docker.h"
#include "engine/image/change.h"
#include "engine/transfer/common.h"

#include <string.h>
#include <strings.h>

struct import {
    const char *verb; /* "docker import" */
    const char *from, *name, *message, *platform;
    json_t *config;
};

static int add_layer(struct store *store, const struct import *import, struct image_layer *layer, struct err *err)
{
    struct progress progress;
    uint64_t size;
    cleanup_close int fd = transfer_input(import->from, &size, err);
    struct source *from = fd < 0 ? NULL : source_fd(fd, err);
    if (!from)
        return -1;
    progress_start(&progress, import->verb, size, false);
    int result = image_add_layer(store, from, false, layer, progress_step, &progress, err);
    source_close(from);
    progress_end(&progress);
    return result < 0 ? err_prefix(err, "`%s`", import->from) : 0;
}

static int import_image(struct store *store, const struct import *import, struct err *err)
{
    struct image_layer layer;
    char comment[4096];
    snprintf(comment, sizeof comment, "Imported from %s", import->from);
    struct image_spec spec = { .layers = &layer,
                               .layer_count = 1,
                               .config = import->config,
                               .created = -1,
                               .comment = import->message ? import->message : comment,
                               .platform = import->platform };
    if (store_hold(store, err) < 0)
        return -1;
    int result = add_layer(store, import, &layer, err);
    if (result == 0)
        result = transfer_make(store, &spec, import->name, err);
    store_release(store);
    return result;
}

/* What is wrong with the command line is said before any work. */
static int check(const struct import *import, struct err *err)
{
    struct image_platform platform;
    json_t *message = json_string(import->message ? import->message : "");
    json_decref(message);
    if (!message)
        return err_say(err, EILSEQ, "--message: an image's texts are UTF-8, and this one is not");
    if (strncasecmp(import->from, "http://", 7) == 0 || strncasecmp(import->from, "https://", 8) == 0)
        return err_say(err, ENOTSUP,
                       "`%s`: archives are not fetched from the network here; fetch it first: curl -fLO %s",
                       import->from, import->from);
    return transfer_check_name(import->name, err) < 0 || image_platform_parse(import->platform, &platform, err) < 0 ? -1
                                                                                                                    : 0;
}

static int run(int argc, char **argv, struct import *import)
{
    struct tool_options options = docker_import_options;
    struct tool_parser parser;
    struct err err = { 0 };
    int id;
    options.tool = argv[0]; /* `teachroot image import` is this verb too */
    tool_parse(&parser, &options, argc, argv);
    while ((id = tool_parse_next(&parser)) != -1) {
        if (id == 'c' && image_change(import->config, optarg, &err) < 0)
            return tool_wrong(&options, "--change: %s", err.message);
        import->message = id == 'm' ? optarg : import->message;
        import->platform = id == 'p' ? optarg : import->platform;
    }
    if (parser.ended)
        return parser.status;
    if (argc - optind < 1 || argc - optind > 2)
        return tool_wrong(&options, argc == optind ? "which archive?" : "an archive and a name, no more");
    import->verb = argv[0];
    import->from = argv[optind];
    import->name = argv[optind + 1];
    if (check(import, &err) < 0)
        return tool_wrong(&options, "%s", err.message);
    struct store *store = docker_store(argv[0], STORE_WRITE);
    if (!store)
        return 1;
    int result = import_image(store, import, &err);
    store_close(store);
    return result < 0 ? transfer_failed(argv[0], "%s", err.message) : transfer_printed(argv[0]);
}

int import_main(int argc, char **argv)
{
    struct import import = { .config = json_object() };
    int status = run(argc, argv, &import);
    json_decref(import.config);
    return status;
}
