#include "engine/tools/cg.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

int cg_begin(struct cg *cg, const struct tool_options *table)
{
    struct err err = { 0 };
    *cg = (struct cg){ .table = table };
    return cgroups_read(&cg->all, &err) < 0 ? cg_failed(cg, 81, &err) : 0;
}

void cg_explain(struct cg *cg)
{
    cg->explanation = (struct tool_explanation){ cg->table, stdout, 0 };
    cg->explain = &cg->explanation;
}

int cg_take_word(const struct cg *cg, struct cg_words *words, const char *word)
{
    if (words->count == sizeof words->list / sizeof *words->list)
        return tool_wrong(cg->table, "too many groups in one line");
    words->list[words->count++] = word;
    return 0;
}

int cg_take_operands(const struct cg *cg, struct cg_words *words, int argc, char **argv)
{
    int status = 0;
    for (int i = optind; status == 0 && i < argc; i++)
        status = cg_take_word(cg, words, argv[i]);
    return status;
}

int cg_failed(struct cg *cg, int status, const struct err *err)
{
    fprintf(stderr, "%s: %s\n", cg->table->tool, err->message);
    if (cg->status == 0)
        cg->status = status;
    return status;
}

/* Is @what new? It is remembered. */
static bool first_time(struct cg *cg, const char *what)
{
    char line[160];
    size_t len = strlen(cg->said);
    int n = snprintf(line, sizeof line, "\n%s\n", what);
    if (strstr(cg->said, line))
        return false;
    if (n > 0 && len + (size_t)n < sizeof cg->said)
        memcpy(cg->said + len, line, (size_t)n + 1);
    return true;
}

void cg_say(struct cg *cg, const char *name, const struct cgroup_done *done)
{
    if (done->text[0] && first_time(cg, name))
        fprintf(stderr, "%s: %s\n", cg->table->tool, done->text);
}

/* The target in @hierarchy, added if it is not there yet. NULL: too many. */
static struct cg_target *target_in(struct cg_targets *to, size_t from, const struct cgroup_hierarchy *hierarchy,
                                   const char *given)
{
    for (size_t i = from; i < to->count; i++)
        if (to->list[i].hierarchy == hierarchy)
            return &to->list[i];
    if (to->count == CG_TARGETS)
        return NULL;
    struct cg_target *target = &to->list[to->count++];
    *target = (struct cg_target){ .hierarchy = hierarchy, .given = given };
    snprintf(target->path, sizeof target->path, "%s", given + strspn(given, "/"));
    return target;
}

static void enable_there(struct cg_target *target, const char *controller)
{
    for (size_t i = 0; i < target->count; i++)
        if (strcmp(target->controllers[i], controller) == 0)
            return;
    if (target->hierarchy->v2 && target->count < sizeof target->controllers / sizeof *target->controllers)
        target->controllers[target->count++] = controller;
}

/* What a known controller is called on v2, where the word itself does not live as long as its target. */
static const char *kept_name(const char *controller)
{
    static const char *const names[] = { "cpu", "cpuset", "memory", "io", "pids", "hugetlb", "rdma", "misc", "dmem" };
    const char *v2 = cgroup_v2_controller(controller);
    for (size_t i = 0; v2 && i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], v2) == 0)
            return names[i];
    return NULL;
}

static int add_all(struct cg *cg, struct cg_targets *to, const char *path, struct err *err)
{
    static const char *const names[] = { "cpuset", "cpu", "memory", "io", "pids" };
    size_t from = to->count;
    for (size_t i = 0; i < cg->all.count; i++)
        if (!cg->all.list[i].v2 && strncmp(cg->all.list[i].controllers, "name=", 5) != 0)
            target_in(to, from, &cg->all.list[i], path);
    for (size_t i = 0; to->count == from && i < cg->all.count; i++)
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (cg->all.list[i].v2 && cgroup_has_controller(&cg->all.list[i], names[k]))
                enable_there(target_in(to, from, &cg->all.list[i], path), names[k]);
    return to->count > from ? 0 : err_say(err, ENODEV, "`*`: no mounted cgroup hierarchy has a controller");
}

