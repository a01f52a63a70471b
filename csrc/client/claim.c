#include "client/claim.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define LEAD       0
#define GATE       1
#define CALL       2
#define FIRST_SLOT 64 /* slot 1 is the byte behind it */
#define N_TRIES    4096
/* Outboxes are the bytes behind all slots. */
#define FIRST_OUTBOX ((off_t)0x40000000)
#define N_OUTBOXES   (sizeof(off_t) > 4 ? UINT64_C(1) << 61 : UINT64_C(0x3FFFFFFF))

static int set_lock(int fd, int type, off_t at, off_t n)
{
	struct flock wanted = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = at, .l_len = n};
	return fcntl(fd, F_SETLK, &wanted) == 0 ? 0 : errno;
}

/* Somebody else has a lock in the way of this one. *pid: 0, it isn't known who. */
static bool is_held(int fd, int type, off_t at, off_t n, long *pid)
{
	struct flock wanted = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = at, .l_len = n};
	bool is_known = fcntl(fd, F_GETLK, &wanted) == 0;
	*pid = is_known && wanted.l_type != F_UNLCK && wanted.l_pid > 0 ? (long)wanted.l_pid : 0;
	return is_known && wanted.l_type != F_UNLCK;
}

static enum aps_rc fail_held(int fd, off_t at, off_t n, struct aps_err *err)
{
	long pid;
	if (is_held(fd, F_WRLCK, at, n, &pid) && pid != 0)
		return aps_fail_word(err, APS_E_STORAGE, "locked", 0, "another process (%ld) has it open", pid);
	return aps_fail_word(err, APS_E_STORAGE, "locked", 0, "another process has it open");
}

static enum aps_rc fail(int fd, int code, struct aps_err *err)
{
	if (code == EACCES || code == EAGAIN) return fail_held(fd, LEAD, GATE - LEAD + 1, err);
	return aps_fail_word(err, APS_E_STORAGE, NULL, code, "its lock file can't be locked (%s)", strerror(code));
}

enum aps_rc aps_claim_fail_led(const struct aps_claim *claim, struct aps_err *err)
{
	return fail_held(claim->fd, LEAD, 1, err);
}

/* As if another process asked (fcntl(2), "Open file description locks"). */
static bool shows_slot(const struct aps_claim *claim)
{
#ifdef F_OFD_GETLK
	struct flock wanted = {
	        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = FIRST_SLOT + claim->slot, .l_len = 1};
	return fcntl(claim->fd, F_OFD_GETLK, &wanted) != 0 || wanted.l_type != F_UNLCK;
#else
	return claim->slot == 0;
#endif
}

/* Without one it is as if there were no other process. One that was taken before isn't taken again: whether it has been
 * dropped since is to be noticed. */
static void take_slot(struct aps_claim *claim)
{
	if (claim->slot != 0) return;
	int slot = claim->wanted > 0 && claim->wanted < APS_CLAIM_MAX_SLOT ? claim->wanted : 1;
	for (int n = 0; claim->slot == 0 && n < N_TRIES; n++, slot = slot % APS_CLAIM_MAX_SLOT + 1)
		if (set_lock(claim->fd, F_WRLCK, FIRST_SLOT + slot, 1) == 0) claim->slot = slot;
	claim->shows = claim->slot != 0 && shows_slot(claim);
}

static off_t outbox_at(uint64_t identity)
{
	return FIRST_OUTBOX + (off_t)(identity % N_OUTBOXES);
}

bool aps_claim_outbox(const struct aps_claim *claim, uint64_t identity)
{
	return claim->fd >= 0 && set_lock(claim->fd, F_WRLCK, outbox_at(identity), 1) == 0;
}

void aps_claim_leave_outbox(const struct aps_claim *claim, uint64_t identity)
{
	if (claim->fd >= 0) (void)set_lock(claim->fd, F_UNLCK, outbox_at(identity), 1);
}

enum aps_rc aps_claim_fail_outbox(const struct aps_claim *claim, uint64_t identity, struct aps_err *err)
{
	return fail_held(claim->fd, outbox_at(identity), 1, err);
}

bool aps_claim_is_called(const struct aps_claim *claim)
{
	long pid;
	return is_held(claim->fd, F_WRLCK, CALL, 1, &pid);
}

enum aps_rc aps_claim_alone(struct aps_claim *claim, struct aps_err *err)
{
	if (aps_claim_is_called(claim)) return fail_held(claim->fd, CALL, 1, err);
	int code = set_lock(claim->fd, F_WRLCK, LEAD, GATE - LEAD + 1);
	if (code != 0) return fail(claim->fd, code, err);
	claim->is_alone = claim->leads = true;
	take_slot(claim);
	return APS_OK;
}

bool aps_claim_lead(struct aps_claim *claim)
{
	if (!claim->leads) claim->leads = set_lock(claim->fd, F_WRLCK, LEAD, 1) == 0;
	return claim->leads;
}

void aps_claim_call(const struct aps_claim *claim, bool is_on)
{
	(void)set_lock(claim->fd, is_on ? F_WRLCK : F_UNLCK, CALL, 1);
}

/* Whoever calls has called before it looks whether others are there: one of both sees the other. */
enum aps_rc aps_claim_share(struct aps_claim *claim, struct aps_err *err)
{
	if (claim->is_inherited) return fail_held(claim->fd, LEAD, GATE - LEAD + 1, err);
	int code = set_lock(claim->fd, F_RDLCK, GATE, 1);
	if (code == 0 && !claim->is_alone && aps_claim_is_called(claim)) {
		(void)set_lock(claim->fd, F_UNLCK, GATE, 1);
		return fail_held(claim->fd, CALL, 1, err);
	}
	if (code != 0) return fail(claim->fd, code, err);
	claim->is_alone = false;
	take_slot(claim);
	(void)aps_claim_lead(claim);
	return APS_OK;
}

bool aps_claim_has_others(const struct aps_claim *claim)
{
	long pid;
	return is_held(claim->fd, F_WRLCK, GATE, 1, &pid);
}

/* The system tells of any one lock in a range. */
static void list_slots(int fd, off_t first, off_t last, struct aps_buf *slots)
{
	while (first <= last) {
		struct flock found = {
		        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = last - first + 1};
		if (fcntl(fd, F_GETLK, &found) != 0 || found.l_type == F_UNLCK) return;
		if (found.l_start < first || found.l_start > last || found.l_len != 1) return; /* no slot */
		int slot = (int)(found.l_start - FIRST_SLOT);
		aps_buf_add(slots, &slot, sizeof slot);
		list_slots(fd, first, found.l_start - 1, slots);
		first = found.l_start + 1;
	}
}

void aps_claim_list(const struct aps_claim *claim, struct aps_buf *slots)
{
	if (claim->fd >= 0) list_slots(claim->fd, FIRST_SLOT + 1, FIRST_SLOT + APS_CLAIM_MAX_SLOT, slots);
}

bool aps_claim_is_free(const struct aps_claim *claim, int slot)
{
	long pid;
	return slot != claim->slot && !is_held(claim->fd, F_WRLCK, FIRST_SLOT + slot, 1, &pid);
}

/* Its number in the file system can't be another file's as long as this one is open. */
bool aps_claim_is_moved(const struct aps_claim *claim, const char *path)
{
	struct stat own;
	if (claim->fd < 0 || fstat(claim->fd, &own) != 0) return false;
	return aps_file_number(path, own.st_ino) != own.st_ino;
}

bool aps_claim_is_dropped(const struct aps_claim *claim)
{
	return claim->shows && !shows_slot(claim);
}
