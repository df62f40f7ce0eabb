#include "engine/image/change.h"

#include "engine/base/cleanup.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A word, or KEY=VALUE with quotes anywhere in it; backslashes take a character as it is, but not between single quotes. Malloc'ed; NULL at the end. *@wrong: a quote that does not end. */
static char *next_word(const char **text, bool *wrong)
{
    const char *at = *text;
    while (isspace((unsigned char)*at))
        at++;
    if (!*at) {
        *text = at;
        return NULL;
    }
    char *word = malloc(strlen(at) + 1), quote = 0;
    size_t len = 0;
    for (; word && *at && (quote || !isspace((unsigned char)*at)); at++) {
        if (quote && *at == quote)
            quote = 0;
        else if (!quote && (*at == '"' || *at == '\''))
            quote = *at;
        else if (*at == '\\' && quote != '\'' && at[1])
            word[len++] = *++at;
        else
            word[len++] = *at;
    }
    *wrong |= quote != 0 || !word;
    *text = at;
    if (word)
        word[len] = '\0';
    return word;
}

static json_t *words_of(const char *text, bool *wrong)
{
    json_t *words = json_array();
    char *word;
    while ((word = next_word(&text, wrong))) {
        *wrong |= json_array_append_new(words, json_string(word)) < 0;
        free(word);
    }
    return words;
}

/* `["a", "b"]`, or NULL: it is no array of strings. */
static json_t *array_of(const char *text)
{
    json_t *array = *text == '[' ? json_loads(text, 0, NULL) : NULL, *item;
    size_t i;
    json_array_foreach(array, i, item)
    {
        if (json_is_string(item))
            continue;
        json_decref(array);
        return NULL;
    }
    return array;
}

/* An array is the command itself; anything else is a line for the shell. */
static int change_command(json_t *config, const char *name, const char *text)
{
    json_t *array = array_of(text);
    return json_object_set_new(config, name, array ? array : json_pack("[s, s, s]", "/bin/sh", "-c", text));
}

static int change_text(json_t *config, const char *name, const char *text)
{
    return json_object_set_new(config, name, json_string(text));
}

static json_t *member(json_t *config, const char *name, json_t *(*make)(void))
{
    json_t *json = json_object_get(config, name);
    if (!json || json_is_null(json)) {
        json = make();
        json_object_set_new(config, name, json);
    }
    return json;
}

static int set_variable(json_t *env, const char *key, size_t key_len, const char *pair)
{
    size_t i;
    json_t *has;
    json_array_foreach(env, i, has)
    {
        const char *text = json_string_value(has);
        if (strncmp(text, key, key_len) == 0 && text[key_len] == '=')
            return json_array_set_new(env, i, json_string(pair));
    }
    return json_array_append_new(env, json_string(pair));
}

/* `KEY=VALUE …`, or the old form `KEY the rest of the line`. */
static int each_pair(json_t *to, const char *text,
                     int (*set)(json_t *to, const char *key, size_t len, const char *pair))
{
    size_t first = strcspn(text, " \t=");
    bool wrong = false;
    if (text[first] != '=') {
        cleanup_free char *pair = NULL;
        const char *value = text + first + strspn(text + first, " \t");
        if (!*value || first == 0 || asprintf(&pair, "%.*s=%s", (int)first, text, value) < 0)
            return -1;
        return set(to, pair, first, pair);
    }
    char *word;
    int result = 0;
    while (result == 0 && (word = next_word(&text, &wrong))) {
        size_t len = strcspn(word, "=");
        result = word[len] && len > 0 && !wrong ? set(to, word, len, word) : -1;
        free(word);
    }
    return wrong ? -1 : result;
}

static int change_env(json_t *config, const char *name, const char *text)
{
    return each_pair(member(config, name, json_array), text, set_variable);
}

static int set_label(json_t *labels, const char *key, size_t len, const char *pair)
{
    cleanup_free char *own = strndup(key, len);
    return own ? json_object_set_new(labels, own, json_string(pair + len + 1)) : -1;
}

static int change_label(json_t *config, const char *name, const char *text)
{
    return each_pair(member(config, name, json_object), text, set_label);
}

