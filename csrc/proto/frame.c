#include "proto/frame.h"

#include "codec/json_reader.h"

struct type_row {
	const char *name;
	enum aps_frame_type type;
};

/* The most frequent first. */
static const struct type_row APPSYNC_TYPES[] = {
        {"data", APS_FRAME_DATA},
        {"ka", APS_FRAME_ALIVE},
        {"start_ack", APS_FRAME_START_ACK},
        {"complete", APS_FRAME_COMPLETE},
        {"error", APS_FRAME_ERROR},
        {"connection_ack", APS_FRAME_CONNECTION_ACK},
        {"connection_error", APS_FRAME_CONNECTION_ERROR},
};

static const struct type_row TRANSPORT_WS_TYPES[] = {
        {"next", APS_FRAME_DATA},         {"pong", APS_FRAME_ALIVE},  {"ping", APS_FRAME_PING},
        {"complete", APS_FRAME_COMPLETE}, {"error", APS_FRAME_ERROR}, {"connection_ack", APS_FRAME_CONNECTION_ACK},
};

static enum aps_frame_type find_type(enum aps_realtime_protocol protocol, const struct aps_json_reader *r)
{
	bool is_appsync = protocol == APS_REALTIME_APPSYNC;
	const struct type_row *rows = is_appsync ? APPSYNC_TYPES : TRANSPORT_WS_TYPES;
	size_t n_rows = is_appsync ? APS_COUNTOF(APPSYNC_TYPES) : APS_COUNTOF(TRANSPORT_WS_TYPES);
	for (size_t i = 0; i < n_rows; i++)
		if (aps_json_text_is(r, rows[i].name)) return rows[i].type;
	return APS_FRAME_UNKNOWN;
}

/* Reads the value of a member that ought to be a text; false when it is something else. */
static bool read_text(struct aps_json_reader *r)
{
	enum aps_json_token token = aps_json_next(r);
	if (token == APS_JSON_OBJECT || token == APS_JSON_ARRAY) aps_json_skip_rest(r);
	return token == APS_JSON_STRING;
}

static void read_other(struct aps_json_reader *r, struct aps_frame *frame)
{
	bool is_errors = aps_json_text_is(r, "errors");
	bool is_timeout = aps_json_text_is(r, "connectionTimeoutMs");
	struct aps_str span;
	if (aps_json_skip_value(r, &span) != APS_OK) return;
	if (is_errors) frame->errors = span;
	if (is_timeout) {
		struct aps_json_reader value;
		aps_json_reader_init(&value, span, 0);
		frame->timeout_ms = aps_json_next(&value) == APS_JSON_INT ? value.integer : 0;
	}
}

/* E_NOMEM, else what the reader says. */
static enum aps_rc read_members(enum aps_realtime_protocol protocol, struct aps_json_reader *r, struct aps_arena *arena,
                                struct aps_frame *frame)
{
	enum aps_json_token token;
	while ((token = aps_json_next(r)) == APS_JSON_KEY) {
		if (aps_json_text_is(r, "payload")) {
			struct aps_str span;
			if (aps_json_skip_value(r, &span) == APS_OK) frame->payload = span;
		} else if (aps_json_text_is(r, "id")) {
			bool is_text = read_text(r);
			frame->id = is_text ? aps_json_unescape(r, arena) : (struct aps_str){NULL, 0};
			if (is_text && frame->id.p == NULL) return APS_E_NOMEM;
		} else if (aps_json_text_is(r, "type")) {
			bool is_text = read_text(r);
			frame->type = is_text ? find_type(protocol, r) : APS_FRAME_UNKNOWN;
			frame->type_text = is_text ? r->text : (struct aps_str){NULL, 0};
		} else {
			read_other(r, frame);
		}
	}
	return r->err.code;
}

enum aps_rc aps_frame_read(enum aps_realtime_protocol protocol, struct aps_str text, struct aps_arena *arena,
                           struct aps_frame *frame, struct aps_err *err)
{
	*frame = (struct aps_frame){.type = APS_FRAME_UNKNOWN};
	struct aps_json_reader r;
	aps_json_reader_init(&r, text, 0);
	r.strictness = APS_JSON_UTF8;
	enum aps_json_token token = aps_json_next(&r);
	if (token != APS_JSON_OBJECT && token != APS_JSON_ERROR)
		return aps_fail(err, APS_E_PROTOCOL, "the service sent a message that isn't a JSON object");
	if (token == APS_JSON_OBJECT && read_members(protocol, &r, arena, frame) == APS_E_NOMEM)
		return aps_fail(err, APS_E_NOMEM, "no memory for the id of a message");
	if (aps_json_next(&r) == APS_JSON_END) return APS_OK;
	if (r.err.code == APS_E_UTF8)
		return aps_fail_word(err, APS_E_UTF8, NULL, r.err.native,
		                     "the service sent a message that is not UTF-8, at byte %ld", r.err.native);
	return aps_fail_word(err, APS_E_PROTOCOL, aps_err_word(&r.err), r.err.native,
	                     "the service sent a message that can't be read: %s", r.err.msg);
}

