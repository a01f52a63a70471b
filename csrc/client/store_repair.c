#include "client/store_repair.h"

#include "client/queue.h"
#include "client/queue_extra.h"
#include "client/store_file.h"
#include "codec/json_writer.h"
#include "store/dead_letters.h"
#include "store/id_map.h"
#include "store/layer_store.h"
#include "store/migrations.h"
#include "store/outbox_number.h"
#include "store/outbox_rows.h"
#include "store/owners.h"
#include "sync/identity_fields.h"

#define BUSY_MS 2000 /* for a program that has the file open beside its owner */

struct repairing {
	struct aps_db *db;
	uint32_t nonce;
	struct aps_str id; /* as it was given */
	int64_t former;    /* number of the one that is queued again */
	struct aps_json_writer w;
	struct aps_buf moved; /* int64_t: numbers of those that are queued again, whose dependents follow */
};

static enum aps_rc fail_missing(const struct repairing *in, const char *what, struct aps_err *err)
{
	int n = in->id.n < APS_ENTRY_TEXT_CHARS ? (int)in->id.n : APS_ENTRY_TEXT_CHARS;
	return aps_fail_word(err, APS_E_STORAGE, "missing", 0, "there is no %s with the id %.*s", what, n, in->id.p);
}

static void put_id(struct repairing *in, const char *name, int64_t number)
{
	char text[APS_ENTRY_TEXT_CHARS + 1];
	aps_entry_text(in->nonce, number, text);
	aps_json_write_member(&in->w, name, aps_str_of(text));
}

/* What it is to make is its own still, under the number that it has from now on. */
static enum aps_rc claim_made(struct repairing *in, const struct aps_queue_extra *former, struct aps_queue_extra *own,
                              const struct aps_outbox_entry *entry, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < former->made.n_items; i++) {
		bool is_maker = false;
		struct aps_id_made pair;
		aps_id_made_init(&pair);
		pair.owner = aps_entry_owner(entry->id);
		pair.temporary = aps_identity_tail(former->made.items[i]);
		pair.maker = aps_entry_number(entry->id);
		pair.at_ms = entry->created_ms;
		rc = aps_id_map_claim(in->db, &pair, in->former, &is_maker, err);
		if (rc == APS_OK && is_maker && !aps_queue_keys_add(&own->made, &own->arena, former->made.items[i]))
			rc = aps_fail(err, APS_E_NOMEM, "out of memory");
		aps_id_made_clear(&pair);
	}
	return rc;
}

static enum aps_rc insert(struct repairing *in, struct aps_outbox_entry *entry, struct aps_err *err)
{
	struct aps_queue_extra former, own;
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_queue_extra_read(&own, APS_STR(""), err);
	enum aps_rc rc = aps_queue_extra_read(&former, entry->extra, err);
	own.headers = former.headers;
	own.rules = former.rules;
	own.roots = former.roots;
	own.first = former.first != 0 ? former.first : in->former;
	if (rc == APS_OK) rc = claim_made(in, &former, &own, entry, err);
	if (rc == APS_OK) rc = aps_queue_extra_write(&own, &text, err);
	entry->extra = aps_buf_str(&text);
	if (rc == APS_OK) rc = aps_outbox_insert(in->db, entry, err);
	aps_queue_extra_clear(&own);
	aps_queue_extra_clear(&former);
	aps_buf_clear(&text);
	return rc;
}

static enum aps_rc requeue(struct repairing *in, struct aps_dead_letter *letter, struct aps_err *err)
{
	struct aps_outbox_entry entry = letter->entry;
	int64_t former = aps_entry_number(entry.id), number;
	enum aps_rc rc = aps_outbox_next_number(in->db, &number, err);
	if (rc != APS_OK) return rc;
	entry.id = aps_entry_id(aps_entry_owner(entry.id), aps_entry_mode(entry.id), number);
	entry.flags &= ~(int64_t)APS_ENTRY_LAYER;
	in->former = former;
	rc = insert(in, &entry, err);
	aps_buf_add(&in->moved, &former, sizeof former);
	aps_json_write_object(&in->w);
	put_id(in, "id", former);
	put_id(in, "new_id", number);
	if (letter->entry.optimistic.n != 0) aps_json_write_member(&in->w, "optimistic", APS_STR("hidden"));
	aps_json_write_object_end(&in->w);
	return rc == APS_OK && in->moved.rc != APS_OK ? aps_fail(err, APS_E_NOMEM, "out of memory") : rc;
}

static enum aps_rc requeue_blocked(struct repairing *in, int64_t maker, struct aps_err *err)
{
	struct aps_dead_letter letter;
	enum aps_rc rc;
	int64_t after = 0;
	aps_dead_letter_init(&letter);
	do {
		rc = aps_dead_letters_next_blocked(in->db, maker, after, &letter, err);
		after = letter.entry.id;
		if (rc != APS_OK || after == 0) break;
		rc = aps_dead_letters_discard(in->db, after, err);
		if (rc == APS_OK) rc = requeue(in, &letter, err);
	} while (rc == APS_OK);
	aps_dead_letter_clear(&letter);
	return rc;
}

