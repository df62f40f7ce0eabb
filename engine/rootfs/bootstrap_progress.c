/* debootstrap's messages in the form its installer reads: `I: NAME`, `IA: argument` …, `IF: format` for what it says (W, E likewise), and
 * `P: now end NAME`, `PF: words` for how far it is. */
#include "engine/rootfs/bootstrap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct phase {
    const char *name; /* debootstrap's */
    unsigned number;
    const char *doing;
    bool packages; /* now and end count packages */
} phases[] = {
    { "DOWNREL", 1, "reading the release file", false },       { "DOWNRELSIG", 1, "reading the release file", false },
    { "DOWNPKGS", 2, "reading the lists of packages", false }, { "SIZEDEBS", 3, "downloading packages", false },
    { "DOWNDEBS", 3, "downloading packages", false },          { "EXTRACTPKGS", 4, "extracting packages", true },
    { "INSTCORE", 5, "installing core packages", false },      { "UNPACKREQ", 5, "installing required packages", true },
    { "CONFREQ", 5, "installing required packages", true },    { "UNPACKBASE", 6, "installing the base system", true },
    { "CONFBASE", 6, "installing the base system", true },
};

static void set_phase(struct bootstrap_progress *progress, const char *name)
{
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        if (strcmp(phases[i].name, name) != 0)
            continue;
        if (progress->doing != phases[i].doing) {
            progress->done = progress->total = progress->percent = 0;
            progress->item[0] = '\0';
        }
        progress->phase = phases[i].number;
        progress->doing = phases[i].doing;
        if (phases[i].number == 3)
            progress->total = progress->packages;
    }
    snprintf(progress->name, sizeof progress->name, "%s", name);
}

static bool counts_packages(const char *name)
{
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        if (strcmp(phases[i].name, name) == 0)
            return phases[i].packages;
    return false;
}

static void take_progress(struct bootstrap_progress *progress, const char *text)
{
    unsigned long long now, end;
    char name[32] = "";
    if (sscanf(text, "%llu %llu %31s", &now, &end, name) < 2)
        return;
    if (name[0])
        set_phase(progress, name);
    if (strcmp(progress->name, "SIZEDEBS") == 0) {
        if (now == end && end > progress->packages && end < 100000)
            progress->packages = (unsigned)end;
        progress->total = progress->packages;
        return;
    }
    unsigned percent = end > 0 && now <= end ? (unsigned)(now * 100 / end) : 0;
    /* While it downloads it counts from the beginning of all for each package anew. */
    if (progress->phase != 3 || percent > progress->percent)
        progress->percent = percent;
    if (counts_packages(progress->name) && end < 100000) {
        progress->done = (unsigned)now;
        progress->total = (unsigned)end;
    }
}

/* FORMAT with its %s replaced by the arguments, in order. */
static void format_message(const struct bootstrap_progress *progress, const char *format, char *out, size_t size)
{
    size_t len = 0, argument = 0;
    out[0] = '\0';
    for (; *format && len + 1 < size; format++) {
        if (format[0] == '%' && format[1] == 's') {
            if (argument < progress->argument_count)
                len += (size_t)snprintf(out + len, size - len, "%s", progress->arguments[argument]);
            argument++;
            format++;
            len = len < size ? len : size - 1;
        } else {
            out[len++] = *format;
            out[len] = '\0';
        }
    }
}

static void take_message(struct bootstrap_progress *progress, char kind, const char *format)
{
    const char *name = progress->message, *first = progress->argument_count > 0 ? progress->arguments[0] : "";
    bool versioned = progress->argument_count > 1 && progress->arguments[1][0];
    if (kind == 'E') {
        format_message(progress, format, progress->error, sizeof progress->error);
    } else if (strcmp(name, "VALIDATING") == 0 && versioned && progress->phase == 3) {
        progress->done++;
    } else if ((strcmp(name, "RETRIEVING") == 0 && versioned) || strcmp(name, "UNPACKING") == 0 ||
               strcmp(name, "CONFIGURING") == 0 || strcmp(name, "EXTRACTING") == 0) {
        snprintf(progress->item, sizeof progress->item, "%.63s%s%.60s", first, versioned ? " " : "",
                 versioned ? progress->arguments[1] : "");
        if (!versioned) /* dpkg says `libc6:amd64` */
            progress->item[strcspn(progress->item, ":")] = '\0';
    }
}

/* Returns whether something was learnt. */
static bool take_line(struct bootstrap_progress *progress, char *line)
{
    char kind = line[0], form = line[1];
    char *text = strchr(line, ' ');
    if (!text || !strchr("IWEP", kind))
        return false;
    text++;
    if (kind == 'P') {
        if (form == ':')
            take_progress(progress, text);
        return form == ':';
    }
    if (form == ':') {
        progress->kind = kind;
        progress->argument_count = 0;
        snprintf(progress->message, sizeof progress->message, "%s", text);
    } else if (form == 'A' && progress->argument_count < sizeof progress->arguments / sizeof *progress->arguments) {
        snprintf(progress->arguments[progress->argument_count++], sizeof *progress->arguments, "%s", text);
    } else if (form == 'F' && kind == progress->kind) {
        take_message(progress, kind, text);
        return true;
    }
    return false;
}

void bootstrap_progress_feed(struct bootstrap_progress *progress, const char *bytes, size_t len,
                             void (*changed)(const struct bootstrap_progress *progress, void *data), void *data)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != '\n') {
            if (progress->length + 1 < sizeof progress->line && bytes[i])
                progress->line[progress->length++] = bytes[i];
            continue;
        }
        progress->line[progress->length] = '\0';
        progress->length = 0;
        if (take_line(progress, progress->line) && changed)
            changed(progress, data);
    }
}
