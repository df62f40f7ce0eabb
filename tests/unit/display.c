/* The kernel's state as text, tables and picture: the three against one another, and what each promises whatever the names in it are. */
#include "engine/base/cleanup.h"
#include "repl/play/display.h"
#include "repl/screen/utf8.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define HOSTILE "<script>alert('1')</script>&\"\x1b[31m\xff\xe2\x80\xae"

static struct session_state states[2];
static struct sample_group groups[2];
static char group_path[] = "/teachroot/lab/sandbox";

static const struct display_options telling = { 0 }, steady = { .all = true, .steady = true }, all = { .all = true };

static void set_member(struct observe_member *member, pid_t pid, unsigned indent, const char *name)
{
    *member =
        (struct observe_member){ .pid = pid, .number = { pid - 1000 }, .numbers = 1, .indent = indent, .state = 'S' };
    snprintf(member->name, sizeof member->name, "%s", name);
    for (size_t kind = 0; kind < NAMESPACE_KINDS; kind++)
        member->inode[kind] = 100 + kind;
}

/* A shell with a pid and a mount namespace of its own, under an overlay, in a lab with one group. */
static void set_up(void)
{
    struct session_state *state = &states[0];
    memset(states, 0, sizeof states);
    memset(groups, 0, sizeof groups);
    *state = (struct session_state){
        .process = 1012,
        .inside = 12,
        .number = { 12, 1 },
        .numbers = 2,
        .terminal = 1,
        .command = "bash --norc",
        .root = "/",
        .mounts_known = true,
        .mount_total = 3,
        .mounts_changed = 1,
        .mount_count = 1,
        .layers = { .point = "/merged", .upper = true, .count = 2, .name = { "up", "low" }, .entry_count = 3 },
        .member_total = 3,
        .member_count = 3,
        .ids_known = true,
        .same_ids = true,
    };
    for (size_t kind = 0; kind < NAMESPACE_KINDS; kind++)
        state->inode[kind] = state->lab_inode[kind] = 100 + kind;
    for (size_t kind = 0; kind < 2; kind++) {
        state->inode[kind] = 4026530001 + kind;
        state->differs[kind] = true;
    }
    set_member(&state->members[0], 1001, 0, "init");
    set_member(&state->members[1], 1002, 0, "bash");
    set_member(&state->members[2], 1012, 1, HOSTILE);
    state->members[2].number[1] = 1;
    state->members[2].numbers = 2;
    state->mounts[0] = (struct state_mount){ .change = MOUNT_ADDED, .point = "/merged", .type = "overlay" };
    state->layers.entries[0] =
        (struct layer_entry){ .path = "kept", .holds = { LAYER_NOTHING, LAYER_FILE }, .seen = { false, true } };
    state->layers.entries[1] = (struct layer_entry){ .path = "gone", .holds = { LAYER_WHITEOUT, LAYER_FILE } };
    state->layers.entries[2] =
        (struct layer_entry){ .path = "both", .holds = { LAYER_FILE, LAYER_FILE }, .seen = { true, false } };
    states[1] =
        (struct session_state){ .process = 1002, .terminal = 2, .command = "sh", .root = "/", .link_count = -1 };
    for (size_t i = 0; i < 2; i++)
        groups[i] = (struct sample_group){ .path = group_path,
                                           .name = "sandbox",
                                           .depth = (unsigned)i,
                                           .cpu_limit = -1,
                                           .cpu_time = SAMPLE_NONE,
                                           .throttled_time = SAMPLE_NONE,
                                           .memory = 3 << 20,
                                           .memory_limit = i ? 64 << 20 : SAMPLE_NONE,
                                           .pids = SAMPLE_NONE,
                                           .pids_limit = SAMPLE_NONE,
                                           .oom_kills = SAMPLE_NONE };
    groups[0].child = &groups[1];
    groups[1].parent = &groups[0];
}

static struct display *make(const struct display_options *options)
{
    struct display *display = display_make(states, 2, groups, options);
    assert_non_null(display);
    return display;
}

static char *written(const struct display *display, display_writer *writer)
{
    char *text = display_string(display, writer);
    assert_non_null(text);
    return text;
}

