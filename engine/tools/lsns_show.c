/* The lines of lsns: what stands in each column, and which line is under which. */
#include "engine/tools/lsns.h"

#include "engine/base/cleanup.h"
#include "engine/tools/netnsid.h"

#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/ioctl.h>

struct user {
    uid_t uid;
    char *name;
};

/* What is looked up once, however many lines show it. */
struct lookups {
    char **commands; /* one a process; NULL: not yet */
    int *netnsids;   /* one a namespace */
    bool *asked;     /* netnsids that are known */
    struct user *users;
    size_t user_count;
};

struct lister {
    struct lsns *ls;
    struct lookups found;
    struct table table;
    size_t *line; /* of a process or of a namespace, as the tree goes; TABLE_NONE: none yet */
};

/* The words of a command line parted by blanks, as many as fit; else what the process calls itself. "": it has ended. */
static char *read_command(pid_t pid)
{
    char path[32], text[8192];
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, i == 0 ? "cmdline" : "comm");
        cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t len = 0, n = -1;
        while (fd >= 0 && len < (ssize_t)sizeof text && (n = read(fd, text + len, sizeof text - (size_t)len)) > 0)
            len += n;
        if (len <= 0)
            continue;
        text[len - 1] = '\0'; /* a NUL, or comm's newline */
        for (ssize_t at = 0; at + 1 < len; at++)
            if (!text[at])
                text[at] = ' ';
        return strdup(text);
    }
    return strdup("");
}

static const char *command_of(struct lister *l, size_t process)
{
    char **command = &l->found.commands[process];
    if (!*command)
        *command = read_command(l->ls->view.processes[process].pid);
    return *command && **command ? *command : NULL;
}

static const char *user_name(struct lister *l, uid_t uid)
{
    struct lookups *found = &l->found;
    for (size_t i = 0; i < found->user_count; i++)
        if (found->users[i].uid == uid)
            return found->users[i].name;
    struct user *users = reallocarray(found->users, found->user_count + 1, sizeof *users);
    if (!users)
        return NULL;
    found->users = users;
    const struct passwd *pw = getpwuid(uid);
    char number[16];
    snprintf(number, sizeof number, "%u", uid);
    char *name = strdup(pw ? pw->pw_name : number);
    if (!name)
        return NULL;
    users[found->user_count++] = (struct user){ uid, name };
    return name;
}

/* "3", "unassigned", or NULL where it cannot be known. */
static const char *netnsid_of(struct lister *l, size_t ns, char *text, size_t size)
{
    struct lookups *found = &l->found;
    if (!found->asked[ns]) {
        cleanup_close int fd = system_namespace_open(&l->ls->view, ns, NULL);
        if (l->ls->netlink < 0)
            l->ls->netlink = netnsid_open(NULL);
        found->netnsids[ns] = fd < 0 || l->ls->netlink < 0 ? NETNSID_UNKNOWN : netnsid_get(l->ls->netlink, fd);
        found->asked[ns] = true;
    }
    if (found->netnsids[ns] == NETNSID_UNKNOWN)
        return NULL;
    if (found->netnsids[ns] == NETNSID_UNASSIGNED)
        return "unassigned";
    snprintf(text, size, "%d", found->netnsids[ns]);
    return text;
}

/* Is @point one of the paths in @list, which @separator parts? */
static bool is_listed(const char *list, const char *point, char separator)
{
    size_t len = strlen(point);
    for (const char *at = list; *at;) {
        const char *end = strchrnul(at, separator);
        if ((size_t)(end - at) == len && memcmp(at, point, len) == 0)
            return true;
        at = *end ? end + 1 : end;
    }
    return false;
}

/* Where @ns is bound, malloc'ed; NULL: nowhere. */
static char *bound_on(const struct lsns *ls, const struct system_namespace *ns)
{
    char root[48];
    char *list = NULL;
    char separator = ls->no_wrap || ls->form == TABLE_RAW ? ',' : '\n';
    snprintf(root, sizeof root, "%s:[%llu]", namespace_kinds[ns->kind].name, (unsigned long long)ns->inode);
    for (size_t i = 0; i < ls->mounts.count; i++) {
        const struct observe_mount *mount = &ls->mounts.list[i];
        if (strcmp(mount->type, "nsfs") != 0 || strcmp(mount->root, root) != 0 ||
            (list && is_listed(list, mount->point, separator)))
            continue;
        char *longer;
        int n =
            list ? asprintf(&longer, "%s%c%s", list, separator, mount->point) : asprintf(&longer, "%s", mount->point);
        if (n < 0)
            break;
        free(list);
        list = longer;
    }
    return list;
}

