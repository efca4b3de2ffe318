#ifndef MESHDECK_TUI_DETAIL_H
#define MESHDECK_TUI_DETAIL_H
/*
 * What the engine tells about one object beyond its row: asked for when it is opened and again when
 * the object's row changed, at most every 2 s and never twice at a time. The last answer stays
 * until the next has come.
 */
#include <stdbool.h>
#include <stdint.h>

struct console;
struct json_t;

struct detail {
    char verb[32], name[96];
    uint64_t id;          /* for verbs that take an id; 0: the name */
    uint64_t stamp, asked_stamp; /* of the row: what it said when it was asked for */
    uint64_t request;     /* under way, or 0 */
    int64_t asked_ms;
    struct json_t *body;  /* owned; NULL: none yet */
    char error[240];
};

/* Says which object is wanted; a new one drops the old answer. stamp changes with the row. */
void detail_want(struct console *c, struct detail *d, const char *verb, const char *name,
                 uint64_t id, uint64_t stamp);
void detail_done(struct console *c, struct detail *d);
int detail_wait_ms(const struct console *c, const struct detail *d);

/* "" when it is not there. */
const char *detail_text(const struct detail *d, const char *field);
int64_t detail_number(const struct detail *d, const char *field, int64_t otherwise);
struct json_t *detail_array(const struct detail *d, const char *field); /* borrowed; NULL: none */
/* Values of an array of numbers, newest last; returns how many (at most cap). */
unsigned detail_series(const struct detail *d, const char *group, const char *field, double *out,
                       unsigned cap);
uint64_t detail_stamp(const void *row, unsigned long size); /* a hash of a row's bytes */

#endif
