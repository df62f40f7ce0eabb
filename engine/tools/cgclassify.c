/* cgclassify: move processes into control groups. cgexec: enter some, and become another program. */
#include "engine/tools/cg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* On v2 a process is in one group, whatever the controllers: two different ones cannot both be meant. */
static void warn_twice(const struct cg *cg, const struct cg_targets *to)
{
    const struct cg_target *before = NULL;
    for (size_t i = 0; i < to->count; i++) {
        if (to->list[i].hierarchy->v2 && before && strcmp(before->path, to->list[i].path) != 0)
            fprintf(stderr, "%s: on v2 a process is in one group for all controllers; it ends in the last, `%s`\n",
                    cg->table->tool, to->list[i].given);
        if (to->list[i].hierarchy->v2)
            before = &to->list[i];
    }
}

/* Shared by both: options up to the operands. Returns -1 to go on, or the exit status. */
static int parse(struct cg *cg, struct cg_targets *to, struct tool_parser *parser)
{
    struct err err = { 0 };
    for (int id; (id = tool_parse_next(parser)) != -1;)
        switch (id) {
        case 'g':
            if (cg_targets(cg, to, optarg, &err) < 0)
                return cg_failed(cg,
                                 err.code != ENODEV                 ? 255
                                 : parser->table == &cgexec_options ? CG_NO_CONTROLLER
                                                                    : 1,
                                 &err);
            break;
        case CG_STICKY:
        case CG_CANCEL_STICKY:
            break; /* for a daemon that sorts processes by rules, and that nobody runs beside a lesson */
        }
    if (parser->ended)
        return parser->status;
    if (parser->explain)
        cg_explain(cg);
    warn_twice(cg, to);
    return -1;
}

int cgclassify_main(int argc, char **argv)
{
    struct tool_parser parser;
    struct cg cg;
    struct cg_targets to = { .count = 0 };
    int status = cg_begin(&cg, &cgclassify_options);
    tool_parse(&parser, &cgclassify_options, argc, argv);
    int done = parse(&cg, &to, &parser);
    if (done >= 0 || status)
        return done >= 0 ? done : status;
    if (to.count == 0 && optind < argc)
        return tool_wrong(parser.table,
                          "which group? -g cpu:/sandbox, for example (rules in /etc/cgrules.conf are not read)");
    for (int i = optind; i < argc; i++) {
        char *end;
        long pid = strtol(argv[i], &end, 10);
        if (end == argv[i] || *end || pid <= 0 || pid > INT32_MAX) {
            fprintf(stderr, "%s: `%s` is not a pid\n", parser.table->tool, argv[i]);
            status = 2;
            continue;
        }
        struct err err = { 0 };
        for (size_t k = 0; k < to.count; k++)
            if (cg_enter(&cg, &to.list[k], (pid_t)pid, &err) < 0) {
                cg_failed(&cg, 1, &err);
                status = 1;
                break;
            }
    }
    return status;
}

int cgexec_main(int argc, char **argv)
{
    struct tool_parser parser;
    struct cg cg;
    struct cg_targets to = { .count = 0 };
    struct err err = { 0 };
    int status = cg_begin(&cg, &cgexec_options);
    tool_parse(&parser, &cgexec_options, argc, argv);
    int done = parse(&cg, &to, &parser);
    if (done >= 0 || status)
        return done >= 0 ? done : status;
    if (optind == argc)
        return tool_wrong(parser.table, "which program?");
    if (to.count == 0) {
        fprintf(stderr,
                "cgexec: which group? -g cpu:/sandbox, for example (rules in /etc/cgrules.conf are not read)\n");
        return 99;
    }
    for (size_t k = 0; k < to.count; k++)
        if (cg_enter(&cg, &to.list[k], cg.explain ? 0 : getpid(), &err) < 0)
            return cg_failed(&cg, err.code == ENOENT ? CG_NO_GROUP : CG_REFUSED, &err);
    if (cg.explain) {
        explain_call(cg.explain, "execve(\"%s\")", argv[optind]);
        explain_why(cg.explain, "the program starts inside, and so does everything it starts");
        return 0;
    }
    execvp(argv[optind], argv + optind);
    fprintf(stderr, "cgexec: run `%s`: %s\n", argv[optind], strerrordesc_np(errno));
    return 255;
}
