#ifndef MESHDECK_ENGINE_END_H
#define MESHDECK_ENGINE_END_H
/*
 * What stands behind engine.h: each end embeds a `struct engine` as its first member and fills in
 * one constant record of operations. Each operation is that of engine.h of the same name and is
 * called from the front end's thread only. engine_send has checked neither verb nor arguments.
 */
#include "backend/engine.h"

struct engine_ops {
    enum engine_end end;
    void (*close)(struct engine *en, bool now); /* frees it */
    int (*fd)(const struct engine *en);
    void (*drain)(struct engine *en);
    struct snapshot *(*snapshot)(struct engine *en);
    int64_t (*heartbeat)(const struct engine *en);
    int (*send)(struct engine *en, const char *verb, struct json_t *args, uint64_t *ret_request,
                struct err *e); /* takes args in every case */
    bool (*take_reply)(struct engine *en, struct reply *ret);
};

struct engine {
    const struct engine_ops *ops;
};

/* The three ends. Owned: -EBUSY when another process holds the lock. Attached: -ENOENT,
 * -ECONNREFUSED or -EACCES when there is nobody to attach to (or not for us). */
int engine_owned_open(const struct engine_options *o, struct engine **ret, struct err *e);
int engine_attached_open(const struct engine_options *o, struct engine **ret, struct err *e);
int engine_demo_open(const struct engine_options *o, struct engine **ret, struct err *e);

#endif
