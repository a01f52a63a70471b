#include "sync/page.h"

#include "base/mem.h"
#include "codec/json_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct aps_err err;
static struct aps_page_names names;
static struct aps_page page;

#define SYNC                                                                                                           \
	"query { sync { items { id _version _lastChangedAt _deleted aws_ds author { _version } } nextToken startedAt " \
	"} }"
#define ALIASED                                                                                                        \
	"query { s: sync { l: items { id v: version c: updatedAt d: _deleted a: aws_ds } n: nextToken t: startedAt } " \
	"}"
#define PLAIN  "query { all { id version updatedAt aws_ds tags } }"
#define NESTED "query { p { nextToken startedAt page { entries { id version tags } nextToken } other { id } } }"
#define RECORD "query { get { id version author { name books { title } } tags startedAt } }"
#define EVENT  "subscription { on { id _version _deleted items { _version } } }"
#define BATCH  "subscription { on { items { id _version } nextToken } }"

static void set_names(const char *text)
{
	struct aps_gql_document *document;
	aps_page_names_clear(&names);
	assert_int_equal(aps_gql_document_new(aps_str_of(text), &document, NULL, &err), APS_OK);
	const struct aps_gql_operation *definition = aps_gql_document_operation(document, 0);
	enum aps_rc rc = aps_page_names_init(&names, document, definition, APS_STR(""), &err);
	if (rc != APS_OK) fail_msg("%s: %s", text, err.msg);
	aps_gql_document_unref(document);
}

static int setup(void **state)
{
	(void)state;
	aps_page_names_clear(&names);
	aps_page_clear(&page);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aps_page_clear(&page);
	aps_page_clear(&page);
	aps_page_names_clear(&names);
	return aps_mem_live() == 0 ? 0 : -1;
}

static void read_page(const char *data)
{
	aps_page_clear(&page);
	enum aps_rc rc = aps_page_read(&page, &names, aps_str_of(data), &err);
	if (rc != APS_OK) fail_msg("%s: %s", data, err.msg);
}

/* "list root.items [text version changed_at !] token @time": what there isn't is left out; '!' is of a deleted one. */
static void assert_page(const char *data, const char *expected)
{
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	read_page(data);
	aps_buf_add_text(&text, page.is_list ? "list" : "no list");
	for (size_t i = 0; i < page.n_path; i++)
		aps_buf_addf(&text, "%s%.*s", i == 0 ? " " : ".", (int)page.path[i].n, page.path[i].p);
	for (size_t i = 0; i < aps_page_count(&page); i++) {
		const struct aps_page_record *record = aps_page_at(&page, i);
		assert_int_equal(record->index, i);
		aps_buf_add_text(&text, " [");
		if (record->text.p != NULL) aps_buf_add_str(&text, record->text);
		if (record->version.n != 0) aps_buf_addf(&text, " v%.*s", (int)record->version.n, record->version.p);
		if (record->changed_at.n != 0)
			aps_buf_addf(&text, " c%.*s", (int)record->changed_at.n, record->changed_at.p);
		aps_buf_add_text(&text, record->is_deleted ? " !]" : "]");
	}
	if (page.token.n != 0) aps_buf_addf(&text, " %.*s", (int)page.token.n, page.token.p);
	if (page.started_ms != 0) aps_buf_addf(&text, " @%lld", (long long)page.started_ms);
	if (strcmp(text.p, expected) != 0) fail_msg("%s:\n%s\nnot\n%s", data, text.p, expected);
	aps_buf_clear(&text);
}

struct row {
	const char *data, *expected;
};

static void check(const char *document, const struct row *rows, size_t n)
{
	set_names(document);
	for (size_t i = 0; i < n; i++) assert_page(rows[i].data, rows[i].expected);
}

#define CHECK(document, rows) check(document, rows, APS_COUNTOF(rows))

