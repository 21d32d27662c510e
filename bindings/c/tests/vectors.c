/* The frozen vectors of docs/vectors, as every language reads them. */
#include "vector.h"

static void identity(vector *v) {
    char text[ZEPHYR_ADDRESS_MAX + 1];
    if (vector_is(v, "check", "spelling") || vector_is(v, "check", "canonical")) {
        vector_bytes written = vector_hex(v, "written");
        char *address = (char *)vector_own(v, written.len + 1);
        memcpy(address, written.data, written.len);
        address[written.len] = '\0';
        if (strlen(address) != written.len) {
            return; /* A NUL can't be in a text of C. */
        }
        if (vector_is(v, "check", "canonical")) {
            OK(zephyr_address_canonical(address, text, sizeof text, NULL));
            CHECK(strcmp(text, address) != 0);
        } else if (vector_find(v, "error") != NULL) {
            VECTOR_ANSWERS(v, ZEPHYR_ERROR_ADDRESS, zephyr_address_canonical(address, text, sizeof text, NULL));
        } else {
            VECTOR_ANSWERS(v, ZEPHYR_OK, zephyr_address_canonical(address, text, sizeof text, NULL));
            CHECK(strcmp(text, vector_text(v, "canonical")) == 0);
        }
    } else if (vector_is(v, "check", "mailbox")) {
        uint32_t mailbox;
        OK(zephyr_address_mailbox(vector_text(v, "address"), vector_array(v, "network", 32),
                                  (uint32_t)vector_number(v, "mailboxes"), &mailbox));
        CHECK(mailbox == vector_number(v, "mailbox"));
    } else {
        /* The points are an address's exactly if they are its share from a PKG with the secret 1: with generators. */
        static const char generators[] =
            "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
            "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
            "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8";
        uint8_t key[ZEPHYR_PKG_KEY_SIZE] = {0}, share[ZEPHYR_SHARE_SIZE], memory[ZEPHYR_IDENTITY_SIZE];
        zephyr_identity *id;
        vector_bytes bytes;
        CHECK(vector_is(v, "check", "points"));
        v->names[v->count] = "generators";
        v->values[v->count++] = generators;
        bytes = vector_hex(v, "generators");
        memcpy(key, bytes.data, bytes.len);
        memcpy(share, vector_array(v, "q1", 48), 48);
        memcpy(share + 48, vector_array(v, "q2", 96), 96);
        OK(zephyr_identity_init(memory, sizeof memory, vector_array(v, "network", 32), vector_text(v, "address"), &id));
        VECTOR_ANSWERS(v, vector_is(v, "fits", "no") ? ZEPHYR_ERROR_KEY : ZEPHYR_OK,
                       zephyr_share_verify(share, key, id));
        OK(zephyr_identity_wipe(id));
    }
}

/* A round with the block's keys. */
static zephyr_status round_of(vector *v, uint8_t *memory, zephyr_round **round) {
    static const uint8_t zeros[32] = {0};
    vector_bytes keys = vector_keys(v);
    const uint8_t *network = vector_find(v, "network") ? vector_array(v, "network", 32) : zeros;
    const uint8_t *directory = vector_find(v, "directory") ? vector_array(v, "directory", 32) : zeros;
    uint64_t number = vector_find(v, "round") ? vector_number(v, "round") : 0;
    return zephyr_round_init_from_keys(memory, ZEPHYR_ROUND_SIZE, network, number, directory, keys.data, keys.len,
                                       round);
}

static zephyr_status private_of(vector *v, const zephyr_round *round, const char *who, const uint8_t *shares,
                                size_t len, uint8_t *memory, zephyr_private_key **key) {
    uint8_t identity_memory[ZEPHYR_IDENTITY_SIZE];
    zephyr_identity *id;
    zephyr_status status;
    OK(zephyr_identity_init(identity_memory, sizeof identity_memory, vector_array(v, "network", 32),
                            vector_text(v, who), &id));
    status = zephyr_private_key_init(memory, ZEPHYR_PRIVATE_KEY_SIZE, round, id, shares, len, key);
    OK(zephyr_identity_wipe(id));
    return status;
}

