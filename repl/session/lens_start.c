/* The straces of a session's terminals: which calls they trace, starting them, reading what they say, and waiting for their ends.
 *
 * An strace lives as long as one of what it traces, so it may outlive its terminal: jobs left in the background are traced until they end. What it says then is read and dropped, since a
 * tracer whose pipe is full stops those it traces.
 */
#include "repl/session/session_internal.h"

#include "engine/base/cleanup.h"
#include "engine/observe/host.h"
#include "repl/session/lens_internal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define READ_SIZE 65536
#define TURN_READS 2     /* of a pipe in one turn of the loop: the screen and the keys are not kept waiting */
#define DRAIN_READS 64   /* … when what was said so far is needed now */
#define PIPE_SIZE 262144 /* what a burst of calls may be ahead of us */
/* A burst: woken BURST_WAKES times in BURST_MS. The rest of it is read twice in so long, as each waking takes a core from those that are traced. It is over when less than BURST_BYTES, some 20
 * execs, came in BURST_WATCH_MS. */
#define BURST_WAKES 16
#define BURST_MS 50
#define BURST_BYTES 4096
#define BURST_WATCH_MS 200

/* What makes a container, and what processes do to each other and to their rights. Not the calls that every program makes by the hundred: what is traced costs time. */
static const char default_set[] =
    "execve execveat unshare setns mount umount2 open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr "
    "pivot_root chroot sethostname setdomainname mknod mknodat mkdir mkdirat rmdir kill tkill tgkill "
    "pidfd_send_signal setuid setgid setreuid setregid setresuid setresgid setgroups capset seccomp";

struct lens_feed {
    struct lens_feed *next;
    struct session *session;
    unsigned terminal; /* 0: it was closed */
    int pipe;
    struct loop_source *readable, *pause, *burst_watch;
    struct lens_pin pin;
    size_t read; /* bytes since the last look whether the burst goes on */
    pid_t strace;
    uint64_t burst; /* ms: when the counting of wakes began */
    unsigned wakes;
};

static const struct host_feature *strace_feature(void)
{
    return host_feature_find("strace");
}

/* Tried once for the program: the answer, and the sentence that tells it. */
static enum host_answer ask_machine(const char **lacks)
{
    static enum host_answer answer;
    static char sentence[512];
    if (!sentence[0]) {
        char found[160] = "", brings[160] = "";
        answer = strace_feature()->probe(found, sizeof found);
        host_brings(strace_feature(), brings, sizeof brings);
        snprintf(sentence, sizeof sentence, "strace: %s; %s", found, brings);
    }
    *lacks = answer == HOST_NO ? sentence : NULL;
    return answer;
}

const char *lens_lacks(void)
{
    const char *lacks;
    ask_machine(&lacks);
    return lacks;
}

/* --- which calls ------------------------------------------------------------------------------------------------------------------ */

static bool is_off(const char *value)
{
    return value && strcmp(value, "off") == 0;
}

static void add_names(struct text *set, const char *names)
{
    while (*(names += strspn(names, " ,\t"))) {
        size_t len = strcspn(names, " ,\t");
        /* A kernel without one of them has the others. */
        text_append(set, set->len ? ",?" : "trace=?", set->len ? 2 : 7, SAID_LIMIT);
        text_append(set, names, len, SAID_LIMIT);
        names += len;
    }
}

/* strace's expression for a terminal: what the lesson says, and what its blocks for this terminal add. False: it has no lens. */
static bool lesson_set(const struct session *session, unsigned terminal, struct text *set)
{
    const struct lesson *lesson = session->options.lesson;
    bool off = is_off(lesson->lens);
    if (!off)
        add_names(set, lesson->lens ? lesson->lens : default_set);
    for (size_t s = 0; s < lesson->step_count; s++)
        for (size_t b = 0; b < lesson->steps[s].block_count; b++) {
            const struct block *block = &lesson->steps[s].blocks[b];
            if (!block->lens || strtoul(block->terminal ? block->terminal : "1", NULL, 10) != terminal)
                continue;
            if (is_off(block->lens))
                return false;
            add_names(set, block->lens);
        }
    if (set->len > 0)
        add_names(set, "execve"); /* whatever is shown: a process's name comes of it */
    return set->len > 0;
}

