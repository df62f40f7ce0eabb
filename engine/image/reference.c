#include "engine/image/reference.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Registry and repository together, as the reference grammar has it. */
#define NAME_MAX_LENGTH 255
#define TAG_MAX_LENGTH 128

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_word(char c)
{
    return is_lower_or_digit(c) || is_upper(c) || c == '_';
}

/* What stands between two words of a path component: one dot, one or two underscores, any number of dashes. */
static size_t separator(const char *at)
{
    if (*at == '.')
        return 1;
    if (*at == '_')
        return at[1] == '_' ? 2 : 1;
    return strspn(at, "-");
}

/* Where @path stops being words with separators between, joined by slashes; its end if it is that. */
static const char *path_wrong(const char *path)
{
    const char *at = path;
    for (;;) {
        if (!is_lower_or_digit(*at))
            return at;
        while (is_lower_or_digit(*at))
            at++;
        if (!*at)
            return at;
        size_t n = *at == '/' ? 1 : separator(at);
        if (n == 0 || !is_lower_or_digit(at[n]))
            return at;
        at += n;
    }
}

static bool host_ok(const char *host, size_t length)
{
    if (length == 0)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = host[i];
        bool edge = i == 0 || i + 1 == length || host[i - 1] == '.' || host[i + 1] == '.';
        if (!is_lower_or_digit(c) && !is_upper(c) && (edge || c != '-') && (c != '.' || i == 0 || i + 1 == length))
            return false;
        if (c == '.' && i > 0 && host[i - 1] == '.')
            return false;
    }
    return true;
}

/* A host name, an IPv4 address or an IPv6 one in brackets; and perhaps a port. */
static bool registry_ok(const char *registry)
{
    const char *colon = strrchr(registry, ':');
    if (registry[0] == '[') {
        const char *close = strchr(registry, ']');
        if (!close || close == registry + 1 ||
            strspn(registry + 1, "0123456789abcdefABCDEF:.") != (size_t)(close - registry - 1))
            return false;
        colon = close[1] ? close + 1 : NULL;
        if (colon && *colon != ':')
            return false;
    } else if (!host_ok(registry, colon ? (size_t)(colon - registry) : strlen(registry))) {
        return false;
    }
    if (!colon)
        return true;
    size_t digits = strspn(colon + 1, "0123456789");
    return digits > 0 && digits <= 5 && !colon[1 + digits];
}

