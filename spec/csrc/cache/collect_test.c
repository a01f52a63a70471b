#include "collect_world.h"

#include "base/rand.h"
#include "cache/evict.h"
#include "cache/long_list.h"
#include "cache/synced_list.h"

/* Every object has a __typename, which says nothing here. */
static const char *without_types(const char *json)
{
	static char text[65536];
	size_t n = 0;
	while (*json != '\0') {
		if (strncmp(json, ",\"__typename\":\"", 15) == 0)
			json = strchr(json + 15, '"') + 1;
		else
			text[n++] = *json++;
	}
	text[n] = '\0';
	return text;
}

static void assert_plain(const char *query, const char *variables, const char *expected)
{
	assert_string_equal(without_types(read_data(query, variables)), expected);
}

#define POST(id, rest) "{\"id\":\"" id "\",\"__typename\":\"Post\"" rest "}"

static void what_the_root_reaches_stays(void **state)
{
	(void)state;
	write_data("{ a { id next { id } } }", "{}", "{\"a\":" POST("1", ",\"next\":" POST("2", "")) "}");
	write_data("{ a { id } }", "{}", "{\"a\":" POST("3", "") "}");
	/* 1 isn't reached any more, and so is 2 */
	collect_all(NULL, 0);
	assert_string_equal(what_is_left(), "RPost:3 RROOT_QUERY");
	assert_plain("{ a { id } }", "{}", "{\"a\":{\"id\":\"3\"}}");
}

static void what_only_mutations_brought_leaves(void **state)
{
	(void)state;
	const struct aps_normalize_options options = {.root = APS_STR("")};
	write_data("{ a { id } }", "{}", "{\"a\":" POST("1", "") "}");
	write_with("mutation { m { id } }", "{}", "{\"m\":" POST("2", "") "}", &options);
	collect_all(NULL, 0);
	assert_string_equal(what_is_left(), "RPost:1 RROOT_QUERY");
}

static void circles_that_nobody_reaches_leave(void **state)
{
	(void)state;
	write_data("{ a { id next { id next { id } } } }", "{}",
	           "{\"a\":" POST("1", ",\"next\":" POST("2", ",\"next\":" POST("1", ""))) "}");
	collect_all(NULL, 0);
	assert_string_equal(what_is_left(), "RPost:1 RPost:2 RROOT_QUERY");
	write_data("{ a { id } }", "{}", "{\"a\":null}");
	collect_all(NULL, 0);
	assert_string_equal(what_is_left(), "RROOT_QUERY");
}

static void fields_live_as_long_as_their_record(void **state)
{
	(void)state;
	write_data("{ a { id list(n: 1) { id } list2: list(n: 2) { id } } b(n: 1) }", "{}",
	           "{\"a\":" POST("1", ",\"list\":[" POST("2", "") "],\"list2\":[" POST("3", "") "]") ",\"b\":1}");
	const char *all = "FN.list({\"n\":1}) FN.list({\"n\":2}) FR.b({\"n\":1}) RPost:1 RPost:2 RPost:3 RROOT_QUERY";
	collect_all(NULL, 0);
	assert_int_equal(strlen(what_is_left()), strlen(all));
	write_data("{ a { id } }", "{}", "{\"a\":" POST("3", "") "}");
	collect_all(NULL, 0);
	char expected[64];
	snprintf(expected, sizeof expected, "F%d.b({\"n\":1}) RPost:3 RROOT_QUERY",
	         (int)entry_of("RROOT_QUERY")->number);
	assert_string_equal(what_is_left(), expected);
}

static void embedded_objects_and_lists_of_lists_refer_as_well(void **state)
{
	(void)state;
	write_data("{ box { inner { a { id } } } table { id } }", "{}",
	           "{\"box\":{\"inner\":{\"a\":" POST("1", "") "}},\"table\":[[" POST("2", "") "],[]]}");
	collect_all(NULL, 0);
	assert_string_equal(what_is_left(), "RPost:1 RPost:2 RROOT_QUERY");
}

