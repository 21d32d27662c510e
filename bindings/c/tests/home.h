/* Homes in folders of their own, in a network none of whose servers runs. */
#ifndef HOME_H
#define HOME_H

#include <pthread.h>
#include <unistd.h>

#include "test.h"

#define NETWORK_FILE ZEPHYR_VECTORS "/../../bindings/network.toml"
#define PASSPHRASE "correct horse battery"

/* The text of the network file. */
static inline const char *home_network(void) {
    static char text[8192];
    FILE *file = fopen(NETWORK_FILE, "rb");
    size_t len;
    CHECK(file != NULL);
    len = fread(text, 1, sizeof text - 1, file);
    CHECK(len > 0 && len < sizeof text - 1);
    text[len] = '\0';
    fclose(file);
    return text;
}

/* A new empty folder; its name goes to `dir`, which has room for 64 bytes. */
static inline void home_folder(char *dir) {
    strcpy(dir, "/tmp/zephyr-test-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
}

static inline void home_remove_file(const char *dir, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    unlink(path);
}

/* Removes a folder with a home and what tests put beside it. */
static inline void home_remove(const char *dir) {
    home_remove_file(dir, "zephyr.db");
    home_remove_file(dir, "zephyr.db-wal");
    home_remove_file(dir, "zephyr.db-shm");
    home_remove_file(dir, "lock");
    home_remove_file(dir, "backup");
    CHECK(rmdir(dir) == 0);
}

/* A client of alice@example.org in a new folder. */
static inline zephyr_client *home_create(char *dir) {
    zephyr_client *client = NULL;
    home_folder(dir);
    OK(zephyr_client_create(dir, "alice@example.org", home_network(), &client));
    CHECK(client != NULL);
    return client;
}

/* Closes the client and removes the folder. */
static inline void home_end(zephyr_client *client, const char *dir) {
    OK(zephyr_client_close(client));
    home_remove(dir);
}

/* Something that a callback reports and a test waits for. */
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int count;
} bell;

static inline void bell_init(bell *b) {
    CHECK(pthread_mutex_init(&b->mutex, NULL) == 0);
    CHECK(pthread_cond_init(&b->changed, NULL) == 0);
    b->count = 0;
}

static inline void bell_ring(bell *b) {
    pthread_mutex_lock(&b->mutex);
    b->count++;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->mutex);
}

static inline void bell_wait(bell *b, int count) {
    pthread_mutex_lock(&b->mutex);
    while (b->count < count) {
        pthread_cond_wait(&b->changed, &b->mutex);
    }
    pthread_mutex_unlock(&b->mutex);
}

static inline int bell_count(bell *b) {
    int count;
    pthread_mutex_lock(&b->mutex);
    count = b->count;
    pthread_mutex_unlock(&b->mutex);
    return count;
}

static inline void bell_end(bell *b) {
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->mutex);
}

#endif
