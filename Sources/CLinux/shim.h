// Linux calls that Swift's Glibc module hides, because it is built without _GNU_SOURCE.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

// openat2(2) has no wrapper in glibc 2.36. Returns a descriptor, or -1 with errno set.
static inline int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static inline int clinux_renameat2(int from, const char *old_path, int to, const char *new_path, unsigned flags) {
    return renameat2(from, old_path, to, new_path, flags);
}

static inline int clinux_syncfs(int descriptor) { return syncfs(descriptor); }

static inline ssize_t clinux_fgetxattr(int descriptor, const char *name, void *value, size_t size) {
    return fgetxattr(descriptor, name, value, size);
}

static inline int clinux_fsetxattr(int descriptor, const char *name, const void *value, size_t size, int flags) {
    return fsetxattr(descriptor, name, value, size, flags);
}

static inline int clinux_fremovexattr(int descriptor, const char *name) { return fremovexattr(descriptor, name); }

// 1 keeps this process's memory out of core dumps and away from ptrace by its own user: it holds secret keys.
static inline int clinux_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

static const uint64_t clinux_resolve_beneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
static const unsigned clinux_rename_noreplace = RENAME_NOREPLACE;
static const unsigned clinux_rename_exchange = RENAME_EXCHANGE;