/* Headless, only what a check or who plays it asks for is worth its time. */
static bool is_asked_for(const struct session *session)
{
    const struct lesson *lesson = session->options.lesson;
    struct lens_wish wishes[LENS_WISHES];
    for (size_t i = 0; i < lesson->step_count; i++)
        if (lens_wishes(lesson->steps[i].check, wishes) > 0)
            return true;
    return !session->options.by_hand || session->options.lens;
}

const char *session_lens_lacks(const struct session *session, unsigned terminal)
{
    struct text set = { 0 };
    if (terminal < 1 || terminal > SESSION_TERMINALS)
        return "there is no such terminal";
    bool declared = lesson_set(session, terminal, &set);
    text_free(&set);
    if (!declared)
        return "the lesson runs this terminal without the lens";
    if (session->lenses[terminal].off)
        return "it was turned off; `lens on` starts a shell with it";
    if (session->lenses[terminal].failed)
        return "strace could not be started; `lens on` tries again";
    return lens_lacks();
}

/* --- reading ---------------------------------------------------------------------------------------------------------------------- */

static struct session_lens *view_of(const struct lens_feed *feed)
{
    return feed->terminal ? &feed->session->lenses[feed->terminal] : NULL;
}

static void feed_free(struct lens_feed *feed)
{
    struct lens_feed **at = &feed->session->feeds;
    while (*at && *at != feed)
        at = &(*at)->next;
    if (*at)
        *at = feed->next;
    loop_remove(feed->readable);
    loop_remove(feed->pause);
    loop_remove(feed->burst_watch);
    if (feed->pipe >= 0)
        close(feed->pipe);
    free(feed);
}

