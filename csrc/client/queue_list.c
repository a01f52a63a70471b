#include "client/queue_list.h"

#include "client/queue_extra.h"
#include "client/queue_outcome.h"
#include "client/sending.h"
#include "store/dead_letters.h"
#include "store/outcomes.h"

static void write_text(struct aps_json_writer *w, const char *key, const char *text)
{
	if (text != NULL) aps_json_write_member(w, key, aps_str_of(text));
}

static void write_span(struct aps_json_writer *w, const char *key, struct aps_str json)
{
	if (json.n == 0) return;
	aps_json_write_key(w, aps_str_of(key));
	aps_json_write_raw(w, json);
}

static void write_number(struct aps_json_writer *w, const char *key, int64_t value)
{
	aps_json_write_key(w, aps_str_of(key));
	aps_json_write_int(w, value);
}

static void write_id(struct aps_json_writer *w, const struct aps_queue *queue, const char *key, int64_t number)
{
	char id[APS_ENTRY_TEXT_CHARS + 1];
	aps_queue_id_text(queue, (uint64_t)number, id);
	write_text(w, key, id);
}

/* The root field of a queued document, which was parsed before. */
static void write_field(struct aps_json_writer *w, const struct aps_outbox_entry *entry)
{
	struct aps_gql_document *document;
	if (aps_gql_document_new(entry->document, &document, NULL, NULL) != APS_OK) return;
	const struct aps_operation operation = {.document = document,
	                                        .definition = aps_gql_document_find(document, entry->name)};
	if (operation.definition != NULL) aps_json_write_member(w, "mutation", aps_queue_outcome_field(&operation));
	aps_gql_document_unref(document);
}

static void write_entry(struct aps_json_writer *w, const struct aps_queue *queue, const struct aps_outbox_entry *entry)
{
	int64_t number = aps_entry_number(entry->id);
	write_id(w, queue, "id", number);
	write_number(w, "entry", number);
	write_field(w, entry);
	if (entry->name.n != 0) aps_json_write_member(w, "operation", entry->name);
	aps_json_write_member(w, "document", entry->document);
	write_span(w, "variables", entry->variables);
	aps_json_write_key(w, APS_STR("created"));
	aps_json_write_double(w, (double)entry->created_ms / 1000.0);
	write_text(w, "mode", aps_entry_mode_name(aps_entry_mode(entry->id)));
	write_text(w, "identity", queue->identity);
}

static const char *state_of(const struct aps_queue *queue, const struct aps_outbox_row *row)
{
	const struct aps_outbox_item *item = aps_outbox_item(&queue->outbox, (uint64_t)aps_entry_number(row->entry.id));
	if (item == NULL) return "queued";
	const char *reason = aps_outbox_reason_name(aps_outbox_reason(&queue->outbox, item));
	return reason != NULL ? reason : "queued";
}

static void write_row(struct aps_json_writer *w, const struct aps_queue *queue, const struct aps_outbox_row *row)
{
	aps_json_write_object(w);
	write_entry(w, queue, &row->entry);
	write_number(w, "attempts", row->delivery.n_attempts);
	write_span(w, "cause", row->delivery.cause);
	write_text(w, "state", state_of(queue, row));
}

static void write_letter(struct aps_json_writer *w, const struct aps_queue *queue, const struct aps_dead_letter *letter)
{
	aps_json_write_object(w);
	write_entry(w, queue, &letter->entry);
	write_number(w, "attempts", letter->death.n_attempts);
	write_span(w, "cause", letter->death.cause);
	write_text(w, "state", "dead");
	aps_json_write_key(w, APS_STR("died"));
	aps_json_write_double(w, (double)letter->death.died_ms / 1000.0);
}

/* A damaged row is passed by: it is told of where it is met. */
static enum aps_rc go_past(enum aps_rc rc, int64_t id, const struct aps_err *err)
{
	bool is_damaged = rc == APS_E_STORAGE && id != 0 && err->word != NULL && strcmp(err->word, "corrupt") == 0;
	return is_damaged ? APS_OK : rc;
}

