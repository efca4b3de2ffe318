/*
 * The terminal's life: taking it, its modes, size and keys, and giving it back on every way out.
 * Owned by the thread that called term_new; only term_restore_fatal may be called from elsewhere.
 * Never blocks on the terminal but in leaving it, and there for a second at most.
 */
#include "widgets/term.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "widgets/cells.h"
#include "widgets/term_priv.h"
#include "widgets/terminfo.h"
#include "widgets/xmem.h"

enum { FINISH_MS = 1000 };

static const char mouse_on[] = "\033[?1000h\033[?1006h", mouse_off[] = "\033[?1006l\033[?1000l";
static const char paste_on[] = "\033[?2004h";
static const char restore[] = "\033[?2026l\033[?1000l\033[?1002l\033[?1006l\033[?1004l\033[?2004l"
                              "\033[0m\033[?25h";

/* For term_restore_fatal: set whole before the flag, read only while it stands. */
static volatile sig_atomic_t fatal_armed;
static int fatal_fd = -1;
static struct termios fatal_termios;

void term_restore_fatal(void)
{
    static const char leave[] = "\033[?1049l\r";

    if (!fatal_armed)
        return;
    fatal_armed = 0;
    ssize_t n = write(fatal_fd, restore, sizeof restore - 1);
    n += write(fatal_fd, leave, sizeof leave - 1);
    (void)n; /* nothing can be done about it here */
    tcsetattr(fatal_fd, TCSANOW, &fatal_termios);
}

static void set_raw(struct term *t)
{
    struct termios raw = t->saved;

    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(t->in_fd, TCSADRAIN, &raw);
}

static void get_kernel_size(const struct term *t, int *rows, int *cols)
{
    struct winsize ws = {0};

    *rows = 24;
    *cols = 80;
    if (ioctl(t->out_fd, TIOCGWINSZ, &ws) == 0 && ws.ws_row > 0 && ws.ws_col > 0) {
        *rows = ws.ws_row < 1000 ? ws.ws_row : 1000;
        *cols = ws.ws_col < 2000 ? ws.ws_col : 2000;
    }
}

static void add_terminfo_keys(struct term *t)
{
    static const struct {
        const char *cap;
        uint32_t code;
        unsigned mods;
    } caps[] = {
        {"kcuu1", KEYSYM_UP, 0},
        {"kcud1", KEYSYM_DOWN, 0},
        {"kcub1", KEYSYM_LEFT, 0},
        {"kcuf1", KEYSYM_RIGHT, 0},
        {"khome", KEYSYM_HOME, 0},
        {"kend", KEYSYM_END, 0},
        {"kpp", KEYSYM_PGUP, 0},
        {"knp", KEYSYM_PGDN, 0},
        {"kich1", KEYSYM_INSERT, 0},
        {"kdch1", KEYSYM_DELETE, 0},
        {"kcbt", KEYSYM_TAB, KEYMOD_SHIFT},
        {"kent", KEYSYM_ENTER, 0},
        {"kf1", KEYSYM_F1, 0},
        {"kf2", KEYSYM_F1 + 1, 0},
        {"kf3", KEYSYM_F1 + 2, 0},
        {"kf4", KEYSYM_F1 + 3, 0},
        {"kf5", KEYSYM_F1 + 4, 0},
        {"kf6", KEYSYM_F1 + 5, 0},
        {"kf7", KEYSYM_F1 + 6, 0},
        {"kf8", KEYSYM_F1 + 7, 0},
        {"kf9", KEYSYM_F1 + 8, 0},
        {"kf10", KEYSYM_F1 + 9, 0},
        {"kf11", KEYSYM_F1 + 10, 0},
        {"kf12", KEYSYM_F1 + 11, 0},
    };

    for (size_t i = 0; i < XMEM_LEN(caps); i++) {
        const char *s = tigetstr(caps[i].cap);
        if (s && s != (const char *)-1)
            key_decoder_add(&t->keys, s, caps[i].code, caps[i].mods);
    }
}

/* newterm leaves handlers for signals that are the program's; they are put back. */
static SCREEN *new_screen(const char *type, FILE *out, FILE *in)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
    struct sigaction was[XMEM_LEN(signals)];

    for (size_t i = 0; i < XMEM_LEN(signals); i++)
        sigaction(signals[i], NULL, &was[i]);
    SCREEN *s = newterm(type, out, in);
    for (size_t i = 0; i < XMEM_LEN(signals); i++)
        sigaction(signals[i], &was[i], NULL);
    return s;
}

