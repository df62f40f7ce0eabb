/* The way into a lab for a command that is traced: a tracer starts programs. Started only by engine/lab: fd 3 is the socket that says where to go and what to run there. */
#include "engine/lab/enter.h"
#include "engine/tools/tools.h"

#include <fcntl.h>
#include <unistd.h>

enum { SOCKET = 3, PROGRAM };

int enter_main(int argc, char **argv)
{
    fcntl(SOCKET, F_SETFD, FD_CLOEXEC);
    close(PROGRAM);
    return enter_receive(SOCKET);
}
