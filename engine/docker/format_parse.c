/* Templates to a tree of nodes. */
#include "engine/docker/format_internal.h"

#include "engine/base/cleanup.h"

#include <ctype.h>
#include <string.h>

#define DEEPEST 64 /* nested blocks and parentheses */

struct parser {
    const char *text, *at;
    bool inside; /* between {{ and }} */
    bool trim;   /* the last action ended in -}} */
    unsigned depth;
    struct err *err;
};

static int wrong(struct parser *parser, const char *what)
{
    unsigned column = (unsigned)(parser->at - parser->text) + 1;
    return err_say(parser->err, EINVAL, "the format is wrong at character %u: %s", column, what);
}

static void free_pipeline(struct pipeline *pipeline);

static void free_operands(struct operand *operand)
{
    while (operand) {
        struct operand *next = operand->next;
        free(operand->name);
        json_decref(operand->literal);
        free_pipeline(operand->inner);
        for (size_t i = 0; i < operand->field_count; i++)
            free(operand->fields[i]);
        free(operand->fields);
        free(operand);
        operand = next;
    }
}

static void free_pipeline(struct pipeline *pipeline)
{
    if (!pipeline)
        return;
    free(pipeline->variables[0]);
    free(pipeline->variables[1]);
    for (struct command *command = pipeline->commands, *next; command; command = next) {
        next = command->next;
        free_operands(command->words);
        free(command);
    }
    free(pipeline);
}

static void free_nodes(struct node *node)
{
    while (node) {
        struct node *next = node->next;
        free(node->text);
        free_pipeline(node->pipeline);
        free_nodes(node->body);
        free_nodes(node->otherwise);
        free(node);
        node = next;
    }
}

void format_free(struct format *format)
{
    if (format)
        free_nodes(format->nodes);
    free(format);
}

static void *make(struct parser *parser, size_t size)
{
    void *made = calloc(1, size);
    if (!made)
        err_set(parser->err, ENOMEM, "read the format");
    return made;
}

static char *copy(struct parser *parser, const char *from, size_t length)
{
    char *made = strndup(from, length);
    if (!made)
        err_set(parser->err, ENOMEM, "read the format");
    return made;
}

static void skip_blanks(struct parser *parser)
{
    while (isspace((unsigned char)*parser->at))
        parser->at++;
}

static size_t name_length(const char *at)
{
    size_t length = 0;
    while (isalnum((unsigned char)at[length]) || at[length] == '_' || (unsigned char)at[length] >= 0x80)
        length++;
    return length;
}

/* At the `}}`, or the ` -}}`, that ends an action? */
static bool at_end(const struct parser *parser)
{
    return strncmp(parser->at, "}}", 2) == 0 || strncmp(parser->at, "-}}", 3) == 0;
}

static int end_action(struct parser *parser)
{
    skip_blanks(parser);
    if (!at_end(parser))
        return wrong(parser, *parser->at ? "expected }}" : "an action is not ended by }}");
    parser->trim = *parser->at == '-';
    parser->at += parser->trim ? 3 : 2;
    return 0;
}

/* .A.B; a lone dot is none. */
static int parse_fields(struct parser *parser, struct operand *operand)
{
    while (*parser->at == '.' && name_length(parser->at + 1) > 0) {
        size_t length = name_length(++parser->at);
        char **more = realloc(operand->fields, (operand->field_count + 1) * sizeof *more);
        char *name = more ? copy(parser, parser->at, length) : NULL;
        if (more)
            operand->fields = more;
        if (!name)
            return err_set(parser->err, ENOMEM, "read the format");
        operand->fields[operand->field_count++] = name;
        parser->at += length;
    }
    return *parser->at == '.' ? wrong(parser, "a name was expected after the dot") : 0;
}

static char unescaped(char letter)
{
    switch (letter) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    default:
        return letter;
    }
}

static int parse_string(struct parser *parser, struct operand *operand)
{
    char quote = *parser->at++, *to;
    const char *end = parser->at;
    while (*end && *end != quote)
        end += *end == '\\' && quote == '"' && end[1] ? 2 : 1;
    if (!*end)
        return wrong(parser, "a text in quotes does not end");
    cleanup_free char *text = to = copy(parser, parser->at, (size_t)(end - parser->at));
    if (!text)
        return -1;
    for (const char *from = parser->at; from < end; from++)
        *to++ = *from == '\\' && quote == '"' ? unescaped(*++from) : *from;
    *to = '\0';
    parser->at = end + 1;
    operand->literal = json_string(text);
    return operand->literal ? 0 : wrong(parser, "a text in quotes is not UTF-8");
}

static int parse_number(struct parser *parser, struct operand *operand)
{
    char *end;
    errno = 0;
    long long whole = strtoll(parser->at, &end, 10);
    if (*end == '.' || *end == 'e')
        operand->literal = json_real(strtod(parser->at, &end));
    else if (errno == 0)
        operand->literal = json_integer(whole);
    if (!operand->literal || name_length(end) > 0)
        return wrong(parser, "this is no number");
    parser->at = end;
    return 0;
}

