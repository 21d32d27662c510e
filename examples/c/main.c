/*
 * A small chat over libzephyr's session without I/O: one thread, one poll() loop, all state in files.
 *
 *   main.c           the beginning and the end
 *   registration.c   codes from the PKGs
 *   chat.c           the session, sockets and stdin
 *   contact.c        messages under way and messages that came
 *   home.c, net.c    files and sockets
 *
 * On stdin: `ADDRESS TEXT` sends, `+ADDRESS` adds a contact, `quit` ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat.h"

/* The user's secret: drawn once. */
static void load_seed(const struct home *home, struct user *user) {
    size_t len;
    uint8_t *seed = home_read(home, "seed", &len);
    if (len == sizeof user->seed) {
        memcpy(user->seed, seed, len);
    } else if (len == 0) {
        random_bytes(user->seed, sizeof user->seed);
        home_write(home, "seed", user->seed, sizeof user->seed);
    } else {
        fail("the file seed is damaged");
    }
    free(seed);
}

static uint8_t *read_file(const char *path, size_t *len) {
    struct bytes contents = {NULL, 0, 0};
    uint8_t part[4096];
    size_t got;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail("the network file %s can't be read", path);
    }
    while ((got = fread(part, 1, sizeof part, file)) > 0) {
        put(&contents, part, got);
    }
    fclose(file);
    *len = contents.len;
    put(&contents, "", 1); /* So that it is a text, too. */
    return contents.data;
}

/* A later version that is kept in the home, or what the network file says. */
static void load_manifest(const struct home *home, const char *network_file, struct user *user) {
    size_t len;
    uint8_t *file;
    user->manifest = home_read(home, "manifest", &user->manifest_len);
    if (user->manifest != NULL) {
        return;
    }
    file = read_file(network_file, &len);
#ifdef ZEPHYR_IO
    zephyr_status status = zephyr_network_manifest((char *)file, now_ms(), NULL, 0, &user->manifest_len);
    if (status == ZEPHYR_ERROR_BUFFER) {
        user->manifest = allocate(user->manifest_len);
        status = zephyr_network_manifest((char *)file, now_ms(), user->manifest, user->manifest_len, NULL);
    }
    check(status);
    free(file);
#else
    /* What `zephyr network export` has written. */
    user->manifest = file;
    user->manifest_len = len;
#endif
}

int main(int count, char **arguments) {
    struct home home;
    struct user user;
    char address[ZEPHYR_ADDRESS_MAX + 1];
    if (count != 4) {
        fprintf(stderr, "usage: example-c NETWORK_FILE HOME ADDRESS\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    check(zephyr_check_abi(ZEPHYR_ABI_VERSION));
    check(zephyr_address_canonical(arguments[3], address, sizeof address, NULL));
    user.address = address;
    home_open(&home, arguments[2]);
    load_seed(&home, &user);
    load_manifest(&home, arguments[1], &user);
    if (register_user(&home, &user)) {
        chat_run(&home, &user);
    }
    free(user.manifest);
    home_close(&home);
    return 0;
}
