/* nsenter: util-linux's options, and the steps they become. */
#include "engine/tools/tools.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/syscalls.h"
#include "engine/isolate/enter.h"
#include "engine/observe/observe.h"
#include "engine/tools/nsenter_options.h"
#include "engine/tools/program.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

struct request {
    pid_t target; /* 0: none */
    int namespaces;
    const char *files[NAMESPACE_KINDS]; /* NULL: the target's */
    int because[NAMESPACE_KINDS];
    bool all, preserve, no_fork, context;
    bool setuid, setgid;
    uint32_t uid, gid;
    int setuid_because, setgid_because;
    bool root, wd;
    const char *root_dir, *wd_dir, *wdns; /* NULL: the target's; no wdns */
    char **argv;

    /* Filled while it is done. */
    char paths[NAMESPACE_KINDS][64];
    int fds[NAMESPACE_KINDS];
    int pidfd, root_fd, wd_fd;
    bool groups_dropped;
};
typedef const struct request request_t;

/* --- What was asked for --------------------------------------------------------------------------------------------------------------- */

static size_t kind_of(int flag)
{
    size_t i = 0;
    while (namespace_kinds[i].flag != flag)
        i++;
    return i;
}

static void want_namespace(struct request *r, size_t kind, const char *file, int because)
{
    r->namespaces |= namespace_kinds[kind].flag;
    r->because[kind] = because;
    if (file)
        r->files[kind] = file;
}

static int parse_id(const char *option, const char *text, uint32_t *id, bool *set)
{
    *set = true;
    return id_parse(text, id) == 0
               ? 0
               : tool_wrong(&nsenter_options, "%s: `%s` is not a number from 0 to 4294967294", option, text);
}

static int take_option(struct request *r, int id)
{
    uint64_t number;
    switch (id) {
    case 'a':
        r->all = true;
        return 0;
    case 't':
        if (number_parse(optarg, INT32_MAX, &number) < 0 || number == 0)
            return tool_wrong(&nsenter_options, "--target: `%s` is not a pid", optarg);
        r->target = (pid_t)number;
        return 0;
    case 'm':
    case 'u':
    case 'i':
    case 'n':
    case 'p':
    case 'C':
    case 'U':
    case 'T':
        want_namespace(r, namespace_find(tool_option_find(&nsenter_options, id)->name), optarg, id);
        return 0;
    case 'S':
        r->setuid_because = id;
        return parse_id("--setuid", optarg, &r->uid, &r->setuid);
    case 'G':
        r->setgid_because = id;
        return parse_id("--setgid", optarg, &r->gid, &r->setgid);
    case NSENTER_PRESERVE:
        r->preserve = true;
        return 0;
    case 'r':
        r->root = true;
        r->root_dir = optarg;
        return 0;
    case 'w':
        r->wd = true;
        r->wd_dir = optarg;
        return 0;
    case 'W':
        r->wdns = optarg;
        return 0;
    case 'F':
        r->no_fork = true;
        return 0;
    case 'Z':
        r->context = true;
        return 0;
    default:
        return 0;
    }
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void want_all(struct request *r)
{
    for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
        char own[64], theirs[64];
        snprintf(own, sizeof own, "/proc/self/ns/%s", namespace_kinds[i].name);
        snprintf(theirs, sizeof theirs, "/proc/%d/ns/%s", r->target, namespace_kinds[i].name);
        if ((r->namespaces & namespace_kinds[i].flag) || access(own, F_OK) < 0)
            continue;
        /* One's own user namespace cannot be entered again: it would give back rights that were given up. */
        if (namespace_kinds[i].flag == CLONE_NEWUSER && same_file(own, theirs))
            continue;
        want_namespace(r, i, NULL, 'a');
    }
}

static int check_request(struct request *r)
{
    if (r->wd && r->wdns)
        return tool_wrong(&nsenter_options, "--wd is opened outside and --wdns inside: only one can be");
    if (r->all && !r->target)
        return tool_wrong(&nsenter_options, "--all: of which process? add --target PID");
    if (r->all)
        want_all(r);
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if ((r->namespaces & namespace_kinds[i].flag) && !r->files[i] && !r->target)
            return tool_wrong(&nsenter_options, "--%s: of which process? add --target PID, or =FILE of a namespace",
                              tool_option_find(&nsenter_options, r->because[i])->name);
    if (((r->root && !r->root_dir) || (r->wd && !r->wd_dir)) && !r->target)
        return tool_wrong(&nsenter_options, "--%s: of which process? add --target PID, or =DIR",
                          r->root && !r->root_dir ? "root" : "wd");
    /* In a user namespace one is nobody until one says who. */
    if ((r->namespaces & CLONE_NEWUSER) && !r->preserve) {
        int because = r->because[kind_of(CLONE_NEWUSER)];
        r->setuid_because = r->setuid ? r->setuid_because : because;
        r->setgid_because = r->setgid ? r->setgid_because : because;
        r->setuid = r->setgid = true;
    }
    return 0;
}

