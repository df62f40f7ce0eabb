/* The functions a template may call, one row each. */
#include "engine/docker/format_internal.h"

#include "engine/base/cleanup.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static json_t *refuse(const struct call *call, struct err *err, const char *what)
{
    err_say(err, EINVAL, "the function `%s` %s", call->name, what);
    return NULL;
}

/* @text as a value. */
static json_t *text_value(const char *text, size_t size, struct err *err)
{
    if (size > FORMAT_VALUE_MOST) {
        err_say(err, E2BIG, "the format makes a text that is too long: over %zu MiB", FORMAT_VALUE_MOST >> 20);
        return NULL;
    }
    json_t *value = json_stringn(text, size);
    if (!value)
        err_say(err, EINVAL, "the format makes a text that is not UTF-8");
    return value;
}

/* The text a FILE gathered, as a value. */
static json_t *gathered(FILE *out, char **text, const size_t *size, struct err *err)
{
    json_t *value = NULL;
    if (out && fclose(out) == 0)
        value = text_value(*text, *size, err);
    else
        err_set(err, ENOMEM, "format");
    free(*text);
    return value;
}

static json_t *to_json(const struct call *call, struct err *err)
{
    cleanup_free char *text = json_dumps(call->arguments[0], JSON_COMPACT | JSON_ENCODE_ANY);
    if (text)
        return text_value(text, strlen(text), err);
    err_set(err, ENOMEM, "format");
    return NULL;
}

static json_t *do_join(const struct call *call, struct err *err)
{
    json_t *list = call->arguments[0];
    const char *between = json_string_value(call->arguments[1]);
    char *text = NULL;
    size_t size = 0;
    if (!json_is_array(list) || !between)
        return refuse(call, err, "wants a list and a text to put between its items");
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; out && i < json_array_size(list); i++) {
        fputs(i ? between : "", out);
        format_write(out, json_array_get(list, i));
    }
    return gathered(out, &text, &size, err);
}

static json_t *do_split(const struct call *call, struct err *err)
{
    const char *text = json_string_value(call->arguments[0]), *at = json_string_value(call->arguments[1]), *next;
    if (!text || !at || !*at)
        return refuse(call, err, "wants a text and what parts it");
    json_t *list = json_array();
    while ((next = strstr(text, at))) {
        json_array_append_new(list, json_stringn(text, (size_t)(next - text)));
        text = next + strlen(at);
    }
    json_array_append_new(list, json_string(text));
    return list;
}

/* Letters of ASCII; others stay as they are. */
static json_t *change_case(const struct call *call, struct err *err)
{
    const char *from = json_string_value(call->arguments[0]);
    cleanup_free char *text = from ? strdup(from) : NULL;
    if (!text)
        return refuse(call, err, "wants a text");
    bool start = true;
    for (char *c = text; *c; c++) {
        unsigned char letter = (unsigned char)*c;
        if (call->name[0] == 'l')
            *c = (char)tolower(letter);
        else if (call->name[0] == 'u' || start)
            *c = (char)toupper(letter);
        start = isspace(letter);
    }
    return json_string(text);
}

static json_t *do_pad(const struct call *call, struct err *err)
{
    const char *text = json_string_value(call->arguments[0]);
    json_int_t before = json_integer_value(call->arguments[1]), after = json_integer_value(call->arguments[2]);
    char *made = NULL;
    size_t size = 0;
    if (!text || before < 0 || after < 0 || before > 1000 || after > 1000)
        return refuse(call, err, "wants a text and two numbers of blanks, up to 1000");
    FILE *out = open_memstream(&made, &size);
    if (out && *text) /* docker pads nothing where there is nothing */
        fprintf(out, "%*s%s%*s", (int)before, "", text, (int)after, "");
    return gathered(out, &made, &size, err);
}

static json_t *do_truncate(const struct call *call, struct err *err)
{
    const char *text = json_string_value(call->arguments[0]);
    json_int_t most = json_integer_value(call->arguments[1]);
    if (!text || !json_is_integer(call->arguments[1]) || most < 0)
        return refuse(call, err, "wants a text and how long it may be");
    size_t length = strnlen(text, (size_t)most);
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) /* in the middle of a character */
        length--;
    return json_stringn(text, length);
}

