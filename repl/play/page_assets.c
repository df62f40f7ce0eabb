#include "repl/play/page_assets.h"

/* The assembler puts the files in as they are. */
#define ASSET(name, path)                                                                                              \
    __asm__(".pushsection .rodata\n.globl " #name "\n.type " #name ", @object\n" #name ":\n.incbin \"" path            \
            "\"\n.byte 0\n.size " #name ", . - " #name "\n.popsection\n")

ASSET(page_style, "repl/play/page.css");
ASSET(page_script, "repl/play/page.js");
