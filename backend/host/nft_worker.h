#ifndef MESHDECK_HOST_NFT_WORKER_H
#define MESHDECK_HOST_NFT_WORKER_H
/*
 * The engine's side of the libnftables worker process. It is started with the first job, takes one
 * job at a time, and is started again with back-off (5 a minute at most) when it dies: its death
 * costs the job that it had, and an event. Engine thread; callbacks run on the loop, never before
 * the function that was given them has returned. For nft.c and tests.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "backend/host/nft_wire.h"
#include "backend/model/err.h"

struct uv_loop_s;
struct nft_worker;

/* e NULL: done, and out is what the worker printed (NFT_OP_QUERY; "" else), valid for the call. */
typedef void nft_job_fn(const char *out, size_t len, const struct err *e, void *arg);
typedef void nft_died_fn(pid_t pid, const struct err *why, void *arg);

/* exe NULL: this program. It is called as `exe --worker nft` with the socket as descriptor 3. */
int nft_worker_new(struct uv_loop_s *loop, const char *exe, uid_t uid, nft_died_fn *died,
                   void *arg, struct nft_worker **ret, struct err *e);
/* Ends the process; jobs are forgotten. Freed at the loop's next turn. NULL is fine. */
void nft_worker_free(struct nft_worker *w);

/* Queues a job; text is taken over, also on failure. */
int nft_worker_take_job(struct nft_worker *w, enum nft_op op, char *text, size_t len,
                        nft_job_fn *done, void *arg, struct err *e);

pid_t nft_worker_pid(const struct nft_worker *w); /* 0 while there is none */
/* True for the pid of this worker or of one that came before it. */
bool nft_worker_was(const struct nft_worker *w, pid_t pid);

#endif
