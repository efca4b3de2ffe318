/* Parts of a VM's page and inspector. Console thread; draws only. */
#include "tui/views/vm_parts.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tui/lines.h"
#include "tui/state.h"
#include "tui/views/views.h"
#include "widgets/cells.h"
#include "widgets/spark.h"
#include "widgets/xmem.h"

enum { LABEL_COLS = 9, NOW_EDGE = 16, LIMIT_EDGE = 25, SPARK_COL = 27 };

const struct vm_row *vm_by_name(const struct console *c, const char *name)
{
    struct vm_row key = {0};

    xmem_copy_text(key.name, sizeof key.name, name);
    return view_find(c->snap->tables[TABLE_VMS], &key);
}

static int pair(struct canvas c, int row, const char *label, const char *text)
{
    canvas_put(c, row, 0, ROLE_DIM, label);
    canvas_put(c, row, LABEL_COLS, ROLE_BASE, text);
    return row + 1;
}

/* "8080:80/tcp 53:53/udp" as "8080 to 80/tcp, 53 to 53/udp". */
static void format_ports(const char *ports, char *buf, size_t cap)
{
    size_t at = 0;

    buf[0] = '\0';
    while (*ports && at + 8 < cap) {
        size_t len = strcspn(ports, " ");
        const char *colon = memchr(ports, ':', len);
        int head = colon ? (int)(colon - ports) : (int)len;
        at += (size_t)snprintf(buf + at, cap - at, "%s%.*s", at ? ", " : "", head, ports);
        if (colon && at < cap)
            at += (size_t)snprintf(buf + at, cap - at, " to %.*s", (int)len - head - 1, colon + 1);
        ports += len + strspn(ports + len, " ");
    }
}

int vm_parts_addresses(const struct detail *d, const struct vm_row *vm, struct canvas c, int row)
{
    char text[256], addr[ADDR_TEXT], mac[ADDR_MAC_TEXT];
    int64_t mtu = detail_number(d, "mtu", 0);

    canvas_put(c, row, 0, ROLE_COLHEAD, "ADDRESSES");
    row++;
    row = pair(c, row, "ipv6", addr_is_set(&vm->ip6) ? addr_format(&vm->ip6, false, addr) : "none");
    row = pair(c, row, "ipv4", addr_is_set(&vm->ip4) ? addr_format(&vm->ip4, false, addr) : "none");
    snprintf(text, sizeof text, "%s.internal", vm->name);
    row = pair(c, row, "name", detail_text(d, "fqdn")[0] ? detail_text(d, "fqdn") : text);
    snprintf(text, sizeof text, "%s   %s", detail_text(d, "gateway6"), detail_text(d, "gateway4"));
    row = pair(c, row, "gateway", text);
    row = pair(c, row, "dns", detail_text(d, "dns"));
    snprintf(text, sizeof text, "%s   %s", addr_mac_format(vm->mac, mac), vm->tap);
    row = pair(c, row, "mac", text);
    if (mtu)
        snprintf(text, sizeof text, "%s, shape %s, mtu %" PRId64, vm->network,
                 detail_text(d, "shape")[0] ? detail_text(d, "shape") : vm->network, mtu);
    else
        snprintf(text, sizeof text, "%s", vm->network);
    row = pair(c, row, "network", text);
    format_ports(vm->ports, text, sizeof text);
    return pair(c, row, "ports", text[0] ? text : "none");
}

static void put_right(struct canvas c, int row, int edge, enum role role, const char *text)
{
    canvas_put(c, row, edge - cells_width(text), role, text);
}

static int use_row(const struct detail *d, struct canvas c, int row, const char *label,
                   const char *now, enum role role, const char *limit, const char *series,
                   double top)
{
    double values[LOAD_CELLS];
    int cols = c.cols - SPARK_COL;

    if (cols > LOAD_CELLS)
        cols = LOAD_CELLS;
    canvas_put(c, row, 0, ROLE_DIM, label);
    put_right(c, row, NOW_EDGE, role, now);
    put_right(c, row, LIMIT_EDGE, ROLE_DIM, limit);
    if (cols < 1)
        return row + 1;
    unsigned n = detail_series(d, "history", series, values, LOAD_CELLS);
    unsigned from = n > (unsigned)cols ? n - (unsigned)cols : 0;
    for (unsigned i = 0; !limit[0] && i < n; i++)
        top = values[i] > top ? values[i] : top; /* its own peak of five minutes */
    if (n)
        spark_draw(c, row, SPARK_COL, cols, ROLE_SPARK, values + from, n - from, top > 0 ? top : 1);
    return row + 1;
}