/* {"all":[n records, the first of number `from`]} */
static char *long_list(int from, int n)
{
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "{\"all\":[");
	for (int i = 0; i < n; i++)
		aps_buf_addf(&text, "%s{\"id\":\"%d\",\"__typename\":\"T\"}", i != 0 ? "," : "", from + i);
	aps_buf_add_text(&text, "]}");
	return aps_buf_take(&text, NULL);
}

static void write_long(const char *query, int from, int n)
{
	char *text = long_list(from, n);
	write_data(query, "{}", text);
	aps_free(text);
}

static size_t n_entries(char first)
{
	size_t n = 0;
	for (const struct aps_entry *entry = world.cache.entries.newest; entry != NULL; entry = entry->older)
		n += entry->number != 0 &&
		     (first == '\0' ? entry->n_key_bytes == 0 : entry->n_key_bytes != 0 && entry->key[0] == first);
	return n;
}

static void long_lists_and_their_blocks_live_as_long_as_what_has_them(void **state)
{
	(void)state;
	write_long("{ all { id } }", 1, 700);
	collect_all(NULL, 0);
	assert_int_equal(n_entries('R'), 701);
	size_t n_blocks = n_entries('\0');
	assert_true(n_blocks >= 4);
	/* some blocks are dropped, and half of the records */
	write_long("{ all { id } }", 1, 300);
	collect_all(NULL, 0);
	assert_int_equal(n_entries('R'), 301);
	assert_true(n_entries('\0') < n_blocks);
	write_data("{ all { id } }", "{}", "{\"all\":[]}");
	collect_all(NULL, 0);
	assert_int_equal(n_entries('R'), 1);
	assert_int_equal(n_entries('\0'), 0);
}

static void what_the_application_evicted_stays_as_long_as_something_refers_to_it(void **state)
{
	(void)state;
	write_data("{ all { id } }", "{}", "{\"all\":[" POST("1", "") "," POST("2", "") "]}");
	aps_write_begin(&world.write, &world.cache);
	assert_true(aps_evict(&world.write, APS_STR("Post:1"), APS_STR("")));
	aps_write_commit(&world.write);
	collect_all(NULL, 0);
	assert_string_equal(what_is_left(), "-RPost:1 RPost:2 RROOT_QUERY");
	assert_plain("{ all { id } }", "{}", "{\"all\":[{\"id\":\"2\"}]}");
	write_data("{ all { id } }", "{}", "{\"all\":[" POST("2", "") "]}");
	collect_all(NULL, 0);
	assert_string_equal(what_is_left(), "RPost:2 RROOT_QUERY");
}

static void an_evicted_field_leaves_no_row_behind(void **state)
{
	(void)state;
	write_data("{ a { id b(n: 1) } c(n: 1) }", "{}", "{\"a\":" POST("1", ",\"b\":1") ",\"c\":1}");
	write_long("{ all(n: 1) { id } }", 1, 700);
	aps_write_begin(&world.write, &world.cache);
	assert_true(aps_evict(&world.write, APS_STR("ROOT_QUERY"), APS_STR("c")));
	assert_true(aps_evict(&world.write, APS_STR("ROOT_QUERY"), APS_STR("all({\"n\":1})")));
	assert_true(aps_evict(&world.write, APS_STR("Post:1"), APS_STR("")));
	aps_write_commit(&world.write);
	collect_all(NULL, 0);
	assert_string_equal(what_is_left(), "-RPost:1 RROOT_QUERY");
	write_data("{ c(n: 1) }", "{}", "{\"c\":2}");
	collect_all(NULL, 0);
	assert_plain("{ c(n: 1) }", "{}", "{\"c\":2}");
}

static void a_field_that_only_a_layer_had_leaves_after_it(void **state)
{
	(void)state;
	write_data("{ a }", "{}", "{\"a\":1}");
	write_layer(7, "{ c(n: 1) }", "{\"c\":1}");
	collect_all(NULL, 0);
	assert_plain("{ c(n: 1) }", "{}", "{\"c\":1}");
	write_answer(7, "{ a }", "{\"a\":1}");
	collect_all(NULL, 0);
	assert_string_equal(what_is_left(), "RROOT_QUERY");
}

