/** What an image's config is to have, said as a Dockerfile says it: `CMD ["/bin/sh"]`, `ENV A=1 B="two words"`. See Dockerfile(5). */
#ifndef ENGINE_IMAGE_CHANGE_H
#define ENGINE_IMAGE_CHANGE_H

#include "engine/base/err.h"

#include <jansson.h>

/** Apply the one @instruction to @config, the config's "config" object. Returns 0, or -1: EINVAL, naming what is wrong. */
int image_change(json_t *config, const char *instruction, struct err *err);

#endif
