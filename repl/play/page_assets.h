/** The style and the script that are in every page; their sources are page.css and page.js, and the program holds them. */
#ifndef REPL_PLAY_PAGE_ASSETS_H
#define REPL_PLAY_PAGE_ASSETS_H

extern const char page_style[], page_script[]; /* NUL-terminated */

#endif
