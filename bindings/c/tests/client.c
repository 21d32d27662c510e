/* The client with I/O inside, without a network: what it keeps, and how it is started, stopped and opened again. */
#include "home.h"

typedef struct {
    int count;
    char names[4][ZEPHYR_ADDRESS_MAX + 1];
    char notes[4][64];
    bool blocked[4];
} contacts;

static void on_contact(void *userdata, const zephyr_contact *contact) {
    contacts *all = userdata;
    CHECK(all->count < 4);
    strcpy(all->names[all->count], contact->address);
    strcpy(all->notes[all->count], contact->note);
    all->blocked[all->count] = contact->blocked;
    CHECK((contact->added_at_ms == 0) == contact->blocked);
    all->count++;
}

static contacts list_contacts(zephyr_client *client) {
    contacts all = {0};
    OK(zephyr_client_contacts(client, on_contact, &all));
    return all;
}

static void count_pkg(void *userdata, const zephyr_pkg *pkg) {
    int *count = userdata;
    CHECK(pkg->index == (size_t)*count && strncmp(pkg->name, "pkg-", 4) == 0);
    CHECK(strlen(pkg->fingerprint) == 24 && pkg->state == ZEPHYR_REGISTRATION_NONE);
    CHECK(pkg->until_ms == 0 && pkg->code_seconds == 0);
    ++*count;
}

static void count_answer(void *userdata, const zephyr_pkg *pkg, zephyr_status status, const char *detail) {
    CHECK(status == ZEPHYR_ERROR_UNREACHABLE && strlen(detail) > 0);
    count_pkg(userdata, pkg);
}

static void a_home_knows_whose_it_is(void) {
    char dir[64], address[ZEPHYR_ADDRESS_MAX + 1];
    uint8_t network[32];
    bool registered = true;
    size_t needed = 0;
    int pkgs = 0;
    zephyr_client *client = home_create(dir);
    OK(zephyr_client_address(client, address, sizeof address, &needed));
    CHECK(strcmp(address, "alice@example.org") == 0 && needed == strlen(address) + 1);
    OK(zephyr_client_network(client, network));
    CHECK(network[0] == 0x78 && network[31] == 0x50);
    OK(zephyr_client_is_registered(client, &registered));
    CHECK(!registered);
    OK(zephyr_client_registration(client, count_pkg, &pkgs));
    CHECK(pkgs == 2);
    home_end(client, dir);
}

static void pkgs_that_cannot_be_reached_are_told(void) {
    char dir[64], detail[256];
    zephyr_registration_state state = ZEPHYR_REGISTRATION_NONE;
    int answers = 0;
    zephyr_client *client = home_create(dir);
    ANSWERS(ZEPHYR_ERROR_UNREACHABLE, zephyr_client_register(client, count_answer, &answers));
    CHECK(answers == 2);
    OK(zephyr_last_error(detail, sizeof detail, NULL));
    CHECK(strstr(detail, "pkg-1") != NULL);
    ANSWERS(ZEPHYR_ERROR_UNREACHABLE, zephyr_client_register(client, NULL, NULL));
    ANSWERS(ZEPHYR_ERROR_UNREACHABLE, zephyr_client_veto(client, NULL, NULL));
    ANSWERS(ZEPHYR_ERROR_UNREACHABLE, zephyr_client_unregister(client, NULL, NULL));
    ANSWERS(ZEPHYR_ERROR_CODE, zephyr_client_confirm(client, 0, "no code", &state));
    ANSWERS(ZEPHYR_ERROR_UNREACHABLE, zephyr_client_confirm(client, 0, "7gk2 m0qx", &state));
    ANSWERS(ZEPHYR_ERROR_ARGUMENT, zephyr_client_confirm(client, 2, "7GK2-M0QX", &state));
    CHECK(state == ZEPHYR_REGISTRATION_NONE);
    home_end(client, dir);
}

