/* The sampler's figures against the kernel's own: CPU and memory of a known load, the tree's sums, births and deaths, numbers used again. */
#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/limit/hierarchy.h"
#include "engine/observe/sample.h"
#include "engine/observe/sample_groups.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MEGABYTE ((size_t)1 << 20)

static const struct sample_scope host = { .kind = SAMPLE_HOST };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- a cgroup of our own in the hierarchies that count CPU and memory ---- */

struct test_group {
    char path[64];
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES];
    ssize_t count;
    const struct cgroup_hierarchy *cpu, *memory;
};

static bool group_make(struct test_group *group, const char *name)
{
    *group = (struct test_group){ .count = 0 };
    snprintf(group->path, sizeof group->path, "teachroot/test-%s-%d", name, getpid());
    group->count = cgroup_hierarchies(group->list, NULL);
    for (ssize_t i = 0; i < group->count; i++) {
        const struct cgroup_hierarchy *one = &group->list[i];
        if (!group->cpu && (one->v2 ? cgroup_has_controller(one, "cpu") : cgroup_has_controller(one, "cpuacct")))
            group->cpu = one;
        if (!group->memory && cgroup_has_controller(one, "memory"))
            group->memory = one;
    }
    return group->cpu && group->memory && cgroup_make(group->cpu, group->path, NULL) == 0 &&
           (group->cpu == group->memory || cgroup_make(group->memory, group->path, NULL) == 0);
}

static void group_clear(struct test_group *group)
{
    for (ssize_t i = 0; i < group->count; i++)
        if (&group->list[i] == group->cpu || &group->list[i] == group->memory)
            assert_int_equal(cgroup_clear(&group->list[i], group->path, NULL), 0);
}

static void group_join(const struct test_group *group, const char *below)
{
    char path[128], pid[16];
    snprintf(path, sizeof path, "%s%s", group->path, below);
    snprintf(pid, sizeof pid, "%d", getpid());
    if (cgroup_write(group->cpu, path, "cgroup.procs", pid, NULL) < 0 ||
        cgroup_write(group->memory, path, "cgroup.procs", pid, NULL) < 0)
        _exit(3);
}

static uint64_t group_read(const struct cgroup_hierarchy *hierarchy, const char *group, const char *file,
                           const char *key)
{
    char path[PATH_MAX], text[4096];
    snprintf(path, sizeof path, "%s/%s/%s", hierarchy->mount, group, file);
    assert_true(read_file_at(AT_FDCWD, path, text, sizeof text, NULL) >= 0);
    const char *at = key ? strstr(text, key) : text;
    assert_non_null(at);
    return strtoull(at + (key ? strlen(key) : 0), NULL, 10);
}

static double group_cpu_seconds(const struct test_group *group)
{
    return group->cpu->v2 ? (double)group_read(group->cpu, group->path, "cpu.stat", "usage_usec ") / 1e6
                          : (double)group_read(group->cpu, group->path, "cpuacct.usage", NULL) / 1e9;
}

static uint64_t group_memory(const struct test_group *group)
{
    return group_read(group->memory, group->path, group->memory->v2 ? "memory.current" : "memory.usage_in_bytes", NULL);
}

/* What /proc/PID/status says it has to itself. */
static double anonymous_memory(pid_t pid)
{
    char path[32], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    assert_true(read_file_at(AT_FDCWD, path, text, sizeof text, NULL) > 0);
    const char *line = strstr(text, "RssAnon:");
    assert_non_null(line);
    return strtod(line + strlen("RssAnon:"), NULL) * 1024;
}

/* ---- loads ---- */

/* A child that holds @bytes, and computes for ever if it @spins. Returns when it holds them. */
static pid_t start_load(const struct test_group *group, const char *below, size_t bytes, bool spins)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (group)
            group_join(group, below);
        char *memory = mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(memory, 1, bytes);
        write(ready[1], "", 1);
        volatile unsigned long spun = 0;
        for (;;)
            if (spins)
                spun++;
            else
                pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void refresh(struct sampler *sampler)
{
    struct err err = { 0 };
    if (sampler_refresh(sampler, &err) < 0)
        fail_msg("%s", err.message);
}

