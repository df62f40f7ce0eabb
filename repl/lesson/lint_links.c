/* Links: to files, to headings, to the web. What a heading's anchor is, is as Git hosts make it (GitHub's rule, which the others follow). */
#include "repl/lesson/lint_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/similar.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* --- What a document has to link to --- */

static void add_anchor(struct lint *lint, struct lint_target *target, char *anchor)
{
    char **grown = lint_kept(lint, anchor) ? lint_grow(lint, target->anchors, target->count, sizeof *grown) : NULL;
    if (!grown) {
        free(anchor);
        return;
    }
    target->anchors = grown;
    grown[target->count++] = anchor;
}

/* Punctuation outside ASCII that a heading may have: it is left out of the anchor, letters are not. */
static bool is_wide_punctuation(const char *s, size_t length)
{
    const unsigned char *u = (const unsigned char *)s;
    if (length == 2 && u[0] == 0xc2)
        return u[1] >= 0xa0 && u[1] != 0xaa && u[1] != 0xb5 && u[1] != 0xba; /* U+00A0 to U+00BF but ª µ º */
    return length == 3 && u[0] == 0xe2 && u[1] <= 0xaf;                      /* U+2000 to U+2BFF */
}

/* Small letters, digits, `-` and `_`; a blank is `-`, and what else there is, is left out. */
static char *slug(const char *title)
{
    struct text text = { 0 };
    size_t left = strlen(title), length;
    for (; left > 0; title += length, left -= length) {
        char c = *title;
        length = utf8_length(title, left);
        if (length == 0)
            length = 1;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (length > 1 && !is_wide_punctuation(title, length))
            text_add(&text, title, length);
        else if (c == ' ')
            text_add(&text, "-", 1);
        else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
            text_add(&text, &c, 1);
    }
    return text_take(&text);
}

/* The second heading of a title is `title-1`. */
static void add_heading(struct lint *lint, struct lint_target *target, cmark_node *heading)
{
    cleanup_free char *title = lint_kept(lint, node_text(heading));
    cleanup_free char *base = title ? lint_kept(lint, slug(title)) : NULL;
    unsigned again = 0;
    char *name = base ? strdup(base) : NULL;
    for (size_t i = 0; name && i < target->count; i++)
        if (strcmp(target->anchors[i], name) == 0) {
            free(name);
            if (asprintf(&name, "%s-%u", base, ++again) < 0)
                name = NULL;
            i = (size_t)-1; /* from the first once more */
        }
    add_anchor(lint, target, name);
}

/* `id="x"` and `name="x"` of tags. */
static void add_ids(struct lint *lint, struct lint_target *target, const char *html)
{
    static const char *const attributes[] = { "id=", "name=" };
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        for (const char *at = html; (at = strcasestr(at, attributes[i]));) {
            bool attribute = at > html && strchr(" \t\n", at[-1]);
            at += strlen(attributes[i]);
            char quote = *at == '"' || *at == '\'' ? *at++ : '\0';
            size_t length = strcspn(at, quote == '"' ? "\"" : quote ? "'" : " \t\n>");
            if (attribute && length > 0)
                add_anchor(lint, target, strndup(at, length));
        }
}

static struct lint_target *read_target(struct lint *lint, const char *path, cmark_node *document)
{
    struct lint_target *grown = lint_grow(lint, lint->targets, lint->target_count, sizeof *grown);
    if (!grown)
        return NULL;
    lint->targets = grown;
    struct lint_target *target = &grown[lint->target_count++];
    target->path = lint_kept(lint, strdup(path));
    cmark_iter *iter = cmark_iter_new(document);
    cmark_event_type event;
    while (iter && !lint->oom && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iter);
        cmark_node_type type = cmark_node_get_type(node);
        if (event != CMARK_EVENT_ENTER)
            continue;
        if (type == CMARK_NODE_HEADING)
            add_heading(lint, target, node);
        else if (type == CMARK_NODE_HTML_BLOCK || type == CMARK_NODE_HTML_INLINE)
            if (strncmp(cmark_node_get_literal(node), "<!--", 4) != 0)
                add_ids(lint, target, cmark_node_get_literal(node));
    }
    cmark_iter_free(iter);
    return target;
}