static void a_connection_is_read_with_its_records_token_and_time(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{\"sync\":{\"items\":[{\"id\":1,\"_version\":2,\"_lastChangedAt\":3,\"_deleted\":null}],"
	         "\"nextToken\":"
	         "\"abc\",\"startedAt\":1714557600123}}",
	         "list sync.items [{\"id\":1,\"_version\":2,\"_lastChangedAt\":3,\"_deleted\":null} v2 c3] abc "
	         "@1714557600123"},
	        /* the token and the time before the list, white space, keys in escapes */
	        {" { \"s\\u0079nc\" : { \"nextT\\u006fken\" : \"t\" , \"startedAt\" : 1714557600123 , \"\\u0069tems\" "
	         ": [ { "
	         "\"_v\\u0065rsion\" : \"7\" } , { } ] } } ",
	         "list sync.items [{ \"_v\\u0065rsion\" : \"7\" } v\"7\"] [{ }] t @1714557600123"},
	        {"{\"sync\":{\"items\":[],\"nextToken\":null,\"startedAt\":null}}", "list sync.items"},
	        {"{\"sync\":{\"items\":[{},null,1,\"a\",[{\"_version\":1}],{\"id\":2}]}}",
	         "list sync.items [{}] [] [] [] [] [{\"id\":2}]"},
	        {"{\"sync\":{\"items\":[],\"startedAt\":1714557600123,\"startedAt\":null}}", "list sync.items"},
	        /* no list, but a page still */
	        {"{\"sync\":{\"items\":null,\"nextToken\":\"t\",\"startedAt\":1714557600123}}",
	         "no list sync t @1714557600123"},
	        {"{\"sync\":{\"nextToken\":\"t\"}}", "no list sync t"},
	        {"{\"sync\":{\"items\":7}}", "no list sync"},
	        {"{\"sync\":{}}", "no list sync"},
	        {"{\"sync\":null}", "no list sync"},
	        {"{\"sync\":7}", "no list sync"},
	        {"{}", "no list"},
	        {"null", "no list"},
	        {"7", "no list"},
	        {"[{\"sync\":{\"items\":[{}]}}]", "no list"},
	        /* what wasn't asked for */
	        {"{\"other\":{\"items\":[{}]},\"sync\":{\"more\":[{}],\"items\":[{\"id\":1}],\"rest\":{\"items\":[{}]}}"
	         ","
	         "\"last\":[1]}",
	         "list sync.items [{\"id\":1}]"},
	        /* a list where a connection was expected, and a connection where a list was */
	        {"{\"sync\":[{\"_version\":1}]}", "list sync [{\"_version\":1} v1]"},
	        {"{\"sync\":{\"items\":{\"items\":[{\"_version\":1}],\"nextToken\":null},\"nextToken\":\"t\"}}",
	         "list sync.items.items [{\"_version\":1} v1]"},
	        /* the first list, and the first of what comes twice at the root */
	        {"{\"sync\":{\"items\":[{\"id\":1}],\"items\":[{\"id\":2}],\"nextToken\":\"a\",\"nextToken\":\"b\"},"
	         "\"sync\":{\"items\":[{\"id\":3}]}}",
	         "list sync.items [{\"id\":1}] b"},
	        {"{\"sync\":{\"items\":null,\"items\":[{\"id\":2}]}}", "list sync.items [{\"id\":2}]"},
	};
	CHECK(SYNC, ROWS);
}

static void a_version_is_the_text_of_a_scalar(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{\"sync\":{\"items\":[{\"_version\":12345678901234567890123}]}}",
	         "list sync.items [{\"_version\":12345678901234567890123} v12345678901234567890123]"},
	        {"{\"sync\":{\"items\":[{\"_version\":-1.50e2}]}}",
	         "list sync.items [{\"_version\":-1.50e2} v-1.50e2]"},
	        {"{\"sync\":{\"items\":[{\"_version\":\"\"}]}}", "list sync.items [{\"_version\":\"\"} v\"\"]"},
	        {"{\"sync\":{\"items\":[{\"_version\":\"a\\u0062\"}]}}",
	         "list sync.items [{\"_version\":\"a\\u0062\"} v\"a\\u0062\"]"},
	        {"{\"sync\":{\"items\":[{\"_version\":true}]}}", "list sync.items [{\"_version\":true} vtrue]"},
	        {"{\"sync\":{\"items\":[{\"_version\":null}]}}", "list sync.items [{\"_version\":null}]"},
	        {"{\"sync\":{\"items\":[{\"_version\":{\"_version\":1}}]}}",
	         "list sync.items [{\"_version\":{\"_version\":1}}]"},
	        {"{\"sync\":{\"items\":[{\"_version\":[1]}]}}", "list sync.items [{\"_version\":[1]}]"},
	        {"{\"sync\":{\"items\":[{\"author\":{\"_version\":1},\"x\":[{\"_version\":2}]}]}}",
	         "list sync.items [{\"author\":{\"_version\":1},\"x\":[{\"_version\":2}]}]"},
	        {"{\"sync\":{\"items\":[{\"_version\":1,\"author\":{\"_version\":9},\"_version\":2}]}}",
	         "list sync.items [{\"_version\":1,\"author\":{\"_version\":9},\"_version\":2} v2]"},
	        /* as long as a key, and none */
	        {"{\"sync\":{\"items\":[{\"_versiom\":1,\"\":2,\"\\u005fversion\\u0000\":3}]}}",
	         "list sync.items [{\"_versiom\":1,\"\":2,\"\\u005fversion\\u0000\":3}]"},
	};
	CHECK(SYNC, ROWS);
}

