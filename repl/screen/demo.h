/** The demo: a lesson on the projector, played by a presenter one key an action.
 *
 * A step's actions are its commands one by one, its questions (asked, then answered with the reasons) and its files; after them comes the next step. A command is typed into the prompt
 * as by hand and then runs, really: what it prints is what it prints. Nothing of a command is in the terminal before the last letter of its line, so that the presenter can leave it at any
 * letter, to type by hand or to go elsewhere. Nothing is remembered of a demo: neither progress nor history.
 *
 * Everything here acts on the screen whose `demo` it is; the functions that draw draw what only a demo has.
 */
#ifndef REPL_SCREEN_DEMO_H
#define REPL_SCREEN_DEMO_H

#include "repl/screen/input.h"
#include "repl/screen/layout.h"
#include "repl/screen/screen.h"
#include "repl/session/session.h"

struct screen;
struct flow;

enum demo_stage {
    DEMO_BUILDING, /* the lab is being built, or steps are done again */
    DEMO_READY,    /* the next action is to be begun, or after the last one the next step */
    DEMO_TOLD,     /* a command is to be typed */
    DEMO_TYPING,
    DEMO_RUNNING,  /* what was typed runs, or its terminal is not at a prompt yet */
    DEMO_QUESTION, /* it is asked */
    DEMO_ANSWER,   /* … and answered */
    DEMO_CHECKING, /* whether the step passed, before the next one */
    DEMO_FINISHED,
};

struct demo {
    enum demo_stage stage;
    enum demo_mode mode;
    unsigned speed; /* letters a second */
    unsigned step;
    size_t block, command; /* at hand, or next */
    char *line;            /* being typed, or to be typed */
    size_t typed;          /* bytes of it that are there */
    bool go;               /* type the next line without being asked */
    bool elsewhere;        /* the session is on its way to another place: what is still told of this one is too late */
    struct loop_source *typing, *clock;
    uint64_t since;      /* ms: when it began to run */
    bool live;           /* the keys are the terminal's */
    bool blank;          /* the room is to look at the presenter */
    unsigned back;       /* step that the key for back has asked about; 0: none */
    enum spotlight kept; /* before the question had the screen */
    bool pointing;
    unsigned pointer; /* row of the terminal's pane */
    bool keys_shown;
    char keys[96];             /* what was pressed in the terminal, by hand or by a keys script */
    char said[640];            /* quietly */
    int64_t began, step_began; /* of the demo and of the step: seconds since 1970 */
};

/** NULL: no memory. */
struct demo *demo_new(const struct demo_options *options);
void demo_free(struct screen *screen);

/** A key while no page lies over the screen. False: it is for the terminal, by hand. */
bool demo_input(struct screen *screen, const struct input_event *event);
void demo_event(struct screen *screen, const struct session_event *event);
session_typist_fn demo_line; /* @data is the screen */
/** What was under way is no more: the session is about to go elsewhere. */
void demo_stop(struct screen *screen);

/* demo.c, for demo_keys.c */
void demo_next(struct screen *screen);
void demo_letter(struct screen *screen); /* the next letter of the line that is to be typed */
bool demo_letter_due(const struct screen *screen);
void demo_back(struct screen *screen);
void demo_live(struct screen *screen, bool live);
void demo_say(struct screen *screen, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* demo_keys.c */
void demo_put_help(struct flow *flow);
/** Show @name among the pressed keys. */
void demo_show_key(struct screen *screen, const char *name);
void demo_set_mode(struct screen *screen, enum demo_mode mode, unsigned speed);

/* demo_view.c */
void demo_view_lesson(struct screen *screen);
void demo_view_status(struct screen *screen);
void demo_view_pointer(struct screen *screen); /* over the terminal just drawn */
/** What lies over the grid at the cursor while a command is typed in a shell that is not the lab's own; NULL: nothing. */
const char *demo_view_typed(const struct screen *screen);
const struct block *demo_block(const struct screen *screen); /* at hand or next; NULL: none is left in the step */
/** The command at hand or next, NULL if the action is another one. */
const char *demo_command(const struct screen *screen);
/** The next action in words: for the presenter's notes, not for the room. */
void demo_next_words(const struct screen *screen, char *text, size_t size);

#endif
