/* Which image of an index is the one for a machine. The order of preference is containerd's: the variant asked for, then those before it, which the machine also runs. */
#include "engine/image/registry_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names that are in use for one and the same. */
static const struct {
    const char *name, *architecture, *variant;
} synonyms[] = {
    { "x86_64", "amd64", NULL },  { "x86-64", "amd64", NULL }, { "i386", "386", NULL },  { "i686", "386", NULL },
    { "aarch64", "arm64", NULL }, { "armhf", "arm", "v7" },    { "armel", "arm", "v6" },
};

/* An architecture's variants in the order in which each also runs what is for those after it; the first letter of the row is what `arm64` and `arm` mean when they have none. */
static const struct {
    const char *architecture, *usual;
    const char *variants[8];
} ladders[] = {
    { "arm64", "v8", { "v9", "v8" } },
    { "arm", "v7", { "v8", "v7", "v6", "v5" } },
    { "amd64", "v1", { "v4", "v3", "v2", "v1" } },
};
enum { LADDERS = sizeof ladders / sizeof *ladders, RUNGS = sizeof ladders[0].variants / sizeof *ladders[0].variants };

static void put(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

/* One platform has one spelling: no variant is the usual one. */
static void normalize(struct registry_platform *platform)
{
    for (size_t i = 0; i < sizeof synonyms / sizeof *synonyms; i++)
        if (strcmp(platform->architecture, synonyms[i].name) == 0) {
            put(platform->architecture, sizeof platform->architecture, synonyms[i].architecture);
            if (synonyms[i].variant && !platform->variant[0])
                put(platform->variant, sizeof platform->variant, synonyms[i].variant);
        }
    if (strcmp(platform->variant, "8") == 0 || strcmp(platform->variant, "7") == 0 ||
        strcmp(platform->variant, "6") == 0 || strcmp(platform->variant, "5") == 0) {
        platform->variant[1] = platform->variant[0];
        platform->variant[0] = 'v';
        platform->variant[2] = '\0';
    }
    for (size_t i = 0; i < LADDERS; i++)
        if (!platform->variant[0] && strcmp(platform->architecture, ladders[i].architecture) == 0)
            put(platform->variant, sizeof platform->variant, ladders[i].usual);
}

static bool known_os(const char *text)
{
    static const char *const all[] = { "linux", "windows", "freebsd", "darwin", "netbsd", "openbsd", "solaris" };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(text, all[i]) == 0)
            return true;
    return false;
}

int registry_platform_parse(const char *text, struct registry_platform *platform, struct err *err)
{
    *platform = (struct registry_platform){ .os = "linux" };
    if (!text) {
        put(platform->architecture, sizeof platform->architecture, image_architecture());
        put(platform->variant, sizeof platform->variant, image_variant());
        normalize(platform);
        return 0;
    }
    char copy[96], *parts[4], *rest = copy;
    size_t count = 0;
    if (strlen(text) < sizeof copy) {
        put(copy, sizeof copy, text);
        while (rest && count < 4)
            parts[count++] = strsep(&rest, "/");
    }
    bool ok = count > 0 && count < 4;
    for (size_t i = 0; ok && i < count; i++)
        ok = *parts[i] && strlen(parts[i]) < sizeof platform->os &&
             strspn(parts[i], "abcdefghijklmnopqrstuvwxyz0123456789_.-") == strlen(parts[i]);
    if (!ok || (count == 1 && known_os(parts[0])))
        return err_say(err, EINVAL, "`%.80s` is no platform: OS/ARCHITECTURE[/VARIANT] is wanted, as linux/arm64",
                       text);
    if (count > 1)
        put(platform->os, sizeof platform->os, parts[0]);
    put(platform->architecture, sizeof platform->architecture, parts[count == 1 ? 0 : 1]);
    if (count == 3)
        put(platform->variant, sizeof platform->variant, parts[2]);
    normalize(platform);
    return 0;
}

/* How far @there is from what was asked for: 0 is the very same; -1: it does not run there. */
static int distance(const struct registry_platform *asked, const struct registry_platform *there)
{
    if (strcmp(asked->os, there->os) != 0 || strcmp(asked->architecture, there->architecture) != 0)
        return -1;
    if (strcmp(asked->variant, there->variant) == 0)
        return 0;
    for (size_t i = 0; i < LADDERS; i++) {
        if (strcmp(asked->architecture, ladders[i].architecture) != 0)
            continue;
        int from = -1;
        for (int rung = 0; rung < (int)RUNGS && ladders[i].variants[rung]; rung++) {
            if (strcmp(ladders[i].variants[rung], asked->variant) == 0)
                from = rung;
            else if (from >= 0 && strcmp(ladders[i].variants[rung], there->variant) == 0)
                return rung - from;
        }
    }
    return -1;
}

static const char *string_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

const json_t *registry_platform_choose(const json_t *index, const struct registry_platform *platform, struct err *err)
{
    const json_t *best = NULL;
    int least = -1;
    char there[512] = "";
    size_t i, used = 0;
    json_t *entry;
    json_array_foreach(json_object_get(index, "manifests"), i, entry)
    {
        const json_t *object = json_object_get(entry, "platform");
        struct registry_platform is = { 0 };
        if (object) { /* one without is for any, where none says that it is for this one */
            put(is.os, sizeof is.os, string_of(object, "os"));
            put(is.architecture, sizeof is.architecture, string_of(object, "architecture"));
            put(is.variant, sizeof is.variant, string_of(object, "variant"));
            if (used < sizeof there - 100 && strcmp(is.os, "unknown") != 0) /* what is attached to images has that */
                used += (size_t)snprintf(there + used, sizeof there - used, "%s%s/%s%s%s", used ? ", " : "", is.os,
                                         is.architecture, is.variant[0] ? "/" : "", is.variant);
            normalize(&is);
        }
        int far = object ? distance(platform, &is) : RUNGS;
        if (far >= 0 && (!best || far < least)) {
            best = entry;
            least = far;
        }
    }
    if (!best)
        err_say(err, ENOENT, "no matching manifest for %s/%s%s%s in the manifest list entries: %s", platform->os,
                platform->architecture, platform->variant[0] ? "/" : "", platform->variant,
                used ? there : "there are none");
    return best;
}
