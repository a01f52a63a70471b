/* SQLite's default VFS over "unix", with the faults of a disk: loss of power (lost_power.h), syncs that take their
 * time, a full disk, one that is read-only all at once, operations that fail. https://www.sqlite.org/vfs.html In a test
 * in C by these calls; spec/support/faulty_vfs.lua has a whole program run on it. -shm files stay as they are: they are
 * made anew after a crash. Temporary files and databases in memory are left alone. */
#ifndef APS_SPEC_FAULTY_VFS_H
#define APS_SPEC_FAULTY_VFS_H

#include <stdbool.h>
#include <stdint.h>

/* The status of a process that lost its power. */
#define FAULTY_VFS_STATUS 75

struct faulty_vfs_counts {
	int64_t operations; /* writes, truncations, syncs, removals of files, files made */
	int64_t syncs, reads;
	int64_t failures; /* operations and reads that were refused */
};

/* Becomes the default. Twice is once. */
void faulty_vfs_install(void);
/* NAME=VALUE, with a space or a comma between two; what isn't named stays. False: a word that there isn't, or a wrong
 * value. Numbers of operations count from the next one, which is 1; "off" ends a fault.
 *   crash=K       instead of the K-th operation the power goes, of which a write is still under way; "signal": when
 *                 SIGUSR2 comes, "now": at once
 *   seed=N        what of the writes that weren't synchronised is on the disk
 *   slow=MS       a sync takes that long
 *   hold=N        syncs wait until they are let through: N of them are, no more
 *   full=BYTES    files grow by that much, then the disk is full
 *   readonly=K    from the K-th operation on nothing can be written
 *   error=K       the K-th operation fails; errors=N: so many from there
 *   unreadable=K  the K-th read fails
 *   of=TEXT       all of this, and the counts, only for files whose path ends so ("-wal"); power goes for all */
bool faulty_vfs_set(const char *settings);
struct faulty_vfs_counts faulty_vfs_counts(void);
/* Never returns. */
_Noreturn void faulty_vfs_lose_power(void);

#endif
