#include "cache_world.h"

#include "cache/edit.h"
#include "cache/field_text.h"

static struct aps_edits *edits;

static void begin_edits(void)
{
	edits = aps_edits_new();
	assert_non_null(edits);
}

static void add(const struct aps_edit_what *what)
{
	assert_true(aps_edits_add(edits, what));
}

static void add_set(const char *key, const char *field, const char *json)
{
	const struct aps_edit_what what = {
	        .kind = APS_EDIT_SET,
	        .key = aps_str_of(key),
	        .field = aps_str_of(field),
	        .json = aps_str_of(json),
	        .is_apart = strchr(field, '(') != NULL,
	};
	add(&what);
}

static void add_evict(const char *key, const char *field)
{
	const struct aps_edit_what what = {.kind = APS_EDIT_EVICT, .key = aps_str_of(key), .field = aps_str_of(field)};
	add(&what);
}

static void add_write(const char *key, const char *document, const char *data)
{
	struct aps_gql_document *doc = parse(document);
	const struct aps_gql_operation *definition = aps_gql_document_operation(doc, 0);
	const struct aps_edit_what what = {
	        .kind = APS_EDIT_WRITE,
	        .key = aps_str_of(key),
	        .document = doc,
	        .definition = definition != NULL ? definition : aps_gql_document_fragment_at(doc, 0),
	        .variables = APS_STR("{\"x\":1}"),
	        .json = aps_str_of(data),
	};
	add(&what);
	aps_gql_document_unref(doc);
}

static enum aps_rc apply(struct aps_err *err)
{
	aps_write_begin(&world.write, &world.cache);
	aps_merge_clear(&world.merge);
	enum aps_rc rc = aps_merge_init(&world.merge, &world.write)
	                         ? aps_edits_apply(edits, 0, &world.merge, &world.policies, err)
	                         : aps_fail(err, APS_E_NOMEM, "out of memory");
	if (rc == APS_OK && !aps_write_settle(&world.write)) rc = APS_E_NOMEM;
	if (rc == APS_OK) {
		tell_changes();
		aps_write_commit(&world.write);
	} else {
		aps_write_abort(&world.write);
	}
	return rc;
}

/* Applies what was added; what has changed, or the error. */
static const char *end_edits(void)
{
	struct aps_err err;
	if (apply(&err) != APS_OK) {
		aps_buf_reset(&world.changes);
		aps_buf_addf(&world.changes, "error: %s", err.msg);
	}
	aps_edits_unref(edits);
	return world.changes.n != 0 ? world.changes.p : "";
}

static const char *set(const char *key, const char *field, const char *json)
{
	begin_edits();
	add_set(key, field, json);
	return end_edits();
}

static const char *show(const char *key, const char *field)
{
	struct aps_err err = {0};
	aps_buf_reset(&world.result);
	if (aps_field_text(&world.result, &world.cache, aps_str_of(key), aps_str_of(field), &err) != APS_OK) {
		aps_buf_reset(&world.result);
		aps_buf_add_text(&world.result, err.msg);
	}
	return world.result.p;
}

#define QUERY                                                                                                          \
	"{ all { id t tags at { x y } n(x: 1) m: n(x: 2) } conn(f: 1) { items { id } next } deep { list { id } } j }"
#define DATA                                                                                                           \
	"{\"all\":[{\"id\":\"1\",\"t\":1,\"tags\":[\"a\"],\"at\":{\"x\":1,\"y\":2},\"n\":2,\"m\":3,\"__typename\":"    \
	"\"T\"},"                                                                                                      \
	"{\"id\":\"2\",\"t\":3,\"tags\":[],\"at\":null,\"n\":4,\"m\":5,\"__typename\":\"T\"}],"                        \
	"\"conn\":{\"items\":[{\"id\":\"1\",\"__typename\":\"T\"}],\"next\":\"z\",\"__typename\":\"C\"},"              \
	"\"deep\":{\"list\":[{\"id\":\"2\",\"__typename\":\"T\"}],\"__typename\":\"D\"},\"j\":{\"__ref\":\"T:1\"}}"

static void write_all(void)
{
	write_data(QUERY, "{}", DATA);
}

