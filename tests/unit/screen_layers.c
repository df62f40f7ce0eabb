/* The layers of an overlay beside the step, on a terminal of its own: read back from the screen as a learner sees it. */
#include "tests/unit/screen_learner.h"

#define SOON_MS 20000
#define STACK                                                                                                          \
    "mkdir -p l1 l2 l3/dir l4 w m; for n in 1 2 3; do touch l$n/file$n l$n/same; done; touch l3/dir/a; "               \
    "mount -t overlay overlay -o lowerdir=l1:l2:l3,upperdir=l4,workdir=w,userxattr m\r"
#define CHANGE "rm -r m/file3 m/dir; mkdir m/dir; touch m/dir/b m/new m/file2\r"

static const char lesson[] =
    "# Layers\n\nWords.\n\n## One\n\nMore words.\n\n```bash\ntrue\n```\n<!-- watch\nlayers\n-->\n"
    "<!-- check\ntest -e /root/never\n-->\n";

/* The same where the layers are not what the step is about: they get what is left of the pane. */
static const char by_the_way[] = "# Layers\n\nWords.\n\n## One\n\nMore words.\n\n```bash\ntrue\n```\n"
                                 "<!-- check\ntest -e /root/never\n-->\n";

static struct harness *start(unsigned cols, unsigned rows, const char *const *env)
{
    return start_at_prompt(write_lesson(lesson), cols, rows, env);
}

static void each_layer_is_a_column_and_each_file_stands_under_the_layer_that_holds_it(void **state)
{
    struct harness *harness = start(200, 50, NULL);
    harness_send(harness, STACK);
    harness_expect(harness, "layers \\+ /root/m: 3 lower, 1 upper", SOON_MS);
    harness_expect(harness, " l4 +l1 +l2 +l3 *\n", SOON_MS);
    harness_expect(harness, " upper +lower +lower +lower *\n", SOON_MS);
    harness_expect(harness, " same +\\(same\\) +\\(same\\) *\n", SOON_MS);
    harness_send(harness, CHANGE);
    harness_expect(harness, " -file3 +\\(file3\\) *\n", SOON_MS);
    harness_expect(harness, " dir/! +\\(dir/\\) *\n", SOON_MS);
    harness_expect(harness, " file2 +\\(file2\\) *\n", SOON_MS);
    harness_send(harness, "\033[24~"); /* F12 says what the marks mean */
    harness_expect(harness, "-x deleted here, \\(x\\) hidden, x/! opaque", SOON_MS);
    harness_send(harness, "\033[24~");
    harness_expect(harness, PROMPT, SOON_MS);
    harness_send(harness,
                 "rm -r m/dir; touch m/file3\r"); /* a whiteout is where the directory was, none where the file is */
    harness_expect(harness, " -dir +\\(dir/\\) *\n", SOON_MS);
    harness_expect(harness, " file3 +\\(file3\\) *\n", SOON_MS);
    harness_send(harness, "umount m\r");
    harness_expect_gone(harness, "/root/m: 3 lower", SOON_MS);
    quit(harness);
}

static void where_there_is_little_room_the_changes_come_first(void **state)
{
    struct harness *harness = start(80, 24, NULL);
    harness_send(harness, STACK);
    harness_expect(harness, "\\+ /root/m: the upper layer is empty, over l1 l2 l3", SOON_MS);
    harness_send(harness, CHANGE);
    harness_expect(harness, "\\+ /root/m: upper l4 has dir/! dir/b file2 -file3 new", SOON_MS);
    harness_resize(harness, 120, 36);
    harness_expect(harness, "layers \\+ /root/m: 3 lower, 1 upper", SOON_MS);
    harness_expect(harness, " l4 +l1 +l2 +l3 *\n", SOON_MS);
    harness_expect(harness, " dir/! +\\(dir/\\) *\n", SOON_MS);
    harness_expect(harness, "… and [0-9] more", SOON_MS);
    harness_send(harness, "\033[24~"); /* F12: all of it */
    harness_expect(harness, " -file3 +\\(file3\\) *\n", SOON_MS);
    harness_send(harness, "\033[24~");
    quit(harness);
}

#define LONG_NAMES                                                                                                     \
    "a=$(printf 'a%.0s' {1..64}) b=$(printf 'b%.0s' {1..64}); mkdir $a $b u w m; touch {$a,$b}/both $b/f{1..9}; "      \
    "mount -t overlay overlay -o lowerdir=$a:$b,upperdir=u,workdir=w m\r"

