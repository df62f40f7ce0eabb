/* teachroot image: images made of what this machine has, and the store looked after. */
#include "engine/transfer/transfer.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/container/container.h"
#include "engine/docker/docker.h"
#include "engine/image/change.h"
#include "engine/image/reference.h"
#include "engine/transfer/common.h"

#include <fcntl.h>
#include <string.h>

static const struct tool_option rootfs_rows[] = {
    { 'c', 'c', "change", required_argument, "INSTRUCTION",
      "what the image is to have, as a Dockerfile says it; may be repeated", NULL },
    { 'm', 'm', "message", required_argument, "TEXT", "the comment in the image's history", NULL },
    OPTION_ROW_HELP('h'),
};
static const struct tool_options rootfs_options = {
    .tool = "teachroot image from-rootfs",
    .usage = "[OPTION]… DIRECTORY NAME[:TAG]",
    .summary = "Make an image of one layer of a root filesystem's directory, with owners, modes, times and attributes "
               "as they are. Prints the new image's id.\n",
    OPTION_ROWS(rootfs_rows),
    .wrong = 125,
};

static const struct tool_option plain_rows[] = { OPTION_ROW_HELP('h') };
static const struct tool_options host_options = {
    .tool = "teachroot image from-host",
    .usage = "PROGRAM… NAME[:TAG]",
    .summary =
        "Make an image of programs of this machine with the libraries and the loader that each needs, and nothing "
        "else; the first is what a container of it runs. The same programs give the same image. Prints its id.\n",
    OPTION_ROWS(plain_rows),
    .wrong = 125,
};
static const struct tool_options ls_options = {
    .tool = "teachroot image ls",
    .usage = "",
    .summary = "List the images there are: name, id, size of the layers.\n",
    OPTION_ROWS(plain_rows),
    .wrong = 125,
};
static const struct tool_options gc_options = {
    .tool = "teachroot image gc",
    .usage = "",
    .summary =
        "Remove what no image needs any more: layers and documents that no name leads to, cut downloads. Waits for "
        "who brings images in.\n",
    OPTION_ROWS(plain_rows),
    .wrong = 125,
};
static const struct tool_options fsck_options = {
    .tool = "teachroot image fsck",
    .usage = "",
    .summary =
        "Read the whole image store and check it: every blob against its digest, every layer against what its image "
        "says it unpacks to, every reference to what must be there. One line for each thing that is wrong.\n",
    OPTION_ROWS(plain_rows),
    .wrong = 125,
    .notes = "Exit status: 0 all is whole; 1 something is wrong.\n",
};

/* The operands of a verb that has no option of its own: at least @least, at most @most. -1: go on; else the exit status. */
static int operands(const struct tool_options *table, int argc, char **argv, int least, int most)
{
    struct tool_parser parser;
    tool_parse(&parser, table, argc, argv);
    tool_parse_next(&parser);
    if (parser.ended)
        return parser.status;
    if (argc - optind < least)
        return tool_wrong(table, "it needs: %s", table->usage);
    return argc - optind > most ? tool_wrong(table, "unexpected argument `%s`", argv[optind + most]) : -1;
}

static int finish(const struct tool_options *table, struct store *store, int result, const struct err *err)
{
    store_close(store);
    return result < 0 ? transfer_failed(table->tool, "%s", err->message) : transfer_printed(table->tool);
}

/* --- from-rootfs --- */

static int make_from_rootfs(struct store *store, const char *path, const struct image_spec *wanted, const char *name,
                            struct err *err)
{
    struct image_layer layer;
    struct image_spec spec = *wanted;
    cleanup_close int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_set(err, errno, "open `%s`", path);
    spec.layers = &layer;
    spec.layer_count = 1;
    spec.created = -1;
    if (store_hold(store, err) < 0)
        return -1;
    int result = image_add_directory(store, root, -1, &layer, err);
    if (result == 0)
        result = transfer_make(store, &spec, name, err);
    store_release(store);
    return result;
}

static int run_from_rootfs(int argc, char **argv, json_t *config)
{
    struct tool_parser parser;
    struct err err = { 0 };
    struct image_spec spec = { .config = config, .comment = "Made from a directory" };
    int id;
    tool_parse(&parser, &rootfs_options, argc, argv);
    while ((id = tool_parse_next(&parser)) != -1) {
        if (id == 'c' && image_change(config, optarg, &err) < 0)
            return tool_wrong(&rootfs_options, "--change: %s", err.message);
        spec.comment = id == 'm' ? optarg : spec.comment;
    }
    if (parser.ended)
        return parser.status;
    if (argc - optind != 2)
        return tool_wrong(&rootfs_options, "it needs a directory and a name");
    if (transfer_check_name(argv[optind + 1], &err) < 0)
        return tool_wrong(&rootfs_options, "%s", err.message);
    struct store *store = docker_store(rootfs_options.tool, STORE_WRITE);
    if (!store)
        return 1;
    int result = make_from_rootfs(store, argv[optind], &spec, argv[optind + 1], &err);
    return finish(&rootfs_options, store, result, &err);
}

static int from_rootfs(int argc, char **argv)
{
    json_t *config = json_object();
    int status = run_from_rootfs(argc, argv, config);
    json_decref(config);
    return status;
}

/* --- from-host --- */

static int make_from_host(struct store *store, const char *const *programs, size_t count, const char *name,
                          struct err *err)
{
    struct image image;
    if (store_hold(store, err) < 0)
        return -1;
    int result = image_from_host(store, programs, count, &image, err);
    if (result == 0) {
        result = transfer_name(store, name, &image, err);
        if (result == 0)
            printf("%s\n", image.config.text);
        image_close(&image);
    }
    store_release(store);
    return result;
}

