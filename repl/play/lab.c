#include "repl/play/lab.h"

#include "engine/lab/lab.h"
#include "engine/rootfs/bootstrap_service.h"
#include "repl/play/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_MACHINE = 3 };

static int say(const struct err *err)
{
    fprintf(stderr, "teachroot lab: %s\n", err->message);
    return err->code == ESRCH || err->code == EEXIST || err->code == EINVAL ? 1 : EXIT_MACHINE;
}

struct found {
    char name[64]; /* the last one seen alive */
    struct lab_entry entry;
    unsigned alive;
    const char *wanted; /* NULL: any */
};

static void find_alive(const struct lab_entry *entry, void *data)
{
    struct found *found = data;
    if (!entry->alive || (found->wanted && strcmp(entry->name, found->wanted) != 0))
        return;
    snprintf(found->name, sizeof found->name, "%s", entry->name);
    found->entry = *entry;
    found->entry.name = found->name;
    found->alive++;
}

static int find(const char *name, struct found *found)
{
    struct err err = { 0 };
    *found = (struct found){ .wanted = name };
    if (lab_list(find_alive, found, &err) < 0)
        return say(&err);
    if (found->alive == 0 && name) {
        fprintf(stderr, "teachroot lab: no lab named `%s` is running: `teachroot lab ls` lists them\n", name);
        return 1;
    }
    return 0;
}

static void print_row(const struct lab_entry *entry, void *data)
{
    unsigned *rows = data;
    char when[32] = "";
    time_t started = (time_t)entry->started;
    struct tm tm;
    if ((*rows)++ == 0)
        printf("%-16s %-8s %-9s %8s %8s  %s\n", "NAME", "STATE", "MODE", "PROGRAM", "INIT", "STARTED");
    if (localtime_r(&started, &tm))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
    printf("%-16s %-8s %-9s %8d %8d  %s\n", entry->name,
           !entry->alive     ? "dead"
           : entry->init > 0 ? "running"
                             : "starting",
           entry->mode, entry->owner, entry->init, when);
}

static int do_ls(int argc, char **argv)
{
    struct err err = { 0 };
    unsigned rows = 0;
    (void)argc;
    (void)argv;
    if (lab_list(print_row, &rows, &err) < 0)
        return say(&err);
    if (rows == 0)
        printf("No lab is running. `teachroot` starts a lesson in one, `teachroot lab enter --new` just a shell.\n");
    return 0;
}

static int exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A new lab has all that a lesson's has; one that runs already has it from its own program. */
static int run_in(struct lab *lab, bool new_lab, char **command, struct err *err)
{
    static const char *const shell[] = { "bash", NULL };
    struct bootstrap_service *bootstrap = new_lab ? bootstrap_service_start(lab, NULL) : NULL;
    int status = relay_run(lab, *command ? (const char *const *)command : shell, err);
    int code = status < 0 ? say(err) : exit_code(status);
    bootstrap_service_stop(bootstrap);
    lab_destroy(lab);
    return code;
}

static int do_enter(int argc, char **argv)
{
    static const struct option options[] = { { "new", no_argument, NULL, 'n' },
                                             { "rootless", no_argument, NULL, 'r' },
                                             { "offline", no_argument, NULL, 'o' },
                                             { 0 } };
    struct lab_options lab_options = { 0 };
    struct err err = { 0 };
    bool new_lab = false;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
        if (c == '?')
            return EXIT_USAGE;
        new_lab |= c == 'n';
        lab_options.rootless |= c == 'r';
        lab_options.offline |= c == 'o';
    }
    const char *name = NULL;
    /* getopt swallows the `--` before a command, so a name is only what stands before one. */
    if (optind < argc && strcmp(argv[optind - 1], "--") != 0) {
        name = argv[optind++];
        if (optind < argc && strcmp(argv[optind], "--") == 0)
            optind++;
    }
    char **command = argv + optind;
    if (!new_lab) {
        struct found found;
        int code = find(name, &found);
        if (code)
            return code;
        if (found.alive > 1) {
            fprintf(stderr, "teachroot lab: %u labs are running: say which one, `teachroot lab enter NAME`\n",
                    found.alive);
            return EXIT_USAGE;
        }
        if (found.alive == 1) {
            struct lab *lab = lab_attach(found.name, &err);
            return lab ? run_in(lab, false, command, &err) : say(&err);
        }
        fprintf(stderr, "teachroot lab: no lab is running; this is a new one, gone when you leave it\n");
    }
    lab_options.name = name;
    struct lab *lab = lab_create(&lab_options, &err);
    return lab ? run_in(lab, true, command, &err) : say(&err);
}

