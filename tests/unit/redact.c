/* What differs from one play to the next is replaced, the same value by the same stand-in, and nothing else is. */
#include "repl/play/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct redact *redact;

static int begin(void **state)
{
    redact = redact_new();
    return redact ? 0 : -1;
}

static int end(void **state)
{
    redact_free(redact);
    return 0;
}

static void becomes(const char *text, const char *expected)
{
    size_t len;
    char *got = redact_text(redact, 1, text, strlen(text), &len);
    assert_string_equal(got, expected);
    assert_int_equal(len, strlen(expected));
    free(got);
}

static void stays(const char *text)
{
    becomes(text, text);
}

static void the_same_value_has_the_same_stand_in(void **state)
{
    becomes("pid:[4026532178] mnt:[4026532263]\n", "pid:[4000000001] mnt:[4000000002]\n");
    becomes("mnt:[4026532263] 4026532178\n", "mnt:[4000000002] 4000000001\n");
    assert_int_equal(redact_number(redact, REDACT_NAMESPACE, 4026532178), 4000000001);
    becomes("/proc/512/status pid=73, /proc/512/exe\n", "/proc/1001/status pid=1002, /proc/1001/exe\n");
    assert_int_equal(redact_number(redact, REDACT_PID, 512), 1001);
}

static void a_number_is_a_pid_only_where_something_says_so(void **state)
{
    stays("     62 pts/0    S      0:00 ps ax 0:45 x\n");
    stays("512 files, 73 directories, 1.512 m/73\n");
    redact_command(redact, 1, "sleep 100 & echo $!");
    becomes("[1] 512\n512\nsleep 100\n", "[1] 1001\n1001\nsleep 100\n");
    redact_command(redact, 1, "cat numbers");
    stays("512\n");
    assert_int_equal(redact_number(redact, REDACT_PID, 1), 1);
}

static void a_column_keeps_its_width(void **state)
{
    becomes("    PID    PPID CMD\n     98       1 bash\n    101      98 ps 98\n\n     98\n",
            "    PID    PPID CMD\n   1001       1 bash\n   1002    1001 ps 98\n\n     98\n");
    becomes("USER       PID %CPU %MEM   RSS TTY\nroot        98 12.5  0.3 11804 ?\n",
            "USER       PID %CPU %MEM   RSS TTY\nroot      1001  0.0  0.0     0 ?\n");
}

static void colours_are_no_process_ids(void **state)
{
    redact_command(redact, 1, "echo $$");
    becomes("\033[1;31;40m512\033[0m \033[38;5;112mx\n", "\033[1;31;40m1001\033[0m \033[38;5;112mx\n");
}

static void marks_and_escapes_do_not_shift_a_column(void **state)
{
    becomes(
        "\033[?2004l\r\033]133;C;k=b8dcb65d8b569bfd;s=1.2\a    PID CMD\r\n     98 bash\r\n\033[01m     98\033[0m x\r\n",
        "\033[?2004l\r    PID CMD\r\n   1001 bash\r\n\033[01m   1001\033[0m x\r\n");
}

static void mounts_have_numbers_too(void **state)
{
    becomes("146 145 0:55 / / rw,relatime shared:1 - overlay overlay rw\n",
            "101 102 0:103 / / rw,relatime shared:1 - overlay overlay rw\n");
}

static void inodes_are_those_that_a_command_asks_for(void **state)
{
    redact_command(redact, 1, "ls -li");
    becomes("131075 -rw-r--r-- 1 root root 131075 f\n", "9000001 -rw-r--r-- 1 root root 131075 f\n");
    redact_command(redact, 1, "stat -c '%i %n' f");
    becomes("131075 f\n", "9000001 f\n");
    becomes("Device: 8,1  Inode: 131075  Links: 1\n", "Device: 8,1  Inode: 9000001  Links: 1\n");
    redact_command(redact, 1, "wc -c f");
    stays("131075 f\n");
}

static void days_around_the_play_are_one_day_and_others_stay(void **state)
{
    char text[128];
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%a %b %e %H:%M:%S UTC %Y\n", &tm);
    becomes(text, "Sat Jan  1 00:00:00 UTC 2000\n");
    strftime(text, sizeof text, "-rw-r--r-- 1 root root 5 %b %e %H:%M f\n", &tm);
    becomes(text, "-rw-r--r-- 1 root root 5 Jan  1 00:00 f\n");
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.123456Z\n", &tm);
    becomes(text, "2000-01-01T00:00:00.000000000Z\n");
    snprintf(text, sizeof text, "%lld\n", (long long)now);
    becomes(text, "946684800\n");
    stays("Feb 29  2012 1999-12-31 2012-02-29\n");
}

static void names_digests_and_addresses(void **state)
{
    redact_name(redact, REDACT_LAB, "lab7");
    redact_name(redact, REDACT_HOST, "build-3");
    becomes("\033[01;32mroot@lab7\033[0m on build-3, not lab70\n", "\033[01;32mroot@lab\033[0m on host, not lab70\n");
    becomes("\033[?2004hlab7:~# \r\n", "\033[?2004hlab:~# \r\n");
    becomes("/tmp/tmp.aB3dEf9012/x /tmp/tmp.aB3dEf9012 tmp.XyZ1234567\n",
            "/tmp/tmp.0000000001/x /tmp/tmp.0000000001 tmp.0000000002\n");
    becomes("container.ppUryk/x sum.sha256 x.service 1.234567 0x5607dfd15280 0xffff\n",
            "container.000003/x sum.sha256 x.service 1.234567 0x0 0xffff\n");
    becomes("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n0123456789ab ba9876543210\n",
            "0000000000010000000000000000000000000000000000000000000000000000\n000000000001 ba9876543210\n");
    becomes("ether 3a:11:22:33:44:55 brd ff:ff:ff:ff:ff:ff\n", "ether 02:00:00:00:00:01 brd 02:00:00:00:00:02\n");
    becomes("5f0c2a3e-1111-2222-3333-444455556666\n", "00000000-0000-4000-8000-000000000001\n");
}

static void bytes_of_any_kind_pass(void **state)
{
    static const char text[] = "a\0pid=512\n\377\376\r\n no newline";
    size_t len;
    char *got = redact_text(redact, 1, text, sizeof text - 1, &len);
    assert_int_equal(len, sizeof text - 1);
    assert_memory_equal(got, text, len);
    free(got);
    got = redact_text(NULL, 1, "pid=512\n", 8, &len);
    assert_string_equal(got, "pid=512\n");
    free(got);
    becomes("", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_value_has_the_same_stand_in, begin, end),
        cmocka_unit_test_setup_teardown(a_number_is_a_pid_only_where_something_says_so, begin, end),
        cmocka_unit_test_setup_teardown(a_column_keeps_its_width, begin, end),
        cmocka_unit_test_setup_teardown(colours_are_no_process_ids, begin, end),
        cmocka_unit_test_setup_teardown(marks_and_escapes_do_not_shift_a_column, begin, end),
        cmocka_unit_test_setup_teardown(mounts_have_numbers_too, begin, end),
        cmocka_unit_test_setup_teardown(inodes_are_those_that_a_command_asks_for, begin, end),
        cmocka_unit_test_setup_teardown(days_around_the_play_are_one_day_and_others_stay, begin, end),
        cmocka_unit_test_setup_teardown(names_digests_and_addresses, begin, end),
        cmocka_unit_test_setup_teardown(bytes_of_any_kind_pass, begin, end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}
