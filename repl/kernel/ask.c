/* What a client asks beside cells: who the kernel is, how a word goes on, what it means, and whether a cell is whole. Positions are in characters there, in bytes here. */
#include "repl/kernel/kernel_internal.h"

#include "engine/base/cleanup.h"
#include "engine/observe/place.h"
#include "repl/kernel/magics.h"
#include "repl/play/explain.h"
#include "repl/screen/completion.h"
#include "repl/screen/shell_words.h"
#include "repl/screen/utf8.h"
#include "repl/tutor/explain.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* Positions. */

static size_t bytes_of(const char *text, json_int_t characters)
{
    size_t at = 0;
    uint32_t character;
    for (size_t len = strlen(text); characters > 0 && at < len; characters--)
        at += utf8_decode(text + at, len - at, &character);
    return at;
}

static json_int_t characters_of(const char *text, size_t bytes)
{
    json_int_t count = 0;
    uint32_t character;
    for (size_t at = 0; at < bytes; count++)
        at += utf8_decode(text + at, bytes - at, &character);
    return count;
}

static const char *code_of(const struct kernel *kernel)
{
    const char *code = json_string_value(json_object_get(kernel->current->content, "code"));
    return code ? code : "";
}

static size_t cursor_of(const struct kernel *kernel, const char *code)
{
    const json_t *position = json_object_get(kernel->current->content, "cursor_pos");
    return json_is_integer(position) ? bytes_of(code, json_integer_value(position)) : strlen(code);
}

static size_t line_start(const char *code, size_t cursor)
{
    while (cursor > 0 && code[cursor - 1] != '\n')
        cursor--;
    return cursor;
}

/* Who the kernel is. */

json_t *kernel_info(const struct kernel *kernel)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s, s:s}, s:s, s:b, s:[{s:s, s:s}], s:[]}", "status", "ok",
        "protocol_version", kernel->welcomes ? "5.5" : "5.3", "implementation", "teachroot", "implementation_version",
        TEACHROOT_VERSION, "language_info", "name", "bash", "version", "5", "mimetype", "text/x-sh", "file_extension",
        ".sh", "pygments_lexer", "bash", "codemirror_mode", "shell", "banner",
        "teachroot " TEACHROOT_VERSION
        ": a lab to break. Cells are typed in its shell; %help lists what else there is, %lesson 1 opens a lesson.",
        "debugger", 0, "help_links", "text", "Namespaces", "url",
        "https://man7.org/linux/man-pages/man7/namespaces.7.html", "supported_features");
}

static void on_warm_up(void *data)
{
    struct kernel *kernel = data;
    desk_need(&kernel->desk);
}

void ask_kernel_info(struct kernel *kernel)
{
    kernel_answer(kernel, "kernel_info_reply", kernel_info(kernel));
    if (kernel->desk.state == DESK_NONE) /* a client is there: the lab is ready when its first cell comes */
        loop_add_timer(kernel->loop, 1, 0, on_warm_up, kernel);
}

/* How a word goes on. */

static size_t word_start(const char *line, size_t cursor)
{
    const char *breaks = shell_word_breaks(line, cursor);
    size_t start = cursor;
    while (start > 0) {
        char before = line[start - 1];
        bool quote = before == '"' || before == '\'';
        if ((quote || strchr(breaks, before)) && !shell_is_quoted(line, start - 1))
            break;
        if (shell_open_quote(line, cursor) && quote && before == shell_open_quote(line, cursor))
            break;
        start--;
    }
    return start;
}

/* The magics that go on as the line does, which is one word. */
static json_t *magics_of(const char *line)
{
    json_t *matches = json_array();
    char name[40];
    for (size_t i = 0; i <= magic_count; i++) {
        snprintf(name, sizeof name, "%%%s", i < magic_count ? magics[i].name : "%terminal");
        if (strncmp(name, line, strlen(line)) == 0)
            json_array_append_new(matches, json_string(name));
    }
    return matches;
}

static json_t *candidates(struct kernel *kernel, const char *line, size_t start)
{
    struct observe_place place;
    json_t *matches = json_array();
    struct session *session = kernel->desk.session;
    if (kernel->desk.state != DESK_READY ||
        observe_place(session_shell(session, session_active(session)), &place, NULL) < 0)
        return matches;
    struct completion_options options = { .place = &place };
    char **found = completion_candidates(&options, line, line + start, start);
    for (char **c = found; c && *c; c++)
        json_array_append_new(matches, stream_text(*c, strlen(*c)));
    completion_free(found);
    observe_place_free(&place);
    return matches;
}

