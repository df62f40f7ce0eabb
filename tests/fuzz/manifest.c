/* Any bytes as a manifest, a config, an index, an instruction, and as an archive of images: an image or an error with its reason, never a crash, a leak, a hang, or something left in the store. */
#include "engine/image/change.h"
#include "engine/image/image.h"

#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];
static struct store *store;

static void remove_store(void)
{
    char command[96];
    store_close(store);
    snprintf(command, sizeof command, "rm -rf %s", path);
    if (system(command) != 0)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    snprintf(path, sizeof path, "/tmp/teachroot-test-fuzz.XXXXXX");
    if (!mkdtemp(path) || !(store = store_open(path, STORE_WRITE, NULL, NULL)))
        abort();
    atexit(remove_store);
    return 0;
}

static void failed(const struct err *err)
{
    if (!err->code || !*err->message)
        abort();
}

/* The manifest up to a NUL, the config after it. */
static void use_documents(const char *data, size_t size)
{
    struct image image;
    struct err err = { 0 };
    size_t manifest = strnlen(data, size);
    const char *config = manifest < size ? data + manifest + 1 : NULL;
    if (image_parse(data, manifest, config, config ? size - manifest - 1 : 0, &image, &err) < 0) {
        failed(&err);
        return;
    }
    if (image.layer_count > IMAGE_LAYERS || !*image.config.text || !image.manifest_json ||
        image.size > (uint64_t)INT64_MAX)
        abort();
    image_close(&image);
}

static void use_index(const char *data, size_t size)
{
    struct digest digest, again;
    struct err err = { 0 };
    uint64_t bytes;
    json_t *json = json_loadb(data, size, 0, NULL);
    if (!json)
        return;
    if (image_select(json, "linux/arm/v7", &digest, &bytes, &err) < 0)
        failed(&err);
    else if (digest_parse(digest.text, &again, NULL) < 0)
        abort();
    json_decref(json);
}

static void use_instruction(const char *data, size_t size)
{
    struct err err = { 0 };
    char *text = strndup(data, size);
    json_t *config = json_object();
    if (text && image_change(config, text, &err) < 0)
        failed(&err);
    json_decref(config);
    free(text);
}

static void loaded(const char *name, const struct digest *id, void *data)
{
    ++*(unsigned *)data;
}

static void use_archive(const char *data, size_t size)
{
    struct err err = { 0 };
    char ingest[96];
    unsigned images = 0;
    if (image_load(store, source_memory(data, size, &err), loaded, &images, NULL, &err) < 0)
        failed(&err);
    else if (images == 0)
        abort();
    snprintf(ingest, sizeof ingest, "%s/.ingest", path);
    DIR *dir = opendir(ingest);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            abort();
    closedir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    use_documents((const char *)data, size);
    use_index((const char *)data, size);
    use_instruction((const char *)data, size);
    use_archive((const char *)data, size);
    return 0;
}
