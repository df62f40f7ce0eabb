/** Whose processes the panel shows: the machine, a lab, a container (a pid namespace), a cgroup; by name, and what each means to the samplers. */
#ifndef REPL_PANEL_SCOPE_H
#define REPL_PANEL_SCOPE_H

#include "engine/base/err.h"
#include "engine/observe/sample.h"

enum scope_kind { SCOPE_HOST, SCOPE_LAB, SCOPE_CONTAINER, SCOPE_CGROUP };

struct scope {
    enum scope_kind kind;
    char name[1100];            /* "host", "lab lab1", "container 4711", "cgroup /x": what the title says */
    struct sample_scope sample; /* for the sampler */
    char group[1024];           /* the cgroup that bounds it; "" the whole tree */
    pid_t init;                 /* whose namespaces count as its own; 0: the caller's */
    uint32_t id_base, id_count; /* host ids that are its 0…; count 0: the machine's own */
};

/** Find what @text names: "host", "lab" (the only one that runs), "lab:NAME", "container:PID", "cgroup:PATH". Returns 0, or -1: EINVAL it is none of these; ESRCH there is no
 * such lab, process or cgroup. */
int scope_parse(const char *text, struct scope *scope, struct err *err);

int scope_lab(const char *name, struct scope *scope, struct err *err); /* NULL: the only one */
int scope_container(pid_t init, struct scope *scope, struct err *err);
int scope_cgroup(const char *path, struct scope *scope, struct err *err);
void scope_host(struct scope *scope);

#endif
