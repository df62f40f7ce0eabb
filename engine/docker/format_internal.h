/** What the files of the template evaluator share. Nothing else includes this. */
#ifndef ENGINE_DOCKER_FORMAT_INTERNAL_H
#define ENGINE_DOCKER_FORMAT_INTERNAL_H

#include "engine/docker/format.h"

#include <stdbool.h>
#include <stdio.h>

/* Bytes that a function may make, and all of a format: more is a bomb, `json` of `json` of … doubles what it gets. */
#define FORMAT_VALUE_MOST ((size_t)8 << 20)
#define FORMAT_TEXT_MOST ((off_t)64 << 20)

struct pipeline;

enum operand_kind { OPERAND_DOT, OPERAND_VARIABLE, OPERAND_LITERAL, OPERAND_FUNCTION, OPERAND_PIPELINE };
struct operand {
    enum operand_kind kind;
    char *name;             /* of the variable ("" is $) or the function */
    json_t *literal;        /* NULL otherwise */
    struct pipeline *inner; /* in parentheses */
    char **fields;          /* .A.B after it */
    size_t field_count;
    struct operand *next; /* the next word of the same command */
};
struct command {
    struct operand *words;
    struct command *next; /* after a `|` */
};
struct pipeline {
    char *variables[2]; /* `$i, $e :=`; NULL: none */
    bool assigns;       /* `=`: the variable is there already */
    struct command *commands;
};

enum node_kind { NODE_TEXT, NODE_ACTION, NODE_IF, NODE_WITH, NODE_RANGE };
struct node {
    enum node_kind kind;
    char *text;
    struct pipeline *pipeline;
    struct node *body, *otherwise;
    struct node *next;
};
struct format {
    struct node *nodes;
};

/* Values are new references; the functions take theirs borrowed. */
struct call {
    const char *name;
    json_t *const *arguments;
    size_t count;
};
struct format_function {
    const char *name;
    size_t least, most; /* arguments */
    json_t *(*run)(const struct call *call, struct err *err);
};
const struct format_function *format_function_find(const char *name);

/** Is it what Go calls true: not false, 0, null, or empty? */
bool format_true(const json_t *value);
/** As Go prints it: strings as they are, [a b], map[k:v]. */
void format_write(FILE *out, json_t *value);

#endif
