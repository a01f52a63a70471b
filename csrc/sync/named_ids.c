#include "sync/named_ids.h"

#include "base/buf.h"
#include "codec/decimal.h"
#include "sync/identity_fields.h"
#include "sync/uuid_text.h"

#include <math.h>

struct scan {
	struct aps_json_reader r;
	aps_named_ids_sink *sink;
	void *context;
	struct aps_buf decoded; /* of the string or key just read, where it has escapes */
};

/* {NULL, 0} when memory is out. */
static struct aps_str decode(struct scan *scan)
{
	if (!scan->r.has_escapes) return scan->r.text;
	aps_buf_reset(&scan->decoded);
	char *room = aps_buf_reserve(&scan->decoded, aps_json_unescape_room(&scan->r));
	if (room == NULL) return (struct aps_str){NULL, 0};
	return (struct aps_str){room, aps_json_unescape_to(&scan->r, room)};
}

/* Each member of each mutation is looked at, and most end with another letter. */
static char last_of(struct aps_str name)
{
	return name.n != 0 ? name.p[name.n - 1] : '\0';
}

bool aps_named_ids_is_name(struct aps_str name)
{
	char last = last_of(name);
	if (last == 'D') return aps_str_ends(name, "ID");
	return last == 'd' && (aps_str_is(name, "id") || aps_str_ends(name, "Id") || aps_str_ends(name, "_id"));
}

bool aps_named_ids_is_list_name(struct aps_str name)
{
	if (last_of(name) != 's') return aps_named_ids_is_name(name);
	return aps_str_is(name, "ids") || aps_str_ends(name, "Ids") || aps_str_ends(name, "IDs") ||
	       aps_str_ends(name, "_ids");
}

static bool report_string(struct scan *scan, bool is_named)
{
	char room[APS_UUID_CHARS];
	struct aps_str text;
	unsigned how = is_named ? APS_NAMED_ID_MEMBER : 0;
	if (aps_uuid_of_json(&scan->r, room, &text))
		how |= APS_NAMED_ID_UUID;
	else if (is_named)
		text = decode(scan);
	if (how != 0 && text.p != NULL) scan->sink(scan->context, text, how);
	return how == 0 || text.p != NULL;
}

/* A double that a number's text doesn't come back from is kept as that text (csrc/cache/scalar.c). */
static bool is_kept_as_text(const struct aps_json_reader *r)
{
	char text[APS_DECIMAL_CHARS];
	if (aps_decimal_is_distinct(r->text, r->number)) return false;
	return !isfinite(r->number) ||
	       !aps_str_eq(r->text, (struct aps_str){text, aps_decimal_print_float(r->number, text)});
}

/* As it stands in a record's key: 1.0 is 1 there, and there is no zero below zero. */
static void report_number(struct scan *scan, enum aps_json_token token)
{
	char digits[APS_DECIMAL_CHARS];
	struct aps_str text = scan->r.text;
	if (token == APS_JSON_DOUBLE && scan->r.number == 0)
		text = APS_STR("0");
	else if (token == APS_JSON_DOUBLE && !is_kept_as_text(&scan->r))
		text = (struct aps_str){digits, aps_decimal_print(scan->r.number, digits)};
	scan->sink(scan->context, text, APS_NAMED_ID_MEMBER);
}

/* What the next token may be. */
struct expected {
	bool is_id;      /* the value of a member with such a name */
	bool is_list;    /* a list of ids */
	bool is_in_list; /* one of these */
};

static bool is_list_on(enum aps_json_token token)
{
	return token == APS_JSON_STRING || token == APS_JSON_INT || token == APS_JSON_BIGINT ||
	       token == APS_JSON_DOUBLE || token == APS_JSON_NULL;
}

/* `is_each`: what a member is called is of no account. */
static bool scan_all(struct scan *scan, bool is_each)
{
	struct expected next = {.is_id = false};
	for (;;) {
		enum aps_json_token token = aps_json_next(&scan->r);
		const struct expected now = next;
		next = (struct expected){.is_in_list = now.is_in_list && is_list_on(token)};
		switch (token) {
		case APS_JSON_ERROR:
		case APS_JSON_END: return true;
		case APS_JSON_KEY: {
			struct aps_str name = decode(scan);
			if (name.p == NULL) return false;
			next.is_id = is_each || aps_named_ids_is_name(name);
			next.is_list = aps_named_ids_is_list_name(name);
			break;
		}
		case APS_JSON_ARRAY: next.is_in_list = now.is_list; break;
		case APS_JSON_STRING:
			if (!report_string(scan, now.is_id || now.is_in_list)) return false;
			break;
		case APS_JSON_INT:
		case APS_JSON_BIGINT:
		case APS_JSON_DOUBLE:
			if (now.is_id || now.is_in_list) report_number(scan, token);
			break;
		default: break;
		}
	}
}

