/** What the files of this room share about a session. Nothing outside it includes this. */
#ifndef REPL_SESSION_SESSION_INTERNAL_H
#define REPL_SESSION_SESSION_INTERNAL_H

#include "engine/observe/mounts.h"
#include "repl/session/activity.h"
#include "repl/session/capture.h"
#include "repl/session/job.h"
#include "repl/session/session.h"
#include "repl/session/state.h"

#define SESSION_TERMINALS 9
#define CHECK_TIMEOUT_MS 10000
#define SETUP_TIMEOUT_MS 300000 /* a setup may have to fetch something the first time */
#define SAID_LIMIT 4096
#define EVIDENCE_TYPED 64

/* A command that was accepted and has not ended, by the shell it runs in. */
struct open_command {
    char shell[32];
    char *text;
    unsigned step;        /* that was current when it was typed */
    bool prompted;        /* a shell that it started has shown its prompt */
    uint64_t entry;       /* in the journal; 0: not there */
    uint64_t output_line; /* where its output began, see printed_line */
    unsigned number;      /* of the terminal, see session_commands */
};

struct session_terminal {
    struct session *session;
    unsigned number;
    struct terminal *terminal; /* NULL: not open */
    struct loop_source *readable, *ended, *close_due;
    pid_t shell;
    int shell_pidfd;
    uint64_t opened, last_output; /* ms */
    bool ready;                   /* its first prompt has come */
    bool at_prompt;               /* some marked shell is at its prompt */
    bool accepted;                /* a line was accepted since the last prompt */
    bool unmarked;                /* a program without marks waits for input: the next command is typed into it */
    char prompt_shell[32];        /* who is at its prompt */
    char *sent;                   /* typed by us since the last prompt and not accepted yet */
    uint64_t prompt_line;         /* where the line began, see printed_line */
    unsigned prompt_col;
    uint64_t output_line; /* where the output of the accepted command began */
    struct open_command commands[8];
    unsigned command_count;
    unsigned early_ends; /* how often in a row its shell ended at once */
    bool lens_lost;      /* its strace ended before its shell */
    struct capture capture;
};

struct step_state {
    enum step_status status;
    char *skip_reason;
    bool passed;       /* since it became the current one */
    bool touched;      /* since then something was typed to a shell or answered */
    bool command_done; /* one of its commands ran and ended as it should */
    bool block_failed; /* headless: one of its blocks did not do what it should */
    bool *answered;    /* for each block: a quiz answered rightly */
    unsigned hint;     /* how far the lesson's hints have been told */
    bool hinted;       /* what the check found has been told */
};

/* The check of a step: at most one runs at a time. */
struct check {
    struct job *job;
    unsigned step;
    session_check_fn *done; /* of the run under way; NULL when nobody asked */
    void *data;
    session_check_fn *asked_done; /* of the one asked for by hand and not begun yet */
    void *asked_data;
    unsigned asked_step;
    struct loop_source *asked, *soon, *timer;
    bool again;  /* something happened while one ran */
    bool loud;   /* tell the outcome even if it is what it was */
    bool active; /* a terminal printed something since the last run */
    struct activity activity;
    uint64_t seen;  /* of the lab's activity, at the last look */
    bool settled;   /* … which was not the one right after a check */
    uint64_t ended; /* ms */
    char *said;     /* by the last run for the current step; NULL: has not run */
    bool met;       /* that run passed */
};

enum player_phase {
    PLAYER_IDLE,
    PLAYER_WAITING,     /* for the step's setup, or for a prompt to type at */
    PLAYER_TYPING,      /* the typist was told a line */
    PLAYER_TYPED,       /* a command runs */
    PLAYER_KEYS,        /* … and its keys script is played into it */
    PLAYER_INTERRUPTED, /* its time was up: Ctrl-C was sent */
    PLAYER_KILLED,      /* … and did not help */
    PLAYER_JOB,         /* a script or file block's process runs */
};

/* Letters that come one after the other. */
struct typing {
    uint64_t began, last; /* ms */
};

/* A block being played. */
struct player {
    enum player_phase phase;
    const struct block *block;
    session_block_fn *done;
    void *data;
    unsigned terminal;
    char **commands; /* NULL-terminated */
    size_t at;
    char *line;          /* of the command at hand, which the typist was told; its newline is a NUL */
    char *rest;          /* … what comes after that; NULL: nothing */
    char *typed;         /* holds both */
    char shell[32];      /* who was at the prompt when the command was typed; "" a program without marks */
    char prompt[256];    /* what stood on its line then */
    bool ended, nested;  /* the command's end was marked; another shell is at its prompt instead */
    bool interrupted;    /* what ran in the terminal before the block */
    int status;          /* of the command that ended */
    size_t lines;        /* typed */
    uint64_t first_line; /* where the cursor was when it was typed, see printed_line */
    size_t key;          /* next of the keys script */
    size_t key_part;     /* bytes of its text that are typed already */
    uint64_t key_time;   /* ms: when the last one was typed */
    uint64_t looked;     /* ms: when the foreground was last looked at */
    struct loop_source *tick, *deadline, *over;
    struct job *job;
    struct text output;         /* of the whole block */
    struct command_result *ran; /* for each of commands */
    bool failed;                /* a command before the last one */
    struct block_result result;
    char skipped[512];
};

