/* Programs with all they need, copied to the same paths inside another root. */
#include "engine/rootfs/elf_closure.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/rootfs/arena.h"
#include "engine/rootfs/copy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_LINKS = 40,  /* as the kernel's MAXSYMLINKS */
    MAX_SCRIPTS = 5, /* scripts run by scripts run by … : the kernel's limit too */
};

struct rootfs_copier {
    int rootfs; /* the caller's */
    rootfs_event_fn *each;
    void *data;
    struct elf_resolver *resolver;
    struct arena arena;
    struct string_map asked;  /* the host's paths that were seen to */
    struct string_map placed; /* the root's physical paths that were seen to */
    int copied;
};

/* One path under way, walked on the host and in the root at once. Both directories are physical: no symlink in their names. They differ
 * where the root has a directory for what is a symlink on the host (`/lib` on the host being `/usr/lib`). */
struct place {
    struct rootfs_copier *copier;
    char from[PATH_MAX], to[PATH_MAX];
    int to_fd;
    char rest[PATH_MAX];  /* components still to go */
    char shown[PATH_MAX]; /* the directory as it was asked for, for messages; "" once a link has led elsewhere */
    int links;
};

static int too_long(const char *path, struct err *err)
{
    return err_set(err, ENAMETOOLONG, "copy `%.200s`", path);
}

static int join(char *buf, const char *directory, const char *name, struct err *err)
{
    const char *slash = strcmp(directory, "/") == 0 ? "" : "/";
    int n = snprintf(buf, PATH_MAX, "%s%s%s", directory, slash, name);
    return n < PATH_MAX ? 0 : too_long(directory, err);
}

/* Cut the first component off @rest into @name. 0: there is none. */
static int next_component(char *rest, char *name, struct err *err)
{
    char *start = rest + strspn(rest, "/");
    size_t len = strcspn(start, "/");
    if (len > NAME_MAX)
        return too_long(start, err);
    memcpy(name, start, len);
    name[len] = '\0';
    memmove(rest, start + len, strlen(start + len) + 1);
    return len > 0;
}

static int push_front(char *rest, const char *target, struct err *err)
{
    size_t before = strlen(target), left = strlen(rest);
    if (before + 1 + left >= PATH_MAX)
        return too_long(target, err);
    memmove(rest + before + 1, rest, left + 1);
    memcpy(rest, target, before);
    rest[before] = '/';
    return 0;
}

static bool has_more(const char *rest)
{
    return rest[strspn(rest, "/")] != '\0';
}

static void cut_last(char *path)
{
    char *slash = strrchr(path, '/');
    slash[slash == path] = '\0';
}

/* Be in the directory @path of the root, a physical path. */
static int stand_in(struct place *p, const char *path, struct err *err)
{
    int fd = open_policy(p->copier->rootfs, path, OPEN_IN_ROOT_PATH, err);
    if (fd < 0)
        return -1;
    if (p->to_fd >= 0)
        close(p->to_fd);
    p->to_fd = fd;
    if (path != p->to)
        snprintf(p->to, sizeof p->to, "%s", path);
    return 0;
}

static int go_up(struct place *p, struct err *err)
{
    cut_last(p->to);
    return stand_in(p, p->to, err);
}

static int read_link(int directory, const char *name, char *target, struct err *err)
{
    ssize_t n = readlinkat(directory, name, target, PATH_MAX - 1);
    if (n < 0)
        return err_set(err, errno, "readlink `%s`", name);
    target[n] = '\0';
    return 0;
}

static int one_more_link(struct place *p, const char *name, struct err *err)
{
    return ++p->links > MAX_LINKS ? err_set(err, ELOOP, "follow symlink `%s`", name) : 0;
}

/* Go into directory @name of the root, making it if there is nothing of that name. The root's own symlinks are followed by its rules:
 * each component is opened without following, and a link's text read and walked from the root. */
