/* What `teachroot top` prints of a known load, against what the kernel counted in the same time: the counters of the load's own cgroups, read by the test. */
#include "engine/limit/hierarchy.h"
#include "repl/panel/top.h"

#include <locale.h>
#include <poll.h>
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MEGABYTE ((size_t)1 << 20)
#define DELAY "3"
#define PRINTS                                                                                                         \
    2 /* the first is there when its window is over: what lies between it and the second is known to the test */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- cgroups with two children, each with a load of its own ---- */

struct family {
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES];
    const struct cgroup_hierarchy *cpu, *memory; /* that count */
    char path[64], one[80], two[80];
    pid_t loads[2];
};

static bool make_groups(struct family *family, const struct cgroup_hierarchy *hierarchy)
{
    return cgroup_make(hierarchy, family->path, NULL) == 0 && cgroup_make(hierarchy, family->one, NULL) == 0 &&
           cgroup_make(hierarchy, family->two, NULL) == 0;
}

static pid_t start_load(const struct family *family, const char *group, size_t bytes)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char number[16];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        snprintf(number, sizeof number, "%d", getpid());
        if (cgroup_write(family->cpu, group, "cgroup.procs", number, NULL) < 0 ||
            cgroup_write(family->memory, group, "cgroup.procs", number, NULL) < 0)
            _exit(3);
        char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(memory, 1, bytes);
        write(ready[1], "", 1);
        for (volatile unsigned long i = 0;; i++)
            ;
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static bool family_start(struct family *family)
{
    ssize_t count = cgroup_hierarchies(family->list, NULL);
    for (ssize_t i = 0; i < count; i++) {
        const struct cgroup_hierarchy *hierarchy = &family->list[i];
        if (cgroup_has_controller(hierarchy, hierarchy->v2 ? "cpu" : "cpuacct"))
            family->cpu = hierarchy;
        if (cgroup_has_controller(hierarchy, "memory"))
            family->memory = hierarchy;
    }
    snprintf(family->path, sizeof family->path, "test-figures-%d", getpid());
    snprintf(family->one, sizeof family->one, "%s/one", family->path);
    snprintf(family->two, sizeof family->two, "%s/two", family->path);
    if (!family->cpu || !family->memory || !make_groups(family, family->cpu) ||
        (family->memory != family->cpu && !make_groups(family, family->memory)))
        return false;
    family->loads[0] = start_load(family, family->one, 96 * MEGABYTE);
    family->loads[1] = start_load(family, family->two, 160 * MEGABYTE);
    return true;
}

/* However the test ended. */
static int family_end(void **state)
{
    struct family *family = *state;
    for (int i = 0; i < 2; i++)
        if (family->loads[i] > 0) {
            kill(family->loads[i], SIGKILL);
            waitpid(family->loads[i], NULL, 0);
        }
    int left = family->cpu ? cgroup_clear(family->cpu, family->path, NULL) : 0;
    if (family->memory && family->memory != family->cpu)
        left |= cgroup_clear(family->memory, family->path, NULL);
    return left;
}

/* ---- the kernel's own counters ---- */

static double read_counter(const struct cgroup_hierarchy *hierarchy, const char *group, const char *file,
                           const char *key)
{
    char path[512], text[4096] = "";
    snprintf(path, sizeof path, "%s/%s/%s", hierarchy->mount, group, file);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    fread(text, 1, sizeof text - 1, in);
    fclose(in);
    const char *at = strstr(text, key);
    assert_non_null(at);
    return strtod(at + strlen(key), NULL);
}

static double cpu_seconds(const struct family *family, const char *group)
{
    return family->cpu->v2 ? read_counter(family->cpu, group, "cpu.stat", "usage_usec ") / 1e6
                           : read_counter(family->cpu, group, "cpuacct.usage", "") / 1e9;
}

static double memory_bytes(const struct family *family, const char *group)
{
    return read_counter(family->memory, group, family->memory->v2 ? "memory.current" : "memory.usage_in_bytes", "");
}

/* ---- what is printed ---- */

/* "96M" as bytes. */
static double as_bytes(const char *text)
{
    char *unit;
    double value = strtod(text, &unit);
    static const char units[] = "KMGT";
    const char *at = *unit ? strchr(units, *unit) : NULL;
    for (long i = at ? at - units + 1 : 0; i > 0; i--)
        value *= 1024;
    return value;
}

/* Word @index of a line; the words of a row of figures are never empty. */
static const char *word(const char *line, unsigned index)
{
    static char words[8][64];
    static unsigned next;
    char *out = words[next++ % 8];
    for (; index > 0; index--) {
        line += strspn(line, " ");
        line += strcspn(line, " ");
    }
    line += strspn(line, " ");
    snprintf(out, sizeof words[0], "%.*s", (int)strcspn(line, " \n"), line);
    return out;
}

struct print {
    char lines[512][1024];
    unsigned count;
};

/* Lines up to and with the last of @rows below the titles, so that it returns as soon as they are printed. */
static void read_print(FILE *out, const char *first_title, unsigned rows, struct print *print)
{
    bool below = false;
    for (print->count = 0; print->count < 512; print->count++) {
        char *line = print->lines[print->count];
        if (!fgets(line, sizeof print->lines[0], out))
            fail_msg("the print ended before its %u rows", rows);
        if (below && --rows == 0)
            break;
        below |= strcmp(word(line, 0), first_title) == 0;
    }
    print->count++;
}

static const char *row_with(const struct print *print, unsigned place, const char *text)
{
    for (unsigned i = 0; i < print->count; i++)
        if (strcmp(word(print->lines[i], place), text) == 0)
            return print->lines[i];
    fail_msg("there is no row of %s", text);
    return "";
}

