/* docker push: an image to a registry. */
#include "engine/transfer/transfer.h"

#include "engine/docker/docker.h"
#include "engine/transfer/layer_progress.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct layer_words words = { "Preparing", "Layer already exists", "Pushing", "Pushed", "Pushed" };

static int push(const char *verb, const struct reference *reference, bool quiet)
{
    struct store *store = docker_store(verb, STORE_WRITE); /* plain layers are compressed in it */
    if (!store)
        return 1;
    struct layer_progress *progress = layer_progress_start(verb, &words, quiet);
    struct digest manifest;
    struct err err = { 0 };
    char name[700];
    reference_full(reference, name, sizeof name);
    if (!quiet && store_find(store, name, &manifest, NULL) > 0)
        fprintf(stderr, "The push refers to repository [%s/%s]\n", reference->registry, reference->repository);
    int rc = !progress ? err_set(&err, ENOMEM, "show what happens")
                       : registry_push(store, reference, layer_progress_watch(progress), &manifest, &err);
    if (progress)
        layer_progress_end(progress);
    store_close(store);
    if (rc < 0) {
        end_if_interrupted(verb, "layers the registry has whole are not sent again by the next push");
        fprintf(stderr, "%s: %s\n", verb, err.message);
        return 1;
    }
    if (quiet)
        printf("%s\n", name);
    else
        printf("%s: digest: %s\n", reference->tag, manifest.text);
    if (fflush(stdout) == 0)
        return 0;
    fprintf(stderr, "%s: cannot write to standard output\n", verb);
    return 1;
}

int push_main(int argc, char **argv)
{
    struct tool_parser parser;
    struct reference reference;
    struct err err = { 0 };
    bool quiet = false;
    tool_parse(&parser, &docker_push_options, argc, argv);
    for (int id; (id = tool_parse_next(&parser)) != -1;)
        quiet |= id == 'q';
    if (parser.ended)
        return parser.status;
    if (argc - optind != 1)
        return tool_wrong(&docker_push_options, argc == optind ? "which image?" : "one image at a time");
    if (reference_parse(argv[optind], &reference, &err) < 0)
        return tool_wrong(&docker_push_options, "%s", err.message);
    return push(argv[0], &reference, quiet);
}