static void what_layers_change_or_refer_to_stays(void **state)
{
	(void)state;
	write_data("{ a { id } b { id } }", "{}", "{\"a\":" POST("1", "") ",\"b\":" POST("2", "") "}");
	write_data("{ b { id } }", "{}", "{\"b\":null}");
	write_layer(7, "{ all { id title } }",
	            "{\"all\":[" POST("2", ",\"title\":\"x\"") "," POST("5", ",\"title\":\"y\"") "]}");
	write_layer(8, "{ all { id } }", "{\"all\":[" POST("1", "") "]}");
	collect_all(NULL, 0);
	/* the upper layer hides the lower one's list */
	assert_plain("{ all { id } }", "{}", "{\"all\":[{\"id\":\"1\"}]}");
	write_answer(8, "{ x }", "{\"x\":1}");
	assert_plain("{ all { id title } }", "{}",
	             "{\"all\":[{\"id\":\"2\",\"title\":\"x\"},{\"id\":\"5\",\"title\":\"y\"}]}");
	write_answer(7, "{ x }", "{\"x\":1}");
	collect_all(NULL, 0);
	assert_string_equal(what_is_left(), "RPost:1 RROOT_QUERY");
}

static void what_was_not_used_for_the_longest_time_leaves_first(void **state)
{
	(void)state;
	write_data("{ all { id text } }", "{}",
	           "{\"all\":[" POST("1", ",\"text\":\"aaaaaaaaaa\"") "," POST(
	                   "2", ",\"text\":\"bbbbbbbbbb\"") "," POST("3", ",\"text\":\"cccccccccc\"") "]}");
	set_age("RPost:1", 10);
	set_age("RPost:2", 900);
	set_age("RPost:3", 30);
	collect_all(NULL, 1);
	assert_string_equal(what_is_left(), "-RPost:2 RPost:1 RPost:3 RROOT_QUERY");
	assert_plain("{ all { id } }", "{}", "missing all.1.id");
	assert_string_equal(without_types(read_with("{ all { id } }", "{}", true)),
	                    "{\"all\":[{\"id\":\"1\"},{},{\"id\":\"3\"}]} missing all.1.id");
	collect_all(NULL, 1);
	assert_string_equal(what_is_left(), "-RPost:2 -RPost:3 RPost:1 RROOT_QUERY");
	/* written again it is where it was */
	write_data("{ a { id text } }", "{}", "{\"a\":" POST("2", ",\"text\":\"d\"") "}");
	write_data("{ a { id text } }", "{}", "{\"a\":" POST("3", ",\"text\":\"e\"") "}");
	assert_plain("{ all { id text } }", "{}",
	             "{\"all\":[{\"id\":\"1\",\"text\":\"aaaaaaaaaa\"},{\"id\":\"2\",\"text\":\"d\"},{\"id\":\"3\","
	             "\"text\":\"e\"}]}");
}

static void only_so_much_leaves_as_has_to(void **state)
{
	(void)state;
	write_data("{ all { id } }", "{}", "{\"all\":[" POST("1", "") "," POST("2", "") "," POST("3", "") "]}");
	size_t n_bytes = entry_of("RPost:1")->n_content_bytes;
	for (int i = 1; i <= 3; i++) {
		char key[16];
		snprintf(key, sizeof key, "RPost:%d", i);
		set_age(key, 50);
	}
	collect_all(NULL, n_bytes + 1);
	assert_string_equal(what_is_left(), "-RPost:1 -RPost:2 RPost:3 RROOT_QUERY");
	collect_all(NULL, 1000000);
	assert_string_equal(what_is_left(), "-RPost:1 -RPost:2 -RPost:3 RROOT_QUERY");
}

