#ifndef MESHDECK_TESTS_NFTHOST_H
#define MESHDECK_TESTS_NFTHOST_H
/*
 * A firewall under test: the object, its loop, what it told, and calls that wait for their end. The
 * test program is its own worker, so its main begins with NFTHOST_WORKER.
 */
#include <uv.h>

#include "backend/host/nft.h"

#define NFTHOST_WORKER(argc, argv)                                                                 \
    do {                                                                                           \
        if ((argc) == 3 && strcmp((argv)[1], "--worker") == 0) {                                   \
            return worker_nft_main(3);                                                             \
        }                                                                                          \
    } while (0)

struct nfthost {
    uv_loop_t loop;
    struct nft *nft;
    int changed, rebuilt, failed, died; /* events so far */
    struct nft_event last_changed;
    char last_error[240];
    int done; /* callbacks of nfthost_done so far */
    struct err done_error;
    char *json; /* of the last listing; heap */
};

struct nft_config nfthost_config(void); /* fleet fd12:3456:789a::/48, mesh0 */
/* Guest k: tapK, MAC 02:5e:ed:..:k, 10.210.(k >> 8).(k + 2), machine 0x10 + k. */
struct nft_guest nfthost_guest(unsigned k);

void nfthost_open(struct nfthost *h, uid_t worker_uid);
void nfthost_close(struct nfthost *h);
/* Rebuild, and wait until it is whole; ends the program otherwise. */
void nfthost_rebuild(struct nfthost *h, const struct nft_guest *guests, size_t count);
/* An nft_done_fn with h as its argument. */
void nfthost_done(const struct err *e, void *arg);
void nfthost_json(const char *json, size_t len, const struct err *e, void *arg);
/* Runs the loop until *counter reaches want; false after ten seconds. */
bool nfthost_wait(struct nfthost *h, const int *counter, int want);
struct nft_count nfthost_count(struct nfthost *h, enum nft_counter c);

#endif
