/* Documents of a run: Markdown that cmark reads back, and a page that is whole by itself, whatever a lesson prints. */
#include "repl/play/formats.h"
#include "repl/play/page.h"
#include "repl/play/sha256.h"

#include <cmark.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/scratch.h"

/* What would become markup, end a fence or a script, or act on a terminal, if anything let it. */
static const char lesson_text[] =
    "# Hostile <b>output</b> & others\n\nWords with `code`, <kbd>HTML</kbd>, [a link](https://example.org/?a=1&b=2), "
    "[another](javascript:alert(1)), [a third](ftp://example.org) and ![a picture](http://example.org/x.png).\n\n"
    "| what | it is |\n|---|---|\n| `a|b` | *bars* |\n\n<script>alert('prose')</script>\n\n"
    "## Print <i>them</i>\n\n"
    "```quiz\nWhich `<tag>`?\n( ) <img src=x onerror=alert(1)> — *no*\n(x) None — `<b>` is text.\n```\n\n"
    "```bash\n"
    "printf '<script>alert(out)</script></pre><!-- --> &amp; \"quotes\"\\n'\n"
    "printf '```\\n````\\n~~~\\n# heading\\n</details>\\n'\n"
    "printf 'bad \\377 nul \\000 \\033]52;c;aGk=\\a\\033]0;t\\a\\033[31mred\\033[0m "
    "\\033[48;5;208mback\\033[7mturn\\033[0m\\n'\n"
    "cat > /root/f <<END\none\n\n  \xe4\xb8\xad</script>\nEND\n"
    "```\n<!-- check\ntest -f /root/f # <b>\n-->\n<details><summary>Hint</summary>\n\nUse `cat`.\n\n</details>\n\n"
    "## Other kinds\n\n"
    "```bash |{\"type\":\"script\",\"exit\":\"3\"}\nprintf '\\033[1mbold\\033[0m<i>\\r\\n'; exit 3\n```\n\n"
    "```text |{\"type\":\"file\",\"name\":\"/root/x\"}\n<file>\n```\n\n"
    "```bash |{\"terminal\":\"2\"}\nfor i in 1 2 3; do\n  echo $i\ndone; false\n```\n<!-- check\ntrue\n-->\n";

static char *file_text(const char *directory, const char *name)
{
    char path[160], *text = NULL;
    size_t len = 0;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("there is no %s", path);
    FILE *out = open_memstream(&text, &len);
    for (int c; (c = getc(file)) != EOF;)
        putc(c, out);
    fclose(file);
    fclose(out);
    assert_int_equal(strlen(text), len); /* no NUL */
    return text;
}

static char screens[2][24][1024];

/* A format of the test's own: what the session's terminals show at the end. */
static void keep_screens(struct run_sink *sink)
{
    for (unsigned number = 1; number <= 2; number++)
        for (unsigned row = 0; row < 24; row++)
            terminal_row_text(session_terminal(sink->run->session, number), (int)row, screens[number - 1][row],
                              sizeof screens[number - 1][row]);
}
static const struct run_format screens_format = { .name = "screens", .suffix = ".screens", .end = keep_screens };

static int play(const char *text, const char *directory, bool redact)
{
    char path[128];
    snprintf(path, sizeof path, "%s/hostile.md", base);
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    struct run_options options = { .formats = { run_format_find(play_formats, "md", 2),
                                                run_format_find(play_formats, "html", 4),
                                                run_format_find(play_formats, "cast", 4), &screens_format },
                                   .format_count = 4,
                                   .directory = directory,
                                   .redact = redact,
                                   .lab.offline = true };
    return run_lessons((char *[]){ path }, 1, &options);
}

static void fail_for_memory(struct run_sink *sink)
{
    fputs("half of it", sink->out);
    sink->failed = true;
}

