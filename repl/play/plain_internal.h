/** What the files of plain mode share: one struct, what is said and done (plain.c), and who gives the keys and lines to whom (plain_input.c). */
#ifndef REPL_PLAY_PLAIN_INTERNAL_H
#define REPL_PLAY_PLAIN_INTERNAL_H

#include "repl/lesson/curriculum.h"
#include "repl/play/plain_filter.h"
#include "repl/play/plain_text.h"
#include "repl/screen/commands.h"
#include "repl/screen/prompt_history.h"
#include "repl/screen/screen.h"
#include "repl/session/session.h"
#include "repl/tutor/advice.h"

#include <termios.h>

#define TERMINALS 9
#define PROMPT_SIZE 512

/* Where the keys go. */
enum keys { TO_NOBODY, TO_LINE, TO_COMMAND, TO_PROGRAM };

struct plain_terminal {
    struct plain *plain;
    unsigned number;
    struct plain_filter filter;
    bool held_return;         /* a CR came last, and what follows it decides whether it is written */
    bool in_prompt;           /* between marks A and B */
    bool prompt_due;          /* a prompt was read and not yet shown */
    bool sent;                /* a line was sent, and neither its start nor a new prompt has come back */
    bool typed;               /* keys went to it since the last prompt: a half-typed line may wait in the tty */
    char prompt[PROMPT_SIZE]; /* without escape sequences */
    size_t prompt_len;
};

struct plain {
    const struct screen_options *options;
    struct plain_page page;
    struct curriculum curriculum;
    struct progress *progress;
    struct loop *loop;
    struct lesson *lesson;
    char *path;
    char *next_path;    /* the lesson to open when the loop ends; NULL: leave */
    unsigned next_step; /* … and at which step; 0: where progress left off */
    struct session *session;
    struct advice *advice; /* NULL: there is no table of traps */
    struct journal *journal;
    struct plain_terminal terminals[TERMINALS + 1];
    struct loop_source *check_timer, *keyboard;
    struct termios found; /* as the terminal was, and will be again */
    struct termios
        between;   /* while nobody has the keys: what is typed then waits byte by byte, as the next reader wants it */
    bool tty;      /* keys come from, and words go to, a terminal */
    bool building; /* the lab is being built or steps are being redone */
    bool redraw;   /* something was said over the line being edited */
    bool middle;   /* the last thing written was not the end of a line */
    uint64_t replay_said; /* ms: when it was last said how far a replay is; 0: not yet */
    bool passed_said;
    struct prompt_history history;
    char *to_type; /* put on the line when it is next begun; NULL: nothing */
    bool next_due; /* `next` waits for a check */
    bool leave;
    unsigned step_said; /* the step said last; the event of a lesson's end comes with that of its last step */
    enum keys keys;
    char *input; /* piped lines not yet given */
    size_t input_len;
    bool input_end;
};

/* plain.c */
void plain_write(struct plain *plain, const char *bytes, size_t len);
void plain_tell(struct plain *plain, const char *title, const char *text);
struct plain_terminal *plain_active(struct plain *plain);
void plain_show_prompt(struct plain_terminal *at);
void plain_next(struct plain *plain, bool skip);
void plain_run_action(struct plain *plain, const struct command_line *command);
/** A whole line, typed or piped, while some shell of the lab is at its prompt. */
void plain_take_line(struct plain *plain, const char *line);

/* plain_input.c */
/** Watch the keyboard or the pipe, and the signals. False: out of memory. */
bool plain_add_sources(struct plain *plain);
/** The terminal becomes readline's and the lab's by turns, until it is put back as @found. */
void plain_prepare_terminal(struct plain *plain);
void plain_leave_keys(struct plain *plain);
/** The loop's: who gets the keys now? */
void plain_before_wait(void *data);

#endif
