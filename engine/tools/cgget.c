/* cgget: read files of control groups. */
#include "engine/base/cleanup.h"
#include "engine/tools/cg.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define WORDS 64

struct request {
    const char *names[WORDS];
    size_t name_count;
    const char *controllers[WORDS]; /* the words after -g */
    size_t controller_count;
    FILE *out; /* a group that is not there must leave standard output empty: shown when all was read */
    bool all, headers, values_only, with_paths;
};

/* Lines after the first are set in by a tab, so that names still stand at the left. */
static void print_value(const struct request *request, const char *name, char *value)
{
    size_t len = strlen(value);
    if (len > 0 && value[len - 1] == '\n')
        value[len - 1] = '\0';
    if (!request->values_only)
        fprintf(request->out, "%s: ", name);
    for (char *rest = value, *line; (line = strsep(&rest, "\n"));)
        fprintf(request->out, "%s%s\n", line == value ? "" : "\t", line);
}

static int read_named(struct cg *cg, const struct request *request, const char *path, const char *name, struct err *err)
{
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    struct cgroup_done done;
    static char value[65536];
    const struct cgroup_hierarchy *hierarchy = cg_hierarchy_of(cg, name, err);
    if (!hierarchy)
        return -1;
    if (cg->explain) {
        char full[PATH_MAX];
        const struct cgroup_name *row = cgroup_name_find(name, !hierarchy->v2);
        const char *file = !row ? name : hierarchy->v2 ? row->v2 : row->v1;
        explain_call(cg->explain, "read(\"%s\")", cg_full(hierarchy, path, file ? file : name, full, sizeof full));
        explain_option(cg->explain, 'r');
        return 0;
    }
    if (cgroup_open(&group, hierarchy, path, err) < 0 ||
        cgroup_get_named(&group, name, value, sizeof value, &done, err) < 0)
        return -1;
    cg_say(cg, name, &done);
    print_value(request, name, value);
    return 0;
}

/* Every file whose name begins with one of the hierarchy's controllers. */
static int read_controller(struct cg *cg, const struct request *request, const struct cg_target *target,
                           const char *controller, struct err *err)
{
    cleanup_cgroup struct cgroup group = CGROUP_CLOSED;
    static char value[65536];
    char full[PATH_MAX];
    size_t len = strlen(controller);
    if (cg->explain) {
        explain_call(cg->explain, "read(\"%s/%s.*\")", cg_full(target->hierarchy, target->path, "", full, sizeof full),
                     controller);
        explain_option(cg->explain, request->all ? 'a' : 'g');
        return 0;
    }
    if (cgroup_open(&group, target->hierarchy, target->path, NULL) < 0)
        return 0; /* not in this hierarchy: nothing to show */
    cleanup_close int fd = openat(group.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return err_set(err, errno, "read cgroup `%s`", target->path);
    fd = -1;
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        struct stat st;
        if (entry->d_type == DT_DIR || strncmp(entry->d_name, controller, len) != 0 || entry->d_name[len] != '.' ||
            fstatat(group.dir, entry->d_name, &st, 0) < 0)
            continue;
        if (cgroup_get(&group, entry->d_name, value, sizeof value, NULL) < 0)
            value[0] = '\0'; /* files that can only be written read as nothing */
        print_value(request, entry->d_name, value);
    }
    return 0;
}

static int read_target(struct cg *cg, const struct request *request, const struct cg_target *target, struct err *err)
{
    static const char *const v2_files[] = {
        "cgroup", "cpu", "cpuset", "memory", "io", "pids", "hugetlb", "misc", "rdma"
    };
    if (target->hierarchy->v2) {
        for (size_t i = 0; request->all && i < sizeof v2_files / sizeof *v2_files; i++)
            if (read_controller(cg, request, target, v2_files[i], err) < 0)
                return -1;
        for (size_t i = 0; !request->all && i < target->count; i++)
            if (read_controller(cg, request, target, target->controllers[i], err) < 0)
                return -1;
        return 0;
    }
    char text[sizeof target->hierarchy->controllers];
    snprintf(text, sizeof text, "%s", target->hierarchy->controllers);
    for (char *rest = text, *one; (one = strsep(&rest, ","));)
        if (strncmp(one, "name=", 5) != 0 && read_controller(cg, request, target, one, err) < 0)
            return -1;
    return 0;
}