static struct pipeline *parse_pipeline(struct parser *parser);

static int parse_word(struct parser *parser, struct operand *operand)
{
    size_t length = name_length(parser->at);
    operand->kind = OPERAND_LITERAL;
    if (*parser->at == '"' || *parser->at == '`')
        return parse_string(parser, operand);
    if (isdigit((unsigned char)*parser->at) ||
        ((*parser->at == '-' || *parser->at == '+') && isdigit((unsigned char)parser->at[1])))
        return parse_number(parser, operand);
    if (length > 0) {
        operand->name = copy(parser, parser->at, length);
        if (!operand->name)
            return -1;
        bool yes = strcmp(operand->name, "true") == 0;
        if (yes || strcmp(operand->name, "false") == 0) {
            operand->literal = json_boolean(yes);
        } else if (strcmp(operand->name, "nil") == 0) {
            operand->literal = json_null();
        } else {
            operand->kind = OPERAND_FUNCTION;
            if (!format_function_find(operand->name)) {
                char what[160];
                snprintf(what, sizeof what, "there is no function `%.80s`", operand->name);
                return wrong(parser, what);
            }
        }
        parser->at += length;
        return 0;
    }
    switch (*parser->at) {
    case '.':
        operand->kind = OPERAND_DOT;
        if (name_length(parser->at + 1) == 0) {
            parser->at++;
            return 0;
        }
        return parse_fields(parser, operand);
    case '$':
        operand->kind = OPERAND_VARIABLE;
        length = name_length(++parser->at);
        operand->name = copy(parser, parser->at, length);
        parser->at += length;
        return operand->name ? parse_fields(parser, operand) : -1;
    case '(':
        operand->kind = OPERAND_PIPELINE;
        parser->at++;
        operand->inner = parse_pipeline(parser);
        if (!operand->inner)
            return -1;
        if (*parser->at != ')')
            return wrong(parser, "expected )");
        parser->at++;
        return parse_fields(parser, operand);
    default:
        return wrong(parser, *parser->at ? "this is neither a field nor a function" : "an action is not ended by }}");
    }
}

static int parse_command(struct parser *parser, struct command *command)
{
    struct operand **tail = &command->words;
    for (;;) {
        skip_blanks(parser);
        if (at_end(parser) || *parser->at == '|' || *parser->at == ')')
            return command->words ? 0 : wrong(parser, "there is nothing to show");
        *tail = make(parser, sizeof **tail);
        if (!*tail || parse_word(parser, *tail) < 0)
            return -1;
        if (*tail != command->words && command->words->kind != OPERAND_FUNCTION)
            return wrong(parser, "something follows that takes no arguments");
        tail = &(*tail)->next;
        if (*parser->at && !isspace((unsigned char)*parser->at) && !at_end(parser) && !strchr("|)", *parser->at))
            return wrong(parser, *parser->at == '}' ? "an action is ended by }}, and this is one alone"
                                                    : "a blank was expected");
    }
}

/* `$x :=`, `$i, $e :=` or `$x =` before a pipeline; where none is, nothing is taken. */
static int parse_variables(struct parser *parser, struct pipeline *pipeline)
{
    const char *start = parser->at;
    char *names[2] = { NULL, NULL };
    size_t count = 0;
    while (count < 2 && *parser->at == '$') {
        size_t length = name_length(++parser->at);
        names[count] = copy(parser, parser->at, length);
        if (!names[count++]) {
            free(names[0]);
            return -1;
        }
        parser->at += length;
        skip_blanks(parser);
        if (*parser->at != ',')
            break;
        parser->at++;
        skip_blanks(parser);
    }
    bool declares = strncmp(parser->at, ":=", 2) == 0;
    if (count > 0 && (declares || (*parser->at == '=' && count == 1))) {
        parser->at += declares ? 2 : 1;
        pipeline->assigns = !declares;
        pipeline->variables[0] = names[0];
        pipeline->variables[1] = names[1];
        return *names[0] ? 0 : wrong(parser, "$ alone cannot be set");
    }
    parser->at = start;
    free(names[0]);
    free(names[1]);
    return 0;
}

static struct pipeline *parse_pipeline(struct parser *parser)
{
    struct pipeline *pipeline = make(parser, sizeof *pipeline);
    struct command **tail = pipeline ? &pipeline->commands : NULL;
    skip_blanks(parser);
    if (!pipeline)
        return NULL;
    if (++parser->depth > DEEPEST) {
        wrong(parser, "parentheses are nested too deep");
        goto failed;
    }
    if (parse_variables(parser, pipeline) < 0)
        goto failed;
    for (;;) {
        *tail = make(parser, sizeof **tail);
        if (!*tail || parse_command(parser, *tail) < 0)
            goto failed;
        const struct operand *first = (*tail)->words;
        if (*tail != pipeline->commands && first && first->kind != OPERAND_FUNCTION) {
            wrong(parser, "after | a function was expected");
            goto failed;
        }
        tail = &(*tail)->next;
        if (*parser->at != '|')
            break;
        parser->at++;
    }
    parser->depth--;
    return pipeline;
failed:
    free_pipeline(pipeline);
    return NULL;
}

