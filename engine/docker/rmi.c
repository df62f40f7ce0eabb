/* docker rmi: names taken away, and with the last of them the image; docker image prune: what nobody needs. */
#include "engine/docker/verbs.h"

#include "engine/base/cleanup.h"
#include "engine/image/reference.h"

#include <string.h>

struct removal {
    struct store *store;
    bool force;
    struct docker_names names;
    const struct image *image;
    char user[CONTAINER_ID]; /* a container made of it */
};

static bool is_of(const struct removal *removal, const struct docker_name *name)
{
    return !name->damage[0] && digest_equal(&name->image.config, &removal->image->config);
}

static void familiar(const char *name, char *text, size_t size)
{
    struct reference reference;
    if (reference_parse(name, &reference, NULL) == 0)
        reference_familiar(&reference, text, size);
    else
        snprintf(text, size, "%s", name);
}

static int refuse_used(const struct removal *removal, const char *what, bool by_name, struct err *err)
{
    const char *id = digest_hex(&removal->image->config);
    return by_name
               ? err_say(
                     err, EBUSY,
                     "conflict: unable to remove repository reference \"%s\" (must force) - container %.12s is using "
                     "its referenced image %.12s",
                     what, removal->user, id)
               : err_say(err, EBUSY,
                         "conflict: unable to delete %.12s (must be forced) - image is being used by stopped container "
                         "%.12s",
                         id, removal->user);
}

static int untag(const struct removal *removal, const struct docker_name *name, bool forget, struct err *err)
{
    char text[700];
    if (store_remove_name(removal->store, name->name, &name->manifest, forget, err) < 0)
        return -1;
    if (name->name) {
        familiar(name->name, text, sizeof text);
        printf("Untagged: %s\n", text);
    }
    return 0;
}

static int finish(const struct removal *removal, struct err *err)
{
    uint64_t bytes;
    return docker_collect(removal->store, removal->image, 1, &bytes, err);
}

/* The one name @full of the image; its last takes the image along. */
static int remove_name(const struct removal *removal, const char *what, const char *full, struct err *err)
{
    const struct docker_name *found = NULL;
    size_t others = 0;
    for (size_t i = 0; i < removal->names.count; i++) {
        const struct docker_name *name = &removal->names.names[i];
        if (!is_of(removal, name))
            continue;
        if (name->name && strcmp(name->name, full) == 0)
            found = name;
        else
            others++;
    }
    if (!found)
        return err_say(err, ENOENT, "No such image: %s", what);
    if (others == 0 && *removal->user && !removal->force)
        return refuse_used(removal, what, true, err);
    if (untag(removal, found, others == 0, err) < 0)
        return -1;
    return others == 0 ? finish(removal, err) : 0;
}

/* By its id: all its names. */
static int remove_image(const struct removal *removal, struct err *err)
{
    size_t own = 0;
    for (size_t i = 0; i < removal->names.count; i++)
        own += is_of(removal, &removal->names.names[i]) && removal->names.names[i].name;
    if (own > 1 && !removal->force)
        return err_say(
            err, EBUSY,
            "conflict: unable to delete %.12s (must be forced) - image is referenced in multiple repositories",
            digest_hex(&removal->image->config));
    if (*removal->user && !removal->force)
        return refuse_used(removal, "", false, err);
    for (size_t i = 0; i < removal->names.count; i++)
        if (is_of(removal, &removal->names.names[i]) && untag(removal, &removal->names.names[i], true, err) < 0)
            return -1;
    return finish(removal, err);
}

static int remove_one(struct store *store, const char *what, bool force, struct err *err)
{
    struct removal removal = { .store = store, .force = force };
    struct reference reference;
    struct digest manifest;
    struct image image;
    char full[700] = "";
    if (image_open(store, what, &image, err) < 0)
        return -1;
    removal.image = &image;
    if (strncmp(what, "sha256:", 7) != 0 && reference_parse(what, &reference, NULL) == 0 && !*reference.digest.text)
        reference_full(&reference, full, sizeof full);
    int named = *full ? store_find(store, full, &manifest, err) : 0;
    int result = named < 0 ? -1 : docker_names_read(store, &removal.names, err);
    if (result == 0)
        result = docker_user_of(store, &image.config, removal.user, err);
    if (result == 0)
        result = named ? remove_name(&removal, what, full, err) : remove_image(&removal, err);
    docker_names_free(&removal.names);
    image_close(&image);
    return result;
}

int docker_rmi(int argc, char **argv)
{
    return docker_remove_each(&docker_rmi_options, STORE_WRITE, remove_one, argc, argv);
}

static bool confirmed(const char *what)
{
    char answer[16];
    printf("WARNING! This will remove all %s.\nAre you sure you want to continue? [y/N] ", what);
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int prune(struct store *store, bool all, struct err *err)
{
    struct docker_names names = { 0 };
    struct removal removal = { .store = store, .force = true };
    uint64_t bytes = 0;
    char size[32];
    size_t count = 0;
    int result = docker_names_read(store, &names, err);
    cleanup_free struct image *gone = calloc(names.count + 1, sizeof *gone);
    if (!gone && result == 0)
        result = err_set(err, ENOMEM, "prune");
    for (size_t i = 0; result == 0 && gone && i < names.count; i++) {
        const struct docker_name *name = &names.names[i];
        char user[CONTAINER_ID];
        if (name->damage[0] || name->below || (name->name && !all))
            continue;
        result = docker_user_of(store, &name->image.config, user, err);
        if (result < 0 || *user)
            continue;
        result = untag(&removal, name, true, err);
        bool known = false; /* by another of its names */
        for (size_t k = 0; k < count; k++)
            known |= digest_equal(&gone[k].config, &name->image.config);
        if (result == 0 && !known)
            gone[count++] = name->image;
    }
    if (result == 0)
        result = docker_collect(store, gone, count, &bytes, err);
    docker_size(bytes, size, sizeof size);
    if (result == 0)
        printf("%sTotal reclaimed space: %s\n", count ? "\n" : "", size);
    docker_names_free(&names);
    return result;
}

int docker_image_prune(int argc, char **argv)
{
    struct tool_parser parser;
    struct err err = { 0 };
    bool all = false, force = false;
    int id;
    tool_parse(&parser, &docker_image_prune_options, argc, argv);
    while ((id = tool_parse_next(&parser)) != -1) {
        all |= id == 'a';
        force |= id == 'f';
    }
    if (parser.ended)
        return parser.status;
    if (!docker_operands(&parser, 0, 0))
        return 125;
    if (!force && !confirmed(all ? "images without at least one container associated to them" : "dangling images"))
        return 0;
    struct store *store = docker_store("docker image prune", STORE_WRITE);
    if (!store)
        return 1;
    int result = prune(store, all, &err);
    store_close(store);
    if (result < 0)
        return docker_error("docker image prune", &err);
    return fflush(stdout) == 0 ? 0 : 1;
}
