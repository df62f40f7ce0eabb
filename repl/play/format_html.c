/* HTML: a page that is whole by itself. It has the lesson with what its blocks printed, in colour, and a film of the terminals that plays where scripts run. */
#include "repl/play/account.h"
#include "repl/play/display.h"
#include "repl/play/formats.h"
#include "repl/play/page.h"
#include "repl/play/page_assets.h"
#include "repl/play/recording.h"
#include "repl/play/redact.h"
#include "repl/play/sha256.h"

#include <cmark.h>
#include <stdlib.h>
#include <string.h>

struct html {
    const struct lesson *lesson;
    struct page page; /* of what stands in main */
    char *body;
    size_t body_len;
    FILE *contents;
    char *contents_text;
    size_t contents_len;
    struct account account;
    struct recording *recording;
    struct page_film *film;
    bool filmed;            /* something was seen */
    struct display *before; /* the kernel's state as it was when the step began; NULL: not known */
};

static const char *const outcomes[] = {
    [RUN_STEP_PASSED] = "", [RUN_STEP_FAILED] = "failed", [RUN_STEP_SKIPPED] = "skipped", [RUN_STEP_NOT_RUN] = "not run"
};

static void put_remark(FILE *out, const char *kind, const char *label, const char *text)
{
    fprintf(out, "<p class=\"%s\"><strong>%s</strong> ", kind, label);
    page_text(out, text ? text : "");
    fputs("</p>\n", out);
}

static void put_code(FILE *out, const char *text)
{
    fputs("<pre><code>", out);
    page_text(out, text ? text : "");
    fputs("</code></pre>\n", out);
}

static void put_details(FILE *out, const char *summary)
{
    fprintf(out, "<details><summary>%s</summary>\n", summary);
}

/* --- the film ---------------------------------------------------------------------------------------------------------------------- */

static void on_picture(uint64_t ms, const struct canvas *picture, void *data)
{
    struct html *html = data;
    page_film_picture(html->film, ms, picture);
    html->filmed = true;
}

static void on_marker(uint64_t ms, const char *label, void *data)
{
    struct html *html = data;
    page_film_marker(html->film, ms, html->account.step ? html->account.step->number : 0, label);
}

static const struct recording_hooks hooks = { .picture = on_picture, .marker = on_marker };

/* --- blocks ------------------------------------------------------------------------------------------------------------------------ */

struct lines {
    struct page page;
    bool any, gap;
};

static void put_line(const struct recording_line *line, void *data)
{
    struct lines *lines = data;
    FILE *out = lines->page.out;
    if (lines->any && !line->continues)
        fputc('\n', out);
    lines->any = true;
    if (line->typed_from == line->count) {
        page_cells(&lines->page, line->cells, line->count);
        return;
    }
    if (line->typed_from) {
        fputs("<span class=\"P\">", out);
        page_cells(&lines->page, line->cells, line->typed_from);
        fputs("</span>", out);
    }
    fputs("<kbd>", out);
    page_cells(&lines->page, line->cells + line->typed_from, line->count - line->typed_from);
    fputs("</kbd>", out);
}

/* What the terminal showed of the block that is just over, as it is to stand in the page. NULL: nothing. */
static char *take_lines(struct html *html)
{
    char *text = NULL;
    size_t len = 0;
    struct lines lines = { .page = html->page };
    lines.page.out = open_memstream(&text, &len);
    if (!lines.page.out)
        return NULL;
    size_t lost = recording_lines(html->recording, put_line, &lines);
    fclose(lines.page.out);
    memcpy(html->page.fg, lines.page.fg, sizeof lines.page.fg);
    memcpy(html->page.bg, lines.page.bg, sizeof lines.page.bg);
    char *all = NULL;
    if (lines.any && asprintf(&all, "<pre class=\"term\"><code>%s%s</code></pre>\n",
                              lost ? "<span class=\"P\">…</span>\n" : "", text) < 0)
        all = NULL;
    free(text);
    return all;
}

/* The same from what was kept of the block, without colours. */
static void put_commands(FILE *out, const struct account_block *block)
{
    fputs("<pre class=\"term\"><code>", out);
    for (size_t i = 0; i < block->command_count; i++) {
        const struct account_command *command = &block->commands[i];
        fputs("<span class=\"P\">$ </span><kbd>", out);
        page_text(out, command->command ? command->command : "");
        fputs("</kbd>\n", out);
        page_text(out, command->output ? command->output : "");
    }
    fputs("</code></pre>\n", out);
}

