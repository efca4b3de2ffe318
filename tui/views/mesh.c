/* Mesh: which tunnel lies? The list of peers, and their endpoints. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/lines.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/views/mesh_scale.h"
#include "tui/views/views.h"
#include "widgets/cells.h"
#include "widgets/xmem.h"

static const struct peer_row *peer_of(const void *row)
{
    return row;
}

static const char *verdict_word(const struct peer_row *p)
{
    return peer_verdict_names[p->verdict < PEER_VERDICT_COUNT ? p->verdict : PEER_NEVER];
}

CELL_TEXT(name, struct peer_row, r->name)
CELL_TEXT(prefixes, struct peer_row, r->allowed_ips)

static const char *text_verdict(void *ctx, const void *row)
{
    (void)ctx;
    return verdict_word(row);
}

static void show_verdict(void *ctx, const void *row, struct list_cell *cell)
{
    cell_text(cell, text_verdict(ctx, row));
    cell->role = peer_of(row)->foreign ? ROLE_FOREIGN : glyph_peer(row).role;
}

static double num_handshake(void *ctx, const void *row)
{
    const struct view *v = ctx;
    int64_t ms = peer_of(row)->handshake_ms;

    return ms ? (double)(v->c_b->clock.now_ms - ms) / 1000 : (double)NAN;
}

static void show_handshake(void *ctx, const void *row, struct list_cell *cell)
{
    const struct view *v = ctx;
    int64_t ms = peer_of(row)->handshake_ms;
    char age[FMT_MAX];

    if (ms == 0)
        cell_text(cell, "never");
    else if (ms > v->c_b->clock.now_ms + 1000)
        cell_text(cell, "?");
    else
        cell_text(cell, fmt_age(age, ms, v->c_b->clock.now_ms));
}

static void show_endpoint(void *ctx, const void *row, struct list_cell *cell)
{
    char buf[ADDR_ENDPOINT_TEXT];

    (void)ctx;
    if (addr_is_set(&peer_of(row)->endpoint.addr))
        cell_text(cell, addr_endpoint_format(&peer_of(row)->endpoint, buf));
    else
        cell_text(cell, "-");
}

static double num_rx(void *ctx, const void *row)
{
    (void)ctx;
    return (double)peer_of(row)->rx_bps;
}

static void show_rx(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    cell_rate(cell, peer_of(row)->rx_bps);
}

static double num_tx(void *ctx, const void *row)
{
    (void)ctx;
    return (double)peer_of(row)->tx_bps;
}

static void show_tx(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    cell_rate(cell, peer_of(row)->tx_bps);
}

static double num_vms(void *ctx, const void *row)
{
    (void)ctx;
    return peer_of(row)->vms;
}

static void show_vms(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    if (peer_of(row)->vms == 0 && strcmp(peer_of(row)->expected, "sometimes") == 0)
        cell_text(cell, "-");
    else
        cell_num(cell, peer_of(row)->vms);
}

static double num_last_in(void *ctx, const void *row)
{
    (void)ctx;
    return (double)peer_of(row)->last_in_ms;
}

static void show_last_in(void *ctx, const void *row, struct list_cell *cell)
{
    cell_short_time(ctx, cell, peer_of(row)->last_in_ms);
}

static void show_key(void *ctx, const void *row, struct list_cell *cell)
{
    char key[FMT_KEY];

    (void)ctx;
    fmt_key(key, peer_of(row)->public_key);
    snprintf(cell->text, sizeof cell->text, "%.8s", key);
}

/* Trouble first, then by name: what should be looked at stands at the top. */
static int by_trouble(void *ctx, const void *a, const void *b)
{
    static const int rank[PEER_VERDICT_COUNT] = {
        [PEER_DOWN] = 0,    [PEER_MISMATCH] = 0, [PEER_CLAIMED] = 0, [PEER_ONE_WAY] = 1,
        [PEER_STALE] = 1,   [PEER_NEVER] = 2,    [PEER_HEALTHY] = 3, [PEER_IDLE] = 4,
    };
    int ra = rank[peer_of(a)->verdict % PEER_VERDICT_COUNT];
    int rb = rank[peer_of(b)->verdict % PEER_VERDICT_COUNT];

    (void)ctx;
    return ra != rb ? ra - rb : strcmp(peer_of(a)->name, peer_of(b)->name);
}

