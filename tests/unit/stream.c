/* Digests and streams: what is read is what was written, whatever the pieces; damage is told and never a shorter result; a thread beside ends when asked, whatever it waits for. */
#include "engine/base/cleanup.h"
#include "engine/layers/stream.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

/* --- What the tests are made of ------------------------------------------------------------------------------------------------------- */

struct bytes {
    char *data;
    size_t size;
};

/* A sink into memory. */
struct memory_sink {
    struct sink sink;
    struct bytes *into;
    bool *finished;
};

static int memory_write(struct sink *sink, const void *data, size_t size, struct err *err)
{
    struct bytes *into = ((struct memory_sink *)sink)->into;
    into->data = realloc(into->data, into->size + size + 1);
    assert_non_null(into->data);
    memcpy(into->data + into->size, data, size);
    into->size += size;
    return 0;
}

static int memory_finish(struct sink *sink, struct err *err)
{
    *((struct memory_sink *)sink)->finished = true;
    return 0;
}

static void memory_close(struct sink *sink)
{
    free(sink);
}

static struct sink *sink_memory(struct bytes *into, bool *finished)
{
    struct memory_sink *sink = calloc(1, sizeof *sink);
    assert_non_null(sink);
    *sink = (struct memory_sink){ { memory_write, memory_finish, memory_close, NULL }, into, finished };
    *into = (struct bytes){ 0 };
    *finished = false;
    return &sink->sink;
}

/* A source that gives at most a few bytes at once, and fails at a place. */
struct drip {
    struct source source;
    const char *data;
    size_t size, piece, fails_at, at;
};

static ssize_t drip_read(struct source *source, void *buf, size_t size, struct err *err)
{
    struct drip *drip = (struct drip *)source;
    if (drip->at >= drip->fails_at)
        return err_say(err, EPROTO, "the drip fails at %zu", drip->at);
    size_t n = drip->piece < size ? drip->piece : size;
    if (n > drip->size - drip->at)
        n = drip->size - drip->at;
    if (n > drip->fails_at - drip->at)
        n = drip->fails_at - drip->at;
    memcpy(buf, drip->data + drip->at, n);
    drip->at += n;
    return (ssize_t)n;
}

static void drip_close(struct source *source)
{
    free(source);
}

static struct source *source_drip(const void *data, size_t size, size_t piece, size_t fails_at)
{
    struct drip *drip = calloc(1, sizeof *drip);
    assert_non_null(drip);
    *drip = (struct drip){ { drip_read, drip_close, NULL }, data, size, piece, fails_at, 0 };
    return &drip->source;
}

/* All of a source, which is closed. Returns the size, or -1 with @err set. */
static ssize_t read_all(struct source *from, struct bytes *into, struct err *err)
{
    bool finished;
    struct sink *to = sink_memory(into, &finished);
    assert_non_null(from);
    ssize_t n = stream_copy(from, to, err);
    sink_close(to);
    source_close(from);
    return n;
}

static struct bytes compressed(const void *data, size_t size, enum compression compression, size_t piece)
{
    struct bytes into;
    bool finished;
    struct err err = { 0 };
    struct sink *to = sink_compress(sink_memory(&into, &finished), compression, &err);
    assert_non_null(to);
    for (size_t at = 0; at < size; at += piece)
        assert_int_equal(to->write(to, (const char *)data + at, piece < size - at ? piece : size - at, &err), 0);
    assert_int_equal(to->finish(to, &err), 0);
    assert_true(finished);
    sink_close(to);
    return into;
}

