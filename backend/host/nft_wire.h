#ifndef MESHDECK_HOST_NFT_WIRE_H
#define MESHDECK_HOST_NFT_WIRE_H
/*
 * What engine and nft worker say to one another over a SOCK_SEQPACKET pair: one packet a message,
 * with a memory file attached that holds the text or the answer (both can be megabytes). The worker
 * is believed no more than any other process: sizes are checked on both ends, and files are read,
 * never mapped. Blocking calls of a worker's or non-blocking ones of the engine's socket alike.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { NFT_WIRE_TEXT_MAX = 64 * 1024 * 1024 };

enum nft_op {
    NFT_OP_RUN,   /* apply the text in one transaction */
    NFT_OP_CHECK, /* the same, without applying it */
    NFT_OP_QUERY, /* run the text, answer its output as JSON */
    NFT_OP_COUNT
};

struct nft_request {
    uint32_t id;
    uint32_t op;
    uint64_t len; /* of the attached text */
};

struct nft_reply {
    uint32_t id;
    int32_t code;   /* 0 or a negative errno */
    uint64_t len;   /* of the attached answer, 0: none attached */
    char error[224]; /* not clean */
};

/* Sends a message of size bytes, with fd attached when it is not negative. */
int nft_wire_send(int sock, const void *message, size_t size, int fd);
/* Receives a message of exactly size bytes; *ret_fd is the attached descriptor (close-on-exec) or
 * -1. -EPIPE at the end, -EAGAIN when there is none, -EPROTO for anything that is not a message. */
int nft_wire_receive(int sock, void *message, size_t size, int *ret_fd);

/* A memory file with this content. */
int nft_wire_file(const void *data, size_t len);
/* The first len bytes of a memory file as a heap string with a NUL behind it. */
int nft_wire_load(int fd, uint64_t len, char **ret);

#endif
