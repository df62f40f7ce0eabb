#include "repl/kernel/stream.h"

#include "engine/base/cleanup.h"
#include "repl/kernel/kernel_internal.h"
#include "repl/screen/utf8.h"

#include <stdarg.h>
#include <string.h>

#define GATHER_MS 20
#define REST_MS 200        /* a line that is not ended waits so long for its end */
#define GATHER_BYTES 65536 /* more is sent at once */

/* @text with U+FFFD for what is no UTF-8, as a JSON string; NULL when memory ran out. */
static json_t *mended_string(const char *text, size_t len)
{
    char *mended = malloc(3 * len + 1), *to = mended;
    uint32_t character;
    if (!mended)
        return NULL;
    for (size_t n; len > 0; text += n, len -= n) {
        n = utf8_decode(text, len, &character);
        to += utf8_encode(character, to);
    }
    json_t *value = json_stringn(mended, (size_t)(to - mended));
    free(mended);
    return value;
}

json_t *stream_text(const char *text, size_t len)
{
    json_t *value = json_stringn(text, len);
    return value ? value : mended_string(text, len);
}

static void send(struct kernel *kernel, size_t len)
{
    struct stream *stream = &kernel->stream;
    if (len == 0)
        return;
    kernel_publish(kernel, kernel->output_parent, "stream",
                   json_pack("{s:s, s:o}", "name", stream->name, "text", stream_text(stream->text, len)));
    memmove(stream->text, stream->text + len, stream->len - len);
    stream->len -= len;
}

void stream_flush(struct kernel *kernel)
{
    struct stream *stream = &kernel->stream;
    loop_remove(stream->timer);
    stream->timer = NULL;
    send(kernel, stream->len);
}

/* Up to the end of the last whole line. */
static size_t whole_lines(const struct stream *stream)
{
    const char *newline = stream->len ? memrchr(stream->text, '\n', stream->len) : NULL;
    return newline ? (size_t)(newline + 1 - stream->text) : 0;
}

/* Without the beginning of a character at the end, whose rest is to come. */
static size_t whole_characters(const struct stream *stream)
{
    for (size_t back = 1; back <= 3 && back <= stream->len; back++) {
        unsigned char c = (unsigned char)stream->text[stream->len - back];
        if ((c & 0xc0) == 0x80)
            continue;
        return utf8_expected(c) > back ? stream->len - back : stream->len;
    }
    return stream->len;
}

static void on_time(void *data)
{
    struct kernel *kernel = data;
    struct stream *stream = &kernel->stream;
    stream->timer = NULL;
    send(kernel, loop_now() - stream->last >= REST_MS ? whole_characters(stream) : whole_lines(stream));
    if (stream->len)
        stream->timer = loop_add_timer(kernel->loop, GATHER_MS, 0, on_time, kernel);
}

void stream_put(struct kernel *kernel, const char *name, const char *bytes, size_t len)
{
    struct stream *stream = &kernel->stream;
    if (len == 0)
        return;
    if (stream->name != name && stream->len && strcmp(stream->name, name) != 0)
        stream_flush(kernel);
    stream->name = name;
    if (stream->len + len > stream->size) {
        size_t size = stream->size ? stream->size : 4096;
        while (size < stream->len + len)
            size *= 2;
        char *grown = realloc(stream->text, size);
        if (!grown)
            return;
        stream->text = grown;
        stream->size = size;
    }
    memcpy(stream->text + stream->len, bytes, len);
    stream->len += len;
    stream->last = loop_now();
    if (stream->len >= GATHER_BYTES) {
        size_t lines = whole_lines(stream);
        send(kernel, lines ? lines : whole_characters(stream));
    }
    if (stream->len && !stream->timer)
        stream->timer = loop_add_timer(kernel->loop, GATHER_MS, 0, on_time, kernel);
}

void stream_print(struct kernel *kernel, const char *name, const char *format, ...)
{
    va_list args;
    char *text;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        return;
    stream_put(kernel, name, text, (size_t)len);
    free(text);
}

char *stream_take_line(struct kernel *kernel)
{
    struct stream *stream = &kernel->stream;
    size_t lines = whole_lines(stream), len = stream->len - lines;
    char *line = calloc(1, len + 1);
    if (line && len)
        memcpy(line, stream->text + lines, len);
    stream->len = lines;
    return line;
}

void stream_free(struct kernel *kernel)
{
    loop_remove(kernel->stream.timer);
    free(kernel->stream.text);
    kernel->stream = (struct stream){ 0 };
}
