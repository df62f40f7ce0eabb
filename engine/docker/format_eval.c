/* The tree of a template, evaluated over a JSON value. */
#include "engine/docker/format_internal.h"

#include "engine/base/cleanup.h"

#include <string.h>

#define MOST_VARIABLES 64
#define MOST_ARGUMENTS 32

struct scope {
    const char *names[MOST_VARIABLES];
    json_t *values[MOST_VARIABLES]; /* owned */
    size_t count;
    json_t *root; /* $ */
    FILE *out;
    struct err *err;
};

static void scope_cut(struct scope *scope, size_t count)
{
    while (scope->count > count)
        json_decref(scope->values[--scope->count]);
}

/* Takes @value over. */
static int scope_set(struct scope *scope, const char *name, json_t *value, bool assigns)
{
    if (!assigns && scope->count < MOST_VARIABLES) {
        scope->names[scope->count] = name;
        scope->values[scope->count++] = value;
        return 0;
    }
    for (size_t i = scope->count; assigns && i-- > 0;)
        if (strcmp(scope->names[i], name) == 0) {
            json_decref(scope->values[i]);
            scope->values[i] = value;
            return 0;
        }
    json_decref(value);
    return assigns ? err_say(scope->err, EINVAL, "the format sets $%s, which there is not yet: `$%s := …` makes it",
                             name, name)
                   : err_say(scope->err, E2BIG, "the format has more than %d variables", MOST_VARIABLES);
}

bool format_true(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL:
    case JSON_FALSE:
        return false;
    case JSON_INTEGER:
        return json_integer_value(value) != 0;
    case JSON_REAL:
        return json_real_value(value) != 0;
    case JSON_STRING:
        return json_string_length(value) > 0;
    case JSON_ARRAY:
        return json_array_size(value) > 0;
    case JSON_OBJECT:
        return json_object_size(value) > 0;
    default:
        return true;
    }
}

static int by_key(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Go prints a map sorted by its keys. */
static void write_object(FILE *out, json_t *object)
{
    size_t count = json_object_size(object), n = 0;
    cleanup_free const char **keys = calloc(count + 1, sizeof *keys);
    for (void *at = json_object_iter(object); at && keys && n < count; at = json_object_iter_next(object, at))
        keys[n++] = json_object_iter_key(at);
    if (keys)
        qsort(keys, n, sizeof *keys, by_key);
    fputs("map[", out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%s%s:", i ? " " : "", keys[i]);
        format_write(out, json_object_get(object, keys[i]));
    }
    fputc(']', out);
}

void format_write(FILE *out, json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        fwrite(json_string_value(value), 1, json_string_length(value), out);
        break;
    case JSON_INTEGER:
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        fprintf(out, "%g", json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        fputs(json_is_true(value) ? "true" : "false", out);
        break;
    case JSON_ARRAY:
        fputc('[', out);
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i)
                fputc(' ', out);
            format_write(out, json_array_get(value, i));
        }
        fputc(']', out);
        break;
    case JSON_OBJECT:
        write_object(out, value);
        break;
    default:
        fputs("<no value>", out);
    }
}

/* "ID, Name, Size …": what might have been meant. */
static void list_keys(json_t *object, char *text, size_t size)
{
    size_t length = 0;
    *text = '\0';
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        if (length + strlen(key) + 8 < size)
            length += (size_t)snprintf(text + length, size - length, "%s%s", length ? ", " : "", key);
    }
}

/* Follow .A.B from @value, which it takes over. */
static json_t *follow(struct scope *scope, json_t *value, const struct operand *operand)
{
    for (size_t i = 0; value && i < operand->field_count; i++) {
        const char *name = operand->fields[i];
        json_t *found = json_is_object(value) ? json_object_get(value, name) : NULL;
        if (!found) {
            char keys[600];
            if (json_is_object(value)) {
                list_keys(value, keys, sizeof keys);
                err_say(scope->err, EINVAL, "there is no field .%s here; there are: %s", name, keys);
            } else {
                err_say(scope->err, EINVAL, "there is no field .%s in %s%s%s", name,
                        i ? "." : "a value that is no object", i ? operand->fields[i - 1] : "",
                        i ? json_is_null(value) ? ", which is null" : ", which is no object" : "");
            }
        }
        json_incref(found);
        json_decref(value);
        value = found;
    }
    return value;
}

