#ifndef MESHDECK_TUI_TICKETS_H
#define MESHDECK_TUI_TICKETS_H
/*
 * The tickets of this session: row 23 shows the newest that runs, a toast or an error tells its end.
 * Console thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/rows.h"
#include "widgets/canvas.h"

struct console;

void tickets_own(struct console *c, uint64_t id);
bool tickets_is_own(const struct console *c, uint64_t id);
const struct ticket_row *tickets_find(const struct console *c, uint64_t id);
const struct ticket_row *tickets_running_own(const struct console *c, size_t *ret_more);
void tickets_turn(struct console *c); /* tells of those that have ended */
void tickets_draw_line(const struct console *c, struct canvas row, const struct ticket_row *t,
                       size_t more);
/* Running, failed, done since midnight: of all that the snapshot has. */
void tickets_count(const struct console *c, unsigned *running, unsigned *failed, unsigned *done);
bool tickets_is_over(const struct ticket_row *t);
/* The newest ticket about an object that ran at that instant; NULL: none. */
const struct ticket_row *tickets_cause(const struct console *c, const char *object, int64_t at_ms);

#endif
