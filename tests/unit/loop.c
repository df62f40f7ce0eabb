#include "repl/session/loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct loop *loop;
static char order[64];

static int set_up(void **state)
{
    loop = loop_new(NULL);
    order[0] = '\0';
    return loop ? 0 : -1;
}

static int tear_down(void **state)
{
    loop_free(loop);
    return 0;
}

static void note_fd(int fd, uint32_t events, void *data)
{
    char byte;
    assert_int_equal(read(fd, &byte, 1), 1);
    strcat(order, data);
}

static void sources_are_served_by_priority(void **state)
{
    int a[2], b[2];
    assert_int_equal(pipe(a), 0);
    assert_int_equal(pipe(b), 0);
    loop_add_fd(loop, a[0], EPOLLIN, 2, note_fd, (char[]){ "terminal " });
    loop_add_fd(loop, b[0], EPOLLIN, 0, note_fd, (char[]){ "keyboard " });
    assert_int_equal(write(a[1], "x", 1), 1);
    assert_int_equal(write(b[1], "x", 1), 1);
    assert_int_equal(loop_once(loop, 1000), 2);
    assert_string_equal(order, "keyboard terminal ");
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

static struct loop_source *victim;

static void remove_the_other(int fd, uint32_t events, void *data)
{
    char byte;
    assert_int_equal(read(fd, &byte, 1), 1);
    strcat(order, "first ");
    loop_remove(victim);
    loop_once(loop, 0); /* a nested turn must not free what the outer one still holds */
}

static void a_source_removed_in_a_callback_is_not_served(void **state)
{
    int a[2], b[2];
    assert_int_equal(pipe(a), 0);
    assert_int_equal(pipe(b), 0);
    loop_add_fd(loop, a[0], EPOLLIN, 0, remove_the_other, NULL);
    victim = loop_add_fd(loop, b[0], EPOLLIN, 1, note_fd, (char[]){ "victim " });
    assert_int_equal(write(a[1], "x", 1), 1);
    assert_int_equal(write(b[1], "x", 1), 1);
    assert_int_equal(loop_once(loop, 1000), 1);
    assert_string_equal(order, "first ");
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

static void count_call(int fd, uint32_t events, void *data)
{
    ++*(int *)data;
}

static void a_paused_source_wakes_nobody_even_when_it_hung_up(void **state)
{
    int a[2], calls = 0;
    assert_int_equal(pipe(a), 0);
    struct loop_source *source = loop_add_fd(loop, a[0], EPOLLIN, 0, count_call, &calls);
    assert_int_equal(write(a[1], "x", 1), 1);
    close(a[1]);
    loop_set_events(source, 0);
    loop_set_events(source, 0);
    uint64_t start = loop_now();
    assert_int_equal(loop_once(loop, 50), 0);
    assert_in_range(loop_now() - start, 45, 2000);
    assert_int_equal(calls, 0);
    loop_set_events(source, EPOLLIN);
    assert_int_equal(loop_once(loop, 1000), 1);
    assert_int_equal(calls, 1);
    loop_set_events(source, 0);
    loop_remove(source);
    close(a[0]);
}

static void pause_the_other(int fd, uint32_t events, void *data)
{
    loop_set_events(victim, 0);
}

static void a_source_paused_in_a_callback_is_not_served(void **state)
{
    int a[2], b[2], calls = 0;
    assert_int_equal(pipe(a), 0);
    assert_int_equal(pipe(b), 0);
    loop_add_fd(loop, a[0], EPOLLIN, 0, pause_the_other, NULL);
    victim = loop_add_fd(loop, b[0], EPOLLIN, 1, count_call, &calls);
    assert_int_equal(write(a[1], "x", 1), 1);
    assert_int_equal(write(b[1], "x", 1), 1);
    assert_int_equal(loop_once(loop, 1000), 1);
    assert_int_equal(calls, 0);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

static void tick(void *data)
{
    int *left = data;
    if (--*left == 0)
        loop_quit(loop);
}

static void timers_fire_once_or_again_and_an_idle_loop_sleeps(void **state)
{
    int once = 100, again = 5, turns = 0;
    uint64_t start = loop_now();
    loop_add_timer(loop, 0, 0, tick, &once);
    struct loop_source *repeating = loop_add_timer(loop, 10, 10, tick, &again);
    while (again > 0) {
        loop_once(loop, -1);
        turns++;
    }
    assert_int_equal(once, 99);
    assert_in_range(loop_now() - start, 49, 2000);
    assert_in_range(turns, 1, 6); /* one wake-up an event, none between */
    loop_remove(repeating);
    assert_int_equal(loop_once(loop, 20), 0);
}

static void note_signal(int signal, void *data)
{
    *(int *)data = signal;
    loop_quit(loop);
}

static void signals_come_through_the_loop(void **state)
{
    int seen = 0;
    struct loop_source *source = loop_add_signal(loop, SIGUSR1, note_signal, &seen);
    kill(getpid(), SIGUSR1);
    assert_int_equal(loop_run(loop, NULL, NULL, NULL), 0);
    assert_int_equal(seen, SIGUSR1);
    loop_remove(source);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sources_are_served_by_priority, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_source_removed_in_a_callback_is_not_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_paused_source_wakes_nobody_even_when_it_hung_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_source_paused_in_a_callback_is_not_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(timers_fire_once_or_again_and_an_idle_loop_sleeps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signals_come_through_the_loop, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
