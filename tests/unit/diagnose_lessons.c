/* A beginner's wrong turns through lessons 1 to 7, each at the step where it is made, each with the right diagnosis; and nothing is said of what the lessons themselves have one type. */
#include "tests/unit/diagnose_learner.h"

#include <locale.h>
#include <sys/stat.h>

/* At the step's beginning, before anything of it is done. Lines parted by newlines: "! " must be diagnosed as @trap, and be said; "^" is followed by Ctrl-C; "@2" looks at terminal 2. */
struct turn {
    unsigned step;
    const char *trap, *lines;
};

static const struct turn new_root[] = {
    { 1, "command-misspelt", "! mkdri /my-new-root" },
    { 1, "prompt-typed", "! $ mkdir /my-new-root" },
    { 1, "parent-missing", "! echo secret > /my-new-root/secret.txt" },
    { 1, "unfinished-quote", "! ^echo the spare key's place > /my-new-root/secret.txt" },
    { 2, "slash-missing", "! chroot my-new-root bash" },
    { 2, "path-misspelt", "! chroot /my-new-rot bash" },
    { 2, "chroot-no-directory", "! chroot bash /my-new-root" },
    { 2, "sudo", "! sudo chroot /my-new-root bash" },
    { 2, "curly-quotes", "! chroot “/my-new-root” bash" },
    { 3, "copy-no-directory", "! cp /bin/bash /bin/ls /my-new-root/bin/" },
    { 3, "path-misspelt", "! cp /bin/bsah /my-new-root" },
    { 5, "spaces-around-equals", "! loader = $(ldd /bin/bash)" },
    { 5, "copy-no-directory", "! cp -L /bin/bash /my-new-root/lib64/" },
    { 5, "loader-missing", "! chroot /my-new-root /bin/bash" },
    { 5, "loader-elsewhere",
      "mkdir /my-new-root/elsewhere /my-new-root/lib; cp -L $(ldd /bin/bash | grep -o '/[^ ]*/ld-[^ ]*') "
      "/my-new-root/lib\n! chroot /my-new-root bash\nrm -r /my-new-root/elsewhere /my-new-root/lib" },
    { 5, "loader-dangling",
      "L=$(ldd /bin/bash | grep -o '/[^ ]*/ld-[^ ]*'); mkdir -p /my-new-root${L%/*}; ln -s /usr$L.nowhere "
      "/my-new-root$L\n! chroot /my-new-root bash\nrm /my-new-root$L; rmdir /my-new-root${L%/*}" },
    { 7, "library-missing", "! chroot /my-new-root bash" },
    { 7, "library-elsewhere",
      "cp -L /lib/*-linux-gnu/libtinfo.so.6 /my-new-root/bin\n! chroot /my-new-root bash\nrm "
      "/my-new-root/bin/libtinfo.so.6" },
    { 7, "copy-needs-r", "! cp /lib/*-linux-gnu /my-new-root" },
    { 9, "not-in-this-root", "! cp /bin/cat /bin/cat2" },
    { 9, "not-in-this-root", "! mkdir /lib2" },
    { 11, "path-from-outside", "! cat /my-new-root/secret.txt" },
    { 11, "outside-this-root", "! cat /etc/passwd" },
    { 11, "not-in-this-root", "! ldcopy /bin/bash /bin/ls /another-root" },
};

static const struct turn whole_root[] = {
    { 2, "chroot-no-directory", "! chroot rootfs /bin/busybox echo hello" },
    { 3, "slash-too-many", "! chroot /rootfs /bin/busybox echo hello" },
    { 3, "program-not-in-root", "! chroot rootfs vi" },
    { 5, "parent-missing", "! mkdir rootfs/usr/bin" },
    { 6, "program-not-in-root", "! chroot rootfs bash" },
    { 7, "parent-missing", "! echo root:x:0:0:root:/root:/bin/sh > rootfs/etc/passwd" },
    { 8, "mount-point-missing", "! mount --bind /dev/null rootfs/dev/null" },
    { 8, "mknod-refused", "! mknod rootfs/null c 1 3" },
    { 9, "mount-point-missing", "! mount -t proc proc rootfs/proc" },
    { 10, "mount-source-missing", "! mount -t proc rootfs/proc" },
    { 10, "umount-not-mounted", "! umount rootfs/dev" },
    { 10, "debootstrap-suite", "! debootstrap --variant=minbase bokworm /better-root" },
    { 10, "debootstrap-no-directory", "! debootstrap bookworm" },
    { 10, "mounts-below-removed", "umount rootfs/proc\n! rm -rf rootfs/dev" },
};

