/* cgset: write files of control groups. */
#include "engine/base/cleanup.h"
#include "engine/tools/cg.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

struct setting {
    char name[128];
    const char *value;
};

static int write_one(struct cg *cg, const char *path, const struct setting *setting, struct err *err)
{
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    struct cgroup_done done;
    const char *name = setting->name, *value = setting->value;
    char full[PATH_MAX];
    const struct cgroup_hierarchy *hierarchy = cg_hierarchy_of(cg, name, err);
    if (!hierarchy)
        return -1;
    if (cg->explain) {
        const struct cgroup_name *row = cgroup_name_find(name, !hierarchy->v2);
        const char *file = !row ? name : hierarchy->v2 ? row->v2 : row->v1;
        explain_call(cg->explain, "write(\"%s\", \"%s\")",
                     cg_full(hierarchy, path, file ? file : name, full, sizeof full), value);
        explain_option(cg->explain, 'r');
        if (row && row->why)
            explain_why(cg->explain, "%s is v%d's name: %s", name, hierarchy->v2 ? 1 : 2, row->why);
        return 0;
    }
    if (cgroup_open(&group, hierarchy, path, err) < 0 || cgroup_set_named(&group, name, value, &done, err) < 0)
        return -1;
    cg_say(cg, name, &done);
    return 0;
}

/* What can be read and written, and holds something: the rest are buttons, not settings. */
static void copy_file(const struct cgroup *from, const struct cgroup *to, const char *name)
{
    struct stat st;
    char value[4096];
    if (fstatat(from->dir, name, &st, 0) < 0 || (st.st_mode & (S_IRUSR | S_IWUSR)) != (S_IRUSR | S_IWUSR))
        return;
    ssize_t len = cgroup_get(from, name, value, sizeof value, NULL);
    if (len <= 1)
        return;
    value[len - 1] = '\0';
    cgroup_set(to, name, value,
               NULL); /* what one group may hold another may not: nothing is lost that was asked for by name */
}

static int copy(struct cg *cg, const char *from_path, const char *to_path, struct err *err)
{
    bool any = false;
    for (size_t i = 0; i < cg->all.count; i++) {
        cleanup_cgroup struct cgroup from = CGROUP_CLOSED, to = CGROUP_CLOSED;
        const struct cgroup_hierarchy *hierarchy = &cg->all.list[i];
        if (cgroup_open(&from, hierarchy, from_path, NULL) < 0)
            continue;
        any = true;
        if (cgroup_open(&to, hierarchy, to_path, NULL) < 0)
            continue;
        if (cg->explain) {
            char full[PATH_MAX];
            explain_call(cg->explain, "read and write(\"%s/*\")", cg_full(hierarchy, to_path, "", full, sizeof full));
            explain_option(cg->explain, CG_COPY_FROM);
            continue;
        }
        cleanup_close int fd = openat(from.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir)
            return err_set(err, errno, "read cgroup `%s`", from_path);
        fd = -1;
        const struct dirent *entry;
        while ((entry = readdir(dir)))
            if (entry->d_type != DT_DIR && strchr(entry->d_name, '.') && strncmp(entry->d_name, "cgroup.", 7) != 0)
                copy_file(&from, &to, entry->d_name);
    }
    return any ? 0 : err_say(err, ENOENT, "there is no cgroup `%s` to copy from", from_path);
}

int cgset_main(int argc, char **argv)
{
    struct tool_parser parser;
    struct cg cg;
    struct setting settings[64];
    size_t count = 0;
    const char *source = NULL;
    int status = cg_begin(&cg, &cgset_options);
    tool_parse(&parser, &cgset_options, argc, argv);
    for (int id; (id = tool_parse_next(&parser)) != -1;)
        switch (id) {
        case 'r': {
            const char *equals = strchr(optarg, '=');
            if (!equals || equals == optarg || !equals[1])
                return tool_wrong(parser.table, "`%s` is not of the form NAME=VALUE, such as cpu.shares=512", optarg);
            if (count == sizeof settings / sizeof *settings)
                return tool_wrong(parser.table, "too many settings in one line");
            snprintf(settings[count].name, sizeof settings->name, "%.*s", (int)(equals - optarg), optarg);
            settings[count++].value = equals + 1;
            break;
        }
        case CG_COPY_FROM:
            source = optarg;
            break;
        }
    if (parser.ended)
        return parser.status;
    if (parser.explain)
        cg_explain(&cg);
    if (source && count > 0)
        return tool_wrong(parser.table, "-r and --copy-from do not go together");
    if (!source && count == 0)
        return tool_wrong(parser.table, "what shall be written? -r cpu.shares=512, for example");
    if (optind == argc)
        return tool_wrong(parser.table, "to which group?");
    for (int i = optind; status == 0 && i < argc; i++) {
        struct err err = { 0 };
        if (source && copy(&cg, source, argv[i], &err) < 0)
            return cg_failed(&cg, CG_NO_GROUP, &err);
        for (size_t k = 0; k < count; k++)
            if (write_one(&cg, argv[i], &settings[k], &err) < 0)
                return cg_failed(&cg,
                                 err.code == ENODEV                                     ? CG_NO_CONTROLLER
                                 : err.code == ENOENT || err.code == ENOTSUP            ? CG_NO_FILE
                                 : err.code == EINVAL && !strchr(settings[k].name, '.') ? 255
                                                                                        : CG_REFUSED,
                                 &err);
    }
    return status;
}
