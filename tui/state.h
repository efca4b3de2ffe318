#ifndef MESHDECK_TUI_STATE_H
#define MESHDECK_TUI_STATE_H
/*
 * The console's own state, shared by the modules of tui/. Everything belongs to the console thread.
 * A turn of the loop takes keys, then the engine's replies, then draws one frame from the snapshot
 * in `snap`; nothing here waits for anything.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/engine.h"
#include "backend/model/snapshot.h"
#include "tui/console.h"
#include "tui/fmt.h"
#include "tui/prefs.h"
#include "tui/view.h"
#include "widgets/canvas.h"
#include "widgets/keymap.h"
#include "widgets/term.h"
#include "widgets/theme.h"
#include "widgets/toast.h"

struct ask;
struct lineedit;
struct menu;
struct page;
struct palette;
struct palette_texts;
struct requests;
struct shells;
struct form;

enum { OWN_TICKETS = 32, PENDING_ROWS = 64, ENGINE_SILENT_MS = 5000 };

/* What the next key means when a first one was pressed. */
enum second_key { SECOND_NONE, SECOND_SORT, SECOND_COPY };

enum prompt_kind { PROMPT_NONE, PROMPT_FILTER, PROMPT_SEARCH };

struct console {
    struct engine *en_b;
    const struct console_options *opt_b;
    struct term *term; /* NULL when drawing off screen (tests) */
    struct canvas_grid *grid;
    int rows, cols;
    struct theme theme;
    struct keymap *keys;
    struct keymap_state key_state;
    struct prefs set;
    char config_dir[256]; /* "" for none */
    char note[256];       /* what start-up had to say */
    char prefix[PREF_MAX]; /* of the shell pane, as it is bound now */

    struct snapshot *snap; /* shown; held while frozen */
    int64_t now_ms;         /* of this turn */
    struct fmt_clock clock; /* what the picture is drawn for: now, or when it was frozen */
    int64_t frozen_ms, last_key_ms, drawn_ms;
    bool dirty, leaving, bell_on_crit;
    uint64_t heard_alert; /* newest alert that rang */
    int signal;

    struct view view[VIEW_COUNT];
    enum view_id at;
    struct page *page; /* top of the pages over the open view; NULL: the view itself */

    struct ask *ask;
    struct menu *menu;
    bool choosing_theme;
    char theme_before[THEME_NAME_MAX];
    struct palette *palette;
    struct palette_texts *palette_texts;
    bool palette_open;
    struct lineedit *prompt;
    enum prompt_kind prompt_kind;
    enum second_key second;
    struct toast toast;
    struct requests *requests;
    struct shells *shells;
    struct form *create_draft, *peer_draft;
    struct form_field *create_fields;
    char create_start[64];
    struct {
        uint64_t ticket;     /* builds the image that the VM waits for */
        struct json_t *args; /* NULL: none waits */
    } after_build;
    char go_to_vm[32];       /* the cursor goes there once its row is there */
    uint64_t own[OWN_TICKETS]; /* tickets of this session, newest first */
    size_t n_own;
    uint64_t pending[PENDING_ROWS]; /* VMs whose command the engine has not answered yet */
    size_t n_pending;
    struct {
        char verb[24], what[96];
        struct json_t *args; /* what puts the last change back; NULL: nothing to undo */
    } undo;
};

/* console_core.c: the parts of a turn, so that a test can drive them without a terminal. */
struct console *console_new(struct engine *en, const struct console_options *o, struct term *term,
                            int rows, int cols);
void console_free(struct console *c);
void console_resize(struct console *c, int rows, int cols);
void console_key(struct console *c, const struct key *k);
void console_turn(struct console *c); /* news of the engine; sets dirty */
void console_draw(struct console *c); /* into grid */
int console_wait_ms(const struct console *c); /* until something shown changes by time; -1 never */
int64_t console_now_ms(const struct console *c);
struct canvas console_body(const struct console *c); /* rows of the view: title to the last row */

/* What the operator may do. why is a sentence. */
bool console_may_change(const struct console *c, char *why, size_t cap);
bool console_engine_is_silent(const struct console *c);
bool console_is_production(const struct console *c);
bool console_is_slow(const struct console *c); /* the link: fewer frames, no highlights */

void console_say(struct console *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void console_say_error(struct console *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void console_say_dim(struct console *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Runs an action as if its key had been pressed. */
void console_run_action(struct console *c, int action);
/* The contexts in force, nearest first. Returns how many (at most 8). */
size_t console_contexts(const struct console *c, int out[static 8]);

void console_go_view(struct console *c, enum view_id id); /* drops the pages */
void console_push_page(struct console *c, struct page *p); /* takes it */
void console_pop_page(struct console *c);

#endif
