#ifndef MESHDECK_MODEL_ROWS_H
#define MESHDECK_MODEL_ROWS_H
/*
 * The rows of a snapshot: plain values and interned strings (text_intern; never NULL, "" for none),
 * nothing to free, safe to copy. Instants are milliseconds since the epoch, 0 for never; a row never
 * holds an age. Every text in a row has been cleaned. The field tables below give each row its JSON
 * form, which is that of `--json` and of the control socket.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/addr.h"

enum vm_state {
    VM_STATE_STOPPED,
    VM_STATE_STARTING,
    VM_STATE_RUNNING,
    VM_STATE_PAUSED,
    VM_STATE_STOPPING,
    VM_STATE_MOVING,
    VM_STATE_FAILED,
    VM_STATE_UNKNOWN,
    VM_STATE_COUNT
};
enum peer_verdict {
    PEER_HEALTHY,
    PEER_IDLE,
    PEER_NEVER,
    PEER_STALE,
    PEER_ONE_WAY,
    PEER_CLAIMED,
    PEER_MISMATCH,
    PEER_DOWN,
    PEER_VERDICT_COUNT
};
enum node_state { NODE_UP, NODE_DRAINING, NODE_READONLY, NODE_PARTIAL, NODE_LOST, NODE_STATE_COUNT };
enum route_state { ROUTE_PLAIN, ROUTE_NEW, ROUTE_CHANGED, ROUTE_GONE, ROUTE_NEXTHOP_DOWN, ROUTE_STATE_COUNT };
enum ticket_state { TICKET_ACCEPTED, TICKET_RUNNING, TICKET_DONE, TICKET_FAILED, TICKET_STATE_COUNT };
enum alert_level { ALERT_WARN, ALERT_CRIT, ALERT_LEVEL_COUNT };
enum event_level { EVENT_INFO, EVENT_WARN, EVENT_CRIT, EVENT_LEVEL_COUNT };

struct vm_row {
    uint64_t id;
    char name[32]; /* order: by name */
    const char *node, *network, *image, *accel;
    const char *reason; /* why failed or unknown, or what stands in the way */
    const char *ports, *labels; /* words separated by blanks: "8080:80/tcp", "k=v" */
    struct addr ip4, ip6;
    uint8_t mac[6];
    char tap[16];
    uint8_t state; /* enum vm_state */
    uint8_t wanted; /* should run, and comes back after a reboot */
    uint8_t remote; /* lives on another node */
    uint32_t vcpus, memory_mib, disk_gib, pid;
    uint32_t cpu_permille; /* 1000 is one core */
    uint32_t rss_mib;
    uint64_t rx_bps, tx_bps; /* bits a second, seen from the guest */
    uint64_t disk_bytes;     /* written into its own layer */
    int64_t since_ms, created_ms;
};

struct peer_row {
    uint64_t id;
    char name[32]; /* order: by name */
    uint8_t public_key[32];
    struct endpoint endpoint;
    const char *allowed_ips; /* prefixes separated by blanks */
    const char *expected;    /* "always" or "sometimes" */
    const char *evidence;    /* the verdict as a sentence */
    uint8_t verdict;         /* enum peer_verdict */
    uint8_t foreign;         /* in the kernel, not ours */
    uint16_t keepalive_s;
    uint32_t vms;            /* behind it */
    int64_t handshake_ms, last_in_ms, since_ms;
    uint64_t rx_bytes, tx_bytes, rx_bps, tx_bps;
};

struct route_row {
    uint64_t id; /* a hash of the key below */
    struct addr dst; /* order: family, dst, table, metric, oif, gateway */
    uint32_t table, metric;
    uint32_t oif;
    struct addr gateway;
    struct addr prefsrc;
    const char *dev, *owner; /* owner: "vm web1", "node lon3", "meshdeck", "foreign" */
    uint8_t protocol, type, scope;
    uint8_t state; /* enum route_state */
    int64_t since_ms;
};

struct link_row {
    uint64_t id; /* order: by ifindex */
    uint32_t ifindex, mtu, master;
    char name[16];
    const char *kind, *alias;
    uint8_t up, carrier, ours;
    uint8_t mac[6];
};

struct network_row {
    uint64_t id;
    char name[32]; /* order: by name */
    const char *shape, *prefix, *egress, *reach, *domain;
    uint32_t vms, free, total, mtu;
    uint8_t nat;
};

