#include "repl/play/test.h"

#include "repl/play/formats.h"
#include "repl/play/play.h"

int test_main(int argc, char **argv)
{
    struct run_options options = { .prove = true };
    int first = play_options(argc, argv, "test", &options);
    if (first <= 0)
        return first < 0 ? RUN_MALFORMED : RUN_OK;
    return run_lessons(argv + first, (size_t)(argc - first), &options);
}
