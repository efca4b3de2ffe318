/* What an SSH worker that a guest has taken over may tell the engine. */
#include "backend/guest/ssh_wire.h"
#include "backend/model/text.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_clean(const char *s)
{
    uint32_t cp;

    for (size_t left = strlen(s); left > 0;) {
        size_t n = text_utf8_decode(s, left, &cp);
        if (n == 0 || !text_codepoint_is_safe(cp))
            abort();
        s += n;
        left -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fds[2];
    struct ssh_report r;

    if (fds[1] == 0 && ssh_wire_pair(fds, NULL) != 0)
        abort();
    if (size == 0 || size > 4096 || send(fds[0], data, size, MSG_DONTWAIT) != (ssize_t)size)
        return 0;
    int got = ssh_wire_recv_report(fds[1], &r);
    if (got == 0) {
        if (size != sizeof r || r.result >= SESSION_RESULT_COUNT)
            abort();
        check_clean(r.text);
        check_clean(r.exit.signal);
    } else if (got != -EBADMSG) {
        abort();
    }
    return 0;
}

#include "tests/fuzz/driver.h"