/* For a message, which is one line: what is not plain ASCII becomes `?`. */
static void show(const char *text, char *shown, size_t size)
{
    size_t i = 0;
    for (; text[i] && i + 1 < size; i++)
        shown[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
    shown[i] = '\0';
}

/* @at: where in @text, or NULL. */
static int wrong(const char *text, struct err *err, const char *why, const char *at)
{
    char whole[300], rest[40];
    show(text, whole, sizeof whole);
    if (!at)
        return err_say(err, EINVAL, "invalid reference format: `%s`: %s", whole, why);
    show(at, rest, sizeof rest);
    return err_say(err, EINVAL, "invalid reference format: `%s`: %s, at `%s`", whole, why, rest);
}

/* Whether the part before the first slash is a registry: it looks like a host, or cannot be part of a repository. */
static bool names_registry(const char *part, size_t length)
{
    if (memchr(part, '.', length) || memchr(part, ':', length) || (length == 9 && memcmp(part, "localhost", 9) == 0))
        return true;
    for (size_t i = 0; i < length; i++)
        if (is_upper(part[i]))
            return true;
    return false;
}

static int parse_tag(const char *text, const char *tag, struct reference *reference, struct err *err)
{
    size_t length = strlen(tag);
    if (length == 0)
        return wrong(text, err, "the tag is empty", NULL);
    if (!is_word(tag[0]))
        return wrong(text, err, "a tag begins with a letter, a digit or `_`", tag);
    for (size_t i = 0; i < length; i++)
        if (!is_word(tag[i]) && tag[i] != '.' && tag[i] != '-')
            return wrong(text, err, "a tag has letters, digits, `_`, `.` and `-`", tag + i);
    if (length > TAG_MAX_LENGTH)
        return wrong(text, err, "the tag is longer than 128 characters", NULL);
    memcpy(reference->tag, tag, length + 1);
    return 0;
}

/* @name: what is left without tag and digest. */
static int parse_name(const char *text, const char *name, struct reference *reference, struct err *err)
{
    const char *slash = strchr(name, '/'), *path = name;
    bool registry = slash && names_registry(name, (size_t)(slash - name));
    if (registry) {
        snprintf(reference->registry, sizeof reference->registry, "%.*s", (int)(slash - name), name);
        path = slash + 1;
        if (!registry_ok(reference->registry))
            return wrong(text, err, "what is before the first `/` is no registry's HOST or HOST:PORT", NULL);
    }
    if (!registry || strcmp(reference->registry, "index.docker.io") == 0)
        strncpy(reference->registry, "docker.io", sizeof reference->registry); /* zeroes the rest */
    if (!*path)
        return wrong(text, err, "it has no repository name", NULL);
    const char *at = path_wrong(path);
    if (is_upper(*at) || (*at && is_upper(at[1])))
        return wrong(text, err, "a repository name must be lowercase", at);
    if (*at)
        return wrong(text, err,
                     "a repository name has lowercase letters and digits, with `.`, `_`, `__` or `-` between, and `/`",
                     at);
    if (at[-1] == '/')
        return wrong(text, err, "a repository name does not end with `/`", NULL);
    bool official = strcmp(reference->registry, "docker.io") == 0 && !strchr(path, '/');
    int length =
        snprintf(reference->repository, sizeof reference->repository, "%s%s", official ? "library/" : "", path);
    if (length < 0 || (size_t)length + strlen(reference->registry) + 1 > NAME_MAX_LENGTH)
        return wrong(text, err, "the name is longer than 255 characters", NULL);
    return 0;
}

int reference_parse(const char *text, struct reference *reference, struct err *err)
{
    char name[NAME_MAX_LENGTH + TAG_MAX_LENGTH + 2];
    *reference = (struct reference){ 0 };
    if (!*text)
        return err_say(err, EINVAL, "invalid reference format: the name is empty; it is NAME[:TAG] or NAME@DIGEST");
    const char *digest = strchr(text, '@');
    size_t length = digest ? (size_t)(digest - text) : strlen(text);
    if (digest && digest_parse(digest + 1, &reference->digest, NULL) < 0)
        return wrong(text, err, "after `@` stands a digest, `sha256:` and 64 hexadecimal digits", digest);
    if (length >= sizeof name)
        return wrong(text, err, "the name is longer than 255 characters", NULL);
    memcpy(name, text, length);
    name[length] = '\0';
    if (length == 64 && strspn(name, "0123456789abcdef") == 64)
        return wrong(text, err, "64 hexadecimal digits are an image's id, not a name", NULL);
    char *colon = strrchr(name, ':');
    if (colon && !strchr(colon, '/')) {
        if (parse_tag(text, colon + 1, reference, err) < 0)
            return -1;
        *colon = '\0';
    } else if (!digest) {
        strcpy(reference->tag, "latest");
    }
    return parse_name(text, name, reference, err);
}

static void write_name(const struct reference *reference, const char *registry, const char *repository, char *text,
                       size_t size)
{
    bool digest = reference->digest.text[0];
    snprintf(text, size, "%s%s%s%s%s%s%s", registry, *registry ? "/" : "", repository, reference->tag[0] ? ":" : "",
             reference->tag, digest ? "@" : "", reference->digest.text);
}

void reference_full(const struct reference *reference, char *text, size_t size)
{
    write_name(reference, reference->registry, reference->repository, text, size);
}

/* Without what docker takes for granted. */
static void familiar(const struct reference *reference, const char **registry, const char **repository)
{
    bool hub = strcmp(reference->registry, "docker.io") == 0;
    bool official =
        hub && strncmp(reference->repository, "library/", 8) == 0 && !strchr(reference->repository + 8, '/');
    *registry = hub ? "" : reference->registry;
    *repository = reference->repository + (official ? 8 : 0);
}

void reference_familiar(const struct reference *reference, char *text, size_t size)
{
    const char *registry, *repository;
    familiar(reference, &registry, &repository);
    write_name(reference, registry, repository, text, size);
}

void reference_familiar_repository(const struct reference *reference, char *text, size_t size)
{
    const char *registry, *repository;
    familiar(reference, &registry, &repository);
    snprintf(text, size, "%s%s%s", registry, *registry ? "/" : "", repository);
}