/* At most @reads times. Returns false when strace has ended. */
static bool feed_read(struct lens_feed *feed, int reads, bool *any)
{
    static char bytes[READ_SIZE];
    const struct session_lens *view = view_of(feed);
    while (reads-- > 0) {
        ssize_t n = read(feed->pipe, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        *any = true;
        feed->read += (size_t)n;
        if (view)
            lens_feed(view->lens, bytes, (size_t)n, loop_now());
        if (n < (ssize_t)sizeof bytes)
            break;
    }
    return true;
}

static void tell_lens(struct session *session, unsigned terminal)
{
    session_tell(session, &(struct session_event){ .kind = SESSION_LENS, .terminal = terminal });
}

static void on_pause_over(void *data)
{
    struct lens_feed *feed = data;
    feed->pause = NULL;
    loop_set_events(feed->readable, EPOLLIN);
}

static void pin(struct lens_feed *feed)
{
    const struct session_terminal *at = &feed->session->terminals[feed->terminal];
    if (feed->terminal && at->terminal)
        lens_pin(&feed->pin, view_of(feed)->lens, at->shell, terminal_foreground(at->terminal), feed->strace);
}

static void on_burst_watch(void *data)
{
    struct lens_feed *feed = data;
    bool goes_on = feed->read > BURST_BYTES;
    feed->read = 0;
    if (goes_on) {
        pin(feed);
        return;
    }
    lens_unpin(&feed->pin, feed->strace);
    loop_remove(feed->burst_watch);
    feed->burst_watch = NULL;
}

static void burst_begins(struct lens_feed *feed)
{
    if (feed->burst_watch || !feed->terminal)
        return;
    feed->burst_watch =
        loop_add_timer(feed->session->options.loop, BURST_WATCH_MS, BURST_WATCH_MS, on_burst_watch, feed);
    if (feed->burst_watch)
        pin(feed);
}

/* A few calls are read at once, while their processes can still be looked up; many are read by the heap. */
static void slow_down(struct lens_feed *feed)
{
    uint64_t now = loop_now();
    if (now - feed->burst > BURST_MS)
        feed->wakes = 0;
    if (feed->wakes == 0)
        feed->burst = now;
    if (++feed->wakes < BURST_WAKES)
        return;
    burst_begins(feed);
    feed->wakes = BURST_WAKES - 1; /* and again, unless it has been quiet */
    feed->burst = now;
    feed->pause = loop_add_timer(feed->session->options.loop, BURST_MS / 2, 0, on_pause_over, feed);
    if (feed->pause)
        loop_set_events(feed->readable, 0);
}

static void on_feed(int fd, uint32_t events, void *data)
{
    struct lens_feed *feed = data;
    struct session *session = feed->session;
    unsigned terminal = feed->terminal;
    bool any = false, alive = feed_read(feed, TURN_READS, &any);
    if (!alive) {
        pid_t strace = feed->strace;
        feed_free(feed);
        waitpid(strace, NULL, 0); /* it has closed everything: it is at its end */
    } else {
        slow_down(feed);
    }
    if (any && terminal)
        tell_lens(session, terminal);
    if (!alive && terminal)
        terminal_lost_lens(&session->terminals[terminal]);
}

static struct lens_feed *feed_of(const struct session *session, unsigned terminal)
{
    for (struct lens_feed *feed = session->feeds; feed; feed = feed->next)
        if (feed->terminal == terminal)
            return feed;
    return NULL;
}

void lens_catch_up(const struct session *session, unsigned terminal)
{
    struct lens_feed *feed = feed_of(session, terminal);
    bool any = false;
    if (feed)
        feed_read(feed, DRAIN_READS, &any);
}

void lens_prompt_came(const struct session_terminal *at)
{
    struct lens *lens = at->session->lenses[at->number].lens;
    lens_catch_up(at->session, at->number);
    if (lens)
        lens_prompt(lens);
}

unsigned lens_command_accepted(struct session_terminal *at)
{
    struct session_lens *view = &at->session->lenses[at->number];
    lens_catch_up(at->session, at->number);
    view->commands++;
    if (view->lens)
        lens_command(view->lens, view->commands, loop_now());
    return view->commands;
}

void lens_command_ended(const struct session_terminal *at)
{
    lens_catch_up(at->session, at->number);
}

void lens_wait(const struct session_terminal *at, int pidfd, int ms)
{
    struct lens_feed *feed = feed_of(at->session, at->number);
    struct pollfd fds[] = { { .fd = pidfd, .events = POLLIN }, { .fd = feed ? feed->pipe : -1, .events = POLLIN } };
    uint64_t end = loop_now() + (uint64_t)ms;
    for (uint64_t now; (now = loop_now()) < end && !fds[0].revents;) {
        bool any = false;
        if (poll(fds, 2, (int)(end - now)) < 0 && errno != EINTR)
            return;
        if (fds[1].revents && !feed_read(feed, TURN_READS, &any))
            fds[1].fd = -1;
    }
}

void lens_terminal_closed(const struct session_terminal *at)
{
    struct lens_feed *feed = feed_of(at->session, at->number);
    lens_catch_up(at->session, at->number);
    if (feed)
        feed->terminal = 0;
}

void lenses_end(struct session *session)
{
    while (session->feeds)
        feed_free(session->feeds);
    for (unsigned i = 0; i <= SESSION_TERMINALS; i++) {
        lens_free(session->lenses[i].lens);
        session->lenses[i] = (struct session_lens){ .off = session->lenses[i].off };
    }
}

static void expect(struct session *session, unsigned terminal)
{
    const struct step *step = session_step(session, session->current);
    struct session_lens *view = &session->lenses[terminal];
    struct lens_wish wishes[LENS_WISHES];
    if (view->lens)
        view->step = lens_expect(view->lens, wishes, lens_wishes(step ? step->check : NULL, wishes));
}

void lenses_step_began(struct session *session)
{
    for (unsigned i = 1; i <= SESSION_TERMINALS; i++) {
        lens_catch_up(session, i);
        expect(session, i);
    }
}

struct lens *session_lens(const struct session *session, unsigned terminal)
{
    return terminal >= 1 && terminal <= SESSION_TERMINALS ? session->lenses[terminal].lens : NULL;
}

bool session_expects_syscalls(const struct session *session)
{
    const struct step *step = session_step(session, session->current);
    struct lens_wish wishes[LENS_WISHES];
    return lens_wishes(step ? step->check : NULL, wishes) > 0;
}

unsigned session_commands(const struct session *session, unsigned terminal)
{
    return terminal >= 1 && terminal <= SESSION_TERMINALS ? session->lenses[terminal].commands : 0;
}

/* --- starting --------------------------------------------------------------------------------------------------------------------- */

/* What an older strace does without. */
struct abilities {
    bool filter; /* without it every call stops the process for a moment, and only then is dropped */
    bool names;  /* without them a process that has ended before we look has none */
};

/* What strace itself said before it ended says more than that it ended. */
static int why_not(struct lens *lens, int from, struct err *err)
{
    char bytes[4096];
    ssize_t n = read(from, bytes, sizeof bytes);
    lens_begin(lens, 0);
    if (n > 0)
        lens_feed(lens, bytes, (size_t)n, 0);
    return err->code == ESRCH && *lens_said(lens) ? err_say(err, ESRCH, "strace: %s", lens_said(lens)) : -1;
}

/* The shell @command under strace. -1 with @err set. */
static pid_t spawn_traced(struct session_terminal *at, struct lab_command *command, const char *set,
                          const struct abilities *can, int *pidfd, struct err *err)
{
    struct session *session = at->session;
    const char *argv[LAB_TRACER_WORDS] = { "strace", "-DDD",        "-f", "-q", "-a0", "-s200",
                                           "-e",     "signal=none", "-e", set,  "-o",  "/dev/fd/1" };
    size_t words = 12;
    if (can->names)
        argv[words++] = "--decode-pids=comm";
    if (can->filter)
        argv[words++] = "--seccomp-bpf";
    argv[words] = "--";
    int ends[2];
    cleanup_free struct lens_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return err_set(err, ENOMEM, "start a lens");
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, errno, "pipe2");
    cleanup_close int from = ends[0], to = ends[1];
    fcntl(from, F_SETFL, O_NONBLOCK);
    fcntl(from, F_SETPIPE_SZ, PIPE_SIZE);
    pid_t strace = 0;
    const struct lab_tracer tracer = { .argv = argv, .output = to, .pid = &strace };
    command->tracer = &tracer;
    pid_t shell = lab_spawn(session->lab, command, pidfd, err);
    command->tracer = NULL;
    if (shell < 0)
        return why_not(session->lenses[at->number].lens, from, err);
    struct loop_source *readable = loop_add_fd(session->options.loop, from, EPOLLIN, LENS_PRIORITY, on_feed, feed);
    if (!readable) { /* the lab waits for what was started in it */
        kill(strace, SIGKILL);
        kill(shell, SIGKILL);
        return err_set(err, ENOMEM, "watch a lens");
    }
    *feed = (struct lens_feed){ .next = session->feeds,
                                .session = session,
                                .terminal = at->number,
                                .pipe = take_fd(&from),
                                .readable = readable,
                                .strace = strace };
    session->feeds = take_ptr(&feed);
    lens_begin(session->lenses[at->number].lens, shell);
    return shell;
}

