/* The lab's end of the conversation with the trusted side (engine/rootfs/bootstrap_service.h says how it goes). */
#include "engine/tools/debootstrap.h"

#include "engine/base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int connect_host(struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = BOOTSTRAP_SOCKET };
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return err_say(err, errno, "nobody outside this lab answers (%s)", strerrordesc_np(errno));
    return take_fd(&fd);
}

static void take_progress(char *text)
{
    unsigned percent, done, total, phase;
    char *doing = strchr(text, '\t'), *item = doing ? strchr(doing + 1, '\t') : NULL;
    if (!item || sscanf(text, "%u %u %u %u", &percent, &done, &total, &phase) != 4)
        return;
    *doing++ = '\0';
    *item++ = '\0';
    show_progress(phase, doing, percent, done, total, item);
}

int ask_for_tree(const struct bootstrap_request *request, bool fresh, char *name, size_t size, struct err *err)
{
    char text[BOOTSTRAP_TEXT];
    cleanup_close int fd = connect_host(err);
    if (fd < 0)
        return 0;
    int len = snprintf(text, sizeof text, "%s\n", fresh ? "fresh" : "keep");
    int n = bootstrap_to_text(request, text + len, sizeof text - (size_t)len - 2, err);
    if (n < 0)
        return 0;
    len += n;
    text[len++] = '\n';
    if (send(fd, text, (size_t)len, MSG_NOSIGNAL) != len && errno != EPIPE) /* refused already: it says why */
        return err_say(err, errno, "nobody outside this lab listens");
    cleanup_file FILE *answers = fdopen(fd, "r");
    cleanup_free char *line = NULL;
    size_t room = 0;
    if (!answers)
        return err_set(err, errno, "listen to the answer");
    take_fd(&fd);
    while (getline(&line, &room, answers) > 1) {
        char *words = line + 2;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == 'P') {
            take_progress(words);
            continue;
        }
        end_progress_line();
        if (line[0] == 'M') {
            printf("%s\n", words);
            fflush(stdout);
        } else if (line[0] == 'D' && strlen(words) < size && !strchr(words, '/')) {
            memcpy(name, words, strlen(words) + 1);
            return 1;
        } else {
            err_say(err, EIO, "%s", words);
            return line[0] == 'N' ? 0 : -1;
        }
    }
    return err_say(err, EPIPE, "what made it outside this lab has ended: type the command again");
}
