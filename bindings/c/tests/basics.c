/* Versions, statuses, the last error, and the first objects. */
#include "test.h"

/* Exported by the library's development builds only. */
zephyr_status zephyr_test_panic(void);

static void versions(void) {
    char text[32];
    OK(zephyr_check_abi(ZEPHYR_ABI_VERSION));
    ANSWERS(ZEPHYR_ERROR_ABI, zephyr_check_abi(ZEPHYR_ABI_VERSION + 1));
    CHECK(zephyr_abi_version() == ZEPHYR_ABI_VERSION);
    snprintf(text, sizeof text, "%d.%d.%d", ZEPHYR_VERSION_MAJOR, ZEPHYR_VERSION_MINOR, ZEPHYR_VERSION_PATCH);
    CHECK(strcmp(zephyr_version(), text) == 0);
}

static void texts(void) {
    int32_t status;
    for (status = -1000; status < 1000; status++) {
        CHECK(zephyr_status_text(status) != NULL && zephyr_status_text(status)[0] != '\0');
    }
    CHECK(strcmp(zephyr_status_text(ZEPHYR_OK), zephyr_status_text(ZEPHYR_ERROR_NULL)) != 0);
}

static void last_error(void) {
    char text[256];
    size_t needed = 0, again = 0;
    ANSWERS(ZEPHYR_ERROR_ADDRESS, zephyr_address_canonical("nobody", text, sizeof text, NULL));
    memset(text, 'x', sizeof text);
    ANSWERS(ZEPHYR_ERROR_BUFFER, zephyr_last_error(text, 3, &needed));
    CHECK(text[0] == 'x' && text[2] == 'x');
    OK(zephyr_last_error(text, needed, &again));
    CHECK(needed == again && strlen(text) + 1 == needed && strchr(text, '@') != NULL);
    ANSWERS(ZEPHYR_ERROR_NULL, zephyr_last_error(NULL, 256, NULL));
}

static void a_panic_becomes_a_status(void) {
    char text[256];
    ANSWERS(ZEPHYR_ERROR_PANIC, zephyr_test_panic());
    OK(zephyr_last_error(text, sizeof text, NULL));
    CHECK(strstr(text, "provoked") != NULL);
    /* And nothing is the worse for it. */
    OK(zephyr_check_abi(ZEPHYR_ABI_VERSION));
}

static void addresses(void) {
    static const uint8_t network[32] = {1, 2, 3};
    char text[ZEPHYR_ADDRESS_MAX + 1];
    size_t needed = 0;
    uint32_t mailbox = 1000;
    OK(zephyr_address_canonical(" Alice@Example.ORG", text, sizeof text, &needed));
    CHECK(strcmp(text, "alice@example.org") == 0 && needed == sizeof "alice@example.org");
    OK(zephyr_address_mailbox(text, network, 7, &mailbox));
    CHECK(mailbox < 7);
    ANSWERS(ZEPHYR_ERROR_ARGUMENT, zephyr_address_mailbox(text, network, 0, &mailbox));
}

int main(void) {
    versions();
    texts();
    last_error();
    a_panic_becomes_a_status();
    addresses();
    return 0;
}
