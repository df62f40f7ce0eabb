#include "repl/kernel/connection.h"

#include "engine/base/open.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *const channel_names[CHANNELS] = { "shell", "control", "stdin", "iopub", "hb" };

static int read_text(json_t *file, const char *name, const char *otherwise, char *to, size_t size, struct err *err)
{
    json_t *value = json_object_get(file, name);
    const char *text = value ? json_string_value(value) : otherwise;
    if (!text)
        return err_say(err, EINVAL, "the connection file lacks the text `%s`", name);
    if (strlen(text) >= size)
        return err_say(err, EINVAL, "the connection file's `%s` is longer than %zu bytes", name, size - 1);
    strcpy(to, text);
    return 0;
}

static int read_ports(json_t *file, struct connection *connection, struct err *err)
{
    char name[32];
    for (int i = 0; i < CHANNELS; i++) {
        snprintf(name, sizeof name, "%s_port", channel_names[i]);
        json_t *value = json_object_get(file, name);
        json_int_t port = json_integer_value(value);
        if (!json_is_integer(value) || port < 1 || port > 65535)
            return err_say(err, EINVAL, "the connection file's `%s` is not a number from 1 to 65535", name);
        connection->ports[i] = (int)port;
    }
    return 0;
}

int connection_parse(const char *text, struct connection *connection, struct err *err)
{
    json_error_t error;
    char scheme[64] = "";
    json_t *file = json_loads(text, 0, &error);
    *connection = (struct connection){ 0 };
    if (!json_is_object(file)) {
        json_decref(file);
        return err_say(err, EINVAL, "the connection file is no JSON object: line %d: %s", error.line, error.text);
    }
    int result = read_text(file, "transport", "tcp", connection->transport, sizeof connection->transport, err) < 0 ||
                         read_text(file, "ip", NULL, connection->ip, sizeof connection->ip, err) < 0 ||
                         read_text(file, "key", "", connection->key, sizeof connection->key, err) < 0 ||
                         read_text(file, "signature_scheme", "hmac-sha256", scheme, sizeof scheme, err) < 0 ||
                         read_ports(file, connection, err) < 0
                     ? -1
                     : 0;
    json_decref(file);
    if (result == 0 && strcmp(connection->transport, "tcp") != 0 && strcmp(connection->transport, "ipc") != 0)
        result =
            err_say(err, EINVAL, "the connection file's transport is `%s`, expected tcp or ipc", connection->transport);
    if (result == 0 && *connection->key && strcmp(scheme, "hmac-sha256") != 0)
        result = err_say(err, EINVAL, "messages are to be signed by `%s`, and this kernel knows hmac-sha256", scheme);
    return result;
}

int connection_read(const char *path, struct connection *connection, struct err *err)
{
    char text[16384];
    if (read_file_at(AT_FDCWD, path, text, sizeof text, err) < 0)
        return -1;
    return connection_parse(text, connection, err) < 0 ? err_prefix(err, "`%s`", path) : 0;
}

void connection_address(const struct connection *connection, enum channel channel, char *address, unsigned size)
{
    bool ipc = strcmp(connection->transport, "ipc") == 0;
    snprintf(address, size, "%s://%s%c%d", connection->transport, connection->ip, ipc ? '-' : ':',
             connection->ports[channel]);
}
