/** What lsns was asked and what it has read: between its options (lsns.c) and its lines (lsns_show.c). */
#ifndef ENGINE_TOOLS_LSNS_H
#define ENGINE_TOOLS_LSNS_H

#include "engine/observe/mounts.h"
#include "engine/observe/system.h"
#include "engine/tools/table.h"

enum lsns_column {
    LSNS_NS,
    LSNS_TYPE,
    LSNS_PATH,
    LSNS_NPROCS,
    LSNS_PID,
    LSNS_PPID,
    LSNS_COMMAND,
    LSNS_UID,
    LSNS_USER,
    LSNS_NETNSID,
    LSNS_NSFS,
    LSNS_PNS,
    LSNS_ONS,
    LSNS_COLUMNS
};
extern const struct table_column lsns_columns[LSNS_COLUMNS];

enum lsns_tree { LSNS_LIST, LSNS_PROCESS, LSNS_OWNER, LSNS_PARENT };

#define LSNS_COLUMNS_MAX 64
struct lsns {
    enum lsns_column columns[LSNS_COLUMNS_MAX];
    size_t column_count;
    unsigned kinds; /* bits, as system_read takes them */
    bool networks;  /* net is a kind that was named */
    enum lsns_tree tree;
    enum table_form form;
    bool list, no_headings, no_cut, no_wrap;
    pid_t pid;      /* only namespaces this process is in; 0: all */
    uint64_t inode; /* the processes in this namespace; 0: namespaces */

    struct system_view view;
    struct observe_mounts mounts;
    int netlink; /* asks for netnsids; -1: not open */
};

bool lsns_has_column(const struct lsns *ls, enum lsns_column column);

/** Print what is in @ls->view. Returns 0, or -1 (ENOENT: there is no namespace ls->inode). */
int lsns_show(struct lsns *ls, FILE *out, struct err *err);

#endif
