/*
 * Help for where one is: the keys that work here, moving, the keys that work everywhere, what the
 * glyphs mean, what is greyed and why; below it the other rules in words. Console thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/act.h"
#include "tui/actions.h"
#include "tui/frame.h"
#include "tui/help_text.h"
#include "tui/overlay.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/views/views.h"
#include "widgets/cells.h"
#include "widgets/xmem.h"

enum { LINES = 80, LINE_COLS = 256, TEXT_COL = 11, RIGHT_COL = 39, ASKS_COL = 31, TYPE_COL = 25 };

struct line {
    char left[LINE_COLS], note[40], right[LINE_COLS];
    int note_col;
    bool left_greyed, right_greyed, head;
    bool left_is_text; /* MOVE and its lines: no keys of one action */
    bool is_keys; /* the first TEXT_COL columns of each side are keys */
};

struct help_page {
    struct page page;
    size_t topic;
    int top;
    struct line line[LINES];
    int n;
    char word[64];
};

static size_t topic_of(const struct console *c, int context)
{
    (void)c;
    for (size_t i = 0; i < help_n_topics; i++)
        if (help_topics[i].context == context)
            return i;
    return 0;
}

/* Keys as they stand in the live map; the contexts are the topic's and what lies behind it. */
static void format_keys(const struct console *c, const struct help_topic *t,
                        const struct help_entry *e, char *buf, size_t cap)
{
    const int contexts[] = {t->context, CTX_LIST, CTX_MOVE, CTX_ANY};
    char key[40];
    size_t at = 0;

    buf[0] = '\0';
    if (e->action[0] == ACT_VIEW_DECK) {
        char last[16], zero[16];
        keymap_format_first(c->keys, contexts, 4, ACT_VIEW_DECK, key, sizeof key);
        keymap_format_first(c->keys, contexts, 4, ACT_VIEW_SHELLS, last, sizeof last);
        keymap_format_first(c->keys, contexts, 4, ACT_VIEW_TICKETS, zero, sizeof zero);
        snprintf(buf, cap, "%s-%s %s", key, last, zero);
        return;
    }
    for (int i = 0; i < HELP_ACTIONS && e->action[i] && at < cap; i++) {
        bool has = e->all_keys && i == 0
                       ? keymap_format_keys(c->keys, CTX_MOVE, e->action[i], key, sizeof key) > 0
                       : keymap_format_first(c->keys, contexts, 4, e->action[i], key, sizeof key);
        if (has)
            at += (size_t)snprintf(buf + at, cap - at, "%s%s", at ? " " : "", key);
    }
}

/* "asks", "asks P" where only one of them does, "type a name". */
static void format_risk(const struct console *c, const struct help_topic *t,
                        const struct help_entry *e, struct line *out)
{
    enum keymap_class most = KEYMAP_FREE;
    int asking = 0, n = 0;
    char key[24] = "";

    for (int i = 0; i < HELP_ACTIONS && e->action[i]; i++, n++) {
        enum keymap_class class = action_class(c, e->action[i]);
        if (class != KEYMAP_ASK && class != KEYMAP_NAME)
            continue;
        asking++;
        most = class > most ? class : most;
        keymap_format_first(c->keys, &t->context, 1, e->action[i], key, sizeof key);
    }
    if (!asking)
        return;
    out->note_col = most == KEYMAP_NAME ? TYPE_COL : ASKS_COL;
    snprintf(out->note, sizeof out->note, "%s%s%s", most == KEYMAP_NAME ? "type a name" : "asks",
             asking < n ? " " : "", asking < n ? key : "");
}

static bool is_greyed(const struct console *c, const struct help_entry *e, char *why, size_t cap,
                      int *ret_action)
{
    bool all = true;

    for (int i = 0; i < HELP_ACTIONS && e->action[i]; i++) {
        if (action_is_possible(c, e->action[i], why, cap))
            all = false;
        else
            *ret_action = e->action[i];
    }
    return all;
}

static struct line *add(struct help_page *p)
{
    static struct line spare; /* past the end: written, never shown */
    struct line *l = p->n < LINES ? &p->line[p->n++] : &spare;

    memset(l, 0, sizeof *l);
    return l;
}

