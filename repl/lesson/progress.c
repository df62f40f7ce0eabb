/* The progress file:
 *
 *     {"version": 1, "last": "01-a-new-root.md", "steps": {"01-a-new-root.md": 2}, "passed": {"01-a-new-root.md": {"1": "0123456789abcdef"}},
 *      "times": {"01-a-new-root.md": 1700000000}}
 *
 * What a reader does not know it keeps as it is, so files go from a newer program to an older one and back.
 *
 * What is on disk is what counts. A change locks `progress.json.lock`, reads the file anew, makes the change in it and replaces the file, so that two
 * programs that save at the same time lose nothing of each other's.
 */
#include "repl/lesson/progress.h"
#include "repl/lesson/lesson.h"
#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "engine/base/user.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define LONGEST_FILE (4 * 1024 * 1024)
#define VERSION 1
#define MOST_SET_ASIDE 1000
#define LATEST 253402300800LL /* the year 10000 */

struct progress {
    char *path;
    json_t *root; /* always of the shape above */
};

static bool is_sound(const json_t *root)
{
    const json_t *passed = json_object_get(root, "passed");
    const json_t *last = json_object_get(root, "last");
    if (!json_is_object(passed) || (last && !json_is_string(last)) ||
        json_integer_value(json_object_get(root, "version")) != VERSION)
        return false;
    const char *key;
    json_t *lesson;
    json_object_foreach((json_t *)(uintptr_t)passed, key, lesson)
    {
        if (!json_is_object(lesson))
            return false;
        json_t *hash;
        json_object_foreach(lesson, key, hash) if (!json_is_string(hash)) return false;
    }
    return true;
}

/** The file's contents: 0 and *root (new, empty if there is no file), or -1: EBADMSG it is damaged; another errno it could not be read. */
static int read_root(const char *path, json_t **root, struct err *err)
{
    *root = json_pack("{s:i, s:{}}", "version", VERSION, "passed");
    if (!*root)
        return err_set(err, ENOMEM, "read progress `%s`", path);
    cleanup_free char *text = malloc(LONGEST_FILE);
    struct err read_err = { 0 };
    ssize_t len = text ? read_file_at(AT_FDCWD, path, text, LONGEST_FILE, &read_err) : -1;
    if (!text)
        return err_set(err, ENOMEM, "read progress `%s`", path);
    if (len < 0 && read_err.code == ENOENT)
        return 0;
    if (len < 0 && read_err.code != ENOSPC)
        return err_say(err, read_err.code, "%s", read_err.message);
    json_error_t why = { .text = "it is too long" };
    json_t *found = len < 0 ? NULL : json_loadb(text, (size_t)len, JSON_REJECT_DUPLICATES, &why);
    if (found && is_sound(found)) {
        json_decref(*root);
        *root = found;
        return 0;
    }
    err_say(err, EBADMSG, "progress `%s` is damaged (%s)", path, found ? "not what this program writes" : why.text);
    json_decref(found);
    return -1;
}

/** Rename the damaged file to the first free `PATH.damaged-N`, and say so in @err, which holds what is wrong with it. */
static void set_aside(const char *path, struct err *err)
{
    for (int n = 1; n <= MOST_SET_ASIDE; n++) {
        cleanup_free char *aside = NULL;
        if (asprintf(&aside, "%s.damaged-%d", path, n) < 0)
            return;
        if (link(path, aside) < 0 && errno == EEXIST) /* never over another one: rename(2) would */
            continue;
        unlink(path);
        struct err was = err ? *err : (struct err){ 0 };
        err_say(err, EBADMSG, "%.700s: it was set aside as `%.200s`, and progress begins anew", was.message, aside);
        return;
    }
}

struct progress *progress_load(const char *path, struct err *err)
{
    err_clear(err);
    struct progress *progress = calloc(1, sizeof *progress);
    if (progress)
        progress->path = path ? strdup(path) : user_state_path("progress.json");
    if (!progress || !progress->path) {
        progress_free(progress);
        err_set(err, ENOMEM, "read progress");
        return NULL;
    }
    struct err why = { 0 };
    if (read_root(progress->path, &progress->root, &why) < 0) {
        if (why.code == EBADMSG)
            set_aside(progress->path, &why);
        err_say(err, why.code, "%s", why.message);
    }
    if (progress->root)
        return progress;
    progress_free(progress);
    return NULL;
}

