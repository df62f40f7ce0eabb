#include "repl/kernel/wire.h"

#include "engine/base/cleanup.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zmq.h>

#define FRAMES_MAX 64

static void to_hex(const unsigned char *bytes, size_t count, char *hex)
{
    for (size_t i = 0; i < count; i++)
        sprintf(hex + 2 * i, "%02x", bytes[i]);
}

void wire_id(char id[33])
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        memset(bytes, 0, sizeof bytes);
    to_hex(bytes, sizeof bytes, id);
}

void wire_sign(const char *key, const char *const texts[4], char signature[WIRE_SIGNATURE + 1])
{
    unsigned char digest[WIRE_SIGNATURE / 2];
    unsigned digest_len = 0;
    size_t len = 0;
    signature[0] = '\0';
    if (!*key)
        return;
    for (int i = 0; i < 4; i++)
        len += strlen(texts[i]);
    cleanup_free char *all = malloc(len + 1);
    if (!all)
        return;
    char *to = all;
    for (int i = 0; i < 4; i++)
        to = stpcpy(to, texts[i]);
    if (HMAC(EVP_sha256(), key, (int)strlen(key), (unsigned char *)all, len, digest, &digest_len))
        to_hex(digest, digest_len, signature);
}

void wire_frames_free(struct wire_frames *frames)
{
    for (size_t i = 0; i < frames->count; i++)
        free(frames->list[i].data);
    free(frames->list);
    *frames = (struct wire_frames){ 0 };
}

static int add_frame(struct wire_frames *frames, const void *data, size_t len)
{
    struct wire_frame *grown = reallocarray(frames->list, frames->count + 1, sizeof *grown);
    char *copy = malloc(len + 1);
    if (grown)
        frames->list = grown;
    if (!grown || !copy) {
        free(copy);
        return -1;
    }
    if (len)
        memcpy(copy, data, len);
    copy[len] = '\0';
    frames->list[frames->count++] = (struct wire_frame){ copy, len };
    return 0;
}

void wire_message_free(struct wire_message *message)
{
    if (!message)
        return;
    wire_frames_free(&message->identities);
    free(message->header_text);
    free(message->parent_text);
    json_decref(message->header);
    json_decref(message->metadata);
    json_decref(message->content);
    free(message);
}

static struct wire_message *refused(struct wire_message *message, struct err *err, int code, const char *why)
{
    wire_message_free(message);
    err_say(err, code, "a message was refused: %s", why);
    return NULL;
}

