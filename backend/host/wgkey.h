#ifndef MESHDECK_HOST_WGKEY_H
#define MESHDECK_HOST_WGKEY_H
/*
 * WireGuard's keys: X25519 by libcrypto. Private keys lie in a struct that is wiped after use and
 * are never formatted into an error or a log. Any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/model/err.h"

enum { WGKEY_LEN = 32, WGKEY_BASE64 = 45 /* with NUL */ };

struct wgkey_secret {
    uint8_t bytes[WGKEY_LEN];
};

int wgkey_generate(struct wgkey_secret *ret, struct err *e); /* clamped */
void wgkey_clamp(struct wgkey_secret *k);
void wgkey_wipe(struct wgkey_secret *k);
int wgkey_public(const struct wgkey_secret *k, uint8_t ret[static WGKEY_LEN], struct err *e);

const char *wgkey_to_base64(const uint8_t key[static WGKEY_LEN], char buf[static WGKEY_BASE64]);
/* Strict: 44 characters, no blanks, no stray bits. The error does not repeat the text. */
int wgkey_from_base64(const char *text, uint8_t ret[static WGKEY_LEN], struct err *e);

/* The 32 raw bytes of a file in a folder of secrets (secret_file.h). Touches the disk: at start-up
 * or from the pool. -ENOENT when there is none. */
int wgkey_read_file(const char *path, struct wgkey_secret *ret, struct err *e);
/* Makes the file, whole and synced; -EEXIST when there is one. */
int wgkey_write_file(const char *path, const struct wgkey_secret *k, struct err *e);

#endif
