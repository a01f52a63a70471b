#include "proto/gqlhttp.h"

#include "codec/json_reader.h"
#include "codec/json_writer.h"
#include "proto/error_list.h"
#include "proto/retry.h"

#include <stdio.h>

#define QUOTE_BYTES      80
#define FRAME_BYTES      64 /* more than what stands around document, variables and name */
#define MAX_ESCAPE_BYTES 6  /* of a byte in a string of JSON */

/* Most bodies fit without growing: a line end is two bytes in JSON, and a line of canonical print seldom has under
 * four. */
static void reserve(struct aps_buf *out, const struct aps_operation *operation)
{
	size_t n_text = aps_operation_text(operation).n;
	size_t n = n_text + n_text / 4 + operation->n_variables_bytes + operation->definition->name.n + FRAME_BYTES;
	size_t n_left = out->max_bytes - out->n;
	aps_buf_reserve(out, n < n_left ? n : n_left);
}

enum aps_rc aps_gqlhttp_body(struct aps_buf *out, const struct aps_operation *operation, struct aps_err *err)
{
	struct aps_json_writer w;
	struct aps_str name = operation->definition->name;
	reserve(out, operation);
	aps_json_writer_init(&w, out);
	aps_json_write_object(&w);
	aps_json_write_member(&w, "query", aps_operation_text(operation));
	aps_json_write_key(&w, APS_STR("variables"));
	aps_json_write_raw(&w, aps_operation_variables(operation));
	if (name.n != 0) aps_json_write_member(&w, "operationName", name);
	aps_json_write_object_end(&w);
	enum aps_rc rc = aps_json_writer_finish(&w);
	if (rc != APS_OK && err != NULL) *err = w.err;
	return rc;
}

enum aps_rc aps_gqlhttp_check_body(const struct aps_operation *operation, size_t max_bytes, struct aps_err *err)
{
	size_t n_escaped = MAX_ESCAPE_BYTES * (aps_operation_text(operation).n + operation->definition->name.n);
	if (operation->n_variables_bytes < max_bytes &&
	    n_escaped + FRAME_BYTES < max_bytes - operation->n_variables_bytes)
		return APS_OK;
	struct aps_buf body;
	aps_buf_init(&body, max_bytes);
	enum aps_rc rc = aps_gqlhttp_body(&body, operation, err);
	aps_buf_clear(&body);
	return rc;
}

static bool is_null(struct aps_str json)
{
	return aps_str_is(json, "null");
}

static const char *name_of(enum aps_json_token token)
{
	switch (token) {
	case APS_JSON_ARRAY: return "list";
	case APS_JSON_STRING: return "string";
	case APS_JSON_NULL: return "null";
	case APS_JSON_TRUE:
	case APS_JSON_FALSE: return "boolean";
	default: return "number";
	}
}

/* One pass over the members of the body; the last of equal keys wins. False with r->err: no JSON, or no object. */
static bool read_members(struct aps_json_reader *r, struct aps_str body, struct aps_gqlhttp_response *out)
{
	aps_json_reader_init(r, body, 0);
	enum aps_json_token token = aps_json_next(r);
	if (token != APS_JSON_OBJECT) {
		if (token != APS_JSON_ERROR)
			aps_fail(&r->err, APS_E_PROTOCOL, "the response is a JSON %s, not an object", name_of(token));
		return false;
	}
	while ((token = aps_json_next(r)) == APS_JSON_KEY) {
		struct aps_str *member = NULL;
		if (aps_json_text_is(r, "data"))
			member = &out->data;
		else if (aps_json_text_is(r, "errors"))
			member = &out->errors;
		else if (aps_json_text_is(r, "extensions"))
			member = &out->extensions;
		struct aps_str span;
		if (aps_json_skip_value(r, &span) == APS_OK && member != NULL) *member = span;
	}
	return token != APS_JSON_ERROR && aps_json_next(r) == APS_JSON_END;
}

/* Stops at the first root field that isn't null, so it costs next to nothing beside the pass over the body. */
static bool has_root_value(struct aps_str data)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, data, 0);
	if (aps_json_next(&r) != APS_JSON_OBJECT) return false;
	while (aps_json_next(&r) == APS_JSON_KEY)
		if (aps_json_next(&r) != APS_JSON_NULL) return true;
	return false;
}

static void normalize(struct aps_gqlhttp_response *out)
{
	const struct aps_str none = {NULL, 0};
	if (out->data.n == 0 || out->data.p[0] != '{') out->data = none;
	if (is_null(out->errors)) out->errors = none;
	if (is_null(out->extensions)) out->extensions = none;
	out->has_value = has_root_value(out->data);
}

static bool is_success(long status)
{
	return status == 0 || (status >= 200 && status < 300);
}

/* The first bytes in printable ASCII. */
static void quote(struct aps_str body, char out[QUOTE_BYTES + 4])
{
	size_t n = body.n < QUOTE_BYTES ? body.n : QUOTE_BYTES;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)body.p[i];
		out[i] = (char)(c < 0x20 ? ' ' : c >= 0x7f ? '?' : c);
	}
	snprintf(out + n, 4, "%s", body.n > n ? "..." : "");
}

