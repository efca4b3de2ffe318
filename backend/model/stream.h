#ifndef MESHDECK_MODEL_STREAM_H
#define MESHDECK_MODEL_STREAM_H
/*
 * A live stream between a session (SSH worker, serial console) and who looks at it (console pane,
 * command line): a SOCK_SEQPACKET pair, one frame a packet, the first byte its type. It goes
 * straight from the worker to the viewer; the engine relays nothing. Closing one's end ends the
 * session. Never waits; any thread, one reader and one writer an end.
 *
 * A viewer that stops reading stops the session (and so the guest's program), nothing else. Both
 * ends treat what they read as hostile: a worker parses a guest's bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/model/err.h"

enum {
    STREAM_PACKET_MAX = 32 * 1024, /* with the type byte */
    STREAM_DATA_MAX = STREAM_PACKET_MAX - 1,
    STREAM_TEXT_MAX = 480, /* of a message or stage, with its NUL */
    STREAM_COLS_MAX = 1000,
};

enum stream_type {
    STREAM_OUT = 'd',     /* bytes of the terminal or of standard output */
    STREAM_ERR = 'e',     /* bytes of standard error */
    STREAM_IN = 'i',      /* bytes typed, or standard input */
    STREAM_SIZE = 'w',    /* window size, u16 columns and u16 rows, big endian */
    STREAM_END = 'f',     /* end of input; no bytes */
    STREAM_EXIT = 'x',    /* how it ended; struct stream_exit; the last frame */
    STREAM_MESSAGE = 'm', /* text for the operator: why it failed */
    STREAM_STAGE = 's',   /* text: what is being done, before the session stands */
};

struct stream_exit {
    bool has_status; /* else ended by the signal, or unknown when that is empty */
    uint32_t status;
    char signal[16]; /* "TERM", "KILL"; clean */
};

struct stream_frame {
    enum stream_type type;
    size_t len;
    uint8_t bytes[STREAM_DATA_MAX];
};

/* Two ends, close-on-exec and non-blocking. */
int stream_pair(int ret_fds[static 2], struct err *e);

/* 0, -EAGAIN when the other side is slow (wait for POLLOUT), -EPIPE when it is gone, -EMSGSIZE. */
int stream_send(int fd, enum stream_type type, const void *bytes, size_t len);
int stream_send_size(int fd, uint16_t cols, uint16_t rows);
int stream_send_exit(int fd, const struct stream_exit *x);
/* text is cleaned on the way in and cut at STREAM_TEXT_MAX. */
int stream_send_text(int fd, enum stream_type type, const char *text);

/* 0, -EAGAIN when there is none, -EPIPE at the end, -EBADMSG for what is no frame (skip it). */
int stream_recv(int fd, struct stream_frame *ret);

/* Pure: checks a packet and takes it apart; 0 or -EBADMSG. The frame points at nothing. */
int stream_parse(const uint8_t *packet, size_t len, struct stream_frame *ret);
/* What a frame of that type holds; false for another type. Sizes are 1 to STREAM_COLS_MAX. */
bool stream_size_of(const struct stream_frame *f, uint16_t *ret_cols, uint16_t *ret_rows);
bool stream_exit_of(const struct stream_frame *f, struct stream_exit *ret);
bool stream_text_of(const struct stream_frame *f, char buf[static STREAM_TEXT_MAX]);

#endif