static json_t *do_print(const struct call *call, struct err *err)
{
    char *text = NULL;
    size_t size = 0;
    bool line = strcmp(call->name, "println") == 0;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; out && i < call->count; i++) {
        /* print puts blanks only between two that are no texts */
        if (i > 0 && (line || (!json_is_string(call->arguments[i]) && !json_is_string(call->arguments[i - 1]))))
            fputc(' ', out);
        format_write(out, call->arguments[i]);
    }
    if (out && line)
        fputc('\n', out);
    return gathered(out, &text, &size, err);
}

/* What stands between a verb's % and its letter. */
struct verb {
    bool left, zero;
    int width, precision; /* -1: none */
};

/* Returns the letter's place, or NULL: not a verb. */
static const char *read_verb(const char *at, struct verb *verb)
{
    *verb = (struct verb){ .precision = -1 };
    for (; *at && strchr("-+ #0", *at); at++) {
        verb->left |= *at == '-';
        verb->zero |= *at == '0';
    }
    for (; isdigit((unsigned char)*at) && verb->width <= 1000; at++)
        verb->width = verb->width * 10 + (*at - '0');
    if (*at == '.')
        for (verb->precision = 0, at++; isdigit((unsigned char)*at) && verb->precision <= 1000; at++)
            verb->precision = verb->precision * 10 + (*at - '0');
    if (verb->left)
        verb->width = -verb->width;
    return *at && abs(verb->width) <= 1000 && verb->precision <= 1000 ? at : NULL;
}

static void print_integer(FILE *out, const struct verb *verb, char letter, long long number)
{
    char text[32];
    switch (letter) {
    case 'x':
        snprintf(text, sizeof text, "%llx", (unsigned long long)number);
        break;
    case 'X':
        snprintf(text, sizeof text, "%llX", (unsigned long long)number);
        break;
    case 'o':
        snprintf(text, sizeof text, "%llo", (unsigned long long)number);
        break;
    default:
        if (verb->zero && !verb->left) {
            fprintf(out, "%0*lld", verb->width, number);
            return;
        }
        snprintf(text, sizeof text, "%lld", number);
    }
    fprintf(out, "%*s", verb->width, text);
}

static void print_text(FILE *out, const struct verb *verb, bool quoted, json_t *value)
{
    char *text = NULL;
    size_t size = 0;
    FILE *plain = open_memstream(&text, &size);
    if (plain && quoted && json_is_string(value))
        json_dumpf(value, plain, JSON_ENCODE_ANY);
    else if (plain)
        format_write(plain, value);
    if (plain && fclose(plain) == 0)
        fprintf(out, "%*.*s", verb->width, verb->precision < 0 ? (int)size : verb->precision, text);
    free(text);
}

/* One verb, from behind its %. Returns what follows it, or NULL: @value does not fit it. */
static const char *print_verb(FILE *out, const char *at, json_t *value)
{
    struct verb verb;
    at = read_verb(at, &verb);
    if (!at)
        return NULL;
    if (strchr("dxXo", *at) && json_is_integer(value))
        print_integer(out, &verb, *at, json_integer_value(value));
    else if (strchr("fe", *at) && json_is_number(value))
        fprintf(out, *at == 'f' ? "%*.*f" : "%*.*e", verb.width, verb.precision < 0 ? 6 : verb.precision,
                json_number_value(value));
    else if (*at == 'g' && json_is_number(value))
        fprintf(out, "%*.*g", verb.width, verb.precision < 0 ? 6 : verb.precision, json_number_value(value));
    else if (strchr("svq", *at) || (*at == 't' && json_is_boolean(value)))
        print_text(out, &verb, *at == 'q', value);
    else
        return NULL;
    return at + 1;
}

static json_t *do_printf(const struct call *call, struct err *err)
{
    const char *at = json_string_value(call->arguments[0]);
    char *text = NULL;
    size_t size = 0, used = 1;
    if (!at)
        return refuse(call, err, "wants a text as its first argument");
    FILE *out = open_memstream(&text, &size);
    while (out && at && *at) {
        if (*at != '%' || at[1] == '%') {
            fputc(*at, out);
            at += *at == '%' ? 2 : 1;
        } else {
            at = used < call->count ? print_verb(out, at + 1, call->arguments[used]) : NULL;
            used++;
        }
    }
    json_t *made = gathered(out, &text, &size, err);
    if (at && used >= call->count)
        return made;
    json_decref(made);
    return refuse(call, err, "has values that do not fit its verbs: %s %v %q %d %x %o %f %g %t are known");
}