static bool open_screen(struct term *t, const char *wanted)
{
    const char *tries[] = {wanted, "xterm-256color", "vt100"};

    for (size_t i = 0; i < XMEM_LEN(tries) && !t->screen; i++) {
        if (!tries[i] || !*tries[i] || !terminfo_has(tries[i]))
            continue;
        t->screen = new_screen(tries[i], t->mem, t->mem_in);
        if (t->screen)
            xmem_copy_text(t->type, sizeof t->type, tries[i]);
    }
    if (t->screen && (!wanted || strcmp(wanted, t->type) != 0)) {
        char name[40];
        cells_clean(name, sizeof name, wanted ? wanted : "", wanted ? strlen(wanted) : 0);
        snprintf(t->note, sizeof t->note, "TERM %s is not known here: using %s",
                 *name ? name : "(empty)", t->type);
    }
    return t->screen != NULL;
}

static void read_colours(struct term *t, int most)
{
    const char *no = getenv("NO_COLOR");
    int n = 0;

    if (start_color() == OK && has_colors()) {
        use_default_colors();
        n = COLORS >= 256 ? 256 : COLORS >= 16 ? 16 : COLORS >= 8 ? 8 : 0;
        t->direct = COLORS > 256;
        if (COLOR_PAIRS <= ROLE_COUNT)
            n = 0;
    }
    if (most >= 0)
        n = n < most ? n : most;
    else if (no && *no)
        n = 0;
    t->colours = n;
}

static void set_modes(struct term *t)
{
    if (t->sync)
        term_out_add(t, paste_on, sizeof paste_on - 1);
    if (t->mouse)
        term_out_add(t, mouse_on, sizeof mouse_on - 1);
}

static bool open_files(struct term *t)
{
    char path[64];

    int mem = memfd_create("meshdeck-terminal", MFD_CLOEXEC),
        in = fcntl(t->in_fd, F_DUPFD_CLOEXEC, 3);
    t->mem = mem < 0 ? NULL : fdopen(mem, "w+");
    t->mem_in = in < 0 ? NULL : fdopen(in, "r");
    if (!t->mem && mem >= 0)
        close(mem);
    if (!t->mem_in && in >= 0)
        close(in);
    /* A description of its own, so that O_NONBLOCK is not forced on the shell that started us. */
    snprintf(path, sizeof path, "/proc/self/fd/%d", t->out_fd);
    t->write_fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (t->write_fd < 0) {
        t->write_fd = t->out_fd;
        t->may_block = true;
    }
    return t->mem && t->mem_in;
}

static void close_all(struct term *t)
{
    if (t->screen)
        delscreen(t->screen);
    if (t->mem)
        fclose(t->mem);
    if (t->mem_in)
        fclose(t->mem_in);
    if (!t->may_block && t->write_fd >= 0)
        close(t->write_fd);
    free(t->out);
    free(t->shown);
    free(t->line);
    free(t->raw_pair);
    free(t);
}

static int fail(struct term *t, int code, char *why, size_t cap, const char *text)
{
    xmem_copy_text(why, cap, text);
    close_all(t);
    return code;
}

int term_new(struct term **ret, const struct term_opts *opts, char *why, size_t cap)
{
    struct term *t = xmem_new(1, sizeof *t);

    *ret = NULL;
    t->in_fd = opts->in_fd;
    t->out_fd = opts->out_fd;
    t->write_fd = -1;
    t->mouse = opts->mouse;
    t->link_slow = -1;
    t->wait_ms = -1000000;
    if (!isatty(t->in_fd) || !isatty(t->out_fd) || tcgetattr(t->in_fd, &t->saved) != 0)
        return fail(t, -ENOTTY, why, cap, "not a terminal");
    if (!open_files(t))
        return fail(t, -EMFILE, why, cap, "no file for the terminal's output");
    unsetenv("LINES");
    unsetenv("COLUMNS");
    if (!open_screen(t, opts->type ? opts->type : getenv("TERM")))
        return fail(t, -ENOENT, why, cap,
                    "no terminal description: install ncurses-base, or set TERM=xterm-256color");
    t->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    t->sync = strncmp(t->type, "vt", 2) != 0 && strcmp(t->type, "linux") != 0;
    t->raw_pair = xmem_new(TERM_RAW_SIDE * TERM_RAW_SIDE, sizeof *t->raw_pair);
    typeahead(-1);
    nonl();
    noecho();
    key_decoder_init(&t->keys);
    add_terminfo_keys(t);
    read_colours(t, opts->colours);
    term_set_glyphs(t, opts->glyphs);
    theme_init(&t->theme);
    term_draw_set_looks(t);

    fatal_fd = t->out_fd;
    fatal_termios = t->saved;
    term_enter(t);
    *ret = t;
    return 0;
}

