/* Everything that can be done wrong with the building blocks is answered, and changes nothing. */
#include "stage.h"

#define IS_NULL(call) ANSWERS(ZEPHYR_ERROR_NULL, call)
#define IS_HANDLE(call) ANSWERS(ZEPHYR_ERROR_HANDLE, call)
#define IS_ARGUMENT(call) ANSWERS(ZEPHYR_ERROR_ARGUMENT, call)
#define IS_SHORT(call) ANSWERS(ZEPHYR_ERROR_BUFFER, call)

enum { HOPS = 3, PACKET = ZEPHYR_PACKET_HEADER_SIZE + HOPS * ZEPHYR_HOP_SIZE + STAGE_SEALED };

static stage s;
static uint8_t memory[ZEPHYR_ROUND_SIZE];
static uint8_t message[STAGE_SEALED], packet[PACKET], key_bytes[ZEPHYR_PKG_KEY_SIZE], bytes32[32], bytes64[64];
static uint8_t share[ZEPHYR_SHARE_SIZE];
static uint8_t mixer_memory[ZEPHYR_MIXER_SIZE], list_memory[ZEPHYR_DELIVERY_LIST_SIZE];
static uint8_t manifest_memory[ZEPHYR_MANIFEST_SIZE];
static zephyr_manifest *manifest;
static vector_bytes manifest_bytes, directory_bytes;
static zephyr_mixer *mixer;
static zephyr_delivery_list *list;
static zephyr_payload payload;
static zephyr_opened opened;
static zephyr_hop hops[ZEPHYR_MAX_MIXERS];
static zephyr_next next_hop;
static char text[ZEPHYR_ADDRESS_MAX + 1];
static size_t n;

static void null_for_manifests(void) {
    zephyr_manifest *m;
    zephyr_parameters parameters;
    zephyr_server server;
    const uint8_t *data = manifest_bytes.data;
    size_t len = manifest_bytes.len;
    IS_NULL(zephyr_manifest_init(NULL, sizeof memory, data, len, &m));
    IS_NULL(zephyr_manifest_init(memory, sizeof memory, NULL, len, &m));
    IS_NULL(zephyr_manifest_init(memory, sizeof memory, data, len, NULL));
    ANSWERS(ZEPHYR_ERROR_MANIFEST, zephyr_manifest_init(memory, sizeof memory, NULL, 0, &m));
    IS_NULL(zephyr_manifest_network(NULL, bytes32));
    IS_NULL(zephyr_manifest_network(manifest, NULL));
    IS_NULL(zephyr_manifest_hash(NULL, bytes32));
    IS_NULL(zephyr_manifest_hash(manifest, NULL));
    IS_NULL(zephyr_manifest_parameters(NULL, &parameters));
    IS_NULL(zephyr_manifest_parameters(manifest, NULL));
    IS_NULL(zephyr_manifest_servers(NULL, 0, &n));
    IS_NULL(zephyr_manifest_servers(manifest, 0, NULL));
    IS_NULL(zephyr_manifest_server(NULL, 0, 0, &server));
    IS_NULL(zephyr_manifest_server(manifest, 0, 0, NULL));
    IS_NULL(zephyr_manifest_verify_next(NULL, data, len, &n));
    IS_NULL(zephyr_manifest_verify_next(manifest, NULL, len, &n));
    IS_NULL(zephyr_manifest_verify_next(manifest, data, len, NULL));
    OK(zephyr_manifest_wipe(NULL));
}

