/* A quiz: the question, then its answers. */
#include "repl/lesson/parse.h"

#include <stdlib.h>
#include <string.h>

#define REASON " — "

enum box { NO_BOX, ROUND_WRONG, ROUND_RIGHT, SQUARE_WRONG, SQUARE_RIGHT };
static const struct {
    const char *text;
    enum box box;
} boxes[] = { { "( )", ROUND_WRONG },  { "(x)", ROUND_RIGHT },  { "(X)", ROUND_RIGHT },
              { "[ ]", SQUARE_WRONG }, { "[x]", SQUARE_RIGHT }, { "[X]", SQUARE_RIGHT } };

static enum box box_of(const char *line)
{
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++)
        if (strncmp(line, boxes[i].text, 3) == 0 && strchr(" \t", line[3]))
            return boxes[i].box;
    return NO_BOX;
}

struct reader {
    struct parser *p;
    struct quiz *quiz;
    struct text question, answer;
    bool round, square;
};

/** The answer gathered so far becomes the last answer's text and reason. */
static void end_answer(struct reader *r)
{
    if (r->quiz->count == 0)
        return;
    struct quiz_answer *answer = &r->quiz->answers[r->quiz->count - 1];
    if (answer->text)
        return;
    char *all = kept(r->p, text_take(&r->answer));
    if (!all)
        return;
    char *reason = strstr(all, REASON);
    answer->text = kept(r->p, trimmed(all, reason ? (size_t)(reason - all) : strlen(all)));
    if (reason)
        answer->reason = kept(r->p, trimmed(reason + strlen(REASON), strlen(reason + strlen(REASON))));
    free(all);
}

static void begin_answer(struct reader *r, enum box box, const char *line, int number)
{
    end_answer(r);
    struct quiz_answer *answer = ARRAY_ADD(r->p, r->quiz->answers, r->quiz->count);
    if (!answer)
        return;
    answer->right = box == ROUND_RIGHT || box == SQUARE_RIGHT;
    if (box == ROUND_WRONG || box == ROUND_RIGHT)
        r->round = true;
    else
        r->square = true;
    const char *text = line + 3 + strspn(line + 3, " \t");
    if (*text == '\0' || strncmp(text, "— ", strlen("— ")) == 0)
        mistake(r->p, number, "an answer without text, expected it after `%.3s`", line);
    text_add(&r->answer, text, strlen(text));
}

/** `text: /regex/`, with a reason after it or not. */
static void read_typed(struct reader *r, const char *value, int number)
{
    const char *reason = strstr(value, "/" REASON);
    char *pattern = kept(r->p, trimmed(value, reason ? (size_t)(reason + 1 - value) : strlen(value)));
    size_t len = pattern ? strlen(pattern) : 0;
    if (r->quiz->typed) {
        mistake(r->p, number, "a second `text:`, expected one");
    } else if (len < 3 || pattern[0] != '/' || pattern[len - 1] != '/') {
        mistake(r->p, number, "a typed answer without a pattern, expected `text: /regex/`");
    } else {
        regex_t regex;
        char why[128];
        r->quiz->typed = kept(r->p, strndup(pattern + 1, len - 2));
        if (r->quiz->typed && !regex_compile(&regex, r->quiz->typed, true, REG_ICASE, why, sizeof why))
            mistake(r->p, number, "bad regular expression `%s` (%s), expected an extended one, see regex(7)",
                    r->quiz->typed, why);
        else if (r->quiz->typed)
            regfree(&regex);
        if (reason)
            r->quiz->typed_reason =
                kept(r->p, trimmed(reason + strlen("/" REASON), strlen(reason + strlen("/" REASON))));
    }
    free(pattern);
}

static void read_line(struct reader *r, const char *line, int number)
{
    enum box box = box_of(line);
    if (box != NO_BOX) {
        begin_answer(r, box, line, number);
    } else if (strncmp(line, "text:", 5) == 0) {
        read_typed(r, line + 5, number);
    } else if (r->quiz->count > 0) { /* an answer over several lines */
        if (*line && !r->quiz->answers[r->quiz->count - 1].text) {
            text_add(&r->answer, " ", 1);
            text_add(&r->answer, line, strlen(line));
        }
    } else if (!r->quiz->typed) {
        text_add_line(&r->question, line);
    } else if (*line) {
        mistake(r->p, number, "text after `text: /regex/`, expected the end of the quiz");
    }
}

static void check(struct parser *p, const struct reader *r, int line)
{
    const struct quiz *quiz = r->quiz;
    size_t right = 0;
    for (size_t i = 0; i < quiz->count; i++)
        right += quiz->answers[i].right;
    if (!quiz->question || !*quiz->question)
        mistake(p, line, "a quiz without a question, expected it before the answers");
    if (quiz->count == 0 && !quiz->typed)
        mistake(p, line, "a quiz without answers, expected lines `( ) wrong` and `(x) right`, or `text: /regex/`");
    else if (quiz->count > 0 && quiz->typed)
        mistake(p, line, "a quiz with both choices and `text:`, expected one of them");
    else if (r->round && r->square)
        mistake(p, line, "a quiz with both `( )` and `[ ]`, expected one kind: `[ ]` where several are right");
    else if (quiz->count > 0 && right == 0)
        mistake(p, line, "a quiz without a right answer, expected one marked `(x)` or `[x]`");
    else if (r->round && right > 1)
        mistake(p, line, "a quiz with %zu right answers, expected one `(x)`, or `[x]` for each", right);
}

void read_quiz(struct parser *p, struct block *block, const struct fence *fence)
{
    struct quiz *quiz = block->quiz = calloc(1, sizeof *quiz);
    if (!quiz) {
        p->oom = true;
        return;
    }
    struct reader r = { .p = p, .quiz = quiz };
    const char *at = cmark_node_get_literal(fence->node);
    for (int number = fence->line + 1; *at && !p->oom; number++) {
        size_t len = strcspn(at, "\n");
        char *line = kept(p, trimmed(at, len));
        if (line)
            read_line(&r, line, number);
        free(line);
        at += len + (at[len] == '\n');
    }
    end_answer(&r);
    quiz->several = r.square;
    char *question = kept(p, text_take(&r.question));
    quiz->question = question ? kept(p, trimmed(question, strlen(question))) : NULL;
    free(question);
    free(r.answer.s);
    check(p, &r, fence->line);
}

void quiz_free(struct quiz *quiz)
{
    if (!quiz)
        return;
    for (size_t i = 0; i < quiz->count; i++) {
        free(quiz->answers[i].text);
        free(quiz->answers[i].reason);
    }
    free(quiz->answers);
    free(quiz->question);
    free(quiz->typed);
    free(quiz->typed_reason);
    free(quiz);
}
