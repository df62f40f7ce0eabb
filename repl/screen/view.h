/** What the parts of the screen share: one struct, and the door of each part.
 *
 * Each view draws into its rectangles from what it reads anew; none keeps what another one owns.
 */
#ifndef REPL_SCREEN_VIEW_H
#define REPL_SCREEN_VIEW_H

#include "repl/lesson/curriculum.h"
#include "repl/screen/commands.h"
#include "repl/screen/demo.h"
#include "repl/screen/draw.h"
#include "repl/screen/input.h"
#include "repl/screen/keys.h"
#include "repl/screen/layout.h"
#include "repl/screen/prompt.h"
#include "repl/screen/screen.h"
#include "repl/session/session.h"
#include "repl/session/state.h"
#include "repl/tutor/advice.h"

enum dirty {
    DIRTY_LESSON = 1,
    DIRTY_TERMINAL = 2, /* rows the terminal itself calls damaged, the prompt line and the title */
    DIRTY_STATE = 4,
    DIRTY_STATUS = 8, /* message and status line */
    DIRTY_ALL = 15,
    DIRTY_CLEAN = 16, /* what is on the screen is not what was drawn: everything, from nothing */
};

enum overlay_page {
    OVERLAY_NONE,
    OVERLAY_WELCOME,
    OVERLAY_HELP,
    OVERLAY_LESSONS,
    OVERLAY_STATE,
    OVERLAY_REVIEW,
    OVERLAY_PANEL,
    OVERLAY_LENS,
    OVERLAY_DIAGNOSIS,
};

#define SAID_MAX 16
struct said { /* what was said about this step: hints, reasons, why not yet */
    enum role role;
    char *title; /* "Hint" */
    char *text;  /* Markdown */
};

struct lesson_view {
    struct flow *flow; /* NULL: to be built anew */
    unsigned step;     /* what is shown */
    unsigned top;      /* first line shown */
    size_t count;      /* lines when last drawn, at … */
    unsigned cols;     /* … this width */
    bool to_end;       /* scroll to what was just added */
    bool to_quiz;      /* scroll to the open question */
    size_t quiz_line;  /* where it begins */
    struct said said[SAID_MAX];
    size_t said_count;
    unsigned choices; /* bits: ticked boxes of a quiz with several right answers */
};

struct lens_view {
    bool
        chosen; /* the learner said whether it stands beside the terminal; else it does in steps that ask for a syscall */
    bool beside;       /* what was said */
    bool typing;       /* the filter, on the whole page */
    uint64_t held;     /* number of the newest call shown; 0: all are */
    uint64_t selected; /* number of the chosen call on the whole page; 0: the newest */
    char filter[64];
};

struct row_range {
    unsigned first, last; /* first > last: none */
};

#define TERMINALS_MAX 9
struct terminal_view {
    unsigned back;                /* lines scrolled back */
    char title[352];              /* as it was last drawn */
    unsigned drawn_shift;         /* rows the grid was pushed up for a long prompt line, when last drawn */
    bool alternate;               /* a full-screen program had the terminal when last drawn */
    struct row_range drawn_over;  /* rows of the pane that a prompt line or an explanation was drawn over */
    bool sent[TERMINALS_MAX + 1]; /* a line was sent and no prompt came back yet: keys are for the program */
};

/* The row under the line being edited; see explain_view.c. */
struct explain_view {
    bool off;       /* the learner wants none */
    bool reserved;  /* the row is kept free for it, until the line is gone */
    unsigned end;   /* in a nested shell: the row of the grid the line ends in */
    char text[512]; /* "": nothing is known */
};

/* What is typed before there is a prompt for it; see ahead.c. */
struct ahead {
    char line[TERMINALS_MAX + 1][256]; /* typed while a program ran, on the tty's own unfinished line */
    size_t len[TERMINALS_MAX + 1];
    struct held_key *keys; /* held back, in order */
    size_t count, size;
    bool interrupted
        [TERMINALS_MAX +
         1]; /* Ctrl-C went to the shell at its prompt, and no new prompt has come: its tty may still drop what follows */
    unsigned terminal; /* whose they are; 0: of the one that is active when the lab is there */
    unsigned looks;    /* in a row that found the prompt there and could not tell that the shell reads */
    bool discarded;    /* the line that the terminal still shows has just been taken away */
    struct loop_source *timer;
};

