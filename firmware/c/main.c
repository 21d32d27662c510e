/* libzephyr in firmware: Bob opens the message of a frozen vector, and answers. No heap, no files, no libc. */
#include "start.h"
#include "vector.h"

#include <zephyr.h>

enum { PAYLOAD = 128 };

static const uint8_t network[] = VECTOR_NETWORK, directory[] = VECTOR_DIRECTORY, key_0[] = VECTOR_KEY_0;
static const uint8_t key_1[] = VECTOR_KEY_1, bobs[] = VECTOR_RECIPIENT_KEY, payload[] = VECTOR_PAYLOAD;
static uint8_t message[] = VECTOR_SEALED, answer[ZEPHYR_SEALED_LEN(PAYLOAD)];
static uint8_t pkg_keys[2 * ZEPHYR_PKG_KEY_SIZE];
static uint8_t round_memory[ZEPHYR_ROUND_SIZE], key_memory[ZEPHYR_PRIVATE_KEY_SIZE];
static uint8_t alice_memory[ZEPHYR_IDENTITY_SIZE], bob_memory[ZEPHYR_IDENTITY_SIZE];
static uint8_t from_memory[ZEPHYR_SENDER_KEY_SIZE], to_memory[ZEPHYR_SENDER_KEY_SIZE];

static void must(zephyr_status status, const char *what) {
    if (status != ZEPHYR_OK) {
        print(what);
        print(": ");
        print(zephyr_status_text(status));
        print("\n");
        leave(false);
    }
}

/* A device asks its hardware generator. */
static int32_t fill(void *userdata, uint8_t *out, size_t len) {
    (void)userdata;
    while (len-- > 0) {
        out[len] = (uint8_t)len;
    }
    return 0;
}

static bool same(const uint8_t *a, const uint8_t *b, size_t len) {
    while (len-- > 0) {
        if (a[len] != b[len]) {
            return false;
        }
    }
    return true;
}

int main(void) {
    const zephyr_random random = {fill, NULL};
    zephyr_round *round;
    zephyr_identity *alice, *bob;
    zephyr_private_key *key;
    zephyr_sender_key *from, *to;
    zephyr_opened opened;
    size_t i;
    must(zephyr_check_abi(ZEPHYR_ABI_VERSION), "ABI");
    for (i = 0; i < sizeof key_0; i++) {
        pkg_keys[i] = key_0[i];
        pkg_keys[ZEPHYR_PKG_KEY_SIZE + i] = key_1[i];
    }
    must(zephyr_round_init_from_keys(round_memory, sizeof round_memory, network, 1000001, directory, pkg_keys,
                                     sizeof pkg_keys, &round), "round");
    must(zephyr_identity_init(alice_memory, sizeof alice_memory, network, "alice@example.org", &alice), "Alice");
    must(zephyr_identity_init(bob_memory, sizeof bob_memory, network, "bob@example.org", &bob), "Bob");
    must(zephyr_private_key_init(key_memory, sizeof key_memory, round, bob, bobs, sizeof bobs, &key), "Bob's key");
    print("key: ok\n");

    must(zephyr_sender_key_init_from(from_memory, sizeof from_memory, key, alice, &from), "from Alice");
    must(zephyr_open_from(round, key, from, payload[2] * 256u + payload[3], message, sizeof message, &opened), "open");
    if (!same(message + ZEPHYR_SEAL_OVERHEAD, payload, sizeof payload)) {
        print("open: another payload\n");
        return 1;
    }
    print("open: ok, from ");
    print(opened.sender);
    print("\n");

    must(zephyr_sender_key_init_to(to_memory, sizeof to_memory, key, alice, &to), "to Alice");
    opened.payload.slot = 1;
    must(zephyr_seal(round, alice, to, &opened.payload, PAYLOAD, &random, NULL, answer, sizeof answer, NULL), "seal");
    print("seal: ok\n");
    must(zephyr_private_key_wipe(key), "wipe");
    print("selftest: passed\n");
    return 0;
}
