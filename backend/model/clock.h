#ifndef MESHDECK_MODEL_CLOCK_H
#define MESHDECK_MODEL_CLOCK_H
/* The wall clock, for instants that people read. What measures a span uses the loop's own clock. */
#include <stdint.h>

int64_t now_ms(void); /* milliseconds since the epoch */

#endif
