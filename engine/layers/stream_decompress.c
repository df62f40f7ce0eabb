/* Decompression by libisal, libzstd and liblzma: each is a row of a table whose step turns some input into some output. */
#include "engine/layers/stream_internal.h"

#include "engine/base/cleanup.h"

#include <isa-l/igzip_lib.h>
#include <limits.h>
#include <lzma.h>
#include <string.h>
#include <zstd.h>

/* A bomb is what grows to more than this many times its size; what is small on disk may grow freely, as a few MiB of zeros compress a thousandfold and more. */
enum { RATIO_MOST = 200 };
#define RATIO_FREE ((uint64_t)128 << 20)
/* What xz -9 needs to decompress is 65 MiB. */
#define XZ_MEMORY ((uint64_t)96 << 20)
#define ZSTD_WINDOW_LOG 27 /* as zstd(1) without --long=31 */

struct decompress {
    struct source source;
    struct source *from;
    enum compression *found;
    const struct codec *codec; /* NULL before the first read */
    bool ended;                /* of @from */
    bool done;                 /* the last byte was given */
    bool whole;                /* at the end of a member: the input may end here */
    bool padded;               /* gzip: zeros were seen after a member, so nothing but zeros may follow */
    uint64_t in, out;          /* bytes read, bytes given */
    unsigned char *next;       /* what is left of the input block */
    size_t left;
    struct inflate_state *gzip;
    ZSTD_DCtx *zstd;
    lzma_stream xz;
    unsigned char block[STREAM_BLOCK];
};

/* Turn input into at most @size bytes at @out; no input left means that it is at its end. Returns how many, 0 at the end or when there was too little input, or -1. */
typedef ssize_t step_fn(struct decompress *d, void *out, size_t size, struct err *err);

static struct codec {
    const char *name;
    int (*start)(struct decompress *d, struct err *err);
    step_fn *step;
} const codecs[];

static int damaged(struct decompress *d, const char *why, struct err *err)
{
    return err_say(err, EIO, "the %s data is damaged: %s", d->codec->name, why);
}

static int no_memory(struct err *err)
{
    return err_set(err, ENOMEM, "decompress");
}

/* --- None ----------------------------------------------------------------------------------------------------------------------------- */

static int none_start(struct decompress *d, struct err *err)
{
    d->whole = true;
    return 0;
}

static ssize_t none_step(struct decompress *d, void *out, size_t size, struct err *err)
{
    size_t n = size < d->left ? size : d->left;
    memcpy(out, d->next, n);
    d->next += n;
    d->left -= n;
    return (ssize_t)n;
}

/* --- gzip ----------------------------------------------------------------------------------------------------------------------------- */

static int gzip_start(struct decompress *d, struct err *err)
{
    d->gzip = malloc(sizeof *d->gzip);
    if (!d->gzip)
        return no_memory(err);
    isal_inflate_init(d->gzip);
    d->gzip->crc_flag = ISAL_GZIP;
    return 0;
}

static const char *gzip_why(int code)
{
    switch (code) {
    case ISAL_INVALID_WRAPPER:
        return "what follows is no gzip header";
    case ISAL_UNSUPPORTED_METHOD:
        return "another method than deflate";
    case ISAL_INCORRECT_CHECKSUM:
        return "wrong checksum";
    default:
        return "invalid deflate data";
    }
}

/* Between members: zeros (as tape blocks are padded) to the end, or another member. Returns 1 if one begins. */
static int gzip_between(struct decompress *d, struct err *err)
{
    while (d->left && *d->next == 0) {
        d->padded = true;
        d->next++;
        d->left--;
    }
    if (!d->left)
        return 0;
    if (d->padded)
        return damaged(d, "something follows the zeros after its end", err);
    isal_inflate_reset(d->gzip);
    d->gzip->crc_flag = ISAL_GZIP;
    d->whole = false;
    return 1;
}

static ssize_t gzip_step(struct decompress *d, void *out, size_t size, struct err *err)
{
    struct inflate_state *state = d->gzip;
    if (d->whole) {
        int begins = gzip_between(d, err);
        if (begins <= 0)
            return begins;
    }
    state->next_in = d->next;
    state->avail_in = (uint32_t)d->left;
    state->next_out = out;
    state->avail_out = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
    uint32_t room = state->avail_out;
    int code = isal_inflate(state);
    d->next = state->next_in;
    d->left = state->avail_in;
    if (code < 0 || code == ISAL_NEED_DICT)
        return damaged(d, gzip_why(code), err);
    d->whole = state->block_state == ISAL_BLOCK_FINISH;
    return room - state->avail_out;
}

/* --- zstd ----------------------------------------------------------------------------------------------------------------------------- */