static void null_for_addresses(void) {
    zephyr_identity *id;
    uint32_t mailbox;
    IS_NULL(zephyr_identity_init(NULL, sizeof memory, s.network, "a@b.cd", &id));
    IS_NULL(zephyr_identity_init(memory, sizeof memory, NULL, "a@b.cd", &id));
    IS_NULL(zephyr_identity_init(memory, sizeof memory, s.network, NULL, &id));
    IS_NULL(zephyr_identity_init(memory, sizeof memory, s.network, "a@b.cd", NULL));
    IS_NULL(zephyr_identity_address(NULL, text, sizeof text, &n));
    IS_NULL(zephyr_identity_address(s.alice, NULL, sizeof text, &n));
    OK(zephyr_identity_address(s.alice, text, sizeof text, NULL));
    IS_NULL(zephyr_address_canonical(NULL, text, sizeof text, &n));
    IS_NULL(zephyr_address_canonical("a@b.cd", NULL, sizeof text, &n));
    IS_NULL(zephyr_address_mailbox(NULL, s.network, 7, &mailbox));
    IS_NULL(zephyr_address_mailbox("a@b.cd", NULL, 7, &mailbox));
    IS_NULL(zephyr_address_mailbox("a@b.cd", s.network, 7, NULL));
    OK(zephyr_identity_wipe(NULL));
    IS_NULL(zephyr_sealed_len(128, NULL));
    IS_NULL(zephyr_packet_len(3, 128, NULL));
    IS_NULL(zephyr_body_len_max(128, "a@b.cd", NULL));
}

static void null_for_rounds(void) {
    const uint8_t *data = directory_bytes.data;
    size_t len = directory_bytes.len;
    uint64_t number;
    zephyr_schedule schedule;
    zephyr_round *round;
    IS_NULL(zephyr_round_init(NULL, sizeof memory, manifest, data, len, true, &round));
    IS_NULL(zephyr_round_init(memory, sizeof memory, NULL, data, len, true, &round));
    IS_NULL(zephyr_round_init(memory, sizeof memory, manifest, NULL, len, true, &round));
    IS_NULL(zephyr_round_init(memory, sizeof memory, manifest, data, len, true, NULL));
    IS_NULL(zephyr_round_init_from_keys(memory, sizeof memory, NULL, 1, s.directory, key_bytes, 208, &round));
    IS_NULL(zephyr_round_init_from_keys(memory, sizeof memory, s.network, 1, NULL, key_bytes, 208, &round));
    IS_NULL(zephyr_round_init_from_keys(memory, sizeof memory, s.network, 1, s.directory, NULL, 208, &round));
    IS_NULL(zephyr_round_init_from_keys(memory, sizeof memory, s.network, 1, s.directory, key_bytes, 208, NULL));
    IS_NULL(zephyr_round_init_from_keys(NULL, sizeof memory, s.network, 1, s.directory, key_bytes, 208, &round));
    OK(zephyr_round_init(memory, sizeof memory, manifest, data, len, false, &round));
    IS_NULL(zephyr_round_number(NULL, &number));
    IS_NULL(zephyr_round_number(round, NULL));
    IS_NULL(zephyr_round_directory(NULL, bytes32));
    IS_NULL(zephyr_round_directory(round, NULL));
    IS_NULL(zephyr_round_schedule(NULL, &schedule));
    IS_NULL(zephyr_round_schedule(round, NULL));
    IS_NULL(zephyr_round_mixers(NULL, hops, ZEPHYR_MAX_MIXERS, &n));
    IS_NULL(zephyr_round_mixers(round, NULL, ZEPHYR_MAX_MIXERS, &n));
    OK(zephyr_round_mixers(round, hops, ZEPHYR_MAX_MIXERS, NULL));
    IS_NULL(zephyr_round_route(NULL, &stage_random, hops, ZEPHYR_MAX_HOPS, &n));
    IS_NULL(zephyr_round_route(round, NULL, hops, ZEPHYR_MAX_HOPS, &n));
    IS_NULL(zephyr_round_route(round, &stage_random, NULL, ZEPHYR_MAX_HOPS, &n));
    IS_SHORT(zephyr_round_mixers(round, hops, 2, &n));
    CHECK(n == 3);
    OK(zephyr_round_wipe(round));
    OK(zephyr_round_wipe(NULL));
    IS_NULL(zephyr_route(0, 3, NULL, hops, 3, &stage_random, hops, 16, &n));
    IS_NULL(zephyr_route(0, 3, s.directory, NULL, 3, &stage_random, hops, 16, &n));
    IS_NULL(zephyr_route(0, 3, s.directory, hops, 3, NULL, hops, 16, &n));
    IS_NULL(zephyr_route(0, 3, s.directory, hops, 3, &stage_random, NULL, 16, &n));
}

