#include "cache_world.h"

#define POST_1 "{\"__typename\":\"Post\",\"id\":\"1\",\"title\":\"one\"}"

static void what_is_written_is_read_word_for_word(void **state)
{
	(void)state;
	static const char *const ROWS[][3] = {
	        {"{ a { id title } }", "{}", "{\"a\":{\"id\":\"1\",\"title\":\"x\",\"__typename\":\"Post\"}}"},
	        {"{ a { __typename id } }", "{}", "{\"a\":{\"__typename\":\"Post\",\"id\":1}}"},
	        {"{ a }", "{}", "{\"a\":null}"},
	        {"{ a b c d e f }", "{}",
	         "{\"a\":true,\"b\":false,\"c\":-12,\"d\":0.25,\"e\":\"\",\"f\":\"\\n\\\"\\u0001ü\"}"},
	        {"{ a b }", "{}", "{\"a\":9223372036854775807,\"b\":123456789012345678901234567890}"},
	        {"{ a b }", "{}", "{\"a\":0.1234567890123456789,\"b\":1e-7}"},
	        {"{ a }", "{}", "{\"a\":{\"any\":[1,{\"x\":null}]}}"},
	        {"{ a }", "{}", "{\"a\":[1,\"two\",null,[3]]}"},
	        {"{ a { b } }", "{}", "{\"a\":{\"b\":1,\"__typename\":\"T\"}}"},
	        {"{ a { b } }", "{}", "{\"a\":{\"b\":1}}"},
	        {"{ a { id b { c { id } } } }", "{}",
	         "{\"a\":{\"id\":\"1\",\"b\":{\"c\":{\"id\":\"2\",\"__typename\":\"C\"},\"__typename\":\"B\"},"
	         "\"__typename\":\"A\"}}"},
	        {"{ a { id } }", "{}", "{\"a\":[]}"},
	        {"{ a { id } }", "{}",
	         "{\"a\":[{\"id\":\"1\",\"__typename\":\"A\"},null,{\"id\":\"1\",\"__typename\":\"A\"}]}"},
	        {"{ a { id } }", "{}", "{\"a\":[[{\"id\":\"1\",\"__typename\":\"A\"}],[]]}"},
	        {"{ a { b { id } } }", "{}", "{\"a\":[{\"b\":{\"id\":\"1\",\"__typename\":\"A\"}}]}"},
	        {"query Q($n: Int) { x: a(n: $n) y: a(n: 2) }", "{\"n\":1}", "{\"x\":1,\"y\":2}"},
	        {"{ a { b(n: 1) { c } } }", "{}", "{\"a\":{\"b\":{\"c\":1}}}"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		world_close();
		world_open();
		write_data(ROWS[i][0], ROWS[i][1], ROWS[i][2]);
		assert_string_equal(read_data(ROWS[i][0], ROWS[i][1]), ROWS[i][2]);
		assert_string_equal(write_data(ROWS[i][0], ROWS[i][1], ROWS[i][2]), "");
	}
}

static void an_entity_is_one_wherever_it_stands(void **state)
{
	(void)state;
	write_data("{ a { id title } }", "{}", "{\"a\":" POST_1 "}");
	write_data("{ b { id likes } }", "{}", "{\"b\":[{\"id\":\"1\",\"likes\":3,\"__typename\":\"Post\"}]}");
	assert_reads("{ a { likes title } }", "{}", "{\"a\":{\"likes\":3,\"title\":\"one\",\"__typename\":\"Post\"}}");
}

static void changes_are_told_field_by_field(void **state)
{
	(void)state;
	static const char QUERY[] = "{ a { id title likes } }";
	assert_string_equal(write_data(QUERY, "{}", "{\"a\":" POST_1 "}"),
	                    "Post:1.__typename Post:1.id Post:1.title ROOT_QUERY.a");
	assert_string_equal(write_data(QUERY, "{}", "{\"a\":" POST_1 "}"), "");
	assert_string_equal(write_data(QUERY, "{}", "{\"a\":{\"__typename\":\"Post\",\"id\":\"1\",\"title\":\"two\"}}"),
	                    "Post:1.title");
	assert_string_equal(write_data(QUERY, "{}", "{\"a\":{\"__typename\":\"Post\",\"id\":\"1\",\"likes\":0}}"),
	                    "Post:1.likes");
	assert_string_equal(write_data("{ n(x: 1) }", "{}", "{\"n\":1}"), "2.n({\"x\":1})");
	assert_string_equal(write_data("{ n(x: 1) }", "{}", "{\"n\":2}"), "2.n({\"x\":1})");
	assert_string_equal(write_data("{ n(x: 1) }", "{}", "{\"n\":2}"), "");
}

static void embedded_objects_are_merged_those_of_another_type_replaced(void **state)
{
	(void)state;
	write_data("{ a { b } }", "{}", "{\"a\":{\"b\":1,\"__typename\":\"T\"}}");
	assert_string_equal(write_data("{ a { c } }", "{}", "{\"a\":{\"c\":2,\"__typename\":\"T\"}}"), "ROOT_QUERY.a");
	assert_reads("{ a { b c } }", "{}", "{\"a\":{\"b\":1,\"c\":2,\"__typename\":\"T\"}}");
	write_data("{ a { c } }", "{}", "{\"a\":{\"c\":3,\"__typename\":\"U\"}}");
	assert_reads("{ a { b c } }", "{}", "missing a.b");
	write_data("{ a { c } }", "{}", "{\"a\":null}");
	assert_reads("{ a { b c } }", "{}", "{\"a\":null}");
}

static void embedded_items_are_merged_by_their_place(void **state)
{
	(void)state;
	write_data("{ a { b } }", "{}", "{\"a\":[{\"b\":1},{\"b\":2},{\"b\":3}]}");
	assert_string_equal(write_data("{ a { c } }", "{}", "{\"a\":[{\"c\":1},{\"c\":2}]}"), "ROOT_QUERY.a");
	assert_reads("{ a { b c } }", "{}", "{\"a\":[{\"b\":1,\"c\":1},{\"b\":2,\"c\":2}]}");
}

static void a_reference_takes_what_an_embedded_object_knew(void **state)
{
	(void)state;
	write_data("{ a { b } }", "{}", "{\"a\":{\"b\":1,\"__typename\":\"T\"}}");
	write_data("{ a { id c } }", "{}", "{\"a\":{\"id\":\"1\",\"c\":2,\"__typename\":\"T\"}}");
	assert_reads("{ a { id b c } }", "{}", "{\"a\":{\"id\":\"1\",\"b\":1,\"c\":2,\"__typename\":\"T\"}}");
}

/* Beside a record, where an embedded object has them within. */
static void fields_with_arguments_go_with_it(void **state)
{
	(void)state;
	write_data("{ a { n(x: 1) m(x: 1) { p } o { p } } }", "{}",
	           "{\"a\":{\"n\":1,\"m\":{\"p\":1,\"__typename\":\"P\"},\"o\":{\"p\":1,\"__typename\":\"P\"},"
	           "\"__typename\":\"T\"}}");
	write_data("{ z { id m(x: 1) { q } o { q } } }", "{}",
	           "{\"z\":{\"id\":\"1\",\"m\":{\"q\":2,\"__typename\":\"P\"},\"o\":{\"q\":2,\"__typename\":\"P\"},"
	           "\"__typename\":\"T\"}}");
	assert_string_equal(write_data("{ a { id } }", "{}", "{\"a\":{\"id\":\"1\",\"__typename\":\"T\"}}"),
	                    "2.m({\"x\":1}) 2.n({\"x\":1}) T:1.o ROOT_QUERY.a");
	assert_reads("{ a { n(x: 1) m(x: 1) { p q } o { p q } } }", "{}",
	             "{\"a\":{\"n\":1,\"m\":{\"p\":1,\"q\":2,\"__typename\":\"P\"},\"o\":{\"p\":1,\"q\":2,"
	             "\"__typename\":\"P\"},\"__typename\":\"T\"}}");
	assert_string_equal(write_data("{ a { id } }", "{}", "{\"a\":{\"id\":\"1\",\"__typename\":\"T\"}}"), "");
}

static void what_the_record_knows_is_not_overwritten_by_it(void **state)
{
	(void)state;
	write_data("{ a { b n(x: 1) } }", "{}", "{\"a\":{\"b\":1,\"n\":1,\"__typename\":\"T\"}}");
	write_data("{ z { id b n(x: 1) } }", "{}", "{\"z\":{\"id\":\"1\",\"b\":2,\"n\":2,\"__typename\":\"T\"}}");
	assert_string_equal(write_data("{ a { id } }", "{}", "{\"a\":{\"id\":\"1\",\"__typename\":\"T\"}}"),
	                    "ROOT_QUERY.a");
	assert_reads("{ a { b n(x: 1) } }", "{}", "{\"a\":{\"b\":2,\"n\":2,\"__typename\":\"T\"}}");
}

static void a_reference_in_a_list_takes_nothing_from_its_place(void **state)
{
	(void)state;
	write_data("{ a { b } }", "{}", "{\"a\":[{\"b\":1,\"__typename\":\"T\"},{\"b\":2,\"__typename\":\"T\"}]}");
	write_data("{ a { id } }", "{}",
	           "{\"a\":[{\"id\":\"1\",\"__typename\":\"T\"},{\"id\":null,\"__typename\":\"T\"}]}");
	assert_reads("{ a { b } }", "{}", "missing a.0.b");
	assert_string_equal(read_with("{ a { b } }", "{}", true),
	                    "{\"a\":[{\"__typename\":\"T\"},{\"b\":2,\"__typename\":\"T\"}]} missing a.0.b");
}

static void a_record_takes_nothing_from_an_object_in_itself(void **state)
{
	(void)state;
	write_data("{ a { o { s } } }", "{}", "{\"a\":{\"o\":{\"s\":1,\"__typename\":\"T\"},\"__typename\":\"T\"}}");
	write_data("{ z { id t o { id } } }", "{}",
	           "{\"z\":{\"id\":\"1\",\"t\":2,\"o\":{\"id\":\"1\",\"__typename\":\"T\"},\"__typename\":\"T\"}}");
	write_data("{ a { id t } }", "{}", "{\"a\":{\"id\":\"1\",\"t\":3,\"__typename\":\"T\"}}");
	assert_reads("{ a { t o { id } } }", "{}",
	             "{\"a\":{\"t\":3,\"o\":{\"id\":\"1\",\"__typename\":\"T\"},\"__typename\":\"T\"}}");
	/* the same in a field with arguments */
	write_data("{ q(x: 1) { b q(x: 1) { c } } }", "{}", "{\"q\":{\"b\":1,\"q\":{\"c\":2}}}");
	write_data("{ q(x: 1) { __typename } }", "{}", "{\"q\":{\"__typename\":\"Query\"}}");
	assert_reads("{ b q(x: 1) { b } }", "{}", "{\"b\":1,\"q\":{\"b\":1,\"__typename\":\"Query\"}}");
	assert_reads("{ c }", "{}", "missing c");
}

static void a_records_lists_are_its_own(void **state)
{
	(void)state;
	write_data("{ a { l { s } m { s } } }", "{}",
	           "{\"a\":{\"l\":[{\"s\":1,\"__typename\":\"P\"}],\"m\":[{\"s\":1,\"__typename\":\"P\"}],\"__"
	           "typename\":\"T\"}}");
	write_data("{ z { id l { t } } }", "{}",
	           "{\"z\":{\"id\":\"1\",\"l\":[{\"t\":2,\"__typename\":\"P\"}],\"__typename\":\"T\"}}");
	write_data("{ a { id } }", "{}", "{\"a\":{\"id\":\"1\",\"__typename\":\"T\"}}");
	assert_reads("{ a { l { t } m { s } } }", "{}",
	             "{\"a\":{\"l\":[{\"t\":2,\"__typename\":\"P\"}],\"m\":[{\"s\":1,\"__typename\":\"P\"}],\"__"
	             "typename\":\"T\"}}");
	assert_reads("{ a { l { s } } }", "{}", "missing a.l.0.s");
}

/* `new` has no number: it isn't the field that has none because of its arguments. */
static void a_field_that_nobody_wrote_is_missing_beside_one_with_arguments(void **state)
{
	(void)state;
	write_data("{ a { n(x: 1) } }", "{}", "{\"a\":{\"n\":1,\"__typename\":\"T\"}}");
	assert_reads("{ a { new } }", "{}", "missing a.new");
}

static void the_type_of_a_root_is_known(void **state)
{
	(void)state;
	assert_reads("{ t: __typename __typename }", "{}", "{\"t\":\"Query\",\"__typename\":\"Query\"}");
	write_data("{ ... on Query { a } }", "{}", "{\"a\":1}");
	assert_reads("{ ... on Query { a } }", "{}", "{\"a\":1,\"__typename\":\"Query\"}");
	assert_string_equal(read_with("{ ... on Query { b } }", "{}", true), "{\"__typename\":\"Query\"} missing b");
}

static void the_root_in_a_payload_is_the_root(void **state)
{
	(void)state;
	static const struct aps_normalize_options MUTATION = {.root = APS_STR("")};
	assert_string_equal(write_with("mutation M { add { query { a n(x: 1) } } }", "{}",
	                               "{\"add\":{\"query\":{\"a\":1,\"n\":2,\"__typename\":\"Query\"},"
	                               "\"__typename\":\"P\"}}",
	                               &MUTATION),
	                    "ROOT_QUERY.__typename ROOT_QUERY.a 1.n({\"x\":1})");
	assert_reads("{ a n(x: 1) }", "{}", "{\"a\":1,\"n\":2}");
	write_data("{ node { query { b } } }", "{}",
	           "{\"node\":{\"query\":{\"b\":3,\"__typename\":\"Query\"},\"__typename\":\"P\"}}");
	assert_reads("{ b node { query { a } } }", "{}",
	             "{\"b\":3,\"node\":{\"query\":{\"a\":1,\"__typename\":\"Query\"},\"__typename\":\"P\"}}");
}

static void a_key_is_the_fields_name_with_its_arguments(void **state)
{
	(void)state;
	static const char *const ROWS[][3] = {
	        /* selection, variables, key */
	        {"a", "{}", "a"},
	        {"x: a", "{}", "a"},
	        {"a(b: 1, a: \"x\")", "{}", "a({\"a\":\"x\",\"b\":1})"},
	        {"a(b: $v)", "{}", "a({})"},
	        {"a(b: $v)", "{\"v\":null}", "a({\"b\":null})"},
	        {"a(b: $v)", "{\"v\":{\"z\":1,\"a\":{\"y\":[2,1],\"b\":true}}}",
	         "a({\"b\":{\"a\":{\"b\":true,\"y\":[2,1]},\"z\":1}})"},
	        {"a(b: $d)", "{}", "a({\"b\":7})"},
	        {"a(b: $d)", "{\"d\":8}", "a({\"b\":8})"},
	        {"a(b: [ENUM, null, $v, {c: $v, d: 1.50}])", "{}", "a({\"b\":[\"ENUM\",null,null,{\"d\":1.5}]})"},
	        {"a(b: 1) @connection(key: \"k\")", "{}", "k"},
	        {"a(b: 1, c: 2) @connection(key: \"k\", filter: [\"c\", \"d\"])", "{}", "k({\"c\":2})"},
	        {"a @include(if: true) @skip(if: $f)", "{}", "a"},
	        {"a @odd", "{}", "a@odd"},
	        {"a(b: 1) @odd(x: $d)", "{}", "a({\"b\":1})@odd({\"x\":7})"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char query[256], expected[256];
		world_close();
		world_open();
		snprintf(query, sizeof query, "query Q($v: V, $d: Int = 7, $f: Boolean = false) { %s }", ROWS[i][0]);
		bool is_plain = strchr(ROWS[i][2], '(') == NULL && strchr(ROWS[i][2], '@') == NULL &&
		                strcmp(ROWS[i][2], "k") != 0;
		snprintf(expected, sizeof expected, is_plain ? "ROOT_QUERY.%s" : "1.%s", ROWS[i][2]);
		assert_string_equal(write_data(query, ROWS[i][1], "{\"a\":1,\"x\":1}"), expected);
	}
}

static void included_and_skipped_fields_follow_the_variables(void **state)
{
	(void)state;
	static const char QUERY[] =
	        "query Q($w: Boolean!) { a @include(if: $w) b @skip(if: $w) ... @include(if: $w) { c } }";
	write_data(QUERY, "{\"w\":true}", "{\"a\":1,\"c\":3,\"__typename\":\"Query\"}");
	assert_reads(QUERY, "{\"w\":true}", "{\"a\":1,\"c\":3,\"__typename\":\"Query\"}");
	assert_reads(QUERY, "{\"w\":false}", "missing b");
}

static void aliases_of_one_field_are_one(void **state)
{
	(void)state;
	write_data("{ x: a { b } y: a { c } }", "{}",
	           "{\"x\":{\"b\":1,\"__typename\":\"T\"},\"y\":{\"c\":2,\"__typename\":\"T\"}}");
	assert_reads("{ a { b c } }", "{}", "{\"a\":{\"b\":1,\"c\":2,\"__typename\":\"T\"}}");
}

static void fragments_hold_for_their_types(void **state)
{
	(void)state;
	aps_policies_add_possible(&world.policies, APS_STR("Pet"), APS_STR("Cat"));
	aps_policies_add_possible(&world.policies, APS_STR("Pet"), APS_STR("Dog"));
	static const char QUERY[] =
	        "{ pets { ...P ... on Cat { lives } ... on Dog { name: call } } } fragment P on Pet { id }";
	static const char DATA[] = "{\"pets\":[{\"id\":\"1\",\"__typename\":\"Cat\",\"lives\":9},"
	                           "{\"id\":\"2\",\"__typename\":\"Dog\",\"name\":\"Rex\"}]}";
	write_data(QUERY, "{}", DATA);
	assert_reads(QUERY, "{}", DATA);
	assert_reads("{ pets { ... on Cat { lives } } }", "{}",
	             "{\"pets\":[{\"lives\":9,\"__typename\":\"Cat\"},{\"__typename\":\"Dog\"}]}");
}

static void a_fragment_on_an_unknown_type_holds_when_all_of_it_is_there(void **state)
{
	(void)state;
	write_data("{ a { id ... on Named { first last } } }", "{}",
	           "{\"a\":[{\"id\":\"1\",\"first\":\"A\",\"last\":\"B\",\"__typename\":\"User\"},"
	           "{\"id\":\"2\",\"first\":\"C\",\"__typename\":\"Bot\"}]}");
	assert_reads("{ a { id ... on Named { first last } } }", "{}",
	             "{\"a\":[{\"id\":\"1\",\"first\":\"A\",\"last\":\"B\",\"__typename\":\"User\"},"
	             "{\"id\":\"2\",\"__typename\":\"Bot\"}]}");
}

static void what_is_missing_is_told_by_its_path(void **state)
{
	(void)state;
	write_data("{ a { id t } b }", "{}",
	           "{\"a\":[{\"id\":\"1\",\"t\":1,\"__typename\":\"A\"},{\"id\":\"2\",\"__typename\":\"A\"}],\"b\":1}");
	assert_reads("{ a { id t } b }", "{}", "missing a.1.t");
	assert_string_equal(read_with("{ a { id t } c b }", "{}", true),
	                    "{\"a\":[{\"id\":\"1\",\"t\":1,\"__typename\":\"A\"},{\"id\":\"2\",\"__typename\":\"A\"}],"
	                    "\"b\":1} missing a.1.t missing c");
	assert_reads("{ nothing(n: 1) }", "{}", "missing nothing");
}

static void records_have_the_identity_of_their_type(void **state)
{
	(void)state;
	static const struct aps_str COMPOSITE[] = {APS_STR("blog"), APS_STR("slug")};
	static const struct aps_str NESTED[] = {APS_STR("author.name"), APS_STR("n")};
	static const struct aps_str SINGLE[] = {APS_STR("code")};
	*aps_policies_type(&world.policies, APS_STR("Two")) = (struct aps_type_policy){COMPOSITE, 2, false, 0};
	*aps_policies_type(&world.policies, APS_STR("Deep")) = (struct aps_type_policy){NESTED, 2, false, 0};
	*aps_policies_type(&world.policies, APS_STR("One")) = (struct aps_type_policy){SINGLE, 1, false, 0};
	aps_policies_type(&world.policies, APS_STR("None"))->has_no_identity = true;
	static const char *const ROWS[][3] = {
	        {"{ a { id } }", "{\"a\":{\"__typename\":\"A\",\"id\":5}}", "A:5.__typename A:5.id ROOT_QUERY.a"},
	        {"{ a { _id } }", "{\"a\":{\"__typename\":\"B\",\"_id\":\"x\"}}",
	         "B:x.__typename B:x._id ROOT_QUERY.a"},
	        {"{ a { x: id } }", "{\"a\":{\"__typename\":\"C\",\"x\":\"1\"}}", "C:1.__typename C:1.id ROOT_QUERY.a"},
	        {"{ a { id: name } }", "{\"a\":{\"__typename\":\"D\",\"id\":\"1\"}}", "ROOT_QUERY.a"},
	        {"{ a { id } }", "{\"a\":{\"__typename\":\"E\",\"id\":null}}", "ROOT_QUERY.a"},
	        {"{ a { id } }", "{\"a\":{\"id\":1}}", "ROOT_QUERY.a"},
	        {"{ a { slug blog } }", "{\"a\":{\"__typename\":\"Two\",\"blog\":\"b\",\"slug\":1}}",
	         "Two:{\"blog\":\"b\",\"slug\":1}.__typename Two:{\"blog\":\"b\",\"slug\":1}.slug "
	         "Two:{\"blog\":\"b\",\"slug\":1}.blog ROOT_QUERY.a"},
	        {"{ a { slug blog } }", "{\"a\":{\"__typename\":\"Two\",\"blog\":null,\"slug\":2}}",
	         "Two:{\"blog\":null,\"slug\":2}.__typename Two:{\"blog\":null,\"slug\":2}.slug "
	         "Two:{\"blog\":null,\"slug\":2}.blog ROOT_QUERY.a"},
	        {"{ a { slug } }", "{\"a\":{\"__typename\":\"Two\",\"slug\":1}}", "ROOT_QUERY.a"},
	        {"{ a { code } }", "{\"a\":{\"__typename\":\"One\",\"code\":\"z\"}}",
	         "One:z.__typename One:z.code ROOT_QUERY.a"},
	        {"{ a { n author { id name } } }",
	         "{\"a\":{\"__typename\":\"Deep\",\"n\":1,\"author\":{\"__typename\":\"U\",\"id\":1,\"name\":\"x\"}}}",
	         "U:1.__typename U:1.id U:1.name Deep:{\"author.name\":\"x\",\"n\":1}.__typename "
	         "Deep:{\"author.name\":\"x\",\"n\":1}.n Deep:{\"author.name\":\"x\",\"n\":1}.author ROOT_QUERY.a"},
	        {"{ a { id } }", "{\"a\":{\"__typename\":\"None\",\"id\":5}}", "ROOT_QUERY.a"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++)
		assert_string_equal(write_data(ROWS[i][0], "{}", ROWS[i][1]), ROWS[i][2]);
}

static void arguments_look_a_record_up(void **state)
{
	(void)state;
	aps_policies_field(&world.policies, APS_STR("Query"), APS_STR("getPost"))->lookup = APS_STR("Post");
	write_data("{ a { id title } }", "{}", "{\"a\":" POST_1 "}");
	assert_reads("query G($id: ID!) { getPost(id: $id) { title } }", "{\"id\":\"1\"}",
	             "{\"getPost\":{\"title\":\"one\",\"__typename\":\"Post\"}}");
	assert_reads("query G($id: ID!) { getPost(id: $id) { title } }", "{\"id\":\"2\"}", "missing getPost");
}

static void what_errors_name_is_not_written(void **state)
{
	(void)state;
	const struct aps_normalize_options options = {
	        .root = APS_STR("RROOT_QUERY"),
	        .errors = APS_STR("[{\"message\":\"no\",\"path\":[\"a\",1,\"t\"]},{\"path\":[\"c\"]},{\"path\":7},3]")};
	write_with("{ a { id t } b c }", "{}",
	           "{\"a\":[{\"id\":\"1\",\"t\":null,\"__typename\":\"A\"},{\"id\":\"2\",\"t\":null,\"__typename\":"
	           "\"A\"}],"
	           "\"b\":null,\"c\":null}",
	           &options);
	assert_reads("{ b }", "{}", "{\"b\":null}");
	assert_string_equal(
	        read_with("{ a { t } c }", "{}", true),
	        "{\"a\":[{\"t\":null,\"__typename\":\"A\"},{\"__typename\":\"A\"}]} missing a.1.t missing c");
}

static void a_null_of_a_subscription_keeps_what_is_known_and_tells_that_it_may_be_stale(void **state)
{
	(void)state;
	const struct aps_normalize_options options = {.skips_nulls = true};
	write_data("{ a { id t u v w(x: 1) } }", "{}",
	           "{\"a\":{\"id\":\"1\",\"t\":5,\"u\":6,\"v\":null,\"w\":null,\"__typename\":\"A\"}}");
	assert_string_equal(write_with("subscription { on { id t u n v w(x: 1) } }", "{}",
	                               "{\"on\":{\"id\":\"1\",\"t\":null,\"u\":7,\"n\":null,\"v\":null,\"w\":null,"
	                               "\"__typename\":\"A\"}}",
	                               &options),
	                    "A:1.u");
	assert_reads("{ a { id t u } }", "{}", "{\"a\":{\"id\":\"1\",\"t\":5,\"u\":7,\"__typename\":\"A\"}}");
	assert_reads("{ a { n } }", "{}", "missing a.n");
	const struct aps_stale_field *stale = (const struct aps_stale_field *)(const void *)world.stale.p;
	assert_int_equal(world.stale.n, sizeof *stale);
	assert_int_equal(stale->name, aps_names_find(&world.cache.names, APS_STR("t")));
}

/* Whether reading this has to ask the service. */
static bool is_in_doubt(const char *query)
{
	assert_true(strncmp(read_data(query, "{}"), "{", 1) == 0);
	return world.n_expired != 0;
}

static void hear(const char *fields, const char *data)
{
	const struct aps_normalize_options options = {.skips_nulls = true};
	char query[128], text[256];
	snprintf(query, sizeof query, "subscription { on { id %s } }", fields);
	snprintf(text, sizeof text, "{\"on\":{\"id\":\"1\",\"__typename\":\"A\",%s}}", data);
	write_with(query, "{}", text, &options);
}

static void write_all(void)
{
	write_data(
	        "{ a { id t u w(x: 1) z: w(x: 2) e { f g } } }", "{}",
	        "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":2,\"w\":3,\"z\":4,\"e\":{\"f\":5,\"g\":6},\"__typename\":\"A\"}}");
}

/* Where a file is damaged it may be any value, also one that has no text. */
static void doubts_that_are_none_are_left_out(void **state)
{
	(void)state;
	static const char *const VALUES[] = {"\x03\x02", "\x00", "\x08\x01"};
	struct aps_entry *root;
	struct aps_buf content;
	write_data("{ a b }", "{}", "{\"a\":1,\"b\":2}");
	assert_int_equal(aps_entries_find(&world.cache.entries, APS_STR("RROOT_QUERY"), &root, NULL), APS_OK);
	for (size_t i = 0; i < APS_COUNTOF(VALUES); i++) {
		char expected[32];
		aps_buf_init(&content, APS_BUF_ANY_SIZE);
		aps_buf_add(&content, "\0\0", 2);
		aps_buf_add(&content, VALUES[i], i == 1 ? 1 : strlen(VALUES[i]));
		aps_buf_add_str(&content, aps_entry_content(root));
		size_t n = content.n;
		aps_entries_set(&world.cache.entries, root, aps_buf_take(&content, NULL), n);
		snprintf(expected, sizeof expected, "{\"a\":%zu,\"b\":2}", i + 5);
		write_data("{ a b }", "{}", expected);
		assert_reads("{ a b }", "{}", expected);
		assert_true(aps_entry_content(root).n != 0 && aps_entry_content(root).p[0] != 0);
	}
}

static void what_a_null_left_in_doubt_is_asked_for_until_it_is_said(void **state)
{
	static const struct {
		const char *fields, *null, *asks, *asks_not, *value, *answer;
	} ROWS[] = {
	        {"t", "\"t\":null", "{ a { t } }", "{ a { u e { f } } }", "\"t\":7", "{ a { id t } }"},
	        {"w(x: 1)", "\"w\":null", "{ a { w(x: 1) } }", "{ a { t w(x: 2) } }", "\"w\":7",
	         "{ a { id w(x: 1) } }"},
	        {"e { f g }", "\"e\":{\"f\":7,\"g\":null}", "{ a { e { g } } }", "{ a { t u w(x: 2) } }",
	         "\"e\":{\"f\":7,\"g\":8}", "{ a { id e { f g } } }"},
	};
	(void)state;
	write_all();
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char answer[128];
		assert_false(is_in_doubt(ROWS[i].asks));
		hear(ROWS[i].fields, ROWS[i].null);
		assert_string_equal(world.changes.n != 0 && i < 2 ? world.changes.p : "", ""); /* nobody is told */
		assert_true(is_in_doubt(ROWS[i].asks));
		assert_false(is_in_doubt(ROWS[i].asks_not));
		hear(ROWS[i].fields, ROWS[i].value); /* by another event */
		assert_false(is_in_doubt(ROWS[i].asks));
		hear(ROWS[i].fields, ROWS[i].null);
		hear("u", "\"u\":9"); /* which says nothing of it */
		write_data("{ a { id u } }", "{}", "{\"a\":{\"id\":\"1\",\"u\":2,\"__typename\":\"A\"}}");
		assert_true(is_in_doubt(ROWS[i].asks));
		snprintf(answer, sizeof answer, "{\"a\":{\"id\":\"1\",\"__typename\":\"A\",%s}}", ROWS[i].value);
		write_data(ROWS[i].answer, "{}", answer); /* by an answer */
		assert_false(is_in_doubt(ROWS[i].asks));
	}
	hear("t u w(x: 1)", "\"t\":null,\"u\":null,\"w\":null");
	hear("t", "\"t\":null"); /* once is enough */
	write_data("{ a { id t w(x: 1) } }", "{}", "{\"a\":{\"id\":\"1\",\"t\":null,\"w\":null,\"__typename\":\"A\"}}");
	assert_false(is_in_doubt("{ a { t w(x: 1) } }"));
	assert_true(is_in_doubt("{ a { u } }"));
	hear("t", "\"t\":null"); /* as is known */
	assert_false(is_in_doubt("{ a { t } }"));
}

static void what_a_layer_expects_leaves_in_doubt_what_is(void **state)
{
	(void)state;
	write_all();
	hear("t", "\"t\":null");
	write_layer(5, "{ a { id t } }", "{\"a\":{\"id\":\"1\",\"t\":8,\"__typename\":\"A\"}}");
	assert_true(is_in_doubt("{ a { t } }"));
	write_answer(5, "{ a { id t } }", "{\"a\":{\"id\":\"1\",\"t\":8,\"__typename\":\"A\"}}");
	assert_false(is_in_doubt("{ a { t } }"));
}

/* { f0 f1 … f0 }, and their values in another order, with one that nobody asked for. */
static void many_fields_are_told_apart_in_any_order(void **state)
{
	static const size_t COUNTS[] = {1, 15, 16, 17, 33, 1000};
	(void)state;
	for (size_t c = 0; c < APS_COUNTOF(COUNTS); c++) {
		size_t n = COUNTS[c];
		struct aps_buf query, data, expected;
		world_close();
		world_open();
		aps_buf_init(&query, APS_BUF_ANY_SIZE);
		aps_buf_init(&data, APS_BUF_ANY_SIZE);
		aps_buf_init(&expected, APS_BUF_ANY_SIZE);
		aps_buf_add_text(&query, "{");
		for (size_t i = 0; i <= n; i++) aps_buf_addf(&query, " f%zu", i % n);
		aps_buf_add_text(&query, " }");
		aps_buf_add_text(&data, "{\"other\":0");
		for (size_t i = 0; i < n; i++) aps_buf_addf(&data, ",\"f%zu\":%zu", (n - i) * 7 % n, (n - i) * 7 % n);
		aps_buf_add_text(&data, "}");
		for (size_t i = 0; i < n; i++) aps_buf_addf(&expected, "%s\"f%zu\":%zu", i == 0 ? "{" : ",", i, i);
		aps_buf_add_text(&expected, "}");
		write_data(query.p, "{}", data.p);
		assert_reads(query.p, "{}", expected.p);
		aps_buf_clear(&query);
		aps_buf_clear(&data);
		aps_buf_clear(&expected);
	}
}

static void a_mutations_own_fields_are_not_kept(void **state)
{
	(void)state;
	const struct aps_normalize_options options = {.skips_nulls = false};
	assert_string_equal(write_with("mutation { edit(n: 1) { id t } }", "{}",
	                               "{\"edit\":{\"id\":\"1\",\"t\":null,\"__typename\":\"A\"}}", &options),
	                    "A:1.__typename A:1.id A:1.t");
}

/* A query that was under way when something newer came: that stays, and is in doubt where it is another value. */
static void write_old(const char *query, const char *data, uint32_t asked_at)
{
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY"), .asked_at = asked_at};
	world.moment = 0;
	write_with(query, "{}", data, &options);
}

static void hear_at(uint32_t moment, const char *data)
{
	const struct aps_normalize_options options = {.skips_nulls = false};
	world.moment = moment;
	write_with("mutation { edit { id t u w(x: 1) } }", "{}", data, &options);
	world.moment = 0;
}

static void what_came_after_a_query_was_sent_is_not_overwritten_by_its_answer(void **state)
{
	(void)state;
	write_all();
	hear_at(7, "{\"edit\":{\"id\":\"1\",\"t\":9,\"w\":8,\"__typename\":\"A\"}}");
	write_old("{ a { id t u v w(x: 1) } n }",
	          "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":2,\"v\":3,\"w\":3,\"__typename\":\"A\"},\"n\":1}", 7);
	assert_int_equal(world.stale.n, 0);
	assert_reads("{ a { id t u v w(x: 1) } n }", "{}",
	             "{\"a\":{\"id\":\"1\",\"t\":9,\"u\":2,\"v\":3,\"w\":8,\"__typename\":\"A\"},\"n\":1}");
	assert_true(is_in_doubt("{ a { t } }"));
	assert_true(is_in_doubt("{ a { w(x: 1) } }"));
	assert_false(is_in_doubt("{ a { u v } n }"));
	/* what was sent afterwards says how it is */
	write_old("{ a { id t w(x: 1) } }", "{\"a\":{\"id\":\"1\",\"t\":10,\"w\":11,\"__typename\":\"A\"}}", 8);
	assert_reads("{ a { t w(x: 1) } }", "{}", "{\"a\":{\"t\":10,\"w\":11,\"__typename\":\"A\"}}");
	assert_false(is_in_doubt("{ a { t w(x: 1) } }"));
}

static void a_doubt_that_came_later_is_not_ended_by_what_was_asked_before(void **state)
{
	(void)state;
	write_all();
	world.moment = 7;
	hear("t u", "\"t\":null,\"u\":5");
	world.moment = 0;
	assert_true(is_in_doubt("{ a { t } }"));
	write_old("{ a { id t } }", "{\"a\":{\"id\":\"1\",\"t\":1,\"__typename\":\"A\"}}", 7);
	assert_true(is_in_doubt("{ a { t } }"));
	write_old("{ a { id t } }", "{\"a\":{\"id\":\"1\",\"t\":1,\"__typename\":\"A\"}}", 8);
	assert_false(is_in_doubt("{ a { t } }"));
}

static void data_that_can_not_be_read_changes_nothing(void **state)
{
	(void)state;
	static const char *const ROWS[] = {"", "[]", "null", "{\"a\":{\"id\":\"1\",\"__typename\":\"A\"},\"b\":tru",
	                                   "{\"b\":1,}"};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const char *told = write_data("{ a { id } b }", "{}", ROWS[i]);
		assert_memory_equal(told, "error: ", 7);
		assert_int_equal(world.cache.entries.n_entries, 0);
		assert_int_equal(*world.cache.entries.last_number, 0);
	}
}

static void without_memory_nothing_is_changed(void **state)
{
	(void)state;
	static const char QUERY[] = "{ a(n: 1) { id t { id } } }";
	static const char DATA[] =
	        "{\"a\":[{\"id\":\"1\",\"t\":{\"id\":\"2\",\"__typename\":\"T\"},\"__typename\":\"A\"}]}";
	write_data("{ a(n: 1) { id } b }", "{}", "{\"a\":[{\"id\":\"1\",\"__typename\":\"A\"}],\"b\":1}");
	for (size_t nth = 1;; nth++) {
		struct aps_gql_document *doc = parse(QUERY);
		struct aps_binding binding = {
		        .policies = &world.policies, .names = &world.cache.names, .gives_numbers = true};
		struct aps_err err = {0};
		struct aps_normalized out;
		const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY")};
		aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
		aps_mem_fail_at(nth);
		enum aps_rc rc =
		        aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), &err);
		aps_write_begin(&world.write, &world.cache);
		aps_merge_clear(&world.merge);
		if (rc == APS_OK && !aps_merge_init(&world.merge, &world.write)) rc = APS_E_NOMEM;
		if (rc == APS_OK) rc = aps_normalize(&world.merge, &binding, aps_str_of(DATA), &options, &out, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK)
			aps_write_commit(&world.write);
		else
			aps_write_abort(&world.write);
		aps_buf_clear(&out.stale);
		aps_binding_clear(&binding);
		aps_gql_document_unref(doc);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
		assert_reads("{ a(n: 1) { id } b }", "{}", "{\"a\":[{\"id\":\"1\",\"__typename\":\"A\"}],\"b\":1}");
		assert_reads(QUERY, "{}", "missing a.0.t");
	}
	assert_reads(QUERY, "{}", DATA);
}

