#include "engine/rootfs/bootstrap.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define ALNUM LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* One row a part of a request. Reading, checking, writing, naming and the command line all go by it. */
static const struct part {
    const char *name;
    size_t offset, size;
    const char *allowed; /* the characters it may have */
    const char *option;  /* debootstrap's, with the value behind it; NULL: a positional argument, or of another form */
} parts[] = {
#define PART(member, name, allowed, option)                                                                            \
    {                                                                                                                  \
        name, offsetof(struct bootstrap_request, member), sizeof((struct bootstrap_request *)0)->member, allowed,      \
            option                                                                                                     \
    }
    PART(suite, "suite", ALNUM "._+-", NULL),
    PART(arch, "arch", LOWER "-", "--arch"),
    PART(variant, "variant", LOWER, "--variant"),
    PART(mirror, "mirror", ALNUM "._~+:/%-", NULL),
    PART(components, "components", LOWER "-,/", "--components"),
    PART(include, "include", LOWER ".+,-", "--include"),
    PART(exclude, "exclude", LOWER ".+,-", "--exclude"),
    PART(extra_suites, "extra-suites", ALNUM "._+,-", "--extra-suites"),
    PART(merged_usr, "merged-usr", "yesno", NULL),
    PART(resolve_deps, "resolve-deps", "no", NULL),
#undef PART
};
static const size_t part_count = sizeof parts / sizeof *parts;

static char *value_of(struct bootstrap_request *request, const struct part *part)
{
    return (char *)request + part->offset;
}

static const char *get(const struct bootstrap_request *request, const struct part *part)
{
    return (const char *)request + part->offset;
}

static bool is_mirror(const char *value)
{
    static const char *const schemes[] = { "http://", "https://", "file:///" };
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i]);
        if (strncmp(value, schemes[i], len) == 0 && isalnum((unsigned char)value[len]))
            return true;
    }
    return false;
}

int bootstrap_set(struct bootstrap_request *request, const char *name, const char *value, struct err *err)
{
    const struct part *part = NULL;
    for (size_t i = 0; i < part_count && !part; i++)
        if (strcmp(parts[i].name, name) == 0)
            part = &parts[i];
    if (!part)
        return err_say(err, EINVAL, "a root filesystem is not described by `%.40s`", name);
    size_t len = strlen(value), good = strspn(value, part->allowed);
    if (len >= part->size)
        return err_say(err, EINVAL, "%s is too long: %zu characters, at most %zu", name, len, part->size - 1);
    if (good < len)
        return err_say(err, EINVAL, "%s cannot be `%.80s`: no such name has `%c` in it", name, value,
                       isprint((unsigned char)value[good]) ? value[good] : '?');
    if (part->offset == offsetof(struct bootstrap_request, mirror)) {
        if (len && !is_mirror(value))
            return err_say(err, EINVAL, "mirror `%.120s`: expected http://…, https://… or file:///…", value);
        while (len > 0 && value[len - 1] == '/')
            len--;
    } else if (len && !isalnum((unsigned char)*value)) {
        return err_say(err, EINVAL, "%s cannot be `%.80s`: it must begin with a letter or a digit", name, value);
    }
    if (strstr(value, "..") ||
        (strcmp(name, "merged-usr") == 0 && strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) ||
        (strcmp(name, "resolve-deps") == 0 && strcmp(value, "no") != 0))
        return err_say(err, EINVAL, "%s cannot be `%.80s`", name, value);
    snprintf(value_of(request, part), part->size, "%.*s", (int)len, value);
    return 0;
}

int bootstrap_to_text(const struct bootstrap_request *request, char *text, size_t size, struct err *err)
{
    size_t len = 0;
    for (size_t i = 0; i < part_count; i++) {
        if (!*get(request, &parts[i]))
            continue;
        int n = snprintf(text + len, size - len, "%s %s\n", parts[i].name, get(request, &parts[i]));
        if (n < 0 || (size_t)n >= size - len)
            return err_set(err, ENAMETOOLONG, "describe a root filesystem");
        len += (size_t)n;
    }
    return (int)len;
}