static void null_for_keys(void) {
    zephyr_private_key *key;
    zephyr_sender_key *sender;
    IS_NULL(zephyr_pkg_key_verify(NULL, s.network, 1, bytes32));
    IS_NULL(zephyr_pkg_key_verify(key_bytes, NULL, 1, bytes32));
    IS_NULL(zephyr_pkg_key_verify(key_bytes, s.network, 1, NULL));
    IS_NULL(zephyr_share_verify(NULL, key_bytes, s.bob));
    IS_NULL(zephyr_share_verify(key_bytes, NULL, s.bob));
    IS_NULL(zephyr_share_verify(key_bytes, key_bytes, NULL));
    IS_NULL(zephyr_private_key_init(NULL, sizeof memory, s.round, s.bob, share, 144, &key));
    IS_NULL(zephyr_private_key_init(memory, sizeof memory, NULL, s.bob, key_bytes, 144, &key));
    IS_NULL(zephyr_private_key_init(memory, sizeof memory, s.round, NULL, key_bytes, 144, &key));
    IS_NULL(zephyr_private_key_init(memory, sizeof memory, s.round, s.bob, NULL, 144, &key));
    IS_NULL(zephyr_private_key_init(memory, sizeof memory, s.round, s.bob, key_bytes, 144, NULL));
    OK(zephyr_private_key_wipe(NULL));
    IS_NULL(zephyr_sender_key_init_to(NULL, sizeof memory, s.alice_key, s.bob, &sender));
    IS_NULL(zephyr_sender_key_init_to(memory, sizeof memory, NULL, s.bob, &sender));
    IS_NULL(zephyr_sender_key_init_to(memory, sizeof memory, s.alice_key, NULL, &sender));
    IS_NULL(zephyr_sender_key_init_to(memory, sizeof memory, s.alice_key, s.bob, NULL));
    IS_NULL(zephyr_sender_key_init_from(NULL, sizeof memory, s.bob_key, s.alice, &sender));
    IS_NULL(zephyr_sender_key_init_from(memory, sizeof memory, NULL, s.alice, &sender));
    IS_NULL(zephyr_sender_key_init_from(memory, sizeof memory, s.bob_key, NULL, &sender));
    IS_NULL(zephyr_sender_key_init_from(memory, sizeof memory, s.bob_key, s.alice, NULL));
    IS_NULL(zephyr_sender_key_tag(NULL, 0, bytes32));
    IS_NULL(zephyr_sender_key_tag(s.to_bob, 0, NULL));
    OK(zephyr_sender_key_wipe(NULL));
}

#define SEAL(round, to, what, random, out, len, needed) \
    zephyr_seal(round, to, s.to_bob, what, STAGE_PAYLOAD, random, NULL, out, len, needed)
#define WRAP(directory, route, count, sealed, random, out, len) \
    zephyr_wrap(HOPS, STAGE_PAYLOAD, directory, route, count, 0, sealed, STAGE_SEALED, random, NULL, out, len, &n)

