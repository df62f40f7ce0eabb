#include "tests/unit/make_root.h"

#include "engine/rootfs/elf_closure.h"
#include "engine/rootfs/machines.h"

#include <errno.h>

static const char glibc_loader[] = "/lib64/ld-linux-x86-64.so.2";

static void put_loader(struct test_root *root)
{
    root_put_elf(root, glibc_loader, &(struct elf_recipe){ .soname = "ld-linux-x86-64.so.2" });
}

/* The path @name was found at; fails the test if it is not listed. */
static const char *found(const struct closure *closure, const char *name)
{
    for (size_t i = 0; i < closure->count; i++)
        if (strcmp(closure->entries[i].name, name) == 0)
            return closure->entries[i].path;
    fail_msg("%s is not listed", name);
    return NULL;
}

static void close_program(struct test_root *root, const char *path, struct closure *closure)
{
    struct err err = { 0 };
    if (elf_closure(root->fd, path, closure, &err) < 0)
        fail_msg("%s", err.message);
}

static void origin_lib_and_platform_are_expanded_with_and_without_braces(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    put_loader(root);
    root_put_elf(root, "/opt/p/bin/prog",
                 &(struct elf_recipe){ .interpreter = glibc_loader,
                                       .runpath = "$ORIGIN/../lib:${ORIGIN}/x:/opt/$LIB:/opt/${PLATFORM}/l:$UNKNOWN",
                                       .needs = { "liba.so", "libb.so", "libc1.so", "libd.so", "$ORIGIN/libe.so" } });
    root_put_elf(root, "/opt/p/lib/liba.so", &(struct elf_recipe){ 0 });
    root_put_elf(root, "/opt/p/bin/x/libb.so", &(struct elf_recipe){ 0 });
    root_put_elf(root, "/lib/x86_64-linux-gnu/libmark.so", &(struct elf_recipe){ 0 });
    root_put_elf(root, "/opt/lib/x86_64-linux-gnu/libc1.so", &(struct elf_recipe){ 0 });
    struct elf_file x86_64 = { .identity = { ELFCLASS64, ELFDATA2LSB, EM_X86_64 } };
    char platform[64];
    snprintf(platform, sizeof platform, "/opt/%s/l/libd.so", machine_platform(machine_of(&x86_64)));
    root_put_elf(root, platform, &(struct elf_recipe){ 0 });
    root_put_elf(root, "/opt/p/bin/libe.so", &(struct elf_recipe){ 0 });
    close_program(root, "/opt/p/bin/prog", &closure);
    assert_string_equal(found(&closure, "liba.so"), "/opt/p/bin/../lib/liba.so");
    assert_string_equal(found(&closure, "libb.so"), "/opt/p/bin/x/libb.so");
    assert_string_equal(found(&closure, "libc1.so"), "/opt/lib/x86_64-linux-gnu/libc1.so");
    assert_string_equal(found(&closure, "libd.so"), platform);
    assert_string_equal(found(&closure, "/opt/p/bin/libe.so"), "/opt/p/bin/libe.so");
    closure_free(&closure);
}

static void rpath_is_inherited_and_runpath_is_not(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    put_loader(root);
    root_put_elf(root, "/d/libinner.so", &(struct elf_recipe){ 0 });
    root_put_elf(root, "/d/libouter.so", &(struct elf_recipe){ .needs = { "libinner.so" } });
    root_put_elf(root, "/bin/rpath",
                 &(struct elf_recipe){ .interpreter = glibc_loader, .rpath = "/d", .needs = { "libouter.so" } });
    root_put_elf(root, "/bin/runpath",
                 &(struct elf_recipe){ .interpreter = glibc_loader, .runpath = "/d", .needs = { "libouter.so" } });
    close_program(root, "/bin/rpath", &closure);
    assert_string_equal(found(&closure, "libinner.so"), "/d/libinner.so");
    closure_free(&closure);
    close_program(root, "/bin/runpath", &closure);
    assert_string_equal(found(&closure, "libouter.so"), "/d/libouter.so");
    assert_null(found(&closure, "libinner.so"));
    closure_free(&closure);
}

