#include "repl/session/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void capture_begin(struct capture *capture)
{
    text_clear(&capture->text);
    capture->on = true;
    capture->accepted = false;
}

/* A whole OSC: is it one of our marks? */
static void string_ended(struct capture *capture)
{
    char key[24];
    capture->state = CAPTURE_TEXT;
    capture->mark[capture->mark_len] = '\0';
    if (!capture->osc || strncmp(capture->mark, "133;", 4) != 0 || capture->mark_len < 6)
        return;
    snprintf(key, sizeof key, "k=%s", capture->nonce);
    if (!strstr(capture->mark, key))
        return;
    switch (capture->mark[4]) {
    case 'C':
        if (!capture->accepted)
            text_clear(&capture->text);
        capture->accepted = true;
        break;
    case 'D':
        capture->ended = true;
        capture->status = atoi(capture->mark + strlen("133;D;"));
        break;
    case 'A':
        break;
    case 'B':
        if (capture->prompts < CAPTURE_PROMPTS)
            capture->continued[capture->prompts++] = !capture->ended;
        capture->ended = false;
        break;
    default:
        return;
    }
    if (capture->mark[4] != 'C' && capture->accepted)
        capture->on = false;
}

static void escape_byte(struct capture *capture, char c)
{
    capture->state = CAPTURE_TEXT;
    if (c == '[') {
        capture->state = CAPTURE_CSI;
    } else if (strchr("]P_^X", c) && c) {
        capture->state = CAPTURE_STRING;
        capture->osc = c == ']';
        capture->mark_len = 0;
    } else if (c >= ' ' && c <= '/') {
        capture->state = CAPTURE_INTERMEDIATE;
    }
}

static void string_byte(struct capture *capture, char c)
{
    if (c == '\a')
        string_ended(capture);
    else if (c == '\033')
        capture->state = CAPTURE_STRING_ESCAPE;
    else if (c == '\030' || c == '\032')
        capture->state = CAPTURE_TEXT;
    else if (capture->mark_len + 1 < sizeof capture->mark)
        capture->mark[capture->mark_len++] = c;
}

static void feed_byte(struct capture *capture, char c)
{
    switch (capture->state) {
    case CAPTURE_TEXT: /* what is plain was taken in runs; any other control byte is left out */
        if (c == '\033')
            capture->state = CAPTURE_ESCAPE;
        break;
    case CAPTURE_ESCAPE:
        escape_byte(capture, c);
        break;
    case CAPTURE_INTERMEDIATE:
        if (c < ' ' || c > '/')
            capture->state = CAPTURE_TEXT;
        break;
    case CAPTURE_CSI:
        if ((c >= '@' && c <= '~') || c == '\030' || c == '\032')
            capture->state = CAPTURE_TEXT;
        break;
    case CAPTURE_STRING:
        string_byte(capture, c);
        break;
    case CAPTURE_STRING_ESCAPE:
        if (c == '\\') {
            string_ended(capture);
        } else { /* an escape ends a string that was never closed, and begins its own sequence */
            capture->state = CAPTURE_ESCAPE;
            escape_byte(capture, c);
        }
        break;
    }
}

/* Length of the run of bytes that are kept as they are. */
static size_t plain_run(const char *bytes, size_t len)
{
    size_t n = 0;
    while (n < len && (((unsigned char)bytes[n] >= ' ' && bytes[n] != 0x7f) || bytes[n] == '\n' || bytes[n] == '\t'))
        n++;
    return n;
}

void capture_feed(struct capture *capture, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t run = capture->state == CAPTURE_TEXT ? plain_run(bytes + i, len - i) : 0;
        if (run && capture->on)
            text_append(&capture->text, bytes + i, run, CAPTURE_LIMIT);
        i += run;
        if (i < len)
            feed_byte(capture, bytes[i++]);
    }
}

bool capture_continued(struct capture *capture)
{
    return capture->asked < capture->prompts && capture->continued[capture->asked++];
}

void capture_settle(struct capture *capture)
{
    capture->prompts = capture->asked = 0;
}

void capture_end(struct capture *capture, size_t lines)
{
    struct text *text = &capture->text;
    capture->on = false;
    if (capture->accepted || !text->len || !text->data)
        return;
    char *from = text->data;
    for (; lines && from; lines--) {
        from = strchr(from, '\n');
        if (from)
            from++;
    }
    char *end = from ? strrchr(from, '\n') : NULL;
    size_t len = end ? (size_t)(end + 1 - from) : 0;
    if (len)
        memmove(text->data, from, len);
    text->len = len;
    text->data[len] = '\0';
}