static void put_endings(FILE *out, const struct account_block *block)
{
    char ending[64];
    for (size_t i = 0; i < block->command_count; i++) {
        if (!*account_ending(block->commands[i].wait_status, ending, sizeof ending))
            continue;
        fputs("<p class=\"st\">", out);
        if (block->command_count > 1) {
            fputs("<code>", out);
            page_text(out, block->commands[i].command ? block->commands[i].command : "");
            fputs("</code>: ", out);
        }
        fprintf(out, "%s</p>\n", ending);
    }
}

static void put_quiz(FILE *out, const struct quiz *quiz)
{
    fputs("<div class=\"quiz\">\n", out);
    page_markdown(out, quiz->question ? quiz->question : "");
    if (quiz->count)
        fputs("<ul>\n", out);
    for (size_t i = 0; i < quiz->count; i++) {
        fputs("<li>", out);
        page_words(out, quiz->answers[i].text);
        fputs("</li>\n", out);
    }
    if (quiz->count)
        fputs("</ul>\n", out);
    put_details(out, "Answer");
    if (quiz->typed) {
        fputs("<p><code>", out);
        page_text(out, quiz->typed);
        fputs("</code> ", out);
        page_words(out, quiz->typed_reason ? quiz->typed_reason : "");
        fputs("</p>\n", out);
    }
    if (quiz->count)
        fputs("<ul>\n", out);
    for (size_t i = 0; i < quiz->count; i++) {
        const struct quiz_answer *answer = &quiz->answers[i];
        fprintf(out, "<li><span class=\"%s\">%s</span> ", answer->right ? "ok" : "no",
                answer->right ? "Right:" : "Wrong:");
        page_words(out, answer->text);
        if (answer->reason) {
            fputs(" — ", out);
            page_words(out, answer->reason);
        }
        fputs("</li>\n", out);
    }
    fputs(quiz->count ? "</ul>\n</details>\n</div>\n" : "</details>\n</div>\n", out);
}

static void put_block(const struct account_block *kept, void *data)
{
    struct html *html = data;
    const struct block *block = kept->block;
    FILE *out = html->page.out;
    char ending[64];
    if (block->type == BLOCK_QUIZ) {
        put_quiz(out, block->quiz);
        return;
    }
    if (block->hidden)
        put_details(out, "Solution");
    if (block->type == BLOCK_FILE) {
        fputs("<p class=\"cap\">The file <code>", out);
        page_text(out, block->name ? block->name : "");
        fputs("</code></p>\n", out);
    } else if (step_names_terminal(html->account.step, block)) {
        fputs("<p class=\"cap\">Terminal ", out);
        page_text(out, block->terminal ? block->terminal : "1");
        fputs("</p>\n", out);
    }
    if (kept->page)
        fputs(kept->page, out);
    else if (kept->command_count)
        put_commands(out, kept);
    else
        put_code(out, block->body);
    if (kept->output && *kept->output)
        put_code(out, kept->output);
    put_endings(out, kept);
    if (block->type != BLOCK_COMMAND && *account_ending(kept->wait_status, ending, sizeof ending))
        fprintf(out, "<p class=\"st\">%s</p>\n", ending);
    if (kept->skipped)
        put_remark(out, "note", "Not run here:", kept->skipped);
    if (kept->wrong)
        put_remark(out, "bad", "Not as the lesson says:", kept->wrong);
    if (block->hidden)
        fputs("</details>\n", out);
}

/* --- the kernel's state ------------------------------------------------------------------------------------------------------------ */

static struct display *look(const struct run_sink *sink)
{
    const struct display_options options = { .steady = sink->run->redact != NULL };
    return sink->run->session ? display_read(sink->run->session, &options, NULL) : NULL;
}

/* What one of its writers writes, redacted; malloc'ed. */
static char *write_display(const struct run_sink *sink, const struct display *display, display_writer *writer)
{
    char *text = display_string(display, writer);
    char *told = text ? redact_text(sink->run->redact, 0, text, strlen(text), NULL) : NULL;
    free(text);
    return told;
}

/* If it is another than when the step began. */
static void put_state(const struct run_sink *sink, struct html *html)
{
    struct display *now = look(sink);
    FILE *out = html->page.out;
    if (now && html->before && !display_same(html->before, now)) {
        char *picture = write_display(sink, now, display_picture), *text = write_display(sink, now, display_text);
        put_details(out, "What the kernel says after this step");
        fputs("<figure>\n", out);
        if (picture)
            page_picture(out, picture, "The same in a picture");
        fputs("</figure>\n", out);
        put_code(out, text);
        fputs("</details>\n", out);
        free(picture);
        free(text);
    }
    display_free(now);
}

static void put_prose(struct cmark_node *node, void *data)
{
    page_prose(((struct html *)data)->page.out, node);
}

/* --- the format -------------------------------------------------------------------------------------------------------------------- */

static void html_drop(struct run_sink *sink);

