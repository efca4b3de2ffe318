#ifndef MESHDECK_TESTS_NETNS_H
#define MESHDECK_TESTS_NETNS_H
/*
 * Namespaces for tests that touch the network, so that none touches the machine's own. All
 * that a test starts ends with it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A fresh network namespace with lo up, a fresh mount namespace (private) with an empty tmpfs on
 * /run (so /var/run/wireguard and /run/netns are ours alone), and a fresh process namespace: the
 * rest of the program runs in a new process, and when that ends, all that it started ends. Call it
 * first of all in main. NULL when it worked, else the reason to print behind "# SKIP": not root, or
 * the kernel refuses. */
const char *netns_enter(void);

/* Prints TAP that skips one test, and returns 0, for `return netns_skip_all("name", why);` in main.
 */
int netns_skip_all(const char *name, const char *why);

/* Makes another network namespace (lo up) and comes back; a descriptor of it, or -1. */
int netns_make(void);
/* Moves this thread into the namespace behind fd; the descriptor of the one before, or -1. */
int netns_switch(int fd);
/* Comes back from netns_switch: closes `before`. */
void netns_back(int before);

/* Runs a command (found in PATH), words separated by NULL at the end; its status, or -1. Output
 * goes to stderr. run_ok ends the test program with a message when the status is not 0. */
int run_argv(const char *const argv[]);
void run_ok_argv(const char *const argv[]);
#define run(...) run_argv((const char *const[]){__VA_ARGS__, NULL})
#define run_ok(...) run_ok_argv((const char *const[]){__VA_ARGS__, NULL})
/* Same, with `input` on its standard input (NULL: /dev/null) and up to cap-1 bytes of its output
 * in out (NULL: stderr). */
int run_io(const char *const argv[], const char *input, char *out, size_t cap);

/* Runs the loop in turns of 10 ms until fn(arg) is true; false after seconds. */
struct uv_loop_s;
bool loop_until(struct uv_loop_s *loop, bool (*fn)(void *), void *arg, int seconds);
/* Runs the loop until it has nothing left to do, so that it can be closed. */
void loop_close(struct uv_loop_s *loop);

#endif
