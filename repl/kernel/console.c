/* What a terminal prints: only what is a command's output goes to the client, without prompts and echoes, in lines that end as text files' do, and with colours as the only escape sequences. */
#include "repl/kernel/kernel_internal.h"

#include "engine/base/cleanup.h"

#include <string.h>

#define TYPED_LIMIT 65536 /* kept of what comes while a line is typed: its echo, and a complaint about it */

void console_reset(struct console *console)
{
    text_free(&console->typed);
    free(console->echo);
    *console = (struct console){ .kernel = console->kernel, .number = console->number, .filter = { .keep = true } };
}

void console_typing(struct console *console)
{
    text_clear(&console->typed);
    console->typing = true;
    console->accepted = false;
}

void console_expect_echo(struct console *console, const char *text)
{
    free(console->echo);
    console->echoed = 0;
    if (asprintf(&console->echo, "%s\n", text) < 0)
        console->echo = NULL;
}

/* Bytes of @text that are the echo that is expected. What comes otherwise was output, and what was held for the echo is given back. */
static size_t skip_echo(struct console *console, const char *text, size_t len)
{
    size_t n = 0;
    if (!console->echo)
        return 0;
    while (n < len && console->echo[console->echoed] && text[n] == console->echo[console->echoed]) {
        n++;
        console->echoed++;
    }
    if (n < len && console->echo[console->echoed]) {
        stream_put(console->kernel, "stdout", console->echo, console->echoed);
        free(take_ptr(&console->echo));
    } else if (!console->echo[console->echoed]) {
        free(take_ptr(&console->echo));
    }
    return n;
}

static void put(struct console *console, const char *text, size_t len)
{
    size_t skip = skip_echo(console, text, len);
    stream_put(console->kernel, "stdout", text + skip, len - skip);
}

/* A CR before a newline is the tty's. */
static void put_lines(struct console *console, const char *bytes, size_t len)
{
    while (len > 0) {
        if (console->held_return && *bytes != '\n')
            put(console, "\r", 1);
        console->held_return = false;
        const char *cr = memchr(bytes, '\r', len);
        size_t n = cr ? (size_t)(cr - bytes) : len;
        put(console, bytes, n);
        console->held_return = cr != NULL;
        n += cr != NULL;
        bytes += n;
        len -= n;
    }
}

static size_t strspn_of(const char *bytes, size_t len, const char *set)
{
    size_t n = 0;
    while (n < len && bytes[n] && strchr(set, bytes[n]))
        n++;
    return n;
}

/* ESC [ 2 J, as clear(1) has it: so does a client with what the cell has shown. */
static void clear(struct kernel *kernel)
{
    stream_flush(kernel);
    kernel_publish(kernel, kernel->output_parent, "clear_output", json_pack("{s:b}", "wait", 0));
}

static void on_text(const char *bytes, size_t len, void *data)
{
    struct console *console = data;
    bool sequence = bytes[0] == '\033';
    if (console->prompt || console->kernel->desk.state != DESK_READY)
        return;
    /* A shell that edits its line itself wipes the line's rest. */
    if (console->idle && len == strspn_of(bytes, len, " \b\r"))
        return;
    if (console->typing && !console->unmarked)
        text_append(&console->typed, bytes, sequence ? 0 : len, TYPED_LIMIT);
    else if (len == 4 && memcmp(bytes, "\033[2J", 4) == 0)
        clear(console->kernel);
    else if (!sequence || bytes[len - 1] == 'm')
        put_lines(console, bytes, len);
}

static void on_mark(char mark, void *data)
{
    struct console *console = data;
    console->held_return = false;
    switch (mark) {
    case 'A':
        console->prompt = true;
        console->unmarked = false;
        break;
    case 'B':
        console->prompt = false;
        console->idle = true;
        break;
    case 'C':
        console->idle = false;
        console->accepted = true;
        console->typing = false;
        break;
    default:
        break;
    }
}

void console_output(struct terminal *terminal, const char *bytes, size_t len, void *data)
{
    struct kernel *kernel = data;
    for (unsigned i = 1; kernel->desk.session && i <= TERMINALS; i++)
        if (session_terminal(kernel->desk.session, i) == terminal) {
            struct console *console = &kernel->desk.consoles[i];
            const struct plain_filter_events events = { on_text, on_mark, console };
            plain_filter_feed(&console->filter, bytes, len, &events);
        }
}