static void what_writes_have_asked_for_leaves_last(void **state)
{
	(void)state;
	write_data("{ all { id } }", "{}", "{\"all\":[" POST("1", "") "," POST("2", "") "," POST("3", "") "]}");
	set_age("RPost:1", 700);
	keeps_uses = true;
	forget_uses();
	entry_of("RPost:1")->is_used = entry_of("RPost:3")->is_used = true;
	collect_all(NULL, 1);
	assert_string_equal(what_is_left(), "-RPost:2 RPost:1 RPost:3 RROOT_QUERY");
	entry_of("RPost:1")->is_used = entry_of("RPost:3")->is_used = true;
	collect_all(NULL, 1);
	assert_string_equal(what_is_left(), "-RPost:1 -RPost:2 RPost:3 RROOT_QUERY");
}

static void a_field_leaves_whole_with_its_long_list(void **state)
{
	(void)state;
	write_long("{ all(n: 1) { id } }", 1, 600);
	struct aps_entry *root = entry_of("RROOT_QUERY");
	char key[64];
	snprintf(key, sizeof key, "F%d.all({\"n\":1})", (int)root->number);
	set_age(key, 5000);
	assert_true(n_entries('\0') >= 4);
	collect_all(NULL, 100);
	assert_null(entry_of(key));
	assert_int_equal(n_entries('\0'), 0);
	assert_int_equal(n_entries('R'), 601); /* the records are reached no more: the next one takes them */
	assert_plain("{ all(n: 1) { id } }", "{}", "missing all");
	collect_all(NULL, 0);
	assert_string_equal(what_is_left(), "-RROOT_QUERY"); /* it never had anything but fields with arguments */
}

static const struct aps_list_place OWN = {.field = {"all({\"n\":1})~base", 17}, .is_apart = true};

/* A list of the core's own, with records "T:1" to "T:n", which nothing else reaches. */
static void make_own_list(int n)
{
	struct aps_synced_list list = {.is_known = false};
	struct aps_err err;
	char key[16];
	aps_write_begin(&world.write, &world.cache);
	assert_int_equal(aps_synced_list_begin(&world.write, &OWN, &list, &err), APS_OK);
	for (int i = 1; i <= n; i++) {
		snprintf(key, sizeof key, "RT:%d", i);
		struct aps_entry *record = aps_write_entry(&world.write, aps_str_of(key));
		aps_write_set(&world.write, record, APS_STR("\x01\x00"));
		assert_int_equal(aps_synced_list_add(&world.write, &OWN, &list, &record->number, 1, &err), APS_OK);
	}
	assert_true(aps_write_settle(&world.write));
	aps_write_commit(&world.write);
	aps_synced_list_clear(&list);
}

static void a_list_of_the_cores_own_is_held_with_the_records_in_it(void **state)
{
	(void)state;
	enum { N = 600 };
	make_own_list(N);
	write_data("{ a { id } }", "{}", "{\"a\":" POST("1", "") "}");
	size_t n_lists = n_entries('\0');
	assert_true(n_lists >= 4);
	for (size_t i = 0; i < MAX_ROWS; i++) used_minutes[i] = 1;
	collect_all(NULL, 1000000);
	assert_int_equal(n_entries('\0'), n_lists);
	assert_int_equal(n_entries('R'), N + 2);
	for (const struct aps_entry *entry = world.cache.entries.newest; entry != NULL; entry = entry->older) {
		bool is_own = entry->n_key_bytes > 2 && memcmp(entry->key, "RT:", 3) == 0;
		assert_true(!is_own || entry->n_content_bytes != 0);
	}
	assert_plain("{ a { id } }", "{}", "missing a.id");
}

/* Its sync has another name by now, or is no more. */
static void a_list_of_the_cores_own_that_nobody_has_written_for_a_month_leaves(void **state)
{
	(void)state;
	make_own_list(300);
	later_minutes = 30 * 24 * 60;
	collect_all(NULL, 0);
	assert_int_equal(n_entries('R'), 301);
	later_minutes++;
	collect_all(NULL, 0);
	assert_int_equal(n_entries('R'), 1);
	assert_int_equal(n_entries('F'), 0);
	assert_int_equal(n_entries('\0'), 0);
}