/* Text that compresses as text does, the same each time. */
static struct bytes sample(size_t size)
{
    static const char *const words[] = { "layer", "whiteout", "upper", "lower", "merged", "\n", "opaque", "\0\0\0\0" };
    struct bytes made = { malloc(size), size };
    uint32_t random = 12345;
    assert_non_null(made.data);
    for (size_t at = 0; at < size;) {
        random = random * 1664525 + 1013904223;
        const char *word = words[random >> 29];
        size_t n = word[0] ? strlen(word) : 4;
        if (n > size - at)
            n = size - at;
        memcpy(made.data + at, word, n);
        at += n;
        if (at < size)
            made.data[at++] = (char)(random >> 16);
    }
    return made;
}

static void expect_error(struct source *from, int code, const char *says)
{
    struct bytes into;
    struct err err = { 0 };
    assert_int_equal(read_all(from, &into, &err), -1);
    free(into.data);
    if (err.code != code || !strstr(err.message, says))
        fail_msg("%d %s instead of %d …%s…", err.code, err.message, code, says);
}

static const enum compression all[] = { COMPRESSION_GZIP, COMPRESSION_ZSTD, COMPRESSION_XZ };

/* --- Digests -------------------------------------------------------------------------------------------------------------------------- */

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void digests_are_sha256(void **state)
{
    struct digest digest;
    assert_int_equal(digest_of("", 0, &digest, NULL), 0);
    assert_string_equal(digest.text, EMPTY);
    struct digester *digester = digester_new(NULL);
    for (int i = 0; i < 2; i++) { /* it starts anew */
        digester_add(digester, "a", 1);
        digester_add(digester, "bc", 2);
        assert_int_equal(digester_end(digester, &digest, NULL), 0);
        assert_string_equal(digest.text, ABC);
    }
    assert_string_equal(digest_hex(&digest), &ABC[7]);
    digester_free(digester);
    digester_free(NULL);
}

static void what_is_no_digest_is_refused(void **state)
{
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        { ABC, 0 },
        { "", EINVAL },
        { "sha256:", EINVAL },
        { ":", EINVAL },
        { ABC "0", EINVAL },
        { "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", EINVAL },
        { "sha256:../../../../../../../../../../../../../../../../../../../etc/shadow", EINVAL },
        { "sha512:ba78", ENOTSUP },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct digest digest = { "" };
        struct err err = { 0 };
        int result = digest_parse(cases[i].text, &digest, &err);
        assert_int_equal(err.code, cases[i].code);
        assert_int_equal(result, cases[i].code ? -1 : 0);
        assert_string_equal(digest.text, cases[i].code ? "" : ABC);
    }
}

/* --- Compression ---------------------------------------------------------------------------------------------------------------------- */

static void what_is_compressed_comes_back_whatever_the_pieces(void **state)
{
    static const size_t sizes[] = { 0, 1, 1000, 300000, 3000000 }, pieces[] = { 1, 7, 65536, SIZE_MAX };
    for (size_t c = 0; c < 3; c++)
        for (size_t s = 0; s < 5; s++) {
            struct bytes plain = sample(sizes[s]), packed = compressed(plain.data, plain.size, all[c], SIZE_MAX);
            for (size_t p = sizes[s] > 300000 ? 2 : 0; p < 4; p++) {
                struct bytes back;
                enum compression found = COMPRESSION_NONE;
                struct source *from = source_drip(packed.data, packed.size, pieces[p], SIZE_MAX);
                assert_int_equal(read_all(source_decompress(from, &found, NULL), &back, NULL), plain.size);
                assert_int_equal(found, all[c]);
                if (plain.size)
                    assert_memory_equal(back.data, plain.data, plain.size);
                free(back.data);
            }
            free(plain.data);
            free(packed.data);
        }
}

static void what_is_not_compressed_passes(void **state)
{
    static const char *const texts[] = { "", "x", "\x1f", "plain text that is longer" };
    for (size_t i = 0; i < 4; i++) {
        struct bytes back;
        enum compression found = COMPRESSION_XZ;
        struct source *from = source_drip(texts[i], strlen(texts[i]), 1, SIZE_MAX);
        assert_int_equal(read_all(source_decompress(from, &found, NULL), &back, NULL), strlen(texts[i]));
        assert_int_equal(found, COMPRESSION_NONE);
        if (*texts[i])
            assert_memory_equal(back.data, texts[i], back.size);
        free(back.data);
    }
}

