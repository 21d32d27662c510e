/* Alice and Bob in the round of a vector, with everything they need to write to each other. */
#ifndef STAGE_H
#define STAGE_H

#include "vector.h"

#define STAGE_PAYLOAD 128
#define STAGE_SEALED (STAGE_PAYLOAD + ZEPHYR_SEAL_OVERHEAD)

typedef struct {
    uint8_t network[32];
    uint8_t directory[32];
    zephyr_round *round;
    zephyr_identity *alice;
    zephyr_identity *bob;
    zephyr_private_key *alice_key;
    zephyr_private_key *bob_key;
    zephyr_sender_key *to_bob;
    zephyr_sender_key *from_alice;
    uint8_t round_memory[ZEPHYR_ROUND_SIZE];
    uint8_t alice_memory[ZEPHYR_IDENTITY_SIZE];
    uint8_t bob_memory[ZEPHYR_IDENTITY_SIZE];
    uint8_t alice_key_memory[ZEPHYR_PRIVATE_KEY_SIZE];
    uint8_t bob_key_memory[ZEPHYR_PRIVATE_KEY_SIZE];
    uint8_t to_bob_memory[ZEPHYR_SENDER_KEY_SIZE];
    uint8_t from_alice_memory[ZEPHYR_SENDER_KEY_SIZE];
} stage;

static inline void stage_begin(stage *s, vector *v) {
    vector_bytes keys = vector_keys(v);
    memcpy(s->network, vector_array(v, "network", 32), 32);
    memcpy(s->directory, vector_array(v, "directory", 32), 32);
    OK(zephyr_round_init_from_keys(s->round_memory, sizeof s->round_memory, s->network, vector_number(v, "round"),
                                   s->directory, keys.data, keys.len, &s->round));
    OK(zephyr_identity_init(s->alice_memory, sizeof s->alice_memory, s->network, "alice@example.org", &s->alice));
    OK(zephyr_identity_init(s->bob_memory, sizeof s->bob_memory, s->network, "bob@example.org", &s->bob));
    OK(zephyr_private_key_init(s->alice_key_memory, sizeof s->alice_key_memory, s->round, s->alice,
                               vector_array(v, "sender_key", ZEPHYR_SHARE_SIZE), ZEPHYR_SHARE_SIZE, &s->alice_key));
    OK(zephyr_private_key_init(s->bob_key_memory, sizeof s->bob_key_memory, s->round, s->bob,
                               vector_array(v, "recipient_key", ZEPHYR_SHARE_SIZE), ZEPHYR_SHARE_SIZE, &s->bob_key));
    OK(zephyr_sender_key_init_to(s->to_bob_memory, sizeof s->to_bob_memory, s->alice_key, s->bob, &s->to_bob));
    OK(zephyr_sender_key_init_from(s->from_alice_memory, sizeof s->from_alice_memory, s->bob_key, s->alice,
                                   &s->from_alice));
}

static inline void stage_end(stage *s) {
    OK(zephyr_sender_key_wipe(s->to_bob));
    OK(zephyr_sender_key_wipe(s->from_alice));
    OK(zephyr_private_key_wipe(s->alice_key));
    OK(zephyr_private_key_wipe(s->bob_key));
    OK(zephyr_identity_wipe(s->alice));
    OK(zephyr_identity_wipe(s->bob));
    OK(zephyr_round_wipe(s->round));
}

/* A text of one fragment. */
static inline zephyr_payload stage_text(const char *text, uint16_t slot) {
    zephyr_payload payload;
    memset(&payload, 0, sizeof payload);
    payload.content = ZEPHYR_CONTENT_TEXT;
    payload.slot = slot;
    payload.fragments = 1;
    payload.stream = 1;
    payload.sequence = 1;
    payload.message = 42;
    payload.body = (const uint8_t *)text;
    payload.body_len = strlen(text);
    return payload;
}

static const zephyr_random stage_random = {NULL, NULL};

/* Alice's message to Bob in this slot, or an anonymous one if there is no key. */
static inline void stage_seal(const stage *s, const zephyr_sender_key *key, const char *text, uint16_t slot,
                              uint8_t *message) {
    zephyr_payload payload = stage_text(text, slot);
    size_t needed = 0;
    OK(zephyr_seal(s->round, s->bob, key, &payload, STAGE_PAYLOAD, &stage_random, NULL, message, STAGE_SEALED,
                   &needed));
    CHECK(needed == STAGE_SEALED);
}

/* Runs a test with Alice and Bob. */
static inline void stage_run(void (*run)(vector *)) {
    CHECK(vector_each_block(ZEPHYR_VECTORS "/seal/named.txt", run) > 0);
}

#endif