/* As docker's store names them. What a line has no room for ends in …, never in the middle of a name as if that were all. */
static void long_names_are_cut_with_a_mark(void **state)
{
    struct harness *harness = start(120, 36, NULL);
    harness_send(harness, LONG_NAMES);
    harness_expect(harness, "layers \\+ /root/m: 2 lower, 1 upper", SOON_MS);
    harness_expect(harness, " u +a+… +b+… *\n", SOON_MS);
    harness_expect(harness, " both +\\(both\\) *\n", SOON_MS);
    harness_resize(harness, 80, 24);
    harness_expect(harness, "the upper layer is empty, over a+… b+…", SOON_MS);
    quit(harness);
}

static void a_file_is_shown_before_the_rest_is_counted(void **state)
{
    struct harness *harness = start_at_prompt(write_lesson(by_the_way), 120, 36, NULL);
    harness_send(harness, LONG_NAMES);
    harness_expect(harness, "/root/m: 2 lower, 1 upper *\n.* both in a+…; hidden in b+… *\n.*… and 9 more", SOON_MS);
    quit(harness);
}

static void more_layers_than_columns_are_a_line_for_each_file(void **state)
{
    struct harness *harness = start(200, 50, NULL);
    harness_send(harness,
                 "mkdir u w m; for n in 1 2 3 4 5 6 7 8 9; do mkdir l$n; touch l$n/f$n l$n/same; done; mount -t "
                 "overlay overlay -o lowerdir=l1:l2:l3:l4:l5:l6:l7:l8:l9,upperdir=u,workdir=w m; rm m/f2\r");
    harness_expect(harness, "layers \\+ /root/m: 9 lower, 1 upper", SOON_MS);
    harness_expect(harness, " f2 - deleted in u; hidden in l2 *\n", SOON_MS);
    harness_expect(harness, " f3 in l3 *\n", SOON_MS);
    harness_expect(harness, " same in l1; hidden in l2, l3, l4,", SOON_MS);
    harness_expect(harness, "the 2 layers further down are not looked into", SOON_MS);
    quit(harness);
}

static void a_container_in_an_overlay_is_told_of_it_from_inside(void **state)
{
    struct harness *harness = start(200, 50, NULL);
    harness_send(harness, "mkdir -p i/bin u w m; cp /bin/busybox i/bin; mount -t overlay overlay -o "
                          "lowerdir=i,upperdir=u,workdir=w m; unshare --mount chroot m /bin/busybox sh\r");
    harness_expect(harness, "busybox sh", SOON_MS);
    harness_expect(harness, "layers \\+? ?/: 1 lower, 1 upper", SOON_MS);
    harness_send(harness, "echo x >/written\r");
    harness_expect(harness, " written *\n", SOON_MS);
    harness_send(harness, "exit\r");
    quit(harness);
}

/* Two images that share a layer, the upper one of the second made by hand. */
#define IMAGES                                                                                                         \
    "mkdir -p a/etc b/etc; touch a/etc/motd a/gone b/etc/.wh.motd b/.wh.gone b/greet; tar -C a -c . | docker import "  \
    "- base >i; docker save base | tar x; tar -C b -cf b.tar .\r"
#define KEEP "k() { s=$(sha256sum <$1 | cut -c1-64); cp $1 blobs/sha256/$s; echo $s; }\r"
#define DESCRIBE                                                                                                       \
    "d() { echo '{\"mediaType\":\"application/vnd.oci.image.'$1'\",\"digest\":\"sha256:'$(k $2)'\",\"size\":'$(stat "  \
    "-c "                                                                                                              \
    "%s $2)'}'; }; l=$(docker inspect -f '{{index .RootFS.Layers 0}}' base); rm index.json manifest.json\r"
#define CONFIG                                                                                                         \
    "echo '{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"'$l'\",\"sha256:'$(k "                                     \
    "b.tar)'\"]},\"history\":[{\"comment\":"                                                                           \
    "\"below\"},{\"created_by\":\"COPY greet /\"}]}' >c; cp blobs/sha256/${l#*:} a.tar; touch w\r"
#define MANIFEST                                                                                                       \
    "echo '{\"schemaVersion\":2,\"config\":'$(d config.v1+json c)',\"layers\":['$(d layer.v1.tar a.tar),$(d "          \
    "layer.v1.tar b.tar)']}' >m\r"
#define INDEX                                                                                                          \
    "echo '{\"manifests\":[{\"annotations\":{\"org.opencontainers.image.ref.name\":\"greeter:1\"},'$(d "               \
    "manifest.v1+json m | cut -c2-)']}' >index.json; clear\r"

