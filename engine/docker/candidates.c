/* Names for completion: of the images and containers of a lab, read from outside. */
#include "engine/docker/docker.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/image/reference.h"
#include "engine/lab/lab.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#define CONTAINERS 200
#define RECORD ((size_t)64 << 10)

struct offering {
    void (*each)(const char *name, void *data);
    void *data;
};

/* As docker shows it, and without the tag that is meant where there is none. */
static void offer_image(const char *name, void *data)
{
    static const char latest[] = ":latest";
    const struct offering *offering = data;
    struct reference reference;
    char text[700];
    if (reference_parse(name, &reference, NULL) < 0)
        return;
    reference_familiar(&reference, text, sizeof text);
    size_t length = strlen(text), tag = sizeof latest - 1;
    offering->each(text, offering->data);
    if (length > tag && strcmp(text + length - tag, latest) == 0) {
        text[length - tag] = '\0';
        offering->each(text, offering->data);
    }
}

/* One that docker would have given. */
static bool is_name(const char *name)
{
    for (const char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("_.-", *at))
            return false;
    return isalnum((unsigned char)*name) && strlen(name) < CONTAINER_NAME;
}

static void offer_containers(int root, const struct offering *offering)
{
    int fd = open_policy(root, LAB_STORE "/containers", OPEN_IN_ROOT_DIRECTORY, NULL);
    cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    if (fd >= 0 && !dir)
        close(fd);
    for (unsigned read = 0; dir && read < CONTAINERS && (entry = readdir(dir)); read++) {
        char path[NAME_MAX + 32];
        snprintf(path, sizeof path, "%s/container.json", entry->d_name);
        json_t *json = *entry->d_name == '.' ? NULL : store_peek_json(dirfd(dir), path, RECORD);
        const char *name = json_string_value(json_object_get(json, "Name"));
        if (name && is_name(name))
            offering->each(name, offering->data);
        json_decref(json);
    }
}

void docker_candidates(int root, enum docker_operand operand, void (*each)(const char *name, void *data), void *data)
{
    struct offering offering = { each, data };
    bool images = operand == DOCKER_IMAGE || operand == DOCKER_IMAGE_FIRST || operand == DOCKER_EITHER;
    if (images) {
        store_peek_names(root, LAB_STORE, offer_image, &offering);
        store_peek_names(root, LAB_CACHE "/images", offer_image, &offering);
    }
    if (operand == DOCKER_CONTAINER || operand == DOCKER_EITHER)
        offer_containers(root, &offering);
}