static void the_same_bytes_are_written_whatever_the_writes(void **state)
{
    struct bytes plain = sample(1500000);
    for (size_t c = 0; c < 3; c++) {
        struct bytes a = compressed(plain.data, plain.size, all[c], SIZE_MAX),
                     b = compressed(plain.data, plain.size, all[c], 4099);
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
        free(a.data);
        free(b.data);
    }
    free(plain.data);
}

static void the_programs_of_the_formats_read_what_is_written(void **state)
{
    static const char *const programs[] = { "gzip", "zstd", "xz" };
    struct bytes plain = sample(700000);
    for (size_t c = 0; c < 3; c++) {
        char command[128];
        struct bytes packed = compressed(plain.data, plain.size, all[c], SIZE_MAX);
        cleanup_close int fd = memfd_create("packed", 0); /* the program inherits it */
        assert_int_equal(write(fd, packed.data, packed.size), packed.size);
        snprintf(command, sizeof command, "%s -dc </proc/self/fd/%d", programs[c], fd);
        cleanup_free char *back = malloc(plain.size + 1);
        FILE *pipe = popen(command, "r");
        assert_non_null(pipe);
        assert_int_equal(fread(back, 1, plain.size + 1, pipe), plain.size);
        assert_int_equal(pclose(pipe), 0);
        assert_memory_equal(back, plain.data, plain.size);
        free(packed.data);
    }
    free(plain.data);
}

static void members_follow_one_another(void **state)
{
    struct bytes plain = sample(5000);
    for (size_t c = 0; c < 3; c++) {
        struct bytes one = compressed(plain.data, plain.size, all[c], SIZE_MAX), none = compressed("", 0, all[c], 1);
        size_t size = 2 * one.size + none.size;
        cleanup_free char *both = malloc(size);
        memcpy(both, one.data, one.size);
        memcpy(both + one.size, none.data, none.size);
        memcpy(both + one.size + none.size, one.data, one.size);
        for (size_t piece = 1; piece < 40; piece += 6) {
            struct bytes back;
            struct source *from = source_drip(both, size, piece, SIZE_MAX);
            assert_int_equal(read_all(source_decompress(from, NULL, NULL), &back, NULL), 2 * plain.size);
            assert_memory_equal(back.data + plain.size, plain.data, plain.size);
            free(back.data);
        }
        free(one.data);
        free(none.data);
    }
    free(plain.data);
}

static void truncated_anywhere_is_an_error(void **state)
{
    struct bytes plain = sample(3000);
    for (size_t c = 0; c < 3; c++) {
        struct bytes packed = compressed(plain.data, plain.size, all[c], SIZE_MAX);
        for (size_t size = 6; size < packed.size; size++)
            expect_error(source_decompress(source_memory(packed.data, size, NULL), NULL, NULL), EIO, "ends too early");
        free(packed.data);
    }
    free(plain.data);
}

static void a_changed_byte_is_an_error_or_changes_nothing(void **state)
{
    struct bytes plain = sample(3000);
    for (size_t c = 0; c < 3; c++) {
        struct bytes packed = compressed(plain.data, plain.size, all[c], SIZE_MAX);
        size_t told = 0;
        for (size_t at = 6; at < packed.size; at++) {
            struct bytes back;
            struct err err = { 0 };
            packed.data[at] ^= 0x11;
            struct source *from = source_decompress(source_memory(packed.data, packed.size, NULL), NULL, NULL);
            if (read_all(from, &back, &err) < 0) {
                assert_true(err.code == EIO || err.code == EFBIG); /* an xz header may ask for much memory */
                told++;
            } else {
                assert_int_equal(back.size, plain.size);
                assert_memory_equal(back.data, plain.data, plain.size);
            }
            free(back.data);
            packed.data[at] ^= 0x11;
        }
        assert_true(told > packed.size / 2);
        free(packed.data);
    }
    free(plain.data);
}