static void assert_has(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("`%s` is not in:\n%s", what, text);
}

static void all_three_say_what_the_description_says(void **data)
{
    struct display *display = make(&all);
    cleanup_free char *text = written(display, display_text), *tables = written(display, display_tables),
                      *picture = written(display, display_picture);
    for (size_t s = 0; s < display->section_count; s++)
        for (size_t r = 0; r < display->sections[s].row_count; r++)
            for (size_t c = 0; c < display->sections[s].column_count; c++) {
                const char *cell = display->sections[s].rows[r].cells[c].text;
                cleanup_free char *escaped = NULL;
                size_t size;
                FILE *out = open_memstream(&escaped, &size);
                display_escaped(out, cell);
                fclose(out);
                assert_has(text, cell);
                assert_has(tables, escaped);
                assert_has(picture, escaped); /* in its <desc> at least, where a screen reader finds it */
            }
    display_free(display);
}

static void it_says_whose_each_namespace_is_and_which_layer_holds_what(void **data)
{
    struct display *display = make(&telling);
    cleanup_free char *text = written(display, display_text), *picture = written(display, display_picture);
    assert_has(text, "\xe2\x89\xa0 mount    its own    alone in it          4026530001\n");
    assert_has(text, "= user     the lab's");
    assert_has(text, "-gone      (gone)\n");
    assert_has(text, "both          both       (both)\n");
    assert_has(text, "sandbox  3.0M of 64M");
    assert_has(text, "2: sh = all are the lab's\n");
    assert_has(picture, ">-gone</text>");
    assert_has(picture, "text-decoration=\"line-through\"");
    assert_has(picture, ">(both)</text>");
    display_free(display);
}

static void no_name_becomes_markup_and_nothing_comes_from_elsewhere(void **data)
{
    static const char *const never[] = { "<script", "\x1b",    "\xff", "\xe2\x80\xae", "url(",
                                         "href",    "@import", " id=", "\n\n" };
    struct display *display = make(&all);
    cleanup_free char *page = written(display, display_figure), *picture = written(display, display_picture);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        assert_null(strstr(page, never[i]));
        assert_null(strstr(picture, never[i]));
    }
    assert_has(page,
               "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd");
    const char *address = strstr(page, "http");
    assert_memory_equal(address, "http://www.w3.org/2000/svg\"", 27);
    assert_null(strstr(address + 4, "http"));
    display_free(display);
}

/* A letter is 7.3 wide at most where it is 12 high. */
static void nothing_runs_out_of_the_picture(void **data)
{
    struct session_state *state = &states[0];
    memset(state->layers.entries[0].path, 'x', LAYER_PATH - 1);
    memset(state->layers.name[1], 'y', sizeof state->layers.name[1] - 1);
    memset(state->mounts[0].point, 'z', sizeof state->mounts[0].point - 1);
    memset(state->members[1].name, 'w', sizeof state->members[1].name - 1);
    memset(state->command, 'c', sizeof state->command - 1);
    memset(state->root, 'r', sizeof state->root - 1);
    state->members[2].indent = 12;
    struct display *display = make(&all);
    cleanup_free char *picture = written(display, display_picture);
    unsigned height = 0, texts = 0;
    assert_int_equal(sscanf(strstr(picture, "viewBox"), "viewBox=\"0 0 360 %u\"", &height), 1);
    for (const char *at = picture; (at = strstr(at, "<text ")); texts++) {
        unsigned x, y, size = 12;
        assert_true(sscanf(at, "<text x=\"%u\" y=\"%u\" font-size=\"%u\"", &x, &y, &size) >= 2);
        const char *words = strchr(at, '>') + 1, *end = strchr(words, '<');
        unsigned cells = utf8_width(words, (size_t)(end - words));
        for (const char *name = words; (name = memchr(name, '&', (size_t)(end - name))); name++)
            cells -= (unsigned)strcspn(name, ";"); /* an escaped sign is one */
        if (x * 120 + cells * 73 * size > 360 * 120 || y >= height)
            fail_msg("outside the picture of 360 by %u: %.*s", height, (int)(end - at), at);
        at = end;
    }
    assert_true(texts > 20);
    display_free(display);
}

