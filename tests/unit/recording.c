/* Recordings: what is let through to a viewer's terminal, the clock, and casts that end with the screen that the session has. */
#include "repl/play/cast_out.h"
#include "repl/play/formats.h"
#include "repl/play/recording.h"
#include "repl/play/sieve.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/scratch.h"

#define ROWS 24
#define COLS 80

/* --- an emulator to look at things with -------------------------------------------------------------------------------------------- */

static size_t replies;

static void on_osc(int number, const char *text, void *data)
{
}
static void on_bell(void *data)
{
}
static void on_reply(const char *bytes, size_t len, void *data)
{
    replies += len;
}
static const struct emulator_hooks emulator_hooks = { .osc = on_osc, .bell = on_bell, .reply = on_reply };

static void look_with(struct emulator *emulator, unsigned rows, unsigned cols)
{
    assert_int_equal(emulator_init(emulator, rows, cols, 100, &emulator_hooks, NULL), 0);
}

static void same_screen(const struct emulator *a, const struct emulator *b, const char *what)
{
    struct canvas one, other;
    canvas_init(&one, a->rows, a->cols);
    canvas_init(&other, b->rows, b->cols);
    canvas_draw(&one, 0, a, 0, a->rows);
    canvas_draw(&other, 0, b, 0, b->rows);
    for (unsigned row = 0; row < a->rows; row++)
        for (unsigned col = 0; col < a->cols; col++)
            if (memcmp(canvas_row(&one, row) + col, canvas_row(&other, row) + col, sizeof(struct canvas_cell)) != 0)
                fail_msg("%s: row %u, column %u: U+%04x and U+%04x", what, row, col,
                         canvas_row(&one, row)[col].chars[0], canvas_row(&other, row)[col].chars[0]);
    if (a->row != b->row || a->col != b->col || a->modes.hidden_cursor != b->modes.hidden_cursor)
        fail_msg("%s: the cursor is at %u,%u and at %u,%u", what, a->row, a->col, b->row, b->col);
    canvas_free(&one);
    canvas_free(&other);
}

/* --- the sieve --------------------------------------------------------------------------------------------------------------------- */

static void collect(const char *bytes, size_t len, void *data)
{
    fwrite(bytes, 1, len, data);
}
static char marks[64];
static void on_mark(char letter, void *data)
{
    marks[strlen(marks)] = letter;
}
static const struct sieve_hooks sieve_hooks = { .out = collect, .mark = on_mark };

static char *sieved(const char *bytes, size_t len, size_t *sieved_len)
{
    char *text = NULL;
    struct sieve sieve;
    FILE *out = open_memstream(&text, sieved_len);
    sieve_init(&sieve, &sieve_hooks, out);
    sieve_feed(&sieve, bytes, len);
    fclose(out);
    return text;
}

static void what_asks_sets_or_writes_into_a_terminal_is_left_out(void **state)
{
    static const char *const hostile[] = {
        "\033]52;c;aGVsbG8=\a",
        "\033]0;title\a",
        "\033]8;;http://x/\033\\",
        "\033Pq#0\033\\",
        "\033_x\033\\",
        "\033[6n",
        "\033[c",
        "\033[>c",
        "\033[?6n",
        "\033[14t",
        "\033[8;50;100t",
        "\033[?1000h",
        "\033[?2004h",
        "\033[?1004h",
        "\033[?1$p",
        "\033[3J",
        "\033[5i",
        "\033=",
        "\a",
        "\005",
        "\033[?1h",
        "\033[21t",
        "\033[>q",
        "\302\2336n",
        "\033Z",
    };
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        size_t len;
        char *text = sieved(hostile[i], strlen(hostile[i]), &len);
        if (strcmp(hostile[i], "\302\2336n") == 0)
            assert_string_equal(text, "6n");
        else if (len)
            fail_msg("«%s» came through as «%s»", hostile[i] + 1, text + 1);
        free(text);
    }
}

static void marks_are_told_and_broken_text_is_mended(void **state)
{
    static const char bytes[] =
        "a\0b\377c\303\251\033]133;D;0;k=x;s=1.1\a\033]133;A;k=x;s=1.1\a\xe2\x82\033[1;31;48:5:208mz";
    size_t len;
    memset(marks, 0, sizeof marks);
    char *text = sieved(bytes, sizeof bytes - 1, &len);
    assert_string_equal(text, "ab\xef\xbf\xbd"
                              "c\303\251\xef\xbf\xbd\033[1;31;48:5:208mz");
    assert_string_equal(marks, "DA");
    free(text);
}

