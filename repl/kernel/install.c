#include "repl/kernel/install.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A tree whose root is inside a box: the root directory of a container. */
static const char logo[] =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\" width=\"64\" height=\"64\">\n"
    "<title>teachroot</title>\n"
    "<rect x=\"4\" y=\"30\" width=\"56\" height=\"30\" rx=\"4\" fill=\"#e8eef4\" stroke=\"#2b4a63\" "
    "stroke-width=\"3\"/>\n"
    "<path d=\"M32 6v40M32 46l-14 8M32 46l14 8M32 40l-8 4M32 40l8 4M32 18l-10-8M32 24l12-10\" fill=\"none\" "
    "stroke=\"#3a7d44\" stroke-width=\"4\" stroke-linecap=\"round\"/>\n"
    "</svg>\n";

int install_directory(const char *prefix, bool user, char *path, size_t size, struct err *err)
{
    static const char below[] = "kernels/teachroot";
    const char *home = getenv("HOME"), *data = getenv("JUPYTER_DATA_DIR"), *xdg = getenv("XDG_DATA_HOME");
    int n;
    if (prefix)
        n = snprintf(path, size, "%s/share/jupyter/%s", prefix, below);
    else if (!user)
        n = snprintf(path, size, "/usr/local/share/jupyter/%s", below);
    else if (data && *data)
        n = snprintf(path, size, "%s/%s", data, below);
    else if (xdg && *xdg)
        n = snprintf(path, size, "%s/jupyter/%s", xdg, below);
    else if (home && *home)
        n = snprintf(path, size, "%s/.local/share/jupyter/%s", home, below);
    else
        return err_say(err, ENOENT,
                       "whose is it? Neither JUPYTER_DATA_DIR, XDG_DATA_HOME nor HOME is set: use --prefix DIR");
    return n < 0 || (size_t)n >= size ? err_say(err, ENAMETOOLONG, "the path of the kernel spec is too long") : 0;
}

/* Those above are for all who may read the place, as /usr/local/share is. */
static int make_directories(const char *path, struct err *err)
{
    cleanup_free char *copy = strdup(path);
    if (!copy)
        return err_set(err, ENOMEM, "mkdir `%s`", path);
    for (char *slash = copy + 1;; slash++) {
        slash = strchr(slash, '/');
        if (slash)
            *slash = '\0';
        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
            return err_set(err, errno, "mkdir `%s`", copy);
        if (!slash)
            return 0;
        *slash = '/';
    }
}

int install_spec(const char *directory, const char *program, struct err *err)
{
    char path[4200];
    json_t *spec = json_pack("{s:[s, s, s, s], s:s, s:s, s:s, s:{s:b}}", "argv", program, "kernel", "-f",
                             "{connection_file}", "display_name", "teachroot", "language", "bash", "interrupt_mode",
                             "message", "metadata", "debugger", 0);
    cleanup_free char *text = json_dumps(spec, JSON_INDENT(1));
    json_decref(spec);
    if (!text)
        return err_say(err, EINVAL, "the path of the program, `%s`, is no UTF-8", program);
    if (make_directories(directory, err) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/logo-svg.svg", directory);
    if (replace_file(path, logo, sizeof logo - 1, 0644, err) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/kernel.json", directory);
    return replace_file(path, text, strlen(text), 0644, err);
}
