/* The live panel in the lesson shell, in a real lab: it opens and gives the terminal back, and shows what holds a load and a hog while it holds them. */
#include "engine/limit/hierarchy.h"
#include "tests/unit/screen_learner.h"

#include <time.h>

#define SOON_MS 15000
#define KEY_DOWN "\033[B"
#define KEY_F5 "\033[15~"
#define KEY_F11 "\033[23~"
#define MEGABYTE ((uint64_t)1 << 20)

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct harness *start_in_lab(unsigned cols, unsigned rows)
{
    return start_at_prompt(LESSON, cols, rows, NULL);
}

/* Type a line, and wait for the shell to have done it. */
static void run_line(struct harness *harness, const char *line)
{
    static unsigned lines;
    char text[1024], seen[32];
    const char *then = line[strlen(line) - 1] == '&' ? "" : ";";
    snprintf(text, sizeof text, "%s%s echo done-$((%u+0))\r", line, then, ++lines);
    snprintf(seen, sizeof seen, "^(.*│)?done-%u", lines);
    harness_send(harness, text);
    harness_expect(harness, seen, SOON_MS);
    harness_expect(harness, PROMPT " *$", SOON_MS);
}

static void one_key_gives_the_panel_the_whole_screen_and_gives_the_terminal_back(void **state)
{
    static const unsigned sizes[][2] = { { 80, 24 }, { 120, 36 }, { 200, 50 } };
    struct harness *harness = start_in_lab(80, 24);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char kept[64];
        harness_resize(harness, sizes[i][0], sizes[i][1]);
        snprintf(kept, sizeof kept, "clear; echo kept-$((40+%zu))", i);
        run_line(harness, kept);
        harness_send(harness, "echo typed-ahead");
        snprintf(kept, sizeof kept, "^(.*│)?kept-%zu *\n.*\n.*" PROMPT " echo typed-ahead", 40 + i);
        harness_expect(harness, kept, SOON_MS);
        harness_send(harness, KEY_F11);
        harness_expect(harness, "^F1Help F2Setup.*F10Quit", SOON_MS);
        harness_expect(harness, "^ lab lab[0-9]+ . processes", SOON_MS);
        harness_expect(harness, "^ +[0-9]+ +2 root .*bash", SOON_MS); /* its number and its user as the lab sees them */
        harness_expect(harness, "cgM +\\[.*/.*\\]", SOON_MS);
        assert_false(harness_shows(harness, "kept-|Terminal 1"));
        harness_send(harness, "\t");
        harness_expect(harness, "^CGROUP +CPU% +/LIMIT +THR +MEM +/MAX", SOON_MS);
        harness_send(harness, "\t");
        harness_send(harness, i % 2 ? "q" : KEY_F11);
        harness_expect_gone(harness, "F10Quit", SOON_MS);
        harness_expect(harness, kept, SOON_MS);
        harness_send(harness, "\003");
        harness_expect(harness, PROMPT " *$", SOON_MS);
    }
    quit(harness);
}

static void it_stands_beside_the_terminal_which_stays_the_learners(void **state)
{
    static const unsigned sizes[][2] = { { 120, 36 }, { 200, 50 }, { 80, 24 } };
    struct harness *harness = start_in_lab(120, 36);
    harness_send(harness, "panel\r");
    run_line(harness, "clear");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        harness_resize(harness, sizes[i][0], sizes[i][1]);
        if (sizes[i][0] > 80) {
            harness_expect(harness, "lab lab[0-9]+ .*panel: off . F11 whole", SOON_MS);
            harness_expect(harness, "NSPID CPU%▼ +RES COMMAND", SOON_MS);
            harness_expect(harness, "cgC +\\[.*\n.*cgM +\\[", SOON_MS);
        } else { /* one line is all that is left for it */
            harness_expect(harness, "^ cgC .* cgP .* Tasks .* cgM ", SOON_MS);
        }
        run_line(harness, "sleep 0");
        harness_send(harness, KEY_F11);
        harness_expect(harness, "F10Quit", SOON_MS);
        harness_send(harness, KEY_F11);
        harness_expect_gone(harness, "F10Quit", SOON_MS);
        run_line(harness, "sleep 0");
    }
    harness_send(harness, "panel\r");
    harness_expect_gone(harness, "cgC", SOON_MS);
    quit(harness);
}

/* ---- what the kernel itself counted ---- */

static const struct cgroup_hierarchy *with_controller(const struct cgroup_hierarchy *list, ssize_t count,
                                                      const char *controller)
{
    for (ssize_t i = 0; i < count; i++)
        if (cgroup_has_controller(&list[i], controller))
            return &list[i];
    return NULL;
}

static uint64_t kernel_counter(const struct cgroup_hierarchy *hierarchy, const char *group, const char *file,
                               const char *key)
{
    char path[512], text[4096] = "";
    snprintf(path, sizeof path, "%s/%s/%s", hierarchy->mount, group, file);
    FILE *in = fopen(path, "re");
    if (!in)
        fail_msg("%s is not there", path);
    size_t n = fread(text, 1, sizeof text - 1, in);
    fclose(in);
    text[n] = '\0';
    const char *at = strstr(text, key);
    if (!at) {
        fail_msg("%s has no %s", path, key);
        return 0;
    }
    return strtoull(at + strlen(key), NULL, 10);
}