static int enter(struct place *p, const char *name, mode_t mode, struct err *err)
{
    char rest[PATH_MAX], part[NAME_MAX + 1], target[PATH_MAX];
    snprintf(rest, sizeof rest, "%s", name);
    int more;
    while ((more = next_component(rest, part, err)) > 0) {
        if (strcmp(part, ".") == 0)
            continue;
        if (strcmp(part, "..") == 0) {
            if (go_up(p, err) < 0)
                return -1;
            continue;
        }
        int fd = openat(p->to_fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT) {
            if (mkdirat(p->to_fd, part, 0700) < 0)
                return err_set(err, errno, "mkdir `%s` in the new root's `%s`", part, p->to);
            fd = openat(p->to_fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (fd >= 0 && fchmod(fd, mode & 07777) < 0) {
                err_set(err, errno, "chmod `%s` in the new root's `%s`", part, p->to);
                close(fd);
                return -1;
            }
        }
        if (fd < 0 && errno == ENOTDIR && readlinkat(p->to_fd, part, target, 1) >= 0) {
            if (one_more_link(p, part, err) < 0 || read_link(p->to_fd, part, target, err) < 0 ||
                push_front(rest, target, err) < 0 || (target[0] == '/' && stand_in(p, "/", err) < 0))
                return -1;
            continue;
        }
        if (fd < 0)
            return err_set(err, errno, "open directory `%s` in the new root's `%s`", part, p->to);
        close(p->to_fd);
        p->to_fd = fd;
        char here[PATH_MAX];
        if (join(here, p->to, part, err) < 0)
            return -1;
        memcpy(p->to, here, sizeof here);
    }
    return more;
}

/* Tell the caller of @name in the present directories. */
static int tell(struct place *p, enum rootfs_copy_event event, const char *name, const char *note, struct err *err)
{
    char from[PATH_MAX], to[PATH_MAX];
    if (join(from, *p->shown ? p->shown : p->from, name, err) < 0 ||
        join(to, *p->shown ? p->shown : p->to, name, err) < 0)
        return -1;
    if (p->copier->each)
        p->copier->each(event, from, to, note, p->copier->data);
    return 0;
}

/* 1 if @path has been seen to before; from now on it has. */
static int seen_before(struct rootfs_copier *c, struct string_map *seen, const char *path, struct err *err)
{
    if (string_map_get(seen, path))
        return 1;
    char *key = arena_copy(&c->arena, path, strlen(path));
    if (!key || string_map_add(seen, key, key) < 0)
        return err_set(err, ENOMEM, "copy `%s`", path);
    return 0;
}

/* The host's regular file @source to @name here. */
static int place_file(struct place *p, const char *source, const char *name, struct err *err)
{
    char to[PATH_MAX];
    if (join(to, p->to, name, err) < 0)
        return -1;
    int seen = seen_before(p->copier, &p->copier->placed, to, err);
    if (seen != 0)
        return seen < 0 ? -1 : 0;
    cleanup_close int fd = open(source, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(err, errno, "open `%s`", source);
    if (!S_ISREG(st.st_mode))
        return err_say(err, EINVAL, "`%s` is not a regular file", source);
    int same = same_file_content(fd, &st, p->to_fd, name, err);
    if (same < 0)
        return -1;
    if (same)
        return tell(p, ROOTFS_KEPT, name, NULL, err);
    if (copy_file_into(fd, &st, p->to_fd, name, err) < 0)
        return err_prefix(err, "copy `%s`", source);
    p->copier->copied++;
    return tell(p, ROOTFS_COPIED, name, NULL, err);
}

/* From here on the rest is what the link @name holds. */
static int follow(struct place *p, const char *name, const char *target, struct err *err)
{
    if (one_more_link(p, name, err) < 0)
        return -1;
    if (!has_more(p->rest) && strchr(target, '/'))
        p->shown[0] = '\0';
    if (push_front(p->rest, target, err) < 0)
        return -1;
    if (target[0] != '/')
        return 0;
    snprintf(p->from, sizeof p->from, "/");
    return stand_in(p, "/", err);
}

/* @name is a symlink on the host, at @source. */
static int place_link(struct place *p, const char *source, const char *name, struct err *err)
{
    char target[PATH_MAX], there[PATH_MAX] = "", real[PATH_MAX];
    struct stat st;
    if (read_link(AT_FDCWD, source, target, err) < 0)
        return -1;
    bool exists = fstatat(p->to_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    bool link = exists && S_ISLNK(st.st_mode), last = !has_more(p->rest);
    if (link && read_link(p->to_fd, name, there, err) < 0)
        return -1;
    if (link && strcmp(there, target) == 0)
        return follow(p, name, target, err);
    if (!exists || (link && last)) {
        if (replace_symlink(target, p->to_fd, name, err) < 0)
            return err_prefix(err, "copy `%s`", source);
        char shown[PATH_MAX];
        memcpy(shown, p->shown, sizeof shown);
        if (!last) /* a directory on the way, which is not in the directory that was asked for */
            p->shown[0] = '\0';
        int told = tell(p, ROOTFS_LINKED, name, target, err);
        memcpy(p->shown, shown, sizeof shown);
        return told < 0 ? -1 : follow(p, name, target, err);
    }
    if (!realpath(source, real))
        return err_set(err, errno, "resolve `%s`", source);
    if (last) /* the root has a plain file for what is a symlink here: bring that up to date */
        return place_file(p, real, name, err);
    memcpy(p->from, real, sizeof real);
    return enter(p, name, 0755, err);
}

static int walk_place(struct place *p, const char *path, struct err *err)
{
    char name[NAME_MAX + 1], source[PATH_MAX];
    int more;
    while ((more = next_component(p->rest, name, err)) > 0) {
        struct stat st;
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            cut_last(p->from);
            if (go_up(p, err) < 0)
                return -1;
            continue;
        }
        if (join(source, p->from, name, err) < 0)
            return -1;
        if (lstat(source, &st) < 0)
            return err_set(err, errno, "copy `%s`", path);
        if (S_ISLNK(st.st_mode)) {
            if (place_link(p, source, name, err) < 0)
                return -1;
        } else if (S_ISDIR(st.st_mode)) {
            if (enter(p, name, st.st_mode, err) < 0)
                return -1;
            memcpy(p->from, source, sizeof source);
        } else if (has_more(p->rest)) {
            return err_set(err, ENOTDIR, "copy `%s`", path);
        } else {
            return place_file(p, source, name, err);
        }
    }
    if (more < 0)
        return -1;
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? err_set(err, EISDIR, "copy `%s`", path) : 0;
}

/* The file at the host's absolute @path to the same path in the root. */
static int place_path(struct rootfs_copier *c, const char *path, struct err *err)
{
    int seen = seen_before(c, &c->asked, path, err);
    if (seen != 0)
        return seen < 0 ? -1 : 0;
    struct place p = { .copier = c, .from = "/", .to_fd = -1 };
    if (strlen(path) >= sizeof p.rest)
        return too_long(path, err);
    snprintf(p.rest, sizeof p.rest, "%s", path);
    snprintf(p.shown, sizeof p.shown, "%s", path);
    cut_last(p.shown);
    int result = stand_in(&p, "/", err);
    if (result == 0)
        result = walk_place(&p, path, err);
    if (p.to_fd >= 0)
        close(p.to_fd);
    return result;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x = { 0 }, y = { 0 };
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* A program of /usr/bin is also known as /bin/NAME where /bin is a link to it: scripts and SHELL say so. A root that has a /bin of its own
 * keeps it. */
static int place_short_path(struct rootfs_copier *c, const char *path, struct err *err)
{
    static const char *const tops[] = { "bin", "sbin" };
    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++) {
        size_t len = strlen(tops[i]);
        struct stat st;
        if (strncmp(path, "/usr/", 5) != 0 || strncmp(path + 5, tops[i], len) != 0 || path[5 + len] != '/')
            continue;
        const char *alias = path + 4;
        bool own = fstatat(c->rootfs, tops[i], &st, AT_SYMLINK_NOFOLLOW) == 0;
        return own || !is_same_file(path, alias) ? 0 : place_path(c, alias, err);
    }
    return 0;
}

/* @path made absolute, with no `.` in it. */
static int make_absolute(const char *path, char *buf, struct err *err)
{
    char rest[PATH_MAX], name[NAME_MAX + 1], longer[PATH_MAX];
    if (strlen(path) >= sizeof rest)
        return too_long(path, err);
    snprintf(rest, sizeof rest, "%s", path);
    if (path[0] == '/')
        snprintf(buf, PATH_MAX, "/");
    else if (!getcwd(buf, PATH_MAX))
        return err_set(err, errno, "find the current directory");
    int more;
    while ((more = next_component(rest, name, err)) > 0) {
        if (strcmp(name, ".") == 0)
            continue;
        if (join(longer, buf, name, err) < 0)
            return -1;
        memcpy(buf, longer, sizeof longer);
    }
    return more;
}

int rootfs_find_program(const char *program, char *buf, struct err *err)
{
    if (strchr(program, '/'))
        return make_absolute(program, buf, err);
    const char *list = getenv("PATH");
    for (const char *at = list ? list : "/usr/bin:/bin"; *program;) {
        size_t len = strcspn(at, ":");
        char path[PATH_MAX];
        struct stat st;
        if (snprintf(path, sizeof path, "%.*s/%s", (int)(len ? len : 1), len ? at : ".", program) < (int)sizeof path &&
            access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode))
            return make_absolute(path, buf, err);
        at += len;
        if (!*at++)
            break;
    }
    return err_say(err, ENOENT, "there is no program `%s` in PATH: give its path, or install it", program);
}

/* The loader's own list of libraries, if one of them would not be found without it. One the root has already may be its own. */
static int place_config(struct rootfs_copier *c, const char *config, struct err *err)
{
    struct stat st, there;
    cleanup_close int host = open(config, O_RDONLY | O_CLOEXEC);
    cleanup_close int root_copy = open_policy(c->rootfs, config, OPEN_IN_ROOT_READ, NULL);
    if (host < 0 || fstat(host, &st) < 0)
        return err_set(err, errno, "open `%s`", config);
    if (root_copy < 0 || fstat(root_copy, &there) < 0 || there.st_size == st.st_size)
        return place_path(c, config, err);
    if (seen_before(c, &c->asked, config, err) == 0 && c->each)
        c->each(ROOTFS_STALE, config, config, NULL, c->data);
    return 0;
}

static int place_closure(struct rootfs_copier *c, const struct closure *closure, const char *path, struct err *err)
{
    const struct closure_entry *missing = NULL;
    size_t missing_count = 0;
    for (size_t i = 0; i < closure->count; i++) {
        const struct closure_entry *e = &closure->entries[i];
        char absolute[PATH_MAX];
        if (!e->path) {
            missing = missing ? missing : e;
            missing_count++;
        } else if (make_absolute(e->path, absolute, err) < 0 || place_path(c, absolute, err) < 0) {
            return -1;
        }
    }
    if (closure->config && place_config(c, closure->config, err) < 0)
        return -1;
    if (!missing)
        return 0;
    char others[64] = "";
    if (missing_count > 1)
        snprintf(others, sizeof others, " (and %zu more are missing)", missing_count - 1);
    return err_say(err, ENOENT,
                   "`%s` cannot start: %s `%s`, needed by `%s`, was found nowhere%s; install it, then copy again", path,
                   missing->interpreter ? "its loader" : "the library", missing->name, missing->needed_by, others);
}

static int add_program(struct rootfs_copier *c, const char *program, int depth, struct err *err);

/* Who runs the script whose first line is @line ("#!" cut off): the interpreter, and for env(1) the program it will look up. */
static int add_interpreters(struct rootfs_copier *c, const char *script, char *line, int depth, struct err *err)
{
    char *save = NULL, *word = strtok_r(line, " \t", &save);
    if (!word)
        return err_say(err, ENOEXEC, "script `%s` names no interpreter after #!", script);
    const char *base = strrchr(word, '/');
    bool by_env = strcmp(base ? base + 1 : word, "env") == 0;
    for (bool first = true; word; first = false) {
        char path[PATH_MAX];
        if (rootfs_find_program(word, path, err) < 0)
            return err_prefix(err, "script `%s`", script);
        if (c->each)
            c->each(ROOTFS_SCRIPT, script, path, NULL, c->data);
        if (add_program(c, path, depth + 1, err) < 0)
            return -1;
        if (!first || !by_env)
            return 0;
        do
            word = strtok_r(NULL, " \t", &save);
        while (word && (word[0] == '-' || strchr(word, '=')));
    }
    return 0;
}

/* The first line of @fd after its #!, in @line; false if it is no script. */
static bool read_script_line(int fd, char *line, size_t size)
{
    ssize_t n = pread(fd, line, size - 1, 0);
    if (n < 2 || line[0] != '#' || line[1] != '!')
        return false;
    line[n] = '\0';
    line[strcspn(line, "\n")] = '\0';
    memmove(line, line + 2, strlen(line + 2) + 1);
    return true;
}

static int add_program(struct rootfs_copier *c, const char *program, int depth, struct err *err)
{
    char path[PATH_MAX] = "", real[PATH_MAX], line[256];
    if (rootfs_find_program(program, path, err) < 0)
        return -1;
    cleanup_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !realpath(path, real))
        return err_set(err, errno, "open `%s`", path);
    if (!S_ISREG(st.st_mode))
        return err_say(err, EINVAL, "`%s` is not a regular file", path);
    if (depth > MAX_SCRIPTS)
        return err_set(err, ELOOP, "find what runs script `%s`", path);
    if (read_script_line(fd, line, sizeof line)) {
        if (place_path(c, path, err) < 0 || place_short_path(c, path, err) < 0)
            return -1;
        return add_interpreters(c, path, line, depth, err);
    }
    struct closure closure;
    /* $ORIGIN of a running program is its real directory, whatever link it was started by. */
    if (elf_resolver_closure(c->resolver, real, &closure, err) < 0)
        return -1;
    int result = place_path(c, path, err);
    if (result == 0)
        result = place_short_path(c, path, err);
    if (result == 0)
        result = place_closure(c, &closure, path, err);
    closure_free(&closure);
    return result;
}