static void what_is_held_does_not_leave_however_old_it_is(void **state)
{
	(void)state;
	write_data("{ a { id by { id } list(n: 1) { id } } b { id by { id } } }", "{}",
	           "{\"a\":" POST("1", ",\"by\":" POST("2", "") ",\"list\":[" POST("3", "") "]") ",\"b\":" POST(
	                   "4", ",\"by\":" POST("5", "")) "}");
	char field[64];
	snprintf(field, sizeof field, "F%d.list({\"n\":1})", (int)entry_of("RPost:1")->number);
	for (int i = 1; i <= 5; i++) {
		char key[16];
		snprintf(key, sizeof key, "RPost:%d", i);
		set_age(key, 5000);
	}
	set_age(field, 5000);
	collect_all("{ a { id list(n: 1) { id } } }", 1000000);
	char expected[128];
	snprintf(expected, sizeof expected, "-RPost:2 -RPost:4 -RPost:5 %s RPost:1 RPost:3 RROOT_QUERY", field);
	assert_string_equal(what_is_left(), expected);
	assert_plain("{ a { id list(n: 1) { id } } }", "{}", "{\"a\":{\"id\":\"1\",\"list\":[{\"id\":\"3\"}]}}");
}

static void fragments_variables_and_long_lists_are_held_as_they_are_read(void **state)
{
	(void)state;
	write_long("{ all { id } }", 1, 600);
	write_data("{ n { __typename ... on A { id by { id } } } }", "{}",
	           "{\"n\":{\"id\":\"1\",\"__typename\":\"A\",\"by\":{\"id\":\"2\",\"__typename\":\"A\"}}}");
	for (uint64_t i = 1; i < 1000; i++) used_minutes[i] = 1;
	collect_all("query Q { ...F } fragment F on Query { all { id } n { ... on I { id } ... on A { by { id } } } }",
	            1000000);
	assert_int_equal(n_entries('R'), 603);
	assert_plain("{ n { id by { id } } }", "{}", "{\"n\":{\"id\":\"1\",\"by\":{\"id\":\"2\"}}}");
	char *text = long_list(1, 600);
	assert_string_equal(read_data("{ all { id } }", "{}"), text);
	aps_free(text);
}

static void a_record_that_a_lookup_finds_can_be_held(void **state)
{
	(void)state;
	const struct aps_normalize_options options = {.root = APS_STR("")};
	struct aps_field_policy *policy = aps_policies_field(&world.policies, APS_STR("Query"), APS_STR("getPost"));
	policy->lookup = APS_STR("Post");
	write_with("mutation { m { id } }", "{}", "{\"m\":" POST("2", "") "}", &options);
	collect_all("{ getPost(id: 2) { id } }", 0); /* there is no root yet */
	assert_string_equal(what_is_left(), "RPost:2");
	write_data("{ a }", "{}", "{\"a\":1}");
	collect_all("{ getPost(id: 2) { id } }", 1000000);
	assert_string_equal(what_is_left(), "RPost:2 RROOT_QUERY");
	assert_plain("{ getPost(id: 2) { id } }", "{}", "{\"getPost\":{\"id\":\"2\"}}");
	collect_all("{ getPost(id: 3) { id } }", 0);
	assert_string_equal(what_is_left(), "RROOT_QUERY");
}

static void write_at(int64_t now_s, const char *query, const char *data)
{
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY"), .now_s = now_s};
	write_with(query, "{}", data, &options);
}

static void set_ttl(const char *type, int64_t ms)
{
	aps_policies_type(&world.policies, aps_str_of(type))->ttl_ms = ms;
}

static void what_has_expired_leaves_with_the_others_unless_it_is_held(void **state)
{
	(void)state;
	const int64_t now_s = NOW_MINUTES * 60;
	set_ttl("Post", 60000);
	write_at(now_s - 100, "{ a { id } b { id } c { id } d { id } }",
	         "{\"a\":" POST("1", "") ",\"b\":" POST("2", "") ",\"c\":" POST(
	                 "3", "") ",\"d\":{\"id\":\"1\",\"__typename\":\"T\"}}");
	write_at(now_s - 59, "{ b { id } }", "{\"b\":" POST("2", "") "}");
	collect_all("{ c { id } }", 0);
	assert_string_equal(what_is_left(), "-RPost:1 RPost:2 RPost:3 RROOT_QUERY RT:1");
}

