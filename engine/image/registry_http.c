/* The requests of the registry client, on a libcurl multi handle: one loop, in the caller's thread. What is between a request and its answer is dealt with here: redirects, tries again, tokens.
 *
 * Redirects are followed by us, not by libcurl: what we are known by goes to the registry alone, and where a redirect may lead is for registry_url.c to say. */
#include "engine/image/registry_http.h"

#include "engine/base/cleanup.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define REDIRECTS_MAX 10
#define HEADERS_MAX 262144    /* bytes of an answer's headers */
#define COMPLAINT_MAX 65536   /* bytes of an answer nobody hoped for; what is more is not kept */
#define COMPLAINT_END 1048576 /* …and here it is no longer read */
#define CONNECT_TIMEOUT 15    /* s, until TLS is spoken */
#define SILENCE_TIMEOUT 30    /* s without a byte in either direction */
#define COMMIT_TIMEOUT 300    /* the same, where a registry may have gigabytes to digest before it answers */
#define PROGRESS 4096         /* bytes that make a try one that was not in vain */
#define TICK 50               /* ms, between looks at whether to stop */
#define TICK_ALONE 5          /* the same, while only others are at work */

static const struct err interrupted = { .code = EINTR, .message = "interrupted" };

int64_t http_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- one try: what libcurl calls --- */

static bool succeeded(long status)
{
    return status >= 200 && status < 300;
}