static enum aps_rc run(struct aps_str json, bool is_each, struct scan *scan, struct aps_err *err)
{
	aps_json_reader_init(&scan->r, json, APS_JSON_MAX_DEPTH);
	aps_buf_init(&scan->decoded, APS_BUF_ANY_SIZE);
	bool is_ok = scan_all(scan, is_each);
	aps_buf_clear(&scan->decoded);
	if (!is_ok) return aps_fail(err, APS_E_NOMEM, "Out of memory while reading a mutation's variables");
	if (scan->r.err.code != APS_OK && err != NULL) *err = scan->r.err;
	return scan->r.err.code;
}

enum aps_rc aps_named_ids_scan(struct aps_str json, aps_named_ids_sink *sink, void *context, struct aps_err *err)
{
	struct scan scan = {.sink = sink, .context = context};
	return run(json, false, &scan, err);
}

static bool is_declared_id(const struct aps_gql_operation *operation, struct aps_str name)
{
	for (const struct aps_gql_node *node = operation->node->arguments; node != NULL; node = node->next) {
		if (node->kind != APS_GQL_VARIABLE_DEFINITION || !aps_str_eq(node->name, name)) continue;
		const struct aps_gql_node *type = node->type;
		while (type->kind != APS_GQL_NAMED_TYPE) type = type->type;
		return aps_str_is(type->name, "ID");
	}
	return false;
}

static bool report_token(struct scan *scan, enum aps_json_token token)
{
	if (token == APS_JSON_STRING) return report_string(scan, true);
	if (token == APS_JSON_INT || token == APS_JSON_BIGINT || token == APS_JSON_DOUBLE) report_number(scan, token);
	return true;
}

/* The value of one variable, which is there whole; of a list each, in lists too. */
static bool report_value(struct aps_str json, struct scan *scan)
{
	aps_json_reader_init(&scan->r, json, APS_JSON_MAX_DEPTH);
	enum aps_json_token token = aps_json_next(&scan->r);
	if (token != APS_JSON_ARRAY) return report_token(scan, token);
	bool is_ok = true;
	while (is_ok && token != APS_JSON_END && token != APS_JSON_ERROR && token != APS_JSON_OBJECT) {
		token = aps_json_next(&scan->r);
		is_ok = report_token(scan, token);
	}
	return is_ok;
}

static bool scan_declared(struct scan *names, struct scan *values, const struct aps_gql_operation *operation)
{
	struct aps_str span;
	if (aps_json_next(&names->r) != APS_JSON_OBJECT) return true;
	while (aps_json_next(&names->r) == APS_JSON_KEY) {
		struct aps_str name = decode(names);
		if (name.p == NULL) return false;
		bool is_id = is_declared_id(operation, name);
		if (aps_json_skip_value(&names->r, &span) != APS_OK) return true;
		if (is_id && !report_value(span, values)) return false;
	}
	return true;
}

enum aps_rc aps_named_ids_scan_declared(struct aps_str json, const struct aps_gql_operation *operation,
                                        aps_named_ids_sink *sink, void *context, struct aps_err *err)
{
	struct scan names = {.sink = sink}, values = {.sink = sink, .context = context};
	aps_json_reader_init(&names.r, json, APS_JSON_MAX_DEPTH);
	aps_buf_init(&names.decoded, APS_BUF_ANY_SIZE);
	aps_buf_init(&values.decoded, APS_BUF_ANY_SIZE);
	bool is_ok = scan_declared(&names, &values, operation);
	aps_buf_clear(&names.decoded);
	aps_buf_clear(&values.decoded);
	if (!is_ok) return aps_fail(err, APS_E_NOMEM, "Out of memory while reading a mutation's variables");
	if (names.r.err.code != APS_OK && err != NULL) *err = names.r.err;
	return names.r.err.code;
}

static bool is_object(struct aps_str json)
{
	struct aps_json_reader r;
	if (!aps_str_starts(json, "{")) return false;
	aps_json_reader_init(&r, json, APS_JSON_MAX_DEPTH);
	return aps_json_skip_value(&r, NULL) == APS_OK && aps_json_next(&r) == APS_JSON_END;
}

enum aps_rc aps_named_ids_scan_key(struct aps_str key, aps_named_ids_sink *sink, void *context, struct aps_err *err)
{
	struct scan scan = {.sink = sink, .context = context};
	struct aps_str tail = aps_identity_tail(key);
	if (is_object(tail)) return run(tail, true, &scan, err);
	sink(context, tail, aps_is_uuid(tail) ? APS_NAMED_ID_MEMBER | APS_NAMED_ID_UUID : APS_NAMED_ID_MEMBER);
	return APS_OK;
}

uint64_t aps_named_ids_hash(struct aps_str text)
{
	return aps_str_hash(text, 0);
}