/* --- Opening, before anything is entered ---------------------------------------------------------------------------------------------- */

static bool from_target(request_t *r)
{
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (r->files[i])
            return false;
    return r->namespaces != 0;
}

/* A pidfd is opened by our own number of a process; the /proc here may be another pid namespace's, whose number then counts. */
static bool proc_is_ours(void)
{
    char self[16];
    ssize_t n = readlink("/proc/self", self, sizeof self - 1);
    if (n <= 0)
        return false;
    self[n] = '\0';
    uint64_t pid;
    return number_parse(self, INT32_MAX, &pid) == 0 && (pid_t)pid == getpid();
}

static void explain_open(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    if (from_target(r)) {
        explain_call(e, "pidfd_open(%d)", r->target);
        explain_option(e, 't');
    } else {
        for (size_t i = 0; i < NAMESPACE_KINDS; i++)
            if (r->namespaces & namespace_kinds[i].flag) {
                if (r->files[i])
                    explain_call(e, "open(\"%s\")", r->files[i]);
                else
                    explain_call(e, "open(\"/proc/%d/ns/%s\")", r->target, namespace_kinds[i].name);
                explain_option(e, r->because[i]);
            }
    }
    if (r->root) {
        if (r->root_dir)
            explain_call(e, "open(\"%s\")", r->root_dir);
        else
            explain_call(e, "open(\"/proc/%d/root\")", r->target);
        explain_option(e, 'r');
    }
    if (r->wd || (r->root && !r->wdns)) {
        if (r->wd && !r->wd_dir)
            explain_call(e, "open(\"/proc/%d/cwd\")", r->target);
        else
            explain_call(e, "open(\"%s\")", r->wd ? r->wd_dir : ".");
        if (r->wd)
            explain_option(e, 'w');
        else
            explain_why(e, "the working directory stays what it is");
    }
    if (e->calls)
        explain_why(e, "all is opened here: after the first step inside these paths may mean something else");
}

static int open_directory(request_t *r, const char *path, const char *link, struct err *err)
{
    char of_target[64];
    if (!path) {
        snprintf(of_target, sizeof of_target, "/proc/%d/%s", r->target, link);
        path = of_target;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? err_set(err, errno, "open `%s`", path) : fd;
}

static int open_step(void *request, struct err *err)
{
    struct request *r = request;
    if (from_target(r) && proc_is_ours()) {
        r->pidfd = sys_pidfd_open(r->target);
        if (r->pidfd < 0 && errno == ESRCH)
            return err_say(err, ESRCH, "there is no process %d here", r->target);
    }
    for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
        if (!(r->namespaces & namespace_kinds[i].flag))
            continue;
        if (!r->files[i])
            snprintf(r->paths[i], sizeof r->paths[i], "/proc/%d/ns/%s", r->target, namespace_kinds[i].name);
        const char *path = r->files[i] ? r->files[i] : r->paths[i];
        if (r->pidfd < 0 && (r->fds[i] = open(path, O_RDONLY | O_CLOEXEC)) < 0)
            return err_set(err, errno, "open `%s`", path);
    }
    if (r->root && (r->root_fd = open_directory(r, r->root_dir, "root", err)) < 0)
        return -1;
    if (r->wd && (r->wd_fd = open_directory(r, r->wd_dir, "cwd", err)) < 0)
        return -1;
    /* Another root does not move the working directory by itself. */
    if (r->root && !r->wd && !r->wdns && (r->wd_fd = open_directory(r, ".", "cwd", err)) < 0)
        return -1;
    return 0;
}

/* --- SELinux -------------------------------------------------------------------------------------------------------------------------- */

static bool wants_context(const void *request)
{
    struct statfs fs;
    return ((request_t *)request)->context && statfs("/sys/fs/selinux", &fs) == 0 &&
           fs.f_type == (__fsword_t)SELINUX_MAGIC;
}

static void explain_context(const void *request, struct tool_explanation *e)
{
    explain_call(e, "write(/proc/self/attr/exec, the context in /proc/%d/attr/current)",
                 ((request_t *)request)->target);
    explain_option(e, 'Z');
}

