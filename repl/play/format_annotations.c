/* Annotations of GitHub Actions: workflow commands on standard output. Everything else that is printed there may be a lesson's output, and stands where commands are stopped: only
 * who knows the token, which is new each time, can begin them again. See docs.github.com, "Workflow commands for GitHub Actions".
 */
#include "repl/play/formats.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum kind { ERROR, WARNING, NOTICE, KINDS };

/* A step of a workflow is shown ten annotations of a kind, and no more; one is for what is left out. */
static const struct {
    const char *name;
    unsigned most;
} kinds[] = { { "error", 10 }, { "warning", 10 }, { "notice", 9 } };

struct annotations {
    char token[33];
    unsigned told[KINDS];
    char *path; /* of the lesson, as the repository has it */
    int line;   /* of the step */
};

/* Commands are stopped until the next annotation. */
static void stop(struct run_sink *sink)
{
    struct annotations *annotations = sink->data;
    unsigned char random[16];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(annotations->token + 2 * i, 3, "%02x", random[i]);
    fprintf(sink->out, "::stop-commands::%s\n", annotations->token);
}

static void go_on(struct run_sink *sink)
{
    struct annotations *annotations = sink->data;
    if (annotations->token[0])
        fprintf(sink->out, "::%s::\n", annotations->token);
    annotations->token[0] = '\0';
}

/* A value ends at the first of these that is written as it is. */
static void put_escaped(FILE *out, const char *text, bool property)
{
    for (; *text; text++)
        if (strchr(property ? "%\r\n:," : "%\r\n", *text))
            fprintf(out, "%%%02X", (unsigned char)*text);
        else if ((unsigned char)*text >= 0x20 || *text == '\t')
            putc(*text, out);
}

static void put(struct run_sink *sink, enum kind kind, const char *path, int line, const char *title, const char *text)
{
    go_on(sink);
    fprintf(sink->out, "::%s ", kinds[kind].name);
    if (path) {
        fputs("file=", sink->out);
        put_escaped(sink->out, path, true);
        fprintf(sink->out, ",line=%d,", line);
    }
    fputs("title=", sink->out);
    put_escaped(sink->out, title, true);
    fputs("::", sink->out);
    put_escaped(sink->out, text, false);
    fputc('\n', sink->out);
    stop(sink);
}

static void annotate(struct run_sink *sink, enum kind kind, int line, const char *title, const char *text)
{
    struct annotations *annotations = sink->data;
    if (annotations->told[kind]++ < kinds[kind].most)
        put(sink, kind, annotations->path, line, title, text);
}

static void on_begin(struct run_sink *sink, size_t steps)
{
    sink->data = calloc(1, sizeof(struct annotations));
    if (sink->data)
        stop(sink);
}

/* Files are named as they stand in the repository, which a workflow's steps run in. */
static char *repository_path(const char *path)
{
    const char *workspace = getenv("GITHUB_WORKSPACE");
    char *absolute = realpath(path, NULL), *root = workspace ? realpath(workspace, NULL) : getcwd(NULL, 0);
    size_t len = root ? strlen(root) : 0;
    bool below = absolute && len && strncmp(absolute, root, len) == 0 && absolute[len] == '/';
    char *found = strdup(below ? absolute + len + 1 : path);
    free(absolute);
    free(root);
    return found;
}

static void on_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab)
{
    struct annotations *annotations = sink->data;
    if (!annotations)
        return;
    free(annotations->path);
    annotations->path = repository_path(lesson->path);
    annotations->line = 1;
}

static void on_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step)
{
    struct annotations *annotations = sink->data;
    if (annotations)
        annotations->line = step->line;
}

static void on_done(struct run_sink *sink, const struct run_step *done)
{
    if (sink->data && done->outcome == RUN_STEP_FAILED)
        annotate(sink, ERROR, run_failed_line(done), done->step->title, done->why);
    else if (sink->data && done->outcome == RUN_STEP_SKIPPED)
        annotate(sink, NOTICE, done->step->line, done->step->title, done->why ? done->why : "skipped");
}

static void on_message(struct run_sink *sink, const char *text)
{
    const struct annotations *annotations = sink->data;
    if (annotations)
        annotate(sink, WARNING, annotations->line, "teachroot", text);
}

static void on_end(struct run_sink *sink)
{
    struct annotations *annotations = sink->data;
    char text[256];
    size_t len = 0;
    if (!annotations)
        return;
    for (enum kind kind = ERROR; kind < KINDS; kind++)
        if (annotations->told[kind] > kinds[kind].most)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%u more %ss", len ? ", " : "",
                                    annotations->told[kind] - kinds[kind].most, kinds[kind].name);
    snprintf(text + len, sizeof text - len, ": the log has them all");
    if (len)
        put(sink, NOTICE, NULL, 0, "teachroot", text);
}

static void on_drop(struct run_sink *sink)
{
    struct annotations *annotations = sink->data;
    if (!annotations)
        return;
    go_on(sink);
    free(annotations->path);
    free(annotations);
}

const struct run_format run_annotations = { .name = "annotations",
                                            .begin = on_begin,
                                            .lesson = on_lesson,
                                            .step = on_step,
                                            .done = on_done,
                                            .message = on_message,
                                            .end = on_end,
                                            .drop = on_drop };