static void show_nothing(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    (void)row;
    cell->text[0] = '\0';
}

static const struct list_column columns[] = {
    {"peer", "PEER", 9, true, CELLS_LEFT, 1, 'n', .format = show_name, .text = text_name},
    {"verdict", "VERDICT", 9, false, CELLS_LEFT, 1, 'v', .meaning = true, .format = show_verdict,
     .text = text_verdict},
    {"handshake", "HANDSHAKE", 9, false, CELLS_RIGHT, 1, 'h', .format = show_handshake,
     .number = num_handshake},
    {"endpoint", "ENDPOINT", 24, false, CELLS_LEFT, 2, 'e', .meaning = true,
     .format = show_endpoint},
    {"rx", "RX b/s", 7, false, CELLS_RIGHT, 2, 'r', .descending = true, .format = show_rx,
     .number = num_rx},
    {"tx", "TX b/s", 7, false, CELLS_RIGHT, 2, 't', .descending = true, .format = show_tx,
     .number = num_tx},
    {"vms", "VMS", 4, false, CELLS_RIGHT, 3, 'm', .descending = true, .format = show_vms,
     .number = num_vms},
    {"last-in", "LAST IN", 8, false, CELLS_RIGHT, 4, 'l', .descending = true,
     .format = show_last_in, .number = num_last_in},
    {"prefixes", "PREFIXES", 30, false, CELLS_LEFT, 4, 'p', .format = show_prefixes,
     .text = text_prefixes},
    {"key", "KEY", 9, false, CELLS_LEFT, 5, 'k', .format = show_key},
    /* An order, never a column: wider than any screen. */
    {"trouble", "TROUBLE", 4000, false, CELLS_LEFT, 6, 'x', .format = show_nothing,
     .compare = by_trouble},
};

static const struct list_column endpoint_columns[] = {
    {"peer", "PEER", 13, true, CELLS_LEFT, 1, 'n', .format = show_name, .text = text_name},
    {"verdict", "VERDICT", 9, false, CELLS_LEFT, 1, 'v', .meaning = true, .format = show_verdict,
     .text = text_verdict},
    {"endpoint", "ENDPOINT", 47, false, CELLS_LEFT, 1, 'e', .meaning = true,
     .format = show_endpoint},
    {"last-in", "LAST IN", 8, false, CELLS_RIGHT, 2, 'l', .descending = true,
     .format = show_last_in, .number = num_last_in},
    {"prefixes", "PREFIXES", 50, false, CELLS_LEFT, 4, 'p', .format = show_prefixes,
     .text = text_prefixes},
    {"trouble", "TROUBLE", 4000, false, CELLS_LEFT, 6, 'x', .format = show_nothing,
     .compare = by_trouble},
};

static uint32_t mesh_glyph(const struct view *v, const void *row, bool utf8, enum role *role)
{
    (void)v;
    return glyph_put(glyph_peer(row), utf8, role);
}

static void mesh_name(const void *row, char *buf, size_t cap)
{
    xmem_copy_text(buf, cap, peer_of(row)->name);
}

static void mesh_title(const struct view *v, char *buf, size_t cap)
{
    const struct snapshot_meta *m = &v->c_b->snap->meta;

    if (m->wg_device[0])
        snprintf(buf, cap, "%s port %u", m->wg_device, m->wg_port);
}

static void mesh_empty(const struct view *v, char *buf, size_t cap)
{
    const struct snapshot_meta *m = &v->c_b->snap->meta;
    static const uint8_t none[32];
    char key[FMT_KEY];

    if (!m->wg_device[0]) {
        snprintf(buf, cap, "There is no WireGuard device yet. Nodes shows what this host lacks.");
        return;
    }
    fmt_key(key, m->public_key);
    snprintf(buf, cap, "%s is up on port %u and has no peers. c adds one.%s%s%s", m->wg_device,
             m->wg_port, memcmp(m->public_key, none, 32) ? " This node's public key: " : "",
             memcmp(m->public_key, none, 32) ? key : "",
             memcmp(m->public_key, none, 32) ? " (y copies it)" : "");
}