static void null_for_messages(void) {
    const zephyr_tag *hit;
    zephyr_tag tag;
    zephyr_hedge without_secret = {NULL, 1};
    memset(&tag, 0, sizeof tag);
    IS_NULL(SEAL(NULL, s.bob, &payload, &stage_random, message, sizeof message, &n));
    IS_NULL(SEAL(s.round, NULL, &payload, &stage_random, message, sizeof message, &n));
    IS_NULL(SEAL(s.round, s.bob, NULL, &stage_random, message, sizeof message, &n));
    IS_NULL(SEAL(s.round, s.bob, &payload, NULL, message, sizeof message, &n));
    IS_NULL(SEAL(s.round, s.bob, &payload, &stage_random, NULL, sizeof message, &n));
    IS_NULL(zephyr_seal(s.round, s.bob, NULL, &payload, STAGE_PAYLOAD, &stage_random, &without_secret, message,
                        sizeof message, &n));
    IS_NULL(zephyr_cover(STAGE_PAYLOAD, NULL, message, sizeof message, &n));
    IS_NULL(zephyr_cover(STAGE_PAYLOAD, &stage_random, NULL, sizeof message, &n));
    IS_NULL(zephyr_open(NULL, s.bob_key, message, sizeof message, &opened));
    IS_NULL(zephyr_open(s.round, NULL, message, sizeof message, &opened));
    IS_NULL(zephyr_open(s.round, s.bob_key, NULL, sizeof message, &opened));
    IS_NULL(zephyr_open(s.round, s.bob_key, message, sizeof message, NULL));
    IS_NULL(zephyr_open_from(NULL, s.bob_key, s.from_alice, 0, message, sizeof message, &opened));
    IS_NULL(zephyr_open_from(s.round, NULL, s.from_alice, 0, message, sizeof message, &opened));
    IS_NULL(zephyr_open_from(s.round, s.bob_key, NULL, 0, message, sizeof message, &opened));
    IS_NULL(zephyr_open_from(s.round, s.bob_key, s.from_alice, 0, NULL, sizeof message, &opened));
    IS_NULL(zephyr_open_from(s.round, s.bob_key, s.from_alice, 0, message, sizeof message, NULL));
    IS_NULL(zephyr_tags_sort(NULL, 1));
    OK(zephyr_tags_sort(NULL, 0));
    IS_NULL(zephyr_mailbox_scan(NULL, 1, message, sizeof message, sizeof message, 0, &n, &hit));
    IS_NULL(zephyr_mailbox_scan(&tag, 1, NULL, sizeof message, sizeof message, 0, &n, &hit));
    IS_NULL(zephyr_mailbox_scan(&tag, 1, message, sizeof message, sizeof message, 0, NULL, &hit));
    IS_NULL(zephyr_mailbox_scan(&tag, 1, message, sizeof message, sizeof message, 0, &n, NULL));
    IS_NULL(zephyr_message_digest(NULL, 1, bytes32));
    IS_NULL(zephyr_message_digest(message, sizeof message, NULL));
    IS_NULL(zephyr_delivery_list_init(NULL, sizeof memory, &list));
    IS_NULL(zephyr_delivery_list_init(memory, sizeof memory, NULL));
    IS_NULL(zephyr_delivery_list_push(NULL, message, sizeof message));
    IS_NULL(zephyr_delivery_list_push(list, NULL, sizeof message));
    IS_NULL(zephyr_delivery_list_verify(NULL, bytes32, bytes32, 0, 0, message));
    IS_NULL(zephyr_delivery_list_verify(list, NULL, bytes32, 0, 0, message));
    IS_NULL(zephyr_delivery_list_verify(list, bytes32, NULL, 0, 0, message));
    IS_NULL(zephyr_delivery_list_verify(list, bytes32, bytes32, 0, 0, NULL));
    OK(zephyr_delivery_list_wipe(NULL));
}

static void null_for_packets(void) {
    zephyr_mixer *m;
    IS_NULL(WRAP(NULL, hops, 3, message, &stage_random, packet, sizeof packet));
    IS_NULL(WRAP(s.directory, NULL, 3, message, &stage_random, packet, sizeof packet));
    IS_NULL(WRAP(s.directory, hops, 3, NULL, &stage_random, packet, sizeof packet));
    IS_NULL(WRAP(s.directory, hops, 3, message, NULL, packet, sizeof packet));
    IS_NULL(WRAP(s.directory, hops, 3, message, &stage_random, NULL, sizeof packet));
    IS_NULL(zephyr_mixer_init(NULL, sizeof memory, 3, 128, s.directory, bytes32, &m));
    IS_NULL(zephyr_mixer_init(memory, sizeof memory, 3, 128, NULL, bytes32, &m));
    IS_NULL(zephyr_mixer_init(memory, sizeof memory, 3, 128, s.directory, NULL, &m));
    IS_NULL(zephyr_mixer_init(memory, sizeof memory, 3, 128, s.directory, bytes32, NULL));
    IS_NULL(zephyr_mixer_key(NULL, bytes64));
    IS_NULL(zephyr_mixer_key(bytes32, NULL));
    IS_NULL(zephyr_mixer_peel(NULL, 0, packet, sizeof packet, &next_hop));
    IS_NULL(zephyr_mixer_peel(mixer, 0, NULL, sizeof packet, &next_hop));
    IS_NULL(zephyr_mixer_peel(mixer, 0, packet, sizeof packet, NULL));
    OK(zephyr_mixer_wipe(NULL));
}