static void ibe(vector *v) {
    uint8_t round_memory[ZEPHYR_ROUND_SIZE], key_memory[ZEPHYR_PRIVATE_KEY_SIZE];
    zephyr_private_key *key;
    zephyr_round *round;
    zephyr_status expected = vector_find(v, "error") ? ZEPHYR_ERROR_KEY : ZEPHYR_OK;
    if (vector_is(v, "check", "key")) {
        VECTOR_ANSWERS(v, expected,
                       zephyr_pkg_key_verify(vector_array(v, "key", ZEPHYR_PKG_KEY_SIZE),
                                             vector_array(v, "network", 32), vector_number(v, "round"),
                                             vector_array(v, "pkg", 32)));
    } else if (vector_is(v, "check", "sum")) {
        VECTOR_ANSWERS(v, expected, round_of(v, round_memory, &round));
        if (expected == ZEPHYR_OK) {
            OK(zephyr_round_wipe(round));
        }
    } else {
        vector_bytes sum = vector_hex(v, "sum");
        CHECK(vector_is(v, "check", "private"));
        OK(round_of(v, round_memory, &round));
        VECTOR_ANSWERS(v, expected, private_of(v, round, "address", sum.data, sum.len, key_memory, &key));
        if (expected == ZEPHYR_OK) {
            uint8_t shares[2 * ZEPHYR_SHARE_SIZE];
            OK(zephyr_private_key_wipe(key));
            memcpy(shares, vector_array(v, "share_0", ZEPHYR_SHARE_SIZE), ZEPHYR_SHARE_SIZE);
            memcpy(shares + ZEPHYR_SHARE_SIZE, vector_array(v, "share_1", ZEPHYR_SHARE_SIZE), ZEPHYR_SHARE_SIZE);
            OK(private_of(v, round, "address", shares, sizeof shares, key_memory, &key));
            OK(zephyr_private_key_wipe(key));
        }
        OK(zephyr_round_wipe(round));
    }
}

/* What was opened is the payload of the vector: in the message, and in its fields. */
static void opened_is(vector *v, const uint8_t *message, const zephyr_opened *opened) {
    vector_bytes payload = vector_hex(v, "payload");
    const uint8_t *p = payload.data;
    CHECK(memcmp(message + ZEPHYR_SEAL_OVERHEAD, p, payload.len) == 0);
    CHECK(opened->payload.content == p[1] && opened->payload.slot == p[2] * 256 + p[3]);
    CHECK(opened->payload.ack == (uint32_t)p[26] * 256 + p[27] && opened->payload.fragments == p[30] * 256 + p[31]);
    CHECK(opened->payload.body_len == (size_t)p[32] * 256 + p[33]);
    CHECK(opened->payload.body == message + ZEPHYR_SEAL_OVERHEAD + 35 + p[34]);
    CHECK(strlen(opened->sender) == p[34] && memcmp(opened->sender, p + 35, p[34]) == 0);
}

