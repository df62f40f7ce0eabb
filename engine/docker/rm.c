/* docker rm, docker container prune. */
#include "engine/docker/verbs.h"

#include <errno.h>
#include <string.h>

int docker_remove_each(const struct tool_options *options, enum store_access access, docker_remove_fn *remove, int argc,
                       char **argv)
{
    struct tool_parser parser;
    bool force = false;
    int status = 0;
    tool_parse(&parser, options, argc, argv);
    while (tool_parse_next(&parser) != -1)
        force = true;
    if (parser.ended)
        return parser.status;
    if (!docker_operands(&parser, 1, -1))
        return 125;
    struct store *store = docker_store(options->tool, access);
    if (!store)
        return 1;
    for (char **what = argv + optind; *what; what++) {
        struct err err = { 0 };
        if (remove(store, *what, force, &err) == 0)
            continue;
        docker_error(options->tool, &err);
        if (!(force && err.code == ENOENT))
            status = 1;
    }
    store_close(store);
    return fflush(stdout) == 0 ? status : 1;
}

static int remove_one(struct store *store, const char *what, bool force, struct err *err)
{
    struct container container;
    struct err why = { 0 };
    if (container_open(store, what, &container, &why) < 0) {
        if (!*container.id)
            return err_say(err, why.code, "%s", why.message);
        if (!force)
            return err_say(err, why.code, "%s; `docker rm --force %.12s` removes it as it is", why.message,
                           container.id);
    }
    int result = container_remove(store, &container, err);
    container_close(&container);
    if (result == 0)
        puts(what);
    return result;
}

int docker_rm(int argc, char **argv)
{
    return docker_remove_each(&docker_rm_options, STORE_READ, remove_one, argc, argv);
}

struct pruning {
    struct store *store;
    size_t count;
    int status;
};

static int prune_one(struct container *container, const char *damage, void *data)
{
    struct pruning *pruning = data;
    struct err err = { 0 };
    if (damage || container->state == CONTAINER_RUNNING || container->state == CONTAINER_PAUSED) {
        if (damage)
            fprintf(stderr, "docker container prune: left as it is: %s\n", damage);
        return 0;
    }
    if (container_remove(pruning->store, container, &err) < 0) {
        pruning->status = docker_error("docker container prune", &err);
        return 0;
    }
    if (pruning->count++ == 0)
        puts("Deleted Containers:");
    puts(container->id);
    return 0;
}

int docker_container_prune(int argc, char **argv)
{
    struct tool_parser parser;
    struct err err = { 0 };
    char answer[16];
    bool force = false;
    tool_parse(&parser, &docker_container_prune_options, argc, argv);
    while (tool_parse_next(&parser) != -1)
        force = true;
    if (parser.ended)
        return parser.status;
    if (!docker_operands(&parser, 0, 0))
        return 125;
    if (!force) {
        printf("WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ");
        fflush(stdout);
        if (!fgets(answer, sizeof answer, stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
            return 0;
    }
    struct pruning pruning = { .store = docker_store("docker container prune", STORE_READ) };
    if (!pruning.store)
        return 1;
    if (container_each(pruning.store, prune_one, &pruning, &err) < 0)
        pruning.status = docker_error("docker container prune", &err);
    store_close(pruning.store);
    return fflush(stdout) == 0 ? pruning.status : 1;
}
