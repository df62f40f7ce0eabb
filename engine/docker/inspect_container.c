/* A container in the shape that docker inspect gives it. */
#include "engine/docker/verbs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char *const states[] = { "created", "running", "paused", "exited", "dead" };

/* The overlay its root filesystem is: what `mount -t overlay -o lowerdir=…` would be given. */
static json_t *graph_driver(struct store *store, const struct container *container)
{
    const json_t *layers = json_object_get(container->json, "Layers");
    char path[PATH_MAX], *lower = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&lower, &size);
    bool first = true;
    for (size_t i = json_array_size(layers); out && i-- > 0;) {
        struct digest plain;
        const char *text = json_string_value(json_object_get(json_array_get(layers, i), "DiffID"));
        if (!text || digest_parse(text, &plain, NULL) < 0 ||
            store_layer_path(store, &plain, path, sizeof path, NULL) < 0 || !*path)
            continue;
        fprintf(out, "%s%s", first ? "" : ":", path);
        first = false;
    }
    if (out)
        fclose(out);
    char directory[PATH_MAX];
    snprintf(directory, sizeof directory, "%s/containers/%s", store_path(store), container->id);
    json_t *data = json_pack("{s:s, s:s+, s:s+, s:s+}", "LowerDir", lower ? lower : "", "MergedDir", directory,
                             "/bundle/rootfs", "UpperDir", directory, "/upper", "WorkDir", directory, "/work");
    free(lower);
    return json_pack("{s:o, s:s}", "Data", data, "Name", "overlay");
}

json_t *docker_container_json(struct store *store, const struct container *container, struct err *err)
{
    json_t *record = container->json, *config = json_object_get(record, "Config");
    json_t *arguments = json_array();
    const json_t *const parts[] = { json_object_get(config, "Entrypoint"), json_object_get(config, "Cmd") };
    char bundle[PATH_MAX];
    for (size_t part = 0; part < 2; part++)
        for (size_t i = 0; i < json_array_size(parts[part]); i++)
            json_array_append(arguments, json_array_get(parts[part], i));
    json_t *path = json_array_size(arguments) ? json_incref(json_array_get(arguments, 0)) : json_string("");
    json_array_remove(arguments, 0);
    snprintf(bundle, sizeof bundle, "%s/containers/%s/bundle", store_path(store), container->id);
    json_t *json = json_pack(
        "{s:s, s:O, s:o, s:o, s:{s:s, s:b, s:b, s:b, s:b, s:i, s:i}, s:s, s:s+, s:s, s:s, s:s, s:{s:O*, s:O*}, s:o, "
        "s:[], s:O}",
        "Id", container->id, "Created", json_object_get(record, "Created"), "Path", path, "Args", arguments, "State",
        "Status", states[container->state], "Running", container->state == CONTAINER_RUNNING, "Paused",
        container->state == CONTAINER_PAUSED, "OOMKilled", false, "Dead", container->state == CONTAINER_DEAD, "Pid", 0,
        "ExitCode", 0, "Image", container->image_id.text, "Name", "/", container->name, "Driver", "overlay", "Platform",
        "linux", "BundlePath", bundle, "HostConfig", "AutoRemove", json_object_get(record, "AutoRemove"),
        "ReadonlyRootfs", json_object_get(record, "ReadonlyRootfs"), "GraphDriver", graph_driver(store, container),
        "Mounts", "Config", config);
    if (!json)
        err_say(err, EINVAL, "the settings of container `%s` cannot be shown", container->name);
    return json;
}