static void one_field_may_be_the_version_and_the_time_of_the_change(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{\"all\":[{\"updatedAt\":\"2024-05-01T10:00:00Z\"}]}",
	         "list all [{\"updatedAt\":\"2024-05-01T10:00:00Z\"} v\"2024-05-01T10:00:00Z\" "
	         "c\"2024-05-01T10:00:00Z\"]"},
	};
	CHECK("query { all { updatedAt } }", ROWS);
}

static void a_record_is_deleted_if_either_field_says_so(void **state)
{
	(void)state;
	static const struct {
		const char *members;
		bool is_deleted;
	} ROWS[] = {
	        {"\"_deleted\":true", true},
	        {"\"_deleted\":false", false},
	        {"\"_deleted\":null", false},
	        {"\"_deleted\":\"true\"", false},
	        {"\"_deleted\":1", false},
	        {"\"_deleted\":[true]", false},
	        {"\"_deleted\":{\"_deleted\":true}", false},
	        {"\"\\u005fdeleted\":true", true},
	        {"\"aws_ds\":\"DELETE\"", true},
	        {"\"aws_ds\":\"DEL\\u0045TE\"", true},
	        {"\"aws_ds\":\"delete\"", false},
	        {"\"aws_ds\":\"DELETED\"", false},
	        {"\"aws_ds\":\"DELETE \"", false},
	        {"\"aws_ds\":\"UPDATE\"", false},
	        {"\"aws_ds\":null", false},
	        {"\"aws_ds\":true", false},
	        {"\"aws_ds\":[\"DELETE\"]", false},
	        {"\"aws_ds\":\"DELETE\",\"_deleted\":false", true},
	        {"\"_deleted\":true,\"aws_ds\":\"UPDATE\"", true},
	        {"\"author\":{\"_deleted\":true,\"aws_ds\":\"DELETE\"}", false},
	        {"\"_deleted\":true,\"_deleted\":false", false},
	};
	set_names(SYNC);
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char data[200];
		snprintf(data, sizeof data, "{\"sync\":{\"items\":[{%s}]}}", ROWS[i].members);
		read_page(data);
		assert_int_equal(aps_page_count(&page), 1);
		if (aps_page_at(&page, 0)->is_deleted != ROWS[i].is_deleted) fail_msg("%s", data);
	}
}

static void aliases_stand_for_their_fields(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{\"s\":{\"l\":[{\"v\":1,\"c\":2,\"d\":true},{\"version\":1,\"updatedAt\":2,\"_deleted\":true,\"a\":"
	         "\"DELETE\"}],\"n\":\"x\",\"nextToken\":\"y\",\"t\":1714557600123}}",
	         "list s.l [{\"v\":1,\"c\":2,\"d\":true} v1 c2 !] "
	         "[{\"version\":1,\"updatedAt\":2,\"_deleted\":true,\"a\":\"DELETE\"} !] x @1714557600123"},
	        {"{\"sync\":{\"l\":[{}]},\"s\":{\"items\":[{}]}}", "no list s"},
	};
	CHECK(ALIASED, ROWS);
}

