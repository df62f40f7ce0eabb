#include "repl/play/test_watch.h"

#include "engine/base/cleanup.h"
#include "engine/observe/host.h"
#include "repl/lesson/changed.h"
#include "repl/lesson/curriculum.h"
#include "repl/play/lint.h"
#include "repl/session/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* An editor's save is several events: a new file, a rename, a change of mode. */
#define SETTLE_MS 80

/* Shared with the process that runs. */
struct told {
    unsigned proved; /* steps, from the first one on, that passed or were skipped in this or earlier runs */
};

struct watched {
    int descriptor; /* of inotify */
    char *file;     /* its absolute path */
};

struct test_watch {
    const struct run_options *options;
    bool prove;
    char *path;
    struct curriculum curriculum;
    bool have_curriculum;
    struct loop *loop;
    int inotify;
    struct watched *watched;
    size_t watched_count;
    struct loop_source *settle;
    struct lesson *lesson;    /* as it was when it was last read without mistakes; NULL: never */
    unsigned valid;           /* steps of it that the run at hand has right: it may have been begun before a change */
    struct lint_report found; /* then */
    struct told *told;
    pid_t run; /* 0: none */
    int pidfd;
    struct loop_source *ended;
    bool again; /* it was saved during the run */
    bool over;
    int result;
};

static void stamp(FILE *out)
{
    time_t now = time(NULL);
    struct tm tm;
    char text[16] = "";
    if (localtime_r(&now, &tm))
        strftime(text, sizeof text, "%T", &tm);
    fprintf(out, "%s  ", text);
}

/* --- What a run says: a line a failure, and one at the end --- */

static void clear_line(struct run_sink *sink)
{
    if (isatty(fileno(sink->out)))
        fputs("\r\033[K", sink->out);
}

static void on_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step)
{
    if (!isatty(fileno(sink->out)))
        return;
    clear_line(sink);
    fprintf(sink->out, "          step %u of %zu: %.50s", step->number, lesson->step_count, step->title);
}

static void on_done(struct run_sink *sink, const struct run_step *done)
{
    struct told *told = sink->run->options->data;
    if ((done->outcome == RUN_STEP_PASSED || done->outcome == RUN_STEP_SKIPPED) &&
        told->proved + 1 == done->step->number)
        told->proved++;
    if (done->outcome != RUN_STEP_FAILED)
        return;
    clear_line(sink);
    fprintf(sink->out, "%s:%d: step %u, %s: ", lint_path(done->lesson->path),
            done->block         ? done->block->line
            : done->step->check ? done->step->check_line
                                : done->step->line,
            done->step->number, done->step->title);
    const char *why = done->why ? done->why : "it failed";
    size_t len = strcspn(why, "\n");
    fprintf(sink->out, "%.*s\n", (int)len, why);
    run_print_lines(sink->out, "    ", why[len] ? why + len + 1 : "");
}

static void on_message(struct run_sink *sink, const char *text)
{
    clear_line(sink);
    run_print_lines(sink->out, "    ", text);
}

static void on_end(struct run_sink *sink)
{
    const struct run_counts *counts = &sink->counts;
    clear_line(sink);
    stamp(sink->out);
    fprintf(sink->out, "%zu passed", counts->passed);
    if (counts->failed)
        fprintf(sink->out, ", %zu FAILED", counts->failed);
    if (counts->skipped)
        fprintf(sink->out, ", %zu skipped", counts->skipped);
    if (counts->not_run)
        fprintf(sink->out, ", %zu not run", counts->not_run);
    fputc('\n', sink->out);
}

static const struct run_format format_watch = {
    .name = "watch", .step = on_step, .done = on_done, .message = on_message, .end = on_end
};

/* --- A run, in a process of its own --- */

static void begin_run(struct test_watch *at, unsigned from);

static void on_run_ended(int fd, uint32_t events, void *data)
{
    struct test_watch *at = data;
    int status = 0;
    loop_remove(at->ended);
    at->ended = NULL;
    close(at->pidfd);
    at->pidfd = -1;
    waitpid(at->run, &status, 0);
    at->run = 0;
    if (at->told->proved > at->valid)
        at->told->proved = at->valid;
    if (at->over) {
        loop_quit(at->loop);
        return;
    }
    if (at->again) {
        at->again = false;
        begin_run(at, at->told->proved + 1);
    } else if (WIFSIGNALED(status)) {
        stamp(stdout);
        printf("the run was ended by signal %d; save the lesson to run it again\n", WTERMSIG(status));
        fflush(stdout);
    }
}

