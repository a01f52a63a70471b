#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES 65536u

static const char *unfit_kind(mode_t mode)
{
	if (S_ISREG(mode)) return NULL;
	if (S_ISDIR(mode)) return strerror(EISDIR);
	if (S_ISFIFO(mode)) return "it is a pipe, not a file";
	if (S_ISSOCK(mode)) return "it is a socket, not a file";
	return "it is a device, not a file";
}

/* As it is named where settings are turned off: AWS_CONFIG_FILE=/dev/null. */
static bool is_null_device(const struct stat *st)
{
	struct stat null;
	return S_ISCHR(st->st_mode) && stat("/dev/null", &null) == 0 && S_ISCHR(null.st_mode) &&
	       null.st_rdev == st->st_rdev;
}

/* After a stat(2) Linux gives a file's next write a time of its own, which then has to be synced as well
 * (https://docs.kernel.org/filesystems/multigrain-ts.html): a quarter of a commit's time on a fast disk. */
ino_t aps_file_number(const char *path, ino_t unknown)
{
	struct stat found;
#if defined(STATX_INO) && !defined(__ANDROID__) /* which has it since version 11 only */
	struct statx number;
	bool is_found = statx(AT_FDCWD, path, 0, STATX_INO, &number) == 0;
	if (is_found && (number.stx_mask & STATX_INO) != 0) return (ino_t)number.stx_ino;
#endif
	if (stat(path, &found) == 0) return found.st_ino;
	return errno == ENOENT || errno == ENOTDIR ? 0 : unknown;
}

const char *aps_file_unfit(const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0) return strerror(errno);
	const char *kind = unfit_kind(st.st_mode);
	if (kind != NULL) return kind;
	return access(path, R_OK) == 0 ? NULL : strerror(errno);
}

static enum aps_rc fail_errno(int code, struct aps_err *err)
{
	bool is_out = code == EMFILE || code == ENFILE;
	enum aps_rc rc = code == ENOMEM ? APS_E_NOMEM : is_out ? APS_E_SYSTEM : APS_E_USAGE;
	return aps_fail_word(err, rc, is_out ? "descriptors" : NULL, code, "%s", strerror(code));
}

static enum aps_rc too_big(size_t max_bytes, struct aps_err *err)
{
	return max_bytes >= 1u << 20 ? aps_fail(err, APS_E_TOO_BIG, "it is larger than %zu MB", max_bytes >> 20)
	                             : aps_fail(err, APS_E_TOO_BIG, "it is larger than %zu bytes", max_bytes);
}

/* A file may grow while it is read, and those of the kernel tell no size. */
static enum aps_rc read_all(int fd, size_t max_bytes, struct aps_buf *out, struct aps_err *err)
{
	for (size_t n_read = 0;;) {
		char *to = aps_buf_reserve(out, CHUNK_BYTES);
		if (to == NULL) return aps_fail(err, APS_E_NOMEM, "there is no memory to read it");
		ssize_t n = read(fd, to, CHUNK_BYTES);
		if (n == 0) return APS_OK;
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return fail_errno(errno, err);
		n_read += (size_t)n;
		if (n_read > max_bytes) return too_big(max_bytes, err);
		out->n += (size_t)n;
	}
}

enum aps_rc aps_file_read(const char *path, size_t max_bytes, struct aps_buf *out, struct aps_err *err)
{
	struct stat st;
	if (stat(path, &st) != 0) return fail_errno(errno, err);
	if (is_null_device(&st)) return APS_OK;
	const char *kind = unfit_kind(st.st_mode);
	if (kind != NULL) return aps_fail(err, APS_E_USAGE, "%s", kind);
	/* Between the two looks it may have become a pipe: opening one must not wait for its other end. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) return fail_errno(errno, err);
	enum aps_rc rc = APS_OK;
	if (fstat(fd, &st) != 0) {
		rc = fail_errno(errno, err);
	} else if ((kind = unfit_kind(st.st_mode)) != NULL) {
		rc = aps_fail(err, APS_E_USAGE, "%s", kind);
	} else if (st.st_size > 0 && (uintmax_t)st.st_size > max_bytes) {
		rc = too_big(max_bytes, err);
	} else {
		rc = read_all(fd, max_bytes, out, err);
	}
	close(fd);
	return rc;
}

/* Its folder, and the name in it. */
static char *resolve_folder(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	*name = slash != NULL ? slash + 1 : path;
	if (slash == NULL) return realpath(".", NULL);
	if (slash == path) return realpath("/", NULL);
	char *folder = strndup(path, (size_t)(slash - path));
	char *found = folder != NULL ? realpath(folder, NULL) : NULL;
	free(folder);
	return found;
}

enum aps_rc aps_file_resolve(const char *path, struct aps_buf *out, struct aps_err *err)
{
	const char *name = "";
	char *found = realpath(path, NULL);
	if (found == NULL) found = resolve_folder(path, &name);
	aps_buf_add_text(out, found != NULL ? found : path);
	if (found != NULL && name[0] != '\0') {
		if (strcmp(found, "/") != 0) aps_buf_add_text(out, "/");
		aps_buf_add_text(out, name);
	}
	free(found);
	return out->rc == APS_OK ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
}
