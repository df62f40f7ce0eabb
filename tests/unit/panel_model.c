/* The list of the panel without its drawing: order, tree, filter, search, follow and tags, over processes that are really there. */
#include "repl/panel/group_columns.h"
#include "repl/panel/meters.h"
#include "repl/panel/model.h"
#include "repl/panel/panel.h"
#include "repl/panel/scope.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MEGABYTE ((size_t)1 << 20)

/* A family of our own: a head with three children, of which the second has one child. They sleep, each with a name and an amount of memory of its own. */
static char word[16];
static pid_t head, child[3], grandchild;
static struct sampler *sampler;
static struct model model;
static pid_t *shared;

static void be(const char *name, size_t megabytes)
{
    char full[16];
    snprintf(full, sizeof full, "%s%s", word, name);
    prctl(PR_SET_NAME, full);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char *memory = mmap(NULL, megabytes * MEGABYTE + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, 1, megabytes * MEGABYTE);
}

static void be_for_ever(void)
{
    __atomic_add_fetch(&shared[0], 1, __ATOMIC_SEQ_CST);
    for (;;)
        pause();
}

static void start_family(void)
{
    static const char *const names[] = { "-bee", "-ant", "-cat" };
    static const size_t megabytes[] = { 20, 40, 30 };
    head = fork();
    if (head == 0) {
        be("-head", 10);
        for (int i = 0; i < 3; i++) {
            pid_t pid = fork();
            if (pid == 0) {
                be(names[i], megabytes[i]);
                pid_t kid = i == 1 ? fork() : -1;
                if (kid == 0) {
                    be("-kid", 50);
                    be_for_ever();
                }
                if (kid > 0)
                    shared[5] = kid;
                be_for_ever();
            }
            shared[1 + i] = pid;
        }
        be_for_ever();
    }
    for (int tries = 0; __atomic_load_n(&shared[0], __ATOMIC_SEQ_CST) < 5 && tries < 2000; tries++)
        usleep(10000);
    assert_int_equal(shared[0], 5);
    for (int i = 0; i < 3; i++)
        child[i] = shared[1 + i];
    grandchild = shared[5];
}

static int set_up(void **state)
{
    struct sample_scope host = { .kind = SAMPLE_HOST };
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(word, sizeof word, "t%d", getpid());
    start_family();
    sampler = sampler_new(1024, NULL);
    sampler_set_scope(sampler, &host);
    sampler_refresh(sampler, NULL);
    return sampler ? 0 : -1;
}

static int tear_down(void **state)
{
    sampler_free(sampler);
    kill(head, SIGKILL); /* the others end with their parents */
    waitpid(head, NULL, 0);
    return 0;
}

/* A new list of everything, sorted by @column. */
static void begin(const char *column)
{
    model_free(&model);
    model_init(&model, sampler);
    model.sort = column_find(column);
    model_update(&model);
}

/* The places of the family's members in the rows, in their order, as letters: h b a c k. */
static const char *order(void)
{
    static char letters[8];
    size_t at = 0;
    for (size_t i = 0; i < model.count; i++) {
        pid_t pid = model.rows[i].process->pid;
        char letter = pid == head         ? 'h'
                      : pid == child[0]   ? 'b'
                      : pid == child[1]   ? 'a'
                      : pid == child[2]   ? 'c'
                      : pid == grandchild ? 'k'
                                          : '\0';
        if (letter && at < sizeof letters - 1)
            letters[at++] = letter;
    }
    letters[at] = '\0';
    return letters;
}

static void rows_are_in_the_order_of_any_column(void **state)
{
    begin("RES");
    assert_string_equal(order(), "kacbh");
    model_sort_by(&model, column_find("RES"));
    model_update(&model);
    assert_string_equal(order(), "hbcak");
    begin("NAME");
    assert_string_equal(order(), "abchk");
    for (size_t i = 0; i < column_count; i++) {
        begin(columns[i].name);
        assert_int_equal(model.count, sampler_count(sampler));
        for (size_t row = 1; row < model.count; row++) {
            int compared = columns[i].compare(&model.facts, model.rows[row - 1].process, model.rows[row].process);
            if (columns[i].descending ? compared < 0 : compared > 0)
                fail_msg("rows %zu and %zu are not in the order of %s", row - 1, row, columns[i].name);
        }
    }
}

static void the_tree_is_parents_before_children_in_the_order_of_the_column(void **state)
{
    begin("RES");
    model.tree = true;
    model_update(&model);
    assert_string_equal(order(), "hakcb");
    assert_int_equal(model.count, sampler_count(sampler));
    unsigned depth = 0;
    for (size_t i = 0; i < model.count; i++) {
        const struct model_row *row = &model.rows[i];
        if (row->process->pid == head)
            depth = row->depth;
        if (row->process->pid == child[1]) {
            assert_int_equal(row->depth, depth + 1);
            assert_false(row->last);
        }
        if (row->process->pid == grandchild) {
            assert_int_equal(row->depth, depth + 2);
            assert_true(row->last);
            assert_true(row->lines >> (depth + 1) & 1);
        }
        if (row->process->pid == child[0])
            assert_true(row->last);
        if (i > 0)
            assert_true(row->depth <= model.rows[i - 1].depth + 1);
    }
}

