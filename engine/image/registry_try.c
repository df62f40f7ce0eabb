/* One try of a request: what libcurl is told, what it calls, and why it failed. */
#include "engine/image/registry_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define HEADERS_MAX 262144    /* bytes of an answer's headers */
#define COMPLAINT_MAX 65536   /* bytes of an answer nobody hoped for; what is more is not kept */
#define COMPLAINT_END 1048576 /* …and here it is no longer read */
#define CONNECT_TIMEOUT 15    /* s, until TLS is spoken */
#define SILENCE_TIMEOUT 30    /* s without a byte in either direction */
#define COMMIT_TIMEOUT 300    /* the same, where a registry may have gigabytes to digest before it answers */

/* --- what libcurl calls --- */

bool http_succeeded(long status)
{
    return status >= 200 && status < 300;
}

long request_status(const struct request *request)
{
    long status = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static int gather(struct request *request, const char *data, size_t size)
{
    bool fine = http_succeeded(request_status(request));
    uint64_t limit = fine ? request->limit : COMPLAINT_MAX;
    if (request->text_size + size > limit) {
        if (fine)
            return err_say(&request->err, EFBIG, "`%s` answers with more than %llu bytes", http_name(request->http),
                           (unsigned long long)limit);
        size = limit - request->text_size;
    }
    char *text = realloc(request->text, request->text_size + size + 1);
    if (!text)
        return err_set(&request->err, ENOMEM, "keep an answer");
    memcpy(text + request->text_size, data, size);
    request->text = text;
    request->text_size += size;
    text[request->text_size] = '\0';
    return 0;
}

static size_t on_body(char *data, size_t one, size_t size, void *user)
{
    struct request *request = user;
    request->received += size;
    int rc;
    if (request->receive && http_succeeded(request_status(request)))
        rc = request->receive(request, data, size, &request->err);
    else if (!http_succeeded(request_status(request)) && request->received > COMPLAINT_END)
        rc = err_say(&request->err, EFBIG, "`%s` answers with an error that has no end", http_name(request->http));
    else
        rc = gather(request, data, size);
    return rc < 0 ? 0 : size;
}

static void keep(char **to, const char *value)
{
    free(*to);
    *to = strdup(value);
}

static void header(struct request *request, const char *name, const char *value)
{
    const struct {
        const char *name;
        char **to;
    } kept[] = {
        { "Location", &request->location },
        { "Content-Type", &request->content_type },
        { "Docker-Content-Digest", &request->content_digest },
        { "Content-Range", &request->content_range },
        { "Range", &request->upload_range },
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strcasecmp(name, kept[i].name) == 0)
            keep(kept[i].to, value);
    if (strcasecmp(name, "WWW-Authenticate") == 0)
        registry_challenge_parse(value, &request->challenge);
    else if (strcasecmp(name, "Retry-After") == 0)
        request->retry_after = registry_retry_after(value, time(NULL));
    else if (strcasecmp(name, "Content-Length") == 0)
        request->length = registry_length(value);
    else if (strcasecmp(name, "Content-Encoding") == 0)
        request->encoded = strcasecmp(value, "identity") != 0;
}

void request_forget(struct request *request)
{
    char **const texts[] = { &request->text,           &request->location,      &request->content_type,
                             &request->content_digest, &request->content_range, &request->upload_range };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        free(*texts[i]);
        *texts[i] = NULL;
    }
    request->text_size = 0;
    request->status = 0;
    request->encoded = false;
    request->length = request->retry_after = -1;
    request->challenge.scheme = REGISTRY_NO_SCHEME;
    request->header_bytes = request->received = 0;
}

static size_t on_header(char *data, size_t one, size_t size, void *user)
{
    struct request *request = user;
    char line[8192];
    request->header_bytes += size;
    if (request->header_bytes > HEADERS_MAX) {
        err_say(&request->err, EFBIG, "`%s` answers with headers that have no end", http_name(request->http));
        return 0;
    }
    if (size >= sizeof line)
        return size; /* none that is of use is that long */
    memcpy(line, data, size);
    line[size] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    char *colon = strchr(line, ':');
    if (strncmp(line, "HTTP/", 5) == 0) { /* also after a 100 Continue */
        uint64_t so_far = request->header_bytes;
        request_forget(request);
        request->header_bytes = so_far;
    } else if (colon) {
        *colon = '\0';
        header(request, line, colon + 1 + strspn(colon + 1, " \t"));
    }
    return size;
}

static size_t on_send(char *to, size_t one, size_t size, void *user)
{
    struct request *request = user;
    uint64_t left = request->send_size - request->sent_bytes;
    if (size > left)
        size = left;
    if (request->send)
        memcpy(to, (const char *)request->send + request->sent_bytes, size);
    else if (size > 0) {
        ssize_t n = pread(request->send_fd, to, size, (off_t)(request->send_at + request->sent_bytes));
        if (n <= 0) {
            err_set(&request->err, n < 0 ? errno : EIO, "read what is to be sent");
            return CURL_READFUNC_ABORT;
        }
        size = (size_t)n;
    }
    request->sent_bytes += size;
    if (request->sent)
        request->sent(request);
    return size;
}

static int on_seek(void *user, curl_off_t offset, int origin)
{
    ((struct request *)user)->sent_bytes = (uint64_t)offset;
    return origin == SEEK_SET ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_CANTSEEK;
}

static int on_progress(void *user, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow)
{
    const struct registry_watch *watch = ((const struct request *)user)->http->watch;
    return watch && watch->stop && *watch->stop;
}

/* --- starting it --- */

