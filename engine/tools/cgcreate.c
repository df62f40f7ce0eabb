/* cgcreate: make control groups. */
#include "engine/base/cleanup.h"
#include "engine/tools/cg.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#define UNCHANGED ((mode_t)-1)

struct owner {
    uid_t uid; /* -1: as it is */
    gid_t gid;
};

struct request {
    struct owner all, tasks;
    mode_t directory, files, list;
    const char *words[32];
    size_t count;
};

static int take_mode(mode_t *mode, const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 8);
    if (end == text || *end || value > 07777)
        return -1;
    *mode = (mode_t)value;
    return 0;
}

/* "USER:GROUP", "USER" or ":GROUP", as names or numbers. Returns what is wrong, or NULL. */
static const char *take_owner(struct owner *owner, const char *text)
{
    char name[128], *end;
    const char *colon = strchrnul(text, ':');
    snprintf(name, sizeof name, "%.*s", (int)(colon - text), text);
    if (*name) {
        const struct passwd *user = getpwnam(name);
        owner->uid = user ? user->pw_uid : (uid_t)strtoul(name, &end, 10);
        if (!user && *end)
            return "there is no such user";
    }
    if (*colon && colon[1]) {
        const struct group *group = getgrnam(colon + 1);
        owner->gid = group ? group->gr_gid : (gid_t)strtoul(colon + 1, &end, 10);
        if (!group && *end)
            return "there is no such group of users";
    }
    return NULL;
}

static bool is_list(const char *name)
{
    return strcmp(name, "tasks") == 0;
}

static int change(const struct cgroup *group, const char *name, const struct owner *owner, mode_t mode, bool mask,
                  struct err *err)
{
    struct stat st;
    if ((owner->uid != (uid_t)-1 || owner->gid != (gid_t)-1) &&
        fchownat(group->dir, name, owner->uid, owner->gid, 0) < 0)
        return err_set(err, errno, "chown `%s/%s/%s`", group->hierarchy->mount, group->path, name);
    if (mode == UNCHANGED)
        return 0;
    if (fstatat(group->dir, name, &st, 0) < 0)
        return err_set(err, errno, "stat `%s/%s/%s`", group->hierarchy->mount, group->path, name);
    if (mask) { /* nobody gets what the file's owner has not: a limit that can only be read stays so */
        mode_t own = st.st_mode & S_IRWXU;
        mode &= own | own >> 3 | own >> 6;
    }
    return fchmodat(group->dir, name, mode, 0) < 0
               ? err_set(err, errno, "chmod `%s/%s/%s`", group->hierarchy->mount, group->path, name)
               : 0;
}

static int change_all(const struct cgroup *group, const struct request *request, struct err *err)
{
    cleanup_close int fd = openat(group->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return err_set(err, errno, "read cgroup `%s/%s`", group->hierarchy->mount, group->path);
    fd = -1;
    const struct dirent *entry;
    while ((entry = readdir(dir)))
        if (entry->d_type != DT_DIR && !is_list(entry->d_name) &&
            change(group, entry->d_name, &request->all, request->files, true, err) < 0)
            return -1;
    if (change(group, ".", &request->all, request->directory, false, err) < 0)
        return -1;
    const char *list = group->hierarchy->v2 ? "cgroup.procs" : "tasks";
    return change(group, list, &request->tasks, request->list, true, err);
}

static void explain(const struct cg *cg, const struct cg_target *target, const struct request *request)
{
    char full[PATH_MAX];
    struct tool_explanation *e = cg->explain;
    for (size_t i = 0; i < target->count; i++) {
        explain_call(e, "write(\"%s\", \"+%s\")",
                     cg_full(target->hierarchy, "", "cgroup.subtree_control", full, sizeof full),
                     target->controllers[i]);
        explain_why(e, "on v2 each group above hands the controller on to those below it");
    }
    explain_call(e, "mkdir(\"%s\", 0755)", cg_full(target->hierarchy, target->path, "", full, sizeof full));
    explain_option(e, 'g');
    if (request->all.uid != (uid_t)-1 || request->all.gid != (gid_t)-1) {
        explain_call(e, "fchownat(\"%s\", each file, %d, %d)", full, (int)request->all.uid, (int)request->all.gid);
        explain_option(e, 'a');
    }
    if (request->tasks.uid != (uid_t)-1 || request->tasks.gid != (gid_t)-1) {
        explain_call(e, "fchownat(\"%s/%s\", %d, %d)", full, target->hierarchy->v2 ? "cgroup.procs" : "tasks",
                     (int)request->tasks.uid, (int)request->tasks.gid);
        explain_option(e, 't');
    }
    const struct {
        mode_t mode;
        int option;
    } modes[] = { { request->directory, 'd' }, { request->files, 'f' }, { request->list, 's' } };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (modes[i].mode != UNCHANGED) {
            explain_call(e, "fchmodat(\"%s\", 0%o)", full, modes[i].mode);
            explain_option(e, modes[i].option);
        }
}

static int create(struct cg *cg, const struct cg_target *target, const struct request *request, struct err *err)
{
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    if (cg->explain) {
        explain(cg, target, request);
        return 0;
    }
    if (cgroup_create(target->hierarchy, target->path, target->controllers, target->count, err) < 0 ||
        cgroup_open(&group, target->hierarchy, target->path, err) < 0)
        return -1;
    return change_all(&group, request, err);
}

int cgcreate_main(int argc, char **argv)
{
    struct tool_parser parser;
    struct cg cg;
    struct request request = { .all = { -1, -1 }, .tasks = { -1, -1 }, UNCHANGED, UNCHANGED, UNCHANGED, .count = 0 };
    int status = cg_begin(&cg, &cgcreate_options);
    tool_parse(&parser, &cgcreate_options, argc, argv);
    for (int id; (id = tool_parse_next(&parser)) != -1;) {
        const char *wrong = NULL;
        switch (id) {
        case 'g':
            if (request.count == sizeof request.words / sizeof *request.words)
                return tool_wrong(parser.table, "too many groups in one line");
            request.words[request.count++] = optarg;
            break;
        case 'a':
        case 't':
            if ((wrong = take_owner(id == 'a' ? &request.all : &request.tasks, optarg)))
                return tool_wrong(parser.table, "`%s`: %s", optarg, wrong);
            break;
        case 'd':
        case 'f':
        case 's':
            if (take_mode(id == 'd' ? &request.directory : id == 'f' ? &request.files : &request.list, optarg) < 0)
                return tool_wrong(parser.table, "`%s` is not a mode in octal digits, such as 755", optarg);
            break;
        }
    }
    if (parser.ended)
        return parser.status;
    if (parser.explain)
        cg_explain(&cg);
    if (optind < argc)
        return tool_wrong(parser.table, "`%s`: a group is given by -g", argv[optind]);
    if (request.count == 0)
        return tool_wrong(parser.table, "which group? -g cpu:/sandbox, for example");
    for (size_t i = 0; status == 0 && i < request.count; i++) {
        struct cg_targets to = { .count = 0 };
        struct err err = { 0 };
        if (cg_targets(&cg, &to, request.words[i], &err) < 0)
            return cg_failed(&cg, err.code == ENODEV ? CG_NO_CONTROLLER : 255, &err);
        for (size_t k = 0; k < to.count; k++)
            if (create(&cg, &to.list[k], &request, &err) < 0)
                return cg_failed(&cg, CG_REFUSED, &err);
    }
    return status;
}
