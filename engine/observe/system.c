#include "engine/observe/system.h"

#include "engine/base/cleanup.h"
#include "engine/observe/proc.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* The namespaces met so far: slot → 1 + index in the view, so that 2,000 processes in as many namespaces need no search. */
struct index {
    size_t *slots;
    size_t size; /* a power of two */
};

struct reader {
    struct system_view *view;
    size_t process_room, namespace_room;
    struct index index;
    unsigned kinds;
    bool relations;
    int proc;
};

static size_t *slot_of(const struct index *index, const struct system_namespace *list, uint64_t inode)
{
    size_t at = (size_t)(inode * 0x9e3779b97f4a7c15ULL >> 32) & (index->size - 1);
    while (index->slots[at] && list[index->slots[at] - 1].inode != inode)
        at = (at + 1) & (index->size - 1);
    return &index->slots[at];
}

static int grow_index(struct reader *r)
{
    struct index wider = { NULL, r->index.size ? r->index.size * 2 : 256 };
    wider.slots = calloc(wider.size, sizeof *wider.slots);
    if (!wider.slots)
        return -1;
    for (size_t i = 0; i < r->view->namespace_count; i++)
        *slot_of(&wider, r->view->namespaces, r->view->namespaces[i].inode) = i + 1;
    free(r->index.slots);
    r->index = wider;
    return 0;
}

/* Room for one more; the list may move. */
static void *with_room(void *list, size_t count, size_t *room, size_t each)
{
    if (count < *room)
        return list;
    size_t wanted = *room ? *room * 2 : 256;
    void *wider = reallocarray(list, wanted, each);
    if (wider)
        *room = wanted;
    return wider;
}

static struct system_namespace *add_namespace(struct system_view *view, size_t *room, unsigned kind, uint64_t inode)
{
    void *list = with_room(view->namespaces, view->namespace_count, room, sizeof *view->namespaces);
    if (!list)
        return NULL;
    view->namespaces = list;
    struct system_namespace *ns = &view->namespaces[view->namespace_count++];
    *ns = (struct system_namespace){ .inode = inode, .kind = kind, .first = SYSTEM_NONE };
    return ns;
}

static uint64_t inode_of(int ns)
{
    struct stat st;
    return fstat(ns, &st) == 0 ? st.st_ino : 0;
}

static bool has_parent(unsigned kind)
{
    return namespace_kinds[kind].flag == CLONE_NEWPID || namespace_kinds[kind].flag == CLONE_NEWUSER;
}

/* An fd of what @ns leads to. Above what the reader's own namespaces are in, the kernel says EPERM. */
static int relation_open(int ns, unsigned kind, enum system_relation relation)
{
    if (relation == SYSTEM_OWNER)
        return ioctl(ns, NS_GET_USERNS);
    return has_parent(kind) ? ioctl(ns, NS_GET_PARENT) : -1;
}

static void read_relations(int ns, struct system_namespace *of)
{
    for (int relation = 0; relation < SYSTEM_RELATIONS; relation++) {
        cleanup_close int related = relation_open(ns, of->kind, (enum system_relation)relation);
        of->related[relation] = related < 0 ? 0 : inode_of(related);
    }
}

static int namespace_open_at(int proc, const char *pid, const struct system_namespace *ns)
{
    char path[48];
    snprintf(path, sizeof path, "%.10s/ns/%s", pid, namespace_kinds[ns->kind].name);
    cleanup_close int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    /* The number may be another process's by now. */
    return fd >= 0 && inode_of(fd) == ns->inode ? take_fd(&fd) : -1;
}

/* Count process @index in namespace @inode. */
static int join(struct reader *r, const char *pid, size_t index, unsigned kind, uint64_t inode)
{
    if (r->view->namespace_count * 2 >= r->index.size && grow_index(r) < 0)
        return -1;
    size_t *slot = slot_of(&r->index, r->view->namespaces, inode);
    struct system_namespace *ns = *slot ? &r->view->namespaces[*slot - 1] : NULL;
    if (!ns) {
        ns = add_namespace(r->view, &r->namespace_room, kind, inode);
        if (!ns)
            return -1;
        *slot = r->view->namespace_count;
        cleanup_close int fd = r->relations ? namespace_open_at(r->proc, pid, ns) : -1;
        if (fd >= 0)
            read_relations(fd, ns);
    }
    const struct system_process *processes = r->view->processes;
    ns->processes++;
    if (ns->first == SYSTEM_NONE || processes[index].pid < processes[ns->first].pid)
        ns->first = index;
    return 0;
}

/* "mnt:[4026531841]"; reading the link is cheaper than following it, which makes an inode. */
static uint64_t link_inode(int dir, unsigned kind)
{
    char path[16] = "ns/", text[64];
    memcpy(path + 3, namespace_kinds[kind].name, strlen(namespace_kinds[kind].name) + 1);
    ssize_t n = readlinkat(dir, path, text, sizeof text - 1);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    const char *number = strchr(text, '[');
    return number ? strtoull(number + 1, NULL, 10) : 0;
}

/* PID (NAME) STATE PPID …, where a name may hold blanks and brackets. */
static bool read_stat(int dir, struct system_process *process)
{
    char text[256];
    ssize_t n = proc_read(dir, process->pid, "stat", text, sizeof text, NULL);
    const char *end = n > 0 ? strrchr(text, ')') : NULL;
    if (!end || end[1] != ' ' || !end[2])
        return false;
    process->state = end[2];
    process->ppid = (pid_t)strtol(end + 3, NULL, 10);
    return true;
}

