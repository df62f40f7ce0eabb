/* Whether anything has run in a lab: told by its cgroup, and without one by its processes. */
#include "engine/base/cleanup.h"
#include "repl/session/activity.h"
#include "repl/session/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static struct lab *lab;
static pid_t shell; /* sleeps; wakes to do something when its stdin says so */
static int go;

static int new_lab(void **state)
{
    struct err err = { 0 };
    int ends[2];
    lab = lab_create(&(struct lab_options){ .offline = true }, &err);
    if (!lab || pipe(ends) < 0)
        return -1;
    const char *const argv[] = { "bash", "-c", "(while read -r what; do eval \"$what\"; done)", NULL };
    struct lab_command command = { .argv = argv, .stdio = { ends[0], -1, -1 } };
    shell = lab_spawn(lab, &command, NULL, &err);
    close(ends[0]);
    go = ends[1];
    usleep(300000);
    return shell > 0 ? 0 : -1;
}

static int end_lab(void **state)
{
    close(go);
    waitpid(shell, NULL, 0);
    lab_destroy(lab);
    return 0;
}

static uint64_t look(const struct activity *activity)
{
    uint64_t value;
    assert_true(activity_read(activity, lab, &shell, 1, &value));
    return value;
}

static void wake(const char *line)
{
    assert_int_equal(write(go, line, strlen(line)), (ssize_t)strlen(line));
    usleep(200000);
}

static void changes_show_and_quiet_shows(const struct activity *activity)
{
    uint64_t before = look(activity), after;
    usleep(1500000);
    assert_true(look(activity) == before);
    wake(":\n"); /* no process is born, none ends */
    after = look(activity);
    assert_true(after != before);
    before = after;
    wake("sleep 30 &\n");
    after = look(activity);
    assert_true(after != before);
    assert_true(look(activity) == after);
    wake("kill $!; wait\n");
    assert_true(look(activity) != after);
}

static void a_cgroup_tells_whether_anything_ran(void **state)
{
    struct activity activity;
    activity_open(&activity, lab);
    if (!activity.file[0]) {
        print_message("# no cgroup of the lab's can be read here\n");
        skip();
    }
    changes_show_and_quiet_shows(&activity);
}

static void without_a_cgroup_its_processes_tell(void **state)
{
    changes_show_and_quiet_shows(&(struct activity){ .file = "" });
}

static void a_look_costs_little(void **state)
{
    struct activity none = { .file = "" };
    uint64_t began = loop_now();
    for (int i = 0; i < 200; i++)
        look(&none);
    uint64_t took = loop_now() - began;
    print_message("# %.2f ms a look at the processes\n", (double)took / 200);
    assert_true(took < 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cgroup_tells_whether_anything_ran, new_lab, end_lab),
        cmocka_unit_test_setup_teardown(without_a_cgroup_its_processes_tell, new_lab, end_lab),
        cmocka_unit_test_setup_teardown(a_look_costs_little, new_lab, end_lab),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