static void fields_are_shown_with_what_the_cache_knows_of_them(void **state)
{
	(void)state;
	write_all();
	assert_string_equal(show("ROOT_QUERY", "all"),
	                    "[\"all\",false,{\"__list\":[{\"__ref\":\"T:1\"},{\"__ref\":\"T:2\"}]}]");
	assert_string_equal(show("T:1", "t"), "[\"t\",false,1]");
	assert_string_equal(show("T:1", "tags"), "[\"tags\",false,{\"__json\":[\"a\"]}]");
	assert_string_equal(show("ROOT_QUERY", "j"), "[\"j\",false,{\"__json\":{\"__ref\":\"T:1\"}}]");
	assert_string_equal(show("T:1", "at"), "[\"at\",false,{\"x\":1,\"y\":2}]");
	assert_string_equal(show("T:2", "at"), "[\"at\",false,null]");
	assert_string_equal(show("T:1", "n"), "[\"n({\\\"x\\\":2})\",true,3,\"n({\\\"x\\\":1})\",true,2]");
	assert_string_equal(show("T:1", "n({\"x\":2})"), "[\"n({\\\"x\\\":2})\",true,3]");
	assert_string_equal(show("ROOT_QUERY", "conn"),
	                    "[\"conn({\\\"f\\\":1})\",true,{\"__typename\":\"C\",\"items\":{\"__list\":[{"
	                    "\"__ref\":\"T:1\"}]},\"next\":\"z\"}]");
	assert_string_equal(show("T:1", "other"), "[]");
	assert_string_equal(show("T:9", "t"), "[]");
	assert_string_equal(show("T:1", "n({\"x\":9})"), "[]");
}

static void a_field_gets_a_value(void **state)
{
	(void)state;
	write_all();
	assert_string_equal(set("T:1", "t", "\"\\u00e4\""), "T:1.t");
	assert_string_equal(show("T:1", "t"), "[\"t\",false,\"ä\"]");
	assert_string_equal(set("T:1", "t", "\"ä\""), "");
	assert_string_equal(set("T:1", "n({\"x\":2})", "2.5"), "1.n({\"x\":2})");
	assert_reads("{ all { n(x: 2) } }", "{}",
	             "{\"all\":[{\"n\":2.5,\"__typename\":\"T\"},{\"n\":5,\"__typename\":\"T\"}]}");
	assert_string_equal(set("T:1", "fresh", "true"), "T:1.fresh");
	assert_string_equal(set("T:1", "n({\"x\":3})", "null"), "1.n({\"x\":3})");
	assert_string_equal(set("T:9", "t", "1"), ""); /* a record that is nowhere stays so */
	assert_string_equal(show("T:9", "t"), "[]");
	assert_string_equal(set("T:1", "tags", "{\"__json\":[\"b\",\"c\"]}"), "T:1.tags");
	assert_reads(
	        "{ deep { list { tags } } all { tags } }", "{}",
	        "{\"deep\":{\"list\":[{\"tags\":[],\"__typename\":\"T\"}],\"__typename\":\"D\"},\"all\":[{\"tags\":"
	        "[\"b\",\"c\"],\"__typename\":\"T\"},{\"tags\":[],\"__typename\":\"T\"}]}");
}

static void a_field_goes_and_others_of_its_name_stay(void **state)
{
	(void)state;
	write_data("{ m m1: m(x: 1) m2: m(x: 2) }", "{}", "{\"m\":1,\"m1\":2,\"m2\":3}");
	assert_string_equal(set("ROOT_QUERY", "m", ""), "ROOT_QUERY.m");
	assert_string_equal(show("ROOT_QUERY", "m"), "[\"m({\\\"x\\\":2})\",true,3,\"m({\\\"x\\\":1})\",true,2]");
	assert_string_equal(set("ROOT_QUERY", "m({\"x\":1})", ""), "1.m({\"x\":1})");
	assert_string_equal(show("ROOT_QUERY", "m"), "[\"m({\\\"x\\\":2})\",true,3]");
	assert_string_equal(set("ROOT_QUERY", "m({\"x\":1})", ""), "");
	assert_string_equal(set("ROOT_QUERY", "m({\"x\":9})", ""), "");
	assert_string_equal(set("ROOT_QUERY", "none", ""), "");
}

