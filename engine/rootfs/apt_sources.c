/* Which archive this machine's apt takes a suite from: sources.list(5), in its one-line and its deb822 form. */
#include "engine/rootfs/bootstrap.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

struct search {
    const char *suite;
    char exact[256]; /* an archive that has the suite */
    char same[256];  /* one of the distribution's kind */
    char kind[16];   /* "debian" or "ubuntu": how the path of such archives ends; "": unknown */
};

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = words; *at;) {
        at += strspn(at, " \t");
        size_t n = strcspn(at, " \t");
        if (n == len && memcmp(at, word, n) == 0)
            return true;
        at += n;
    }
    return false;
}

static void consider(struct search *search, const char *uris, const char *suites)
{
    struct bootstrap_request request = { .suite = "" };
    uris += strspn(uris, " \t");
    char uri[256];
    snprintf(uri, sizeof uri, "%.*s", (int)strcspn(uris, " \t"), uris);
    if (bootstrap_set(&request, "mirror", uri, NULL) < 0 || !request.mirror[0])
        return;
    if (!search->exact[0] && has_word(suites, search->suite))
        memcpy(search->exact, request.mirror, sizeof search->exact);
    const char *end = strrchr(request.mirror, '/');
    if (!search->same[0] && search->kind[0] && end && strcmp(end + 1, search->kind) == 0)
        memcpy(search->same, request.mirror, sizeof search->same);
}

/* deb [options] URI SUITE COMPONENT… */
static void read_line(struct search *search, char *line)
{
    if (strncmp(line, "deb ", 4) != 0 && strncmp(line, "deb\t", 4) != 0)
        return;
    char *at = line + 4;
    at += strspn(at, " \t");
    if (*at == '[') {
        at += strcspn(at, "]");
        at += *at == ']';
    }
    at += strspn(at, " \t");
    char *suite = at + strcspn(at, " \t");
    if (!*suite)
        return;
    *suite++ = '\0';
    suite += strspn(suite, " \t");
    suite[strcspn(suite, " \t")] = '\0';
    consider(search, at, suite);
}

struct stanza {
    char types[64], uris[512], suites[512];
    bool disabled;
};

static void end_stanza(struct search *search, struct stanza *stanza)
{
    if (!stanza->disabled && has_word(stanza->types, "deb") && stanza->uris[0])
        consider(search, stanza->uris, stanza->suites);
    memset(stanza, 0, sizeof *stanza);
}

static void read_field(struct stanza *stanza, const char *line)
{
    const char *colon = strchr(line, ':');
    size_t len = colon ? (size_t)(colon - line) : 0;
    if (len == 5 && strncasecmp(line, "Types", 5) == 0)
        snprintf(stanza->types, sizeof stanza->types, "%s", colon + 1);
    else if (len == 4 && strncasecmp(line, "URIs", 4) == 0)
        snprintf(stanza->uris, sizeof stanza->uris, "%s", colon + 1);
    else if (len == 6 && strncasecmp(line, "Suites", 6) == 0)
        snprintf(stanza->suites, sizeof stanza->suites, "%s", colon + 1);
    else if (len == 7 && strncasecmp(line, "Enabled", 7) == 0)
        stanza->disabled = has_word(colon + 1, "no");
}

static void read_source(struct search *search, const char *path, bool stanzas)
{
    cleanup_file FILE *f = fopen(path, "re");
    cleanup_free char *line = NULL;
    size_t size = 0;
    struct stanza stanza = { .disabled = false };
    while (f && getline(&line, &size, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#')
            continue;
        if (!stanzas)
            read_line(search, line + strspn(line, " \t"));
        else if (!line[strspn(line, " \t")])
            end_stanza(search, &stanza);
        else
            read_field(&stanza, line);
    }
    end_stanza(search, &stanza);
}

/* The scripts of a distribution's suites are links to one of two of theirs. */
static void find_kind(struct search *search, const char *root)
{
    char path[PATH_MAX], target[64];
    snprintf(path, sizeof path, "%s/usr/share/debootstrap/scripts/%s", root, search->suite);
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n > 0 ? n : 0] = '\0';
    const char *script = n > 0 ? target : search->suite;
    if (strcmp(script, "sid") == 0)
        snprintf(search->kind, sizeof search->kind, "debian");
    else if (strcmp(script, "gutsy") == 0)
        snprintf(search->kind, sizeof search->kind, "ubuntu");
}

int bootstrap_mirror(const char *root, const char *suite, char *mirror, size_t size, struct err *err)
{
    struct search search = { .suite = suite };
    char path[PATH_MAX];
    find_kind(&search, root);
    snprintf(path, sizeof path, "%s/etc/apt/sources.list", root);
    read_source(&search, path, false);
    snprintf(path, sizeof path, "%s/etc/apt/sources.list.d", root);
    cleanup_dir DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        const char *dot = strrchr(entry->d_name, '.');
        char file[PATH_MAX + 300];
        if (!dot || (strcmp(dot, ".list") != 0 && strcmp(dot, ".sources") != 0))
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        read_source(&search, file, strcmp(dot, ".sources") == 0);
    }
    const char *found = search.exact[0] ? search.exact : search.same;
    if (!found[0])
        return err_say(err, ENOENT, "no source of `%s` is known to this machine's apt", suite);
    snprintf(mirror, size, "%s", found);
    return 0;
}