struct rootfs_copier *rootfs_copier_open(int rootfs, rootfs_event_fn *each, void *data, struct err *err)
{
    struct rootfs_copier *c = calloc(1, sizeof *c);
    if (!c) {
        err_set(err, ENOMEM, "copy programs");
        return NULL;
    }
    *c = (struct rootfs_copier){ .rootfs = rootfs, .each = each, .data = data };
    c->resolver = elf_resolver_open(AT_FDCWD, NULL, err);
    if (!c->resolver) {
        free(c);
        return NULL;
    }
    return c;
}

int rootfs_copier_add(struct rootfs_copier *copier, const char *program, struct err *err)
{
    copier->copied = 0;
    return add_program(copier, program, 0, err) < 0 ? -1 : copier->copied;
}

void rootfs_copier_close(struct rootfs_copier *copier)
{
    if (!copier)
        return;
    elf_resolver_close(copier->resolver);
    string_map_free(&copier->asked);
    string_map_free(&copier->placed);
    arena_free(&copier->arena);
    free(copier);
}

struct simple_observer {
    rootfs_copied_fn *each;
    void *data;
};

static void tell_copied(enum rootfs_copy_event event, const char *from, const char *to, const char *note, void *data)
{
    const struct simple_observer *o = data;
    if (o->each && (event == ROOTFS_COPIED || event == ROOTFS_LINKED))
        o->each(from, to, o->data);
}

int rootfs_copy_program(int rootfs, const char *program, rootfs_copied_fn *each, void *data, struct err *err)
{
    struct simple_observer observer = { .each = each, .data = data };
    struct rootfs_copier *copier = rootfs_copier_open(rootfs, tell_copied, &observer, err);
    int result = copier ? rootfs_copier_add(copier, program, err) : -1;
    rootfs_copier_close(copier);
    return result;
}