/* An object in the place of another, one that was wiped, a pointer into one. */
static void wrong_objects(void) {
    zephyr_identity *id;
    uint64_t number = 5;
    IS_HANDLE(zephyr_round_number((zephyr_round *)(void *)s.alice, &number));
    IS_HANDLE(zephyr_identity_address((zephyr_identity *)(void *)s.round, text, sizeof text, &n));
    IS_HANDLE(zephyr_open(s.round, (zephyr_private_key *)(void *)s.from_alice, message, sizeof message, &opened));
    IS_HANDLE(zephyr_identity_address((zephyr_identity *)(void *)((uint8_t *)s.alice + 1), text, sizeof text, &n));
    IS_HANDLE(zephyr_identity_wipe((zephyr_identity *)(void *)s.round));
    CHECK(number == 5);
    OK(zephyr_identity_init(memory, sizeof memory, s.network, "a@b.cd", &id));
    OK(zephyr_identity_wipe(id));
    IS_HANDLE(zephyr_identity_address(id, text, sizeof text, &n));
    IS_HANDLE(SEAL(s.round, id, &payload, &stage_random, message, sizeof message, &n));
    IS_HANDLE(zephyr_identity_wipe(id));
}

static int unchanged(const uint8_t *data, size_t len) {
    size_t i;
    for (i = 0; i < len; i++) {
        if (data[i] != 0xaa) {
            return 0;
        }
    }
    return 1;
}

static void short_buffers(void) {
    zephyr_identity *id = NULL;
    zephyr_tag tag;
    memset(&tag, 0, sizeof tag);
    memset(message, 0xaa, sizeof message);
    memset(packet, 0xaa, sizeof packet);
    memset(text, 0xaa, sizeof text);
    n = 0;
    IS_SHORT(SEAL(s.round, s.bob, &payload, &stage_random, message, sizeof message - 1, &n));
    CHECK(n == sizeof message && unchanged(message, sizeof message));
    IS_SHORT(SEAL(s.round, s.bob, &payload, &stage_random, NULL, 0, NULL));
    n = 0;
    IS_SHORT(zephyr_cover(STAGE_PAYLOAD, &stage_random, message, sizeof message - 1, &n));
    CHECK(n == sizeof message && unchanged(message, sizeof message));
    n = 0;
    IS_SHORT(WRAP(s.directory, hops, 3, message, &stage_random, packet, sizeof packet - 1));
    CHECK(n == sizeof packet && unchanged(packet, sizeof packet));
    n = 0;
    IS_SHORT(zephyr_identity_address(s.alice, text, 17, &n));
    CHECK(n == 18 && unchanged((uint8_t *)text, sizeof text));
    IS_SHORT(zephyr_address_canonical("a@b.cd", text, 0, &n));
    CHECK(n == 7 && unchanged((uint8_t *)text, sizeof text));
    memset(memory, 0xaa, sizeof memory);
    IS_SHORT(zephyr_identity_init(memory, 100, s.network, "a@b.cd", &id));
    IS_SHORT(zephyr_identity_init(memory, 0, s.network, "a@b.cd", &id));
    CHECK(id == NULL && unchanged(memory, sizeof memory));
}