static const struct turn not_enough[] = {
    { 1, "path-misspelt", "! chroot /better-rot bash" },
    { 1, "slash-missing", "! chroot better-root bash" },
    { 2, "not-in-this-root", "! grep x /etc/passwd" },
    { 5, "kill-gone", "! kill 999999" },
    { 5, "kill-nobody", "! kill $(pgrep -x tial)" },
    { 6, "unknown-option", "! ps --all-of-them" },
    { 9, "outside-this-root", "exit\n! cat /my-new-root/secret.txt\nchroot /proc/1/root bash" },
    { 10, "path-from-outside", "! cat /better-root/etc/passwd" },
};

static const struct turn namespaces[] = {
    { 2, "hostname-of-everybody", "! hostname my-test-container" },
    { 3, "unknown-option", "! unshare -pid bash" },
    { 4, "children-elsewhere", "! ls /" },
    { 5, "stale-proc", "! ps ax" },
    { 6, "unknown-option", "! unshare --users bash" },
    { 7, "nobody-here", "! hostname island" },
    { 8, "mount-in-whose-table", "! mount -t tmpfs none /mnt" },
    { 8, "id-not-mapped", "touch five\n! chown 5 five" },
    { 9, "sysfs-not-your-network", "! mount -t sysfs none /sys" },
    { 10, "path-misspelt", "! chroot /better-rot bash" },
    { 12, "not-in-this-root", "@1\n! unshare --pid bash" },
    { 13, "kill-other-namespace", "@1\n! kill $(cat /number)" },
    { 13, "nsenter-which", "@2\n! nsenter --mount bash" },
    { 13, "nsenter-gone", "@2\n! nsenter --target 999999 --mount bash\n@1" },
};

static const struct turn pivot[] = {
    { 1, "pivot-old-missing", "! pivot_root . oldroot" },
    { 3, "mount-point-missing", "! mount --bind rootfs /my-ubuntu-container" },
    { 4, "pivot-went-before-mount",
      "umount /my-ubuntu-container; cd /my-ubuntu-container; mount --bind /root/rootfs /my-ubuntu-container\n! "
      "pivot_root . oldroot\ncd /root" },
    { 4, "pivot-not-mount-point", "! pivot_root rootfs rootfs/oldroot" },
    { 5, "pivot-old-missing", "! pivot_root . olroot" },
    { 6, "pivot-shared", "! pivot_root . oldroot" },
    { 7, "umount-needs-proc", "! umount -l /oldroot" },
    { 8, "umount-busy-below", "! umount /oldroot/" },
    { 9, "not-in-this-root", "! ldd /bin/ls" },
};

static const struct turn groups[] = {
    { 2, "controller-misspelt", "! cgcreate -g cpu,memroy:/sandbox" },
    { 3, "cg-process-gone", "! cgclassify -g memory:sandbox 999999" },
    { 3, "cg-group-misspelt", "! cgclassify -g memory:sandbx $$" },
    { 4, "cg-no-such-file", "! cgset -r cpu.share=2 sandbox" },
    { 4, "cg-value", "! cgset -r cpu.cfs_quota_us=10 sandbox" },
};

/* The steps before it are replayed: those that burn memory and fork are left out so. */
static const struct turn groups_by_hand[] = {
    { 13, "ambiguous-redirect", "! echo 64M > $limit" },
    { 13, "parent-missing", "! echo $$ > byhand/cgroup.procs" },
    { 14, "cgroup-removed-as-files", "! rm -rf byhand" },
    { 14, "cgroup-value", "! echo 64MB > byhand/memory.limit_in_bytes" },
    { 14, "v2-name-on-v1", "! cat byhand/memory.max" },
};

static const struct turn overlay[] = {
    { 2, "mount-point-missing", "! mount -t overlay overlay -o lowerdir=image,upperdir=upper,workdir=work merged" },
    { 2, "overlay-upper-missing",
      "mkdir merged\n! mount -t overlay overlay -o lowerdir=image,upperdir=upper -o workdir=work,userxattr merged" },
    { 2, "overlay-lower-missing",
      "mkdir upper work\n! mount -t overlay overlay -o lowerdir=imgae,upperdir=upper,workdir=work merged" },
    { 2, "overlay-space", "! mount -t overlay overlay -o lowerdir=image, upperdir=upper,workdir=work merged" },
    { 2, "overlay-no-work",
      "! mount -t overlay overlay -o lowerdir=image,upperdir=upper merged\nrmdir upper work merged" },
    { 3, "remove-mounted", "! rmdir merged" },
    { 4, "overlay-on-overlay",
      "mkdir -p /usr/a /usr/b /usr/c\n! mount -t overlay overlay -o "
      "lowerdir=image,userxattr,upperdir=/usr/a,workdir=/usr/b /usr/c" },
    { 6, "no-x-bit", "! ./container.sh image ls /" },
    { 6, "needs-dot-slash", "! container.sh image ls /" },
    { 8, "wrong-directory", "touch /root/file-at-home\n! cat file-at-home" },
    { 11, "whiteout-opened", "! cat layer4/file3" },
};

