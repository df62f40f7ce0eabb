#include "repl/panel/panel_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What fits 80 columns is decided by the columns themselves: what has to give way is in their table. */
static const char *const default_columns[] = { "PID",  "NSPID", "USER",  "NI", "VIRT",   "RES",    "S",
                                               "CPU%", "MEM%",  "TIME+", "NS", "CGROUP", "COMMAND" };

void settings_defaults(struct panel *panel)
{
    struct panel_settings *settings = &panel->settings;
    *settings = (struct panel_settings){ .delay_ms = 1500 };
    for (size_t i = 0; i < sizeof default_columns / sizeof *default_columns; i++)
        settings->column[settings->column_count++] = column_find(default_columns[i]);
}

int panel_settings_path(char *path, size_t size)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int n = -1;
    if (config && config[0] == '/')
        n = snprintf(path, size, "%s/teachroot/top", config);
    else if (home && home[0] == '/')
        n = snprintf(path, size, "%s/.config/teachroot/top", home);
    return n < 0 || (size_t)n >= size ? -1 : 0;
}

static void load_columns(struct panel_settings *settings, char *names)
{
    size_t count = 0;
    for (const char *name; (name = strsep(&names, " ,"));) {
        size_t column = column_find(name);
        bool again = false;
        for (size_t i = 0; i < count; i++)
            again |= settings->column[i] == column;
        if (column < column_count && !again && count < PANEL_COLUMNS)
            settings->column[count++] = column;
    }
    if (count)
        settings->column_count = count;
}

static bool says_yes(const char *value)
{
    return strcmp(value, "yes") == 0;
}

/* A line that is not understood is passed over: it may be a later version's. */
void settings_load(struct panel *panel)
{
    cleanup_file FILE *file = panel->settings_path ? fopen(panel->settings_path, "re") : NULL;
    char line[1024];
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *value = strstr(line, " = ");
        if (!value)
            continue;
        *value = '\0';
        value += 3;
        if (strcmp(line, "columns") == 0)
            load_columns(&panel->settings, value);
        else if (strcmp(line, "sort") == 0 && column_find(value) < column_count)
            panel->model.sort = column_find(value);
        else if (strcmp(line, "reverse") == 0)
            panel->model.reverse = says_yes(value);
        else if (strcmp(line, "tree") == 0)
            panel->model.tree = says_yes(value);
        else if (strcmp(line, "threads") == 0)
            panel->threads = says_yes(value);
        else if (strcmp(line, "kernel") == 0)
            panel->model.hide_kernel = !says_yes(value);
        else if (strcmp(line, "delay") == 0)
            panel_set_delay(panel, (unsigned)strtoul(value, NULL, 10));
    }
    panel->settings.changed = false;
}

void settings_save(struct panel *panel)
{
    if (!panel->settings_path || !panel->settings.changed)
        return;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return;
    fputs("columns =", out);
    for (size_t i = 0; i < panel->settings.column_count; i++)
        fprintf(out, " %s", columns[panel->settings.column[i]].name);
    fprintf(out, "\nsort = %s\nreverse = %s\ntree = %s\nthreads = %s\nkernel = %s\ndelay = %u\n",
            columns[panel->model.sort].name, panel->model.reverse ? "yes" : "no", panel->model.tree ? "yes" : "no",
            panel->threads ? "yes" : "no", panel->model.hide_kernel ? "no" : "yes", panel->settings.delay_ms);
    if (fclose(out) == 0) {
        make_directories_above(panel->settings_path, NULL);
        replace_file(panel->settings_path, text, len, 0600,
                     NULL); /* a home that cannot be written to is no reason to complain */
    }
    free(text);
}