static int from_host(int argc, char **argv)
{
    struct err err = { 0 };
    int status = operands(&host_options, argc, argv, 2, argc);
    if (status >= 0)
        return status;
    if (transfer_check_name(argv[argc - 1], &err) < 0)
        return tool_wrong(&host_options, "%s", err.message);
    struct store *store = docker_store(host_options.tool, STORE_WRITE);
    if (!store)
        return 1;
    int result =
        make_from_host(store, (const char *const *)argv + optind, (size_t)(argc - 1 - optind), argv[argc - 1], &err);
    return finish(&host_options, store, result, &err);
}

/* --- ls, gc, fsck --- */

struct listing {
    struct store *store;
    size_t count;
};

static int list_name(const struct store_name *name, void *data)
{
    struct listing *listing = data;
    struct reference reference;
    struct image image;
    struct err err = { 0 };
    char shown[700] = "<none>", size[32];
    if (name->name && reference_parse(name->name, &reference, NULL) == 0)
        reference_familiar(&reference, shown, sizeof shown);
    else if (name->name)
        snprintf(shown, sizeof shown, "%s", name->name);
    listing->count++;
    if (image_open_digest(listing->store, &name->manifest, &image, &err) < 0) {
        printf("%-32s %.12s  %s\n", shown, digest_hex(&name->manifest), err.message);
        return 0;
    }
    printf("%-32s %.12s  %s\n", shown, digest_hex(&image.config), bytes_text(image.size, size));
    image_close(&image);
    return 0;
}

static int ls(int argc, char **argv)
{
    struct err err = { 0 };
    int status = operands(&ls_options, argc, argv, 0, 0);
    struct store *store = status >= 0 ? NULL : docker_store(ls_options.tool, STORE_READ);
    if (!store)
        return status >= 0 ? status : 1;
    struct listing listing = { .store = store };
    int result = store_names(store, list_name, &listing, &err);
    if (result == 0 && listing.count == 0)
        fprintf(stderr, "%s: there is no image in %s yet\n", ls_options.tool, store_path(store));
    return finish(&ls_options, store, result, &err);
}

static int gc(int argc, char **argv)
{
    struct err err = { 0 };
    struct store_gc counts = { 0 };
    char bytes[32];
    int status = operands(&gc_options, argc, argv, 0, 0);
    struct store *store = status >= 0 ? NULL : docker_store(gc_options.tool, STORE_WRITE);
    if (!store)
        return status >= 0 ? status : 1;
    int result = store_collect(store, container_uses_layer, store, &counts, &err);
    if (result == 0)
        printf("removed: blobs %llu (%s), unpacked layers %llu\n", (unsigned long long)counts.blobs,
               bytes_text(counts.bytes, bytes), (unsigned long long)counts.layers);
    return finish(&gc_options, store, result, &err);
}

static void print_wrong(const char *what, void *data)
{
    printf("%s\n", what);
}

static int fsck(int argc, char **argv)
{
    struct err err = { 0 };
    int status = operands(&fsck_options, argc, argv, 0, 0);
    struct store *store = status >= 0 ? NULL : docker_store(fsck_options.tool, STORE_READ);
    if (!store)
        return status >= 0 ? status : 1;
    int wrong = store_check(store, print_wrong, NULL, &err);
    if (wrong == 0)
        printf("%s: all is whole\n", store_path(store));
    status = finish(&fsck_options, store, wrong, &err);
    return wrong > 0 ? 1 : status;
}

/* --- the verbs --- */

static const struct verb {
    const char *name;
    char *called; /* argv[0] of the verb */
    int (*run)(int argc, char **argv);
    const char *summary;
} verbs[] = {
    { "from-rootfs", (char[]){ "teachroot image from-rootfs" }, from_rootfs, "an image from a directory" },
    { "from-host", (char[]){ "teachroot image from-host" }, from_host, "an image from programs of this machine" },
    { "import", (char[]){ "teachroot image import" }, import_main, "an image from the archive of a root filesystem" },
    { "load", (char[]){ "teachroot image load" }, load_main, "images from an archive" },
    { "save", (char[]){ "teachroot image save" }, save_main, "images to an archive" },
    { "ls", (char[]){ "teachroot image ls" }, ls, "list images" },
    { "gc", (char[]){ "teachroot image gc" }, gc, "remove what no image needs" },
    { "fsck", (char[]){ "teachroot image fsck" }, fsck, "check the image store" },
};

static int help(FILE *out)
{
    fputs("usage: teachroot image VERB [OPTION]… [ARGUMENT]…\n\n"
          "Makes images and looks after them. `teachroot image VERB --help` says more.\n\n",
          out);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        fprintf(out, "  %-12s %s\n", verbs[i].name, verbs[i].summary);
    fputs("\nThey are kept in images/ of the user's cache, and all labs see them. In a lab they\n"
          "are kept in /var/lib/docker, and are that lab's own. $TEACHROOT_STORE names another\n"
          "directory; no lab sees what is kept there.\n",
          out);
    return fflush(out) == 0 ? 0 : 1;
}

int image_main(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return help(stdout);
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(argv[1], verbs[i].name) == 0) {
            argv[1] = verbs[i].called;
            return verbs[i].run(argc - 1, argv + 1);
        }
    if (argc > 1)
        fprintf(stderr, "%s: there is no verb `%s`\n", argv[0], argv[1]);
    help(stderr);
    return 125;
}
