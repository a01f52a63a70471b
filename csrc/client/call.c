/* Who waits for an outcome. What comes first ends it, and is told:
 *
 *    command ---> run_call ---> flight ---> the outcome -------------------+---> RESULT ---> end_call
 *                                 |                                        |
 *                                 +-------> deadline, cancel, closing -----+
 */
#include "client/call.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/caching.h"
#include "client/core.h"
#include "client/flight.h"
#include "client/queueing.h"
#include "codec/json_rewrite.h"

struct aps_call {
	struct aps_passenger passenger;
	struct aps_timer deadline;
	struct aps_reap reap;
	struct aps_client *client;
	struct aps_call_command *what; /* taken over from the inbox, without its topic */
};

static void free_call_command(struct aps_mail *mail)
{
	struct aps_call_command *command = (struct aps_call_command *)mail;
	if (command->result != NULL) command->result->head.mail.kind->free_mail(&command->result->head.mail);
	aps_topic_free(command->topic);
	aps_free(command);
}

static const struct aps_mail_kind CALL_KIND = {"call", free_call_command};

static struct aps_table *table_of(const struct aps_core *core)
{
	return aps_core_part(core, &aps_call_feature);
}

static void free_call(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	aps_free(APS_CONTAINER_OF(reap, struct aps_call, reap));
}

static void end_call(struct aps_core *core, struct aps_call *call)
{
	APS_STATS_SUB(call->client->stats, operations_in_flight, 1); /* before its peer can see that it is gone */
	aps_timer_stop(&core->timers, &call->deadline);
	aps_table_take(table_of(core), call->what->head.id);
	aps_command_free(&call->what->head);
	aps_core_reap(core, &call->reap, free_call);
}

/* The data becomes text here, where no frame waits for it. */
static void make_text(struct aps_result_event *event)
{
	struct aps_buf text;
	struct aps_json_writer w;
	struct aps_err err;
	event->has_data_text = true;
	if (event->response.data.n == 0) return;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, &text);
	enum aps_rc rc = aps_json_rewrite(&w, event->response.data, &err);
	if (rc == APS_OK) rc = aps_result_event_set_json(event, &text, &err);
	event->source = APS_RESULT_FROM_NETWORK;
	aps_buf_clear(&text);
	if (rc == APS_OK) return;
	event->response.data = APS_STR("");
	if (event->response.err.code == APS_OK) event->response.err = err;
}

/* Takes the outcome, and ends the call. */
static void tell(struct aps_core *core, struct aps_call *call, struct aps_outcome *outcome)
{
	struct aps_result_event *event = call->what->result;
	call->what->result = NULL;
	event->answer = outcome->answer;
	event->response = outcome->response;
	event->decoded = outcome->decoded;
	event->n_attempts = outcome->n_attempts;
	event->big_integers_as_text = call->client->settings.big_integers_as_text;
	event->head.mail.n_bytes += outcome->answer.n_body;
	if (call->what->wants_text) make_text(event);
	event->head.client = call->client->id;
	if (event->response.err.code != APS_OK) APS_STATS_ADD(call->client->stats, errors, 1);
	aps_core_emit(core, &event->head);
	end_call(core, call);
}

static void told(struct aps_core *core, struct aps_passenger *passenger, struct aps_outcome *outcome)
{
	tell(core, APS_CONTAINER_OF(passenger, struct aps_call, passenger), outcome);
}

static void deadline_due(struct aps_timer *timer, void *context, int64_t now_ms APS_UNUSED)
{
	struct aps_call *call = APS_CONTAINER_OF(timer, struct aps_call, deadline);
	struct aps_outcome outcome;
	if (aps_flight_leave_late(context, &call->passenger, call->what->timeout_ms, &outcome))
		tell(context, call, &outcome);
}

static void leave_call(struct aps_core *core, struct aps_call *call, const struct aps_err *why)
{
	struct aps_outcome outcome;
	aps_flight_leave(core, &call->passenger, why, &outcome);
	tell(core, call, &outcome);
}

