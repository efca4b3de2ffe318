/*
 * The console's loop on a real terminal. One thread: it waits for keys, signals, the engine's news,
 * guests' output and the next visible change by time; keys are always read before anything is
 * drawn, and the answer to a key is never held back by the frame rate. Idle, it writes nothing.
 */
#include "tui/console.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tui/act.h"
#include "tui/alerts.h"
#include "tui/command.h"
#include "tui/crash.h"
#include "tui/farewell.h"
#include "tui/frame.h"
#include "tui/page.h"
#include "tui/requests.h"
#include "tui/shell.h"
#include "tui/state.h"
#include "tui/themes.h"
#include "widgets/xmem.h"

enum {
    FRAME_MS = 100,
    FRAME_SSH_MS = 250,
    FRAME_SLOW_MS = 1000,
    FRAME_SHELL_MS = 16, /* while an operator types into a guest */
    TYPING_MS = 1000,
    BEAT_MS = 1000,
    KEYS_A_TURN = 512
};

struct loop {
    struct console *c;
    struct term *term;
    int signal_fd;
    bool over_ssh, answer; /* answer: a key was pressed, what it did is not drawn yet */
    bool news, waits, silent;
    int64_t due_ms; /* when something shown changes by time; 0: never */
};

void console_block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    static const int all[] = {SIGWINCH, SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < XMEM_LEN(all); i++)
        sigaddset(&set, all[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int signals_open(void)
{
    sigset_t set;

    console_block_signals();
    sigemptyset(&set);
    static const int all[] = {SIGWINCH, SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < XMEM_LEN(all); i++)
        sigaddset(&set, all[i]);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void take_signals(struct loop *l)
{
    struct signalfd_siginfo s;
    int rows, cols;
    bool resized = false;

    while (read(l->signal_fd, &s, sizeof s) == sizeof s) {
        if (s.ssi_signo == SIGWINCH)
            resized = true;
        else
            l->c->signal = (int)s.ssi_signo;
    }
    if (resized && term_resize(l->term)) {
        term_get_size(l->term, &rows, &cols);
        console_resize(l->c, rows, cols);
    }
}

static void take_keys(struct loop *l)
{
    struct key k;

    for (int i = 0; i < KEYS_A_TURN && !l->c->leaving && !l->c->signal; i++) {
        if (!term_next_key(l->term, console_now_ms(l->c), &k))
            return;
        console_key(l->c, &k);
        l->answer = true;
    }
}

static int64_t frame_gap(const struct loop *l, int64_t now)
{
    const struct console *c = l->c;

    if (shell_is_open(c) && now - c->last_key_ms < TYPING_MS)
        return FRAME_SHELL_MS;
    if (console_is_slow(c))
        return FRAME_SLOW_MS;
    return l->over_ssh && !prefs_is(&c->set, SET_LINK, "fast") ? FRAME_SSH_MS : FRAME_MS;
}

static void draw(struct loop *l)
{
    struct console *c = l->c;

    crash_note_place(c->page ? c->page->ops->name : c->view[c->at].ops->tab);
    canvas_grid_set_utf8(c->grid, term_has_glyphs(l->term));
    console_draw(c);
    l->waits = term_draw(l->term, c->grid, c->now_ms) == TERM_WAITS;
    l->answer = false;
    if (l->waits)
        c->dirty = true; /* the newest picture goes out once there is room */
    int wait = console_wait_ms(c);
    l->due_ms = wait < 0 ? 0 : c->now_ms + wait;
}

static void frame(struct loop *l)
{
    struct console *c = l->c;
    int64_t now = console_now_ms(c);
    bool silent;

    c->now_ms = now;
    if (l->waits && term_has_output(l->term))
        return;
    if (l->answer) {
        draw(l);
        return;
    }
    silent = console_engine_is_silent(c);
    if (silent != l->silent) {
        l->silent = silent;
        c->dirty = true;
    }
    if (l->due_ms && now >= l->due_ms)
        c->dirty = true;
    if ((!c->dirty && !l->news) || now - c->drawn_ms < frame_gap(l, now))
        return;
    if (l->news) {
        l->news = false;
        console_turn(c);
    }
    if (c->dirty)
        draw(l);
}

static void sooner(int *timeout, int64_t other)
{
    if (other >= 0 && (*timeout < 0 || other < *timeout))
        *timeout = (int)other;
}

static int timeout_of(const struct loop *l)
{
    const struct console *c = l->c;
    int64_t now = console_now_ms(c);
    int timeout = BEAT_MS;

    if (l->due_ms)
        sooner(&timeout, l->due_ms > now ? l->due_ms - now : 0);
    if ((c->dirty || l->news) && !l->waits) {
        int64_t next = c->drawn_ms + frame_gap(l, now) - now;
        sooner(&timeout, next > 0 ? next : 0);
    }
    sooner(&timeout, term_wait_ms(l->term, now));
    sooner(&timeout, shells_wait_ms(c));
    return timeout;
}

static void turn(struct loop *l)
{
    struct console *c = l->c;
    struct pollfd fds[4 + SHELLS_MAX] = {
        {term_get_in_fd(l->term), POLLIN, 0},
        {l->signal_fd, POLLIN, 0},
        {engine_fd(c->en_b), POLLIN, 0},
        {term_get_out_fd(l->term), POLLOUT, 0},
    };
    size_t shells = shells_poll(c, fds + 4, SHELLS_MAX);

    if (!term_has_output(l->term))
        fds[3].fd = -1;
    if (poll(fds, 4 + shells, timeout_of(l)) < 0 && errno != EINTR)
        return;
    if (fds[1].revents)
        take_signals(l);
    if (fds[0].revents && !term_read(l->term, console_now_ms(c)))
        c->signal = SIGHUP;
    take_keys(l);
    if (fds[3].revents)
        term_flush(l->term);
    if (fds[2].revents) {
        engine_drain(c->en_b);
        l->news = true;
        request_deliver(c);
    }
    if (shells) {
        c->now_ms = console_now_ms(c);
        shells_ready(c, fds + 4, shells);
    }
    shells_turn(c);
    frame(l);
}

static int open_terminal(struct term **ret, const struct console_options *o, struct err *e)
{
    struct term_opts opts = {.in_fd = STDIN_FILENO, .out_fd = STDOUT_FILENO, .colours = -1,
                             .glyphs = o->ascii ? TERM_GLYPHS_ASCII : TERM_GLYPHS_AUTO};
    char why[256];

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return err_set(e, ERR_AREA_INPUT, -ENOTTY,
                       "the console needs a terminal on standard input and output; in scripts use "
                       "the one-shot commands, like: meshdeck vm list --json");
    int r = term_new(ret, &opts, why, sizeof why);
    return r < 0 ? err_set(e, ERR_AREA_INPUT, r, "%s", why) : 0;
}

static void begin(struct loop *l)
{
    struct console *c = l->c;

    command_start(c);
    themes_start(c);
    term_set_theme(l->term, &c->theme);
    canvas_grid_set_utf8(c->grid, term_has_glyphs(l->term));
    for (unsigned i = 0; i < VIEW_COUNT; i++)
        view_refresh(&c->view[i]); /* so that the first visit to a large one is as quick as the next */
    alerts_turn(c);
    if (term_get_note(l->term)[0])
        console_say(c, "%s", term_get_note(l->term));
    else if (c->note[0])
        console_say(c, "%s", c->note);
    if (c->opt_b->command)
        command_line(c, c->opt_b->command);
    l->over_ssh = getenv("SSH_CONNECTION") || getenv("SSH_TTY");
    l->answer = true;
}

int console_run(struct engine *en, const struct console_options *o, struct err *e)
{
    struct loop l = {0};
    int rows, cols, r, sig;

    r = open_terminal(&l.term, o, e);
    if (r < 0)
        return r;
    l.signal_fd = signals_open();
    if (l.signal_fd < 0) {
        r = -errno;
        term_free(l.term);
        return err_set(e, ERR_AREA_INPUT, r, "signalfd: %s", strerror(-r));
    }
    crash_begin();
    term_get_size(l.term, &rows, &cols);
    l.c = console_new(en, o, l.term, rows, cols);
    begin(&l);
    frame(&l);
    while (!l.c->leaving && !l.c->signal)
        turn(&l);
    sig = l.c->signal;
    crash_note_place(NULL);
    term_free(l.term);
    l.c->term = NULL;
    crash_end();
    if (!sig)
        farewell(l.c);
    console_free(l.c);
    close(l.signal_fd);
    return sig;
}
