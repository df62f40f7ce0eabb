/* When to try again, and the headers that say how much there is. */
#include "engine/image/registry_internal.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TRIES_IN_A_ROW 5
#define TRIES_IN_ALL 200        /* a registry that gives a few bytes at a time is given up */
#define FIRST_WAIT 100          /* ms; twice as long each time */
#define LONGEST_RETRY_AFTER 120 /* s: who is to wait longer is told so instead */

int64_t registry_backoff_next(struct registry_backoff *backoff, bool progress, int64_t retry_after)
{
    if (progress)
        backoff->in_a_row = 0;
    if (backoff->in_a_row >= TRIES_IN_A_ROW || backoff->in_all >= TRIES_IN_ALL || retry_after > LONGEST_RETRY_AFTER)
        return -1;
    int64_t wait = (int64_t)FIRST_WAIT << backoff->in_a_row;
    backoff->in_a_row++;
    backoff->in_all++;
    return retry_after * 1000 > wait ? retry_after * 1000 : wait;
}

int64_t registry_retry_after(const char *value, int64_t now)
{
    char *end;
    if (isdigit((unsigned char)*value)) {
        errno = 0;
        long long seconds = strtoll(value, &end, 10);
        return *end || errno ? -1 : (int64_t)seconds;
    }
    time_t when = curl_getdate(value, NULL);
    if (when == -1)
        return -1;
    return when > now ? when - now : 0;
}

static bool number(const char **at, uint64_t *value)
{
    char *end;
    if (!isdigit((unsigned char)**at))
        return false;
    errno = 0;
    *value = strtoull(*at, &end, 10);
    *at = end;
    return errno == 0;
}

int registry_content_range(const char *value, uint64_t *first, uint64_t *last, uint64_t *total)
{
    if (strncasecmp(value, "bytes ", 6) != 0)
        return -1;
    value += 6;
    if (!number(&value, first) || *value++ != '-' || !number(&value, last) || *value++ != '/' || *last < *first)
        return -1;
    if (strcmp(value, "*") == 0) {
        *total = UINT64_MAX;
        return 0;
    }
    return number(&value, total) && !*value && *last < *total ? 0 : -1;
}

int64_t registry_length(const char *value)
{
    uint64_t length;
    return number(&value, &length) && !*value && length <= INT64_MAX ? (int64_t)length : -1;
}

int registry_upload_range(const char *value, uint64_t *have)
{
    uint64_t first, last;
    if (strncasecmp(value, "bytes=", 6) == 0)
        value += 6;
    if (!number(&value, &first) || *value++ != '-' || !number(&value, &last) || *value || first != 0 ||
        last == UINT64_MAX)
        return -1;
    /* "0-0" is what registries say when there is nothing yet. */
    *have = last == 0 ? 0 : last + 1;
    return 0;
}