/* "80", "80/udp", "8000-8010/tcp". */
static int set_port(json_t *ports, const char *text)
{
    char port[64];
    size_t digits = strspn(text, "0123456789-");
    const char *protocol = text[digits] == '/' ? text + digits + 1 : "tcp";
    unsigned long number = strtoul(text, NULL, 10);
    if (digits == 0 || number == 0 || number > 65535 || (text[digits] && text[digits] != '/') ||
        (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0 && strcmp(protocol, "sctp") != 0))
        return -1;
    snprintf(port, sizeof port, "%.*s/%s", (int)digits, text, protocol);
    return json_object_set_new(ports, port, json_object());
}

static int set_volume(json_t *volumes, const char *text)
{
    return *text ? json_object_set_new(volumes, text, json_object()) : -1;
}

static int each_word(json_t *to, json_t *words, bool wrong, int (*set)(json_t *to, const char *text))
{
    size_t i;
    json_t *word;
    int result = wrong || json_array_size(words) == 0 ? -1 : 0;
    json_array_foreach(words, i, word)
    {
        if (result == 0)
            result = set(to, json_string_value(word));
    }
    json_decref(words);
    return result;
}

static int change_ports(json_t *config, const char *name, const char *text)
{
    bool wrong = false;
    json_t *words = words_of(text, &wrong);
    return each_word(member(config, name, json_object), words, wrong, set_port);
}

static int change_volumes(json_t *config, const char *name, const char *text)
{
    bool wrong = false;
    json_t *array = array_of(text);
    json_t *words = array ? array : words_of(text, &wrong);
    return each_word(member(config, name, json_object), words, wrong, set_volume);
}

/* A relative one is below what there was. */
static int change_directory(json_t *config, const char *name, const char *text)
{
    char path[PATH_MAX];
    const char *before = json_string_value(json_object_get(config, name));
    int n = *text == '/' ? snprintf(path, sizeof path, "%s", text)
                         : snprintf(path, sizeof path, "%s/%s", before && strcmp(before, "/") != 0 ? before : "", text);
    return n < 0 || (size_t)n >= sizeof path ? -1 : json_object_set_new(config, name, json_string(path));
}

static const struct instruction {
    const char *word, *member;
    int (*change)(json_t *config, const char *member, const char *text);
    const char *form;
} instructions[] = {
    { "CMD", "Cmd", change_command, "CMD [\"PROGRAM\", \"ARGUMENT\"], or CMD and a line for the shell" },
    { "ENTRYPOINT", "Entrypoint", change_command, "ENTRYPOINT [\"PROGRAM\", \"ARGUMENT\"]" },
    { "ENV", "Env", change_env, "ENV KEY=VALUE …" },
    { "EXPOSE", "ExposedPorts", change_ports, "EXPOSE PORT[/tcp|/udp] …" },
    { "LABEL", "Labels", change_label, "LABEL KEY=VALUE …" },
    { "USER", "User", change_text, "USER NAME[:GROUP]" },
    { "VOLUME", "Volumes", change_volumes, "VOLUME [\"/PATH\"]" },
    { "WORKDIR", "WorkingDir", change_directory, "WORKDIR /PATH" },
};

int image_change(json_t *config, const char *instruction, struct err *err)
{
    const char *word = instruction + strspn(instruction, " \t");
    size_t len = strcspn(word, " \t");
    cleanup_free char *text = strdup(word + len + strspn(word + len, " \t"));
    if (!text)
        return err_set(err, ENOMEM, "change an image");
    for (size_t end = strlen(text); end > 0 && isspace((unsigned char)text[end - 1]);)
        text[--end] = '\0';
    for (size_t i = 0; i < sizeof instructions / sizeof *instructions; i++) {
        const struct instruction *known = &instructions[i];
        if (strlen(known->word) != len || strncasecmp(known->word, word, len) != 0)
            continue;
        return *text && known->change(config, known->member, text) == 0
                   ? 0
                   : err_say(err, EINVAL, "`%.200s`: not of the form %s", instruction, known->form);
    }
    return err_say(
        err, EINVAL,
        "`%.200s`: no instruction that changes an image; there are CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, "
        "VOLUME, WORKDIR",
        instruction);
}