static void references_are_told_by_keys(void **state)
{
	(void)state;
	write_all();
	write_data("{ one { id } }", "{}", "{\"one\":{\"id\":\"1\",\"__typename\":\"T\"}}");
	assert_string_equal(set("ROOT_QUERY", "one", "{\"__ref\":\"T:2\"}"), "ROOT_QUERY.one");
	assert_reads("{ one { t } }", "{}", "{\"one\":{\"t\":3,\"__typename\":\"T\"}}");
	/* a record that is nowhere is missing, and there once it is written */
	assert_string_equal(set("ROOT_QUERY", "one", "{\"__ref\":\"T:7\"}"), "ROOT_QUERY.one");
	assert_reads("{ one { t } }", "{}", "missing one");
	assert_string_equal(show("ROOT_QUERY", "one"), "[\"one\",false,{\"__ref\":\"T:7\"}]");
	write_data("{ x { id t } }", "{}", "{\"x\":{\"id\":\"7\",\"t\":7,\"__typename\":\"T\"}}");
	assert_reads("{ one { t } }", "{}", "{\"one\":{\"t\":7,\"__typename\":\"T\"}}");
	assert_string_equal(set("ROOT_QUERY", "one", "null"), "ROOT_QUERY.one");
	assert_reads("{ one { t } }", "{}", "{\"one\":null}");
}

static void an_embedded_object_is_what_it_is_given_as(void **state)
{
	(void)state;
	write_all();
	assert_string_equal(set("T:1", "at", "{\"__json\":{\"x\":5}}"), "T:1.at");
	assert_string_equal(show("T:1", "at"), "[\"at\",false,{\"x\":5}]");
	assert_string_equal(set("T:1", "at", "{\"z\":{\"__json\":[1]},\"a\":1,\"x\":2,\"a\":3}"), "T:1.at");
	assert_string_equal(show("T:1", "at"), "[\"at\",false,{\"x\":2,\"z\":{\"__json\":[1]},\"a\":3}]");
	assert_string_equal(set("T:1", "at", "{\"__fields\":{\"b\":{\"__ref\":\"T:2\"},\"x\":3,\"c(1)\":4}}"),
	                    "T:1.at");
	assert_string_equal(show("T:1", "at"), "[\"at\",false,{\"c(1)\":4,\"x\":3,\"z\":{\"__json\":[1]},\"a\":3,\"b\":"
	                                       "{\"__ref\":\"T:2\"}}]");
	assert_string_equal(set("T:1", "at", "{\"__fields\":{\"c(1)\":5,\"c(1)\":6}}"), "T:1.at");
	assert_string_equal(show("T:1", "at"), "[\"at\",false,{\"c(1)\":6,\"x\":3,\"z\":{\"__json\":[1]},\"a\":3,\"b\":"
	                                       "{\"__ref\":\"T:2\"}}]");
	/* something else has taken its place, or nothing is there */
	assert_string_equal(set("T:1", "t", "{\"__fields\":{\"b\":1}}"), "");
	assert_string_equal(set("T:1", "none", "{\"__fields\":{\"b\":1}}"), "T:1.none");
	assert_string_equal(show("T:1", "none"), "[\"none\",false,{\"b\":1}]");
	/* what was no object before is one only where it says so */
	assert_string_equal(set("T:1", "t", "{\"__json\":{\"x\":5}}"), "T:1.t");
	assert_string_equal(show("T:1", "t"), "[\"t\",false,{\"__json\":{\"x\":5}}]");
	assert_string_equal(set("T:2", "at", "{\"__json\":{\"x\":5,\"__typename\":\"A\"}}"), "T:2.at");
	assert_string_equal(show("T:2", "at"), "[\"at\",false,{\"__typename\":\"A\",\"x\":5}]");
}

