/* lscgroup: list control groups. */
#include "engine/base/cleanup.h"
#include "engine/tools/cg.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* The controllers a line begins with: "cpu,cpuacct"; on v2 those the whole tree has. */
static void label(const struct cgroup_hierarchy *hierarchy, char *text, size_t size)
{
    snprintf(text, size, "%s", hierarchy->controllers);
    struct cgroup root;
    if (!hierarchy->v2 || cgroup_open(&root, hierarchy, "", NULL) < 0)
        return;
    if (cgroup_get(&root, "cgroup.controllers", text, size, NULL) < 0)
        text[0] = '\0';
    cgroup_close(&root);
    text[strcspn(text, "\n")] = '\0';
    for (char *p = text; (p = strchr(p, ' '));)
        *p = ',';
}

static void list_below(int dir, const char *name, const char *path)
{
    cleanup_close int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *list = again < 0 ? NULL : fdopendir(again);
    if (!list)
        return;
    again = -1;
    const struct dirent *entry;
    while ((entry = readdir(list))) {
        char below[PATH_MAX];
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            snprintf(below, sizeof below, "%s/%s", path, entry->d_name) >= (int)sizeof below)
            continue;
        printf("%s:%s\n", name, below);
        cleanup_close int child = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (child >= 0)
            list_below(child, name, below);
    }
}

static void list_target(struct cg *cg, const struct cg_target *target)
{
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    char name[256], full[PATH_MAX], path[sizeof group.path + 2];
    label(target->hierarchy, name, sizeof name);
    if (cg->explain) {
        explain_call(cg->explain, "getdents64(\"%s\"), and of every directory below",
                     cg_full(target->hierarchy, target->path, "", full, sizeof full));
        explain_why(cg->explain, "a group is a directory, and there is no other list of them");
        return;
    }
    if (cgroup_open(&group, target->hierarchy, target->path, NULL) < 0)
        return;
    snprintf(path, sizeof path, "%s%s", *group.path ? "/" : "", group.path);
    printf("%s:%s/\n", name, path);
    list_below(group.dir, name, path);
}

int lscgroup_main(int argc, char **argv)
{
    struct tool_parser parser;
    struct cg cg;
    struct cg_targets to = { .count = 0 };
    struct err err = { 0 };
    struct cg_words words = { .count = 0 };
    int wrong, status = cg_begin(&cg, &lscgroup_options);
    tool_parse(&parser, &lscgroup_options, argc, argv);
    for (int id; (id = tool_parse_next(&parser)) != -1;)
        switch (id) {
        case 'g':
            if ((wrong = cg_take_word(&cg, &words, optarg)))
                return wrong;
            break;
        }
    if (parser.ended)
        return parser.status;
    if (parser.explain)
        cg_explain(&cg);
    if ((wrong = cg_take_operands(&cg, &words, argc, argv)))
        return wrong;
    if (status)
        return status;
    if (words.count == 0)
        words.list[words.count++] = "*:/";
    for (size_t i = 0; i < words.count; i++) {
        if (!strchr(words.list[i], ':'))
            return tool_wrong(parser.table, "`%s` is not of the form CONTROLLERS:PATH", words.list[i]);
        if (cg_targets(&cg, &to, words.list[i], &err) < 0)
            return cg_failed(&cg, err.code == ENODEV ? CG_FAILED_LIST : 255, &err);
    }
    for (size_t i = 0; i < to.count; i++)
        list_target(&cg, &to.list[i]);
    return fflush(stdout) == 0 ? 0 : 1;
}