/* The file at @path as something to link into. NULL: it cannot be read as that, and is not looked at. */
static struct lint_target *find_target(struct lint *lint, const char *path)
{
    struct err ignored;
    size_t len = 0, count = 0;
    for (size_t i = 0; i < lint->target_count; i++)
        if (strcmp(lint->targets[i].path, path) == 0)
            return &lint->targets[i];
    cleanup_free char *text = read_file(path, &len, &ignored);
    char **lines = text ? lint_lines(text, len, &count) : NULL;
    cmark_node *document = lines ? lint_document(lines, count) : NULL;
    struct lint_target *target = document ? read_target(lint, path, document) : NULL;
    if (document)
        cmark_node_free(document);
    lint_lines_free(lines, count);
    return target;
}

/* --- The forms of a link --- */

/* `%20` is a blank. malloc'ed. */
static char *decoded(const char *s, size_t len)
{
    struct text text = { 0 };
    for (size_t i = 0; i < len; i++) {
        char c = s[i], digits[3] = "";
        if (c == '%' && i + 2 < len && strspn(s + i + 1, "0123456789abcdefABCDEF") >= 2) {
            memcpy(digits, s + i + 1, 2);
            long code = strtol(digits, NULL, 16);
            c = code > 0 ? (char)code : '?';
            i += 2;
        }
        text_add(&text, &c, 1);
    }
    return text_take(&text);
}

/* The length of `https`, 0 if the link has no such word before a colon. */
static size_t scheme_of(const char *url)
{
    size_t len = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
    return len > 1 && url[len] == ':' ? len : 0;
}

