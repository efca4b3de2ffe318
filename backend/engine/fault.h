#ifndef MESHDECK_ENGINE_FAULT_H
#define MESHDECK_ENGINE_FAULT_H
/*
 * Where a test may have the engine die: between the steps of a ticket and between the operations of
 * a step. With MESHDECK_DIE_AT=n in the environment the n-th point reached ends the process on the
 * spot, as kill -9 would. Without it, it costs a comparison. Engine thread.
 */
void fault_point(void);

#endif