/* Returns 0 also where the process has ended and is left out. */
static int read_process(struct reader *r, const char *name)
{
    struct system_view *view = r->view;
    void *list = with_room(view->processes, view->process_count, &r->process_room, sizeof *view->processes);
    if (!list)
        return -1;
    view->processes = list;
    struct system_process *process = &view->processes[view->process_count];
    *process = (struct system_process){ .pid = (pid_t)strtol(name, NULL, 10) };
    cleanup_close int dir = openat(r->proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    if (dir < 0 || fstat(dir, &st) < 0 || !read_stat(dir, process))
        return 0;
    process->uid = st.st_uid;
    for (unsigned kind = 0; kind < NAMESPACE_KINDS; kind++)
        if (r->kinds & 1U << kind)
            process->inode[kind] = link_inode(dir, kind);
    size_t index = view->process_count++;
    for (unsigned kind = 0; kind < NAMESPACE_KINDS; kind++)
        if (view->processes[index].inode[kind] && join(r, name, index, kind, view->processes[index].inode[kind]) < 0)
            return -1;
    return 0;
}

static int by_inode(const void *a, const void *b)
{
    const struct system_namespace *x = a, *y = b;
    return (x->inode > y->inode) - (x->inode < y->inode);
}

static void sort_namespaces(struct system_view *view)
{
    if (view->namespace_count > 1)
        qsort(view->namespaces, view->namespace_count, sizeof *view->namespaces, by_inode);
}

static int read_all(struct reader *r, struct err *err)
{
    struct proc_walk walk = { .fd = r->proc };
    const char *name;
    while ((name = proc_walk_next(&walk)))
        if (read_process(r, name) < 0)
            return err_set(err, ENOMEM, "remember %zu processes", r->view->process_count);
    return walk.error ? err_set(err, walk.error, "read `/proc`") : 0;
}

int system_read(unsigned kinds, bool relations, struct system_view *view, struct err *err)
{
    *view = (struct system_view){ 0 };
    cleanup_close int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0)
        return err_set(err, errno, "open `/proc`");
    struct reader r = { .view = view, .kinds = kinds, .relations = relations, .proc = proc };
    int result = read_all(&r, err);
    free(r.index.slots);
    if (result < 0)
        system_free(view);
    sort_namespaces(view);
    return result;
}

void system_free(struct system_view *view)
{
    free(view->processes);
    free(view->namespaces);
    *view = (struct system_view){ 0 };
}

size_t system_namespace(const struct system_view *view, uint64_t inode)
{
    struct system_namespace key = { .inode = inode };
    const struct system_namespace *found =
        view->namespace_count
            ? bsearch(&key, view->namespaces, view->namespace_count, sizeof *view->namespaces, by_inode)
            : NULL;
    return found ? (size_t)(found - view->namespaces) : SYSTEM_NONE;
}

static int by_pid(const void *a, const void *b)
{
    const struct system_process *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

size_t system_process(const struct system_view *view, pid_t pid)
{
    struct system_process key = { .pid = pid };
    const struct system_process *found =
        view->process_count ? bsearch(&key, view->processes, view->process_count, sizeof *view->processes, by_pid)
                            : NULL;
    return found ? (size_t)(found - view->processes) : SYSTEM_NONE;
}

int system_namespace_open(const struct system_view *view, size_t index, struct err *err)
{
    const struct system_namespace *ns = &view->namespaces[index];
    if (ns->first == SYSTEM_NONE)
        return err_set(err, ESRCH, "open %s namespace %llu, in which no process is", namespace_kinds[ns->kind].word,
                       (unsigned long long)ns->inode);
    char pid[16];
    snprintf(pid, sizeof pid, "%d", view->processes[ns->first].pid);
    cleanup_close int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = proc < 0 ? -1 : namespace_open_at(proc, pid, ns);
    return fd < 0 ? err_set(err, ESRCH, "open `/proc/%s/ns/%s`", pid, namespace_kinds[ns->kind].name) : fd;
}

static bool known(const struct system_view *view, size_t sorted, uint64_t inode)
{
    struct system_view before = { .namespaces = view->namespaces, .namespace_count = sorted };
    if (system_namespace(&before, inode) != SYSTEM_NONE)
        return true;
    for (size_t i = sorted; i < view->namespace_count; i++)
        if (view->namespaces[i].inode == inode)
            return true;
    return false;
}

int system_complete(struct system_view *view, enum system_relation relation, struct err *err)
{
    const size_t sorted = view->namespace_count;
    size_t room = sorted;
    for (size_t i = 0; i < sorted; i++) {
        uint64_t next = view->namespaces[i].related[relation];
        unsigned kind = view->namespaces[i].kind;
        if (!next || known(view, sorted, next))
            continue;
        cleanup_close int ns = system_namespace_open(view, i, NULL);
        /* From here up nobody is in them: each is reached from the one below. */
        while (ns >= 0 && next && !known(view, sorted, next)) {
            int above = relation_open(ns, kind, relation);
            if (above < 0)
                break;
            close(ns);
            ns = above;
            if (relation == SYSTEM_OWNER)
                kind = (unsigned)namespace_find("user");
            struct system_namespace *added = add_namespace(view, &room, kind, next);
            if (!added)
                return err_set(err, ENOMEM, "remember %zu namespaces", view->namespace_count);
            read_relations(ns, added);
            ioctl(ns, NS_GET_OWNER_UID, &added->owner_uid);
            next = added->related[relation];
        }
    }
    sort_namespaces(view);
    return 0;
}