static struct harness *start_with_images(unsigned cols, unsigned rows)
{
    static const char *const lines[] = { KEEP, DESCRIBE, CONFIG, MANIFEST };
    struct harness *harness = start(cols, rows, NULL);
    harness_send(harness, IMAGES);
    harness_expect(harness, "base:latest, named last:|base:latest, in /root:", SOON_MS);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        harness_send(harness, lines[i]);
    harness_send(harness, INDEX);
    return harness;
}

static void an_image_is_its_layers_shared_and_not_and_each_file_in_the_layer_that_holds_it(void **state)
{
    struct harness *harness = start_with_images(200, 50);
    harness_expect(harness, "layers greeter:1, in /root: 2 layers, 20.5kB *\n", SOON_MS);
    harness_expect(harness, " [0-9a-f]{12} +10.2kB +not shared *\n", SOON_MS);
    harness_expect(harness, " [0-9a-f]{12} +10.2kB +shared with base:latest *\n", SOON_MS);
    harness_expect(harness, " etc/ +etc/ *\n", SOON_MS);
    harness_expect(harness, " -etc/motd +\\(etc/motd\\) *\n", SOON_MS);
    harness_expect(harness, " -gone +\\(gone\\) *\n", SOON_MS);
    /* What changed last is what is shown: a container, a mount, and the image again when that is gone. */
    harness_send(harness, "docker create --name box base /x\r");
    harness_expect(harness, "layers base:latest, of the newest container, box: 1 layer,", SOON_MS);
    harness_send(harness, "mkdir l u w2 m2; mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w2 m2\r");
    harness_expect(harness, "layers \\+ /root/m2: 1 lower, 1 upper", SOON_MS);
    harness_send(harness, "tar c blobs index.json oci-layout | docker load\r");
    harness_expect(harness, "layers greeter:1, named last: 2 layers", SOON_MS);
    harness_send(harness, "\033[24~"); /* F12 has both */
    harness_expect(harness, "greeter:1, named last: 2 layers", SOON_MS);
    harness_expect(harness, " [0-9a-f]{12} +10.2kB +not shared +COPY greet / *\n", SOON_MS);
    harness_expect(harness, "\\+ /root/m2: 1 lower, 1 upper", SOON_MS);
    harness_send(harness, "\033[24~");
    quit(harness);
}

static void on_a_smaller_screen_the_layers_come_before_the_files(void **state)
{
    struct harness *harness = start_with_images(120, 36);
    harness_expect(harness, "layers greeter:1, in /root: 2 layers, 20.5kB *\n", SOON_MS);
    harness_expect(harness, " [0-9a-f]{12} +10.2kB +not shared +COPY greet / *\n", SOON_MS);
    harness_expect(harness, " [0-9a-f]{12} +10.2kB +shared with base:latest +below *\n", SOON_MS);
    harness_resize(harness, 80, 24);
    harness_expect(harness, "greeter:1, in /root: [0-9a-f]{12} 10.2kB not shared,", SOON_MS);
    quit(harness);
}

static void without_utf8_or_colours_the_marks_say_it(void **state)
{
    const char *env[] = { "LC_ALL=C", "NO_COLOR=1", NULL };
    struct harness *harness = start(120, 36, env);
    harness_send(harness, STACK);
    harness_send(harness, CHANGE);
    harness_expect(harness, " dir/! +\\(dir/\\) *\n", SOON_MS);
    harness_send(harness, "\033[24~");
    harness_expect(harness, " -file3 +\\(file3\\) *\n", SOON_MS);
    for (const char *at = harness_text(harness); *at; at++)
        assert_true((unsigned char)*at < 0x80);
    harness_send(harness, "\033[24~");
    quit(harness);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_layer_is_a_column_and_each_file_stands_under_the_layer_that_holds_it),
        cmocka_unit_test(where_there_is_little_room_the_changes_come_first),
        cmocka_unit_test(long_names_are_cut_with_a_mark),
        cmocka_unit_test(a_file_is_shown_before_the_rest_is_counted),
        cmocka_unit_test(more_layers_than_columns_are_a_line_for_each_file),
        cmocka_unit_test(a_container_in_an_overlay_is_told_of_it_from_inside),
        cmocka_unit_test(an_image_is_its_layers_shared_and_not_and_each_file_in_the_layer_that_holds_it),
        cmocka_unit_test(on_a_smaller_screen_the_layers_come_before_the_files),
        cmocka_unit_test(without_utf8_or_colours_the_marks_say_it),
    };
    return screen_tests(argc, argv, true, tests);
}
