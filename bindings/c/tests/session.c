/* The session without I/O: its memory, its bytes, conversations and registrations, without a server that answers. */
#include "test.h"

#define NOW 1800000000000ULL

static char *network_text(void) {
    FILE *file = fopen(ZEPHYR_VECTORS "/../samples/network.toml", "rb");
    char *text = calloc(1, 65536);
    CHECK(file != NULL && text != NULL);
    CHECK(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

static uint8_t manifest[65536];
static size_t manifest_len;

static void a_network_file_becomes_a_manifest(void) {
    char *text = network_text();
    size_t needed = 0;
    uint8_t first = 0xee;
    ANSWERS(ZEPHYR_ERROR_BUFFER, zephyr_network_manifest(text, NOW, &first, 1, &needed));
    CHECK(first == 0xee && needed > 100);
    OK(zephyr_network_manifest(text, NOW, manifest, sizeof manifest, &manifest_len));
    CHECK(needed == manifest_len);
    strstr(text, "mixer-1")[0] = 'M';
    ANSWERS(ZEPHYR_ERROR_NETWORK, zephyr_network_manifest(text, NOW, manifest, sizeof manifest, NULL));
    ANSWERS(ZEPHYR_ERROR_NETWORK, zephyr_network_manifest("", NOW, manifest, sizeof manifest, NULL));
    free(text);
}

/* Numbers that are not random, or none. */
static int random_fails;

static int32_t numbers(void *userdata, uint8_t *out, size_t len) {
    uint64_t *next = userdata;
    for (; len > 0; len--) {
        *next = *next * 6364136223846793005ULL + 1442695040888963407ULL;
        *out++ = (uint8_t)(*next >> 56);
    }
    return random_fails;
}

static uint64_t state = 1;
static const uint8_t seed[32] = {5, 6, 7, 8, 9};

static zephyr_session_settings settings(void) {
    zephyr_session_settings settings;
    memset(&settings, 0, sizeof settings);
    settings.manifest = manifest;
    settings.manifest_len = manifest_len;
    settings.address = "alice@example.org";
    settings.seed = seed;
    settings.contacts = 3;
    settings.connections = 2;
    settings.frame_len = 8192;
    settings.random.fill = numbers;
    settings.random.userdata = &state;
    return settings;
}

static zephyr_session *begin(void **memory) {
    zephyr_session_settings s = settings();
    zephyr_session *session = NULL;
    size_t size = 0;
    OK(zephyr_session_size(&s, &size));
    *memory = malloc(size);
    CHECK(*memory != NULL);
    OK(zephyr_session_init(*memory, size, &s, NOW, &session));
    return session;
}

static zephyr_action next(zephyr_session *session, uint64_t now) {
    zephyr_action action;
    do {
        OK(zephyr_session_poll(session, now, &action));
    } while (action.kind == ZEPHYR_ACTION_CONTINUE);
    return action;
}

static void a_session_asks_for_connections_and_survives_what_comes(void) {
    void *memory;
    zephyr_session *session = begin(&memory);
    uint64_t now = NOW, wake_up;
    int rounds;
    OK(zephyr_session_add_contact(session, "Bob@example.org"));
    for (rounds = 0; rounds < 20; rounds++) {
        zephyr_action action = next(session, now);
        uint8_t garbage[300];
        const uint8_t *data;
        size_t len, taken, i;
        CHECK(action.kind == ZEPHYR_ACTION_CONNECT);
        CHECK(action.server_role == ZEPHYR_ROLE_INFO && strchr(action.server, ':') != NULL);
        OK(zephyr_session_connected(session, action.connection));
        /* The handshake, a few bytes at a time. */
        for (i = 0; i < 50; i += 7) {
            OK(zephyr_session_to_send(session, action.connection, &data, &len));
            CHECK(len == 50 - i);
            OK(zephyr_session_sent(session, action.connection, len < 7 ? len : 7));
        }
        OK(zephyr_session_to_send(session, action.connection, &data, &len));
        CHECK(len == 0);
        CHECK(next(session, now).kind == ZEPHYR_ACTION_NONE);
        OK(zephyr_session_wake_up(session, &wake_up));
        CHECK(wake_up > now);
        if (rounds % 3 == 0) {
            OK(zephyr_session_failed(session, action.connection, now));
            ANSWERS(ZEPHYR_ERROR_CONNECTION, zephyr_session_failed(session, action.connection, now));
        } else if (rounds % 3 == 1) {
            numbers(&state, garbage, sizeof garbage);
            OK(zephyr_session_received(session, action.connection, garbage, sizeof garbage, &taken));
            CHECK(taken == sizeof garbage);
            CHECK(next(session, now).kind == ZEPHYR_ACTION_CLOSE);
        } else {
            /* No answer in time. */
            now = wake_up + 60000;
            CHECK(next(session, now).kind == ZEPHYR_ACTION_CLOSE);
        }
        /* It may try again at once. */
        for (action = next(session, now); action.kind != ZEPHYR_ACTION_NONE; action = next(session, now)) {
            CHECK(action.kind == ZEPHYR_ACTION_CONNECT);
            OK(zephyr_session_failed(session, action.connection, now));
        }
        OK(zephyr_session_wake_up(session, &wake_up));
        now = wake_up;
    }
    OK(zephyr_session_wipe(session));
    ANSWERS(ZEPHYR_ERROR_HANDLE, zephyr_session_wipe(session));
    free(memory);
}

static void without_random_numbers_nothing_happens(void) {
    void *memory;
    zephyr_session *session = begin(&memory);
    zephyr_action action;
    random_fails = 1;
    action.kind = ZEPHYR_ACTION_OVER;
    ANSWERS(ZEPHYR_ERROR_RANDOM, zephyr_session_poll(session, NOW, &action));
    CHECK(action.kind == ZEPHYR_ACTION_OVER);
    random_fails = 0;
    CHECK(next(session, NOW).kind == ZEPHYR_ACTION_CONNECT);
    OK(zephyr_session_wipe(session));
    free(memory);
}

static void contacts_have_their_places(void) {
    void *memory;
    zephyr_session *session = begin(&memory);
    uint64_t resend_after = 0;
    size_t len = 0;
    OK(zephyr_session_add_contact(session, "b@example.org"));
    OK(zephyr_session_add_contact(session, "B@example.org"));
    OK(zephyr_session_add_contact(session, "c@example.org"));
    OK(zephyr_session_add_contact(session, "d@example.org"));
    ANSWERS(ZEPHYR_ERROR_FULL, zephyr_session_add_contact(session, "e@example.org"));
    OK(zephyr_session_remove_contact(session, "c@example.org"));
    OK(zephyr_session_remove_contact(session, "c@example.org"));
    OK(zephyr_session_add_contact(session, "e@example.org"));
    ANSWERS(ZEPHYR_ERROR_OWN_ADDRESS, zephyr_session_add_contact(session, "alice@example.org"));
    ANSWERS(ZEPHYR_ERROR_ADDRESS, zephyr_session_add_contact(session, "nobody"));
    OK(zephyr_session_resend_after(session, &resend_after));
    OK(zephyr_session_fragment_len(session, &len));
    CHECK(resend_after >= 3 && len == 1024 - 35 - strlen("alice@example.org"));
    ANSWERS(ZEPHYR_ERROR_SIGNATURE, zephyr_session_set_next(session, manifest, manifest_len));
    OK(zephyr_session_wipe(session));
    free(memory);
}

/* What one has put into a slot, as the other gets it. */
static zephyr_fragment sent(const zephyr_draft *draft, uint64_t round) {
    zephyr_fragment fragment;
    memset(&fragment, 0, sizeof fragment);
    fragment.sender = "alice@example.org";
    fragment.content = draft->content;
    fragment.stream = draft->stream;
    fragment.sequence = draft->sequence;
    fragment.ack_stream = draft->ack_stream;
    fragment.ack = draft->ack;
    fragment.fragments = 1;
    fragment.round = round;
    return fragment;
}

static void a_conversation_goes_on_from_what_was_saved(void) {
    uint8_t there[ZEPHYR_CONVERSATION_SIZE + 3], here[ZEPHYR_CONVERSATION_SIZE];
    uint8_t saved[ZEPHYR_CONVERSATION_SAVED_LEN];
    zephyr_conversation *alice = NULL, *bob = NULL;
    zephyr_draft draft;
    zephyr_fragment fragment;
    zephyr_arrival arrival;
    uint32_t first = 0;
    size_t needed = 0;
    OK(zephyr_conversation_init(there + 3, sizeof there - 3, NOW, &alice));
    OK(zephyr_conversation_init(here, sizeof here, NOW, &bob));
    ANSWERS(ZEPHYR_ERROR_SLOT, zephyr_conversation_fill(alice, 10, 0, 3, &draft));
    OK(zephyr_conversation_push(alice, 2, NOW, &first));
    CHECK(first == 1);
    OK(zephyr_conversation_fill(alice, 10, 0, 3, &draft));
    CHECK(draft.sequence == 1);
    OK(zephyr_conversation_failed(alice, 10, 0));
    OK(zephyr_conversation_fill(alice, 11, 2, 3, &draft));
    CHECK(draft.sequence == 1);

    /* The program ends, and nobody knows whether a mixer took it. */
    ANSWERS(ZEPHYR_ERROR_BUFFER, zephyr_conversation_save(alice, saved, sizeof saved - 1, &needed));
    CHECK(needed == sizeof saved);
    OK(zephyr_conversation_save(alice, saved, sizeof saved, NULL));
    OK(zephyr_conversation_wipe(alice));
    OK(zephyr_conversation_load(there, sizeof there, saved, sizeof saved, &alice));
    ANSWERS(ZEPHYR_ERROR_DAMAGED, zephyr_conversation_load(there, sizeof there, saved, sizeof saved - 1, &alice));
    OK(zephyr_conversation_fill(alice, 12, 0, 3, &draft));
    CHECK(draft.sequence == 1);
    draft.content = ZEPHYR_CONTENT_TEXT;

    fragment = sent(&draft, 12);
    OK(zephyr_conversation_receive(bob, &fragment, &arrival));
    CHECK(arrival.kind == ZEPHYR_ARRIVAL_NEW && arrival.arrived == 1 && arrival.restart == 0);
    OK(zephyr_conversation_receive(bob, &fragment, &arrival));
    CHECK(arrival.kind == ZEPHYR_ARRIVAL_DUPLICATE);
    OK(zephyr_conversation_fill(bob, 13, 0, 3, &draft));
    CHECK(draft.sequence == 0 && draft.content == ZEPHYR_CONTENT_EMPTY && draft.ack == 1);
    fragment = sent(&draft, 13);
    OK(zephyr_conversation_receive(alice, &fragment, &arrival));
    CHECK(arrival.kind == ZEPHYR_ARRIVAL_EMPTY && arrival.acknowledged == 1);
    OK(zephyr_conversation_sent(alice, 12, 0));
    OK(zephyr_conversation_void(alice, 12));
    OK(zephyr_conversation_forget(bob));
    ANSWERS(ZEPHYR_ERROR_ARGUMENT, zephyr_conversation_restart(alice, 1, 0));
    ANSWERS(ZEPHYR_ERROR_ARGUMENT, zephyr_conversation_fill(alice, 12, 64, 3, &draft));
    ANSWERS(ZEPHYR_ERROR_ARGUMENT, zephyr_conversation_push(alice, 0, NOW, &first));
    OK(zephyr_conversation_wipe(alice));
    OK(zephyr_conversation_wipe(bob));
}

static void a_registration_says_what_it_is_and_survives_what_comes(void) {
    uint8_t memory[ZEPHYR_REGISTRATION_SIZE], garbage[200];
    zephyr_registration *registration = NULL;
    zephyr_random random;
    zephyr_answer answer;
    const uint8_t *data;
    char text[256];
    size_t len = 0;
    uint32_t pkgs = 0;
    random.fill = numbers;
    random.userdata = &state;
    while (zephyr_registration_init(memory, sizeof memory, manifest, manifest_len, pkgs, "alice@example.org", seed,
                                    ZEPHYR_TASK_CONFIRM, "7gk2m0qx", &random, &registration) == ZEPHYR_OK) {
        OK(zephyr_registration_name(registration, text, sizeof text, NULL));
        CHECK(strncmp(text, "pkg-", 4) == 0);
        OK(zephyr_registration_server(registration, text, sizeof text, NULL));
        CHECK(strchr(text, ':') != NULL);
        OK(zephyr_registration_fingerprint(registration, text, sizeof text, &len));
        CHECK(len == 25 && strlen(text) == 24);
        OK(zephyr_registration_to_send(registration, &data, &len));
        CHECK(len == 50);
        ANSWERS(ZEPHYR_ERROR_ARGUMENT, zephyr_registration_sent(registration, 51));
        OK(zephyr_registration_sent(registration, 50));
        OK(zephyr_registration_received(registration, (const uint8_t *)"\0", 1));
        OK(zephyr_registration_answer(registration, &answer));
        CHECK(answer.kind == ZEPHYR_ANSWER_NONE);
        numbers(&state, garbage, sizeof garbage);
        ANSWERS(ZEPHYR_ERROR_LINK, zephyr_registration_received(registration, garbage, sizeof garbage));
        ANSWERS(ZEPHYR_ERROR_LINK, zephyr_registration_received(registration, garbage, sizeof garbage));
        OK(zephyr_registration_wipe(registration));
        pkgs++;
    }
    CHECK(pkgs >= 1);
    ANSWERS(ZEPHYR_ERROR_SERVER,
            zephyr_registration_init(memory, sizeof memory, manifest, manifest_len, pkgs, "alice@example.org", seed,
                                     ZEPHYR_TASK_REGISTER, NULL, &random, &registration));
    ANSWERS(ZEPHYR_ERROR_CODE,
            zephyr_registration_init(memory, sizeof memory, manifest, manifest_len, 0, "alice@example.org", seed,
                                     ZEPHYR_TASK_CONFIRM, "no code", &random, &registration));
    ANSWERS(ZEPHYR_ERROR_ARGUMENT,
            zephyr_registration_init(memory, sizeof memory, manifest, manifest_len, 0, "alice@example.org", seed, 9,
                                     NULL, &random, &registration));
    random_fails = 1;
    ANSWERS(ZEPHYR_ERROR_RANDOM,
            zephyr_registration_init(memory, sizeof memory, manifest, manifest_len, 0, "alice@example.org", seed,
                                     ZEPHYR_TASK_VETO, NULL, &random, &registration));
    random_fails = 0;
}

static void kinds_have_texts(void) {
    uint32_t kind;
    for (kind = 0; kind < 100; kind++) {
        CHECK(zephyr_event_text(kind)[0] != '\0' && zephyr_refusal_text(kind)[0] != '\0');
    }
}

int main(void) {
    a_network_file_becomes_a_manifest();
    a_session_asks_for_connections_and_survives_what_comes();
    without_random_numbers_nothing_happens();
    contacts_have_their_places();
    a_conversation_goes_on_from_what_was_saved();
    a_registration_says_what_it_is_and_survives_what_comes();
    kinds_have_texts();
    return 0;
}
