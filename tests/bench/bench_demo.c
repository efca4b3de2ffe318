/*
 * The real program on a pseudo-terminal of 140x40 with the largest demo, 64,000 VMs on 255 nodes:
 * how long a key takes to its finished frame while 1,000 rows a second change, what the console
 * writes and computes while nothing does, and its memory. BENCH_KEYS (300) and BENCH_REST_S (20)
 * make a run shorter or longer, BENCH_EACH=1 prints every key.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/bench.h"
#include "tests/support/tmpdir.h"

enum { ROWS = 40, COLS = 140, KEYS_MAX = 4000, START_MS = 30000, KEY_MS = 3000, CALM_MS = 4000 };

/*
 * News alone is drawn at most every 100 ms, counted from the last frame. So whatever frame ends
 * within this time of the first one after a key belongs to the key too: a frame that was being
 * drawn as the key came is never taken for its answer.
 */
enum { BURST_MS = 60 };

struct console {
    pid_t pid;
    int fd;
    clockid_t cpu;
    char tail[16]; /* the last bytes read, for a mark that two reads share */
    size_t n_tail;
    size_t bytes;
    double end_ms; /* when the last frame was whole */
};

enum kind { ROW, PAGE, VIEW, TYPE, SORT, KINDS };
static const char *const kind_names[KINDS] = {"row moves", "page moves", "views", "filter", "sort"};

struct step {
    enum kind kind;
    const char *keys; /* separated by blanks; PgDn and the like by name */
};

/* One turn through what an operator does. */
static const struct step steps[] = {
    {VIEW, "2"},         {ROW, "j j j k j k"},        {PAGE, "PgDn PgDn PgDn PgUp"},
    {SORT, "s c"},       {ROW, "j j j"},              {SORT, "S s m s n"},
    {TYPE, "/ w e b - 0 1 2 BS BS BS 0 0 Enter"},     {ROW, "k k j"},
    {TYPE, "/ C-u c p u > 5 0 Enter"},
    {TYPE, "/ C-u 1 0 . 2 1 0 . 7 C-u Enter"},        {PAGE, "PgDn PgUp"},  {VIEW, "3"},
    {ROW, "j j k"},      {PAGE, "PgDn PgUp"},         {VIEW, "4 v v v"},
    {ROW, "j j j"},      {PAGE, "End PgUp Home PgDn"}, {TYPE, "/ t a p 7 BS C-u Enter"},
    {VIEW, "5 6 7 8 1"},
};

static const struct {
    const char *name, *bytes;
} named[] = {{"PgDn", "\033[6~"}, {"PgUp", "\033[5~"}, {"Home", "\033[H"}, {"End", "\033[F"},
             {"Enter", "\r"},     {"BS", "\177"},      {"C-u", "\025"}};

static const char *bytes_of(const char *key)
{
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (strcmp(named[i].name, key) == 0)
            return named[i].bytes;
    return key;
}

