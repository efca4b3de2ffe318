#ifndef MESHDECK_TUI_ALERTS_H
#define MESHDECK_TUI_ALERTS_H
/*
 * The alerts as the console ranks and words them: CRIT before WARN, then more VMs touched, then the
 * newer; taken and ended ones never stand in the header. Console thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "backend/model/rows.h"
#include "widgets/role.h"

struct console;

struct alerts_sum {
    const struct alert_row *worst; /* of the snapshot; NULL: all well */
    unsigned of_level[ALERT_LEVEL_COUNT]; /* open ones, the worst among them */
};

void alerts_sum(const struct console *c, struct alerts_sum *ret);
/* The i-th in the Deck's order: open by rank, then taken, then ended. NULL past the end. */
size_t alerts_sorted(const struct console *c, const struct alert_row **out, size_t cap);
const char *alerts_level_word(const struct alert_row *a); /* "CRIT" */
enum role alerts_role(const struct alert_row *a);
/* "fra2 is down since 14:02:11: packets leave, none return. 2 VMs cut off." */
void alerts_format_sentence(const struct console *c, const struct alert_row *a, char *buf,
                            size_t cap);
/* The Deck's line: "tunnel down; 2 VMs cut off: cache2 db2" */
void alerts_format_short(const struct console *c, const struct alert_row *a, char *buf, size_t cap);
void alerts_turn(struct console *c); /* rings for a new CRIT */
void alerts_go(struct console *c, const struct alert_row *a);
void alerts_ack(struct console *c, const struct alert_row *a);

#endif
