/* lsns: namespaces as util-linux' lsns lists them, option for option; read by engine/observe. */
#include "engine/tools/tools.h"

#include "engine/base/cleanup.h"
#include "engine/tools/lsns.h"
#include "engine/tools/lsns_options.h"

#include <locale.h>
#include <string.h>
#include <strings.h>

const struct table_column lsns_columns[LSNS_COLUMNS] = {
    [LSNS_NS] = { "NS", .number = true, .right = true },
    [LSNS_TYPE] = { "TYPE", .hint = 5 },
    [LSNS_PATH] = { .name = "PATH" },
    [LSNS_NPROCS] = { "NPROCS", .hint = 5, .number = true, .right = true },
    [LSNS_PID] = { "PID", .hint = 5, .number = true, .right = true },
    [LSNS_PPID] = { "PPID", .hint = 5, .number = true, .right = true },
    [LSNS_COMMAND] = { "COMMAND", .cut = true },
    [LSNS_UID] = { "UID", .number = true, .right = true },
    [LSNS_USER] = { .name = "USER" },
    [LSNS_NETNSID] = { "NETNSID", .right = true },
    [LSNS_NSFS] = { .name = "NSFS" },
    [LSNS_PNS] = { "PNS", .number = true, .right = true },
    [LSNS_ONS] = { "ONS", .number = true, .right = true },
};

bool lsns_has_column(const struct lsns *ls, enum lsns_column column)
{
    for (size_t i = 0; i < ls->column_count; i++)
        if (ls->columns[i] == column)
            return true;
    return false;
}

/* The column named by the @len bytes at @name, or LSNS_COLUMNS. */
static enum lsns_column find_column(const char *name, size_t len)
{
    unsigned i = 0;
    while (i < LSNS_COLUMNS && !(strncasecmp(lsns_columns[i].name, name, len) == 0 && !lsns_columns[i].name[len]))
        i++;
    return (enum lsns_column)i;
}

/* Add the columns of "NS,PID". Returns 0, or -1 after saying why. */
static int add_columns(struct lsns *ls, const char *list)
{
    if (!*list)
        return -1;
    for (const char *name = list; *name;) {
        size_t len = strcspn(name, ",");
        if (len == 0 && name[1])
            return -1; /* without a word, as util-linux */
        enum lsns_column column = find_column(name, len);
        /* A comma with nothing after it is wrong, as it is for util-linux. */
        if (column == LSNS_COLUMNS || (name[len] && !name[len + 1]))
            return tool_error("lsns", "unknown column: %s", name), -1;
        if (ls->column_count == LSNS_COLUMNS_MAX)
            return tool_error("lsns", "too many columns, at most %d", LSNS_COLUMNS_MAX), -1;
        ls->columns[ls->column_count++] = column;
        name += len + (name[len] == ',');
    }
    return 0;
}

static void set_columns(struct lsns *ls, const enum lsns_column *columns, size_t count)
{
    memcpy(ls->columns, columns, count * sizeof *columns);
    ls->column_count = count;
}

static int choose_columns(struct lsns *ls, bool all, const char *list, bool processes)
{
    static const enum lsns_column of_processes[] = { LSNS_PID, LSNS_PPID, LSNS_USER, LSNS_COMMAND };
    static const enum lsns_column of_namespaces[] = {
        LSNS_NS, LSNS_TYPE, LSNS_NPROCS, LSNS_PID, LSNS_USER, LSNS_COMMAND
    };
    static const enum lsns_column of_networks[] = { LSNS_NS,   LSNS_TYPE,    LSNS_NPROCS, LSNS_PID,
                                                    LSNS_USER, LSNS_NETNSID, LSNS_NSFS,   LSNS_COMMAND };
    ls->column_count = 0;
    if (list && *list != '+')
        return add_columns(ls, list);
    for (unsigned i = 0; all && i < LSNS_COLUMNS; i++)
        ls->columns[ls->column_count++] = (enum lsns_column)i;
    if (all)
        ;
    else if (processes)
        set_columns(ls, of_processes, sizeof of_processes / sizeof *of_processes);
    else if (ls->networks)
        set_columns(ls, of_networks, sizeof of_networks / sizeof *of_networks);
    else
        set_columns(ls, of_namespaces, sizeof of_namespaces / sizeof *of_namespaces);
    return list ? add_columns(ls, list + 1) : 0;
}

