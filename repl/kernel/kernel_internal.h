/** What the files of the kernel share: one struct, and who does what.
 *
 *     kernel.c   sockets, the order of requests, what every answer has in common       wire.c, connection.c   the protocol's bytes
 *     cell.c     a cell, part by part: magics, and commands typed into a terminal      magics.c, guide.c      the words that begin with %
 *     desk.c     the session whose lab the cells are typed in                          console.c, stream.c    what its terminals print, to the client
 *     input.c    a program that waits for input                                        ask.c, history.c       the questions a client has beside cells
 */
#ifndef REPL_KERNEL_KERNEL_INTERNAL_H
#define REPL_KERNEL_KERNEL_INTERNAL_H

#include "repl/kernel/connection.h"
#include "repl/kernel/stream.h"
#include "repl/kernel/wire.h"
#include "repl/lesson/curriculum.h"
#include "repl/play/plain_filter.h"
#include "repl/session/job.h"
#include "repl/session/session.h"
#include "repl/tutor/advice.h"

#define TERMINALS 9
#define WELCOMES 16

struct kernel;

/* A request of the shell channel that waits for its turn. */
struct request {
    struct wire_message *message;
    bool aborted; /* a cell before it failed */
    struct request *next;
};

struct stream {
    char *text;
    size_t len, size;
    const char *name;
    uint64_t last; /* ms: when something was put to it */
    struct loop_source *timer;
};

/* A terminal's output. */
struct console {
    struct kernel *kernel;
    unsigned number;
    struct plain_filter filter;
    bool prompt;       /* between marks A and B */
    bool idle;         /* between marks B and C */
    bool accepted;     /* the line that was sent was accepted (C) */
    bool typing;       /* a line was sent and not accepted yet: its echo comes */
    bool unmarked;     /* a shell without marks is at its prompt, or runs what was typed at it */
    bool held_return;  /* a CR came last */
    struct text typed; /* what came while typing */
    char *echo;        /* what the tty is going to echo, and is not output; NULL */
    size_t echoed;     /* of it */
};

/* The lab and its session. */
struct desk {
    enum { DESK_NONE, DESK_BUILDING, DESK_READY, DESK_DEAD } state;
    char why[1024]; /* it is dead */
    struct session *session;
    struct lesson *lesson;
    char *path;    /* of its lesson; NULL: a bare lab */
    bool guided;   /* the lesson's cells are given one by one */
    unsigned step; /* that was in play last */
    struct advice *advice;
    struct curriculum curriculum;
    struct console consoles[TERMINALS + 1];
};

enum cell_phase {
    CELL_NONE,    /* nothing is executed */
    CELL_PARTS,   /* the next part can begin */
    CELL_LAB,     /* the lab is being built anew */
    CELL_WAITING, /* for the terminal to be at a prompt */
    CELL_TYPED,   /* a command runs */
    CELL_INPUT,   /* … and was asked for from the client */
    CELL_BLOCK,   /* a block of the lesson is played */
    CELL_CHECK,   /* a check runs */
    CELL_OVER,    /* what ran has ended: to be looked at */
};

/* The cell being executed. */
struct cell {
    enum cell_phase phase;
    bool may_ask, stop_on_error;
    char *code;
    const char *rest; /* of code: what is not done yet */
    json_t *payload;
    unsigned terminal;
    bool aside; /* the terminal is this cell's alone */
    unsigned home;
    char *command;  /* at hand */
    unsigned lines; /* of it */
    bool ended, nested, refused, incomplete, interrupted, barred;
    int status;   /* of the last command */
    char *failed; /* the last command that failed, if the last one did */
    char *advice; /* what is known of why; Markdown */
    uint64_t began, typed_at;
    struct loop_source *watch, *kill;
    void (*after)(struct kernel *kernel); /* CELL_LAB: what is to be done in the new lab; NULL: nothing */
    const struct block *block;            /* played, or typed as it stands in the lesson; NULL */
    bool passed;                          /* CELL_CHECK: what came out */
    char *said;
    unsigned checked; /* the step */
    bool why;         /* it is only asked why */
};

struct history {
    struct entry {
        unsigned line;
        char *code;
    } * list;
    size_t count;
};