static int context_step(void *request, struct err *err)
{
    request_t *r = request;
    char path[64], context[4096];
    if (!r->target)
        return err_say(err, EINVAL, "--follow-context: of which process? add --target PID");
    snprintf(path, sizeof path, "/proc/%d/attr/current", r->target);
    if (read_file_at(AT_FDCWD, path, context, sizeof context, err) < 0)
        return -1;
    return write_file_at(AT_FDCWD, "/proc/self/attr/exec", context, err);
}

/* --- Entering ------------------------------------------------------------------------------------------------------------------------- */

static bool drops_groups_early(const void *request)
{
    request_t *r = request;
    return (r->namespaces & CLONE_NEWUSER) && !r->preserve;
}

static void explain_early_groups(const void *request, struct tool_explanation *e)
{
    explain_call(e, "setgroups(0, NULL)");
    explain_why(e, "while it is allowed: in the user namespace setgroups may be denied");
}

static int early_groups_step(void *request, struct err *err)
{
    struct request *r = request;
    r->groups_dropped = setgroups(0, NULL) == 0; /* if not, it is tried once more inside */
    return 0;
}

static bool wants_namespaces(const void *request)
{
    return ((request_t *)request)->namespaces != 0;
}

static void explain_enter(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    char flags[160];
    if (from_target(r)) {
        explain_call(e, "setns(pidfd, %s)", namespace_flags(r->namespaces, flags, sizeof flags));
        for (size_t i = 0; i < NAMESPACE_KINDS; i++)
            if ((r->namespaces & namespace_kinds[i].flag) && r->because[i] != 'a')
                explain_option(e, r->because[i]);
        if (r->all)
            explain_option(e, 'a');
        explain_why(e, "all at once; before Linux 5.8 one by one");
        return;
    }
    for (int user = 0; user < 2; user++)
        for (size_t i = 0; i < NAMESPACE_KINDS; i++)
            if ((r->namespaces & namespace_kinds[i].flag) && user == (namespace_kinds[i].flag == CLONE_NEWUSER)) {
                explain_call(e, "setns(fd, %s)", namespace_flags(namespace_kinds[i].flag, flags, sizeof flags));
                explain_option(e, r->because[i]);
            }
    if (r->namespaces & CLONE_NEWUSER)
        explain_why(e,
                    "the user namespace last: root loses its rights over the others there (an ordinary user, who gains "
                    "rights there, enters the others after it)");
}

static int enter_step(void *request, struct err *err)
{
    request_t *r = request;
    if (r->pidfd >= 0)
        return isolate_enter_process(r->target, r->pidfd, r->namespaces, 0, err);
    struct isolate_namespace list[NAMESPACE_KINDS];
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        list[i] = (struct isolate_namespace){ namespace_kinds[i].flag, r->fds[i],
                                              r->files[i] ? r->files[i] : r->paths[i], false };
    return isolate_enter(list, NAMESPACE_KINDS, err);
}

static bool wants_root(const void *request)
{
    return ((request_t *)request)->root;
}

static void explain_root(const void *request, struct tool_explanation *e)
{
    explain_call(e, "fchdir(root fd), chroot(\".\"), chdir(\"/\")");
    explain_option(e, 'r');
}

static int root_step(void *request, struct err *err)
{
    request_t *r = request;
    if (fchdir(r->root_fd) < 0)
        return err_set(err, errno, "chdir to the new root");
    if (chroot(".") < 0)
        return err_set(err, errno, "chroot");
    return chdir("/") < 0 ? err_set(err, errno, "chdir to `/` of the new root") : 0;
}

static bool wants_wd(const void *request)
{
    request_t *r = request;
    return r->wd || (r->root && !r->wdns);
}

static void explain_wd(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    explain_call(e, "fchdir(working directory fd)");
    if (r->wd)
        explain_option(e, 'w');
    else
        explain_why(e, "back to where it was");
}

static int wd_step(void *request, struct err *err)
{
    return fchdir(((request_t *)request)->wd_fd) < 0 ? err_set(err, errno, "chdir to the working directory") : 0;
}

static bool wants_wdns(const void *request)
{
    return ((request_t *)request)->wdns != NULL;
}

static void explain_wdns(const void *request, struct tool_explanation *e)
{
    explain_call(e, "chdir(\"%s\")", ((request_t *)request)->wdns);
    explain_option(e, 'W');
}

static int wdns_step(void *request, struct err *err)
{
    const char *path = ((request_t *)request)->wdns;
    return chdir(path) < 0 ? err_set(err, errno, "chdir to `%s` inside", path) : 0;
}