static void html_lesson(struct run_sink *sink, const struct lesson *lesson, struct lab *lab)
{
    struct html *html = sink->data = calloc(1, sizeof *html);
    if (!html)
        return;
    html->lesson = lesson;
    html->page.out = open_memstream(&html->body, &html->body_len);
    html->contents = open_memstream(&html->contents_text, &html->contents_len);
    html->recording = recording_new(lesson, sink->run->rows, sink->run->cols, &hooks, html);
    if (html->recording)
        html->film = page_film_new(&html->page, recording_rows(html->recording), sink->run->cols);
    if (!html->page.out || !html->contents || !html->film) {
        html_drop(sink);
        sink->data = NULL;
        return;
    }
    fputs("<section class=\"intro\">\n", html->page.out);
    for (size_t i = 0; i < lesson->intro_count; i++)
        if (step_node_kind(lesson->intro[i]) != NODE_KIND_HIDDEN &&
            cmark_node_get_type(lesson->intro[i]) != CMARK_NODE_HEADING)
            page_prose(html->page.out, lesson->intro[i]);
    for (size_t i = 0; lab && i < 8 && lab_facts(lab)->missing[i]; i++)
        put_remark(html->page.out, "note", "The lab does without:", lab_facts(lab)->missing[i]);
    fputs("</section>\n", html->page.out);
}

static void html_step(struct run_sink *sink, const struct lesson *lesson, const struct step *step)
{
    struct html *html = sink->data;
    if (!html)
        return;
    account_begin(&html->account, step);
    recording_step(html->recording, step);
    display_free(html->before);
    html->before = look(sink);
}

static void html_begin_block(struct run_sink *sink, const struct step *step, const struct block *block)
{
    struct html *html = sink->data;
    if (html)
        recording_block(html->recording, block);
}

static void html_block(struct run_sink *sink, const struct step *step, const struct block *block,
                       const struct block_result *result)
{
    struct html *html = sink->data;
    if (!html)
        return;
    recording_block_over(html->recording);
    account_block(&html->account, block, result);
    struct account_block *kept = account_find(&html->account, block);
    if (kept && kept->run && block->type == BLOCK_COMMAND)
        kept->page = take_lines(html);
}

static void html_check(struct run_sink *sink, const struct step *step, bool passed, const char *said)
{
    struct html *html = sink->data;
    if (html)
        account_check(&html->account, passed, said);
}

static void html_output(struct run_sink *sink, unsigned terminal, const char *bytes, size_t len)
{
    struct html *html = sink->data;
    if (html)
        recording_output(html->recording, terminal, session_shell(sink->run->session, terminal), bytes, len);
}

static void put_hints(FILE *out, const struct hint *hint)
{
    for (; hint && hint->text; hint++) {
        put_details(out, hint->solution ? "Solution" : "Hint");
        page_markdown(out, hint->text);
        fputs("</details>\n", out);
    }
}

static void put_check(struct html *html, const struct run_step *done)
{
    FILE *out = html->page.out;
    if (!done->step->check)
        return;
    put_details(out, done->outcome == RUN_STEP_PASSED ? "<span class=\"ok\">The check passes</span>" : "The check");
    put_code(out, done->step->check);
    if (html->account.said && *html->account.said)
        put_code(out, html->account.said);
    fputs("</details>\n", out);
}

static void html_done(struct run_sink *sink, const struct run_step *done)
{
    static const struct account_visitor visitor = { .prose = put_prose, .block = put_block };
    struct html *html = sink->data;
    const struct step *step = done->step;
    if (!html)
        return;
    FILE *out = html->page.out;
    bool played = html->account.step == step;
    if (!played)
        account_begin(&html->account, step);
    fprintf(html->contents, "<li value=\"%u\"><a href=\"#step-%u\">", step->number, step->number);
    page_text(html->contents, step->title);
    fprintf(html->contents, "</a>%s%s%s</li>\n", *outcomes[done->outcome] ? " <span class=\"out\">(" : "",
            outcomes[done->outcome], *outcomes[done->outcome] ? ")</span>" : "");
    fprintf(out, "<section id=\"step-%u\">\n<h2><a href=\"#step-%u\"><span class=\"n\">%u</span>", step->number,
            step->number, step->number);
    page_text(out, step->title);
    fputs("</a></h2>\n", out);
    if (done->outcome == RUN_STEP_SKIPPED)
        put_remark(out, "note", "Skipped here:", done->why);
    if (done->outcome == RUN_STEP_NOT_RUN)
        put_remark(out, "note", "Not run:", done->why);
    if (played)
        fprintf(out, "<button type=\"button\" class=\"watch\" data-step=\"%u\" hidden>▶ Watch this step</button>\n",
                step->number);
    account_visit(&html->account, &visitor, html);
    put_hints(out, step->hints);
    if (done->outcome == RUN_STEP_FAILED)
        put_remark(out, "bad", "Failed:", done->why);
    put_check(html, done);
    if (played)
        put_state(sink, html);
    fputs("</section>\n", out);
}