static double cpu_seconds(const struct cgroup_hierarchy *hierarchy, const char *group)
{
    return hierarchy->v2 ? (double)kernel_counter(hierarchy, group, "cpu.stat", "usage_usec ") / 1e6
                         : (double)kernel_counter(hierarchy, group, "cpuacct.usage", "") / 1e9;
}

/* The lab's name, from its prompt. */
static void lab_group(struct harness *harness, char *group, size_t size, const char *below)
{
    const char *at = strstr(harness_text(harness), "lab");
    while (at && strspn(at + 3, "0123456789") == 0)
        at = strstr(at + 3, "lab");
    if (!at) {
        fail_msg("there is no prompt");
        return;
    }
    snprintf(group, size, "teachroot/%.*s/%s", (int)(3 + strspn(at + 3, "0123456789")), at, below);
}

static void a_capped_load_and_a_hog_are_held_by_the_kernel_and_seen_held_on_the_screen(void **state)
{
    struct cgroup_hierarchy list[CGROUP_HIERARCHIES];
    ssize_t count = cgroup_hierarchies(list, NULL);
    const struct cgroup_hierarchy *cpu = with_controller(list, count, "cpuacct"),
                                  *memory = with_controller(list, count, "memory");
    if (!cpu)
        cpu = with_controller(list, count, "cpu");
    if (!cpu || !memory) {
        skip();
        return;
    }
    char capped[96], hog[96];
    struct harness *harness = start_in_lab(120, 36);
    lab_group(harness, capped, sizeof capped, "capped");
    lab_group(harness, hog, sizeof hog, "hog");
    run_line(harness, "cgcreate -g cpu,cpuacct:/capped -g memory:/hog");
    run_line(harness, "cgset -r cpu.cfs_period_us=100000 -r cpu.cfs_quota_us=5000 capped");
    run_line(harness, "cgset -r memory.limit_in_bytes=80M hog");
    run_line(
        harness,
        "cgset -r memory.memsw.limit_in_bytes=80M hog"); /* refused where the kernel does not count swap: then there is none */
    run_line(harness, "cgexec -g cpu,cpuacct:capped yes > /dev/null &");
    run_line(harness, "(sleep 3; cgexec -g memory:hog sh -c 'yes | tr \\\\n x | head -c 1048576000 | grep n'; "
                      "cgexec -g memory:hog sh -c 'head -c 76M /dev/zero | tail -c 76M | sleep 1000') 2> /dev/null &");
    double began = now(), used = cpu_seconds(cpu, capped);

    harness_send(harness, KEY_F11);
    harness_expect(harness, "/capped +yes *$", SOON_MS);
    harness_send(harness, "\t");
    harness_expect(harness, "^ +capped +[45]\\.[0-9] +/5\\.0% +[0-9.]+s .*THROTTLED", SOON_MS);
    harness_expect(harness, "^ +hog .*/80M.* OOM![1-9]", SOON_MS);
    harness_expect(harness, "^ +hog .* (7[6-9]|80)M!? +/80M ", SOON_MS);
    harness_expect(harness, "^ +capped +[45]\\.[0-9] +/5\\.0% +[0-9.]+s .*THROTTLED", SOON_MS);
    harness_send(harness, KEY_DOWN KEY_DOWN "\r");
    harness_expect(harness, "^ cgroup /teachroot/lab[0-9]+/hog . processes", SOON_MS);
    harness_expect(harness, "cgM  \\[\\|{30,} *(7[6-9]|80)M!?/80M\\]", SOON_MS);
    harness_expect(harness, "root .* tail -c 76M", SOON_MS);
    while (now() - began < 10)
        usleep(50000);
    double share = 100 * (cpu_seconds(cpu, capped) - used) / (now() - began);
    if (share < 4.5 || share > 5.5)
        fail_msg("capped at 5%%, it used %.2f%%", share);
    uint64_t most = kernel_counter(memory, hog, memory->v2 ? "memory.peak" : "memory.max_usage_in_bytes", "");
    assert_true(most > 70 * MEGABYTE && most <= 80 * MEGABYTE);
    assert_true(kernel_counter(memory, hog, memory->v2 ? "memory.events" : "memory.oom_control", "oom_kill ") >= 1);
    harness_send(harness, KEY_F11);
    harness_expect(harness, PROMPT, SOON_MS);

    /* A cgroup of a lab that is no more leads back to the lab there is. */
    run_line(harness, "clear; echo old lab");
    harness_send(harness, KEY_F5);
    harness_expect_gone(harness, "old lab|fresh lab", START_MS);
    harness_expect(harness, PROMPT, START_MS);
    harness_send(harness, KEY_F11);
    harness_expect(harness, "^ lab lab[0-9]+ . processes", SOON_MS);
    harness_expect(harness, "^ +[0-9]+ +2 root .*bash", SOON_MS);
    harness_send(harness, KEY_F11);
    harness_expect(harness, PROMPT, SOON_MS);
    quit(harness);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_key_gives_the_panel_the_whole_screen_and_gives_the_terminal_back),
        cmocka_unit_test(it_stands_beside_the_terminal_which_stays_the_learners),
        cmocka_unit_test(a_capped_load_and_a_hog_are_held_by_the_kernel_and_seen_held_on_the_screen),
    };
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1); /* whatever columns the tests' user likes */
    return screen_tests(argc, argv, true, tests);
}
