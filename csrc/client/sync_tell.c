#include "client/sync_tell.h"

#include "codec/json_writer.h"

/* An object that is begun. */
struct telling {
	struct aps_buf json;
	struct aps_json_writer w;
	size_t errors_at, n_errors; /* the service's; 0: none */
	struct aps_str error_type;
};

static void begin(struct telling *telling, const char *what)
{
	*telling = (struct telling){.n_errors = 0};
	aps_buf_init(&telling->json, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&telling->w, &telling->json);
	aps_json_write_object(&telling->w);
	aps_json_write_member(&telling->w, "what", aps_str_of(what));
}

static enum aps_rc emit(const struct aps_sync_run *run, struct telling *telling, const struct aps_err *why,
                        struct aps_err *err)
{
	aps_json_write_object_end(&telling->w);
	enum aps_rc rc = aps_json_writer_finish(&telling->w) == APS_OK
	                         ? APS_OK
	                         : aps_fail(err, APS_E_NOMEM, "no memory for news of a delta sync");
	struct aps_result_event *event = rc == APS_OK ? aps_result_event_new(run->id) : NULL;
	if (rc == APS_OK && event == NULL) rc = aps_fail(err, APS_E_NOMEM, "out of memory");
	if (rc == APS_OK) rc = aps_result_event_set_json(event, &telling->json, err);
	aps_buf_clear(&telling->json);
	if (rc != APS_OK) {
		aps_result_event_unref(event);
		return rc;
	}
	event->head.kind = APS_EVENT_SYNC;
	event->big_integers_as_text = run->client->settings.big_integers_as_text;
	if (why != NULL && why->code != APS_OK) event->response.err = *why;
	if (telling->n_errors != 0)
		event->response.errors = (struct aps_str){event->bytes->p + telling->errors_at, telling->n_errors};
	if (telling->error_type.n != 0) /* without memory it is left out */
		event->response.error_type = aps_arena_dup(&event->decoded, telling->error_type);
	aps_core_emit(run->core, &event->head);
	return APS_OK;
}

static void write_errors(struct telling *telling, struct aps_str errors)
{
	if (errors.n == 0) return;
	aps_json_write_key(&telling->w, APS_STR("errors"));
	aps_json_write_raw(&telling->w, errors);
	telling->errors_at = telling->json.n - errors.n;
	telling->n_errors = errors.n;
}

static void write_int(struct aps_json_writer *w, const char *key, int64_t value)
{
	aps_json_write_key(w, aps_str_of(key));
	aps_json_write_int(w, value);
}

static void write_seconds(struct aps_json_writer *w, const char *key, int64_t ms)
{
	aps_json_write_key(w, aps_str_of(key));
	aps_json_write_double(w, (double)ms / 1000.0);
}

static void write_bool(struct aps_json_writer *w, const char *key, bool is_true)
{
	aps_json_write_key(w, aps_str_of(key));
	aps_json_write_bool(w, is_true);
}

/* The pass that is under way, which has brought nothing before its first page is kept; else the last one. */
static const struct aps_sync_pass *pass_of(const struct aps_sync_run *run)
{
	static const struct aps_sync_pass NONE;
	const struct aps_delta_sync *machine = &run->machine;
	bool is_running = machine->running != APS_SYNC_NO_QUERY;
	bool is_delta = is_running ? machine->running == APS_SYNC_DELTA_QUERY : run->was_delta;
	const struct aps_sync_pass *pass = is_delta ? &machine->checkpoint.delta : &machine->checkpoint.base;
	return is_running && (machine->is_anew || pass->token.n == 0) ? &NONE : pass;
}

static void write_state(struct aps_json_writer *w, const struct aps_sync_run *run)
{
	const struct aps_delta_sync *machine = &run->machine;
	const struct aps_checkpoint *checkpoint = &machine->checkpoint;
	const struct aps_sync_pass *pass = pass_of(run);
	aps_json_write_member(w, "phase", aps_str_of(aps_sync_phase_name(machine->phase)));
	write_int(w, "records", (int64_t)pass->n_records);
	write_int(w, "pages", (int64_t)pass->n_pages);
	write_int(w, "bytes", (int64_t)pass->n_bytes);
	write_int(w, "total", (int64_t)run->counts.n_records);
	if (checkpoint->n_base_records != 0) write_int(w, "estimate", (int64_t)checkpoint->n_base_records);
	if (checkpoint->last_sync_ms != 0) write_seconds(w, "last_sync", checkpoint->last_sync_ms);
	if (checkpoint->base_ms != 0 && machine->options.has_base)
		write_seconds(w, "next_base", checkpoint->base_ms + machine->options.interval_ms);
	write_int(w, "attempts", (int64_t)run->n_failed);
	write_bool(w, "truncated", checkpoint->is_truncated);
	write_bool(w, "is_limited", machine->options.max_records != 0 && aps_sync_is_partial(checkpoint));
	write_bool(w, "ordered", aps_sync_settings_are_ordered(run->settings));
	write_bool(w, "is_whole", aps_sync_run_is_whole(run));
	write_seconds(w, "delta_window", machine->options.window_ms);
	write_seconds(w, "network_time", run->counts.network_ms);
	write_seconds(w, "local_time", run->counts.local_ms);
	write_int(w, "quarantined", (int64_t)run->n_bad);
}

void aps_sync_tell_state(struct aps_sync_run *run)
{
	struct telling telling;
	struct aps_err err;
	if (!run->has_changed) return;
	begin(&telling, "state");
	write_state(&telling.w, run);
	bool is_unheard = run->err.code == APS_OK && !run->machine.is_subscribed;
	run->has_changed = emit(run, &telling, is_unheard ? &run->hearing.trouble : &run->err, &err) != APS_OK;
}

