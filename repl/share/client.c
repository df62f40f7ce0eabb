#include "repl/share/client.h"

#include "engine/base/cleanup.h"
#include "repl/screen/utf8.h"
#include "repl/share/share_internal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define LINE_MAX_BYTES (4 << 20)
#define CONNECT_SECONDS 3

/* ---- connecting ---- */

static int connect_to(const char *path, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const struct timeval patience = { .tv_sec = CONNECT_SECONDS };
    cleanup_close int target = open(path, O_PATH | O_CLOEXEC), fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (target < 0 || fd < 0)
        return err_set(err, errno, "follow `%s`", path);
    /* By fd: its path may be longer than an address holds. */
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", target);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        if (errno == ECONNREFUSED)
            return err_say(err, ECONNREFUSED, "follow `%s`: nobody is there: the session has ended, or it is no socket",
                           path);
        if (errno == EAGAIN)
            return err_say(err, EAGAIN, "follow `%s`: whoever listens there lets nobody in", path);
        return err_set(err, errno, "follow `%s`", path);
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return take_fd(&fd);
}

int share_connect(const char *path, bool demos, struct err *err)
{
    char in[PATH_MAX], names[512] = "", only[PATH_MAX];
    size_t count = 0, used = 0;
    if (path)
        return connect_to(path, err);
    cleanup_close int directory = place_directory(in, sizeof in, err);
    if (directory < 0)
        return -1;
    flock(directory, LOCK_EX);
    place_clear(directory);
    flock(directory, LOCK_UN);
    cleanup_close int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_dir DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    if (entries)
        take_fd(&copy);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (entry->d_type != DT_SOCK || (demos && strncmp(entry->d_name, "demo-", 5) != 0))
            continue;
        snprintf(only, sizeof only, "%.3800s/%.255s", in, entry->d_name);
        count++;
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "\n  %s", only);
    }
    if (count == 0)
        return err_say(
            err, ENOENT,
            demos ? "no demo is running: `teachroot demo LESSON` begins one"
                  : "no session of yours can be followed: `share` in a lesson, or `teachroot demo`, begins one");
    if (count > 1)
        return err_say(err, EEXIST, "there are several; say which:%s", names);
    return connect_to(only, err);
}

/* ---- messages ---- */

static int refuse(struct err *err)
{
    return err_say(err, EPROTO, "this is no session of teachroot's, or one of another version of it");
}

static int take_line(struct share_reader *reader, share_message_fn *each, void *data, struct err *err)
{
    json_t *message = json_loadb(reader->line, reader->len, JSON_REJECT_DUPLICATES, NULL);
    int result = 0;
    reader->len = 0;
    if (!json_is_object(message) ||
        (!reader->greeted && json_integer_value(json_object_get(message, "share")) != SHARE_VERSION))
        result = refuse(err);
    else if (reader->greeted)
        each(message, data);
    reader->greeted = true;
    json_decref(message);
    return result;
}

static int add_bytes(struct share_reader *reader, const char *bytes, size_t count, struct err *err)
{
    size_t room = reader->room ? reader->room : 65536;
    while (room < reader->len + count)
        room *= 2;
    if (room > LINE_MAX_BYTES)
        return refuse(err);
    char *more = room == reader->room ? reader->line : realloc(reader->line, room);
    if (!more)
        return refuse(err);
    reader->line = more;
    reader->room = room;
    memcpy(reader->line + reader->len, bytes, count);
    reader->len += count;
    return 0;
}

/* What stands after a message stays in the socket: between two of them the keyboard has its turn, however fast they come. */
int share_read(struct share_reader *reader, int fd, share_message_fn *each, void *data, struct err *err)
{
    char bytes[65536];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_PEEK);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 1
               : errno == ECONNRESET             ? 0
                                                 : err_set(err, errno, "read the session");
    if (n == 0)
        return 0;
    const char *newline = memchr(bytes, '\n', (size_t)n);
    size_t count = newline ? (size_t)(newline - bytes) : (size_t)n;
    if (add_bytes(reader, bytes, count, err) < 0)
        return -1;
    if (recv(fd, bytes, count + (newline != NULL), 0) < 0)
        return err_set(err, errno, "read the session");
    return newline && take_line(reader, each, data, err) < 0 ? -1 : 1;
}

