/*
 * The nft worker: a process of its own, because libnftables parses other people's rulesets and is
 * known to crash. Single-threaded, one context, one request at a time, blocking. It keeps
 * CAP_NET_ADMIN and nothing else, and ends when the engine's end of the socket closes.
 */
#include <errno.h>
#include <linux/capability.h>
#include <nftables/libnftables.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend/host/nft.h"
#include "backend/host/nft_wire.h"

static int give_up_privileges(void)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = { 0 };

    data[0].effective = data[0].permitted = 1U << CAP_NET_ADMIN;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
        syscall(SYS_capset, &head, data) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
        return -errno;
    }
    return 0;
}

/* The first line of what libnftables complains: it says what; the rest is the command again. Its
 * errno is noise, so the code is found in the words. */
static int take_error(struct nft_ctx *ctx, char *dst, size_t cap)
{
    static const int codes[] = { ENOENT, EEXIST, EPERM, EOPNOTSUPP, EAFNOSUPPORT, EBUSY, ENOMEM };
    const char *text = nft_ctx_get_error_buffer(ctx);
    size_t n = strcspn(text, "\n");

    n = n < cap ? n : cap - 1;
    memcpy(dst, text, n);
    dst[n] = '\0';
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strstr(dst, strerror(codes[i]))) {
            return -codes[i];
        }
    }
    return -EINVAL;
}

/* Runs one request; *ret_fd is a memory file with the answer, or -1. */
static void serve(struct nft_ctx *ctx, const struct nft_request *rq, int fd, struct nft_reply *rp,
                  int *ret_fd)
{
    char *text = NULL;
    int code = fd >= 0 && rq->op < NFT_OP_COUNT ? nft_wire_load(fd, rq->len, &text) : -EPROTO;

    if (code < 0) {
        rp->code = code;
        return;
    }
    nft_ctx_set_dry_run(ctx, rq->op == NFT_OP_CHECK);
    nft_ctx_output_set_flags(ctx, rq->op == NFT_OP_QUERY ? NFT_CTX_OUTPUT_JSON : 0);
    if (nft_run_cmd_from_buffer(ctx, text) != 0) {
        rp->code = take_error(ctx, rp->error, sizeof(rp->error));
    }
    const char *out = nft_ctx_get_output_buffer(ctx);
    if (rp->code == 0 && rq->op == NFT_OP_QUERY) {
        rp->len = strlen(out);
        *ret_fd = nft_wire_file(out, (size_t)rp->len);
        if (*ret_fd < 0) {
            rp->code = *ret_fd;
            rp->len = 0;
        }
    } else {
        (void)nft_ctx_get_error_buffer(ctx); /* also empties what warnings left */
    }
    free(text);
}

int worker_nft_main(int fd)
{
    struct nft_ctx *ctx;
    int r = give_up_privileges();

    if (r < 0 || !(ctx = nft_ctx_new(NFT_CTX_DEFAULT))) {
        return 1;
    }
    if (nft_ctx_buffer_output(ctx) != 0 || nft_ctx_buffer_error(ctx) != 0) {
        nft_ctx_free(ctx);
        return 1;
    }
    for (;;) {
        struct nft_request rq = { 0 };
        int in = -1, out = -1;
        r = nft_wire_receive(fd, &rq, sizeof(rq), &in);
        if (r == 0) {
            struct nft_reply rp = { .id = rq.id };
            serve(ctx, &rq, in, &rp, &out);
            r = nft_wire_send(fd, &rp, sizeof(rp), out);
        }
        if (in >= 0) {
            (void)close(in);
        }
        if (out >= 0) {
            (void)close(out);
        }
        if (r < 0) {
            break;
        }
    }
    nft_ctx_free(ctx);
    return r == -EPIPE ? 0 : 1;
}
