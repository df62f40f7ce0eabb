/* chroot: as coreutils' chroot, and a word on what is missing where a program that is there does not start. */
#include "engine/tools/tools.h"

#include "engine/base/cleanup.h"
#include "engine/tools/chroot_options.h"
#include "engine/tools/ids.h"
#include "engine/tools/program.h"

#include <grp.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <pwd.h>
#include <string.h>

enum { EXIT_FAILED = 125 };
#define GROUPS_MAX 65536

struct chroot {
    const char *new_root;
    const char *groups, *userspec; /* NULL: not asked for */
    bool skip_chdir, is_old_root;
    char **argv;
    char *shell[3];
    struct user_spec spec;
    gid_t *gids;
    size_t gid_count;
};

/* The marks coreutils puts round names in some messages: typographic ones where the locale has them. */
static void quoted(const char *text, char *out, size_t size)
{
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    snprintf(out, size, utf8 ? "‘%s’" : "'%s'", text);
}

static void say_group(const char *name)
{
    char mark[300];
    quoted(name, mark, sizeof mark);
    tool_error("chroot", "invalid group %s", mark);
}

/* Who it is to be, as far as this root knows. Asked outside first and then inside, where the names may mean other numbers; groups only the outside knows are kept. @inside: say what is
 * wrong, and fail. */
static int look_up(struct chroot *c, bool inside, struct err *err)
{
    bool dotted = false;
    const char *user = NULL;
    if (c->userspec) {
        struct user_spec spec;
        const char *wrong = user_spec_parse(c->userspec, &spec, &dotted);
        if (dotted && inside)
            tool_error("chroot", "warning: '.' should be ':'");
        if (!wrong) {
            if (spec.has_uid) {
                c->spec.has_uid = true;
                c->spec.uid = spec.uid;
            }
            if (spec.has_gid) {
                c->spec.has_gid = true;
                c->spec.gid = spec.gid;
            }
        } else if (strcmp(wrong, "invalid spec") == 0) {
            /* "1234:", a number whose login group may yet be found by it */
            c->spec.has_uid = true;
            c->spec.uid = (uid_t)strtoul(c->userspec, NULL, 10);
        } else if (inside) {
            return err_say(err, EINVAL, "%s", wrong);
        }
    }
    if (c->spec.has_uid && (!c->groups || !c->spec.has_gid)) {
        const struct passwd *pw = getpwuid(c->spec.uid);
        user = pw ? pw->pw_name : NULL;
        if (!pw && !c->spec.has_gid && inside)
            return err_say(err, ENOENT, "no group specified for unknown uid: %d", (int)c->spec.uid);
        if (pw && !c->spec.has_gid) {
            c->spec.has_gid = true;
            c->spec.gid = pw->pw_gid;
        }
    }
    if (c->groups && *c->groups) {
        ssize_t n = group_list_parse(c->groups, c->gids, GROUPS_MAX, inside && !c->gid_count ? say_group : NULL);
        if (n >= 0)
            c->gid_count = (size_t)n;
        else if (inside && !c->gid_count && n == -2) {
            char mark[300];
            quoted(c->groups, mark, sizeof mark);
            return err_say(err, EINVAL, "invalid group list %s", mark);
        } else if (inside && !c->gid_count)
            return err_say(err, EINVAL, "%s", "");
    } else if (!c->groups && c->spec.has_gid && user) {
        int n = GROUPS_MAX;
        if (getgrouplist(user, c->spec.gid, c->gids, &n) > 0)
            c->gid_count = (size_t)n;
    }
    return 0;
}

static bool wants_ids(const void *request)
{
    const struct chroot *c = request;
    return c->userspec || c->groups;
}

static bool wants_outside(const void *request)
{
    return wants_ids(request) && !((const struct chroot *)request)->is_old_root;
}

static void explain_outside(const void *request, struct tool_explanation *e)
{
    explain_call(e, "openat(\"/etc/passwd\"), openat(\"/etc/group\")");
    explain_why(e, "names are looked up outside first, for a new root that has none of these files");
}

static int run_outside(void *request, struct err *err)
{
    return look_up(request, false, err);
}

static void explain_chroot(const void *request, struct tool_explanation *e)
{
    const struct chroot *c = request;
    explain_call(e, "chroot(\"%s\")", c->new_root);
    explain_why(e, "this process' `/` is that directory from now on, and its children's; it takes CAP_SYS_CHROOT");
}

static int run_chroot(void *request, struct err *err)
{
    const struct chroot *c = request;
    return chroot(c->new_root) == 0 ? 0 : err_set(err, errno, "cannot change root directory to '%s'", c->new_root);
}

static bool wants_chdir(const void *request)
{
    return !((const struct chroot *)request)->skip_chdir;
}

