#include "store/inspect_outbox.h"

#include "codec/json_reader.h"
#include "gql/document.h"
#include "store/dead_letters.h"
#include "store/id_map.h"
#include "store/inspect_layers.h"
#include "store/inspect_text.h"
#include "store/outbox_number.h"
#include "store/outbox_rows.h"
#include "store/owners.h"
#include "sync/root_fields.h"

#define MAX_ENTRIES 1000
#define MAX_PAIRS   100

/* Entries of one table, which come in the order of their lanes. */
struct listing {
	struct aps_db *db;
	struct aps_json_writer *w;
	uint32_t nonce;
	struct aps_owner owner; /* of the last one */
	int64_t owner_id;       /* whom it was asked for */
	int64_t size, n_damaged;
	struct aps_buf lanes, entries; /* JSON: the items of the lists */
	int64_t lane;                  /* the first id of the one that is being counted */
	int64_t n_queued, n_sending;
};

static void init(struct listing *in, struct aps_db *db, struct aps_json_writer *w)
{
	*in = (struct listing){.db = db, .w = w};
	aps_owner_init(&in->owner);
	aps_buf_init(&in->lanes, APS_BUF_ANY_SIZE);
	aps_buf_init(&in->entries, APS_BUF_ANY_SIZE);
}

static void clear(struct listing *in)
{
	aps_owner_clear(&in->owner);
	aps_buf_clear(&in->lanes);
	aps_buf_clear(&in->entries);
}

static void put_null(struct aps_json_writer *w, const char *name)
{
	aps_json_write_key(w, aps_str_of(name));
	aps_json_write_null(w);
}

static void put_id(struct aps_json_writer *w, const char *name, uint32_t nonce, int64_t number)
{
	char text[APS_ENTRY_TEXT_CHARS + 1];
	if (number == 0) {
		put_null(w, name);
		return;
	}
	aps_entry_text(nonce, number, text);
	aps_json_write_member(w, name, aps_str_of(text));
}

/* The damage of one is its own: it is as good as lost. */
static enum aps_rc find_owner(struct listing *in, int64_t id, struct aps_err *err)
{
	if (in->owner_id == id) return APS_OK;
	in->owner_id = id;
	enum aps_rc rc = aps_owners_next(in->db, id - 1, &in->owner, err);
	bool is_damaged = rc == APS_E_STORAGE && in->owner.id != 0;
	if (is_damaged || in->owner.id != id) in->owner.id = 0;
	return is_damaged ? APS_OK : rc;
}

static void put_owner(struct listing *in, struct aps_json_writer *w, int64_t id, bool has_prefix)
{
	const char *mode = aps_entry_mode_name(aps_entry_mode(id));
	bool is_known = in->owner.id != 0;
	if (has_prefix && is_known) aps_inspect_put_text(w, "key_prefix", in->owner.prefix);
	if (has_prefix && !is_known) put_null(w, "key_prefix");
	if (is_known)
		aps_inspect_put_text(w, "identity", in->owner.identity);
	else
		put_null(w, "identity");
	aps_json_write_member(w, "mode", aps_str_of(mode != NULL ? mode : "(unknown)"));
}

static enum aps_rc put_mutation(struct aps_json_writer *w, const struct aps_outbox_entry *entry, struct aps_err *err)
{
	struct aps_gql_document *doc = NULL;
	struct aps_str name = entry->name;
	enum aps_rc rc = aps_gql_document_new(entry->document, &doc, NULL, err);
	if (rc == APS_E_NOMEM) return rc;
	const struct aps_gql_operation *operation = rc == APS_OK ? aps_gql_document_find(doc, entry->name) : NULL;
	struct aps_str first = operation != NULL ? aps_root_fields_first(doc, operation) : APS_STR("");
	if (first.n != 0) name = first;
	aps_inspect_put_text(w, "mutation", name);
	aps_gql_document_unref(doc);
	return APS_OK;
}

static void begin_item(struct aps_json_writer *w, struct aps_buf *items)
{
	if (items->n != 0) aps_buf_add_byte(items, ',');
	aps_json_writer_init(w, items);
	aps_json_write_object(w);
}

/* What all entries begin with. */
static enum aps_rc begin_entry(struct listing *in, struct aps_json_writer *w, const struct aps_outbox_entry *entry,
                               struct aps_err *err)
{
	enum aps_rc rc = find_owner(in, aps_entry_owner(entry->id), err);
	if (rc != APS_OK) return rc;
	begin_item(w, &in->entries);
	put_id(w, "id", in->nonce, aps_entry_number(entry->id));
	put_owner(in, w, entry->id, false);
	return put_mutation(w, entry, err);
}

