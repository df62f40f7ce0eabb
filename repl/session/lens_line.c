#include "repl/session/lens_line.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ERRNO_MAX 4095 /* what the kernel can return */

int lens_errno(const char *name)
{
    for (int number = 1; number < 200; number++) {
        const char *known = strerrorname_np(number);
        if (known && strcmp(known, name) == 0)
            return number;
    }
    /* The C library has one name for two that are one number. */
    return strcmp(name, "EWOULDBLOCK") == 0 ? EWOULDBLOCK : strcmp(name, "ENOTSUP") == 0 ? ENOTSUP : 0;
}

static bool is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_')
            return false;
    return len > 0;
}

static char *skip_blanks(char *text)
{
    return text + strspn(text, " ");
}

/* Cut the blanks before @end, where the text now ends. */
static void end_at(const char *start, char *end)
{
    while (end > start && end[-1] == ' ')
        end--;
    *end = '\0';
}

/* The parenthesis that closes the call whose arguments begin at @text; those in strings and nested ones are passed over. NULL: there is none. */
static char *closing(char *text)
{
    unsigned depth = 1;
    bool quoted = false;
    for (; *text; text++) {
        if (quoted) {
            if (*text == '\\' && text[1])
                text++;
            else
                quoted = *text != '"';
        } else if (*text == '"') {
            quoted = true;
        } else if (*text == '(') {
            depth++;
        } else if (*text == ')' && --depth == 0) {
            return text;
        }
    }
    return NULL;
}

/* With names of processes asked for, strace puts one behind each pid among the arguments, and not knowing pid namespaces the wrong one: `kill(1<systemd>, 0)` loses it. */
static void drop_names(char *text)
{
    bool quoted = false;
    char *to = text;
    for (; *text; *to++ = *text++) {
        const char *end = NULL;
        if (*text == '"')
            quoted = !quoted;
        else if (quoted && *text == '\\' && text[1])
            *to++ = *text++;
        else if (!quoted && *text == '<' && isdigit((unsigned char)text[-1]) && (end = strchr(text, '>')))
            text = (char *)(uintptr_t)end + 1;
        if (!*text)
            break;
    }
    *to = '\0';
}

/* " = -1 EINVAL (Invalid argument)", " = 3", " = 0x7f…", " = ?" */
static bool parse_result(char *text, struct lens_line *line)
{
    text = skip_blanks(text);
    if (*text != '=' || text[1] != ' ')
        return false;
    text = skip_blanks(text + 1);
    if (*text == '?')
        return true;
    char *end;
    errno = 0;
    /* Addresses are beyond a long's half; what they are as a number nobody asks. */
    line->result = *text == '-' ? strtol(text, &end, 10) : (long)strtoul(text, &end, 0);
    if (end == text)
        return false;
    line->ended = true;
    text = skip_blanks(end);
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    if (line->result == -1 && len > 1 && *text == 'E') {
        text[len] = '\0';
        int number = lens_errno(text);
        line->error = number ? number : ERRNO_MAX;
    }
    return true;
}

/* Arguments from @text on, and what follows them. */
static enum lens_line_kind parse_arguments(char *text, struct lens_line *line)
{
    static const char unfinished[] = "<unfinished ...>";
    line->arguments = text = skip_blanks(text);
    char *end = closing(text);
    if (end && parse_result(end + 1, line)) {
        /* A call that ended the process: "exit_group(0 <unfinished ...>) = ?". */
        char *cut = end - text >= (int)sizeof unfinished - 1 ? end - (sizeof unfinished - 1) : NULL;
        end_at(text, cut && strncmp(cut, unfinished, sizeof unfinished - 1) == 0 ? cut : end);
        return line->kind;
    }
    size_t len = strlen(text);
    if (line->kind != LENS_LINE_CALL || len < sizeof unfinished - 1 ||
        strcmp(text + len - (sizeof unfinished - 1), unfinished) != 0)
        return LENS_LINE_OTHER;
    end_at(text, text + len - (sizeof unfinished - 1));
    return LENS_LINE_UNFINISHED;
}

static enum lens_line_kind parse_call(char *text, struct lens_line *line)
{
    static const char resumed[] = "<... ", tail[] = " resumed>";
    char *open;
    size_t skip = 1;
    line->kind = LENS_LINE_CALL;
    if (strncmp(text, resumed, sizeof resumed - 1) == 0) {
        line->kind = LENS_LINE_RESUMED;
        text += sizeof resumed - 1;
        open = strstr(text, tail);
        skip = sizeof tail - 1;
    } else {
        open = strchr(text, '(');
    }
    if (!open || !is_name(text, (size_t)(open - text)))
        return LENS_LINE_OTHER;
    line->name = text;
    *open = '\0';
    return parse_arguments(open + skip, line);
}

/* "<name>", in which what is not printable, and `>`, is written as \76. Returns what follows. */
static char *parse_process(char *text, char name[16])
{
    size_t len = 0;
    if (*text != '<')
        return text;
    for (text++; *text && *text != '>'; text++) {
        char c = *text;
        if (c == '\\' && text[1] >= '0' && text[1] <= '7') {
            unsigned code = 0;
            for (int digits = 0; digits < 3 && text[1] >= '0' && text[1] <= '7'; digits++)
                code = code * 8 + (unsigned)(*++text - '0');
            c = (char)code;
        }
        if (len < 15)
            name[len++] = (unsigned char)c < 0x20 || c == 0x7f ? '?' : c;
    }
    name[len] = '\0';
    return *text ? text + 1 : text;
}

enum lens_line_kind lens_line_parse(char *text, struct lens_line *line)
{
    static const char said[] = "strace: ";
    char *end;
    *line = (struct lens_line){ .name = "", .arguments = "" };
    if (strncmp(text, said, sizeof said - 1) == 0) {
        line->arguments = text + sizeof said - 1;
        return line->kind = LENS_LINE_SAID;
    }
    long pid = isdigit((unsigned char)*text) ? strtol(text, &end, 10) : 0;
    if (pid <= 0 || pid > INT_MAX)
        return line->kind = LENS_LINE_OTHER;
    line->pid = (pid_t)pid;
    drop_names(end + strcspn(end, "("));
    end = parse_process(end, line->process);
    if (*end != ' ')
        return line->kind = LENS_LINE_OTHER;
    text = skip_blanks(end);
    if (strncmp(text, "+++ exited", 10) == 0 || strncmp(text, "+++ killed", 10) == 0)
        return line->kind = LENS_LINE_END;
    return line->kind = parse_call(text, line);
}