/* Pieces that programs write, and that they had better not, in any order. */
static void the_screen_is_the_same_through_the_sieve(void **state)
{
    static const char *const pieces[] = {
        "hello",
        "\r\n",
        "\n",
        "\r",
        "\t",
        "\b",
        "w\xe4\xb8\xad\xe6\x96\x87x",
        "e\xcc\x81",
        "\033[31m",
        "\033[0m",
        "\033[7m",
        "\033[48;5;99m",
        "\033[38:2::1:2:3m",
        "\033[5;10H",
        "\033[H",
        "\033[2J",
        "\033[K",
        "\033[1K",
        "\033[3J",
        "\033[5;15r",
        "\033[r",
        "\033M",
        "\033D",
        "\033E",
        "\0337",
        "\0338",
        "\033[s",
        "\033[u",
        "\033[3L",
        "\033[2M",
        "\033[4P",
        "\033[5@",
        "\033[3X",
        "\033[2S",
        "\033[2T",
        "\033[5b",
        "\033[4h",
        "\033[4l",
        "\033[?6h",
        "\033[?6l",
        "\033[?7l",
        "\033[?7h",
        "\033[?1049h",
        "\033[?1049l",
        "\033[?25l",
        "\033[?25h",
        "\033(0",
        "\033(B",
        "\016",
        "\017",
        "\033[6n",
        "\033[c",
        "\033]0;t\a",
        "\377",
        "\a",
        "\033[?1000h",
        "\033#8",
        "\033[!p",
        "\033[10G",
        "\033[5d",
        "\033[2A",
        "\033[2B",
        "\033[3C",
        "\033[3D",
        "lqqk",
        "\xe2\x94\x80",
        "\033H",
        "\033[3g",
        "\033[?5h",
        "\033[?5l",
        "\033[1\"q",
        "\033[?2J",
        "\033)0",
        "\033*%",
    };
    unsigned seed = 1;
    for (int round = 0; round < 300; round++) {
        struct emulator raw, clean;
        char what[64];
        look_with(&raw, 20, 40);
        look_with(&clean, 20, 40);
        snprintf(what, sizeof what, "round %d", round);
        char *text = NULL;
        size_t len = 0, got;
        FILE *out = open_memstream(&text, &len);
        for (int i = 0; i < 60; i++) {
            seed = seed * 1103515245u + 12345u;
            fputs(pieces[(seed >> 16) % (sizeof pieces / sizeof *pieces)], out);
        }
        fclose(out);
        char *through = sieved(text, len, &got);
        emulator_feed(&raw, text, len);
        replies = 0;
        emulator_feed(&clean, through, got);
        assert_int_equal(replies, 0);
        same_screen(&raw, &clean, what);
        free(text);
        free(through);
        emulator_free(&raw);
        emulator_free(&clean);
    }
}

/* --- pictures ---------------------------------------------------------------------------------------------------------------------- */

static void a_change_makes_one_picture_of_the_other(void **state)
{
    static const char *const shown[] = {
        "one\r\ntwo\r\nthree",
        "\r\n\xe4\xb8\xad\xe6\x96\x87 wide",
        "\b\b\bx",
        "\033[H\033[31;44mred\033[0m",
        "\r\n\n\n\n\n\n\n\nlow\r\nlower\r\nlowest\r\n",
        "\033[2J\033[5;5H\xe4\xb8\xad",
        "\033[5;6Hy",
        "\033[4;1H12345678901234567890abc",
        "\033[?25l",
        "\033[?25h\033[41m\033[K",
        "\033[0m\033[H\033[J",
    };
    struct emulator from, to;
    struct canvas before, now;
    look_with(&from, 8, 20);
    look_with(&to, 8, 20);
    canvas_init(&before, 8, 20);
    canvas_init(&now, 8, 20);
    emulator_feed(&to, "\033[?25l", 6);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        char *change = NULL, what[64];
        size_t len;
        emulator_feed(&from, shown[i], strlen(shown[i]));
        canvas_clear(&now);
        canvas_draw(&now, 0, &from, 0, 8);
        now.cursor = !from.modes.hidden_cursor;
        now.cursor_row = from.row;
        now.cursor_col = from.col;
        now.panes[now.pane_count++] = (struct canvas_pane){ 0, 8 };
        FILE *out = open_memstream(&change, &len);
        canvas_put_change(out, &before, &now);
        fclose(out);
        emulator_feed(&to, change, len);
        canvas_copy(&before, &now);
        snprintf(what, sizeof what, "after piece %zu", i);
        if (!now.cursor) { /* where it is does not matter */
            to.row = from.row;
            to.col = from.col;
            to.stale = true;
        }
        same_screen(&from, &to, what);
        free(change);
    }
    canvas_free(&before);
    canvas_free(&now);
    emulator_free(&from);
    emulator_free(&to);
}

