/* The building blocks by hand: what a program does that has its own rounds, links and servers. */
#include <pthread.h>

#include "stage.h"

static void sizes_are_the_same_as_macros_and_functions(void) {
    static const size_t payloads[] = {ZEPHYR_MIN_PAYLOAD, 129, 1000, ZEPHYR_MAX_PAYLOAD};
    size_t i, hops, len = 0;
    for (i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        OK(zephyr_sealed_len(payloads[i], &len));
        CHECK(len == ZEPHYR_SEALED_LEN(payloads[i]));
        for (hops = 1; hops <= ZEPHYR_MAX_HOPS; hops++) {
            OK(zephyr_packet_len(hops, payloads[i], &len));
            CHECK(len == ZEPHYR_PACKET_LEN(hops, payloads[i]));
        }
    }
    OK(zephyr_body_len_max(128, NULL, &len));
    CHECK(len == 128 - 35);
    OK(zephyr_body_len_max(128, "a@b.cd", &len));
    CHECK(len == 128 - 35 - 6);
}

static int text_is(const zephyr_opened *opened, const char *text) {
    return opened->payload.body_len == strlen(text) &&
           memcmp(opened->payload.body, text, opened->payload.body_len) == 0;
}

static void what_is_sealed_is_opened(const stage *s) {
    uint8_t message[STAGE_SEALED], copy[STAGE_SEALED];
    zephyr_opened opened;
    stage_seal(s, s->to_bob, "Meet me at noon.", 3, message);
    memcpy(copy, message, sizeof copy);

    OK(zephyr_open_from(s->round, s->bob_key, s->from_alice, 3, copy, sizeof copy, &opened));
    CHECK(text_is(&opened, "Meet me at noon.") && strcmp(opened.sender, "alice@example.org") == 0);
    CHECK(opened.payload.slot == 3 && opened.payload.message == 42 && opened.payload.sequence == 1);
    memcpy(copy, message, sizeof copy);
    OK(zephyr_open(s->round, s->bob_key, copy, sizeof copy, &opened));
    CHECK(text_is(&opened, "Meet me at noon.") && strcmp(opened.sender, "alice@example.org") == 0);

    /* Not by another slot, nor by anybody else, nor if a bit is another. */
    memcpy(copy, message, sizeof copy);
    ANSWERS(ZEPHYR_ERROR_NOT_MINE,
            zephyr_open_from(s->round, s->bob_key, s->from_alice, 4, copy, sizeof copy, &opened));
    memcpy(copy, message, sizeof copy);
    ANSWERS(ZEPHYR_ERROR_NOT_MINE, zephyr_open(s->round, s->alice_key, copy, sizeof copy, &opened));
    memcpy(copy, message, sizeof copy);
    copy[STAGE_SEALED - 1] ^= 1;
    ANSWERS(ZEPHYR_ERROR_NOT_MINE, zephyr_open(s->round, s->bob_key, copy, sizeof copy, &opened));

    stage_seal(s, NULL, "Guess who.", 0, message);
    OK(zephyr_open(s->round, s->bob_key, message, sizeof message, &opened));
    CHECK(text_is(&opened, "Guess who.") && opened.sender[0] == '\0');
}

static void the_whole_payload_can_be_used(const stage *s) {
    uint8_t message[STAGE_SEALED], body[STAGE_PAYLOAD];
    size_t len = 0;
    zephyr_opened opened;
    zephyr_payload payload = stage_text("", 1);
    OK(zephyr_body_len_max(STAGE_PAYLOAD, "alice@example.org", &len));
    memset(body, 'x', sizeof body);
    payload.content = ZEPHYR_CONTENT_FILE;
    payload.body = body;
    payload.body_len = len;
    OK(zephyr_seal(s->round, s->bob, s->to_bob, &payload, STAGE_PAYLOAD, &stage_random, NULL, message, sizeof message,
                   NULL));
    OK(zephyr_open(s->round, s->bob_key, message, sizeof message, &opened));
    CHECK(opened.payload.body_len == len && opened.payload.body[len - 1] == 'x');
    payload.body_len = len + 1;
    ANSWERS(ZEPHYR_ERROR_ARGUMENT, zephyr_seal(s->round, s->bob, s->to_bob, &payload, STAGE_PAYLOAD, &stage_random,
                                               NULL, message, sizeof message, NULL));
}

