/* Which verb of docker? One table; `docker image ls` and its like are other words for the same verbs. */
#include "engine/docker/docker.h"
#include "engine/docker/verbs.h"

#include "engine/base/cleanup.h"

#include <limits.h>
#include <string.h>

/* What moves archives and images, or loads the libraries for it, is teachroot-transfer's. */
static const struct runner {
    const char *verb;
    int (*run)(int argc, char **argv); /* argv[0] is "docker images" */
} runners[] = {
    { "container prune", docker_container_prune },
    { "history", docker_history },
    { "image prune", docker_image_prune },
    { "images", docker_images },
    { "inspect", docker_inspect },
    { "ps", docker_ps },
    { "rm", docker_rm },
    { "rmi", docker_rmi },
    { "tag", docker_tag },
};

static const struct runner *find_runner(const struct docker_verb *verb)
{
    for (size_t i = 0; i < sizeof runners / sizeof *runners; i++)
        if (strcmp(runners[i].verb, verb->name) == 0)
            return &runners[i];
    return NULL;
}

int docker_error(const char *verb, const struct err *err)
{
    fprintf(stderr, "%s: %s\n", verb, err->message);
    return 1;
}

bool docker_operands(const struct tool_parser *parser, int least, int most)
{
    int count = parser->argc - optind;
    if (count >= least && (most < 0 || count <= most))
        return true;
    tool_wrong(parser->table, "requires %s%d argument%s, not %d",
               least == most   ? ""
               : count < least ? "at least "
                               : "at most ",
               count < least ? least : most, (count < least ? least : most) == 1 ? "" : "s", count);
    return false;
}

struct store *docker_store(const char *verb, enum store_access access)
{
    char path[PATH_MAX], below[PATH_MAX];
    struct err err = { 0 };
    if (store_default_path(path, sizeof path, &err) < 0) {
        docker_error(verb, &err);
        return NULL;
    }
    store_default_below(below, sizeof below);
    struct store *store = store_open(path, access, below, &err);
    if (!store && access == STORE_READ && err.code == ENOENT && *below)
        store = store_open(below, STORE_READ, NULL, &err);
    if (!store && access == STORE_READ && (err.code == ENOENT || err.code == EACCES))
        store = store_open(path, STORE_WRITE, below, &err);
    if (!store)
        docker_error(verb, &err);
    return store;
}

static void print_verb(const char *name, const struct docker_verb *verb)
{
    printf("  %-10s %s\n", name, verb->brief);
}

static int print_help(void)
{
    puts("usage: docker VERB [OPTION]… [ARGUMENT]…\n"
         "\n"
         "Images and containers as docker has them, without a daemon: images are an OCI\n"
         "image layout in /var/lib/docker, and a container is an OCI bundle in\n"
         "/var/lib/docker/containers.\n");
    for (size_t i = 0; i < docker_verb_count; i++)
        if (!strchr(docker_verbs[i].name, ' '))
            print_verb(docker_verbs[i].name, &docker_verbs[i]);
    puts("\nThe same by what they are about: docker image --help, docker container --help.\n"
         "`docker VERB --help` says more of one.");
    return fflush(stdout) == 0 ? 0 : 1;
}

static int print_group(const char *group)
{
    printf("usage: docker %s VERB [OPTION]… [ARGUMENT]…\n\n", group);
    for (size_t i = 0; i < docker_word_count; i++)
        if (strcmp(docker_words[i].group, group) == 0)
            print_verb(docker_words[i].word, docker_verb_named(docker_words[i].verb));
    return fflush(stdout) == 0 ? 0 : 1;
}

/* Is @word among the words of @list, which are divided by blanks? */
static bool is_listed(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; length && !strchr(word, ' ') && (at = strstr(at, word)); at++)
        if ((at == list || at[-1] == ' ') && (!at[length] || at[length] == ' '))
            return true;
    return false;
}