/* What this machine said of a feature that a lesson requires. */
struct feature_answer {
    char name[64];
    bool missing;
    char reason[448];
};

/* The mount tables when the current step began, of each mount namespace that a terminal was in. */
struct mount_base {
    uint64_t inode;
    char root[4096]; /* the root directory the table was read from */
    struct observe_mounts table;
};

/* The image that is shown, and what is known of others. */
#define LOOKS_KEPT 8
struct state_looks {
    struct job *job;          /* of a look under way; NULL: none */
    struct state_image asked; /* by that, without its look */
    struct state_image shown;
    int64_t blobs;                       /* when one came into the store or went out of it, at the last look: ns */
    bool fresh;                          /* it came after the state was last read */
    struct image_look *kept[LOOKS_KEPT]; /* by manifest: what has the digest it had then has the files it had then */
    size_t next;                         /* the one that makes room */
};

/* What the reading of the state keeps between one look and the next. */
struct state_keeper {
    struct mount_base bases[SESSION_TERMINALS + 1];
    size_t base_count;
    struct activity activity;
    bool activity_open, known; /* known: seen holds the activity at the last read */
    uint64_t seen;
    uint64_t read_at; /* ms */
    uint64_t cost;    /* of the last read, in us */
    struct state_looks looks;
};

struct replay {
    bool on;
    unsigned target, step; /* the step being replayed */
    size_t block;
    unsigned deaths;           /* of the lab, in a row, while replaying */
    char left_out[400];        /* what need not be done again, named for the learner */
    unsigned left_out_unnamed; /* and what there was no room for */
};

/* The lens of a terminal. It outlives the terminal's shells, and ends with the lab. */
struct session_lens {
    struct lens *lens; /* NULL: there was none yet */
    bool off, failed;  /* by the learner; or it could not be started */
    unsigned commands; /* accepted in the terminal, with or without a lens */
    uint64_t step;     /* number of the first call that may be of the current step */
};

struct session {
    struct session_options options;
    char nonce[17];
    char **environment; /* of the terminals' shells */
    struct lab *lab;
    struct bootstrap_service *bootstrap; /* makes root filesystems for the lab; NULL where it cannot */
    struct loop_source *lab_watch, *start_timer, *rebuild;
    unsigned rebuild_step;
    unsigned pace; /* ms a key of a keys script; 0: no pace */
    struct jobs jobs;
    struct job *setup; /* a setup or teardown under way */
    const char *setup_what;
    void (*setup_done)(struct session *session);
    bool lab_ready; /* the shell is at its prompt and the lesson's setup is done */
    bool lesson_set_up;
    struct session_terminal terminals[SESSION_TERMINALS + 1]; /* [0] is not used */
    struct session_lens lenses[SESSION_TERMINALS + 1];
    struct lens_feed *feeds; /* what comes from straces, those of closed terminals too */
    unsigned active;
    char *lacks; /* see session_lacks */
    struct feature_answer *features;
    size_t feature_count;
    struct step_state *steps; /* step_count of them; [0] is step 1 */
    unsigned current;
    bool finished_told;
    bool record_failed; /* it was said that the journal cannot be written */
    int last_status;
    char *last_command;
    bool *done; /* of the current step's commands up to the last one that was typed: which were; see solution.c */
    size_t after_typed;
    struct session_evidence evidence;
    char *evidence_line, *evidence_output;
    char *typed[EVIDENCE_TYPED]; /* what was typed since the step began, the first of it */
    unsigned typed_count;
    struct check check;
    struct typing typing;
    struct player player;
    struct replay replay;
    struct state_keeper keeper;
    struct text said; /* what the last teaching command returned */
};

