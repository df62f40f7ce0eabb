/* A notebook as it looks when it has been run: what each block printed, and the kernel's state where a step changed it. */
#include "repl/play/formats.h"

#include "engine/base/cleanup.h"
#include "repl/play/display.h"
#include "repl/play/nbformat.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

struct ipynb {
    struct nb nb;
    size_t block;              /* of the step: how many were told */
    bool checked;              /* the step's end is written */
    struct display *shown;     /* as it was when the step began, or was shown last */
    const struct block *wrong; /* it ended or printed otherwise than stated: said in its cell */
};

static void ipynb_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab)
{
    struct ipynb *ipynb = sink->data = calloc(1, sizeof *ipynb);
    if (ipynb)
        nb_begin(&ipynb->nb, lesson, lab != NULL);
}

static void look(struct run_sink *sink, struct display **display)
{
    const struct display_options options = { .steady = sink->run->redact != NULL };
    display_free(*display);
    *display = display_read(sink->run->session, &options, NULL);
}

static void ipynb_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step)
{
    struct ipynb *ipynb = sink->data;
    if (!ipynb)
        return;
    ipynb->checked = false;
    ipynb->block = 0;
    ipynb->wrong = NULL;
    look(sink, &ipynb->shown);
    nb_step(&ipynb->nb, step, NULL);
}

static void append(struct ipynb *ipynb, json_t *outputs, json_t *output)
{
    if (json_array_append_new(outputs, output) < 0)
        ipynb->nb.failed = true;
}

/* What was printed, a command's after the other's, without what was typed. */
static void append_printed(struct ipynb *ipynb, json_t *outputs, const struct block *block,
                           const struct block_result *result)
{
    cleanup_free char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        ipynb->nb.failed = true;
        return;
    }
    if (block->type != BLOCK_COMMAND)
        fputs(result->output ? result->output : "", out);
    for (size_t i = 0; block->type == BLOCK_COMMAND && result->output && i < result->command_count; i++)
        fwrite(result->output + result->commands[i].output_at, 1, result->commands[i].output_len, out);
    ipynb->nb.failed |= fclose(out) != 0;
    if (size)
        append(ipynb, outputs, nb_stream("stdout", text, size));
}

static void append_status(struct ipynb *ipynb, json_t *outputs, const struct block_result *result)
{
    char text[64] = "";
    if (WIFEXITED(result->wait_status) && WEXITSTATUS(result->wait_status))
        snprintf(text, sizeof text, "status %d\n", WEXITSTATUS(result->wait_status));
    else if (WIFSIGNALED(result->wait_status))
        snprintf(text, sizeof text, "ended by signal %d\n", WTERMSIG(result->wait_status));
    if (*text)
        append(ipynb, outputs, nb_stream("stderr", text, strlen(text)));
}

static void ipynb_block(struct run_sink *sink, const struct step *step, const struct block *block,
                        const struct block_result *result)
{
    struct ipynb *ipynb = sink->data;
    if (!ipynb)
        return;
    ipynb->block++;
    if (result->skipped) {
        cleanup_free char *text = NULL;
        nb_block(&ipynb->nb, block, NULL);
        if (asprintf(&text, "Not run here: %s", result->skipped) >= 0)
            nb_remark(&ipynb->nb, text);
        return;
    }
    json_t *outputs = json_array();
    if (!outputs) {
        ipynb->nb.failed = true;
        return;
    }
    append_printed(ipynb, outputs, block, result);
    if (!result->matched_exit || !result->matched_output) {
        ipynb->wrong = block;
        append(ipynb, outputs, nb_error(result->timed_out ? "TimedOut" : "NotAsStated", result->why));
    } else {
        append_status(ipynb, outputs, result);
    }
    nb_block(&ipynb->nb, block, outputs);
}

/* A cell with the kernel's state, if it is another than when the step began, or the step is about it. */
static void add_state(struct run_sink *sink, struct ipynb *ipynb, const struct step *step)
{
    struct display *before = ipynb->shown;
    ipynb->shown = NULL;
    look(sink, &ipynb->shown);
    if (ipynb->shown && (step->watch || (before && !display_same(before, ipynb->shown)))) {
        json_t *outputs = json_array();
        append(ipynb, outputs, nb_display(display_bundle(ipynb->shown)));
        nb_magic(&ipynb->nb, "%state", outputs);
    }
    display_free(before);
}

static void ipynb_check(struct run_sink *sink, const struct step *step, bool passed, const char *said)
{
    struct ipynb *ipynb = sink->data;
    cleanup_free char *text = NULL;
    json_t *outputs = json_array();
    if (!ipynb || !outputs || asprintf(&text, passed ? "Step %u passed.\n" : "step %u: %s", step->number, said) < 0) {
        json_decref(outputs);
        return;
    }
    nb_step_end(&ipynb->nb);
    add_state(sink, ipynb, step);
    append(ipynb, outputs, passed ? nb_stream("stdout", text, strlen(text)) : nb_error("CheckFailed", text));
    nb_check(&ipynb->nb, outputs);
    ipynb->checked = true;
}

static void ipynb_done(struct run_sink *sink, const struct run_step *done)
{
    struct ipynb *ipynb = sink->data;
    if (!ipynb)
        return;
    if (done->outcome == RUN_STEP_SKIPPED || done->outcome == RUN_STEP_NOT_RUN) {
        cleanup_free char *note = NULL;
        if (asprintf(&note, "%s: %s", done->outcome == RUN_STEP_SKIPPED ? "Skipped here" : "Not run",
                     done->why ? done->why : "") < 0)
            note = NULL;
        nb_step_unexecuted(&ipynb->nb, done->step, note);
        return;
    }
    if (ipynb->checked)
        return;
    if (!ipynb->wrong && done->why) /* it is in no cell: a lab that died, a timeout */
        nb_remark(&ipynb->nb, done->why);
    for (size_t i = ipynb->block; i < done->step->block_count; i++)
        nb_block(&ipynb->nb, &done->step->blocks[i], NULL);
    nb_step_end(&ipynb->nb);
    add_state(sink, ipynb, done->step);
    nb_check(&ipynb->nb, NULL);
}

static void ipynb_message(struct run_sink *sink, const char *text)
{
    struct ipynb *ipynb = sink->data;
    if (ipynb)
        nb_remark(&ipynb->nb, text);
}

static void ipynb_end(struct run_sink *sink)
{
    struct ipynb *ipynb = sink->data;
    if (ipynb && nb_write(&ipynb->nb, sink->out) < 0 && !ferror(sink->out))
        sink->failed = true;
}

static void ipynb_drop(struct run_sink *sink)
{
    struct ipynb *ipynb = sink->data;
    if (!ipynb)
        return;
    nb_free(&ipynb->nb);
    display_free(ipynb->shown);
    free(ipynb);
}

const struct run_format run_ipynb = { .name = "ipynb",
                                      .what = "a Jupyter notebook as run: prose, output, the kernel's state",
                                      .suffix = ".ipynb",
                                      .single = true,
                                      .lesson = ipynb_lesson,
                                      .step = ipynb_step,
                                      .block = ipynb_block,
                                      .check = ipynb_check,
                                      .done = ipynb_done,
                                      .message = ipynb_message,
                                      .end = ipynb_end,
                                      .drop = ipynb_drop };