static void seal(vector *v) {
    uint8_t round_memory[ZEPHYR_ROUND_SIZE], own_memory[ZEPHYR_PRIVATE_KEY_SIZE], tag[ZEPHYR_TAG_SIZE];
    uint8_t identity_memory[ZEPHYR_IDENTITY_SIZE], key_memory[ZEPHYR_SENDER_KEY_SIZE];
    zephyr_status expected = vector_is(v, "opens", "yes") ? ZEPHYR_OK : ZEPHYR_ERROR_NOT_MINE;
    vector_bytes message = vector_hex(v, "sealed");
    zephyr_identity *id;
    zephyr_private_key *own;
    zephyr_sender_key *key;
    zephyr_opened opened;
    zephyr_round *round;
    OK(round_of(v, round_memory, &round));
    OK(private_of(v, round, "recipient", vector_array(v, "recipient_key", ZEPHYR_SHARE_SIZE), ZEPHYR_SHARE_SIZE,
                  own_memory, &own));
    VECTOR_ANSWERS(v, expected, zephyr_open(round, own, message.data, message.len, &opened));
    if (expected == ZEPHYR_OK) {
        opened_is(v, message.data, &opened);
    }
    if (vector_find(v, "sender") != NULL) {
        uint16_t slot = (uint16_t)vector_number(v, "slot");
        OK(zephyr_identity_init(identity_memory, sizeof identity_memory, vector_array(v, "network", 32),
                                vector_text(v, "sender"), &id));
        OK(zephyr_sender_key_init_from(key_memory, sizeof key_memory, own, id, &key));
        message = vector_hex(v, "sealed");
        VECTOR_ANSWERS(v, expected, zephyr_open_from(round, own, key, slot, message.data, message.len, &opened));
        if (expected == ZEPHYR_OK) {
            opened_is(v, message.data, &opened);
            OK(zephyr_sender_key_tag(key, slot, tag));
            CHECK(memcmp(tag, vector_array(v, "tag", ZEPHYR_TAG_SIZE), ZEPHYR_TAG_SIZE) == 0);
        }
        OK(zephyr_sender_key_wipe(key));
        OK(zephyr_identity_wipe(id));
    }
    OK(zephyr_private_key_wipe(own));
    if (vector_find(v, "sender_key") != NULL) {
        /* The sender's side of the same key. */
        OK(private_of(v, round, "sender", vector_array(v, "sender_key", ZEPHYR_SHARE_SIZE), ZEPHYR_SHARE_SIZE,
                      own_memory, &own));
        OK(zephyr_identity_init(identity_memory, sizeof identity_memory, vector_array(v, "network", 32),
                                vector_text(v, "recipient"), &id));
        OK(zephyr_sender_key_init_to(key_memory, sizeof key_memory, own, id, &key));
        OK(zephyr_sender_key_tag(key, (uint16_t)vector_number(v, "slot"), tag));
        CHECK(memcmp(tag, vector_array(v, "tag", ZEPHYR_TAG_SIZE), ZEPHYR_TAG_SIZE) == 0);
        OK(zephyr_sender_key_wipe(key));
        OK(zephyr_identity_wipe(id));
        OK(zephyr_private_key_wipe(own));
    }
    OK(zephyr_round_wipe(round));
}

/* Numbers that a blank separates. */
static size_t numbers(const char *text, uint16_t *out) {
    size_t count = 0;
    while (*text != '\0') {
        char *end;
        CHECK(count < ZEPHYR_MAX_MIXERS);
        out[count++] = (uint16_t)strtoul(text, &end, 10);
        text = *end == ' ' ? end + 1 : end;
    }
    return count;
}

static int no_random(void *userdata, uint8_t *out, size_t len) {
    (void)userdata;
    memset(out, 0, len);
    return 0;
}

static void order(vector *v) {
    uint16_t mixers[ZEPHYR_MAX_MIXERS], route[ZEPHYR_MAX_MIXERS];
    zephyr_hop hops[ZEPHYR_MAX_MIXERS], picked[ZEPHYR_MAX_HOPS];
    zephyr_random random = {no_random, NULL};
    size_t count = numbers(vector_text(v, "mixers"), mixers);
    size_t expected = numbers(vector_text(v, "route"), route), i, found = 0;
    memset(hops, 0, sizeof hops);
    for (i = 0; i < count; i++) {
        hops[i].mixer = mixers[i];
        hops[i].key[0] = (uint8_t)mixers[i];
    }
    OK(zephyr_route(ZEPHYR_ROUTES_ROUND, vector_number(v, "hops"), vector_array(v, "directory", 32), hops, count,
                    &random, picked, ZEPHYR_MAX_HOPS, &found));
    CHECK(found == expected);
    for (i = 0; i < expected; i++) {
        CHECK(picked[i].mixer == route[i] && picked[i].key[0] == (uint8_t)route[i]);
    }
}