static enum aps_rc finish(struct aps_json_writer *w, enum aps_rc rc, struct aps_err *err)
{
	if (rc != APS_OK || aps_json_writer_finish(w) == APS_OK) return rc;
	if (w->err.code == APS_OK) return aps_fail(err, APS_E_NOMEM, "no memory for a list of mutations");
	*err = w->err;
	return err->code;
}

/* What is read of the store, one after the other. */
struct listing {
	struct aps_queue *queue;
	struct aps_buf *out;
	struct aps_json_writer w;
	struct aps_outbox_row row;
	struct aps_dead_letter letter;
	struct aps_kept_outcome outcome;
	int64_t maker; /* of those that are listed */
};

/* The next one behind `after`, which is *at then; 0: there is none. */
typedef enum aps_rc next_one(struct listing *in, int64_t after, int64_t *at, struct aps_err *err);
typedef void put_one(struct listing *in);

static enum aps_rc walk(struct listing *in, int64_t after, next_one *next, put_one *put, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	while (in->queue->owner != 0 && rc == APS_OK) {
		rc = next(in, after, &after, err);
		if (after == 0) break;
		if (rc == APS_OK) put(in);
		rc = go_past(rc, after, err);
	}
	return rc;
}

static enum aps_rc list(struct listing *in, int64_t after, next_one *next, put_one *put, struct aps_err *err)
{
	aps_json_writer_init(&in->w, in->out);
	aps_outbox_row_init(&in->row);
	aps_dead_letter_init(&in->letter);
	aps_kept_outcome_init(&in->outcome);
	aps_json_write_array(&in->w);
	enum aps_rc rc = walk(in, after, next, put, err);
	aps_json_write_array_end(&in->w);
	aps_outbox_row_clear(&in->row);
	aps_dead_letter_clear(&in->letter);
	aps_kept_outcome_clear(&in->outcome);
	return finish(&in->w, rc, err);
}

static enum aps_rc next_row(struct listing *in, int64_t after, int64_t *at, struct aps_err *err)
{
	const struct aps_queue *queue = in->queue;
	enum aps_rc rc = aps_outbox_next(aps_queue_db(queue), aps_entry_owned(queue->owner), after, &in->row, err);
	*at = in->row.entry.id;
	return rc;
}

static void put_row(struct listing *in)
{
	write_row(&in->w, in->queue, &in->row);
	aps_json_write_object_end(&in->w);
}

enum aps_rc aps_queue_list(struct aps_queue *queue, struct aps_buf *out, struct aps_err *err)
{
	struct listing in = {.queue = queue, .out = out};
	return list(&in, 0, next_row, put_row, err);
}

static enum aps_rc next_letter(struct listing *in, int64_t after, int64_t *at, struct aps_err *err)
{
	const struct aps_queue *queue = in->queue;
	enum aps_rc rc =
	        aps_dead_letters_next(aps_queue_db(queue), aps_entry_owned(queue->owner), after, &in->letter, err);
	*at = in->letter.entry.id;
	return rc;
}

static void put_letter(struct listing *in)
{
	write_letter(&in->w, in->queue, &in->letter);
	aps_json_write_object_end(&in->w);
}

enum aps_rc aps_queue_list_dead(struct aps_queue *queue, struct aps_buf *out, struct aps_err *err)
{
	struct listing in = {.queue = queue, .out = out};
	return list(&in, 0, next_letter, put_letter, err);
}

static enum aps_rc next_outcome(struct listing *in, int64_t after, int64_t *at, struct aps_err *err)
{
	enum aps_rc rc = aps_outcomes_next(aps_queue_db(in->queue), in->queue->owner, after, &in->outcome, err);
	*at = in->outcome.number;
	return rc;
}

