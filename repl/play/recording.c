#include "repl/play/recording_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    SCROLLBACK = 2000, /* lines of a terminal that can be read later */
    OTHER_ROWS = 6,    /* seen of a terminal that is not in use */
    LINE_LIMIT = 65536,
    PIECE = 1024, /* of a line that does not end, as full-screen programs write */
    /* The clock, ms. */
    READ_STEP = 1500, /* before the first command of a step */
    THINK = 400,      /* before a command */
    LETTER = 50,
    LINE_TYPED_MAX = 4000, /* a long line is typed faster */
    ENTER = 250,
    BLOCK_OVER = 700,
    END = 2000,
    IDLE_MAX = 2000, /* of one terminal, while another one is used */
    FRAME = 40,      /* between pictures */
    BURST = 65536,   /* bytes of fast output a picture */
};

/* How fast output comes: a pause after each line or piece, by how many there were since something was typed. */
static const struct pace {
    unsigned upto, ms;
} paces[] = { { 30, 30 }, { 300, 4 } };

/* --- the picture ------------------------------------------------------------------------------------------------------------------- */

static void draw_title(struct recording *recording)
{
    const struct lesson *lesson = recording->lesson;
    const struct pen name = { .flags = PEN_BOLD | PEN_REVERSE }, title = { .flags = PEN_REVERSE };
    char number[48];
    unsigned col = canvas_text(&recording->canvas, 0, 0, " ", &name);
    if (recording->step) {
        snprintf(number, sizeof number, "%u/%zu  ", recording->step->number, lesson->step_count);
        col = canvas_text(&recording->canvas, 0, col, number, &title);
        col = canvas_text(&recording->canvas, 0, col, recording->step->title, &name);
    } else {
        col = canvas_text(&recording->canvas, 0, col, lesson->title ? lesson->title : lesson->path, &name);
    }
    while (col < recording->cols)
        col = canvas_text(&recording->canvas, 0, col, " ", &title);
}

/* The rows that show where things happen: down to the cursor, or to the last one written. */
static unsigned first_seen(const struct emulator *emulator, unsigned rows)
{
    if (emulator_alternate(emulator) || emulator->row < rows)
        return 0;
    return emulator->row + 1 - rows;
}

static void draw_pane(struct recording *recording, unsigned number, unsigned row, unsigned rows)
{
    const struct track *track = recording->tracks[number];
    struct canvas *canvas = &recording->canvas;
    if (canvas->pane_count < CANVAS_PANES)
        canvas->panes[canvas->pane_count++] = (struct canvas_pane){ row, rows };
    if (!track)
        return;
    unsigned first = first_seen(&track->emulator, rows);
    canvas_draw(canvas, row, &track->emulator, first, rows);
    if (number != recording->active || track->emulator.modes.hidden_cursor)
        return;
    canvas->cursor = true;
    canvas->cursor_row = row + track->emulator.row - first;
    canvas->cursor_col = track->emulator.col < recording->cols ? track->emulator.col : recording->cols - 1;
}

static void draw(struct recording *recording)
{
    static const struct pen in_use = { .flags = PEN_BOLD }, other = { .flags = PEN_DIM };
    canvas_clear(&recording->canvas);
    draw_title(recording);
    unsigned row = 1;
    for (unsigned number = 1; number <= RECORDING_TERMINALS; number++) {
        if (!recording->used[number])
            continue;
        bool active = number == recording->active;
        unsigned rows = active ? recording->rows : OTHER_ROWS;
        if (recording->panes > 1) {
            char name[32];
            snprintf(name, sizeof name, "── terminal %u ", number);
            unsigned col = canvas_text(&recording->canvas, row, 0, name, active ? &in_use : &other);
            while (col < recording->cols)
                col = canvas_text(&recording->canvas, row, col, "─", active ? &in_use : &other);
            row++;
        }
        draw_pane(recording, number, row, rows);
        row += rows;
    }
    recording->dirty = false;
    recording->begun = true;
    recording->drawn = recording->clock;
    if (recording->hooks->picture)
        recording->hooks->picture(recording->clock, &recording->canvas, recording->data);
}

/* Time passes: what is there is seen, unless the next picture comes too soon. */
static void pass(struct recording *recording, unsigned ms)
{
    bool due = !recording->begun || recording->clock - recording->drawn >= FRAME || ms >= FRAME;
    if (recording->hooks->picture && recording->dirty && ms && due)
        draw(recording);
    recording->clock += ms;
}

/* --- one terminal ------------------------------------------------------------------------------------------------------------------ */