static void a_runpath_switches_off_every_rpath_for_the_one_that_has_it(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    put_loader(root);
    root_put_elf(root, "/d/libinner.so", &(struct elf_recipe){ 0 });
    root_put_elf(root, "/d/libouter.so", &(struct elf_recipe){ .runpath = "/nowhere", .needs = { "libinner.so" } });
    root_put_elf(root, "/bin/prog",
                 &(struct elf_recipe){ .interpreter = glibc_loader, .rpath = "/d", .needs = { "libouter.so" } });
    root_put_elf(root, "/bin/both",
                 &(struct elf_recipe){
                     .interpreter = glibc_loader, .rpath = "/d", .runpath = "/e", .needs = { "libouter.so" } });
    close_program(root, "/bin/prog", &closure);
    assert_string_equal(found(&closure, "libouter.so"), "/d/libouter.so");
    assert_null(found(&closure, "libinner.so"));
    closure_free(&closure);
    close_program(root, "/bin/both", &closure);
    assert_null(found(&closure, "libouter.so"));
    closure_free(&closure);
}

static void the_library_path_comes_after_rpath_and_before_runpath(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    struct elf_resolver_options options = { .library_path = "/env" };
    put_loader(root);
    const char *const places[] = { "/env/liba.so", "/r/liba.so" };
    for (int i = 0; i < 2; i++)
        root_put_elf(root, places[i], &(struct elf_recipe){ 0 });
    root_put_elf(root, "/bin/rpath",
                 &(struct elf_recipe){ .interpreter = glibc_loader, .rpath = "/r", .needs = { "liba.so" } });
    root_put_elf(root, "/bin/runpath",
                 &(struct elf_recipe){ .interpreter = glibc_loader, .runpath = "/r", .needs = { "liba.so" } });
    struct elf_resolver *resolver = elf_resolver_open(root->fd, &options, NULL);
    assert_int_equal(elf_resolver_closure(resolver, "/bin/rpath", &closure, NULL), 0);
    assert_string_equal(found(&closure, "liba.so"), "/r/liba.so");
    closure_free(&closure);
    assert_int_equal(elf_resolver_closure(resolver, "/bin/runpath", &closure, NULL), 0);
    assert_string_equal(found(&closure, "liba.so"), "/env/liba.so");
    closure_free(&closure);
    elf_resolver_close(resolver);
}

static void a_missing_library_is_listed_without_a_path_once_for_each_that_asks(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    put_loader(root);
    root_put_elf(root, "/lib/liba.so", &(struct elf_recipe){ .needs = { "libgone.so" } });
    root_put_elf(root, "/bin/prog",
                 &(struct elf_recipe){ .interpreter = glibc_loader, .needs = { "libgone.so", "liba.so" } });
    close_program(root, "/bin/prog", &closure);
    assert_int_equal(closure.count, 4);
    assert_string_equal(closure.entries[0].name, "libgone.so");
    assert_null(closure.entries[0].path);
    assert_string_equal(closure.entries[0].needed_by, "/bin/prog");
    assert_string_equal(closure.entries[1].path, "/lib/liba.so");
    assert_string_equal(closure.entries[2].name, "libgone.so");
    assert_string_equal(closure.entries[2].needed_by, "/lib/liba.so");
    assert_true(closure.entries[3].interpreter && closure.entries[3].unlisted);
    closure_free(&closure);
}

static void a_library_of_another_machine_or_class_is_passed_over(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    put_loader(root);
    root_put_elf(root, "/one/liba.so", &(struct elf_recipe){ .machine = EM_AARCH64 });
    root_put_elf(root, "/two/liba.so", &(struct elf_recipe){ .machine = EM_386, .narrow = true });
    root_put_elf(root, "/three/liba.so", &(struct elf_recipe){ 0 });
    root_put_elf(
        root, "/bin/prog",
        &(struct elf_recipe){ .interpreter = glibc_loader, .runpath = "/one:/two:/three", .needs = { "liba.so" } });
    close_program(root, "/bin/prog", &closure);
    assert_string_equal(found(&closure, "liba.so"), "/three/liba.so");
    closure_free(&closure);
}

static void a_damaged_library_in_the_way_is_an_error_that_names_it(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    struct err err = { 0 };
    put_loader(root);
    root_put(root, "/lib/liba.so", "GROUP ( /lib/libx.so )\n/* a linker script, not a library, of some length */", 76,
             0644);
    root_put_elf(root, "/bin/prog", &(struct elf_recipe){ .interpreter = glibc_loader, .needs = { "liba.so" } });
    assert_int_equal(elf_closure(root->fd, "/bin/prog", &closure, &err), -1);
    assert_int_equal(err.code, ELIBBAD);
    assert_non_null(strstr(err.message, "/lib/liba.so: invalid ELF header"));
    assert_null(closure.memory);
}