static void put_side(char *side, const char *keys, const char *words)
{
    int pad = TEXT_COL - 1 - cells_width(keys);

    snprintf(side, LINE_COLS, "%s%*s %s", keys, pad > 0 ? pad : 0, "", words);
}

static void add_text(struct help_page *p, const char *text)
{
    xmem_copy_text(add(p)->left, LINE_COLS, text);
}

/* "arrows or h j k l": first keys, then second ones. */
static void format_moves(const struct console *c, const int *act, int n, const char *word, char *buf,
                         size_t cap)
{
    struct key keys[2];
    char first[64] = "", second[64] = "", name[24];
    int context, action;

    for (int i = 0; i < n; i++) {
        int seen = 0;
        for (size_t k = 0; keymap_binding_at(c->keys, k, &context, &action, keys); k++) {
            if (context != CTX_MOVE || action != act[i] || seen > 1)
                continue;
            char *to = seen++ == 0 ? first : second;
            key_format(&keys[0], name, sizeof name);
            size_t at = strlen(to);
            snprintf(to + at, sizeof first - at, "%s%s", at ? " " : "", name);
        }
    }
    bool arrows = word && strcmp(first, "Left Down Up Right") == 0;
    snprintf(buf, cap, "%s%s%s", arrows ? word : first, second[0] ? " or " : "", second);
}

static void add_keys(struct help_page *p, char *why_greyed, size_t cap)
{
    static const int arrows[] = {ACT_LEFT, ACT_DOWN, ACT_UP, ACT_RIGHT};
    static const int pages[] = {ACT_PAGE_DOWN, ACT_PAGE_UP}, ends[] = {ACT_FIRST, ACT_LAST};
    const struct console *c = p->page.c_b;
    const struct help_topic *t = &help_topics[p->topic];
    char keys[80], why[200] = "", key[24];
    int first = p->n, action, move = 0;
    struct line *l = add(p);

    l->head = true;
    xmem_copy_text(l->left, LINE_COLS, "HERE");
    xmem_copy_text(l->right, LINE_COLS, "EVERYWHERE");
    for (const struct help_entry *e = help_everywhere; e->words; e++) {
        l = add(p);
        l->is_keys = true;
        format_keys(c, t, e, keys, sizeof keys);
        put_side(l->right, keys, e->words);
    }
    int at = first + 1;
    for (const struct help_entry *e = t->here; e->words; e++, at++) {
        l = &p->line[at];
        format_keys(c, t, e, keys, sizeof keys);
        put_side(l->left, keys, e->words);
        format_risk(c, t, e, l);
        action = 0;
        l->left_greyed = is_greyed(c, e, why, sizeof why, &action);
        if (action && keymap_format_first(c->keys, &t->context, 1, action, key, sizeof key))
            snprintf(why_greyed, cap, "Greyed now: %s, because %s.", key, why);
    }
    at = p->n - 4 > at ? p->n - 4 : at;
    xmem_copy_text(p->line[at].left, LINE_COLS, "MOVE");
    for (int i = at; i < at + 4 && i < LINES; i++)
        p->line[i].left_is_text = true;
    const int *of[] = {arrows, pages, ends};
    for (; move < 3 && at + 1 + move < LINES; move++)
        format_moves(c, of[move], move ? 2 : 4, move ? NULL : "arrows", p->line[at + 1 + move].left,
                     LINE_COLS);
    if (at + 4 > p->n)
        p->n = at + 4;
}

