/* `teachroot top` on a terminal of its own: what a person types and sees. */
#include "engine/limit/hierarchy.h"
#include "repl/panel/top.h"
#include "tests/screen/harness.h"

#include <grp.h>
#include <locale.h>
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

#define SOON_MS 20000
#define KEY_F1 "\033OP"
#define KEY_F2 "\033OQ"
#define KEY_F3 "\033OR"
#define KEY_F4 "\033OS"
#define KEY_F5 "\033[15~"
#define KEY_F6 "\033[17~"
#define KEY_F8 "\033[19~"
#define KEY_F9 "\033[20~"
#define KEY_F10 "\033[21~"

static char directory[64], config[96];

/* This program, told to be top: see main. */
static struct harness *start(const char *const *options, const char *const *env, unsigned cols, unsigned rows)
{
    const char *argv[16] = { "/proc/self/exe", "top", "-d", "0.3" };
    const char *all[8] = { config };
    for (size_t i = 0; options && options[i]; i++)
        argv[4 + i] = options[i];
    for (size_t i = 0; env && env[i]; i++)
        all[1 + i] = env[i];
    struct harness *harness = harness_start(argv, all, cols, rows);
    harness_expect(harness, "F1Help.*F10Quit", SOON_MS);
    return harness;
}

static void quit(struct harness *harness, const char *key)
{
    harness_send(harness, key);
    assert_int_equal(harness_wait(harness, SOON_MS), 0);
    harness_stop(harness);
}

