/* Tickets of earlier engines. What one of them left half done is planned again from state, so its
 * ticket ends here and says so. Engine thread. */
#include "backend/engine/load_rows.h"

#include <string.h>

#include "backend/engine/keep.h"
#include "backend/model/text.h"

void load_tickets(struct core *c, const struct ticket_rec *recs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct ticket_rec *t = &recs[i];
        struct ticket_row row = {.id = t->id, .state = t->state, .step = t->step, .steps = t->steps,
                                 .started_ms = t->started_ms, .ended_ms = t->ended_ms};
        str_copy(row.command, sizeof row.command, t->command);
        row.verb = text_intern(t->verb);
        row.object = text_intern(t->object);
        row.step_name = text_intern(t->step_name);
        row.error = text_intern(t->error);
        row.undone = text_intern(t->undone);
        row.by = text_intern(t->by);
        if (t->state == TICKET_ACCEPTED || t->state == TICKET_RUNNING) {
            row.state = TICKET_FAILED;
            row.ended_ms = now_ms();
            row.error = text_intern("the engine ended while it ran; what it began is planned again");
            keep_ticket(c, &row);
        }
        publish_put(c, TABLE_TICKETS, &row);
    }
}
