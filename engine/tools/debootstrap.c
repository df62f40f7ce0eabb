/* debootstrap: a root filesystem of Debian or a relative, with its progress shown, kept for the labs to come; made by debootstrap itself. */
#include "engine/tools/debootstrap.h"
#include "engine/tools/tools.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char debootstrap_usage[] =
    "usage: debootstrap [OPTION]… SUITE TARGET [MIRROR [SCRIPT]]\n"
    "\n"
    "Make a whole root filesystem of SUITE (bookworm, trixie, jammy …) in the directory TARGET, which is made, or is "
    "empty. This is a shell around this machine's own debootstrap: it says first where the packages come from and "
    "whether that answers, shows how far it is, and leaves nothing behind when it is stopped or fails. A finished tree "
    "is kept outside the lab, so the next lab has it at once; so are the packages. Without MIRROR the source is the "
    "one that this machine's own apt uses.\n"
    "\n"
    "  --variant=minbase       only what is essential, and apt; also buildd; without it, a base system\n"
    "  --arch=ARCH             for another kind of processor\n"
    "  --include=A,B,C         these packages too\n"
    "  --exclude=A,B,C         not these\n"
    "  --components=A,B        parts of the archive: main,contrib …\n"
    "  --extra-suites=A,B      packages of these suites too\n"
    "  --merged-usr, --no-merged-usr\n"
    "                          /bin and /lib as links into /usr, or as directories of their own\n"
    "  --no-resolve-deps       do not look for what packages need in turn\n"
    "  --fresh                 make it anew, though one is kept\n"
    "  --help, --version\n"
    "\n"
    "With any other option of debootstrap(8) (--print-debs, --foreign, --download-only …), or a SCRIPT, this machine's "
    "own runs as it is; `command -p debootstrap` always is that one.\n"
    "\n"
    "Exit status: 0 if TARGET is whole, 1 if it failed (TARGET is then as it was), 2 on wrong usage.\n";

/* How each option is taken. What is not here is left to the machine's own. */
static const struct option_row {
    const char *name, *part; /* of a request; NULL: none */
    const char *value;       /* what it sets the part to; NULL: it takes a value */
} options[] = {
    { "--variant", "variant", NULL },
    { "--arch", "arch", NULL },
    { "--include", "include", NULL },
    { "--exclude", "exclude", NULL },
    { "--components", "components", NULL },
    { "--extra-suites", "extra-suites", NULL },
    { "--merged-usr", "merged-usr", "yes" },
    { "--no-merged-usr", "merged-usr", "no" },
    { "--no-resolve-deps", "resolve-deps", "no" },
    { "--resolve-deps", NULL, "" },
    { "--fresh", NULL, "" },
};

struct asked {
    struct bootstrap_request request;
    const char *target;
    bool fresh, own; /* own: an option that only the machine's own debootstrap knows */
};

const char *own_debootstrap(void)
{
    static const char *const places[] = { "/usr/sbin/debootstrap", "/usr/bin/debootstrap", "/sbin/debootstrap" };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

static int run_own(char **argv)
{
    const char *program = own_debootstrap();
    if (!program)
        return tool_error("debootstrap", "this machine has no debootstrap: apt-get install debootstrap");
    execv(program, argv);
    return tool_error("debootstrap", "cannot run %s: %s", program, strerror(errno));
}

/* Returns 0, 2 after a complaint. */
static int take_option(struct asked *asked, char **argv, int argc, int *at)
{
    const char *word = argv[*at], *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    struct err err;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const struct option_row *row = &options[i];
        if (strlen(row->name) != len || memcmp(row->name, word, len) != 0)
            continue;
        const char *value = row->value;
        if (!value && equals)
            value = equals + 1;
        else if (!value && *at + 1 < argc)
            value = argv[++*at];
        if (!value || !(*value || row->value))
            return tool_usage("debootstrap", "%s needs a value: %s=…", row->name, row->name);
        if (strcmp(row->name, "--fresh") == 0)
            asked->fresh = true;
        if (row->part && bootstrap_set(&asked->request, row->part, value, &err) < 0)
            return tool_usage("debootstrap", "%s", err.message);
        return 0;
    }
    asked->own = true;
    return 0;
}

static int parse(struct asked *asked, int argc, char **argv)
{
    struct err err;
    int at = 1;
    for (; at < argc && argv[at][0] == '-' && !asked->own; at++) {
        int wrong = take_option(asked, argv, argc, &at);
        if (wrong)
            return wrong;
    }
    if (asked->own || argc - at > 3) { /* a script of its own */
        asked->own = true;
        return 0;
    }
    if (argc - at < 2)
        return tool_usage("debootstrap",
                          argc - at < 1 ? "which suite, and into which directory?" : "into which directory?");
    asked->target = argv[at + 1];
    if (bootstrap_set(&asked->request, "suite", argv[at], &err) < 0 ||
        (argc - at > 2 && bootstrap_set(&asked->request, "mirror", argv[at + 2], &err) < 0))
        return tool_usage("debootstrap", "%s", err.message);
    return 0;
}

