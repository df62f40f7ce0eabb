/** teachroot-transfer: what moves images and archives. One table of verbs in main.c, one file a verb.
 *
 * `docker` becomes this program for the verbs it does not have itself, `teachroot image` for all of its own. argv[0] of a verb is the name it was asked by: "docker pull", "teachroot image".
 */
#ifndef ENGINE_TRANSFER_TRANSFER_H
#define ENGINE_TRANSFER_TRANSFER_H

/* docker's */
int create_main(int argc, char **argv);
int export_main(int argc, char **argv);
int import_main(int argc, char **argv);
int load_main(int argc, char **argv);
int pull_main(int argc, char **argv);
int push_main(int argc, char **argv);
int save_main(int argc, char **argv);
/* teachroot image from-rootfs, from-host, gc, fsck */
int image_main(int argc, char **argv);
/* what a session looks at beside the screen */
int look_main(int argc, char **argv);

#endif