static json_t *object_of(const struct wire_frame *frame)
{
    json_error_t error;
    json_t *value = json_loadb(frame->data, frame->len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static bool signature_fits(const struct wire *wire, const struct wire_frame *signed_with, const char *const texts[4])
{
    char signature[WIRE_SIGNATURE + 1];
    if (!*wire->key)
        return true;
    wire_sign(wire->key, texts, signature);
    return strlen(signature) == WIRE_SIGNATURE && signed_with->len == WIRE_SIGNATURE &&
           CRYPTO_memcmp(signature, signed_with->data, WIRE_SIGNATURE) == 0;
}

struct wire_message *wire_parse(const struct wire *wire, const struct wire_frames *frames, struct err *err)
{
    size_t at = 0;
    while (at < frames->count && (frames->list[at].len != strlen(WIRE_DELIMITER) ||
                                  memcmp(frames->list[at].data, WIRE_DELIMITER, strlen(WIRE_DELIMITER)) != 0))
        at++;
    if (frames->count - at < 6)
        return refused(NULL, err, EBADMSG, "it has not the frames of one");
    const struct wire_frame *part = &frames->list[at + 2];
    const char *texts[4];
    for (int i = 0; i < 4; i++) {
        texts[i] = part[i].data;
        if (strlen(part[i].data) != part[i].len)
            return refused(NULL, err, EBADMSG, "a NUL byte is in it");
    }
    if (!signature_fits(wire, &frames->list[at + 1], texts))
        return refused(NULL, err, EACCES, "its signature is not made with the key of this connection");
    struct wire_message *message = calloc(1, sizeof *message);
    if (!message)
        return refused(NULL, err, ENOMEM, "out of memory");
    message->header = object_of(&part[0]);
    message->metadata = object_of(&part[2]);
    message->content = object_of(&part[3]);
    message->header_text = strdup(part[0].data);
    message->parent_text = strdup(part[1].data);
    message->type = json_string_value(json_object_get(message->header, "msg_type"));
    if (!message->header || !message->metadata || !message->content || !message->type)
        return refused(message, err, EBADMSG, "its header, metadata or content is no JSON object of the protocol's");
    for (size_t i = 0; i < at; i++)
        if (add_frame(&message->identities, frames->list[i].data, frames->list[i].len) < 0)
            return refused(message, err, ENOMEM, "out of memory");
    return message->header_text && message->parent_text ? message : refused(message, err, ENOMEM, "out of memory");
}

static json_t *new_header(const struct wire *wire, const char *type)
{
    char id[33], date[64];
    struct timespec now;
    struct tm tm;
    wire_id(id);
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t n = strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(date + n, sizeof date - n, ".%06ldZ", now.tv_nsec / 1000);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "msg_id", id, "session", wire->session, "username", "teachroot",
                     "date", date, "msg_type", type, "version", "5.3");
}

int wire_compose(const struct wire *wire, const struct wire_frames *to, const char *type, const char *parent,
                 json_t *metadata, json_t *content, struct wire_frames *frames, struct err *err)
{
    char signature[WIRE_SIGNATURE + 1];
    json_t *header = new_header(wire, type);
    cleanup_free char *header_text = json_dumps(header, JSON_COMPACT);
    cleanup_free char *metadata_text = metadata ? json_dumps(metadata, JSON_COMPACT) : strdup("{}");
    cleanup_free char *content_text = json_dumps(content, JSON_COMPACT);
    json_decref(header);
    *frames = (struct wire_frames){ 0 };
    int bad = !header_text || !metadata_text || !content_text;
    for (size_t i = 0; !bad && to && i < to->count; i++)
        bad |= add_frame(frames, to->list[i].data, to->list[i].len);
    if (!bad) {
        const char *texts[4] = { header_text, parent ? parent : "{}", metadata_text, content_text };
        wire_sign(wire->key, texts, signature);
        bad |= add_frame(frames, WIRE_DELIMITER, strlen(WIRE_DELIMITER));
        bad |= add_frame(frames, signature, strlen(signature));
        for (int i = 0; i < 4; i++)
            bad |= add_frame(frames, texts[i], strlen(texts[i]));
    }
    if (!bad)
        return 0;
    wire_frames_free(frames);
    return err_say(err, ENOMEM, "a message of type %s could not be made", type);
}

int wire_receive_frames(void *socket, struct wire_frames *frames, struct err *err)
{
    zmq_msg_t part;
    int more = 1, bad = 0;
    *frames = (struct wire_frames){ 0 };
    while (more) {
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) < 0) { /* the frames of one message come together */
            int code = zmq_errno();
            zmq_msg_close(&part);
            wire_frames_free(frames);
            return code == EAGAIN || code == EINTR ? 0 : err_set(err, code, "zmq_msg_recv");
        }
        if (frames->count < FRAMES_MAX) /* buffers beyond are nobody's */
            bad |= add_frame(frames, zmq_msg_data(&part), zmq_msg_size(&part));
        more = zmq_msg_more(&part);
        zmq_msg_close(&part);
    }
    if (!bad)
        return 1;
    wire_frames_free(frames);
    return err_set(err, ENOMEM, "receive a message");
}

int wire_receive(const struct wire *wire, void *socket, struct wire_message **message, struct err *err)
{
    struct wire_frames frames;
    int got = wire_receive_frames(socket, &frames, err);
    if (got <= 0)
        return got;
    *message = wire_parse(wire, &frames, err);
    wire_frames_free(&frames);
    return *message ? 1 : -1;
}

int wire_send(const struct wire *wire, void *socket, const struct wire_frames *to, const char *type, const char *parent,
              json_t *metadata, json_t *content, struct err *err)
{
    struct wire_frames frames;
    int result = wire_compose(wire, to, type, parent, metadata, content, &frames, err);
    for (size_t i = 0; result == 0 && i < frames.count; i++)
        if (zmq_send(socket, frames.list[i].data, frames.list[i].len,
                     ZMQ_DONTWAIT | (i + 1 < frames.count ? ZMQ_SNDMORE : 0)) < 0)
            result = err_set(err, zmq_errno(), "zmq_send of a message of type %s", type);
    wire_frames_free(&frames);
    return result;
}
