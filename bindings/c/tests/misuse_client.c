/* What programs do wrong with a client: each is answered, and nothing breaks. */
#include "home.h"

#define BOB "bob@example.org"
#define THREADS 8

static void no_contact(void *userdata, const zephyr_contact *contact) {
    (void)userdata;
    (void)contact;
}

static void no_pkg(void *userdata, const zephyr_pkg *pkg) {
    (void)userdata;
    (void)pkg;
}

static void no_outbox(void *userdata, const zephyr_outbox_message *message) {
    (void)userdata;
    (void)message;
}

static void no_inbox(void *userdata, const zephyr_inbox_message *message) {
    (void)userdata;
    (void)message;
}

/* Every function of a client, with good arguments, answers `expected`. */
static void all_answer(zephyr_status expected, zephyr_client *client) {
    char text[ZEPHYR_ADDRESS_MAX + 1];
    uint8_t network[32];
    bool flag = false;
    zephyr_queued queued;
    zephyr_delivery delivery;
    zephyr_registration_state state;
    zephyr_callbacks callbacks = {0};
    callbacks.size = sizeof callbacks;
    ANSWERS(expected, zephyr_client_address(client, text, sizeof text, NULL));
    ANSWERS(expected, zephyr_client_network(client, network));
    ANSWERS(expected, zephyr_client_registration(client, no_pkg, NULL));
    ANSWERS(expected, zephyr_client_is_registered(client, &flag));
    ANSWERS(expected, zephyr_client_register(client, NULL, NULL));
    ANSWERS(expected, zephyr_client_confirm(client, 0, "7GK2-M0QX", &state));
    ANSWERS(expected, zephyr_client_veto(client, NULL, NULL));
    ANSWERS(expected, zephyr_client_unregister(client, NULL, NULL));
    ANSWERS(expected, zephyr_client_add_contact(client, BOB, NULL));
    ANSWERS(expected, zephyr_client_remove_contact(client, BOB));
    ANSWERS(expected, zephyr_client_block(client, BOB));
    ANSWERS(expected, zephyr_client_unblock(client, BOB));
    ANSWERS(expected, zephyr_client_contacts(client, no_contact, NULL));
    ANSWERS(expected, zephyr_client_set_contacts_only(client, true));
    ANSWERS(expected, zephyr_client_send_text(client, BOB, "hi", &queued));
    ANSWERS(expected, zephyr_client_send_bytes(client, BOB, network, 32, &queued));
    ANSWERS(expected, zephyr_client_delivery(client, 1, &delivery));
    ANSWERS(expected, zephyr_client_wait_delivered(client, 1, 0));
    ANSWERS(expected, zephyr_client_outbox(client, no_outbox, NULL));
    ANSWERS(expected, zephyr_client_inbox(client, true, no_inbox, NULL));
    ANSWERS(expected, zephyr_client_mark_seen(client, 1));
    ANSWERS(expected, zephyr_client_export_backup(client, "/nowhere/backup", PASSPHRASE));
    ANSWERS(expected, zephyr_client_start(client, &callbacks));
    ANSWERS(expected, zephyr_client_stop(client));
}

static void a_client_that_is_none_is_recognised(void) {
    char dir[64];
    int not_a_client = 0;
    zephyr_client *client = home_create(dir), *second;
    all_answer(ZEPHYR_ERROR_NULL, NULL);
    OK(zephyr_client_close(NULL));
    all_answer(ZEPHYR_ERROR_HANDLE, (zephyr_client *)&not_a_client);
    ANSWERS(ZEPHYR_ERROR_HANDLE, zephyr_client_close((zephyr_client *)&not_a_client));
    OK(zephyr_client_close(client));
    all_answer(ZEPHYR_ERROR_HANDLE, client);
    ANSWERS(ZEPHYR_ERROR_HANDLE, zephyr_client_close(client));
    /* Also when there are new ones. */
    OK(zephyr_client_open(dir, &second));
    CHECK(second != client);
    all_answer(ZEPHYR_ERROR_HANDLE, client);
    home_end(second, dir);
}