static int find_arch(struct bootstrap_request *request, struct err *err)
{
    char arch[64] = "";
    if (request->arch[0])
        return 0;
    FILE *dpkg =
        popen("/usr/bin/dpkg --print-architecture 2>/dev/null", "re"); /* NOLINT(cert-env33-c): a fixed command */
    if (dpkg && fgets(arch, sizeof arch, dpkg))
        arch[strcspn(arch, "\n")] = '\0';
    if (dpkg)
        pclose(dpkg);
    if (!arch[0])
        return err_say(err, ENOENT, "which architecture? dpkg does not say; give --arch=amd64 or another");
    return bootstrap_set(request, "arch", arch, err);
}

static int check_suite(const char *suite, struct err *err)
{
    char path[160];
    snprintf(path, sizeof path, "/usr/share/debootstrap/scripts/%s", suite);
    if (access(path, R_OK) == 0)
        return 0;
    return err_say(err, ENOENT,
                   "debootstrap knows no suite `%s`: ls /usr/share/debootstrap/scripts lists those it does", suite);
}

/* Files of packages belong to many users; who has only one cannot make them. */
static int check_ids(struct err *err)
{
    cleanup_file FILE *f = fopen("/proc/self/uid_map", "re");
    unsigned long inside, outside, count, all = 0;
    while (f && fscanf(f, "%lu %lu %lu", &inside, &outside, &count) == 3)
        all += count;
    if (!f || all >= 60000)
        return 0;
    return err_say(
        err, EPERM,
        "a root filesystem has files of many users, and this lab knows only %lu. On the machine itself an "
        "administrator gives you a range: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 YOU",
        all);
}

static void say_source(const struct bootstrap_request *request, bool by_apt)
{
    printf("Source:  %s%s\n", request->mirror, by_apt ? " (as this machine's own apt has it)" : "");
    printf("Suite:   %s for %s, %s\n", request->suite, request->arch,
           request->variant[0] ? request->variant : "a base system");
    fflush(stdout);
}

static int make(const struct asked *asked, struct err *err)
{
    const struct bootstrap_request *request = &asked->request;
    char name[256];
    char path[PATH_MAX];
    bool named = bootstrap_name(request, name, sizeof name, err) == 0;
    snprintf(path, sizeof path, BOOTSTRAP_TREES "/%s/root/bin", name);
    if (named && !asked->fresh && access(path, F_OK) == 0) {
        printf("It is kept from before: no network is needed.\n");
        return place_kept(name, asked->target, err);
    }
    int found = named ? ask_for_tree(request, asked->fresh, name, sizeof name, err) : 0;
    if (found < 0)
        return -1;
    if (found > 0)
        return place_kept(name, asked->target, err);
    printf("It is made in this lab, and not kept: %s.\n", err->message);
    return place_by_own(request, asked->target, err);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int debootstrap_main(int argc, char **argv)
{
    struct asked asked = { .target = NULL };
    struct err err;
    int wrong = parse(&asked, argc, argv);
    if (wrong)
        return wrong;
    if (asked.own)
        return run_own(argv);
    double began = seconds();
    bool by_apt = !asked.request.mirror[0];
    struct placing check;
    if (check_suite(asked.request.suite, &err) < 0 || check_ids(&err) < 0 || find_arch(&asked.request, &err) < 0)
        return tool_error("debootstrap", "%s", err.message);
    if (by_apt &&
        bootstrap_mirror("", asked.request.suite, asked.request.mirror, sizeof asked.request.mirror, &err) < 0) {
        fprintf(stderr, "debootstrap: %s: this machine's own debootstrap chooses one\n", err.message);
        return run_own(argv);
    }
    /* Before minutes are spent: can it be put there at all? */
    if (placing_begin(&check, asked.target, &err) < 0)
        return tool_error("debootstrap", "%s", err.message);
    placing_end(&check);
    say_source(&asked.request, by_apt);
    int result = make(&asked, &err);
    end_progress_line();
    if (result < 0)
        return tool_error("debootstrap", "%s", err.message);
    printf("Done in %.1f s: %s is a whole root filesystem.\n", seconds() - began, asked.target);
    return fflush(stdout) == 0 ? 0 : tool_error("debootstrap", "cannot write to standard output");
}

/* ---- what is seen while it works ---- */

static struct {
    bool open; /* a line is being written over */
    unsigned phase, quarter;
} shown;

void end_progress_line(void)
{
    if (shown.open)
        printf("\r\033[K");
    shown.open = false;
    fflush(stdout);
}

void show_progress(unsigned phase, const char *doing, unsigned percent, unsigned done, unsigned total, const char *item)
{
    char line[256], packages[64] = "";
    if (phase == 0)
        return;
    if (total > 0)
        snprintf(packages, sizeof packages, ", %u of %u packages", done, total);
    bool terminal = isatty(STDOUT_FILENO) == 1;
    if (!terminal && phase == shown.phase && percent / 25 == shown.quarter)
        return;
    shown.phase = phase;
    shown.quarter = percent / 25;
    snprintf(line, sizeof line, "[%u/%d] %s: %u %%%s%s%s", phase, BOOTSTRAP_PHASES, doing, percent, packages,
             *item && terminal ? ", " : "", terminal ? item : "");
    if (terminal) {
        struct winsize size = { .ws_col = 80 };
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        printf("\r%.*s\033[K", size.ws_col > 1 ? size.ws_col - 1 : 79, line);
        shown.open = true;
    } else {
        puts(line);
    }
    fflush(stdout);
}