/* Runs in the child. */
static int run_here(const struct test_watch *at, unsigned from, pid_t parent)
{
    struct run_options options = *at->options;
    sigset_t none;
    sigemptyset(&none);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        return RUN_INTERRUPTED;
    sigprocmask(SIG_SETMASK, &none, NULL);
    options.formats[0] = &format_watch;
    options.format_count = 1;
    options.from = (struct place){ .step = from };
    options.data = at->told;
    return run_lessons(&(char *){ at->path }, 1, &options);
}

static void begin_run(struct test_watch *at, unsigned from)
{
    pid_t parent = getpid();
    if (from > at->lesson->step_count)
        return;
    at->valid = (unsigned)at->lesson->step_count;
    if (from > 1) {
        stamp(stdout);
        printf("from step %u on; those before it are replayed\n", from);
    }
    fflush(NULL);
    at->run = fork();
    if (at->run == 0) {
        int result = run_here(at, from, parent);
        fflush(NULL);
        _exit(result);
    }
    at->pidfd = at->run < 0 ? -1 : pidfd_open(at->run, 0);
    at->ended = at->pidfd < 0 ? NULL : loop_add_fd(at->loop, at->pidfd, EPOLLIN, 1, on_run_ended, at);
    if (at->ended)
        return;
    fprintf(stderr, "teachroot test: begin a run: %s\n", strerror(errno));
    if (at->run > 0) {
        kill(at->run, SIGTERM);
        waitpid(at->run, NULL, 0);
    }
    at->run = 0;
    at->over = true;
    at->result = RUN_CANNOT;
    loop_quit(at->loop);
}

/* --- The files --- */

static bool known_feature(const char *name)
{
    return host_feature_find(name) != NULL;
}

/* The directory is watched and not the file: whoever saves by a rename makes another file of the name. */
static int watch_file(struct test_watch *at, const char *file)
{
    for (size_t i = 0; i < at->watched_count; i++)
        if (strcmp(at->watched[i].file, file) == 0)
            return 0;
    struct watched *grown = reallocarray(at->watched, at->watched_count + 1, sizeof *grown);
    if (!grown)
        return -1;
    at->watched = grown;
    struct watched *watched = &grown[at->watched_count];
    cleanup_free char *directory = strdup(file);
    watched->file = strdup(file);
    char *slash = directory ? strrchr(directory, '/') : NULL;
    if (!slash || !watched->file) {
        free(watched->file);
        errno = ENOMEM;
        return -1;
    }
    slash[slash == directory] = '\0';
    watched->descriptor = inotify_add_watch(at->inotify, directory,
                                            IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR);
    if (watched->descriptor < 0) {
        free(watched->file);
        return -1;
    }
    at->watched_count++;
    return 0;
}

static bool is_watched(const struct test_watch *at, int descriptor, const char *name)
{
    for (size_t i = 0; i < at->watched_count; i++) {
        const char *slash = strrchr(at->watched[i].file, '/');
        if (at->watched[i].descriptor == descriptor && strcmp(slash + 1, name) == 0)
            return true;
    }
    return false;
}

static void say_lint(const struct test_watch *at, const struct lint_report *report)
{
    lint_print_new(stdout, at->path, report, &at->found);
    stamp(stdout);
    if (report->counts[LINT_MISTAKE])
        printf("%zu mistake%s: waiting for the next save\n", report->counts[LINT_MISTAKE],
               report->counts[LINT_MISTAKE] == 1 ? "" : "s");
    else if (report->count)
        printf("%zu error%s, %zu warning%s\n", report->counts[LINT_ERROR], report->counts[LINT_ERROR] == 1 ? "" : "s",
               report->counts[LINT_ADVICE], report->counts[LINT_ADVICE] == 1 ? "" : "s");
    else
        puts("nothing to mend");
}

/* What was proved stays so up to the first change. Returns whether anything has to be run that is not being run. */
static bool compare(struct test_watch *at, const struct lesson *now)
{
    unsigned changed = at->lesson ? lesson_first_change(at->lesson, now) : 1;
    if (changed && changed <= at->told->proved)
        at->told->proved = changed - 1;
    if (changed && changed <= at->valid)
        at->valid = changed - 1;
    return changed || (!at->run && at->told->proved < now->step_count);
}

