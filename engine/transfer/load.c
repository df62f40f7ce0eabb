/* docker load: images out of an archive. */
#include "engine/transfer/transfer.h"

#include "engine/base/cleanup.h"
#include "engine/docker/docker.h"
#include "engine/image/reference.h"
#include "engine/transfer/common.h"

static void print_loaded(const char *name, const struct digest *id, void *data)
{
    struct reference reference;
    char familiar[700];
    progress_end(data);
    if (name && reference_parse(name, &reference, NULL) == 0) {
        reference_familiar(&reference, familiar, sizeof familiar);
        printf("Loaded image: %s\n", familiar);
    } else {
        printf("Loaded image ID: %s\n", id->text);
    }
}

static int load(const char *verb, struct store *store, const char *input, bool quiet, struct err *err)
{
    struct progress progress;
    uint64_t size;
    cleanup_close int fd = transfer_input(input, &size, err);
    struct source *from = fd < 0 ? NULL : source_fd(fd, err);
    if (!from)
        return -1;
    progress_start(&progress, verb, size, quiet);
    int result = image_load(store, from, print_loaded, &progress, progress_step, err);
    progress_end(&progress);
    return result < 0 ? err_prefix(err, "`%s`", input ? input : "standard input") : 0;
}

int load_main(int argc, char **argv)
{
    struct tool_options options = docker_load_options;
    struct tool_parser parser;
    struct err err = { 0 };
    const char *input = NULL;
    bool quiet = false;
    int id;
    options.tool = argv[0]; /* `teachroot image load` is this verb too */
    tool_parse(&parser, &options, argc, argv);
    while ((id = tool_parse_next(&parser)) != -1) {
        input = id == 'i' ? optarg : input;
        quiet |= id == 'q';
    }
    if (parser.ended)
        return parser.status;
    if (optind < argc)
        return tool_wrong(&options, "`%s`: an archive is named by --input, or comes on standard input", argv[optind]);
    if (!input && isatty(STDIN_FILENO))
        return tool_wrong(&options, "standard input is the terminal, not an archive: name one with --input");
    struct store *store = docker_store(argv[0], STORE_WRITE);
    if (!store)
        return 1;
    int result = load(argv[0], store, input, quiet, &err);
    store_close(store);
    return result < 0 ? transfer_failed(argv[0], "%s", err.message) : transfer_printed(argv[0]);
}
