/* From nothing to the first prompt of a lab's shell, by phase, and how long it takes to be gone again. Medians of RUNS. */
#include "engine/lab/lab.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS 31
#define ROWS 20

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static const char *names[ROWS];
static uint64_t times[ROWS][RUNS];
static size_t rows;

static void note(size_t row, int run, const char *name, uint64_t usec)
{
    names[row] = name;
    times[row][run] = usec;
    rows = row + 1 > rows ? row + 1 : rows;
}

/* Wait for the prompt of an interactive bash. */
static void first_prompt(struct lab *lab)
{
    struct err err;
    int master, slave;
    const char *const argv[] = { "bash", "--noediting", NULL };
    if (lab_open_pty(lab, 24, 80, &master, &slave, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    struct lab_command command = { .argv = argv, .stdio = { slave, slave, slave }, .tty = true };
    pid_t pid = lab_spawn(lab, &command, NULL, &err);
    close(slave);
    char text[4096];
    for (size_t len = 0; pid > 0;) {
        ssize_t n = read(master, text + len, sizeof text - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
        text[len] = '\0';
        if (strstr(text, "# ") || strstr(text, "$ "))
            break;
    }
    close(master);
    kill(pid, 9);
    waitpid(pid, NULL, 0);
}

int main(void)
{
    for (int run = 0; run < RUNS; run++) {
        struct err err;
        struct lab_options options = { 0 };
        uint64_t start = now();
        struct lab *lab = lab_create(&options, &err);
        if (!lab) {
            fprintf(stderr, "lab_start: %s\n", err.message);
            return 3;
        }
        uint64_t made = now();
        first_prompt(lab);
        uint64_t prompt = now();
        size_t row = 0;
        for (const struct lab_phase *phase = lab_phases(lab); phase->name; phase++)
            note(row++, run, phase->name, phase->usec);
        note(row++, run, "first shell to its prompt", prompt - made);
        note(row++, run, "start to first prompt", prompt - start);
        uint64_t ending = now();
        lab_destroy(lab);
        note(row++, run, "gone again", now() - ending);
    }
    printf("%-28s %10s %10s %10s  (ms, %d runs)\n", "phase", "median", "fastest", "slowest", RUNS);
    for (size_t row = 0; row < rows; row++) {
        qsort(times[row], RUNS, sizeof times[row][0], by_value);
        printf("%-28s %10.2f %10.2f %10.2f\n", names[row], (double)times[row][RUNS / 2] / 1000,
               (double)times[row][0] / 1000, (double)times[row][RUNS - 1] / 1000);
    }
    return 0;
}
