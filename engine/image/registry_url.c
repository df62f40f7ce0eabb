/* URLs that a registry hands out: where redirects and uploads may lead. */
#include "engine/image/registry_http.h"

#include "engine/base/cleanup.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *part(CURLU *url, CURLUPart which, unsigned flags)
{
    char *text = NULL, *copy;
    if (curl_url_get(url, which, &text, flags) != CURLUE_OK)
        return NULL;
    copy = strdup(text);
    curl_free(text);
    return copy;
}

static CURLU *parse(const char *text)
{
    CURLU *url = curl_url();
    if (url && (!text || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK)) {
        curl_url_cleanup(url);
        return NULL;
    }
    return url;
}

void url_host(const char *url, char *host, size_t size)
{
    CURLU *parsed = parse(url);
    *host = '\0';
    if (!parsed)
        return;
    cleanup_free char *name = part(parsed, CURLUPART_HOST, 0),
                      *port = part(parsed, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
    if (name)
        snprintf(host, size, "%s%s%s", name, port ? ":" : "", port ? port : "");
    curl_url_cleanup(parsed);
}

static char *origin(CURLU *url)
{
    cleanup_free char *scheme = part(url, CURLUPART_SCHEME, 0), *name = part(url, CURLUPART_HOST, 0),
                      *port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    char *text = NULL;
    return scheme && name && port && asprintf(&text, "%s://%s:%s", scheme, name, port) >= 0 ? text : NULL;
}

bool url_same_origin(const char *a, const char *b)
{
    CURLU *one = parse(a), *two = parse(b);
    cleanup_free char *first = one ? origin(one) : NULL, *second = two ? origin(two) : NULL;
    curl_url_cleanup(one);
    curl_url_cleanup(two);
    return first && second && strcasecmp(first, second) == 0;
}

/* For a message: what is not plain ASCII becomes `?`, and a query, which may hold a key, is left out. */
static void show(const char *text, char *shown, size_t size)
{
    size_t i = 0;
    for (; text[i] && text[i] != '?' && i + 1 < size; i++)
        shown[i] = text[i] > ' ' && text[i] < 0x7f ? text[i] : '?';
    shown[i] = '\0';
}

static const char *refuse(const struct http *http, CURLU *url, const char *from, bool reads)
{
    cleanup_free char *scheme = part(url, CURLUPART_SCHEME, 0), *user = part(url, CURLUPART_USER, 0);
    cleanup_free char *whole = part(url, CURLUPART_URL, 0);
    char host[256];
    if (!scheme || !whole || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return "which is neither http nor https";
    if (user)
        return "which has a user's name in it";
    url_host(whole, host, sizeof host);
    if (strcmp(scheme, "http") == 0 && strncmp(from, "http://", 7) != 0 && !registry_insecure(http->config, host))
        return "which is without TLS";
    /* Layers, and what we are known by, go to no other than was named. */
    char own[256];
    url_host(from, own, sizeof own);
    if (!reads && strcasecmp(own, host) != 0)
        return "which is another host";
    return NULL;
}

char *url_redirect(const struct http *http, const char *from, const char *location, bool reads, struct err *err)
{
    char shown[200];
    CURLU *url = parse(from);
    const char *why = "which is no URL";
    char *to = NULL;
    if (url && curl_url_set(url, CURLUPART_URL, location, 0) == CURLUE_OK) {
        why = refuse(http, url, from, reads);
        if (!why) {
            curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
            to = part(url, CURLUPART_URL, 0);
            why = "which is no URL";
        }
    }
    curl_url_cleanup(url);
    show(location, shown, sizeof shown);
    if (!to)
        err_say(err, EPROTO, "`%s` leads to `%s`, %s", http_name(http), shown, why);
    return to;
}

char *http_upload_url(const struct http *http, const char *asked, const char *location, const char *query,
                      struct err *err)
{
    cleanup_free char *to = url_redirect(http, asked, location, false, err);
    char *whole = NULL;
    if (!to)
        return NULL;
    if (!query)
        return take_ptr(&to);
    if (asprintf(&whole, "%s%c%s", to, strchr(to, '?') ? '&' : '?', query) < 0) {
        err_set(err, ENOMEM, "make a URL");
        return NULL;
    }
    return whole;
}
