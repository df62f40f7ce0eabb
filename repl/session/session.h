/** One learner in one lab with one lesson: terminals, the current step, checks, hints, replay.
 *
 * Knows neither ncurses nor output formats; the screen, plain mode and headless playback all drive this one object on one event loop.
 * The state at step N is, by definition, what replaying steps 1…N-1 gives in a fresh lab; resume, reset and goto are all that.
 */
#ifndef REPL_SESSION_SESSION_H
#define REPL_SESSION_SESSION_H

#include "engine/base/err.h"
#include "engine/lab/lab.h"
#include "repl/lesson/journal.h"
#include "repl/lesson/lesson.h"
#include "repl/lesson/progress.h"
#include "repl/session/lens.h"
#include "repl/session/loop.h"
#include "repl/session/terminal.h"

struct session;

enum session_event_kind {
    SESSION_LAB_READY, /* the lab is up and terminal 1 is at its prompt */
    SESSION_LAB_DIED,  /* the lab ended by itself; a new one is being built and replayed */
    SESSION_OUTPUT,    /* .terminal has new cells */
    SESSION_TERMINAL,  /* .terminal was opened or closed, or became the active one */
    SESSION_PROMPT,    /* .terminal: some shell in it is at its prompt */
    SESSION_COMMAND_DONE, /* .terminal: .status; .text the command if we know it; .command its number. Its calls are in the lens */
    SESSION_KEY,      /* .terminal: a keys script pressed .text there: a key's name, or a text */
    SESSION_CHECK,    /* a check ended; .passed; .text what it said (the hint) */
    SESSION_STEP,     /* the current step or a step's status changed; .step */
    SESSION_REPLAY,   /* replaying step .step; .text what is being run; ends with a SESSION_STEP */
    SESSION_LENS,     /* .terminal: its lens has new rows */
    SESSION_FINISHED, /* every step has passed or was skipped */
    SESSION_MESSAGE,  /* .text for the status line; .failed if it says that something went wrong */
    SESSION_EVIDENCE, /* .terminal: a command of the learner's ended, or its line was no command: session_evidence */
};
struct session_event {
    enum session_event_kind kind;
    unsigned terminal, step;
    unsigned command; /* as in struct lens_call; 0: it is not known */
    int status;
    bool passed, failed;
    const char *text; /* valid during the call; may be NULL */
};
typedef void session_event_fn(struct session *session, const struct session_event *event, void *data);

/* A line of a played block that is to be typed, when somebody reads it. */
struct session_line {
    const char *text; /* without its newline; valid until the next one is told or the block is over */
    size_t number;    /* of its command among those that the block has typed, from 0 */
    unsigned terminal;
    bool first; /* of its command */
};
typedef void session_typist_fn(struct session *session, const struct session_line *line, void *data);

struct session_options {
    struct loop *loop;
    const struct lesson *lesson; /* outlives the session */
    struct progress *progress;   /* NULL: nothing is remembered */
    struct journal *journal;     /* what the learner does is written there; NULL: nowhere */
    struct lab_options lab;
    unsigned rows, cols; /* of new terminals */
    bool by_hand;        /* headless playback: checks run only by session_run_check, and a dead lab is not rebuilt */
    bool lens;           /* by hand: the terminals get a lens although no check asks for one */
    bool presented;      /* a demo: a step may be left undone, and the next one goes on in the same lab */
    session_typist_fn
        *typist; /* who types the lines of played blocks (a replay's aside); NULL: they are typed at once */
    session_event_fn *on_event;
    terminal_output_fn *on_output; /* raw bytes of any terminal; may be NULL */
    void *data;
};

/** lesson_load; and what its `requires` name must be known to `doctor`, or that is a mistake like another. */
struct lesson *session_load_lesson(const char *path, struct lesson_mistakes *mistakes, struct err *err);

/** Nothing is started yet. */
struct session *session_new(const struct session_options *options, struct err *err);
/** Ends the lab and everything in it. */
void session_free(struct session *session);

/** Build the lab, open terminal 1, run the lesson's setup, and replay up to step @step (1: none; 0: where progress left off; a
 * lesson that is finished is opened at its end, where session_current is step_count + 1, and nothing is replayed). Returns at once after the lab is
 * built; the replay goes on in the loop, told by events: SESSION_LAB_READY, SESSION_REPLAY …, and SESSION_STEP when the step is in play.
 * None of the functions that build a lab or free the session may be called from a terminal_output_fn; session_free not from any event either. */