static struct spot here(const struct track *track)
{
    const struct emulator *emulator = &track->emulator;
    return (struct spot){ emulator->main.scrolled + emulator->row, emulator->col };
}

static void tick(struct recording *recording, struct track *track)
{
    uint64_t since = recording->clock - track->shown;
    track->clock += since < IDLE_MAX ? since : IDLE_MAX;
    track->shown = recording->clock;
}

static void show(struct recording *recording, unsigned number, const char *bytes, size_t len)
{
    struct track *track = recording->tracks[number];
    tick(recording, track);
    for (const char *end = bytes + len; bytes < end;) {
        const char *mark = memchr(bytes, 1, (size_t)(end - bytes));
        size_t n = (size_t)((mark ? mark : end) - bytes);
        if (n) {
            emulator_feed(&track->emulator, bytes, n);
            if (recording->hooks->output)
                recording->hooks->output(number, track->clock, bytes, n, recording->data);
            recording->dirty = true;
        }
        bytes += n;
        if (!mark)
            break;
        if (mark[1] == 'A')
            track->prompt_at = here(track);
        track->at_prompt = mark[1] == 'A' || mark[1] == 'B';
        bytes += 2;
    }
}

/* Bytes of the character, sequence or mark at @bytes. */
static size_t unit(const char *bytes, size_t len)
{
    size_t n = 1;
    if (bytes[0] == 1)
        return len < 2 ? len : 2;
    if (bytes[0] == 033 && len > 1 && bytes[1] == '[')
        for (n = 2; n < len && (bytes[n] < '@' || bytes[n] > '~');)
            n++;
    else if (bytes[0] == 033)
        while (n < len && bytes[n] >= ' ' && bytes[n] <= '/')
            n++;
    else
        while (n < len && ((unsigned char)bytes[n] & 0xc0) == 0x80)
            n++;
    return bytes[0] == 033 && n < len ? n + 1 : n;
}

/* Nobody types evenly: a letter takes half to one and a half times its share. */
static unsigned letter_ms(const char *bytes, size_t at, size_t len)
{
    unsigned share = len * LETTER > LINE_TYPED_MAX ? (unsigned)(LINE_TYPED_MAX / len) : LETTER;
    unsigned noise = ((unsigned char)bytes[at] * 37 + (unsigned)at * 73) % 100;
    return share * (50 + noise) / 100;
}

static void show_typed(struct recording *recording, unsigned number, const char *bytes, size_t len)
{
    struct track *track = recording->tracks[number];
    track->pieces = 0;
    track->burst = 0;
    if (track->typed_count < RECORDING_TYPED)
        track->typed[track->typed_count++] = here(track);
    pass(recording, THINK);
    for (size_t at = 0, n; at < len; at += n) {
        n = unit(bytes + at, len - at);
        show(recording, number, bytes + at, n);
        pass(recording, letter_ms(bytes, at, len));
    }
    pass(recording, ENTER);
}

static void pace(struct recording *recording, struct track *track, size_t len)
{
    unsigned ms = 0;
    for (size_t i = 0; i < sizeof paces / sizeof *paces && ms == 0; i++)
        ms = track->pieces < paces[i].upto ? paces[i].ms : 0;
    track->pieces++;
    track->burst += ms ? 0 : len;
    if (track->burst >= BURST) {
        track->burst = 0;
        ms = FRAME;
    }
    pass(recording, ms);
}

/* In pieces: up to a CR that begins the line anew, as those that show progress do, or of a certain length. */
static void show_output(struct recording *recording, unsigned number, const char *bytes, size_t len)
{
    size_t from = 0;
    for (size_t at = 0; at < len;) {
        at += unit(bytes + at, len - at);
        bool again = bytes[at - 1] == '\r' && at < len && bytes[at] != '\n' && bytes[at] != '\r' && at - from > 1;
        if (at < len && !again && at - from < PIECE)
            continue;
        show(recording, number, bytes + from, at - from);
        pace(recording, recording->tracks[number], at - from);
        from = at;
    }
}

/* Of a line's @len bytes, without its end: where what was typed begins. @len: nothing was. */
static size_t find_typed(struct recording *recording, const char *bytes, size_t len)
{
    const char *expected =
        recording->expected_at < recording->expected_count ? recording->expected[recording->expected_at] : NULL;
    size_t wanted = expected ? strlen(expected) : 0;
    const char *prompt = NULL;
    for (const char *mark = bytes; (mark = memchr(mark, 1, (size_t)(bytes + len - mark))); mark += 2)
        if (mark[1] == 'B')
            prompt = mark + 2;
    bool as_expected = expected && wanted <= len && memcmp(bytes + len - wanted, expected, wanted) == 0;
    if (as_expected && (wanted || prompt == bytes + len)) {
        recording->expected_at++;
        return len - wanted;
    }
    return prompt ? (size_t)(prompt - bytes) : len;
}

