/** SHA-256 for a page's own policy (`script-src 'sha256-…'`): a few hundred kilobytes at most, so that the program need not load a library for it. See FIPS 180-4. */
#ifndef REPL_PLAY_SHA256_H
#define REPL_PLAY_SHA256_H

#include <stddef.h>

/** The digest of @len bytes in base64, as Content-Security-Policy wants it: 44 characters and a NUL. */
void sha256_base64(const void *bytes, size_t len, char base64[45]);

#endif
