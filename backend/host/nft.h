#ifndef MESHDECK_HOST_NFT_H
#define MESHDECK_HOST_NFT_H
/*
 * The firewall of this host: the tables `inet`, `arp` and `bridge meshdeck`, and nothing else.
 * Rules are text that an operator can read (nft_text.h); guests come and go as set elements in one
 * netlink batch. `struct nft` owns the three parts that do it: the libnftables worker process, the
 * element socket and the watch on other people's changes. It knows which guests should be there, so
 * when somebody flushes the tables it builds them again in one transaction and says who it was.
 * Engine thread; callbacks run on the uv loop. The tables stay when it is freed: guests outlive us.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/model/addr.h"
#include "backend/model/err.h"

struct uv_loop_s;

struct nft_config {
    struct addr fleet;      /* the fleet's /48 */
    struct addr mesh4;      /* 10.210.0.0/16 */
    char wg_device[IFNAMSIZ];
    bool only_guests;       /* drop what is forwarded for others: set when it was us who switched
                               forwarding on, so that the host does not become a router by that */
};

/* One guest's place. ip4 or ip6 may be unset (family 0). */
struct nft_guest {
    char tap[IFNAMSIZ];
    uint8_t mac[6];
    struct addr ip4;
    struct addr ip6;
    bool bridged; /* a port of a bridge: its frames are checked in the bridge table */
};

/* Why packets were dropped, and what was let out; names as in the tables' counters. */
enum nft_counter {
    NFT_COUNTER_SPOOFED,        /* guest used a MAC or source address that is not its own */
    NFT_COUNTER_GUEST_RA,       /* guest sent router advertisements or redirects */
    NFT_COUNTER_GUEST_NA,       /* guest answered for a neighbour that it is not */
    NFT_COUNTER_GUEST_DHCP,     /* guest played a DHCP server */
    NFT_COUNTER_OUTSIDER,       /* a mesh address as source, from outside the mesh */
    NFT_COUNTER_TO_HOST,        /* guest tried a service of the host */
    NFT_COUNTER_LINK_LOCAL,     /* guest tried 169.254.0.0/16 or a metadata service upstream */
    NFT_COUNTER_NO_SUCH_GUEST,  /* mesh address that leads nowhere */
    NFT_COUNTER_UNKNOWN_GUEST,  /* towards a tap for an address that is not its guest's */
    NFT_COUNTER_FROM_OUTSIDE,   /* new connection from outside to a guest or into the mesh */
    NFT_COUNTER_MESH_OUTWARD,   /* new connection from the mesh through this host to outside */
    NFT_COUNTER_NOT_OURS,       /* forwarding for others, with only_guests */
    NFT_COUNTER_MASQUERADED,    /* connections let out under the host's address: not a drop */
    NFT_COUNTER_ARP_SPOOFED,    /* ARP with another's address (tables arp and bridge) */
    NFT_COUNTER_COUNT
};

struct nft_count {
    uint64_t packets;
    uint64_t bytes;
};

struct nft_guest_count {
    struct nft_count from4, from6, to4, to6; /* forwarded; host traffic only in from */
};

enum nft_event_kind {
    NFT_EVENT_CHANGED,     /* somebody else changed our tables; they are being rebuilt */
    NFT_EVENT_REBUILT,     /* ...and are whole again */
    NFT_EVENT_FAILED,      /* a rebuild failed; it is tried again with back-off; error says why */
    NFT_EVENT_WORKER_DIED, /* the libnftables worker died; its job is lost, a new one starts */
};

struct nft_event {
    enum nft_event_kind kind;
    pid_t pid;            /* who, 0 when unknown */
    char who[32];         /* process name, cleaned; "" when unknown */
    char what[96];        /* "table inet meshdeck removed" */
    const struct err *error_b; /* for the call; NULL when none */
};

struct nft;
typedef void nft_event_fn(const struct nft_event *ev, void *arg);
/* e is NULL when it is done. */
typedef void nft_done_fn(const struct err *e, void *arg);
/* The answer is JSON text as libnftables prints it (see nft_listing.h); valid for the call. */
typedef void nft_json_fn(const char *json, size_t len, const struct err *e, void *arg);

/* worker_exe: NULL for this program; worker_uid 0 keeps root, else the worker runs as that uid
 * with CAP_NET_ADMIN alone. Nothing in the kernel changes before the first nft_rebuild. */
int nft_open(struct uv_loop_s *loop, const struct nft_config *config, const char *worker_exe,
             uid_t worker_uid, nft_event_fn *event, void *arg, struct nft **ret, struct err *e);
/* Jobs under way are forgotten (their callbacks are not called). NULL is fine. */
void nft_free(struct nft *n);

/*
 * Declares the whole state: these guests and no others. Tables and elements go in with one
 * transaction; counters keep their values. Call it once at start with every guest that runs.
 */
int nft_rebuild(struct nft *n, const struct nft_config *config, const struct nft_guest *guests,
                size_t count, nft_done_fn *done, void *arg, struct err *e);
/*
 * Adds and removes guests in one netlink batch, all or nothing. Idempotent: adding what is there
 * and removing what is not are fine; a tap whose guest changed loses its old elements in the same
 * batch. Removal goes by the tap's name. Add a guest before its tap goes up: a tap that is not in
 * the sets is a foreign interface to these rules. Returns 0 when it is in the kernel, 1 when the tables are
 * being built and the change will be in them (then done is called; when it tells a failure, the
 * change still stands and the build is tried again), else a negative errno and nothing changed.
 */
int nft_apply(struct nft *n, const struct nft_guest *add, size_t n_add,
              const char (*del)[IFNAMSIZ], size_t n_del, nft_done_fn *done, void *arg,
              struct err *e);
/* Takes our tables away. The watch does not bring them back; a later nft_rebuild does. */
int nft_remove(struct nft *n, nft_done_fn *done, void *arg, struct err *e);

/* True while the tables are as they should be. */
bool nft_is_whole(const struct nft *n);
size_t nft_guest_total(const struct nft *n);
/* Reads from the kernel, without waiting on any process. */
int nft_read_counters(struct nft *n, struct nft_count ret[static NFT_COUNTER_COUNT],
                      struct err *e);
int nft_read_guest(struct nft *n, const char *tap, struct nft_guest_count *ret, struct err *e);
/* Every chain of the host, foreign ones too; or one of our tables ("inet", "arp", "bridge"). */
int nft_list_chains(struct nft *n, nft_json_fn *done, void *arg, struct err *e);
int nft_list_table(struct nft *n, const char *family, nft_json_fn *done, void *arg,
                   struct err *e);
/* Has the kernel check a piece of nft text without applying it; there is no JSON in the answer. */
int nft_check(struct nft *n, const char *text, nft_json_fn *done, void *arg, struct err *e);

const char *nft_counter_name(enum nft_counter c);    /* as in the tables: "spoofed" */
const char *nft_counter_meaning(enum nft_counter c); /* a sentence for the console */

/* The worker's main (`meshdeck --worker nft`): serves requests on fd until it closes. */
int worker_nft_main(int fd);

#endif
