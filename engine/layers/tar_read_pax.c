/* The records of pax's extended headers: "LENGTH KEY=VALUE\n", LENGTH in decimal and counting all of it. See pax(1). */
#include "engine/layers/tar_attributes.h"
#include "engine/layers/tar_read_internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

bool tar_decimal(const char **text, char end, uint64_t *value)
{
    const char *at = *text;
    *value = 0;
    if (!isdigit((unsigned char)*at))
        return false;
    for (; isdigit((unsigned char)*at); at++) {
        if (*value > (INT64_MAX - 9) / 10)
            return false;
        *value = *value * 10 + (uint64_t)(*at - '0');
    }
    if (*at != end)
        return false;
    *text = at + 1;
    return true;
}

/* "-1.25" is 1.25 seconds before the epoch: second -2, and 750,000,000 ns after it. */
static bool read_time(const char *text, int64_t *seconds, uint32_t *nanoseconds)
{
    bool negative = *text == '-';
    uint64_t whole = 0;
    uint32_t part = 0;
    size_t digits = strspn(text + negative, "0123456789");
    char copy[24];
    if (digits >= sizeof copy)
        return false;
    memcpy(copy, text + negative, digits);
    copy[digits] = '\0';
    const char *at = copy;
    if (!tar_decimal(&at, '\0', &whole))
        return false;
    text += (size_t)negative + digits;
    if (*text == '.')
        text++;
    for (int i = 0; i < 9; i++)
        part = part * 10 + (isdigit((unsigned char)*text) ? (uint32_t)(*text++ - '0') : 0);
    if (text[strspn(text, "0123456789")])
        return false;
    *seconds = negative ? -(int64_t)whole - (part ? 1 : 0) : (int64_t)whole;
    *nanoseconds = negative && part ? 1000000000 - part : part;
    return true;
}

struct record {
    const char *key, *value;
    size_t size; /* of the value, which a NUL follows */
};

static bool whole_number(const struct record *record, bool *has, uint64_t *value)
{
    const char *at = record->value;
    *has = true;
    return strlen(record->value) == record->size && tar_decimal(&at, '\0', value);
}

static bool text(const struct record *record, const char **value)
{
    *value = record->size ? record->value : NULL;
    return strlen(record->value) == record->size;
}

static bool add_attribute(struct tar_extended *extended, const char *name, const struct record *record)
{
    size_t i = 0;
    while (i < extended->attribute_count && strcmp(extended->attributes[i].name, name) != 0)
        i++;
    if (i == MOST_ATTRIBUTES || !*name)
        return false;
    if (i == extended->attribute_count)
        extended->attribute_count++;
    extended->attributes[i] = (struct tar_attribute){ name, record->value, record->size };
    return true;
}

/* The pieces of GNU's first form of sparse files, an offset and a size in turn. */
static bool sparse_piece(struct tar_reader *reader, const struct record *record)
{
    uint64_t value;
    bool has, is_size = strcmp(record->key, "GNU.sparse.numbytes") == 0;
    if (!whole_number(record, &has, &value))
        return false;
    if (!is_size)
        return tar_add_span(reader, value, 0, NULL) == 0;
    if (!reader->span_count)
        return false;
    reader->spans[reader->span_count - 1].size = value;
    return true;
}

/* False: the value cannot be. What is not known is passed over. */
static bool use_record(struct tar_reader *reader, const struct record *record)
{
    static const char xattr[] = "SCHILY.xattr.";
    struct tar_extended *extended = &reader->extended;
    const char *key = record->key;
    if (strcmp(key, "path") == 0)
        return text(record, &extended->path);
    if (strcmp(key, "linkpath") == 0)
        return text(record, &extended->link);
    if (strcmp(key, "size") == 0)
        return whole_number(record, &extended->has_size, &extended->size);
    if (strcmp(key, "uid") == 0)
        return whole_number(record, &extended->has_uid, &extended->uid);
    if (strcmp(key, "gid") == 0)
        return whole_number(record, &extended->has_gid, &extended->gid);
    if (strcmp(key, "mtime") == 0) {
        extended->has_time = true;
        return strlen(record->value) == record->size &&
               read_time(record->value, &extended->seconds, &extended->nanoseconds);
    }
    if (strncmp(key, xattr, sizeof xattr - 1) == 0)
        return add_attribute(extended, key + sizeof xattr - 1, record);
    /* Access control lists as text: tar_attributes.h knows them by these names. */
    if (strcmp(key, TAR_ACL_ACCESS) == 0 || strcmp(key, TAR_ACL_DEFAULT) == 0)
        return strlen(record->value) == record->size && add_attribute(extended, key, record);
    if (strcmp(key, "GNU.sparse.name") == 0)
        return text(record, &extended->sparse_name);
    if (strcmp(key, "GNU.sparse.map") == 0)
        return text(record, &extended->sparse_map);
    if (strcmp(key, "GNU.sparse.realsize") == 0 || strcmp(key, "GNU.sparse.size") == 0)
        return whole_number(record, &extended->has_real_size, &extended->real_size);
    if (strcmp(key, "GNU.sparse.major") == 0)
        return whole_number(record, &extended->has_major, &extended->sparse_major);
    bool piece = strcmp(key, "GNU.sparse.offset") == 0 || strcmp(key, "GNU.sparse.numbytes") == 0;
    return !piece || sparse_piece(reader, record);
}

int tar_read_records(struct tar_reader *reader, struct tar_text *records, struct err *err)
{
    char *at = records->data, *end = at + records->size;
    while (at < end) {
        const char *body = at;
        uint64_t size;
        if (!tar_decimal(&body, ' ', &size) || size > (uint64_t)(end - at) || at + size <= body + 1 ||
            at[size - 1] != '\n')
            return err_say(err, EINVAL, "the extended header is damaged");
        at[size - 1] = '\0';
        char *value = memchr(body, '=', (size_t)(at + size - 1 - body));
        if (!value || value == body)
            return err_say(err, EINVAL, "the extended header has a record without `=`");
        *value++ = '\0';
        const struct record record = { body, value, (size_t)(at + size - 1 - value) };
        if (!use_record(reader, &record))
            return err_say(err, EINVAL, "the extended header's `%.60s` cannot be `%.100s`", record.key, record.value);
        at += size;
    }
    return 0;
}
