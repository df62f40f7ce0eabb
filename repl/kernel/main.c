/* teachroot-kernel: what `teachroot kernel` becomes, the one program that loads ZeroMQ. */
#include "repl/kernel/install.h"
#include "repl/kernel/kernel.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WENT_WRONG = 1, WRONG_USAGE = 2 };

static void print_usage(FILE *out)
{
    fprintf(
        out,
        "usage: teachroot kernel install [--user | --prefix DIR]\n"
        "       teachroot kernel -f CONNECTION_FILE\n\n"
        "A Jupyter kernel: the cells of a notebook are typed into the terminals of a lab of its own, which is gone\n"
        "when the kernel goes.\n\n"
        "  install        tell Jupyter of it: write kernel.json for all users (/usr/local/share/jupyter)\n"
        "    --user       … for yourself alone\n"
        "    --prefix DIR … below DIR, as for a virtual environment\n"
        "  -f FILE        serve the connection that a client has written down in FILE (Jupyter does this)\n\n"
        "In a cell, `%%help` lists what it may hold beside commands: `%%lesson 4`, `%%check`, `%%%%terminal 2` …\n\n"
        "Exit status: 0; 1 if it could not be done, 2 on wrong usage.\n");
}

static int wrong(const char *what, const char *word)
{
    fprintf(stderr, "teachroot kernel: %s `%s`: `teachroot kernel --help` says how it is used\n", what, word);
    return WRONG_USAGE;
}

static int failed(const struct err *err)
{
    fprintf(stderr, "teachroot kernel: %s\n", err->message);
    return WENT_WRONG;
}

/* The program that becomes this one: `teachroot` of the same installation; as an absolute path, since a client starts it wherever the notebook is. */
static int find_program(char *path, size_t size, struct err *err)
{
    const char *named = getenv("TEACHROOT_PROGRAM");
    if (!named || !*named || *named != '/' || access(named, X_OK) < 0)
        return err_say(err, ENOENT, "it is to be started as `teachroot kernel install`");
    snprintf(path, size, "%s", named);
    return 0;
}

static int install(int argc, char **argv)
{
    const char *prefix = NULL;
    bool user = false;
    char directory[PATH_MAX], program[PATH_MAX], absolute[PATH_MAX];
    struct err err = { 0 };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_usage(stdout);
            return 0;
        }
        if (strcmp(argv[i], "--user") == 0)
            user = true;
        else if (strcmp(argv[i], "--prefix") == 0 && i + 1 < argc && *argv[i + 1])
            prefix = argv[++i];
        else if (strncmp(argv[i], "--prefix=", 9) == 0 && argv[i][9])
            prefix = argv[i] + 9;
        else if (strcmp(argv[i], "--prefix") == 0)
            return wrong("a directory is missing after", argv[i]);
        else
            return wrong("install knows no", argv[i]);
    }
    if (prefix && user)
        return wrong("either for yourself or below a directory, not both:", prefix);
    if (prefix && *prefix != '/') {
        if (!getcwd(absolute, sizeof absolute) || strlen(absolute) + strlen(prefix) + 2 > sizeof absolute)
            return wrong("the directory cannot be told:", prefix);
        snprintf(absolute + strlen(absolute), sizeof absolute - strlen(absolute), "/%s", prefix);
        prefix = absolute;
    }
    if (install_directory(prefix, user, directory, sizeof directory, &err) < 0 ||
        find_program(program, sizeof program, &err) < 0)
        return failed(&err);
    if (install_spec(directory, program, &err) < 0) {
        failed(&err);
        if (!user && !prefix)
            fputs("teachroot kernel: `teachroot kernel install --user` installs it for yourself alone\n", stderr);
        return WENT_WRONG;
    }
    printf("%s/kernel.json\nJupyter's clients now list the kernel `teachroot`, which runs %s.\n", directory, program);
    return 0;
}

static int serve(const char *path)
{
    struct connection connection;
    struct err err;
    if (connection_read(path, &connection, &err) < 0 || kernel_run(&connection, &err) < 0)
        return failed(&err);
    return 0;
}

int main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(first, "install") == 0)
        return install(argc - 1, argv + 1);
    if (strcmp(first, "-f") == 0 && argc == 3)
        return serve(argv[2]);
    if (!*first) {
        print_usage(stderr);
        return WRONG_USAGE;
    }
    return wrong(strcmp(first, "-f") == 0 ? "one connection file belongs after" : "what is", first);
}
