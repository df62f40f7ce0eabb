/** The pen: what colours and attributes text is written with, as SGR sets it. See ECMA-48 8.3.117 and xterm's "Control Sequences". */
#ifndef REPL_SESSION_PEN_H
#define REPL_SESSION_PEN_H

#include "repl/session/vtguard.h"

enum pen_flag {
    PEN_BOLD = 1 << 0,
    PEN_DIM = 1 << 1,
    PEN_ITALIC = 1 << 2,
    PEN_UNDERLINE = 1 << 3,
    PEN_BLINK = 1 << 4,
    PEN_REVERSE = 1 << 5,
    PEN_STRIKE = 1 << 6,
    PEN_FG = 1 << 7,        /* fg holds a colour; else the default one */
    PEN_BG = 1 << 8,        /* bg likewise */
    PEN_PROTECTED = 1 << 9, /* selective erase spares what is written (DECSCA); SGR leaves it alone */
    PEN_FLAGS = (1 << 10) - 1,
};

struct pen {
    uint16_t flags;
    uint8_t fg, bg; /* of the 256 */
};

/** Apply an SGR sequence. */
void pen_sgr(struct pen *pen, const struct vtguard_csi *csi);

/** The one of the 256 colours that is nearest to an RGB colour: of the cube and the greys, which every terminal shows alike. */
uint8_t pen_nearest(int red, int green, int blue);

#endif
