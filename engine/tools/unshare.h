/** What the files of the unshare tool share: what was asked for, and the steps it is done in. */
#ifndef ENGINE_TOOLS_UNSHARE_H
#define ENGINE_TOOLS_UNSHARE_H

#include "engine/isolate/enter.h"
#include "engine/isolate/userns.h"
#include "engine/observe/observe.h"
#include "engine/tools/program.h"
#include "engine/tools/unshare_options.h"

/* A process that waits outside the new namespaces until it is told to do its part; fork(2) shares the rest of the request with it. */
struct unshare_helper {
    pid_t pid;
    int go; /* our end of a socket: a byte is the word to go on, to close it is the end of the helper */
};

struct unshare_request {
    int namespaces;
    const char *files[NAMESPACE_KINDS]; /* where each is bound to live on; NULL: nowhere */
    int because[NAMESPACE_KINDS];       /* the option that brought each */
    bool fork;
    int fork_because;
    int kill_child; /* a signal, or 0 */

    /* One id each, and a range each (count 0: none); and the option that brought it. */
    bool map_user, map_group;
    uint32_t user, group;
    struct id_map users, groups;
    int user_because, group_because, users_because, groups_because;
    enum { SETGROUPS_AS_IS, SETGROUPS_ALLOW, SETGROUPS_DENY } setgroups;

    unsigned long propagation; /* 0: unchanged */
    bool propagation_asked;
    const char *mount_proc, *root, *wd;
    bool setuid, setgid, keep_caps, monotonic_set, boottime_set;
    uint32_t uid, gid;
    int64_t monotonic, boottime;
    char **argv;

    /* Filled while it is done. */
    pid_t self; /* the process that unshares */
    uid_t euid; /* before it did */
    gid_t egid;
    struct unshare_helper mapper, binder;
};

extern const struct tool_step unshare_steps[];
extern const size_t unshare_step_count;

/** What the failure @err of a step means here and what to do, as a sentence, or NULL. */
const char *unshare_advice(const struct unshare_request *request, const struct err *err);

#endif