struct progress *progress_read(const char *path, struct err *err)
{
    struct progress *progress = calloc(1, sizeof *progress);
    if (progress)
        progress->path = strdup(path);
    if (!progress || !progress->path)
        err_set(err, ENOMEM, "read progress `%s`", path);
    else if (access(path, F_OK) < 0)
        err_set(err, errno, "read progress `%s`", path);
    else if (read_root(path, &progress->root, err) == 0)
        return progress;
    progress_free(progress);
    return NULL;
}

void progress_free(struct progress *progress)
{
    if (!progress)
        return;
    free(progress->path);
    json_decref(progress->root);
    free(progress);
}

static json_t *passed_of(const struct progress *progress)
{
    return json_object_get(progress->root, "passed");
}

bool progress_passed(const struct progress *progress, const char *lesson, unsigned step, const char *hash)
{
    char key[16];
    snprintf(key, sizeof key, "%u", step);
    const char *saved = json_string_value(json_object_get(json_object_get(passed_of(progress), lesson), key));
    return saved && strcmp(saved, hash) == 0;
}

const char *progress_last(const struct progress *progress)
{
    const char *last = json_string_value(json_object_get(progress->root, "last"));
    return last ? last : "";
}

/** An fd that holds the lock until it is closed; -1 with @err. */
static int take_lock(const char *path, struct err *err)
{
    cleanup_free char *name = NULL;
    if (asprintf(&name, "%s.lock", path) < 0)
        return err_set(err, ENOMEM, "save progress `%s`", path);
    cleanup_close int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set(err, errno, "save progress: open `%s`", name);
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return err_set(err, errno, "save progress: flock `%s`", name);
    return take_fd(&fd);
}

struct change {
    enum { CHANGE_PASS, CHANGE_FORGET, CHANGE_LAST, CHANGE_STEP, CHANGE_MERGE } kind;
    const char *lesson, *hash;
    unsigned step;
    const json_t *other; /* what is merged */
};

static void forget_steps(json_t *steps, unsigned from)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(steps, next, key, value) if (strtoul(key, NULL, 10) >= from) json_object_del(steps, key);
}

/* The object below @root of that name, made if it is not there. */
static json_t *object_in(json_t *root, const char *name)
{
    if (!json_is_object(json_object_get(root, name)))
        json_object_set_new(root, name, json_object());
    return json_object_get(root, name);
}

static int set_time(json_t *root, const char *lesson)
{
    return json_object_set_new(object_in(root, "times"), lesson, json_integer((json_int_t)time(NULL)));
}

static json_int_t time_of(const json_t *root, const char *lesson)
{
    return json_integer_value(json_object_get(json_object_get(root, "times"), lesson));
}

static json_int_t newest_time(const json_t *root)
{
    const char *name = json_string_value(json_object_get(root, "last"));
    return name ? time_of(root, name) : -1;
}

/* Steps are put together; of the places where lessons were left, the later one counts. */
static int merge(json_t *root, const json_t *other)
{
    const char *lesson;
    json_t *value;
    bool later = newest_time(other) > newest_time(root);
    json_object_foreach(json_object_get(other, "passed"), lesson, value)
    {
        json_t *both = json_deep_copy(value);
        const json_t *ours = json_object_get(json_object_get(root, "passed"), lesson);
        if (!both || (ours && json_object_update(both, (json_t *)(uintptr_t)ours) < 0) ||
            json_object_set_new(json_object_get(root, "passed"), lesson, both) < 0)
            return -1;
    }
    json_object_foreach(json_object_get(other, "steps"), lesson, value)
    {
        const json_t *ours = json_object_get(json_object_get(root, "steps"), lesson);
        if (json_is_integer(value) && (!ours || time_of(other, lesson) > time_of(root, lesson)))
            json_object_set(object_in(root, "steps"), lesson, value);
    }
    json_object_foreach(json_object_get(other, "times"), lesson, value)
    {
        if (json_is_integer(value) && json_integer_value(value) > time_of(root, lesson))
            json_object_set(object_in(root, "times"), lesson, value);
    }
    json_t *last = json_object_get(other, "last");
    return last && later ? json_object_set(root, "last", last) : 0;
}

