/* `teachroot top` while processes are born and die some hundred a second: what its screen lists is there, all of it, and neither its memory nor its files grow.
 * TOP_SOAK_SECONDS=60 is what the bench asks for. */
#include "repl/panel/top.h"
#include "tests/screen/harness.h"

#include <ctype.h>
#include <dirent.h>
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
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SOON_MS 20000
#define BIRTHS_PER_SECOND 500
#define LIFE_MS 200 /* at most: some hundred are there at any time */
#define STALE_S                                                                                                        \
    2.0 /* the screen is drawn anew each 0.3 s: what ended longer ago may not be on it, however busy the machine is */
#define LASTING 20 /* children that stay: on the screen from the first to the last */
#define ROWS 900   /* room for all there is */
#define PID_LIMIT 4194304
#define CHILD_NAME "soak-child"

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- births and deaths ---- */

static char *command_line; /* of this program: a child writes its own name there */
static double *ended_at;   /* by pid: when it was waited for; 0: never was a child, or is there now */

struct nursery {
    unsigned born, died;
    double began;
};

static pid_t bear(unsigned life_ms)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        strcpy(command_line, CHILD_NAME);
        prctl(PR_SET_NAME, CHILD_NAME);
        if (life_ms)
            poll(NULL, 0, (int)life_ms);
        else
            pause();
        _exit(0);
    }
    assert_true(pid > 0);
    ended_at[pid] = 0;
    return pid;
}

static void reap(struct nursery *nursery, int options)
{
    for (pid_t pid; nursery->died < nursery->born && (pid = waitpid(0, NULL, options)) > 0;) {
        ended_at[pid] = now();
        nursery->died++;
    }
}

/* As many as are due by now; each lives up to LIFE_MS. */
static void go_on(struct nursery *nursery)
{
    unsigned due = (unsigned)((now() - nursery->began) * BIRTHS_PER_SECOND);
    for (; nursery->born < due; nursery->born++)
        bear(1 + (nursery->born * 37u) % LIFE_MS);
    reap(nursery, WNOHANG);
}

/* ---- what is on the screen ---- */

struct seen {
    unsigned rows, children, stale, lasting;
};

/* Rows of the list begin with a number. Those whose process is not a child of ours are somebody else's, who may end them as they like. */
static struct seen look(struct harness *harness, const pid_t *lasting)
{
    struct seen seen = { 0 };
    double at = now();
    const char *text = harness_text(harness);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        char *end;
        long pid = strtol(line, &end, 10);
        if (pid <= 0 || pid >= PID_LIMIT || *end != ' ')
            continue;
        seen.rows++;
        for (unsigned i = 0; i < LASTING; i++)
            seen.lasting += lasting[i] == pid;
        size_t len = strcspn(line, "\n");
        if (!memmem(line, len, CHILD_NAME, strlen(CHILD_NAME)))
            continue;
        seen.children++;
        seen.stale += ended_at[pid] > 0 && at - ended_at[pid] > STALE_S;
    }
    return seen;
}

/* ---- what top itself takes ---- */

/* Its own: pages of programs and libraries come in when they are first used. */
static unsigned long memory_kib(pid_t pid)
{
    char path[64], line[256];
    unsigned long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        sscanf(line, "RssAnon: %lu", &kib);
    fclose(file);
    return kib;
}

static unsigned count_numbers(const char *path)
{
    unsigned count = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += isdigit((unsigned char)entry->d_name[0]) != 0;
    closedir(dir);
    return count;
}

static unsigned files_of(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    return count_numbers(path);
}

/* Once births have stopped, the screen lists what /proc does: nobody more, nobody less. Others' processes may come and go between the two looks. */
static void await_the_same_as_proc(struct harness *harness, const pid_t *lasting)
{
    struct seen seen = { 0 };
    unsigned there = 0;
    for (int tries = 0; tries < 100; tries++) {
        poll(NULL, 0, 100);
        harness_shows(harness, "x");
        seen = look(harness, lasting);
        there = count_numbers("/proc");
        if (seen.rows == there && seen.children == LASTING)
            return;
    }
    fail_msg("/proc has %u processes, the screen %u, %u of them of %u that stay", there, seen.rows, seen.children,
             LASTING);
}

static void births_and_deaths_leave_no_stale_row_and_no_growth(void **state)
{
    const char *const wanted = getenv("TOP_SOAK_SECONDS");
    double seconds = wanted ? strtod(wanted, NULL) : 5;
    const char *const argv[] = { "/proc/self/exe", "top", "-d", "0.3", NULL };
    const char *const env[] = { "XDG_CONFIG_HOME=/nonexistent", NULL };
    pid_t lasting[LASTING];
    ended_at = calloc(PID_LIMIT, sizeof *ended_at);
    assert_non_null(ended_at);
    struct harness *harness = harness_start(argv, env, 120, ROWS);
    for (unsigned i = 0; i < LASTING; i++)
        lasting[i] = bear(0);
    harness_expect(harness, "^F1Help.*F10Quit", SOON_MS);
    harness_expect(harness, CHILD_NAME, SOON_MS);

    pid_t top = harness_pid(harness);
    struct nursery nursery = { .began = now() };
    unsigned looks = 0, incomplete = 0, most_children = 0;
    unsigned long memory_early = 0, memory = 0;
    unsigned files_early = 0, files = 0;
    double last_look = now();
    while (now() - nursery.began < seconds) {
        go_on(&nursery);
        poll(NULL, 0, 10);
        if (now() - last_look < 0.25)
            continue;
        harness_shows(harness, "x");
        last_look = now();
        struct seen seen = look(harness, lasting);
        looks++;
        if (seen.stale)
            fail_msg("after %.1f s the screen lists %u processes that ended more than %.0f s ago",
                     now() - nursery.began, seen.stale, STALE_S);
        incomplete += seen.lasting != LASTING; /* a look may fall into a drawing */
        most_children = seen.children > most_children ? seen.children : most_children;
        memory = memory_kib(top);
        files = files_of(top) > files ? files_of(top) : files;
        if (now() - nursery.began < seconds / 3) {
            memory_early = memory;
            files_early = files;
        }
    }
    double took = now() - nursery.began;
    reap(&nursery, 0);
    await_the_same_as_proc(harness, lasting);
    print_message("# %.0f s: %u births, %.0f a second; %u looks, %u processes of them at most on the screen\n", took,
                  nursery.born, nursery.born / took, looks, most_children);
    print_message(
        "# memory %lu KiB after a third, %lu KiB at the end; files at most %u in the first third, %u in all\n",
        memory_early, memory, files_early, files);
    assert_true(nursery.born / took > BIRTHS_PER_SECOND * 0.9);
    assert_true(most_children > LASTING + 20);
    assert_true(incomplete <= looks / 10);
    assert_true(memory <= memory_early + 256);
    assert_true(files <= files_early + 100);
    unsigned before = files_of(top), there = count_numbers("/proc");
    assert_true(before < there + 64);
    harness_send(harness, "q");
    assert_int_equal(harness_wait(harness, SOON_MS), 0);
    harness_stop(harness);
    for (unsigned i = 0; i < LASTING; i++) {
        kill(lasting[i], SIGKILL);
        waitpid(lasting[i], NULL, 0);
    }
    free(ended_at);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "top") == 0)
        return top_main(argc - 1, argv + 1);
    command_line = argv[0]; /* a path below build/tests, so there is room */
    setlocale(LC_ALL, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(births_and_deaths_leave_no_stale_row_and_no_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