/* The end of a string whose opening quote is at `at`, or `end`. */
static const char *string_end(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\' && at + 1 < end) at++;
	return at < end ? at + 1 : end;
}

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
	return at;
}

/* The value of a member whose key ended at `at`; empty: it is no text. */
static struct aps_str text_value(const char *at, const char *end, struct aps_arena *arena)
{
	at = skip_space(at, end);
	if (at == end || *at != ':') return (struct aps_str){NULL, 0};
	at = skip_space(at + 1, end);
	if (at == end || *at != '"') return (struct aps_str){NULL, 0};
	struct aps_json_reader r;
	aps_json_reader_init(&r, (struct aps_str){at, (size_t)(string_end(at, end) - at)}, 0);
	return aps_json_next(&r) == APS_JSON_STRING ? aps_json_unescape(&r, arena) : (struct aps_str){NULL, 0};
}

/* No more than quotes and brackets are looked at: the rest may be whatever it is. */
struct aps_str aps_frame_find_id(struct aps_str text, struct aps_arena *arena)
{
	const char *at = text.p, *end = text.p + text.n;
	long depth = 0;
	while (at < end) {
		char c = *at;
		if (c == '"') {
			const char *after = string_end(at, end);
			bool is_id = depth == 1 && after - at == 4 && memcmp(at, "\"id\"", 4) == 0;
			struct aps_str id = is_id ? text_value(after, end, arena) : (struct aps_str){NULL, 0};
			if (id.n != 0) return id;
			at = after;
			continue;
		}
		if (c == '{' || c == '[') depth++;
		if (c == '}' || c == ']') depth--;
		at++;
	}
	return (struct aps_str){NULL, 0};
}

void aps_frame_read_head(enum aps_realtime_protocol protocol, struct aps_str head, struct aps_arena *arena,
                         struct aps_frame *frame)
{
	*frame = (struct aps_frame){.type = APS_FRAME_UNKNOWN};
	struct aps_json_reader r;
	aps_json_reader_init(&r, head, 0);
	if (aps_json_next(&r) == APS_JSON_OBJECT) read_members(protocol, &r, arena, frame);
}

int64_t aps_frame_ack_timeout_ms(const struct aps_frame *frame)
{
	int64_t exact_ms = 0, simulator_ms = 0;
	struct aps_json_reader r;
	aps_json_reader_init(&r, frame->payload, 0);
	if (aps_json_next(&r) != APS_JSON_OBJECT) return frame->timeout_ms;
	while (aps_json_next(&r) == APS_JSON_KEY) {
		int64_t *into = aps_json_text_is(&r, "connectionTimeoutMs") ? &exact_ms
		                : aps_json_text_is(&r, "connectionTimeout") ? &simulator_ms
		                                                            : NULL;
		struct aps_str span;
		if (aps_json_skip_value(&r, &span) != APS_OK || into == NULL) continue;
		struct aps_json_reader value;
		aps_json_reader_init(&value, span, 0);
		if (aps_json_next(&value) == APS_JSON_INT) *into = value.integer;
	}
	return exact_ms > 0 ? exact_ms : simulator_ms > 0 ? simulator_ms : frame->timeout_ms;
}

void aps_frame_write_init(struct aps_buf *out, struct aps_str payload)
{
	aps_buf_add_text(out, "{\"type\":\"connection_init\"");
	if (payload.n != 0) {
		aps_buf_add_text(out, ",\"payload\":");
		aps_buf_add_str(out, payload);
	}
	aps_buf_add_byte(out, '}');
}

void aps_frame_write_start(struct aps_buf *out, enum aps_realtime_protocol protocol, const char *id,
                           struct aps_str payload)
{
	/* Room for all at once: a start is asked for again on each connection and is the longest text. */
	if (aps_buf_reserve(out, payload.n + 96) == NULL) return;
	aps_buf_addf(out, "{\"id\":\"%s\",\"payload\":", id);
	aps_buf_add_str(out, payload);
	aps_buf_addf(out, ",\"type\":\"%s\"}", protocol == APS_REALTIME_APPSYNC ? "start" : "subscribe");
}

void aps_frame_write_stop(struct aps_buf *out, enum aps_realtime_protocol protocol, const char *id)
{
	aps_buf_addf(out, "{\"id\":\"%s\",\"type\":\"%s\"}", id,
	             protocol == APS_REALTIME_APPSYNC ? "stop" : "complete");
}
