#ifndef MESHDECK_ENGINE_IMAGES_H
#define MESHDECK_ENGINE_IMAGES_H
/* The image store as rows; installing and deleting run in libuv's pool. Engine thread. */
struct core;

/* Installs the built-in image when its files are found, lists the store, then calls ready. */
void images_start(struct core *c, void (*ready)(struct core *c));
void images_done(struct core *c);

#endif