static void wrong_sizes(void) {
    const zephyr_tag *hit;
    zephyr_round *round;
    zephyr_private_key *key;
    zephyr_mixer *m;
    zephyr_server server;
    zephyr_payload wrong;
    IS_ARGUMENT(zephyr_sealed_len(ZEPHYR_MIN_PAYLOAD - 1, &n));
    IS_ARGUMENT(zephyr_sealed_len(SIZE_MAX, &n));
    IS_ARGUMENT(zephyr_packet_len(0, 128, &n));
    IS_ARGUMENT(zephyr_packet_len(ZEPHYR_MAX_HOPS + 1, 128, &n));
    IS_ARGUMENT(zephyr_packet_len(SIZE_MAX, ZEPHYR_MAX_PAYLOAD + 1, &n));
    IS_ARGUMENT(zephyr_body_len_max(0, NULL, &n));
    ANSWERS(ZEPHYR_ERROR_ADDRESS, zephyr_body_len_max(128, "nobody", &n));
    IS_ARGUMENT(zephyr_cover(127, &stage_random, message, sizeof message, &n));
    IS_ARGUMENT(zephyr_round_init_from_keys(memory, sizeof memory, s.network, 1, s.directory, key_bytes, 207, &round));
    IS_ARGUMENT(zephyr_private_key_init(memory, sizeof memory, s.round, s.bob, key_bytes, 143, &key));
    IS_ARGUMENT(zephyr_private_key_init(memory, sizeof memory, s.round, s.bob, NULL, 0, &key));
    ANSWERS(ZEPHYR_ERROR_KEY, zephyr_private_key_init(memory, sizeof memory, s.round, s.bob, key_bytes, 144, &key));
    IS_ARGUMENT(zephyr_mixer_init(memory, sizeof memory, 0, 128, s.directory, bytes32, &m));
    IS_ARGUMENT(zephyr_mailbox_scan(NULL, 0, message, sizeof message, sizeof message - 1, 0, &n, &hit));
    IS_ARGUMENT(zephyr_mailbox_scan(NULL, 0, message, sizeof message, 0, 0, &n, &hit));
    OK(zephyr_mailbox_scan(NULL, 0, message, sizeof message, sizeof message, SIZE_MAX, &n, &hit));
    CHECK(n == 1 && hit == NULL);
    IS_ARGUMENT(zephyr_message_digest(message, SIZE_MAX, bytes32));
    IS_ARGUMENT(zephyr_tags_sort((zephyr_tag *)(void *)memory, SIZE_MAX / 2));
    IS_ARGUMENT(zephyr_manifest_server(manifest, 4, 0, &server));
    IS_ARGUMENT(zephyr_manifest_server(manifest, 0, SIZE_MAX, &server));
    IS_ARGUMENT(zephyr_route(3, 3, s.directory, hops, 3, &stage_random, hops, 16, &n));
    IS_ARGUMENT(zephyr_route(0, 0, s.directory, hops, 3, &stage_random, hops, 16, &n));
    IS_ARGUMENT(zephyr_route(0, 3, s.directory, NULL, 0, &stage_random, hops, 16, &n));
    IS_ARGUMENT(WRAP(s.directory, hops, 0, message, &stage_random, packet, sizeof packet));
    IS_ARGUMENT(WRAP(s.directory, hops, 4, message, &stage_random, packet, sizeof packet));
    IS_ARGUMENT(zephyr_wrap(3, 128, s.directory, hops, 3, 0, message, sizeof message - 1, &stage_random, NULL, packet,
                            sizeof packet, &n));
    ANSWERS(ZEPHYR_ERROR_NOT_MINE, zephyr_open(s.round, s.bob_key, message, 10, &opened));
    ANSWERS(ZEPHYR_ERROR_NOT_MINE, zephyr_open(s.round, s.bob_key, NULL, 0, &opened));
    ANSWERS(ZEPHYR_ERROR_NOT_MINE, zephyr_open_from(s.round, s.bob_key, s.from_alice, 0, message, 143, &opened));
    ANSWERS(ZEPHYR_ERROR_PACKET, zephyr_mixer_peel(mixer, 0, packet, sizeof packet - 1, &next_hop));
    ANSWERS(ZEPHYR_ERROR_PACKET, zephyr_mixer_peel(mixer, SIZE_MAX, packet, sizeof packet, &next_hop));
    wrong = payload;
    wrong.fragments = 0;
    IS_ARGUMENT(SEAL(s.round, s.bob, &wrong, &stage_random, message, sizeof message, &n));
    wrong = payload;
    wrong.content = 3;
    IS_ARGUMENT(SEAL(s.round, s.bob, &wrong, &stage_random, message, sizeof message, &n));
    wrong.content = ZEPHYR_CONTENT_EMPTY;
    IS_ARGUMENT(SEAL(s.round, s.bob, &wrong, &stage_random, message, sizeof message, &n));
    wrong = payload;
    wrong.body_len = SIZE_MAX;
    IS_ARGUMENT(SEAL(s.round, s.bob, &wrong, &stage_random, message, sizeof message, &n));
}

