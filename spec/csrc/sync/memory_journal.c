#include "sync/memory_journal.h"

#include <string.h>

static void copy_image(struct journal_image *to, const struct journal_image *from)
{
	to->n = from->n;
	to->last_number = from->last_number;
	memcpy(to->entries, from->entries, from->n * sizeof *from->entries);
}

const struct journal_entry *journal_image_entry(const struct journal_image *image, uint64_t number)
{
	for (uint32_t i = 0; i < image->n; i++)
		if (image->entries[i].number == number) return &image->entries[i];
	return NULL;
}

struct journal_entry *memory_journal_entry(struct memory_journal *journal, uint64_t number)
{
	for (uint32_t i = 0; i < journal->open.n; i++)
		if (journal->open.entries[i].number == number) return &journal->open.entries[i];
	return NULL;
}

void memory_journal_info(const struct journal_entry *entry, struct aps_outbox_info *info)
{
	info->number = entry->number;
	info->mode = entry->mode;
	info->resend = (enum aps_resend)entry->resend;
	info->is_marked = entry->is_marked;
	info->n_attempts = entry->n_attempts;
	info->n_counted = entry->n_counted;
	info->n_rounds = entry->n_rounds;
	info->waits_for = entry->waits_for;
	info->blocked_by = entry->blocked_by;
	for (unsigned i = 0; i < entry->n_records; i++) {
		uint64_t record = entry->records[i];
		aps_buf_add(&info->records, &record, sizeof record);
	}
}

static enum aps_rc answer(const struct journal_entry *entry, struct aps_outbox_info *info, struct aps_err *err)
{
	memory_journal_info(entry, info);
	if (info->records.rc == APS_OK) return APS_OK;
	return aps_fail(err, APS_E_NOMEM, "no memory for the journal's answer");
}

static bool fails(struct memory_journal *journal)
{
	return journal->n_failing != 0 && --journal->n_failing == 0;
}

static enum aps_rc next(struct aps_outbox_journal *base, unsigned modes, uint64_t after, struct aps_outbox_info *info,
                        struct aps_err *err)
{
	struct memory_journal *journal = (struct memory_journal *)base;
	if (fails(journal)) return aps_fail(err, APS_E_STORAGE, "the journal can't be read");
	for (uint32_t i = 0; i < journal->open.n; i++) {
		const struct journal_entry *entry = &journal->open.entries[i];
		if (entry->number <= after || entry->place != JOURNAL_QUEUED || (modes >> entry->mode & 1u) == 0)
			continue;
		return answer(entry, info, err);
	}
	return APS_OK;
}

static enum aps_rc find(struct aps_outbox_journal *base, uint64_t number, struct aps_outbox_info *info,
                        struct aps_err *err)
{
	struct memory_journal *journal = (struct memory_journal *)base;
	if (fails(journal)) return aps_fail(err, APS_E_STORAGE, "the journal can't be read");
	const struct journal_entry *entry = journal_image_entry(&journal->open, number);
	if (entry == NULL || entry->place != JOURNAL_QUEUED) return APS_OK;
	return answer(entry, info, err);
}

void memory_journal_init(struct memory_journal *journal)
{
	journal->base = (struct aps_outbox_journal){.next = next, .find = find};
	journal->open.n = journal->committed.n = journal->synced.n = 0;
	journal->open.last_number = journal->committed.last_number = journal->synced.last_number = 0;
	journal->is_open = journal->is_durable = false;
	journal->n_failing = 0;
}

void memory_journal_touch(struct memory_journal *journal, bool is_durable)
{
	journal->is_open = true;
	journal->is_durable = journal->is_durable || is_durable;
}

struct journal_entry *memory_journal_insert(struct memory_journal *journal, const struct journal_entry *entry)
{
	if (journal->open.n == JOURNAL_MAX_ENTRIES) return NULL;
	memory_journal_touch(journal, true);
	struct journal_entry *inserted = &journal->open.entries[journal->open.n++];
	*inserted = *entry;
	inserted->number = ++journal->open.last_number;
	return inserted;
}

/* What waited for it can be sent, or never will be. */
static void settle_dependents(struct memory_journal *journal, uint64_t number, bool is_made)
{
	for (uint32_t i = 0; i < journal->open.n; i++) {
		struct journal_entry *entry = &journal->open.entries[i];
		if (entry->waits_for != number) continue;
		entry->waits_for = 0;
		if (!is_made) entry->blocked_by = (uint32_t)number;
	}
}

static void leave(struct memory_journal *journal, struct journal_entry *entry, enum journal_place place,
                  enum aps_delivery_outcome outcome)
{
	entry->place = (uint8_t)place;
	entry->outcome = (uint8_t)outcome;
	settle_dependents(journal, entry->number, place == JOURNAL_DONE);
}

void memory_journal_discard(struct memory_journal *journal, uint64_t number)
{
	struct journal_entry *entry = memory_journal_entry(journal, number);
	memory_journal_touch(journal, true);
	leave(journal, entry, JOURNAL_DISCARDED, APS_DELIVERY_ENDED_NONE);
}

bool memory_journal_store(struct memory_journal *journal, const struct aps_outbox_action *action)
{
	if (action->store == APS_DELIVERY_STORE_NOTHING) return true;
	struct journal_entry *entry = memory_journal_entry(journal, action->number);
	memory_journal_touch(journal, aps_delivery_is_durable(action->store));
	if (entry == NULL || entry->place != JOURNAL_QUEUED) return false;
	switch (action->store) {
	case APS_DELIVERY_STORE_MARK:
	case APS_DELIVERY_STORE_REWRITE: entry->is_marked = true; break;
	case APS_DELIVERY_STORE_UNMARK: entry->is_marked = false; break;
	case APS_DELIVERY_STORE_FINISH: leave(journal, entry, JOURNAL_DONE, action->outcome); break;
	case APS_DELIVERY_STORE_BURY: leave(journal, entry, JOURNAL_DEAD, action->outcome); break;
	default: break;
	}
	entry->n_attempts = (uint16_t)action->n_attempts;
	entry->n_counted = (uint16_t)action->n_counted;
	entry->n_rounds = (uint16_t)action->n_rounds;
	return true;
}

void memory_journal_commit(struct memory_journal *journal)
{
	copy_image(&journal->committed, &journal->open);
	if (journal->is_durable) copy_image(&journal->synced, &journal->open);
	journal->is_open = journal->is_durable = false;
}

void memory_journal_lose(struct memory_journal *journal)
{
	copy_image(&journal->open, &journal->committed);
	journal->is_open = journal->is_durable = false;
}

void memory_journal_kill(struct memory_journal *journal)
{
	memory_journal_lose(journal);
}

void memory_journal_cut_power(struct memory_journal *journal)
{
	copy_image(&journal->committed, &journal->synced);
	memory_journal_lose(journal);
}

bool memory_journal_has_queued(const struct memory_journal *journal)
{
	for (uint32_t i = 0; i < journal->open.n; i++)
		if (journal->open.entries[i].place == JOURNAL_QUEUED) return true;
	return false;
}