static char *number_text(unsigned long long number)
{
    char *text;
    return asprintf(&text, "%llu", number) < 0 ? NULL : text;
}

static char *copy_text(const char *text)
{
    return text ? strdup(text) : NULL;
}

/* What stands in @column for namespace @n_index and process @p_index (SYSTEM_NONE: no process is in it). Malloc'ed or NULL. */
static char *make_cell(struct lister *l, enum lsns_column column, size_t n_index, size_t p_index)
{
    const struct system_namespace *ns = &l->ls->view.namespaces[n_index];
    const struct system_process *process = p_index == SYSTEM_NONE ? NULL : &l->ls->view.processes[p_index];
    const uid_t uid = process ? process->uid : ns->owner_uid;
    char text[64];
    switch (column) {
    case LSNS_NS:
        return number_text(ns->inode);
    case LSNS_TYPE:
        return strdup(namespace_kinds[ns->kind].name);
    case LSNS_PATH:
        if (!process)
            return NULL;
        snprintf(text, sizeof text, "/proc/%d/ns/%s", process->pid, namespace_kinds[ns->kind].name);
        return strdup(text);
    case LSNS_NPROCS:
        return number_text(ns->processes);
    case LSNS_PID:
        return process ? number_text((unsigned)process->pid) : NULL;
    case LSNS_PPID:
        return process ? number_text((unsigned)process->ppid) : NULL;
    case LSNS_COMMAND:
        return process ? copy_text(command_of(l, p_index)) : NULL;
    case LSNS_UID:
        return number_text(uid);
    case LSNS_USER:
        return copy_text(user_name(l, uid));
    case LSNS_NETNSID:
        return strcmp(namespace_kinds[ns->kind].name, "net") == 0 ? copy_text(netnsid_of(l, n_index, text, sizeof text))
                                                                  : NULL;
    case LSNS_NSFS:
        return bound_on(l->ls, ns);
    case LSNS_PNS:
        return number_text(ns->related[SYSTEM_PARENT]);
    case LSNS_ONS:
        return number_text(ns->related[SYSTEM_OWNER]);
    case LSNS_COLUMNS:
        break;
    }
    return NULL;
}

static size_t add_line(struct lister *l, size_t ns, size_t process, size_t parent)
{
    size_t line = table_add(&l->table, parent);
    for (size_t c = 0; line != TABLE_NONE && c < l->ls->column_count; c++)
        l->table.lines[line].cells[c] = make_cell(l, l->ls->columns[c], ns, process);
    return line;
}

/* A line about @process, under the last one about its parent. */
static int add_process(struct lister *l, size_t ns, size_t process)
{
    size_t above = l->ls->tree == LSNS_PROCESS && process != SYSTEM_NONE
                       ? system_process(&l->ls->view, l->ls->view.processes[process].ppid)
                       : SYSTEM_NONE;
    size_t line = add_line(l, ns, process, above == SYSTEM_NONE ? TABLE_NONE : l->line[above]);
    if (process != SYSTEM_NONE)
        l->line[process] = line;
    return line == TABLE_NONE ? -1 : 0;
}

/* A line about namespace @ns, after those it is under. A namespace that has no parent comes after its owner, under nothing. */
static int add_namespace(struct lister *l, size_t ns, enum system_relation relation)
{
    const struct system_view *view = &l->ls->view;
    if (l->line[ns] != TABLE_NONE)
        return 0;
    size_t above = system_namespace(view, view->namespaces[ns].related[relation]);
    size_t before = above == SYSTEM_NONE ? system_namespace(view, view->namespaces[ns].related[SYSTEM_OWNER]) : above;
    if (before != SYSTEM_NONE && add_namespace(l, before, relation) < 0) /* NOLINT(misc-no-recursion) */
        return -1;
    l->line[ns] = add_line(l, ns, view->namespaces[ns].first, above == SYSTEM_NONE ? TABLE_NONE : l->line[above]);
    return l->line[ns] == TABLE_NONE ? -1 : 0;
}

