/** What the files of this room share. Nothing outside it includes this. */
#ifndef ENGINE_LAB_LAB_INTERNAL_H
#define ENGINE_LAB_LAB_INTERNAL_H

#include "engine/isolate/userns.h"
#include "engine/lab/lab.h"
#include "engine/limit/hierarchy.h"

#include <limits.h>

#define LAB_NAME_MAX 32
#define LAB_PHASES 16
#define LAB_MISSING 8
#define LAB_MISSING_SIZE 256
#define LAB_DIRECTORIES "/root /opt /srv /home " LAB_STORE
#define LAB_GROUP "teachroot" /* the cgroup above every lab's */

/* One lab's directory in the registry: DIR/lock is held with flock by its owner for as long as it lives, DIR/record says what must be cleared after it. */
struct lab_record {
    char name[LAB_NAME_MAX + 1];
    char dir[PATH_MAX]; /* the lab's directory in the registry */
    unsigned slot;      /* lowest number no other lab of this registry has: id range and subnet follow from it */
    bool rootless;
    pid_t owner, init;
    uint64_t owner_started;
    uint64_t
        init_started; /* its start time in clock ticks since boot: tells it from a later process of the same number */
    uint64_t started; /* seconds since the epoch */
    char files[PATH_MAX];  /* rootless: the directory on the user's disk that holds what the lab wrote; "" as root */
    char cgroup[PATH_MAX]; /* path below each hierarchy's mount: "teachroot/lab1"; "" if none */
    char net[512];         /* net_lab's own text; "" if none */
};

struct lab {
    struct lab_record record;
    bool attached; /* another process owns it */
    int lock;      /* flock'ed while we own it; -1 if attached */
    int life;      /* write end of init's pipe: closing it ends the lab; -1 if attached */
    int tools;     /* the multi-call program, as it is in the lab; -1 if attached */
    pid_t init;
    int pidfd;
    struct lab_child {
        pid_t pid;
        int pidfd;
    } * children; /* what lab_spawn started and nobody is known to have waited for */
    size_t child_count, child_room;
    pid_t net_child; /* sets the network up beside the first shell; 0 when reaped */
    int net_result;  /* where it says how that went; -1 when heard */
    struct lab_facts facts;
    char missing[LAB_MISSING][LAB_MISSING_SIZE];
    size_t missing_count;
    struct lab_phase phases[LAB_PHASES + 1];
    size_t phase_count;
    uint64_t phase_started; /* µs, CLOCK_MONOTONIC */
    struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES];
    size_t hierarchy_count;
    int procs[CGROUP_HIERARCHIES]; /* each cgroup.procs a process of the lab joins by writing 0; -1 where it cannot */
    struct id_map users[2], groups[2];
    size_t user_maps, group_maps;
};

/* registry.c */
/** Where this user's labs are listed: root's are one registry for the machine, since cgroups and links are. Made if it is not there. */
int registry_directory(char *path, size_t size, struct err *err);
/** Take a free name (or @name) and slot; *lock gets the held lock. Clears a dead lab of that name first. */
int registry_claim(const char *name, bool rootless, struct lab_record *record, int *lock, struct err *err);
bool lab_name_is_good(const char *name);
int registry_write(const struct lab_record *record, struct err *err);
int registry_read(const char *dir, struct lab_record *record, struct err *err);
/** Remove the lab's directory there. The last thing done of a clean-up. */
int registry_drop(const struct lab_record *record, struct err *err);

/** Field 22 of /proc/PID/stat; 0 if there is no such process any more (a zombie is none: who reaps it is not ours to wait for). */
uint64_t process_start_time(pid_t pid);

/* disk.c */
struct lab_disk {
    int file;        /* the image, of no name anywhere */
    pid_t formatter; /* mke2fs at work, 0 when reaped */
};
/** Start mke2fs on a new nameless image whose root belongs to @owner. Returns at once. */
int disk_start(struct lab_disk *disk, uint64_t bytes, uint32_t owner, struct err *err);
/** Wait for mke2fs and attach the image to a free loop device that clears itself. Returns an fd of the device and its path. */
int disk_attach(struct lab_disk *disk, char *device, size_t size, struct err *err);
void disk_abandon(struct lab_disk *disk);

/* groups.c */
/** Make the lab's group in every hierarchy that allows it, set its limits, open its cgroup.procs. What cannot be is added to the facts. */
void groups_make(struct lab *lab, const struct lab_options *options);
/** Open lab->procs of an existing lab, to join it. */
void groups_open(struct lab *lab);
/** Join the calling process to every group. */
int groups_join(const struct lab *lab, struct err *err);
/** v2: move init one level down, where later processes join too, and hand the controllers to the group left empty. */
int groups_leaf(struct lab *lab, struct err *err);
void groups_close(struct lab *lab);
/** Thaw and kill, without waiting. */
void groups_kill(const struct lab_record *record);
int groups_clear(const struct lab_record *record, struct err *err);