/* session.c */
void session_tell(struct session *session, const struct session_event *event);
void session_message(struct session *session, bool failed, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** The steps begin once terminal 1 is at its prompt and the lesson's setup is done: called when either happens. */
void session_lab_ready(struct session *session);
/** Run a hidden script (setup, teardown; @what names it in messages) in the lab, then @done; a NULL script calls it at once. A failure is told by a message. */
void session_run_setup(struct session *session, const char *what, const char *script,
                       void (*done)(struct session *session));
/** End the lab and all that runs in it. */
void session_end_lab(struct session *session);
bool session_lab_alive(const struct session *session);
/** What an error of the lab means to the learner: without its bash it is broken; else the error's own words. */
const char *lab_words(const struct session *session, const struct err *err);
bool lab_is_broken(const char *words); /* are they those of a broken lab? */
const struct step *session_step(const struct session *session, unsigned step);

/* solution.c */
void solution_typed(struct session *session, unsigned terminal, const char *text); /* a command was accepted there */
void solution_begin(struct session *session);                                      /* of a step nothing was typed */

/* terminals.c */
/** Blanks around what was typed are not part of the command. malloc'ed. */
char *trimmed_command(const char *text);
void terminals_end(struct session *session);
int terminal_command(struct session_terminal *at, const char *command, struct err *err); /* types its lines */
void terminal_command_begins(struct session_terminal *at, const char *command); /* its lines are typed one by one: */
int terminal_line(struct session_terminal *at, const char *line, struct err *err);
/** Take a terminal whose program cannot be ended away from it, and open a new one. */
void terminal_restart(struct session_terminal *at);

/* printed.c */
/** The number that the line in row @row of the screen has for good, whatever scrolls off. */
uint64_t printed_line(const struct session_terminal *at, unsigned row);
uint64_t printed_cursor_line(const struct session_terminal *at);
/** Where that line is now, as terminal_get numbers rows; not further back than is kept. */
int printed_row(const struct session_terminal *at, uint64_t line);
/** The command as it stands on the screen, from the prompt to the cursor: for lines that were typed key by key. malloc'ed. */
char *printed_command(const struct session_terminal *at);
/** The first of its rows, when the cursor is further on than the command. malloc'ed. */
char *printed_typed_line(const struct session_terminal *at);
/** What stands there from @line to the cursor, its row too if anything is on it but a prompt (@prompted). malloc'ed. */
char *printed_since(const struct session_terminal *at, uint64_t line, bool prompted);
/** The last @lines of @text, less where they are more than @size bytes. */
const char *printed_last(const char *text, unsigned lines, size_t size);

/* evidence.c */
/** A command that was typed to @at ended, or @status is SESSION_UNFINISHED. Its text and @output are the session's from here on. */
void evidence_take(struct session_terminal *at, struct open_command command, int status, char *output);
void evidence_forget(struct session *session);
/** A line was accepted. */
void evidence_typed(struct session *session, const char *line);
/** A step begins: nothing of it was typed. */
void evidence_step_began(struct session *session);
/** Its strace is gone: its shell can only fail now, so it gets a new one; if the shell has ended too, that is why. */
void terminal_lost_lens(struct session_terminal *at);
/** End the terminal's shell, which is at its prompt, and start another one in the directory it was in, @with the lens or without. */
void terminal_renew(struct session_terminal *at, bool with);

/* lens_start.c */
#define LENS_PRIORITY                                                                                                  \
    3 /* in the loop: what terminals say comes first, and so does the news of a command before its calls */
/** lab_spawn of a terminal's shell, under strace if the terminal is to have a lens. */
pid_t lens_spawn(struct session_terminal *at, struct lab_command *command, int *pidfd, struct err *err);
/** What the terminal tells of itself. A command's calls are there when its end is told. */
void lens_prompt_came(const struct session_terminal *at);
unsigned lens_command_accepted(struct session_terminal *at); /* returns its number */
void lens_command_ended(const struct session_terminal *at);
void lens_terminal_closed(const struct session_terminal *at);
/** Wait for the end of the shell with @pidfd, at most @ms, reading what its strace says meanwhile: nothing traced can end before it has been said. */
void lens_wait(const struct session_terminal *at, int pidfd, int ms);
/** Read what strace has said of @terminal so far. Its end is for the loop to find. */
void lens_catch_up(const struct session *session, unsigned terminal);
/** A step begins: its calls are those from now on, and some are expected. */
void lenses_step_began(struct session *session);
/** Forget all of it: the lab, which ends the straces, is gone. */
void lenses_end(struct session *session);

/* lens_tell.c */
/** What the check of @step asks of the lens, as strings of its environment, each malloc'ed. Returns how many: 0 if it asks nothing. */
size_t lens_environment(const struct session *session, unsigned step, char *strings[2]);

/* steps.c */
int steps_init(struct session *session, struct err *err);
void steps_free(struct session *session);
void step_begin(struct session *session, unsigned step); /* its setup, then it is in play */
void step_touched(struct session *session);              /* the learner did something in it */
void step_command_ended(struct session *session, const char *command, int status, bool nested);
bool step_is_answered(const struct session *session, unsigned step);   /* all its quizzes */
void step_answered(struct session *session, const struct block *quiz); /* rightly */
/** Pass the current step if everything it asks for is there; @checked: its check has just passed. */
void step_consider(struct session *session, bool checked);
/** The first of the space-separated feature @names this machine lacks, told in @reason. False if it has them all. */
bool feature_missing(struct session *session, const char *names, char *reason, size_t size);
const char *progress_name(const struct session *session); /* progress knows a lesson by its file's name */
void steps_resume(struct session *session);               /* what progress remembers */
unsigned steps_first_open(const struct session *session); /* where it left off; beyond the last when all has passed */
/** @step becomes the one to play; those before it that have not passed are skipped by this jump. */
void steps_jump(struct session *session, unsigned step);

/* checks.c */
/** Something happened: check soon. @loud: tell the outcome even if nothing changed. */
void check_soon(struct session *session, bool loud);
void check_begin(struct session *session); /* a step came into play */
/** Should a look at the lab wait for a pause in the typing? @since: when it was last done (ms), for it does not wait for ever. */
bool typing_holds(const struct session *session, uint64_t since);
void check_end(struct session *session); /* cancel, and forget what was said */
/** The environment of the session's own scripts: NULL-terminated, each string malloc'ed. Out of memory, what is missing is missing. */
char **script_environment(const struct session *session, unsigned step);
void environment_free(char ***env);
#define cleanup_environment __attribute__((cleanup(environment_free)))

/* blocks.c: what the player is told */
void player_prompt(struct session_terminal *at);
void player_done(struct session_terminal *at, const char *shell, int status);
void player_output(struct session_terminal *at);
void player_closing(struct session_terminal *at); /* the terminal is still there */
void player_closed(struct session_terminal *at, int wait_status);
void player_end(struct session *session);

/* typing.c */
/** Have the command at hand typed: by the typist line by line, or at once. */
void typing_begin(struct session *session);

/* blocks.c, for typing.c */
/** What is on the screen now is what the output is told from; then the command runs. */
void player_prepare(struct session *session);
void player_typed(struct session *session); /* all of it is in the tty */
void player_wait(struct session *session);  /* for a prompt, and begin with the command at hand anew */
void player_fail(struct session *session, const struct err *err);

/* keys.c */
/** Play on @player's keys script. Returns true when it has been played to its end. */
bool keys_advance(struct player *player, struct session_terminal *at);
/** What stands on the screen since the command was typed, its own echo excluded. malloc'ed. */
char *screen_since_typed(const struct player *player, const struct session_terminal *at);

/* state.c */
/** The foreground process of a terminal as the lab numbers it; -1 if it has none. */
pid_t session_foreground_inside(const struct session *session, unsigned number);
/** The foreground process of a terminal, or its shell where nobody else can be told; -1 if neither is there. */
pid_t state_process(const struct session_terminal *at, struct observe_process *process);

/* state_mounts.c */
/** The current step begins: what is mounted now is what later tables are compared with. */
void state_step_began(struct session *session);
/** Forget what the reading of the state keeps: the lab is gone. */
void state_forget(struct session *session);
/** @root: of the shown process, as observe_root says. */
void state_read_mounts(struct session *session, const char *root, struct session_state *state);
/** The newest overlay in @table whose layers can be found; @list, of @count, is what came into the table since the step began. */
void state_read_layers(const struct session *session, const struct observe_mounts *table,
                       const struct mount_difference *list, ssize_t count, struct session_state *state);

/* state_image.c */
/** The image in question, as far as it has been looked at; a look at another one is begun beside. @root: an fd of the lab's root directory. */
void state_read_image(struct session *session, int root, struct session_state *state);
/** End a look that is under way, and forget all. */
void state_forget_images(struct session *session);

/* waiting.c */
/** Does a process in the terminal's foreground wait for input from it? */
bool foreground_reads(const struct session_terminal *at);

/* record.c: what the learner does goes into the journal */
void record_accepted(struct session_terminal *at, struct open_command *command);
/** The command has started a shell, which is at its prompt for the first time. */
void record_nested(struct session_terminal *at, const struct open_command *command);
/** @output: what it printed; NULL for one that has started such a shell. */
void record_ended(struct session_terminal *at, const struct open_command *command, int status, const char *output);
void record_answer(struct session *session, const struct quiz *quiz, const unsigned *choices, size_t count,
                   const char *typed, bool right);
void record_passed(struct session *session);

/* replay.c */
void replay_start(struct session *session, unsigned target);
void replay_end(struct session *session);

#endif
