/** Ids of options that have only a long name, of the verbs that move images. */
#ifndef ENGINE_DOCKER_OPTIONS_TRANSFER_H
#define ENGINE_DOCKER_OPTIONS_TRANSFER_H

#include "engine/tools/options.h"

enum { PULL_PLATFORM = OPTION_OWN };

#endif