static void a_library_asked_for_by_two_names_of_one_file_is_listed_once(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    put_loader(root);
    root_put_elf(root, "/lib/liba.so.1.2", &(struct elf_recipe){ .soname = "liba.so.1" });
    assert_int_equal(symlinkat("liba.so.1.2", root->fd, "lib/liba.so.1"), 0);
    assert_int_equal(symlinkat("liba.so.1", root->fd, "lib/liba.so"), 0);
    root_put_elf(
        root, "/bin/prog",
        &(struct elf_recipe){ .interpreter = glibc_loader, .needs = { "liba.so", "liba.so.1", "/lib/liba.so.1.2" } });
    close_program(root, "/bin/prog", &closure);
    assert_int_equal(closure.count, 2);
    assert_string_equal(closure.entries[0].path, "/lib/liba.so");
    closure_free(&closure);
}

static void libraries_that_need_each_other_come_to_an_end(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    put_loader(root);
    root_put_elf(root, "/lib/liba.so",
                 &(struct elf_recipe){ .needs = { "libb.so", "liba.so", "ld-linux-x86-64.so.2" } });
    root_put_elf(root, "/lib/libb.so", &(struct elf_recipe){ .needs = { "liba.so" } });
    root_put_elf(root, "/bin/prog", &(struct elf_recipe){ .interpreter = glibc_loader, .needs = { "liba.so" } });
    close_program(root, "/bin/prog", &closure);
    assert_int_equal(closure.count, 3);
    assert_string_equal(closure.entries[1].path, "/lib/libb.so");
    assert_true(closure.entries[2].interpreter && !closure.entries[2].unlisted);
    closure_free(&closure);
}

static void a_nodeflib_program_sees_no_default_directory(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    put_loader(root);
    root_put_elf(root, "/lib/liba.so", &(struct elf_recipe){ 0 });
    root_put_elf(root, "/bin/prog",
                 &(struct elf_recipe){ .interpreter = glibc_loader, .needs = { "liba.so" }, .flags_1 = DF_1_NODEFLIB });
    close_program(root, "/bin/prog", &closure);
    assert_null(found(&closure, "liba.so"));
    closure_free(&closure);
}

static void the_best_hwcaps_directory_this_cpu_can_use_wins(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    struct elf_file x86_64 = { .identity = { ELFCLASS64, ELFDATA2LSB, EM_X86_64 } };
    const char *const *levels = machine_levels(machine_of(&x86_64));
    put_loader(root);
    char expected[128] = "/d/liba.so", level[128];
    root_put_elf(root, expected, &(struct elf_recipe){ 0 });
    root_put_elf(root, "/d/glibc-hwcaps/x86-64-v9/liba.so", &(struct elf_recipe){ 0 });
    size_t count = 0;
    while (levels[count])
        count++;
    root_put_elf(root, "/bin/prog",
                 &(struct elf_recipe){ .interpreter = glibc_loader, .rpath = "/d", .needs = { "liba.so" } });
    /* From the worst level to the best, each new one is taken. */
    for (size_t i = count + 1; i-- > 0;) {
        if (i < count) {
            snprintf(level, sizeof level, "/d/glibc-hwcaps/%s/liba.so", levels[i]);
            memcpy(expected, level, sizeof level);
            root_put_elf(root, expected, &(struct elf_recipe){ 0 });
        }
        close_program(root, "/bin/prog", &closure);
        assert_string_equal(found(&closure, "liba.so"), expected);
        closure_free(&closure);
    }
}

static void a_musl_program_is_searched_by_the_path_file_and_libc_is_its_loader(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    const char loader[] = "/lib/ld-musl-x86_64.so.1";
    root_put_elf(root, loader, &(struct elf_recipe){ .soname = "libc.so" });
    root_put_elf(root, "/far/libz.so", &(struct elf_recipe){ .needs = { "libc.so", "libm.so" } });
    root_put_elf(root, "/lib/libz.so", &(struct elf_recipe){ 0 });
    root_put_elf(root, "/bin/prog",
                 &(struct elf_recipe){ .interpreter = loader, .needs = { "libz.so", "libc.so", "libgone.so" } });
    close_program(root, "/bin/prog", &closure);
    assert_string_equal(found(&closure, "libz.so"), "/lib/libz.so");
    assert_null(closure.config);
    closure_free(&closure);
    root_put(root, "/etc/ld-musl-x86_64.path", "/near\n/far:/lib\n", 16, 0644);
    close_program(root, "/bin/prog", &closure);
    assert_true(closure.musl);
    assert_null(closure.vdso);
    assert_true(closure.entries[0].interpreter);
    assert_string_equal(closure.entries[0].path, loader);
    assert_string_equal(found(&closure, "libz.so"), "/far/libz.so");
    assert_string_equal(found(&closure, "libc.so"), loader);
    assert_string_equal(found(&closure, "libm.so"), loader);
    assert_null(found(&closure, "libgone.so"));
    assert_string_equal(closure.config, "/etc/ld-musl-x86_64.path");
    closure_free(&closure);
}