static void a_name_that_is_graphqls_own_is_refused_and_said(void **state)
{
	(void)state;
	static const char *const GIVEN[] = {
	        "{\"x\":1,\"__list\":2}",
	        "{\"x\":1,\"__ref\":\"T:1\"}",
	        "{\"x\":{\"__json\":1},\"__own\":2}",
	        "{\"__json\":{\"__list\":1}}",
	        "{\"__json\":{\"x\":1,\"__json\":{}}}",
	        "{\"__fields\":{\"__edits\":1}}",
	        "{\"__fields\":{\"y\":{\"x\":1,\"__fields\":{}}}}",
	};
	write_all();
	for (size_t i = 0; i < APS_COUNTOF(GIVEN); i++) {
		const char *error = set("T:1", "at", GIVEN[i]);
		if (strncmp(error, "error: an embedded object has a field \"__", 41) != 0 ||
		    strstr(error, "of these only __typename is accepted") == NULL)
			fail_msg("%s: %s", GIVEN[i], error);
		assert_reads(QUERY, "{}", DATA);
	}
}

/* A document may ask for such a field all the same. */
static void an_object_that_has_such_a_name_is_shown_as_one(void **state)
{
	(void)state;
	write_data("{ at { x __list } }", "{}", "{\"at\":{\"x\":1,\"__list\":2}}");
	assert_string_equal(show("ROOT_QUERY", "at"), "[\"at\",false,{\"__fields\":{\"x\":1,\"__list\":2}}]");
	assert_string_equal(set("ROOT_QUERY", "at", "{\"__fields\":{\"x\":3}}"), "ROOT_QUERY.at");
	assert_reads("{ at { x __list } }", "{}", "{\"at\":{\"x\":3,\"__list\":2}}");
}

static void data_that_looks_like_something_else_stays_what_it_is(void **state)
{
	(void)state;
	static const char *const GIVEN[] = {"{\"__ref\":\"T:2\"}", "{\"__typename\":\"T\",\"id\":1}",
	                                    "{\"__list\":[{\"__json\":1}]}", "{}"};
	char json[128], shown[128];
	write_data("{ j }", "{}", "{\"j\":{\"__typename\":\"T\"}}");
	for (size_t i = 0; i < APS_COUNTOF(GIVEN); i++) {
		snprintf(json, sizeof json, "{\"__json\":%s}", GIVEN[i]);
		assert_string_equal(set("ROOT_QUERY", "j", json), "ROOT_QUERY.j");
		snprintf(shown, sizeof shown, "[\"j\",false,%s]", json);
		assert_string_equal(show("ROOT_QUERY", "j"), shown);
		write_data("{ j }", "{}", "{\"j\":{\"a\":1,\"__typename\":\"T\"}}");
	}
	write_data("{ j }", "{}", "{\"j\":{\"a\":1}}");
	assert_string_equal(set("ROOT_QUERY", "j", "{\"__json\":{\"a\":1,\"__typename\":\"T\"}}"), "ROOT_QUERY.j");
	assert_reads("{ j }", "{}", "{\"j\":{\"a\":1,\"__typename\":\"T\"}}");
}

static void lists_are_edited(void **state)
{
	(void)state;
	static const char TWO[] = "[\"all\",false,{\"__list\":[{\"__ref\":\"T:2\"},{\"__ref\":\"T:3\"}]}]";
	write_all();
	set("ROOT_QUERY", "all", "{\"__edits\":[[\"-\",\"T:1\"],[\"-\",\"T:8\"],[\"+\",\"T:3\",\"T:2\"]]}");
	assert_string_equal(show("ROOT_QUERY", "all"), TWO);
	/* once more it changes nothing */
	assert_string_equal(
	        set("ROOT_QUERY", "all", "{\"__edits\":[[\"-\",\"T:1\"],[\"-\",\"T:8\"],[\"+\",\"T:3\",\"T:2\"]]}"),
	        "");
	set("ROOT_QUERY", "all",
	    "{\"__edits\":[[\"^\",\"T:4\"],[\"+\",\"T:5\"],[\"+\",\"T:6\",\"T:9\"],[\"+\",\"T:7\","
	    "\"T:4\"]]}");
	assert_string_equal(show("ROOT_QUERY", "all"),
	                    "[\"all\",false,{\"__list\":[{\"__ref\":\"T:4\"},{\"__ref\":\"T:7\"},{\"__ref\":\"T:2\"},"
	                    "{\"__ref\":\"T:3\"},{\"__ref\":\"T:5\"},{\"__ref\":\"T:6\"}]}]");
	set("ROOT_QUERY", "all", "{\"__list\":[{\"__ref\":\"T:2\"},{\"__ref\":\"T:3\"}]}");
	assert_string_equal(show("ROOT_QUERY", "all"), TWO);
	/* in an embedded object; the other fields stay */
	set("ROOT_QUERY", "conn({\"f\":1})", "{\"__fields\":{\"items\":{\"__edits\":[[\"^\",\"T:2\"]]}}}");
	assert_string_equal(
	        show("ROOT_QUERY", "conn"),
	        "[\"conn({\\\"f\\\":1})\",true,{\"__typename\":\"C\",\"items\":{\"__list\":[{\"__ref\":\"T:2\"},"
	        "{\"__ref\":\"T:1\"}]},\"next\":\"z\"}]");
	set("ROOT_QUERY", "deep", "{\"__fields\":{\"list\":{\"__edits\":[[\"-\",\"T:2\"]]}}}");
	assert_reads("{ deep { list { id } } }", "{}", "{\"deep\":{\"list\":[],\"__typename\":\"D\"}}");
	/* what is no list becomes one */
	set("T:1", "t", "{\"__edits\":[[\"+\",\"T:2\"]]}");
	assert_string_equal(show("T:1", "t"), "[\"t\",false,{\"__list\":[{\"__ref\":\"T:2\"}]}]");
}