static bool has_host(const char *rest)
{
    if (strncmp(rest, "//", 2) != 0)
        return false;
    const char *host = rest + 2;
    size_t authority = strcspn(host, "/?#");
    const char *at = memchr(host, '@', authority);
    if (at) {
        authority -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    if (*host == '[') /* IPv6 */
        return memchr(host, ']', authority) && strspn(host + 1, "0123456789abcdefABCDEF:.") > 1;
    size_t len = strcspn(host, ":/?#");
    if (len > authority)
        len = authority;
    const char *port = host + len;
    if (*port == ':' && strspn(port + 1, "0123456789") != authority - len - 1)
        return false;
    for (size_t i = 0, label = 0; i <= len; i++) {
        bool end = i == len || host[i] == '.';
        if (end ? label == 0 && i < len
                : (unsigned char)host[i] < 0x80 && !strchr("-_", host[i]) && !(host[i] >= '0' && host[i] <= '9') &&
                      !((host[i] | 0x20) >= 'a' && (host[i] | 0x20) <= 'z'))
            return false;
        label = end ? 0 : label + 1;
    }
    return len > 0;
}

static void check_web(struct lint *lint, const char *url, size_t scheme, int line)
{
    static const char *const known[] = { "http", "https", "mailto", "ftp", "tel", "data", "git", "ssh" };
    char near[64], name[32];
    snprintf(name, sizeof name, "%.*s", (int)(scheme < sizeof name ? scheme : sizeof name - 1), url);
    bool web = strcasecmp(name, "http") == 0 || strcasecmp(name, "https") == 0;
    size_t blank = strcspn(url, " \t\n\"<>\\^`{|}");
    if (!web && strcasecmp(name, "mailto") != 0) {
        bool told = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            told |= strcasecmp(name, known[i]) == 0;
        if (!told && *did_you_mean(near, sizeof near, name, known, sizeof known / sizeof *known, sizeof *known))
            lint_say(lint, RULE_LINK, line, "the link `%s` begins with `%s:`, which nobody knows%s", url, name, near);
    } else if (!web) {
        const char *at = strchr(url, '@');
        if (!at || at == url + scheme + 1 || !at[1])
            lint_say(lint, RULE_LINK, line, "the link `%s` is no mail address, expected `mailto:name@host`", url);
    } else if (!has_host(url + scheme + 1)) {
        lint_say(lint, RULE_LINK, line, "the link `%s` names no host, expected `%s://host/…`", url, name);
    } else if (url[blank]) {
        lint_say(lint, RULE_LINK, line,
                 "the link `%s` has `%c` in it, which an address cannot have, expected it as %%%02X", url, url[blank],
                 (unsigned char)url[blank]);
    }
}

static void check_anchor(struct lint *lint, const struct lint_target *target, const char *url, const char *encoded,
                         int line)
{
    cleanup_free char *anchor = lint_kept(lint, decoded(encoded, strlen(encoded)));
    char near[160] = "";
    if (!anchor || !*anchor || strcmp(anchor, "top") == 0)
        return;
    for (size_t i = 0; i < target->count; i++)
        if (strcmp(target->anchors[i], anchor) == 0)
            return;
    did_you_mean(near, sizeof near, anchor, (const char *const *)target->anchors, target->count,
                 sizeof *target->anchors);
    bool own = target == lint->targets;
    lint_say(lint, RULE_LINK, line, "the link `%s` leads to no heading%s%s%s%s", url, own ? "" : " of `",
             own ? "" : target->path, own ? "" : "`", near);
}

static void note_linked(struct lint *lint, const char *path)
{
    struct lint_report *report = lint->report;
    for (size_t i = 0; i < report->linked_count; i++)
        if (strcmp(report->linked[i], path) == 0)
            return;
    char **grown = lint_grow(lint, report->linked, report->linked_count, sizeof *grown);
    if (!grown)
        return;
    report->linked = grown;
    grown[report->linked_count] = lint_kept(lint, strdup(path));
    report->linked_count += grown[report->linked_count] != NULL;
}

static bool is_markdown(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (strcasecmp(dot, ".md") == 0 || strcasecmp(dot, ".markdown") == 0);
}

static void check_file(struct lint *lint, const char *url, int line)
{
    size_t len = strcspn(url, "?#");
    const char *anchor = strchr(url, '#');
    cleanup_free char *name = lint_kept(lint, decoded(url, len));
    cleanup_free char *path = NULL, *real = NULL;
    const char *slash = strrchr(lint->lesson->path, '/');
    if (!name)
        return;
    if (*name == '/') {
        lint_say(lint, RULE_ABSOLUTE_LINK, line,
                 "the link `%s` begins at `/`, which is elsewhere for each reader, "
                 "expected it relative to the lesson's directory",
                 url);
        return;
    }
    if (asprintf(&path, "%.*s%s", slash ? (int)(slash + 1 - lint->lesson->path) : 0, lint->lesson->path, name) < 0) {
        path = NULL;
        lint->oom = true;
        return;
    }
    real = realpath(path, NULL);
    struct stat st;
    if (!real || stat(real, &st) < 0) {
        lint_say(lint, RULE_LINK, line, "the link `%s` leads to `%s`: %s", url, path, strerror(errno));
        return;
    }
    if (!S_ISREG(st.st_mode))
        return;
    note_linked(lint, real);
    const struct lint_target *target = anchor && is_markdown(real) ? find_target(lint, real) : NULL;
    if (target)
        check_anchor(lint, target, url, anchor + 1, line);
}

static void check_url(struct lint *lint, const char *url, int line)
{
    size_t scheme = scheme_of(url);
    if (!*url)
        lint_say(lint, RULE_LINK, line, "a link that leads nowhere, expected an address in its brackets");
    else if (scheme)
        check_web(lint, url, scheme, line);
    else if (strncmp(url, "//", 2) == 0)
        lint_say(lint, RULE_LINK, line, "the link `%s` has no `https:` in front of it", url);
    else if (*url == '#' && lint->target_count)
        check_anchor(lint, &lint->targets[0], url, url + 1, line);
    else if (*url != '#')
        check_file(lint, url, line);
}

/* --- The links of a document --- */

/* cmark turns `&amp;` into `&` and takes `\` away: then the line is the paragraph's. */
static void check_link(struct lint *lint, cmark_node *link, int first, int last)
{
    const char *url = cmark_node_get_url(link);
    if (url)
        check_url(lint, url, lint_line_of(lint, url, first, last));
}

/* What is in single brackets after other ones stays text, brackets and all, when nothing defines it. */
static void check_references(struct lint *lint, cmark_node *block)
{
    struct text text = { 0 };
    for (cmark_node *node = cmark_node_first_child(block); node; node = cmark_node_next(node)) {
        const char *literal = cmark_node_get_type(node) == CMARK_NODE_TEXT ? cmark_node_get_literal(node) : "\1";
        text_add(&text, literal, strlen(literal));
    }
    cleanup_free char *all = lint_kept(lint, text_take(&text));
    int first = lint_line(block), last = cmark_node_get_end_line(block);
    for (const char *at = all; at && (at = strstr(at, "][")); at += 2) {
        size_t len = strcspn(at + 2, "[]\1");
        const char *open = memrchr(all, '[', (size_t)(at - all));
        char name[128];
        if (!open || open + 1 == at || len == 0 || at[2 + len] != ']' || len + 5 > sizeof name)
            continue;
        snprintf(name, sizeof name, "][%.*s]", (int)len, at + 2);
        lint_say(lint, RULE_REFERENCE, lint_line_of(lint, name, first, last),
                 "`[…%s` is no link, expected a line `[%.*s]: ADDRESS` somewhere", name, (int)len, at + 2);
    }
}

/* @first and @last bound the lines where the document stands in the file, if those of its nodes are not the file's (0: they are). */
static void check_document(struct lint *lint, cmark_node *document, int first, int last)
{
    cmark_iter *iter = cmark_iter_new(document);
    cmark_event_type event;
    while (iter && !lint->oom && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iter), *block = node;
        cmark_node_type type = cmark_node_get_type(node);
        if (event != CMARK_EVENT_ENTER)
            continue;
        while (type == CMARK_NODE_LINK || type == CMARK_NODE_IMAGE) {
            block = cmark_node_parent(block);
            if (!block || cmark_node_get_type(block) < CMARK_NODE_FIRST_INLINE) {
                check_link(lint, node,
                           first   ? first
                           : block ? lint_line(block)
                                   : 1,
                           first   ? last
                           : block ? cmark_node_get_end_line(block)
                                   : 0);
                break;
            }
        }
        if (!first && (type == CMARK_NODE_PARAGRAPH || type == CMARK_NODE_HEADING))
            check_references(lint, node);
    }
    cmark_iter_free(iter);
}

static void check_notes(struct lint *lint, const char *notes, int first, int last)
{
    cmark_node *document = notes ? cmark_parse_document(notes, strlen(notes), CMARK_OPT_DEFAULT) : NULL;
    if (!document)
        return;
    check_document(lint, document, first, last);
    cmark_node_free(document);
}

void lint_links(struct lint *lint)
{
    const struct lesson *lesson = lint->lesson;
    cleanup_free char *real = realpath(lesson->path, NULL);
    if (!read_target(lint, real ? real : lesson->path, lesson->document))
        return;
    check_document(lint, lesson->document, 0, 0);
    check_notes(lint, lesson->notes, 1, 0);
    for (size_t i = 0; i < lesson->step_count; i++)
        check_notes(lint, lesson->steps[i].notes, lesson->steps[i].line,
                    i + 1 < lesson->step_count ? lesson->steps[i + 1].line : 0);
}
