/* Names, and patterns that find them. */
#include "repl/tutor/trap.h"

#include <string.h>

size_t name_length(const char *text)
{
    size_t len = 0;
    while ((text[len] >= 'a' && text[len] <= 'z') || (len > 0 && text[len] == '_'))
        len++;
    return len < NAME_LENGTH ? len : 0;
}

const struct name *names_find(const struct names *names, const char *name, size_t len)
{
    for (unsigned i = 0; i < names->count; i++)
        if (strlen(names->list[i].name) == len && memcmp(names->list[i].name, name, len) == 0)
            return &names->list[i];
    return NULL;
}

bool names_set(struct names *names, const char *name, size_t len, const char *value, size_t value_len, bool certain)
{
    const struct name *known = names_find(names, name, len);
    if (known)
        return strlen(known->value) == value_len && memcmp(known->value, value, value_len) == 0;
    if (names->count == NAMES_MAX || len >= NAME_LENGTH || value_len >= VALUE_LENGTH)
        return false;
    struct name *added = &names->list[names->count++];
    memcpy(added->name, name, len);
    added->name[len] = '\0';
    memcpy(added->value, value, value_len);
    added->value[value_len] = '\0';
    added->certain = certain;
    return true;
}

struct matching {
    enum pattern_kind kind;
    struct names *names;
    bool certain;
    unsigned *fuel;
};

static bool matches(const struct matching *m, const char *pattern, const char *text);

static bool matches_name(const struct matching *m, const char *pattern, const char *text)
{
    size_t len = name_length(pattern + 1), most = strcspn(text, m->kind == PATTERN_WORD ? ",\"" : " \t");
    unsigned had = m->names->count;
    for (size_t i = 1; i <= most; i++) {
        size_t take = m->kind == PATTERN_WORD ? most + 1 - i : i;
        if (names_set(m->names, pattern + 1, len, text, take, m->certain) && matches(m, pattern + 1 + len, text + take))
            return true;
        m->names->count = had;
    }
    return false;
}

static size_t character(const char *text)
{
    size_t len = 1;
    while (((unsigned char)text[len] & 0xc0) == 0x80)
        len++;
    return len;
}

static bool matches(const struct matching *m, const char *pattern, const char *text)
{
    if (*m->fuel == 0)
        return false;
    --*m->fuel;
    for (; *pattern; pattern++, text++) {
        if (*pattern == '*') {
            while (*pattern == '*')
                pattern++;
            for (; !matches(m, pattern, text); text++)
                if (!*text)
                    return false;
            return true;
        }
        if (*pattern == '$' && name_length(pattern + 1))
            return matches_name(m, pattern, text);
        if (!*text)
            return false;
        if (*pattern == '?') {
            text += character(text) - 1;
            continue;
        }
        if (*pattern == '\\' && pattern[1])
            pattern++;
        if (*pattern != *text)
            return false;
    }
    return !*text;
}

bool pattern_matches(const char *pattern, const char *text, enum pattern_kind kind, struct names *names, bool certain,
                     unsigned *fuel)
{
    const struct matching m = { kind, names, certain, fuel };
    unsigned had = names->count;
    if (matches(&m, pattern, text))
        return true;
    names->count = had;
    return false;
}

const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}