static struct sampler *new_sampler(unsigned keep_fds)
{
    struct err err = { 0 };
    struct sampler *sampler = sampler_new(keep_fds, &err);
    if (!sampler)
        fail_msg("%s", err.message);
    sampler_set_scope(sampler, &host);
    return sampler;
}

#define assert_near(figure, low, high)                                                                                 \
    do {                                                                                                               \
        if ((figure) < (low)*0.98 || (figure) > (high)*1.02)                                                           \
            fail_msg("%s: %.3f is not within 2%% of %.3f to %.3f", #figure, (double)(figure), (double)(low),           \
                     (double)(high));                                                                                  \
    } while (0)

/* The counters are read before and after each refresh, so what the sampler saw lies between, however busy the machine is. */
static void cpu_and_memory_of_a_load_are_its_cgroups_own(void **state)
{
    struct test_group group;
    if (!group_make(&group, "load")) {
        skip();
        return;
    }
    pid_t load = start_load(&group, "", 96 * MEGABYTE, true);
    struct sampler *sampler = new_sampler(64);
    struct group_sampler *groups = group_sampler_new(64, NULL);
    char root[80];
    snprintf(root, sizeof root, "/%s", group.path);
    group_sampler_set_root(groups, root);
    double time[4], used[4];
    for (int i = 0; i < 4; i += 2) {
        if (i)
            poll(NULL, 0, 3000);
        time[i] = now();
        used[i] = group_cpu_seconds(&group);
        refresh(sampler);
        assert_int_equal(group_sampler_refresh(groups, NULL), 0);
        used[i + 1] = group_cpu_seconds(&group);
        time[i + 1] = now();
    }
    double low = 100 * (used[2] - used[1]) / (time[3] - time[0]),
           high = 100 * (used[3] - used[0]) / (time[2] - time[1]);
    const struct sample_process *process = sampler_find(sampler, load);
    assert_non_null(process);
    assert_true(low > 5);
    assert_near(process->cpu, low, high);
    const struct sample_group *seen = group_sampler_root(groups);
    assert_near(seen->cpu, low, high);
    assert_near((double)seen->memory, (double)group_memory(&group), (double)group_memory(&group));
    sampler_detail(sampler, sampler_find(sampler, load), SAMPLE_SHARED);
    double own = (double)(process->rss - process->shared), kernels = anonymous_memory(load);
    assert_near(own, kernels, kernels);
    assert_true(own >= 96.0 * MEGABYTE);
    assert_true(process->rss < process->virt);
    group_sampler_free(groups);
    sampler_free(sampler);
    end(load);
    group_clear(&group);
}

static void a_capped_load_shows_its_cap_and_its_throttling(void **state)
{
    struct test_group group;
    if (!group_make(&group, "cap")) {
        skip();
        return;
    }
    const struct cgroup_hierarchy *cpu = NULL;
    for (ssize_t i = 0; i < group.count && !cpu; i++)
        if (cgroup_has_controller(&group.list[i], "cpu"))
            cpu = &group.list[i];
    if (!cpu) {
        fail();
        return;
    }
    assert_int_equal(cgroup_make(cpu, group.path, NULL), 0);
    assert_int_equal(cpu->v2 ? cgroup_write(cpu, group.path, "cpu.max", "5000 100000", NULL)
                             : cgroup_write(cpu, group.path, "cpu.cfs_quota_us", "5000", NULL),
                     0);
    pid_t load = start_load(&group, "", 0, true);
    char pid[16], root[80];
    snprintf(pid, sizeof pid, "%d", load);
    assert_int_equal(cgroup_write(cpu, group.path, "cgroup.procs", pid, NULL), 0);
    struct sampler *sampler = new_sampler(64);
    struct group_sampler *groups = group_sampler_new(64, NULL);
    snprintf(root, sizeof root, "/%s", group.path);
    group_sampler_set_root(groups, root);
    for (int i = 0; i < 3; i++) {
        refresh(sampler);
        assert_int_equal(group_sampler_refresh(groups, NULL), 0);
        poll(NULL, 0, 2000);
    }
    const struct sample_group *seen = group_sampler_root(groups);
    assert_true(seen->cpu_limit > 4.99 && seen->cpu_limit < 5.01);
    assert_true(seen->cpu <= 5.5);
    assert_true(sampler_find(sampler, load)->cpu <= 5.5);
    assert_true(seen->throttled > 0);
    assert_true(seen->throttled_time > 0);
    group_sampler_free(groups);
    sampler_free(sampler);
    end(load);
    assert_int_equal(cgroup_clear(cpu, group.path, NULL), 0);
    group_clear(&group);
}

