#ifndef MESHDECK_ENGINE_HANDLERS_H
#define MESHDECK_ENGINE_HANDLERS_H
/* Who carries a verb out in the owned engine. A NULL entry belongs to the demo alone. Each answers
 * its request exactly once, now or later. Engine thread. */
#include "backend/engine/verbs.h"

struct request;
typedef void verb_fn(struct request *r);
extern verb_fn *const handlers[VERB_COUNT];

verb_fn vm_create_request, vm_set_request, vm_start_request, vm_stop_request, vm_restart_request,
    vm_pause_request, vm_resume_request, vm_delete_request; /* vm_requests.c */
verb_fn vm_shell_request, vm_exec_request, vm_serial_request;   /* vm_streams.c */
verb_fn vm_detail_request, vm_log_request;                      /* vm_detail.c */
verb_fn peer_add_request, peer_remove_request, peer_try_request; /* peers.c */
verb_fn peer_detail_request, route_detail_request, network_detail_request, node_detail_request,
    image_detail_request, event_detail_request, why_request; /* detail.c */
verb_fn image_build_request, image_delete_request;             /* images.c */
verb_fn ticket_detail_request, ticket_cancel_request, ticket_retry_request; /* job_requests.c */
verb_fn alert_ack_request;                                                  /* journal.c */
verb_fn fleet_mark_request, table_reread_request, unit_enable_request, plan_request; /* settings_requests.c */

#endif
