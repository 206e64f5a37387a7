// Linux calls that Swift's Glibc module hides, because it is built without _GNU_SOURCE. This module is built without it
// too, or its system types would differ from Glibc's: what is hidden is declared here.
#pragma once
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

extern int renameat2(int from, const char *old_path, int to, const char *new_path, unsigned flags);
extern int syncfs(int descriptor);
extern int fallocate(int descriptor, int mode, off_t offset, off_t length);

// openat2(2) has no wrapper in glibc 2.36. Returns a descriptor, or -1 with errno set.
static inline int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

// Whether something is mounted at a name; false where the kernel (before 5.8) does not say.
static inline int clinux_is_mount_root(int directory, const char *name) {
    const int no_follow = 0x100, no_automount = 0x800;
    const uint64_t mount_root = 0x2000;
    struct statx status;
    if (syscall(SYS_statx, directory, name, no_follow | no_automount, 0, &status) != 0) return 0;
    return (status.stx_attributes & status.stx_attributes_mask & mount_root) != 0;
}

static inline int clinux_renameat2(int from, const char *old_path, int to, const char *new_path, unsigned flags) {
    return renameat2(from, old_path, to, new_path, flags);
}

static inline int clinux_fallocate(int descriptor, int mode, off_t offset, off_t length) {
    return fallocate(descriptor, mode, offset, length);
}

static inline int clinux_syncfs(int descriptor) { return syncfs(descriptor); }

static inline ssize_t clinux_fgetxattr(int descriptor, const char *name, void *value, size_t size) {
    return fgetxattr(descriptor, name, value, size);
}

// Creates an attribute; fails with EEXIST where there is one.
static inline int clinux_create_xattr(int descriptor, const char *name, const void *value, size_t size) {
    return fsetxattr(descriptor, name, value, size, XATTR_CREATE);
}

// Keeps this process's memory out of core dumps and away from ptrace by its own user: it holds secret keys.
static inline int clinux_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

static const int clinux_o_path = 010000000;
static const uint64_t clinux_resolve_beneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
static const unsigned clinux_rename_noreplace = 1;
static const unsigned clinux_rename_exchange = 2;
