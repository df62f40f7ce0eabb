/* Asciicasts: of all terminals together, and beside it one of each. */
#include "repl/play/cast_out.h"
#include "repl/play/formats.h"
#include "repl/play/recording.h"

#include <stdlib.h>
#include <string.h>

struct casting {
    struct run_sink *sink;
    const struct lesson *lesson;
    struct recording *recording;
    bool begun;
    struct cast_out all, each[RECORDING_TERMINALS + 1];
    bool asked[RECORDING_TERMINALS + 1], wanted[RECORDING_TERMINALS + 1]; /* for a file; it has one */
    struct canvas before;
};

static void begin_each(struct casting *casting, unsigned terminal)
{
    const struct run *run = casting->sink->run;
    char suffix[48];
    snprintf(suffix, sizeof suffix, ".terminal-%u.cast", terminal);
    FILE *out = run_sink_file(casting->sink, suffix);
    casting->asked[terminal] = true;
    if (!out)
        return;
    casting->wanted[terminal] = true;
    cast_begin(&casting->each[terminal], out, run->options->cast_version, run->rows, run->cols, casting->lesson->title);
}

static void on_output(unsigned terminal, uint64_t ms, const char *bytes, size_t len, void *data)
{
    struct casting *casting = data;
    if (!casting->asked[terminal])
        begin_each(casting, terminal);
    if (casting->wanted[terminal])
        cast_output(&casting->each[terminal], ms, bytes, len);
}

static void on_marker(uint64_t ms, const char *label, void *data)
{
    struct casting *casting = data;
    cast_marker(&casting->all, ms, label);
    for (unsigned i = 1; i <= RECORDING_TERMINALS; i++)
        if (casting->wanted[i])
            cast_marker(&casting->each[i], recording_time(casting->recording, i), label);
}

static void on_picture(uint64_t ms, const struct canvas *picture, void *data)
{
    struct casting *casting = data;
    char *bytes = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&bytes, &len);
    if (!out)
        return;
    if (!casting->begun)
        fputs("\033[?25l\033[H\033[2J", out);
    casting->begun = true;
    canvas_put_change(out, &casting->before, picture);
    fclose(out);
    if (len)
        cast_output(&casting->all, ms, bytes, len);
    free(bytes);
    canvas_copy(&casting->before, picture);
}

static const struct recording_hooks hooks = { .output = on_output, .marker = on_marker, .picture = on_picture };

static void cast_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab)
{
    const struct run *run = sink->run;
    struct casting *casting = sink->data = calloc(1, sizeof *casting);
    if (!casting)
        return;
    casting->sink = sink;
    casting->lesson = lesson;
    casting->recording = recording_new(lesson, run->rows, run->cols, &hooks, casting);
    unsigned rows = casting->recording ? recording_rows(casting->recording) : run->rows;
    if (!casting->recording || canvas_init(&casting->before, rows, run->cols) < 0) {
        recording_free(casting->recording);
        free(casting);
        sink->data = NULL;
        return;
    }
    cast_begin(&casting->all, sink->out, run->options->cast_version, rows, run->cols, lesson->title);
}

static void cast_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step)
{
    struct casting *casting = sink->data;
    if (casting)
        recording_step(casting->recording, step);
}

static void cast_done(struct run_sink *sink, const struct run_step *done)
{
    struct casting *casting = sink->data;
    char label[512];
    if (!casting || done->outcome != RUN_STEP_SKIPPED)
        return;
    snprintf(label, sizeof label, "%u. %s (skipped: %s)", done->step->number, done->step->title,
             done->why ? done->why : "");
    on_marker(recording_time(casting->recording, 0), label, casting);
}

static void cast_begin_block(struct run_sink *sink, const struct step *step, const struct block *block)
{
    struct casting *casting = sink->data;
    if (casting)
        recording_block(casting->recording, block);
}

static void cast_block(struct run_sink *sink, const struct step *step, const struct block *block,
                       const struct block_result *result)
{
    struct casting *casting = sink->data;
    if (casting)
        recording_block_over(casting->recording);
}

static void cast_bytes(struct run_sink *sink, unsigned terminal, const char *bytes, size_t len)
{
    struct casting *casting = sink->data;
    if (casting)
        recording_output(casting->recording, terminal, session_shell(sink->run->session, terminal), bytes, len);
}

static void cast_finish(struct run_sink *sink)
{
    struct casting *casting = sink->data;
    if (!casting)
        return;
    struct recording *recording = casting->recording;
    recording_end(recording);
    for (unsigned i = 1; i <= RECORDING_TERMINALS; i++)
        if (casting->wanted[i])
            cast_end(&casting->each[i], recording_time(recording, i));
    /* Whoever shows it on a terminal of their own goes on below it. */
    char last[40];
    int len = snprintf(last, sizeof last, "\033[%u;1H\033[?25h", casting->before.rows);
    cast_output(&casting->all, recording_time(recording, 0), last, (size_t)len);
    cast_end(&casting->all, recording_time(recording, 0));
}

static void cast_drop(struct run_sink *sink)
{
    struct casting *casting = sink->data;
    if (!casting)
        return;
    recording_free(casting->recording);
    canvas_free(&casting->before);
    free(casting);
}

const struct run_format run_cast = {
    .name = "cast",
    .what = "an asciicast: a recording that plays anywhere; with -o, one of each terminal too",
    .suffix = ".cast",
    .single = true,
    .lesson = cast_lesson,
    .step = cast_step,
    .begin_block = cast_begin_block,
    .block = cast_block,
    .done = cast_done,
    .output = cast_bytes,
    .end = cast_finish,
    .drop = cast_drop
};
