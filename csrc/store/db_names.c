#include "store/db_names.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whoever has a database with a log open has a lock on one of these bytes (https://www.sqlite.org/fileformat.html,
 * section 1.4). */
#define FIRST_LOCK_BYTE 0x40000000
#define N_LOCK_BYTES    512

bool aps_db_is_open_by_name(const char *path, long *pid)
{
	struct flock found = {
	        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = FIRST_LOCK_BYTE, .l_len = N_LOCK_BYTES};
	struct stat info;
	if (stat(path, &info) != 0 || info.st_nlink < 2) return false;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) return false;
	bool is_open = fcntl(fd, F_GETLK, &found) == 0 && found.l_type != F_UNLCK;
	close(fd);
	*pid = is_open ? (long)found.l_pid : 0;
	return is_open;
}