struct played {
    bool done, failed;
    char why[512];
};

static void on_played(struct session *session, const struct block *block, const struct block_result *result, void *data)
{
    struct played *played = data;
    played->done = true;
    if (!result->matched_exit && !result->skipped) {
        played->failed = true;
        snprintf(played->why, sizeof played->why, "%s", result->why);
    }
}

/* Do the step as it is written, and go on. Nothing that it has one type may be commented on. */
static void do_step(struct learner *learner, unsigned *wrong)
{
    struct err err = { 0 };
    unsigned number = session_current(learner->session), said = learner->said_count;
    const struct step *step = &learner->lesson->steps[number - 1];
    for (size_t i = 0; i < step->block_count; i++) {
        struct played played = { 0 };
        if (session_play_block(learner->session, &step->blocks[i], on_played, &played, &err) < 0)
            fail_msg("step %u: %s", number, err.message);
        for (uint64_t until = loop_now() + LEARNER_MS; !played.done;)
            learner_turn(learner, until, "the block's end");
        if (played.failed)
            fail_msg("step %u: %s", number, played.why);
    }
    if (learner->said_count != said) {
        print_message("# step %u of %s, done as it says: %s\n", number, learner->lesson->title, learner->last_said);
        ++*wrong;
    }
    for (uint64_t until = loop_now() + LEARNER_MS; !session_current_passed(learner->session);)
        learner_turn(learner, until, session_why(learner->session));
    learner->stepped = false;
    session_next(learner->session, false);
    for (uint64_t until = loop_now() + LEARNER_MS; !learner->stepped || session_current(learner->session) == number;)
        learner_turn(learner, until, "the next step");
}

static void take_turn(struct learner *learner, const struct turn *turn, unsigned *wrong)
{
    char *copy = strdup(turn->lines), *rest = copy, *line;
    while ((line = strsep(&rest, "\n"))) {
        bool judged = strncmp(line, "! ", 2) == 0;
        line += judged ? 2 : 0;
        bool interrupted = *line == '^';
        line += interrupted;
        if (*line == '@') {
            learner_terminal(learner, (unsigned)(line[1] - '0'));
            continue;
        }
        learner_type(learner, line);
        if (judged && (strcmp(learner->trap, turn->trap) != 0 || !*learner->said)) {
            const struct session_evidence *evidence = session_evidence(learner->session);
            print_message("# step %u: `%s` is %s (%s), expected %s; status %d, output: %s\n", turn->step, line,
                          *learner->trap ? learner->trap : "none", *learner->said ? "said" : "not said", turn->trap,
                          evidence ? evidence->status : 0, evidence ? evidence->output : "");
            ++*wrong;
        }
        if (interrupted)
            learner_interrupt(learner);
    }
    free(copy);
}

static void walk(const char *path, unsigned first, const struct turn *turns, size_t count)
{
    struct learner learner;
    unsigned wrong = 0;
    learner_start(&learner, path, NULL, first);
    for (size_t i = 0; i < count; i++) {
        while (session_current(learner.session) < turns[i].step)
            do_step(&learner, &wrong);
        take_turn(&learner, &turns[i], &wrong);
    }
    learner_stop(&learner);
    assert_int_equal(wrong, 0);
}
#define WALK(path, first, turns) walk("lessons/" path, first, turns, sizeof(turns) / sizeof *(turns))

static void a_new_root(void **state)
{
    WALK("01-a-new-root.md", 1, new_root);
}

static void a_whole_root_filesystem(void **state)
{
    WALK("02-a-whole-root-filesystem.md", 1, whole_root);
}

static void why_chroot_is_not_enough(void **state)
{
    WALK("03-why-chroot-is-not-enough.md", 1, not_enough);
}

static void namespaces_one_by_one(void **state)
{
    WALK("04-namespaces.md", 1, namespaces);
}

static void pivot_root(void **state)
{
    WALK("05-pivot-root.md", 1, pivot);
}

static void control_groups(void **state)
{
    struct stat st;
    WALK("06-cgroups.md", 1, groups);
    if (stat("/sys/fs/cgroup/memory", &st) == 0) /* by hand: the names of v1's files */
        WALK("06-cgroups.md", 13, groups_by_hand);
}

static void overlays(void **state)
{
    WALK("07-overlay.md", 1, overlay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_root),
        cmocka_unit_test(a_whole_root_filesystem),
        cmocka_unit_test(why_chroot_is_not_enough),
        cmocka_unit_test(namespaces_one_by_one),
        cmocka_unit_test(pivot_root),
        cmocka_unit_test(control_groups),
        cmocka_unit_test(overlays),
    };
    const char *source = getenv("TEACHROOT_SOURCE");
    if (source && chdir(source) < 0)
        return 1;
    setlocale(LC_ALL, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
