#include "client/time_question.h"

#include "base/clock.h"
#include "proto/attempt.h"

#define MAX_RESPONSE_BYTES ((size_t)64 * 1024) /* of which only a header is looked at */

static void answered(struct aps_core *core, struct aps_answer_sink *sink, struct aps_http_answer *answer)
{
	struct aps_time_question *question = APS_CONTAINER_OF(sink, struct aps_time_question, sink);
	const struct aps_attempt_event event = {
	        .kind = APS_ATTEMPT_ON_ANSWERED,
	        .status = answer->status,
	        .date = aps_http_answer_header(answer, "date"),
	        .wall_ms = aps_clock_wall_ms(),
	        .skew_ms = question->client->skew_ms,
	};
	const struct aps_attempt_lesson learned = aps_attempt_learn(&event);
	question->exchange = 0;
	if (learned.is_clock_told) aps_client_set_clock(question->client, learned.skew_ms);
	question->answered(core, question, learned.has_skew);
}

void aps_time_question_init(struct aps_time_question *question, struct aps_client *client, aps_time_answered_fn *fn)
{
	*question = (struct aps_time_question){.sink.answered = answered, .client = client, .answered = fn};
}

bool aps_time_question_ask(struct aps_core *core, struct aps_time_question *question)
{
	APS_ON_THREAD(core->thread);
	const struct aps_settings *settings = &question->client->settings;
	if (question->was_asked || question->client->is_clock_told) return false;
	question->was_asked = true;
	struct aps_err unused; /* then whoever asks knows no more than before */
	struct aps_http_request request = {
	        .method = "GET",
	        .url = settings->endpoint,
	        .options = &settings->net,
	        .connect_timeout_ms = settings->connect_timeout_ms,
	        .timeout_ms = settings->connect_timeout_ms,
	        .max_response_bytes = MAX_RESPONSE_BYTES,
	        .tag = &question->sink,
	};
	return aps_http_start(core->http, &request, &question->exchange, &unused) == APS_OK;
}

void aps_time_question_stop(struct aps_core *core, struct aps_time_question *question)
{
	APS_ON_THREAD(core->thread);
	if (question->exchange != 0) aps_http_cancel(core->http, question->exchange);
	question->exchange = 0;
}
