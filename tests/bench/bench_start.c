/*
 * From the start of the program to the first frame that shows the state of 1,000 VMs in the database,
 * in a terminal of its own; and the same through `make run` when all is built.
 */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/store/db.h"
#include "backend/store/netrec.h"
#include "backend/store/settings.h"
#include "backend/store/vmrec.h"
#include "tests/support/bench.h"
#include "tests/support/netns.h"

enum { VMS = 1000, ROUNDS = 5, LIMIT_MS = 20000 };

static struct err err;

static void must(int r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static void fill(const char *dir)
{
    static struct vm_rec vms[VMS];
    static uint64_t ids[VMS];
    struct settings s = {.node_name = "ams1", .wg_device = "mesh0", .wg_port = 51820, .wg_mtu = 1420};
    struct db *db;

    must(db_open(dir, DB_HOW_CREATE, &db, &err));
    must(db_begin(db, &err));
    must(settings_init(db, &s, &err));
    for (unsigned i = 0; i < VMS; i++) {
        vms[i] = (struct vm_rec){.network_id = NETREC_MESH_ID, .vcpus = 1, .memory_mib = 256,
                                 .disk_gib = 1, .image = "builtin"};
        (void)snprintf(vms[i].name, sizeof vms[i].name, "vm%u", i + 1);
    }
    must(vmrec_create(db, vms, VMS, NULL, &err));
    for (unsigned i = 0; i < VMS; i++)
        ids[i] = vms[i].id;
    must(vmrec_set_phase(db, ids, VMS, VM_PHASE_WHOLE, 0, &err));
    must(db_end(db, 0, &err));
    db_close(db);
}

/* Reads what the console writes until `word` is there; milliseconds from the fork, -1: never. */
static double first_frame(const char *const argv[], const char *word)
{
    static char text[1 << 20];
    const struct winsize size = {.ws_row = 40, .ws_col = 120};
    size_t len = 0;
    double began = bench_now_ms(), took = -1;
    int fd;
    pid_t pid = forkpty(&fd, NULL, NULL, &size);

    if (pid == 0) {
        (void)setenv("TERM", "xterm-256color", 1);
        (void)setenv("LC_ALL", "C.UTF-8", 1);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    while (pid > 0 && took < 0 && bench_now_ms() - began < LIMIT_MS && len < sizeof text - 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 100) <= 0)
            continue;
        ssize_t n = read(fd, text + len, sizeof text - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
        text[len] = '\0';
        if (strstr(text, word))
            took = bench_now_ms() - began;
    }
    if (took < 0)
        fprintf(stderr, "no \"%s\" in the last of it: %s\n", word, len > 400 ? text + len - 400 : text);
    if (pid > 0) {
        (void)kill(pid, SIGTERM);
        close(fd);
        (void)waitpid(pid, NULL, 0);
    }
    return took;
}

static bool measure(const char *name, const char *const argv[], double limit)
{
    double best = 1e9;

    for (int i = 0; i < ROUNDS; i++) {
        double took = first_frame(argv, "1000");
        if (took < 0)
            return false;
        best = took < best ? took : best;
    }
    return bench_limit(name, best, limit, "ms");
}

int main(void)
{
    const char *why = netns_enter(), *build = getenv("MESHDECK_BUILD");
    char dir[] = "/tmp/meshdeck-bench.XXXXXX", program[4096], arg[64], image[4096];

    if (why)
        return bench_skip("start to first full frame, 1,000 VMs", why);
    if (!build)
        build = "build";
    (void)snprintf(program, sizeof program, "%s/meshdeck", build);
    (void)snprintf(image, sizeof image, "%s/guest/version", build);
    if (!mkdtemp(dir))
        return 1;
    fill(dir);
    (void)snprintf(arg, sizeof arg, "ARGS=--state %s", dir);
    const char *const console[] = {program, "--state", dir, NULL};
    const char *const make[] = {"make", "run", arg, NULL};
    bool ok = measure("start to first full frame, 1,000 VMs", console, 100);
    if (access(image, R_OK) == 0 && strcmp(build + strlen(build) - 5, "build") == 0)
        ok &= measure("the second make run to the same frame", make, 1000);
    else
        (void)bench_skip("the second make run to the same frame", "the guest image is not built");
    run_ok("rm", "-rf", dir);
    return ok ? 0 : 1;
}
