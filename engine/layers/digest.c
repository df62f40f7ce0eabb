#include "engine/layers/digest.h"

#include <dlfcn.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ALGORITHM "sha256:"
enum { PREFIX = sizeof ALGORITHM - 1, HASH = 32 };

int digest_parse(const char *text, struct digest *digest, struct err *err)
{
    size_t algorithm = strcspn(text, ":");
    if (!text[algorithm] || !algorithm)
        return err_say(err, EINVAL, "`%.100s` is no digest: one is sha256: and 64 hexadecimal digits", text);
    if (strncmp(text, ALGORITHM, PREFIX) != 0)
        return err_say(err, ENOTSUP, "digest `%.100s`: only sha256 is known", text);
    if (strlen(text) != DIGEST_SIZE - 1 || strspn(text + PREFIX, "0123456789abcdef") != DIGEST_SIZE - 1 - PREFIX)
        return err_say(err, EINVAL, "`%.100s` is no digest: after sha256: come 64 hexadecimal digits in lower case",
                       text);
    memcpy(digest->text, text, DIGEST_SIZE);
    return 0;
}

const char *digest_hex(const struct digest *digest)
{
    return digest->text[0] ? digest->text + PREFIX : "";
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return strcmp(a->text, b->text) == 0;
}

/* libcrypto is loaded with the first digest: the programs that may need one, and mostly do not, start without it. Once a process, and never changed after. */
#define LIBRARY_OF(version) "libcrypto.so." #version
#define LIBRARY(version) LIBRARY_OF(version)
static struct {
    __typeof__(&EVP_MD_CTX_new) context_new;
    __typeof__(&EVP_MD_CTX_free) context_free;
    __typeof__(&EVP_sha256) sha256;
    __typeof__(&EVP_DigestInit_ex) init;
    __typeof__(&EVP_DigestUpdate) update;
    __typeof__(&EVP_DigestFinal_ex) final;
} crypto;
static pthread_once_t crypto_once = PTHREAD_ONCE_INIT;
static bool crypto_loaded;

static void load_crypto(void)
{
    const struct {
        const char *name;
        void *at;
    } wanted[] = {
        { "EVP_MD_CTX_new", &crypto.context_new }, { "EVP_MD_CTX_free", &crypto.context_free },
        { "EVP_sha256", &crypto.sha256 },          { "EVP_DigestInit_ex", &crypto.init },
        { "EVP_DigestUpdate", &crypto.update },    { "EVP_DigestFinal_ex", &crypto.final },
    };
    void *library = dlopen(LIBRARY(OPENSSL_SHLIB_VERSION), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *function = dlsym(library, wanted[i].name);
        if (!function)
            return;
        memcpy(wanted[i].at, &function, sizeof function);
    }
    crypto_loaded = true;
}

struct digester {
    EVP_MD_CTX *context;
    bool failed; /* told by digester_end, as adding cannot */
};

struct digester *digester_new(struct err *err)
{
    pthread_once(&crypto_once, load_crypto);
    if (!crypto_loaded) {
        err_say(err, ENOSYS, "`" LIBRARY(OPENSSL_SHLIB_VERSION) "` cannot be loaded: the package libssl3 has it");
        return NULL;
    }
    struct digester *digester = calloc(1, sizeof *digester);
    if (digester)
        digester->context = crypto.context_new();
    if (!digester || !digester->context || crypto.init(digester->context, crypto.sha256(), NULL) != 1) {
        digester_free(digester);
        err_say(err, ENOMEM, "libcrypto gives no SHA-256");
        return NULL;
    }
    return digester;
}

void digester_add(struct digester *digester, const void *data, size_t size)
{
    if (crypto.update(digester->context, data, size) != 1)
        digester->failed = true;
}

int digester_end(struct digester *digester, struct digest *digest, struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[EVP_MAX_MD_SIZE];
    bool failed = crypto.final(digester->context, hash, NULL) != 1 || digester->failed;
    digester->failed = crypto.init(digester->context, NULL, NULL) != 1;
    if (failed)
        return err_say(err, EIO, "libcrypto could not digest");
    memcpy(digest->text, ALGORITHM, PREFIX);
    for (size_t i = 0; i < HASH; i++) {
        digest->text[PREFIX + 2 * i] = digits[hash[i] >> 4];
        digest->text[PREFIX + 2 * i + 1] = digits[hash[i] & 15];
    }
    digest->text[DIGEST_SIZE - 1] = '\0';
    return 0;
}

void digester_free(struct digester *digester)
{
    if (!digester)
        return;
    crypto.context_free(digester->context);
    free(digester);
}

int digest_of(const void *data, size_t size, struct digest *digest, struct err *err)
{
    struct digester *digester = digester_new(err);
    if (!digester)
        return -1;
    digester_add(digester, data, size);
    int result = digester_end(digester, digest, err);
    digester_free(digester);
    return result;
}