static void zeros_may_follow_gzip_and_nothing_else(void **state)
{
    struct bytes plain = sample(1000), packed = compressed(plain.data, plain.size, COMPRESSION_GZIP, SIZE_MAX), back;
    packed.data = realloc(packed.data, packed.size + 1024);
    assert_non_null(packed.data);
    memset(packed.data + packed.size, 0, 1024);
    struct source *from = source_drip(packed.data, packed.size + 1024, 100, SIZE_MAX);
    assert_int_equal(read_all(source_decompress(from, NULL, NULL), &back, NULL), plain.size);
    free(back.data);
    packed.data[packed.size + 1000] = 'x';
    expect_error(source_decompress(source_memory(packed.data, packed.size + 1024, NULL), NULL, NULL), EIO, "follows");
    packed.data[packed.size] = 'x';
    expect_error(source_decompress(source_memory(packed.data, packed.size + 1024, NULL), NULL, NULL), EIO, "header");
    free(packed.data);
    free(plain.data);
}

static void a_bomb_is_put_out(void **state)
{
    for (size_t c = 0; c < 2; c++) {
        struct bytes packed;
        bool finished;
        struct sink *to = sink_compress(sink_memory(&packed, &finished), all[c], NULL);
        cleanup_free char *zeros = calloc(1, 1 << 20);
        for (int i = 0; i < 400; i++)
            assert_int_equal(to->write(to, zeros, 1 << 20, NULL), 0);
        assert_int_equal(to->finish(to, NULL), 0);
        sink_close(to);
        struct source *from = source_decompress(source_memory(packed.data, packed.size, NULL), NULL, NULL);
        uint64_t bytes = 0;
        struct err err = { 0 };
        ssize_t n;
        while ((n = from->read(from, zeros, 1 << 20, &err)) > 0)
            bytes += (uint64_t)n;
        assert_int_equal(n, -1);
        assert_int_equal(err.code, EFBIG);
        assert_true(bytes >= (uint64_t)128 << 20 && bytes < (uint64_t)256 << 20);
        source_close(from);
        free(packed.data);
    }
}

static void compressions_are_known_by_name(void **state)
{
    struct err err = { 0 };
    enum compression compression;
    for (int i = COMPRESSION_NONE; i <= COMPRESSION_XZ; i++) {
        assert_int_equal(compression_parse(compression_name((enum compression)i), &compression, &err), 0);
        assert_int_equal(compression, i);
    }
    assert_int_equal(compression_parse("lzma", &compression, &err), -1);
    assert_int_equal(err.code, EINVAL);
}

/* --- Sources and sinks on one another ------------------------------------------------------------------------------------------------- */

static void a_limit_is_kept(void **state)
{
    struct bytes back;
    for (int exact = 0; exact < 2; exact++) {
        assert_int_equal(
            read_all(source_limited(source_drip("abcdef", 6, 4, SIZE_MAX), 6, exact, "it", NULL), &back, NULL), 6);
        free(back.data);
        expect_error(source_limited(source_memory("abcdef", 6, NULL), 5, exact, "blob X", NULL), EFBIG, "blob X");
    }
    expect_error(source_limited(source_memory("abcdef", 6, NULL), 7, true, "blob X", NULL), EIO, "6 of 7");
    assert_int_equal(read_all(source_limited(source_memory("abcdef", 6, NULL), 7, false, "it", NULL), &back, NULL), 6);
    free(back.data);
}

static void watch(uint64_t bytes, void *data)
{
    *(uint64_t *)data = bytes;
}