struct kernel {
    struct connection connection;
    struct wire wire;
    void *context, *sockets[CHANNELS];
    struct loop *loop;
    int parent;           /* pidfd of the client's process; -1: not known */
    bool leave, welcomes; /* welcomes: the client knows them */
    char *pending[WELCOMES];
    size_t pending_count;
    struct request *queue, **queue_end;
    struct wire_message *current; /* of the shell channel */
    bool delayed;                 /* it waits for the lab */
    bool sent;                    /* something, since the sockets were last read */
    char *output_parent;          /* header of the execute_request that output belongs to */
    unsigned count;               /* of cells */
    struct stream stream;
    struct desk desk;
    struct cell cell;
    struct history history;
};

/* kernel.c */
/** Send on iopub. @parent: a header's text, or NULL. Takes @content. */
void kernel_publish(struct kernel *kernel, const char *parent, const char *type, json_t *content);
/** Answer the request at hand of the shell channel, and be done with it. Takes @content. */
void kernel_answer(struct kernel *kernel, const char *type, json_t *content);
/** Ask the client for input, on behalf of the request at hand. */
void kernel_ask(struct kernel *kernel, const char *prompt, bool password);
/** A cell failed: those that the client has sent already are not run. */
void kernel_abort_queue(struct kernel *kernel);

/* desk.c */
/** Have a lab, if there is none yet or none any more. It is built at once, its first prompt comes later: see desk_settled. */
void desk_need(struct desk *desk);
/** Another lab, with the lesson at @path (NULL: none) in it at step @step. Not from a session's events. Returns 0, or -1: the old one is as it was when the lesson cannot be read, else dead. */
int desk_open(struct kernel *kernel, const char *path, unsigned step, struct err *err);
/** Nothing is being built or set up: either it can be typed into, or it is dead. */
bool desk_settled(const struct desk *desk);
void desk_close(struct desk *desk);

/* console.c */
void console_output(struct terminal *terminal, const char *bytes, size_t len, void *data); /* of the session */
void console_typing(struct console *console); /* a line is going to be sent */
/** @text is going to be echoed by the tty, with a newline. */
void console_expect_echo(struct console *console, const char *text);
void console_reset(struct console *console);

/* cell.c */
void cell_execute(struct kernel *kernel); /* the handler of execute_request */
void cell_event(struct kernel *kernel, const struct session_event *event);
void cell_advance(struct kernel *kernel); /* go on, if anything can: from the loop, not from within the session */
void cell_interrupt(struct kernel *kernel);
void cell_incomplete(struct kernel *kernel); /* all of it was typed, and its shell waits for more */
/** The cell ends here, as having failed. @advice: Markdown, or NULL. */
void cell_fail(struct kernel *kernel, const char *name, const char *advice, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void cell_reset(struct kernel *kernel);
/** Put @text into the client's next cell. */
void cell_offer(struct kernel *kernel, const char *text);
/** Say @markdown to the client, as that and as plain text. */
void cell_say(struct kernel *kernel, const char *markdown);

/* input.c */
/** A program is in the terminal's foreground and reads: ask the client, or see that it is a shell at its prompt. */
void input_look(struct kernel *kernel);
void input_replied(struct kernel *kernel, const char *value);

/* guide.c */
void guide_step(struct kernel *kernel); /* show the step in play, and offer its first cell */
void guide_answered(struct kernel *kernel,
                    const struct block *question); /* rightly: show the words that were withheld while it was open */
void guide_after(struct kernel *kernel, const struct block *done); /* the block was run: offer the next cell */
/** The block of the lesson that is @text, as it stands there, and is for @terminal; NULL. Of the step in play first. */
const struct block *guide_block(const struct desk *desk, const char *text, unsigned terminal);
/** The step of the lesson that has @block. */
unsigned guide_step_of(const struct desk *desk, const struct block *block);

/* ask.c, history.c: handlers */
void ask_kernel_info(struct kernel *kernel);
json_t *kernel_info(const struct kernel *kernel);
void ask_complete(struct kernel *kernel);
void ask_inspect(struct kernel *kernel);
/** A line's words as `teachroot explain` prints them, malloc'ed; NULL if nothing is known. */
char *ask_explained(const char *line);
void ask_is_complete(struct kernel *kernel);
void ask_history(struct kernel *kernel);
void history_add(struct history *history, unsigned line, const char *code);
void history_free(struct history *history);

#endif
