/** `teachroot test --watch LESSON`: looks at a lesson again each time it is saved, and proves it again from the first step that changed.
 *
 * One run at a time: a save during a run ends that one first. What was proved before the change is replayed and not proved again.
 */
#ifndef REPL_PLAY_TEST_WATCH_H
#define REPL_PLAY_TEST_WATCH_H

#include "repl/play/run.h"

/** Watch the lesson named by @name until Ctrl-C. @options say how a run is made, their formats aside; without @prove nothing is run. Returns an exit status. */
int test_watch(const char *name, const struct run_options *options, bool prove);

#endif