static void contacts_are_added_blocked_and_removed(void) {
    char dir[64];
    contacts all;
    zephyr_client *client = home_create(dir);
    OK(zephyr_client_add_contact(client, " Bob@Example.org", "from school"));
    OK(zephyr_client_add_contact(client, "bob@example.org", NULL));
    OK(zephyr_client_add_contact(client, "carol@example.org", NULL));
    ANSWERS(ZEPHYR_ERROR_OWN_ADDRESS, zephyr_client_add_contact(client, "alice@example.org", NULL));
    ANSWERS(ZEPHYR_ERROR_OWN_ADDRESS, zephyr_client_block(client, "alice@example.org"));
    ANSWERS(ZEPHYR_ERROR_ADDRESS, zephyr_client_add_contact(client, "bob", NULL));
    all = list_contacts(client);
    CHECK(all.count == 2 && strcmp(all.names[0], "bob@example.org") == 0);
    CHECK(strcmp(all.notes[0], "from school") == 0 && strcmp(all.notes[1], "") == 0);

    OK(zephyr_client_block(client, "bob@example.org"));
    ANSWERS(ZEPHYR_ERROR_BLOCKED, zephyr_client_add_contact(client, "bob@example.org", NULL));
    ANSWERS(ZEPHYR_ERROR_BLOCKED, zephyr_client_send_text(client, "bob@example.org", "hi", NULL));
    OK(zephyr_client_remove_contact(client, "carol@example.org"));
    OK(zephyr_client_remove_contact(client, "carol@example.org"));
    all = list_contacts(client);
    CHECK(all.count == 1 && all.blocked[0] && strcmp(all.names[0], "bob@example.org") == 0);
    OK(zephyr_client_unblock(client, "bob@example.org"));
    OK(zephyr_client_unblock(client, "bob@example.org"));
    CHECK(list_contacts(client).count == 0);
    OK(zephyr_client_set_contacts_only(client, true));
    OK(zephyr_client_set_contacts_only(client, false));
    home_end(client, dir);
}

static void on_outbox(void *userdata, const zephyr_outbox_message *message) {
    int *count = userdata;
    CHECK(strcmp(message->to, "bob@example.org") == 0);
    CHECK(message->delivery.state == ZEPHYR_DELIVERY_QUEUED && message->fragments == 1);
    CHECK(message->is_text == (*count == 0) && message->len == (*count == 0 ? 5 : 3));
    CHECK(message->created_at_ms > 0 && message->delivered_at_ms == 0);
    ++*count;
}

static void on_inbox(void *userdata, const zephyr_inbox_message *message) {
    (void)userdata;
    (void)message;
    CHECK(!"nothing has come");
}

static void messages_wait_in_the_outbox(void) {
    static const uint8_t data[3] = {0, 1, 0};
    char dir[64];
    char *longest = calloc(1, (1 << 20) + 2);
    zephyr_queued queued = {0};
    zephyr_delivery delivery;
    int count = 0;
    zephyr_client *client = home_create(dir);
    OK(zephyr_client_send_text(client, "bob@example.org", "hello", &queued));
    CHECK(queued.id > 0 && queued.fragments == 1 && queued.rounds == 1);
    CHECK(queued.time_ms > 0 && !queued.acknowledged);
    OK(zephyr_client_delivery(client, queued.id, &delivery));
    CHECK(delivery.id == queued.id && delivery.state == ZEPHYR_DELIVERY_QUEUED);
    OK(zephyr_client_send_bytes(client, "bob@example.org", data, sizeof data, NULL));
    ANSWERS(ZEPHYR_ERROR_ARGUMENT, zephyr_client_send_text(client, "bob@example.org", " ", &queued));
    ANSWERS(ZEPHYR_ERROR_OWN_ADDRESS, zephyr_client_send_text(client, "alice@example.org", "hi", NULL));
    memset(longest, 'x', (1 << 20) + 1);
    ANSWERS(ZEPHYR_ERROR_TOO_LONG, zephyr_client_send_text(client, "bob@example.org", longest, NULL));
    ANSWERS(ZEPHYR_ERROR_TOO_LONG,
            zephyr_client_send_bytes(client, "bob@example.org", data, SIZE_MAX / 4, NULL));
    OK(zephyr_client_outbox(client, on_outbox, &count));
    CHECK(count == 2);
    OK(zephyr_client_inbox(client, false, on_inbox, NULL));
    OK(zephyr_client_mark_seen(client, 77));
    ANSWERS(ZEPHYR_ERROR_TIMEOUT, zephyr_client_wait_delivered(client, queued.id, 10));
    ANSWERS(ZEPHYR_ERROR_TIMEOUT, zephyr_client_wait_delivered(client, queued.id, 0));
    ANSWERS(ZEPHYR_ERROR_NO_MESSAGE, zephyr_client_wait_delivered(client, 77, UINT64_MAX));
    ANSWERS(ZEPHYR_ERROR_NO_MESSAGE, zephyr_client_delivery(client, 77, &delivery));
    free(longest);

    /* All of it is there when the home is opened again. */
    OK(zephyr_client_close(client));
    OK(zephyr_client_open(dir, &client));
    count = 0;
    OK(zephyr_client_outbox(client, on_outbox, &count));
    CHECK(count == 2 && list_contacts(client).count == 1);
    home_end(client, dir);
}

