#include "sync/pending_record.h"

#include "codec/decimal.h"

static const struct aps_record_fields NOTHING = {NULL, 0, 0};

/* A state of the record on the way through its entries. */
struct state {
	bool is_there;
	struct aps_record_fields fields;
};

/* The entries once more, from one state of the service's to another. */
struct rebase {
	struct aps_pending_record *record;
	struct state before, after;
	bool rewrites;                        /* else it is only looked whether there is a conflict */
	bool has_conflict;                    /* of an entry that hasn't begun, or with one that has */
	bool is_trusted;                      /* what is other has no other author: no conflict */
	const struct aps_record_fields *sent; /* the other state answers this change; NULL: it is anybody's */
};

static enum aps_rc no_memory(const struct aps_pending_record *record, struct aps_err *err)
{
	return aps_arena_fail(record->arena, "a record with queued changes", err);
}

const char *aps_pending_op_name(enum aps_pending_op op)
{
	static const char *const NAMES[] = {
#define APS_PENDING_OP_NAME(name, text) text,
	        APS_PENDING_OP_MAP(APS_PENDING_OP_NAME)
#undef APS_PENDING_OP_NAME
	};
	return op < APS_PENDING_OP_COUNT ? NAMES[op] : "?";
}

static bool is_metadata(struct aps_str name)
{
	return aps_str_is(name, "_version") || aps_str_is(name, "_lastChangedAt") || aps_str_is(name, "_deleted");
}

static enum aps_rc read_base(struct aps_str json, struct aps_arena *arena, bool *is_there,
                             struct aps_record_fields *fields, struct aps_err *err)
{
	*fields = (struct aps_record_fields){NULL, 0, 0};
	*is_there = json.n != 0 && !aps_str_is(json, "null");
	return *is_there ? aps_record_fields_read(fields, json, false, arena, err) : APS_OK;
}

enum aps_rc aps_pending_init(struct aps_pending_record *record, struct aps_str base, struct aps_arena *arena,
                             struct aps_err *err)
{
	*record = (struct aps_pending_record){.arena = arena};
	return read_base(base, arena, &record->has_base, &record->base, err);
}

static struct aps_pending_entry *new_entry(struct aps_pending_record *record)
{
	if (record->n_entries == record->capacity) {
		size_t capacity = record->capacity != 0 ? record->capacity * 2 : 4;
		struct aps_pending_entry *entries = aps_arena_get(record->arena, capacity * sizeof *entries);
		if (entries == NULL) return NULL;
		if (record->n_entries != 0) memcpy(entries, record->entries, record->n_entries * sizeof *entries);
		record->entries = entries;
		record->capacity = capacity;
	}
	struct aps_pending_entry *entry = &record->entries[record->n_entries++];
	*entry = (struct aps_pending_entry){.number = 0};
	return entry;
}

enum aps_rc aps_pending_add(struct aps_pending_record *record, const struct aps_pending_entry *what,
                            struct aps_str change, struct aps_err *err)
{
	struct aps_pending_entry *entry = new_entry(record);
	if (entry == NULL) return no_memory(record, err);
	*entry = *what;
	entry->change = (struct aps_record_fields){NULL, 0, 0};
	if (what->op == APS_PENDING_DELETE) return APS_OK;
	return aps_record_fields_read(&entry->change, change, what->op == APS_PENDING_UPDATE, record->arena, err);
}

size_t aps_pending_find(const struct aps_pending_record *record, uint64_t number)
{
	size_t i = 0;
	while (i < record->n_entries && record->entries[i].number != number) i++;
	return i;
}

static bool begin_state(const struct aps_pending_record *record, bool has_base, const struct aps_record_fields *base,
                        struct state *state)
{
	state->is_there = has_base && !aps_record_fields_is_true(base, "_deleted");
	return aps_record_fields_copy(&state->fields, base, record->arena);
}

/* An update of what isn't there makes nothing. */
static bool step(struct state *state, enum aps_pending_op op, const struct aps_record_fields *change,
                 struct aps_arena *arena)
{
	if (op == APS_PENDING_CREATE) {
		state->is_there = true;
		return aps_record_fields_copy(&state->fields, change, arena);
	}
	if (op == APS_PENDING_DELETE) {
		state->is_there = false;
		return true;
	}
	return !state->is_there || aps_record_fields_apply(&state->fields, change, arena);
}