static void say_built_in(struct cg *cg, const struct cgroup_hierarchy *hierarchy, const char *controller)
{
    const char *text = !hierarchy->v2                       ? NULL
                       : strcmp(controller, "blkio") == 0   ? "is v1's name of a controller; on v2 it is io"
                       : strcmp(controller, "io") == 0      ? NULL
                       : strcmp(controller, "freezer") == 0 ? "is part of every group on v2: cgroup.freeze"
                       : strcmp(controller, "cpuacct") == 0 ? "is part of every group on v2: cpu.stat"
                                                            : NULL;
    if (text && first_time(cg, controller))
        fprintf(stderr, "%s: %s %s\n", cg->table->tool, controller, text);
}

int cg_targets(struct cg *cg, struct cg_targets *to, const char *word, struct err *err)
{
    const char *colon = strchr(word, ':');
    size_t from = to->count;
    if (!colon || colon == word || !colon[1])
        return err_say(err, EINVAL, "`%s` is not of the form CONTROLLERS:PATH, such as cpu,memory:/sandbox", word);
    if (colon == word + 1 && *word == '*')
        return add_all(cg, to, colon + 1, err);
    struct err missing = { 0 };
    for (const char *p = word; p < colon;) {
        char name[64];
        size_t n = strcspn(p, ",:");
        snprintf(name, sizeof name, "%.*s", (int)n, p);
        p += n + 1;
        struct err why = { 0 };
        const struct cgroup_hierarchy *hierarchy = cgroups_find(&cg->all, name, &why);
        if (!hierarchy && strncmp(why.message, "v2", 2) != 0) {
            if (err)
                *err = why;
            return -1;
        }
        if (!hierarchy) {
            if (first_time(cg, name))
                fprintf(stderr, "%s: %s is not here: %s\n", cg->table->tool, name, why.message);
            missing = why;
            continue;
        }
        struct cg_target *target = target_in(to, from, hierarchy, colon + 1);
        if (!target)
            return err_set(err, E2BIG, "`%s`", word);
        say_built_in(cg, hierarchy, name);
        const char *enable = kept_name(name);
        if (enable)
            enable_there(target, enable);
    }
    if (to->count > from)
        return 0;
    if (err)
        *err = missing;
    return -1;
}

const struct cgroup_hierarchy *cg_hierarchy_of(struct cg *cg, const char *name, struct err *err)
{
    char controller[64];
    const char *dot = strchr(name, '.');
    if (strcmp(name, "tasks") != 0 && strcmp(name, "notify_on_release") != 0 && (!dot || dot == name)) {
        err_say(err, EINVAL, "`%s` is not a file of a controller: a name begins with one, as in cpu.shares", name);
        return NULL;
    }
    snprintf(controller, sizeof controller, "%.*s", dot ? (int)(dot - name) : 0, name);
    /* What every group has is the same in each hierarchy; v2's own names are v2's. */
    const struct cgroup_hierarchy *hierarchy =
        dot && strcmp(controller, "cgroup") != 0 ? cgroups_find(&cg->all, controller, err) : NULL;
    for (size_t i = 0; !hierarchy && (!dot || strcmp(controller, "cgroup") == 0) && i < cg->all.count; i++)
        if (cg->all.list[i].v2)
            hierarchy = &cg->all.list[i];
    return hierarchy;
}

const char *cg_full(const struct cgroup_hierarchy *hierarchy, const char *path, const char *file, char *buf,
                    size_t size)
{
    path += strspn(path, "/");
    snprintf(buf, size, "%s%s%s%s%s", hierarchy->mount, *path ? "/" : "", path, *file ? "/" : "", file);
    return buf;
}

int cg_enter(struct cg *cg, const struct cg_target *target, pid_t pid, struct err *err)
{
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    const char *file = target->hierarchy->v2 ? "cgroup.procs" : "tasks";
    char full[PATH_MAX];
    if (cg->explain) {
        explain_call(cg->explain, "write(\"%s\", \"%d\")",
                     cg_full(target->hierarchy, target->path, file, full, sizeof full), pid);
        explain_option(cg->explain, 'g');
        return 0;
    }
    if (cgroup_open(&group, target->hierarchy, target->path, err) < 0)
        return -1;
    return target->hierarchy->v2 ? cgroup_move(&group, pid, err) : cgroup_move_thread(&group, pid, err);
}
