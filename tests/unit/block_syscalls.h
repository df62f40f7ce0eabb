/** An older kernel for tests: a seccomp filter that answers ENOSYS; or one that kills at a syscall. */
#ifndef TESTS_UNIT_BLOCK_SYSCALLS_H
#define TESTS_UNIT_BLOCK_SYSCALLS_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/** The syscalls @numbers (at most 8, ended by 0) are answered with @action (SECCOMP_RET_…) from here on. Returns 0 or -1. */
static inline int answer_syscalls(const int *numbers, unsigned action)
{
    struct sock_filter filter[2 + 2 * 8] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)) };
    unsigned short n = 1;
    for (; *numbers && n + 3U < sizeof filter / sizeof *filter; numbers++) {
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)*numbers, 0, 1);
        filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
    }
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = { n, filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/** They are gone for this process. */
static inline int block_syscalls(const int *numbers)
{
    return answer_syscalls(numbers, SECCOMP_RET_ERRNO | ENOSYS);
}

#endif
