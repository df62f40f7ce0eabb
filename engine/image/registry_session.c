/* The connection to one registry: where it is, whether it speaks https, and what we are allowed there. */
#include "engine/image/registry_http.h"

#include "engine/base/cleanup.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct http *http_new(const struct registry_config *config, const struct registry_watch *watch, struct err *err)
{
    struct http *http = calloc(1, sizeof *http);
    if (http && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        http->multi = curl_multi_init();
        http->config = config;
        http->watch = watch;
        if (http->multi)
            return http;
        curl_global_cleanup();
    }
    free(http);
    err_set(err, ENOMEM, "prepare to speak to a registry");
    return NULL;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    curl_multi_cleanup(http->multi);
    curl_global_cleanup();
    registry_login_free(&http->login);
    free(http->authorization);
    free(http->base);
    free(http);
}

struct http *http_beside(const struct http *http, struct err *err)
{
    struct http *beside = http_new(http->config, http->watch, err);
    if (beside) {
        snprintf(beside->name, sizeof beside->name, "%s", http->name);
        beside->known_by = http->known_by;
    }
    return beside;
}

const char *http_name(const struct http *http)
{
    return http->name;
}

bool http_also(struct http *http, const char *repository)
{
    for (size_t i = 0; i < http->also_count; i++)
        if (strcmp(http->also[i], repository) == 0)
            return true;
    if (http->also_count == sizeof http->also / sizeof *http->also)
        return false;
    snprintf(http->also[http->also_count++], sizeof *http->also, "%s", repository);
    return true;
}

char *http_url(const struct http *http, const char *format, ...)
{
    char *rest = NULL, *url = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&rest, format, args);
    va_end(args);
    if (n < 0 || asprintf(&url, "%s/v2/%s/%s", http->base, http->repository, rest) < 0)
        url = NULL;
    if (n >= 0)
        free(rest);
    return url;
}

/* --- where it is --- */

/* Whether a registry answers at @base, with whatever. */
static int answers(struct http *http, const char *base, struct err *err)
{
    struct request ping = { .method = "GET", .authorization = "", .limit = 65536, .once = true };
    if (asprintf(&ping.url, "%s/v2/", base) < 0)
        return err_set(err, ENOMEM, "make a URL");
    free(http->base);
    http->base = strdup(base);
    int rc = http->base ? http_ask(http, &ping, err) : -1;
    request_clear(&ping);
    return rc;
}

/* An insecure one is asked by https first, and by http if it does not speak that. */
static int find_scheme(struct http *http, const char *host, struct err *err)
{
    cleanup_free char *secure = NULL, *plain = NULL;
    if (asprintf(&secure, "https://%s", host) < 0) {
        secure = NULL;
        return err_set(err, ENOMEM, "make a URL");
    }
    if (!registry_insecure(http->config, host)) {
        http->base = take_ptr(&secure);
        return 0;
    }
    if (asprintf(&plain, "http://%s", host) < 0) {
        plain = NULL;
        return err_set(err, ENOMEM, "make a URL");
    }
    struct err first = { 0 };
    if (answers(http, secure, &first) == 0)
        return 0;
    if (first.code == EINTR) {
        if (err)
            *err = first;
        return -1;
    }
    return answers(http, plain, err);
}

struct http *http_open(const struct registry_config *config, const struct reference *reference, const char *mirror,
                       bool push, const struct registry_watch *watch, struct err *err)
{
    struct http *http = http_new(config, watch, err);
    if (!http)
        return NULL;
    const char *host = strcmp(reference->registry, "docker.io") == 0 ? "registry-1.docker.io" : reference->registry;
    http->push = push;
    snprintf(http->repository, sizeof http->repository, "%s", reference->repository);
    snprintf(http->registry, sizeof http->registry, "%s", reference->registry);
    int rc = 0;
    if (mirror) {
        url_host(mirror, http->registry, sizeof http->registry);
        http->base = strdup(mirror);
    }
    snprintf(http->name, sizeof http->name, "%s", http->registry);
    int found = registry_login_find(http->registry, http->repository, &http->login, err);
    http->known_by = found <= 0 ? NULL : http->login.identity ? "identity token" : "password";
    rc = found < 0 ? -1 : mirror ? 0 : find_scheme(http, host, err);
    if (rc < 0 || !http->base) {
        http_close(http);
        return NULL;
    }
    return http;
}

