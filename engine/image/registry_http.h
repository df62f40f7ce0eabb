/** What the files of the HTTP layer share: the connection to one registry. */
#ifndef ENGINE_IMAGE_REGISTRY_HTTP_H
#define ENGINE_IMAGE_REGISTRY_HTTP_H

#include "engine/image/registry_internal.h"

struct http {
    const struct registry_config *config;
    const struct registry_watch *watch; /* may be NULL */
    void *multi;
    struct request *first;
    struct err fatal;
    bool (*tick)(void *data);
    void *tick_data;
    bool reached; /* it has answered before: what fails now may go better later */
    char *base;   /* "https://registry-1.docker.io"; NULL: requests to anybody, as a token server */
    char registry[256], repository[256], name[256];
    char also[4][256]; /* repositories to mount from */
    size_t also_count;
    bool push;
    struct registry_login login;
    const char *known_by; /* "password", "identity token": what the auth file has; NULL: nothing */
    char *authorization;  /* "Bearer …", "Basic …"; NULL: not asked for yet */
    unsigned generation;  /* of it */
};

/* --- registry_http.c --- */

/** ms of the monotonic clock, never 0. */
int64_t http_now(void);

/* --- registry_try.c --- */

/** A status of 2xx. */
bool http_succeeded(long status);
/** The status that has arrived by now; 0: none. */
long request_status(const struct request *request);
/** Begin a try: over when libcurl says so of request->easy. Without memory for it request->failed is set, and it has none. */
void request_try(struct request *request);
/** The end of a try, also of one that is given up. */
void request_end_try(struct request *request);
/** Why it failed (@code: libcurl's), in words, and whether it may go better later: request->err and transient. */
void request_explain(struct request *request, int code);
/** Frees what the answer holds. */
void request_forget(struct request *request);

/* --- registry_session.c --- */

/** One more of the same kind, for another server. NULL with @err set. */
struct http *http_beside(const struct http *http, struct err *err);
/** Do as @challenge wants: fetch a token, or take the password. Returns 0, or -1 (EACCES: there is nothing that would help). */
int http_authorize(struct http *http, const struct registry_challenge *challenge, struct err *err);

/* --- registry_url.c --- */

/** HOST:PORT, or HOST if the port is the scheme's own; "" if @url is none. */
void url_host(const char *url, char *host, size_t size);
bool url_same_origin(const char *a, const char *b);
/** Where @location, relative to @from, leads. EPROTO: it is no URL, of another scheme than http and https, has a password in it, gives up TLS; or is another's, for what does not only @read. NULL with @err set. */
char *url_redirect(const struct http *http, const char *from, const char *location, bool reads, struct err *err);

#endif
