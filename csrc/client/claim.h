/* How a process has a store, among others: locks on bytes of its lock file, which end with the process in whatever way
 * (fcntl(2), "Advisory record locking").
 *
 *   lead    held for writing by the one process that sends what is queued, syncs and tidies
 *   gate    held for reading by all who use the store, for writing by one who has it alone: who makes it, brings it up
 *           to date, sets it aside, or keeps in memory what lies over it
 *   call    held for writing by one who wants it alone: the others let go of it, and none comes
 *   slots   one of them for each process: whoever finds its number somewhere knows whether that process lives, and
 * still has the store. It is drawn at random, so that none that comes after it has the same one outbox  one of them for
 * each identity: held for writing by the one process that sends what that has queued
 *
 * A process that was forked from one that had the store has it alone or not at all: SQLite's own locks are those of its
 * parent. @thread any, one at a time */
#ifndef APS_CLIENT_CLAIM_H
#define APS_CLIENT_CLAIM_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define APS_CLAIM_MAX_SLOT 0x20000000

struct aps_claim {
	int fd;        /* of the lock file; -1: nothing is held */
	bool is_alone; /* else others may have the store as well */
	bool leads;
	bool is_inherited; /* the parent had it */
	int wanted;        /* the slot that it takes, where that is free; else one behind it */
	int slot;          /* from 1 on; 0: nothing is held */
	bool shows;        /* the system tells that the slot is held */
};

APS_BEGIN_DECLS

/* All of it, or nothing changes: E_STORAGE "locked", by whom, or for whom, is in the message, or what the system says.
 * One who has it with others has it alone then. */
enum aps_rc aps_claim_alone(struct aps_claim *claim, struct aps_err *err);
/* With others, whom one who has it alone lets in; the lead is taken where it is free. Errors as above. */
enum aps_rc aps_claim_share(struct aps_claim *claim, struct aps_err *err);
/* Takes the lead where it is free. */
bool aps_claim_lead(struct aps_claim *claim);
/* Others have the store at this moment. */
bool aps_claim_has_others(const struct aps_claim *claim);
/* Somebody else wants it alone. */
bool aps_claim_is_called(const struct aps_claim *claim);
/* The others are to let go of it, until they are not. Somebody else may have called before. */
void aps_claim_call(const struct aps_claim *claim, bool is_on);
/* Takes the outbox of an identity, by a hash of that, where it is free; until it is left, or nothing is held. Twice is
 * legal. */
bool aps_claim_outbox(const struct aps_claim *claim, uint64_t identity);
void aps_claim_leave_outbox(const struct aps_claim *claim, uint64_t identity);
/* No process has this slot, this one least of all. */
bool aps_claim_is_free(const struct aps_claim *claim, int slot);
/* Its lock file isn't the one at this path any more: whoever comes finds another one, and nothing of this claim. */
bool aps_claim_is_moved(const struct aps_claim *claim, const char *path);
/* Somewhere else this process has opened the lock file and closed it again, as a program does that copies it: with that
 * all of its locks were dropped (fcntl(2), "Advisory record locking"). Where the system doesn't tell, it is never
 * known.
 */
bool aps_claim_is_dropped(const struct aps_claim *claim);
/* The slots that other processes have are added to `slots`, int, in any order. */
void aps_claim_list(const struct aps_claim *claim, struct aps_buf *slots);
/* E_STORAGE "locked": who has the lead. */
enum aps_rc aps_claim_fail_led(const struct aps_claim *claim, struct aps_err *err);
/* Likewise: who has that outbox. */
enum aps_rc aps_claim_fail_outbox(const struct aps_claim *claim, uint64_t identity, struct aps_err *err);

APS_END_DECLS

#endif
