/* What the layers of an overlay hold. The lab's own root is one as well; but its layers lie outside the lab, so they are not found. */
#include "repl/session/session_internal.h"

#include <stdio.h>
#include <string.h>

#define COPY(to, text) snprintf(to, sizeof(to), "%.*s", (int)sizeof(to) - 1, text)

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

void state_read_layers(const struct session *session, const struct observe_mounts *table,
                       const struct mount_difference *list, ssize_t count, struct session_state *state)
{
    struct state_layers *shown = &state->layers;
    struct observe_layers layers = { .root = -1 };
    size_t i = table->count;
    pid_t init = lab_init_pid(session->lab);
    while (i-- > 0)
        if (strcmp(table->list[i].type, "overlay") == 0 &&
            observe_layers_open(state->process, init, &table->list[i], &layers, NULL) == 0)
            break;
    if (i == (size_t)-1)
        return;
    COPY(shown->point, table->list[i].point);
    shown->upper = layers.stack.upper != NULL;
    shown->count = layers.count;
    shown->changed = observe_layers_changed(&layers);
    for (ssize_t k = 0; k < count; k++)
        shown->came |= list[k].after == &table->list[i] && list[k].change == MOUNT_ADDED;
    for (size_t layer = 0; layer < layers.count && layer < LAYERS_SHOWN; layer++)
        COPY(shown->name[layer], last_part(observe_layers_name(&layers, layer)));
    shown->entry_count = observe_layers_list(&layers, shown->entries, STATE_LAYER_NAMES, &shown->more);
    observe_layers_close(&layers);
}
