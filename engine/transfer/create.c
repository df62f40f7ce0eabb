/* docker create: a container of an image, which is brought from a registry first if it is not here. */
#include "engine/transfer/transfer.h"

#include "engine/base/cleanup.h"
#include "engine/container/container.h"
#include "engine/docker/docker.h"
#include "engine/docker/options_internal.h"
#include "engine/image/reference.h"
#include "engine/transfer/common.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum when { WHEN_MISSING, WHEN_ALWAYS, WHEN_NEVER };
static const char *const when_words[] = { "missing", "always", "never" };

/* KEY=VALUE lines, owned; NULL-terminated. */
struct words {
    char **words;
    size_t count;
};

static int words_add(struct words *words, const char *text, struct err *err)
{
    char **more = realloc(words->words, (words->count + 2) * sizeof *more);
    if (more)
        words->words = more;
    char *copy = more ? strdup(text) : NULL;
    if (!copy)
        return err_set(err, ENOMEM, "read the command line");
    words->words[words->count++] = copy;
    words->words[words->count] = NULL;
    return 0;
}

static void words_free(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->words[i]);
    free(words->words);
}

struct request {
    struct container_spec spec;
    struct words env, labels;
    enum when when;
    const char *cidfile;
};

/* "KEY=VALUE"; "KEY" has the value it has here, or none at all. */
static int add_variable(struct words *env, const char *text, struct err *err)
{
    char whole[8192];
    if (!*text || *text == '=')
        return err_say(err, EINVAL, "invalid environment variable: %s", text);
    if (strchr(text, '='))
        return words_add(env, text, err);
    const char *value = getenv(text);
    if (!value)
        return 0;
    if (snprintf(whole, sizeof whole, "%s=%s", text, value) >= (int)sizeof whole)
        return err_set(err, E2BIG, "the variable %.60s", text);
    return words_add(env, whole, err);
}

static int add_label(struct words *labels, const char *text, struct err *err)
{
    return *text && *text != '=' ? words_add(labels, text, err) : err_say(err, EINVAL, "invalid label: %s", text);
}

/* Every line of a file; empty ones and those that begin with # are none. */
static int add_file(struct words *words, const char *path,
                    int (*add)(struct words *words, const char *text, struct err *err), struct err *err)
{
    cleanup_file FILE *file = fopen(path, "re");
    cleanup_free char *line = NULL;
    size_t size = 0;
    if (!file)
        return err_set(err, errno, "open `%s`", path);
    for (unsigned number = 1; getline(&line, &size, file) > 0; number++) {
        line[strcspn(line, "\n")] = '\0';
        const char *text = line + strspn(line, " \t");
        if (*text && *text != '#' && add(words, text, err) < 0)
            return err_prefix(err, "%s:%u", path, number);
    }
    return ferror(file) ? err_set(err, EIO, "read `%s`", path) : 0;
}

static int parse_when(const char *text, enum when *when, struct err *err)
{
    for (size_t i = 0; i < sizeof when_words / sizeof *when_words; i++)
        if (strcmp(text, when_words[i]) == 0) {
            *when = (enum when)i;
            return 0;
        }
    return err_say(err, EINVAL, "invalid pull option: '%s': must be one of \"always\", \"missing\" or \"never\"", text);
}

static int refuse(int id, struct err *err)
{
    const struct tool_option *row = tool_option_find(&docker_create_options, id);
    return err_say(err, ENOTSUP,
                   "--%s takes effect when a container runs, and running one is not there yet: leave it out",
                   row->name);
}

static int take(struct request *request, int id, struct err *err)
{
    struct container_spec *spec = &request->spec;
    switch (id) {
    case DOCKER_NAME:
        spec->name = optarg;
        return 0;
    case 'e':
        return add_variable(&request->env, optarg, err);
    case DOCKER_ENV_FILE:
        return add_file(&request->env, optarg, add_variable, err);
    case 'w':
        spec->workdir = optarg;
        return 0;
    case 'u':
        spec->user = optarg;
        return 0;
    case 't':
        spec->tty = true;
        return 0;
    case 'i':
        spec->interactive = true;
        return 0;
    case DOCKER_RM:
        spec->remove = true;
        return 0;
    case 'h':
        spec->hostname = optarg;
        return 0;
    case DOCKER_ENTRYPOINT:
        spec->entrypoint = optarg;
        return 0;
    case 'l':
        return add_label(&request->labels, optarg, err);
    case DOCKER_LABEL_FILE:
        return add_file(&request->labels, optarg, add_label, err);
    case DOCKER_READ_ONLY:
        spec->read_only = true;
        return 0;
    case DOCKER_PULL:
        return parse_when(optarg, &request->when, err);
    case DOCKER_CIDFILE:
        request->cidfile = optarg;
        return 0;
    default:
        return refuse(id, err);
    }
}