/* As where a process ended in the middle. */
static void a_reference_to_nothing_is_missing_and_not_left_out(void **state)
{
	(void)state;
	write_data("{ all { id } }", "{}", "{\"all\":[" POST("1", "") "," POST("2", "") "]}");
	aps_entries_forget(&world.cache.entries, entry_of("RPost:2"));
	assert_plain("{ all { id } }", "{}", "missing all.1.id");
	write_long("{ all { id } }", 1, 600);
	for (struct aps_entry *entry = world.cache.entries.newest, *older; entry != NULL; entry = older) {
		older = entry->older;
		if (entry->number != 0 && entry->n_key_bytes == 0) aps_entries_forget(&world.cache.entries, entry);
	}
	assert_plain("{ all { id } }", "{}", "missing all");
	collect_all(NULL, 0);
	assert_plain("{ all { id } }", "{}", "missing all");
}

static void a_renewed_record_tells_nobody(void **state)
{
	(void)state;
	set_ttl("Post", 60000);
	write_at(100, "{ a { id } }", "{\"a\":" POST("1", "") "}");
	write_at(200, "{ a { id } }", "{\"a\":" POST("1", "") "}");
	assert_string_equal(world.changes.n != 0 ? world.changes.p : "", "");
	assert_plain("{ a { id } }", "{}", "{\"a\":{\"id\":\"1\"}}");
	/* nor does one that lies under a layer */
	write_layer(7, "{ a { id t } }", "{\"a\":" POST("1", ",\"t\":1") "}");
	write_at(300, "{ a { id } }", "{\"a\":" POST("1", "") "}");
	assert_string_equal(world.changes.n != 0 ? world.changes.p : "", "");
}

static void what_is_written_meanwhile_stays_and_so_does_what_it_refers_to(void **state)
{
	(void)state;
	struct aps_collect collect;
	write_data("{ a { id next { id } } x { id } }", "{}",
	           "{\"a\":" POST("1", ",\"next\":" POST("2", "")) ",\"x\":" POST("9", "") "}");
	write_data("{ a { id } }", "{}", "{\"a\":null}");
	begin_collect(&collect);
	follow_all(&collect);
	/* 1 and 2 were not reached; now a list has 1 again, and the list is a new one */
	write_data("{ list(n: 1) { id } }", "{}", "{\"list\":[" POST("1", "") "," POST("7", "") "]}");
	aps_collect_touch(&collect, entry_of("RROOT_QUERY")->number);
	aps_collect_touch(&collect, *world.cache.entries.last_number);
	aps_collect_touch(&collect, *world.cache.entries.last_number - 1);
	delete_all(&collect);
	assert_plain("{ list(n: 1) { id } }", "{}", "{\"list\":[{\"id\":\"1\"},{\"id\":\"7\"}]}");
	assert_non_null(entry_of("RPost:2"));
	aps_collect_clear(&collect);
}

static void what_is_held_in_memory_is_not_deleted(void **state)
{
	(void)state;
	struct aps_collect collect;
	write_data("{ a { id next { id } } }", "{}", "{\"a\":" POST("1", ",\"next\":" POST("2", "")) "}");
	write_data("{ a { id } }", "{}", "{\"a\":null}");
	begin_collect(&collect);
	follow_all(&collect);
	entry_of("RPost:1")->n_holds++;
	delete_all(&collect);
	assert_non_null(entry_of("RPost:1"));
	entry_of("RPost:1")->n_holds--;
	aps_collect_clear(&collect);
	collect_all(NULL, 0);
	assert_string_equal(what_is_left(), "RROOT_QUERY");
}

