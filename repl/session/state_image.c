/* Which image is in question, and what is in it. The first is read here, from a few files' times; the second by teachroot-transfer, beside the screen, which enters the lab for it: the store is the lab's
 * to write, and may be anything. */
#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "repl/session/session_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NAMES_READ 256 /* in a directory, for the newest of them */
#define LOOK_MS 15000
#define SETTLE_MS 5000
#define ANSWER_LIMIT (1 << 20)

/* What is newest so far. */
struct newest {
    enum state_image_kind kind;
    int64_t changed;
    char what[PATH_MAX]; /* the layout's path, or the container's id */
};

/* When what is at @path below @dir, of that kind of file, changed, in ns; 0: there is none. */
static int64_t kind_changed_at(int dir, const char *path, mode_t kind)
{
    struct stat st;
    cleanup_close int fd = open_policy(dir, path, OPEN_IN_ROOT_LEAF, NULL);
    return fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind ? observe_changed(&st) : 0;
}

static int64_t changed_at(int dir, const char *path)
{
    return kind_changed_at(dir, path, S_IFREG);
}

/* A blob came or went. */
static int64_t blobs_changed(int root, const char *store)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/blobs/sha256", store);
    return kind_changed_at(root, path, S_IFDIR);
}

static void take(struct newest *newest, enum state_image_kind kind, int64_t changed, const char *what)
{
    if (changed <= newest->changed || strlen(what) >= sizeof newest->what)
        return;
    newest->kind = kind;
    newest->changed = changed;
    memcpy(newest->what, what, strlen(what) + 1);
}

/* Each directory in @path below @root, by its name. */
static void each_directory(int root, const char *path, void (*each)(int dir, const char *name, void *data), void *data)
{
    int fd = open_policy(root, path, OPEN_IN_ROOT_DIRECTORY, NULL);
    cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    if (fd >= 0 && !dir)
        close(fd);
    for (unsigned read = 0; dir && read < NAMES_READ && (entry = readdir(dir)); read++)
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, "..") != 0)
            each(dirfd(dir), entry->d_name, data);
}

static void take_container(int dir, const char *name, void *data)
{
    char path[NAME_MAX + 32];
    if (strspn(name, "0123456789abcdef") != 64 || name[64])
        return;
    snprintf(path, sizeof path, "%s/container.json", name);
    take(data, STATE_IMAGE_CONTAINER, changed_at(dir, path), name);
}

struct layouts {
    struct newest *newest;
    const char *cwd;
};

/* @name: "." for the directory itself. */
static void take_layout(int dir, const char *name, void *data)
{
    const struct layouts *layouts = data;
    char path[PATH_MAX], index[NAME_MAX + 16];
    snprintf(index, sizeof index, "%s/oci-layout", name);
    if (!changed_at(dir, index))
        return;
    snprintf(index, sizeof index, "%s/index.json", name);
    const char *slash = layouts->cwd[1] ? "/" : "";
    int length = strcmp(name, ".") == 0 ? snprintf(path, sizeof path, "%s", layouts->cwd)
                                        : snprintf(path, sizeof path, "%s%s%s", layouts->cwd, slash, name);
    /* The lab's own store is one too. */
    if (length < (int)sizeof path && strcmp(path, LAB_STORE) != 0)
        take(layouts->newest, STATE_IMAGE_LAYOUT, changed_at(dir, index), path);
}

/* The shell's directory, where the lab's root is its root. Both links are told from our own root, so the one's text begins with the other's. */
static bool read_cwd(const struct session *session, const struct session_state *state, char cwd[PATH_MAX])
{
    char link[64], root[PATH_MAX];
    if (state->process <= 0 || state->rooted || state->differs[namespace_find("mnt")])
        return false;
    snprintf(link, sizeof link, "/proc/%d/root", lab_init_pid(session->lab));
    ssize_t above = readlink(link, root, sizeof root - 1);
    snprintf(link, sizeof link, "/proc/%d/cwd", state->process);
    ssize_t length = readlink(link, cwd, PATH_MAX - 1);
    if (above < 0 || length < 0)
        return false;
    root[above] = cwd[length] = '\0';
    above = above == 1 ? 0 : above;
    if (strncmp(cwd, root, (size_t)above) != 0)
        return false;
    memmove(cwd, cwd + above, (size_t)(length - above) + 1);
    return *cwd == '/';
}

