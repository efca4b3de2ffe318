/*
 * The mesh's IPv4 allocation: a bit for each address of 255 blocks. Store thread, inside one
 * transaction. It must never hand out an address that has a row, whoever's the block is.
 */
#include "backend/store/ippool.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "backend/store/db.h"
#include "backend/model/clock.h"
#include "backend/store/rec.h"
#include "backend/store/vmrec.h"

struct ippool {
    struct db *db_b; /* until ippool_free */
    uint32_t node;
    const char *node_name_b;
    uint32_t owner[IPPOOL_BLOCKS]; /* node number, 0: nobody's */
    uint8_t used[IPPOOL_BLOCKS][32];
    uint8_t next[IPPOOL_BLOCKS]; /* all below it are used; 0: not known yet */
};

static bool bit(const uint8_t *bits, int i)
{
    return bits[i / 8] >> (i % 8) & 1;
}

static void set_bit(uint8_t *bits, int i)
{
    bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
}

static int read_blocks(struct ippool *p, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(p->db_b, "SELECT block, node FROM blocks", &s, e);

    if (r < 0)
        return r;
    while ((r = db_step(p->db_b, s, e)) == 1) {
        int block = sqlite3_column_int(s, 0);
        if (block >= 0 && block < IPPOOL_BLOCKS)
            p->owner[block] = (uint32_t)sqlite3_column_int64(s, 1);
    }
    db_reset(s);
    return r;
}

static int read_used(struct ippool *p, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(p->db_b, "SELECT block, host FROM addresses WHERE block >= 0", &s, e);

    if (r < 0)
        return r;
    while ((r = db_step(p->db_b, s, e)) == 1) {
        int block = sqlite3_column_int(s, 0), host = sqlite3_column_int(s, 1);
        if (block >= 0 && block < IPPOOL_BLOCKS && host >= 0 && host < 256)
            set_bit(p->used[block], host);
    }
    db_reset(s);
    return r;
}

int ippool_new(struct db *db, uint32_t node, const char *node_name, struct ippool **ret,
               struct err *e)
{
    struct ippool *p = calloc(1, sizeof *p);

    if (!p)
        return err_set(e, ERR_AREA_STORE, -ENOMEM, "no memory for the pool of addresses");
    p->db_b = db;
    p->node = node;
    p->node_name_b = node_name;
    int r = read_blocks(p, e);
    if (r == 0)
        r = read_used(p, e);
    if (r < 0) {
        ippool_free(p);
        return r;
    }
    *ret = p;
    return 0;
}

void ippool_free(struct ippool *p)
{
    free(p);
}

void ippool_place(const struct addr *a, int *ret_block, int *ret_host)
{
    struct addr mesh = addr_mesh_ip4();

    *ret_block = *ret_host = -1;
    if (a->family == mesh.family && addr_contains(&mesh, a)) {
        *ret_block = a->bytes[2];
        *ret_host = a->bytes[3];
    }
}

void ippool_count(const struct ippool *p, uint32_t *ret_used, uint32_t *ret_total)
{
    *ret_used = *ret_total = 0;
    for (int b = 0; b < IPPOOL_BLOCKS; b++) {
        if (p->owner[b] != p->node)
            continue;
        *ret_total += IPPOOL_PER_BLOCK;
        for (int h = IPPOOL_FIRST_HOST; h <= IPPOOL_LAST_HOST; h++)
            *ret_used += bit(p->used[b], h);
    }
}

static struct addr address_of(int block, int host)
{
    struct addr a = addr_node_block4((uint8_t)block);

    a.bytes[3] = (uint8_t)host;
    a.prefix_len = 32;
    return a;
}

static int refuse_outside(const struct ippool *p, struct err *e)
{
    char first[ADDR_TEXT] = "10.210.0.0/24";
    int n = 0;

    for (int b = 0; b < IPPOOL_BLOCKS; b++)
        if (p->owner[b] == p->node && n++ == 0) {
            struct addr block = addr_node_block4((uint8_t)b);
            addr_format(&block, true, first);
        }
    if (n > 1)
        return err_set(e, ERR_AREA_INPUT, VMREC_ADDR_OUTSIDE,
                       "Not in %s or %d more, the ranges of %s.", first, n - 1, p->node_name_b);
    return err_set(e, ERR_AREA_INPUT, VMREC_ADDR_OUTSIDE, "Not in %s, the range of %s.", first,
                   p->node_name_b);
}

static int take_wanted(struct ippool *p, const struct addr *want, struct err *e)
{
    char text[ADDR_TEXT], who[32];
    int block, host;

    addr_format(want, false, text);
    ippool_place(want, &block, &host);
    if (want->prefix_len != 32 || block < 0 || block >= IPPOOL_BLOCKS || p->owner[block] != p->node)
        return refuse_outside(p, e);
    if (host == 1)
        return err_set(e, ERR_AREA_INPUT, VMREC_ADDR_TAKEN, "%s is %s's own.", text,
                       p->node_name_b);
    if (host < IPPOOL_FIRST_HOST || host > IPPOOL_LAST_HOST)
        return err_set(e, ERR_AREA_INPUT, VMREC_ADDR_OUTSIDE, "%s is no guest's: .2 to .254 are.",
                       text);
    if (!bit(p->used[block], host)) {
        set_bit(p->used[block], host);
        return 0;
    }
    int r = vmrec_whose(p->db_b, want, who, e);
    if (r < 0)
        return r;
    return err_set(e, ERR_AREA_INPUT, VMREC_ADDR_TAKEN, "%s is %s's.", text,
                   who[0] ? who : "another VM");
}

static bool take_from(struct ippool *p, int block, struct addr *ret)
{
    int h = p->next[block] ? p->next[block] : IPPOOL_FIRST_HOST;

    while (h <= IPPOOL_LAST_HOST && bit(p->used[block], h))
        h++;
    p->next[block] = (uint8_t)h; /* addresses are only taken here, never given back */
    if (h > IPPOOL_LAST_HOST)
        return false;
    set_bit(p->used[block], h);
    *ret = address_of(block, h);
    return true;
}

static int claim(struct ippool *p, int block, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(p->db_b, "INSERT INTO blocks (block, node, claimed_ms) VALUES (?1, ?2, ?3)",
                       &s, e);

    if (r < 0)
        return r;
    db_bind_u64(s, 1, (uint64_t)block);
    db_bind_u64(s, 2, p->node);
    db_bind_u64(s, 3, (uint64_t)now_ms());
    r = db_step(p->db_b, s, e);
    db_reset(s);
    if (r == 0)
        p->owner[block] = p->node;
    return r;
}

int ippool_take(struct ippool *p, const struct addr *want, const char *network, struct addr *ret,
                struct err *e)
{
    uint32_t used, total;

    if (want && addr_is_set(want)) {
        *ret = *want;
        return take_wanted(p, want, e);
    }
    for (int b = 0; b < IPPOOL_BLOCKS; b++)
        if (p->owner[b] == p->node && take_from(p, b, ret))
            return 0;
    for (int b = 0; b < IPPOOL_BLOCKS; b++) {
        struct addr a;
        if (p->owner[b] != 0 || !take_from(p, b, &a))
            continue;
        *ret = a;
        return claim(p, b, e);
    }
    ippool_count(p, &used, &total);
    return err_set(e, ERR_AREA_INPUT, VMREC_POOL_FULL, "%s is full, %u of %u: choose another.",
                   network, used, total);
}