static void take(struct test_watch *at, struct lesson *now)
{
    bool run = compare(at, now);
    lesson_free(at->lesson);
    at->lesson = now;
    if (!run) {
        stamp(stdout);
        puts("nothing has changed that is run");
    } else if (at->run) { /* what it says from here on is of what is no more */
        at->again = true;
        kill(at->run, SIGINT);
    } else {
        begin_run(at, at->told->proved + 1);
    }
}

static void look(struct test_watch *at)
{
    struct lint_report report;
    struct err err;
    struct lesson *lesson =
        lint_load(at->path, at->have_curriculum ? &at->curriculum : NULL, known_feature, &report, &err);
    if (at->run && isatty(STDOUT_FILENO))
        fputs("\r\033[K", stdout);
    if (!lesson && !report.count) {
        stamp(stdout);
        printf("%s: waiting for it\n", err.message);
    } else {
        say_lint(at, &report);
    }
    /* What is a mistake hides the rest: those warnings are known all the same. */
    if (!report.counts[LINT_MISTAKE]) {
        lint_free(&at->found);
        at->found = report;
    }
    for (size_t i = 0; i < report.linked_count; i++)
        (void)watch_file(at, report.linked[i]); /* without one, its changes are seen at the next save */
    if (report.counts[LINT_MISTAKE])
        lint_free(&report);
    if (lesson && at->prove)
        take(at, lesson);
    else
        lesson_free(lesson);
    fflush(stdout);
}

static void on_settled(void *data)
{
    struct test_watch *at = data;
    at->settle = NULL;
    look(at);
}

static void on_inotify(int fd, uint32_t events, void *data)
{
    struct test_watch *at = data;
    _Alignas(struct inotify_event) char buf[4096];
    bool ours = false;
    for (ssize_t len; (len = read(fd, buf, sizeof buf)) > 0;)
        for (const char *next = buf; next < buf + len;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)next;
            next += sizeof *event + event->len;
            ours |= (event->mask & IN_Q_OVERFLOW) || (event->len && is_watched(at, event->wd, event->name));
        }
    if (!ours || at->over)
        return;
    loop_remove(at->settle);
    at->settle = loop_add_timer(at->loop, SETTLE_MS, 0, on_settled, at);
}

static void on_signal(int signal, void *data)
{
    struct test_watch *at = data;
    at->over = true;
    if (at->run > 0)
        kill(at->run, signal == SIGINT ? SIGINT : SIGTERM);
    else
        loop_quit(at->loop);
}

/* --- All of it --- */

static int start(struct test_watch *at, const char *name, struct err *err)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    at->have_curriculum = curriculum_load(&at->curriculum, err) == 0;
    if (!at->have_curriculum)
        at->curriculum = (struct curriculum){ 0 };
    at->path = curriculum_find(&at->curriculum, name, err);
    at->loop = at->path ? loop_new(err) : NULL;
    if (!at->loop)
        return -1;
    at->told = mmap(NULL, sizeof *at->told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at->told == MAP_FAILED) {
        at->told = NULL;
        return err_set(err, errno, "watch `%s`", name);
    }
    at->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (at->inotify < 0 || watch_file(at, at->path) < 0)
        return err_set(err, errno, "inotify: watch `%s`", at->path);
    bool all = loop_add_fd(at->loop, at->inotify, EPOLLIN, 0, on_inotify, at);
    for (size_t i = 0; all && i < sizeof signals / sizeof *signals; i++)
        all = loop_add_signal(at->loop, signals[i], on_signal, at);
    return all ? 0 : err_set(err, ENOMEM, "watch `%s`", at->path);
}

int test_watch(const char *name, const struct run_options *options, bool prove)
{
    struct test_watch at = { .options = options, .prove = prove, .inotify = -1, .pidfd = -1, .result = RUN_OK };
    struct err err;
    if (start(&at, name, &err) < 0) {
        fprintf(stderr, "teachroot test: %s\n", err.message);
        at.result = RUN_CANNOT;
    } else {
        printf("watching %s; Ctrl-C ends\n", lint_path(at.path));
        look(&at);
        if (!at.over && loop_run(at.loop, NULL, NULL, &err) < 0) {
            fprintf(stderr, "teachroot test: %s\n", err.message);
            at.result = RUN_CANNOT;
        }
    }
    if (at.told)
        munmap(at.told, sizeof *at.told);
    for (size_t i = 0; i < at.watched_count; i++)
        free(at.watched[i].file);
    free(at.watched);
    lesson_free(at.lesson);
    lint_free(&at.found);
    loop_free(at.loop);
    if (at.inotify >= 0)
        close(at.inotify);
    curriculum_free(&at.curriculum);
    free(at.path);
    return at.result;
}