static void html_message(struct run_sink *sink, const char *text)
{
    struct html *html = sink->data;
    if (html)
        put_remark(html->page.out, "note", "Note:", text);
}

static const char player[] =
    "<div id=\"player\" role=\"region\" aria-label=\"Recording\" hidden>\n"
    "<div class=\"screen\" tabindex=\"0\" role=\"img\" aria-label=\"The terminals. Space plays and pauses; the arrow "
    "keys "
    "go back and on, [ and ] by steps.\"></div>\n"
    "<div class=\"bar\"><button type=\"button\" class=\"play\">Play</button>"
    "<button type=\"button\" class=\"back\" aria-label=\"Step back\" title=\"Step back: [\">«</button>"
    "<button type=\"button\" class=\"on\" aria-label=\"Next step\" title=\"Next step: ]\">»</button>"
    "<div class=\"seek\"><input type=\"range\" min=\"0\" value=\"0\" step=\"100\" aria-label=\"Time\"><div "
    "class=\"ticks\"></div></div><span class=\"at\"></span>"
    "<button type=\"button\" class=\"speed\" aria-label=\"Speed\" title=\"Speed: s\">1×</button><span "
    "class=\"label\" aria-live=\"polite\"></span></div>\n</div>\n";

/* Nothing from anywhere else, no script but ours and no style but ours: by their digests. */
static void put_head(FILE *out, const struct html *html, const char *style)
{
    char of_style[45], of_script[45];
    sha256_base64(style, strlen(style), of_style);
    sha256_base64(page_script, strlen(page_script), of_script);
    fprintf(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-%s'; style-src "
        "'sha256-%s'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"generator\" content=\"teachroot\">\n<link rel=\"icon\" href=\"data:,\">\n<title>",
        of_script, of_style);
    page_text(out, html->lesson->title ? html->lesson->title : html->lesson->path);
    fprintf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n", style);
}

static char *style_of(const struct html *html)
{
    char *style = NULL;
    size_t len;
    FILE *out = open_memstream(&style, &len);
    if (!out)
        return NULL;
    fputs(page_style, out);
    page_colours(&html->page, out);
    fclose(out);
    return style;
}

static void put_page(struct run_sink *sink, struct html *html, const char *style)
{
    FILE *out = sink->out;
    fflush(html->page.out);
    fflush(html->contents);
    put_head(out, html, style);
    fputs("<header>\n<h1>", out);
    page_text(out, html->lesson->title ? html->lesson->title : html->lesson->path);
    fprintf(out, "</h1>\n<nav><details open><summary>Steps</summary><ol>\n%s</ol></details></nav>\n%s</header>\n",
            html->contents_text, html->filmed ? player : "");
    fprintf(out,
            "<main>\n%s</main>\n<footer><p>Played by teachroot: %zu passed, %zu failed, %zu skipped, %zu not run."
            "</p></footer>\n",
            html->body, sink->counts.passed, sink->counts.failed, sink->counts.skipped, sink->counts.not_run);
    if (html->filmed) {
        fputs("<script type=\"application/json\" id=\"film\">", out);
        sink->failed |= !page_film_write(html->film, out, recording_time(html->recording, 0));
        fprintf(out, "</script>\n<script>%s</script>\n", page_script);
    }
    fputs("</body>\n</html>\n", out);
}

static void html_end(struct run_sink *sink)
{
    struct html *html = sink->data;
    if (!html)
        return;
    recording_end(html->recording);
    char *style = style_of(html);
    if (style)
        put_page(sink, html, style);
    sink->failed |= !style || ferror(html->page.out) || ferror(html->contents);
    free(style);
}

static void html_drop(struct run_sink *sink)
{
    struct html *html = sink->data;
    if (!html)
        return;
    if (html->page.out)
        fclose(html->page.out);
    if (html->contents)
        fclose(html->contents);
    free(html->body);
    free(html->contents_text);
    account_free(&html->account);
    display_free(html->before);
    page_film_free(html->film);
    recording_free(html->recording);
    free(html);
}

const struct run_format run_html = { .name = "html",
                                     .what =
                                         "a page with the lesson, what it printed and a film of it; needs nothing else",
                                     .suffix = ".html",
                                     .whole = true,
                                     .single = true,
                                     .lesson = html_lesson,
                                     .step = html_step,
                                     .begin_block = html_begin_block,
                                     .block = html_block,
                                     .check = html_check,
                                     .done = html_done,
                                     .message = html_message,
                                     .output = html_output,
                                     .end = html_end,
                                     .drop = html_drop };