/* --- what we are allowed --- */

/* The token server's URL with what is asked of it. */
static char *token_query(const struct http *http, const struct registry_challenge *challenge, bool form)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    char *service = curl_easy_escape(NULL, challenge->service, 0);
    const char *before = strchr(challenge->realm, '?') ? "&" : "?";
    if (form)
        before = "";
    else
        fputs(challenge->realm, out);
    if (service && *challenge->service) {
        fprintf(out, "%sservice=%s", before, service);
        before = "&";
    }
    curl_free(service);
    fprintf(out, "%sscope=repository:%s:%s", before, http->repository, http->push ? "pull,push" : "pull");
    for (size_t i = 0; i < http->also_count; i++)
        fprintf(out, form ? "%%20repository:%s:pull" : "&scope=repository:%s:pull", http->also[i]);
    if (form) {
        char *identity = curl_easy_escape(NULL, http->login.identity, 0);
        fprintf(out, "&grant_type=refresh_token&client_id=teachroot&refresh_token=%s", identity ? identity : "");
        curl_free(identity);
    }
    return fclose(out) == 0 ? text : NULL;
}

static char *fetch_token(struct http *http, const struct registry_challenge *challenge, struct err *err)
{
    char server[256];
    url_host(challenge->realm, server, sizeof server);
    if (!*server || (strncmp(challenge->realm, "https://", 8) != 0 && strncmp(challenge->realm, "http://", 7) != 0)) {
        err_say(err, EPROTO, "`%s` names a token server that is no URL", http->name);
        return NULL;
    }
    if (strncmp(challenge->realm, "http://", 7) == 0 && strncmp(http->base, "https://", 8) == 0 &&
        !registry_insecure(http->config, server)) {
        err_say(err, EPROTO, "`%s` names a token server without TLS, `%s`", http->name, server);
        return NULL;
    }
    struct http *beside = http_beside(http, err);
    if (!beside)
        return NULL;
    snprintf(beside->name, sizeof beside->name, "%s", server);
    bool form = http->login.identity != NULL;
    cleanup_free char *basic = http->known_by && !form ? registry_basic(&http->login) : NULL;
    cleanup_free char *query = token_query(http, challenge, form);
    struct request request = { .method = form ? "POST" : "GET",
                               .url = query ? strdup(form ? challenge->realm : query) : NULL,
                               .authorization = basic ? basic : "",
                               .limit = 1 << 20 };
    if (form && query) {
        request.type = "application/x-www-form-urlencoded";
        request.send = query;
        request.send_size = strlen(query);
    }
    char *token = NULL;
    if (http_ask(beside, &request, err) == 0) {
        if (request.status == 200) {
            token = registry_token_parse(request.text ? request.text : "", request.text_size, err);
            if (!token)
                err_prefix(err, "get a token from `%s`", server);
        } else {
            if (form && request.status == 400) /* RFC 6749, section 5.2: the grant is not, or no longer, valid */
                request.status = 401;
            request_refused(&request, err, "get a token");
        }
    }
    request_clear(&request);
    http_close(beside);
    return token;
}

