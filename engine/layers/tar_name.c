#include "engine/layers/tar_name.h"

#include <errno.h>
#include <string.h>

int tar_name_inside(const char *name, char path[static PATH_MAX], struct err *err)
{
    size_t used = 0;
    int depth = 0;
    while (*(name += strspn(name, "/"))) {
        size_t len = strcspn(name, "/");
        if (len == 2 && memcmp(name, "..", 2) == 0)
            return err_say(err, EINVAL, "a `..` in a name would lead out of the target");
        if (len != 1 || *name != '.') {
            if (len > NAME_MAX || used + len + 2 > PATH_MAX || ++depth > TAR_MOST_DEPTH)
                return err_say(err, ENAMETOOLONG,
                               "a name is longer than %d bytes, or one part than %d, or has more than %d parts",
                               PATH_MAX - 1, NAME_MAX, TAR_MOST_DEPTH);
            if (used)
                path[used++] = '/';
            memcpy(path + used, name, len);
            used += len;
        }
        name += len;
    }
    path[used] = '\0';
    return 0;
}

size_t tar_utf8_length(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = at[0] < 0x80                     ? 1
                    : at[0] >= 0xc2 && at[0] < 0xe0  ? 2
                    : (at[0] & 0xf0) == 0xe0         ? 3
                    : at[0] >= 0xf0 && at[0] <= 0xf4 ? 4
                                                     : 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    /* Longer than need be, halves of UTF-16's pairs, beyond the last character. */
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] >= 0x90))
        return 0;
    return length;
}

void tar_name_show(struct err *err)
{
    if (!err)
        return;
    for (char *at = err->message; *at;) {
        size_t n = tar_utf8_length(at);
        if (n == 0 || (n == 1 && ((unsigned char)*at < ' ' || *at == 0x7f)) ||
            (n == 2 && (unsigned char)*at == 0xc2 && (unsigned char)at[1] < 0xa0)) {
            *at++ = '?';
            continue;
        }
        at += n;
    }
}
