#ifndef MESHDECK_ENGINE_BOOT_H
#define MESHDECK_ENGINE_BOOT_H
/*
 * Start-up and end of the engine: opens the store, reads what is desired, watches the kernel, adopts
 * what outlived the last engine, has the planner repair the rest; and lets go of it all in order.
 * There is no other recovery code. Engine thread.
 */
struct core;

void boot_start(struct core *c); /* returns at once; the rest comes from the loop */
void boot_ready(struct core *c); /* the first reconciling has ended */
void boot_close(struct core *c); /* in order; core_part_closed follows */
void boot_done(struct core *c);  /* after the loop: frees */

#endif
