#include "engine/observe/sample_internal.h"

#include <string.h>

static const char *number(const char *at, uint64_t *value)
{
    while (*at == ' ')
        at++;
    bool negative = *at == '-';
    if (negative)
        at++;
    uint64_t n = 0;
    while (*at >= '0' && *at <= '9')
        n = n * 10 + (uint64_t)(*at++ - '0');
    *value = negative ? -n : n;
    return at;
}

/* The fields after the name, by their numbers in proc(5). */
enum { PPID = 4, FLAGS = 9, UTIME = 14, STIME, PRIORITY = 18, NICE, THREADS, START = 22, VSIZE, RSS, PROCESSOR = 39 };

bool stat_line_parse(const char *text, size_t len, struct stat_line *line)
{
    /* The name may hold anything, brackets too: it ends at the last one. */
    const char *open = memchr(text, '(', len), *close = memrchr(text, ')', len);
    if (!open || !close || close < open || close + 2 >= text + len)
        return false;
    uint64_t field[PROCESSOR + 1];
    line->comm = open + 1;
    line->comm_len = (size_t)(close - open - 1);
    line->state = close[2];
    const char *at = close + 3;
    for (int i = PPID; i <= PROCESSOR; i++) {
        if (*at != ' ')
            return false;
        at = number(at, &field[i]);
    }
    line->ppid = (pid_t)field[PPID];
    line->flags = (unsigned)field[FLAGS];
    line->ticks = field[UTIME] + field[STIME];
    line->priority = (int)field[PRIORITY];
    line->nice = (int)field[NICE];
    line->threads = (int)field[THREADS];
    line->start = field[START];
    line->virt = field[VSIZE];
    line->rss = field[RSS];
    line->processor = (int)field[PROCESSOR];
    return true;
}
