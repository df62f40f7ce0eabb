/* Front matter: `key: value` lines between `---` lines at the top of the file. */
#include "repl/lesson/parse.h"

#include "engine/base/similar.h"

#include <stdlib.h>
#include <string.h>

enum front_key { FRONT_TITLE, FRONT_REQUIRES, FRONT_NEEDS, FRONT_TIMEOUT, FRONT_LENS };

static const struct {
    const char *name;
    const char *expected;
} front_keys[] = {
    [FRONT_TITLE] = { "title", "the lesson's title" },
    [FRONT_REQUIRES] = { "requires", "names that `doctor` knows, separated by commas" },
    [FRONT_NEEDS] = { "needs", "earlier steps as LESSON.STEP (`2.4`), separated by commas" },
    [FRONT_TIMEOUT] = { "timeout", "a number and ms, s, m or h, as in `20s`" },
    [FRONT_LENS] = { "lens", "`off`, or names of syscalls separated by commas" },
};
#define FRONT_KEYS (sizeof front_keys / sizeof *front_keys)

bool is_front_delimiter(const char *line, bool closing)
{
    size_t end = strspn(line, line[0] == '.' && closing ? "." : "-");
    return end == 3 && line[end + strspn(line + end, " \t")] == '\0';
}

/** The value without quotes, or without a comment at its end. malloc'ed. */
static char *unquoted(struct parser *p, const char *value)
{
    value += strspn(value, " \t");
    char quote = *value == '"' || *value == '\'' ? *value : '\0';
    const char *end = quote ? strchr(value + 1, quote) : NULL;
    if (end)
        return kept(p, strndup(value + 1, (size_t)(end - value - 1)));
    size_t len = 0;
    while (value[len] && !(value[len] == '#' && (len == 0 || strchr(" \t", value[len - 1]))))
        len++;
    return kept(p, trimmed(value, len));
}

static void set_key(struct parser *p, enum front_key key, int line, char *value)
{
    struct lesson *lesson = p->lesson;
    bool good = *value != '\0';
    char **to = NULL;
    switch (key) {
    case FRONT_TITLE:
        to = &lesson->title;
        break;
    case FRONT_REQUIRES:
        good = value_names(value);
        lesson->requires_line = line;
        to = &lesson->requires;
        break;
    case FRONT_NEEDS:
        to = &lesson->needs;
        if (good)
            check_needs(p, line, value, 0);
        break;
    case FRONT_TIMEOUT:
        good = value_timeout(value, &lesson->timeout_ms);
        break;
    case FRONT_LENS:
        good = value_lens(value);
        to = &lesson->lens;
        break;
    }
    if (!good) {
        mistake(p, line, "bad value `%s` of `%s`, expected %s", value, front_keys[key].name, front_keys[key].expected);
        return;
    }
    if (to)
        *to = key == FRONT_TITLE ? kept(p, strdup(value)) : names_list(p, value);
}

static void read_line(struct parser *p, int number, bool seen[FRONT_KEYS])
{
    const char *line = p->lines[number - 1];
    if (line[strspn(line, " \t")] == '\0' || line[0] == '#')
        return;
    const char *colon = strchr(line, ':');
    size_t len = colon ? (size_t)(colon - line) : 0;
    if (len == 0 || strchr(" \t-", line[0]) || (colon[1] && !strchr(" \t", colon[1]))) {
        soft_mistake(p, number, "not a line of front matter, expected `key: value`");
        return;
    }
    for (size_t i = 0; i < FRONT_KEYS; i++) {
        if (strlen(front_keys[i].name) != len || memcmp(front_keys[i].name, line, len) != 0)
            continue;
        if (seen[i]) {
            mistake(p, number, "a second `%s`, expected each key once", front_keys[i].name);
            return;
        }
        seen[i] = true;
        char *value = unquoted(p, colon + 1);
        if (value)
            set_key(p, (enum front_key)i, number, value);
        free(value);
        return;
    }
    char near[64], *key = kept(p, strndup(line, len));
    if (key)
        soft_mistake(p, number,
                     "unknown key `%s` in the front matter, expected one of title, requires, needs, timeout, lens%s",
                     key, did_you_mean(near, sizeof near, key, &front_keys[0].name, FRONT_KEYS, sizeof front_keys[0]));
    free(key);
}

size_t read_front_matter(struct parser *p)
{
    if (p->line_count == 0 || !is_front_delimiter(p->lines[0], false))
        return 0;
    size_t end = 1;
    while (end < p->line_count && !is_front_delimiter(p->lines[end], true))
        end++;
    if (end == p->line_count) {
        soft_mistake(p, 1, "front matter that never ends, expected a line `---` after its keys");
        return 0;
    }
    bool seen[FRONT_KEYS] = { false };
    for (size_t i = 1; i < end && !p->oom; i++)
        read_line(p, (int)i + 1, seen);
    return end + 1;
}