/* How many words of the title line stand before @title. */
static unsigned place_of(const struct print *print, const char *first, const char *title)
{
    const char *titles = row_with(print, 0, first);
    for (unsigned i = 0; i < 30; i++)
        if (strcmp(word(titles, i), title) == 0)
            return i;
    fail_msg("there is no column %s", title);
    return 0;
}

static FILE *start_top(const struct family *family, const char *options)
{
    char command[512];
    snprintf(command, sizeof command,
             "XDG_CONFIG_HOME=/nonexistent exec /proc/%d/exe top -d %s -n %d --scope cgroup:/%s %s", getpid(), DELAY,
             PRINTS, family->path, options);
    FILE *out = popen(command, "re");
    assert_non_null(out);
    return out;
}

/* ---- both together ---- */

#define CPU_DIGIT 0.051 /* a printed figure is rounded */

/* One `top`, what the kernel counted when each of its prints came, and when that was. */
struct watched {
    FILE *out;
    struct print print;
    double used[PRINTS][3], at[PRINTS];
    unsigned prints;
};

static char wrong[256]; /* the first figure that was too far off */

static void compare(const char *what, double printed, double kernels, double percent, double rounding)
{
    double difference = printed > kernels ? printed - kernels : kernels - printed;
    if (difference > kernels * percent / 100 + rounding && !*wrong)
        snprintf(wrong, sizeof wrong, "%s: printed %.1f, the kernel says %.1f", what, printed, kernels);
}

static double kernels_share(const struct watched *watched, unsigned group)
{
    return 100 * (watched->used[1][group] - watched->used[0][group]) / (watched->at[1] - watched->at[0]);
}

static void compare_groups(const struct family *family, const struct watched *groups, const char *const paths[3])
{
    const struct print *print = &groups->print;
    char root[80];
    snprintf(root, sizeof root, "/%s", family->path);
    unsigned cpu = place_of(print, "CGROUP", "CPU%"), memory = place_of(print, "CGROUP", "MEM");
    const char *const names[] = { root, "one", "two" };
    double shares[3], bytes[3];
    for (int g = 0; g < 3; g++) {
        const char *row = row_with(print, 0, names[g]);
        shares[g] = strtod(word(row, cpu), NULL);
        bytes[g] = as_bytes(word(row, memory));
        compare(names[g], shares[g], kernels_share(groups, (unsigned)g), 2, CPU_DIGIT);
        compare(names[g], bytes[g], memory_bytes(family, paths[g]), 2, 0);
    }
    assert_true(shares[1] > 5 && shares[2] > 5);
    compare("CPU of the children", shares[1] + shares[2], shares[0], 2, 2 * CPU_DIGIT);
    compare("memory of the children", bytes[1] + bytes[2], bytes[0], 2, 0);
}

static void compare_processes(const struct family *family, const struct watched *processes, const char *const paths[3])
{
    const struct print *print = &processes->print;
    unsigned cpu = place_of(print, "PID", "CPU%"), resident = place_of(print, "PID", "RES");
    double sum = 0;
    for (unsigned i = 0; i < 2; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", family->loads[i]);
        const char *row = row_with(print, 0, number);
        double share = strtod(word(row, cpu), NULL);
        sum += share;
        compare(number, share, kernels_share(processes, i + 1), 2, CPU_DIGIT);
        compare(number, as_bytes(word(row, resident)), memory_bytes(family, paths[i + 1]), 2, 0.5 * MEGABYTE);
    }
    compare("CPU of the processes", sum, kernels_share(processes, 0), 2, 2 * CPU_DIGIT);
}

static void watch(const struct family *family, const char *const paths[3])
{
    static struct watched watched[2];
    watched[0] = (struct watched){ .out = start_top(family, "--cgroups") };
    watched[1] = (struct watched){ .out = start_top(family, "") };
    while (watched[0].prints < PRINTS || watched[1].prints < PRINTS) {
        struct pollfd fds[2];
        for (int i = 0; i < 2; i++)
            fds[i] =
                (struct pollfd){ .fd = watched[i].prints < PRINTS ? fileno(watched[i].out) : -1, .events = POLLIN };
        assert_true(poll(fds, 2, 30000) > 0);
        for (int i = 0; i < 2; i++) {
            struct watched *one = &watched[i];
            if (!fds[i].revents)
                continue;
            for (int g = 0; g < 3; g++)
                one->used[one->prints][g] = cpu_seconds(family, paths[g]);
            one->at[one->prints++] = now();
            read_print(one->out, i == 0 ? "CGROUP" : "PID", i == 0 ? 3 : 2, &one->print);
        }
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pclose(watched[i].out), 0);
    wrong[0] = '\0';
    compare_groups(family, &watched[0], paths);
    compare_processes(family, &watched[1], paths);
}

/* The test's window is the program's but for the time that a print takes to get here. On a busy machine that may be long, and the load have got more or less in it: a figure
 * that is wrong is wrong each time. */
static void printed_figures_are_what_the_kernel_counted_and_a_tree_adds_up_to_its_root(void **state)
{
    static struct family family;
    *state = &family;
    if (!family_start(&family)) {
        skip();
        return;
    }
    const char *const paths[] = { family.path, family.one, family.two };
    for (int tries = 0; tries < 3; tries++) {
        watch(&family, paths);
        if (!*wrong)
            return;
        print_message("# %s\n", wrong);
    }
    fail_msg("%s", wrong);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "top") == 0)
        return top_main(argc - 1, argv + 1);
    setlocale(LC_ALL, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(printed_figures_are_what_the_kernel_counted_and_a_tree_adds_up_to_its_root,
                                  family_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