void term_enter(struct term *t)
{
    if (t->entered)
        return;
    set_raw(t);
    t->entered = true;
    fatal_armed = 1;
    set_modes(t);
    get_kernel_size(t, &t->rows, &t->cols);
    resizeterm(t->rows, t->cols);
    term_draw_resize(t);
}

void term_leave(struct term *t)
{
    if (!t->entered)
        return;
    t->entered = false;
    term_out_finish(t, FINISH_MS);
    term_out_add(t, restore, sizeof restore - 1);
    endwin();
    term_out_take_curses(t);
    term_out_finish(t, FINISH_MS);
    tcsetattr(t->in_fd, TCSADRAIN, &t->saved);
    fatal_armed = 0;
}

void term_free(struct term *t)
{
    if (!t)
        return;
    term_leave(t);
    close_all(t);
}

void term_suspend(struct term *t)
{
    term_leave(t);
    raise(SIGSTOP);
    term_enter(t);
}

bool term_resize(struct term *t)
{
    int rows, cols;

    get_kernel_size(t, &rows, &cols);
    if (rows == t->rows && cols == t->cols)
        return false;
    t->rows = rows;
    t->cols = cols;
    resizeterm(rows, cols);
    term_draw_resize(t);
    return true;
}

void term_get_size(const struct term *t, int *ret_rows, int *ret_cols)
{
    *ret_rows = t->rows;
    *ret_cols = t->cols;
}

void term_set_glyphs(struct term *t, enum term_glyphs glyphs)
{
    bool plain = !t->utf8 || strncmp(t->type, "vt", 2) == 0 || strcmp(t->type, "linux") == 0;

    t->glyphs = glyphs;
    if (glyphs == TERM_GLYPHS_AUTO)
        t->glyphs = plain ? TERM_GLYPHS_ASCII : TERM_GLYPHS_UTF8;
    if (!t->utf8)
        t->glyphs = TERM_GLYPHS_ASCII;
}

void term_set_theme(struct term *t, const struct theme *theme)
{
    t->theme = *theme;
    term_draw_set_looks(t);
}

void term_set_mouse(struct term *t, bool on)
{
    if (on == t->mouse)
        return;
    t->mouse = on;
    if (t->entered)
        term_out_add(t, on ? mouse_on : mouse_off, on ? sizeof mouse_on - 1 : sizeof mouse_off - 1);
}

void term_set_esc_ms(struct term *t, int ms)
{
    t->keys.esc_ms = ms < 1 ? 1 : ms > 2000 ? 2000 : ms;
}

bool term_read(struct term *t, int64_t now_ms)
{
    unsigned char buf[KEY_BUFFER];

    while (!t->gone && t->keys.len < KEY_BUFFER) {
        struct pollfd p = {.fd = t->in_fd, .events = POLLIN};
        if (poll(&p, 1, 0) != 1)
            break;
        if (p.revents & POLLNVAL)
            t->gone = true;
        ssize_t n = read(t->in_fd, buf, KEY_BUFFER - t->keys.len);
        if (n > 0)
            key_decoder_feed(&t->keys, buf, (size_t)n, now_ms);
        else if (n == 0 || (errno != EINTR && errno != EAGAIN))
            t->gone = true;
        else if (errno == EAGAIN)
            break;
    }
    return !t->gone;
}

bool term_next_key(struct term *t, int64_t now_ms, struct key *ret)
{
    return key_decoder_next(&t->keys, now_ms, ret);
}

int term_wait_ms(const struct term *t, int64_t now_ms)
{
    return key_decoder_wait_ms(&t->keys, now_ms);
}

const char *term_get_note(const struct term *t)
{
    return t->note;
}

int term_get_colours(const struct term *t)
{
    return t->colours;
}

bool term_is_utf8(const struct term *t)
{
    return t->utf8;
}

bool term_has_glyphs(const struct term *t)
{
    return t->glyphs == TERM_GLYPHS_UTF8;
}

int term_get_in_fd(const struct term *t)
{
    return t->in_fd;
}

int term_get_out_fd(const struct term *t)
{
    return t->write_fd;
}
