/* Who we are: passwords from the files that docker, podman and skopeo log in to, and what a registry's challenge and its token server say. */
#include "engine/image/registry_internal.h"

#include "engine/base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *base64_encode(const char *text)
{
    size_t size = strlen(text), at = 0;
    const unsigned char *bytes = (const unsigned char *)text;
    char *out = malloc((size + 2) / 3 * 4 + 1);
    for (size_t i = 0; out && i < size; i += 3) {
        unsigned v = (unsigned)bytes[i] << 16 | (i + 1 < size ? (unsigned)bytes[i + 1] << 8 : 0) |
                     (i + 2 < size ? bytes[i + 2] : 0);
        for (size_t digit = 0; digit < 4; digit++)
            out[at++] = i + digit > size ? '=' : base64_digits[v >> (18 - 6 * digit) & 63];
    }
    if (out)
        out[at] = '\0';
    return out;
}

/* NULL: it is no base64, or has a NUL byte in it. */
static char *base64_decode(const char *text)
{
    size_t length = strcspn(text, "="), at = 0;
    char *out = malloc(length + 1);
    unsigned v = 0;
    for (size_t i = 0; out && i < length; i++) {
        const char *digit = strchr(base64_digits, text[i]);
        if (!digit) {
            free(out);
            return NULL;
        }
        v = v << 6 | (unsigned)(digit - base64_digits);
        if (i % 4 != 0)
            out[at++] = (char)(v >> (6 - 2 * (i % 4)));
    }
    if (out && memchr(out, '\0', at)) {
        free(out);
        return NULL;
    }
    if (out)
        out[at] = '\0';
    return out;
}

/* --- the files --- */

/* "https://index.docker.io/v1/" is what docker has always called its own; some tools write a scheme before other hosts too. */
static void plain_key(const char *key, char *plain, size_t size)
{
    if (strncmp(key, "https://", 8) == 0)
        key += 8;
    else if (strncmp(key, "http://", 7) == 0)
        key += 7;
    static const char *const hub[] = { "index.docker.io", "registry-1.docker.io" };
    size_t host = strcspn(key, "/");
    const char *rest = key + host;
    if (strcmp(rest, "/v1/") == 0 || strcmp(rest, "/v1") == 0 || strcmp(rest, "/v2/") == 0 || strcmp(rest, "/") == 0)
        rest = "";
    for (size_t i = 0; i < 2; i++)
        if (host == strlen(hub[i]) && strncmp(key, hub[i], host) == 0) {
            key = "docker.io";
            host = strlen(key);
        }
    snprintf(plain, size, "%.*s%s", (int)host, key, rest);
}

/* The entry whose key is @name or the longest path before it. */
static const json_t *find_entry(const json_t *auths, const char *name)
{
    const json_t *best = NULL;
    size_t longest = 0;
    const char *key;
    json_t *entry;
    json_object_foreach((json_t *)(uintptr_t)auths, key, entry)
    {
        char plain[600];
        plain_key(key, plain, sizeof plain);
        size_t length = strlen(plain);
        if (length > longest && strncmp(name, plain, length) == 0 && (name[length] == '/' || !name[length])) {
            best = entry;
            longest = length;
        }
    }
    return best;
}

static int read_entry(const json_t *entry, const char *path, const char *name, struct registry_login *login,
                      struct err *err)
{
    const char *auth = json_string_value(json_object_get(entry, "auth"));
    const char *user = json_string_value(json_object_get(entry, "username"));
    const char *password = json_string_value(json_object_get(entry, "password"));
    const char *identity = json_string_value(json_object_get(entry, "identitytoken"));
    cleanup_free char *decoded = NULL;
    if (auth && *auth) {
        decoded = base64_decode(auth);
        char *colon = decoded ? strchr(decoded, ':') : NULL;
        if (!colon)
            return err_say(err, EINVAL, "`%s`: the \"auth\" for `%s` is not USER:PASSWORD in base64", path, name);
        *colon = '\0';
        user = decoded;
        password = colon + 1;
    }
    if (!(user && password && *user) && !(identity && *identity))
        return 0; /* {}: a password helper has it, and is not asked */
    login->user = strdup(user ? user : "");
    login->password = strdup(password ? password : "");
    login->identity = identity && *identity ? strdup(identity) : NULL;
    return login->user && login->password ? 1 : err_set(err, ENOMEM, "read `%s`", path);
}

static int read_auths(const char *path, const char *name, struct registry_login *login, struct err *err)
{
    json_error_t why;
    if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    json_t *file = json_load_file(path, 0, &why);
    if (!file)
        return why.line > 0 ? err_say(err, EINVAL, "`%s`, line %d: %s", path, why.line, why.text)
                            : err_say(err, EINVAL, "`%s`: %s", path, why.text);
    const json_t *entry = find_entry(json_object_get(file, "auths"), name);
    int found = entry ? read_entry(entry, path, name, login, err) : 0;
    json_decref(file);
    return found;
}

