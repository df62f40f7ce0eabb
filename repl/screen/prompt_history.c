#include "repl/screen/prompt_history.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <fcntl.h>
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

int prompt_history_load(struct prompt_history *history, const char *path, struct err *err)
{
    clear_history();
    using_history();
    if (!history_is_stifled())
        stifle_history(PROMPT_HISTORY_LINES);
    if (!path)
        return 0;
    history->path = strdup(path);
    cleanup_free char *text = read_all(path, err);
    if (!text)
        return -1;
    for (char *line = text, *end; *line; line = end) {
        end = strchrnul(line, '\n');
        if (*end)
            *end++ = '\0';
        if (*line)
            add_history(line);
    }
    using_history();
    return 0;
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

int prompt_history_save(struct prompt_history *history, struct err *err)
{
    if (!history->path || history->added_len == 0)
        return 0;
    cleanup_free char *old = read_all(history->path, err);
    if (!old)
        return -1;
    size_t old_len = strlen(old);
    cleanup_free char *all = malloc(old_len + 1 + history->added_len + 1);
    if (!all)
        return err_set(err, ENOMEM, "save the history `%s`", history->path);
    memcpy(all, old, old_len);
    if (old_len > 0 && all[old_len - 1] != '\n')
        all[old_len++] = '\n';
    memcpy(all + old_len, history->added, history->added_len + 1);
    const char *from = all + old_len + history->added_len;
    for (size_t lines = 0; from > all; from--)
        if (from[-1] == '\n' && lines++ == PROMPT_HISTORY_LINES)
            break;
    if (replace_file(history->path, from, strlen(from), 0600, err) < 0)
        return -1;
    history->added_len = 0;
    return 0;
}

void prompt_history_free(struct prompt_history *history)
{
    free(history->path);
    free(history->added);
    memset(history, 0, sizeof *history);
}
