/** What the files of the registry client share: config and credentials, the requests of the HTTP layer, and what pull and push have in common. Nobody else includes this. */
#ifndef ENGINE_IMAGE_REGISTRY_INTERNAL_H
#define ENGINE_IMAGE_REGISTRY_INTERNAL_H

#include "engine/image/registry.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- registry_config.c --- */

struct registry_config {
    json_t *files[2]; /* the user's and the machine's; NULL: not there */
};
/** Read both files. ENOENT is no error, anything else in the way is (EINVAL: where in the file). */
int registry_config_read(struct registry_config *config, struct err *err);
void registry_config_free(struct registry_config *config);
/** Whether @host (HOST or HOST:PORT) may be spoken to without TLS, or with a certificate nobody vouches for: loopback, and what the config lists by name, HOST:PORT or network. */
bool registry_insecure(const struct registry_config *config, const char *host);
/** The @i-th mirror of @registry, a URL without a slash at its end; NULL: there are no more. */
const char *registry_mirror(const struct registry_config *config, const char *registry, size_t i);

/* --- registry_auth.c --- */

struct registry_login {
    char *user, *password;
    char *identity; /* an OAuth2 refresh token, instead of a password */
};
/** What the auth files have for @registry and @repository, the longest match first. 1: found, 0: none, -1: a file cannot be read (EINVAL: it is damaged). */
int registry_login_find(const char *registry, const char *repository, struct registry_login *login, struct err *err);
void registry_login_free(struct registry_login *login);
/** "Basic …" of it, to be freed; NULL: no memory. */
char *registry_basic(const struct registry_login *login);

enum registry_scheme { REGISTRY_NO_SCHEME, REGISTRY_BASIC, REGISTRY_BEARER };
/* Of a WWW-Authenticate header. */
struct registry_challenge {
    enum registry_scheme scheme;
    char realm[1024], service[1024], scope[1024];
};
/** Read one header's value into @challenge, which keeps the better of what it has and what is new (Bearer, Basic, none). Damaged or foreign ones leave it as it is. */
void registry_challenge_parse(const char *header, struct registry_challenge *challenge);
/** The token in a token server's answer, to be freed; NULL with @err set. */
char *registry_token_parse(const char *text, size_t size, struct err *err);

/* --- registry_retry.c --- */

/* How often something was tried in vain. */
struct registry_backoff {
    unsigned in_a_row, in_all;
};
/** How long to wait before the next try, in ms; -1: no more of them. @progress: the last try brought something. @retry_after: what the registry asks for, in s; -1: nothing. */
int64_t registry_backoff_next(struct registry_backoff *backoff, bool progress, int64_t retry_after);
/** A Retry-After header's value in seconds from @now (since the epoch); -1: it is none. */
int64_t registry_retry_after(const char *value, int64_t now);
/** "bytes 5-9/10", a Content-Range's value. @total: UINT64_MAX if it is `*`. Returns 0 or -1. */
int registry_content_range(const char *value, uint64_t *first, uint64_t *last, uint64_t *total);
/** A Content-Length's value; -1: it is none. */
int64_t registry_length(const char *value);
/** "0-9", as a Range header says how much of an upload there is: 10. Returns 0 or -1. */
int registry_upload_range(const char *value, uint64_t *have);

/* --- registry_http.c --- */

struct http;
struct request;

/* One request until it is over, however many redirects, tokens and tries that takes. Set the first part; the rest belongs to the HTTP layer. */
struct request {
    const char *method;
    char *url;                               /* freed with the request's end; registry_url makes one */
    const char *accept;                      /* for Accept; NULL: anything */
    const char *type;                        /* for Content-Type; NULL: none */
    uint64_t from;                           /* Range: from that byte on; 0: all */
    const void *send;                        /* a body to send, from memory */
    int send_fd;                             /* or, if @send is NULL, from a file */
    uint64_t send_at, send_size, send_total; /* @send_total: send a Content-Range; 0: none */
    const char *authorization;               /* instead of the registry's own: for token servers; "": none */
    uint64_t limit;                          /* of the answer's bytes, if it is gathered */
    bool once;                               /* no second try: the caller has its own idea of what to do */
    int64_t delay;                           /* in ms, before it starts */
    /* Take @size bytes of a 2xx answer; NULL: they are gathered in @text. Returns 0, or -1 with @err set: give up. */
    int (*receive)(struct request *request, const void *data, size_t size, struct err *err);
    /* Before each try but the first: set @from anew. May be NULL. */
    void (*again)(struct request *request);
    void (*sent)(struct request *request);
    /* It is over. @failed, or whatever the registry answered. May start other requests, also this one again. */
    void (*done)(struct request *request);
    void *data;

    /* The answer */
    bool failed, transient; /* @transient: it may work later */
    struct err err;
    long status;
    char *text; /* NUL-terminated; NULL: empty */
    size_t text_size;
    uint64_t sent_bytes;
    char *location, *content_type, *content_digest, *content_range, *upload_range;
    bool encoded;   /* it has a Content-Encoding nobody asked for */
    int64_t length; /* Content-Length; -1: not said */
    int64_t retry_after;
    struct registry_challenge challenge;

    /* The HTTP layer's own */
    struct http *http;
    struct request *next;
    char *at;             /* the URL of this try, which redirects change */
    void *easy, *headers; /* libcurl's */
    int64_t due;          /* when it starts, in ms of the monotonic clock; 0: it runs */
    struct registry_backoff backoff;
    unsigned redirects, unauthorized;
    unsigned generation;             /* of the authorization it was sent with */
    uint64_t header_bytes, received; /* of this try */
    bool status_bad;
    char why[256]; /* libcurl's words; CURL_ERROR_SIZE */
};

/** Requests to @registry ("docker.io"), or its mirror at @mirror (a URL), about @repository. For an insecure one this finds out whether it speaks https. @push: what tokens are asked for.
 * All are borrowed. NULL with @err set. */
struct http *http_open(const struct registry_config *config, const struct reference *reference, const char *mirror,
                       bool push, const struct registry_watch *watch, struct err *err);
void http_close(struct http *http);
/** Tokens are also to be good for pulling from @repository: for mounting its blobs. false: there are too many. */
bool http_also(struct http *http, const char *repository);
/** BASE/v2/REPOSITORY/FORMATTED, to be freed; NULL: no memory. */
char *http_url(const struct http *http, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Of the upload Location @location, relative to what was asked: of the same registry, or EPROTO. To be freed. */
char *http_upload_url(const struct http *http, const char *asked, const char *location, const char *query,
                      struct err *err);
/** "localhost:5000", for messages. */
const char *http_name(const struct http *http);

/** Start @request, which stays the caller's, until its done was called. */
void http_start(struct http *http, struct request *request);
/** Go on until no request is left. -1: http_fail was called, or EINTR; what ran is given up, without calling its done. */
int http_run(struct http *http, struct err *err);
/** What http_run also calls, many times a second, and goes on while it returns true. */
void http_each_tick(struct http *http, bool (*tick)(void *data), void *data);
/** Let http_run end with that error. */
void http_fail(struct http *http, const struct err *err);
bool http_failed(const struct http *http);
/** Start and run that one alone. -1: it failed; an answer of whatever status is 0. */
int http_ask(struct http *http, struct request *request, struct err *err);
/** Frees what the answer holds, and the url. */
void request_clear(struct request *request);
/** The sentence for a status that was not hoped for: "@doing: `localhost:5000` answers 403 Forbidden to GET /v2/tool/manifests/1: requested access …". Returns -1. */
int request_refused(const struct request *request, struct err *err, const char *doing);

#endif