int bootstrap_from_text(struct bootstrap_request *request, char *text, struct err *err)
{
    memset(request, 0, sizeof *request);
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        char *value = strchr(line, ' ');
        if (!*line && !rest)
            break;
        if (!value)
            return err_say(err, EINVAL, "a line without a value: `%.40s`", line);
        *value++ = '\0';
        if (bootstrap_set(request, line, value, err) < 0)
            return -1;
    }
    if (!request->suite[0] || !request->arch[0] || !request->mirror[0])
        return err_say(err, EINVAL, "a suite, an architecture and a mirror must be given");
    return 0;
}

/* `,` separates the parts and `=` a part's name from its value; these and all else that is no plain character become %XX. */
static int put(char **at, const char *end, const char *value, bool plain)
{
    static const char hex[] = "0123456789abcdef";
    for (; *value; value++) {
        if (end - *at < 4)
            return -1;
        if (plain || strchr(ALNUM "._+-", *value)) {
            *(*at)++ = *value;
        } else {
            *(*at)++ = '%';
            *(*at)++ = hex[(unsigned char)*value >> 4];
            *(*at)++ = hex[(unsigned char)*value & 15];
        }
    }
    **at = '\0';
    return 0;
}

int bootstrap_name(const struct bootstrap_request *request, char *name, size_t size, struct err *err)
{
    char *at = name;
    const char *end =
        name + (size < 240 ? size : 240); /* a file name has at most 255 bytes, and a temporary one is longer */
    for (size_t i = 0; i < part_count; i++) {
        const char *value = get(request, &parts[i]);
        bool first = at == name;
        if (!*value)
            continue;
        if ((!first && put(&at, end, ",", true) < 0) ||
            (i > 3 && (put(&at, end, parts[i].name, true) < 0 || put(&at, end, "=", true) < 0)) ||
            (i == 2 && put(&at, end, "=", true) < 0) || put(&at, end, value, false) < 0)
            return err_set(err, ENAMETOOLONG, "keep so long a request");
    }
    return 0;
}

static const char *append(struct bootstrap_argv *argv, size_t *used, const char *option, const char *value)
{
    char *at = argv->text + *used;
    int n = snprintf(at, sizeof argv->text - *used, "%s%s%s", option ? option : "", option ? "=" : "", value);
    if (n < 0 || (size_t)n >= sizeof argv->text - *used)
        return NULL;
    *used += (size_t)n + 1;
    return at;
}

int bootstrap_argv(const struct bootstrap_request *request, const char *debootstrap, const char *target,
                   const char *packages, struct bootstrap_argv *argv, struct err *err)
{
    /* Its messages come on fd 3 in the form that an installer reads. The log is put where it would be without that. */
    static const char script[] = "target=$1; shift; mkdir -p \"$target/debootstrap\" || exit 1\n"
                                 "exec 3>&1 >\"$target/debootstrap/debootstrap.log\" 2>&1 && exec \"$@\"";
    static const char *const before[] = { "/bin/sh", "-c", script, "debootstrap" };
    size_t n = 0, used = 0;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        argv->words[n++] = before[i];
    argv->words[n++] = target;
    argv->words[n++] = debootstrap;
    argv->words[n++] = "--debian-installer";
    bool whole = true;
    for (size_t i = 0; i < part_count; i++)
        if (parts[i].option && *get(request, &parts[i]))
            whole &= (argv->words[n++] = append(argv, &used, parts[i].option, get(request, &parts[i]))) != NULL;
    if (packages)
        whole &= (argv->words[n++] = append(argv, &used, "--cache-dir", packages)) != NULL;
    if (request->merged_usr[0])
        argv->words[n++] = strcmp(request->merged_usr, "yes") == 0 ? "--merged-usr" : "--no-merged-usr";
    if (request->resolve_deps[0])
        argv->words[n++] = "--no-resolve-deps";
    argv->words[n++] = request->suite;
    argv->words[n++] = target;
    if (request->mirror[0])
        argv->words[n++] = request->mirror;
    argv->words[n] = NULL;
    return whole ? 0 : err_set(err, ENAMETOOLONG, "run debootstrap");
}