static void onion(vector *v) {
    uint8_t memory[ZEPHYR_MIXER_SIZE];
    zephyr_next next;
    zephyr_mixer *mixer;
    vector_bytes packet;
    char where[32];
    if (vector_is(v, "check", "order")) {
        order(v);
        return;
    }
    CHECK(vector_is(v, "check", "peel"));
    packet = vector_hex(v, "packet");
    OK(zephyr_mixer_init(memory, sizeof memory, vector_number(v, "hops"), vector_number(v, "payload_len"),
                         vector_array(v, "directory", 32), vector_array(v, "mixer_secret", 32), &mixer));
    VECTOR_ANSWERS(v, vector_find(v, "error") ? ZEPHYR_ERROR_PACKET : ZEPHYR_OK,
                   zephyr_mixer_peel(mixer, vector_number(v, "position"), packet.data, packet.len, &next));
    OK(zephyr_mixer_wipe(mixer));
    if (vector_find(v, "error") == NULL) {
        vector_bytes expected = vector_hex(v, next.is_mailbox ? "sealed" : "next_packet");
        snprintf(where, sizeof where, "%s %lu", next.is_mailbox ? "mailbox" : "mixer", (unsigned long)next.number);
        CHECK(strcmp(where, vector_text(v, "next")) == 0);
        CHECK(expected.len <= packet.len && memcmp(expected.data, packet.data, expected.len) == 0);
    }
}

static void manifest(vector *v, zephyr_manifest *m) {
    uint8_t bytes[32];
    size_t count = 0, servers;
    uint32_t role;
    zephyr_server server;
    OK(zephyr_manifest_network(m, bytes));
    CHECK(memcmp(bytes, vector_array(v, "network", 32), 32) == 0);
    OK(zephyr_manifest_hash(m, bytes));
    CHECK(memcmp(bytes, vector_array(v, "hash", 32), 32) == 0);
    for (role = ZEPHYR_ROLE_MIXER; role <= ZEPHYR_ROLE_MAILBOX; role++) {
        OK(zephyr_manifest_servers(m, role, &servers));
        ANSWERS(ZEPHYR_ERROR_ARGUMENT, zephyr_manifest_server(m, role, servers, &server));
        OK(zephyr_manifest_server(m, role, servers - 1, &server));
        CHECK(server.name[0] != '\0' && strchr(server.address, ':') != NULL);
        count += servers;
    }
    CHECK(count == vector_number(v, "servers"));
}

static void signed_manifest(vector *v, const zephyr_manifest *previous) {
    static const char *of_signatures[] = {"Signers", "WrongSignature", "PkgMissing", "MixersMissing"};
    const char *error = vector_find(v, "error");
    vector_bytes bytes = vector_hex(v, "signed");
    zephyr_status expected = error ? ZEPHYR_ERROR_MANIFEST : ZEPHYR_OK;
    uint8_t memory[ZEPHYR_MANIFEST_SIZE], hash[32];
    zephyr_parameters parameters;
    zephyr_manifest *next;
    size_t len = 0, i;
    for (i = 0; error != NULL && i < 4; i++) {
        if (strncmp(error, of_signatures[i], strlen(of_signatures[i])) == 0) {
            expected = ZEPHYR_ERROR_SIGNATURE;
        }
    }
    VECTOR_ANSWERS(v, expected, zephyr_manifest_verify_next(previous, bytes.data, bytes.len, &len));
    if (error == NULL) {
        OK(zephyr_manifest_init(memory, sizeof memory, bytes.data, len, &next));
        OK(zephyr_manifest_hash(next, hash));
        CHECK(memcmp(hash, vector_array(v, "hash", 32), 32) == 0);
        OK(zephyr_manifest_parameters(next, &parameters));
        CHECK(parameters.version == vector_number(v, "version") && parameters.from_round == vector_number(v, "from"));
        OK(zephyr_manifest_wipe(next));
    } else {
        CHECK(len == 0);
    }
}

