/* The lessons that are shipped: they parse, each step has what a step needs, and damaged in hundreds of ways they are refused with words and lines, never
 * with a crash. TEACHROOT_LESSONS may name another curriculum. */
#include "repl/lesson/curriculum.h"
#include "repl/lesson/lesson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <cmark.h>

#define MUTATIONS 250 /* of each lesson */

static struct curriculum curriculum;

static int load(void **state)
{
    (void)state;
    struct err err = { 0 };
    if (curriculum_load(&curriculum, &err) == 0)
        return 0;
    print_error("%s\n", err.message);
    return -1;
}

static int unload(void **state)
{
    (void)state;
    curriculum_free(&curriculum);
    return 0;
}

static struct lesson *must_load(const char *path)
{
    struct lesson_mistakes mistakes;
    struct err err = { 0 };
    struct lesson *lesson = lesson_load(path, &mistakes, &err);
    for (size_t i = 0; i < mistakes.count; i++)
        print_error("%s:%d: %s\n", path, mistakes.list[i].line, mistakes.list[i].what);
    if (!lesson)
        fail_msg("%s: %s", path, err.message);
    return lesson;
}

static void every_lesson_is_what_the_curriculum_says(void **state)
{
    (void)state;
    assert_true(curriculum.count >= 2);
    for (size_t i = 0; i < curriculum.count; i++) {
        const struct curriculum_entry *entry = &curriculum.entries[i];
        struct lesson *lesson = must_load(entry->path);
        assert_int_equal(lesson->number, entry->number);
        assert_string_equal(lesson->title, entry->title);
        assert_true(entry->summary[0] != '\0');
        assert_true(lesson->intro_count > 0);
        lesson_free(lesson);
    }
}

static void every_step_has_a_check_a_hint_and_notes(void **state)
{
    (void)state;
    for (size_t i = 0; i < curriculum.count; i++) {
        struct lesson *lesson = must_load(curriculum.entries[i].path);
        for (size_t j = 0; j < lesson->step_count; j++) {
            const struct step *step = &lesson->steps[j];
            if (!step->check || !step->hints || !step->notes || !strstr(step->notes, "minute"))
                fail_msg("%s:%d: step %u has no check, hint, or notes with minutes", lesson->path, step->line,
                         step->number);
        }
        lesson_free(lesson);
    }
}

static bool bash_accepts(const char *command)
{
    pid_t pid = fork();
    if (pid == 0) {
        execlp("bash", "bash", "-n", "-c", command, (char *)NULL);
        _exit(126);
    }
    int status = -1;
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) != 126);
    return WEXITSTATUS(status) == 0;
}

static void every_command_and_check_is_complete_bash(void **state)
{
    (void)state;
    for (size_t i = 0; i < curriculum.count; i++) {
        struct lesson *lesson = must_load(curriculum.entries[i].path);
        for (size_t j = 0; j < lesson->step_count; j++) {
            const struct step *step = &lesson->steps[j];
            if (step->check && !bash_accepts(step->check))
                fail_msg("%s:%d: bash refuses the check", lesson->path, step->check_line);
            for (size_t k = 0; k < step->block_count; k++)
                for (char **command = step->blocks[k].commands; command && *command; command++)
                    if (!bash_accepts(*command))
                        fail_msg("%s:%d: bash refuses `%s`", lesson->path, step->blocks[k].line, *command);
        }
        lesson_free(lesson);
    }
}

/* xorshift: the same damage every time. */
static uint32_t seed;
static uint32_t below(uint32_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return limit ? seed % limit : 0;
}

struct bytes {
    char *s;
    size_t len;
};

