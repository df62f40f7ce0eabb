/* The language of a fence, as the tools of others write it, and the options of a MyST cell.
 *
 * ```bash   ```Shell   ```sh,linenos   ```{.bash .numberLines}   ```{code-cell} bash   ```{code-block} console
 */
#include "repl/lesson/parse.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    bool session; /* it shows a session, prompts and all */
} shells[] = {
    { "bash", false },        { "sh", false },           { "shell", false },       { "zsh", false },
    { "dash", false },        { "ksh", false },          { "shellscript", false }, { "shell-script", false },
    { "console", true },      { "shell-session", true }, { "shellsession", true }, { "sh-session", true },
    { "bash-session", true }, { "terminal", true },      { "session", true },      { "term", true },
};
#define SHELLS (sizeof shells / sizeof *shells)

static size_t shell_find(const char *language)
{
    size_t i = 0;
    while (i < SHELLS && strcasecmp(shells[i].name, language) != 0)
        i++;
    return i;
}

bool lesson_is_shell(const char *language)
{
    return shell_find(language) < SHELLS;
}

bool is_session(const char *language)
{
    size_t i = shell_find(language);
    return i < SHELLS && shells[i].session;
}

/** A notebook's own language, of a cell that names none: does the front matter say that its kernel is bash's? */
static const char *kernel_language(const struct parser *p)
{
    if (p->line_count == 0 || strcmp(p->lines[0], "---") != 0)
        return "";
    for (size_t i = 1; i < p->line_count && strcmp(p->lines[i], "---") != 0; i++) {
        const char *line = p->lines[i] + strspn(p->lines[i], " \t");
        if (strcmp(line, "language: bash") == 0 || strcmp(line, "name: bash") == 0)
            return "bash";
    }
    return "";
}

/** The first class of `{.bash .numberLines}` that is a shell's, or its first. */
static char *class_language(const char *info, const char **rest)
{
    char *first = NULL;
    const char *at = info + 1;
    while ((at += strspn(at, " \t")), *at == '.') {
        size_t len = strcspn(++at, " \t}");
        char *class = strndup(at, len);
        at += len;
        if (!class || !first || (lesson_is_shell(class) && !lesson_is_shell(first))) {
            free(first);
            first = class;
        } else {
            free(class);
        }
    }
    *rest = at + strcspn(at, "}") + (strchr(at, '}') != NULL);
    return first;
}

char *read_language(struct parser *p, const char *info, const char **rest)
{
    static const char *const directives[] = { "{code-cell}", "{code-block}", "{code}", "{sourcecode}" };
    if (info[0] == '{' && info[1 + strspn(info + 1, " \t")] == '.')
        return kept(p, class_language(info, rest));
    for (size_t i = 0; i < sizeof directives / sizeof *directives; i++) {
        size_t len = strlen(directives[i]);
        if (strncmp(info, directives[i], len) != 0)
            continue;
        info += len + strspn(info + len, " \t");
        if (i == 0 && *info == '\0') {
            *rest = info;
            return kept(p, strdup(kernel_language(p)));
        }
        break;
    }
    size_t len = strcspn(info, " \t|{,");
    *rest = info + len;
    return kept(p, strndup(info, len));
}

/** Does the option @line of @len bytes name the tag @tag? */
static bool names_tag(const char *line, size_t len, const char *tag)
{
    const char *found = memmem(line, len, tag, strlen(tag));
    return found && found > line && strchr(" \t[\"',-", found[-1]);
}

void read_cell_options(struct fence *fence, const char *body)
{
    bool yaml = strncmp(body, "---\n", 4) == 0;
    const char *line = yaml ? body + 4 : body;
    for (; *line && (yaml || *line == ':'); line += strcspn(line, "\n"), line += *line == '\n') {
        size_t len = strcspn(line, "\n");
        if (yaml && len == 3 && strncmp(line, "---", 3) == 0) {
            line += len + (line[len] == '\n');
            break;
        }
        fence->may_fail |= names_tag(line, len, "raises-exception");
        fence->left_out |= names_tag(line, len, "skip-execution");
    }
    fence->body_at = (size_t)(line - body);
}
