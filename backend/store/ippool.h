#ifndef MESHDECK_STORE_IPPOOL_H
#define MESHDECK_STORE_IPPOOL_H
/*
 * The IPv4 blocks of the mesh and which of their addresses are used, read once for a transaction
 * and kept in step with it. Used within backend/store, in a write transaction, on the store's
 * thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/model/addr.h"
#include "backend/model/err.h"

struct db;
struct ippool;

enum { IPPOOL_FIRST_HOST = 2, IPPOOL_LAST_HOST = 254, IPPOOL_PER_BLOCK = 253, IPPOOL_BLOCKS = 255 };

/* node_name is for error texts. */
int ippool_new(struct db *db, uint32_t node, const char *node_name, struct ippool **ret,
               struct err *e);
void ippool_free(struct ippool *p); /* NULL is fine */

/*
 * The wanted address, or (family 0) the lowest free one of this node's blocks; a block more is
 * claimed, the lowest free, when they are full. Nothing is written but that claim: the caller adds
 * the address's row. Errors as in vmrec.h; `network` is for the text.
 */
int ippool_take(struct ippool *p, const struct addr *want, const char *network, struct addr *ret,
                struct err *e);

/* Block and last byte of an address of the mesh; -1 for both when it is not of the mesh. */
void ippool_place(const struct addr *a, int *ret_block, int *ret_host);

void ippool_count(const struct ippool *p, uint32_t *ret_used, uint32_t *ret_total);

#endif
