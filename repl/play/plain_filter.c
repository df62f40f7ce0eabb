#include "repl/play/plain_filter.h"

#include <string.h>

#define ESC '\033'
#define BEL '\a'

static void end_string(struct plain_filter *filter, const struct plain_filter_events *events)
{
    static const char mark[] = "133;";
    size_t at = sizeof mark - 1;
    filter->state = FILTER_TEXT;
    if (filter->osc && filter->len > at && memcmp(filter->sequence, mark, at) == 0)
        events->mark(filter->sequence[at], events->data);
}

static void end_sequence(struct plain_filter *filter, const struct plain_filter_events *events)
{
    char last = filter->sequence[filter->len - 1];
    filter->state = FILTER_TEXT;
    /* `c` and `n` ask the terminal something: the answer would be typed at the lab twice. */
    if (filter->keep && filter->len < sizeof filter->sequence && last != 'n' && last != 'c')
        events->text(filter->sequence, filter->len, events->data);
}

static void put(struct plain_filter *filter, char c)
{
    if (filter->len < sizeof filter->sequence)
        filter->sequence[filter->len++] = c;
}

static void after_escape(struct plain_filter *filter, char c, const struct plain_filter_events *events)
{
    if (c == '[') {
        put(filter, c);
        filter->state = FILTER_CSI;
    } else if (strchr("]PX^_", c) && c) {
        filter->osc = c == ']';
        filter->len = 0;
        filter->state = FILTER_STRING;
    } else if (c >= 0x20 && c <= 0x2f) {
        put(filter, c); /* ESC ( B and the like: one more to come */
    } else {
        put(filter, c);
        end_sequence(filter, events);
    }
}

void plain_filter_feed(struct plain_filter *filter, const char *bytes, size_t len,
                       const struct plain_filter_events *events)
{
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        switch (filter->state) {
        case FILTER_TEXT: {
            size_t n = 0;
            while (i + n < len && bytes[i + n] != ESC)
                n++;
            if (n > 0) {
                events->text(bytes + i, n, events->data);
                i += n - 1;
                break;
            }
            filter->state = FILTER_ESCAPE;
            filter->len = 0;
            put(filter, c);
            break;
        }
        case FILTER_ESCAPE:
            after_escape(filter, c, events);
            break;
        case FILTER_CSI:
            put(filter, c);
            if (c >= 0x40 && c <= 0x7e)
                end_sequence(filter, events);
            else if (c == ESC)
                filter->state = FILTER_ESCAPE, filter->len = 1, filter->sequence[0] = ESC;
            break;
        case FILTER_STRING:
            if (c == BEL)
                end_string(filter, events);
            else if (c == ESC)
                filter->state = FILTER_STRING_ESCAPE;
            else
                put(filter, c);
            break;
        case FILTER_STRING_ESCAPE:
            end_string(filter, events);
            if (c != '\\') { /* not its end after all: a new sequence cut it off */
                filter->len = 0;
                put(filter, ESC);
                filter->state = FILTER_ESCAPE;
                after_escape(filter, c, events);
            }
            break;
        }
    }
}
