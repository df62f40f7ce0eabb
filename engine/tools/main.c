/* teachroot-tools: which tool is asked for, by the name it is called by or by its first argument. */
#include "engine/docker/docker.h"
#include "engine/tools/cg.h"
#include "engine/tools/options.h"
#include "engine/tools/tools.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct tool tools[] = {
    { "assert", assert_main, "say whether the lab is as a lesson's step wants it", NULL, false },
    { "cgclassify", cgclassify_main, "move processes into control groups", NULL, false },
    { "cgcreate", cgcreate_main, "make control groups", NULL, false },
    { "cgdelete", cgdelete_main, "remove control groups", NULL, false },
    { "cgexec", cgexec_main, "run a program in control groups", NULL, false },
    { "cgget", cgget_main, "read files of control groups", NULL, false },
    { "cgset", cgset_main, "write files of control groups", NULL, false },
    { "chroot", chroot_main, "run a command with another root directory", NULL, false },
    { "debootstrap", debootstrap_main, "make a whole root filesystem of Debian or a relative, and keep it",
      debootstrap_usage, false },
    { "docker", docker_main, "images and containers, without a daemon", NULL, false },
    { "enter", enter_main, "the way into a lab under a tracer", NULL, .hidden = true },
    { "init", init_main, "pid 1 of a lab", NULL, .hidden = true },
    { "ldcopy", ldcopy_main, "copy programs with all their libraries into a root filesystem", ldcopy_usage, false },
    { "ldd", ldd_main, "list the shared libraries a program needs, without running it", ldd_usage, false },
    { "lscgroup", lscgroup_main, "list control groups", NULL, false },
    { "lsns", lsns_main, "list namespaces, or the processes in one", NULL, false },
    { "nsenter", nsenter_main, "run a program in namespaces that exist", NULL, false },
    { "pivot_root", pivot_root_main, "make a mount the root of this mount namespace", NULL, false },
    { "unshare", unshare_main, "run a program in new namespaces", NULL, false },
};
const size_t tool_count = sizeof tools / sizeof *tools;

__attribute__((format(printf, 2, 0))) static void say(const char *name, const char *format, va_list args)
{
    fprintf(stderr, "%s: ", name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int tool_usage(const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(name, format, args);
    va_end(args);
    fprintf(stderr, "%s: `%s --help` says how it is used\n", name, name);
    return 2;
}

int tool_error(const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(name, format, args);
    va_end(args);
    return 1;
}

static const struct tool *find_tool(const char *name)
{
    for (size_t i = 0; i < tool_count; i++)
        if (strcmp(tools[i].name, name) == 0)
            return &tools[i];
    return NULL;
}

static int run_tool(const struct tool *tool, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0 && tool->usage) {
        tool_text(tool->usage, stdout);
        return fflush(stdout) == 0 ? 0 : tool_error(tool->name, "cannot write to standard output");
    }
    return tool->run(argc, argv);
}

static int list_tools(const char *self)
{
    printf("usage: %s TOOL [ARGUMENT]…\n\nThe tools (each also runs under a link of its own name, and each has "
           "--help):\n\n",
           self);
    for (size_t i = 0; i < tool_count; i++)
        if (!tools[i].hidden)
            printf("  %-12s %s\n", tools[i].name, tools[i].summary);
    return fflush(stdout) == 0 ? 0 : tool_error(self, "cannot write to standard output");
}

int main(int argc, char **argv)
{
    const char *self = argc > 0 ? argv[0] : "teachroot-tools";
    const char *slash = strrchr(self, '/');
    self = slash ? slash + 1 : self;
    const struct tool *tool = find_tool(self);
    if (tool)
        return run_tool(tool, argc, argv);
    self = "teachroot-tools";
    if (argc < 2)
        return tool_usage(self, "which tool?");
    if (strcmp(argv[1], "--help") == 0)
        return list_tools(self);
    tool = find_tool(argv[1]);
    if (!tool)
        return tool_usage(self, "there is no tool `%s`", argv[1]);
    return run_tool(tool, argc - 1, argv + 1);
}