static void end_lane(struct listing *in)
{
	struct aps_json_writer w;
	if (in->n_queued + in->n_sending == 0) return;
	begin_item(&w, &in->lanes);
	put_owner(in, &w, in->lane, true);
	aps_inspect_put_count(&w, "queued", (uint64_t)in->n_queued);
	aps_inspect_put_count(&w, "sending", (uint64_t)in->n_sending);
	aps_json_write_object_end(&w);
	in->n_queued = in->n_sending = 0;
}

static enum aps_rc see_entry(struct listing *in, const struct aps_outbox_row *row, struct aps_err *err)
{
	struct aps_json_writer w;
	bool is_sending = row->delivery.is_sending;
	int64_t lane = aps_entry_lane(aps_entry_owner(row->entry.id), aps_entry_mode(row->entry.id)).first;
	if (lane != in->lane) end_lane(in);
	in->lane = lane;
	enum aps_rc rc = find_owner(in, aps_entry_owner(row->entry.id), err);
	in->n_sending += is_sending;
	in->n_queued += !is_sending;
	if (rc != APS_OK || in->size++ >= MAX_ENTRIES) return rc;
	rc = begin_entry(in, &w, &row->entry, err);
	if (rc != APS_OK) return rc;
	aps_json_write_member(&w, "state", is_sending ? APS_STR("sending") : APS_STR("queued"));
	aps_inspect_put_count(&w, "created", (uint64_t)row->entry.created_ms);
	aps_inspect_put_count(&w, "attempts", (uint64_t)row->delivery.n_attempts);
	rc = aps_inspect_put_layer(in->db, &w, aps_entry_number(row->entry.id), err);
	aps_json_write_object_end(&w);
	return rc;
}

static enum aps_rc read_entries(struct listing *in, struct aps_err *err)
{
	struct aps_outbox_row row;
	enum aps_rc rc;
	int64_t after = 0;
	aps_outbox_row_init(&row);
	do {
		rc = aps_outbox_next(in->db, aps_entry_all(), after, &row, err);
		bool is_damaged = rc == APS_E_STORAGE && row.entry.id > after;
		after = row.entry.id;
		in->n_damaged += is_damaged;
		if (is_damaged)
			rc = APS_OK;
		else if (rc == APS_OK && after != 0)
			rc = see_entry(in, &row, err);
	} while (rc == APS_OK && after != 0);
	if (rc == APS_OK) end_lane(in);
	aps_outbox_row_clear(&row);
	return rc;
}

/* It is JSON, unless somebody else has written it. */
static void put_cause(struct aps_json_writer *w, struct aps_str cause)
{
	struct aps_json_reader r;
	struct aps_str span;
	aps_json_reader_init(&r, cause, 0);
	r.strictness = APS_JSON_UTF8;
	if (aps_json_skip_value(&r, &span) != APS_OK || aps_json_next(&r) != APS_JSON_END) {
		aps_inspect_put_text(w, "cause", cause);
		return;
	}
	aps_json_write_key(w, APS_STR("cause"));
	aps_json_write_raw(w, span);
}

static enum aps_rc see_letter(struct listing *in, const struct aps_dead_letter *letter, struct aps_err *err)
{
	struct aps_json_writer w;
	const struct aps_death *death = &letter->death;
	if (in->size++ >= MAX_ENTRIES) return APS_OK;
	enum aps_rc rc = begin_entry(in, &w, &letter->entry, err);
	if (rc != APS_OK) return rc;
	aps_inspect_put_text(&w, "outcome", death->outcome);
	put_id(&w, "blocked_by", in->nonce, death->blocked_by);
	aps_inspect_put_count(&w, "created", (uint64_t)letter->entry.created_ms);
	aps_inspect_put_count(&w, "died", (uint64_t)death->died_ms);
	aps_inspect_put_count(&w, "attempts", (uint64_t)death->n_attempts);
	put_cause(&w, death->cause);
	aps_json_write_object_end(&w);
	return APS_OK;
}

static enum aps_rc read_letters(struct listing *in, struct aps_err *err)
{
	struct aps_dead_letter letter;
	enum aps_rc rc;
	int64_t after = 0;
	aps_dead_letter_init(&letter);
	do {
		rc = aps_dead_letters_next(in->db, aps_entry_all(), after, &letter, err);
		bool is_damaged = rc == APS_E_STORAGE && letter.entry.id > after;
		after = letter.entry.id;
		in->n_damaged += is_damaged;
		if (is_damaged)
			rc = APS_OK;
		else if (rc == APS_OK && after != 0)
			rc = see_letter(in, &letter, err);
	} while (rc == APS_OK && after != 0);
	aps_dead_letter_clear(&letter);
	return rc;
}

static void put_items(struct aps_json_writer *w, const char *name, const struct aps_buf *items)
{
	aps_json_write_key(w, aps_str_of(name));
	aps_json_write_array(w);
	if (items->n != 0) aps_json_write_raw(w, aps_buf_str(items));
	aps_json_write_array_end(w);
}