/* A contact's messages are found by their tags, with no pairing for the others. */
static void a_mailbox_is_searched(const stage *s) {
    enum { SLOTS = 4, MESSAGES = 6 };
    uint8_t mailbox[MESSAGES * STAGE_SEALED];
    zephyr_tag tags[2 * SLOTS];
    const zephyr_tag *hit;
    size_t index = 0, first, hits = 0, strangers = 0;
    uint16_t i;
    for (i = 0; i < SLOTS; i++) {
        OK(zephyr_sender_key_tag(s->from_alice, i, tags[i].tag));
        tags[i].contact = 7;
        tags[i].slot = i;
        /* Another contact, who writes nothing. */
        memset(tags[SLOTS + i].tag, 16 * i + 5, ZEPHYR_TAG_SIZE);
        tags[SLOTS + i].contact = 8;
        tags[SLOTS + i].slot = i;
    }
    OK(zephyr_tags_sort(tags, 2 * SLOTS));
    for (i = 0; i < MESSAGES; i++) {
        OK(zephyr_cover(STAGE_PAYLOAD, &stage_random, mailbox + i * STAGE_SEALED, STAGE_SEALED, NULL));
    }
    stage_seal(s, s->to_bob, "one", 1, mailbox + 1 * STAGE_SEALED);
    stage_seal(s, NULL, "nobody", 0, mailbox + 2 * STAGE_SEALED);
    stage_seal(s, s->to_bob, "three", 3, mailbox + 5 * STAGE_SEALED);

    for (first = 0;; first = index + 1) {
        zephyr_opened opened;
        OK(zephyr_mailbox_scan(tags, 2 * SLOTS, mailbox, sizeof mailbox, STAGE_SEALED, first, &index, &hit));
        for (; first < index; first++) {
            strangers += zephyr_open(s->round, s->bob_key, mailbox + first * STAGE_SEALED, STAGE_SEALED, &opened) ==
                         ZEPHYR_OK;
        }
        if (hit == NULL) {
            break;
        }
        CHECK(hit->contact == 7 && (index == 1 || index == 5));
        OK(zephyr_open_from(s->round, s->bob_key, s->from_alice, hit->slot, mailbox + index * STAGE_SEALED,
                            STAGE_SEALED, &opened));
        CHECK(text_is(&opened, index == 1 ? "one" : "three"));
        hits++;
    }
    CHECK(index == MESSAGES && hits == 2 && strangers == 1);
    OK(zephyr_mailbox_scan(NULL, 0, NULL, 0, STAGE_SEALED, 0, &index, &hit));
    CHECK(index == 0 && hit == NULL);
}

static void a_packet_goes_through_the_mixers(const stage *s) {
    enum { HOPS = 3 };
    static const uint8_t secrets[HOPS][32] = {{0, 1}, {0, 2}, {0, 3}};
    uint8_t memory[HOPS][ZEPHYR_MIXER_SIZE], sealed[STAGE_SEALED], packet[ZEPHYR_PACKET_LEN(HOPS, STAGE_PAYLOAD)];
    zephyr_mixer *mixers[HOPS];
    zephyr_hop hops[HOPS], route[ZEPHYR_MAX_HOPS];
    zephyr_next next = {false, 0};
    zephyr_opened opened;
    size_t count = 0, needed = 0, i;
    uint32_t at;
    for (i = 0; i < HOPS; i++) {
        hops[i].mixer = (uint16_t)i;
        OK(zephyr_mixer_key(secrets[i], hops[i].key));
        OK(zephyr_mixer_init(memory[i], sizeof memory[i], HOPS, STAGE_PAYLOAD, s->directory, secrets[i], &mixers[i]));
    }
    OK(zephyr_route(ZEPHYR_ROUTES_FREE, HOPS, s->directory, hops, HOPS, &stage_random, route, ZEPHYR_MAX_HOPS, &count));
    CHECK(count == HOPS);
    stage_seal(s, s->to_bob, "Through all of them.", 0, sealed);
    OK(zephyr_wrap(HOPS, STAGE_PAYLOAD, s->directory, route, count, 77, sealed, sizeof sealed, &stage_random, NULL,
                   packet, sizeof packet, &needed));
    CHECK(needed == sizeof packet);
    at = route[0].mixer;
    for (i = 0; i < HOPS; i++) {
        CHECK(!next.is_mailbox);
        ANSWERS(ZEPHYR_ERROR_PACKET, zephyr_mixer_peel(mixers[(at + 1) % HOPS], i, packet, sizeof packet, &next));
        OK(zephyr_mixer_peel(mixers[at], i, packet, sizeof packet, &next));
        at = next.number;
    }
    CHECK(next.is_mailbox && next.number == 77 && memcmp(packet, sealed, sizeof sealed) == 0);
    OK(zephyr_open(s->round, s->bob_key, packet, STAGE_SEALED, &opened));
    CHECK(text_is(&opened, "Through all of them."));
    for (i = 0; i < HOPS; i++) {
        OK(zephyr_mixer_wipe(mixers[i]));
    }
}