static void a_root_field_may_be_the_list(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{\"all\":[{\"version\":1,\"updatedAt\":2,\"tags\":[{\"version\":3}]},null,{\"aws_ds\":\"DELETE\"}]}",
	         "list all [{\"version\":1,\"updatedAt\":2,\"tags\":[{\"version\":3}]} v1 c2] [] "
	         "[{\"aws_ds\":\"DELETE\"} "
	         "!]"},
	        {"{\"all\":[]}", "list all"},
	        {"{\"all\":null}", "no list all"},
	        {"{\"all\":\"x\"}", "no list all"},
	        /* lists of scalars, and JSON that wasn't selected in parts, are values of a record */
	        {"{\"all\":{\"version\":1,\"tags\":[\"a\"],\"x\":[{\"id\":1}]}}",
	         "no list all [{\"version\":1,\"tags\":[\"a\"],\"x\":[{\"id\":1}]} v1]"},
	        {"{\"all\":{}}", "no list all [{}]"},
	};
	CHECK(PLAIN, ROWS);
}

static void a_list_elsewhere_is_found_with_what_stands_beside_it(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{\"p\":{\"page\":{\"entries\":[{\"version\":1}],\"nextToken\":\"in\"},\"nextToken\":\"out\"}}",
	         "list p.page.entries [{\"version\":1} v1] in"},
	        {"{\"p\":{\"nextToken\":\"out\",\"page\":{\"nextToken\":null,\"entries\":[]}}}", "list p.page.entries"},
	        {"{\"p\":{\"nextToken\":\"out\",\"startedAt\":1714557600123,\"page\":{\"entries\":[]}}}",
	         "list p.page.entries out @1714557600123"},
	        {"{\"p\":{\"other\":{\"nextToken\":\"x\",\"id\":1},\"page\":[{\"version\":\"a\"}],\"entries\":[{}]}}",
	         "list p.page [{\"version\":\"a\"} v\"a\"]"},
	        {"{\"p\":{\"startedAt\":1714557600123,\"page\":{\"entries\":[],\"startedAt\":1714557600},\"startedAt\":"
	         "1714557600124}}",
	         "list p.page.entries @1714557600000"},
	        /* no selections, no list */
	        {"{\"p\":{\"page\":{\"tags\":[{\"version\":1}],\"entries\":null},\"nextToken\":\"t\"}}", "no list p t"},
	        {"{\"p\":{\"p\\u0061ge\":{\"\\u0065ntries\":[{\"version\":1}]}}}",
	         "list p.page.entries [{\"version\":1} v1]"},
	        {"{\"p\":[{\"version\":1}]}", "list p [{\"version\":1} v1]"},
	};
	CHECK(NESTED, ROWS);
}

static void one_record_is_read_with_its_fields(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{\"get\":{\"id\":\"a\",\"version\":4,\"author\":{\"name\":\"b\"},\"tags\":[],\"startedAt\":1}}",
	         "no list get "
	         "[{\"id\":\"a\",\"version\":4,\"author\":{\"name\":\"b\"},\"tags\":[],\"startedAt\":1} v4]"},
	        {"{\"get\":{\"author\":null,\"tags\":[\"x\"],\"version\":\"7\"}}",
	         "no list get [{\"author\":null,\"tags\":[\"x\"],\"version\":\"7\"} v\"7\"]"},
	        {"{\"get\":null}", "no list get"},
	        /* helpers/offline.ts: the first list */
	        {"{\"get\":{\"version\":4,\"author\":{\"books\":[{\"version\":5}]}}}",
	         "list get.author.books [{\"version\":5} v5]"},
	};
	CHECK(RECORD, ROWS);
}

static void an_event_is_one_record_or_a_list_of_them(void **state)
{
	(void)state;
	static const struct row EVENTS[] = {
	        {"{\"on\":{\"id\":1,\"_version\":2,\"items\":[{\"_version\":3}]}}",
	         "no list on [{\"id\":1,\"_version\":2,\"items\":[{\"_version\":3}]} v2]"},
	        {"{\"on\":{\"id\":1,\"_deleted\":true}}", "no list on [{\"id\":1,\"_deleted\":true} !]"},
	        {"{\"on\":[{\"_version\":2},{\"_version\":3}]}", "list on [{\"_version\":2} v2] [{\"_version\":3} v3]"},
	        {"{\"on\":null}", "no list on"},
	};
	static const struct row BATCHES[] = {
	        {"{\"on\":{\"items\":[{\"_version\":2}],\"nextToken\":null}}", "list on.items [{\"_version\":2} v2]"},
	        {"{\"on\":{\"items\":null}}", "no list on"},
	};
	CHECK(EVENT, EVENTS);
	CHECK(BATCH, BATCHES);
}