int registry_login_find(const char *registry, const char *repository, struct registry_login *login, struct err *err)
{
    const struct {
        const char *variable, *rest;
    } places[] = {
        { "REGISTRY_AUTH_FILE", "" },
        { "XDG_RUNTIME_DIR", "/containers/auth.json" },
        { "XDG_CONFIG_HOME", "/containers/auth.json" },
        { "HOME", "/.config/containers/auth.json" },
        { "DOCKER_CONFIG", "/config.json" },
        { "HOME", "/.docker/config.json" },
    };
    char name[600];
    *login = (struct registry_login){ 0 };
    snprintf(name, sizeof name, "%s/%s", registry, repository);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char path[PATH_MAX];
        const char *base = getenv(places[i].variable);
        if (!base || !*base)
            continue;
        snprintf(path, sizeof path, "%s%s", base, places[i].rest);
        int found = read_auths(path, name, login, err);
        if (found != 0)
            return found;
    }
    return 0;
}

void registry_login_free(struct registry_login *login)
{
    free(login->user);
    free(login->password);
    free(login->identity);
    *login = (struct registry_login){ 0 };
}

char *registry_basic(const struct registry_login *login)
{
    cleanup_free char *both = NULL;
    char *text = NULL;
    if (asprintf(&both, "%s:%s", login->user, login->password) < 0)
        return NULL;
    cleanup_free char *encoded = base64_encode(both);
    return encoded && asprintf(&text, "Basic %s", encoded) >= 0 ? text : NULL;
}

/* --- challenge and token: RFC 9110, section 11; the distribution project's token specification --- */

/* One NAME=VALUE or NAME="VALUE" at *@at, and the comma after it. */
static bool parameter(const char **at, char *name, size_t name_size, char *value, size_t value_size)
{
    const char *p = *at + strspn(*at, " \t,");
    size_t length = strcspn(p, "= \t,"), used = 0;
    if (length == 0 || length >= name_size)
        return false;
    snprintf(name, name_size, "%.*s", (int)length, p);
    p += length;
    p += strspn(p, " \t");
    if (*p++ != '=')
        return false;
    p += strspn(p, " \t");
    bool quoted = *p == '"';
    for (p += quoted; *p && (quoted ? *p != '"' : !strchr(" \t,", *p)); p++) {
        if (quoted && *p == '\\' && p[1])
            p++;
        if (used + 1 >= value_size)
            return false;
        value[used++] = *p;
    }
    value[used] = '\0';
    if (quoted && *p++ != '"')
        return false;
    *at = p;
    return true;
}

void registry_challenge_parse(const char *header, struct registry_challenge *challenge)
{
    header += strspn(header, " \t");
    size_t word = strcspn(header, " \t");
    if (word == 5 && strncasecmp(header, "Basic", 5) == 0) {
        if (challenge->scheme == REGISTRY_NO_SCHEME)
            challenge->scheme = REGISTRY_BASIC;
        return;
    }
    if (word != 6 || strncasecmp(header, "Bearer", 6) != 0 || challenge->scheme == REGISTRY_BEARER)
        return;
    struct registry_challenge found = { .scheme = REGISTRY_BEARER };
    const char *at = header + word;
    char name[32], value[sizeof found.realm];
    while (parameter(&at, name, sizeof name, value, sizeof value)) {
        if (strcasecmp(name, "realm") == 0)
            snprintf(found.realm, sizeof found.realm, "%s", value);
        else if (strcasecmp(name, "service") == 0)
            snprintf(found.service, sizeof found.service, "%s", value);
        else if (strcasecmp(name, "scope") == 0)
            snprintf(found.scope, sizeof found.scope, "%s", value);
    }
    if (found.realm[0])
        *challenge = found;
}

char *registry_token_parse(const char *text, size_t size, struct err *err)
{
    json_t *answer = json_loadb(text, size, 0, NULL);
    const char *token = json_string_value(json_object_get(answer, "token"));
    if (!token || !*token)
        token = json_string_value(json_object_get(answer, "access_token"));
    char *copy = NULL;
    if (!token || !*token)
        err_say(err, EPROTO, "its answer has no token");
    else if (strlen(token) > 65536 || strpbrk(token, "\r\n"))
        err_say(err, EPROTO, "its token is no token");
    else if (!(copy = strdup(token)))
        err_set(err, ENOMEM, "keep a token");
    json_decref(answer);
    return copy;
}