static void the_children_of_a_group_add_up_to_it(void **state)
{
    struct test_group group;
    char one[96], two[96], root[96];
    if (!group_make(&group, "sum")) {
        skip();
        return;
    }
    snprintf(one, sizeof one, "%s/one", group.path);
    snprintf(two, sizeof two, "%s/two", group.path);
    snprintf(root, sizeof root, "/%s", group.path);
    const struct cgroup_hierarchy *const both[] = { group.cpu, group.memory };
    for (int i = 0; i < 2; i++) {
        cgroup_make(both[i], one, NULL);
        cgroup_make(both[i], two, NULL);
    }
    pid_t loads[] = { start_load(&group, "/one", 32 * MEGABYTE, true),
                      start_load(&group, "/two", 64 * MEGABYTE, true) };
    struct group_sampler *groups = group_sampler_new(64, NULL);
    group_sampler_set_root(groups, root);
    assert_int_equal(group_sampler_refresh(groups, NULL), 0);
    const struct sample_group *top = group_sampler_root(groups);
    const struct sample_group *a = top->child, *b = a ? a->sibling : NULL;
    if (!b) {
        fail();
        return;
    }
    assert_null(b->sibling);
    uint64_t before = top->cpu_time, before_parts = a->cpu_time + b->cpu_time;
    poll(NULL, 0, 3000);
    assert_int_equal(group_sampler_refresh(groups, NULL), 0);
    double whole = (double)(top->cpu_time - before), parts = (double)(a->cpu_time + b->cpu_time - before_parts);
    assert_near(parts, whole, whole * 1.02); /* read one after the other while they run */
    assert_near((double)(a->memory + b->memory), (double)top->memory, (double)top->memory);
    assert_string_equal(a->name, "one");
    assert_int_equal(group_sampler_count(groups), 3);
    end(loads[0]);
    end(loads[1]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(cgroup_clear(both[i], one, NULL), 0);
    assert_int_equal(group_sampler_refresh(groups, NULL), 0);
    assert_int_equal(group_sampler_count(groups), 2);
    assert_string_equal(group_sampler_root(groups)->child->name, "two");
    group_clear(&group);
    assert_int_equal(group_sampler_refresh(groups, NULL), -1);
    assert_null(group_sampler_root(groups));
    group_sampler_free(groups);
}

static void a_group_made_again_under_its_name_is_another(void **state)
{
    struct test_group group;
    char root[80];
    if (!group_make(&group, "again")) {
        skip();
        return;
    }
    snprintf(root, sizeof root, "/%s", group.path);
    struct group_sampler *groups = group_sampler_new(64, NULL);
    group_sampler_set_root(groups, root);
    pid_t load = start_load(&group, "", 48 * MEGABYTE, true);
    poll(NULL, 0, 300);
    assert_int_equal(group_sampler_refresh(groups, NULL), 0);
    assert_true(group_sampler_root(groups)->cpu_time > 0);
    end(load);
    group_clear(&group);
    assert_true(group_make(&group, "again"));
    assert_int_equal(group_sampler_refresh(groups, NULL), 0);
    assert_true(group_sampler_root(groups)->memory < MEGABYTE);
    assert_true(group_sampler_root(groups)->cpu_time == 0);
    group_clear(&group);
    group_sampler_free(groups);
}

/* Children that end at once, a few hundred a second, for some seconds. After each refresh every row is a process that is there or was a moment ago. */
static void with_births_and_deaths_no_row_is_stale(void **state)
{
    struct sampler *sampler = new_sampler(50);
    double until = now() + 4;
    size_t slots = 0;
    unsigned born = 0, refreshes = 0;
    while (now() < until) {
        pid_t pids[60];
        for (int i = 0; i < 60; i++, born++) {
            pids[i] = fork();
            if (pids[i] == 0)
                _exit(0);
        }
        refresh(sampler);
        for (int i = 0; i < 60; i++)
            waitpid(pids[i], NULL, 0);
        refresh(sampler);
        refreshes += 2;
        for (int i = 0; i < 60; i++) {
            const struct sample_process *process = sampler_find(sampler, pids[i]);
            assert_true(!process || process->ppid != getpid()); /* its number may be another's by now */
        }
        poll(NULL, 0, 60);
        if (!slots && now() > until - 2)
            slots = sampler_counts(sampler).slots;
    }
    struct sampler_counts counts = sampler_counts(sampler);
    assert_true(counts.births >= born / 2);
    assert_true(counts.births - counts.deaths == sampler_count(sampler));
    assert_true(counts.kept_fds <= 50);
    assert_int_equal(counts.refreshes, refreshes);
    assert_true(counts.slots <= slots + 200); /* those of the dead are used again: it does not grow with births */
    sampler_free(sampler);
}

static pid_t fork_as(pid_t wanted)
{
    struct clone_args args = { .exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&wanted, .set_tid_size = 1 };
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, "second");
        for (;;)
            pause();
    }
    return pid;
}

