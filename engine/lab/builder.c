/* The process that builds a lab's mounts and starts its init, then ends. Forked from the program, with a private mount namespace of its own. */
#include "engine/lab/lab_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/syscalls.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* What was done without goes along each time and starts anew, so that init's own come once. */
static void tell(const struct build *build, int fd, struct build_report *report)
{
    struct lab *lab = build->lab;
    report->missing_count = lab->missing_count;
    memcpy(report->missing, lab->missing, sizeof report->missing);
    lab->missing_count = 0;
    ssize_t n = write(fd, report, sizeof *report);
    (void)n; /* nobody left to tell: the pipe's reader has died, and so shall we */
}

static void __attribute__((noreturn)) fail(const struct build *build, struct build_report *report)
{
    report->kind = BUILD_FAILED;
    tell(build, build->report, report);
    _exit(1);
}

/* A killed program must not leave a builder half way. */
static int die_with_parent(pid_t parent, struct err *err)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return err_set(err, errno, "prctl PR_SET_PDEATHSIG");
    if (parent && getppid() != parent)
        return err_say(err, ESRCH, "the program that builds the lab has ended");
    return 0;
}

static int become_lab_root(struct err *err)
{
    /* A single-id map has setgroups denied, and nothing to drop then. */
    if (setgroups(0, NULL) < 0 && errno != EPERM)
        return err_set(err, errno, "setgroups");
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return err_set(err, errno, "become the lab's root");
    return die_with_parent(0, err);
}

static void __attribute__((noreturn)) run_init(const struct build *build, struct build_report *report)
{
    build->lab->missing_count = 0;                             /* the builder tells its own */
    if (setsid() < 0 || inside_enter(build, &report->err) < 0) /* no terminal of the host's may reach into the lab */
        fail(build, report);
    report->kind = BUILD_INSIDE_DONE;
    tell(build, build->report, report);
    /* Three lines of contract with the init applet: 0-2 /dev/null, 3 its life, 4 where it says that it is ready. */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int life = fcntl(build->life, F_DUPFD_CLOEXEC, 16), ready = fcntl(build->ready, F_DUPFD_CLOEXEC, 16);
    int told = fcntl(build->report, F_DUPFD_CLOEXEC, 16);
    static const char *const argv[] = { "init", NULL };
    static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    if (null < 0 || life < 0 || ready < 0 || told < 0 || dup2(life, 3) < 0 || dup2(ready, 4) < 0 ||
        sys_close_from(5, &told, 1) < 0) {
        err_set(&report->err, errno, "prepare the lab's init");
        fail(build, report);
    }
    execve(LAB_TOOLS_DIR "/teachroot-tools", (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
    err_set(&report->err, errno, "exec the lab's init");
    report->kind = BUILD_FAILED;
    tell(build, told, report);
    _exit(1);
}

static int become_assembled_root(const struct build *build, struct err *err)
{
    /* Born in the new user namespace; its maps are written from outside meanwhile. */
    char byte;
    ssize_t n;
    while ((n = read(build->go, &byte, 1)) < 0 && errno == EINTR) {
    }
    if (n != 1)
        return err_say(err, ESRCH, "the program that builds the lab has ended");
    return become_lab_root(err);
}

void builder_main(const struct build *build)
{
    struct build_report report = { .kind = BUILD_FAILED };
    struct err *err = &report.err;
    build->lab->missing_count = 0; /* the program knows its own already */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(022);
    const struct lab_record *record = &build->lab->record;
    char stage[PATH_MAX + 8];
    snprintf(stage, sizeof stage, "%s/stage", record->dir);

    if (die_with_parent(record->owner, err) < 0 || groups_join(build->lab, err) < 0)
        fail(build, &report);
    if (build->assembled && become_assembled_root(build, err) < 0)
        fail(build, &report);
    if (!build->assembled && unshare(CLONE_NEWNS) < 0) {
        err_set(err, errno, "unshare the mount namespace");
        fail(build, &report);
    }
    if ((mkdir(stage, 0700) < 0 && errno != EEXIST) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        err_set(err, errno, "make the mounts private");
        fail(build, &report);
    }
    if (build->assembled) {
        if (root_assembled(build, stage, err) < 0)
            fail(build, &report);
    } else {
        if (root_whole(build, stage, err) < 0)
            fail(build, &report);
        if (setns(build->userns, CLONE_NEWUSER) < 0) {
            err_set(err, errno, "setns into the lab's user namespace");
            fail(build, &report);
        }
        if (become_lab_root(err) < 0)
            fail(build, &report);
    }
    int flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP | (build->own_network ? CLONE_NEWNET : 0);
    if (unshare(flags) < 0) {
        err_set(err, errno, "unshare the lab's namespaces");
        fail(build, &report);
    }
    /* CLONE_PARENT: init is the program's own child, and this process may end. */
    pid_t init = sys_fork(CLONE_NEWPID | CLONE_PARENT, NULL);
    if (init < 0) {
        err_set(err, errno, "clone the lab's init");
        fail(build, &report);
    }
    if (init == 0)
        run_init(build, &report);
    report.kind = BUILD_INIT_STARTED;
    report.init = init;
    tell(build, build->report, &report);
    _exit(0);
}