struct node_row {
    uint64_t id; /* the node's number */
    char name[32]; /* order: by name */
    uint8_t state; /* enum node_state */
    uint8_t self;
    struct addr address;
    const char *endpoints, *accel, *version, *lacks; /* lacks: what the host lacks and its cost */
    uint32_t vms, cpu_permille, mem_permille, disk_permille, tunnels_up, tunnels;
    int64_t seen_ms;
};

struct image_row {
    uint64_t id;
    char name[32]; /* order: by name */
    const char *format, *boot, *origin, *sha256, *problem; /* problem: "" when usable */
    uint64_t size_bytes;
    uint32_t used_by;
    int64_t added_ms;
};

struct event_row {
    uint64_t id; /* order: by id, oldest first; grows */
    int64_t time_ms;
    uint8_t level; /* enum event_level */
    const char *object, *what, *cause, *who; /* object like "vm web1" */
};

struct alert_row {
    uint64_t id; /* order: by id */
    uint8_t level; /* enum alert_level */
    uint8_t acked;
    const char *object, *view; /* "fra2", and the view's name where it is seen ("mesh") */
    const char *verdict;       /* short, for the header: "down" */
    const char *sentence;      /* "fra2 is down since 14:02:11: ..." without the time */
    const char *acked_by;
    uint32_t vms; /* touched */
    uint64_t object_id;
    int64_t since_ms, ended_ms;
};

struct ticket_row {
    uint64_t id; /* the ticket's number; order: by id */
    char command[48]; /* "create web3" */
    const char *verb, *object;
    uint8_t state; /* enum ticket_state */
    uint32_t step, steps;
    const char *step_name, *error, *by, *undone;
    int64_t started_ms, ended_ms;
};

enum table_id {
    TABLE_VMS,
    TABLE_PEERS,
    TABLE_ROUTES,
    TABLE_LINKS,
    TABLE_NETWORKS,
    TABLE_NODES,
    TABLE_IMAGES,
    TABLE_EVENTS,
    TABLE_ALERTS,
    TABLE_TICKETS,
    TABLE_COUNT
};

enum field_kind {
    FIELD_TEXT, /* char[size] */
    FIELD_SYM,  /* const char *, interned */
    FIELD_LIST, /* const char * of words; an array of strings in JSON */
    FIELD_U8,
    FIELD_BOOL, /* uint8_t */
    FIELD_U16,
    FIELD_U32,
    FIELD_U64,
    FIELD_INSTANT, /* int64_t, milliseconds */
    FIELD_ENUM,    /* uint8_t with names */
    FIELD_ADDR,
    FIELD_ENDPOINT,
    FIELD_MAC,
    FIELD_KEY /* uint8_t[32], base64 in JSON */
};

struct field {
    const char *name; /* as in JSON: snake_case */
    enum field_kind kind;
    uint16_t offset, size;
    const char *const *names; /* of FIELD_ENUM */
};

struct row_type {
    const char *name; /* "vms" */
    size_t size;
    const struct field *fields;
    size_t n_fields;
    int (*compare)(const void *a, const void *b);
};

/* Words of the enums, as console and JSON say them. NULL-free up to the COUNT of each enum. */
extern const char *const vm_state_names[VM_STATE_COUNT + 1];
extern const char *const peer_verdict_names[PEER_VERDICT_COUNT + 1];
extern const char *const node_state_names[NODE_STATE_COUNT + 1];
extern const char *const route_state_names[ROUTE_STATE_COUNT + 1];
extern const char *const ticket_state_names[TICKET_STATE_COUNT + 1];
extern const char *const alert_level_names[ALERT_LEVEL_COUNT + 1];
extern const char *const event_level_names[EVENT_LEVEL_COUNT + 1];
const char *route_protocol_name(uint8_t protocol, char buf[static 8]);

const struct row_type *row_type_of(enum table_id id);
enum table_id row_table_find(const char *name); /* TABLE_COUNT when there is none of that name */

/* Field by field, so that padding and what stands behind a text's NUL do not count. */
bool row_equal(const struct row_type *type, const void *a, const void *b);
/* The id that goes with a route's key (dst, table, metric, oif, gateway); never 0, below 2^53. */
uint64_t route_row_id(const struct route_row *r);

/*
 * JSON both ways (rows_json.c). Addresses that are not set are null; enums are their words; lists
 * are arrays; instants are integers, milliseconds. Rows from JSON are hostile until they pass: every
 * length and range checked, texts cleaned; a missing or null field is 0 or "", an unknown one is
 * passed over.
 */
struct json_t;
struct json_t *row_to_json(const struct row_type *type, const void *row); /* owned; NULL: no memory */
int row_from_json(const struct row_type *type, const struct json_t *j, void *ret_row, struct err *e);

#endif