static enum aps_rc state_behind(const struct aps_pending_record *record, size_t n_entries, struct state *state,
                                struct aps_err *err)
{
	bool is_done = begin_state(record, record->has_base, &record->base, state);
	for (size_t i = 0; is_done && i < n_entries; i++) {
		const struct aps_pending_entry *entry = &record->entries[i];
		if (!entry->is_gone) is_done = step(state, entry->op, &entry->change, record->arena);
	}
	return is_done ? APS_OK : no_memory(record, err);
}

enum aps_rc aps_pending_shown(const struct aps_pending_record *record, struct aps_record_fields *shown, bool *is_there,
                              struct aps_err *err)
{
	struct state state;
	enum aps_rc rc = state_behind(record, record->n_entries, &state, err);
	*shown = state.fields;
	*is_there = state.is_there;
	return rc;
}

/* ---- changes of the application ---- */

/* The last entry that is still in the queue; NULL: there is none. */
static struct aps_pending_entry *last_entry(struct aps_pending_record *record)
{
	for (size_t i = record->n_entries; i-- > 0;)
		if (!record->entries[i].is_gone) return &record->entries[i];
	return NULL;
}

static enum aps_rc append(struct aps_pending_record *record, enum aps_pending_op op,
                          const struct aps_record_fields *change, const struct aps_pending_change *of,
                          struct aps_err *err)
{
	struct aps_pending_entry *entry = new_entry(record);
	if (entry == NULL) return no_memory(record, err);
	entry->op = op;
	entry->condition = of->condition;
	entry->batch = of->batch;
	return aps_record_fields_copy(&entry->change, change, record->arena) ? APS_OK : no_memory(record, err);
}

/* What makes `to` of the record that there is. */
static bool difference(const struct aps_record_fields *from, const struct aps_record_fields *to,
                       struct aps_record_fields *change, struct aps_arena *arena)
{
	*change = (struct aps_record_fields){NULL, 0, 0};
	for (size_t i = 0; i < to->n; i++) {
		const struct aps_record_field *field = &to->items[i];
		bool is_same = is_metadata(field->name) ||
		               aps_record_value_is_same(aps_record_fields_get(from, field->name), field->value);
		if (!is_same && !aps_record_fields_set(change, field->name, field->value, arena)) return false;
	}
	for (size_t i = 0; i < from->n; i++) {
		struct aps_str name = from->items[i].name;
		bool stays = is_metadata(name) || aps_record_fields_get(to, name).n != 0;
		if (!stays && !aps_record_fields_set(change, name, APS_STR("null"), arena)) return false;
	}
	return true;
}

/* A deletion that wasn't sent yet is taken back, by making of what was to be deleted what is there now. */
static enum aps_rc fold_into_delete(struct aps_pending_record *record, struct aps_pending_entry *last,
                                    const struct aps_pending_change *change, struct aps_err *err)
{
	struct aps_record_fields other;
	struct state state;
	last->is_gone = true;
	enum aps_rc rc = state_behind(record, (size_t)(last - record->entries), &state, err);
	if (rc != APS_OK) return rc;
	if (!state.is_there) return append(record, APS_PENDING_CREATE, &change->record, change, err);
	if (!difference(&state.fields, &change->record, &other, record->arena)) return no_memory(record, err);
	return other.n != 0 ? append(record, APS_PENDING_UPDATE, &other, change, err) : APS_OK;
}

static enum aps_rc fold_into_update(struct aps_pending_record *record, struct aps_pending_entry *last,
                                    const struct aps_pending_change *change, struct aps_err *err)
{
	struct aps_record_fields all = {NULL, 0, 0};
	size_t i = (size_t)(last - record->entries);
	if (!change->is_delete) {
		bool is_done = aps_record_fields_copy(&all, &last->change, record->arena);
		for (size_t k = 0; is_done && k < change->record.n; k++) {
			const struct aps_record_field *field = &change->record.items[k];
			is_done = aps_record_fields_set(&all, field->name, field->value, record->arena);
		}
		if (!is_done) return no_memory(record, err);
	}
	enum aps_pending_op op = change->is_delete ? APS_PENDING_DELETE : APS_PENDING_UPDATE;
	enum aps_rc rc = append(record, op, &all, change, err);
	record->entries[i].is_gone = true;
	return rc;
}

