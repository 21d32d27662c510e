/* Everything that can be done wrong with the session, conversations and registrations is answered, and changes nothing. */
#include "test.h"

#define IS_NULL(call) ANSWERS(ZEPHYR_ERROR_NULL, call)
#define IS_HANDLE(call) ANSWERS(ZEPHYR_ERROR_HANDLE, call)

static const zephyr_random system_random = {NULL, NULL};
static uint8_t manifest[65536], conversation_memory[ZEPHYR_CONVERSATION_SIZE];
static uint8_t registration_memory[ZEPHYR_REGISTRATION_SIZE], saved[ZEPHYR_CONVERSATION_SAVED_LEN];
static const uint8_t seed[32] = {1};
static size_t manifest_len, size;
static void *memory;
static zephyr_session_settings settings;
static zephyr_session *session;
static zephyr_conversation *conversation;
static zephyr_registration *registration;

static void prepare(void) {
    FILE *file = fopen(ZEPHYR_VECTORS "/../samples/network.toml", "rb");
    char *text = calloc(1, 65536);
    CHECK(file != NULL && text != NULL && fread(text, 1, 65535, file) > 0);
    fclose(file);
    OK(zephyr_network_manifest(text, 0, manifest, sizeof manifest, &manifest_len));
    IS_NULL(zephyr_network_manifest(NULL, 0, manifest, sizeof manifest, &manifest_len));
    IS_NULL(zephyr_network_manifest(text, 0, NULL, sizeof manifest, &manifest_len));
    free(text);
    settings.manifest = manifest;
    settings.manifest_len = manifest_len;
    settings.address = "alice@example.org";
    settings.seed = seed;
    settings.contacts = 1;
    settings.connections = 1;
    OK(zephyr_session_size(&settings, &size));
    memory = malloc(size);
    CHECK(memory != NULL);
    OK(zephyr_session_init(memory, size, &settings, 0, &session));
    OK(zephyr_conversation_init(conversation_memory, sizeof conversation_memory, 0, &conversation));
    OK(zephyr_registration_init(registration_memory, sizeof registration_memory, manifest, manifest_len, 0,
                                "alice@example.org", seed, ZEPHYR_TASK_REGISTER, NULL, &system_random, &registration));
}

static void null_for_sessions(void) {
    zephyr_session_settings s;
    zephyr_session *other = NULL;
    zephyr_action action;
    const uint8_t *data;
    uint8_t byte = 0;
    uint64_t number;
    size_t n = 0;
    IS_NULL(zephyr_session_size(NULL, &n));
    IS_NULL(zephyr_session_size(&settings, NULL));
    s = settings;
    s.manifest = NULL;
    IS_NULL(zephyr_session_size(&s, &n));
    IS_NULL(zephyr_session_init(memory, size, &s, 0, &other));
    s = settings;
    s.address = NULL;
    IS_NULL(zephyr_session_init(memory, size, &s, 0, &other));
    s = settings;
    s.seed = NULL;
    IS_NULL(zephyr_session_init(memory, size, &s, 0, &other));
    IS_NULL(zephyr_session_init(NULL, size, &settings, 0, &other));
    IS_NULL(zephyr_session_init(memory, size, NULL, 0, &other));
    IS_NULL(zephyr_session_init(memory, size, &settings, 0, NULL));
    CHECK(other == NULL);
    IS_NULL(zephyr_session_add_contact(NULL, "bob@example.org"));
    IS_NULL(zephyr_session_add_contact(session, NULL));
    IS_NULL(zephyr_session_remove_contact(NULL, "bob@example.org"));
    IS_NULL(zephyr_session_remove_contact(session, NULL));
    IS_NULL(zephyr_session_fragment_len(NULL, &n));
    IS_NULL(zephyr_session_fragment_len(session, NULL));
    IS_NULL(zephyr_session_resend_after(NULL, &number));
    IS_NULL(zephyr_session_resend_after(session, NULL));
    IS_NULL(zephyr_session_set_next(NULL, manifest, manifest_len));
    IS_NULL(zephyr_session_set_next(session, NULL, 1));
    IS_NULL(zephyr_session_poll(NULL, 0, &action));
    IS_NULL(zephyr_session_poll(session, 0, NULL));
    IS_NULL(zephyr_session_fill(NULL, 0, 0, NULL));
    IS_NULL(zephyr_session_wake_up(NULL, &number));
    IS_NULL(zephyr_session_wake_up(session, NULL));
    IS_NULL(zephyr_session_connected(NULL, 0));
    IS_NULL(zephyr_session_received(NULL, 0, &byte, 1, &n));
    IS_NULL(zephyr_session_received(session, 0, NULL, 1, &n));
    IS_NULL(zephyr_session_received(session, 0, &byte, 1, NULL));
    IS_NULL(zephyr_session_to_send(NULL, 0, &data, &n));
    IS_NULL(zephyr_session_to_send(session, 0, NULL, &n));
    IS_NULL(zephyr_session_to_send(session, 0, &data, NULL));
    IS_NULL(zephyr_session_sent(NULL, 0, 0));
    IS_NULL(zephyr_session_failed(NULL, 0, 0));
    OK(zephyr_session_wipe(NULL));
}