/* Contents that somebody has damaged: numbers that were never given, lengths that don't fit. */
static void damaged_content_reaches_what_can_be_read_of_it(void **state)
{
	(void)state;
	static const char *const DAMAGED[] = {
	        "\x01\x08\xff\xff\xff\xff\xff\xff\xff\xff\x01", /* a reference to the highest number */
	        "\x01\x08",                                     /* one that ends too early */
	        "\x01\x09\x7f\x01\x08\x01",                     /* a list longer than the content */
	        "\x01\x0a\x05\x7f",                             /* a long list of an entry that is none */
	        "\x7f",
	};
	for (size_t i = 0; i < APS_COUNTOF(DAMAGED); i++) {
		write_data("{ a { id } }", "{}", "{\"a\":" POST("1", "") "}");
		char *copy = aps_strndup(DAMAGED[i], strlen(DAMAGED[i]));
		aps_entries_set(&world.cache.entries, entry_of("RPost:1"), copy, strlen(DAMAGED[i]));
		collect_all("{ a { id x { id } } }", 100);
		assert_non_null(entry_of("RPost:1"));
		teardown(NULL);
		collect_setup(NULL);
	}
}

#define N_NODES 60

/* Which records others refer to: `list` of each, and what is at the root. */
struct model {
	int next[N_NODES];
	int list[N_NODES][4];
	int root[3];
};

static void reach_node(const struct model *model, int node, bool *reached)
{
	if (node < 0 || reached[node]) return;
	reached[node] = true;
	reach_node(model, model->next[node], reached);
	for (int i = 0; i < 4; i++) reach_node(model, model->list[node][i], reached);
}

static void reach_nodes(const struct model *model, bool *reached)
{
	memset(reached, 0, N_NODES * sizeof *reached);
	for (int i = 0; i < 3; i++) reach_node(model, model->root[i], reached);
}

static int put_ref(char *text, size_t size, int node)
{
	return node < 0 ? snprintf(text, size, "null")
	                : snprintf(text, size, "{\"id\":\"%d\",\"__typename\":\"T\"}", node);
}

/* One of the root's fields, or a record of its own, which refers to others anew. */
static void change_randomly(struct model *model, struct aps_rand *rand)
{
	char query[64], data[512], ref[64];
	const struct aps_normalize_options nowhere = {.root = APS_STR("")};
	int at = (int)aps_rand_below(rand, 3), node = (int)aps_rand_below(rand, N_NODES + 5) - 5;
	if (aps_rand_below(rand, 2) == 0) {
		if (node < 0) node = -1;
		model->root[at] = node;
		snprintf(query, sizeof query, "{ r%d%s { id } }", at, at == 2 ? "(n: 1)" : "");
		put_ref(ref, sizeof ref, node);
		snprintf(data, sizeof data, "{\"r%d\":%s}", at, ref);
		write_data(query, "{}", data);
		return;
	}
	if (node < 0) node = 0;
	model->next[node] = (int)aps_rand_below(rand, N_NODES);
	int n = snprintf(data, sizeof data, "{\"m\":{\"id\":\"%d\",\"__typename\":\"T\",\"next\":", node);
	n += put_ref(data + n, sizeof data - (size_t)n, model->next[node]);
	n += snprintf(data + n, sizeof data - (size_t)n, ",\"list\":[");
	for (int i = 0; i < 4; i++) {
		model->list[node][i] = (int)aps_rand_below(rand, N_NODES);
		n += snprintf(data + n, sizeof data - (size_t)n, i != 0 ? "," : "");
		n += put_ref(data + n, sizeof data - (size_t)n, model->list[node][i]);
	}
	snprintf(data + n, sizeof data - (size_t)n, "]}}");
	write_with("mutation { m { id next { id } list(n: 1) { id } } }", "{}", data, &nowhere);
}

static bool is_there(int node)
{
	char key[16];
	snprintf(key, sizeof key, "RT:%d", node);
	return entry_of(key) != NULL;
}

/* What a naive search reaches is what is left; with writes in between at least that. */
static void a_random_graph_is_collected_as_a_naive_search_says(void **state)
{
	(void)state;
	struct aps_rand rand;
	print_message("seed 11\n");
	aps_rand_init(&rand, 11);
	struct model model;
	memset(&model, 0xff, sizeof model);
	size_t n_left = 0;
	for (int round = 0; round < 300; round++) {
		bool reached[N_NODES];
		int n_changes = 1 + (int)aps_rand_below(&rand, 12);
		for (int i = 0; i < n_changes; i++) change_randomly(&model, &rand);
		collect_all(NULL, 0);
		reach_nodes(&model, reached);
		for (int node = 0; node < N_NODES; node++) {
			if (is_there(node) != reached[node]) fail_msg("round %d, node %d", round, node);
			n_left += reached[node];
			if (reached[node]) continue;
			model.next[node] = -1;
			memset(model.list[node], 0xff, sizeof model.list[node]);
		}
	}
	assert_true(n_left > 300);
}

