#ifndef MESHDECK_GUEST_KEYS_H
#define MESHDECK_GUEST_KEYS_H
/*
 * SSH keys, ed25519 only: the state folder's client key, by which we enter guests, and one host key
 * for each guest, made at its creation so that the first connection is already verified. Pure but
 * for keys_client_load. Any thread.
 */
#include "backend/model/err.h"
#include "backend/model/secret.h"

enum {
    KEYS_PUBLIC_BYTES = 32,
    KEYS_PUBLIC_TEXT = 160,     /* "ssh-ed25519 AAAA... comment" and NUL */
    KEYS_FINGERPRINT_TEXT = 52, /* "SHA256:..." and NUL */
    KEYS_COMMENT_MAX = 64,
};

struct key_pair {
    uint8_t pub[KEYS_PUBLIC_BYTES];
    struct secret seed; /* 32 bytes */
};

int keys_generate(struct key_pair *ret, struct err *e);
void keys_done(struct key_pair *k);

/* The pair in dir/ssh_key ("STATE/secrets"), made there when there is none. Waits for the disk. */
int keys_client_load(const char *dir, struct key_pair *ret, struct err *e);

/* One line as in authorized_keys, without newline. comment: printable ASCII, else it is left out. */
const char *keys_public_format(const uint8_t pub[static KEYS_PUBLIC_BYTES], const char *comment,
                               char buf[static KEYS_PUBLIC_TEXT]);
/* -EINVAL for anything but an ssh-ed25519 line of the right length. */
int keys_public_parse(const char *line, uint8_t ret_pub[static KEYS_PUBLIC_BYTES], struct err *e);
/* As ssh-keygen -l prints it. */
const char *keys_fingerprint(const uint8_t pub[static KEYS_PUBLIC_BYTES],
                             char buf[static KEYS_FINGERPRINT_TEXT]);

/* OpenSSH's private key file, unencrypted: for sshd, cloud-init and libssh. Text, not ended by NUL. */
int keys_openssh_format(const struct key_pair *k, const char *comment, struct secret *ret,
                        struct err *e);
int keys_openssh_parse(const struct secret *text, struct key_pair *ret, struct err *e);
/* dropbear's private key file: for the built-in guest. */
int keys_dropbear_format(const struct key_pair *k, struct secret *ret);

#endif