static void show_line(struct recording *recording, unsigned number)
{
    struct track *track = recording->tracks[number];
    struct text line = track->line;
    track->line = (struct text){ 0 };
    if (!line.len)
        return;
    bool whole = line.data[line.len - 1] == '\n';
    size_t body = line.len - whole;
    body -= body && whole && line.data[body - 1] == '\r';
    size_t typed = whole ? find_typed(recording, line.data, body) : body;
    if (typed < body) {
        text_clear(&track->prompt);
        text_append(&track->prompt, line.data, typed, LINE_LIMIT);
        show(recording, number, line.data, typed);
        show_typed(recording, number, line.data + typed, body - typed);
        show(recording, number, line.data + body, line.len - body);
    } else {
        show_output(recording, number, line.data, line.len);
    }
    text_free(&line);
}

static void show_all(struct recording *recording)
{
    for (unsigned number = 1; number <= RECORDING_TERMINALS; number++)
        if (recording->tracks[number])
            show_line(recording, number);
}

/* --- what the sieve gives ---------------------------------------------------------------------------------------------------------- */

struct feeding {
    struct recording *recording;
    unsigned number;
};

static void on_out(const char *bytes, size_t len, void *data)
{
    const struct feeding *feeding = data;
    struct text *line = &feeding->recording->tracks[feeding->number]->line;
    while (len > 0) {
        size_t n = len;
        if (line->len >= LINE_LIMIT)
            show_line(feeding->recording, feeding->number);
        if (line->len + n > LINE_LIMIT && line->len) {
            n = LINE_LIMIT - line->len;
            while (n > 0 && ((unsigned char)bytes[n] & 0xc0) == 0x80)
                n--;
            if (n == 0 || bytes[0] == 033) { /* a sequence, and a character, stay whole */
                show_line(feeding->recording, feeding->number);
                continue;
            }
        }
        text_append(line, bytes, n, SIZE_MAX);
        if (bytes[n - 1] == '\n')
            show_line(feeding->recording, feeding->number);
        bytes += n;
        len -= n;
    }
}

static void on_mark(char letter, void *data)
{
    const struct feeding *feeding = data;
    struct text *line = &feeding->recording->tracks[feeding->number]->line;
    const char mark[] = { 1, letter };
    if (line->len >= LINE_LIMIT)
        show_line(feeding->recording, feeding->number);
    text_append(line, mark, 2, SIZE_MAX);
}

static const struct sieve_hooks sieve_hooks = { .out = on_out, .mark = on_mark };

static void on_osc(int number, const char *text, void *data)
{
}
static void on_bell(void *data)
{
}
static void on_reply(const char *bytes, size_t len, void *data)
{
}
static const struct emulator_hooks emulator_hooks = { .osc = on_osc, .bell = on_bell, .reply = on_reply };

static struct track *track_of(struct recording *recording, unsigned number)
{
    if (recording->tracks[number])
        return recording->tracks[number];
    struct track *track = calloc(1, sizeof *track);
    if (!track)
        return NULL;
    if (emulator_init(&track->emulator, recording->rows, recording->cols, SCROLLBACK, &emulator_hooks, NULL) < 0) {
        free(track);
        return NULL;
    }
    sieve_init(&track->sieve, &sieve_hooks, NULL);
    track->shown = recording->clock;
    return recording->tracks[number] = track;
}

/* --- what is told ------------------------------------------------------------------------------------------------------------------ */

static unsigned terminal_number(const struct block *block)
{
    unsigned long number = block->terminal ? strtoul(block->terminal, NULL, 10) : 1;
    return number >= 1 && number <= RECORDING_TERMINALS ? (unsigned)number : 1;
}

struct recording *recording_new(const struct lesson *lesson, unsigned rows, unsigned cols,
                                const struct recording_hooks *hooks, void *data)
{
    struct recording *recording = calloc(1, sizeof *recording);
    if (!recording)
        return NULL;
    *recording = (struct recording){
        .lesson = lesson, .hooks = hooks, .data = data, .rows = rows, .cols = cols, .active = 1, .used[1] = true
    };
    for (size_t i = 0; i < lesson->step_count; i++)
        for (size_t k = 0; k < lesson->steps[i].block_count; k++)
            if (lesson->steps[i].blocks[k].type == BLOCK_COMMAND)
                recording->used[terminal_number(&lesson->steps[i].blocks[k])] = true;
    for (unsigned number = 1; number <= RECORDING_TERMINALS; number++)
        recording->panes += recording->used[number];
    if (canvas_init(&recording->canvas, recording_rows(recording), cols) < 0) {
        free(recording);
        return NULL;
    }
    recording->dirty = true;
    return recording;
}

