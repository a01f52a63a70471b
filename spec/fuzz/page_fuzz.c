/* Pages of any document and any text: what is read is what a reader finds that looks for one thing at a time, and a
 * text is refused where the JSON reader refuses it. Versions: their order is the reverse of the reverse one. The byte
 * 0x01 stands between the parts of the input: document, version field, data, a version, another one. libFuzzer's entry
 * point. */
#include "codec/json_reader.h"
#include "sync/page.h"
#include "sync/record_order.h"

#include <stdlib.h>

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) abort();                                                                             \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct aps_str take_part(struct aps_str *rest)
{
	const char *end = rest->n != 0 ? memchr(rest->p, 1, rest->n) : NULL;
	struct aps_str part = {rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n};
	size_t n_taken = part.n + (end != NULL);
	*rest = (struct aps_str){rest->p + n_taken, rest->n - n_taken};
	return part;
}

static bool is_json(struct aps_str text)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, text, 0);
	return aps_json_skip_value(&r, NULL) == APS_OK && aps_json_next(&r) == APS_JSON_END;
}

/* The text of the last member of this name; empty: there is none. */
static struct aps_str find_last(struct aps_str object, struct aps_str name)
{
	struct aps_json_reader r;
	struct aps_str value = {NULL, 0};
	aps_json_reader_init(&r, object, 0);
	if (name.n == 0 || aps_json_next(&r) != APS_JSON_OBJECT) return value;
	while (aps_json_next(&r) == APS_JSON_KEY) {
		bool is_it = aps_json_text_is(&r, name.p);
		REQUIRE(aps_json_skip_value(&r, is_it ? &value : NULL) == APS_OK);
	}
	return value;
}

static bool is_scalar(struct aps_str value)
{
	return value.n != 0 && !aps_str_is(value, "null") && *value.p != '{' && *value.p != '[';
}

static bool says_delete(struct aps_str value)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, value, 0);
	return value.n != 0 && aps_json_next(&r) == APS_JSON_STRING && aps_json_text_is(&r, "DELETE");
}

static bool is_span(struct aps_str a, struct aps_str b)
{
	return a.n == b.n && (a.n == 0 || a.p == b.p);
}

static void check_record(const struct aps_page_record *record, const struct aps_page_names *names)
{
	struct aps_str version = find_last(record->text, names->version);
	struct aps_str changed_at = find_last(record->text, names->changed_at);
	bool is_deleted = aps_str_is(find_last(record->text, names->deleted), "true") ||
	                  says_delete(find_last(record->text, names->aws_ds));
	REQUIRE(is_json(record->text) && *record->text.p == '{');
	REQUIRE(is_scalar(version) ? is_span(record->version, version) : record->version.n == 0);
	REQUIRE(is_scalar(changed_at) ? is_span(record->changed_at, changed_at) : record->changed_at.n == 0);
	REQUIRE(record->is_deleted == is_deleted);
	if (record->version.n == 0) return;
	enum aps_record_order order = aps_record_order(record->version, record->version);
	REQUIRE(order == APS_RECORD_SAME || order == APS_RECORD_UNORDERED);
}

/* The first list at the end of the path; empty: there is none. */
static struct aps_str find_list(struct aps_str value, const struct aps_str *path, size_t n_path)
{
	struct aps_json_reader r;
	struct aps_str found = {NULL, 0}, inner;
	if (n_path == 0) return *value.p == '[' ? value : found;
	aps_json_reader_init(&r, value, 0);
	if (aps_json_next(&r) != APS_JSON_OBJECT) return found;
	while (found.n == 0 && aps_json_next(&r) == APS_JSON_KEY) {
		bool is_it = aps_json_text_is(&r, path->p);
		REQUIRE(aps_json_skip_value(&r, &inner) == APS_OK);
		if (is_it) found = find_list(inner, path + 1, n_path - 1);
	}
	return found;
}

/* `path`, each with a zero behind it. */
static void check_list(const struct aps_page *page, struct aps_str data, const struct aps_str *path)
{
	struct aps_json_reader r;
	struct aps_str element;
	struct aps_str list = find_list(data, path, page->n_path);
	size_t i = 0;
	REQUIRE(list.n != 0);
	aps_json_reader_init(&r, list, 0);
	REQUIRE(aps_json_next(&r) == APS_JSON_ARRAY);
	for (; aps_json_skip_value(&r, &element) == APS_OK; i++) {
		REQUIRE(i < aps_page_count(page) && aps_page_at(page, i)->index == i);
		struct aps_str text = aps_page_at(page, i)->text;
		REQUIRE(*element.p == '{' ? is_span(text, element) : text.p == NULL);
	}
	REQUIRE(i == aps_page_count(page));
}

