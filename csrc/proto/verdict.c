#include "proto/verdict.h"

#include "codec/json_reader.h"
#include "proto/error_type.h"

#define MAX_TYPE_BYTES 512 /* no service's names are longer */
#define SILENT         APS_VERDICT_COUNT

#define TEXT(name, text) text,
static const char *const NAMES[] = {APS_VERDICT_MAP(TEXT)};
#undef TEXT

const char *aps_verdict_name(enum aps_verdict verdict)
{
	return (unsigned)verdict < APS_VERDICT_COUNT ? NAMES[verdict] : "unknown";
}

/* One of the answer's errors. */
struct fault {
	char type_bytes[MAX_TYPE_BYTES];
	struct aps_str type; /* decoded; empty: none */
	size_t n_path;
	struct aps_str root; /* raw first element of the path */
	bool is_object;
};

/* What all errors of an answer come to. */
struct tally {
	enum aps_verdict verdict; /* the strongest; SILENT: none told anything */
	size_t n_errors;
	size_t n_roots; /* root fields that have errors; errors of one field stand together */
	struct aps_str last_root;
	bool is_below;
};

static bool is_success(long status)
{
	return status >= 200 && status < 300;
}

static void read_type(struct aps_json_reader *r, struct fault *fault)
{
	enum aps_json_token token = aps_json_next(r);
	if (token == APS_JSON_OBJECT || token == APS_JSON_ARRAY) aps_json_skip_rest(r);
	if (token != APS_JSON_STRING || aps_json_unescape_room(r) > sizeof fault->type_bytes) return;
	fault->type = (struct aps_str){fault->type_bytes, aps_json_unescape_to(r, fault->type_bytes)};
}

static void read_path(struct aps_json_reader *r, struct fault *fault)
{
	enum aps_json_token token = aps_json_next(r);
	if (token == APS_JSON_OBJECT) aps_json_skip_rest(r);
	if (token != APS_JSON_ARRAY) return;
	fault->n_path = 0;
	while ((token = aps_json_next(r)) != APS_JSON_ARRAY_END && token != APS_JSON_ERROR) {
		if (token == APS_JSON_OBJECT || token == APS_JSON_ARRAY) aps_json_skip_rest(r);
		if (fault->n_path++ == 0) fault->root = r->text;
	}
}

/* `token` began it. */
static void read_fault(struct aps_json_reader *r, enum aps_json_token token, struct fault *fault)
{
	fault->type = fault->root = (struct aps_str){NULL, 0};
	fault->n_path = 0;
	fault->is_object = token == APS_JSON_OBJECT;
	if (token == APS_JSON_ARRAY) aps_json_skip_rest(r);
	if (token != APS_JSON_OBJECT) return;
	struct aps_str other;
	while (aps_json_next(r) == APS_JSON_KEY) {
		if (aps_json_text_is(r, "errorType") || aps_json_text_is(r, "__type"))
			read_type(r, fault);
		else if (aps_json_text_is(r, "path"))
			read_path(r, fault);
		else
			aps_json_skip_value(r, &other);
	}
}

/* What a type tells beside any status; SILENT: nothing. */
static enum aps_verdict of_type(const struct aps_verdict_question *q, struct aps_str type)
{
	struct aps_str source = aps_error_source_of(type);
	if (aps_str_is(source, "Lambda") || aps_str_is(source, "Http")) return APS_VERDICT_DOUBT;
	/* An exception in the code of a JavaScript resolver: before its data source was asked, or after. */
	if (aps_str_is(aps_str_trim(type), "Code")) return APS_VERDICT_DOUBT;
	switch (aps_error_family_of(type)) {
	case APS_FAMILY_TIMED_OUT:
	case APS_FAMILY_UNCLEAR: return APS_VERDICT_DOUBT;
	case APS_FAMILY_THROTTLED:
	case APS_FAMILY_UNAVAILABLE: return APS_VERDICT_LATER;
	case APS_FAMILY_CONFLICT: return APS_VERDICT_CONFLICT;
	case APS_FAMILY_CONDITION:
		return q->is_versioned || aps_str_is(source, "DynamoDB") ? APS_VERDICT_CONFLICT : APS_VERDICT_REFUSED;
	default: return SILENT;
	}
}

