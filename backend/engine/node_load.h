#ifndef MESHDECK_ENGINE_NODE_LOAD_H
#define MESHDECK_ENGINE_NODE_LOAD_H
/* This node's load with five minutes of history, in the snapshot's meta. Read every 2 s, shown as a
 * mean of 5; small changes keep the old figure, so that an idle host publishes nothing. Engine
 * thread. */
struct core;
int node_load_start(struct core *c);
void node_load_done(struct core *c);

#endif
