#include "proto/error_list.h"

#include "codec/json_reader.h"

struct item {
	struct aps_str type;
	struct aps_str message;
	int64_t number;
};

static bool is_failure(const struct aps_json_reader *r)
{
	return r->err.code != APS_OK;
}

/* Reads the value after a key; anything but a text is skipped. False: memory is out. */
static bool read_text(struct aps_json_reader *r, struct aps_arena *arena, struct aps_str *out)
{
	enum aps_json_token token = aps_json_next(r);
	if (token == APS_JSON_OBJECT || token == APS_JSON_ARRAY) {
		aps_json_skip_rest(r);
		return true;
	}
	if (token != APS_JSON_STRING) return true;
	*out = aps_json_unescape(r, arena);
	return out->p != NULL;
}

static bool read_number(struct aps_json_reader *r, struct aps_arena *arena, struct item *item)
{
	struct aps_str span;
	if (aps_json_skip_value(r, &span) != APS_OK) return true;
	struct aps_json_reader value;
	aps_json_reader_init(&value, span, 0);
	enum aps_json_token token = aps_json_next(&value);
	if (token == APS_JSON_INT) item->number = value.integer;
	/* REST services put the name of the error here. */
	if (token == APS_JSON_STRING && item->type.n == 0) {
		item->type = aps_json_unescape(&value, arena);
		return item->type.p != NULL;
	}
	return true;
}

/* After APS_JSON_OBJECT. False: memory is out. */
static bool read_object(struct aps_json_reader *r, struct aps_arena *arena, struct item *item)
{
	bool has_memory = true;
	struct aps_str other;
	while (has_memory && aps_json_next(r) == APS_JSON_KEY) {
		if (aps_json_text_is(r, "message") || aps_json_text_is(r, "Message"))
			has_memory = read_text(r, arena, &item->message);
		else if (aps_json_text_is(r, "errorType") || aps_json_text_is(r, "__type"))
			has_memory = read_text(r, arena, &item->type);
		else if (aps_json_text_is(r, "errorCode") || aps_json_text_is(r, "code"))
			has_memory = read_number(r, arena, item);
		else
			aps_json_skip_value(r, &other);
	}
	return has_memory;
}

static int rank(enum aps_rc code)
{
	return code == APS_E_AUTH ? 2 : code == APS_E_CONFLICT ? 1 : 0;
}

static void add(struct aps_error_list *list, const struct item *item)
{
	const char *word = NULL;
	enum aps_rc code = aps_error_classify(item->type, item->message, &word);
	if (list->n_errors++ == 0) {
		list->type = item->type;
		list->message = item->message;
		list->number = item->number;
	} else if (rank(code) <= rank(list->code)) {
		return;
	}
	list->code = code;
	list->word = word;
	list->family = aps_error_family_of(item->type);
}

/* `token` began the value. False: memory is out. */
static bool read_item(struct aps_json_reader *r, enum aps_json_token token, struct aps_arena *arena,
                      struct aps_error_list *out)
{
	struct item item = {{NULL, 0}, {NULL, 0}, 0};
	if (token == APS_JSON_OBJECT) {
		if (!read_object(r, arena, &item)) return false;
	} else if (token == APS_JSON_ARRAY) {
		aps_json_skip_rest(r);
	} else if (token == APS_JSON_STRING) {
		item.message = aps_json_unescape(r, arena);
		if (item.message.p == NULL) return false;
	}
	if (!is_failure(r) && token != APS_JSON_NULL) add(out, &item);
	return true;
}

enum aps_rc aps_error_list_read(struct aps_str json, struct aps_arena *arena, struct aps_error_list *out)
{
	*out = (struct aps_error_list){.code = APS_E_GRAPHQL};
	struct aps_json_reader r;
	aps_json_reader_init(&r, json, 0);
	enum aps_json_token token = aps_json_next(&r);
	if (token == APS_JSON_ARRAY) {
		while ((token = aps_json_next(&r)) != APS_JSON_ARRAY_END && token != APS_JSON_ERROR)
			if (!read_item(&r, token, arena, out)) return APS_E_NOMEM;
	} else if (token != APS_JSON_ERROR) {
		if (!read_item(&r, token, arena, out)) return APS_E_NOMEM;
	}
	return r.err.code;
}

struct aps_str aps_error_list_find(struct aps_str payload)
{
	struct aps_str found = {NULL, 0};
	bool has_message = false;
	struct aps_json_reader r;
	aps_json_reader_init(&r, payload, 0);
	enum aps_json_token token = aps_json_next(&r);
	if (token == APS_JSON_ARRAY) return payload;
	if (token != APS_JSON_OBJECT) return found;
	while (aps_json_next(&r) == APS_JSON_KEY) {
		bool is_errors = aps_json_text_is(&r, "errors");
		has_message = has_message || aps_json_text_is(&r, "message") || aps_json_text_is(&r, "errorType");
		struct aps_str span;
		if (aps_json_skip_value(&r, &span) == APS_OK && is_errors) found = span;
	}
	return found.n != 0 ? found : has_message ? payload : found;
}

bool aps_error_list_is_auth(const struct aps_error_list *list)
{
	return list->code == APS_E_AUTH || list->number == 401 || list->number == 403;
}

static void print_line(struct aps_str text, char out[APS_ERROR_LINE_CHARS + 1])
{
	size_t n = text.n;
	if (n > APS_ERROR_LINE_CHARS) {
		n = APS_ERROR_LINE_CHARS;
		while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80) n--;
	}
	for (size_t i = 0; i < n; i++) out[i] = (unsigned char)text.p[i] < 0x20 ? ' ' : text.p[i];
	out[n] = '\0';
}

void aps_error_list_line(const struct aps_error_list *list, char out[APS_ERROR_LINE_CHARS + 1])
{
	if (list->message.n != 0)
		print_line(list->message, out);
	else if (list->type.n != 0)
		print_line(list->type, out);
	else
		print_line(APS_STR("an error without a message"), out);
}
