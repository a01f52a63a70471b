#include "client/sync_gone.h"

#include "cache/denormalize.h"
#include "client/sync_tell.h"
#include "codec/json_writer.h"

/* Of one question: the functions of the application have to fit into frames, and what they say into a transaction. */
#define MAX_ASKED   50
#define MAX_LOOKED  2000
#define ASKED_BYTES ((size_t)64 * 1024)

void aps_sync_gone_look(struct aps_sync_run *run)
{
	struct aps_cache_write write = {.cache = &run->partition->cache}; /* only looked with */
	bool is_known = run->gone_at.field.n != 0;
	bool is_there = is_known && aps_synced_list_is_at(&write, &run->gone_at);
	run->has_gone = is_there || !is_known || write.err.code != APS_OK;
}

static enum aps_rc take_out(struct aps_sync_run *run, struct aps_partition *partition, const struct aps_buf *numbers,
                            struct aps_err *err)
{
	return aps_synced_list_remove(&partition->write, &run->gone_at, &run->gone,
	                              (const uint64_t *)(const void *)numbers->p, numbers->n / sizeof(uint64_t), err);
}

/* A pass that didn't take away what it lacks: what an earlier one had collected may be among that. */
static enum aps_rc drop_shown(struct aps_sync_run *run, struct aps_partition *partition, struct aps_err *err)
{
	struct aps_buf shown;
	uint64_t number = 0;
	enum aps_sync_list list = run->keeping.list;
	if (list != APS_SYNC_LIST_COMPLETE && list != APS_SYNC_LIST_SHOW) return APS_OK;
	aps_buf_init(&shown, APS_BUF_ANY_SIZE);
	while ((number = aps_number_set_next(&run->gone.members, number)) != 0)
		if (aps_number_set_has(&run->shown.members, number)) aps_buf_add(&shown, &number, sizeof number);
	enum aps_rc rc = shown.rc == APS_OK ? take_out(run, partition, &shown, err)
	                                    : aps_fail(err, APS_E_NOMEM, "no memory for a list");
	aps_buf_clear(&shown);
	return rc;
}

/* Whoever was told since the last ones came isn't gone. What isn't in memory was told nothing in this run. */
static enum aps_rc drop_told(struct aps_sync_run *run, struct aps_partition *partition, struct aps_err *err)
{
	struct aps_buf told;
	uint64_t number = 0;
	aps_buf_init(&told, APS_BUF_ANY_SIZE);
	while ((number = aps_number_set_next(&run->gone.members, number)) != 0) {
		const struct aps_entry *entry = aps_entries_peek(&partition->cache.entries, number);
		if (entry != NULL && entry->told_at >= run->gone_since && entry->told_at != 0)
			aps_buf_add(&told, &number, sizeof number);
	}
	enum aps_rc rc = told.rc == APS_OK ? APS_OK : aps_fail(err, APS_E_NOMEM, "no memory for a list");
	if (rc == APS_OK) rc = take_out(run, partition, &told, err);
	aps_buf_clear(&told);
	return rc;
}

static enum aps_rc add_left(struct aps_sync_run *run, struct aps_partition *partition, const struct aps_buf *left,
                            bool is_there, struct aps_err *err)
{
	struct aps_cache_write *write = &partition->write;
	enum aps_rc rc = is_there ? drop_told(run, partition, err)
	                          : aps_synced_list_begin(write, &run->gone_at, &run->gone, err);
	run->gone_since = aps_partition_moment(partition);
	if (rc == APS_OK)
		rc = aps_synced_list_add(write, &run->gone_at, &run->gone, (const uint64_t *)(const void *)left->p,
		                         left->n / sizeof(uint64_t), err);
	return rc;
}

static enum aps_rc append(struct aps_buf *left, const struct aps_buf *numbers, struct aps_err *err)
{
	aps_buf_add_str(left, aps_buf_str(numbers));
	return left->rc == APS_OK ? APS_OK : aps_fail(err, APS_E_NOMEM, "no memory for what leaves a list");
}

/* Of an earlier run, which had cache_updates; or none. */
static enum aps_rc forget_all(struct aps_sync_run *run, struct aps_partition *partition, struct aps_buf *left,
                              struct aps_err *err)
{
	uint64_t number = 0;
	while ((number = aps_number_set_next(&run->gone.members, number)) != 0)
		aps_buf_add(left, &number, sizeof number);
	run->has_gone = false;
	if (left->rc != APS_OK) return aps_fail(err, APS_E_NOMEM, "no memory for what leaves a list");
	return aps_synced_list_drop(&partition->write, &run->gone_at, &run->gone, err);
}