static bool wants_fork(const void *request)
{
    request_t *r = request;
    return (r->namespaces & CLONE_NEWPID) && !r->no_fork;
}

static void explain_fork(const void *request, struct tool_explanation *e)
{
    explain_call(e, "clone(SIGCHLD)");
    explain_option(e, ((request_t *)request)->because[kind_of(CLONE_NEWPID)]);
    explain_why(
        e, "a process never changes its own pid: setns(CLONE_NEWPID) counts for children; the parent waits and ends as "
           "the child does");
}

static int fork_step(void *request, struct err *err)
{
    signal(SIGCHLD, SIG_DFL); /* an ignored SIGCHLD leaves nobody to wait for */
    pid_t pid = fork();
    if (pid < 0)
        return err_set(err, errno, "fork");
    if (pid > 0)
        program_end_as(pid, true);
    return 0;
}

static bool wants_setgid(const void *request)
{
    return ((request_t *)request)->setgid;
}

static void explain_setgid(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    explain_call(e, "setgroups(0, NULL), setgid(%u)", r->gid);
    explain_option(e, r->setgid_because);
}

static int setgid_step(void *request, struct err *err)
{
    request_t *r = request;
    if (setgroups(0, NULL) < 0 && drops_groups_early(r) && !r->groups_dropped)
        return err_set(err, errno, "setgroups");
    return setgid(r->gid) < 0 ? err_set(err, errno, "setgid(%u)", r->gid) : 0;
}

static bool wants_setuid(const void *request)
{
    return ((request_t *)request)->setuid;
}

static void explain_setuid(const void *request, struct tool_explanation *e)
{
    request_t *r = request;
    explain_call(e, "setuid(%u)", r->uid);
    explain_option(e, r->setuid_because);
}

static int setuid_step(void *request, struct err *err)
{
    uid_t uid = ((request_t *)request)->uid;
    return setuid(uid) < 0 ? err_set(err, errno, "setuid(%u)", uid) : 0;
}

static void explain_program(const void *request, struct tool_explanation *e)
{
    program_explain(((request_t *)request)->argv, e);
}

/* nsenter_main's: it has the exit status. */
static int nothing(void *request, struct err *err)
{
    return 0;
}

static const struct tool_step steps[] = {
    { NULL, explain_open, open_step },
    { wants_context, explain_context, context_step },
    { drops_groups_early, explain_early_groups, early_groups_step },
    { wants_namespaces, explain_enter, enter_step },
    { wants_root, explain_root, root_step },
    { wants_wd, explain_wd, wd_step },
    { wants_wdns, explain_wdns, wdns_step },
    { wants_fork, explain_fork, fork_step },
    { wants_setgid, explain_setgid, setgid_step },
    { wants_setuid, explain_setuid, setuid_step },
    { NULL, explain_program, nothing },
};

static const char *advice(request_t *r, const struct err *err)
{
    if (err->code == EPERM && geteuid() != 0 && (r->namespaces & ~CLONE_NEWUSER) && !(r->namespaces & CLONE_NEWUSER))
        return "rights over a namespace come from the user namespace that owns it: if that is yours, add --user "
               "(--preserve-credentials to stay who you are)";
    if (err->code == EINVAL && (r->namespaces & CLONE_NEWUSER) && strncmp(err->message, "setns", 5) == 0)
        return "one's own user namespace cannot be entered again, nor a file that is not of such a namespace";
    if (err->code == EINVAL && strncmp(err->message, "setns", 5) == 0)
        return "that file is not of such a namespace";
    return NULL;
}

int nsenter_main(int argc, char **argv)
{
    struct request request = { .pidfd = -1, .root_fd = -1, .wd_fd = -1 };
    struct tool_parser parser;
    struct err err;
    int id;
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        request.fds[i] = -1;
    tool_parse(&parser, &nsenter_options, argc, argv);
    while ((id = tool_parse_next(&parser)) != -1) {
        int status = take_option(&request, id);
        if (status)
            return status;
    }
    if (parser.ended)
        return parser.status;
    int status = check_request(&request);
    if (status)
        return status;
    request.argv = argv + optind;
    if (parser.explain)
        return tool_explain(&nsenter_options, steps, sizeof steps / sizeof *steps, &request, stdout);
    if (tool_run(steps, sizeof steps / sizeof *steps, &request, &err) < 0) {
        const char *more = advice(&request, &err);
        tool_error("nsenter", "%s", err.message);
        if (more)
            tool_error("nsenter", "%s", more);
        return 1;
    }
    return program_run("nsenter", request.argv);
}