/* Keys that don't belong together. */
static void mismatched_keys(void) {
    uint8_t keys[ZEPHYR_SENDER_KEY_SIZE];
    zephyr_sender_key *to_alice;
    ANSWERS(ZEPHYR_ERROR_KEY, zephyr_seal(s.round, s.alice, s.to_bob, &payload, STAGE_PAYLOAD, &stage_random, NULL,
                                          message, sizeof message, &n));
    ANSWERS(ZEPHYR_ERROR_KEY,
            zephyr_open_from(s.round, s.alice_key, s.from_alice, 0, message, sizeof message, &opened));
    OK(zephyr_sender_key_init_to(keys, sizeof keys, s.bob_key, s.alice, &to_alice));
    ANSWERS(ZEPHYR_ERROR_KEY, zephyr_open_from(s.round, s.bob_key, to_alice, 0, message, sizeof message, &opened));
    OK(zephyr_sender_key_wipe(to_alice));
}

static int fails(void *userdata, uint8_t *out, size_t len) {
    (void)userdata;
    memset(out, 1, len);
    return -1;
}

static void without_random_numbers_nothing_is_done(void) {
    zephyr_random random = {fails, NULL};
    memset(message, 0xaa, sizeof message);
    memset(packet, 0xaa, sizeof packet);
    ANSWERS(ZEPHYR_ERROR_RANDOM, SEAL(s.round, s.bob, &payload, &random, message, sizeof message, &n));
    ANSWERS(ZEPHYR_ERROR_RANDOM, zephyr_cover(STAGE_PAYLOAD, &random, message, sizeof message, &n));
    ANSWERS(ZEPHYR_ERROR_RANDOM, WRAP(s.directory, hops, 3, message, &random, packet, sizeof packet));
    ANSWERS(ZEPHYR_ERROR_RANDOM, zephyr_route(0, 3, s.directory, hops, 3, &random, hops, 16, &n));
    CHECK(unchanged(message, sizeof message) && unchanged(packet, sizeof packet));
}

/* Keys that somebody chose to do harm. */
static void hostile_keys(void) {
    zephyr_hop low[3];
    zephyr_round *round;
    uint8_t infinity[ZEPHYR_PKG_KEY_SIZE] = {0xc0};
    infinity[48] = 0xc0;
    memset(low, 0, sizeof low);
    ANSWERS(ZEPHYR_ERROR_KEY, WRAP(s.directory, low, 3, message, &stage_random, packet, sizeof packet));
    ANSWERS(ZEPHYR_ERROR_KEY, zephyr_round_init_from_keys(memory, sizeof memory, s.network, 1, s.directory, infinity,
                                                          sizeof infinity, &round));
    ANSWERS(ZEPHYR_ERROR_KEY, zephyr_pkg_key_verify(infinity, s.network, 1, bytes32));
}

static void run(vector *v) {
    size_t i;
    stage_begin(&s, v);
    payload = stage_text("Hello.", 0);
    memcpy(key_bytes, vector_keys(v).data, sizeof key_bytes);
    memcpy(share, vector_array(v, "recipient_key", sizeof share), sizeof share);
    for (i = 0; i < 3; i++) {
        bytes32[0] = (uint8_t)(i + 1);
        hops[i].mixer = (uint16_t)i;
        OK(zephyr_mixer_key(bytes32, hops[i].key));
    }
    OK(zephyr_mixer_init(mixer_memory, sizeof mixer_memory, HOPS, STAGE_PAYLOAD, s.directory, bytes32, &mixer));
    OK(zephyr_delivery_list_init(list_memory, sizeof list_memory, &list));
    null_for_addresses();
    null_for_keys();
    null_for_messages();
    null_for_packets();
    null_for_rounds();
    null_for_manifests();
    wrong_objects();
    short_buffers();
    wrong_sizes();
    mismatched_keys();
    without_random_numbers_nothing_is_done();
    hostile_keys();
    OK(zephyr_delivery_list_wipe(list));
    OK(zephyr_mixer_wipe(mixer));
    stage_end(&s);
}

static void with_a_directory(vector *v) {
    manifest_bytes = vector_hex(v, "manifest");
    directory_bytes = vector_hex(v, "directory");
    OK(zephyr_manifest_init(manifest_memory, sizeof manifest_memory, manifest_bytes.data, manifest_bytes.len,
                            &manifest));
    stage_run(run);
    OK(zephyr_manifest_wipe(manifest));
}

int main(void) {
    CHECK(vector_each_block(ZEPHYR_VECTORS "/directory/directory.txt", with_a_directory) == 1);
    return 0;
}