static struct bytes slurp(const char *path)
{
    struct bytes bytes = { malloc(1 << 20), 0 };
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(bytes.s);
    bytes.len = fread(bytes.s, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

/* The line that holds byte @at: its start, and its length with the newline. */
static size_t line_at(const struct bytes *b, size_t at, size_t *len)
{
    size_t start = at;
    while (start > 0 && b->s[start - 1] != '\n')
        start--;
    const char *end = memchr(b->s + start, '\n', b->len - start);
    *len = end ? (size_t)(end - b->s) - start + 1 : b->len - start;
    return start;
}

static void splice(struct bytes *b, size_t at, size_t remove, const char *insert, size_t len)
{
    char *s = malloc(b->len + len + 1);
    assert_non_null(s);
    memcpy(s, b->s, at);
    memcpy(s + at, insert, len);
    memcpy(s + at + len, b->s + at + remove, b->len - at - remove);
    free(b->s);
    b->s = s;
    b->len += len - remove;
}

static void mutate(struct bytes *b)
{
    static const char *const junk[] = { "```\n",
                                        "-->\n",
                                        "<!-- check\n",
                                        "---\n",
                                        "```bash |{\"x\":\n",
                                        "```output\n",
                                        "```keys\nEnter\n```\n",
                                        "```quiz\n",
                                        "## \n",
                                        "<details><summary>Hint</summary>\n",
                                        "</details>\n",
                                        "\xff",
                                        "(x) ",
                                        " (re)",
                                        "> > > > ",
                                        "'",
                                        "$(",
                                        "<<EOF\n",
                                        "|",
                                        "{",
                                        "~~~\n" };
    char copy[512];
    size_t len;
    size_t start = b->len ? line_at(b, below((uint32_t)b->len), &len) : (len = 0);
    size_t kept = len < sizeof copy ? len : sizeof copy;
    memcpy(copy, b->s + start, kept);
    switch (below(7)) {
    case 0: /* a line less */
        splice(b, start, len, "", 0);
        break;
    case 1: /* a line twice */
        splice(b, start, 0, copy, kept);
        break;
    case 2: /* a line elsewhere */
        splice(b, start, kept, "", 0);
        start = b->len ? line_at(b, below((uint32_t)b->len), &len) : 0;
        splice(b, start, 0, copy, kept);
        break;
    case 3:
        if (b->len)
            b->s[below((uint32_t)b->len)] ^= (char)(1 << below(8));
        break;
    case 4:
        b->len = below((uint32_t)b->len + 1);
        break;
    default: {
        const char *text = junk[below(sizeof junk / sizeof *junk)];
        splice(b, below(2) ? start : below((uint32_t)b->len + 1), 0, text, strlen(text));
    }
    }
}

static int lines_in(const struct bytes *b)
{
    int lines = 1;
    for (size_t i = 0; i < b->len; i++)
        lines += b->s[i] == '\n';
    return lines;
}

static void a_damaged_lesson_is_read_or_refused_with_lines_and_words(void **state)
{
    (void)state;
    int refused = 0, read = 0;
    for (size_t i = 0; i < curriculum.count; i++)
        for (uint32_t n = 0; n < MUTATIONS; n++) {
            struct bytes b = slurp(curriculum.entries[i].path);
            seed = 0x9e3779b9u + n * 2654435761u + (uint32_t)i;
            for (uint32_t times = 1 + below(4); times > 0; times--)
                mutate(&b);
            struct lesson_mistakes mistakes;
            struct err err = { 0 };
            struct lesson *lesson = lesson_parse(curriculum.entries[i].path, b.s, b.len, &mistakes, &err);
            assert_true(lesson ? mistakes.count == 0 : mistakes.count > 0);
            for (size_t j = 0; j < mistakes.count; j++) {
                assert_true(mistakes.list[j].line >= 1 && mistakes.list[j].line <= lines_in(&b));
                assert_non_null(strstr(mistakes.list[j].what, "expected "));
            }
            refused += !lesson;
            read += lesson != NULL;
            lesson_free(lesson);
            lesson_mistakes_free(&mistakes);
            free(b.s);
        }
    print_message("# %d damaged lessons refused, %d still lessons\n", refused, read);
    assert_true(refused > 0 && read > 0);
}

static void the_examples_in_the_authors_guide_are_lessons(void **state)
{
    (void)state;
    char path[4096];
    const char *first = curriculum.entries[0].path;
    const char *lessons = strstr(first, "/lessons/");
    assert_non_null(lessons);
    snprintf(path, sizeof path, "%.*s/lessons.md", (int)(lessons - first), first);
    struct bytes guide = slurp(path);
    cmark_node *document = cmark_parse_document(guide.s, guide.len, CMARK_OPT_DEFAULT);
    int examples = 0;
    for (cmark_node *node = cmark_node_first_child(document); node; node = cmark_node_next(node)) {
        if (cmark_node_get_type(node) != CMARK_NODE_CODE_BLOCK ||
            strcmp(cmark_node_get_fence_info(node), "markdown") != 0)
            continue;
        char *text = NULL;
        const char *body = cmark_node_get_literal(node);
        bool whole = strstr(body, "\n## ");
        assert_true(asprintf(&text, whole ? "%s" : "## Step\n\n%s\n<!-- check\ntrue\n-->\n", body) > 0);
        struct lesson_mistakes mistakes;
        struct err err = { 0 };
        struct lesson *lesson = lesson_parse("04-example.md", text, strlen(text), &mistakes, &err);
        if (mistakes.count)
            fail_msg("the example on line %d of lessons.md, its line %d: %s", cmark_node_get_start_line(node),
                     mistakes.list[0].line, mistakes.list[0].what);
        assert_true(lesson && !lesson->plain);
        lesson_free(lesson);
        free(text);
        examples++;
    }
    assert_true(examples >= 5);
    cmark_node_free(document);
    free(guide.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_lesson_is_what_the_curriculum_says),
        cmocka_unit_test(every_step_has_a_check_a_hint_and_notes),
        cmocka_unit_test(every_command_and_check_is_complete_bash),
        cmocka_unit_test(a_damaged_lesson_is_read_or_refused_with_lines_and_words),
        cmocka_unit_test(the_examples_in_the_authors_guide_are_lessons),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, load, unload);
}