static void check_page(const struct aps_page *page, const struct aps_page_names *names, struct aps_str data)
{
	struct aps_arena arena;
	struct aps_str path[APS_PAGE_MAX_PATH];
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	REQUIRE(page->n_path <= APS_PAGE_MAX_PATH && page->started_ms >= 0 &&
	        page->started_ms <= INT64_C(253402300799999));
	for (size_t i = 0; i < page->n_path; i++) path[i] = aps_arena_dup(&arena, page->path[i]);
	REQUIRE(page->n_path == 0 || aps_str_eq(path[0], names->root));
	if (page->token.n != 0) (void)aps_arena_dup(&arena, page->token);
	if (page->is_list)
		check_list(page, data, path);
	else
		REQUIRE(page->n_path <= 1 && aps_page_count(page) <= page->n_path);
	for (size_t i = 0; i < aps_page_count(page); i++)
		if (aps_page_at(page, i)->text.p != NULL) check_record(aps_page_at(page, i), names);
	aps_arena_clear(&arena);
}

static void check_data(const struct aps_page_names *names, struct aps_str data)
{
	struct aps_page page;
	struct aps_err err;
	bool is_right = is_json(data);
	REQUIRE((aps_page_read(&page, names, data, &err) == APS_OK) == is_right);
	if (is_right)
		check_page(&page, names, data);
	else
		REQUIRE(aps_page_count(&page) == 0 && page.n_path == 0);
	aps_page_clear(&page);
}

/* False: it isn't one that a sync can read. */
static bool init_names(struct aps_page_names *names, struct aps_str text, struct aps_str version_field)
{
	struct aps_gql_document *document;
	if (aps_gql_document_new(text, &document, NULL, NULL) != APS_OK) return false;
	const struct aps_gql_operation *definition = aps_gql_document_n_operations(document) != 0
	                                                     ? aps_gql_document_operation(document, 0)
	                                                     : aps_gql_document_fragment_at(document, 0);
	enum aps_rc rc = aps_page_names_init(names, document, definition, version_field, NULL);
	aps_gql_document_unref(document);
	REQUIRE(rc == APS_OK || rc == APS_E_USAGE);
	return rc == APS_OK;
}

static void check_document(struct aps_str text, struct aps_str version_field, struct aps_str data)
{
	struct aps_page_names names;
	if (!init_names(&names, text, version_field)) return;
	REQUIRE(names.root.n != 0 && names.field.n != 0);
	REQUIRE((names.version.n != 0) == (names.version_field.n != 0));
	REQUIRE(version_field.n == 0 || aps_str_eq(names.version_field, version_field));
	check_data(&names, data);
	aps_page_names_clear(&names);
}

/* Of documents that are there from the start: their keys have one letter. */
static void check_built_in(struct aps_str data)
{
	static const struct aps_str DOCUMENTS[] = {
	        APS_STR("{ a { items { v: _version c: updatedAt d: _deleted s: aws_ds } n: nextToken t: startedAt } }"),
	        APS_STR("{ a { b { c { v: version d: _deleted e { f } } n: nextToken } g { h } t: startedAt } }"),
	        APS_STR("subscription { a { v: version d: _deleted s: aws_ds } }"),
	};
	static struct aps_page_names built_in[APS_COUNTOF(DOCUMENTS)];
	for (size_t i = 0; i < APS_COUNTOF(DOCUMENTS); i++) {
		if (built_in[i].root.n == 0) REQUIRE(init_names(&built_in[i], DOCUMENTS[i], APS_STR("")));
		check_data(&built_in[i], data);
	}
}

static void check_order(struct aps_str a, struct aps_str b)
{
	enum aps_record_order order = aps_record_order(a, b), back = aps_record_order(b, a);
	enum aps_record_order expected = order == APS_RECORD_OLDER   ? APS_RECORD_NEWER
	                                 : order == APS_RECORD_NEWER ? APS_RECORD_OLDER
	                                                             : order;
	REQUIRE(back == expected);
	REQUIRE(order == APS_RECORD_UNORDERED || (is_json(a) && is_json(b)));
	REQUIRE(order == APS_RECORD_UNORDERED || aps_record_order(a, a) == APS_RECORD_SAME);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aps_str rest = {(const char *)data, size};
	struct aps_str document = take_part(&rest), version_field = take_part(&rest), text = take_part(&rest);
	struct aps_str a = take_part(&rest), b = take_part(&rest);
	check_document(document, version_field, text);
	check_built_in(text);
	check_order(a, b);
	return 0;
}