int session_start(struct session *session, unsigned step, struct err *err);

const struct lesson *session_lesson(const struct session *session);
struct lab *session_lab(struct session *session); /* NULL between labs */

enum step_status { STEP_AHEAD, STEP_CURRENT, STEP_PASSED, STEP_SKIPPED };
unsigned session_current(const struct session *session); /* 1-based; step_count + 1 when finished */
enum step_status session_step_status(const struct session *session, unsigned step);
/** Why this machine cannot do the lesson at all, in the same words as for a step, or NULL. */
const char *session_lacks(const struct session *session);
/** Why a step is skipped on this machine ("qemu: not installed; apt-get install qemu-system-x86"), or NULL. */
const char *session_skip_reason(const struct session *session, unsigned step);
/** True once the current step's check has passed (the learner moves on with `next`; the lesson does not scroll on before the output was read). */
bool session_current_passed(const struct session *session);
bool session_replaying(const struct session *session);
/** Does a setup or teardown run in the lab? Until it has ended nothing should be typed. */
bool session_in_setup(const struct session *session);
/** End a replay where it is: what runs is interrupted, and the step being replayed becomes the current one. False if none was on. */
bool session_stop_replay(struct session *session);

/* Terminals, numbered from 1. */
unsigned session_terminals(const struct session *session);
struct terminal *session_terminal(struct session *session, unsigned number); /* NULL if not open */
pid_t session_shell(const struct session *session, unsigned number);         /* host pid of its lab shell */
int session_open_terminal(struct session *session, unsigned number, struct err *err);
unsigned session_active(const struct session *session);
void session_set_active(struct session *session, unsigned number);
void session_resize(struct session *session, unsigned rows, unsigned cols); /* all terminals */

/** The lens of a terminal, or NULL if it has had none in this lab. Valid until the lab ends. */
struct lens *session_lens(const struct session *session, unsigned terminal);
/** Why the terminal has no lens now, or would have none, in words that go on "no lens: "; NULL if it has one, or its next shell will. */
const char *session_lens_lacks(const struct session *session, unsigned terminal);
/** Does the current step's check ask for a syscall? */
bool session_expects_syscalls(const struct session *session);
/** How many commands were accepted in the terminal: the number of the newest one. */
unsigned session_commands(const struct session *session, unsigned terminal);
/** A new shell for the terminal, with or without the lens, in the old one's directory. EBUSY: something runs in it; ENOTSUP: no lens can be had. */
int session_switch_lens(struct session *session, unsigned terminal, bool on, struct err *err);

/** After terminal_write, _paste or _mouse_event on a terminal: what the pty did not take at once is written as soon as it can. Cheap. */
void session_flush(struct session *session);

/** A key is on its way to a terminal. @letter: one that by itself sets nothing going, and that others may follow soon: what looks at the lab now and then waits for a pause, so
 * that no key's echo has to wait for that. */
void session_typed(struct session *session, bool letter);

enum session_reader {
    SESSION_READER_NONE, /* nobody waits for input: it would stand in the tty's queue */
    SESSION_READER_LINES, /* something (the shell at its prompt included) waits for a line that the tty edits and echoes */
    SESSION_READER_KEYS, /* the tty is in another mode: each key goes to the program */
};
/** Who gets what is typed into terminal @number now? Read from the kernel. */
enum session_reader session_reader(const struct session *session, unsigned number);
/** Host pid of a process in terminal @number's foreground that waits in a read, poll or select for what is typed there; 0: none does. */
pid_t session_reading(const struct session *session, unsigned number);

/** The lines that the active terminal's shell has of a command that goes on (a loop, a here-document), with newlines between; NULL at any other time. */
const char *session_unfinished(const struct session *session);

/** A line (or a command of several lines) for the shell of the active terminal, as typed at its prompt. */
int session_send_line(struct session *session, const char *line, struct err *err);

/* What is known of the learner's last command, for whoever explains failures. Everything is the session's, until the next one. */
#define SESSION_UNFINISHED (-1)
struct session_evidence {
    unsigned number; /* 1, 2, … */
    unsigned terminal;
    const char *line; /* as typed */
    int status;       /* as $?; SESSION_UNFINISHED: the shell waits for the rest of it */
    const char
        *output; /* what it put on the screen, its last lines; of a line that was refused the line itself is in it */
    unsigned command; /* its number in the terminal's lens, see lens_failures; 0: it was never run */
    pid_t shell;      /* host pid of the shell it was typed to, in whatever namespaces and root that is */
    bool expected;    /* it is what the step has one type, and came out as the step says: the lesson explains it */
};
/** NULL before the first one. */
const struct session_evidence *session_evidence(const struct session *session);

