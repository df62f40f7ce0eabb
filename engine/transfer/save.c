/* docker save: images to one archive. */
#include "engine/transfer/transfer.h"

#include "engine/base/cleanup.h"
#include "engine/base/output.h"
#include "engine/docker/docker.h"
#include "engine/transfer/common.h"

static int save(struct store *store, const char *const *images, size_t count, const char *path, struct err *err)
{
    struct output output;
    int result = output_open(&output, path, 0600, err);
    struct sink *to = result == 0 ? sink_beside(sink_fd(output.fd, err), err) : NULL;
    if (to) {
        result = image_save(store, images, count, to, err);
        sink_close(to);
        if (result == 0)
            result = output_commit(&output, err);
    } else {
        result = -1;
    }
    output_close(&output);
    return result;
}

int save_main(int argc, char **argv)
{
    struct tool_options options = docker_save_options;
    struct tool_parser parser;
    struct err err = { 0 };
    const char *output = NULL;
    int id;
    options.tool = argv[0]; /* `teachroot image save` is this verb too */
    tool_parse(&parser, &options, argc, argv);
    while ((id = tool_parse_next(&parser)) != -1)
        output = id == 'o' ? optarg : output;
    if (parser.ended)
        return parser.status;
    if (optind == argc)
        return tool_wrong(&options, "which image?");
    if (!output && isatty(STDOUT_FILENO))
        return tool_wrong(&options,
                          "standard output is the terminal, which an archive would garble: name a file with --output");
    struct store *store = docker_store(argv[0], STORE_READ);
    if (!store)
        return 1;
    int result = save(store, (const char *const *)argv + optind, (size_t)(argc - optind), output, &err);
    store_close(store);
    return result < 0 ? transfer_failed(argv[0], "%s", err.message) : 0;
}