static void items_are_the_list_whatever_else_is_there(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{\"l\":{\"first\":[{\"id\":1}],\"items\":[{\"id\":2}]}}", "list l.items [{\"id\":2}]"},
	        {"{\"l\":{\"first\":[{\"id\":1}],\"items\":null,\"total\":0}}", "no list l"},
	        {"{\"l\":{\"first\":[{\"id\":1}],\"items\":{\"edges\":[{\"id\":2}]}}}",
	         "list l.items.edges [{\"id\":2}]"},
	};
	CHECK("query { l { first { id } items { edges { id } } total } }", ROWS);
}

static void null_in_the_place_of_a_list_is_told_from_what_is_not_there(void **state)
{
	(void)state;
	static const struct {
		const char *document, *data;
		bool is_null;
	} ROWS[] = {
	        {SYNC, "{\"sync\":null}", true},
	        {SYNC, "{\"sync\":{\"items\":null,\"nextToken\":\"t\"}}", true},
	        {SYNC, "{\"sync\":{\"nextToken\":null}}", false},
	        {SYNC, "{\"sync\":{\"items\":7}}", false},
	        {SYNC, "{\"sync\":7}", false},
	        {SYNC, "{}", false},
	        {PLAIN, "{\"all\":null}", true},
	        {PLAIN, "{\"all\":false}", false},
	        {NESTED, "{\"p\":{\"page\":null}}", true},
	        {NESTED, "{\"p\":{\"page\":{\"entries\":null}}}", true},
	        {NESTED, "{\"p\":{\"page\":{\"nextToken\":null}}}", false},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		set_names(ROWS[i].document);
		read_page(ROWS[i].data);
		assert_false(page.is_list);
		if (page.is_null != ROWS[i].is_null) fail_msg("%s", ROWS[i].data);
	}
}

static void keys_are_compared_whole(void **state)
{
	(void)state;
	static const char *const OTHERS[] = {"_lastChangedAT", "XlastChangedAt", "_lastCXangedAt", "_lastChangedA",
	                                     "_lastChangedAt_"};
	static const char *const LONG[] = {"xersion_of_the_record", "version_of_thX_record", "version_Xf_the_record",
	                                   "version_of_the_recorX"};
	char data[200];
	set_names(SYNC);
	for (size_t i = 0; i < APS_COUNTOF(OTHERS); i++) {
		snprintf(data, sizeof data, "{\"sync\":{\"items\":[{\"%s\":1}]}}", OTHERS[i]);
		read_page(data);
		if (aps_page_at(&page, 0)->changed_at.n != 0) fail_msg("%s", data);
	}
	set_names("query { sync { items { version_of_the_record: version } } }");
	read_page("{\"sync\":{\"items\":[{\"version_of_the_record\":1}]}}");
	assert_true(aps_str_is(aps_page_at(&page, 0)->version, "1"));
	for (size_t i = 0; i < APS_COUNTOF(LONG); i++) {
		snprintf(data, sizeof data, "{\"sync\":{\"items\":[{\"%s\":1}]}}", LONG[i]);
		read_page(data);
		if (aps_page_at(&page, 0)->version.n != 0) fail_msg("%s", data);
	}
}

static void a_list_may_have_the_name_of_another_field(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{\"l\":{\"version\":[{\"version\":1}],\"nextToken\":\"t\"}}",
	         "list l.version [{\"version\":1} v1] t"},
	        {"{\"l\":{\"version\":null}}", "no list l"},
	};
	static const struct row FOUND[] = {
	        {"{\"l\":{\"version\":[{\"version\":1}]}}", "list l.version [{\"version\":1} v1]"},
	        {"{\"l\":{\"version\":{\"version\":[{\"x\":1}]}}}", "list l.version.version [{\"x\":1}]"},
	        {"{\"l\":{\"version\":2}}", "no list l [{\"version\":2} v2]"},
	};
	CHECK("query { l { version: items { version } nextToken } }", ROWS);
	CHECK("query { l { version { version } } }", FOUND);
}