static void what_passes_is_digested_copied_and_watched(void **state)
{
    struct digest in = { "" }, out = { "" };
    uint64_t in_size = 0, out_size = 0, watched = 0;
    struct bytes copy, back;
    bool finished;
    struct sink *to = sink_digest(sink_memory(&copy, &finished), &out, &out_size, NULL);
    struct source *from = source_drip("abc", 3, 2, SIZE_MAX);
    from = source_watched(source_copied(source_digest(from, &in, &in_size, NULL), to, NULL), watch, &watched, NULL);
    assert_int_equal(read_all(from, &back, NULL), 3);
    assert_string_equal(out.text, "");
    assert_int_equal(to->finish(to, NULL), 0);
    assert_true(finished);
    sink_close(to);
    assert_string_equal(in.text, ABC);
    assert_string_equal(out.text, ABC);
    assert_int_equal(in_size, 3);
    assert_int_equal(out_size, 3);
    assert_int_equal(watched, 3);
    assert_memory_equal(copy.data, "abc", 3);
    free(copy.data);
    free(back.data);
}

static void a_failure_below_closes_the_stack(void **state)
{
    struct digest digest;
    assert_null(source_decompress(source_beside(source_digest(NULL, &digest, NULL, NULL), NULL), NULL, NULL));
    assert_null(source_watched(source_copied(source_limited(NULL, 1, true, "", NULL), NULL, NULL), watch, NULL, NULL));
    assert_null(sink_beside(sink_compress(sink_digest(NULL, &digest, NULL, NULL), COMPRESSION_GZIP, NULL), NULL));
    source_close(NULL);
    sink_close(NULL);
}

static void an_fd_is_read_and_written_whole(void **state)
{
    struct bytes plain = sample(1000000), back;
    cleanup_close int fd = memfd_create("whole", MFD_CLOEXEC);
    struct sink *to = sink_beside(sink_fd(fd, NULL), NULL);
    for (size_t at = 0; at < plain.size; at += 100000)
        assert_int_equal(to->write(to, plain.data + at, 100000, NULL), 0);
    assert_int_equal(to->finish(to, NULL), 0);
    sink_close(to);
    lseek(fd, 0, SEEK_SET);
    assert_int_equal(read_all(source_beside(source_fd(fd, NULL), NULL), &back, NULL), plain.size);
    assert_memory_equal(back.data, plain.data, plain.size);
    free(plain.data);
    free(back.data);
}

/* --- Threads -------------------------------------------------------------------------------------------------------------------------- */

static void a_thread_beside_gives_all_in_order(void **state)
{
    struct bytes plain = sample(9000000), back;
    struct digest a, b;
    digest_of(plain.data, plain.size, &a, NULL);
    struct source *from = source_beside(source_drip(plain.data, plain.size, 77777, SIZE_MAX), NULL);
    from = source_digest(source_beside(from, NULL), &b, NULL, NULL);
    assert_int_equal(read_all(from, &back, NULL), plain.size);
    assert_string_equal(a.text, b.text);
    free(plain.data);
    free(back.data);
}

static void an_error_in_the_thread_comes_out_in_its_place(void **state)
{
    struct bytes plain = sample(5000000), back;
    struct err err = { 0 };
    struct source *from = source_beside(source_drip(plain.data, plain.size, 1000, 4000000), NULL);
    assert_int_equal(read_all(from, &back, &err), -1);
    assert_int_equal(err.code, EPROTO);
    assert_int_equal(back.size, 4000000);
    free(plain.data);
    free(back.data);
}

static void an_error_of_the_sink_beside_comes_out(void **state)
{
    cleanup_close int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cleanup_free char *zeros = calloc(1, 1 << 20);
    for (int many = 0; many < 2; many++) { /* at a later write; or at finish */
        struct err err = { 0 };
        struct sink *to = sink_beside(sink_fd(full, NULL), NULL);
        int result = 0;
        for (int i = 0; i < (many ? 64 : 1) && result == 0; i++)
            result = to->write(to, zeros, 1 << 20, &err);
        if (many)
            assert_int_equal(result, -1);
        else
            assert_int_equal(to->finish(to, &err), -1);
        assert_int_equal(err.code, ENOSPC);
        sink_close(to);
    }
}

