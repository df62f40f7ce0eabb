#include "engine/tools/tools.h"
const char ldcopy_usage[] = "";
int ldcopy_main(int argc, char **argv)
{
    return 1;
}
