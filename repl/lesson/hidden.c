/* What an HTML comment or a `<details>` says to the program. */
#include "repl/lesson/parse.h"

#include "engine/base/similar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const hidden_names[HIDDEN_KINDS] = {
    [HIDDEN_SETUP] = "setup", [HIDDEN_CHECK] = "check", [HIDDEN_TEARDOWN] = "teardown",
    [HIDDEN_NOTES] = "notes", [HIDDEN_WATCH] = "watch",
};

/* One-line comments, `<!-- needs: 2.4 -->`: what a step says of itself. */
enum step_key { STEP_NEEDS, STEP_REQUIRES, STEP_TIMEOUT, STEP_ESSENCE, STEP_KEY_COUNT };
static const struct {
    const char *name, *expected;
} step_keys[STEP_KEY_COUNT] = {
    [STEP_NEEDS] = { "needs", "earlier steps as LESSON.STEP (`2.4`), separated by commas" },
    [STEP_REQUIRES] = { "requires", "names that `doctor` knows, separated by commas" },
    [STEP_ESSENCE] = { "essence", "a sentence: what the step has shown" },
    [STEP_TIMEOUT] = { "timeout", "a number and ms, s, m or h, as in `20s`" },
};

static const char *html(const cmark_node *node)
{
    const char *literal = cmark_node_get_literal((cmark_node *)(uintptr_t)node);
    return literal + strspn(literal, " ");
}

/** What is in the comment at @html, blanks before it skipped; NULL if it is none. */
static const char *comment_text(const char *html)
{
    return strncmp(html, "<!--", 4) == 0 ? html + 4 + strspn(html + 4, " \t") : NULL;
}

static enum hidden_kind hidden_kind(const char *text)
{
    size_t len = strcspn(text, " \t\n");
    for (int i = 0; i < HIDDEN_KINDS; i++)
        if (strlen(hidden_names[i]) == len && memcmp(hidden_names[i], text, len) == 0)
            return (enum hidden_kind)i;
    return HIDDEN_KINDS;
}

bool is_check(const cmark_node *node)
{
    const char *text = comment_text(html(node));
    return text && hidden_kind(text) == HIDDEN_CHECK && text[strcspn(text, " \t\n")] != '\0' &&
           text[5 + strspn(text + 5, " \t")] == '\n';
}

static bool opens_file(const struct parser *p, int line)
{
    for (int i = 0; i < line - 1; i++)
        if (p->lines[i][strspn(p->lines[i], " \t")])
            return false;
    return true;
}

static char **hidden_field(struct parser *p, struct step *step, enum hidden_kind kind)
{
    char **const of_step[] = { step ? &step->setup : NULL, step ? &step->check : NULL, step ? &step->teardown : NULL,
                               step ? &step->notes : NULL, step ? &step->watch : NULL };
    char **const of_lesson[] = { &p->lesson->setup, NULL, &p->lesson->teardown, &p->lesson->notes, NULL };
    return step ? of_step[kind] : of_lesson[kind];
}

/** Sections of the state, each a word of its own; session/state.h has the same. */
static bool names_sections(const char *words)
{
    static const char *const sections[] = { "namespaces", "ids", "mounts", "layers", "processes", "links" };
    for (size_t len; words += strspn(words, " \t"), (len = strcspn(words, " \t")) > 0; words += len) {
        size_t i = 0;
        while (i < sizeof sections / sizeof *sections &&
               (strlen(sections[i]) != len || memcmp(sections[i], words, len) != 0))
            i++;
        if (i == sizeof sections / sizeof *sections)
            return false;
    }
    return true;
}

/** Each line of a watch is `closure`, a root and programs (`closure /my-new-root /bin/bash`), or names sections of the state (`mounts ids`). */
static void check_watch(struct parser *p, const char *content, int line)
{
    for (const char *at = content; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        size_t len = strcspn(at, "\n");
        char kind[16], root[256], program[256];
        line++;
        if (strspn(at, " \t\n") >= len)
            continue;
        char *copy = kept(p, strndup(at, len));
        bool closure =
            copy && sscanf(copy, "%15s %255s %255s", kind, root, program) == 3 && strcmp(kind, "closure") == 0;
        if (copy && !closure && !names_sections(copy))
            mistake(p, line,
                    "bad watch `%s`, expected `closure ROOT PROGRAM…` or some of: namespaces ids mounts layers "
                    "processes links",
                    copy);
        free(copy);
    }
}

