#include "engine/base/signal_name.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

const char *signal_name(int signal, char buf[SIGNAL_NAME])
{
    const char *name = sigabbrev_np(signal);
    if (name)
        return name;
    if (signal >= SIGRTMIN && signal <= SIGRTMAX)
        snprintf(buf, SIGNAL_NAME, "RTMIN+%d", signal - SIGRTMIN);
    else
        snprintf(buf, SIGNAL_NAME, "%d", signal);
    return buf;
}