static void add_states(struct help_page *p, const char *greyed)
{
    static const struct {
        char ascii;
        const char *utf8;
    } glyph[] = {{'+', "●"}, {'-', "○"}, {'~', "◐"}, {'=', "‖"}, {'!', "✗"}, {'?', "?"}, {'^', "▲"}};
    const struct console *c = p->page.c_b;
    const struct help_topic *t = &help_topics[p->topic];
    bool utf8 = canvas_is_utf8(canvas_of(c->grid));
    char text[320];
    size_t at = 0;

    add(p);
    if (t->states) {
        at = (size_t)snprintf(text, sizeof text, "STATES");
        for (const char *const *s = t->states; *s && at < sizeof text; s++) {
            const char *g = NULL;
            for (size_t i = 0; utf8 && t->context != CTX_ROUTES && i < XMEM_LEN(glyph); i++)
                if (glyph[i].ascii == **s)
                    g = glyph[i].utf8;
            at += g ? (size_t)snprintf(text + at, sizeof text - at, "  %s%s", g, *s + 1)
                    : (size_t)snprintf(text + at, sizeof text - at, "  %s", *s);
        }
        add_text(p, text);
    }
    add_text(p, "A capital may change something and asks by risk; a small letter never does.");
    snprintf(text, sizeof text, "%s%sGlyphs: %s", greyed, greyed[0] ? "  " : "",
             utf8 ? "UTF-8." : "ASCII, LANG is not UTF-8.");
    add_text(p, text);
}

static void add_rest(struct help_page *p)
{
    static const char *const text[] = {
        "",
        "FILTER     Words must all match somewhere; !word must not; state:run looks in",
        "           one column; cpu>50 compares (also < >= <= =), as you type.",
        "",
        "MARKS      With marks, actions go to the marked rows and not to the cursor.",
        "           Marks that the filter hides count too: every question names them.",
        "",
        "RISK       nothing said: nothing is lost, or one key undoes it",
        "           asks: y for yes    type a name: for what cannot be undone",
        "           Several rows at once: type how many. In production all ask more.",
        "",
        "FORMS      Enter submits from any field; a wrong one gets the cursor.",
        "           Esc closes and keeps the draft. Nothing is touched before Enter.",
        "",
        "SHELL      All keys are the guest's but the prefix; then the last row helps.",
        "           A session goes on when you leave its page: see the Shells view.",
        "",
        "ALERTS     The worst stands at the right of row 1 on every screen.",
        "           Taken ones leave it, stay listed, and return if they get worse.",
        "",
        "TICKETS    Every change has one: steps, the kernel's own words, undoing.",
        "           Forms, keys and the command line make the same; they outlive us.",
        "",
        "FRESHNESS  live, or how old; STALE from 30 s; NO ENGINE: the last picture.",
        "",
        "COPY       y and a letter put a field into your terminal's clipboard (OSC 52).",
        "           Mouse off: your terminal selects as ever; on: hold Shift.",
        "",
        ":          every action, view and option by name: :theme :options :keys :undo",
        "           :set theme|glyphs|link|time|bell|prefix   :fleet mark production",
        "",
        "COLOUR     is the third sign: word and glyph always say the same.",
        "LEAVING    VMs go on. Sessions end; tickets are planned again later.",
    };

    for (size_t i = 0; i < XMEM_LEN(text); i++)
        add_text(p, text[i]);
}

static void build(struct help_page *p)
{
    char greyed[256] = "";

    p->n = 0;
    add_keys(p, greyed, sizeof greyed);
    add_states(p, greyed);
    add_rest(p);
}

static void draw_side(struct canvas c, int row, int col, const char *text, bool keys, bool greyed)
{
    enum role role = greyed ? ROLE_DISABLED : ROLE_BASE;
    size_t cut = keys ? cells_bytes_of(text, strlen(text), TEXT_COL) : 0;

    int at = canvas_put_n(c, row, col, greyed ? ROLE_DISABLED : ROLE_KEY, text, cut);
    canvas_put(c, row, col + at, role, text + cut);
}

/* Lines with words on them among the first n. */
static int count_lines(const struct help_page *p, int n)
{
    int words = 0;

    for (int i = 0; i < n; i++)
        words += p->line[i].left[0] || p->line[i].right[0];
    return words;
}