static void the_same_is_what_only_uses_more_memory(void **data)
{
    struct display *before = make(&telling);
    groups[1].memory = 5 << 20;
    struct display *more = make(&telling);
    groups[1].memory_limit = 32 << 20;
    struct display *limited = make(&telling);
    states[0].differs[3] = true;
    struct display *isolated = make(&telling);
    assert_true(display_same(before, more));
    assert_false(display_same(more, limited));
    assert_false(display_same(limited, isolated));
    assert_false(display_same(NULL, before));
    assert_true(display_same(NULL, NULL));
    display_free(before);
    display_free(more);
    display_free(limited);
    display_free(isolated);
}

static void steady_leaves_out_what_another_run_has_otherwise(void **data)
{
    display_writer *const writers[] = { display_text, display_tables, display_picture };
    struct display *one = make(&steady);
    states[0].process = states[0].members[2].pid = 2044;
    states[0].number[0] = states[0].members[2].number[0] = 44;
    states[0].members[1].number[0] = 43;
    states[0].inode[1] += 7;
    groups[1].memory = 9 << 20;
    struct display *other = make(&steady);
    for (size_t i = 0; i < 3; i++) {
        cleanup_free char *first = written(one, writers[i]), *second = written(other, writers[i]);
        assert_string_equal(first, second);
    }
    display_free(one);
    display_free(other);
}

static void what_tells_nothing_is_left_out_unless_all_is_asked_for(void **data)
{
    states[0].mounts_changed = states[0].mount_count = 0;
    struct display *some = make(&telling), *whole = make(&all);
    cleanup_free char *short_text = written(some, display_text), *long_text = written(whole, display_text);
    assert_null(strstr(short_text, "\nMounts\n"));
    assert_null(strstr(short_text, "\nUser and group ids\n"));
    assert_has(long_text, "\nMounts\n  3 mounts, the same as when this step began\n");
    assert_has(long_text, "\nUser and group ids\n");
    display_free(some);
    display_free(whole);
}

static void a_container_beside_the_terminal_is_in_the_tree(void **data)
{
    states[0].numbers = 1;
    states[0].process = 1002; /* the shell, which is in no namespace of its own */
    struct display *display = make(&telling);
    cleanup_free char *with = written(display, display_text);
    display_free(display);
    states[0].members[2].numbers = 1;
    display = make(&telling);
    cleanup_free char *without = written(display, display_text);
    display_free(display);
    assert_has(with, "\nProcesses\n");
    assert_has(with, "1 inside \xc2\xb7 12 in the lab");
    assert_null(strstr(without, "\nProcesses\n"));
}

static void a_bundle_has_each_of_the_three(void **data)
{
    struct display *display = make(&telling);
    json_t *bundle = display_bundle(display);
    cleanup_free char *text = written(display, display_text);
    assert_int_equal(json_object_size(bundle), 3);
    assert_string_equal(json_string_value(json_object_get(bundle, "text/plain")), text);
    assert_memory_equal(json_string_value(json_object_get(bundle, "image/svg+xml")), "<svg ", 5);
    assert_has(json_string_value(json_object_get(bundle, "text/html")), "<svg "); /* which Jupyter shows first */
    assert_has(json_string_value(json_object_get(bundle, "text/html")), "<table ");
    json_decref(bundle);
    display_free(display);
}

static int fresh(void **data)
{
    set_up();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_three_say_what_the_description_says, fresh),
        cmocka_unit_test_setup(it_says_whose_each_namespace_is_and_which_layer_holds_what, fresh),
        cmocka_unit_test_setup(no_name_becomes_markup_and_nothing_comes_from_elsewhere, fresh),
        cmocka_unit_test_setup(nothing_runs_out_of_the_picture, fresh),
        cmocka_unit_test_setup(the_same_is_what_only_uses_more_memory, fresh),
        cmocka_unit_test_setup(steady_leaves_out_what_another_run_has_otherwise, fresh),
        cmocka_unit_test_setup(what_tells_nothing_is_left_out_unless_all_is_asked_for, fresh),
        cmocka_unit_test_setup(a_container_beside_the_terminal_is_in_the_tree, fresh),
        cmocka_unit_test_setup(a_bundle_has_each_of_the_three, fresh),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