static void nap(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static int env_number(const char *name, int normal)
{
    const char *s = getenv(name);

    return s && atoi(s) > 0 ? atoi(s) : normal;
}

/* Reads what is there; notes the end of a frame. False at the end of the program. */
static bool take(struct console *c, int wait_ms)
{
    static const char mark[] = "\033[?2026l";
    char buf[65536 + sizeof c->tail];
    struct pollfd p = {c->fd, POLLIN, 0};

    if (poll(&p, 1, wait_ms) <= 0)
        return true;
    memcpy(buf, c->tail, c->n_tail);
    ssize_t n = read(c->fd, buf + c->n_tail, 65536);
    double now = bench_now_ms();
    if (n <= 0)
        return n < 0 && errno == EINTR;
    c->bytes += (size_t)n;
    size_t len = c->n_tail + (size_t)n;
    if (memmem(buf, len, mark, sizeof mark - 1))
        c->end_ms = now;
    c->n_tail = len < sizeof mark - 2 ? len : sizeof mark - 2;
    memcpy(c->tail, buf + len - c->n_tail, c->n_tail);
    return true;
}

/* Reads for so long. */
static bool drain(struct console *c, double ms)
{
    for (double end = bench_now_ms() + ms, left; (left = end - bench_now_ms()) > 0;)
        if (!take(c, (int)left + 1))
            return false;
    return true;
}

static void run_child(const char *churn, const char *home)
{
    char program[512];
    const char *build = getenv("MESHDECK_BUILD");

    (void)snprintf(program, sizeof program, "%s/meshdeck", build ? build : "build");
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("HOME", home, 1);
    setenv("XDG_CONFIG_HOME", home, 1);
    unsetenv("SSH_CONNECTION");
    unsetenv("SSH_TTY");
    execl(program, program, "--demo", "--nodes", "255", "--vms", "64000", "--churn", churn, "--seed",
          "1", (char *)NULL);
    _exit(127);
}

static bool begin(struct console *c, const char *churn, const char *home)
{
    struct winsize size = {.ws_row = ROWS, .ws_col = COLS};

    *c = (struct console){0};
    c->pid = forkpty(&c->fd, NULL, NULL, &size);
    if (c->pid < 0)
        return false;
    if (c->pid == 0)
        run_child(churn, home);
    for (double end = bench_now_ms() + START_MS; c->end_ms <= 0 && bench_now_ms() < end;)
        if (!take(c, 100))
            return false;
    return c->end_ms > 0 && clock_getcpuclockid(c->pid, &c->cpu) == 0 && drain(c, 1000);
}

static void finish(struct console *c)
{
    if (c->pid <= 0)
        return;
    kill(c->pid, SIGTERM);
    for (int i = 0; i < 50 && waitpid(c->pid, NULL, WNOHANG) == 0; i++) {
        (void)drain(c, 20);
        nap(80);
    }
    kill(c->pid, SIGKILL);
    (void)waitpid(c->pid, NULL, 0);
    close(c->fd);
}

/* Milliseconds from the key's write to the last byte of its frame; below 0: no frame came. */
static double press(struct console *c, const char *bytes)
{
    double began, first = 0;

    while (take(c, 0) && poll(&(struct pollfd){c->fd, POLLIN, 0}, 1, 0) > 0)
        ;
    c->end_ms = 0;
    began = bench_now_ms();
    if (write(c->fd, bytes, strlen(bytes)) != (ssize_t)strlen(bytes))
        return -1;
    while (bench_now_ms() - began < KEY_MS) {
        if (!take(c, 1))
            return -1;
        if (first <= 0)
            first = c->end_ms;
        if (first > 0 && bench_now_ms() - first > BURST_MS)
            return c->end_ms - began;
    }
    return -1;
}

struct times {
    double ms[KEYS_MAX];
    size_t n;
    unsigned mute; /* keys that had nothing to show, like a move at the end of a list */
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x > y ? 1 : x < y ? -1 : 0;
}

/* The smallest value that at least so many percent do not exceed. */
static double percentile(struct times *t, unsigned percent)
{
    size_t at = (t->n * percent + 99) / 100;

    qsort(t->ms, t->n, sizeof t->ms[0], by_size);
    return t->n ? t->ms[at ? at - 1 : 0] : 1e9;
}

static void keep(struct times *t, double ms)
{
    if (t->n < KEYS_MAX)
        t->ms[t->n++] = ms;
}

static bool press_all(struct console *c, const struct step *s, struct times *all,
                      struct times *of_kind)
{
    char keys[128], *at = NULL;

    (void)snprintf(keys, sizeof keys, "%s", s->keys);
    for (char *k = strtok_r(keys, " ", &at); k; k = strtok_r(NULL, " ", &at)) {
        double ms = press(c, bytes_of(k));
        if (getenv("BENCH_EACH"))
            printf("# %s %s %.2f ms\n", kind_names[s->kind], k, ms);
        if (ms >= 0) {
            keep(all, ms);
            keep(&of_kind[s->kind], ms);
        } else if (++all->mute > 3) {
            printf("%s of %s: again no frame within %d ms\n", k, kind_names[s->kind], KEY_MS);
            return false;
        }
        /* Out of step with the frames of the churn. */
        if (!drain(c, 7 + (double)(all->n * 37 % 90)))
            return false;
    }
    return true;
}

static bool measure_keys(struct console *c)
{
    static struct times all, of_kind[KINDS];
    size_t wanted = (size_t)env_number("BENCH_KEYS", 300);
    bool ok = true;

    while (all.n < wanted)
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
            if (!press_all(c, &steps[i], &all, of_kind))
                return false;
    for (unsigned i = 0; i < KINDS; i++)
        printf("# %-10s %4zu keys: p50 %6.2f  p99 %6.2f ms\n", kind_names[i], of_kind[i].n,
               percentile(&of_kind[i], 50), percentile(&of_kind[i], 99));
    ok &= bench_limit("demo: key to finished frame, p50", percentile(&all, 50), 16, "ms");
    ok &= bench_limit("demo: key to finished frame, p99", percentile(&all, 99), 16, "ms");
    return ok;
}

static double status_mib(pid_t pid, const char *field)
{
    char path[64], line[256];
    double kib = 1e12;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtod(line + strlen(field) + 1, NULL);
    if (f)
        fclose(f);
    return kib / 1024;
}

static double cpu_ms(const struct console *c)
{
    struct timespec t = {0};

    clock_gettime(c->cpu, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool measure_rest(struct console *c, const char *key, const char *view, double bytes_a_second)
{
    int seconds = env_number("BENCH_REST_S", 20);
    char name[64];
    bool ok = true;

    if (press(c, key) < 0 || !drain(c, CALM_MS))
        return false;
    size_t bytes = c->bytes;
    double cpu = cpu_ms(c);
    if (!drain(c, seconds * 1000.0))
        return false;
    (void)snprintf(name, sizeof name, "demo: %s at rest, written", view);
    ok &= bench_limit(name, (double)(c->bytes - bytes) / seconds, bytes_a_second, "B/s");
    (void)snprintf(name, sizeof name, "demo: %s at rest, processor", view);
    ok &= bench_limit(name, (cpu_ms(c) - cpu) / (seconds * 10.0), 0.5, "%");
    return ok;
}

static bool busy(const char *home)
{
    struct console c;
    bool begun = begin(&c, "1000", home), ok = begun && measure_keys(&c);

    if (begun) {
        ok &= bench_limit("demo: resident memory", status_mib(c.pid, "VmRSS"), 64, "MiB");
        ok &= bench_limit("demo: resident memory, peak", status_mib(c.pid, "VmHWM"), 64, "MiB");
    }
    finish(&c);
    return ok;
}

static bool still(const char *home)
{
    struct console c;
    bool ok = begin(&c, "0", home);

    ok = ok && measure_rest(&c, "2", "VMs", 0);
    ok &= c.pid > 0 && measure_rest(&c, "3", "Mesh", 400);
    finish(&c);
    return ok;
}

int main(void)
{
    char *home = tmpdir_new();
    double load[3] = {0};

    (void)getloadavg(load, 3);
    printf("# load average %.2f %.2f %.2f\n", load[0], load[1], load[2]);
    bool ok = busy(home);
    ok &= still(home);
    tmpdir_remove(home);
    return ok ? 0 : 1;
}
