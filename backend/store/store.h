#ifndef MESHDECK_STORE_STORE_H
#define MESHDECK_STORE_STORE_H
/*
 * The store thread: owns the database and runs jobs on it one after the other, so that the engine
 * loop never waits for a disk. Jobs are functions; what they call is in backend/store/<record>.h
 * (synchronous functions on a `struct db`). A job's end comes back on the loop, in order.
 *
 *     static int job(struct db *db, void *arg, struct err *e) { ... vmrec_create(db, ...) ... }
 *     static void done(int code, const struct err *e, void *arg) { ... free(arg) ... }
 *     store_post(store, STORE_WRITE, job, done, arg, &e);
 *
 * A STORE_WRITE job is one transaction: a negative return rolls all of it back. A full disk or an
 * I/O error is the error of that job only: the next one tries again. `arg` belongs to the job from
 * store_post until done is called; every accepted job gets its done, at shutdown too.
 * All functions here: the loop's thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "backend/model/err.h"
#include "backend/store/db.h"

struct uv_loop_s;
struct store;

enum { STORE_QUEUE_MAX = 4096 };
enum store_kind { STORE_READ, STORE_WRITE };

typedef int store_job_fn(struct db *db, void *arg, struct err *e);    /* store thread */
typedef void store_done_fn(int code, const struct err *e, void *arg); /* loop */

/*
 * Starts the thread, which opens dir's database and then says so through `opened` on the loop: 0,
 * or db_open's error (-EUCLEAN damaged, -EPERM not ours...). While it is not open, jobs come back
 * with that error. *ret is set at once; jobs may be posted before `opened`.
 */
int store_new(struct uv_loop_s *loop, const char *dir, bool read_only, store_done_fn *opened,
              void *arg, struct store **ret, struct err *e);

/* Tries to open again; with `put_aside` the damaged file is first renamed (the operator's word) and
 * a new one is made. `opened` as above. */
int store_reopen(struct store *s, bool put_aside, store_done_fn *opened, void *arg, struct err *e);

/* -EAGAIN when STORE_QUEUE_MAX jobs wait, -ESHUTDOWN after store_close. done may be NULL. */
int store_post(struct store *s, enum store_kind kind, store_job_fn *job, store_done_fn *done,
               void *arg, struct err *e);

size_t store_waiting(const struct store *s);    /* jobs posted whose done has not run */
enum db_mode store_mode(const struct store *s); /* as of `opened` */
bool store_is_open(const struct store *s);

/* No new jobs; what was posted is finished and reported; the database is closed, the thread ends,
 * and then `closed` is called on the loop (the store is freed after it returns). */
void store_close(struct store *s, void (*closed)(void *arg), void *arg);

#endif