/* --- casts ------------------------------------------------------------------------------------------------------------------------- */

static void a_cast_has_absolute_times_in_version_2_and_intervals_in_3(void **state)
{
    for (unsigned version = 2; version <= 3; version++) {
        struct cast_out *cast = calloc(1, sizeof *cast);
        char *text = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&text, &len);
        cast_begin(cast, out, version, 24, 80, "a \"title\"");
        cast_output(cast, 1000, "one\r\n\xe2\x82", 7);
        cast_output(cast, 1500, "\xac", 1);
        cast_marker(cast, 2000, "step");
        cast_output(cast, 2250, "\033[1mx\0\377</script>", 16);
        cast_end(cast, 3000);
        fclose(out);
        assert_string_equal(
            text, version == 2 ? "{\"version\":2,\"width\":80,\"height\":24,\"title\":\"a "
                                 "\\\"title\\\"\",\"env\":{\"TERM\":\"xterm-256color\"}}\n"
                                 "[1.000,\"o\",\"one\\r\\n\"]\n[1.500,\"o\",\"\xe2\x82\xac\"]\n[2.000,\"m\",\"step\"]\n"
                                 "[2.250,\"o\",\"\\u001b[1mx\\u0000\\ufffd\\u003c/script>\"]\n[3.000,\"o\",\"\"]\n"
                               : "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24,\"type\":\"xterm-256color\"},"
                                 "\"title\":\"a \\\"title\\\"\"}\n"
                                 "[1.000,\"o\",\"one\\r\\n\"]\n[0.500,\"o\",\"\xe2\x82\xac\"]\n[0.500,\"m\",\"step\"]\n"
                                 "[0.250,\"o\",\"\\u001b[1mx\\u0000\\ufffd\\u003c/script>\"]\n[0.750,\"x\",\"0\"]\n");
        free(text);
        free(cast);
    }
}

/* --- a lesson's casts -------------------------------------------------------------------------------------------------------------- */

static const char lesson_text[] =
    "# Two terminals\n\n## One\n\n"
    "```bash\nprintf '\\033[31mred\\033[0m <b> \\377 \\000 \\033]52;c;aGk=\\a\\033]0;t\\a\\n'\n"
    "cat > /root/f <<END\none\n\n  \xe4\xb8\xad\nEND\nfor i in 1 2; do\n  echo again $i\ndone\n```\n<!-- "
    "check\ntrue\n-->\n\n"
    "## Two\n\n```bash |{\"terminal\":\"2\"}\nseq 40; printf '\\033[3;3Hover\\033[30;1H'\nprintf 'no newline'\n```\n\n"
    "```bash |{\"interactive\":\"true\"}\nsh\n```\n```bash\necho plain\nexit\n```\n\n## Three\n\n```bash "
    "|{\"terminal\":\"2\"}\nprintf '\\r10%%\\r20%%\\r99%%\\n'\n```\n";

static char screens[3][ROWS][1024];

/* A format of the test's own: what the session's terminals show at the end. */
static void keep_screens(struct run_sink *sink)
{
    for (unsigned number = 1; number <= 2; number++)
        for (unsigned row = 0; row < ROWS; row++)
            terminal_row_text(session_terminal(sink->run->session, number), (int)row, screens[number][row],
                              sizeof screens[number][row]);
}
static const struct run_format screens_format = { .name = "screens", .suffix = ".screens", .end = keep_screens };

static void play_casts(const char *directory, unsigned version)
{
    char path[128];
    snprintf(path, sizeof path, "%s/two.md", base);
    FILE *file = fopen(path, "w");
    fputs(lesson_text, file);
    fclose(file);
    struct run_options options = { .formats = { run_format_find(play_formats, "cast", 4), &screens_format },
                                   .format_count = 2,
                                   .directory = directory,
                                   .cast_version = version,
                                   .lab.offline = true };
    assert_int_equal(run_lessons((char *[]){ path }, 1, &options), RUN_OK);
}

