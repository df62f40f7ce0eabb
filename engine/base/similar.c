#include "engine/base/similar.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LONGEST 63

/* Letters changed, put in, left out, or exchanged with the next one, that make one of the other. Neither is longer than LONGEST. */
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
    unsigned rows[3][LONGEST + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    for (unsigned k = 0; k <= m; k++)
        last[k] = k;
    for (unsigned i = 1; i <= n; i++) {
        now[0] = i;
        for (unsigned k = 1; k <= m; k++) {
            unsigned best = last[k - 1] + (a[i - 1] != b[k - 1]);
            best = last[k] + 1 < best ? last[k] + 1 : best;
            best = now[k - 1] + 1 < best ? now[k - 1] + 1 : best;
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] && before[k - 2] + 1 < best)
                best = before[k - 2] + 1;
            now[k] = best;
        }
        unsigned *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[m];
}

/* How far apart two similar words are; 0 if they are not similar, or the same. */
static unsigned similarity(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), shorter = n < m ? n : m;
    if (shorter < 2 || n > LONGEST || m > LONGEST || n > m + 2 || m > n + 2 || strcmp(a, b) == 0)
        return 0;
    if (strcasecmp(a, b) == 0)
        return 1;
    unsigned far = distance(a, n, b, m);
    return far <= (shorter < 5 ? 1 : 2) ? far : 0;
}

bool words_similar(const char *a, const char *b)
{
    return similarity(a, b) != 0;
}

const char *words_nearest(const char *word, const char *const *first, size_t count, size_t stride)
{
    const char *nearest = NULL;
    unsigned best = 0;
    for (size_t i = 0; i < count; i++) {
        const char *other = *(const char *const *)((const char *)first + i * stride);
        unsigned far = similarity(word, other);
        if (far == 0 || (nearest && far >= best))
            continue;
        nearest = other;
        best = far;
    }
    return nearest;
}

const char *did_you_mean(char *buf, size_t size, const char *word, const char *const *first, size_t count,
                         size_t stride)
{
    const char *nearest = words_nearest(word, first, count, stride);
    buf[0] = '\0';
    if (nearest)
        snprintf(buf, size, " (did you mean `%s`?)", nearest);
    return buf;
}