static void what_memory_ran_out_for_gets_no_name(void **state)
{
    static const struct run_format failing = { .name = "failing", .suffix = ".failing", .end = fail_for_memory };
    char path[128], file[160];
    snprintf(path, sizeof path, "%s/short.md", base);
    FILE *lesson = fopen(path, "w");
    fputs("## One\n\n```bash\ntrue\n```\n", lesson);
    fclose(lesson);
    struct run_options options = { .formats = { &failing }, .format_count = 1, .directory = base, .lab.offline = true };
    assert_int_equal(run_lessons((char *[]){ path }, 1, &options), RUN_CANNOT);
    snprintf(file, sizeof file, "%s/short.failing", base);
    assert_int_equal(access(file, F_OK), -1);
}

static char directory[100];

static void play_once(void)
{
    if (directory[0])
        return;
    snprintf(directory, sizeof directory, "%s/once", base);
    assert_int_equal(play(lesson_text, directory, false), RUN_FAILED); /* `false` ends with 1 */
}

/* --- Markdown ---------------------------------------------------------------------------------------------------------------------- */

static bool has_code(cmark_node *document, const char *wanted, bool whole)
{
    bool found = false;
    cmark_iter *iter = cmark_iter_new(document);
    for (cmark_event_type event; (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE;) {
        cmark_node *node = cmark_iter_get_node(iter);
        if (cmark_node_get_type(node) != CMARK_NODE_CODE_BLOCK)
            continue;
        const char *literal = cmark_node_get_literal(node);
        found |= whole ? strcmp(literal, wanted) == 0 : strstr(literal, wanted) != NULL;
    }
    cmark_iter_free(iter);
    return found;
}

static void markdown_is_read_back_as_what_was_printed(void **state)
{
    play_once();
    char *text = file_text(directory, "hostile.md");
    cmark_node *document = cmark_parse_document(text, strlen(text), CMARK_OPT_DEFAULT);
    assert_true(has_code(document,
                         "$ printf '<script>alert(out)</script></pre><!-- --> &amp; \"quotes\"\\n'\n"
                         "<script>alert(out)</script></pre><!-- --> &amp; \"quotes\"\n"
                         "$ printf '```\\n````\\n~~~\\n# heading\\n</details>\\n'\n"
                         "```\n````\n~~~\n# heading\n</details>\n"
                         "$ printf 'bad \\377 nul \\000 \\033]52;c;aGk=\\a\\033]0;t\\a\\033[31mred\\033[0m "
                         "\\033[48;5;208mback\\033[7mturn\\033[0m\\n'\n"
                         "bad \xef\xbf\xbd nul  red backturn\n"
                         "$ cat > /root/f <<END\n> one\n> \n>   \xe4\xb8\xad</script>\n> END\n",
                         true));
    assert_true(has_code(document, "bold<i>\n", true)); /* of the script: no sequences, no CR */
    assert_true(has_code(document, "<file>\n", true));
    assert_true(has_code(document, "test -f /root/f # <b>\n", true));
    assert_true(has_code(document, "$ for i in 1 2 3; do\n>   echo $i\n> done; false\n1\n2\n3\n", true));
    assert_false(has_code(document, "\033", false));
    cmark_iter *iter = cmark_iter_new(document);
    unsigned headings = 0;
    for (cmark_event_type event; (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE;) {
        cmark_node *node = cmark_iter_get_node(iter);
        const char *html = cmark_node_get_type(node) == CMARK_NODE_HTML_BLOCK ? cmark_node_get_literal(node) : "";
        headings += event == CMARK_EVENT_ENTER && cmark_node_get_type(node) == CMARK_NODE_HEADING;
        if (strstr(html, "alert(out)"))
            fail_msg("output became HTML: %s", html);
    }
    cmark_iter_free(iter);
    assert_int_equal(headings, 3); /* the lesson's and the steps' */
    assert_non_null(strstr(text, "\n- exit status 3\n"));
    assert_non_null(strstr(text, ": exit status 1\n"));
    assert_non_null(strstr(text, "> **Failed:** "));
    assert_non_null(strstr(text, "- **Right:** None — `<b>` is text."));
    cmark_node_free(document);
    free(text);
}

/* --- HTML -------------------------------------------------------------------------------------------------------------------------- */

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

/* What is between the first @open and the next @close; malloc'ed. */
static char *between(const char *text, const char *open, const char *close)
{
    const char *from = strstr(text, open);
    if (!from)
        fail_msg("there is no %s", open);
    from = from ? from + strlen(open) : "";
    return strndup(from, (size_t)(strstr(from, close) - from));
}

static void nothing_printed_becomes_markup(void **state)
{
    play_once();
    char *text = file_text(directory, "hostile.html");
    assert_int_equal(count(text, "<script"), 2); /* the film's data and the player */
    assert_int_equal(count(text, "</script"), 2);
    assert_int_equal(count(text, "<img"),
                     count(text, "<img src=\"data:image/svg+xml,%3C")); /* the pictures of the state */
    assert_int_equal(count(text, "<!--"), 0);
    assert_int_equal(count(text, "<pre"), count(text, "</pre>"));
    assert_int_equal(count(text, "<details"), count(text, "</details>"));
    assert_int_equal(count(text, "javascript:"), 0);
    assert_int_equal(count(text, "ftp:"), 0);
    assert_non_null(strstr(text, ", a third and"));
    assert_int_equal(count(text, " style="), 0);
    assert_int_equal(count(text, "\033"), 0);
    assert_non_null(strstr(text, "<h1>Hostile output &#38; others</h1>"));
    assert_non_null(strstr(
        text,
        "&#60;script&#62;alert(out)&#60;/script&#62;&#60;/pre&#62;&#60;!-- --&#62; &#38;amp; &#34;quotes&#34;\n"));
    assert_non_null(strstr(text, "bad \xef\xbf\xbd nul  <span class=\"f1\">red</span> <span class=\"g208\">back</span>"
                                 "<span class=\"f208 gd\">turn</span>"));
    assert_non_null(strstr(text, ".g208{background-color:#ff8700}"));
    assert_non_null(strstr(text, "<kbd>cat &#62; /root/f &#60;&#60;END</kbd>"));
    assert_non_null(strstr(text, "<td><code>a|b</code></td><td><em>bars</em></td>"));
    assert_non_null(strstr(text, "<a href=\"https://example.org/?a=1&amp;b=2\">a link</a>"));
    assert_non_null(strstr(text, "<p class=\"st\">exit status 3</p>"));
    assert_non_null(strstr(text, "a picture"));
    free(text);
}

static void the_pages_policy_allows_its_own_script_and_style_alone(void **state)
{
    char digest[45], wanted[128], *million = calloc(1, 1000001);
    sha256_base64("abc", 3, digest);
    assert_string_equal(digest, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    sha256_base64(memset(million, 'a', 1000000), 1000000, digest);
    assert_string_equal(digest, "zcduXJkU+5KBocfihNc+Z/GAmkiklyAOBG05zMcRLNA=");
    free(million);
    play_once();
    char *text = file_text(directory, "hostile.html"), *script = between(text, "<script>", "</script>"),
         *style = between(text, "<style>", "</style>"), *policy = between(text, "Policy\" content=\"", "\"");
    assert_non_null(strstr(policy, "default-src 'none'"));
    assert_null(strstr(policy, "unsafe"));
    sha256_base64(script, strlen(script), digest);
    snprintf(wanted, sizeof wanted, "script-src 'sha256-%s'", digest);
    assert_non_null(strstr(policy, wanted));
    sha256_base64(style, strlen(style), digest);
    snprintf(wanted, sizeof wanted, "style-src 'sha256-%s'", digest);
    assert_non_null(strstr(policy, wanted));
    assert_int_equal(count(script, "innerHTML"), 0);
    free(text);
    free(script);
    free(style);
    free(policy);
}

/* Row @row of the film's last picture. */
static void film_row(json_t *film, unsigned row, char *text)
{
    size_t line = 0;
    const json_t *pictures = json_object_get(film, "pictures");
    for (size_t i = 0; i < json_array_size(pictures); i++) {
        const json_t *picture = json_array_get(pictures, i);
        for (size_t k = 3; k < json_array_size(picture); k += 2)
            if (json_integer_value(json_array_get(picture, k)) == row)
                line = (size_t)json_integer_value(json_array_get(picture, k + 1));
    }
    const json_t *parts = json_array_get(json_object_get(film, "lines"), line);
    text[0] = '\0';
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);
        strcat(text, json_string_value(json_is_array(part) ? json_array_get(part, 0) : part));
    }
    for (size_t len = strlen(text); len && text[len - 1] == ' ';)
        text[--len] = '\0';
}

static void the_film_in_the_page_ends_with_the_screens_of_the_session(void **state)
{
    play_once();
    char *text = file_text(directory, "hostile.html"), row[2048];
    char *data = between(text, "<script type=\"application/json\" id=\"film\">", "</script>");
    json_error_t error;
    json_t *film = json_loads(data, 0, &error);
    if (!film)
        fail_msg("%s", error.text);
    assert_int_equal(json_array_size(json_object_get(film, "steps")), 2);
    for (unsigned i = 0; i < 24; i++) { /* under the step's title, terminal 1's last six rows and two names */
        film_row(film, 1 + 1 + 6 + 1 + i, row);
        assert_string_equal(row, screens[1][i]);
    }
    double told = -1;
    const json_t *pictures = json_object_get(film, "pictures");
    for (size_t i = 0; i < json_array_size(pictures); i++) {
        double ms = json_number_value(json_array_get(json_array_get(pictures, i), 0));
        assert_true(ms >= told);
        told = ms;
    }
    assert_true(told <= json_number_value(json_object_get(film, "end")));
    json_decref(film);
    free(data);
    free(text);
}

/* --- twice ------------------------------------------------------------------------------------------------------------------------- */

static void playing_twice_with_redaction_gives_the_same_bytes(void **state)
{
    static const char text[] =
        "# Accidents\n\n## One\n\n```bash\necho $$ $BASHPID; date; hostname; mktemp -u\nps -o pid,ppid,args\n"
        "ls -i /etc/hostname; readlink /proc/self/ns/pid; cat /proc/sys/kernel/random/uuid\nsleep 9 &\njobs -l; "
        "disown; kill $!\n"
        "cat <<END\none\ntwo\nEND\n```\n<!-- check\ntrue\n-->\n\n"
        "## Two\n\n```bash |{\"terminal\":\"2\"}\nfor i in 1 2; do\n  echo $i\ndone\nls --color=always -l "
        "/etc/hostname\n```\n";
    static const char *const names[] = { "hostile.md", "hostile.html", "hostile.cast", "hostile.terminal-1.cast",
                                         "hostile.terminal-2.cast" };
    char first[100], second[100];
    snprintf(first, sizeof first, "%s/first", base);
    snprintf(second, sizeof second, "%s/second", base);
    assert_int_equal(play(text, first, true), RUN_OK);
    assert_int_equal(play(text, second, true), RUN_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *one = file_text(first, names[i]), *other = file_text(second, names[i]);
        size_t at = 0;
        while (one[at] && one[at] == other[at])
            at++;
        if (one[at] != other[at])
            fail_msg("%s differs: «%.60s» and «%.60s»", names[i], one + at, other + at);
        free(one);
        free(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markdown_is_read_back_as_what_was_printed),
        cmocka_unit_test(nothing_printed_becomes_markup),
        cmocka_unit_test(the_pages_policy_allows_its_own_script_and_style_alone),
        cmocka_unit_test(the_film_in_the_page_ends_with_the_screens_of_the_session),
        cmocka_unit_test(what_memory_ran_out_for_gets_no_name),
        cmocka_unit_test(playing_twice_with_redaction_gives_the_same_bytes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
