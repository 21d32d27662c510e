/* What one call costs from C. `cargo bench -p zephyr-ffi` has the same calls in Rust. */
#include <time.h>

#include "../tests/vector.h"

enum { PAYLOAD = 2048, SEALED = PAYLOAD + ZEPHYR_SEAL_OVERHEAD, CALLS = 2000 };

static int fill(void *userdata, uint8_t *out, size_t len) {
    (void)userdata;
    memset(out, 1, len);
    return 0;
}

static int64_t now(void) {
    struct timespec time;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int by_time(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void median(const char *name, int64_t *times) {
    qsort(times, CALLS, sizeof *times, by_time);
    printf("%s: C %ld ns\n", name, (long)times[CALLS / 2]);
}

static void run(vector *v) {
    static uint8_t memory[6][ZEPHYR_ROUND_SIZE], message[SEALED], copy[SEALED];
    static int64_t times[CALLS];
    static const char *text = "Meet me at noon.";
    const zephyr_random random = {fill, NULL};
    vector_bytes keys = vector_keys(v);
    uint8_t *network = vector_array(v, "network", 32);
    zephyr_round *round;
    zephyr_identity *alice, *bob;
    zephyr_private_key *alice_key, *bob_key;
    zephyr_sender_key *to_bob;
    zephyr_payload payload;
    zephyr_opened opened;
    size_t i;
    OK(zephyr_round_init_from_keys(memory[0], sizeof memory[0], network, vector_number(v, "round"),
                                   vector_array(v, "directory", 32), keys.data, keys.len, &round));
    OK(zephyr_identity_init(memory[1], sizeof memory[1], network, "alice@example.org", &alice));
    OK(zephyr_identity_init(memory[2], sizeof memory[2], network, "bob@example.org", &bob));
    OK(zephyr_private_key_init(memory[3], sizeof memory[3], round, alice,
                               vector_array(v, "sender_key", ZEPHYR_SHARE_SIZE), ZEPHYR_SHARE_SIZE, &alice_key));
    OK(zephyr_private_key_init(memory[4], sizeof memory[4], round, bob,
                               vector_array(v, "recipient_key", ZEPHYR_SHARE_SIZE), ZEPHYR_SHARE_SIZE, &bob_key));
    OK(zephyr_sender_key_init_to(memory[5], sizeof memory[5], alice_key, bob, &to_bob));
    memset(&payload, 0, sizeof payload);
    payload.content = ZEPHYR_CONTENT_TEXT;
    payload.fragments = 1;
    payload.stream = payload.sequence = 1;
    payload.message = 1;
    payload.body = (const uint8_t *)text;
    payload.body_len = strlen(text);
    for (i = 0; i < CALLS; i++) {
        int64_t start = now();
        OK(zephyr_seal(round, bob, to_bob, &payload, PAYLOAD, &random, NULL, message, sizeof message, NULL));
        times[i] = now() - start;
    }
    median("seal", times);
    for (i = 0; i < CALLS; i++) {
        int64_t start = now();
        memcpy(copy, message, sizeof copy);
        OK(zephyr_open(round, bob_key, copy, sizeof copy, &opened));
        times[i] = now() - start;
    }
    median("open", times);
    OK(zephyr_sender_key_wipe(to_bob));
    OK(zephyr_private_key_wipe(alice_key));
    OK(zephyr_private_key_wipe(bob_key));
    OK(zephyr_identity_wipe(alice));
    OK(zephyr_identity_wipe(bob));
    OK(zephyr_round_wipe(round));
}

int main(void) {
    CHECK(vector_each_block(ZEPHYR_VECTORS "/seal/named.txt", run) > 0);
    return 0;
}
