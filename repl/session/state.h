/** The kernel's state beside the step: read anew each time from the processes of the active terminal, never from what was typed.
 *
 * It is about one process, the one that has the active terminal (`shown` below), compared with the lab it is in and, for its mount table, with the moment the step began.
 */
#ifndef REPL_SESSION_STATE_H
#define REPL_SESSION_STATE_H

#include "engine/image/look.h"
#include "engine/observe/layers.h"
#include "engine/observe/links.h"
#include "engine/observe/members.h"
#include "engine/observe/mounts.h"
#include "engine/observe/observe.h"

struct session;

enum state_section { /* what a step's `watch` lines can name, in the order they are shown */
                     STATE_CLOSURE,
                     STATE_NAMESPACES,
                     STATE_IDS,
                     STATE_MOUNTS,
                     STATE_LAYERS,
                     STATE_PROCESSES,
                     STATE_LINKS,
                     STATE_SECTIONS,
};

#define STATE_MEMBERS 48
#define STATE_MOUNTS_MAX 24
#define STATE_TABLE 64
#define STATE_LINKS_MAX 12
#define STATE_RANGES 6
#define STATE_LAYER_NAMES LOOK_ENTRIES

struct state_range { /* of ids: the process's own, what they are in the lab, and on the machine */
    uint32_t inside, lab, outside, count;
    bool in_lab; /* false: lab means nothing */
};
struct state_ids {
    struct state_range list[STATE_RANGES];
    size_t count, total; /* total: how many there are */
};

struct state_mount { /* a struct mount_difference, cut to what is shown */
    enum mount_change change;
    char point[128], was[128]; /* was: where it was before it moved, or the options before they changed */
    char type[24];
    char from[128]; /* what is mounted: the source, or the directory of a file system that was there before */
    bool bind;      /* from is such a directory */
    char now[96];   /* changed: the options, or the propagation */
    unsigned below; /* mounts on it that went with it */
};

struct state_mounted { /* one of the mounts there are now */
    char point[112], type[24];
    char from[112]; /* the directory of its file system that it shows; "/" all of it */
    char mark;      /* '+' came, '>' moved, '~' changed since the step began; ' ' was there */
};

struct state_layers {            /* of the newest overlay the process sees */
    char point[128];             /* where it is mounted; "": there is none */
    bool came;                   /* since the step began */
    bool upper;                  /* layer 0 is written to */
    size_t count;                /* layers, the uppermost first; name and entries have LAYERS_SHOWN of them at most */
    char name[LAYERS_SHOWN][96]; /* of their directories, the last part */
    struct layer_entry entries[STATE_LAYER_NAMES];
    size_t entry_count;
    bool more;       /* there are more */
    int64_t changed; /* when it was mounted or last changed, in ns; 0: not known */
};

/* The image in question, by one rule: that which the newest of three things is about. */
enum state_image_kind {
    STATE_IMAGE_NONE,
    STATE_IMAGE_NAMED,     /* the names of the lab's store changed: the image that was named last */
    STATE_IMAGE_CONTAINER, /* a container was made: its image */
    STATE_IMAGE_LAYOUT, /* an image layout in the shell's directory, or in one of those in it, changed: the image it names last */
};
struct state_image {
    enum state_image_kind kind; /* STATE_IMAGE_NONE: no image was looked at yet */
    char where[128];            /* the layout's directory, or the store's */
    int64_t changed;            /* ns */
    struct image_look look;
};

struct session_state {
    pid_t process; /* foreground process of the active terminal: host pid, and as the lab sees it */
    pid_t inside;
    pid_t number[MEMBER_NUMBERS]; /* its pid in the lab's pid namespace (inside), then in each nested one */
    unsigned numbers;
    char command[64];
    unsigned terminal;             /* the active one */
    bool differs[NAMESPACE_KINDS]; /* its namespace is not the lab's */
    uint64_t inode[NAMESPACE_KINDS],
        lab_inode[NAMESPACE_KINDS]; /* 0: the kernel lacks it; 0 and lab_inode not: it may not be read */
    bool children_apart;            /* its children are born in another pid namespace: unshare --pid without --fork */
    char root[256];                 /* its root directory as the lab sees it: "/" or "/my-new-root" */
    bool rooted;                    /* it is not the lab's root */
    char waits_for[512];            /* what the current check said last; "" if it passed or has not run */
    struct state_missing {          /* the step's `watch` lines: `closure ROOT PROGRAM…` */
        char root[128], program[64];
        bool there; /* the program itself is in ROOT */
        unsigned needed, present;
        char missing[8][96]; /* names of files not there yet, "" ends */
    } closures[4];
    unsigned closure_count;
    bool watched[STATE_SECTIONS]; /* named by the step's `watch` */

    bool ids_known, same_ids; /* same_ids: groups are mapped as users are */
    struct state_ids uid, gid;

    struct observe_member members[STATE_MEMBERS]; /* of the lab, parents before their children */
    size_t member_count, member_total;

    bool mounts_known;  /* there is a table from when the step began to compare with, and one of now */
    size_t mount_total; /* mounts the process sees */
    struct state_mount mounts[STATE_MOUNTS_MAX];
    size_t mount_count, mounts_changed; /* stored, and how many there are */
    struct state_mounted table[STATE_TABLE];
    size_t table_count; /* of mount_total */

    struct state_layers layers;
    struct state_image image; /* shown in place of the layers where it changed later */

    struct observe_link links[STATE_LINKS_MAX]; /* of its network namespace; negative count: could not be read */
    ssize_t link_count;
    bool links_partly; /* only their names could be read */
};

/** Read it. Never fails: what cannot be read is left empty. Takes well under 5 ms in a lab of a few dozen processes: an
 * image, which may take longer, is read by another process, and shown at a later read (session_state_stale says when). */
void session_state_read(struct session *session, struct session_state *state);

/** The same, of the process alone: who it is and its namespaces. Reads two dozen files of /proc, and neither mounts nor links. */
void session_state_process(struct session *session, struct session_state *state);

/** The same of another terminal than the active one, by its number. */
void session_state_read_of(struct session *session, unsigned terminal, struct session_state *state);

/** Wait until what is looked at beside the screen is there to be read, a few seconds at most: for who has no screen. */
void session_state_settle(struct session *session);

/** Is it time to read it again: has anything run in the lab since it was last read? Costs a read of one file, so it can be asked ten times a second; says no for a
 * while after a read that took long, and while keys come one after the other (session_typed), 2 s at most. Where that cannot be known: once a second. */
bool session_state_stale(struct session *session);

/** The names of sections in `watch`: "closure", "namespaces" …. */
extern const char *const state_section_names[STATE_SECTIONS];

#endif