static int add_namespaces(struct lister *l)
{
    const struct lsns *ls = l->ls;
    const struct system_view *view = &ls->view;
    size_t only = ls->pid ? system_process(view, ls->pid) : SYSTEM_NONE;
    for (size_t i = 0; i < view->namespace_count; i++) {
        const struct system_namespace *ns = &view->namespaces[i];
        if (ls->pid && (only == SYSTEM_NONE || view->processes[only].inode[ns->kind] != ns->inode))
            continue;
        int result = ls->tree == LSNS_OWNER    ? add_namespace(l, i, SYSTEM_OWNER)
                     : ls->tree == LSNS_PARENT ? add_namespace(l, i, SYSTEM_PARENT)
                                               : add_process(l, i, ns->first);
        if (result < 0)
            return -1;
    }
    return 0;
}

static int add_processes(struct lister *l, size_t ns)
{
    const struct system_view *view = &l->ls->view;
    for (size_t i = 0; i < view->process_count; i++)
        if (view->processes[i].inode[view->namespaces[ns].kind] == view->namespaces[ns].inode &&
            add_process(l, ns, i) < 0)
            return -1;
    return 0;
}

/* As wide as the terminal that is written to; 0: no terminal. */
static unsigned terminal_width(FILE *out)
{
    struct winsize size;
    if (!isatty(fileno(out)))
        return 0;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col)
        return size.ws_col;
    const char *columns = getenv("COLUMNS");
    unsigned long number = columns ? strtoul(columns, NULL, 10) : 0;
    return number > 0 && number < 10000 ? (unsigned)number : 80;
}

static size_t tree_column(const struct lsns *ls)
{
    const enum lsns_column shows = ls->tree == LSNS_PROCESS ? LSNS_COMMAND : LSNS_NS;
    for (size_t i = 0; ls->tree != LSNS_LIST && i < ls->column_count; i++)
        if (ls->columns[i] == shows)
            return i;
    return TABLE_NONE;
}

static int show(struct lister *l, FILE *out, struct err *err)
{
    const struct lsns *ls = l->ls;
    size_t ns = ls->inode ? system_namespace(&ls->view, ls->inode) : SYSTEM_NONE;
    if (ls->inode && (ns == SYSTEM_NONE || !ls->view.namespaces[ns].processes))
        return err_say(err, ENOENT, "not found namespace: %llu", (unsigned long long)ls->inode);
    int result = ls->inode ? add_processes(l, ns) : add_namespaces(l);
    if (result < 0 || table_print(&l->table, out) < 0)
        return err_set(err, ENOMEM, "make a table of %zu lines", l->table.line_count);
    return 0;
}

int lsns_show(struct lsns *ls, FILE *out, struct err *err)
{
    const struct table_column *columns[LSNS_COLUMNS_MAX];
    for (size_t i = 0; i < ls->column_count; i++)
        columns[i] = &lsns_columns[ls->columns[i]];
    const size_t processes = ls->view.process_count, namespaces = ls->view.namespace_count;
    const size_t lines = processes > namespaces ? processes : namespaces;
    struct lister l = {
        .ls = ls,
        .found = { .commands = calloc(processes + 1, sizeof(char *)),
                   .netnsids = calloc(namespaces + 1, sizeof(int)),
                   .asked = calloc(namespaces + 1, sizeof(bool)) },
        .table = { .name = "namespaces",
                   .columns = columns,
                   .column_count = ls->column_count,
                   .tree = tree_column(ls),
                   .form = ls->form,
                   .headings = !ls->no_headings,
                   .width = ls->no_cut ? 0 : terminal_width(out) },
        .line = malloc((lines + 1) * sizeof(size_t)),
    };
    int result;
    if (!l.found.commands || !l.found.netnsids || !l.found.asked || !l.line) {
        result = err_set(err, ENOMEM, "list %zu processes", processes);
    } else {
        for (size_t i = 0; i <= lines; i++)
            l.line[i] = TABLE_NONE;
        result = show(&l, out, err);
    }
    for (size_t i = 0; l.found.commands && i < processes; i++)
        free(l.found.commands[i]);
    for (size_t i = 0; i < l.found.user_count; i++)
        free(l.found.users[i].name);
    free(l.found.commands);
    free(l.found.netnsids);
    free(l.found.asked);
    free(l.found.users);
    free(l.line);
    table_free(&l.table);
    if (ls->netlink >= 0)
        close(ls->netlink);
    ls->netlink = -1;
    return result;
}