enum aps_rc aps_sync_gone_change(struct aps_sync_run *run, struct aps_partition *partition,
                                 const struct aps_buf *joining, struct aps_buf *left, struct aps_err *err)
{
	bool is_there, asks = run->settings->has_cache_updates;
	if (!run->has_gone && (left->n == 0 || !asks)) return APS_OK;
	enum aps_rc rc = aps_synced_list_load(&partition->write, &run->gone_at, &run->gone, &is_there, err);
	if (rc == APS_OK && !asks) return forget_all(run, partition, left, err);
	if (rc == APS_OK && is_there) rc = take_out(run, partition, &run->keeping.gone, err);
	if (rc == APS_OK && left->n != 0) rc = add_left(run, partition, left, is_there, err);
	is_there = is_there || left->n != 0;
	if (rc == APS_OK && is_there) rc = take_out(run, partition, joining, err);
	if (rc == APS_OK && is_there && run->keeping.is_page) rc = drop_shown(run, partition, err);
	if (rc == APS_OK && is_there) rc = append(left, &run->keeping.gone, err);
	if (rc != APS_OK) return rc;
	run->has_gone = is_there && run->gone.n_items != 0;
	return is_there && !run->has_gone ? aps_synced_list_drop(&partition->write, &run->gone_at, &run->gone, err)
	                                  : APS_OK;
}

bool aps_sync_gone_is_due(const struct aps_sync_run *run)
{
	const struct aps_delta_sync *machine = &run->machine;
	if (!run->has_gone || run->gone_waits || run->partition == NULL || run->place.field.n == 0) return false;
	/* what a pass that is open has thrown away it may bring again */
	return machine->phase != APS_SYNC_STOPPED && !machine->checkpoint.base.is_open;
}

/* What the service has said, without layers. */
struct base_source {
	struct aps_read_source source;
	struct aps_entries *entries;
};

static struct aps_str base_of(const struct aps_entry *entry)
{
	return entry != NULL ? aps_entry_base(entry) : (struct aps_str){NULL, 0};
}

static enum aps_rc base_at(struct aps_read_source *source, uint64_t number, struct aps_str *content,
                           struct aps_err *err)
{
	struct aps_entry *entry = NULL;
	enum aps_rc rc = aps_entries_at_below(APS_CONTAINER_OF(source, struct base_source, source)->entries, number,
	                                      &entry, err);
	*content = base_of(entry);
	source->is_absent = entry == NULL;
	return rc;
}

static enum aps_rc base_find(struct aps_read_source *source, struct aps_str key, uint64_t *number,
                             struct aps_str *content, struct aps_err *err)
{
	struct aps_entry *entry = NULL;
	enum aps_rc rc =
	        aps_entries_find_below(APS_CONTAINER_OF(source, struct base_source, source)->entries, key, &entry, err);
	*number = entry != NULL ? entry->number : 0;
	*content = base_of(entry);
	return rc;
}

/* A question on its way. */
struct asking {
	struct aps_sync_run *run;
	struct base_source from;
	struct aps_binding binding;
	struct aps_read_result result;
	struct aps_buf records, key;
	struct aps_json_writer w;
	size_t n_asked;
};

/* What the base query selects of a record: it is all that is read. */
static enum aps_rc turn_to_record(struct asking *asking, struct aps_err *err)
{
	struct aps_binding *binding = &asking->binding;
	const struct aps_list_place *place = &asking->run->place;
	struct aps_str type = binding->root_type;
	for (size_t n = 0; n <= place->n_path; n++) {
		struct aps_str key = n == 0 ? place->field : place->path[n - 1];
		const struct aps_selection_view *view = aps_selection_view(binding, binding->root, type);
		size_t i = 0;
		if (view == NULL) return aps_binding_fail(binding, err);
		while (i < view->n_fields && !aps_str_eq(view->fields[i].key, key)) i++;
		if (i == view->n_fields || view->fields[i].selection == NULL)
			return aps_fail(err, APS_E_USAGE, "the list of the base query isn't what it selects");
		binding->root = view->fields[i].selection;
		type = APS_STR("");
	}
	return APS_OK;
}