static void null_for_conversations(void) {
    zephyr_conversation *other = NULL;
    zephyr_fragment fragment;
    zephyr_arrival arrival;
    zephyr_draft draft;
    uint8_t room[ZEPHYR_CONVERSATION_SIZE];
    uint32_t first;
    memset(&fragment, 0, sizeof fragment);
    IS_NULL(zephyr_conversation_init(NULL, sizeof room, 0, &other));
    IS_NULL(zephyr_conversation_init(room, sizeof room, 0, NULL));
    ANSWERS(ZEPHYR_ERROR_BUFFER, zephyr_conversation_init(room, 100, 0, &other));
    OK(zephyr_conversation_save(conversation, saved, sizeof saved, NULL));
    IS_NULL(zephyr_conversation_load(NULL, sizeof room, saved, sizeof saved, &other));
    IS_NULL(zephyr_conversation_load(room, sizeof room, NULL, sizeof saved, &other));
    IS_NULL(zephyr_conversation_load(room, sizeof room, saved, sizeof saved, NULL));
    ANSWERS(ZEPHYR_ERROR_DAMAGED, zephyr_conversation_load(room, sizeof room, NULL, 0, &other));
    CHECK(other == NULL);
    IS_NULL(zephyr_conversation_save(NULL, saved, sizeof saved, NULL));
    IS_NULL(zephyr_conversation_save(conversation, NULL, sizeof saved, NULL));
    IS_NULL(zephyr_conversation_push(NULL, 1, 0, &first));
    IS_NULL(zephyr_conversation_push(conversation, 1, 0, NULL));
    IS_NULL(zephyr_conversation_fill(NULL, 0, 0, 3, &draft));
    IS_NULL(zephyr_conversation_fill(conversation, 0, 0, 3, NULL));
    IS_NULL(zephyr_conversation_sent(NULL, 0, 0));
    IS_NULL(zephyr_conversation_failed(NULL, 0, 0));
    IS_NULL(zephyr_conversation_void(NULL, 0));
    IS_NULL(zephyr_conversation_receive(NULL, &fragment, &arrival));
    IS_NULL(zephyr_conversation_receive(conversation, NULL, &arrival));
    IS_NULL(zephyr_conversation_receive(conversation, &fragment, NULL));
    IS_NULL(zephyr_conversation_restart(NULL, 1, 1));
    IS_NULL(zephyr_conversation_forget(NULL));
    OK(zephyr_conversation_wipe(NULL));
    /* None of that has changed anything. */
    ANSWERS(ZEPHYR_ERROR_SLOT, zephyr_conversation_fill(conversation, 0, 0, 3, &draft));
}