/** The hidden block whose keyword is at @text and which ends at @end. */
static void take_hidden(struct parser *p, struct step *step, enum hidden_kind kind, const char *text, const char *end,
                        int line)
{
    const char *name = hidden_names[kind];
    const char *body = text + strlen(name);
    body += strspn(body, " \t");
    if (*body != '\n') {
        soft_mistake(p, line, "text after `%s` on its line, expected it alone and what it holds on the lines below",
                     name);
        return;
    }
    char **field = hidden_field(p, step, kind);
    char *content = kept(p, strndup(body + 1, end > body + 1 ? (size_t)(end - body - 1) : 0));
    if (!content)
        return;
    if (opens_file(p, line))
        mistake(p, line,
                "a hidden block opens the file, expected text or front matter before it (some tools read a comment "
                "there as front matter)");
    else if (!field)
        mistake(p, line, "a %s before the first step, expected it under a `## ` heading", name);
    else if (*field)
        mistake(p, line, "a second `%s`, expected one a step", name);
    else if (content[strspn(content, " \t\n")] == '\0')
        mistake(p, line, "an empty `%s`, expected something in it", name);
    else
        *field = content;
    if (!field || *field != content) {
        free(content);
        return;
    }
    if (kind == HIDDEN_CHECK)
        step->check_line = line;
    if (kind == HIDDEN_WATCH)
        check_watch(p, content, line);
}

static void set_step_key(struct parser *p, struct step *step, enum step_key key, const char *value, int line)
{
    bool good = true, again = false;
    switch (key) {
    case STEP_NEEDS:
        again = step->needs;
        good = value_names(value);
        if (!good || again)
            break;
        check_needs(p, line, value, step->number);
        step->needs = names_list(p, value);
        step->needs_line = line;
        break;
    case STEP_REQUIRES:
        again = step->requires
        ;
        good = value_names(value);
        if (!good || again)
            break;
        step->requires = names_list(p, value);
        step->requires_line = line;
        break;
    case STEP_ESSENCE:
        again = step->essence;
        good = *value;
        if (good && !again)
            step->essence = kept(p, strdup(value));
        break;
    default:
        good = value_timeout(value, &step->timeout_ms);
        break;
    }
    if (!good)
        mistake(p, line, "bad value `%s` of `%s`, expected %s", value, step_keys[key].name, step_keys[key].expected);
    else if (again)
        mistake(p, line, "a second `%s`, expected one a step", step_keys[key].name);
}

/** `<!-- needs: 2.4 -->`. Returns false if the comment is no such line. */
static bool take_step_key(struct parser *p, struct step *step, const char *text, const char *end, int line)
{
    if (memchr(text, '\n', (size_t)(end - text)))
        return false;
    for (int i = 0; i < STEP_KEY_COUNT; i++) {
        size_t len = strlen(step_keys[i].name);
        if (strncmp(text, step_keys[i].name, len) != 0 || text[len] != ':')
            continue;
        char *value = kept(p, trimmed(text + len + 1, (size_t)(end - text) - len - 1));
        if (value && step)
            set_step_key(p, step, (enum step_key)i, value, line);
        else if (value)
            soft_mistake(p, line,
                         "`%s` before the first step, expected it in the front matter or under a `## ` heading",
                         step_keys[i].name);
        free(value);
        return true;
    }
    return false;
}

bool take_comment(struct parser *p, struct step *step, cmark_node *node)
{
    int line = cmark_node_get_start_line(node);
    const char *text = comment_text(html(node));
    if (!text)
        return false;
    cmark_node_set_user_data(node, (void *)(intptr_t)NODE_KIND_HIDDEN);
    const char *end = strstr(text, "-->");
    if (!end) {
        mistake(p, line, "a comment that never ends, expected `-->` after it");
        return true;
    }
    enum hidden_kind kind = hidden_kind(text);
    size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    if (kind != HIDDEN_KINDS) {
        take_hidden(p, step, kind, text, end, line);
        if (end[3 + strspn(end + 3, " \t\n")])
            mistake(p, line,
                    "text after the `-->` that ends `%s`, expected the end of the line (a hidden block ends at its "
                    "first `-->`)",
                    hidden_names[kind]);
    } else if (!take_step_key(p, step, text, end, line) && word > 0 && text[word] == '\n' && text + word < end) {
        char near[64], *name = kept(p, strndup(text, word));
        if (name)
            soft_mistake(p, line, "unknown hidden block `%s`, expected one of setup, check, teardown, notes, watch%s",
                         name, did_you_mean(near, sizeof near, name, hidden_names, HIDDEN_KINDS, sizeof *hidden_names));
        free(name);
    }
    return true;
}

