/* docker pull: an image from a registry. */
#include "engine/transfer/transfer.h"

#include "engine/docker/docker.h"
#include "engine/docker/options_internal.h"
#include "engine/transfer/layer_progress.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct layer_words words = { "Pulling fs layer", "Already exists", "Downloading", "Extracting",
                                          "Pull complete" };

struct pull_request {
    const char *verb;
    struct reference reference;
    struct registry_options options;
    bool quiet, tagged; /* @tagged: the tag was named */
};

static int report(const struct pull_request *request, const struct registry_pulled *pulled)
{
    char full[700], familiar[700];
    reference_full(&request->reference, full, sizeof full);
    reference_familiar(&request->reference, familiar, sizeof familiar);
    if (!request->quiet)
        printf("Digest: %s\nStatus: %s for %s\n", pulled->digest.text,
               pulled->fresh ? "Downloaded newer image" : "Image is up to date", familiar);
    printf("%s\n", full);
    if (fflush(stdout) == 0)
        return 0;
    fprintf(stderr, "%s: cannot write to standard output\n", request->verb);
    return 1;
}

static int pull(const struct pull_request *request)
{
    const struct reference *reference = &request->reference;
    struct store *store = docker_store(request->verb, STORE_WRITE);
    if (!store)
        return 1;
    struct layer_progress *progress = layer_progress_start(request->verb, &words, request->quiet);
    struct registry_pulled pulled = { 0 };
    struct err err = { 0 };
    if (!request->quiet && !request->tagged)
        fprintf(stderr, "Using default tag: latest\n");
    if (!request->quiet)
        fprintf(stderr, "%s: Pulling from %s\n", *reference->digest.text ? reference->digest.text : reference->tag,
                reference->repository);
    int rc = !progress ? err_set(&err, ENOMEM, "show what happens")
                       : registry_pull(store, reference, &request->options, layer_progress_watch(progress), NULL,
                                       &pulled, &err);
    if (progress)
        layer_progress_end(progress);
    store_close(store);
    if (rc == 0)
        return report(request, &pulled);
    end_if_interrupted(request->verb, "what has arrived is kept, and taken up by the next pull");
    fprintf(stderr, "%s: %s\n", request->verb, err.message);
    return 1;
}

int pull_main(int argc, char **argv)
{
    /* Only an image that docker is to use here is unpacked. */
    struct pull_request request = { .verb = argv[0], .options.unpack = strncmp(argv[0], "docker", 6) == 0 };
    struct tool_parser parser;
    struct err err = { 0 };
    tool_parse(&parser, &docker_pull_options, argc, argv);
    for (int id; (id = tool_parse_next(&parser)) != -1;) {
        switch (id) {
        case 'q':
            request.quiet = true;
            break;
        case DOCKER_PLATFORM:
            request.options.platform = optarg;
            break;
        default:
            break;
        }
    }
    if (parser.ended)
        return parser.status;
    if (argc - optind != 1)
        return tool_wrong(&docker_pull_options, argc == optind ? "which image?" : "one image at a time");
    struct image_platform platform;
    if (reference_parse(argv[optind], &request.reference, &err) < 0 ||
        image_platform_parse(request.options.platform, &platform, &err) < 0)
        return tool_wrong(&docker_pull_options, "%s", err.message);
    const char *last = strrchr(argv[optind], '/');
    request.tagged = strpbrk(last ? last : argv[optind], ":@") != NULL;
    return pull(&request);
}
