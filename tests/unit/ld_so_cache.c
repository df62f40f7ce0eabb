#include "engine/rootfs/ld_so_cache.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { NAMED = 1 << 30 };

struct entry {
    uint32_t flags;
    const char *name, *path;
    uint32_t index, upper; /* of hwcap */
};

/* What a cache is put together from; every number in the byte order asked for. */
struct image {
    unsigned char *bytes;
    size_t size;
    bool big;
};

static void put32(struct image *m, size_t at, uint32_t v)
{
    v = m->big ? htobe32(v) : htole32(v);
    memcpy(m->bytes + at, &v, sizeof v);
}

static uint32_t put_string(struct image *m, const char *s)
{
    size_t at = m->size;
    memcpy(m->bytes + at, s, strlen(s) + 1);
    m->size += strlen(s) + 1;
    return (uint32_t)at;
}

static struct image make_cache(const struct entry *entries, uint32_t count, bool big)
{
    struct image m = { .bytes = calloc(1, 8192), .size = 48 + count * 24, .big = big };
    memcpy(m.bytes, "glibc-ld.so.cache1.1", 20);
    put32(&m, 20, count);
    m.bytes[28] = big ? 3 : 2;
    for (uint32_t i = 0; i < count; i++) {
        size_t at = 48 + i * 24;
        put32(&m, at, entries[i].flags);
        put32(&m, at + 4, put_string(&m, entries[i].name));
        put32(&m, at + 8, put_string(&m, entries[i].path));
        put32(&m, at + (big ? 20 : 16), entries[i].index);
        put32(&m, at + (big ? 16 : 20), entries[i].upper);
    }
    uint32_t v3 = put_string(&m, "x86-64-v3"), v2 = put_string(&m, "x86-64-v2");
    m.size = (m.size + 3) & ~(size_t)3;
    size_t table = m.size, extension = table + 8;
    put32(&m, table, v3);
    put32(&m, table + 4, v2);
    put32(&m, extension, 0xeaa42174);
    put32(&m, extension + 4, 1);
    put32(&m, extension + 8, 1);
    put32(&m, extension + 16, (uint32_t)table);
    put32(&m, extension + 20, 8);
    put32(&m, 32, (uint32_t)extension);
    m.size = extension + 24;
    return m;
}

static const char *const both_levels[] = { "x86-64-v3", "x86-64-v2", NULL }, *const no_levels[] = { NULL };
static const struct entry several[] = {
    { 0x0303, "libz.so.1", "/v3/libz.so.1", 0, NAMED | 2 },   { 0x0303, "libz.so.1", "/v2/libz.so.1", 1, NAMED | 1 },
    { 0x0303, "libz.so.1", "/plain/libz.so.1", 0, 0 },        { 0x0003, "libz.so.1", "/i386/libz.so.1", 0, 0 },
    { 0x0303, "libold.so", "/tls/libold.so", 0, 0x80000000 }, { 0x0303, "libold.so", "/libold.so", 0, 0 },
    { 0x0001, "libelf.so", "/any/libelf.so", 0, 0 },
};
enum { SEVERAL = sizeof several / sizeof *several };

static void check(bool big)
{
    struct ld_so_cache cache;
    struct image m = make_cache(several, SEVERAL, big);
    assert_int_equal(ld_so_cache_parse(m.bytes, m.size, &cache), 0);
    assert_int_equal(cache.count, SEVERAL);
    struct ld_so_cache_wish wish = { .flags = 0x0303, .levels = both_levels, .isa_levels = 7 };
    assert_string_equal(ld_so_cache_find(&cache, "libz.so.1", &wish), "/v3/libz.so.1");
    wish.isa_levels = 3;
    assert_string_equal(ld_so_cache_find(&cache, "libz.so.1", &wish), "/v2/libz.so.1");
    wish.levels = no_levels;
    assert_string_equal(ld_so_cache_find(&cache, "libz.so.1", &wish), "/plain/libz.so.1");
    assert_string_equal(ld_so_cache_find(&cache, "libold.so", &wish), "/libold.so");
    assert_string_equal(ld_so_cache_find(&cache, "libelf.so", &wish), "/any/libelf.so");
    assert_null(ld_so_cache_find(&cache, "libgone.so", &wish));
    wish.flags = 0x0003;
    assert_string_equal(ld_so_cache_find(&cache, "libz.so.1", &wish), "/i386/libz.so.1");
    ld_so_cache_free(&cache);
}