static void explain_chdir(const void *request, struct tool_explanation *e)
{
    explain_call(e, "chdir(\"/\")");
    explain_why(e, "the working directory is still outside: from there `..` leads everywhere");
}

static int run_chdir(void *request, struct err *err)
{
    return chdir("/") == 0 ? 0 : err_set(err, errno, "cannot chdir to root directory");
}

static void explain_ids(const void *request, struct tool_explanation *e)
{
    const struct chroot *c = request;
    explain_call(e, "openat(\"/etc/passwd\"), openat(\"/etc/group\")");
    explain_why(e, "the new root's own, where the names may be other numbers");
    bool user = c->userspec && c->userspec[0] && c->userspec[0] != ':';
    if (user || c->groups) {
        explain_call(e, "setgroups(%s)", c->groups ? c->groups : "those /etc/group has for the user");
        explain_option(e, c->groups ? CHROOT_GROUPS : CHROOT_USERSPEC);
    }
    if (!c->userspec)
        return;
    explain_call(e, "setgid");
    explain_why(e, "before setuid: who is not root may not");
    if (user)
        explain_call(e, "setuid");
    explain_option(e, CHROOT_USERSPEC);
}

static int run_ids(void *request, struct err *err)
{
    struct chroot *c = request;
    if (look_up(c, true, err) < 0)
        return -1;
    if ((c->spec.has_uid || c->groups) && setgroups(c->gid_count, c->gids) < 0)
        return err_set(err, errno, "failed to set supplemental groups");
    if (c->spec.has_gid && setgid(c->spec.gid) < 0)
        return err_set(err, errno, "failed to set group-ID");
    if (c->spec.has_uid && setuid(c->spec.uid) < 0)
        return err_set(err, errno, "failed to set user-ID");
    return 0;
}

static void explain_exec(const void *request, struct tool_explanation *e)
{
    program_explain(((const struct chroot *)request)->argv, e);
}

static int run_exec(void *request, struct err *err)
{
    const struct chroot *c = request;
    execvp(c->argv[0], c->argv);
    int code = errno;
    char mark[PATH_MAX + 8];
    quoted(c->argv[0], mark, sizeof mark);
    return err_set(err, code, "failed to run command %s", mark);
}

static const struct tool_step steps[] = {
    { wants_outside, explain_outside, run_outside },
    { NULL, explain_chroot, run_chroot },
    { wants_chdir, explain_chdir, run_chdir },
    { wants_ids, explain_ids, run_ids },
    { NULL, explain_exec, run_exec },
};
enum { STEPS = sizeof steps / sizeof *steps };

static bool is_root(const char *path)
{
    char whole[PATH_MAX];
    return realpath(path, whole) && strcmp(whole, "/") == 0;
}

static int run(struct chroot *c)
{
    struct err err = { 0 };
    if (tool_run(steps, STEPS - 1, c, &err) < 0) {
        if (*err.message) /* else it has been said */
            tool_error("chroot", "%s", err.message);
        return EXIT_FAILED;
    }
    tool_run(&steps[STEPS - 1], 1, c, &err);
    tool_error("chroot", "%s", err.message);
    return err.code == ENOENT ? 127 : 126;
}

int chroot_main(int argc, char **argv)
{
    struct chroot c = { 0 };
    struct tool_parser parser;
    setlocale(LC_CTYPE, ""); /* now: the new root may not have the locale */
    tool_parse(&parser, &chroot_options, argc, argv);
    for (int id; (id = tool_parse_next(&parser)) != -1;) {
        switch (id) {
        case CHROOT_GROUPS:
            c.groups = optarg;
            break;
        case CHROOT_USERSPEC:
            c.userspec = optarg;
            break;
        case CHROOT_SKIP_CHDIR:
            c.skip_chdir = true;
            break;
        }
    }
    if (parser.ended)
        return parser.status;
    if (optind == argc)
        return tool_wrong(&chroot_options, "missing operand");
    c.new_root = argv[optind];
    c.is_old_root = is_root(c.new_root);
    if (c.skip_chdir && !c.is_old_root)
        return tool_wrong(&chroot_options, "option --skip-chdir only permitted if NEWROOT is old '/'");
    c.argv = &argv[optind + 1];
    if (!*c.argv) {
        const char *shell = getenv("SHELL");
        c.shell[0] = shell ? strdup(shell) : strdup("/bin/sh");
        c.shell[1] = strdup("-i");
        c.argv = c.shell;
    }
    if (parser.explain)
        return tool_explain(&chroot_options, steps, STEPS, &c, stdout);
    c.gids = wants_ids(&c) ? malloc(GROUPS_MAX * sizeof *c.gids) : NULL;
    if (wants_ids(&c) && !c.gids)
        return tool_error("chroot", "%s", strerror(ENOMEM)), EXIT_FAILED;
    return run(&c);
}