/** The text of a `<details>` whose summary begins with Hint or Solution (@solution says which): from after the summary. NULL if it is another. */
static const char *hint_text(const char *html, bool *solution)
{
    if (strncasecmp(html, "<details", 8) != 0)
        return NULL;
    const char *summary = strcasestr(html, "<summary>");
    if (!summary)
        return NULL;
    const char *name = summary + strlen("<summary>");
    name += strspn(name, " \t\n");
    *solution = strncasecmp(name, "solution", 8) == 0;
    if (!*solution && strncasecmp(name, "hint", 4) != 0)
        return NULL;
    const char *end = strcasestr(name, "</summary>");
    return end ? end + strlen("</summary>") : NULL;
}

/** Follow the tags in @html. Returns the `</details>` that brings *depth to 0, or NULL. */
static const char *details_end(const char *html, int *depth)
{
    for (const char *at = html; (at = strchr(at, '<')); at++) {
        if (strncasecmp(at, "<details", 8) == 0)
            ++*depth;
        else if (strncasecmp(at, "</details>", 10) == 0 && --*depth == 0)
            return at;
    }
    return NULL;
}

static int lines_in(const char *s)
{
    int lines = 0;
    for (; *s; s++)
        lines += *s == '\n';
    return lines;
}

static void add_hint(struct parser *p, struct step *step, char *markdown, bool solution, int line)
{
    char *hint = markdown ? kept(p, trimmed(markdown, strlen(markdown))) : NULL;
    free(markdown);
    if (!hint)
        return;
    size_t count = 0;
    while (step->hints && step->hints[count].text)
        count++;
    struct hint *grown = *hint ? reallocarray(step->hints, count + 2, sizeof *grown) : NULL;
    if (!*hint)
        mistake(p, line, "an empty hint, expected text before `</details>`");
    else if (!grown)
        p->oom = true;
    if (!grown) {
        free(hint);
        return;
    }
    step->hints = grown;
    grown[count] = (struct hint){ hint, solution };
    grown[count + 1] = (struct hint){ NULL, false };
}

cmark_node *take_hint(struct parser *p, struct step *step, cmark_node *node)
{
    const char *opening = html(node);
    bool solution;
    const char *from = hint_text(opening, &solution);
    int line = cmark_node_get_start_line(node);
    if (!from)
        return NULL;
    int depth = 0;
    cmark_node *last = node;
    const char *end = details_end(opening, &depth);
    while (!end && (last = cmark_node_next(last)))
        if (cmark_node_get_type(last) == CMARK_NODE_HTML_BLOCK)
            end = details_end(html(last), &depth);
    if (!end) {
        mistake(p, line, "a hint that never ends, expected `</details>` after it");
        return node;
    }
    if (end[10 + strspn(end + 10, " \t\n")])
        mistake(p, cmark_node_get_start_line(last),
                "text after `</details>`, expected an empty line after it (without one Markdown takes it as HTML)");
    struct text markdown = { 0 };
    if (last == node) {
        text_add(&markdown, from, end > from ? (size_t)(end - from) : 0);
    } else {
        int until = cmark_node_get_start_line(last) - 1;
        text_add(&markdown, from, strlen(from));
        for (int i = line + lines_in(opening); i <= until && (size_t)i <= p->line_count; i++)
            text_add_line(&markdown, p->lines[i - 1]);
        text_add(&markdown, html(last), (size_t)(end - html(last)));
    }
    for (cmark_node *taken = node; taken; taken = taken == last ? NULL : cmark_node_next(taken))
        cmark_node_set_user_data(taken, (void *)(intptr_t)NODE_KIND_HIDDEN);
    add_hint(p, step, kept(p, text_take(&markdown)), solution, line);
    return last;
}
