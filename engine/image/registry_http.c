/* The requests of the registry client, on a libcurl multi handle: one loop, in the caller's thread. What is between a request and its answer is dealt with here: redirects, tries again, tokens.
 *
 * Redirects are followed by us, not by libcurl: what we are known by goes to the registry alone, and where a redirect may lead is for registry_url.c to say. */
#include "engine/image/registry_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REDIRECTS_MAX 10
#define PROGRESS 4096 /* bytes that make a try one that was not in vain */
#define TICK 50       /* ms, between looks at whether to stop */
#define TICK_ALONE 5  /* the same, while only others are at work */

static const struct err interrupted = { .code = EINTR, .message = "interrupted" };

int64_t http_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- what comes of a try --- */

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
    request_try(request);
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
    request_try(request);
    return true;
}

static void finish(struct request *request, CURLcode code)
{
    struct http *http = request->http;
    if (code != CURLE_OK && request->err.code == 0)
        request_explain(request, code);
    if (code == CURLE_OK) {
        request->status = request_status(request);
        http->reached = true;
    }
    request->status_bad = !http_succeeded(request_status(request));
    request_end_try(request);
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
        request_end_try(request);
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
                request_try(request);
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
    request_forget(request);
    free(request->url);
    request->url = NULL;
}