static void put_outcome(struct listing *in)
{
	const struct aps_kept_outcome *outcome = &in->outcome;
	if (outcome->content.n < 2) return;
	aps_json_write_object(&in->w);
	write_number(&in->w, "number", outcome->number);
	aps_json_write_key(&in->w, APS_STR("notified"));
	aps_json_write_bool(&in->w, outcome->is_told);
	aps_json_write_key(&in->w, APS_STR("finished"));
	aps_json_write_double(&in->w, (double)outcome->finished_ms / 1000.0);
	if (outcome->content.n > 2) aps_buf_add_byte(in->out, ',');
	aps_buf_add(in->out, outcome->content.p + 1, outcome->content.n - 2);
	aps_json_write_object_end(&in->w);
}

enum aps_rc aps_queue_list_outcomes(struct aps_queue *queue, int64_t since, struct aps_buf *out, struct aps_err *err)
{
	struct listing in = {.queue = queue, .out = out};
	return list(&in, since, next_outcome, put_outcome, err);
}

static enum aps_rc next_blocked(struct listing *in, int64_t after, int64_t *at, struct aps_err *err)
{
	enum aps_rc rc = aps_dead_letters_next_blocked(aps_queue_db(in->queue), in->maker, after, &in->letter, err);
	*at = in->letter.entry.id;
	return rc;
}

static void put_id(struct listing *in)
{
	char id[APS_ENTRY_TEXT_CHARS + 1];
	aps_queue_id_text(in->queue, (uint64_t)aps_entry_number(in->letter.entry.id), id);
	aps_json_write_string(&in->w, aps_str_of(id));
}

enum aps_rc aps_queue_list_blocked(struct aps_queue *queue, int64_t number, struct aps_buf *out, struct aps_err *err)
{
	struct listing in = {.queue = queue, .out = out, .maker = number};
	return list(&in, 0, next_blocked, put_id, err);
}

static enum aps_rc write_rest(struct aps_json_writer *w, const struct aps_outbox_entry *entry, struct aps_err *err)
{
	struct aps_queue_extra extra;
	enum aps_rc rc = aps_queue_extra_read(&extra, entry->extra, err);
	if (rc == APS_OK) {
		write_span(w, "optimistic", entry->optimistic);
		write_span(w, "rules", extra.rules);
		aps_json_write_key(w, APS_STR("has_layer"));
		aps_json_write_bool(w, (entry->flags & APS_ENTRY_LAYER) != 0);
	}
	aps_queue_extra_clear(&extra);
	return rc;
}

static enum aps_rc find_dead(struct aps_queue *queue, int64_t number, struct aps_json_writer *w, struct aps_err *err)
{
	struct aps_dead_letter letter;
	aps_dead_letter_init(&letter);
	enum aps_rc rc = aps_dead_letters_find_number(aps_queue_db(queue), number, &letter, err);
	bool is_own = letter.entry.id != 0 && aps_entry_owner(letter.entry.id) == queue->owner;
	if (rc == APS_OK && is_own) {
		write_letter(w, queue, &letter);
		rc = write_rest(w, &letter.entry, err);
		aps_json_write_object_end(w);
	} else if (rc == APS_OK) {
		aps_json_write_null(w);
	}
	aps_dead_letter_clear(&letter);
	return rc;
}

enum aps_rc aps_queue_find(struct aps_queue *queue, int64_t number, struct aps_buf *out, struct aps_err *err)
{
	struct aps_json_writer w;
	struct aps_outbox_row row;
	aps_json_writer_init(&w, out);
	aps_outbox_row_init(&row);
	enum aps_rc rc = aps_outbox_find_number(aps_queue_db(queue), number, &row, err);
	if (rc == APS_OK && row.entry.id != 0 && aps_entry_owner(row.entry.id) == queue->owner) {
		write_row(&w, queue, &row);
		rc = write_rest(&w, &row.entry, err);
		aps_json_write_object_end(&w);
	} else if (rc == APS_OK) {
		rc = find_dead(queue, number, &w, err);
	}
	aps_outbox_row_clear(&row);
	return finish(&w, rc, err);
}