static void find_newest(const struct session *session, int root, const struct session_state *state,
                        struct newest *newest)
{
    char cwd[PATH_MAX];
    take(newest, STATE_IMAGE_NAMED, changed_at(root, LAB_STORE "/index.json"), LAB_STORE);
    each_directory(root, LAB_STORE "/containers", take_container, newest);
    if (read_cwd(session, state, cwd))
        each_directory(root, cwd, take_layout, &(struct layouts){ newest, cwd });
}

/* --- looking --- */

static struct image_look *kept_look(const struct state_looks *looks, const struct digest *manifest)
{
    for (size_t i = 0; i < LOOKS_KEPT; i++)
        if (looks->kept[i] && digest_equal(&looks->kept[i]->manifest, manifest))
            return looks->kept[i];
    return NULL;
}

static void keep_look(struct state_looks *looks, const struct image_look *look)
{
    struct image_look *copy = malloc(sizeof *copy);
    if (!copy)
        return;
    *copy = *look;
    free(looks->kept[looks->next]);
    looks->kept[looks->next] = copy;
    looks->next = (looks->next + 1) % LOOKS_KEPT;
}

static void take_answer(struct state_looks *looks, const char *text, struct image_look *look)
{
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (image_look_parse(json, look, NULL) < 0)
        snprintf(look->damage, sizeof look->damage, "it took too long, or too much memory, to look at");
    json_decref(json);
    const struct image_look *kept = kept_look(looks, &look->manifest);
    if (look->known && kept) {
        memcpy(look->entries, kept->entries, sizeof look->entries);
        look->entry_count = kept->entry_count;
        look->more = kept->more;
    } else if (!*look->damage && !kept) {
        keep_look(looks, look);
    }
}

static void on_looked(const struct job_result *result, void *data)
{
    struct state_looks *looks = &((struct session *)data)->keeper.looks;
    looks->job = NULL;
    looks->shown = looks->asked;
    take_answer(looks, result->output, &looks->shown.look);
    looks->fresh = true;
}

static const char *store_of(const struct newest *newest)
{
    return newest->kind == STATE_IMAGE_LAYOUT ? newest->what : LAB_STORE;
}

static void begin(struct session *session, const struct newest *newest)
{
    static const char *const kinds[] = {
        [STATE_IMAGE_NAMED] = "named", [STATE_IMAGE_CONTAINER] = "container", [STATE_IMAGE_LAYOUT] = "layout"
    };
    struct state_looks *looks = &session->keeper.looks;
    char init[16];
    const char *words[6 + LOOKS_KEPT] = { "teachroot-transfer", "look", init, kinds[newest->kind], newest->what };
    size_t count = 5;
    snprintf(init, sizeof init, "%d", lab_init_pid(session->lab));
    for (size_t i = 0; i < LOOKS_KEPT; i++)
        if (looks->kept[i])
            words[count++] = looks->kept[i]->manifest.text;
    looks->asked = (struct state_image){ .kind = newest->kind, .changed = newest->changed };
    const char *where = store_of(newest);
    size_t length = strlen(where),
           skip = length < sizeof looks->asked.where ? 0 : length - sizeof looks->asked.where + 1;
    memcpy(looks->asked.where, where + skip, length - skip + 1);
    struct job_options options = { .loop = session->options.loop,
                                   .lab = session->lab,
                                   .outside = true,
                                   .argv = words,
                                   .timeout_ms = LOOK_MS,
                                   .output_limit = ANSWER_LIMIT,
                                   .done = on_looked,
                                   .data = session };
    looks->job = job_start(&session->jobs, &options, NULL);
}

void state_read_image(struct session *session, int root, struct session_state *state)
{
    struct state_looks *looks = &session->keeper.looks;
    struct newest newest = { .kind = STATE_IMAGE_NONE };
    find_newest(session, root, state, &newest);
    looks->fresh = false;
    if (newest.kind == STATE_IMAGE_NONE) {
        looks->shown = (struct state_image){ .kind = STATE_IMAGE_NONE };
    } else if (!looks->job) {
        int64_t blobs = blobs_changed(root, store_of(&newest));
        /* What could not be looked at may be whole now. */
        bool again = *looks->shown.look.damage && blobs != looks->blobs;
        if (again || newest.changed != looks->shown.changed)
            begin(session, &newest);
        looks->blobs = blobs;
    }
    state->image = looks->shown;
}

void session_state_settle(struct session *session)
{
    if (session->keeper.looks.job)
        job_wait(session->keeper.looks.job, SETTLE_MS);
}

void state_forget_images(struct session *session)
{
    struct state_looks *looks = &session->keeper.looks;
    job_cancel(looks->job);
    for (size_t i = 0; i < LOOKS_KEPT; i++)
        free(looks->kept[i]);
    *looks = (struct state_looks){ .job = NULL };
}
