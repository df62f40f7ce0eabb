#include "repl/screen/prompt_history.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <readline/history.h>

#define FILE_MAX (4 << 20)

/* The whole file, malloc'ed and NUL-terminated; "" if there is none. NULL with @err set. */
static char *read_all(const char *path, struct err *err)
{
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st = { 0 };
    if (fd < 0 && errno == ENOENT)
        return calloc(1, 1);
    if (fd < 0 || fstat(fd, &st) < 0) {
        err_set(err, errno, "open the history `%s`", path);
        return NULL;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
        err_say(err, EINVAL, "read the history `%s`: not a file of at most 4 MiB; move it away", path);
        return NULL;
    }
    cleanup_free char *text = malloc((size_t)st.st_size + 1);
    if (!text) {
        err_set(err, ENOMEM, "read the history `%s`", path);
        return NULL;
    }
    size_t len = 0;
    ssize_t n;
    while (len < (size_t)st.st_size && (n = read(fd, text + len, (size_t)st.st_size - len)) != 0) {
        if (n < 0) {
            err_set(err, errno, "read the history `%s`", path);
            return NULL;
        }
        len += (size_t)n;
    }
    text[len] = '\0';
    return take_ptr(&text);
}

/* Is @line one of the lines of @text? */
static bool holds(const char *text, const char *line, size_t len)
{
    for (const char *end; *text; text = *end ? end + 1 : end) {
        end = strchrnul(text, '\n');
        if ((size_t)(end - text) == len && memcmp(text, line, len) == 0)
            return true;
    }
    return false;
}

/* Its lines into readline's list, but for those that @later holds too. */
static void add_lines(char *text, const char *later)
{
    for (char *line = text, *end; *line; line = end) {
        end = strchrnul(line, '\n');
        size_t len = (size_t)(end - line);
        if (*end)
            *end++ = '\0';
        if (len > 0 && !(later && holds(later, line, len)))
            add_history(line);
    }
}

static int fill_list(const struct prompt_history *history, struct err *err)
{
    clear_history();
    using_history();
    if (!history_is_stifled())
        stifle_history(PROMPT_HISTORY_LINES);
    if (!history->path)
        return 0;
    cleanup_free char *all = read_all(history->path, err);
    if (!all)
        return -1;
    cleanup_free char *own = history->lesson ? read_all(history->lesson, err) : NULL;
    add_lines(all, own);
    if (own)
        add_lines(own, NULL);
    using_history();
    return history->lesson && !own ? -1 : 0;
}

int prompt_history_load(struct prompt_history *history, const char *path, struct err *err)
{
    if (path && !(history->path = strdup(path)))
        return err_set(err, ENOMEM, "read the history `%s`", path);
    return fill_list(history, err);
}

int prompt_history_open(struct prompt_history *history, const char *name, struct err *err)
{
    int saved = prompt_history_save(history, err);
    free(take_ptr(&history->lesson));
    if (history->path && asprintf(&history->lesson, "%s.%s", history->path, name) < 0)
        history->lesson = NULL;
    return fill_list(history, err) < 0 || saved < 0 ? -1 : 0;
}

void prompt_history_add(struct prompt_history *history, const char *line)
{
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (!*line || *line == ' ' || *line == '\t' || (last && strcmp(last->line, line) == 0))
        return;
    int at_end = where_history() == history_length;
    add_history(line);
    if (at_end)
        using_history();
    size_t len = strlen(line);
    if (strchr(line, '\n')) /* the file has one entry a line */
        return;
    char *grown = realloc(history->added, history->added_len + len + 2);
    if (!grown)
        return;
    history->added = grown;
    memcpy(grown + history->added_len, line, len);
    memcpy(grown + history->added_len + len, "\n", 2);
    history->added_len += len + 1;
}

static int save_to(const struct prompt_history *history, const char *path, struct err *err)
{
    cleanup_free char *old = read_all(path, err);
    if (!old)
        return -1;
    size_t old_len = strlen(old);
    cleanup_free char *all = malloc(old_len + 1 + history->added_len + 1);
    if (!all)
        return err_set(err, ENOMEM, "save the history `%s`", path);
    memcpy(all, old, old_len);
    if (old_len > 0 && all[old_len - 1] != '\n')
        all[old_len++] = '\n';
    memcpy(all + old_len, history->added, history->added_len + 1);
    const char *from = all + old_len + history->added_len;
    for (size_t lines = 0; from > all; from--)
        if (from[-1] == '\n' && lines++ == PROMPT_HISTORY_LINES)
            break;
    return replace_file(path, from, strlen(from), 0600, err);
}

int prompt_history_save(struct prompt_history *history, struct err *err)
{
    if (!history->path || history->added_len == 0)
        return 0;
    if (save_to(history, history->path, err) < 0 || (history->lesson && save_to(history, history->lesson, err) < 0))
        return -1;
    history->added_len = 0;
    return 0;
}

void prompt_history_free(struct prompt_history *history)
{
    free(history->path);
    free(history->lesson);
    free(history->added);
    memset(history, 0, sizeof *history);
}