struct played {
    struct emulator screen;
    double seconds, longest; /* the longest that nothing happens */
    char markers[256];
};

static void play_back(const char *directory, const char *name, struct played *played)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    memset(played, 0, sizeof *played);
    json_t *header = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL);
    int version = (int)json_integer_value(json_object_get(header, "version"));
    json_t *term = json_object_get(header, "term");
    look_with(
        &played->screen,
        (unsigned)json_integer_value(json_object_get(version == 3 ? term : header, version == 3 ? "rows" : "height")),
        (unsigned)json_integer_value(json_object_get(version == 3 ? term : header, version == 3 ? "cols" : "width")));
    replies = 0;
    for (json_t *event; (event = json_loadf(file, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL)); json_decref(event)) {
        double time = json_number_value(json_array_get(event, 0)), since = version == 3 ? time : time - played->seconds;
        json_t *data = json_array_get(event, 2);
        assert_true(since >= 0);
        played->longest = since > played->longest ? since : played->longest;
        played->seconds += since;
        if (strcmp(json_string_value(json_array_get(event, 1)), "o") == 0)
            emulator_feed(&played->screen, json_string_value(data), json_string_length(data));
        else if (strcmp(json_string_value(json_array_get(event, 1)), "m") == 0)
            strcat(strcat(played->markers, json_string_value(data)), "|");
    }
    assert_true(feof(file) || getc(file) == EOF);
    assert_int_equal(replies, 0);
    json_decref(header);
    fclose(file);
}

static void row_text(const struct emulator *emulator, unsigned row, char *text, size_t size)
{
    struct canvas_cell cells[COLS];
    FILE *out = fmemopen(text, size, "w");
    canvas_put_text(out, cells, canvas_cells(emulator, (long)row, cells, COLS));
    fputc('\0', out);
    fclose(out);
}

static void each_cast_ends_with_the_screen_of_the_session(void **state)
{
    char directory[100], text[1024];
    for (unsigned version = 2; version <= 3; version++) {
        struct played one, two, all;
        snprintf(directory, sizeof directory, "%s/casts-%u", base, version);
        play_casts(directory, version);
        play_back(directory, "two.terminal-1.cast", &one);
        play_back(directory, "two.terminal-2.cast", &two);
        play_back(directory, "two.cast", &all);
        for (unsigned row = 0; row < ROWS; row++) {
            row_text(&one.screen, row, text, sizeof text);
            assert_string_equal(text, screens[1][row]);
            row_text(&two.screen, row, text, sizeof text);
            assert_string_equal(text, screens[2][row]);
            /* The step's title, terminal 1's title and its last six rows, terminal 2's title. */
            row_text(&all.screen, 1 + 1 + 6 + 1 + row, text, sizeof text);
            assert_string_equal(text, screens[2][row]);
        }
        assert_string_equal(all.markers, "1. One|2. Two|3. Three|");
        assert_string_equal(one.markers, "1. One|2. Two|3. Three|");
        assert_string_equal(two.markers, "3. Three|");
        assert_int_equal(all.screen.rows, 1 + 2 + ROWS + 6);
        row_text(&all.screen, 0, text, sizeof text);
        assert_non_null(strstr(text, "3/3  Three"));
        if (all.longest > 3.5 || one.longest > 3.5 || two.longest > 3.5 || all.seconds < 20 || all.seconds > 60)
            fail_msg("%.3f s, nothing for %.3f, %.3f and %.3f", all.seconds, all.longest, one.longest, two.longest);
        emulator_free(&one.screen);
        emulator_free(&two.screen);
        emulator_free(&all.screen);
    }
}

/* --- the clock --------------------------------------------------------------------------------------------------------------------- */

struct log {
    FILE *out;
};
static void log_output(unsigned terminal, uint64_t ms, const char *bytes, size_t len, void *data)
{
    const struct log *log = data;
    for (size_t i = 0; i < len; i++)
        fprintf(log->out, "%llu %02x\n", (unsigned long long)ms, (unsigned char)bytes[i]);
}