/* As `docker pull NAME`, with standard output for nothing but the container's id. */
static int pull(const char *name)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        char verb[] = "docker pull";
        cleanup_free char *copy = strdup(name);
        dup2(STDERR_FILENO, STDOUT_FILENO);
        _exit(copy ? pull_main(2, (char *[]){ verb, copy, NULL }) : 1);
    }
    int status;
    while (pid > 0 && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* 0, or -1 after saying why. */
static int have_image(struct store *store, const struct request *request, const char *verb, struct err *err)
{
    struct image image;
    struct reference reference;
    char name[700];
    if (request->when == WHEN_ALWAYS)
        return pull(request->spec.image);
    if (image_open(store, request->spec.image, &image, err) == 0) {
        image_close(&image);
        return 0;
    }
    if (err->code != ENOENT || request->when == WHEN_NEVER ||
        reference_parse(request->spec.image, &reference, NULL) < 0) {
        transfer_failed(verb, "%s", err->message);
        return -1;
    }
    reference_familiar(&reference, name, sizeof name);
    fprintf(stderr, "Unable to find image '%s' locally\n", name);
    int result = pull(request->spec.image);
    if (result < 0)
        transfer_failed(verb, "there is no image `%s` here (`docker images` lists what is), and it could not be pulled",
                        name);
    return result;
}

/* As docker: no file may be there, and it is made before the container is. */
static int open_cidfile(const char *path, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST)
        return err_say(err, EEXIST, "container ID file found, make sure the other container isn't running or delete %s",
                       path);
    return fd < 0 ? err_set(err, errno, "create `%s`", path) : fd;
}

static int create(struct store *store, const struct request *request, struct err *err)
{
    struct container container;
    cleanup_close int cidfile = request->cidfile ? open_cidfile(request->cidfile, err) : -1;
    if (request->cidfile && cidfile < 0)
        return -1;
    int result = container_create(store, &request->spec, &container, err);
    if (result == 0 && cidfile >= 0 && write(cidfile, container.id, CONTAINER_ID - 1) != CONTAINER_ID - 1) {
        result = err_set(err, errno, "write `%s`", request->cidfile);
        container_remove(store, &container, NULL);
    }
    if (result == 0)
        puts(container.id);
    else if (cidfile >= 0)
        unlink(request->cidfile);
    if (result == 0)
        container_close(&container);
    return result;
}

static int run(struct request *request, const char *verb)
{
    struct err err = { 0 };
    struct store *store = docker_store(verb, STORE_WRITE);
    if (!store)
        return 1;
    int result = have_image(store, request, verb, &err);
    if (result == 0 && (result = create(store, request, &err)) < 0)
        transfer_failed(verb, "%s", err.message);
    store_close(store);
    return result < 0 ? 1 : transfer_printed(verb);
}

int create_main(int argc, char **argv)
{
    struct tool_parser parser;
    struct request request = { .when = WHEN_MISSING };
    struct err err = { 0 };
    int id, status = 0;
    tool_parse(&parser, &docker_create_options, argc, argv);
    while (status == 0 && (id = tool_parse_next(&parser)) != -1)
        if (take(&request, id, &err) < 0)
            status = tool_wrong(&docker_create_options, "%s", err.message);
    if (parser.ended)
        status = parser.status;
    else if (status == 0 && !docker_operands(&parser, 1, -1))
        status = 125;
    if (status == 0 && !parser.ended) {
        request.spec.image = argv[optind];
        request.spec.argv = argv[optind + 1] ? (const char *const *)argv + optind + 1 : NULL;
        request.spec.env = (const char *const *)request.env.words;
        request.spec.labels = (const char *const *)request.labels.words;
        status = run(&request, argv[0]);
    }
    words_free(&request.env);
    words_free(&request.labels);
    return status;
}