static void without_memory_nothing_is_concluded(void **state)
{
	(void)state;
	struct aps_collect collect;
	struct aps_err err;
	write_long("{ all { id } }", 1, 300);
	write_data("{ a { id list(n: 1) { id } } }", "{}", "{\"a\":" POST("1", ",\"list\":[" POST("2", "") "]") "}");
	struct aps_gql_document *doc = parse("{ a { id list(n: 1) { id } } }");
	for (size_t nth = 1;; nth++) {
		struct aps_hold hold;
		struct aps_buf emptied;
		bool is_done = false;
		aps_buf_init(&emptied, APS_BUF_ANY_SIZE);
		aps_mem_fail_at(nth);
		begin_collect(&collect);
		enum aps_rc rc =
		        aps_hold_init(&hold, &collect, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), &err);
		while (rc == APS_OK && !is_done) rc = aps_hold_step(&hold, 2, &is_done, &err);
		is_done = false;
		while (rc == APS_OK && !is_done) rc = aps_collect_step(&collect, 3, &is_done, &err);
		aps_collect_plan(&collect, 1000000);
		is_done = false;
		while (rc == APS_OK && !is_done) rc = aps_collect_choose(&collect, 3, &emptied, &is_done, &err);
		aps_mem_fail_at(0);
		if (rc != APS_OK) assert_int_equal(rc, APS_E_NOMEM);
		bool is_over = rc == APS_OK;
		if (is_over) assert_false(collect.is_short);
		aps_hold_clear(&hold);
		aps_buf_clear(&emptied);
		aps_collect_clear(&collect);
		if (is_over) break;
		assert_int_equal(n_entries('R'), 303);
	}
	aps_gql_document_unref(doc);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, collect_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_the_root_reaches_stays),
	        TEST(what_only_mutations_brought_leaves),
	        TEST(circles_that_nobody_reaches_leave),
	        TEST(fields_live_as_long_as_their_record),
	        TEST(embedded_objects_and_lists_of_lists_refer_as_well),
	        TEST(long_lists_and_their_blocks_live_as_long_as_what_has_them),
	        TEST(what_the_application_evicted_stays_as_long_as_something_refers_to_it),
	        TEST(an_evicted_field_leaves_no_row_behind),
	        TEST(a_field_that_only_a_layer_had_leaves_after_it),
	        TEST(what_layers_change_or_refer_to_stays),
	        TEST(what_was_not_used_for_the_longest_time_leaves_first),
	        TEST(only_so_much_leaves_as_has_to),
	        TEST(what_writes_have_asked_for_leaves_last),
	        TEST(a_field_leaves_whole_with_its_long_list),
	        TEST(a_list_of_the_cores_own_is_held_with_the_records_in_it),
	        TEST(a_list_of_the_cores_own_that_nobody_has_written_for_a_month_leaves),
	        TEST(what_is_held_does_not_leave_however_old_it_is),
	        TEST(fragments_variables_and_long_lists_are_held_as_they_are_read),
	        TEST(a_record_that_a_lookup_finds_can_be_held),
	        TEST(what_has_expired_leaves_with_the_others_unless_it_is_held),
	        TEST(a_reference_to_nothing_is_missing_and_not_left_out),
	        TEST(a_renewed_record_tells_nobody),
	        TEST(what_is_written_meanwhile_stays_and_so_does_what_it_refers_to),
	        TEST(what_is_held_in_memory_is_not_deleted),
	        TEST(damaged_content_reaches_what_can_be_read_of_it),
	        TEST(a_random_graph_is_collected_as_a_naive_search_says),
	        TEST(without_memory_nothing_is_concluded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
