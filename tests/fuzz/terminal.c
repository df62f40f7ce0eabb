/* Any bytes, cut anywhere, with resizes in between: no crash, no hang, no broken cell, and both ways of drawing text give the same.
 *
 * Byte 0 rows, 1 columns, 2 where to cut, 3 mode: even, the rest is the stream itself; odd, each byte picks a token. 0xfe is a resize, with
 * rows and columns in the two bytes after it. */
#include "tests/unit/terminal_ways.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed_cut(struct terminal *terminal, const char *bytes, size_t len, size_t cut)
{
    for (size_t at = 0; at < len;) {
        size_t count = cut && cut < len - at ? cut : len - at;
        terminal_feed(terminal, bytes + at, count);
        at += count;
    }
}

static void feed_both(struct way ways[2], const char *bytes, size_t len, uint8_t cut)
{
    feed_cut(ways[0].terminal, bytes, len, cut & 15);
    feed_cut(ways[1].terminal, bytes, len, cut >> 4);
}

static void check(struct way ways[2])
{
    const char *words = ways_differ(&ways[0], &ways[1]);
    if (words) {
        fprintf(stderr, "straight and through libvterm: %s\n", words);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct way ways[2];
    if (size < 4)
        return 0;
    for (int i = 0; i < 2; i++)
        way_open(&ways[i], 1 + data[0] % 30, 2 + data[1] % 50, 20);
    terminal_force_libvterm(ways[1].terminal, true);
    uint8_t cut = data[2];
    bool tokens = data[3] & 1;
    data += 4;
    size -= 4;
    while (size > 0) {
        if (data[0] == 0xfe && size >= 3) {
            check(ways);
            for (int i = 0; i < 2; i++)
                if (terminal_resize(ways[i].terminal, data[1] % 40, data[2] % 60, NULL) < 0)
                    abort();
            check(ways);
            data += 3;
            size -= 3;
            continue;
        }
        size_t used = 1;
        if (tokens) {
            const char *token = ways_tokens[data[0] % WAYS_TOKENS];
            feed_both(ways, token, strlen(token), cut);
        } else {
            while (used < size && data[used] != 0xfe)
                used++;
            feed_both(ways, (const char *)data, used, cut);
        }
        data += used;
        size -= used;
    }
    check(ways);
    for (int i = 0; i < 2; i++)
        terminal_free(ways[i].terminal);
    return 0;
}
