#include "client/outcome.h"

#include "auth/mask.h"
#include "base/mem.h"
#include "base/printable.h"
#include "codec/url.h"

#include <stdio.h>

void aps_outcome_init(struct aps_outcome *outcome)
{
	*outcome = (struct aps_outcome){.n_attempts = 0};
	aps_arena_init(&outcome->decoded, APS_BUF_ANY_SIZE);
}

void aps_outcome_init_answer(struct aps_outcome *outcome, struct aps_http_answer *answer)
{
	*outcome = (struct aps_outcome){.answer = *answer};
	aps_arena_init(&outcome->decoded, APS_BUF_ANY_SIZE);
	*answer = (struct aps_http_answer){.tag = NULL};
}

void aps_outcome_init_err(struct aps_outcome *outcome, const struct aps_err *err)
{
	aps_outcome_init(outcome);
	outcome->response.err = *err;
}

void aps_outcome_clear(struct aps_outcome *outcome)
{
	aps_http_answer_clear(&outcome->answer);
	aps_arena_clear(&outcome->decoded);
	outcome->response = (struct aps_gqlhttp_response){.has_value = false};
}

void aps_outcome_move(struct aps_outcome *to, struct aps_outcome *from)
{
	*to = *from;
	aps_outcome_init(from);
}

/* Redirects are not followed: where to is told. */
static void name_target(struct aps_outcome *outcome)
{
	long status = outcome->answer.status;
	struct aps_str location = aps_http_answer_header(&outcome->answer, "location");
	if (status < 300 || status > 399 || location.n == 0 || outcome->response.err.code == APS_OK) return;
	char target[APS_URL_SHOWN_CHARS], *msg = outcome->response.err.msg;
	size_t n = strlen(msg);
	aps_url_show(location, target);
	snprintf(msg + n, sizeof outcome->response.err.msg - n, ", which redirects to %s", target);
	aps_printable_cut(msg);
}

void aps_outcome_read(struct aps_outcome *outcome)
{
	const struct aps_http_answer *answer = &outcome->answer;
	struct aps_str body = {answer->body != NULL ? answer->body : "", answer->n_body};
	struct aps_str type_header = aps_http_answer_header(answer, "x-amzn-errortype");
	aps_gqlhttp_parse(answer->status, type_header, body, &outcome->decoded, &outcome->response);
	name_target(outcome);
}

/* Header lines as they came: the names and values that the answer has are spans of it. */
static size_t header_bytes(const struct aps_http_answer *answer)
{
	if (answer->n_headers == 0) return 0;
	struct aps_str last = answer->headers[answer->n_headers - 1].value;
	return (size_t)(last.p + last.n - answer->header_text);
}

static struct aps_str moved(struct aps_str text, const char *from, const char *to)
{
	return (struct aps_str){to + (text.p - from), text.n};
}

/* False: no memory; what there is of *to is to be cleared. */
static bool dup_answer(struct aps_http_answer *to, const struct aps_http_answer *from)
{
	*to = (struct aps_http_answer){.status = from->status, .http_version = from->http_version};
	to->body = aps_strndup(from->body != NULL ? from->body : "", from->n_body);
	to->n_body = from->n_body;
	if (to->body == NULL) return false;
	if (from->n_headers == 0) return true;
	to->header_text = aps_strndup(from->header_text, header_bytes(from));
	to->headers = aps_calloc(from->n_headers, sizeof *to->headers);
	if (to->header_text == NULL || to->headers == NULL) return false;
	to->n_headers = from->n_headers;
	for (size_t i = 0; i < from->n_headers; i++) {
		to->headers[i].name = moved(from->headers[i].name, from->header_text, to->header_text);
		to->headers[i].value = moved(from->headers[i].value, from->header_text, to->header_text);
	}
	return true;
}

void aps_outcome_dup(struct aps_outcome *to, const struct aps_outcome *from)
{
	aps_outcome_init_err(to, &from->response.err);
	to->n_attempts = from->n_attempts;
	if (from->answer.status == 0) return;
	if (!dup_answer(&to->answer, &from->answer)) {
		aps_outcome_clear(to);
		aps_fail(&to->response.err, APS_E_NOMEM, "out of memory");
		return;
	}
	aps_outcome_read(to);
	to->response.err = from->response.err; /* it may tell more than the answer does */
}

/* Data of an answer that is good but for some errors is the application's, and stays as it is. */
static struct aps_str kept_text(const struct aps_outcome *outcome)
{
	bool is_partial = outcome->response.has_value && outcome->answer.status >= 200 && outcome->answer.status < 300;
	return is_partial ? outcome->response.data : APS_STR("");
}

void aps_outcome_mask(struct aps_outcome *outcome, const struct aps_secrets *secrets)
{
	struct aps_http_answer *answer = &outcome->answer;
	bool is_masked = aps_mask(secrets, answer->header_text, header_bytes(answer), APS_STR(""));
	if (aps_mask(secrets, answer->body, answer->n_body, kept_text(outcome))) is_masked = true;
	if (!is_masked) return;
	/* Once more, for the texts; what it means was said by what came. */
	struct aps_err judged = outcome->response.err;
	aps_arena_clear(&outcome->decoded);
	aps_outcome_read(outcome);
	memcpy(judged.msg, outcome->response.err.msg, sizeof judged.msg);
	outcome->response.err = judged;
}