static int stuck(void *userdata, uint8_t *out, size_t len) {
    ++*(int *)userdata;
    memset(out, 9, len);
    return 0;
}

/* A generator that always says the same is made good by the program's secret and a counter. */
static void random_numbers_are_hedged(const stage *s) {
    static const uint8_t secret[32] = {1};
    int calls = 0;
    zephyr_random random;
    zephyr_hedge hedge = {secret, 1};
    zephyr_payload payload = stage_text("Again.", 0);
    uint8_t a[STAGE_SEALED], b[STAGE_SEALED];
    random.fill = stuck;
    random.userdata = &calls;
    OK(zephyr_seal(s->round, s->bob, s->to_bob, &payload, STAGE_PAYLOAD, &random, &hedge, a, sizeof a, NULL));
    OK(zephyr_seal(s->round, s->bob, s->to_bob, &payload, STAGE_PAYLOAD, &random, &hedge, b, sizeof b, NULL));
    CHECK(calls == 2 && memcmp(a, b, sizeof a) == 0);
    hedge.counter = 2;
    OK(zephyr_seal(s->round, s->bob, s->to_bob, &payload, STAGE_PAYLOAD, &random, &hedge, b, sizeof b, NULL));
    CHECK(memcmp(a, b, sizeof a) != 0);
}

/* Lent memory may stand anywhere, and is used no further than said. */
static void objects_stand_anywhere(const stage *s) {
    uint8_t memory[ZEPHYR_IDENTITY_SIZE + 32];
    size_t shift;
    for (shift = 0; shift < 16; shift++) {
        zephyr_identity *id;
        memset(memory, 0xaa, sizeof memory);
        OK(zephyr_identity_init(memory + shift, ZEPHYR_IDENTITY_SIZE, s->network, "carol@example.org", &id));
        OK(zephyr_identity_wipe(id));
        CHECK(shift == 0 || memory[shift - 1] == 0xaa);
        CHECK(memory[ZEPHYR_IDENTITY_SIZE + shift] == 0xaa);
    }
}

/* What is secret is gone. */
static void a_wiped_key_leaves_nothing(stage *s) {
    uint8_t before[ZEPHYR_SENDER_KEY_SIZE], memory[ZEPHYR_SENDER_KEY_SIZE];
    zephyr_sender_key *key;
    size_t i, same = 0;
    memset(memory, 0, sizeof memory);
    OK(zephyr_sender_key_init_to(memory, sizeof memory, s->alice_key, s->bob, &key));
    memcpy(before, memory, sizeof memory);
    OK(zephyr_sender_key_wipe(key));
    for (i = 0; i < sizeof memory; i++) {
        same += before[i] != 0 && memory[i] == before[i];
    }
    CHECK(same == 0);
}

static void *open_many(void *shared) {
    const stage *s = (const stage *)shared;
    int i;
    for (i = 0; i < 3; i++) {
        uint8_t message[STAGE_SEALED];
        zephyr_opened opened;
        stage_seal(s, s->to_bob, "From a thread.", 2, message);
        OK(zephyr_open_from(s->round, s->bob_key, s->from_alice, 2, message, sizeof message, &opened));
        CHECK(text_is(&opened, "From a thread."));
        ANSWERS(ZEPHYR_ERROR_NOT_MINE, zephyr_open(s->round, s->alice_key, message, sizeof message, &opened));
    }
    return NULL;
}

static void threads_share_what_never_changes(stage *s) {
    pthread_t threads[8];
    size_t i;
    for (i = 0; i < 8; i++) {
        CHECK(pthread_create(&threads[i], NULL, open_many, s) == 0);
    }
    for (i = 0; i < 8; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

static void with_alice_and_bob(vector *v) {
    static stage s;
    stage_begin(&s, v);
    what_is_sealed_is_opened(&s);
    the_whole_payload_can_be_used(&s);
    a_mailbox_is_searched(&s);
    a_packet_goes_through_the_mixers(&s);
    random_numbers_are_hedged(&s);
    objects_stand_anywhere(&s);
    a_wiped_key_leaves_nothing(&s);
    threads_share_what_never_changes(&s);
    stage_end(&s);
}

int main(void) {
    sizes_are_the_same_as_macros_and_functions();
    stage_run(with_alice_and_bob);
    return 0;
}