static char *record(const struct lesson *lesson, const char *bytes, size_t len, size_t piece)
{
    static const struct recording_hooks hooks = { .output = log_output };
    char *text = NULL;
    size_t size;
    struct log log = { open_memstream(&text, &size) };
    struct recording *recording = recording_new(lesson, ROWS, COLS, &hooks, &log);
    recording_step(recording, &lesson->steps[0]);
    recording_block(recording, &lesson->steps[0].blocks[0]);
    for (size_t at = 0; at < len; at += piece)
        recording_output(recording, 1, 0, bytes + at, len - at < piece ? len - at : piece);
    recording_block_over(recording);
    recording_end(recording);
    recording_free(recording);
    fclose(log.out);
    return text;
}

static void the_pieces_that_output_comes_in_make_no_difference(void **state)
{
    static const char md[] = "# T\n\n## S\n\n```bash\ncat f\n```\n";
    struct lesson_mistakes mistakes = { 0 };
    struct err err;
    struct lesson *lesson = lesson_parse("t.md", md, strlen(md), &mistakes, &err);
    char *bytes = NULL;
    size_t len;
    FILE *out = open_memstream(&bytes, &len);
    fputs("# cat f\r\n10%\r20%\r30%\r\n\xe4\xb8\xad\033[1;31mx\033[0m\r\n", out);
    for (int i = 0; i < 30000; i++)
        fputs("\xe2\x82\xac\033[1mlong ", out);
    for (int i = 0; i < 500; i++)
        fprintf(out, "\r\nline %d", i);
    fputs("\r\n# ", out);
    fclose(out);
    char *whole = record(lesson, bytes, len, len), *each = record(lesson, bytes, len, 1),
         *some = record(lesson, bytes, len, 4093);
    assert_string_equal(whole, each);
    assert_string_equal(whole, some);
    free(whole);
    free(each);
    free(some);
    free(bytes);
    lesson_free(lesson);
}

struct shown {
    char text[ROWS][COLS * 4 + 1];
    unsigned count, typed;
};
static void keep_line(const struct recording_line *line, void *data)
{
    struct shown *shown = data;
    assert_in_range(shown->count, 0, ROWS - 1);
    FILE *out = fmemopen(shown->text[shown->count++], sizeof shown->text[0], "w");
    canvas_put_text(out, line->cells, line->count);
    fclose(out);
    shown->typed += line->typed_from < line->count;
}

static void what_a_full_screen_program_left_is_its_screen_and_was_not_typed(void **state)
{
    static const char md[] = "# T\n\n## S\n\n```bash\nless f\n```\n";
    static const struct recording_hooks hooks = { 0 };
    static struct shown shown;
    struct lesson_mistakes mistakes = { 0 };
    struct err err;
    struct lesson *lesson = lesson_parse("t.md", md, strlen(md), &mistakes, &err);
    struct recording *recording = recording_new(lesson, ROWS, COLS, &hooks, NULL);
    recording_step(recording, &lesson->steps[0]);
    recording_block(recording, &lesson->steps[0].blocks[0]);
    recording_output(recording, 1, 0, "# less f\r\n\033[?1049h\033[H", 19);
    for (unsigned i = 0; i < ROWS + 10; i++) { /* ten and one are scrolled off */
        char line[32];
        int len = snprintf(line, sizeof line, "row %u\r\n", i);
        recording_output(recording, 1, 0, line, (size_t)len);
    }
    recording_output(recording, 1, 0, "end", 3);
    recording_block_over(recording);
    assert_int_equal(recording_lines(recording, keep_line, &shown), 0);
    assert_int_equal(shown.count, ROWS);
    assert_string_equal(shown.text[0], "row 11");
    assert_string_equal(shown.text[ROWS - 1], "end");
    assert_int_equal(shown.typed, 0);
    recording_free(recording);
    lesson_free(lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_asks_sets_or_writes_into_a_terminal_is_left_out),
        cmocka_unit_test(marks_are_told_and_broken_text_is_mended),
        cmocka_unit_test(the_screen_is_the_same_through_the_sieve),
        cmocka_unit_test(a_change_makes_one_picture_of_the_other),
        cmocka_unit_test(a_cast_has_absolute_times_in_version_2_and_intervals_in_3),
        cmocka_unit_test(the_pieces_that_output_comes_in_make_no_difference),
        cmocka_unit_test(what_a_full_screen_program_left_is_its_screen_and_was_not_typed),
        cmocka_unit_test(each_cast_ends_with_the_screen_of_the_session),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
