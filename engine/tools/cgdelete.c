/* cgdelete: remove control groups. */
#include "engine/tools/cg.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* On v2 the group above may hand controllers on, and then takes no processes. A lab has a group beside for them, as every manager of a v2 tree has. */
static int make_way(const struct cg_target *target, struct err *err)
{
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED, beside = CGROUP_CLOSED;
    char path[sizeof target->path + 8];
    const char *slash = strrchr(target->path, '/');
    snprintf(path, sizeof path, "%.*sinit", slash ? (int)(slash - target->path) + 1 : 0, target->path);
    if (!target->hierarchy->v2 || strcmp(path, target->path) == 0 ||
        cgroup_open(&group, target->hierarchy, target->path, NULL) < 0 ||
        cgroup_open(&beside, target->hierarchy, path, NULL) < 0)
        return -1;
    pid_t pids[1024];
    ssize_t count = cgroup_members(&group, false, pids, sizeof pids / sizeof *pids, NULL);
    for (ssize_t i = 0; i < count && i < (ssize_t)(sizeof pids / sizeof *pids); i++)
        if (cgroup_move(&beside, pids[i], err) < 0)
            return -1;
    if (count > 0)
        fprintf(
            stderr,
            "cgdelete: the group above `%s` hands controllers on, so on v2 it takes no processes: moved %zd to `/%s`\n",
            target->given, count, path);
    return 0;
}

static int delete_target(const struct cg *cg, const struct cg_target *target, bool recursive, struct err *err)
{
    if (cg->explain) {
        char full[PATH_MAX];
        explain_call(cg->explain, "write(\"…/%s\", each pid in it)", target->hierarchy->v2 ? "cgroup.procs" : "tasks");
        explain_why(cg->explain, "a group with processes cannot be removed, so they go to the group above");
        explain_call(cg->explain, "rmdir(\"%s\")", cg_full(target->hierarchy, target->path, "", full, sizeof full));
        explain_option(cg->explain, recursive ? 'r' : 'g');
        return 0;
    }
    if (cgroup_remove(target->hierarchy, target->path, recursive, true, err) == 0)
        return 0;
    return err->code == EBUSY && make_way(target, err) == 0
               ? cgroup_remove(target->hierarchy, target->path, recursive, true, err)
               : -1;
}

int cgdelete_main(int argc, char **argv)
{
    struct tool_parser parser;
    struct cg cg;
    struct cg_words words = { .count = 0 };
    bool recursive = false;
    int wrong, status = cg_begin(&cg, &cgdelete_options);
    tool_parse(&parser, &cgdelete_options, argc, argv);
    for (int id; (id = tool_parse_next(&parser)) != -1;)
        switch (id) {
        case 'g':
            if ((wrong = cg_take_word(&cg, &words, optarg)))
                return wrong;
            break;
        case 'r':
            recursive = true;
            break;
        }
    if (parser.ended)
        return parser.status;
    if (parser.explain)
        cg_explain(&cg);
    if ((wrong = cg_take_operands(&cg, &words, argc, argv)))
        return wrong;
    for (size_t i = 0; status == 0 && i < words.count; i++) {
        struct cg_targets to = { .count = 0 };
        struct err err = { 0 };
        if (cg_targets(&cg, &to, words.list[i], &err) < 0)
            return cg_failed(&cg, err.code == ENODEV ? CG_NO_CONTROLLER : 255, &err);
        for (size_t k = 0; k < to.count; k++)
            if (delete_target(&cg, &to.list[k], recursive, &err) < 0)
                cg_failed(&cg, CG_REFUSED, &err);
    }
    return status ? status : cg.status;
}