static enum aps_rc fold_into_create(struct aps_pending_record *record, struct aps_pending_entry *last,
                                    const struct aps_pending_change *change, struct aps_err *err)
{
	if (change->is_delete) {
		last->is_gone = true;
		return APS_OK;
	}
	last->is_rewritten = true;
	return aps_record_fields_apply(&last->change, &change->record, record->arena) ? APS_OK : no_memory(record, err);
}

static bool may_fold(const struct aps_pending_entry *last, const struct aps_pending_change *change)
{
	if (last == NULL || last->has_begun || last->batch != change->batch) return false;
	return last->op == APS_PENDING_CREATE || (last->condition.n == 0 && change->condition.n == 0);
}

enum aps_rc aps_pending_change(struct aps_pending_record *record, const struct aps_pending_change *change,
                               struct aps_err *err)
{
	struct state state;
	struct aps_pending_entry *last = last_entry(record);
	enum aps_rc rc = state_behind(record, record->n_entries, &state, err);
	if (rc != APS_OK || (change->is_delete && !state.is_there)) return rc;
	/* what is to be changed won't be there, as it was refused: it is made anew */
	bool is_anew = last != NULL && last->op == APS_PENDING_UPDATE && !state.is_there;
	if (may_fold(last, change) && !is_anew) {
		switch (last->op) {
		case APS_PENDING_CREATE: return fold_into_create(record, last, change, err);
		case APS_PENDING_DELETE: return fold_into_delete(record, last, change, err);
		case APS_PENDING_UPDATE:
		case APS_PENDING_OP_COUNT:
		default: return fold_into_update(record, last, change, err);
		}
	}
	if (change->is_delete) return append(record, APS_PENDING_DELETE, &NOTHING, change, err);
	enum aps_pending_op op = state.is_there ? APS_PENDING_UPDATE : APS_PENDING_CREATE;
	return append(record, op, &change->record, change, err);
}

/* ---- what the service says ---- */

static enum aps_field_merge rule_of(const struct aps_pending_record *record, struct aps_str field)
{
	for (size_t i = 0; i < record->n_rules; i++)
		if (aps_str_eq(record->rules[i].field, field)) return record->rules[i].rule;
	return APS_FIELD_MERGE_ASK;
}

/* *is_conflict: nothing says what is to become of both changes; then *merged is the local one. */
static enum aps_rc merge_field(const struct aps_pending_record *record, struct aps_str name,
                               const struct aps_field_versions *versions, struct aps_str *merged, bool *is_conflict,
                               struct aps_err *err)
{
	enum aps_field_merge rule = rule_of(record, name);
	*is_conflict = false;
	*merged = versions->local;
	if (aps_record_value_is_same(versions->base, versions->remote)) return APS_OK;
	bool is_both = aps_record_value_is_same(versions->local, versions->remote);
	if (is_both && !aps_field_merge_counts_twice(rule)) return APS_OK;
	if (rule != APS_FIELD_MERGE_ASK) return aps_field_merge(rule, versions, record->arena, merged, err);
	*is_conflict = true;
	return APS_OK;
}

static enum aps_rc rebase_update(struct rebase *in, struct aps_pending_entry *entry, struct aps_err *err)
{
	struct aps_pending_record *record = in->record;
	struct aps_record_fields change;
	if (!aps_record_fields_copy(&change, &entry->change, record->arena)) return no_memory(record, err);
	/* an edit of what somebody has deleted, or made anew */
	if (in->before.is_there != in->after.is_there) in->has_conflict = in->has_conflict || !in->is_trusted;
	for (size_t i = 0; i < change.n; i++) {
		struct aps_record_field *field = &change.items[i];
		const struct aps_field_versions versions = {
		        .base = aps_record_fields_get(&in->before.fields, field->name),
		        .local = field->value,
		        .remote = aps_record_fields_get(&in->after.fields, field->name),
		};
		struct aps_str merged;
		bool is_conflict;
		enum aps_rc rc = merge_field(record, field->name, &versions, &merged, &is_conflict, err);
		if (rc != APS_OK) return rc;
		if (entry->has_begun) is_conflict = !aps_record_value_is_same(versions.base, versions.remote);
		in->has_conflict = in->has_conflict || (is_conflict && !in->is_trusted);
		bool is_other = !entry->has_begun && !aps_record_value_is_same(merged, field->value);
		if (is_other) field->value = merged;
		entry->is_rewritten = entry->is_rewritten || (is_other && in->rewrites);
	}
	/* states go on with what was, and with what is to be */
	if (!step(&in->before, APS_PENDING_UPDATE, &entry->change, record->arena) ||
	    !step(&in->after, APS_PENDING_UPDATE, &change, record->arena))
		return no_memory(record, err);
	if (in->rewrites) entry->change = change;
	return APS_OK;
}