void ask_complete(struct kernel *kernel)
{
    const char *code = code_of(kernel);
    size_t cursor = cursor_of(kernel, code), begin = line_start(code, cursor);
    cleanup_free char *line = strndup(code + begin, cursor - begin);
    bool magic = line && line[0] == '%' && !strpbrk(line, " \t");
    size_t start = line && !magic ? word_start(line, cursor - begin) : 0;
    json_t *matches = !line ? json_array() : magic ? magics_of(line) : candidates(kernel, line, start);
    kernel_answer(kernel, "complete_reply",
                  json_pack("{s:s, s:o, s:I, s:I, s:{}}", "status", "ok", "matches", matches, "cursor_start",
                            characters_of(code, begin + start), "cursor_end", characters_of(code, cursor), "metadata"));
}

/* What it means. */

char *ask_explained(const char *line)
{
    struct explanation explanation;
    char *text = NULL;
    size_t size;
    if (explain_line(line, &explanation) < 0)
        return NULL;
    FILE *out = explanation.count ? open_memstream(&text, &size) : NULL;
    for (size_t i = 0; out && i < explanation.count; i++)
        explain_print_word(out, &explanation.words[i]);
    if (out)
        fclose(out);
    explanation_free(&explanation);
    return text;
}

void ask_inspect(struct kernel *kernel)
{
    const char *code = code_of(kernel);
    size_t cursor = cursor_of(kernel, code), begin = line_start(code, cursor);
    cleanup_free char *line = strndup(code + begin, strcspn(code + begin, "\n"));
    cleanup_free char *plain = line ? ask_explained(line) : NULL, *markdown = plain ? explain_markdown(line) : NULL;
    json_t *data = json_object();
    if (plain)
        json_object_set_new(data, "text/plain", stream_text(plain, strlen(plain)));
    if (markdown)
        json_object_set_new(data, "text/markdown", stream_text(markdown, strlen(markdown)));
    kernel_answer(kernel, "inspect_reply",
                  json_pack("{s:s, s:b, s:o, s:{}}", "status", "ok", "found", plain != NULL, "data", data, "metadata"));
}

/* Whether a cell is whole. */

/* What bash says of @code when it only reads it. It is the machine's: nothing is run. False if it could not be asked. */
static bool ask_bash(const char *code, char *said, size_t size, int *wait_status)
{
    static const char *const argv[] = { "bash", "--norc", "-n", NULL };
    static const char *const env[] = { "LC_ALL=C", "PATH=/usr/local/bin:/usr/bin:/bin", NULL };
    cleanup_close int in = memfd_create("cell", MFD_CLOEXEC), out = memfd_create("said", MFD_CLOEXEC);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    pid_t pid;
    if (in < 0 || out < 0 || write(in, code, strlen(code)) != (ssize_t)strlen(code) || lseek(in, 0, SEEK_SET) < 0 ||
        posix_spawn_file_actions_init(&actions) != 0)
        return false;
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 2);
    posix_spawnattr_init(&attributes);
    sigemptyset(&none); /* the loop has blocked its own */
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int failed = posix_spawnp(&pid, "bash", &actions, &attributes, (char *const *)(uintptr_t)argv,
                              (char *const *)(uintptr_t)env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failed || waitpid(pid, wait_status, 0) != pid)
        return false;
    ssize_t n = pread(out, said, size - 1, 0);
    said[n < 0 ? 0 : n] = '\0';
    return true;
}

static const char *completeness(const char *code)
{
    /* bash(1) in its own words: the end came too early. */
    static const char *const early[] = { "unexpected end of file", "unexpected EOF", "delimited by end-of-file" };
    char said[4096];
    int status;
    code += strspn(code, " \t\r\n");
    if (*code == '%' || !*code)
        return "complete";
    size_t len = strlen(code), slashes = 0;
    while (slashes < len && code[len - 1 - slashes] == '\\')
        slashes++;
    if (slashes % 2)
        return "incomplete";
    if (!ask_bash(code, said, sizeof said, &status))
        return "unknown";
    for (size_t i = 0; i < sizeof early / sizeof *early; i++)
        if (strstr(said, early[i]))
            return "incomplete";
    return status == 0 ? "complete" : "invalid";
}

void ask_is_complete(struct kernel *kernel)
{
    const char *status = completeness(code_of(kernel));
    json_t *content = json_pack("{s:s}", "status", status);
    if (strcmp(status, "incomplete") == 0)
        json_object_set_new(content, "indent", json_string("  "));
    kernel_answer(kernel, "is_complete_reply", content);
}
