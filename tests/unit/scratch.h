/** A directory of the test program's own, gone with its last test. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>

static char base[64];

static int set_up(void **state)
{
    snprintf(base, sizeof base, "/tmp/teachroot-test.XXXXXX");
    return mkdtemp(base) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", base);
    return system(command);
}

#endif
