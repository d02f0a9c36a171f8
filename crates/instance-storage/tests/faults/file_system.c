// A file system that is not like the one of the machine that tests: preloaded into a program, it refuses what a network file
// system refuses, or says that it is one.
//
// FAULT_NO_SHARED_MEMORY: the memory of SQLite's write-ahead log (a file whose name ends with "-shm") cannot be shared, as
// where a file system has no coherent maps.
// FAULT_FILE_SYSTEM: the number that statfs(2) tells as the kind of every file system.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

static int is_refused(int flags, int file) {
    if (file < 0 || !(flags & MAP_SHARED) || !getenv("FAULT_NO_SHARED_MEMORY")) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    return length >= 4 && memcmp(path + length - 4, "-shm", 4) == 0;
}

void *mmap(void *address, size_t length, int rights, int flags, int file, off_t at) {
    static void *(*real)(void *, size_t, int, int, int, off_t);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "mmap");
    if (is_refused(flags, file)) {
        errno = ENODEV;
        return MAP_FAILED;
    }
    return real(address, length, rights, flags, file, at);
}

void *mmap64(void *address, size_t length, int rights, int flags, int file, off_t at) {
    return mmap(address, length, rights, flags, file, at);
}

int statfs64(const char *path, struct statfs64 *found) {
    static int (*real)(const char *, struct statfs64 *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "statfs64");
    int result = real(path, found);
    const char *number = getenv("FAULT_FILE_SYSTEM");
    if (result == 0 && number) found->f_type = strtoul(number, NULL, 0);
    return result;
}

int statfs(const char *path, struct statfs *found) {
    return statfs64(path, (struct statfs64 *)found);
}
