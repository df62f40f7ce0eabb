#include "engine/base/err.h"

#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int errnum, const char *format, ...)
{
    if (!err)
        return -1;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    err->code = errnum;
    if (n >= 0 && (size_t)n < sizeof err->message) {
        const char *why = strerrordesc_np(errnum);
        snprintf(err->message + n, sizeof err->message - (size_t)n, ": %s", why ? why : "unknown error");
    }
    return -1;
}

int err_say(struct err *err, int errnum, const char *format, ...)
{
    if (!err)
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    err->code = errnum;
    return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
    if (!err)
        return -1;
    char cause[sizeof err->message];
    memcpy(cause, err->message, sizeof cause);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n;
    if (used + 3 < sizeof err->message) {
        memcpy(err->message + used, ": ", 2);
        size_t room = sizeof err->message - used - 3, len = strnlen(cause, room);
        memcpy(err->message + used + 2, cause, len);
        err->message[used + 2 + len] = '\0';
    }
    return -1;
}

void err_clear(struct err *err)
{
    if (!err)
        return;
    err->code = 0;
    err->message[0] = '\0';
}
