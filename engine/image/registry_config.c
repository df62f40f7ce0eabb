/* registries.json: which registries have mirrors, and which need no TLS. */
#include "engine/image/registry_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static int wrong(const char *path, struct err *err, const char *what)
{
    return err_say(err, EINVAL, "`%s`: %s", path, what);
}

static bool all_strings(const json_t *array)
{
    size_t i;
    json_t *entry;
    if (!json_is_array(array))
        return false;
    json_array_foreach(array, i, entry) if (!json_is_string(entry)) return false;
    return true;
}

static int check(const json_t *file, const char *path, struct err *err)
{
    if (!json_is_object(file))
        return wrong(path, err, "it must be an object: { \"mirrors\": {…}, \"insecure\": […] }");
    const json_t *insecure = json_object_get(file, "insecure"), *mirrors = json_object_get(file, "mirrors");
    if (insecure && !all_strings(insecure))
        return wrong(path, err, "\"insecure\" must be an array of hosts, HOST:PORTs and networks");
    if (mirrors && !json_is_object(mirrors))
        return wrong(path, err, "\"mirrors\" must be an object: { \"REGISTRY\": [\"URL\"] }");
    const char *key;
    json_t *value, *url;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)mirrors, key, value)
    {
        if (!all_strings(value))
            return wrong(path, err, "\"mirrors\" must have an array of URLs for each registry");
        json_array_foreach(value, i, url)
        {
            const char *text = json_string_value(url);
            if ((strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0) ||
                text[strlen(text) - 1] == '/')
                return err_say(err, EINVAL, "`%s`: mirror `%s` is not a URL as `https://HOST:PORT`", path, text);
        }
    }
    return 0;
}

static int read_one(const char *path, json_t **file, struct err *err)
{
    json_error_t why;
    if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    *file = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    if (!*file)
        return why.line > 0 ? err_say(err, EINVAL, "`%s`, line %d: %s", path, why.line, why.text)
                            : wrong(path, err, why.text);
    return check(*file, path, err);
}

int registry_config_read(struct registry_config *config, struct err *err)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char path[PATH_MAX] = "";
    *config = (struct registry_config){ 0 };
    if (xdg && *xdg == '/')
        snprintf(path, sizeof path, "%s/teachroot/registries.json", xdg);
    else if (home && *home == '/')
        snprintf(path, sizeof path, "%s/.config/teachroot/registries.json", home);
    if ((*path && read_one(path, &config->files[0], err) < 0) ||
        read_one("/etc/teachroot/registries.json", &config->files[1], err) < 0) {
        registry_config_free(config);
        return -1;
    }
    return 0;
}

void registry_config_free(struct registry_config *config)
{
    for (size_t i = 0; i < 2; i++)
        json_decref(config->files[i]);
    *config = (struct registry_config){ 0 };
}

/* An address as 16 bytes, IPv4 mapped as IPv6 has it; *@bits is how many of them its own kind has before them. */
static bool address_parse(const char *text, unsigned char bytes[16], unsigned *offset)
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    *offset = 96;
    memcpy(bytes, mapped, sizeof mapped);
    if (inet_pton(AF_INET, text, bytes + 12) == 1)
        return true;
    if (inet_pton(AF_INET6, text, bytes) != 1)
        return false;
    *offset = 0;
    return true;
}

static bool in_network(const char *host, const char *network)
{
    char text[64];
    const char *slash = strchr(network, '/');
    unsigned char address[16], wanted[16];
    unsigned offset, wanted_offset;
    if (!slash || (size_t)(slash - network) >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)(slash - network), network);
    char *end;
    unsigned long length = strtoul(slash + 1, &end, 10);
    if (end == slash + 1 || *end || !address_parse(text, wanted, &wanted_offset) ||
        !address_parse(host, address, &offset))
        return false;
    length += wanted_offset;
    if (length > 128)
        return false;
    for (unsigned bit = 0; bit < length; bit++)
        if ((address[bit / 8] ^ wanted[bit / 8]) & (0x80 >> bit % 8))
            return false;
    return true;
}

/* @host without its port, and an address without its brackets. */
static void bare_host(const char *host, char *bare, size_t size)
{
    const char *end = host + strlen(host);
    if (*host == '[' && strchr(host, ']'))
        end = strchr(++host, ']');
    else if (strchr(host, ':') && strchr(host, ':') == strrchr(host, ':'))
        end = strchr(host, ':');
    snprintf(bare, size, "%.*s", (int)(end - host), host);
}

static bool listed(const json_t *insecure, const char *host, const char *bare)
{
    size_t i;
    json_t *entry;
    json_array_foreach(insecure, i, entry)
    {
        const char *text = json_string_value(entry);
        if (strcasecmp(text, host) == 0 || strcasecmp(text, bare) == 0 || in_network(bare, text))
            return true;
    }
    return false;
}

bool registry_insecure(const struct registry_config *config, const char *host)
{
    char bare[256];
    bare_host(host, bare, sizeof bare);
    if (strcasecmp(bare, "localhost") == 0 || in_network(bare, "127.0.0.0/8") || in_network(bare, "::1/128"))
        return true;
    for (size_t i = 0; i < 2; i++)
        if (config->files[i] && listed(json_object_get(config->files[i], "insecure"), host, bare))
            return true;
    return false;
}

const char *registry_mirror(const struct registry_config *config, const char *registry, size_t i)
{
    for (size_t file = 0; file < 2; file++) {
        const json_t *list = json_object_get(json_object_get(config->files[file], "mirrors"), registry);
        if (list)
            return json_string_value(json_array_get(list, i));
    }
    return NULL;
}
