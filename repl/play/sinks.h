/** Opens, ends and names what the formats of a run write to. */
#ifndef REPL_PLAY_SINKS_H
#define REPL_PLAY_SINKS_H

#include "repl/play/run.h"

/** Tell every sink whose format wants to know: SINKS_TELL(run, step, lesson, step). */
#define SINKS_TELL(run, what, ...)                                                                                     \
    do                                                                                                                 \
        for (struct run_sink *sink_ = (run)->sinks; sink_ < (run)->sinks + (run)->sink_count; sink_++)                 \
            if (sink_->format->what)                                                                                   \
                sink_->format->what(sink_, __VA_ARGS__);                                                               \
    while (0)

/** Can what @options ask for be written of these lessons? Whether it makes sense only; nothing is opened. Returns 0 or -1. */
int sinks_check(const struct run_options *options, struct lesson *const *lessons, size_t count, struct err *err);

/** A sink a format; those that go to standard output begin, with @steps in all lessons together. Returns 0 or -1. */
int sinks_open(struct run *run, size_t steps, struct err *err);
/** The files of @lesson begin. Returns 0 or -1. */
int sinks_begin(struct run *run, const struct lesson *lesson, struct err *err);
/** They end, if @whole, and get their names; else nothing is left of them. Returns 0, or -1 when one could not be written: the others are. */
int sinks_end(struct run *run, bool whole, struct err *err);
/** What goes to standard output ends, if @whole. Returns 0, or -1 when it could not be written. A second call does nothing. */
int sinks_close(struct run *run, bool whole, struct err *err);

/** What was said so far can be read on standard output. */
void sinks_flush(struct run *run);
/** Can something not be written? There is no use in going on then; the end says why. */
bool sinks_broken(const struct run *run);

#endif