int http_authorize(struct http *http, const struct registry_challenge *challenge, struct err *err)
{
    cleanup_free char *text = NULL, *token = NULL;
    if (challenge->scheme == REGISTRY_BEARER) {
        token = fetch_token(http, challenge, err);
        if (!token)
            return -1;
        if (asprintf(&text, "Bearer %s", token) < 0)
            text = NULL;
    } else if (challenge->scheme == REGISTRY_BASIC && http->known_by) {
        text = registry_basic(&http->login);
    } else {
        return err_say(err, EACCES,
                       "unauthorized: `%s` wants a password, and no auth file has one for it (`docker login`, `podman "
                       "login` or `skopeo login` write such files)",
                       http->name);
    }
    if (!text)
        return err_set(err, ENOMEM, "keep a token");
    free(http->authorization);
    http->authorization = take_ptr(&text);
    http->generation++;
    return 0;
}

/* --- what it says --- */

/* The server's own words: errors[0].message of JSON, as the distribution specification has it, or a token server's. One line of plain text, "" if there are none. */
static void complaint(const struct request *request, char *text, size_t size)
{
    json_t *json = request->text ? json_loadb(request->text, request->text_size, 0, NULL) : NULL;
    const json_t *first = json_array_get(json_object_get(json, "errors"), 0);
    const char *message = json_string_value(json_object_get(first, "message"));
    if (!message || !*message)
        message = json_string_value(json_object_get(first, "code"));
    if (!message || !*message)
        message = json_string_value(json_object_get(json, "details"));
    if (!message || !*message)
        message = json_string_value(json_object_get(json, "error_description"));
    size_t i = 0;
    for (; message && message[i] && i + 1 < size; i++)
        text[i] = message[i] >= ' ' && message[i] < 0x7f ? message[i] : '?';
    text[i] = '\0';
    json_decref(json);
}

/* "/v2/greeter/manifests/latest" of the request's URL: without the host, and the query, which may hold what nobody is to see. */
static void asked_path(const struct request *request, char *path, size_t size)
{
    const char *host = request->url ? strstr(request->url, "://") : NULL;
    const char *slash = host ? strchr(host + 3, '/') : NULL;
    snprintf(path, size, "%.*s", slash ? (int)strcspn(slash, "?#") : 1, slash ? slash : "/");
}

int request_refused(const struct request *request, struct err *err, const char *doing)
{
    static const struct {
        long status;
        int code;
        const char *phrase;
    } known[] = {
        { 400, EPROTO, "Bad Request" },
        { 401, EACCES, "Unauthorized" },
        { 403, EACCES, "Forbidden" },
        { 404, ENOENT, "Not Found" },
        { 405, ENOTSUP, "Method Not Allowed" },
        { 413, EFBIG, "Content Too Large" },
        { 416, EPROTO, "Range Not Satisfiable" },
        { 429, EAGAIN, "Too Many Requests" },
        { 500, EIO, "Internal Server Error" },
        { 502, EIO, "Bad Gateway" },
        { 503, EAGAIN, "Service Unavailable" },
        { 504, EIO, "Gateway Timeout" },
    };
    char words[300], waits[64] = "", path[400];
    asked_path(request, path, sizeof path);
    complaint(request, words, sizeof words);
    int code = EPROTO;
    const char *phrase = "", *known_by = request->http->known_by;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == request->status) {
            code = known[i].code;
            phrase = known[i].phrase;
        }
    if (request->retry_after > 0)
        snprintf(waits, sizeof waits, "; try again in %lld s", (long long)request->retry_after);
    if (request->status == 401)
        return err_say(err, code, "%s: unauthorized: `%s` %s%s%s%s%s%s", doing, http_name(request->http),
                       known_by ? "does not take the " : "wants a password, and no auth file has one for it",
                       known_by ? known_by : "", known_by ? " of the auth file" : "", *words ? " (" : "", words,
                       *words ? ")" : "");
    return err_say(err, code, "%s: `%s` answers %ld %s%sto %s %s%s%s%s", doing, http_name(request->http),
                   request->status, phrase, *phrase ? " " : "", request->method, path, *words ? ": " : "", words,
                   waits);
}