/* Of docker's own commands: of what would run a container it is said why. */
static bool is_not_here(const char *group, const char *word)
{
    static const char running[] = "attach exec kill logs pause restart run start stats stop top unpause wait";
    static const char others[] = "build builder buildx commit compose config context cp diff events info login logout "
                                 "manifest network node plugin port rename search secret service stack swarm system "
                                 "trust update version volume";
    static const char of_container[] = "commit cp diff port rename update", of_image[] = "build";
    bool image = strcmp(group, "image") == 0, runs = !image && is_listed(running, word);
    if (!runs && !is_listed(image ? of_image : *group ? of_container : others, word))
        return false;
    fprintf(stderr, "docker: docker %s%s%s is not here yet%s. What is here: docker --help\n", group, *group ? " " : "",
            word, runs ? ": a container can be made (docker create), but there is nothing yet that runs it" : "");
    return true;
}

static int unknown(const char *group, const char *word)
{
    const char *blank = *group ? " " : "";
    if (is_not_here(group, word))
        return 125;
    fprintf(stderr, "docker: unknown command: docker%s%s %s\n\nRun 'docker%s%s --help' for more information\n", blank,
            group, word, blank, group);
    return 125;
}

/* Becomes the other program, which lies beside this one. */
static int transfer(const struct docker_verb *verb, int argc, char **argv)
{
    char path[PATH_MAX + 32];
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    char *slash = length > 0 ? (path[length] = '\0', strrchr(path, '/')) : NULL;
    snprintf(slash ? slash : path, 32, "/teachroot-transfer");
    cleanup_free char **words = calloc((size_t)argc + 2, sizeof *words);
    cleanup_free char *name = strdup(verb->name);
    if (!words || !name)
        return docker_error("docker", &(struct err){ ENOMEM, "out of memory" });
    words[0] = path;
    words[1] = name;
    memcpy(words + 2, argv + 1, (size_t)(argc - 1) * sizeof *words);
    execv(path, words);
    fprintf(stderr, "docker %s: run `%s`: %s\n", verb->name, path, strerrordesc_np(errno));
    return errno == ENOENT ? 127 : 126;
}

/* @argv[0] stands for the verb. */
static int run(const struct docker_verb *verb, const char *argument, int argc, char **argv)
{
    char tool[64], extra[32];
    cleanup_free char **words = calloc((size_t)argc + 2, sizeof *words);
    int count = 0;
    if (!words)
        return docker_error("docker", &(struct err){ ENOMEM, "out of memory" });
    snprintf(tool, sizeof tool, "docker %s", verb->name);
    words[count++] = tool;
    if (argument) {
        snprintf(extra, sizeof extra, "%s", argument);
        words[count++] = extra;
    }
    for (int i = 1; i < argc; i++)
        words[count++] = argv[i];
    const struct runner *runner = find_runner(verb);
    if (!runner && count == 2 && strcmp(words[1], "--help") == 0)
        return tool_options_help(verb->options, stdout);
    return runner ? runner->run(count, words) : transfer(verb, count, words);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run_group(int argc, char **argv)
{
    const char *group = argv[0];
    if (argc < 2 || is_help(argv[1]))
        return print_group(group);
    const struct docker_word *alias = docker_word_find(group, argv[1]);
    return alias ? run(docker_verb_named(alias->verb), alias->argument, argc - 1, argv + 1) : unknown(group, argv[1]);
}

static int say_more(int argc, char **argv)
{
    char help[] = "--help";
    if (argc < 2)
        return print_help();
    if (docker_word_find(argv[1], NULL))
        return print_group(argv[1]);
    const struct docker_verb *verb = docker_verb_named(argv[1]);
    return verb ? run(verb, NULL, 2, (char *[]){ argv[1], help, NULL }) : unknown("", argv[1]);
}

int docker_main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "--help";
    if (is_help(word))
        return print_help();
    if (strcmp(word, "--version") == 0 || strcmp(word, "-v") == 0) {
        puts("docker (teachroot) " TEACHROOT_VERSION);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    if (strcmp(word, "help") == 0)
        return say_more(argc - 1, argv + 1);
    if (word[0] == '-') {
        fprintf(stderr, "docker: unknown flag: %s\n\nRun 'docker --help' for more information\n", word);
        return 125;
    }
    const struct docker_verb *verb = strchr(word, ' ') ? NULL : docker_verb_named(word);
    if (verb)
        return run(verb, NULL, argc - 1, argv + 1);
    return docker_word_find(word, NULL) ? run_group(argc - 1, argv + 1) : unknown("", word);
}
