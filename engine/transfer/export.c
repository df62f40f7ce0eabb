/* docker export: the root filesystem of a container, as an archive. */
#include "engine/transfer/transfer.h"

#include "engine/base/cleanup.h"
#include "engine/base/output.h"
#include "engine/container/container.h"
#include "engine/docker/docker.h"
#include "engine/layers/tar.h"
#include "engine/transfer/common.h"

struct export
{
    const char *verb;
    int fd;
};

static void skipped(const char *path, const char *why, void *data)
{
    const struct export *export = data;
    fprintf(stderr, "%s: left out `%s`: %s\n", export->verb, path, why);
}

static int pack(int root, void *data, struct err *err)
{
    struct export *export = data;
    struct tar_pack options = { .form = WHITEOUT_NONE, .dense = true, .skipped = skipped, .data = export };
    struct sink *to = sink_fd(export->fd, err);
    if (!to)
        return -1;
    int result = tar_pack(root, to, &options, NULL, err);
    if (result == 0)
        result = to->finish(to, err);
    sink_close(to);
    return result;
}

static int export_one(struct store *store, const char *what, const char *path, struct export *export, struct err *err)
{
    struct container container;
    struct output output;
    if (container_open(store, what, &container, err) < 0)
        return -1;
    int result = output_open(&output, path, 0600, err);
    if (result == 0) {
        export->fd = output.fd;
        /* Layers that are unpacked only now must not be collected before they are mounted. */
        result = store_hold(store, err);
    }
    if (result == 0) {
        result = container_with_root(store, &container, true, pack, export, sizeof *export, err);
        store_release(store);
    }
    if (result == 0)
        result = output_commit(&output, err);
    output_close(&output);
    container_close(&container);
    return result;
}

int export_main(int argc, char **argv)
{
    struct tool_parser parser;
    struct export export = { .verb = argv[0] };
    struct err err = { 0 };
    const char *output = NULL;
    int id;
    tool_parse(&parser, &docker_export_options, argc, argv);
    while ((id = tool_parse_next(&parser)) != -1)
        output = id == 'o' ? optarg : output;
    if (parser.ended)
        return parser.status;
    if (!docker_operands(&parser, 1, 1))
        return 125;
    if (!output && isatty(STDOUT_FILENO))
        return tool_wrong(&docker_export_options,
                          "standard output is the terminal, which an archive would garble: name a file with --output");
    /* A layer whose unpacked form was lost is unpacked again. */
    struct store *store = docker_store(argv[0], STORE_WRITE);
    if (!store)
        return 1;
    int result = export_one(store, argv[optind], output, &export, &err);
    store_close(store);
    return result < 0 ? transfer_failed(argv[0], "%s", err.message) : 0;
}