static void a_list_is_found_within_eight_keys(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":[{}]}}}}}}}}", "list a.b.c.d.e.f.g.h [{}]"},
	        {"{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{\"i\":[{}]}}}}}}}}}",
	         "no list a [{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{\"i\":[{}]}}}}}}}}]"},
	};
	CHECK("query { a { b { c { d { e { f { g { h { i { x } } } } } } } } } }", ROWS);
}

static void tokens_are_texts_or_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *value, *token;
	} ROWS[] = {
	        {"\"abc\"", "abc"},
	        {"\"a\\/b\\u003d\"", "a/b="},
	        {"\"\"", ""},
	        {"null", ""},
	        {"12", "12"},
	        {"12345678901234567890", "12345678901234567890"},
	        {"1.5", "1.5"},
	        {"true", ""},
	        {"{\"nextToken\":\"x\"}", ""},
	        {"[\"x\"]", ""},
	};
	set_names(SYNC);
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char data[200];
		snprintf(data, sizeof data, "{\"sync\":{\"nextToken\":%s,\"items\":[{}]}}", ROWS[i].value);
		read_page(data);
		assert_int_equal(aps_page_count(&page), 1);
		if (!aps_str_is(page.token, ROWS[i].token)) fail_msg("%s: %.*s", data, (int)page.token.n, page.token.p);
	}
}

static void times_are_milliseconds_seconds_or_date_times(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		int64_t ms;
	} ROWS[] = {
	        {"1714557600123", 1714557600123},
	        {"1714557600", 1714557600000},
	        {"99999999999", 99999999999000},
	        {"100000000000", 100000000000},
	        {"\"1714557600123\"", 1714557600123},
	        {"\"1714557600\"", 1714557600000},
	        {"\"17145576\\u00300\"", 1714557600000},
	        {"1.714557600123E12", 1714557600123},
	        {"1714557600.5", 1714557600500},
	        {"\"2024-05-01T10:00:00.123Z\"", 1714557600123},
	        {"\"2024-05-01T10:00:00.1Z\"", 1714557600100},
	        {"\"2024-05-01T10:00:00.1239Z\"", 1714557600123},
	        {"\"2024-05-01T12:00:00\\u002B02:00\"", 1714557600000},
	        {"\"1970-01-01T00:00:01Z\"", 1000},
	        {"\"9999-12-31T23:59:59.999Z\"", 253402300799999},
	        {"253402300799999", 253402300799999},
	        {"253402300800000", 0},
	        {"9223372036854775807", 0},
	        {"-9223372036854775808", 0},
	        {"92233720368547758080", 0},
	        {"1e300", 0},
	        {"-1e300", 0},
	        {"-1", 0},
	        {"0", 0},
	        {"-0", 0},
	        {"\"999999999999999\"", 0},
	        {"\"1714557600123456\"", 0},
	        {"\"1969-12-31T23:59:59Z\"", 0},
	        {"\"9999-12-31T23:59:59-01:00\"", 0},
	        {"\"yesterday\"", 0},
	        {"\"1714557600.5\"", 0},
	        {"\"-1\"", 0},
	        {"\"\"", 0},
	        {"null", 0},
	        {"true", 0},
	        {"{}", 0},
	        {"[1714557600123]", 0},
	};
	set_names(SYNC);
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char data[200];
		snprintf(data, sizeof data, "{\"sync\":{\"items\":[],\"startedAt\":%s}}", ROWS[i].value);
		read_page(data);
		if (page.started_ms != ROWS[i].ms) fail_msg("%s: %lld", data, (long long)page.started_ms);
	}
}

static const char WHOLE[] =
        "{\"x\":[{}],\"p\":{\"nextToken\":\"\\u0061\",\"page\":{\"entries\":[{\"version\":1.5,\"tags\":[1,{}]},null,"
        "[1],{\"version\":\"\\u0032\"}],\"nextToken\":null},\"st\\u0061rtedAt\":\"17145576\\u00300\"}}";