/* The deletion of a record that the device hasn't seen as it is now. What others have deleted may be deleted. */
static bool deletes_unseen(const struct rebase *in, const struct aps_pending_entry *entry)
{
	if (entry->has_begun) return true;
	if (!in->after.is_there) return false;
	if (in->sent == NULL) return true;
	for (size_t i = 0; i < in->sent->n; i++) {
		struct aps_str name = in->sent->items[i].name;
		struct aps_str before = aps_record_fields_get(&in->before.fields, name);
		if (!aps_record_value_is_same(before, aps_record_fields_get(&in->after.fields, name))) return true;
	}
	return false;
}

/* What is there can't be made, but changed into what was to be made. */
static enum aps_rc make_of_it(struct rebase *in, struct aps_pending_entry *entry, struct aps_err *err)
{
	struct aps_arena *arena = in->record->arena;
	struct aps_record_fields change;
	if (!difference(&in->after.fields, &entry->change, &change, arena) ||
	    !step(&in->before, APS_PENDING_CREATE, &entry->change, arena) ||
	    !step(&in->after, APS_PENDING_UPDATE, &change, arena))
		return no_memory(in->record, err);
	if (!in->rewrites) return APS_OK;
	entry->op = APS_PENDING_UPDATE;
	entry->change = change;
	entry->is_rewritten = true;
	entry->is_gone = change.n == 0;
	return APS_OK;
}

static enum aps_rc rebase_entry(struct rebase *in, struct aps_pending_entry *entry, struct aps_err *err)
{
	struct aps_arena *arena = in->record->arena;
	if (entry->is_gone) return APS_OK;
	if (entry->op == APS_PENDING_UPDATE) return rebase_update(in, entry, err);
	bool is_made_over = entry->op == APS_PENDING_CREATE && !entry->has_begun && in->after.is_there;
	if (is_made_over && in->is_trusted) return make_of_it(in, entry, err);
	bool is_conflict = in->before.is_there != in->after.is_there; /* somebody else has made what is to be made */
	if (entry->op == APS_PENDING_DELETE) is_conflict = deletes_unseen(in, entry);
	in->has_conflict = in->has_conflict || (is_conflict && !in->is_trusted);
	if (step(&in->before, entry->op, &entry->change, arena) && step(&in->after, entry->op, &entry->change, arena))
		return APS_OK;
	return no_memory(in->record, err);
}

/* Entries from `first` on; the states are those before it. */
static enum aps_rc rebase(struct rebase *in, size_t first, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (size_t i = first; rc == APS_OK && i < in->record->n_entries; i++)
		rc = rebase_entry(in, &in->record->entries[i], err);
	return rc;
}

/* Twice: nothing is rewritten where there is a conflict. */
static enum aps_rc try_rebase(const struct rebase *what, size_t first, bool *has_conflict, struct aps_err *err)
{
	struct aps_arena *arena = what->record->arena;
	for (int pass = 0; pass < 2; pass++) {
		struct rebase in = *what;
		in.rewrites = pass == 1;
		if (!aps_record_fields_copy(&in.before.fields, &what->before.fields, arena) ||
		    !aps_record_fields_copy(&in.after.fields, &what->after.fields, arena))
			return no_memory(what->record, err);
		enum aps_rc rc = rebase(&in, first, err);
		*has_conflict = in.has_conflict;
		if (rc != APS_OK || in.has_conflict) return rc;
	}
	return APS_OK;
}

static bool is_newer(const struct aps_pending_record *record, bool is_there, const struct aps_record_fields *remote)
{
	int64_t known, told;
	if (!record->has_base) return true;
	if (!is_there || !aps_record_fields_int(&record->base, "_version", &known)) return true;
	return !aps_record_fields_int(remote, "_version", &told) || told > known;
}

/* What was made here and isn't known to be there can't be gone there. */
static bool says_nothing(const struct aps_pending_record *record, bool is_there)
{
	return !is_there && !record->has_base;
}