static void a_folded_branch_hides_what_is_below_it(void **state)
{
    begin("RES");
    model.tree = true;
    model_update(&model);
    size_t all = model.count;
    sampler_find(sampler, child[1])->tag |= TAG_FOLDED;
    model_update(&model);
    assert_string_equal(order(), "hacb");
    assert_int_equal(model.count, all - 1);
    sampler_find(sampler, child[1])->tag = 0;
    model_update(&model);
    assert_string_equal(order(), "hakcb");
}

static void a_filter_keeps_what_matches_and_in_the_tree_its_ancestors(void **state)
{
    begin("PID");
    snprintf(model.filter, sizeof model.filter, "nothing-is-called-this|%s", "PANEL_MODEL");
    model_update(&model);
    assert_true(strlen(order()) == 5); /* forks of this program, whose command is its own; case does not count */
    assert_true(model.count < sampler_count(sampler));
    assert_int_equal(model.hidden, sampler_count(sampler) - model.count);
    size_t flat = model.count;
    model.tree = true;
    model_update(&model);
    assert_true(model.count > flat); /* who started this program matches nothing, but leads to it */
    bool self = false;
    for (size_t i = 0; i < model.count; i++)
        self |= model.rows[i].process->pid == getppid();
    assert_true(self);
    snprintf(model.filter, sizeof model.filter, "nothing-is-called-this");
    model_update(&model);
    assert_int_equal(model.count, 0);
    assert_null(model_selected(&model));
    model_move(&model, 1);
    assert_false(model_search(&model, "x", true, false));
}

static void one_users_processes_and_no_kernel_threads(void **state)
{
    begin("PID");
    model.by_user = true;
    model.user = getuid();
    model_update(&model);
    assert_true(strlen(order()) == 5);
    for (size_t i = 0; i < model.count; i++)
        assert_int_equal(model.rows[i].process->uid, getuid());
    model.by_user = false;
    model.hide_kernel = true;
    model_update(&model);
    for (size_t i = 0; i < model.count; i++)
        assert_false(model.rows[i].process->kernel);
}

static void a_search_goes_round_and_says_when_there_is_none(void **state)
{
    begin("PID");
    snprintf(model.filter, sizeof model.filter, "panel_model");
    model_update(&model);
    size_t count = model.count;
    assert_true(count >= 5);
    model_select(&model, 0);
    assert_true(model_search(&model, "MODEL", false, false));
    assert_int_equal(model.selected, 0);
    assert_true(model_search(&model, "model", true, false));
    assert_int_equal(model.selected, 1);
    assert_true(model_search(&model, "model", true, true));
    assert_true(model_search(&model, "model", true, true));
    assert_int_equal(model.selected, count - 1);
    assert_true(model_search(&model, "model", true, false));
    assert_int_equal(model.selected, 0);
    assert_false(model_search(&model, "no command holds this", false, false));
    assert_int_equal(model.selected, 0);
}

static void following_keeps_the_process_and_not_following_keeps_the_row(void **state)
{
    begin("RES");
    assert_true(model_select_pid(&model, child[2]));
    size_t row = model.selected;
    model.follow = true;
    model_sort_by(&model, column_find("RES"));
    model_update(&model);
    assert_int_equal(model_selected(&model)->pid, child[2]);
    assert_int_not_equal(model.selected, row);
    row = model.selected;
    model.follow = false;
    model_sort_by(&model, column_find("RES"));
    model_update(&model);
    assert_int_equal(model.selected, row);
}

static void tags_last_and_reach_children(void **state)
{
    begin("PID");
    model_mark(&model, sampler_find(sampler, child[1]), true);
    assert_int_equal(model_marked(&model), 2);
    sampler_refresh(sampler, NULL);
    model_update(&model);
    assert_int_equal(model_marked(&model), 2);
    assert_true(sampler_find(sampler, grandchild)->tag & TAG_MARKED);
    model_mark(&model, sampler_find(sampler, grandchild), false);
    assert_int_equal(model_marked(&model), 1);
    model_unmark_all(&model);
    assert_int_equal(model_marked(&model), 0);
    model_mark(&model, sampler_find(sampler, head), true);
    assert_int_equal(model_marked(&model), 5);
    model_unmark_all(&model);
}