/* "invalid WHAT argument: 'abc'", with the reason where it is a number, but none that fits. */
static int wrong_number(const char *what, const char *text)
{
    if (errno == ERANGE)
        return tool_error("lsns", "invalid %s argument: '%s': %s", what, text, strerror(errno));
    return tool_error("lsns", "invalid %s argument: '%s'", what, text);
}

static int parse_pid(const char *text, pid_t *pid)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (end == text || *end)
        errno = EINVAL;
    else if (!errno && (number < INT32_MIN || number > INT32_MAX))
        errno = ERANGE;
    *pid = (pid_t)number;
    return errno ? wrong_number("PID", text) : 0;
}

static int parse_namespace(const char *text, uint64_t *inode)
{
    char *end;
    errno = 0;
    const char *first = text + strspn(text, " \t\n\v\f\r");
    *inode = strtoull(text, &end, 10);
    if (end == text || *end || *first == '-')
        errno = EINVAL;
    return errno ? wrong_number("namespace", text) : 0;
}

static int parse_tree(struct lsns *ls, const char *word)
{
    static const struct {
        const char *word;
        enum lsns_tree tree;
    } words[] = { { "owner", LSNS_OWNER }, { "parent", LSNS_PARENT }, { "process", LSNS_PROCESS } };
    ls->tree = LSNS_OWNER;
    if (!word)
        return 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, word) == 0) {
            ls->tree = words[i].tree;
            return 0;
        }
    return tool_error("lsns", "unknown tree type: %s", word);
}

static int parse_kind(struct lsns *ls, const char *name)
{
    size_t kind = namespace_find(name);
    if (kind == NAMESPACE_KINDS || strcmp(namespace_kinds[kind].name, name) != 0)
        return tool_error("lsns", "unknown namespace type: %s", name);
    ls->kinds |= 1U << kind;
    ls->networks = ls->networks || strcmp(name, "net") == 0;
    return 0;
}

/* Returns -1 to go on, or the exit status. */
static int parse(struct lsns *ls, int argc, char **argv, bool *explain)
{
    const char *list = NULL;
    bool all = false;
    int id, status = 0;
    struct tool_parser parser;
    tool_parse(&parser, &lsns_options, argc, argv);
    while (status == 0 && (id = tool_parse_next(&parser)) != -1) {
        switch (id) {
        case 'J':
        case 'r':
            if (ls->form != TABLE_COLUMNS && ls->form != (id == 'J' ? TABLE_JSON : TABLE_RAW))
                return tool_error("lsns", "mutually exclusive arguments: --json --raw");
            ls->form = id == 'J' ? TABLE_JSON : TABLE_RAW;
            break;
        case 'l':
            ls->list = true;
            break;
        case 'n':
            ls->no_headings = true;
            break;
        case 'o':
            list = optarg;
            break;
        case LSNS_OUTPUT_ALL:
            all = true;
            break;
        case 'p':
            status = parse_pid(optarg, &ls->pid);
            break;
        case 'u':
            ls->no_cut = true;
            break;
        case 'W':
            ls->no_wrap = true;
            break;
        case 't':
            status = parse_kind(ls, optarg);
            break;
        case 'T':
            status = parse_tree(ls, optarg);
            break;
        }
    }
    *explain = parser.explain;
    if (parser.ended)
        return parser.status;
    if (status != 0)
        return status;
    bool processes = optind < argc;
    if (processes && ls->pid)
        return tool_error("lsns", "--task is mutually exclusive with <namespace>");
    if (processes && (status = parse_namespace(argv[optind], &ls->inode)) != 0)
        return status;
    if (ls->tree == LSNS_LIST && !ls->list && (!all || ls->inode))
        ls->tree = LSNS_PROCESS;
    if (!ls->kinds)
        ls->kinds = SYSTEM_ALL_KINDS;
    return choose_columns(ls, all, list, processes) < 0 ? 1 : -1;
}

/* --- The steps, as --explain says them and as they are done --- */

static bool wants_relations(const void *request)
{
    const struct lsns *ls = request;
    return ls->tree == LSNS_OWNER || ls->tree == LSNS_PARENT || lsns_has_column(ls, LSNS_PNS) ||
           lsns_has_column(ls, LSNS_ONS);
}