static void number_used_again(unsigned keep_fds)
{
    struct sampler *sampler = new_sampler(keep_fds);
    pid_t first = start_load(NULL, "", 0, false);
    refresh(sampler);
    struct sample_process known = *sampler_find(sampler, first);
    sampler_find(sampler, first)->tag = 1;
    assert_int_equal(sampler_counts(sampler).kept_fds > 0, keep_fds > 0);
    end(first);
    poll(NULL, 0, 20); /* two clock ticks: start times are in ticks */
    pid_t second = fork_as(first);
    if (second < 0) {
        sampler_free(sampler);
        skip();
        return;
    }
    assert_int_equal(second, first);
    struct err err = { 0 };
    assert_int_equal(sample_kill(&known, SIGKILL, &err), -1);
    assert_int_equal(err.code, ESRCH);
    assert_int_equal(waitpid(second, NULL, WNOHANG), 0);
    uint64_t deaths = sampler_counts(sampler).deaths;
    refresh(sampler);
    struct sample_process *process = sampler_find(sampler, second);
    assert_non_null(process);
    assert_int_equal(process->tag, 0);
    assert_true(process->start > known.start);
    assert_true(sampler_counts(sampler).deaths > deaths);
    assert_int_equal(sample_kill(process, SIGKILL, &err), 0);
    int status;
    assert_int_equal(waitpid(second, &status, 0), second);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    sampler_free(sampler);
}

static void a_number_used_again_is_another_process(void **state)
{
    number_used_again(4096);
    number_used_again(0);
}

static void details_are_the_processs_own(void **state)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWUTS) < 0)
            _exit(1);
        write(ready[1], "", 1);
        for (;;)
            pause();
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1) { /* not allowed here */
        waitpid(child, NULL, 0);
        close(ready[0]);
        skip();
        return;
    }
    close(ready[0]);
    struct sampler *sampler = new_sampler(16);
    sampler_set_threads(sampler, true);
    refresh(sampler);
    struct sample_process *process = sampler_find(sampler, child);
    assert_non_null(process);
    sampler_detail(sampler, process, SAMPLE_COMMAND | SAMPLE_GROUP | SAMPLE_INNER | SAMPLE_NAMESPACES | SAMPLE_SHARED);
    assert_int_equal(process->differs, 1u << namespace_find("uts"));
    assert_true(process->inner > 0 && process->depth >= 1);
    assert_non_null(strstr(process->command, "sample"));
    assert_int_equal(process->ppid, getpid());
    assert_int_equal(process->uid, geteuid());
    assert_int_equal(process->group[0], '/');
    assert_true(process->shared > 0 && process->shared <= process->rss);
    end(child);
    sampler_free(sampler);
}