static void the_entry_of_the_right_abi_and_best_level_is_taken(void **state)
{
    check(false);
}

static void a_cache_of_the_other_byte_order_reads_the_same(void **state)
{
    check(true);
}

static void a_cache_behind_one_of_the_old_format_is_found(void **state)
{
    struct ld_so_cache cache;
    struct image m = make_cache(several, SEVERAL, BYTE_ORDER == BIG_ENDIAN);
    const uint32_t old_count = 3;
    size_t before = (16 + old_count * 12 + 7) & ~7u;
    unsigned char *both = calloc(1, before + m.size);
    memcpy(both, "ld.so-1.7.0", 11);
    memcpy(both + 12, &old_count, sizeof old_count);
    memcpy(both + before, m.bytes, m.size);
    free(m.bytes);
    assert_int_equal(ld_so_cache_parse(both, before + m.size, &cache), 0);
    struct ld_so_cache_wish wish = { .flags = 0x0303, .levels = both_levels, .isa_levels = 7 };
    assert_string_equal(ld_so_cache_find(&cache, "libz.so.1", &wish), "/v3/libz.so.1");
    ld_so_cache_free(&cache);
}

static void this_machines_cache_lists_libc_as_ldconfig_does(void **state)
{
    FILE *f = fopen("/etc/ld.so.cache", "re");
    assert_non_null(f);
    unsigned char *data = malloc(4 << 20);
    size_t size = fread(data, 1, 4 << 20, f);
    fclose(f);
    struct ld_so_cache cache;
    assert_int_equal(ld_so_cache_parse(data, size, &cache), 0);
    f = popen("/sbin/ldconfig -p", "re");
    char line[1024];
    size_t announced = 0, compared = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        char name[256], abi[256], path[512];
        if (sscanf(line, "%zu libs found", &announced) == 1 ||
            sscanf(line, " %255s (%255[^)]) => %511s", name, abi, path) != 3 || strcmp(abi, "libc6,x86-64") != 0)
            continue;
        struct ld_so_cache_wish wish = { .flags = 0x0303, .levels = no_levels, .isa_levels = 1 };
        const char *ours = ld_so_cache_find(&cache, name, &wish);
        assert_non_null(ours);
        compared++;
        if (strcmp(ours, path) != 0) /* a second entry of the name: ours must be an earlier one, not an invented one */
            assert_int_equal(access(ours, F_OK), 0);
    }
    pclose(f);
    assert_int_equal(cache.count, announced);
    assert_true(compared > 10);
    ld_so_cache_free(&cache);
}

static void damage_anywhere_in_a_cache_is_survived(void **state)
{
    const struct ld_so_cache_wish wish = { .flags = 0x0303, .levels = both_levels, .isa_levels = 7 };
    struct image m = make_cache(several, SEVERAL, false);
    size_t read_anyway = 0;
    for (size_t i = 0; i <= m.size; i++) {
        for (int damage = 0; damage < 4; damage++) {
            static const unsigned char values[] = { 0x00, 0x7f, 0xff };
            size_t size = damage == 3 ? i : m.size;
            unsigned char *copy = malloc(size ? size : 1); /* its exact size, so that a sanitizer sees a byte too far */
            assert_non_null(copy);
            memcpy(copy, m.bytes, size);
            if (damage < 3 && i < size)
                copy[i] = values[damage];
            struct ld_so_cache cache;
            if (ld_so_cache_parse(copy, size, &cache) < 0)
                continue;
            read_anyway++;
            for (size_t e = 0; e < SEVERAL; e++)
                ld_so_cache_find(&cache, several[e].name, &wish);
            ld_so_cache_free(&cache);
        }
    }
    free(m.bytes);
    assert_true(read_anyway > 100);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_entry_of_the_right_abi_and_best_level_is_taken),
        cmocka_unit_test(a_cache_of_the_other_byte_order_reads_the_same),
        cmocka_unit_test(a_cache_behind_one_of_the_old_format_is_found),
        cmocka_unit_test(this_machines_cache_lists_libc_as_ldconfig_does),
        cmocka_unit_test(damage_anywhere_in_a_cache_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