static void explain_read(const void *request, struct tool_explanation *e)
{
    const struct lsns *ls = request;
    explain_call(e, "openat(AT_FDCWD, \"/proc\", O_RDONLY|O_DIRECTORY), getdents64");
    explain_why(e, "every process this /proc shows: those of its pid namespace and of the ones below");
    explain_call(e, "openat(PROC, \"PID\", O_PATH), fstat, openat(PID, \"stat\"), read");
    explain_why(e, "of each process: its user (whose the directory is), its parent");
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (ls->kinds & 1U << i)
            explain_call(e, "readlinkat(PID, \"ns/%s\")", namespace_kinds[i].name);
    explain_why(e, "a link to `%s:[NUMBER]`: who has the same number is in the same namespace",
                ls->networks ? "net" : "KIND");
    if (ls->kinds != SYSTEM_ALL_KINDS)
        explain_option(e, 't');
    if (wants_relations(ls)) {
        explain_call(e, "openat(PID, \"ns/KIND\"), ioctl(NS_GET_PARENT), fstat, ioctl(NS_GET_USERNS), fstat");
        explain_why(e, "of each namespace, once: the one it was made in and the user namespace that owns it");
    }
}

static int run_read(void *request, struct err *err)
{
    struct lsns *ls = request;
    /* Without /proc there is nothing to list, which for util-linux is no failure. */
    if (system_read(ls->kinds, wants_relations(ls), &ls->view, err) < 0 && err->code != ENOENT)
        return -1;
    if (!ls->view.process_count)
        tool_error("lsns", "/proc shows no process: is proc mounted there? `mount -t proc proc /proc` mounts it");
    return 0;
}

static bool wants_complete(const void *request)
{
    const struct lsns *ls = request;
    return ls->tree == LSNS_OWNER || ls->tree == LSNS_PARENT;
}

static void explain_complete(const void *request, struct tool_explanation *e)
{
    explain_call(e, "ioctl(NS_GET_USERNS) or ioctl(NS_GET_PARENT), of what that gave, until EPERM");
    explain_option(e, 'T');
    explain_why(e, "a namespace on the way may have no process left, and still have one made in it");
}

static int run_complete(void *request, struct err *err)
{
    struct lsns *ls = request;
    if (system_complete(&ls->view, SYSTEM_PARENT, err) < 0)
        return -1;
    return system_complete(&ls->view, SYSTEM_OWNER, err);
}

static bool wants_mounts(const void *request)
{
    return lsns_has_column(request, LSNS_NSFS);
}

static void explain_mounts(const void *request, struct tool_explanation *e)
{
    explain_call(e, "openat(AT_FDCWD, \"/proc/self/mountinfo\"), read");
    explain_why(e, "column NSFS: a file on which a namespace is bound is a mount of type nsfs");
}

static int run_mounts(void *request, struct err *err)
{
    struct lsns *ls = request;
    if (observe_mounts(getpid(), &ls->mounts, err) < 0 && err->code != ESRCH)
        return -1;
    return 0;
}

static void explain_show(const void *request, struct tool_explanation *e)
{
    const struct lsns *ls = request;
    if (lsns_has_column(ls, LSNS_NETNSID) && ls->kinds & 1U << namespace_find("net")) {
        explain_call(e, "socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), sendto(RTM_GETNSID, NETNSA_FD), recvfrom");
        explain_why(e, "column NETNSID: this network namespace has numbers for those it has links to");
    }
    if (lsns_has_column(ls, LSNS_COMMAND)) {
        explain_call(e, "openat(AT_FDCWD, \"/proc/PID/cmdline\"), read");
        explain_why(e, "column COMMAND; where that is empty (the kernel's own, zombies) /proc/PID/comm");
    }
    explain_call(e, "write(1)");
    if (ls->pid)
        explain_option(e, 'p');
}

static int run_show(void *request, struct err *err)
{
    return lsns_show(request, stdout, err);
}

static const struct tool_step steps[] = {
    { NULL, explain_read, run_read },
    { wants_complete, explain_complete, run_complete },
    { wants_mounts, explain_mounts, run_mounts },
    { NULL, explain_show, run_show },
};

int lsns_main(int argc, char **argv)
{
    struct lsns ls = { .tree = LSNS_LIST, .netlink = -1 };
    bool explain = false;
    setlocale(LC_CTYPE, "");
    int status = parse(&ls, argc, argv, &explain);
    if (status >= 0)
        return status;
    if (explain)
        return tool_explain(&lsns_options, steps, sizeof steps / sizeof *steps, &ls, stdout);
    struct err err = { 0 };
    status = tool_run(steps, sizeof steps / sizeof *steps, &ls, &err) < 0 ? tool_error("lsns", "%s", err.message) : 0;
    observe_mounts_free(&ls.mounts);
    system_free(&ls.view);
    if (fflush(stdout) != 0 || ferror(stdout))
        status = tool_error("lsns", "write error: %s", strerror(errno));
    return status;
}
