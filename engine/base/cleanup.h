/** Cleanup attributes: a variable that releases what it holds when it goes out of scope.
 *
 *     cleanup_close int fd = open(…);      closed at the end of the block; errno is preserved
 *     return take_fd(&fd);                 hands ownership to the caller instead
 */
#ifndef ENGINE_BASE_CLEANUP_H
#define ENGINE_BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_closep(const int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        close(*fd);
        errno = saved;
    }
}

static inline void cleanup_freep(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_filep(FILE **f)
{
    if (*f)
        fclose(*f);
}

static inline void cleanup_dirp(DIR **d)
{
    if (*d)
        closedir(*d);
}

#define cleanup_close __attribute__((cleanup(cleanup_closep)))
#define cleanup_free __attribute__((cleanup(cleanup_freep)))
#define cleanup_file __attribute__((cleanup(cleanup_filep)))
#define cleanup_dir __attribute__((cleanup(cleanup_dirp)))

/** Take the fd out of a cleanup variable, which then holds -1. */
static inline int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/** Take the pointer out of a cleanup variable, which then holds NULL. */
#define take_ptr(p)                                                                                                    \
    ({                                                                                                                 \
        __typeof__(*(p)) taken_ = *(p);                                                                                \
        *(p) = NULL;                                                                                                   \
        taken_;                                                                                                        \
    })

#endif