static enum aps_rc retry(struct repairing *in, int64_t number, struct aps_err *err)
{
	struct aps_dead_letter letter;
	aps_dead_letter_init(&letter);
	aps_buf_init(&in->moved, APS_BUF_ANY_SIZE);
	aps_json_write_key(&in->w, APS_STR("retried"));
	aps_json_write_array(&in->w);
	enum aps_rc rc = number != 0 ? aps_dead_letters_find_number(in->db, number, &letter, err) : APS_OK;
	if (rc == APS_OK && letter.entry.id == 0) rc = fail_missing(in, "dead letter", err);
	if (rc == APS_OK) rc = aps_dead_letters_discard(in->db, letter.entry.id, err);
	if (rc == APS_OK) rc = requeue(in, &letter, err);
	for (size_t i = 0; rc == APS_OK && i < in->moved.n / sizeof(int64_t); i++)
		rc = requeue_blocked(in, ((const int64_t *)(const void *)in->moved.p)[i], err);
	aps_json_write_array_end(&in->w);
	aps_buf_clear(&in->moved);
	aps_dead_letter_clear(&letter);
	return rc;
}

static enum aps_rc discard_queued(struct repairing *in, int64_t number, bool *is_there, struct aps_err *err)
{
	struct aps_outbox_row row;
	aps_outbox_row_init(&row);
	enum aps_rc rc = aps_outbox_find_number(in->db, number, &row, err);
	*is_there = rc == APS_OK && row.entry.id != 0;
	if (*is_there) rc = aps_outbox_remove(in->db, row.entry.id, err);
	if (*is_there && rc == APS_OK) rc = aps_layer_store_drop(in->db, (uint64_t)number, err);
	aps_outbox_row_clear(&row);
	return rc;
}

static enum aps_rc discard(struct repairing *in, int64_t number, struct aps_err *err)
{
	struct aps_dead_letter letter;
	bool is_there = false;
	aps_dead_letter_init(&letter);
	enum aps_rc rc = number != 0 ? aps_dead_letters_find_number(in->db, number, &letter, err) : APS_OK;
	bool is_dead = rc == APS_OK && letter.entry.id != 0;
	if (is_dead) rc = aps_dead_letters_discard(in->db, letter.entry.id, err);
	if (rc == APS_OK && !is_dead && number != 0) rc = discard_queued(in, number, &is_there, err);
	if (rc == APS_OK && !is_dead && !is_there) rc = fail_missing(in, "queued mutation or dead letter", err);
	put_id(in, "discarded", number);
	aps_dead_letter_clear(&letter);
	return rc;
}

typedef enum aps_rc repair_one(struct repairing *in, int64_t number, struct aps_err *err);

static enum aps_rc repair_in(struct repairing *in, repair_one *repair, struct aps_buf *json, struct aps_err *err)
{
	int64_t number = 0;
	aps_json_writer_init(&in->w, json);
	aps_json_write_object(&in->w);
	enum aps_rc rc = aps_db_begin(in->db, err);
	if (rc != APS_OK) return rc;
	rc = aps_outbox_nonce(in->db, &in->nonce, err);
	if (rc == APS_OK) aps_entry_text_read(in->id, in->nonce, &number);
	if (rc == APS_OK) rc = repair(in, number, err);
	aps_json_write_object_end(&in->w);
	if (rc == APS_OK && aps_json_writer_finish(&in->w) != APS_OK) rc = aps_fail(err, APS_E_NOMEM, "out of memory");
	if (rc == APS_OK) return aps_db_commit(in->db, err);
	aps_db_rollback(in->db);
	return rc;
}

/* Nothing is made, and a damaged one stays where it is: the next client sets it aside. */
static enum aps_rc open_and_repair(struct aps_store_file *file, struct aps_str id, repair_one *repair,
                                   struct aps_buf *json, struct aps_err *err)
{
	static const struct aps_db_options OPTIONS = {
	        .has_own_tables = true, .synchronous = APS_DB_SYNC_FULL, .busy_ms = BUSY_MS};
	struct repairing in = {.id = id};
	bool is_store = false;
	if (!aps_db_is_there(file->path)) return aps_fail(err, APS_E_STORAGE, "there is no such file");
	enum aps_rc rc = aps_store_file_claim(file, err);
	if (rc == APS_OK) rc = aps_db_open(file->real, &OPTIONS, &in.db, err);
	if (rc == APS_OK) rc = aps_migrations_is_store(in.db, &is_store, err);
	if (rc == APS_OK && !is_store) rc = aps_fail(err, APS_E_STORAGE, "it is no store of this library");
	if (rc == APS_OK) rc = aps_migrations_run(in.db, err);
	if (rc == APS_OK) rc = aps_outbox_check_numbers(in.db, err);
	if (rc == APS_OK) rc = aps_owners_check(in.db, err);
	if (rc == APS_OK) rc = repair_in(&in, repair, json, err);
	aps_db_close(in.db);
	return rc;
}

static enum aps_rc run(const char *path, struct aps_str id, repair_one *repair, struct aps_buf *json,
                       struct aps_err *err)
{
	struct aps_store_file file;
	const struct aps_store_options options = {.path = path};
	enum aps_rc rc = aps_store_file_init(&file, &options, err);
	if (rc != APS_OK) return rc;
	rc = open_and_repair(&file, id, repair, json, err);
	aps_store_file_clear(&file);
	return rc;
}

enum aps_rc aps_store_repair_retry(const char *path, struct aps_str id, struct aps_buf *json, struct aps_err *err)
{
	return run(path, id, retry, json, err);
}

enum aps_rc aps_store_repair_discard(const char *path, struct aps_str id, struct aps_buf *json, struct aps_err *err)
{
	return run(path, id, discard, json, err);
}
