#ifndef MESHDECK_STORE_REC_H
#define MESHDECK_STORE_REC_H
/*
 * Records: a struct's fields as columns, by table. Binding and reading go through the table, and so
 * does the checksum in a record's last column `sum`, which finds a flipped byte that SQLite cannot.
 * Empty and zero values are left out of it, so that a new column leaves old sums right.
 * Used within backend/store only, on the store's thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/err.h"

struct db;
struct sqlite3_stmt;

enum rec_kind {
    REC_U8,
    REC_U32,
    REC_U64,
    REC_I64,
    REC_TEXT,     /* char[size] */
    REC_ADDR,     /* struct addr, as text */
    REC_ENDPOINT, /* struct endpoint, as text */
    REC_MAC,      /* uint8_t[6], as text */
    REC_KEY,      /* uint8_t[32], as 32 bytes; none: no bytes */
    REC_PREFIXES  /* struct addr[], as words; the number of them is the uint32_t at `count` */
};

struct rec_col {
    const char *name;
    enum rec_kind kind;
    uint16_t offset, size, count;
};

struct rec_type {
    const char *what; /* for error texts: "VM" */
    const struct rec_col *cols;
    uint16_t n_cols, size;
    int32_t damaged; /* offset of the uint8_t; -1: no checksum is kept */
};

#define REC_COL(type, member, kind_)                                                               \
    {                                                                                              \
        .name = #member, .kind = (kind_), .offset = offsetof(struct type, member),                 \
        .size = sizeof(((struct type *)0)->member)                                                 \
    }

/* Binds ?1 to ?n in the table's order, and the sum as ?n+1 when one is kept. */
int rec_bind(struct db *db, struct sqlite3_stmt *s, const struct rec_type *t, const void *row,
             struct err *e);
/* Reads columns 0 to n-1, and the sum from column n; what does not fit is damage, never an error.
 */
void rec_read(struct sqlite3_stmt *s, const struct rec_type *t, void *ret_row);

/* Prepares sql (a literal), binds row, runs it to its end. */
int rec_run(struct db *db, const char *sql, const struct rec_type *t, const void *row,
            struct err *e);
/* Reads every row of a prepared and bound statement into one array (free()); resets it. */
int rec_collect(struct db *db, struct sqlite3_stmt *s, const struct rec_type *t, void **ret,
                size_t *ret_n, struct err *e);
/* The first row of it, -ENOENT when there is none (no text is set then); resets it. */
int rec_first(struct db *db, struct sqlite3_stmt *s, const struct rec_type *t, void *ret_row,
              struct err *e);


/* Of the table vms, in the order of rec_vm. */
#define REC_VM_COLUMNS                                                                             \
    "id, name, network_id, home_node, node, image, vcpus, memory_mib, disk_gib, wanted, "          \
    "autostart,"                                                                                   \
    " phase, ticket, ip4, ip6, mac, tap, uid, ports, labels, host_key_path, host_key_public,"      \
    " host_key_fingerprint, cpu_model, accel, machine, created_ms, started_ms, ended_ms,"          \
    " ended_why, boot_id, sum"

extern const struct rec_type rec_settings, rec_network, rec_vm, rec_peer, rec_ticket,
    rec_ticket_step, rec_journal, rec_probe, rec_ack;

#endif