static void nested_fragments_do_not_double(void **state)
{
	(void)state;
	char query[4096];
	int n = snprintf(query, sizeof query, "{ ...F0 ...F0 }");
	for (int i = 0; i < 40; i++)
		n += snprintf(query + n, sizeof query - (size_t)n, " fragment F%d on Query { ...F%d ...F%d }", i, i + 1,
		              i + 1);
	snprintf(query + n, sizeof query - (size_t)n, " fragment F40 on Query { a }");
	write_data(query, "{}", "{\"a\":1}");
	assert_reads(query, "{}", "{\"a\":1,\"__typename\":\"Query\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(what_is_written_is_read_word_for_word, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_entity_is_one_wherever_it_stands, setup, teardown),
	        cmocka_unit_test_setup_teardown(changes_are_told_field_by_field, setup, teardown),
	        cmocka_unit_test_setup_teardown(embedded_objects_are_merged_those_of_another_type_replaced, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(embedded_items_are_merged_by_their_place, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_reference_takes_what_an_embedded_object_knew, setup, teardown),
	        cmocka_unit_test_setup_teardown(fields_with_arguments_go_with_it, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_the_record_knows_is_not_overwritten_by_it, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_reference_in_a_list_takes_nothing_from_its_place, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_record_takes_nothing_from_an_object_in_itself, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_records_lists_are_its_own, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_field_that_nobody_wrote_is_missing_beside_one_with_arguments, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(the_type_of_a_root_is_known, setup, teardown),
	        cmocka_unit_test_setup_teardown(the_root_in_a_payload_is_the_root, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_key_is_the_fields_name_with_its_arguments, setup, teardown),
	        cmocka_unit_test_setup_teardown(included_and_skipped_fields_follow_the_variables, setup, teardown),
	        cmocka_unit_test_setup_teardown(aliases_of_one_field_are_one, setup, teardown),
	        cmocka_unit_test_setup_teardown(fragments_hold_for_their_types, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_fragment_on_an_unknown_type_holds_when_all_of_it_is_there, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(what_is_missing_is_told_by_its_path, setup, teardown),
	        cmocka_unit_test_setup_teardown(records_have_the_identity_of_their_type, setup, teardown),
	        cmocka_unit_test_setup_teardown(arguments_look_a_record_up, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_errors_name_is_not_written, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                a_null_of_a_subscription_keeps_what_is_known_and_tells_that_it_may_be_stale, setup, teardown),
	        cmocka_unit_test_setup_teardown(doubts_that_are_none_are_left_out, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_a_null_left_in_doubt_is_asked_for_until_it_is_said, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(many_fields_are_told_apart_in_any_order, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_a_layer_expects_leaves_in_doubt_what_is, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_mutations_own_fields_are_not_kept, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_came_after_a_query_was_sent_is_not_overwritten_by_its_answer,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(a_doubt_that_came_later_is_not_ended_by_what_was_asked_before, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(data_that_can_not_be_read_changes_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_nothing_is_changed, setup, teardown),
	        cmocka_unit_test_setup_teardown(nested_fragments_do_not_double, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