static int apply(json_t *root, const struct change *change)
{
    json_t *passed = json_object_get(root, "passed");
    json_t *steps = json_object_get(passed, change->lesson);
    char key[16];
    snprintf(key, sizeof key, "%u", change->step);
    switch (change->kind) {
    case CHANGE_PASS:
        if (!steps) {
            steps = json_object();
            if (json_object_set_new(passed, change->lesson, steps) < 0)
                return -1;
        }
        return set_time(root, change->lesson) < 0 ? -1 : json_object_set_new(steps, key, json_string(change->hash));
    case CHANGE_FORGET:
        if (change->step == 0)
            json_object_del(passed, change->lesson);
        else if (steps)
            forget_steps(steps, change->step);
        return 0;
    case CHANGE_MERGE:
        return merge(root, change->other);
    case CHANGE_LAST:
        return json_object_set_new(root, "last", json_string(change->lesson));
    case CHANGE_STEP:
        if (set_time(root, change->lesson) < 0)
            return -1;
        return json_object_set_new(object_in(root, "steps"), change->lesson, json_integer(change->step));
    }
    return -1;
}

static int change_file(struct progress *progress, const struct change *change, struct err *err)
{
    if (make_directories_above(progress->path, err) < 0)
        return -1;
    cleanup_close int lock = take_lock(progress->path, err);
    if (lock < 0)
        return -1;
    json_t *root = NULL;
    struct err why = { 0 };
    if (read_root(progress->path, &root, &why) < 0) {
        if (why.code != EBADMSG) {
            json_decref(root);
            return err_say(err, why.code, "%s", why.message);
        }
        set_aside(progress->path, &why); /* what we hold in memory is then the best there is */
        json_decref(root);
        root = json_deep_copy(progress->root);
    }
    cleanup_free char *text = root && apply(root, change) == 0 ? json_dumps(root, JSON_INDENT(1)) : NULL;
    if (!text) {
        json_decref(root);
        return err_set(err, ENOMEM, "save progress `%s`", progress->path);
    }
    json_decref(progress->root); /* even if it cannot be written: this session goes on with it */
    progress->root = root;
    return replace_file(progress->path, text, strlen(text), 0600, err);
}

int progress_pass(struct progress *progress, const char *lesson, unsigned step, const char *hash, struct err *err)
{
    return change_file(progress, &(struct change){ CHANGE_PASS, lesson, hash, step, NULL }, err);
}

int progress_forget(struct progress *progress, const char *lesson, unsigned step, struct err *err)
{
    return change_file(progress, &(struct change){ CHANGE_FORGET, lesson, NULL, step, NULL }, err);
}

int progress_set_last(struct progress *progress, const char *lesson, struct err *err)
{
    return change_file(progress, &(struct change){ CHANGE_LAST, lesson, NULL, 0, NULL }, err);
}

unsigned progress_step(const struct progress *progress, const char *lesson)
{
    json_int_t step = json_integer_value(json_object_get(json_object_get(progress->root, "steps"), lesson));
    return step > 0 && step < 1000000 ? (unsigned)step : 0;
}

int progress_set_step(struct progress *progress, const char *lesson, unsigned step, struct err *err)
{
    return change_file(progress, &(struct change){ CHANGE_STEP, lesson, NULL, step, NULL }, err);
}

int progress_merge(struct progress *progress, const struct progress *other, struct err *err)
{
    return change_file(progress, &(struct change){ .kind = CHANGE_MERGE, .other = other->root }, err);
}

int progress_export(const struct progress *progress, const char *path, struct err *err)
{
    cleanup_free char *text = json_dumps(progress->root, JSON_INDENT(1));
    return text ? replace_file(path, text, strlen(text), 0600, err) : err_set(err, ENOMEM, "write `%s`", path);
}

const char *progress_path(const struct progress *progress)
{
    return progress->path;
}

long long progress_time(const struct progress *progress, const char *lesson)
{
    json_int_t seconds = json_integer_value(json_object_get(json_object_get(progress->root, "times"), lesson));
    return seconds > 0 && seconds < LATEST ? seconds : 0;
}

const char *progress_lesson(const struct progress *progress, size_t index)
{
    const json_t *passed = passed_of(progress), *steps = json_object_get(progress->root, "steps");
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)passed, name, value) if (index-- == 0) return name;
    json_object_foreach((json_t *)(uintptr_t)steps, name,
                        value) if (!json_object_get(passed, name) && index-- == 0) return name;
    return NULL;
}

size_t progress_passed_steps(const struct progress *progress, const char *lesson)
{
    return json_object_size(json_object_get(passed_of(progress), lesson));
}

/* FNV-1a, 64 bits: enough to tell an edited step from what it was. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash * 0x100000001b3u; /* the end of a text counts too */
}

void step_hash(const struct step *step, char hash[17])
{
    uint64_t value = hash_text(0xcbf29ce484222325u, step->title ? step->title : "");
    value = hash_text(value, step->check ? step->check : "");
    snprintf(hash, 17, "%016llx", (unsigned long long)value);
}
