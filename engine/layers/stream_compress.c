/* Compression by libisal (gzip), libzstd and liblzma.
 *
 * What libisal writes depends on where its input is cut, so it is given blocks of one size whatever the writes were: the same bytes then give the same bytes. */
#include "engine/layers/stream_internal.h"

#include "engine/base/cleanup.h"

#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <string.h>
#include <zstd.h>

enum { GZIP_LEVEL = 2, ZSTD_LEVEL = 3, XZ_LEVEL = 6 };

struct compress {
    struct sink sink;
    struct sink *to;
    int (*step)(struct compress *c, bool end, struct err *err); /* compress all of the block */
    size_t used;                                                /* of the block */
    struct isal_zstream *gzip;
    unsigned char *level_buffer;
    ZSTD_CCtx *zstd;
    lzma_stream xz;
    unsigned char block[STREAM_BLOCK], out[STREAM_BLOCK];
};

static int put(struct compress *c, size_t n, struct err *err)
{
    return n ? c->to->write(c->to, c->out, n, err) : 0;
}

static int none_step(struct compress *c, bool end, struct err *err)
{
    return c->used ? c->to->write(c->to, c->block, c->used, err) : 0;
}

static int gzip_start(struct compress *c)
{
    c->gzip = malloc(sizeof *c->gzip);
    c->level_buffer = malloc(ISAL_DEF_LVL2_DEFAULT);
    if (!c->gzip || !c->level_buffer)
        return -1;
    isal_deflate_init(c->gzip);
    c->gzip->level = GZIP_LEVEL;
    c->gzip->level_buf = c->level_buffer;
    c->gzip->level_buf_size = ISAL_DEF_LVL2_DEFAULT;
    c->gzip->gzip_flag = IGZIP_GZIP; /* a header without time and name */
    return 0;
}

static int gzip_step(struct compress *c, bool end, struct err *err)
{
    c->gzip->next_in = c->block;
    c->gzip->avail_in = (uint32_t)c->used;
    c->gzip->end_of_stream = end;
    do {
        c->gzip->next_out = c->out;
        c->gzip->avail_out = sizeof c->out;
        if (isal_deflate(c->gzip) != COMP_OK)
            return err_say(err, EIO, "libisal could not compress");
        if (put(c, sizeof c->out - c->gzip->avail_out, err) < 0)
            return -1;
    } while (c->gzip->avail_out == 0 || (end && c->gzip->internal_state.state != ZSTATE_END));
    return 0;
}

static int zstd_start(struct compress *c)
{
    c->zstd = ZSTD_createCCtx();
    return c->zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
                   !ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_checksumFlag, 1))
               ? 0
               : -1;
}

static int zstd_step(struct compress *c, bool end, struct err *err)
{
    ZSTD_inBuffer in = { c->block, c->used, 0 };
    size_t left;
    do {
        ZSTD_outBuffer to = { c->out, sizeof c->out, 0 };
        left = ZSTD_compressStream2(c->zstd, &to, &in, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return err_say(err, EIO, "libzstd could not compress: %s", ZSTD_getErrorName(left));
        if (put(c, to.pos, err) < 0)
            return -1;
    } while (end ? left != 0 : in.pos < in.size);
    return 0;
}

static int xz_start(struct compress *c)
{
    return lzma_easy_encoder(&c->xz, XZ_LEVEL, LZMA_CHECK_CRC64) == LZMA_OK ? 0 : -1;
}

static int xz_step(struct compress *c, bool end, struct err *err)
{
    lzma_ret code;
    c->xz.next_in = c->block;
    c->xz.avail_in = c->used;
    do {
        c->xz.next_out = c->out;
        c->xz.avail_out = sizeof c->out;
        code = lzma_code(&c->xz, end ? LZMA_FINISH : LZMA_RUN);
        if (code != LZMA_OK && code != LZMA_STREAM_END)
            return err_say(err, EIO, "liblzma could not compress");
        if (put(c, sizeof c->out - c->xz.avail_out, err) < 0)
            return -1;
    } while (end ? code != LZMA_STREAM_END : c->xz.avail_in > 0);
    return 0;
}

static const struct {
    int (*start)(struct compress *c);
    int (*step)(struct compress *c, bool end, struct err *err);
} codecs[] = {
    [COMPRESSION_NONE] = { NULL, none_step },
    [COMPRESSION_GZIP] = { gzip_start, gzip_step },
    [COMPRESSION_ZSTD] = { zstd_start, zstd_step },
    [COMPRESSION_XZ] = { xz_start, xz_step },
};

static int compress_write(struct sink *sink, const void *data, size_t size, struct err *err)
{
    struct compress *c = (struct compress *)sink;
    const char *at = data;
    while (size) {
        size_t n = sizeof c->block - c->used;
        if (n > size)
            n = size;
        memcpy(c->block + c->used, at, n);
        c->used += n;
        at += n;
        size -= n;
        if (c->used < sizeof c->block)
            break;
        if (c->step(c, false, err) < 0)
            return -1;
        c->used = 0;
    }
    return 0;
}

static int compress_finish(struct sink *sink, struct err *err)
{
    struct compress *c = (struct compress *)sink;
    return c->step(c, true, err) < 0 ? -1 : c->to->finish(c->to, err);
}

static void compress_interrupt(struct sink *sink)
{
    sink_interrupt(((struct compress *)sink)->to);
}

static void compress_close(struct sink *sink)
{
    struct compress *c = (struct compress *)sink;
    sink_close(c->to);
    free(c->gzip);
    free(c->level_buffer);
    ZSTD_freeCCtx(c->zstd);
    lzma_end(&c->xz);
    free(c);
}

struct sink *sink_compress(struct sink *to, enum compression compression, struct err *err)
{
    if (!to)
        return NULL;
    struct compress *c = malloc(sizeof *c);
    if (!c) {
        sink_close(to);
        err_set(err, ENOMEM, "compress");
        return NULL;
    }
    memset(c, 0, offsetof(struct compress, block));
    c->sink = (struct sink){ compress_write, compress_finish, compress_close, compress_interrupt };
    c->to = to;
    c->step = codecs[compression].step;
    c->xz = (lzma_stream)LZMA_STREAM_INIT;
    if (codecs[compression].start && codecs[compression].start(c) < 0) {
        compress_close(&c->sink);
        err_set(err, ENOMEM, "compress by %s", compression_name(compression));
        return NULL;
    }
    return &c->sink;
}
