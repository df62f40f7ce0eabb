/* Any bytes as a template, over a document that may come with it: text or an error with its reason, never a crash, a leak or a hang; of UTF-8 comes UTF-8, the same each time, and the document stays as it was. */
#include "engine/docker/format.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Something of every kind that `inspect` and `ps` give. */
static const char usual[] =
    "{\"ID\":\"3f2a9c\",\"Name\":\"/box\",\"Size\":4096,\"Big\":5000000000,\"Ratio\":2.5,\"On\":true,\"Off\":false,"
    "\"Nothing\":null,\"RepoTags\":[\"one:1\",\"two:2\"],\"None\":[],\"Labels\":{\"b\":\"2\",\"a\":\"1\"},"
    "\"Config\":{\"Cmd\":[\"sh\",\"-c\",\"true\"],\"Deep\":{\"er\":\"<found>\"}},\"List\":[{\"N\":1,\"S\":\"x\"}],"
    "\"Quote\":\"a\\\"b\",\"Utf\":\"h\\u00e9llo\"}";

static json_t *usual_document;

static void free_document(void)
{
    json_decref(usual_document);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    usual_document = json_loads(usual, 0, NULL);
    if (!usual_document)
        abort();
    return atexit(free_document);
}

static void failed(const struct err *err)
{
    if (!err->code || !*err->message)
        abort();
}

static bool is_utf8(const char *text)
{
    json_t *json = json_string(text);
    json_decref(json);
    return json != NULL;
}

/* Ranges within ranges take as long as who wrote them asked for: not what is looked for. */
static bool goes_round_very_often(const char *text)
{
    unsigned ranges = 0;
    for (const char *at = text; (at = strstr(at, "range")); at++)
        ranges++;
    return ranges > 4;
}

static void apply(const struct format *format, const char *template, json_t *document)
{
    struct err err = { 0 }, err_again = { 0 };
    char *text = format_apply(format, document, &err), *again = format_apply(format, document, &err_again);
    if (!text)
        failed(&err);
    if (!text != !again || strcmp(text ? text : err.message, again ? again : err_again.message) != 0)
        abort();
    if (text && is_utf8(template) && !is_utf8(text))
        abort();
    free(text);
    free(again);
}

/* The template up to a NUL, the document after it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *template = strndup((const char *)data, size);
    size_t length = template ? strlen(template) : size;
    json_t *own = length < size ? json_loadb((const char *)data + length + 1, size - length - 1, 0, NULL) : NULL;
    json_t *document = own ? own : usual_document, *before = json_deep_copy(document);
    struct err err = { 0 };
    struct format *format = template && !goes_round_very_often(template) ? format_parse(template, &err) : NULL;
    if (format)
        apply(format, template, document);
    else if (template && !goes_round_very_often(template))
        failed(&err);
    if (document->refcount != 1 || !json_equal(document, before))
        abort();
    format_free(format);
    json_decref(before);
    json_decref(own);
    free(template);
    return 0;
}