static void forget_expected(struct recording *recording)
{
    for (size_t i = 0; i < recording->expected_count; i++)
        free(recording->expected[i]);
    free(recording->expected);
    recording->expected = NULL;
    recording->expected_count = recording->expected_at = 0;
}

void recording_free(struct recording *recording)
{
    if (!recording)
        return;
    for (unsigned number = 1; number <= RECORDING_TERMINALS; number++) {
        struct track *track = recording->tracks[number];
        if (!track)
            continue;
        emulator_free(&track->emulator);
        text_free(&track->line);
        text_free(&track->prompt);
        free(track);
    }
    forget_expected(recording);
    canvas_free(&recording->canvas);
    free(recording);
}

unsigned recording_rows(const struct recording *recording)
{
    if (recording->panes == 1)
        return 1 + recording->rows;
    return 1 + recording->panes + recording->rows + (recording->panes - 1) * OTHER_ROWS;
}

void recording_step(struct recording *recording, const struct step *step)
{
    show_all(recording);
    recording->step = step;
    recording->dirty = true;
    if (recording->hooks->marker) {
        char *label = NULL;
        if (asprintf(&label, "%u. %s", step->number, step->title) >= 0)
            recording->hooks->marker(recording->clock, label, recording->data);
        free(label);
    }
    pass(recording, READ_STEP);
}

static void expect(struct recording *recording, const char *command)
{
    for (const char *end; command; command = *end ? end + 1 : NULL) {
        end = strchrnul(command, '\n');
        char *line = strndup(command, (size_t)(end - command));
        char **list = realloc(recording->expected, (recording->expected_count + 1) * sizeof *list);
        if (list)
            recording->expected = list;
        if (list && line)
            list[recording->expected_count++] = line;
        else
            free(line);
    }
}

void recording_block(struct recording *recording, const struct block *block)
{
    show_all(recording);
    forget_expected(recording);
    if (block->type != BLOCK_COMMAND)
        return;
    for (size_t i = 0; block->commands && block->commands[i]; i++)
        expect(recording, block->commands[i]);
    unsigned number = terminal_number(block);
    recording->dirty |= recording->active != number;
    recording->active = number;
    struct track *track = track_of(recording, number);
    if (!track)
        return;
    track->began = here(track);
    track->typed_count = 0;
    track->pieces = 0;
}

static void feed(struct recording *recording, unsigned terminal, const char *bytes, size_t len)
{
    struct sieve *sieve = &recording->tracks[terminal]->sieve;
    sieve->data = &(struct feeding){ recording, terminal };
    sieve_feed(sieve, bytes, len);
}

void recording_output(struct recording *recording, unsigned terminal, pid_t shell, const char *bytes, size_t len)
{
    struct track *track = terminal >= 1 && terminal <= RECORDING_TERMINALS ? track_of(recording, terminal) : NULL;
    if (!track)
        return;
    if (shell > 0 && shell != track->shell) {
        if (track->shell) {
            show_line(recording, terminal);
            sieve_init(&track->sieve, &sieve_hooks, NULL);
            feed(recording, terminal, "\033c", 2);
        }
        track->shell = shell;
    }
    feed(recording, terminal, bytes, len);
}

void recording_block_over(struct recording *recording)
{
    show_all(recording);
    pass(recording, BLOCK_OVER);
}

void recording_end(struct recording *recording)
{
    show_all(recording);
    recording->dirty = true;
    pass(recording, END);
    for (unsigned number = 1; number <= RECORDING_TERMINALS; number++)
        if (recording->tracks[number])
            tick(recording, recording->tracks[number]);
}

uint64_t recording_time(const struct recording *recording, unsigned terminal)
{
    if (terminal == 0)
        return recording->clock;
    const struct track *track = recording->tracks[terminal];
    uint64_t since = track ? recording->clock - track->shown : 0;
    return track ? track->clock + (since < IDLE_MAX ? since : IDLE_MAX) : 0;
}

const struct emulator *recording_screen(const struct recording *recording, unsigned terminal)
{
    return terminal >= 1 && terminal <= RECORDING_TERMINALS && recording->tracks[terminal]
               ? &recording->tracks[terminal]->emulator
               : NULL;
}
