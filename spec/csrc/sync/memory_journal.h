/* A journal in memory that is as durable as a file: what is in the open transaction, what was committed, and what was
 * on the disk are three images. A process that dies leaves the second one, a power cut the third. */
#ifndef APS_SPEC_SYNC_MEMORY_JOURNAL_H
#define APS_SPEC_SYNC_MEMORY_JOURNAL_H

#include "sync/outbox.h"

#define JOURNAL_MAX_ENTRIES 128
#define JOURNAL_MAX_RECORDS 3

enum journal_place { JOURNAL_QUEUED, JOURNAL_DONE, JOURNAL_DEAD, JOURNAL_DISCARDED };

struct journal_entry {
	uint64_t number;
	uint32_t uid; /* of the simulation: numbers of lost entries are given again */
	uint8_t mode, resend, place, outcome, n_records, is_marked;
	uint8_t records[JOURNAL_MAX_RECORDS];
	uint16_t n_attempts, n_counted, n_rounds;
	/* Of the simulation: what the service makes of it, be it taken for another class; the version that it expects.
	 */
	uint8_t nature;
	bool is_retried;
	uint32_t expected;
	uint32_t waits_for, blocked_by; /* numbers */
};

struct journal_image {
	uint32_t n; /* entries, with those that have left the queue */
	uint64_t last_number;
	struct journal_entry entries[JOURNAL_MAX_ENTRIES];
};

struct memory_journal {
	struct aps_outbox_journal base;
	struct journal_image open, committed, synced;
	bool is_open, is_durable;
	size_t n_failing; /* so many reads from now fails one; 0: none */
};

void memory_journal_init(struct memory_journal *journal);
/* Of the open image. */
struct journal_entry *memory_journal_entry(struct memory_journal *journal, uint64_t number);
const struct journal_entry *journal_image_entry(const struct journal_image *image, uint64_t number);
/* Begins a transaction where none is open. The number of the new entry is the next one. */
struct journal_entry *memory_journal_insert(struct memory_journal *journal, const struct journal_entry *entry);
void memory_journal_info(const struct journal_entry *entry, struct aps_outbox_info *info);
/* What an action wants stored. False: it is about an entry that isn't in the queue. */
bool memory_journal_store(struct memory_journal *journal, const struct aps_outbox_action *action);
/* Like an action to bury it, at the application's wish. */
void memory_journal_discard(struct memory_journal *journal, uint64_t number);
void memory_journal_touch(struct memory_journal *journal, bool is_durable);
void memory_journal_commit(struct memory_journal *journal);
void memory_journal_lose(struct memory_journal *journal);
void memory_journal_kill(struct memory_journal *journal);
void memory_journal_cut_power(struct memory_journal *journal);
bool memory_journal_has_queued(const struct memory_journal *journal);

#endif
