/* teachroot-transfer: finds the verb, and runs it where its end is looked after. */
#include "engine/transfer/transfer.h"

#include "engine/transfer/common.h"

#include <stdio.h>
#include <string.h>

static const struct verb {
    const char *name;
    char *called; /* argv[0] of the verb */
    int (*run)(int argc, char **argv);
    const char *summary; /* NULL: none that a user types; it only reads, so nobody needs to clear up after it */
} verbs[] = {
    { "create", (char[]){ "docker create" }, create_main, "a container of an image" },
    { "export", (char[]){ "docker export" }, export_main, "an archive of a container's root filesystem" },
    { "image", (char[]){ "teachroot image" }, image_main,
      "images on this machine: from-rootfs, from-host, ls, gc, fsck" },
    { "import", (char[]){ "docker import" }, import_main, "an image from the archive of a root filesystem" },
    { "load", (char[]){ "docker load" }, load_main, "images from an archive of images" },
    { "look", (char[]){ "teachroot-transfer look" }, look_main, NULL },
    { "pull", (char[]){ "docker pull" }, pull_main, "an image from a registry" },
    { "push", (char[]){ "docker push" }, push_main, "an image to a registry" },
    { "save", (char[]){ "docker save" }, save_main, "images to an archive" },
};

static int help(FILE *out)
{
    fputs(
        "usage: teachroot-transfer VERB [OPTION]… [ARGUMENT]…\n\nMoves images and archives, for `docker` in a lab and "
        "`teachroot image`.\n\n",
        out);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (verbs[i].summary)
            fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    return fflush(out) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return help(stdout);
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(argv[1], verbs[i].name) == 0) {
            argv[1] = verbs[i].called;
            return verbs[i].summary ? transfer_supervise(verbs[i].run, argc - 1, argv + 1)
                                    : verbs[i].run(argc - 1, argv + 1);
        }
    if (argc > 1)
        fprintf(stderr, "teachroot-transfer: there is no verb `%s`\n", argv[1]);
    help(stderr);
    return 125;
}
