#include "engine/transfer/layer_progress.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BAR 50
#define REDRAW 100 /* ms between pictures */

struct row {
    struct digest digest;
    enum registry_state state, said;
    bool has_said;
    uint64_t done, total;
};

struct layer_progress {
    const char *verb;
    const struct layer_words *words;
    struct registry_watch watch;
    struct row *rows;
    size_t count, drawn; /* rows there are, and lines on the screen */
    bool quiet, terminal;
    int64_t last;
};

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
enum { SIGNALS = sizeof signals / sizeof *signals };
static struct sigaction before[SIGNALS];
static volatile int stop; /* the signal that asked for the end */

static void on_signal(int number)
{
    stop = number;
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* As docker writes sizes: "12.34MB". */
static void size_text(uint64_t size, char *text, size_t room)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
    double value = (double)size;
    size_t unit = 0;
    for (; value >= 1000 && unit < 5; unit++)
        value /= 1000;
    snprintf(text, room, "%.4g%s", value, units[unit]);
}

static void bar(const struct row *row, char *text, size_t room)
{
    char done[32], total[32], line[BAR + 2];
    size_t full = row->total ? (size_t)((double)row->done / (double)row->total * BAR) : BAR;
    size_text(row->done, done, sizeof done);
    size_text(row->total, total, sizeof total);
    memset(line, ' ', BAR);
    memset(line, '=', full < BAR ? full : BAR);
    line[full < BAR ? full : BAR - 1] = '>';
    line[BAR] = '\0';
    snprintf(text, room, "[%s] %s/%s", line, done, total);
}

static void describe(const struct layer_progress *progress, const struct row *row, char *text, size_t room)
{
    const struct layer_words *words = progress->words;
    char graph[128] = "";
    switch (row->state) {
    case REGISTRY_WAITING:
        snprintf(text, room, "%s", words->waiting);
        break;
    case REGISTRY_EXISTS:
        snprintf(text, room, "%s", words->exists);
        break;
    case REGISTRY_MOVING:
        if (progress->terminal)
            bar(row, graph, sizeof graph);
        snprintf(text, room, "%s%s%s", words->moving, *graph ? " " : "", graph);
        break;
    case REGISTRY_RETRYING:
        snprintf(text, room, "Retrying");
        break;
    case REGISTRY_UNPACKING:
        snprintf(text, room, "%s", words->moved);
        break;
    case REGISTRY_COMPLETE:
        snprintf(text, room, "%s", words->complete);
        break;
    }
}

static void line(const struct layer_progress *progress, const struct row *row, unsigned columns)
{
    char what[256], text[320];
    describe(progress, row, what, sizeof what);
    snprintf(text, sizeof text, "%.12s: %s", digest_hex(&row->digest), what);
    fprintf(stderr, "%.*s%s\n", columns ? (int)columns - 1 : -1, text, columns ? "\033[K" : "");
}

/* All rows, over those of the last time. What does not fit on the screen cannot be drawn over: then only what fits. */
static void draw(struct layer_progress *progress)
{
    struct winsize window = { 0 };
    unsigned columns = 80, lines = 24;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 && window.ws_row > 2) {
        columns = window.ws_col;
        lines = window.ws_row;
    }
    if (progress->drawn)
        fprintf(stderr, "\033[%zuA", progress->drawn);
    size_t fit = progress->count < lines - 1 ? progress->count : lines - 1, drawn = 0;
    /* Those that are over stand first, and go first. */
    for (size_t i = progress->count - fit; i < progress->count; i++, drawn++)
        line(progress, &progress->rows[i], columns);
    progress->drawn = drawn;
    progress->last = now();
    fflush(stderr);
}

static struct row *find_row(struct layer_progress *progress, const struct digest *digest)
{
    for (size_t i = 0; i < progress->count; i++)
        if (digest_equal(&progress->rows[i].digest, digest))
            return &progress->rows[i];
    struct row *rows = realloc(progress->rows, (progress->count + 1) * sizeof *rows);
    if (!rows)
        return NULL;
    progress->rows = rows;
    rows[progress->count] = (struct row){ .digest = *digest };
    return &rows[progress->count++];
}

static void on_layer(const struct digest *digest, enum registry_state state, uint64_t done, uint64_t total, void *data)
{
    struct layer_progress *progress = data;
    struct row *row = find_row(progress, digest);
    if (!row)
        return;
    bool changed = !row->has_said || row->said != state;
    row->state = row->said = state;
    row->has_said = true;
    row->done = done;
    row->total = total;
    if (progress->terminal) {
        if (changed || now() - progress->last >= REDRAW)
            draw(progress);
    } else if (changed && state != REGISTRY_MOVING && state != REGISTRY_RETRYING) {
        line(progress, row, 0);
    }
}

static void on_say(const char *text, void *data)
{
    struct layer_progress *progress = data;
    if (progress->terminal && progress->drawn)
        fprintf(stderr, "\033[%zuA\033[J", progress->drawn);
    progress->drawn = 0;
    fprintf(stderr, "%s: %s\n", progress->verb, text);
    if (progress->terminal)
        draw(progress);
}

static void on_say_quiet(const char *text, void *data)
{
}

struct layer_progress *layer_progress_start(const char *verb, const struct layer_words *words, bool quiet)
{
    struct layer_progress *progress = calloc(1, sizeof *progress);
    const char *term = getenv("TERM");
    if (!progress)
        return NULL;
    *progress = (struct layer_progress){ .verb = verb, .words = words, .quiet = quiet };
    progress->terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    progress->watch =
        (struct registry_watch){ quiet ? NULL : on_layer, quiet ? on_say_quiet : on_say, progress, &stop };
    struct sigaction action = { .sa_handler = on_signal };
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
    return progress;
}

const struct registry_watch *layer_progress_watch(struct layer_progress *progress)
{
    return &progress->watch;
}

void layer_progress_end(struct layer_progress *progress)
{
    if (progress->terminal && !progress->quiet && progress->count)
        draw(progress);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &before[i], NULL);
    free(progress->rows);
    free(progress);
}

void end_if_interrupted(const char *verb, const char *kept)
{
    if (!stop)
        return;
    fprintf(stderr, "%s: interrupted; %s\n", verb, kept);
    signal(stop, SIG_DFL);
    raise(stop);
}