static void lists_of_embedded_objects_keep_what_they_are(void **state)
{
	(void)state;
	write_data("{ l { a b { c } } }", "{}", "{\"l\":[{\"a\":1,\"b\":{\"c\":1}},{\"a\":2,\"b\":null}]}");
	assert_string_equal(show("ROOT_QUERY", "l"),
	                    "[\"l\",false,{\"__list\":[{\"a\":1,\"b\":{\"c\":1}},{\"a\":2,\"b\":"
	                    "null}]}]");
	set("ROOT_QUERY", "l", "{\"__json\":[{\"a\":3,\"b\":{\"c\":3}},{\"a\":4,\"b\":null},{\"a\":5,\"b\":null}]}");
	assert_reads("{ l { a b { c } } }", "{}",
	             "{\"l\":[{\"a\":3,\"b\":{\"c\":3}},{\"a\":4,\"b\":null},{\"a\":5,\"b\":null}]}");
}

static void long_lists_stay_in_blocks(void **state)
{
	(void)state;
	struct aps_buf data;
	aps_buf_init(&data, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&data, "{\"all\":[");
	for (int i = 0; i < 2000; i++)
		aps_buf_addf(&data, "%s{\"id\":\"%d\",\"__typename\":\"T\"}", i != 0 ? "," : "", i);
	aps_buf_add_text(&data, "]}");
	write_data("{ all { id } }", "{}", data.p);
	begin_edits();
	add_set("ROOT_QUERY", "all", "{\"__edits\":[[\"-\",\"T:1000\"],[\"+\",\"T:new\",\"T:999\"]]}");
	struct aps_err err;
	aps_write_begin(&world.write, &world.cache);
	aps_merge_clear(&world.merge);
	assert_true(aps_merge_init(&world.merge, &world.write));
	assert_int_equal(aps_edits_apply(edits, 0, &world.merge, &world.policies, &err), APS_OK);
	/* the new record, the list and one of its blocks */
	assert_in_range(aps_write_n_entries(&world.write), 3, 4);
	aps_write_commit(&world.write);
	aps_edits_unref(edits);
	const char *text = show("ROOT_QUERY", "all");
	assert_non_null(strstr(text, "{\"__ref\":\"T:999\"},{\"__ref\":\"T:new\"},{\"__ref\":\"T:1001\"}"));
	assert_null(strstr(text, "\"T:1000\""));
	size_t n_entries = world.cache.entries.n_entries;
	set("ROOT_QUERY", "all", "{\"__edits\":[[\"-\",\"T:new\"]]}");
	assert_int_equal(world.cache.entries.n_entries, n_entries);
	aps_buf_clear(&data);
}