int vm_parts_use(const struct detail *d, const struct vm_row *vm, struct canvas c, int row)
{
    bool on = vm->state != VM_STATE_STOPPED && vm->state != VM_STATE_FAILED &&
              vm->state != VM_STATE_UNKNOWN;
    const char *none = canvas_is_utf8(c) ? "\xe2\x80\x93" : "-";
    char now[FMT_MAX + 8], limit[FMT_MAX], rate[FMT_MAX];
    uint64_t cpu = vm->vcpus ? vm->cpu_permille / vm->vcpus : 0;
    uint64_t mem = vm->memory_mib ? (uint64_t)vm->rss_mib * 1000 / vm->memory_mib : 0;

    canvas_put(c, row, 0, ROLE_COLHEAD, "USE");
    put_right(c, row, NOW_EDGE, ROLE_COLHEAD, "now");
    put_right(c, row, LIMIT_EDGE, ROLE_COLHEAD, "limit");
    canvas_put(c, row++, SPARK_COL, ROLE_COLHEAD, "5 min");
    snprintf(now, sizeof now, "%u %%", (vm->cpu_permille + 5) / 10);
    snprintf(limit, sizeof limit, "%u cpu%s", vm->vcpus, vm->vcpus == 1 ? "" : "s");
    row = use_row(d, c, row, "cpu", on ? now : none, role_of_load(cpu), limit, "cpu",
                  vm->vcpus * 1000.0);
    row = use_row(d, c, row, "memory", on ? fmt_mib(now, vm->rss_mib) : none, role_of_load(mem),
                  fmt_mib(limit, vm->memory_mib), "memory", vm->memory_mib);
    fmt_mib(limit, (uint64_t)vm->disk_gib * 1024);
    row = use_row(d, c, row, "disk", fmt_bytes(now, vm->disk_bytes), ROLE_BASE, limit, "disk",
                  (double)vm->disk_gib * 1024 * 1024 * 1024);
    snprintf(now, sizeof now, "%s b/s", fmt_rate(rate, vm->rx_bps));
    row = use_row(d, c, row, "net in", on ? now : none, ROLE_BASE, "", "rx", 0);
    snprintf(now, sizeof now, "%s b/s", fmt_rate(rate, vm->tx_bps));
    return use_row(d, c, row, "net out", on ? now : none, ROLE_BASE, "", "tx", 0);
}

int vm_parts_process(const struct detail *d, const struct vm_row *vm, struct canvas c, int row)
{
    char text[192];
    size_t at;

    if (vm->pid) {
        const char *gap = strlen(vm->accel) > 6 ? "  " : "   ";
        snprintf(text, sizeof text, "pid %u%s%s%s%s", vm->pid, gap, vm->accel, gap,
                 detail_text(d, "machine"));
    } else
        snprintf(text, sizeof text, "%s", detail_text(d, "exit")[0] ? detail_text(d, "exit") : "none");
    canvas_put(c, row, 0, ROLE_COLHEAD, "PROCESS");
    canvas_put(c, row++, LABEL_COLS + 1, ROLE_BASE, text);
    at = (size_t)snprintf(text, sizeof text, "%s", vm->image);
    if (detail_text(d, "user")[0] && at < sizeof text)
        snprintf(text + at, sizeof text - at, "   user %s", detail_text(d, "user"));
    canvas_put(c, row, 0, ROLE_DIM, "image");
    canvas_put(c, row, LABEL_COLS + 1, ROLE_BASE, text);
    return row + 1;
}

int vm_parts_serial(const struct detail *d, struct canvas c, int row, int lines)
{
    json_t *a = detail_array(d, "serial");
    size_t n = json_array_size(a), from = (int)n > lines ? n - (size_t)lines : 0;

    canvas_put(c, row, 0, ROLE_COLHEAD, "SERIAL");
    canvas_printf(c, row, 10, ROLE_DIM, "last %zu lines", n - from);
    row++;
    for (int i = 0; i < lines; i++, row++) {
        const char *s = json_string_value(json_array_get(a, from + (size_t)i));
        if (s)
            canvas_put(c, row, 0, ROLE_BASE, s);
    }
    return row;
}

size_t vm_parts_n_journal(const struct detail *d)
{
    return json_array_size(detail_array(d, "journal"));
}

uint64_t vm_parts_journal_id(const struct detail *d, size_t newest_first)
{
    json_t *a = detail_array(d, "journal");
    size_t n = json_array_size(a);

    if (newest_first >= n)
        return 0;
    return (uint64_t)json_integer_value(json_object_get(json_array_get(a, n - 1 - newest_first), "id"));
}

