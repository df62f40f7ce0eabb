/** Stores in the test program's directory. */
#ifndef TESTS_UNIT_STORES_H
#define TESTS_UNIT_STORES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/image/store.h"
#include "tests/unit/scratch.h"

static struct store *open_store(const char *name)
{
    char path[128];
    struct err err = { 0 };
    snprintf(path, sizeof path, "%s/%s", base, name);
    struct store *store = store_open(path, STORE_WRITE, NULL, &err);
    if (!store)
        fail_msg("%s", err.message);
    return store;
}

#endif
