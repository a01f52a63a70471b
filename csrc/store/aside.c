#include "store/aside.h"

#include "store/aside_note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_OF_A_SECOND 1000

static bool is_there(const char *path)
{
	struct stat found;
	return lstat(path, &found) == 0;
}

/* errno, 0: it was renamed. Never over another file; where the file system can't promise that, we have just looked. */
static int rename_once(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
	if (errno != EINVAL && errno != ENOSYS) return errno;
	if (is_there(to)) return EEXIST;
	return rename(from, to) == 0 ? 0 : errno;
}

static void add_time(struct aps_buf *name, int64_t now_s)
{
	time_t now = (time_t)now_s;
	struct tm utc;
	char text[32];
	if (gmtime_r(&now, &utc) == NULL || strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc) == 0)
		snprintf(text, sizeof text, "%lld", (long long)now_s);
	aps_buf_add_text(name, text);
}

/* A log that is left without its file would be taken for that of the next one: it goes first. What is stopped in
 * between leaves a damaged file, which is found once more. */
static int move_both(const char *path, struct aps_buf *from, struct aps_buf *to)
{
	static const char LOG[] = "-wal", SHARED[] = "-shm";
	size_t n_from = from->n, n_to = to->n;
	aps_buf_add_text(from, LOG);
	aps_buf_add_text(to, LOG);
	if (from->rc != APS_OK || to->rc != APS_OK) return ENOMEM;
	int code = is_there(from->p) ? rename_once(from->p, to->p) : is_there(to->p) ? EEXIST : 0;
	if (code != 0) return code;
	to->p[n_to] = '\0';
	code = rename_once(path, to->p);
	if (code != 0) { /* they stay together */
		to->p[n_to] = LOG[0];
		(void)rename_once(to->p, from->p);
		return code;
	}
	to->n = n_to;
	from->n = n_from;
	aps_buf_add_text(from, SHARED); /* an index of the log, which SQLite makes anew */
	if (from->rc == APS_OK) unlink(from->p);
	return 0;
}

/* What is stopped in between is found by the note. */
static int move_noted(const char *path, struct aps_buf *from, struct aps_buf *to, size_t at)
{
	size_t n_to = to->n, n_path = strlen(path);
	if (is_there(to->p)) return EEXIST;
	int code = aps_aside_note_add(path, to->p + at + n_path);
	if (code != 0) return code;
	code = move_both(path, from, to);
	if (code == 0) return 0;
	to->n = n_to;
	to->p[n_to] = '\0';
	aps_aside_note_take_back(path, to->p + at + n_path);
	return code;
}

static enum aps_rc fail(int code, struct aps_err *err)
{
	bool is_readonly = code == EROFS || code == EACCES || code == EPERM;
	const char *word = is_readonly ? "readonly" : code == ENOSPC || code == EDQUOT ? "full" : NULL;
	if (code == ENOMEM) return aps_fail(err, APS_E_NOMEM, "out of memory");
	return aps_fail_word(err, APS_E_STORAGE, word, code, "the damaged store can't be moved out of the way (%s)",
	                     strerror(code));
}

enum aps_rc aps_aside_move(const char *path, int64_t now_s, struct aps_buf *name, struct aps_err *err)
{
	struct aps_buf from;
	int code = EEXIST;
	size_t at = name->n;
	aps_buf_init(&from, APS_BUF_ANY_SIZE);
	for (int i = 1; code == EEXIST && i <= MAX_OF_A_SECOND; i++) {
		aps_buf_reset(&from);
		aps_buf_add_text(&from, path);
		name->n = at;
		aps_buf_add_text(name, path);
		aps_buf_add_text(name, ".damaged-");
		add_time(name, now_s);
		if (i > 1) aps_buf_addf(name, "-%d", i);
		code = name->rc == APS_OK && from.rc == APS_OK ? move_noted(path, &from, name, at) : ENOMEM;
	}
	aps_buf_clear(&from);
	return code == 0 ? APS_OK : fail(code, err);
}

void aps_aside_undo_half(const char *path, const char *ending)
{
	struct aps_buf moved, log;
	aps_buf_init(&moved, APS_BUF_ANY_SIZE);
	aps_buf_init(&log, APS_BUF_ANY_SIZE);
	aps_buf_addf(&moved, "%s%s", path, ending);
	aps_buf_addf(&log, "%s-wal", path);
	bool is_half = moved.rc == APS_OK && log.rc == APS_OK && is_there(path) && !is_there(moved.p);
	aps_buf_add_text(&moved, "-wal");
	if (is_half && moved.rc == APS_OK && is_there(moved.p)) (void)rename_once(moved.p, log.p);
	aps_buf_clear(&log);
	aps_buf_clear(&moved);
}