static void null_is_answered_everywhere(void) {
    char dir[64];
    const char *network = home_network();
    zephyr_client *client = home_create(dir), *out = NULL;
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_create(NULL, BOB, network, &out));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_create(dir, NULL, network, &out));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_create(dir, BOB, NULL, &out));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_create(dir, BOB, network, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_open(NULL, &out));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_open(dir, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_restore(NULL, PASSPHRASE, dir, &out));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_restore("/nowhere", NULL, dir, &out));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_restore("/nowhere", PASSPHRASE, NULL, &out));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_restore("/nowhere", PASSPHRASE, dir, NULL));
    CHECK(out == NULL);
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_address(client, NULL, 100, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_network(client, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_registration(client, NULL, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_is_registered(client, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_confirm(client, 0, NULL, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_add_contact(client, NULL, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_remove_contact(client, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_block(client, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_unblock(client, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_contacts(client, NULL, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_send_text(client, NULL, "hi", NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_send_text(client, BOB, NULL, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_send_bytes(client, NULL, NULL, 0, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_send_bytes(client, BOB, NULL, 1, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_delivery(client, 1, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_outbox(client, NULL, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_inbox(client, false, NULL, NULL));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_export_backup(client, NULL, PASSPHRASE));
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_client_export_backup(client, "/nowhere", NULL));
    home_end(client, dir);
}

static void wrong_texts_and_sizes_are_refused(void) {
    char dir[64], text[ZEPHYR_ADDRESS_MAX + 1];
    size_t needed = 0;
    zephyr_callbacks callbacks = {0};
    zephyr_client *client = home_create(dir);
    ANSWERS(ZEPHYR_ERROR_UTF8, zephyr_client_add_contact(client, "b\xffob@example.org", NULL));
    ANSWERS(ZEPHYR_ERROR_UTF8, zephyr_client_add_contact(client, BOB, "\xc3("));
    ANSWERS(ZEPHYR_ERROR_UTF8, zephyr_client_send_text(client, BOB, "\xff", NULL));
    ANSWERS(ZEPHYR_ERROR_UTF8, zephyr_client_open("\xff", &client));
    memset(text, 'x', sizeof text);
    ANSWERS(ZEPHYR_ERROR_BUFFER, zephyr_client_address(client, text, 17, &needed));
    CHECK(needed == 18 && text[0] == 'x' && text[17] == 'x');
    OK(zephyr_client_address(client, text, needed, NULL));
    CHECK(strcmp(text, "alice@example.org") == 0 && text[18] == 'x');
    ANSWERS(ZEPHYR_ERROR_ARGUMENT, zephyr_client_start(client, &callbacks));
    callbacks.size = SIZE_MAX;
    ANSWERS(ZEPHYR_ERROR_ARGUMENT, zephyr_client_start(client, &callbacks));
    home_end(client, dir);
}

/* A callback that calls back in. */
typedef struct {
    zephyr_client *client;
    char dir[64];
    bell tried, stopped;
} inward;

static void calls_everything(void *userdata, const zephyr_progress *progress) {
    inward *in = userdata;
    zephyr_client *other = NULL;
    zephyr_queued queued;
    bool registered = true;
    (void)progress;
    if (bell_count(&in->tried) > 0) {
        return;
    }
    ANSWERS(ZEPHYR_ERROR_IN_CALLBACK, zephyr_client_close(in->client));
    ANSWERS(ZEPHYR_ERROR_RUNNING, zephyr_client_start(in->client, NULL));
    ANSWERS(ZEPHYR_ERROR_IN_USE, zephyr_client_open(in->dir, &other));
    OK(zephyr_client_is_registered(in->client, &registered));
    OK(zephyr_client_add_contact(in->client, BOB, NULL));
    OK(zephyr_client_contacts(in->client, no_contact, NULL));
    OK(zephyr_client_send_text(in->client, BOB, "hi", &queued));
    ANSWERS(ZEPHYR_ERROR_TIMEOUT, zephyr_client_wait_delivered(in->client, queued.id, 1));
    ANSWERS(ZEPHYR_ERROR_UNREACHABLE, zephyr_client_register(in->client, NULL, NULL));
    OK(zephyr_client_stop(in->client));
    bell_ring(&in->tried);
}

static void starts_again(void *userdata, zephyr_status status, const char *detail) {
    inward *in = userdata;
    (void)detail;
    CHECK(status == ZEPHYR_OK);
    if (bell_count(&in->stopped) == 0) {
        OK(zephyr_client_start(in->client, NULL));
    }
    bell_ring(&in->stopped);
}

static void callbacks_may_call_everything_but_close(void) {
    inward in;
    zephyr_callbacks callbacks = {0};
    in.client = home_create(in.dir);
    bell_init(&in.tried);
    bell_init(&in.stopped);
    callbacks.size = sizeof callbacks;
    callbacks.userdata = &in;
    callbacks.on_round = calls_everything;
    callbacks.on_stopped = starts_again;
    OK(zephyr_client_start(in.client, &callbacks));
    bell_wait(&in.tried, 1);
    bell_wait(&in.stopped, 1);
    ANSWERS(ZEPHYR_ERROR_RUNNING, zephyr_client_start(in.client, &callbacks));
    home_end(in.client, in.dir);
    bell_end(&in.tried);
    bell_end(&in.stopped);
}

static void closes(void *userdata, const zephyr_contact *contact) {
    (void)contact;
    OK(zephyr_client_close(userdata));
}

static void what_is_called_during_a_call_may_close(void) {
    char dir[64];
    zephyr_client *client = home_create(dir);
    OK(zephyr_client_add_contact(client, BOB, NULL));
    OK(zephyr_client_contacts(client, closes, client));
    all_answer(ZEPHYR_ERROR_HANDLE, client);
    home_remove(dir);
}

/* Threads that use one client at the same time. */
typedef struct {
    zephyr_client *client;
    bell begun;
    int endless;
    uint64_t message;
} crowd;

static int ended(zephyr_status status) {
    return status == ZEPHYR_ERROR_CLOSED || status == ZEPHYR_ERROR_HANDLE;
}

static void *sends(void *argument) {
    crowd *all = argument;
    int turn;
    for (turn = 0; all->endless || turn < 5; turn++) {
        zephyr_queued queued = {0};
        zephyr_delivery delivery;
        zephyr_status status = zephyr_client_send_text(all->client, BOB, "hello", &queued);
        if (all->endless && ended(status)) {
            return NULL;
        }
        OK(status);
        bell_ring(&all->begun);
        status = zephyr_client_delivery(all->client, queued.id, &delivery);
        if (all->endless && ended(status)) {
            return NULL;
        }
        OK(status);
        CHECK(delivery.id == queued.id);
    }
    return NULL;
}

static void *waits(void *argument) {
    crowd *all = argument;
    zephyr_status status;
    bell_ring(&all->begun);
    status = zephyr_client_wait_delivered(all->client, all->message, UINT64_MAX);
    CHECK(ended(status));
    return NULL;
}

static void count_outbox(void *userdata, const zephyr_outbox_message *message) {
    int *count = userdata;
    (void)message;
    ++*count;
}

static void many_threads_use_one_client(void) {
    char dir[64];
    pthread_t threads[THREADS];
    crowd all = {0};
    int i, count = 0;
    bell_init(&all.begun);
    all.client = home_create(dir);
    OK(zephyr_client_start(all.client, NULL));
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, sends, &all) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    OK(zephyr_client_outbox(all.client, count_outbox, &count));
    CHECK(count == 5 * THREADS);
    home_end(all.client, dir);
    bell_end(&all.begun);
}

static void closing_ends_the_calls_of_other_threads(void) {
    char dir[64];
    pthread_t threads[THREADS];
    crowd all = {0};
    zephyr_queued queued;
    int i;
    bell_init(&all.begun);
    all.client = home_create(dir);
    all.endless = 1;
    OK(zephyr_client_send_text(all.client, BOB, "hello", &queued));
    all.message = queued.id;
    OK(zephyr_client_start(all.client, NULL));
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, i % 2 ? sends : waits, &all) == 0);
    }
    bell_wait(&all.begun, 4 * THREADS);
    OK(zephyr_client_close(all.client));
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    /* The home was given back, with all that had been sent. */
    OK(zephyr_client_open(dir, &all.client));
    i = 0;
    OK(zephyr_client_outbox(all.client, count_outbox, &i));
    CHECK(i >= 3 * THREADS);
    home_end(all.client, dir);
    bell_end(&all.begun);
}

static void *closes_too(void *argument) {
    crowd *all = argument;
    zephyr_status status = zephyr_client_close(all->client);
    CHECK(status == ZEPHYR_OK || status == ZEPHYR_ERROR_HANDLE);
    if (status == ZEPHYR_OK) {
        bell_ring(&all->begun);
    }
    return NULL;
}

static void one_of_many_closes(void) {
    char dir[64];
    pthread_t threads[THREADS];
    crowd all = {0};
    int i;
    bell_init(&all.begun);
    all.client = home_create(dir);
    OK(zephyr_client_start(all.client, NULL));
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, closes_too, &all) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(bell_count(&all.begun) == 1);
    home_remove(dir);
    bell_end(&all.begun);
}

/* Closing waits for the callback that runs, and none begins afterwards. */
typedef struct {
    bell begun, go_on;
    int running, over;
} slow;

static void is_slow(void *userdata, const zephyr_progress *progress) {
    slow *s = userdata;
    (void)progress;
    CHECK(!s->over);
    s->running = 1;
    bell_ring(&s->begun);
    bell_wait(&s->go_on, 1);
    s->running = 0;
}

static void *lets_go_on(void *argument) {
    slow *s = argument;
    bell_ring(&s->go_on);
    return NULL;
}

static void closing_waits_for_the_callback_that_runs(void) {
    char dir[64];
    pthread_t thread;
    slow s = {0};
    zephyr_callbacks callbacks = {0};
    zephyr_client *client = home_create(dir);
    bell_init(&s.begun);
    bell_init(&s.go_on);
    callbacks.size = sizeof callbacks;
    callbacks.userdata = &s;
    callbacks.on_round = is_slow;
    OK(zephyr_client_start(client, &callbacks));
    bell_wait(&s.begun, 1);
    CHECK(pthread_create(&thread, NULL, lets_go_on, &s) == 0);
    OK(zephyr_client_close(client));
    CHECK(!s.running);
    s.over = 1;
    CHECK(pthread_join(thread, NULL) == 0);
    home_remove(dir);
    bell_end(&s.begun);
    bell_end(&s.go_on);
}

int main(void) {
    a_client_that_is_none_is_recognised();
    null_is_answered_everywhere();
    wrong_texts_and_sizes_are_refused();
    callbacks_may_call_everything_but_close();
    what_is_called_during_a_call_may_close();
    many_threads_use_one_client();
    closing_ends_the_calls_of_other_threads();
    one_of_many_closes();
    closing_waits_for_the_callback_that_runs();
    return 0;
}