static bool keyword(struct parser *parser, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(parser->at, word, length) != 0 || name_length(parser->at) != length)
        return false;
    parser->at += length;
    return true;
}

/* What ended a list of nodes. */
enum ending { END_TEXT, END_END, END_ELSE };

static int parse_list(struct parser *parser, struct node **tail, enum ending *ending);

/* After `{{if`, `{{with` or `{{range`: the rest, to its `{{end}}`. */
static int parse_block(struct parser *parser, struct node *node)
{
    enum ending ending;
    if (++parser->depth > DEEPEST)
        return wrong(parser, "blocks are nested too deep");
    node->pipeline = parse_pipeline(parser);
    if (!node->pipeline || end_action(parser) < 0 || parse_list(parser, &node->body, &ending) < 0)
        return -1;
    if (ending == END_ELSE) {
        skip_blanks(parser);
        if (node->kind != NODE_RANGE && keyword(parser, node->kind == NODE_IF ? "if" : "with")) {
            struct node *chained = node->otherwise = make(parser, sizeof *chained);
            if (!chained)
                return -1;
            chained->kind = node->kind;
            parser->depth--;
            return parse_block(parser, chained); /* one {{end}} ends both */
        }
        if (end_action(parser) < 0 || parse_list(parser, &node->otherwise, &ending) < 0)
            return -1;
        if (ending == END_ELSE)
            return wrong(parser, "a second {{else}}");
    }
    if (ending != END_END)
        return wrong(parser, "a block is not ended by {{end}}");
    parser->depth--;
    return end_action(parser);
}

static int parse_text(struct parser *parser, struct node ***tail)
{
    const char *end = strstr(parser->at, "{{");
    const char *from = parser->at;
    if (!end)
        end = from + strlen(from);
    parser->at = end;
    if (parser->trim)
        while (from < end && isspace((unsigned char)*from))
            from++;
    if (strncmp(end, "{{-", 3) == 0 && isspace((unsigned char)end[3]))
        while (end > from && isspace((unsigned char)end[-1]))
            end--;
    parser->trim = false;
    if (end == from)
        return 0;
    struct node *node = **tail = make(parser, sizeof *node);
    if (!node)
        return -1;
    node->text = copy(parser, from, (size_t)(end - from));
    *tail = &node->next;
    return node->text ? 0 : -1;
}

static int parse_comment(struct parser *parser)
{
    const char *end = strstr(parser->at, "*/");
    if (!end)
        return wrong(parser, "a comment is not ended by */");
    parser->at = end + 2;
    return end_action(parser);
}

static int parse_list(struct parser *parser, struct node **tail, enum ending *ending)
{
    static const struct {
        const char *word;
        enum node_kind kind;
    } blocks[] = { { "if", NODE_IF }, { "with", NODE_WITH }, { "range", NODE_RANGE } };
    for (;;) {
        if (parse_text(parser, &tail) < 0)
            return -1;
        if (!*parser->at) {
            *ending = END_TEXT;
            return 0;
        }
        parser->at += 2;
        if (*parser->at == '-' && isspace((unsigned char)parser->at[1]))
            parser->at++;
        skip_blanks(parser);
        if (strncmp(parser->at, "/*", 2) == 0) {
            if (parse_comment(parser) < 0)
                return -1;
            continue;
        }
        if (keyword(parser, "end") || keyword(parser, "else")) {
            *ending = parser->at[-1] == 'd' ? END_END : END_ELSE;
            return 0;
        }
        struct node *node = *tail = make(parser, sizeof *node);
        if (!node)
            return -1;
        tail = &node->next;
        node->kind = NODE_ACTION;
        for (size_t i = 0; i < sizeof blocks / sizeof *blocks && node->kind == NODE_ACTION; i++)
            if (keyword(parser, blocks[i].word))
                node->kind = blocks[i].kind;
        if (node->kind != NODE_ACTION) {
            if (parse_block(parser, node) < 0)
                return -1;
            continue;
        }
        node->pipeline = parse_pipeline(parser);
        if (!node->pipeline || end_action(parser) < 0)
            return -1;
    }
}

struct format *format_parse(const char *text, struct err *err)
{
    struct parser parser = { .text = text, .at = text, .err = err };
    enum ending ending;
    struct format *format = make(&parser, sizeof *format);
    if (!format)
        return NULL;
    if (parse_list(&parser, &format->nodes, &ending) == 0) {
        if (ending == END_TEXT)
            return format;
        wrong(&parser, ending == END_END ? "{{end}} ends nothing" : "{{else}} belongs to nothing");
    }
    format_free(format);
    return NULL;
}