/* A child with that name as its whole command line. */
static pid_t start_child(const char *name)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl("/bin/sleep", name, "1000", (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* The line of keys is the last one. */
static void await_keys_in_row(struct harness *harness, unsigned row)
{
    char text[2048] = "";
    for (int tries = 0; tries < SOON_MS / 10 && strncmp(text, "F1Help", 6) != 0; tries++) {
        usleep(10000);
        harness_shows(harness, "x");
        terminal_row_text(harness_terminal(harness), (int)row, text, sizeof text);
    }
    assert_memory_equal(text, "F1Help", 6);
}

static void it_fits_every_size_and_follows_a_resize(void **state)
{
    static const unsigned sizes[][2] = { { 80, 24 }, { 120, 36 }, { 200, 50 }, { 60, 12 }, { 80, 24 } };
    struct harness *harness = start(NULL, NULL, 80, 24);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        harness_resize(harness, sizes[i][0], sizes[i][1]);
        await_keys_in_row(harness, sizes[i][1] - 1);
        harness_expect(harness, "PID.*CPU%.*COMMAND", SOON_MS);
        harness_expect(harness, "Mem +\\[.*/[0-9.]+[MGT]\\]", SOON_MS);
        harness_expect(harness, "Tasks [0-9]+, [0-9]+ thr; [0-9]+ run", SOON_MS);
        harness_expect(harness, "host.*processes", SOON_MS);
    }
    harness_resize(harness, 30, 8);
    harness_expect(harness, "needs 40 x 10, has 30 x 8", SOON_MS);
    harness_resize(harness, 120, 36);
    harness_expect(harness, "PID.*CPU%.*CGROUP.*COMMAND", SOON_MS);
    quit(harness, "q");
}

static void every_key_for_leaving_leaves(void **state)
{
    quit(start(NULL, NULL, 80, 24), "q");
    quit(start(NULL, NULL, 80, 24), KEY_F10);
    quit(start(NULL, NULL, 80, 24), "\003");
}

static void a_process_is_found_filtered_tagged_and_killed(void **state)
{
    char name[32], other[32], pattern[128];
    snprintf(name, sizeof name, "findme-%d-a", getpid());
    snprintf(other, sizeof other, "findme-%d-b", getpid());
    pid_t first = start_child(name), second = start_child(other);
    struct harness *harness = start(NULL, NULL, 120, 36);
    harness_send(harness, KEY_F3);
    harness_expect(harness, "Search:", SOON_MS);
    harness_send(harness, "no-such-command");
    harness_expect(harness, "not found", SOON_MS);
    harness_send(harness, "\033");
    harness_expect_gone(harness, "Search:", SOON_MS);
    harness_send(harness, KEY_F4);
    harness_expect(harness, "Filter:", SOON_MS);
    snprintf(pattern, sizeof pattern, "FINDME-%d", getpid());
    harness_send(harness, pattern);
    harness_expect(harness, name, SOON_MS);
    harness_expect(harness, other, SOON_MS);
    harness_send(harness, "\r");
    harness_expect(harness, "filter FINDME-.* hidden", SOON_MS);
    harness_send(harness, KEY_F3);
    harness_expect(harness, "Search:", SOON_MS);
    harness_send(harness, "-b\r");
    harness_expect_gone(harness, "Search:", SOON_MS);
    harness_send(harness, KEY_F9);
    snprintf(pattern, sizeof pattern, "Signal to %d sleep", second);
    harness_expect(harness, pattern, SOON_MS);
    harness_send(harness, "9\r");
    int status;
    assert_int_equal(waitpid(second, &status, 0), second);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    harness_expect(harness, "signal 9 sent to 1 process", SOON_MS);
    harness_expect_gone(harness, other, SOON_MS);
    harness_send(harness, " ");
    harness_expect(harness, "1 tagged", SOON_MS);
    harness_expect(harness, "\\* findme", SOON_MS);
    harness_send(harness, KEY_F9);
    harness_expect(harness, "SIGTERM", SOON_MS);
    harness_send(harness, "\r");
    assert_int_equal(waitpid(first, &status, 0), first);
    assert_int_equal(WTERMSIG(status), SIGTERM);
    harness_expect(harness, "No process is shown", SOON_MS);
    quit(harness, "q");
}

static void the_tree_the_menus_and_help_open_and_close(void **state)
{
    pid_t child = start_child("tree-child");
    struct harness *harness = start(NULL, NULL, 200, 50);
    harness_send(harness, KEY_F4);
    harness_send(harness, "tree-child\r");
    harness_expect(harness, "tree-child", SOON_MS);
    harness_send(harness, KEY_F5);
    harness_expect(harness, "[└├]─ tree-child", SOON_MS);
    harness_send(harness, "t");
    harness_expect_gone(harness, "[└├]─ tree-child", SOON_MS);
    harness_send(harness, KEY_F6);
    harness_expect(harness, "Sort by", SOON_MS);
    harness_send(harness, "\033");
    harness_expect_gone(harness, "Sort by", SOON_MS);
    harness_send(harness, "u");
    harness_expect(harness, "all users", SOON_MS);
    harness_send(harness, "\033");
    harness_expect_gone(harness, "all users", SOON_MS);
    harness_send(harness, "s");
    harness_expect(harness, "Whose processes", SOON_MS);
    harness_expect(harness, "host  all of this machine", SOON_MS);
    harness_send(harness, "\033");
    harness_expect_gone(harness, "Whose processes", SOON_MS);
    harness_send(harness, KEY_F1);
    harness_expect(harness, "find a command as you type", SOON_MS);
    harness_send(harness, "x");
    harness_expect(harness, "PID.*COMMAND", SOON_MS);
    harness_send(harness, "M");
    harness_expect(harness, "(MEM%▼|RES▼)", SOON_MS);
    harness_send(harness, "I");
    harness_expect(harness, "(MEM%▲|RES▲)", SOON_MS);
    quit(harness, "q");
    end(child);
}

static void columns_chosen_are_there_the_next_time(void **state)
{
    struct harness *harness = start(NULL, NULL, 120, 36);
    harness_expect(harness, "PID +NSPID", SOON_MS);
    harness_send(harness, KEY_F2);
    harness_expect(harness, "\\[x\\] NSPID", SOON_MS);
    harness_send(harness, "\033[B ");
    harness_expect(harness, "\\[ \\] NSPID", SOON_MS);
    harness_send(harness, "\033");
    harness_expect_gone(harness, "\\[ \\] NSPID", SOON_MS);
    harness_expect_gone(harness, "PID +NSPID", SOON_MS);
    quit(harness, "q");
    harness = start(NULL, NULL, 120, 36);
    harness_expect(harness, "PID +USER", SOON_MS);
    assert_false(harness_shows(harness, "NSPID"));
    quit(harness, "q");
    char path[128];
    snprintf(path, sizeof path, "%s/teachroot/top", directory);
    assert_int_equal(unlink(path), 0);
}

static void the_mouse_selects_and_sorts(void **state)
{
    struct harness *harness = start(NULL, NULL, 120, 36);
    harness_expect(harness, "CPU%▼", SOON_MS);
    char text[2048];
    int header = -1;
    for (int row = 0; row < 36 && header < 0; row++) {
        terminal_row_text(harness_terminal(harness), row, text, sizeof text);
        if (strstr(text, "PID") && strstr(text, "COMMAND"))
            header = row;
    }
    assert_true(header > 0);
    char click[32];
    snprintf(click, sizeof click, "\033[<0;%d;%dM", 6, header + 1); /* the PID's title */
    harness_send(harness, click);
    harness_expect(harness, "PID▲", SOON_MS);
    harness_send(harness, click);
    harness_expect(harness, "PID▼", SOON_MS);
    snprintf(click, sizeof click, "\033[<0;%d;%dM", 2, 36); /* F1 in the line of keys */
    harness_send(harness, click);
    harness_expect(harness, "find a command as you type", SOON_MS);
    harness_send(harness, "q");
    harness_expect(harness, "PID▼", SOON_MS);
    quit(harness, "q");
}

/* Without colour and with ASCII alone: nothing that was said is lost. */
static void no_colour_and_ascii_say_the_same(void **state)
{
    static const char *const ascii[] = { "--ascii", NULL };
    static const char *const plain[] = { "NO_COLOR=1", NULL };
    struct harness *harness = start(ascii, plain, 80, 24);
    harness_expect(harness, "CPU%", SOON_MS);
    harness_send(harness, KEY_F5);
    harness_expect(harness, "[`|]- ", SOON_MS);
    for (int row = 0; row < 24; row++) {
        char text[2048];
        terminal_row_text(harness_terminal(harness), row, text, sizeof text);
        for (const char *at = text; *at; at++)
            assert_true((unsigned char)*at < 0x80);
    }
    harness_send(harness, "\t");
    harness_expect(harness, "CGROUP +CPU% +/LIMIT", SOON_MS);
    quit(harness, "q");
}

/* ---- an ordinary user ---- */

/* This program, told to be somebody who is not root: see be_nobody. */
static const char *const *as_nobody(const char *const *argv)
{
    static const char *all[16] = { "/proc/self/exe", "nobody" };
    for (size_t i = 0; i < 13 && (all[2 + i] = argv[i]); i++)
        ;
    return all;
}

/* For main: `PROGRAM nobody top …`. Who is an ordinary user already stays who he is. */
static int be_nobody(char **argv)
{
    if (getuid() == 0 && (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
        return 3;
    execv("/proc/self/exe", argv);
    return 4;
}

static void an_ordinary_user_sees_what_he_may_and_is_told_what_he_may_not(void **state)
{
    const char *const argv[] = { "top", "-d", "0.3", NULL }, *const env[] = { config, NULL };
    char name[32], line[2048];
    if (getuid() != 0) { /* nobody here is another user */
        skip();
        return;
    }
    snprintf(name, sizeof name, "roots-own-%d", getpid());
    pid_t child = start_child(name);
    struct harness *harness = harness_start(as_nobody(argv), env, 120, 36);
    harness_expect(harness, "F1Help.*F10Quit", SOON_MS);
    harness_expect(harness, "processes . NS \\?: may not be read", SOON_MS);
    harness_send(harness, KEY_F4);
    harness_send(harness, name);
    harness_send(harness, "\r");
    snprintf(line, sizeof line, "%d +- root .* \\? +/.* %s 1000 *$", child, name);
    harness_expect(harness, line, SOON_MS);
    harness_send(harness, KEY_F9 "9\r");
    snprintf(line, sizeof line, "kill process %d with signal 9: Operation not permitted", child);
    harness_expect(harness, line, SOON_MS);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    harness_send(harness, KEY_F8);
    snprintf(line, sizeof line, "setpriority of process %d to 1: Operation not permitted", child);
    harness_expect(harness, line, SOON_MS);
    harness_send(harness, "\t");
    harness_expect(harness, "CGROUP +CPU% +/LIMIT", SOON_MS);
    harness_expect(harness, "^/ ", SOON_MS);
    quit(harness, "q");
    end(child);

    snprintf(line, sizeof line, "/proc/%d/exe nobody top -d 0.2 --once", getpid());
    FILE *out = popen(line, "re");
    bool said = false, first = false;
    while (fgets(line, sizeof line, out)) {
        said |= strncmp(line, "NS ?: may not be read", 21) == 0;
        first |= strncmp(line, "      1 ", 8) == 0 && strstr(line, " ? ");
    }
    assert_int_equal(pclose(out), 0);
    assert_true(said && first);
}

/* ---- cgroups ---- */

/* A key that kills, or searches, would act on a list that is not there to see. */
static void among_cgroups_keys_for_processes_say_so_and_columns_scroll(void **state)
{
    const char *const options[] = { "--cgroups", NULL };
    struct harness *harness = start(options, NULL, 80, 24);
    harness_expect(harness, "^CGROUP +CPU% .* STATE", SOON_MS);
    harness_expect(harness, "^F1Help F2Setup F10Quit  Tab processes", SOON_MS);
    assert_false(harness_shows(harness, "IO R/W"));
    harness_send(harness, KEY_F9);
    harness_expect(harness, "F9 is for processes", SOON_MS);
    assert_false(harness_shows(harness, "SIGTERM"));
    harness_send(harness, KEY_F3);
    harness_expect(harness, "F3 is for processes", SOON_MS);
    harness_send(harness, "\033[C\033[C\033[C");
    harness_expect(harness, "^CGROUP +MEM +/MAX +HISTORY +OOM +PIDS +/MAX +IO R/W +V STATE", SOON_MS);
    harness_send(harness, "\033[D\033[D\033[D");
    harness_expect(harness, "^CGROUP +CPU% .* STATE", SOON_MS);
    harness_send(harness, "\t");
    harness_expect(harness, "^F1Help F2Setup F3Search", SOON_MS);
    quit(harness, "q");
}

static const struct cgroup_hierarchy *with_controller(const struct cgroup_hierarchy *list, ssize_t count,
                                                      const char *controller)
{
    for (ssize_t i = 0; i < count; i++)
        if (cgroup_has_controller(&list[i], controller))
            return &list[i];
    return NULL;
}

/* A child in the group that touches 200 MB where 40 are allowed: the kernel ends it. */
static void run_into_limit(const struct cgroup_hierarchy *memory, const char *group)
{
    pid_t pid = fork();
    if (pid == 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", getpid());
        if (cgroup_write(memory, group, "cgroup.procs", number, NULL) == 0) {
            char *bytes = mmap(NULL, 200 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            memset(bytes, 1, 200 << 20);
        }
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void a_group_shows_its_cap_its_throttling_and_its_oom_kills(void **state)
{
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES];
    ssize_t count = cgroup_hierarchies(list, NULL);
    const struct cgroup_hierarchy *cpu = with_controller(list, count, "cpu"),
                                  *memory = with_controller(list, count, "memory");
    char group[64], scope[96], number[16];
    snprintf(group, sizeof group, "teachroot/test-top-%d", getpid());
    if (!cpu || !memory || cgroup_make(cpu, group, NULL) < 0 || cgroup_make(memory, group, NULL) < 0) {
        skip();
        return;
    }
    assert_int_equal(cpu->v2 ? cgroup_write(cpu, group, "cpu.max", "5000 100000", NULL)
                             : cgroup_write(cpu, group, "cpu.cfs_quota_us", "5000", NULL),
                     0);
    assert_int_equal(cgroup_write(memory, group, memory->v2 ? "memory.max" : "memory.limit_in_bytes", "41943040", NULL),
                     0);
    if (!memory->v2)
        cgroup_write(memory, group, "memory.memsw.limit_in_bytes", "41943040", NULL);
    pid_t load = fork();
    if (load == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        snprintf(number, sizeof number, "%d", getpid());
        cgroup_write(cpu, group, "cgroup.procs", number, NULL);
        for (volatile unsigned long i = 0;; i++)
            ;
    }
    snprintf(scope, sizeof scope, "cgroup:/%s", group);
    const char *const options[] = { "--scope", scope, "--cgroups", NULL };
    struct harness *harness = start(options, NULL, 120, 36);
    harness_expect(harness, "CGROUP +CPU% +/LIMIT +THR +MEM +/MAX", SOON_MS);
    harness_expect(harness, "test-top-.* [3-6]\\.[0-9] +/5\\.0% +[0-9.]+s", SOON_MS);
    harness_expect(harness, "/40M", SOON_MS);
    harness_expect(harness, "THROTTLED", SOON_MS);
    run_into_limit(memory, group);
    harness_expect(harness, "OOM![1-9]", SOON_MS);
    harness_expect_gone(harness, "OOM!", SOON_MS); /* it flashes for some seconds */
    harness_send(harness, "\t");
    snprintf(number, sizeof number, " %d ", load);
    harness_expect(harness, "PID.*COMMAND", SOON_MS);
    harness_expect(harness, number, SOON_MS);
    harness_expect(harness, "Tasks 1, 1 thr", SOON_MS);
    end(load);
    harness_expect(harness, "There is no process here", SOON_MS);
    assert_int_equal(cgroup_clear(cpu, group, NULL), 0);
    assert_int_equal(cgroup_clear(memory, group, NULL), 0);
    harness_expect(harness, "list the processes of cgroup", SOON_MS);
    quit(harness, "q");
}

static void as_text_it_needs_no_terminal(void **state)
{
    char command[256], line[4096];
    snprintf(command, sizeof command, "%s /proc/%d/exe top -d 0.2 -n 2 </dev/null", config, getpid());
    FILE *out = popen(command, "r");
    unsigned titles = 0, rows = 0;
    bool self = false;
    char number[16];
    snprintf(number, sizeof number, "%7d ", getpid());
    while (fgets(line, sizeof line, out)) {
        titles += strstr(line, "PID") && strstr(line, "COMMAND");
        rows += line[0] == ' ';
        self |= strncmp(line, number, strlen(number)) == 0;
    }
    assert_int_equal(pclose(out), 0);
    assert_int_equal(titles, 2);
    assert_true(rows > 4);
    assert_true(self);
}

static int set_up(void **state)
{
    strcpy(directory, "/tmp/top-test-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(config, sizeof config, "XDG_CONFIG_HOME=%s", directory);
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "nobody") == 0)
        return be_nobody(argv + 1);
    if (argc > 1 && strcmp(argv[1], "top") == 0)
        return top_main(argc - 1, argv + 1);
    setlocale(LC_ALL, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_fits_every_size_and_follows_a_resize),
        cmocka_unit_test(every_key_for_leaving_leaves),
        cmocka_unit_test(a_process_is_found_filtered_tagged_and_killed),
        cmocka_unit_test(the_tree_the_menus_and_help_open_and_close),
        cmocka_unit_test(columns_chosen_are_there_the_next_time),
        cmocka_unit_test(the_mouse_selects_and_sorts),
        cmocka_unit_test(no_colour_and_ascii_say_the_same),
        cmocka_unit_test(an_ordinary_user_sees_what_he_may_and_is_told_what_he_may_not),
        cmocka_unit_test(among_cgroups_keys_for_processes_say_so_and_columns_scroll),
        cmocka_unit_test(a_group_shows_its_cap_its_throttling_and_its_oom_kills),
        cmocka_unit_test(as_text_it_needs_no_terminal),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
