#include "client/queue_outcome.h"

#include "codec/json_reader.h"
#include "codec/json_writer.h"
#include "sync/root_fields.h"

#define SHORT_BYTES 16384 /* of what was told already, more than this isn't kept for whoever looks into the log */

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

static void write_int(struct aps_json_writer *w, const char *key, int64_t value)
{
	if (value == 0) return;
	aps_json_write_key(w, aps_str_of(key));
	aps_json_write_int(w, value);
}

void aps_queue_outcome_write_cause(struct aps_json_writer *w, const struct aps_queue *queue,
                                   const struct aps_outcome *outcome, const char *dead, uint64_t blocked_by)
{
	const struct aps_err *why = &outcome->response.err;
	char id[APS_ENTRY_TEXT_CHARS + 1];
	aps_json_write_object(w);
	write_text(w, "kind", aps_rc_kind(why->code));
	write_text(w, "message", why->msg);
	write_text(w, "code", aps_err_word(why));
	write_int(w, "status", outcome->answer.status);
	write_span(w, "errors", outcome->response.errors);
	write_text(w, "outcome", dead);
	if (blocked_by != 0) {
		aps_queue_id_text(queue, blocked_by, id);
		write_text(w, "blocked_by", id);
	}
	aps_json_write_object_end(w);
}

struct aps_str aps_queue_outcome_field(const struct aps_operation *operation)
{
	if (operation->document == NULL) return APS_STR("");
	struct aps_str first = aps_root_fields_first(operation->document, operation->definition);
	return first.n != 0 ? first : operation->definition->name;
}

/* What was asked for, where it was answered under another name: who looks for answers of the same mutation knows it by
 * that. */
static void write_field(struct aps_json_writer *w, const struct aps_operation *operation)
{
	if (operation->document == NULL) return;
	struct aps_str name = aps_root_fields_first_name(operation->document, operation->definition);
	bool is_alias = !aps_str_eq(name, aps_root_fields_first(operation->document, operation->definition));
	if (is_alias && name.n != 0) aps_json_write_member(w, "field", name);
}

static void write_entry(struct aps_json_writer *w, const struct aps_sending *sending)
{
	const struct aps_outbox_entry *entry = &sending->row.entry;
	char id[APS_ENTRY_TEXT_CHARS + 1];
	aps_queue_id_text(sending->queue, sending->number, id);
	write_text(w, "id", id);
	aps_json_write_member(w, "mutation", aps_queue_outcome_field(&sending->operation));
	write_field(w, &sending->operation);
	if (entry->name.n != 0) aps_json_write_member(w, "operation", entry->name);
	write_span(w, "variables", aps_buf_str(&sending->variables));
	aps_json_write_member(w, "document", entry->document);
	write_span(w, "rules", sending->extra.rules);
	write_int(w, "by", sending->extra.by);
}

enum aps_rc aps_queue_outcome_write(const struct aps_sending *sending, const struct aps_outbox_action *action,
                                    struct aps_buf *out, struct aps_err *err)
{
	struct aps_json_writer w;
	bool is_done = action->outcome == APS_DELIVERY_ENDED_DONE;
	const struct aps_outcome *outcome = &sending->outcome;
	aps_json_writer_init(&w, out);
	aps_json_write_object(&w);
	write_entry(&w, sending);
	write_span(&w, "data", outcome->response.data);
	if (!is_done || outcome->response.err.code != APS_OK) {
		aps_json_write_key(&w, APS_STR("err"));
		aps_queue_outcome_write_cause(&w, sending->queue, outcome,
		                              is_done ? NULL : aps_delivery_outcome_name(action->outcome),
		                              action->blocked_by);
	}
	aps_json_write_object_end(&w);
	if (aps_json_writer_finish(&w) == APS_OK) return APS_OK;
	if (w.err.code == APS_OK) return aps_fail(err, APS_E_NOMEM, "no memory for an outcome");
	*err = w.err;
	return err->code;
}

static bool is_kept(const struct aps_json_reader *r)
{
	return !aps_json_text_is(r, "data") && !aps_json_text_is(r, "document") && !aps_json_text_is(r, "rules");
}

enum aps_rc aps_queue_outcome_shorten(struct aps_str content, struct aps_buf *out, struct aps_err *err)
{
	struct aps_json_reader r;
	struct aps_json_writer w;
	struct aps_str value;
	aps_json_reader_init(&r, content, 0);
	aps_json_writer_init(&w, out);
	aps_json_write_object(&w);
	enum aps_json_token token = aps_json_next(&r);
	bool is_object = token == APS_JSON_OBJECT;
	while (is_object && (token = aps_json_next(&r)) == APS_JSON_KEY) {
		bool takes_room = !is_kept(&r);
		struct aps_str key = r.text;
		if (aps_json_skip_value(&r, &value) != APS_OK) break;
		if (takes_room && content.n > SHORT_BYTES) continue;
		aps_json_write_key(&w, key); /* of ours: without escapes */
		aps_json_write_raw(&w, value);
	}
	aps_json_write_object_end(&w);
	if (is_object && token == APS_JSON_OBJECT_END && aps_json_writer_finish(&w) == APS_OK) return APS_OK;
	return aps_fail(err, APS_E_STORAGE, "an outcome in the store can't be read");
}