static struct aps_str type_of_header(struct aps_str header)
{
	struct aps_str type = aps_str_trim(header);
	for (size_t i = 0; i < type.n; i++)
		if (type.p[i] == ',' || type.p[i] == ':') type.n = i;
	for (size_t i = type.n; i > 0; i--)
		if (type.p[i - 1] == '#') return (struct aps_str){type.p + i, type.n - i};
	return type;
}

/* The text of an answer without GraphQL errors: `message` of a service's JSON, else the first bytes. */
static void describe(const struct aps_error_list *list, struct aps_str body, char line[APS_ERROR_LINE_CHARS + 1])
{
	if (list->message.n != 0)
		aps_error_list_line(list, line);
	else
		quote(body, line);
}

/* Of an answer with a good status that can't be read. */
static void fail_unread(const struct aps_err *why, long status, struct aps_str body, struct aps_err *err)
{
	char line[QUOTE_BYTES + 4];
	const char *word = why->code == APS_E_DEPTH ? aps_err_word(why) : NULL;
	quote(body, line);
	if (aps_str_trim(body).n == 0)
		aps_fail_word(err, APS_E_PROTOCOL, NULL, status, "the response is empty");
	else if (why->code == APS_E_PROTOCOL)
		aps_fail_word(err, APS_E_PROTOCOL, NULL, status, "%s: %s", why->msg, line);
	else
		aps_fail_word(err, APS_E_PROTOCOL, word, status, "the response is not JSON: %s: %s", why->msg, line);
	err->sent = true;
}

static void judge(long status, bool has_errors, const struct aps_error_list *list, struct aps_str body,
                  struct aps_gqlhttp_response *out)
{
	char line[APS_ERROR_LINE_CHARS + 1];
	bool is_refused = status == 401 || status == 403;
	enum aps_rc code = is_refused || list->code == APS_E_AUTH ? APS_E_AUTH : list->code;
	if (has_errors) {
		aps_error_list_line(list, line);
		aps_fail_word(&out->err, code, list->word, status, "%s", line);
	} else if (!is_success(status)) {
		describe(list, body, line);
		if (code != APS_E_AUTH) code = APS_E_HTTP;
		aps_fail_word(&out->err, code, list->word, status, "HTTP %ld%s%s", status, line[0] != '\0' ? ": " : "",
		              line);
	} else if (out->data.n == 0) {
		quote(body, line);
		aps_fail_word(&out->err, APS_E_PROTOCOL, NULL, status, "neither data nor errors in the response: %s",
		              line);
	} else {
		return;
	}
	if (is_refused && out->err.word == NULL && aps_str_contains_nocase(list->message, APS_STR("forbidden")))
		out->err.word = "forbidden";
	out->err.sent = true;
	const struct aps_retry_question question = {
	        .code = out->err.code, .status = status, .error_type = out->error_type, .sent = true, .is_safe = true};
	out->err.retryable = aps_retry_classify(&question) == APS_RETRY_LATER;
}

void aps_gqlhttp_parse(long status, struct aps_str error_type_header, struct aps_str body, struct aps_arena *arena,
                       struct aps_gqlhttp_response *out)
{
	*out = (struct aps_gqlhttp_response){.has_value = false};
	struct aps_json_reader r;
	bool is_json = read_members(&r, body, out);
	if (!is_json) *out = (struct aps_gqlhttp_response){.has_value = false};
	normalize(out);
	struct aps_error_list list = {.code = APS_E_GRAPHQL};
	enum aps_rc rc = APS_OK;
	if (out->errors.n != 0) rc = aps_error_list_read(out->errors, arena, &list);
	bool has_errors = list.n_errors != 0;
	if (!has_errors) out->errors = (struct aps_str){NULL, 0};
	if (rc == APS_OK && is_json && !has_errors && !is_success(status)) rc = aps_error_list_read(body, arena, &list);
	if (rc == APS_E_NOMEM) {
		aps_fail(&out->err, APS_E_NOMEM, "no memory for the errors of a response");
		out->err.sent = true;
		return;
	}
	if (list.type.n == 0 && !is_success(status)) {
		list.type = type_of_header(error_type_header);
		const char *word = NULL;
		enum aps_rc code = aps_error_classify(list.type, list.message, &word);
		if (list.code == APS_E_GRAPHQL && (code != APS_E_GRAPHQL || list.word == NULL)) {
			list.code = code;
			list.word = word;
		}
	}
	out->error_type = list.type;
	if (!is_json && is_success(status))
		fail_unread(&r.err, status, body, &out->err);
	else
		judge(status, has_errors, &list, body, out);
}

void aps_gqlhttp_parse_payload(struct aps_str payload, struct aps_arena *arena, struct aps_gqlhttp_response *out)
{
	aps_gqlhttp_parse(0, (struct aps_str){NULL, 0}, payload, arena, out);
}
