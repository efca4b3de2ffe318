/* Fatal signals and standard error under the console. The handler uses async-signal-safe calls only. */
#include "tui/crash.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "widgets/cells.h"
#include "widgets/term.h"
#include "widgets/xmem.h"

enum { KEPT_MAX = 8192, STACK_BYTES = 64 * 1024 };

static const char *volatile crash_place;
static volatile int crash_stderr = -1; /* the real one, while ours is a file */
static int crash_kept = -1;
static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

static void put(const char *s)
{
    int fd = crash_stderr >= 0 ? crash_stderr : STDERR_FILENO;
    ssize_t n = write(fd, s, strlen(s));

    (void)n; /* there is nobody left to tell */
}

static void on_fatal(int sig)
{
    const char *place = crash_place;

    term_restore_fatal();
    put("\nmeshdeck: the console crashed");
    if (place) {
        put(" while it showed ");
        put(place);
    }
    put(". VMs go on running; start meshdeck again.\n");
    signal(sig, SIG_DFL);
    raise(sig);
}

void crash_note_place(const char *place)
{
    crash_place = place;
}

static void set_handlers(bool on)
{
    struct sigaction act;

    memset(&act, 0, sizeof act);
    act.sa_handler = on ? on_fatal : SIG_DFL;
    act.sa_flags = on ? SA_ONSTACK | SA_NODEFER : 0;
    for (size_t i = 0; i < XMEM_LEN(crash_signals); i++)
        sigaction(crash_signals[i], &act, NULL);
}

void crash_begin(void)
{
    static stack_t stack;

    if (!stack.ss_sp) {
        stack.ss_sp = xmem_new(STACK_BYTES, 1);
        stack.ss_size = STACK_BYTES;
    }
    sigaltstack(&stack, NULL);
    set_handlers(true);
    crash_kept = memfd_create("stderr", MFD_CLOEXEC);
    crash_stderr = dup(STDERR_FILENO);
    if (crash_kept >= 0 && crash_stderr >= 0)
        dup2(crash_kept, STDERR_FILENO);
}

void crash_end(void)
{
    char *kept = xmem_new(KEPT_MAX, 1), *clean = xmem_new(KEPT_MAX * 2, 1);
    ssize_t n = crash_kept >= 0 ? pread(crash_kept, kept, KEPT_MAX - 1, 0) : 0;

    set_handlers(false);
    if (crash_stderr >= 0) {
        dup2(crash_stderr, STDERR_FILENO);
        close(crash_stderr);
    }
    crash_stderr = -1;
    if (crash_kept >= 0)
        close(crash_kept);
    crash_kept = -1;
    for (char *line = kept; n > 0 && *line;) {
        size_t len = strcspn(line, "\n");
        cells_clean(clean, KEPT_MAX * 2 - 1, line, len);
        strcat(clean, "\n");
        put(clean);
        line += len + (line[len] == '\n');
    }
    free(kept);
    free(clean);
}