static json_t *run_pipeline(struct scope *scope, json_t *dot, const struct pipeline *pipeline);

static json_t *run_operand(struct scope *scope, json_t *dot, const struct operand *operand)
{
    switch (operand->kind) {
    case OPERAND_LITERAL:
        return json_incref(operand->literal);
    case OPERAND_DOT:
        return follow(scope, json_incref(dot), operand);
    case OPERAND_PIPELINE: {
        json_t *value = run_pipeline(scope, dot, operand->inner);
        return value ? follow(scope, value, operand) : NULL;
    }
    case OPERAND_VARIABLE:
        if (!*operand->name)
            return follow(scope, json_incref(scope->root), operand);
        for (size_t i = scope->count; i-- > 0;)
            if (strcmp(scope->names[i], operand->name) == 0)
                return follow(scope, json_incref(scope->values[i]), operand);
        err_say(scope->err, EINVAL, "the format has no variable $%s here", operand->name);
        return NULL;
    default: /* a function without arguments, as an argument */
        err_say(scope->err, EINVAL, "the function `%s` as an argument wants parentheses round it", operand->name);
        return NULL;
    }
}

/* `and` and `or` look no further than they must, as Go's do. */
static json_t *run_lazily(struct scope *scope, json_t *dot, const struct operand *words, json_t *last, bool until)
{
    json_t *value = NULL;
    for (const struct operand *word = words->next; word; word = word->next) {
        json_decref(value);
        value = run_operand(scope, dot, word);
        if (!value || format_true(value) == until)
            return value;
    }
    if (last || !value) {
        json_decref(value);
        value = json_incref(last);
    }
    if (!value)
        err_say(scope->err, EINVAL, "the function `%s` wants arguments", words->name);
    return value;
}

static json_t *run_command(struct scope *scope, json_t *dot, const struct operand *words, json_t *last)
{
    if (words->kind != OPERAND_FUNCTION)
        return run_operand(scope, dot, words);
    if (strcmp(words->name, "and") == 0 || strcmp(words->name, "or") == 0)
        return run_lazily(scope, dot, words, last, words->name[0] == 'o');
    const struct format_function *function = format_function_find(words->name);
    json_t *arguments[MOST_ARGUMENTS], *result = NULL;
    struct call call = { words->name, arguments, 0 };
    bool whole = true;
    for (const struct operand *word = words->next; whole && word; word = word->next) {
        json_t *value = call.count < MOST_ARGUMENTS - 1 ? run_operand(scope, dot, word) : NULL;
        whole = value != NULL;
        if (value)
            arguments[call.count++] = value;
        else if (call.count == MOST_ARGUMENTS - 1)
            err_say(scope->err, E2BIG, "the function `%s` has too many arguments", words->name);
    }
    if (whole && last)
        arguments[call.count++] = json_incref(last);
    if (whole && (call.count < function->least || call.count > function->most))
        err_say(scope->err, EINVAL, "the function `%s` wants %zu%s argument%s, not %zu", words->name, function->least,
                function->most > function->least ? " or more" : "", function->least == 1 ? "" : "s", call.count);
    else if (whole)
        result = function->run(&call, scope->err);
    for (size_t i = 0; i < call.count; i++)
        json_decref(arguments[i]);
    return result; /* cppcheck-suppress returnDanglingLifetime; a reference of its own, not the call */
}

static json_t *run_pipeline(struct scope *scope, json_t *dot, const struct pipeline *pipeline)
{
    json_t *value = NULL;
    for (const struct command *command = pipeline->commands; command; command = command->next) {
        json_t *next = run_command(scope, dot, command->words, value);
        json_decref(value);
        value = next;
        if (!value)
            return NULL;
    }
    return value;
}

static int run_nodes(struct scope *scope, json_t *dot, const struct node *node);