/* As an event of its deletion would have it. */
static enum aps_rc put_record(struct asking *asking, const struct aps_entry *entry, struct aps_err *err)
{
	aps_buf_reset(&asking->key); /* the entry may leave memory */
	aps_buf_add(&asking->key, entry->key, entry->n_key_bytes);
	struct aps_str key = aps_buf_str(&asking->key);
	const char *colon = key.n != 0 ? memchr(key.p, ':', key.n) : NULL;
	if (asking->key.rc != APS_OK) return aps_fail(err, APS_E_NOMEM, "out of memory");
	asking->binding.root_type = colon != NULL ? (struct aps_str){key.p + 1, (size_t)(colon - key.p) - 1} : key;
	const struct aps_read_options options = {.root = key, .is_partial = true};
	aps_read_result_reset(&asking->result);
	enum aps_rc rc = aps_denormalize(&asking->from.source, &asking->binding, &options, &asking->result, err);
	if (rc != APS_OK) return rc;
	aps_json_write_object(&asking->w);
	aps_json_write_key(&asking->w, APS_STR("data"));
	aps_json_write_raw(&asking->w, aps_buf_str(&asking->result.data));
	aps_json_write_key(&asking->w, APS_STR("deleted"));
	aps_json_write_bool(&asking->w, true);
	aps_json_write_object_end(&asking->w);
	asking->n_asked++;
	return APS_OK;
}

/* It is somewhere, nobody has told of it since, and no list has it, as far as is known. */
static bool is_gone(const struct aps_sync_run *run, const struct aps_entry *entry)
{
	uint32_t since = run->gone_since != 0 ? run->gone_since : 1; /* of an earlier process: see sync_lingering.c */
	if (entry == NULL || entry->n_key_bytes == 0 || aps_entry_base(entry).n == 0 || entry->told_at >= since)
		return false;
	return !aps_followers_list(run->partition->followers, entry->number);
}

static enum aps_rc put_records(struct asking *asking, struct aps_err *err)
{
	struct aps_sync_run *run = asking->run;
	uint64_t number = 0;
	enum aps_rc rc = APS_OK;
	aps_json_write_array(&asking->w);
	for (size_t i = 0; i < MAX_LOOKED && asking->n_asked < MAX_ASKED && asking->records.n < ASKED_BYTES; i++) {
		struct aps_entry *entry = NULL;
		number = aps_number_set_next(&run->gone.members, number);
		if (number == 0) break;
		rc = aps_entries_at_below(&run->partition->cache.entries, number, &entry, err);
		if (rc == APS_OK && is_gone(run, entry)) rc = put_record(asking, entry, err);
		if (rc != APS_OK) break;
		aps_buf_add(&run->keeping.gone, &number, sizeof number);
	}
	aps_json_write_array_end(&asking->w);
	bool is_short = aps_json_writer_finish(&asking->w) != APS_OK || run->keeping.gone.rc != APS_OK;
	return rc == APS_OK && is_short ? aps_fail(err, APS_E_NOMEM, "no memory for news of a delta sync") : rc;
}

enum aps_rc aps_sync_gone_ask(struct aps_sync_run *run, uint64_t question, bool *is_told, struct aps_err *err)
{
	const struct aps_operation *base = &run->settings->parts[APS_SYNC_PART_BASE].operation;
	struct aps_partition *partition = run->partition;
	struct asking asking = {.run = run,
	                        .from = {{.at = base_at, .find = base_find}, &partition->cache.entries},
	                        .binding = {.policies = partition->policies, .names = &partition->cache.names}};
	*is_told = false;
	if (!run->gone.is_known || !run->settings->has_cache_updates) return APS_OK;
	enum aps_rc rc =
	        aps_binding_init(&asking.binding, base->document, base->definition, aps_operation_variables(base), err);
	if (rc != APS_OK) {
		aps_binding_clear(&asking.binding);
		return rc;
	}
	aps_read_result_init(&asking.result, APS_BUF_ANY_SIZE);
	aps_buf_init(&asking.records, APS_BUF_ANY_SIZE);
	aps_buf_init(&asking.key, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&asking.w, &asking.records);
	rc = turn_to_record(&asking, err);
	if (rc == APS_OK) rc = put_records(&asking, err);
	if (rc == APS_OK && asking.n_asked != 0)
		rc = aps_sync_tell_gone(run, question, aps_buf_str(&asking.records), err);
	*is_told = rc == APS_OK && asking.n_asked != 0;
	aps_buf_clear(&asking.key);
	aps_buf_clear(&asking.records);
	aps_read_result_clear(&asking.result);
	aps_binding_clear(&asking.binding);
	return rc;
}