/* Asked for by turns, few are read each time, and many each within as many refreshes as there are SAMPLE_AT_ONCE of them, about as many at a time. */
static void details_by_turns_are_no_older_than_their_turn(void **state)
{
    enum { MANY = 3 * SAMPLE_AT_ONCE, FEW = 20 };
    static pid_t pids[MANY];
    struct sampler *sampler = new_sampler(64);
    for (int i = 0; i < MANY; i++)
        pids[i] = start_load(NULL, "", 0, false);
    for (int asked = MANY; asked > 0; asked = asked == MANY ? FEW : 0) {
        uint32_t turns = 1 + (uint32_t)asked / SAMPLE_AT_ONCE, read_now = 0, refreshes = 0;
        for (int round = 0; round < 10; round++) {
            refresh(sampler);
            refreshes = (uint32_t)sampler_counts(sampler).refreshes;
            read_now = 0;
            for (int i = 0; i < asked; i++) {
                struct sample_process *process = sampler_find(sampler, pids[i]);
                sampler_detail(sampler, process, SAMPLE_GROUP | SAMPLE_BY_TURNS);
                assert_true(round == 0 ||
                            refreshes - process->age[1] < turns); /* how many ask is known from the second on */
                read_now += process->age[1] == refreshes;
            }
        }
        assert_true(read_now >= (uint32_t)asked / turns / 2 && read_now <= 2 * (uint32_t)asked / turns);
        sampler_detail(sampler, sampler_find(sampler, pids[0]), SAMPLE_GROUP);
        assert_int_equal(sampler_find(sampler, pids[0])->age[1], refreshes);
    }
    for (int i = 0; i < MANY; i++)
        end(pids[i]);
    sampler_free(sampler);
}

static void a_scope_lists_its_own_alone(void **state)
{
    struct test_group group;
    if (!group_make(&group, "scope")) {
        skip();
        return;
    }
    pid_t load = start_load(&group, "", 0, false);
    struct sampler *sampler = new_sampler(16);
    struct sample_scope scope = { .kind = SAMPLE_CGROUP };
    snprintf(scope.path, sizeof scope.path, "/%s", group.path);
    sampler_set_scope(sampler, &scope);
    refresh(sampler);
    assert_int_equal(sampler_count(sampler), 1);
    assert_int_equal(sampler_process(sampler, 0)->pid, load);
    end(load);
    refresh(sampler);
    assert_int_equal(sampler_count(sampler), 0);
    group_clear(&group);
    struct err err = { 0 };
    assert_int_equal(sampler_refresh(sampler, &err), -1);
    assert_int_equal(err.code, ESRCH);
    sampler_free(sampler);
}

static void the_machines_figures_are_procs(void **state)
{
    struct sampler *sampler = new_sampler(16);
    refresh(sampler);
    poll(NULL, 0, 1000);
    refresh(sampler);
    const struct sample_host *machine = sampler_host(sampler);
    assert_int_equal(machine->cpus, sysconf(_SC_NPROCESSORS_ONLN));
    double sum = 0;
    for (unsigned i = 0; i <= machine->cpus; i++) {
        const struct sample_cpu *cpu = &machine->cpu[i];
        double busy = cpu->user + cpu->nice + cpu->system + cpu->irq + cpu->steal + cpu->iowait;
        assert_true(busy >= 0 && busy < 1.001);
        sum += i ? busy : 0;
    }
    const struct sample_cpu *all = &machine->cpu[0];
    double whole = all->user + all->nice + all->system + all->irq + all->steal + all->iowait;
    assert_true(whole * machine->cpus > sum - 0.1 && whole * machine->cpus < sum + 0.1);
    assert_int_equal(machine->memory_total / 4096, sysconf(_SC_PHYS_PAGES));
    assert_true(machine->memory_used < machine->memory_total);
    assert_true(machine->uptime > 0 && machine->tasks > 0);
    sampler_free(sampler);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpu_and_memory_of_a_load_are_its_cgroups_own),
        cmocka_unit_test(a_capped_load_shows_its_cap_and_its_throttling),
        cmocka_unit_test(the_children_of_a_group_add_up_to_it),
        cmocka_unit_test(a_group_made_again_under_its_name_is_another),
        cmocka_unit_test(with_births_and_deaths_no_row_is_stale),
        cmocka_unit_test(a_number_used_again_is_another_process),
        cmocka_unit_test(details_are_the_processs_own),
        cmocka_unit_test(details_by_turns_are_no_older_than_their_turn),
        cmocka_unit_test(a_scope_lists_its_own_alone),
        cmocka_unit_test(the_machines_figures_are_procs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