static int run_range_item(struct scope *scope, const struct node *node, json_t *key, json_t *value)
{
    const struct pipeline *pipeline = node->pipeline;
    size_t before = scope->count;
    int result = 0;
    if (pipeline->variables[1])
        result = scope_set(scope, pipeline->variables[0], json_incref(key), false);
    if (result == 0 && pipeline->variables[0])
        result = scope_set(scope, pipeline->variables[1] ? pipeline->variables[1] : pipeline->variables[0],
                           json_incref(value), false);
    if (result == 0)
        result = run_nodes(scope, value, node->body);
    scope_cut(scope, before);
    return result;
}

static int run_range(struct scope *scope, json_t *dot, const struct node *node, json_t *over)
{
    int result = 0;
    if (!json_is_array(over) && !json_is_object(over) && !json_is_null(over))
        return err_say(scope->err, EINVAL, "{{range}} wants a list or an object");
    if (!format_true(over))
        return run_nodes(scope, dot, node->otherwise);
    for (size_t i = 0; result == 0 && i < json_array_size(over); i++) {
        json_t *key = json_integer((json_int_t)i);
        result =
            key ? run_range_item(scope, node, key, json_array_get(over, i)) : err_set(scope->err, ENOMEM, "format");
        json_decref(key);
    }
    if (!json_is_object(over))
        return result;
    size_t count = json_object_size(over), n = 0;
    cleanup_free const char **keys = calloc(count + 1, sizeof *keys);
    if (!keys)
        return err_set(scope->err, ENOMEM, "format");
    for (void *at = json_object_iter(over); at && n < count; at = json_object_iter_next(over, at))
        keys[n++] = json_object_iter_key(at);
    qsort(keys, n, sizeof *keys, by_key);
    for (size_t i = 0; result == 0 && i < n; i++) {
        json_t *key = json_string(keys[i]);
        result = key ? run_range_item(scope, node, key, json_object_get(over, keys[i]))
                     : err_set(scope->err, ENOMEM, "format");
        json_decref(key);
    }
    return result;
}

static int run_node(struct scope *scope, json_t *dot, const struct node *node)
{
    if (node->kind == NODE_TEXT) {
        fputs(node->text, scope->out);
        return 0;
    }
    const struct pipeline *pipeline = node->pipeline;
    size_t before = scope->count;
    json_t *value = run_pipeline(scope, dot, pipeline);
    if (!value)
        return -1;
    int result = 0;
    if (node->kind != NODE_RANGE && pipeline->variables[0])
        result = scope_set(scope, pipeline->variables[0], json_incref(value), pipeline->assigns);
    if (result == 0)
        switch (node->kind) {
        case NODE_IF:
            result = run_nodes(scope, dot, format_true(value) ? node->body : node->otherwise);
            break;
        case NODE_WITH:
            result = format_true(value) ? run_nodes(scope, value, node->body) : run_nodes(scope, dot, node->otherwise);
            break;
        case NODE_RANGE:
            result = run_range(scope, dot, node, value);
            break;
        default:
            if (!pipeline->variables[0])
                format_write(scope->out, value);
        }
    if (node->kind != NODE_ACTION)
        scope_cut(scope, before);
    json_decref(value);
    return result;
}

static int run_nodes(struct scope *scope, json_t *dot, const struct node *node)
{
    size_t before = scope->count;
    int result = 0;
    for (; result == 0 && node; node = node->next)
        result = ftello(scope->out) > FORMAT_TEXT_MOST
                     ? err_say(scope->err, E2BIG, "the format makes a text that is too long: over %d MiB",
                               (int)(FORMAT_TEXT_MOST >> 20))
                     : run_node(scope, dot, node);
    scope_cut(scope, before);
    return result;
}

char *format_apply(const struct format *format, json_t *dot, struct err *err)
{
    char *text = NULL;
    size_t size = 0;
    struct scope scope = { .root = dot, .err = err, .out = open_memstream(&text, &size) };
    if (!scope.out) {
        err_set(err, errno, "format");
        return NULL;
    }
    int result = run_nodes(&scope, dot, format->nodes);
    if (fclose(scope.out) != 0 && result == 0)
        result = err_set(err, ENOMEM, "format");
    if (result < 0) {
        free(text);
        return NULL;
    }
    return text;
}