static void bytes_take_at_most_five_characters(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        { 0, "0" },           { 999, "999" },        { 1000, "1.0K" },        { 1024, "1.0K" },
        { 10188, "9.9K" },    { 10240, "10K" },      { 1023 * 1024, "1.0M" }, { 80 * MEGABYTE, "80M" },
        { 1u << 30, "1.0G" }, { UINT64_MAX, "16E" },
    };
    char text[8];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        column_bytes(cases[i].bytes, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static void a_bar_is_as_long_as_its_share_and_its_parts_differ_without_colour(void **state)
{
    struct meter_value value = { .bar = true, .text = "50%", .part_count = 2 };
    char out[21];
    signed char part_of[20];
    value.parts[0] = (struct meter_part){ 0.25f, '|', ROLE_SAME };
    value.parts[1] = (struct meter_part){ 0.25f, '#', ROLE_DIFFERS };
    meter_bar(&value, 20, out, part_of);
    assert_string_equal(out, "|||||#####       50%");
    assert_int_equal(part_of[0], 0);
    assert_int_equal(part_of[9], 1);
    assert_int_equal(part_of[10], METER_BLANK);
    assert_int_equal(part_of[19], METER_TEXT);
    value.parts[0].share = 7;
    meter_bar(&value, 20, out, part_of);
    assert_string_equal(out, "|||||||||||||||||50%");
    meter_bar(&value, 2, out, part_of);
    assert_string_equal(out, "0%");
}

static void a_groups_figures_name_their_limits(void **state)
{
    struct sample_group group = { .name = "x",
                                  .path = (char[]){ "/x" },
                                  .cpu = 4.9f,
                                  .cpu_limit = 5,
                                  .throttled = 0.5f,
                                  .throttled_time = 1500000000,
                                  .memory = 79 * MEGABYTE,
                                  .memory_limit = 80 * MEGABYTE,
                                  .pids = 3,
                                  .pids_limit = SAMPLE_NONE,
                                  .io_read = SAMPLE_NONE,
                                  .oom_kills = 2,
                                  .oom_at = 1000 };
    struct group_facts facts = { .now = 2000, .width = 9 };
    static const struct {
        const char *title, *text;
    } expected[] = {
        { "CPU%", "4.9" }, { "/LIMIT", "/5.0%" }, { "THR", "1.5s" }, { "MEM", "79M!" },        { "OOM", "OOM!2" },
        { "PIDS", "3" },   { "IO R/W", "-" },     { "V", "1" },      { "STATE", "THROTTLED" },
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        for (size_t c = 0; c < group_column_count; c++)
            if (strcmp(group_columns[c].title, expected[i].title) == 0) {
                char text[256];
                group_columns[c].format(&facts, &group, text, sizeof text);
                assert_string_equal(text, expected[i].text);
            }
}

static void a_scope_is_named_or_refused(void **state)
{
    struct scope scope;
    struct err err = { 0 };
    assert_int_equal(scope_parse("host", &scope, &err), 0);
    assert_int_equal(scope.sample.kind, SAMPLE_HOST);
    assert_int_equal(scope_parse("hosts", &scope, &err), -1);
    assert_int_equal(err.code, EINVAL);
    assert_int_equal(scope_parse("cgroup:/there/is/none", &scope, &err), -1);
    assert_int_equal(err.code, ESRCH);
    assert_int_equal(scope_parse("lab:there-is-none", &scope, &err), -1);
    assert_int_equal(err.code, ESRCH);
    assert_int_equal(scope_parse("container:x", &scope, &err), -1);
    assert_int_equal(err.code, EINVAL);
    assert_int_equal(scope_parse("container:2147483647", &scope, &err), -1);
    assert_int_equal(err.code, ESRCH);
    char self[32];
    snprintf(self, sizeof self, "container:%d", getpid());
    assert_int_equal(scope_parse(self, &scope, &err), 0);
    assert_int_equal(scope.sample.kind, SAMPLE_PID_NS);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_in_the_order_of_any_column),
        cmocka_unit_test(the_tree_is_parents_before_children_in_the_order_of_the_column),
        cmocka_unit_test(a_folded_branch_hides_what_is_below_it),
        cmocka_unit_test(a_filter_keeps_what_matches_and_in_the_tree_its_ancestors),
        cmocka_unit_test(one_users_processes_and_no_kernel_threads),
        cmocka_unit_test(a_search_goes_round_and_says_when_there_is_none),
        cmocka_unit_test(following_keeps_the_process_and_not_following_keeps_the_row),
        cmocka_unit_test(tags_last_and_reach_children),
        cmocka_unit_test(bytes_take_at_most_five_characters),
        cmocka_unit_test(a_bar_is_as_long_as_its_share_and_its_parts_differ_without_colour),
        cmocka_unit_test(a_groups_figures_name_their_limits),
        cmocka_unit_test(a_scope_is_named_or_refused),
    };
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    model_free(&model);
    return failed;
}