static void a_text_that_ends_anywhere_is_refused_and_leaves_an_empty_page(void **state)
{
	(void)state;
	set_names(NESTED);
	read_page(WHOLE);
	assert_int_equal(aps_page_count(&page), 4);
	for (size_t n = 0; n < sizeof WHOLE - 1; n++) {
		aps_page_clear(&page);
		char *cut = aps_strndup(WHOLE, n); /* so that a byte too far is seen */
		aps_err_clear(&err);
		enum aps_rc rc = aps_page_read(&page, &names, (struct aps_str){cut, n}, &err);
		if (rc != APS_E_SYNTAX || err.code != rc) fail_msg("%zu: %d", n, rc);
		assert_true(aps_page_count(&page) == 0 && page.n_path == 0 && !page.is_list && page.token.n == 0);
		aps_free(cut);
	}
}

static void what_the_reader_refuses_is_refused_wherever_it_stands(void **state)
{
	(void)state;
	static const struct {
		const char *data;
		enum aps_rc rc;
	} ROWS[] = {
	        {"", APS_E_SYNTAX},
	        {"{}x", APS_E_SYNTAX},
	        {"null null", APS_E_SYNTAX},
	        {"[1,]", APS_E_SYNTAX},
	        {"{\"x\":01,\"sync\":null}", APS_E_SYNTAX},
	        {"{\"sync\":nil}", APS_E_SYNTAX},
	        {"{\"sync\":[{},]}", APS_E_SYNTAX},
	        {"{\"sync\":{\"items\":[{\"_version\":}]}}", APS_E_SYNTAX},
	        {"{\"sync\":{\"items\":[{\"_version\":{\"a\"}}]}}", APS_E_SYNTAX},
	        {"{\"sync\":{\"items\":[{\"_version\":1]]}}", APS_E_SYNTAX},
	        {"{\"sync\":{\"items\":[[}]]}}", APS_E_SYNTAX},
	        {"{\"sync\":{\"items\":[{\"a\":\"\n\"}]}}", APS_E_SYNTAX},
	        {"{\"sync\":{\"nextToken\":\"\\x\"}}", APS_E_SYNTAX},
	        {"{\"sync\":{\"startedAt\":{,}}}", APS_E_SYNTAX},
	        {"{\"sync\":{\"items\":[{}]}", APS_E_SYNTAX},
	        {"{\"sync\":{\"items\":[{}]},\"x\"}", APS_E_SYNTAX},
	};
	set_names(SYNC);
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		aps_err_clear(&err);
		enum aps_rc rc = aps_page_read(&page, &names, aps_str_of(ROWS[i].data), &err);
		if (rc != ROWS[i].rc || err.code != rc) fail_msg("%s: %d", ROWS[i].data, rc);
		assert_int_equal(aps_page_read(&page, &names, aps_str_of(ROWS[i].data), NULL), rc);
		assert_int_equal(aps_page_count(&page), 0);
	}
	struct aps_buf deep;
	aps_buf_init(&deep, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&deep, "{\"sync\":{\"items\":[");
	for (int i = 0; i < 200; i++) aps_buf_add_text(&deep, "{\"_version\":");
	assert_int_equal(aps_page_read(&page, &names, aps_buf_str(&deep), &err), APS_E_DEPTH);
	aps_buf_clear(&deep);
}

static void more_records_than_there_may_be_are_refused(void **state)
{
	(void)state;
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	set_names(PLAIN);
	aps_buf_add_text(&text, "{\"all\":[1");
	for (size_t i = 1; i < APS_PAGE_MAX_RECORDS; i++) aps_buf_add(&text, ",1", 2);
	size_t n = text.n;
	aps_buf_add_text(&text, "]}");
	assert_int_equal(aps_page_read(&page, &names, aps_buf_str(&text), &err), APS_OK);
	assert_int_equal(aps_page_count(&page), APS_PAGE_MAX_RECORDS);
	aps_page_clear(&page);
	text.n = n;
	aps_buf_add_text(&text, ",1]}");
	assert_int_equal(aps_page_read(&page, &names, aps_buf_str(&text), &err), APS_E_TOO_BIG);
	assert_string_equal(err.msg, "A page has more than 1048576 records");
	assert_int_equal(aps_page_count(&page), 0);
	aps_buf_clear(&text);
}