/* The answer of a call that can't even begin. */
static void refuse_call(struct aps_core *core, struct aps_call_command *command, enum aps_rc code, const char *why)
{
	struct aps_result_event *event = command->result;
	command->result = NULL;
	aps_fail(&event->response.err, code, "%s", why);
	aps_core_emit(core, &event->head);
	aps_command_free(&command->head);
}

/* NULL: there is no memory, and the command is still the caller's. */
static struct aps_call *new_call(struct aps_core *core, struct aps_client *client, struct aps_call_command *what)
{
	struct aps_call *call = aps_calloc(1, sizeof *call);
	if (call == NULL || !aps_table_set(table_of(core), what->head.id, call)) {
		aps_free(call);
		return NULL;
	}
	if (what->timeout_ms == 0) what->timeout_ms = client->settings.request_timeout_ms;
	call->passenger.told = told;
	call->deadline.due = deadline_due;
	call->client = client;
	call->what = what;
	APS_STATS_ADD(client->stats, operations, 1);
	APS_STATS_ADD(client->stats, operations_in_flight, 1);
	return call;
}

static void fail_call(struct aps_core *core, struct aps_call *call)
{
	struct aps_err err;
	struct aps_outcome outcome;
	aps_fail(&err, APS_E_NOMEM, "out of memory");
	aps_outcome_init_err(&outcome, &err);
	tell(core, call, &outcome);
}

static void run_call(struct aps_core *core, struct aps_command *head)
{
	APS_ON_THREAD(core->thread);
	struct aps_call_command *what = (struct aps_call_command *)head;
	struct aps_client *client = aps_core_client(core, head->client);
	if (client == NULL) {
		refuse_call(core, what, APS_E_CLOSED, "the client is closed");
		return;
	}
	struct aps_call *call = new_call(core, client, what);
	if (call == NULL) {
		refuse_call(core, what, APS_E_NOMEM, "out of memory");
		return;
	}
	struct aps_topic *topic = what->topic;
	struct aps_err err;
	if (aps_caching_put_ids(core, client, topic->ids, &topic->operation, &err) != APS_OK) {
		fail_call(core, call);
		return;
	}
	const struct aps_flight_options options = {
	        .client = client,
	        .is_safe = what->is_safe,
	        .end_ms = what->made_ms + what->timeout_ms,
	        .timeout_ms = what->timeout_ms,
	};
	what->topic = NULL;
	if (!aps_timer_set(&core->timers, &call->deadline, options.end_ms)) {
		aps_topic_free(topic);
		fail_call(core, call);
	} else if (!aps_flight_board(core, &options, topic, &call->passenger)) {
		fail_call(core, call);
	}
}

struct aps_call_command *aps_call_command_new(uint64_t client, uint64_t call)
{
	struct aps_call_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &CALL_KIND, sizeof *command}, run_call, client, call, true};
	command->made_ms = aps_clock_mono_ms();
	command->result = aps_result_event_new(call);
	command->topic = aps_topic_new();
	if (command->result != NULL && command->topic != NULL) return command;
	aps_command_free(&command->head);
	return NULL;
}

static void run_cancel(struct aps_core *core, struct aps_command *command)
{
	APS_ON_THREAD(core->thread);
	struct aps_call *call = aps_table_get(table_of(core), command->id);
	struct aps_client *client = aps_core_client(core, command->client);
	struct aps_err err;
	aps_fail(&err, APS_E_CANCELLED, "the call was cancelled");
	if (call != NULL)
		leave_call(core, call, &err);
	else if (client != NULL)
		aps_queueing_cancel(core, client, command->id, &err);
	aps_command_free(command);
}

struct aps_command *aps_cancel_command_new(uint64_t client, uint64_t call)
{
	return aps_command_new(run_cancel, client, call);
}

static void leave_all(struct aps_core *core, struct aps_client *client, const struct aps_err *err)
{
	size_t cursor = 0;
	void *state = NULL;
	struct aps_call *call;
	while ((call = aps_table_next(table_of(core), &cursor, &state)) != NULL)
		if (call->client == client) leave_call(core, call, err);
}

const struct aps_feature aps_call_feature = {
        .name = "calls",
        .open = aps_core_open_table,
        .client_closing = leave_all,
        .close = aps_core_close_table,
};
