/** Numbers of the options of docker's verbs that have no letter. Nothing outside this room includes this. */
#ifndef ENGINE_DOCKER_OPTIONS_INTERNAL_H
#define ENGINE_DOCKER_OPTIONS_INTERNAL_H

#include "engine/tools/options.h"

enum {
    DOCKER_FORMAT = OPTION_OWN,
    DOCKER_NO_TRUNC,
    DOCKER_DIGESTS,
    DOCKER_TYPE,
    DOCKER_NAME,
    DOCKER_ENV_FILE,
    DOCKER_RM,
    DOCKER_ENTRYPOINT,
    DOCKER_LABEL_FILE,
    DOCKER_READ_ONLY,
    DOCKER_PULL,
    DOCKER_CIDFILE,
    DOCKER_CPUS,
    DOCKER_NETWORK,
    DOCKER_MOUNT,
    DOCKER_PLATFORM,
};

#endif