static void null_for_registrations(void) {
    zephyr_registration *other = NULL;
    zephyr_answer answer;
    const uint8_t *data;
    uint8_t room[ZEPHYR_REGISTRATION_SIZE];
    char text[256];
    size_t n;
    const char *who = "alice@example.org";
    const zephyr_random *random = &system_random;
    IS_NULL(zephyr_registration_init(NULL, sizeof room, manifest, manifest_len, 0, who, seed, 0, NULL, random, &other));
    IS_NULL(zephyr_registration_init(room, sizeof room, NULL, manifest_len, 0, who, seed, 0, NULL, random, &other));
    IS_NULL(zephyr_registration_init(room, sizeof room, manifest, manifest_len, 0, NULL, seed, 0, NULL, random, &other));
    IS_NULL(zephyr_registration_init(room, sizeof room, manifest, manifest_len, 0, who, NULL, 0, NULL, random, &other));
    IS_NULL(zephyr_registration_init(room, sizeof room, manifest, manifest_len, 0, who, seed, 1, NULL, random, &other));
    IS_NULL(zephyr_registration_init(room, sizeof room, manifest, manifest_len, 0, who, seed, 0, NULL, NULL, &other));
    IS_NULL(zephyr_registration_init(room, sizeof room, manifest, manifest_len, 0, who, seed, 0, NULL, random, NULL));
    ANSWERS(ZEPHYR_ERROR_BUFFER, zephyr_registration_init(room, 100, manifest, manifest_len, 0, who, seed, 0, NULL,
                                                          random, &other));
    CHECK(other == NULL);
    IS_NULL(zephyr_registration_name(NULL, text, sizeof text, NULL));
    IS_NULL(zephyr_registration_name(registration, NULL, sizeof text, NULL));
    ANSWERS(ZEPHYR_ERROR_BUFFER, zephyr_registration_name(registration, text, 1, &n));
    IS_NULL(zephyr_registration_server(NULL, text, sizeof text, NULL));
    IS_NULL(zephyr_registration_server(registration, NULL, sizeof text, NULL));
    ANSWERS(ZEPHYR_ERROR_BUFFER, zephyr_registration_server(registration, text, 1, &n));
    IS_NULL(zephyr_registration_fingerprint(NULL, text, sizeof text, NULL));
    IS_NULL(zephyr_registration_fingerprint(registration, NULL, sizeof text, NULL));
    ANSWERS(ZEPHYR_ERROR_BUFFER, zephyr_registration_fingerprint(registration, text, 24, &n));
    CHECK(n == 25);
    IS_NULL(zephyr_registration_to_send(NULL, &data, &n));
    IS_NULL(zephyr_registration_to_send(registration, NULL, &n));
    IS_NULL(zephyr_registration_to_send(registration, &data, NULL));
    IS_NULL(zephyr_registration_sent(NULL, 0));
    IS_NULL(zephyr_registration_received(NULL, seed, 1));
    IS_NULL(zephyr_registration_received(registration, NULL, 1));
    IS_NULL(zephyr_registration_answer(NULL, &answer));
    IS_NULL(zephyr_registration_answer(registration, NULL));
    OK(zephyr_registration_wipe(NULL));
}

/* An object of another kind, and one that was wiped. */
static void other_objects(void) {
    zephyr_action action;
    zephyr_answer answer;
    zephyr_draft draft;
    size_t n;
    IS_HANDLE(zephyr_session_poll((zephyr_session *)(void *)conversation, 0, &action));
    IS_HANDLE(zephyr_session_wipe((zephyr_session *)(void *)registration));
    IS_HANDLE(zephyr_conversation_fill((zephyr_conversation *)(void *)session, 0, 0, 3, &draft));
    IS_HANDLE(zephyr_registration_answer((zephyr_registration *)(void *)conversation, &answer));
    OK(zephyr_session_wipe(session));
    OK(zephyr_conversation_wipe(conversation));
    OK(zephyr_registration_wipe(registration));
    IS_HANDLE(zephyr_session_poll(session, 0, &action));
    IS_HANDLE(zephyr_session_fragment_len(session, &n));
    IS_HANDLE(zephyr_session_connected(session, 0));
    IS_HANDLE(zephyr_conversation_fill(conversation, 0, 0, 3, &draft));
    IS_HANDLE(zephyr_conversation_wipe(conversation));
    IS_HANDLE(zephyr_registration_sent(registration, 0));
    IS_HANDLE(zephyr_registration_wipe(registration));
}

/* Slots that were not asked for, and drafts that make no sense. */
static void wrong_fills(void) {
    zephyr_draft draft;
    memset(&draft, 0, sizeof draft);
    ANSWERS(ZEPHYR_ERROR_SLOT, zephyr_session_fill(session, 7, 0, NULL));
    ANSWERS(ZEPHYR_ERROR_SLOT, zephyr_session_fill(session, 7, 1000, NULL));
    ANSWERS(ZEPHYR_ERROR_ARGUMENT, zephyr_session_fill(session, 7, 0, &draft));
    draft.fragments = 1;
    draft.content = 17;
    ANSWERS(ZEPHYR_ERROR_ARGUMENT, zephyr_session_fill(session, 7, 0, &draft));
    draft.content = ZEPHYR_CONTENT_TEXT;
    draft.body_len = 5;
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_session_fill(session, 7, 0, &draft));
    draft.body = seed;
    ANSWERS(ZEPHYR_ERROR_SLOT, zephyr_session_fill(session, 7, 0, &draft));
}

int main(void) {
    prepare();
    null_for_sessions();
    null_for_conversations();
    null_for_registrations();
    wrong_fills();
    other_objects();
    free(memory);
    return 0;
}