void share_reader_free(struct share_reader *reader)
{
    free(reader->line);
    *reader = (struct share_reader){ 0 };
}

/* ---- the screen ---- */

static const struct share_cell blank = { .chars = { ' ' }, .fg = -1, .bg = -1 };

static int number(const json_t *json, int least, int most, int otherwise)
{
    json_int_t value = json_is_integer(json) ? json_integer_value(json) : otherwise;
    return value < least || value > most ? otherwise : (int)value;
}

static bool resize(struct share_screen *screen, unsigned rows, unsigned cols)
{
    if (rows == screen->rows && cols == screen->cols)
        return true;
    struct share_cell *cells = calloc((size_t)rows * cols, sizeof *cells);
    if (!cells)
        return false;
    for (size_t i = 0; i < (size_t)rows * cols; i++)
        cells[i] = blank;
    free(screen->cells);
    *screen = (struct share_screen){ .rows = rows, .cols = cols, .cursor_row = -1, .cursor_col = -1, .cells = cells };
    return true;
}

/* Characters without a look of their own that turn the rest of a line round or break it. */
static bool is_directive(uint32_t c)
{
    return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
           c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb);
}

/* Put the characters of a run into cells from @col on; what would act on a terminal is no character. Returns the column after them. */
static unsigned put_run(struct share_cell *row, unsigned cols, unsigned col, const json_t *run)
{
    const char *text = json_string_value(json_array_get(run, 0));
    size_t len = json_string_length(json_array_get(run, 0));
    struct share_cell look = blank;
    look.fg = (short)number(json_array_get(run, 1), -1, 255, -1);
    look.bg = (short)number(json_array_get(run, 2), -1, 255, -1);
    look.attributes = (unsigned)number(json_array_get(run, 3), 0, 31, 0);
    for (size_t i = 0; text && i < len;) {
        uint32_t character;
        i += utf8_decode(text + i, len - i, &character);
        unsigned wide = utf8_cells(character);
        if (is_directive(character))
            continue;
        if (character < 0x20 || (character >= 0x7f && character < 0xa0)) {
            character = '?';
            wide = 1;
        }
        if (wide == 0) {
            unsigned at = col > 1 && row[col - 1].chars[0] == 0 ? col - 2 : col > 0 ? col - 1 : cols;
            for (unsigned k = 1; at < cols && k < 4; k++)
                if (row[at].chars[k] == 0) {
                    row[at].chars[k] = character;
                    break;
                }
            continue;
        }
        if (col + wide > cols)
            break;
        look.chars[0] = character;
        row[col++] = look;
        if (wide == 2) {
            look.chars[0] = 0;
            row[col++] = look;
        }
    }
    return col;
}

bool share_screen_take(struct share_screen *screen, const struct json_t *message)
{
    const json_t *frame = json_object_get(message, "screen"), *cursor = json_object_get(frame, "cursor");
    int rows = number(json_object_get(frame, "rows"), 1, SHARE_SIDE_MAX, 0);
    int cols = number(json_object_get(frame, "cols"), 1, SHARE_SIDE_MAX, 0);
    if (rows == 0 || cols == 0 || !resize(screen, (unsigned)rows, (unsigned)cols))
        return false;
    screen->cursor_row = number(json_array_get(cursor, 0), 0, rows - 1, -1);
    screen->cursor_col = number(json_array_get(cursor, 1), 0, cols - 1, -1);
    size_t i;
    const json_t *line;
    json_array_foreach(json_object_get(frame, "lines"), i, line)
    {
        if (i == (size_t)rows) /* an honest one has each once */
            break;
        int at = number(json_array_get(line, 0), 0, rows - 1, -1);
        if (at < 0)
            continue;
        struct share_cell *row = screen->cells + (size_t)at * screen->cols;
        unsigned col = 0;
        size_t k;
        const json_t *run;
        json_array_foreach(json_array_get(line, 1), k, run) col = put_run(row, screen->cols, col, run);
        while (col < screen->cols)
            row[col++] = blank;
    }
    return true;
}

void share_screen_free(struct share_screen *screen)
{
    free(screen->cells);
    *screen = (struct share_screen){ 0 };
}
