/* Any bytes as the variables of a mutation, as an optimistic response and as a record's key: the ids in them are found
 * where the JSON reader finds strings, are replaced and gone then, and nothing else changes. libFuzzer's entry point.
 */
#include "codec/json_reader.h"
#include "sync/id_substitute.h"
#include "sync/identity_fields.h"
#include "sync/named_ids.h"
#include "sync/operation_kind.h"
#include "sync/record_type.h"
#include "sync/uuid_text.h"

#include <stdlib.h>

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) abort();                                                                             \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct named {
	size_t n_uuids;
	uint64_t sum; /* so that all bytes are read */
};

static void take(void *context, struct aps_str text, unsigned how)
{
	struct named *named = context;
	bool is_uuid = (how & APS_NAMED_ID_UUID) != 0;
	REQUIRE(how != 0 && text.p != NULL && is_uuid == aps_is_uuid(text));
	named->n_uuids += is_uuid;
	named->sum ^= aps_named_ids_hash(text);
}

static struct aps_str find_none(void *context, struct aps_str id)
{
	(*(size_t *)context)++;
	REQUIRE(aps_is_uuid(id));
	return (struct aps_str){NULL, 0};
}

static struct aps_str find_all(void *context, struct aps_str id)
{
	find_none(context, id);
	return APS_STR("the \"service's\"");
}

static bool is_json(struct aps_str text)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, text, APS_JSON_MAX_DEPTH);
	return aps_json_skip_value(&r, NULL) == APS_OK && aps_json_next(&r) == APS_JSON_END;
}

/* Token by token the same, but for whole UUIDs that were replaced. */
static void compare(struct aps_str before, struct aps_str after)
{
	struct aps_json_reader a, b;
	char room[APS_UUID_CHARS];
	struct aps_str uuid;
	enum aps_json_token token;
	aps_json_reader_init(&a, before, APS_JSON_MAX_DEPTH);
	aps_json_reader_init(&b, after, APS_JSON_MAX_DEPTH);
	do {
		token = aps_json_next(&a);
		REQUIRE(aps_json_next(&b) == token && token != APS_JSON_ERROR);
		if (token == APS_JSON_STRING && aps_uuid_of_json(&a, room, &uuid))
			REQUIRE(aps_json_text_is(&b, "the \"service's\""));
		else if (token != APS_JSON_END)
			REQUIRE(aps_str_eq(a.text, b.text));
	} while (token != APS_JSON_END);
}

static void check_substitute(struct aps_str text, bool is_valid, size_t n_uuids)
{
	struct aps_buf out;
	size_t n_asked = 0;
	bool is_changed;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	REQUIRE((aps_id_substitute(text, find_none, &n_asked, &out, &is_changed, NULL) == APS_OK) == is_valid);
	REQUIRE(!is_changed && (!is_valid || (n_asked == n_uuids && aps_str_eq(aps_buf_str(&out), text))));
	aps_buf_reset(&out);
	REQUIRE((aps_id_substitute(text, find_all, &n_asked, &out, &is_changed, NULL) == APS_OK) == is_valid);
	REQUIRE(is_changed == (is_valid && n_uuids != 0));
	if (is_valid) {
		struct named named = {0};
		compare(text, aps_buf_str(&out));
		REQUIRE(aps_named_ids_scan(aps_buf_str(&out), take, &named, NULL) == APS_OK && named.n_uuids == 0);
	}
	aps_buf_clear(&out);
}

static void check_key(struct aps_str key)
{
	static const struct aps_str NAMES[] = {APS_STR("a"), APS_STR("b")};
	struct named named = {0};
	struct aps_arena arena;
	struct aps_identity_field *fields;
	REQUIRE(aps_named_ids_scan_key(key, take, &named, NULL) == APS_OK);
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	for (size_t n = 0; n <= APS_COUNTOF(NAMES); n++) {
		if (aps_identity_fields_of(key, NAMES, n, &arena, &fields, NULL) != APS_OK) continue;
		for (size_t i = 0; i < (n == 0 ? 1 : n); i++) REQUIRE(is_json(fields[i].value));
	}
	aps_arena_clear(&arena);
}

static void check_type(struct aps_str text, bool is_valid)
{
	struct aps_gql_node root = {.kind = APS_GQL_FIELD, .name = APS_STR("a")};
	struct aps_arena arena;
	struct aps_str type;
	size_t n_prefix;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_record_type_of(text, &root, &arena, &type, NULL);
	REQUIRE(!is_valid || rc == APS_OK);
	root.name = text;
	if (aps_record_type_of(APS_STR(""), &root, &arena, &type, NULL) == APS_OK) REQUIRE(type.n <= text.n);
	bool is_auto = aps_operation_kind_of(text, &n_prefix) == APS_OPERATION_AUTO;
	REQUIRE(n_prefix <= text.n && is_auto == (n_prefix == 0));
	aps_arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aps_str text = {(const char *)data, size};
	struct named named = {0};
	bool is_valid = is_json(text);
	REQUIRE((aps_named_ids_scan(text, take, &named, NULL) == APS_OK) == is_valid);
	check_substitute(text, is_valid, named.n_uuids);
	check_key(text);
	check_type(text, is_valid);
	return 0;
}