/* @name: with its colon; @value "" takes a header away that libcurl would send of itself. */
static void add_header(struct request *request, const char *name, const char *value)
{
    char *line = NULL;
    if (asprintf(&line, "%s%s%s", name, *value ? " " : "", value) < 0)
        return;
    struct curl_slist *more = curl_slist_append(request->headers, line);
    free(line);
    if (more)
        request->headers = more;
}

static void set_headers(struct request *request)
{
    struct http *http = request->http;
    curl_slist_free_all(request->headers);
    request->headers = NULL;
    add_header(request, "Accept:", request->accept ? request->accept : "*/*");
    add_header(request, "Accept-Encoding:", "identity");
    add_header(request, "Expect:", "");
    if (request->type)
        add_header(request, "Content-Type:", request->type);
    if (request->send_total) {
        char range[64];
        snprintf(range, sizeof range, "%llu-%llu", (unsigned long long)request->send_at,
                 (unsigned long long)(request->send_at + request->send_size - 1));
        add_header(request, "Content-Range:", range);
    }
    if (request->authorization && *request->authorization)
        add_header(request, "Authorization:", request->authorization);
    else if (!request->authorization && http->authorization && url_same_origin(http->base, request->at))
        add_header(request, "Authorization:", http->authorization);
    request->generation = http->generation;
}

static void set_body(struct request *request)
{
    CURL *easy = request->easy;
    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (strcmp(request->method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->send_size);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
        curl_easy_setopt(easy, CURLOPT_READDATA, request);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, request);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 262144L);
        /* On a connection that was open libcurl would, when it turns out to be dead, send the body again by itself: to a registry that may have a part of it. */
        if (request->once)
            curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    }
}

static void set_security(struct request *request)
{
    CURL *easy = request->easy;
    char host[256];
    url_host(request->at, host, sizeof host);
    bool insecure = registry_insecure(request->http->config, host);
    const char *roots = getenv("SSL_CERT_FILE"); /* as OpenSSL's and Go's programs take it */
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, insecure ? 0L : 2L);
    if (insecure)
        curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    else if (roots && *roots)
        curl_easy_setopt(easy, CURLOPT_CAINFO, roots);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    /* A proxy is for elsewhere: it would look for this host's loopback on itself. */
    if (insecure && registry_insecure(&(struct registry_config){ 0 }, host))
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

static void set_timeouts(struct request *request)
{
    CURL *easy = request->easy;
    long silence = strcmp(request->method, "PUT") == 0 ? COMMIT_TIMEOUT : SILENCE_TIMEOUT;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, silence);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, request);
}

void request_try(struct request *request)
{
    struct http *http = request->http;
    CURL *easy = request->easy = curl_easy_init();
    request_forget(request);
    err_clear(&request->err);
    request->failed = request->transient = false;
    request->due = 0;
    request->sent_bytes = 0;
    request->why[0] = '\0';
    if (!easy) {
        request->failed = true;
        err_set(&request->err, ENOMEM, "ask `%s`", http_name(http));
        return;
    }
    set_headers(request);
    curl_easy_setopt(easy, CURLOPT_URL, request->at);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     (long)CURL_HTTP_VERSION_1_1); /* each layer has a connection of its own */
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "teachroot/" TEACHROOT_VERSION);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 262144L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->why);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    if (request->from) {
        char range[32];
        snprintf(range, sizeof range, "%llu-", (unsigned long long)request->from);
        curl_easy_setopt(easy, CURLOPT_RANGE, range);
    }
    set_body(request);
    set_security(request);
    set_timeouts(request);
    curl_multi_add_handle(http->multi, easy);
}

void request_end_try(struct request *request)
{
    if (request->easy) {
        curl_multi_remove_handle(request->http->multi, request->easy);
        curl_easy_cleanup(request->easy);
        request->easy = NULL;
    }
    curl_slist_free_all(request->headers);
    request->headers = NULL;
}

/* --- what came of it --- */

void request_explain(struct request *request, int code)
{
    const struct http *http = request->http;
    const char *detail = request->why[0] ? request->why : curl_easy_strerror((CURLcode)code);
    struct err *err = &request->err;
    long os = 0;
    char host[256];
    url_host(request->at, host, sizeof host);
    curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &os);
    request->transient = http->reached;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        err_say(err, EHOSTUNREACH, "no address is known for `%s` (%s): is the name right, and is there a network?",
                host, detail);
        break;
    case CURLE_COULDNT_RESOLVE_PROXY:
        err_say(err, EHOSTUNREACH, "no address is known for the proxy: %s", detail);
        break;
    case CURLE_COULDNT_CONNECT:
        if (os == ECONNREFUSED)
            err_say(err, ECONNREFUSED, "`%s`: Connection refused: no registry listens there", host);
        else
            err_say(err, os ? (int)os : EHOSTUNREACH, "cannot connect to `%s`: %s; is there a network?", host,
                    os ? strerror((int)os) : detail);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
        err_say(err, EPROTO,
                "the certificate of `%s` is not to be trusted: %s; a registry you trust all the same goes into "
                "\"insecure\" of registries.json",
                host, detail);
        request->transient = false;
        break;
    case CURLE_SSL_CONNECT_ERROR:
        err_say(err, EPROTO,
                "`%s` does not speak https: %s; a registry without it that you trust goes into \"insecure\" of "
                "registries.json",
                host, detail);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        err_say(err, ETIMEDOUT, "`%s` does not answer: %s", host, detail);
        break;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_WEIRD_SERVER_REPLY:
        err_say(err, EPROTO, "`%s`: %s", host, detail);
        request->transient = false;
        break;
    default:
        err_say(err, ECONNRESET, "`%s`: the connection broke: %s", host, detail);
        break;
    }
}
