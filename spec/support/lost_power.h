/* What a disk holds when the power goes: of each file, which changes have not been synchronised. The files themselves
 * are written at once, as into the system's page cache: a process that is killed loses nothing. A loss of power takes
 * each file back to what was synchronised, applies a random part of what came later, and ends the process. Of
 * https://www.sqlite.org/atomiccommit.html, section 2, it assumes the worst: writes reach the disk in any order, a
 * write is torn at sectors, a file's length and its bytes are apart, a name that was made or removed is settled when
 * its folder is synchronised only. A sector that wasn't written is never damaged (section 2, "powersafe overwrite"). Of
 * the files that other programs write it knows nothing. Not safe for threads: whoever calls has a lock. */
#ifndef APS_SPEC_LOST_POWER_H
#define APS_SPEC_LOST_POWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOST_POWER_SECTOR 512

struct disk_file;

/* The file that is at this path now. `is_new`: its name isn't settled yet. NULL: there is none. It is valid until the
 * process ends, and keeps a descriptor: closing one would drop the locks that SQLite has on the file (fcntl(2)). */
struct disk_file *disk_open(const char *path, bool is_new);
/* These come before the change itself is made. */
void disk_write(struct disk_file *file, int64_t at, const void *bytes, size_t n);
void disk_truncate(struct disk_file *file, int64_t size);
void disk_remove(const char *path);
/* These come after it. */
void disk_sync(struct disk_file *file);
void disk_sync_folder(const char *path_in_it);
/* Takes the files back; then they are what the disk would have. For tests of this file: disk_lose_power() does it. */
void disk_settle(uint64_t seed);
/* Never returns. */
_Noreturn void disk_lose_power(uint64_t seed, int status);

#endif