/* The teaching commands. Each tells its outcome by events and a message; the returned text is the session's and valid until the next call. */
/* Skipping a step that has not passed is a fresh lab, replayed with that step in it, so that the ones after it can be done. */
const char *session_next(struct session *session, bool skip); /* NULL: moved on; else why not, and what to do */
enum hint_kind {
    HINT_WORDS,    /* a hint */
    HINT_SOLUTION, /* what the lesson itself calls a solution */
    HINT_COMMAND,  /* the next command: to be typed for the learner, and not run */
    HINT_NONE,     /* there is nothing to hint at, and why */
};
/** The failed check's own words first, then the lesson's hints one by one, then the command. @kind may be NULL. */
const char *session_hint(struct session *session, enum hint_kind *kind);
const char *session_why(struct session *session);            /* what the current check still waits for */
const char *session_solution(const struct session *session); /* the step's next command that was not typed, or NULL */
unsigned session_solution_terminal(const struct session *session); /* which it belongs into; 0: any */
/** The same to be offered unasked: NULL once the step has passed, for a task to be found out (a hidden block), and if it has several lines. */
const char *session_suggestion(const struct session *session);
/** A fresh lab, replayed up to @step. Begins when the callbacks now running have returned; what fails then is told by SESSION_MESSAGE. -1: no such step. */
int session_goto(struct session *session, unsigned step, struct err *err);
/** Where an undo leads: the current step if anything was typed or answered in it, else the last one before it that this machine can do; 0: there is nothing to undo. */
unsigned session_undo_step(const struct session *session);

/** The current step's unanswered quiz, or NULL; and an answer: indices from 0 (@count 0: @typed). Returns whether it was right; *reason gets the reasons to show. */
const struct block *session_quiz(const struct session *session);
bool session_answer(struct session *session, const unsigned *choices, size_t count, const char *typed,
                    const char **reason);

/* Headless playback runs a step's blocks itself. */
struct command_result {
    const char *command;
    size_t output_at, output_len; /* what it printed, within the block's output */
    int wait_status;
    bool nested;
};
struct block_result {
    const struct command_result *commands; /* of a command block: those that were run, in order; owned as output is */
    size_t command_count;
    int wait_status; /* as wait(2) gives; of the last command */
    char *output;    /* what was printed, CRs dropped, NUL-terminated; owned by the session until the next block */
    bool timed_out, nested; /* nested: a nested shell is now at its prompt instead of the command having ended */
    const char *skipped;    /* why this machine cannot run it (the block's `requires`), or NULL; then nothing was run */
    bool matched_exit, matched_output;
    char why[512]; /* first mismatch */
};
typedef void session_block_fn(struct session *session, const struct block *block, const struct block_result *result,
                              void *data);
/** Type @block's commands (or run its script, write its file), then call @done from the loop, never from within this call. One at a time (EBUSY); waits for the step's
 * setup and for a prompt. Quizzes are answered by their right answers. Each command but the last must end with 0 when the block's `exit` is not given. */
int session_play_block(struct session *session, const struct block *block, session_block_fn *done, void *data,
                       struct err *err);
/* With a typist each line waits for one of these; without a line that waits they do nothing. */
/** The line that the typist was told has been typed: it goes to the terminal, and the next one is told, if any, when it is time. */
void session_line_typed(struct session *session);
/** Begin with its command anew: its first line is told again once somebody reads it in the terminal that it is for. */
void session_type_again(struct session *session);
/** Keys scripts are played a character each @ms; 0: as fast as the program takes them. */
void session_set_pace(struct session *session, unsigned ms);
typedef void session_check_fn(struct session *session, bool passed, const char *said, void *data);
/** Run the check of step @step now (as soon as one that runs has ended), and call @done from the loop. @said is what it printed, trimmed. A step without a check passes if
 * nothing of it failed. When @step is the current one and it passed, session_next moves on. */
int session_run_check(struct session *session, unsigned step, session_check_fn *done, void *data, struct err *err);

#endif