enum aps_rc aps_pending_remote(struct aps_pending_record *record, struct aps_str json, enum aps_pending_meets *meets,
                               struct aps_err *err)
{
	bool is_there, has_conflict = false;
	struct aps_record_fields remote;
	struct rebase in = {.record = record};
	*meets = APS_PENDING_OLD;
	enum aps_rc rc = read_base(json, record->arena, &is_there, &remote, err);
	if (rc != APS_OK || !is_newer(record, is_there, &remote) || says_nothing(record, is_there)) return rc;
	if (!begin_state(record, record->has_base, &record->base, &in.before) ||
	    !begin_state(record, is_there, &remote, &in.after))
		return no_memory(record, err);
	rc = try_rebase(&in, 0, &has_conflict, err);
	*meets = has_conflict ? APS_PENDING_CONFLICTS : APS_PENDING_TAKEN;
	if (rc != APS_OK || *meets != APS_PENDING_TAKEN) return rc;
	record->has_base = is_there;
	record->base = remote;
	return APS_OK;
}

static void take_out(struct aps_pending_record *record, size_t entry)
{
	size_t n_behind = record->n_entries - entry - 1;
	memmove(&record->entries[entry], &record->entries[entry + 1], n_behind * sizeof *record->entries);
	record->n_entries--;
}

/* The next entry is sent as if nothing was known of what the service has now: of the state that this device has seen,
 * with a version that isn't the service's any more. */
static enum aps_rc stay_behind(struct aps_pending_record *record, const struct rebase *in, struct aps_err *err)
{
	char text[20];
	int64_t known = 0, told = 0;
	bool knows = aps_record_fields_int(&in->before.fields, "_version", &known);
	bool is_told = aps_record_fields_int(&in->after.fields, "_version", &told);
	if (knows && is_told && known >= told) known = told - 1;
	record->has_base = true;
	record->base = in->before.fields;
	if (!in->before.is_there &&
	    !aps_record_fields_set(&record->base, APS_STR("_deleted"), APS_STR("true"), record->arena))
		return no_memory(record, err);
	if (!knows && !is_told) return APS_OK;
	struct aps_str version =
	        aps_arena_dup(record->arena, (struct aps_str){text, aps_decimal_print_int(known, text)});
	bool is_done =
	        version.n != 0 && aps_record_fields_set(&record->base, APS_STR("_version"), version, record->arena);
	return is_done ? APS_OK : no_memory(record, err);
}

enum aps_rc aps_pending_answered(struct aps_pending_record *record, size_t entry, struct aps_str answer,
                                 struct aps_err *err)
{
	bool is_there, has_conflict;
	struct aps_record_fields remote;
	struct aps_record_fields sent = record->entries[entry].change;
	struct rebase in = {.record = record, .sent = &sent};
	enum aps_rc rc = read_base(answer, record->arena, &is_there, &remote, err);
	if (rc == APS_OK) rc = state_behind(record, entry + 1, &in.before, err);
	if (rc != APS_OK) return rc;
	/* what is newer may have come already, by another way */
	if (is_newer(record, is_there, &remote)) {
		record->has_base = is_there;
		record->base = remote;
	}
	take_out(record, entry);
	rc = state_behind(record, entry, &in.after, err);
	if (rc == APS_OK) rc = try_rebase(&in, entry, &has_conflict, err);
	return rc == APS_OK && has_conflict ? stay_behind(record, &in, err) : rc;
}

enum aps_rc aps_pending_dropped(struct aps_pending_record *record, size_t entry, struct aps_str json,
                                struct aps_err *err)
{
	bool is_there;
	struct aps_record_fields remote;
	struct rebase in = {.record = record, .rewrites = true, .is_trusted = true};
	enum aps_rc rc = read_base(json, record->arena, &is_there, &remote, err);
	if (rc == APS_OK) rc = state_behind(record, entry + 1, &in.before, err);
	if (rc != APS_OK) return rc;
	take_out(record, entry);
	if (is_there && is_newer(record, is_there, &remote)) {
		record->has_base = true;
		record->base = remote;
	}
	rc = state_behind(record, entry, &in.after, err);
	return rc == APS_OK ? rebase(&in, entry, err) : rc;
}

