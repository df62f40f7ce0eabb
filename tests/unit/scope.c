/* Asking systemd's user manager for a group, where there is none, or one that is no use. What a working one gives is tested on a machine that has one: tests/vm/systemd.bats. */
#include "engine/limit/scope.h"

#include "engine/base/cleanup.h"
#include "engine/limit/backend.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

static char runtime[] = "/tmp/teachroot-test.XXXXXX";
static struct cgroup_hierarchy v2;
static char before[PATH_MAX];

/* A socket at @name of the runtime directory that takes connections and never says a word. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", runtime, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 5), 0);
    return fd;
}

static void remove_file(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", runtime, name);
    remove(path);
}

/* No group, for the reason that @because is part of and within @ms; the process where it was, and without children. */
static void assert_none(int code, const char *because, int ms)
{
    struct err err = { 0 };
    char path[PATH_MAX], after[PATH_MAX];
    int64_t began = cgroup_now();
    assert_int_equal(cgroup_scope(&v2, path, sizeof path, &err), -1);
    assert_in_range(cgroup_now() - began, 0, ms);
    assert_int_equal(err.code, code);
    if (!strstr(err.message, because))
        fail_msg("`%s` does not say `%s`", err.message, because);
    assert_int_equal(cgroup_own(after, sizeof after, &err), 0);
    assert_string_equal(after, before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void without_a_manager_it_says_so_at_once(void **state)
{
    (void)state;
    unsetenv("XDG_RUNTIME_DIR");
    assert_none(ENOENT, "XDG_RUNTIME_DIR is not set", 1000);
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    assert_none(ENOENT, "No such file", 1000);
    /* A socket that a manager left behind. */
    close(listen_at("systemd/private"));
    assert_none(ENOENT, "Connection refused", 1000);
    remove_file("systemd/private");
}

static void without_busctl_it_says_so(void **state)
{
    (void)state;
    cleanup_close int manager = listen_at("systemd/private");
    (void)manager;
    const char *inherited = getenv("PATH");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", inherited ? inherited : "/usr/bin:/bin");
    setenv("PATH", runtime, 1);
    assert_none(ENOENT, "busctl", 1000);
    setenv("PATH", path, 1);
    remove_file("systemd/private");
}

static void a_bus_that_does_not_answer_is_given_up(void **state)
{
    (void)state;
    if (system("command -v busctl >/dev/null") != 0)
        skip();
    cleanup_close int manager = listen_at("systemd/private"), bus = listen_at("bus");
    (void)manager, (void)bus;
    assert_none(ETIMEDOUT, "does not answer", 8000);
    remove_file("systemd/private");
    remove_file("bus");
}

static void a_bus_that_refuses_is_quoted(void **state)
{
    (void)state;
    if (system("command -v busctl >/dev/null") != 0)
        skip();
    cleanup_close int manager = listen_at("systemd/private");
    (void)manager;
    assert_none(EBUSY, "gives no group: ", 5000);
    remove_file("systemd/private");
}

static int make_runtime(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES];
    ssize_t count = cgroup_hierarchies(list, NULL);
    for (ssize_t i = 0; i < count; i++)
        if (list[i].v2)
            v2 = list[i];
    if (!v2.v2 || cgroup_own(before, sizeof before, NULL) < 0 || !mkdtemp(runtime))
        return -1;
    snprintf(path, sizeof path, "%s/systemd", runtime);
    return mkdir(path, 0700);
}

static int remove_runtime(void **state)
{
    (void)state;
    remove_file("systemd");
    return rmdir(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_manager_it_says_so_at_once),
        cmocka_unit_test(without_busctl_it_says_so),
        cmocka_unit_test(a_bus_that_does_not_answer_is_given_up),
        cmocka_unit_test(a_bus_that_refuses_is_quoted),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("scope", tests, make_runtime, remove_runtime);
}
