/* Trees to archives and back: nothing is lost, the same tree gives the same bytes; layers applied on one another, and taken apart for overlays. */
#include "engine/base/cleanup.h"
#include "engine/layers/tar.h"
#include "engine/rootfs/copy_tree.h"
#include "tests/unit/archive.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <cmocka.h>

static char home[] = "/tmp/tar-XXXXXX";
static bool root;
static int to = -1; /* where the test unpacks */
static struct archive a;
static char skipped[4096];

/* --- Helpers -------------------------------------------------------------------------------------------------------------------------- */

static void put(const char *path, const char *text)
{
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int directory(const char *path)
{
    mkdir(path, 0755);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void note_skipped(const char *path, const char *why, void *data)
{
    size_t used = strlen(skipped);
    snprintf(skipped + used, sizeof skipped - used, "%s: %s\n", path, why);
}

/* Into a file that has no name. */
static int packed(int dir, struct tar_pack options, struct digest *digest)
{
    struct err err = { 0 };
    int file = memfd_create("packed", MFD_CLOEXEC);
    struct sink *sink = sink_digest(sink_fd(file, NULL), digest, NULL, NULL);
    options.skipped = note_skipped;
    skipped[0] = '\0';
    if (tar_pack(dir, sink, &options, NULL, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(sink->finish(sink, NULL), 0);
    sink_close(sink);
    lseek(file, 0, SEEK_SET);
    return file;
}

static int unpacked(struct source *from, int dir, struct tar_unpack options, struct err *err)
{
    struct err own = { 0 };
    options.skipped = note_skipped;
    skipped[0] = '\0';
    int result = tar_unpack(from, dir, &options, NULL, err ? err : &own);
    source_close(from);
    if (result < 0 && !err)
        fail_msg("%s", own.message);
    return result;
}

/* Unpack what the test made in @a, which is empty again. */
static void apply(struct tar_unpack options)
{
    options.squash = !root;
    archive_end(&a);
    unpacked(source_memory(a.data, a.size, NULL), to, options, NULL);
    a.size = 0;
}

static bool there(const char *path)
{
    struct stat st;
    return fstatat(to, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct stat stat_of(const char *path)
{
    struct stat st;
    assert_int_equal(fstatat(to, path, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st;
}

static void holds(const char *path, const char *text)
{
    char got[256] = "";
    cleanup_close int fd = openat(to, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, got, sizeof got - 1) >= 0);
    assert_string_equal(got, text);
}

static int make_home(void **state)
{
    umask(022);
    root = geteuid() == 0;
    return !mkdtemp(home) || chdir(home) < 0 ? -1 : 0;
}

static int remove_home(void **state)
{
    free(a.data);
    chdir("/");
    return rootfs_remove_tree(AT_FDCWD, home, NULL);
}

static int make_target(void **state)
{
    to = directory("to");
    a.size = 0;
    return 0;
}

static int remove_target(void **state)
{
    close(to);
    return rootfs_remove_tree(AT_FDCWD, "to", NULL);
}

/* --- Round trips ---------------------------------------------------------------------------------------------------------------------- */

static void make_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strcpy(address.sun_path, path);
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
}

static void set_times(const char *path, int64_t seconds, long nanoseconds)
{
    const struct timespec time = { seconds, nanoseconds }, times[2] = { time, time };
    assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* user::rw- user:1000:r-- group::r-- mask::rw- other::--- */
static const char acl[] = "\2\0\0\0\1\0\6\0\xff\xff\xff\xff\2\0\4\0\xe8\3\0\0\4\0\4\0\xff\xff\xff\xff\x10\0\6\0\xff\xff"
                          "\xff\xff \0\0\0\xff\xff\xff\xff";
static const char capability[20] = "\1\0\0\2\0\x20\0\0";

static void make_everything(const char *top)
{
    char deep[2000] = "deep";
    assert_int_equal(mkdir(top, 0755), 0);
    assert_int_equal(chdir(top), 0);
    put("plain", "text\n");
    put("empty", "");
    put("caf\xc3\xa9", "composed");
    put("cafe\xcc\x81", "not composed");
    put("bad\xff\xfe", "no UTF-8");
    put("new\nline", "");
    put(" ", "");
    mkdir("sticky", 0);
    chmod("sticky", 01777);
    mkdir("dark", 0500);
    symlink("../../outside", "link");
    char target[400];
    memset(target, 't', sizeof target);
    target[399] = '\0';
    symlink(target, "long link");
    link("plain", "zz hard");
    link("link", "zz hard link");
    for (int i = 0; i < 15; i++) {
        mkdir(deep, 0755);
        strcat(deep, "/0123456789012345678901234567890123456789012345678901234567890123456789\xc3\xa9");
    }
    put(deep, "deep down");
    mkfifo("fifo", 0620);
    make_socket("socket");
    cleanup_close int sparse = open("sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(pwrite(sparse, "middle", 6, (off_t)9 << 30), 6);
    assert_int_equal(pwrite(sparse, "start", 5, 0), 5);
    assert_int_equal(ftruncate(sparse, ((off_t)10 << 30) + 12345), 0);
    put("hole", "");
    assert_int_equal(truncate("hole", 1 << 20), 0);
    setxattr("plain", "user.bytes", "\0=\n\xff", 4, 0);
    setxattr("plain", "user.none", "", 0, 0);
    setxattr("sticky", "user.of a directory", "v", 1, 0);
    assert_int_equal(setxattr("empty", "system.posix_acl_access", acl, sizeof acl - 1, 0), 0);
    assert_int_equal(setxattr("sticky", "system.posix_acl_default", acl, sizeof acl - 1, 0), 0);
    if (root) {
        lsetxattr("link", "trusted.of a link", "v", 1, 0);
        mknod("null", S_IFCHR | 0666, makedev(1, 3));
        mknod("disk", S_IFBLK | 0660, makedev(259, 70000));
        chown("disk", 0, 6);
        lchown("link", 1, 2);
        chown("plain", 4000000000U, 3000000);
        chown("caf\xc3\xa9", 1000, 1000);
        setxattr("caf\xc3\xa9", "security.capability", capability, sizeof capability, 0);
    }
    chmod("plain", 06755);
    set_times("plain", -5, 250000000);
    set_times("empty", 0, 0);
    set_times("link", ((int64_t)1 << 33) + 5, 1);
    set_times("sticky", 12345, 999999999);
    set_times(".", 1000000000, 500);
    assert_int_equal(chdir(".."), 0);
}

static void a_tree_with_everything_survives(void **state)
{
    struct digest first, second;
    make_everything("all");
    cleanup_close int all = directory("all");
    cleanup_close int file = packed(all, (struct tar_pack){ 0 }, &first);
    assert_string_equal(skipped, "socket: socket\n");
    unpacked(source_fd(file, NULL), to, (struct tar_unpack){ .plain = true, .squash = !root }, NULL);
    assert_string_equal(skipped, "");
    cleanup_close int again = packed(to, (struct tar_pack){ 0 }, &second);
    if (root) /* who squashes loses set-id bits */
        assert_string_equal(first.text, second.text);

    /* What the digest cannot tell, as packing might leave it out both times. */
    char value[64];
    struct stat st = stat_of("sparse");
    assert_int_equal(st.st_size, ((off_t)10 << 30) + 12345);
    assert_true(st.st_blocks < 100);
    assert_int_equal(stat_of("zz hard").st_ino, stat_of("plain").st_ino);
    assert_int_equal(stat_of("zz hard link").st_ino, stat_of("link").st_ino);
    assert_int_equal(stat_of("plain").st_mtim.tv_sec, -5);
    assert_int_equal(stat_of("plain").st_mtim.tv_nsec, 250000000);
    assert_int_equal(stat_of("sticky").st_mtim.tv_nsec, 999999999);
    assert_int_equal(stat_of("sticky").st_mode & 07777, 01777);
    assert_int_equal(stat_of("dark").st_mode & 07777, 0500);
    holds("caf\xc3\xa9", "composed");
    holds("cafe\xcc\x81", "not composed");
    holds("bad\xff\xfe", "no UTF-8");
    assert_int_equal(getxattr("to/plain", "user.bytes", value, sizeof value), 4);
    assert_memory_equal(value, "\0=\n\xff", 4);
    assert_int_equal(getxattr("to/empty", "system.posix_acl_access", value, sizeof value), sizeof acl - 1);
    assert_memory_equal(value, acl, sizeof acl - 1);
    if (root) {
        assert_int_equal(getxattr("to/caf\xc3\xa9", "security.capability", value, sizeof value), sizeof capability);
        assert_int_equal(stat_of("plain").st_uid, 4000000000U);
        assert_int_equal(stat_of("plain").st_mode & 07777, 06755);
        assert_int_equal(stat_of("disk").st_rdev, makedev(259, 70000));
    }
}

static void the_same_tree_gives_the_same_bytes(void **state)
{
    struct digest one, other;
    mkdirat(to, "b", 0755);
    mkdirat(to, "a", 0755);
    put("to/a/y", "1");
    put("to/a/x", "2");
    cleanup_close int copy = directory("copy");
    put("copy/later", "");
    mkdir("copy/a", 0755);
    put("copy/a/x", "2");
    mkdir("copy/b", 0755);
    put("copy/a/y", "1");
    unlink("copy/later");
    cleanup_close int x = packed(to, (struct tar_pack){ .set_time = true, .time = 5 }, &one);
    cleanup_close int y = packed(copy, (struct tar_pack){ .set_time = true, .time = 5 }, &other);
    assert_string_equal(one.text, other.text);
    char block[512];
    assert_int_equal(pread(x, block, sizeof block, 0), sizeof block);
    assert_string_equal(((struct tar_header *)block)->name, "./");
    assert_int_equal(((struct tar_header *)block)->type, '5'); /* and no pax header before it */
    assert_int_equal(lseek(x, 0, SEEK_END), 512 * (5 + 2 + 2));
    rootfs_remove_tree(AT_FDCWD, "copy", NULL);
}

static void times_are_clamped(void **state)
{
    struct digest digest;
    put("to/old", "");
    put("to/new", "");
    set_times("to/old", 100, 0);
    set_times("to/new", 300, 7);
    cleanup_close int file = packed(to, (struct tar_pack){ .clamp_time = true, .time = 200 }, &digest);
    unpacked(source_fd(file, NULL), to, (struct tar_unpack){ .plain = true, .squash = !root }, NULL);
    assert_int_equal(stat_of("old").st_mtim.tv_sec, 100);
    assert_int_equal(stat_of("new").st_mtim.tv_sec, 200);
    assert_int_equal(stat_of("new").st_mtim.tv_nsec, 0);
}

static void ids_are_shifted_out_and_back(void **state)
{
    static const struct id_map map[] = { { 0, 500000, 1 }, { 1, 600000, 65535 } };
    const struct tar_ids ids = { map, map, 2, 2 };
    struct digest one, other;
    char value[64];
    if (!root)
        skip();
    cleanup_close int from = directory("from");
    put("from/f", "x");
    chown("from/f", 1000, 7);
    setxattr("from/f", "system.posix_acl_access", acl, sizeof acl - 1, 0);
    put("from/cap", "x");
    setxattr("from/cap", "security.capability", capability, sizeof capability, 0);
    cleanup_close int file = packed(from, (struct tar_pack){ 0 }, &one);
    unpacked(source_fd(file, NULL), to, (struct tar_unpack){ .plain = true, .ids = ids }, NULL);
    assert_int_equal(stat_of("f").st_uid, 600999);
    assert_int_equal(stat_of("f").st_gid, 600006);
    assert_int_equal(stat_of("cap").st_uid, 500000);
    assert_int_equal(getxattr("to/f", "system.posix_acl_access", value, sizeof value), sizeof acl - 1);
    uint32_t id;
    memcpy(&id, value + 16, 4);
    assert_int_equal(id, 600999);
    /* Capabilities are those of the shifted root's user namespace. */
    assert_int_equal(getxattr("to/cap", "security.capability", value, sizeof value), 24);
    memcpy(&id, value + 20, 4);
    assert_int_equal(id, 500000);
    cleanup_close int again = packed(to, (struct tar_pack){ .ids = ids }, &other);
    assert_string_equal(one.text, other.text);
    rootfs_remove_tree(AT_FDCWD, "from", NULL);
}

static void a_file_that_changes_while_packed_is_an_error(void **state)
{
    struct err err = { 0 };
    cleanup_close int grows = openat(to, "grows", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    cleanup_free char *zeros = calloc(1, 1 << 20);
    write(grows, zeros, 1 << 20);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) { /* reads a little, then changes the file, then the rest */
        read(ends[0], zeros, 4096);
        write(grows, zeros, 1);
        close(ends[1]);
        while (read(ends[0], zeros, 1 << 20) > 0)
            ;
        _exit(0);
    }
    struct sink *sink = sink_fd(ends[1], NULL);
    assert_int_equal(tar_pack(to, sink, &(struct tar_pack){ 0 }, NULL, &err), -1);
    assert_int_equal(err.code, EBUSY);
    assert_non_null(strstr(err.message, "`grows`"));
    sink_close(sink);
    close(ends[0]);
    close(ends[1]);
    waitpid(pid, NULL, 0);
}

static void other_file_systems_are_left_out_when_asked(void **state)
{
    if (!root)
        skip();
    pid_t pid = fork();
    if (pid == 0) {
        struct digest digest;
        mkdirat(to, "mounted", 0700);
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("none", "to/mounted", "tmpfs", 0, NULL) < 0)
            _exit(2);
        put("to/mounted/inside", "");
        int fd = packed(to, (struct tar_pack){ .one_file_system = true }, &digest);
        cleanup_close int into = directory("into");
        unpacked(source_fd(fd, NULL), into, (struct tar_unpack){ .plain = true }, NULL);
        _exit(faccessat(into, "mounted", F_OK, 0) == 0 && faccessat(into, "mounted/inside", F_OK, 0) < 0 ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    rootfs_remove_tree(AT_FDCWD, "into", NULL);
    assert_int_equal(status, 0);
}

/* --- What is there already ------------------------------------------------------------------------------------------------------------ */

static void what_is_there_is_replaced(void **state)
{
    archive_file(&a, "d/in", "x");
    archive_file(&a, "f", "long text that was here before");
    archive_link(&a, "s", '2', "d");
    archive_directory(&a, "kept");
    archive_file(&a, "kept/old", "old");
    apply((struct tar_unpack){ 0 });
    archive_file(&a, "d", "a file");
    archive_file(&a, "f", "short");
    archive_directory(&a, "s");
    archive_file(&a, "s/new", "new");
    struct tar_header header = header_of("kept/", '5', 0);
    memcpy(header.mode, "0000700", 8);
    archive_header(&a, header);
    archive_file(&a, "kept/new", "new");
    apply((struct tar_unpack){ 0 });
    holds("d", "a file");
    holds("f", "short");
    assert_true(S_ISDIR(stat_of("s").st_mode));
    holds("s/new", "new");
    holds("kept/old", "old");
    holds("kept/new", "new");
    assert_int_equal(stat_of("kept").st_mode & 07777, 0700);
    assert_int_equal(stat_of("kept").st_mtim.tv_sec, 01750);
}

static void a_directory_has_no_attributes_but_the_last_ones(void **state)
{
    char names[64];
    archive_text_record(&a, "SCHILY.xattr.user.old", "v");
    archive_directory(&a, "d");
    apply((struct tar_unpack){ 0 });
    archive_text_record(&a, "SCHILY.xattr.user.new", "v");
    archive_directory(&a, "d");
    apply((struct tar_unpack){ 0 });
    assert_int_equal(getxattr("to/d", "user.old", names, sizeof names), -1);
    assert_int_equal(getxattr("to/d", "user.new", names, sizeof names), 1);
}

static void nothing_is_inherited_from_the_directory(void **state)
{
    char value[64];
    mkdirat(to, "d", 0755);
    assert_int_equal(setxattr("to/d", "system.posix_acl_default", acl, sizeof acl - 1, 0), 0);
    if (root)
        chown("to/d", 0, 50);
    chmod("to/d", 02755);
    archive_file(&a, "d/f", "x");
    archive_directory(&a, "d/e");
    apply((struct tar_unpack){ 0 });
    assert_int_equal(getxattr("to/d/f", "system.posix_acl_access", value, sizeof value), -1);
    assert_int_equal(getxattr("to/d/e", "system.posix_acl_default", value, sizeof value), -1);
    assert_int_equal(stat_of("d/f").st_mode & 07777, 0644);
    assert_int_equal(stat_of("d/e").st_mode & 07777, 0755);
    if (root)
        assert_int_equal(stat_of("d/f").st_gid, 0);
}

static void an_access_control_list_as_text_is_one(void **state)
{
    char value[64];
    archive_text_record(&a, "SCHILY.acl.access", "user::rw-,user:1000:r--,group::r--,mask::rw-,other::---");
    archive_file(&a, "f", "x");
    archive_text_record(&a, "SCHILY.acl.access",
                        "user::rw-\nuser:eve:r--:1000\ngroup::r--\t#effective:r--\nmask::rw-\nother::---");
    archive_file(&a, "g", "x");
    apply((struct tar_unpack){ 0 });
    for (int i = 0; i < 2; i++) {
        assert_int_equal(getxattr(i ? "to/g" : "to/f", "system.posix_acl_access", value, sizeof value), sizeof acl - 1);
        assert_memory_equal(value, acl, sizeof acl - 1);
    }
}

/* --- Whiteouts ------------------------------------------------------------------------------------------------------------------------ */

static void lower_layer(void)
{
    archive_directory(&a, "d");
    archive_file(&a, "d/low", "low");
    archive_directory(&a, "d/sub");
    archive_file(&a, "d/sub/low", "low");
    archive_file(&a, "gone", "low");
    archive_file(&a, "stays", "low");
    archive_directory(&a, "tree");
    archive_file(&a, "tree/low", "low");
    apply((struct tar_unpack){ 0 });
}

static void layers_are_applied_on_one_another(void **state)
{
    lower_layer();
    archive_file(&a, ".wh.gone", "");
    archive_file(&a, ".wh.tree", "");
    archive_file(&a, ".wh.never", "");
    archive_file(&a, "nowhere/.wh.never", "");
    archive_file(&a, "d/new", "new");
    apply((struct tar_unpack){ 0 });
    assert_false(there("gone"));
    assert_false(there("tree"));
    assert_false(there("nowhere"));
    assert_false(there(".wh.gone"));
    holds("d/low", "low");
    holds("d/new", "new");
    holds("stays", "low");
}

/* In either order, and through a link to the directory. */
static void opaque_hides_only_what_lower_layers_had(void **state)
{
    for (int order = 0; order < 3; order++) {
        lower_layer();
        if (order == 2)
            archive_link(&a, "through", '2', "d");
        if (order == 0)
            archive_file(&a, "d/.wh..wh..opq", "");
        archive_directory(&a, "d");
        archive_file(&a, order == 2 ? "through/new" : "d/new", "new");
        archive_file(&a, "d/sub/new", "new");
        archive_link(&a, "d/linked", '1', "d/new");
        if (order > 0)
            archive_file(&a, "d/.wh..wh..opq", "");
        apply((struct tar_unpack){ 0 });
        assert_false(there("d/low"));
        assert_false(there("d/sub/low"));
        holds("d/new", "new");
        holds("d/sub/new", "new");
        holds("d/linked", "new");
        holds("stays", "low");
    }
}

static void a_whiteout_hides_nothing_of_its_own_layer(void **state)
{
    for (int order = 0; order < 2; order++) {
        lower_layer();
        for (int i = 0; i < 2; i++) {
            if (i == order) {
                archive_file(&a, ".wh.gone", "");
                archive_file(&a, ".wh.tree", "");
            } else {
                archive_file(&a, "gone", "new");
                archive_directory(&a, "tree");
                archive_file(&a, "tree/new", "new");
            }
        }
        apply((struct tar_unpack){ 0 });
        holds("gone", "new");
        assert_false(there("tree/low"));
        holds("tree/new", "new");
    }
}

static void whiteouts_become_an_overlays(void **state)
{
    enum whiteout_form form = root ? WHITEOUT_OVERLAY : WHITEOUT_USERXATTR;
    struct digest one;
    for (int order = 0; order < 2; order++) {
        for (int i = 0; i < 2; i++) {
            if (i == order) {
                archive_file(&a, ".wh.gone", "");
                archive_file(&a, ".wh.tree", "");
                archive_file(&a, ".wh.again", "");
            } else {
                archive_directory(&a, "tree");
                archive_file(&a, "again", "new");
            }
        }
        archive_file(&a, "d/.wh..wh..opq", "");
        archive_file(&a, "d/.wh.x", "");
        apply((struct tar_unpack){ .form = form });
        struct stat st = stat_of("gone");
        assert_true(whiteout_is(&st));
        st = stat_of("d/x");
        assert_true(whiteout_is(&st));
        holds("again", "new");
        cleanup_close int d = openat(to, "d", O_RDONLY | O_CLOEXEC), tree = openat(to, "tree", O_RDONLY | O_CLOEXEC);
        assert_true(whiteout_is_opaque(d, form));
        assert_true(whiteout_is_opaque(tree, form));
    }
    /* And back. */
    cleanup_close int file = packed(to, (struct tar_pack){ .form = form }, &one);
    char text[16384] = "";
    assert_true(read(file, text, sizeof text) > 512);
    size_t found = 0;
    static const char *const names[] = { ".wh.gone", "d/.wh..wh..opq", "d/.wh.x", "tree/.wh..wh..opq", "again" };
    for (size_t at = 0; at < sizeof text; at += 512)
        for (size_t i = 0; i < 5; i++)
            found += strcmp(text + at, names[i]) == 0;
    assert_int_equal(found, 5);
    assert_null(memmem(text, sizeof text, "overlay", 7));
}

static void without_layers_whiteouts_are_names(void **state)
{
    archive_file(&a, ".wh.f", "x");
    archive_file(&a, ".wh..wh..opq", "y");
    apply((struct tar_unpack){ .plain = true });
    holds(".wh.f", "x");
    holds(".wh..wh..opq", "y");
}

/* A name that would come back as a whiteout is not put into a layer. */
static void a_layer_cannot_have_a_file_like_a_whiteout(void **state)
{
    struct err err = { 0 };
    put("to/.wh.f", "");
    cleanup_close int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct sink *sink = sink_fd(null, NULL);
    assert_int_equal(tar_pack(to, sink, &(struct tar_pack){ .form = WHITEOUT_OVERLAY }, NULL, &err), -1);
    assert_int_equal(err.code, EINVAL);
    sink_close(sink);
}

static void the_source_is_read_to_its_end(void **state)
{
    struct digest whole, seen = { "" };
    archive_file(&a, "f", "x");
    archive_end(&a);
    archive_bytes(&a, "behind the end mark", 19);
    digest_of(a.data, a.size, &whole, NULL);
    unpacked(source_digest(source_memory(a.data, a.size, NULL), &seen, NULL, NULL), to,
             (struct tar_unpack){ .squash = !root }, NULL);
    assert_string_equal(seen.text, whole.text);
}

#define WITH_TARGET(test) cmocka_unit_test_setup_teardown(test, make_target, remove_target)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_TARGET(a_tree_with_everything_survives),
        WITH_TARGET(the_same_tree_gives_the_same_bytes),
        WITH_TARGET(times_are_clamped),
        WITH_TARGET(ids_are_shifted_out_and_back),
        WITH_TARGET(a_file_that_changes_while_packed_is_an_error),
        WITH_TARGET(other_file_systems_are_left_out_when_asked),
        WITH_TARGET(what_is_there_is_replaced),
        WITH_TARGET(a_directory_has_no_attributes_but_the_last_ones),
        WITH_TARGET(nothing_is_inherited_from_the_directory),
        WITH_TARGET(an_access_control_list_as_text_is_one),
        WITH_TARGET(layers_are_applied_on_one_another),
        WITH_TARGET(opaque_hides_only_what_lower_layers_had),
        WITH_TARGET(a_whiteout_hides_nothing_of_its_own_layer),
        WITH_TARGET(whiteouts_become_an_overlays),
        WITH_TARGET(without_layers_whiteouts_are_names),
        WITH_TARGET(a_layer_cannot_have_a_file_like_a_whiteout),
        WITH_TARGET(the_source_is_read_to_its_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("tar", tests, make_home, remove_home);
}
