#include "client/sync_overtaken.h"

#include "cache/scalar.h"
#include "sync/record_order.h"

/* The JSON text of a field; nothing: it isn't there, or null. */
static void put_field(const struct aps_partition *partition, struct aps_str content, struct aps_str field,
                      struct aps_buf *out)
{
	struct aps_cell value;
	struct aps_json_writer w;
	uint32_t name = aps_names_find(&partition->cache.names, field);
	if (name == 0 || !aps_cell_find_field(content, name, &value) || value.tag == APS_CELL_NULL) return;
	aps_json_writer_init(&w, out);
	(void)aps_scalar_write(&w, &value);
	if (aps_json_writer_finish(&w) != APS_OK) out->rc = APS_E_NOMEM;
}

/* As a version's place in a list of them. */
static enum aps_rc compare(const struct aps_sync_run *run, struct aps_str now, struct aps_str before,
                           enum aps_record_order *order, struct aps_err *err)
{
	struct aps_str field = run->settings->parts[APS_SYNC_PART_BASE].names.version_field;
	struct aps_buf a, b;
	aps_buf_init(&a, APS_BUF_ANY_SIZE);
	aps_buf_init(&b, APS_BUF_ANY_SIZE);
	put_field(run->partition, now, field, &a);
	put_field(run->partition, before, field, &b);
	enum aps_rc rc = a.rc == APS_OK && b.rc == APS_OK ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
	*order = rc == APS_OK ? aps_record_order(aps_buf_str(&a), aps_buf_str(&b)) : APS_RECORD_UNORDERED;
	aps_buf_clear(&a);
	aps_buf_clear(&b);
	return rc;
}

/* The numbers of records that were newer. */
static enum aps_rc find_older(const struct aps_sync_run *run, struct aps_buf *indexes, struct aps_err *err)
{
	const struct aps_cache_write *write = &run->partition->write;
	for (size_t i = 0; i < aps_write_n_entries(write); i++) {
		const struct aps_entry *entry = aps_write_entry_at(write, i);
		struct aps_str before = aps_write_before(write, i);
		enum aps_record_order order;
		if (entry->n_key_bytes == 0 || entry->key[0] != 'R' || before.n == 0 || entry->content == NULL)
			continue;
		if (compare(run, aps_entry_content(entry), before, &order, err) != APS_OK) return err->code;
		if (order == APS_RECORD_OLDER) aps_buf_add(indexes, &i, sizeof i);
	}
	return indexes->rc == APS_OK ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
}

/* What the sync knows of its list, or comes to know. Not of a list that the write has changed: that may yet come to
 * nothing. */
static struct aps_synced_list *known_list(struct aps_sync_run *run, struct aps_synced_list *other)
{
	struct aps_cache_write *write = &run->partition->write;
	struct aps_cell value;
	if (!aps_list_place_find(write, &run->place, &value) || value.tag != APS_CELL_LONG_LIST) return other;
	const struct aps_entry *entry = aps_entries_peek(&write->cache->entries, value.as.entry);
	if (entry == NULL || entry->is_in_write) return other;
	aps_followers_take_list(run->partition->followers, write, &run->place, &run->shown);
	return &run->shown;
}

static enum aps_rc restore_members(struct aps_sync_run *run, const struct aps_buf *indexes, struct aps_err *err)
{
	struct aps_cache_write *write = &run->partition->write;
	const size_t *all = (const size_t *)(const void *)indexes->p;
	struct aps_synced_list other = {.is_known = false}, *list = known_list(run, &other);
	bool is_there;
	enum aps_rc rc = aps_synced_list_load(write, &run->place, list, &is_there, err);
	for (size_t i = 0; rc == APS_OK && is_there && i < indexes->n / sizeof *all; i++) {
		uint64_t number = aps_write_entry_at(write, all[i])->number;
		if (!aps_number_set_has(&list->members, number)) continue;
		struct aps_entry *entry = aps_write_at(write, number);
		if (entry != NULL) aps_write_set(write, entry, aps_write_before(write, all[i]));
	}
	aps_synced_list_clear(&other);
	return rc;
}

enum aps_rc aps_sync_overtaken_restore(struct aps_sync_run *run, struct aps_err *err)
{
	struct aps_buf indexes;
	if (run->place.field.n == 0 || run->settings->parts[APS_SYNC_PART_BASE].names.version_field.n == 0)
		return APS_OK;
	aps_buf_init(&indexes, APS_BUF_ANY_SIZE);
	enum aps_rc rc = find_older(run, &indexes, err);
	if (rc == APS_OK && indexes.n != 0) rc = restore_members(run, &indexes, err);
	aps_buf_clear(&indexes);
	return rc;
}