static int read_word(struct cg *cg, const struct request *request, const char *controllers, const char *path,
                     struct err *err)
{
    char word[1200];
    struct cg_targets to = { .count = 0 };
    struct err why = { 0 };
    snprintf(word, sizeof word, "%.*s:%s", (int)strcspn(controllers, ":"), controllers, path);
    if (cg_targets(cg, &to, word, &why) < 0) {
        fprintf(stderr, "cgget: %s\n", why.message);
        return why.code == ENODEV ? 0 : -1;
    }
    for (size_t i = 0; i < to.count; i++)
        if (read_target(cg, request, &to.list[i], err) < 0)
            return -1;
    return 0;
}

/* The group's values, or the exit status of what failed. */
static int read_group(struct cg *cg, struct request *request, const char *path, const char *word)
{
    struct err err = { 0 };
    if (request->headers && !cg->explain)
        fprintf(request->out, "%s:\n", path);
    for (size_t i = 0; i < request->name_count; i++)
        if (read_named(cg, request, path, request->names[i], &err) < 0)
            return cg_failed(cg, err.code == EINVAL ? CG_WRONG_NAME : CG_REFUSED, &err);
    if (word && read_word(cg, request, word, path, &err) < 0)
        return cg_failed(cg, CG_REFUSED, &err);
    for (size_t i = 0; !word && i < request->controller_count; i++)
        if (read_word(cg, request, request->controllers[i], path, &err) < 0)
            return cg_failed(cg, CG_REFUSED, &err);
    if (request->headers && !cg->explain)
        fputc('\n', request->out);
    return 0;
}

static int read_all(struct cg *cg, struct request *request, char **paths)
{
    for (size_t i = 0; request->with_paths && i < request->controller_count; i++) {
        const char *colon = strchr(request->controllers[i], ':');
        if (!colon || !colon[1])
            return tool_wrong(cg->table, "`%s` names no group", request->controllers[i]);
        int status = read_group(cg, request, colon + 1, request->controllers[i]);
        if (status)
            return status;
    }
    for (; *paths; paths++) {
        int status = read_group(cg, request, *paths, NULL);
        if (status)
            return status;
    }
    return 0;
}

int cgget_main(int argc, char **argv)
{
    struct tool_parser parser;
    struct cg cg;
    struct request request = { .headers = true };
    int status = cg_begin(&cg, &cgget_options);
    tool_parse(&parser, &cgget_options, argc, argv);
    for (int id; (id = tool_parse_next(&parser)) != -1;)
        switch (id) {
        case 'r':
            if (request.name_count == WORDS)
                return tool_wrong(parser.table, "too many names in one line");
            request.names[request.name_count++] = optarg;
            break;
        case 'g':
            if (request.controller_count == WORDS)
                return tool_wrong(parser.table, "too many controllers in one line");
            request.controllers[request.controller_count++] = optarg;
            request.with_paths |= strchr(optarg, ':') != NULL;
            break;
        case 'a':
            request.all = true;
            break;
        case 'n':
            request.headers = false;
            break;
        case 'v':
            request.values_only = true;
            break;
        }
    if (parser.ended)
        return parser.status;
    if (parser.explain)
        cg_explain(&cg);
    if (status)
        return status;
    if (request.name_count > 0 && (request.controller_count > 0 || request.all))
        return tool_wrong(parser.table, "-r does not go together with -g or -a");
    if (request.with_paths && optind < argc)
        return tool_wrong(parser.table, "a group is given behind -g or at the end, not both");
    if (!request.with_paths && optind == argc) {
        tool_wrong(parser.table, "of which group?");
        return request.name_count > 0 ? 255 : 1;
    }
    if (!request.with_paths && request.name_count + request.controller_count == 0)
        request.all = true;
    if (request.all && request.controller_count == 0)
        request.controllers[request.controller_count++] = "*";
    cleanup_free char *text = NULL;
    size_t size = 0;
    request.out = open_memstream(&text, &size);
    if (!request.out)
        return 1;
    status = read_all(&cg, &request, argv + optind);
    fclose(request.out);
    if (status == 0 && text)
        fputs(text, stdout);
    return fflush(stdout) == 0 ? status : 1;
}
