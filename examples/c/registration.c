#include "registration.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net.h"

/* How long a PKG may take: its mail server may be slow. */
#define PATIENCE_MS 60000
/* A network has at most so many PKGs. */
#define MAX_PKGS 64
/* With one byte for each PKG: 1 if the address is registered there. */
#define FILE_NAME "registered"

static const zephyr_random SYSTEM = {NULL, NULL};

/* Line by line and without a buffer of stdio's, so that poll() sees what is still there. */
const char *read_line(void) {
    static char line[128];
    size_t len = 0;
    char c;
    ssize_t got;
    while ((got = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n') {
        if (len + 1 < sizeof line) {
            line[len++] = c;
        }
    }
    line[len] = '\0';
    return got == 1 || len > 0 ? line : NULL;
}

/* Moves bytes until the PKG has answered. 0 if that can't be. */
static int talk(zephyr_registration *registration, int socket, zephyr_answer *answer) {
    uint64_t end = now_ms() + PATIENCE_MS, now;
    int connected = 0;
    while ((now = now_ms()) < end) {
        struct pollfd ready = {socket, POLLIN, 0};
        const uint8_t *data;
        uint8_t came[512];
        size_t len;
        long n;
        check(zephyr_registration_to_send(registration, &data, &len));
        if (len > 0) {
            ready.events |= POLLOUT;
        }
        if (poll(&ready, 1, (int)(end - now)) <= 0) {
            continue;
        }
        if (!connected && (connected = net_connected(socket)) == 0) {
            return 0;
        }
        if (ready.revents & POLLOUT) {
            if ((n = net_send(socket, data, len)) < 0) {
                return 0;
            }
            check(zephyr_registration_sent(registration, (size_t)n));
        }
        if (ready.revents & (POLLIN | POLLERR | POLLHUP)) {
            if ((n = net_receive(socket, came, sizeof came)) < 0 ||
                zephyr_registration_received(registration, came, (size_t)n) != ZEPHYR_OK) {
                return 0;
            }
            check(zephyr_registration_answer(registration, answer));
            if (answer->kind != ZEPHYR_ANSWER_NONE) {
                return 1;
            }
        }
    }
    return 0;
}

struct pkg {
    char name[256];
    char fingerprint[32];
};

/* One exchange. ZEPHYR_ERROR_SERVER if the network has no such PKG. */
static zephyr_status ask(const struct user *user, uint32_t index, uint32_t task, const char *code,
                         struct pkg *pkg, zephyr_answer *answer) {
    uint8_t memory[ZEPHYR_REGISTRATION_SIZE];
    char server[256];
    zephyr_registration *registration;
    int socket, answered;
    zephyr_status status = zephyr_registration_init(
        memory, sizeof memory, user->manifest, user->manifest_len, index, user->address, user->seed,
        task, code, &SYSTEM, &registration);
    if (status != ZEPHYR_OK) {
        return status;
    }
    check(zephyr_registration_name(registration, pkg->name, sizeof pkg->name, NULL));
    check(zephyr_registration_fingerprint(registration, pkg->fingerprint, sizeof pkg->fingerprint, NULL));
    check(zephyr_registration_server(registration, server, sizeof server, NULL));
    socket = net_connect(server);
    answered = socket >= 0 && talk(registration, socket, answer);
    if (socket >= 0) {
        close(socket);
    }
    check(zephyr_registration_wipe(registration));
    if (!answered) {
        fail("the PKG %s can't be reached: try again later", pkg->name);
    }
    return ZEPHYR_OK;
}

/* Brings codes until one is right. 0 if stdin ended before. */
static int confirm(const struct user *user, uint32_t index, struct pkg *pkg) {
    for (;;) {
        zephyr_answer answer;
        zephyr_status status;
        const char *code;
        printf("code? %s %s\n", pkg->name, pkg->fingerprint);
        if ((code = read_line()) == NULL) {
            return 0;
        }
        status = ask(user, index, ZEPHYR_TASK_CONFIRM, code, pkg, &answer);
        if (status == ZEPHYR_ERROR_CODE) {
            printf("error: %s\n", sentence(status));
            continue;
        }
        check(status);
        switch (answer.kind) {
        case ZEPHYR_ANSWER_REGISTERED:
            return 1;
        case ZEPHYR_ANSWER_WAITING:
            fail("the address has another key, which this one replaces in %llu minutes: start again then",
                 (unsigned long long)(answer.until_ms - now_ms()) / 60000 + 1);
        case ZEPHYR_ANSWER_REFUSED:
            printf("error: %s\n", zephyr_refusal_text(answer.refusal));
            if (answer.refusal == ZEPHYR_REFUSED_NO_CODE ||
                (answer.refusal == ZEPHYR_REFUSED_WRONG_CODE && answer.tries_left == 0)) {
                fail("start again to be mailed another code");
            }
            break;
        default:
            fail("the PKG %s gave an answer that makes no sense", pkg->name);
        }
    }
}

int register_user(const struct home *home, const struct user *user) {
    uint8_t done[MAX_PKGS] = {0}, *before;
    struct pkg pkgs[MAX_PKGS];
    int mailed[MAX_PKGS] = {0};
    uint32_t count = 0, i;
    size_t len;
    int news = 0;
    if ((before = home_read(home, FILE_NAME, &len)) != NULL) {
        memcpy(done, before, len < sizeof done ? len : sizeof done);
        free(before);
    }
    /* All are asked first, so that all mails are on their way when the first code is asked for. */
    for (i = 0; i < MAX_PKGS; i++) {
        zephyr_answer answer;
        zephyr_status status;
        if (done[i]) {
            count = i + 1;
            continue;
        }
        status = ask(user, i, ZEPHYR_TASK_REGISTER, NULL, &pkgs[i], &answer);
        if (status == ZEPHYR_ERROR_SERVER) {
            break;
        }
        check(status);
        count = i + 1;
        news = 1;
        if (answer.kind == ZEPHYR_ANSWER_REFUSED) {
            fail("%s: %s", pkgs[i].name, zephyr_refusal_text(answer.refusal));
        }
        mailed[i] = answer.kind == ZEPHYR_ANSWER_CODE_SENT;
        done[i] = answer.kind == ZEPHYR_ANSWER_REGISTERED;
    }
    for (i = 0; i < count; i++) {
        if (mailed[i]) {
            if (!confirm(user, i, &pkgs[i])) {
                return 0;
            }
            done[i] = 1;
            home_write(home, FILE_NAME, done, count);
        }
    }
    if (news) {
        home_write(home, FILE_NAME, done, count);
        printf("registered\n");
    }
    return 1;
}
