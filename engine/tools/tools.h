#include <stddef.h>
#include <stdbool.h>
struct tool {
    const char *name;
    int (*run)(int, char **);
    bool hidden;
};
extern const struct tool tools[];
extern const size_t tool_count;
int init_main(int, char **);