static void a_musl_rpath_is_inherited_whichever_kind_it_is(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    const char loader[] = "/lib/ld-musl-x86_64.so.1";
    root_put_elf(root, loader, &(struct elf_recipe){ .soname = "libc.so" });
    root_put_elf(root, "/p/l/liba.so", &(struct elf_recipe){ .needs = { "libb.so" } });
    root_put_elf(root, "/p/l/libb.so", &(struct elf_recipe){ 0 });
    root_put_elf(root, "/p/prog",
                 &(struct elf_recipe){ .interpreter = loader, .runpath = "$ORIGIN/l", .needs = { "liba.so" } });
    root_put_elf(root, "/p/lib",
                 &(struct elf_recipe){ .interpreter = loader, .runpath = "$LIB:/p/l", .needs = { "liba.so" } });
    close_program(root, "/p/prog", &closure);
    assert_string_equal(found(&closure, "libb.so"), "/p/l/libb.so");
    closure_free(&closure);
    close_program(root, "/p/lib", &closure);
    assert_null(found(&closure, "liba.so"));
    closure_free(&closure);
}

static void programs_of_other_machines_are_answered(void **state)
{
    static const struct {
        struct elf_recipe program, library;
        const char *path, *vdso;
    } cases[] = {
        { { .machine = EM_AARCH64, .interpreter = "/lib/ld-linux-aarch64.so.1", .needs = { "liba.so" } },
          { .machine = EM_AARCH64 },
          "/lib/aarch64-linux-gnu/liba.so",
          "linux-vdso.so.1" },
        { { .machine = EM_S390, .big = true, .interpreter = "/lib/ld64.so.1", .needs = { "liba.so" } },
          { .machine = EM_S390, .big = true },
          "/lib/s390x-linux-gnu/liba.so",
          "linux-vdso64.so.1" },
        { { .machine = EM_386, .narrow = true, .interpreter = "/lib/ld-linux.so.2", .needs = { "liba.so" } },
          { .machine = EM_386, .narrow = true },
          "/usr/lib/i386-linux-gnu/liba.so",
          "linux-gate.so.1" },
        { { .machine = EM_ARM,
            .narrow = true,
            .flags = EF_ARM_ABI_FLOAT_HARD,
            .interpreter = "/lib/ld-linux-armhf.so.3",
            .needs = { "liba.so" } },
          { .machine = EM_ARM, .narrow = true, .flags = EF_ARM_ABI_FLOAT_HARD },
          "/lib/arm-linux-gnueabihf/liba.so",
          "linux-vdso.so.1" },
        { { .machine = 0x7777, .narrow = true, .big = true, .interpreter = "/lib/ld.so", .needs = { "liba.so" } },
          { .machine = 0x7777, .narrow = true, .big = true },
          "/usr/lib/liba.so",
          "linux-vdso.so.1" },
    };
    struct test_root *root = *state;
    root_put_elf(root, "/lib/liba.so", &(struct elf_recipe){ 0 });
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct closure closure;
        root_put_elf(root, "/bin/prog", &cases[i].program);
        root_put_elf(root, cases[i].program.interpreter, &cases[i].library);
        root_put_elf(root, cases[i].path, &cases[i].library);
        close_program(root, "/bin/prog", &closure);
        assert_string_equal(found(&closure, "liba.so"), cases[i].path);
        assert_string_equal(found(&closure, cases[i].program.interpreter), cases[i].program.interpreter);
        assert_string_equal(closure.vdso, cases[i].vdso);
        closure_free(&closure);
    }
}