/* A pipe that nobody writes to, or nobody reads: the thread waits in it. The test hangs where closing does. */
static void closing_ends_a_thread_that_waits(void **state)
{
    int ends[2];
    char byte;
    cleanup_free char *zeros = calloc(1, 1 << 20);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct source *from =
        source_beside(source_digest(source_fd(ends[0], NULL), &(struct digest){ "" }, NULL, NULL), NULL);
    from = source_decompress(source_beside(from, NULL), NULL, NULL);
    poll(NULL, 0, 20);
    source_close(from);

    struct sink *to = sink_beside(sink_compress(sink_fd(ends[1], NULL), COMPRESSION_NONE, NULL), NULL);
    assert_int_equal(to->write(to, zeros, 1 << 20, NULL), 0);
    poll(NULL, 0, 20);
    assert_int_equal(read(ends[0], &byte, 1), 1); /* it did write, and waits for room */
    sink_close(to);

    /* And where the thread waits for us: the ring is full. */
    cleanup_close int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    from = source_beside(source_fd(zero, NULL), NULL);
    assert_int_equal(from->read(from, &byte, 1, NULL), 1);
    poll(NULL, 0, 20);
    source_close(from);
    close(ends[0]);
    close(ends[1]);
}

static ssize_t masked_read(struct source *source, void *buf, size_t size, struct err *err)
{
    pthread_sigmask(SIG_BLOCK, NULL, buf);
    source->read = drip_read; /* which is at its end */
    return (ssize_t)sizeof(sigset_t);
}

static void signals_do_not_reach_the_thread(void **state)
{
    sigset_t mask, mine;
    struct source *from = source_drip("", 0, 1, SIZE_MAX);
    from->read = masked_read;
    from = source_beside(from, NULL);
    assert_int_equal(from->read(from, &mask, sizeof mask, NULL), sizeof mask);
    source_close(from);
    pthread_sigmask(SIG_BLOCK, NULL, &mine);
    assert_true(sigismember(&mask, SIGTERM) && sigismember(&mask, SIGPIPE) && sigismember(&mask, SIGWINCH));
    assert_false(sigismember(&mine, SIGTERM));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_sha256),
        cmocka_unit_test(what_is_no_digest_is_refused),
        cmocka_unit_test(what_is_compressed_comes_back_whatever_the_pieces),
        cmocka_unit_test(what_is_not_compressed_passes),
        cmocka_unit_test(the_same_bytes_are_written_whatever_the_writes),
        cmocka_unit_test(the_programs_of_the_formats_read_what_is_written),
        cmocka_unit_test(members_follow_one_another),
        cmocka_unit_test(truncated_anywhere_is_an_error),
        cmocka_unit_test(a_changed_byte_is_an_error_or_changes_nothing),
        cmocka_unit_test(zeros_may_follow_gzip_and_nothing_else),
        cmocka_unit_test(a_bomb_is_put_out),
        cmocka_unit_test(compressions_are_known_by_name),
        cmocka_unit_test(a_limit_is_kept),
        cmocka_unit_test(what_passes_is_digested_copied_and_watched),
        cmocka_unit_test(a_failure_below_closes_the_stack),
        cmocka_unit_test(an_fd_is_read_and_written_whole),
        cmocka_unit_test(a_thread_beside_gives_all_in_order),
        cmocka_unit_test(an_error_in_the_thread_comes_out_in_its_place),
        cmocka_unit_test(an_error_of_the_sink_beside_comes_out),
        cmocka_unit_test(closing_ends_a_thread_that_waits),
        cmocka_unit_test(signals_do_not_reach_the_thread),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