static void mesh_open(struct view *v, const void *row)
{
    page_open_lines(v->c_b, VIEW_MESH, "peer.detail", peer_of(row)->name, 0);
}

static void mesh_inspect(struct view *v, const void *row, struct canvas c)
{
    mesh_draw_peer(v->c_b, &v->inspected, row, c, v->inspect_top, "Tab to scroll");
}

static int mesh_wait(const struct view *v)
{
    size_t first, last;
    int wait = -1;

    list_get_window(v->list, &first, &last);
    for (size_t i = first; i > 0 && i <= last; i++) {
        const struct peer_row *p = list_shown_row(v->list, i - 1);
        int w = p ? fmt_age_wait_ms(p->handshake_ms, v->c_b->clock.now_ms) : -1;
        if (w >= 0 && (wait < 0 || w < wait))
            wait = w;
    }
    return wait;
}

static const char *mesh_copy(const struct view *v, const void *row, char letter, char *buf,
                             size_t cap, const char **what)
{
    const struct peer_row *p = row;
    char text[ADDR_ENDPOINT_TEXT];

    switch (letter) {
    case 'y':
    case 'e':
        *what = "endpoint";
        if (!p || !addr_is_set(&p->endpoint.addr))
            break;
        snprintf(buf, cap, "%s", addr_endpoint_format(&p->endpoint, text));
        return buf;
    case 'n':
        *what = "name";
        snprintf(buf, cap, "%s", p ? p->name : "");
        return p ? buf : NULL;
    case 'p':
        *what = "prefixes";
        snprintf(buf, cap, "%s", p ? p->allowed_ips : "");
        return p ? buf : NULL;
    case 'k':
        *what = "public key";
        fmt_key(buf, p ? p->public_key : v->c_b->snap->meta.public_key);
        return buf;
    default:
        break;
    }
    if (letter == 'y' || letter == 'k') {
        *what = "public key";
        fmt_key(buf, v->c_b->snap->meta.public_key);
        return buf;
    }
    return NULL;
}

static const struct hint hints[] = {
    {ACT_OPEN, NULL},        {ACT_PEER_TRY, "other endpoint"}, {ACT_PEER_ADD, NULL},
    {ACT_PEER_REMOVE, NULL}, {ACT_VARIANT, NULL},              {ACT_WHY, NULL},
    {ACT_HELP, NULL},        {ACT_INSPECT, NULL},              {ACT_COPY, NULL},
    {ACT_FILTER, NULL},      {ACT_SORT, NULL},                 {ACT_QUIT, NULL},
    {0, NULL},
};

#define MESH_COMMON                                                                                \
    .name = "mesh", .tab = "Mesh", .question = "which tunnel lies, and since when",                \
    .table = TABLE_PEERS, .context = CTX_MESH, .sort = "trouble",                                  \
    .variants = {"list", "endpoints"}, .by_variant = {&view_mesh, &view_mesh_endpoints},           \
    .detail = "peer.detail", .hints = hints, .glyph = mesh_glyph, .row_name = mesh_name,           \
    .title = mesh_title, .empty = mesh_empty, .inspect = mesh_inspect, .open = mesh_open,          \
    .copy = mesh_copy, .copy_keys = "y endpoint  k public key  p prefixes  n name"

static const struct view_ops view_mesh_endpoints;

const struct view_ops view_mesh = {
    MESH_COMMON,
    .columns = columns,
    .n_columns = XMEM_LEN(columns),
    .wait_ms = mesh_wait,
};

static const struct view_ops view_mesh_endpoints = {
    MESH_COMMON,
    .columns = endpoint_columns,
    .n_columns = XMEM_LEN(endpoint_columns),
};