static void nothing_outside_the_root_is_seen(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    root_put_elf(root, "/bin/prog",
                 &(struct elf_recipe){ .interpreter = glibc_loader,
                                       .runpath = "/../../../lib/x86_64-linux-gnu:/out",
                                       .needs = { "libc.so.6" } });
    assert_int_equal(symlinkat("/lib/x86_64-linux-gnu", root->fd, "out"), 0);
    close_program(root, "/bin/prog", &closure);
    assert_null(found(&closure, "libc.so.6"));
    assert_null(found(&closure, glibc_loader));
    closure_free(&closure);
}

static void a_fifo_or_directory_in_a_librarys_place_does_not_hold_us(void **state)
{
    struct test_root *root = *state;
    struct closure closure;
    struct err err = { 0 };
    put_loader(root);
    root_put_elf(root, "/bin/prog",
                 &(struct elf_recipe){ .interpreter = glibc_loader, .runpath = "/d", .needs = { "liba.so" } });
    assert_int_equal(make_directories_in(root->fd, "/d", 0755, NULL), 0);
    assert_int_equal(mkfifoat(root->fd, "d/liba.so", 0644), 0);
    assert_int_equal(elf_closure(root->fd, "/bin/prog", &closure, &err), -1);
    assert_int_equal(err.code, ELIBBAD);
    assert_int_equal(elf_closure(root->fd, "/d/liba.so", &closure, &err), -1);
    assert_int_equal(elf_closure(root->fd, "/d", &closure, &err), -1);
    assert_int_equal(elf_closure(root->fd, "/gone", &closure, &err), -1);
    assert_int_equal(err.code, ENOENT);
}

static void every_single_damaged_byte_and_every_cut_is_survived(void **state)
{
    struct test_root *root = *state;
    const struct elf_recipe recipe = { .interpreter = glibc_loader,
                                       .rpath = "$ORIGIN:/d",
                                       .needs = { "liba.so", "libb.so" } };
    struct elf_image image, damaged;
    put_loader(root);
    elf_make(&image, &recipe);
    root_put_elf(root, "/d/liba.so", &(struct elf_recipe){ .soname = "liba.so" });
    size_t answered = 0, refused = 0;
    for (size_t i = 0; i < image.size; i++) {
        const unsigned char values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
        for (size_t v = 0; v <= sizeof values; v++) {
            damaged = image;
            if (v < sizeof values)
                damaged.bytes[i] = values[v];
            else
                damaged.size = i;
            if (i >= 200 && i < 512) /* the gap between the headers and the dynamic section */
                continue;
            struct closure closure;
            struct err err = { 0 };
            root_put(root, "/bin/prog", damaged.bytes, damaged.size, 0755);
            if (elf_closure(root->fd, "/bin/prog", &closure, &err) == 0) {
                answered++;
                closure_free(&closure);
            } else {
                refused++;
                assert_int_not_equal(err.code, 0);
                assert_string_not_equal(err.message, "");
            }
        }
    }
    assert_true(answered > 100 && refused > 100);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, root_make, root_remove)
    const struct CMUnitTest tests[] = {
        IN_ROOT(origin_lib_and_platform_are_expanded_with_and_without_braces),
        IN_ROOT(rpath_is_inherited_and_runpath_is_not),
        IN_ROOT(a_runpath_switches_off_every_rpath_for_the_one_that_has_it),
        IN_ROOT(the_library_path_comes_after_rpath_and_before_runpath),
        IN_ROOT(a_missing_library_is_listed_without_a_path_once_for_each_that_asks),
        IN_ROOT(a_library_of_another_machine_or_class_is_passed_over),
        IN_ROOT(a_damaged_library_in_the_way_is_an_error_that_names_it),
        IN_ROOT(a_library_asked_for_by_two_names_of_one_file_is_listed_once),
        IN_ROOT(libraries_that_need_each_other_come_to_an_end),
        IN_ROOT(a_nodeflib_program_sees_no_default_directory),
        IN_ROOT(the_best_hwcaps_directory_this_cpu_can_use_wins),
        IN_ROOT(a_musl_program_is_searched_by_the_path_file_and_libc_is_its_loader),
        IN_ROOT(a_musl_rpath_is_inherited_whichever_kind_it_is),
        IN_ROOT(programs_of_other_machines_are_answered),
        IN_ROOT(nothing_outside_the_root_is_seen),
        IN_ROOT(a_fifo_or_directory_in_a_librarys_place_does_not_hold_us),
        IN_ROOT(every_single_damaged_byte_and_every_cut_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