static enum aps_rc put_listing(struct aps_db *db, struct aps_json_writer *w, const char *name,
                               enum aps_rc (*read)(struct listing *in, struct aps_err *err), struct aps_err *err)
{
	struct listing in;
	init(&in, db, w);
	enum aps_rc rc = aps_outbox_nonce(db, &in.nonce, err);
	if (rc == APS_OK) rc = read(&in, err);
	if (rc == APS_OK && (in.lanes.rc != APS_OK || in.entries.rc != APS_OK))
		rc = aps_fail(err, APS_E_NOMEM, "no memory to look at the store");
	aps_json_write_key(w, aps_str_of(name));
	aps_json_write_object(w);
	aps_inspect_put_count(w, "size", (uint64_t)in.size);
	aps_inspect_put_count(w, "damaged", (uint64_t)in.n_damaged);
	if (read == read_entries) put_items(w, "lanes", &in.lanes);
	put_items(w, "entries", &in.entries);
	aps_json_write_object_end(w);
	clear(&in);
	return rc;
}

static enum aps_rc put_outcomes(struct aps_db *db, struct aps_json_writer *w, struct aps_err *err)
{
	int64_t n, n_untold;
	enum aps_rc rc = aps_db_read_int(db, "SELECT count(*) FROM outcome", &n, err);
	if (rc == APS_OK) rc = aps_db_read_int(db, "SELECT count(*) FROM outcome WHERE told = 0", &n_untold, err);
	if (rc != APS_OK) return rc;
	aps_json_write_key(w, APS_STR("outcomes"));
	aps_json_write_object(w);
	aps_inspect_put_count(w, "count", (uint64_t)n);
	aps_inspect_put_count(w, "untold", (uint64_t)n_untold);
	aps_json_write_object_end(w);
	return APS_OK;
}

static void put_pair(struct aps_json_writer *w, const struct aps_id_made *pair, uint32_t nonce)
{
	aps_json_write_object(w);
	aps_inspect_put_text(w, "temporary", pair->temporary);
	if (pair->is_made)
		aps_inspect_put_text(w, "made", pair->made);
	else
		put_null(w, "made");
	put_id(w, "maker", nonce, pair->maker);
	aps_json_write_object_end(w);
}

static enum aps_rc put_pairs(struct aps_db *db, struct aps_json_writer *w, int64_t *n_damaged, struct aps_err *err)
{
	struct aps_id_made pairs[2]; /* the next one is looked for behind the last one, whose text must stay */
	uint32_t nonce;
	enum aps_rc rc = aps_outbox_nonce(db, &nonce, err);
	for (size_t i = 0; i < 2; i++) aps_id_made_init(&pairs[i]);
	for (size_t i = 0; rc == APS_OK && i < MAX_PAIRS; i++) {
		struct aps_id_made *last = &pairs[i % 2], *next = &pairs[(i + 1) % 2];
		rc = aps_id_map_next(db, last->owner, last->temporary, next, err);
		bool is_damaged = rc == APS_E_STORAGE && next->owner != 0;
		*n_damaged += is_damaged;
		if (is_damaged) rc = APS_OK;
		if (rc != APS_OK || next->owner == 0) break;
		if (!is_damaged) put_pair(w, next, nonce);
	}
	for (size_t i = 0; i < 2; i++) aps_id_made_clear(&pairs[i]);
	return rc;
}

static enum aps_rc put_id_map(struct aps_db *db, struct aps_json_writer *w, struct aps_err *err)
{
	int64_t n, n_damaged = 0;
	enum aps_rc rc = aps_db_read_int(db, "SELECT count(*) FROM id_map", &n, err);
	if (rc != APS_OK) return rc;
	aps_json_write_key(w, APS_STR("id_map"));
	aps_json_write_object(w);
	aps_inspect_put_count(w, "count", (uint64_t)n);
	aps_json_write_key(w, APS_STR("pairs"));
	aps_json_write_array(w);
	rc = put_pairs(db, w, &n_damaged, err);
	aps_json_write_array_end(w);
	aps_inspect_put_count(w, "damaged", (uint64_t)n_damaged);
	aps_json_write_object_end(w);
	return rc;
}

enum aps_rc aps_inspect_outbox(struct aps_db *db, struct aps_json_writer *w, struct aps_err *err)
{
	enum aps_rc rc = put_listing(db, w, "outbox", read_entries, err);
	if (rc == APS_OK) rc = put_listing(db, w, "dead_letters", read_letters, err);
	if (rc == APS_OK) rc = put_outcomes(db, w, err);
	if (rc == APS_OK) rc = put_id_map(db, w, err);
	uint32_t nonce;
	if (rc == APS_OK) rc = aps_outbox_nonce(db, &nonce, err);
	return rc == APS_OK ? aps_inspect_put_answered(db, w, nonce, err) : rc;
}
