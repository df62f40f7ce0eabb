/* What mountinfo says of an overlay's directories. There are two ways to write them, by how they were mounted:
 *
 *     mount(2)                 lowerdir=A:B,upperdir=U         as it was given: a colon, comma or backslash of a name stands behind a backslash
 *     fsconfig(2), from 6.7    lowerdir+=A,lowerdir+=B,upperdir=U      names as they are
 *
 * In both the kernel then writes blanks, commas, newlines and backslashes as \ooo.
 */
#include "engine/layers/overlay.h"

#include "engine/base/cleanup.h"

#include <string.h>

static bool is_octal(const char *at)
{
    return at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' && at[3] >= '0' &&
           at[3] <= '7';
}

static void undo_octal(char *text)
{
    char *to = text;
    for (const char *at = text; *at; to++) {
        bool octal = is_octal(at);
        *to = octal ? (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0')) : *at;
        at += octal ? 4 : 1;
    }
    *to = '\0';
}

/* Cut the next name off *@list at a colon, and undo its backslashes. */
static char *next_name(char **list)
{
    char *name = *list, *to = name, *at = name;
    if (!name)
        return NULL;
    for (; *at && *at != ':'; at++) {
        if (*at == '\\' && at[1])
            at++;
        *to++ = *at;
    }
    *list = *at ? at + 1 : NULL;
    *to = '\0';
    return name;
}

struct builder {
    struct overlay_stack *stack;
    size_t count;
    bool bare; /* names as they are */
    bool failed;
};

static void add_lower(struct builder *builder, const char *name)
{
    char **more = realloc(builder->stack->lowers, (builder->count + 2) * sizeof *more);
    builder->failed |= !more;
    if (!more)
        return;
    builder->stack->lowers = more;
    more[builder->count] = strdup(name);
    builder->failed |= !more[builder->count];
    builder->count += more[builder->count] != NULL;
    more[builder->count] = NULL;
}

static void set_name(struct builder *builder, char **to, char *value)
{
    /* A name of its own has no end at a colon, but its backslashes mean the same. */
    if (!builder->bare) {
        char *out = value;
        for (const char *at = value; *at; at++) {
            if (*at == '\\' && at[1])
                at++;
            *out++ = *at;
        }
        *out = '\0';
    }
    free(*to);
    *to = strdup(value);
    builder->failed |= !*to;
}

static void take_option(struct builder *builder, const char *key, char *value)
{
    struct overlay_stack *stack = builder->stack;
    if (strcmp(key, "userxattr") == 0) {
        stack->form = WHITEOUT_USERXATTR;
        return;
    }
    if (!value)
        return;
    undo_octal(value);
    if (strcmp(key, "lowerdir+") == 0)
        add_lower(builder, value);
    else if (strcmp(key, "lowerdir") == 0)
        for (const char *name; (name = next_name(&value));) {
            if (*name) /* `::` before a layer of data alone, which holds no names */
                add_lower(builder, name);
        }
    else if (strcmp(key, "upperdir") == 0)
        set_name(builder, &stack->upper, value);
    else if (strcmp(key, "workdir") == 0)
        set_name(builder, &stack->work, value);
}

int overlay_stack_parse(const char *options, struct overlay_stack *stack, struct err *err)
{
    struct builder builder = { .stack = stack, .bare = strstr(options, "lowerdir+=") != NULL };
    *stack = (struct overlay_stack){ .form = WHITEOUT_OVERLAY };
    cleanup_free char *copy = strdup(options);
    builder.failed = !copy;
    char *rest = copy;
    for (char *value; (value = strsep(&rest, ","));) {
        const char *key = strsep(&value, "=");
        take_option(&builder, key, value);
    }
    if (builder.failed || !builder.count) {
        overlay_stack_free(stack);
        return builder.failed
                   ? err_set(err, ENOMEM, "read the options of an overlay")
                   : err_say(err, EINVAL, "`%.200s` are not the options of an overlay: no lowerdir", options);
    }
    return 0;
}

void overlay_stack_free(struct overlay_stack *stack)
{
    for (size_t i = 0; stack->lowers && stack->lowers[i]; i++)
        free(stack->lowers[i]);
    free(stack->lowers);
    free(stack->upper);
    free(stack->work);
    *stack = (struct overlay_stack){ 0 };
}