static void only_one_uses_a_home(void) {
    char dir[64], other[64];
    zephyr_client *client = home_create(dir), *second = NULL;
    ANSWERS(ZEPHYR_ERROR_IN_USE, zephyr_client_open(dir, &second));
    ANSWERS(ZEPHYR_ERROR_IN_USE, zephyr_client_create(dir, "alice@example.org", home_network(), &second));
    OK(zephyr_client_close(client));
    ANSWERS(ZEPHYR_ERROR_OTHER_HOME, zephyr_client_create(dir, "bob@example.org", home_network(), &second));
    CHECK(second == NULL);
    OK(zephyr_client_create(dir, "alice@example.org", home_network(), &client));
    home_end(client, dir);

    home_folder(other);
    ANSWERS(ZEPHYR_ERROR_NO_HOME, zephyr_client_open(other, &second));
    ANSWERS(ZEPHYR_ERROR_NETWORK, zephyr_client_create(other, "alice@example.org", "id = 1", &second));
    ANSWERS(ZEPHYR_ERROR_ADDRESS, zephyr_client_create(other, "alice", home_network(), &second));
    CHECK(second == NULL && rmdir(other) == 0);
}

static void backups_are_restored(void) {
    char dir[64], copy[64], file[128];
    zephyr_client *client = home_create(dir), *restored = NULL;
    home_folder(copy);
    snprintf(file, sizeof file, "%s/backup", dir);
    OK(zephyr_client_add_contact(client, "bob@example.org", NULL));
    ANSWERS(ZEPHYR_ERROR_PASSPHRASE, zephyr_client_export_backup(client, file, "short"));
    OK(zephyr_client_export_backup(client, file, PASSPHRASE));
    ANSWERS(ZEPHYR_ERROR_EXISTS, zephyr_client_export_backup(client, file, PASSPHRASE));
    ANSWERS(ZEPHYR_ERROR_FILE, zephyr_client_export_backup(client, "/nowhere/backup", PASSPHRASE));
    ANSWERS(ZEPHYR_ERROR_PASSPHRASE, zephyr_client_restore(file, "wrong horse battery", copy, &restored));
    ANSWERS(ZEPHYR_ERROR_EXISTS, zephyr_client_restore(file, PASSPHRASE, dir, &restored));
    CHECK(restored == NULL);
    OK(zephyr_client_close(client));
    OK(zephyr_client_restore(file, PASSPHRASE, copy, &restored));
    CHECK(list_contacts(restored).count == 1);
    home_end(restored, copy);
    home_remove(dir);
}

typedef struct {
    bell problems, stopped;
    zephyr_status status;
} happenings;

static void on_round(void *userdata, const zephyr_progress *progress) {
    happenings *seen = userdata;
    CHECK(progress->why != NULL && bell_count(&seen->stopped) == 0);
    if (progress->kind == ZEPHYR_PROGRESS_PROBLEM && progress->status == ZEPHYR_ERROR_UNREACHABLE) {
        CHECK(strlen(progress->why) > 0);
        bell_ring(&seen->problems);
    }
}

static void on_stopped(void *userdata, zephyr_status status, const char *detail) {
    happenings *seen = userdata;
    CHECK(detail != NULL);
    seen->status = status;
    bell_ring(&seen->stopped);
}

static void it_is_told_what_happens_from_start_to_stop(void) {
    char dir[64];
    happenings seen;
    zephyr_callbacks callbacks = {0};
    zephyr_client *client = home_create(dir);
    int turn;
    bell_init(&seen.problems);
    bell_init(&seen.stopped);
    callbacks.size = sizeof callbacks;
    callbacks.userdata = &seen;
    callbacks.on_round = on_round;
    callbacks.on_stopped = on_stopped;
    OK(zephyr_client_stop(client));
    for (turn = 0; turn < 2; turn++) {
        seen.problems.count = seen.stopped.count = 0;
        seen.status = ZEPHYR_ERROR_PANIC;
        OK(zephyr_client_start(client, &callbacks));
        ANSWERS(ZEPHYR_ERROR_RUNNING, zephyr_client_start(client, &callbacks));
        bell_wait(&seen.problems, 1);
        OK(zephyr_client_stop(client));
        bell_wait(&seen.stopped, 1);
        CHECK(seen.status == ZEPHYR_OK && bell_count(&seen.stopped) == 1);
        OK(zephyr_client_stop(client));
    }
    /* Nobody needs to listen, and an older program knows fewer callbacks. */
    OK(zephyr_client_start(client, NULL));
    OK(zephyr_client_stop(client));
    callbacks.size = offsetof(zephyr_callbacks, on_round);
    seen.stopped.count = 0;
    OK(zephyr_client_start(client, &callbacks));
    home_end(client, dir);
    CHECK(seen.stopped.count == 0);
    bell_end(&seen.problems);
    bell_end(&seen.stopped);
}

int main(void) {
    a_home_knows_whose_it_is();
    pkgs_that_cannot_be_reached_are_told();
    contacts_are_added_blocked_and_removed();
    messages_wait_in_the_outbox();
    only_one_uses_a_home();
    backups_are_restored();
    it_is_told_what_happens_from_start_to_stop();
    return 0;
}
