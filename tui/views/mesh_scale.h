#ifndef MESHDECK_TUI_MESH_SCALE_H
#define MESHDECK_TUI_MESH_SCALE_H
/* A peer as a picture: its verdict, the age of its handshake on WireGuard's scale, the evidence. */
#include "backend/model/rows.h"
#include "tui/detail.h"
#include "widgets/canvas.h"

struct console;

void mesh_draw_peer(const struct console *c, const struct detail *d, const struct peer_row *p,
                    struct canvas at, int top, const char *right);

#endif
