/* The folder with all that outlives the program. */
#ifndef HOME_H
#define HOME_H

#include <dirent.h>

#include "util.h"

struct home {
    char *path;
};

/* Opens the folder, which is made if it isn't there. */
void home_open(struct home *home, const char *path);
void home_close(struct home *home);

/* Reads a file; `len` is 0 and the result NULL if there is none. Free it. */
uint8_t *home_read(const struct home *home, const char *name, size_t *len);

/* Writes a file: after a crash it has the old contents or the new ones. */
void home_write(const struct home *home, const char *name, const void *data, size_t len);

/* The folder, to be listed. */
DIR *home_list(const struct home *home);

#endif