static void help_draw(struct page *page, struct canvas body)
{
    struct help_page *p = (struct help_page *)page;
    const struct help_topic *t = &help_topics[p->topic];
    char left[128], right[48];
    int rows = body.rows - 1;

    build(p);
    if (p->top > p->n - rows)
        p->top = p->n - rows;
    if (p->top < 0)
        p->top = 0;
    int last = p->top + rows < p->n ? p->top + rows : p->n;
    int above = count_lines(p, p->top);
    snprintf(left, sizeof left, "Help: %s   %s", t->name, t->question);
    snprintf(right, sizeof right, "%d-%d of %d", above + 1, count_lines(p, last), count_lines(p, p->n));
    frame_title(canvas_part(body, 0, 0, 1, body.cols), left, right);
    for (int i = p->top; i < last; i++) {
        const struct line *l = &p->line[i];
        struct canvas c = canvas_part(body, i - p->top + 1, 0, 1, body.cols);
        if (l->head) {
            canvas_put(c, 0, 1, ROLE_COLHEAD, l->left);
            canvas_put(c, 0, 1 + RIGHT_COL, ROLE_COLHEAD, l->right);
            continue;
        }
        draw_side(c, 0, 1, l->left, l->is_keys && !l->left_is_text, l->left_greyed);
        if (l->left_is_text && strcmp(l->left, "MOVE") == 0)
            canvas_restyle(c, 0, 1, 4, ROLE_COLHEAD);
        canvas_put(c, 0, 1 + l->note_col, l->left_greyed ? ROLE_DISABLED : ROLE_DIM, l->note);
        draw_side(c, 0, 1 + RIGHT_COL, l->right, l->is_keys, l->right_greyed);
        if (p->word[0] && (cells_contains(l->left, p->word) || cells_contains(l->right, p->word)))
            canvas_restyle(c, 0, 0, c.cols, ROLE_MATCH);
    }
}

static bool go_match(struct help_page *p, int from, int by)
{
    for (int i = from; p->word[0] && i >= 0 && i < p->n; i += by)
        if (cells_contains(p->line[i].left, p->word) || cells_contains(p->line[i].right, p->word)) {
            p->top = i;
            return true;
        }
    return false;
}

static void help_search(struct page *page, const char *word)
{
    struct help_page *p = (struct help_page *)page;

    xmem_copy_text(p->word, sizeof p->word, word);
    if (word[0] && !go_match(p, 0, 1))
        console_say_dim(page->c_b, "\"%s\" is not on this page", word);
}

static bool help_action(struct page *page, int action)
{
    struct help_page *p = (struct help_page *)page;
    int by = action == ACT_UP ? -1 : action == ACT_DOWN ? 1 : action == ACT_PAGE_UP ? -18
             : action == ACT_PAGE_DOWN ? 18 : action == ACT_FIRST ? -LINES : action == ACT_LAST ? LINES : 0;

    switch (action) {
    case ACT_PART_NEXT:
        p->topic = (p->topic + 1) % help_n_topics;
        p->top = 0;
        return true;
    case ACT_PART_PREV:
        p->topic = (p->topic + help_n_topics - 1) % help_n_topics;
        p->top = 0;
        return true;
    case ACT_FILTER:
        overlay_open_prompt(page->c_b, true, "");
        return true;
    case ACT_NEXT:
    case ACT_PREV:
        if (!go_match(p, p->top + (action == ACT_NEXT ? 1 : -1), action == ACT_NEXT ? 1 : -1))
            console_say_dim(page->c_b, "no match that way");
        return true;
    default:
        p->top += by; /* kept in range when drawn */
        return by;
    }
}

static bool help_keys_line(struct page *page, char *buf, size_t cap)
{
    char back[24], find[24], next[24];

    snprintf(buf, cap, "%s close  %s search this page  %s next topic  :keys lists and remaps",
             act_key(page->c_b, ACT_BACK, back, sizeof back),
             act_key(page->c_b, ACT_FILTER, find, sizeof find),
             act_key(page->c_b, ACT_PART_NEXT, next, sizeof next));
    return true;
}

static void help_free(struct page *page)
{
    free(page);
}

static const struct page_ops ops = {
    .name = "Help",
    .contexts = {CTX_LOG, CTX_MOVE, -1},
    .tall = true,
    .draw = help_draw,
    .action = help_action,
    .keys_line = help_keys_line,
    .search = help_search,
    .free = help_free,
};

void page_open_help(struct console *c)
{
    struct help_page *p;
    int contexts[8];

    if (c->page && c->page->ops == &ops)
        return;
    console_contexts(c, contexts);
    p = xmem_new(1, sizeof *p);
    page_init(&p->page, &ops, c);
    p->topic = topic_of(c, contexts[0]);
    console_push_page(c, &p->page);
}