/* who and cause in three columns: operator, from where or why, ticket. */
static void split_cause(const char *who, const char *cause, char *a, char *b, char *t, size_t cap)
{
    const char *from = strstr(who, " from "), *comma = strstr(cause, ", ticket ");

    snprintf(a, cap, "%.*s", from ? (int)(from - who) : (int)strlen(who), who);
    snprintf(b, cap, "%.*s", comma ? (int)(comma - cause) : 0, cause);
    snprintf(t, cap, "%s", comma ? comma + 2 : cause);
    if (from)
        snprintf(b, cap, "%s", from + 6);
}

static void journal_row(const struct console *c, json_t *e, struct canvas at, int row)
{
    char when[FMT_MAX], who[96], why[96], ticket[96];
    const char *what = json_string_value(json_object_get(e, "what"));
    const char *by = json_string_value(json_object_get(e, "who"));
    const char *cause = json_string_value(json_object_get(e, "cause"));
    int64_t ms = json_integer_value(json_object_get(e, "time"));

    split_cause(by ? by : "", cause ? cause : "", who, why, ticket, sizeof who);
    canvas_put(at, row, 0, ROLE_DIM, fmt_day_hms(when, &c->clock, ms));
    canvas_put_in(at, row, 16, 25, ROLE_BASE, CELLS_LEFT, what ? what : "");
    if (at.cols < 62)
        return;
    canvas_put_in(at, row, 42, 6, ROLE_BASE, CELLS_LEFT, who);
    int end = 49 + canvas_put(at, row, 49, ROLE_BASE, why) + 1;
    canvas_put(at, row, end > 66 ? end : 66, ROLE_DIM, ticket);
}

int vm_parts_journal(const struct console *c, const struct detail *d, struct canvas at, int row,
                     int lines, int cursor)
{
    json_t *a = detail_array(d, "journal");
    int n = (int)json_array_size(a), shown = n < lines ? n : lines;
    int from = cursor >= shown ? cursor - shown + 1 : 0;

    canvas_put(at, row, 0, ROLE_COLHEAD, "JOURNAL");
    canvas_printf(at, row, 10, ROLE_DIM, "last %d of %" PRId64, shown,
                  detail_number(d, "journal_total", n));
    for (int i = 0; i < shown && from + i < n; i++) {
        journal_row(c, json_array_get(a, (size_t)(n - 1 - from - i)), at, row + 1 + i);
        if (from + i == cursor)
            canvas_restyle(at, row + 1 + i, 0, at.cols, ROLE_CURSOR);
    }
    return row + 1 + lines;
}

void vm_parts_inspect(struct console *c, const struct detail *d, const struct vm_row *vm,
                      struct canvas at, int top)
{
    struct glyph g = glyph_vm(vm);
    char title[160], since[FMT_MAX];
    int row = -top;

    canvas_glyph(at, row, 0, g.role, g.utf8, g.ascii);
    snprintf(title, sizeof title, "%s   %s %s %s", vm->name, vm_state_names[vm->state],
             vm->state == VM_STATE_FAILED ? "at" : "since", fmt_hms(since, &c->clock, vm->since_ms));
    canvas_put(at, row, 2, ROLE_STRONG, title);
    row += 2;
    if (vm->reason[0]) {
        canvas_put(at, row++, 0, ROLE_COLHEAD, "WHY");
        row = lines_put_wrapped(at, row, ROLE_BASE, vm->reason) + 1;
    }
    row = vm_parts_addresses(d, vm, at, row) + 1;
    row = vm_parts_use(d, vm, at, row) + 1;
    row = vm_parts_process(d, vm, at, row) + 1;
    row = vm_parts_serial(d, at, row, 5) + 1;
    if (row < at.rows)
        vm_parts_journal(c, d, at, row, 5, -1);
}

const char *vm_parts_copy(const struct vm_row *vm, char letter, char *buf, size_t cap,
                          const char **what)
{
    char addr[ADDR_TEXT], mac[ADDR_MAC_TEXT];

    switch (letter) {
    case 'y':
    case '4':
        *what = "address";
        snprintf(buf, cap, "%s", addr_format(addr_is_set(&vm->ip4) ? &vm->ip4 : &vm->ip6, false, addr));
        return buf;
    case '6':
        *what = "ipv6";
        snprintf(buf, cap, "%s", addr_format(&vm->ip6, false, addr));
        return buf;
    case 'n':
        *what = "name";
        snprintf(buf, cap, "%s", vm->name);
        return buf;
    case 'm':
        *what = "mac";
        snprintf(buf, cap, "%s", addr_mac_format(vm->mac, mac));
        return buf;
    case 'd':
        *what = "dns name";
        snprintf(buf, cap, "%s.internal", vm->name);
        return buf;
    default:
        return NULL;
    }
}