static enum aps_verdict of_executed(const struct aps_verdict_question *q, const struct fault *fault)
{
	if (!fault->is_object) return APS_VERDICT_DOUBT;
	enum aps_verdict told = of_type(q, fault->type);
	if (told != SILENT) return told;
	bool has_path = fault->n_path != 0;
	if (!has_path && aps_str_is(fault->type, "UnauthorizedException")) return APS_VERDICT_AUTH;
	bool may_be_null_result = fault->type.n == 0 && has_path && !q->has_data;
	return may_be_null_result ? APS_VERDICT_DOUBT : APS_VERDICT_REFUSED;
}

static enum aps_verdict of_failed(const struct aps_verdict_question *q, struct aps_str type)
{
	enum aps_verdict told = of_type(q, type);
	if (told != SILENT) return told;
	switch (aps_error_family_of(type)) {
	case APS_FAMILY_AUTH: return APS_VERDICT_AUTH;
	case APS_FAMILY_FORBIDDEN:
	case APS_FAMILY_CLOCK_SKEW: return APS_VERDICT_LATER;
	default: return SILENT;
	}
}

static void count_fault(const struct aps_verdict_question *q, const struct fault *fault, struct tally *tally)
{
	enum aps_verdict told = is_success(q->status) ? of_executed(q, fault) : of_failed(q, fault->type);
	if (told != SILENT && (tally->verdict == SILENT || told > tally->verdict)) tally->verdict = told;
	tally->n_errors++;
	if (fault->n_path > 1) tally->is_below = true;
	if (fault->n_path == 0 || (tally->n_roots != 0 && aps_str_eq(fault->root, tally->last_root))) return;
	tally->n_roots++;
	tally->last_root = fault->root;
}

static struct tally count_faults(const struct aps_verdict_question *q)
{
	struct tally tally = {.verdict = SILENT};
	struct fault fault;
	struct aps_json_reader r;
	aps_json_reader_init(&r, q->errors, 0);
	enum aps_json_token token = q->errors.n != 0 ? aps_json_next(&r) : APS_JSON_END;
	bool is_list = token == APS_JSON_ARRAY;
	if (is_list) token = aps_json_next(&r);
	while (token != APS_JSON_ARRAY_END && token != APS_JSON_END && token != APS_JSON_ERROR) {
		read_fault(&r, token, &fault);
		if (token != APS_JSON_NULL) count_fault(q, &fault, &tally);
		token = aps_json_next(&r);
	}
	return tally;
}

static enum aps_verdict of_unanswered(const struct aps_verdict_question *q)
{
	if (q->code == APS_E_AUTH) return APS_VERDICT_AUTH;
	if (q->sent) return APS_VERDICT_DOUBT;
	switch (q->code) {
	case APS_E_TOO_BIG:
	case APS_E_SYNTAX:
	case APS_E_UTF8:
	case APS_E_DEPTH: return APS_VERDICT_REFUSED;
	default: return APS_VERDICT_UNSENT;
	}
}

static enum aps_verdict of_errors(const struct aps_verdict_question *q)
{
	struct tally tally = count_faults(q);
	if (tally.n_errors == 0) return APS_VERDICT_DOUBT;
	if (tally.is_below) return APS_VERDICT_DONE;
	if (tally.n_roots != 0 && tally.n_roots < q->n_roots) return APS_VERDICT_DOUBT;
	return tally.verdict;
}

static enum aps_verdict of_status(long status)
{
	switch (status) {
	case 400:
	case 413:
	case 422: return APS_VERDICT_REFUSED;
	case 408: return APS_VERDICT_DOUBT;
	case 501:
	case 503:
	case 505:
	case 511: return APS_VERDICT_LATER;
	default: return status >= 500 ? APS_VERDICT_DOUBT : APS_VERDICT_LATER;
	}
}

enum aps_verdict aps_verdict_of(const struct aps_verdict_question *question)
{
	const struct aps_verdict_question *q = question;
	if (q->status == 0) return q->code == APS_OK ? APS_VERDICT_DONE : of_unanswered(q);
	if (is_success(q->status)) {
		if (q->has_value || q->code == APS_OK) return APS_VERDICT_DONE;
		return of_errors(q);
	}
	if (q->status == 429) return APS_VERDICT_LATER;
	bool is_forbidden = aps_error_family_of(q->error_type) == APS_FAMILY_FORBIDDEN;
	if (q->status == 401 && !is_forbidden) return APS_VERDICT_AUTH;
	enum aps_verdict told = count_faults(q).verdict;
	if (told == SILENT) told = of_failed(q, q->error_type);
	return told != SILENT ? told : of_status(q->status);
}