/* Wait until @pid ends, at most @ms. */
static bool ends_within(pid_t pid, int ms)
{
    for (int waited = 0; waited < ms; waited += 10) {
        if (kill(pid, 0) < 0 && errno == ESRCH)
            return true;
        poll(NULL, 0, 10);
    }
    return false;
}

static int do_reset(int argc, char **argv)
{
    struct found found;
    if (argc != 2) {
        fprintf(stderr, "usage: teachroot lab reset NAME\n");
        return EXIT_USAGE;
    }
    int code = find(argv[1], &found);
    if (code)
        return code;
    if (found.entry.init <= 0 || kill(found.entry.init, SIGKILL) < 0) {
        fprintf(stderr, "teachroot lab: `%s` could not be ended: %s\n", argv[1], strerror(errno));
        return 1;
    }
    printf("Lab %s has ended; the program that runs it builds a new one and brings its lesson back to the same step.\n",
           argv[1]);
    return 0;
}

static int do_rm(int argc, char **argv)
{
    struct found found;
    struct err err = { 0 };
    if (argc != 2) {
        fprintf(stderr, "usage: teachroot lab rm NAME\n");
        return EXIT_USAGE;
    }
    int code = find(argv[1], &found);
    if (code)
        return code;
    if (kill(found.entry.owner, SIGTERM) == 0 && !ends_within(found.entry.owner, 3000))
        kill(found.entry.owner, SIGKILL);
    ends_within(found.entry.owner, 3000);
    if (lab_gc(&err) < 0)
        return say(&err);
    printf("Lab %s is gone.\n", argv[1]);
    return 0;
}

static int do_gc(int argc, char **argv)
{
    struct err err = { 0 };
    (void)argc;
    (void)argv;
    int cleared = lab_gc(&err);
    if (cleared < 0)
        return say(&err);
    printf("%d dead lab%s cleared.\n", cleared, cleared == 1 ? "" : "s");
    return 0;
}

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *arguments, *what;
} verbs[] = {
    { "ls", do_ls, "", "list your labs: running ones, and dead ones not cleared yet" },
    { "enter", do_enter, "[NAME | --new [--rootless] [--offline]] [-- COMMAND…]",
      "a shell (or COMMAND) in a running lab, or in a new one that ends with it" },
    { "reset", do_reset, "NAME", "end a lab; the lesson that runs in it starts a fresh one at the same step" },
    { "rm", do_rm, "NAME", "end a lab and the program that runs it" },
    { "gc", do_gc, "", "clear what killed programs left behind (every start does this too)" },
};

static void usage(FILE *out)
{
    fprintf(out, "usage: teachroot lab VERB …\n\nA lab is the safe machine a lesson runs on: a copy-on-write view of "
                 "this one.\n\n");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        fprintf(out, "  %s %s\n      %s\n", verbs[i].name, verbs[i].arguments, verbs[i].what);
}

int lab_main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : 0;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].name) != 0)
            continue;
        if (argc > 2 && strcmp(argv[2], "--help") == 0) {
            printf("usage: teachroot lab %s %s\n\n%s\n", verbs[i].name, verbs[i].arguments, verbs[i].what);
            return 0;
        }
        return verbs[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "teachroot lab: no verb `%s`; there are ls, enter, reset, rm and gc\n", argv[1]);
    return EXIT_USAGE;
}
