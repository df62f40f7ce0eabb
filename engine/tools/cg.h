/** What the tools for control groups share: which group a word means, doing or explaining a step, and saying what was translated. */
#ifndef ENGINE_TOOLS_CG_H
#define ENGINE_TOOLS_CG_H

#include "engine/limit/group.h"
#include "engine/limit/translate.h"
#include "engine/tools/cg_options.h"

/* Exit statuses of cgroup-tools 2.0.2. */
enum {
    CG_NO_GROUP = 82,
    CG_NO_CONTROLLER = 84,
    CG_WRONG_NAME = 91,
    CG_FAILED_LIST = 93,
    CG_NO_FILE = 95,
    CG_REFUSED = 96
};

struct cg {
    const struct tool_options *table;
    struct tool_explanation *explain; /* NULL: do it; else only say it */
    struct tool_explanation explanation;
    struct cgroups all;
    char said[4096]; /* names whose translation has been told, a line each */
    int status;      /* of the first thing that failed; 0 */
};

/** Begin: what is mounted. Returns 0, or the exit status with the message printed. */
int cg_begin(struct cg *cg, const struct tool_options *table);
/** The option was --explain. */
void cg_explain(struct cg *cg);
/** "TOOL: message" on stderr; @status is kept if it is the first. Returns @status. */
int cg_failed(struct cg *cg, int status, const struct err *err);

/* One group in one hierarchy, for all of the controllers asked for that are in it. */
struct cg_target {
    const struct cgroup_hierarchy *hierarchy;
    char path[1024];
    const char *given;           /* the path as written */
    const char *controllers[24]; /* those to enable on v2, by v2's names */
    size_t count;
};
#define CG_TARGETS 64
struct cg_targets {
    struct cg_target list[CG_TARGETS];
    size_t count;
};

/* The groups of a line as they are written, by -g or as operands. */
struct cg_words {
    const char *list[64];
    size_t count;
};
/** One more. Returns 0, or the exit status after saying that there are too many. */
int cg_take_word(const struct cg *cg, struct cg_words *words, const char *word);
/** The operands. */
int cg_take_operands(const struct cg *cg, struct cg_words *words, int argc, char **argv);

/** The hierarchies of "cpu,memory:/sandbox" ("*" for all), added to @to. A controller that v2 has not is said, and left out if there are others. Returns 0, or -1 with @err: EINVAL not
 * of this form, ENODEV no hierarchy has such a controller. */
int cg_targets(struct cg *cg, struct cg_targets *to, const char *word, struct err *err);

/** The hierarchy of a file's name, "cpu.shares": by what stands before the dot. NULL: EINVAL no dot, ENODEV no such controller. */
const struct cgroup_hierarchy *cg_hierarchy_of(struct cg *cg, const char *name, struct err *err);

/** Say on stderr, the first time for @name, how a name was translated. */
void cg_say(struct cg *cg, const char *name, const struct cgroup_done *done);

/** Move @pid (0: the caller) into the target's group, or explain it. */
int cg_enter(struct cg *cg, const struct cg_target *target, pid_t pid, struct err *err);

/** "PATH/FILE" as explained calls write it. */
const char *cg_full(const struct cgroup_hierarchy *hierarchy, const char *path, const char *file, char *buf,
                    size_t size);

int cgcreate_main(int argc, char **argv);
int cgclassify_main(int argc, char **argv);
int cgexec_main(int argc, char **argv);
int cgset_main(int argc, char **argv);
int cgget_main(int argc, char **argv);
int cgdelete_main(int argc, char **argv);
int lscgroup_main(int argc, char **argv);

#endif