pid_t lens_spawn(struct session_terminal *at, struct lab_command *command, int *pidfd, struct err *err)
{
    static bool old; /* strace 5.18 was the first to tell names */
    struct session *session = at->session;
    struct session_lens *view = &session->lenses[at->number];
    const char *lacks = NULL;
    struct text set = { 0 };
    bool wanted = !view->off && !view->failed && lesson_set(session, at->number, &set) && is_asked_for(session);
    enum host_answer answer = wanted ? ask_machine(&lacks) : HOST_NO;
    pid_t shell = -1;
    if (answer != HOST_NO && !view->lens && (view->lens = lens_new()))
        expect(session, at->number);
    if (answer != HOST_NO && view->lens) {
        struct abilities can = { .filter = answer == HOST_YES, .names = !old };
        shell = spawn_traced(at, command, set.data, &can, pidfd, err);
        if (shell < 0 && err->code == ESRCH && can.names && session_lab_alive(session)) {
            can.names = false;
            shell = spawn_traced(at, command, set.data, &can, pidfd, err);
            old = shell > 0;
        }
        if (shell < 0 && err->code == ESRCH && session_lab_alive(session)) {
            view->failed = true;
            session_message(session, true, "terminal %u has no lens: %s", at->number, err->message);
        }
    }
    text_free(&set);
    return shell > 0 || (answer != HOST_NO && !view->failed) ? shell : lab_spawn(session->lab, command, pidfd, err);
}

int session_switch_lens(struct session *session, unsigned terminal, bool on, struct err *err)
{
    if (!session_terminal(session, terminal))
        return err_say(err, ESRCH, "terminal %u is not open", terminal);
    struct session_terminal *at = &session->terminals[terminal];
    struct session_lens *view = &session->lenses[terminal];
    const bool off = view->off;
    view->off = !on;
    view->failed = view->failed && !on;
    const char *lacks = on ? session_lens_lacks(session, terminal) : NULL;
    if (lacks) {
        view->off = off;
        return err_say(err, ENOTSUP, "no lens: %s", lacks);
    }
    if (on == (feed_of(session, terminal) != NULL))
        return 0;
    if (!terminal_at_own_prompt(at->terminal, at->shell)) {
        view->off = off;
        return err_say(err, EBUSY, "terminal %u needs a new shell for that: end what runs in it first", terminal);
    }
    terminal_renew(at, on);
    return 0;
}