static void every_failed_allocation_is_reported(void **state)
{
	(void)state;
	enum aps_rc rc = APS_E_NOMEM;
	size_t nth = 1, n_live;
	set_names(NESTED);
	n_live = aps_mem_live();
	for (; rc != APS_OK; nth++) {
		aps_err_clear(&err);
		aps_mem_fail_at(nth);
		rc = aps_page_read(&page, &names, aps_str_of(WHOLE), &err);
		aps_mem_fail_at(0);
		assert_int_equal(err.code, rc);
		assert_true(rc == APS_OK || (rc == APS_E_NOMEM && aps_mem_live() == n_live));
		assert_int_equal(aps_page_count(&page), rc == APS_OK ? 4 : 0);
	}
	assert_true(nth > 3);
	assert_page(WHOLE,
	            "list p.page.entries [{\"version\":1.5,\"tags\":[1,{}]} v1.5] [] [] [{\"version\":\"\\u0032\"} "
	            "v\"\\u0032\"] @1714557600000");
}

static void the_records_of_a_page_take_one_allocation(void **state)
{
	(void)state;
	struct aps_buf text;
	char title[560];
	memset(title, 'x', sizeof title - 1);
	title[sizeof title - 1] = '\0';
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "{\"sync\":{\"items\":[");
	for (int i = 0; i < 100; i++) aps_buf_addf(&text, "%s{\"title\":\"%s\"}", i == 0 ? "" : ",", title);
	aps_buf_add_text(&text, "]}}");
	set_names(SYNC);
	aps_mem_fail_at(2);
	assert_int_equal(aps_page_read(&page, &names, aps_buf_str(&text), &err), APS_OK);
	assert_int_equal(aps_page_count(&page), 100);
	assert_null(aps_malloc(1)); /* the second one */
	aps_page_clear(&page);
	aps_mem_fail_at(1);
	assert_int_equal(aps_page_read(&page, &names, aps_buf_str(&text), &err), APS_E_NOMEM);
	aps_buf_clear(&text);
}

static void nothing_is_allocated_beside_the_records(void **state)
{
	(void)state;
	set_names(SYNC);
	aps_mem_fail_at(1);
	enum aps_rc rc = aps_page_read(&page, &names, APS_STR("{\"sync\":{\"items\":[],\"nextToken\":\"t\"}}"), &err);
	void *block = aps_malloc(1); /* that one is still to fail */
	aps_mem_fail_at(0);
	assert_int_equal(rc, APS_OK);
	assert_null(block);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_connection_is_read_with_its_records_token_and_time),
	        TEST(a_version_is_the_text_of_a_scalar),
	        TEST(one_field_may_be_the_version_and_the_time_of_the_change),
	        TEST(a_record_is_deleted_if_either_field_says_so),
	        TEST(aliases_stand_for_their_fields),
	        TEST(a_root_field_may_be_the_list),
	        TEST(a_list_elsewhere_is_found_with_what_stands_beside_it),
	        TEST(one_record_is_read_with_its_fields),
	        TEST(an_event_is_one_record_or_a_list_of_them),
	        TEST(items_are_the_list_whatever_else_is_there),
	        TEST(null_in_the_place_of_a_list_is_told_from_what_is_not_there),
	        TEST(keys_are_compared_whole),
	        TEST(a_list_may_have_the_name_of_another_field),
	        TEST(a_list_is_found_within_eight_keys),
	        TEST(tokens_are_texts_or_numbers),
	        TEST(times_are_milliseconds_seconds_or_date_times),
	        TEST(a_text_that_ends_anywhere_is_refused_and_leaves_an_empty_page),
	        TEST(what_the_reader_refuses_is_refused_wherever_it_stands),
	        TEST(more_records_than_there_may_be_are_refused),
	        TEST(every_failed_allocation_is_reported),
	        TEST(the_records_of_a_page_take_one_allocation),
	        TEST(nothing_is_allocated_beside_the_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