enum aps_rc aps_sync_tell_headers(struct aps_sync_run *run, uint64_t question, enum aps_sync_part_kind part,
                                  struct aps_err *err)
{
	struct telling telling;
	begin(&telling, "headers");
	write_int(&telling.w, "number", (int64_t)question);
	aps_json_write_member(&telling.w, "part", aps_str_of(aps_sync_part_name(part)));
	return emit(run, &telling, NULL, err);
}

enum aps_rc aps_sync_tell_update(struct aps_sync_run *run, uint64_t question, enum aps_sync_part_kind part,
                                 struct aps_str data, struct aps_str variables, struct aps_err *err)
{
	struct telling telling;
	begin(&telling, "update");
	write_int(&telling.w, "number", (int64_t)question);
	aps_json_write_member(&telling.w, "part", aps_str_of(aps_sync_part_name(part)));
	aps_json_write_key(&telling.w, APS_STR("data"));
	aps_json_write_raw(&telling.w, data);
	if (variables.n != 0) {
		aps_json_write_key(&telling.w, APS_STR("variables"));
		aps_json_write_raw(&telling.w, variables);
	}
	return emit(run, &telling, NULL, err);
}

enum aps_rc aps_sync_tell_records(struct aps_sync_run *run, uint64_t question, const struct aps_page *page,
                                  const struct aps_sync_judgement *judgement, struct aps_err *err)
{
	struct telling telling;
	const struct aps_sync_judged *judged = (const void *)judgement->records.p;
	begin(&telling, "records");
	write_int(&telling.w, "number", (int64_t)question);
	aps_json_write_key(&telling.w, APS_STR("records"));
	aps_json_write_array(&telling.w);
	for (size_t i = 0; i < aps_page_count(page); i++) {
		const struct aps_page_record *record = aps_page_at(page, i);
		if (judged[i].fate == APS_SYNC_IS_OLD || judged[i].fate == APS_SYNC_IS_BAD) continue;
		aps_json_write_object(&telling.w);
		aps_json_write_key(&telling.w, APS_STR("data"));
		aps_json_write_raw(&telling.w, record->text);
		write_bool(&telling.w, "deleted", record->is_deleted);
		aps_json_write_object_end(&telling.w);
	}
	aps_json_write_array_end(&telling.w);
	return emit(run, &telling, NULL, err);
}

enum aps_rc aps_sync_tell_gone(struct aps_sync_run *run, uint64_t question, struct aps_str records, struct aps_err *err)
{
	struct telling telling;
	begin(&telling, "records");
	write_int(&telling.w, "number", (int64_t)question);
	aps_json_write_key(&telling.w, APS_STR("records"));
	aps_json_write_raw(&telling.w, records);
	return emit(run, &telling, NULL, err);
}

static void write_records(struct aps_json_writer *w, const struct aps_page *page)
{
	aps_json_write_key(w, APS_STR("records"));
	aps_json_write_array(w);
	for (size_t i = 0; i < aps_page_count(page); i++) {
		const struct aps_page_record *record = aps_page_at(page, i);
		if (record->text.p != NULL) aps_json_write_raw(w, record->text);
	}
	aps_json_write_array_end(w);
}

static enum aps_rc tell_response(struct aps_sync_run *run, struct telling *telling,
                                 const struct aps_gqlhttp_response *response, struct aps_err *err)
{
	write_errors(telling, response->errors);
	telling->error_type = response->error_type;
	return emit(run, telling, &response->err, err);
}

enum aps_rc aps_sync_tell_page(struct aps_sync_run *run, uint64_t question, const struct aps_sync_answer *answer,
                               struct aps_err *err)
{
	struct telling telling;
	const struct aps_gqlhttp_response *response = &answer->outcome.response;
	begin(&telling, "page");
	write_int(&telling.w, "number", (int64_t)question);
	if (run->settings->parts[APS_SYNC_PART_DELTA].has_update) {
		aps_json_write_key(&telling.w, APS_STR("data"));
		aps_json_write_raw(&telling.w, response->data);
	} else {
		write_records(&telling.w, &answer->page);
	}
	return tell_response(run, &telling, response, err);
}

enum aps_rc aps_sync_tell_event(struct aps_sync_run *run, const struct aps_gqlhttp_response *response,
                                struct aps_err *err)
{
	struct telling telling;
	begin(&telling, "event");
	if (response->data.n != 0) {
		aps_json_write_key(&telling.w, APS_STR("data"));
		aps_json_write_raw(&telling.w, response->data);
	}
	return tell_response(run, &telling, response, err);
}

struct aps_result_event *aps_sync_end_event_new(uint64_t sync)
{
	struct aps_result_event *event = aps_result_event_new(sync);
	struct aps_buf json;
	struct aps_err err;
	aps_buf_init(&json, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&json, "{\"what\":\"end\"}");
	if (event != NULL && aps_result_event_set_json(event, &json, &err) != APS_OK) {
		aps_result_event_unref(event);
		event = NULL;
	}
	if (event != NULL) event->head.kind = APS_EVENT_SYNC;
	aps_buf_clear(&json);
	return event;
}

void aps_sync_tell_end(struct aps_sync_run *run, const struct aps_err *why)
{
	struct telling telling;
	struct aps_err err;
	begin(&telling, "end");
	if (run->told != NULL) write_errors(&telling, aps_str_of(run->told));
	bool is_told = emit(run, &telling, why, &err) == APS_OK;
	if (is_told || run->end == NULL) return;
	run->end->response.err = *why;
	aps_core_emit(run->core, &run->end->head);
	run->end = NULL;
}