/* network.c */
/** Start setting the lab's network up; its end is heard by network_hear, which does not block. */
int network_start(struct lab *lab, struct err *err);
void network_hear(struct lab *lab);
int network_clear(const struct lab_record *record, struct err *err);

/* disk.c: what of the lab's root are directories of its disk, where an overlay's upper may lie. Each is @name on the disk and @place in the root. */
struct lab_directory {
    const char *name, *place;
    mode_t mode;
    bool optional; /* a lab without it is a lab all the same */
};
extern const struct lab_directory lab_directories[];
extern const size_t lab_directory_count;

/* builder.c: runs in a forked child */
struct build {
    struct lab *lab;
    const struct lab_options *options;
    const char *device; /* root: the loop device with the lab's disk */
    int userns;         /* root: made beforehand; rootless: -1 */
    const char *cache;  /* path of the user's cache directory, "": none */
    int tools;          /* fd of the multi-call program */
    int transfer;       /* fd of the program that moves images; -1: it is not there */
    int life, ready;    /* init's ends */
    int report;         /* where the builder tells init's pid, or its error */
    int go;             /* assembled: a byte comes when the maps are written */
    bool assembled; /* the builder is born in the lab's user namespace, and its root is assembled of several overlays */
    bool own_network;
};
struct build_report { /* written in one piece: shorter than PIPE_BUF */
    enum { BUILD_FAILED, BUILD_INIT_STARTED, BUILD_INSIDE_DONE } kind;
    pid_t init;     /* BUILD_INIT_STARTED: its host pid */
    struct err err; /* BUILD_FAILED */
    size_t missing_count;
    char missing[LAB_MISSING][LAB_MISSING_SIZE];
};
void builder_main(const struct build *build) __attribute__((noreturn));
/** What must be hidden of the host's @prefix ("" for all), made in the overlay's upper directory @upper before it is mounted over @host. @trusted: the
 * overlay's marks are trusted.* (root) or user.* (rootless) attributes. */
int conceal(int upper, int host, const char *prefix, uid_t owner, bool trusted, struct err *err);
/** Is @path itself in the list? An assembled root then leaves it empty. */
bool is_concealed(const char *path);

/* root.c, assembled.c: make the lab's root ready at @stage/root and its disk at @stage/disk, and leave @stage the working directory. Run in the builder's private
 * mount namespace. */
int root_whole(const struct build *build, const char *stage, struct err *err);
int root_assembled(const struct build *build, const char *stage, struct err *err);

/* build.c */
/** Build @lab and start its init: as one overlay of all of `/`, or @assembled. On failure what was made stays for clear_lab. */
int lab_build(struct lab *lab, const struct lab_options *options, bool assembled, struct err *err);

/* cache.c */
/** Show the user's cache read-only in the lab's root @root, owners through @userns (-1: as they are), and options->work writable. A cache that cannot be shown is
 * only told of. Returns 0, or -1 if the work directory cannot be shown. */
int cache_show(const struct build *build, int root, struct err *err);

/* programs.c */
/** Our programs in LAB_TOOLS_DIR of the lab's root @root, as copies of its own. */
int programs_place(const struct build *build, int root, struct err *err);

/* inside.c: the rest, by the process that becomes pid 1, with the stage as its working directory */
int inside_enter(const struct build *build, struct err *err);

/* clear.c */
/** Everything a lab leaves outside itself: processes, groups, network, files, and at last its registry directory. */
int clear_lab(const struct lab_record *record, struct err *err);
/** Names and host ids a rootless lab's files have: the map they must be removed under. */
int lab_id_maps(struct lab *lab, bool assembled, struct err *err);
/** Give the user namespace of @pid that map. */
int lab_write_maps(const struct lab *lab, pid_t pid, struct err *err);

/* spawn.c */
/** An O_PATH fd of the lab's root directory. */
int lab_root_fd(const struct lab *lab, struct err *err);

/** Wait for every child there still is: init cannot end before them, since their parent, we, is outside its pid namespace. */
void spawn_reap(struct lab *lab);

/* lab.c */
/** Add a sentence on what the lab does without. Cut at LAB_MISSING_SIZE; more than LAB_MISSING are dropped. */
void lab_missing(struct lab *lab, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lab_phase_end(struct lab *lab, const char *name);
void lab_reap(pid_t pid);

#endif