static enum aps_rc merge_change(const struct aps_pending_record *record, const struct aps_record_fields *local,
                                const struct state *base, const struct aps_record_fields *remote,
                                struct aps_pending_merged *merged, struct aps_err *err)
{
	for (size_t i = 0; i < local->n; i++) {
		const struct aps_record_field *field = &local->items[i];
		const struct aps_field_versions versions = {
		        .base = aps_record_fields_get(&base->fields, field->name),
		        .local = field->value,
		        .remote = aps_record_fields_get(remote, field->name),
		};
		struct aps_str value;
		bool is_conflict, is_done = true;
		enum aps_rc rc = merge_field(record, field->name, &versions, &value, &is_conflict, err);
		if (rc != APS_OK) return rc;
		if (is_conflict) is_done = aps_record_fields_set(&merged->conflicts, field->name, value, record->arena);
		merged->has_conflict = merged->has_conflict || is_conflict;
		bool is_same = aps_record_value_is_same(value, versions.remote);
		if (is_done && !is_same)
			is_done = aps_record_fields_set(&merged->change, field->name, value, record->arena);
		if (!is_done) return no_memory(record, err);
	}
	return APS_OK;
}

enum aps_rc aps_pending_merge(const struct aps_pending_record *record, size_t entry, struct aps_str json,
                              struct aps_pending_merged *merged, struct aps_err *err)
{
	bool is_there;
	struct aps_record_fields remote;
	struct state base;
	const struct aps_pending_entry *sent = &record->entries[entry];
	*merged = (struct aps_pending_merged){.has_conflict = false};
	enum aps_rc rc = read_base(json, record->arena, &is_there, &remote, err);
	if (rc == APS_OK) rc = state_behind(record, entry, &base, err);
	if (rc != APS_OK) return rc;
	bool is_alive = is_there && !aps_record_fields_is_true(&remote, "_deleted");
	/* one has deleted it, and the other not */
	merged->has_conflict = is_alive == (sent->op == APS_PENDING_DELETE) || !base.is_there;
	return merge_change(record, &sent->change, &base, &remote, merged, err);
}

/* The record that the change makes of what was deleted. */
static bool make_whole(struct aps_record_fields *whole, const struct aps_record_fields *tombstone,
                       const struct aps_record_fields *change, struct aps_arena *arena)
{
	*whole = (struct aps_record_fields){NULL, 0, 0};
	for (size_t i = 0; i < tombstone->n; i++) {
		const struct aps_record_field *field = &tombstone->items[i];
		if (!is_metadata(field->name) && !aps_record_fields_set(whole, field->name, field->value, arena))
			return false;
	}
	return aps_record_fields_apply(whole, change, arena);
}

enum aps_rc aps_pending_resolved(struct aps_pending_record *record, size_t entry, struct aps_str json,
                                 const struct aps_record_fields *change, bool is_delete, struct aps_err *err)
{
	bool is_there;
	struct aps_record_fields remote;
	struct rebase in = {.record = record, .rewrites = true, .is_trusted = true};
	enum aps_rc rc = read_base(json, record->arena, &is_there, &remote, err);
	if (rc == APS_OK) rc = state_behind(record, entry + 1, &in.before, err);
	if (rc != APS_OK) return rc;
	struct aps_pending_entry *sent = &record->entries[entry];
	record->has_base = is_there;
	record->base = remote;
	bool is_alive = is_there && !aps_record_fields_is_true(&remote, "_deleted");
	sent->op = is_delete ? APS_PENDING_DELETE : is_alive ? APS_PENDING_UPDATE : APS_PENDING_CREATE;
	sent->is_rewritten = true;
	bool is_done = is_delete || is_alive ? aps_record_fields_copy(&sent->change, change, record->arena)
	                                     : make_whole(&sent->change, &remote, change, record->arena);
	if (!is_done) return no_memory(record, err);
	rc = state_behind(record, entry + 1, &in.after, err);
	return rc == APS_OK ? rebase(&in, entry + 1, err) : rc;
}

struct aps_pending_request aps_pending_request_of(const struct aps_pending_record *record, size_t entry)
{
	struct aps_pending_request request = {.op = record->entries[entry].op};
	if (record->has_base) request.has_version = aps_record_fields_int(&record->base, "_version", &request.version);
	if (request.op == APS_PENDING_CREATE && request.has_version) request.op = APS_PENDING_UPDATE;
	return request;
}