static void data_is_written_at_a_record(void **state)
{
	(void)state;
	write_all();
	begin_edits();
	add_write("T:1", "fragment F on T { t n(x: $x) }", "{\"t\":9,\"n\":8,\"__typename\":\"T\"}");
	add_write("T:3", "fragment F on T { id t }", "{\"id\":\"3\",\"t\":7,\"__typename\":\"T\"}");
	add_write("ROOT_QUERY", "query Q($x: Int) { two(x: $x) { id } }",
	          "{\"two\":{\"id\":\"3\",\"__typename\":\"T\"}}");
	assert_string_equal(end_edits(), "T:1.t 1.n({\"x\":1}) T:3.__typename T:3.id T:3.t 7.two({\"x\":1})");
	assert_reads("{ two(x: 1) { t } }", "{}", "{\"two\":{\"t\":7,\"__typename\":\"T\"}}");
	assert_string_equal(show("T:1", "t"), "[\"t\",false,9]");
	assert_string_equal(show("T:1", "n({\"x\":1})"), "[\"n({\\\"x\\\":1})\",true,8]");
}

static void edits_follow_each_other(void **state)
{
	(void)state;
	write_all();
	begin_edits();
	add_set("T:1", "t", "5");
	add_evict("T:1", "t");
	add_set("T:2", "t", "6");
	add_evict("T:2", "");
	add_evict("T:9", "");
	assert_int_equal(aps_edits_count(edits), 5);
	size_t n_bytes = aps_edits_bytes(edits);
	add_evict("ROOT_QUERY", "");
	aps_edits_drop_last(edits);
	assert_int_equal(aps_edits_count(edits), 5);
	assert_int_equal(aps_edits_bytes(edits), n_bytes);
	end_edits();
	assert_string_equal(show("T:1", "t"), "[]");
	assert_reads("{ all { id } }", "{}", "{\"all\":[{\"id\":\"1\",\"__typename\":\"T\"}]}");
}

static void a_value_that_cannot_be_read_changes_nothing(void **state)
{
	(void)state;
	static const char *const BROKEN[] = {
	        " ",
	        "[1]",
	        "{\"__ref\":1}",
	        "{\"__list\":{}}",
	        "{\"__list\":[[1]]}",
	        "{\"__edits\":1}",
	        "{\"__edits\":[1]}",
	        "{\"__edits\":[[\"?\",\"T:1\"]]}",
	        "{\"__edits\":[[\"-\"]]}",
	        "{\"__edits\":[[\"-\",1]]}",
	        "{\"__edits\":[[\"+\",\"T:5\",\"T:1\",\"T:2\"]]}",
	        "{\"__fields\":[]}",
	        "{\"__ref\":\"T:1\",\"x\":1}",
	        "1 2",
	        "{\"a\":",
	};
	write_all();
	for (size_t i = 0; i < APS_COUNTOF(BROKEN); i++) {
		assert_string_equal(set("ROOT_QUERY", "all", BROKEN[i]),
		                    "error: an edit of the cache that can't be read");
		assert_reads(QUERY, "{}", DATA);
	}
}

static void add_many(void)
{
	add_write("T:3", "fragment F on T { id t at { x } n(x: $x) }",
	          "{\"id\":\"3\",\"t\":7,\"at\":{\"x\":1},\"n\":1,\"__typename\":\"T\"}");
	add_set("ROOT_QUERY", "all", "{\"__edits\":[[\"^\",\"T:3\"],[\"-\",\"T:1\"],[\"+\",\"T:4\",\"T:2\"]]}");
	add_set("T:1", "at", "{\"__fields\":{\"w\":{\"__json\":[1]},\"x\":\"\\u0031\"}}");
	add_set("T:1", "n({\"x\":1})", "{\"new\":{\"__list\":[{\"__ref\":\"T:4\"}]}}");
	add_evict("T:2", "n");
	add_evict("T:2", "");
}