struct command_entry {
    bool open;
    bool fresh; /* nothing typed yet: F-keys and a second Ctrl-] still count */
    char text[200];
    size_t len;
};

struct screen {
    const struct screen_options *options;
    struct theme theme;
    struct layout layout;
    unsigned cols, rows;
    struct loop *loop;
    struct input *input;
    struct loop_source *input_timer, *frame_timer, *state_timer;
    uint64_t last_frame, last_key; /* the last to a program */
    bool echo_due;                 /* a key went to a program: what comes of it does not wait for the next frame */
    unsigned dirty;                /* bits of enum dirty */

    struct curriculum curriculum;
    struct progress *progress;
    struct lesson *lesson;
    const char *lesson_path; /* as in the curriculum, or the path given */
    struct journal *journal; /* of the session; NULL: no memory for one */
    struct session *session; /* NULL before a lesson is begun */
    struct prompt *prompt;
    struct advice *advice; /* NULL: there is no table of traps */
    bool building;         /* the lab is being built or steps are being redone */
    bool finished;
    bool in_step; /* some step has been in play: its end, not that of a lesson opened at its end, shows the review */
    bool checked; /* the current step's check was met, though a question may be open */

    enum pane focus;
    bool zoomed;
    struct lesson_view lesson_view;
    struct terminal_view terminal_view;
    struct ahead ahead;
    struct explain_view explain;
    struct session_state state;
    bool state_due;

    char message[1200];
    enum role message_role;
    struct command_entry command;
    bool interrupted; /* the last key in a too small window was Ctrl-C */
    bool cursor_shown;

    struct demo *demo; /* NULL: a learner's screen */
    enum spotlight spotlight;
    struct share *share; /* who may follow; NULL: nobody yet */
    bool share_due;      /* what followers see of it has changed */

    enum overlay_page overlay;
    struct flow *overlay_flow;
    unsigned overlay_top, overlay_selected;

    struct panel_view *panel_view; /* NULL until it is first asked for */
    bool panel_beside;             /* in the place of the state pane */
    struct lens_view lens_view;
};