static json_t *do_index(const struct call *call, struct err *err)
{
    json_t *value = json_incref(call->arguments[0]);
    for (size_t i = 1; value && i < call->count; i++) {
        const json_t *key = call->arguments[i];
        json_t *found = NULL;
        if (json_is_array(value) && json_is_integer(key)) {
            json_int_t at = json_integer_value(key);
            if (at >= 0 && (size_t)at < json_array_size(value))
                found = json_incref(json_array_get(value, (size_t)at));
            else
                err_say(err, EINVAL, "index %lld is out of range: there are %zu", (long long)at,
                        json_array_size(value));
        } else if ((json_is_object(value) || json_is_null(value)) && json_is_string(key)) {
            found = json_incref(json_object_get(value, json_string_value(key)));
            if (!found)
                found = json_string(""); /* what a Go map of texts gives for what it does not have */
        } else {
            refuse(call, err, "wants a list and a number, or an object and a text");
        }
        json_decref(value);
        value = found;
    }
    return value;
}

static json_t *do_len(const struct call *call, struct err *err)
{
    const json_t *value = call->arguments[0];
    switch (json_typeof(value)) {
    case JSON_STRING:
        return json_integer((json_int_t)json_string_length(value));
    case JSON_ARRAY:
        return json_integer((json_int_t)json_array_size(value));
    case JSON_OBJECT:
        return json_integer((json_int_t)json_object_size(value));
    case JSON_NULL:
        return json_integer(0);
    default:
        return refuse(call, err, "wants a text, a list or an object");
    }
}

/* -1, 0, 1; 2: they cannot be compared. */
static int compare(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t x = json_integer_value(a), y = json_integer_value(b);
        return x < y ? -1 : x > y;
    }
    if (json_is_number(a) && json_is_number(b)) {
        double x = json_number_value(a), y = json_number_value(b);
        return x < y ? -1 : x > y;
    }
    if (json_is_string(a) && json_is_string(b)) {
        int order = strcmp(json_string_value(a), json_string_value(b));
        return order < 0 ? -1 : order > 0;
    }
    return 2;
}

static json_t *do_equal(const struct call *call, struct err *err)
{
    bool equal = false;
    for (size_t i = 1; i < call->count; i++) { /* eq a b c: a is one of the others */
        const json_t *a = call->arguments[0], *b = call->arguments[i];
        if (compare(a, b) == 2 && json_typeof(a) != json_typeof(b) && !json_is_null(a) && !json_is_null(b) &&
            !(json_is_boolean(a) && json_is_boolean(b)))
            return refuse(call, err, "compares values of the same kind only");
        equal |= compare(a, b) == 0 || json_equal(a, b);
    }
    return json_boolean(equal == (call->name[0] == 'e'));
}

static json_t *do_order(const struct call *call, struct err *err)
{
    int order = compare(call->arguments[0], call->arguments[1]);
    if (order == 2)
        return refuse(call, err, "compares two numbers or two texts");
    bool holds = (order < 0 && call->name[0] == 'l') || (order > 0 && call->name[0] == 'g') ||
                 (order == 0 && call->name[1] == 'e');
    return json_boolean(holds);
}

static json_t *do_not(const struct call *call, struct err *err)
{
    (void)err;
    return json_boolean(!format_true(call->arguments[0]));
}

/* `and` and `or` are the evaluator's, which looks no further than it must. */
static const struct format_function functions[] = {
    { "and", 1, SIZE_MAX, NULL },
    { "eq", 2, SIZE_MAX, do_equal },
    { "ge", 2, 2, do_order },
    { "gt", 2, 2, do_order },
    { "index", 1, SIZE_MAX, do_index },
    { "join", 2, 2, do_join },
    { "json", 1, 1, to_json },
    { "le", 2, 2, do_order },
    { "len", 1, 1, do_len },
    { "lower", 1, 1, change_case },
    { "lt", 2, 2, do_order },
    { "ne", 2, 2, do_equal },
    { "not", 1, 1, do_not },
    { "or", 1, SIZE_MAX, NULL },
    { "pad", 3, 3, do_pad },
    { "print", 0, SIZE_MAX, do_print },
    { "printf", 1, SIZE_MAX, do_printf },
    { "println", 0, SIZE_MAX, do_print },
    { "split", 2, 2, do_split },
    { "title", 1, 1, change_case },
    { "truncate", 2, 2, do_truncate },
    { "upper", 1, 1, change_case },
};

const struct format_function *format_function_find(const char *name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].name, name) == 0)
            return &functions[i];
    return NULL;
}