static int zstd_start(struct decompress *d, struct err *err)
{
    d->zstd = ZSTD_createDCtx();
    if (!d->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
        return no_memory(err);
    return 0;
}

static ssize_t zstd_step(struct decompress *d, void *out, size_t size, struct err *err)
{
    ZSTD_inBuffer in = { d->next, d->left, 0 };
    ZSTD_outBuffer to = { out, size, 0 };
    if (d->whole && !d->left)
        return 0;
    size_t wants = ZSTD_decompressStream(d->zstd, &to, &in);
    d->next += in.pos;
    d->left -= in.pos;
    if (ZSTD_isError(wants))
        return damaged(d, ZSTD_getErrorName(wants), err);
    d->whole = wants == 0;
    return (ssize_t)to.pos;
}

/* --- xz ------------------------------------------------------------------------------------------------------------------------------- */

static int xz_start(struct decompress *d, struct err *err)
{
    return lzma_stream_decoder(&d->xz, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK ? 0 : no_memory(err);
}

static ssize_t xz_step(struct decompress *d, void *out, size_t size, struct err *err)
{
    if (d->whole)
        return 0;
    d->xz.next_in = d->next;
    d->xz.avail_in = d->left;
    d->xz.next_out = out;
    d->xz.avail_out = size;
    lzma_ret code = lzma_code(&d->xz, d->ended && !d->left ? LZMA_FINISH : LZMA_RUN);
    d->next += d->left - d->xz.avail_in;
    d->left = d->xz.avail_in;
    d->whole = code == LZMA_STREAM_END;
    if (code == LZMA_MEMLIMIT_ERROR)
        return err_say(err, EFBIG, "the xz data needs %llu MiB of memory to decompress; at most %llu are used",
                       (unsigned long long)lzma_memusage(&d->xz) >> 20, (unsigned long long)XZ_MEMORY >> 20);
    if (code != LZMA_OK && code != LZMA_STREAM_END && code != LZMA_BUF_ERROR)
        return damaged(d, code == LZMA_MEM_ERROR ? "no memory" : "invalid xz data", err);
    return (ssize_t)(size - d->xz.avail_out);
}

/* --- All of them ---------------------------------------------------------------------------------------------------------------------- */

static const struct codec codecs[] = {
    [COMPRESSION_NONE] = { "none", none_start, none_step },
    [COMPRESSION_GZIP] = { "gzip", gzip_start, gzip_step },
    [COMPRESSION_ZSTD] = { "zstd", zstd_start, zstd_step },
    [COMPRESSION_XZ] = { "xz", xz_start, xz_step },
};
enum { CODECS = sizeof codecs / sizeof *codecs };

const char *compression_name(enum compression compression)
{
    return codecs[compression].name;
}

int compression_parse(const char *name, enum compression *compression, struct err *err)
{
    for (size_t i = 0; i < CODECS; i++)
        if (strcmp(codecs[i].name, name) == 0) {
            *compression = (enum compression)i;
            return 0;
        }
    return err_say(err, EINVAL, "compression `%s`: there are none, gzip, zstd and xz", name);
}

enum compression compression_detect(const void *start, size_t size)
{
    const unsigned char *bytes = start;
    if (size >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0)
        return COMPRESSION_GZIP;
    /* The second is a frame to be skipped, which may come first. */
    if (size >= 4 && (memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0 ||
                      ((bytes[0] & 0xf0) == 0x50 && memcmp(bytes + 1, "\x2a\x4d\x18", 3) == 0)))
        return COMPRESSION_ZSTD;
    if (size >= 6 && memcmp(bytes,
                            "\xfd"
                            "7zXZ\0",
                            6) == 0)
        return COMPRESSION_XZ;
    return COMPRESSION_NONE;
}

static int begin(struct decompress *d, struct err *err)
{
    ssize_t n = source_read_full(d->from, d->block, 6, err);
    if (n < 0)
        return -1;
    d->next = d->block;
    d->left = (size_t)n;
    d->in = (uint64_t)n;
    d->ended = n < 6;
    enum compression compression = compression_detect(d->block, (size_t)n);
    if (d->found)
        *d->found = compression;
    const struct codec *codec = &codecs[compression];
    if (codec->start(d, err) < 0)
        return -1;
    d->codec = codec;
    return 0;
}

static int refill(struct decompress *d, struct err *err)
{
    ssize_t n = d->from->read(d->from, d->block, sizeof d->block, err);
    if (n < 0)
        return -1;
    d->ended = n == 0;
    d->next = d->block;
    d->left = (size_t)n;
    d->in += (uint64_t)n;
    return 0;
}

static int check_ratio(struct decompress *d, struct err *err)
{
    uint64_t used = d->in - d->left;
    if (d->codec == codecs || d->out <= RATIO_FREE || (d->out - RATIO_FREE) / RATIO_MOST <= used)
        return 0;
    return err_say(err, EFBIG,
                   "the %s data grows to more than %d times its size (%llu bytes to %llu and on): taken for a bomb",
                   d->codec->name, RATIO_MOST, (unsigned long long)used, (unsigned long long)d->out);
}

static ssize_t decompress_read(struct source *source, void *buf, size_t size, struct err *err)
{
    struct decompress *d = (struct decompress *)source;
    if (d->done || !size)
        return 0;
    if (!d->codec && begin(d, err) < 0)
        return -1;
    for (;;) {
        if (!d->left && !d->ended && refill(d, err) < 0)
            return -1;
        size_t before = d->left;
        ssize_t n = d->codec->step(d, buf, size, err);
        if (n < 0)
            return -1;
        d->out += (uint64_t)n;
        if (n > 0)
            return check_ratio(d, err) < 0 ? -1 : n;
        if (d->ended && d->left == before) {
            d->done = d->whole;
            return d->whole ? 0 : damaged(d, "it ends too early", err);
        }
    }
}

static void decompress_interrupt(struct source *source)
{
    source_interrupt(((struct decompress *)source)->from);
}

static void decompress_close(struct source *source)
{
    struct decompress *d = (struct decompress *)source;
    source_close(d->from);
    free(d->gzip);
    ZSTD_freeDCtx(d->zstd);
    lzma_end(&d->xz);
    free(d);
}

struct source *source_decompress(struct source *from, enum compression *found, struct err *err)
{
    if (!from)
        return NULL;
    struct decompress *d = malloc(sizeof *d);
    if (!d) {
        source_close(from);
        no_memory(err);
        return NULL;
    }
    memset(d, 0, offsetof(struct decompress, block));
    d->source = (struct source){ decompress_read, decompress_close, decompress_interrupt };
    d->from = from;
    d->found = found;
    d->xz = (lzma_stream)LZMA_STREAM_INIT;
    return &d->source;
}
