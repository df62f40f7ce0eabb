/* pid 1 of a lab: makes the tools' names, says that it is ready, reaps, and ends with the program that holds the other end of fd 3. When pid 1 ends the
 * kernel kills everything in its pid namespace, so nothing of the lab can outlive the program, however that dies.
 *
 * Started only by engine/lab: fd 3 is its life (end of file: die), fd 4 is where it says that it is ready. */
#include "engine/tools/tools.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIFE = 3, READY = 4 };

/* A lab without them still teaches: what fails here is seen as "command not found" there. */
static void link_tools(const char *directory)
{
    char path[256];
    for (size_t i = 0; i < tool_count; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, tools[i].name);
        if (!tools[i].hidden && symlink("teachroot-tools", path) < 0 && errno != EEXIST)
            return;
    }
    /* Against a careless rm -rf; the lab's root could undo it and harm nobody else. */
    mount(NULL, directory, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL);
}

int init_main(int argc, char **argv)
{
    sigset_t all;
    struct pollfd life[2] = { { .fd = LIFE, .events = POLLIN }, { .events = POLLIN } };
    if (getpid() != 1 || poll(life, 1, 0) < 0 || (life[0].revents & POLLNVAL)) {
        fprintf(stderr, "init: only a lab starts this\n");
        return 2;
    }
    prctl(PR_SET_NAME, "init");
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    life[1].fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    link_tools("/run/teachroot/bin");
    if (write(READY, "r", 1) != 1)
        return 1;
    close(READY);
    for (;;) {
        if (poll(life, 2, -1) < 0 && errno != EINTR)
            return 1;
        if (life[0].revents)
            return 0;
        struct signalfd_siginfo info;
        while (read(life[1].fd, &info, sizeof info) == (ssize_t)sizeof info) {
        }
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
    }
}