static void without_memory_all_of_it_is_done_or_nothing(void **state)
{
	(void)state;
	size_t n_failed = 0;
	for (size_t nth = 1; nth < 150; nth++) {
		struct aps_err err = {0};
		world_close();
		world_open();
		write_all();
		begin_edits();
		add_many();
		aps_mem_fail_at(nth);
		enum aps_rc rc = apply(&err);
		aps_mem_fail_at(0);
		aps_edits_unref(edits);
		n_failed += rc != APS_OK;
		if (rc != APS_OK) {
			assert_int_equal(rc, APS_E_NOMEM);
			assert_int_equal(err.code, APS_E_NOMEM);
			assert_reads(QUERY, "{}", DATA);
			continue;
		}
		assert_reads("{ all { id } }", "{}", "{\"all\":[{\"id\":\"3\",\"__typename\":\"T\"}]}");
		assert_string_equal(show("ROOT_QUERY", "all"),
		                    "[\"all\",false,{\"__list\":[{\"__ref\":\"T:3\"},{\"__ref\":\"T:2\"},{\"__ref\":"
		                    "\"T:4\"}]}]");
		assert_string_equal(show("T:1", "n"), "[\"n({\\\"x\\\":2})\",true,3,\"n({\\\"x\\\":1})\",true,{"
		                                      "\"new\":{\"__list\":[{\"__ref\":\"T:4\"}]}}]");
	}
	assert_in_range(n_failed, 40, 140);
}

static void without_memory_a_list_of_edits_is_as_it_was(void **state)
{
	(void)state;
	struct aps_gql_document *doc = parse("{ a }");
	const struct aps_edit_what what = {.kind = APS_EDIT_WRITE, .key = APS_STR("ROOT_QUERY"), .document = doc};
	aps_mem_fail_at(1);
	assert_null(aps_edits_new());
	begin_edits();
	aps_mem_fail_at(1);
	assert_false(aps_edits_add(edits, &what));
	assert_int_equal(aps_edits_count(edits), 0);
	assert_true(aps_edits_add(edits, &what));
	assert_int_equal(aps_edits_count(edits), 1);
	aps_edits_unref(aps_edits_ref(edits));
	aps_edits_unref(edits);
	aps_edits_unref(NULL);
	aps_gql_document_unref(doc);
}

static void without_memory_fields_are_not_shown(void **state)
{
	(void)state;
	write_all();
	for (size_t nth = 1; nth < 50; nth++) {
		struct aps_err err = {0};
		struct aps_buf out;
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_field_text(&out, &world.cache, APS_STR("ROOT_QUERY"), APS_STR("conn"), &err);
		aps_mem_fail_at(0);
		aps_buf_clear(&out);
		if (rc == APS_OK) return;
		assert_int_equal(rc, APS_E_NOMEM);
	}
	fail();
}

static void a_damaged_field_is_told(void **state)
{
	(void)state;
	static const char BROKEN[] = {APS_CELL_LIST, 4, 1, APS_CELL_REF};
	struct aps_entry *root, *entry;
	char key[64];
	write_all();
	assert_int_equal(aps_entries_find(&world.cache.entries, APS_STR("RROOT_QUERY"), &root, NULL), APS_OK);
	snprintf(key, sizeof key, "F%d.conn({\"f\":1})", (int)root->number);
	assert_int_equal(aps_entries_find(&world.cache.entries, aps_str_of(key), &entry, NULL), APS_OK);
	aps_entries_set(&world.cache.entries, entry, aps_strndup(BROKEN, sizeof BROKEN), sizeof BROKEN);
	assert_string_equal(show("ROOT_QUERY", "conn"), "a record of the cache is damaged");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(fields_are_shown_with_what_the_cache_knows_of_them, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_field_gets_a_value, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_field_goes_and_others_of_its_name_stay, setup, teardown),
	        cmocka_unit_test_setup_teardown(references_are_told_by_keys, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_embedded_object_is_what_it_is_given_as, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_name_that_is_graphqls_own_is_refused_and_said, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_object_that_has_such_a_name_is_shown_as_one, setup, teardown),
	        cmocka_unit_test_setup_teardown(data_that_looks_like_something_else_stays_what_it_is, setup, teardown),
	        cmocka_unit_test_setup_teardown(lists_are_edited, setup, teardown),
	        cmocka_unit_test_setup_teardown(lists_of_embedded_objects_keep_what_they_are, setup, teardown),
	        cmocka_unit_test_setup_teardown(long_lists_stay_in_blocks, setup, teardown),
	        cmocka_unit_test_setup_teardown(data_is_written_at_a_record, setup, teardown),
	        cmocka_unit_test_setup_teardown(edits_follow_each_other, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_value_that_cannot_be_read_changes_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_all_of_it_is_done_or_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_a_list_of_edits_is_as_it_was, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_fields_are_not_shown, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_damaged_field_is_told, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
