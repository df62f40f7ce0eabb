/* docker tag: one more name for an image. */
#include "engine/docker/verbs.h"

#include "engine/image/reference.h"

int docker_tag(int argc, char **argv)
{
    struct tool_parser parser;
    struct reference reference;
    struct image image;
    struct err err = { 0 };
    char name[700];
    tool_parse(&parser, &docker_tag_options, argc, argv);
    tool_parse_next(&parser);
    if (parser.ended)
        return parser.status;
    if (!docker_operands(&parser, 2, 2))
        return 125;
    if (reference_parse(argv[optind + 1], &reference, &err) < 0)
        return docker_error("docker tag", &err);
    if (*reference.digest.text) {
        fprintf(stderr, "docker tag: refusing to create a tag with a digest reference\n");
        return 1;
    }
    struct store *store = docker_store("docker tag", STORE_WRITE);
    if (!store)
        return 1;
    int result = store_hold(store, &err);
    if (result == 0) {
        result = image_open(store, argv[optind], &image, &err);
        if (result == 0) {
            reference_full(&reference, name, sizeof name);
            result = store_set_name(store, name, &image.manifest, image.media, image.manifest_size, &err);
            image_close(&image);
        }
        store_release(store);
    }
    store_close(store);
    return result < 0 ? docker_error("docker tag", &err) : 0;
}