static long status_now(const struct request *request)
{
    long status = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static int gather(struct request *request, const char *data, size_t size)
{
    bool fine = succeeded(status_now(request));
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
    if (request->receive && succeeded(status_now(request)))
        rc = request->receive(request, data, size, &request->err);
    else if (!succeeded(status_now(request)) && request->received > COMPLAINT_END)
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

static void forget_answer(struct request *request)
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
        forget_answer(request);
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

/* --- one try: starting it --- */

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

static void try_now(struct request *request)
{
    struct http *http = request->http;
    CURL *easy = request->easy = curl_easy_init();
    forget_answer(request);
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

/* The end of a try, also of one that is given up. */
static void end_try(struct request *request)
{
    if (request->easy) {
        curl_multi_remove_handle(request->http->multi, request->easy);
        curl_easy_cleanup(request->easy);
        request->easy = NULL;
    }
    curl_slist_free_all(request->headers);
    request->headers = NULL;
}

static void over(struct request *request)
{
    struct request **at = &request->http->first;
    while (*at != request)
        at = &(*at)->next;
    *at = request->next;
    free(request->at);
    request->at = NULL;
    request->done(request);
}

static void fail(struct request *request)
{
    request->failed = true;
    over(request);
}

/* --- one try: what came of it --- */

/* Why it failed, in words, and whether it may go better later. */
static void explain(struct request *request, CURLcode code)
{
    const struct http *http = request->http;
    const char *detail = request->why[0] ? request->why : curl_easy_strerror(code);
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

static bool later(long status)
{
    return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

/* Wait, and try again. Returns false if it was tried enough. */
static bool again(struct request *request, const char *why)
{
    struct http *http = request->http;
    bool progress = request->received >= PROGRESS && !request->status_bad;
    int64_t wait = request->once ? -1 : registry_backoff_next(&request->backoff, progress, request->retry_after);
    if (wait < 0)
        return false;
    if (http->watch && http->watch->say) {
        char text[512];
        snprintf(text, sizeof text, "retrying in %lld.%lld s: %s", (long long)wait / 1000, (long long)wait % 1000 / 100,
                 why);
        http->watch->say(text, http->watch->data);
    }
    request->due = http_now() + wait;
    request->redirects = request->unauthorized = 0;
    free(request->at);
    request->at = strdup(request->url);
    if (request->again)
        request->again(request);
    return request->at != NULL;
}

static void redirect(struct request *request)
{
    bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    char *to = NULL;
    if (++request->redirects > REDIRECTS_MAX)
        err_say(&request->err, ELOOP, "`%s` redirects in circles: more than %d redirects", http_name(request->http),
                REDIRECTS_MAX);
    else if (!request->location)
        err_say(&request->err, EPROTO, "`%s` redirects without saying where to", http_name(request->http));
    else
        to = url_redirect(request->http, request->at, request->location, reads, &request->err);
    if (!to) {
        fail(request);
        return;
    }
    free(request->at);
    request->at = to;
    try_now(request);
}

/* 401: with a token, or a new one, it may go better. */
static bool log_in(struct request *request)
{
    struct http *http = request->http;
    if (request->authorization || !url_same_origin(http->base, request->at) || request->unauthorized++ > 1)
        return false;
    /* Others may have fetched one since. */
    if (request->generation == http->generation) {
        struct registry_challenge challenge = request->challenge;
        if (http_authorize(http, &challenge, &request->err) < 0) {
            request->failed = true;
            return false;
        }
    }
    try_now(request);
    return true;
}

static void finish(struct request *request, CURLcode code)
{
    struct http *http = request->http;
    if (code != CURLE_OK && request->err.code == 0)
        explain(request, code);
    if (code == CURLE_OK) {
        request->status = status_now(request);
        http->reached = true;
    }
    request->status_bad = !succeeded(status_now(request));
    end_try(request);
    if (code == CURLE_ABORTED_BY_CALLBACK) { /* on_progress saw that this is to stop, and so will http_run */
        http_fail(http, &interrupted);
        return;
    }
    if (code != CURLE_OK) {
        if (request->transient && again(request, request->err.message))
            return;
        fail(request);
        return;
    }
    long status = request->status;
    if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) {
        redirect(request);
        return;
    }
    if (status == 401 && log_in(request))
        return;
    if (later(status)) {
        struct err why;
        request->transient = true;
        request_refused(request, &why, "ask");
        if (again(request, why.message))
            return;
    }
    over(request);
}

/* --- the loop --- */

void http_start(struct http *http, struct request *request)
{
    request->http = http;
    request->next = http->first;
    http->first = request;
    request->easy = request->headers = NULL;
    request->redirects = request->unauthorized = 0;
    request->at = strdup(request->url ? request->url : "");
    request->due = http_now() + request->delay;
    request->delay = 0;
}

void http_each_tick(struct http *http, bool (*tick)(void *data), void *data)
{
    http->tick = tick;
    http->tick_data = data;
}

void http_fail(struct http *http, const struct err *err)
{
    if (http->fatal.code == 0)
        http->fatal = *err;
}

bool http_failed(const struct http *http)
{
    return http->fatal.code != 0;
}

/* All that runs is given up: the callers know from http_run. */
static void drop_all(struct http *http)
{
    while (http->first) {
        struct request *request = http->first;
        if (request->easy && http->fatal.code == EINTR) /* not to wait for a name server */
            curl_easy_setopt(request->easy, CURLOPT_QUICK_EXIT, 1L);
        http->first = request->next;
        end_try(request);
        free(request->at);
        request->at = NULL;
    }
}

/* Start what is due. Returns how many ms there are until the next is. */
static int start_due(struct http *http)
{
    int64_t now = http_now(), wait = TICK;
    for (bool changed = true; changed;) {
        changed = false;
        for (struct request *request = http->first; request && !changed; request = request->next) {
            if (request->due > now) {
                wait = request->due - now < wait ? request->due - now : wait;
                continue;
            }
            if (request->due > 0)
                try_now(request);
            if (!request->easy) { /* no memory for it */
                fail(request);
                changed = true; /* the list may be another now */
            }
        }
    }
    return (int)wait;
}

int http_run(struct http *http, struct err *err)
{
    for (;;) {
        int running, left;
        bool more = http->fatal.code == 0 && http->tick && http->tick(http->tick_data);
        if (http->fatal.code || (!http->first && !more))
            break;
        int wait = start_due(http);
        curl_multi_perform(http->multi, &running);
        for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
            struct request *request = NULL;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
            finish(request, message->data.result);
            if (http->fatal.code)
                break;
        }
        if (http->watch && http->watch->stop && *http->watch->stop)
            http_fail(http, &interrupted);
        if (http->fatal.code == 0 && (http->first || more))
            curl_multi_poll(http->multi, NULL, 0, http->first ? wait : TICK_ALONE, NULL);
    }
    if (http->fatal.code == 0)
        return 0;
    drop_all(http);
    if (err)
        *err = http->fatal;
    err_clear(&http->fatal);
    return -1;
}

static void nothing(struct request *request)
{
}

int http_ask(struct http *http, struct request *request, struct err *err)
{
    request->done = nothing;
    http_start(http, request);
    if (http_run(http, err) < 0)
        return -1;
    if (request->failed && err)
        *err = request->err;
    return request->failed ? -1 : 0;
}

void request_clear(struct request *request)
{
    forget_answer(request);
    free(request->url);
    request->url = NULL;
}
