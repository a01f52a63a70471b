#include "store/aside_note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES 65536 /* of a note; each line is of some ten bytes */

static enum aps_rc fail_memory(struct aps_err *err)
{
	return aps_fail(err, APS_E_NOMEM, "no memory for the name of a damaged store");
}

static bool put_name(const char *path, struct aps_buf *name)
{
	aps_buf_init(name, APS_BUF_ANY_SIZE);
	aps_buf_addf(name, "%s-aside", path);
	return name->rc == APS_OK;
}

/* Not every file system can; then nothing better is to be had. */
static void sync_folder(const char *path)
{
	struct aps_buf name;
	const char *slash = strrchr(path, '/');
	aps_buf_init(&name, APS_BUF_ANY_SIZE);
	if (slash == NULL)
		aps_buf_add_text(&name, ".");
	else
		aps_buf_add(&name, path, slash == path ? 1 : (size_t)(slash - path));
	aps_buf_add_byte(&name, '\0');
	int fd = name.rc == APS_OK ? open(name.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	aps_buf_clear(&name);
}

/* Back to what it was where only a part of the line could be written. */
static int add_line(int fd, const struct aps_buf *line)
{
	struct stat before;
	if (fstat(fd, &before) != 0) return errno;
	ssize_t n = write(fd, line->p, line->n);
	int code = n == (ssize_t)line->n ? 0 : n < 0 ? errno : ENOSPC;
	if (code == 0 && fsync(fd) != 0) code = errno;
	if (code != 0) (void)!ftruncate(fd, before.st_size);
	return code;
}

int aps_aside_note_add(const char *path, const char *ending)
{
	struct aps_buf name, line;
	aps_buf_init(&line, APS_BUF_ANY_SIZE);
	aps_buf_addf(&line, "%s\n", ending);
	int code = put_name(path, &name) && line.rc == APS_OK ? 0 : ENOMEM;
	int fd = code == 0 ? open(name.p, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (code == 0) code = fd >= 0 ? add_line(fd, &line) : errno;
	if (fd >= 0) close(fd);
	if (code == 0) sync_folder(path);
	aps_buf_clear(&line);
	aps_buf_clear(&name);
	return code;
}

void aps_aside_note_take_back(const char *path, const char *ending)
{
	struct aps_buf name;
	struct stat now;
	if (put_name(path, &name) && stat(name.p, &now) == 0) {
		off_t n = now.st_size - (off_t)strlen(ending) - 1;
		if (n <= 0)
			(void)unlink(name.p);
		else
			(void)!truncate(name.p, n);
	}
	aps_buf_clear(&name);
}

static enum aps_rc fail_file(int code, struct aps_err *err)
{
	return aps_fail_word(err, APS_E_STORAGE, code == EROFS || code == EACCES || code == EPERM ? "readonly" : NULL,
	                     code, "the note of what is to be saved from a damaged store can't be used (%s)",
	                     strerror(code));
}

static enum aps_rc read_lines(int fd, struct aps_buf *endings, struct aps_err *err)
{
	char *room = aps_buf_reserve(endings, MAX_BYTES);
	ssize_t n = room != NULL ? read(fd, room, MAX_BYTES) : 0;
	if (room == NULL) return fail_memory(err);
	if (n < 0) return fail_file(errno, err);
	while (n > 0 && room[n - 1] != '\n') n--; /* the power went while it was written: nothing was moved then */
	for (ssize_t i = 0; i < n; i++)
		if (room[i] == '\n') room[i] = '\0';
	endings->n += (size_t)n;
	return APS_OK;
}

enum aps_rc aps_aside_note_read(const char *path, struct aps_buf *endings, struct aps_err *err)
{
	struct aps_buf name;
	enum aps_rc rc = put_name(path, &name) ? APS_OK : fail_memory(err);
	int fd = rc == APS_OK ? open(name.p, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		rc = read_lines(fd, endings, err);
		close(fd);
	} else if (rc == APS_OK && errno != ENOENT) {
		rc = fail_file(errno, err);
	}
	aps_buf_clear(&name);
	return rc;
}

enum aps_rc aps_aside_note_remove(const char *path, struct aps_err *err)
{
	struct aps_buf name;
	enum aps_rc rc = put_name(path, &name) ? APS_OK : fail_memory(err);
	if (rc == APS_OK && unlink(name.p) != 0 && errno != ENOENT) rc = fail_file(errno, err);
	if (rc == APS_OK) sync_folder(path);
	aps_buf_clear(&name);
	return rc;
}
