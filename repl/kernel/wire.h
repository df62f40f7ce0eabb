/** Jupyter's messages on the wire: frames of ZeroMQ, signed with the connection's key.
 *
 *     identity… <IDS|MSG> signature header parent_header metadata content [buffer…]
 *
 * The signature is the hex HMAC-SHA256 of the four JSON texts as they are sent; an empty key signs nothing. What is malformed, or signed otherwise, is refused whole. The header of a request is kept as
 * its bytes: those are the parent_header of whatever answers it. Dates are UTC and end in Z. See "Messaging in Jupyter", The Wire Protocol.
 */
#ifndef REPL_KERNEL_WIRE_H
#define REPL_KERNEL_WIRE_H

#include "engine/base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define WIRE_DELIMITER "<IDS|MSG>"
#define WIRE_SIGNATURE 64 /* characters */

struct wire_frame {
    char *data; /* NUL-terminated beyond its length */
    size_t len;
};
struct wire_frames {
    struct wire_frame *list;
    size_t count;
};

/* Who we are to the others. */
struct wire {
    char *key; /* "": nothing is signed */
    char session[33];
};

struct wire_message {
    struct wire_frames identities;
    char *header_text, *parent_text; /* as they came */
    json_t *header, *metadata, *content;
    const char *type; /* the header's */
};

/** Hex signature of the four texts into @signature ("" with an empty key). */
void wire_sign(const char *key, const char *const texts[4], char signature[WIRE_SIGNATURE + 1]);
/** 32 random hex digits. */
void wire_id(char id[33]);

/** Read @frames, which stay the caller's. Returns the message, or NULL: EBADMSG malformed, EACCES wrongly signed. */
struct wire_message *wire_parse(const struct wire *wire, const struct wire_frames *frames, struct err *err);
/** Make the frames of a message: to @to (identities, or one topic; may be NULL), in answer to @parent (a header's text, or NULL). @content and @metadata (may be NULL: empty) stay the caller's. */
int wire_compose(const struct wire *wire, const struct wire_frames *to, const char *type, const char *parent,
                 json_t *metadata, json_t *content, struct wire_frames *frames, struct err *err);

/** The same through a socket of ZeroMQ, never waiting. wire_receive returns 1 with *message, 0 when there is none, -1 when one was refused (and dropped). */
int wire_receive(const struct wire *wire, void *socket, struct wire_message **message, struct err *err);
int wire_send(const struct wire *wire, void *socket, const struct wire_frames *to, const char *type, const char *parent,
              json_t *metadata, json_t *content, struct err *err);

/** All frames of one message. Returns 1, 0 when there is none, -1. */
int wire_receive_frames(void *socket, struct wire_frames *frames, struct err *err);

void wire_frames_free(struct wire_frames *frames);
void wire_message_free(struct wire_message *message); /* NULL is fine */

#endif