static void round_directory(vector *v, const zephyr_manifest *m) {
    vector_bytes bytes = vector_hex(v, "directory");
    zephyr_status expected = vector_find(v, "error") ? ZEPHYR_ERROR_DIRECTORY : ZEPHYR_OK;
    uint8_t memory[ZEPHYR_ROUND_SIZE], hash[32];
    zephyr_hop hops[ZEPHYR_MAX_MIXERS];
    zephyr_random random = {no_random, NULL};
    zephyr_schedule times;
    zephyr_round *round;
    uint64_t number;
    size_t count;
    VECTOR_ANSWERS(v, expected,
                   zephyr_round_init(memory, sizeof memory, m, bytes.data, bytes.len, true, &round));
    if (expected == ZEPHYR_OK) {
        OK(zephyr_round_directory(round, hash));
        CHECK(memcmp(hash, vector_array(v, "hash", 32), 32) == 0);
        OK(zephyr_round_number(round, &number));
        CHECK(number == vector_number(v, "round"));
        OK(zephyr_round_schedule(round, &times));
        CHECK(times.opens < times.submit_from && times.submit_until < times.deliver_until);
        OK(zephyr_round_mixers(round, hops, ZEPHYR_MAX_MIXERS, &count));
        CHECK(count == 3 && hops[2].mixer == 2);
        OK(zephyr_round_route(round, &random, hops, ZEPHYR_MAX_HOPS, &count));
        CHECK(count == 3);
        OK(zephyr_round_wipe(round));
    }
}

static void delivery_list(vector *v) {
    uint8_t memory[ZEPHYR_DELIVERY_LIST_SIZE];
    zephyr_delivery_list *list;
    unsigned long i, count = vector_number(v, "messages");
    OK(zephyr_delivery_list_init(memory, sizeof memory, &list));
    for (i = 0; i < count; i++) {
        char name[32];
        vector_bytes message;
        snprintf(name, sizeof name, "message_%lu", i);
        message = vector_hex(v, name);
        OK(zephyr_delivery_list_push(list, message.data, message.len));
    }
    VECTOR_ANSWERS(v, vector_find(v, "error") ? ZEPHYR_ERROR_SIGNATURE : ZEPHYR_OK,
                   zephyr_delivery_list_verify(list, vector_array(v, "server", 32), vector_array(v, "directory", 32),
                                               (uint16_t)vector_number(v, "mixer"),
                                               (uint32_t)vector_number(v, "mailbox"),
                                               vector_array(v, "signature", ZEPHYR_LIST_SIGNATURE_LEN)));
    OK(zephyr_delivery_list_wipe(list));
}

static void directory(vector *v) {
    const char *check = vector_text(v, "check");
    uint8_t memory[ZEPHYR_MANIFEST_SIZE];
    zephyr_status expected = ZEPHYR_OK;
    zephyr_manifest *m;
    vector_bytes bytes;
    if (strcmp(check, "delivery list") == 0) {
        delivery_list(v);
    }
    if (strcmp(check, "manifest") != 0 && strcmp(check, "signed manifest") != 0 && strcmp(check, "directory") != 0) {
        return; /* Announcements and the keys of servers are for servers. */
    }
    bytes = vector_hex(v, strcmp(check, "signed manifest") == 0 ? "previous" : "manifest");
    if (strcmp(check, "manifest") == 0 && vector_find(v, "error") != NULL) {
        expected = ZEPHYR_ERROR_MANIFEST;
    }
    VECTOR_ANSWERS(v, expected, zephyr_manifest_init(memory, sizeof memory, bytes.data, bytes.len, &m));
    if (expected != ZEPHYR_OK) {
        return;
    }
    if (strcmp(check, "manifest") == 0) {
        manifest(v, m);
    } else if (strcmp(check, "directory") == 0) {
        round_directory(v, m);
    } else {
        signed_manifest(v, m);
    }
    OK(zephyr_manifest_wipe(m));
}

int main(void) {
    CHECK(vector_each("identity", identity) > 60);
    CHECK(vector_each("ibe", ibe) > 25);
    CHECK(vector_each("seal", seal) > 60);
    CHECK(vector_each("onion", onion) > 30);
    CHECK(vector_each("directory", directory) > 80);
    return 0;
}