/* screen.c */
void screen_message(struct screen *screen, enum role role, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** The session's words with the key beside a command that is typed only at the lab's prompt. Valid until the next call. */
const char *screen_words(const char *text);
void screen_relayout(struct screen *screen); /* after a change of size, zoom or overlay */
int screen_open_lesson(struct screen *screen, const char *path, unsigned step, struct err *err);
/** Of the current lesson in the curriculum: its place, or -1. */
int screen_lesson_place(const struct screen *screen);
struct terminal *screen_terminal(const struct screen *screen); /* the active one, or NULL */
enum key_when screen_when(const struct screen *screen);
/** The prompt owns the keys of the active terminal. */
bool screen_at_prompt(const struct screen *screen);

/* frame.c */
bool frame_begin(struct screen *screen); /* look at the state now and then; false: out of memory */
void frame_draw(struct screen *screen);  /* what is dirty, now */
void frame_before_wait(void *data);      /* of the loop, @data is the screen: draw and read what is due */

/* lesson_view.c */
void lesson_view_draw(struct screen *screen);
void lesson_view_changed(struct screen *screen);  /* same step, other words */
void lesson_view_new_step(struct screen *screen); /* from its top, nothing said */
#define SAID_WAITS "What this step waits for"     /* the title of what F4 says */
/** Put words below the step, under a title, and scroll to them; the same words stand there once. */
void lesson_view_say(struct screen *screen, enum role role, const char *title, const char *markdown);
/** Take away what was said under that title: it is true no more. */
void lesson_view_unsay(struct screen *screen, const char *title);
void lesson_view_scroll(struct screen *screen, enum action action, unsigned lines);
void lesson_view_free(struct screen *screen);

/* terminal_view.c */
void terminal_view_draw(struct screen *screen);
/** Where the cursor belongs; false: nowhere. */
bool terminal_view_cursor(const struct screen *screen, unsigned *row, unsigned *col);
void terminal_view_scroll(struct screen *screen, int lines); /* >0: back */
void terminal_view_input(struct screen *screen, const struct input_event *event);

/* ahead.c: keys typed before the prompt is there */
/** A key or paste for the active terminal: to it now, or held until it is wanted. */
void ahead_input(struct screen *screen, const struct input_event *event);
/** A line of a paste that was accepted while the one before it runs: true if it is held. */
bool ahead_line(struct screen *screen, const char *line);
/** @event is being written to the program in the active terminal. */
void ahead_remember(struct screen *screen, const struct terminal *terminal, const struct input_event *event);
void ahead_prompt(struct screen *screen, unsigned terminal); /* a shell is at its prompt */
void ahead_interrupted(struct screen *screen);               /* Ctrl-C is on its way to the shell at its prompt */
void ahead_drop(struct screen *screen);
/** Take back what stands on the tty's own unfinished line of @terminal, the active one, while a program runs. */
void ahead_kill(struct screen *screen, struct terminal *terminal);
/** The held keys as they would be read, lines parted by " ; ". Returns false if none is held. */
bool ahead_words(const struct screen *screen, char *text, size_t size);

/* explain_view.c */
void explain_view_load(struct screen *screen);         /* is it wanted? As was said last */
void explain_view_set(struct screen *screen, bool on); /* and remember it */
void explain_view_update(struct screen *screen);       /* before the terminal is drawn: what is to be said? */
/** The line in the grid of a shell that is at its prompt, from the prompt's mark to its end, malloc'ed; *point: the byte the cursor is at, *end: the row it ends in. NULL: there is none. */
char *typed_in_grid(const struct terminal *terminal, size_t *point, unsigned *end);
/** In a nested shell: rows the grid is pushed up for it. */
unsigned explain_view_shift(const struct screen *screen);
/** Into row @row of the grid, if that is free. */
void explain_view_draw(struct screen *screen, unsigned row, unsigned shift);

/* state_view.c */
void state_view_draw(struct screen *screen);

/* panel_view.c */
void panel_view_beside(struct screen *screen); /* in the place of the state pane, or away again */
void panel_view_whole(struct screen *screen);  /* over the whole screen */
void panel_view_draw(struct screen *screen);
void panel_view_input(struct screen *screen, const struct input_event *event);
void panel_view_end(struct screen *screen);

/* lens_view.c */
void lens_view_draw(struct screen *screen);                          /* in the place of the state pane, or beside it */
bool lens_view_shown(const struct screen *screen);                   /* is it to be there, if there is room? */
void lens_view_command(struct screen *screen, const char *argument); /* "", "on", "off", "all" or a filter */
void lens_page_draw(struct screen *screen);                          /* on the whole screen */
void lens_page_input(struct screen *screen, const struct input_event *event);

/* status_view.c */
void status_view_draw(struct screen *screen);

/* share_view.c: what others see of this screen */
/** Let others follow: at @path, who is in @group or, NULL, everybody; NULL @path: only this user, at the usual place. Returns where, or NULL with @err set. */
const char *share_begin(struct screen *screen, const char *path, const char *group, struct err *err);
void share_end(struct screen *screen);
void share_changed(struct screen *screen); /* what the presenter's notes go by: they are sent … */
void share_notes(struct screen *screen);   /* … before the loop waits */
void share_frame(struct screen *screen);   /* the screen was drawn */
void share_command(struct screen *screen, const char *argument);

/* quiz.c */
enum quiz_stage { QUIZ_LATER, QUIZ_OPEN, QUIZ_ANSWERED }; /* the questions of a step are answered in their order */
void quiz_draw(struct flow *flow, const struct block *block, enum quiz_stage stage, unsigned choices);
bool quiz_input(struct screen *screen, const struct input_event *event); /* while the lesson has the keys */
void quiz_answer(struct screen *screen, const char *text);

/* overlay.c */
void overlay_show(struct screen *screen, enum overlay_page overlay);
void overlay_draw(struct screen *screen);
/** What it shows is not what it was: it is made anew when next drawn, at the same place. */
void overlay_changed(struct screen *screen);
void overlay_input(struct screen *screen, const struct input_event *event);

/* welcome.c: the first screen */
void welcome_put(struct flow *flow, const struct screen *screen);
void welcome_begin(struct screen *screen); /* Enter: where one left off, or the first lesson */

/* review_view.c: what was shown and what was done, step by step */
void review_put(struct flow *flow, const struct screen *screen);

/* jump.c */
void jump_reset(struct screen *screen); /* the current step anew */
void jump_undo(struct screen *screen);
void jump_to(struct screen *screen, const struct place *place);

/* actions.c */
void action_run(struct screen *screen, enum action action, const struct command_line *command);
void action_input(struct screen *screen, const struct input_event *event); /* where every event begins */

#endif
