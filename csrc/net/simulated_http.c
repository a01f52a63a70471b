#include "net/simulated_http.h"

#include "base/mem.h"
#include "net/answer.h"

#include <string.h>

struct answered {
	struct answered *next;
	uint64_t id;
	struct aps_http_answer answer;
};

struct aps_simulated_http {
	struct aps_simulated_exchange *first; /* in the order in which they were started */
	struct answered *due;                 /* likewise */
	uint64_t last_id;
};

static const struct {
	enum aps_rc code;
	const char *word;
	bool is_sent;
	const char *text;
} FAILURES[] = {
        [APS_SIMULATED_REFUSED] = {APS_E_NETWORK, "connection_refused", false, "the connection was refused"},
        [APS_SIMULATED_LOST] = {APS_E_NETWORK, "connection_lost", true, "no answer, the connection was closed"},
        [APS_SIMULATED_TIMEOUT] = {APS_E_TIMEOUT, NULL, true, "no complete answer in time"},
};

struct aps_simulated_http *aps_simulated_http_new(struct aps_err *err)
{
	struct aps_simulated_http *http = aps_calloc(1, sizeof *http);
	if (http == NULL) aps_fail(err, APS_E_NOMEM, "no memory for HTTP");
	return http;
}

static void free_exchange(struct aps_simulated_exchange *exchange)
{
	aps_buf_clear(&exchange->headers);
	aps_free(exchange->body);
	aps_free(exchange);
}

static void free_answered(struct answered *answered)
{
	aps_http_answer_clear(&answered->answer);
	aps_free(answered);
}

void aps_simulated_http_free(struct aps_simulated_http *http)
{
	if (http == NULL) return;
	while (http->first != NULL) {
		struct aps_simulated_exchange *exchange = http->first;
		http->first = exchange->next;
		free_exchange(exchange);
	}
	while (http->due != NULL) {
		struct answered *answered = http->due;
		http->due = answered->next;
		free_answered(answered);
	}
	aps_free(http);
}

static bool add_headers(struct aps_buf *lines, const struct aps_http_request *request)
{
	for (size_t i = 0; i < request->n_headers; i++) {
		aps_buf_add_str(lines, request->headers[i].name);
		aps_buf_add_text(lines, ": ");
		aps_buf_add_str(lines, request->headers[i].value);
		aps_buf_add_byte(lines, '\n');
	}
	return lines->rc == APS_OK;
}

enum aps_rc aps_simulated_http_start(struct aps_simulated_http *http, struct aps_http_request *request, uint64_t *id,
                                     struct aps_err *err)
{
	if (request->is_resolve_only)
		return aps_fail_word(err, APS_E_USAGE, "not_simulated", 0, "a simulation looks up no names");
	struct aps_simulated_exchange *exchange = aps_calloc(1, sizeof *exchange);
	if (exchange != NULL) aps_buf_init(&exchange->headers, APS_BUF_ANY_SIZE);
	if (exchange == NULL || !add_headers(&exchange->headers, request)) {
		if (exchange != NULL) free_exchange(exchange);
		aps_free(request->body);
		request->body = NULL;
		return aps_fail(err, APS_E_NOMEM, "no memory for an HTTP exchange");
	}
	exchange->id = *id = ++http->last_id;
	exchange->label = request->label;
	exchange->tag = request->tag;
	exchange->body = request->body;
	exchange->n_body = request->n_body;
	exchange->timeout_ms = request->timeout_ms;
	request->body = NULL;
	struct aps_simulated_exchange **at = &http->first;
	while (*at != NULL) at = &(*at)->next;
	*at = exchange;
	return APS_OK;
}

/* Out of the list. */
static struct aps_simulated_exchange *take_out(struct aps_simulated_http *http, uint64_t id)
{
	struct aps_simulated_exchange **at = &http->first;
	while (*at != NULL && (*at)->id != id) at = &(*at)->next;
	struct aps_simulated_exchange *found = *at;
	if (found != NULL) *at = found->next;
	return found;
}

void aps_simulated_http_cancel(struct aps_simulated_http *http, uint64_t id)
{
	struct aps_simulated_exchange *exchange = take_out(http, id);
	if (exchange != NULL) free_exchange(exchange);
	struct answered **at = &http->due;
	while (*at != NULL && (*at)->id != id) at = &(*at)->next;
	struct answered *answered = *at;
	if (answered == NULL) return;
	*at = answered->next;
	free_answered(answered);
}

bool aps_simulated_http_next(struct aps_simulated_http *http, struct aps_http_answer *answer)
{
	struct answered *answered = http->due;
	if (answered == NULL) return false;
	http->due = answered->next;
	*answer = answered->answer;
	aps_free(answered);
	return true;
}

size_t aps_simulated_http_n_running(const struct aps_simulated_http *http)
{
	size_t n = 0;
	for (const struct aps_simulated_exchange *at = http->first; at != NULL; at = at->next) n++;
	for (const struct answered *at = http->due; at != NULL; at = at->next) n++;
	return n;
}

const struct aps_simulated_exchange *aps_simulated_http_take(struct aps_simulated_http *http)
{
	struct aps_simulated_exchange *exchange = http->first;
	while (exchange != NULL && exchange->is_taken) exchange = exchange->next;
	if (exchange != NULL) exchange->is_taken = true;
	return exchange;
}

/* Moves an exchange to those that are due; the answer is to be filled. NULL: see aps_simulated_http_answer(). */
static struct answered *end_exchange(struct aps_simulated_http *http, uint64_t id)
{
	struct answered *answered = aps_calloc(1, sizeof *answered);
	struct aps_simulated_exchange *exchange = answered != NULL ? take_out(http, id) : NULL;
	if (exchange == NULL) {
		aps_free(answered);
		return NULL;
	}
	answered->id = id;
	answered->answer.tag = exchange->tag;
	free_exchange(exchange);
	struct answered **at = &http->due;
	while (*at != NULL) at = &(*at)->next;
	*at = answered;
	return answered;
}

static size_t count_lines(struct aps_str text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) n += text.p[i] == '\n';
	return n;
}

bool aps_simulated_http_answer(struct aps_simulated_http *http, uint64_t id, long status, struct aps_str headers,
                               struct aps_str body)
{
	struct aps_http_answer answer = {.status = status, .http_version = 20, .n_body = body.n};
	answer.err.sent = true;
	answer.body = aps_strndup(body.p, body.n);
	bool is_whole = answer.body != NULL && aps_answer_take_headers(&answer, headers, count_lines(headers));
	struct answered *answered = is_whole ? end_exchange(http, id) : NULL;
	if (answered == NULL) {
		aps_http_answer_clear(&answer);
		return false;
	}
	answer.tag = answered->answer.tag;
	answered->answer = answer;
	return true;
}

bool aps_simulated_http_fail(struct aps_simulated_http *http, uint64_t id, enum aps_simulated_failure how)
{
	struct answered *answered = end_exchange(http, id);
	if (answered == NULL) return false;
	struct aps_err *err = &answered->answer.err;
	aps_fail_word(err, FAILURES[how].code, FAILURES[how].word, 0, "%s", FAILURES[how].text);
	err->sent = FAILURES[how].is_sent;
	return true;
}
