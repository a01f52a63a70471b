#include "overlay_world.h"

#include "base/mem.h"

static struct aps_operation query;

#define QUERY "query Q($n: Int) { a(n: $n) { id t u } all { id } one }"
#define ONE   "{\"id\":\"1\",\"t\":\"x\",\"u\":0,\"__typename\":\"T\"}"
#define ALL   "{\"a\":" ONE ",\"all\":[{\"id\":\"1\",\"__typename\":\"T\"}],\"one\":1}"

static int open_all(void **state)
{
	if (setup_edits(state) != 0) return -1;
	query = make(QUERY, "{\"n\":1}");
	open_core();
	write_one(&query, ALL);
	commit();
	return 0;
}

static int close_all(void **state)
{
	aps_operation_clear(&query);
	close_core();
	return teardown_edits(state);
}

static void turn(void)
{
	struct aps_err err;
	if (end_turn(&err) != APS_OK) fail_msg("%s", err.msg);
}

/* Of `all`: "12". */
static const char *ids(void)
{
	static char text[64];
	struct aps_operation operation = make("{ all { id } }", "");
	const char *json = read_one(&operation);
	size_t n = 0;
	for (const char *at = strstr(json, "\"id\":\""); at != NULL; at = strstr(at + 1, "\"id\":\""))
		text[n++] = at[6];
	text[n] = '\0';
	aps_operation_clear(&operation);
	return text;
}

/* A query without variables. */
static const char *ask(const char *text)
{
	static char copy[512];
	struct aps_operation operation = make(text, "");
	snprintf(copy, sizeof copy, "%s", read_one(&operation));
	aps_operation_clear(&operation);
	return copy;
}

static void respond(const char *text, const char *data)
{
	struct aps_operation operation = make(text, "");
	write_one(&operation, data);
	aps_operation_clear(&operation);
}

static void what_is_written_is_read_at_once_and_later_the_same(void **state)
{
	(void)state;
	set("T:1", "t", "\"own\"");
	assert_string_equal(ask("{ one a(n: 1) { t } }"), "{\"one\":1,\"a\":{\"t\":\"own\",\"__typename\":\"T\"}}");
	post_edits();
	run_all_edits();
	assert_string_equal(ask("{ a(n: 1) { t } }"), "{\"a\":{\"t\":\"own\",\"__typename\":\"T\"}}");
	turn();
	assert_string_equal(ask("{ a(n: 1) { t } }"), "{\"a\":{\"t\":\"own\",\"__typename\":\"T\"}}");
	/* it lies above nothing any more */
	respond("{ a(n: 1) { id t } }", "{\"a\":{\"id\":\"1\",\"t\":\"theirs\",\"__typename\":\"T\"}}");
	turn();
	assert_string_equal(ask("{ a(n: 1) { t } }"), "{\"a\":{\"t\":\"theirs\",\"__typename\":\"T\"}}");
}

static void what_is_written_is_read_before_there_is_a_file(void **state)
{
	(void)state;
	struct aps_operation operation = make("query Q($n: Int) { a(n: $n) { id t } }", "{\"n\":1}");
	static const char OWN[] = "{\"a\":{\"id\":\"1\",\"t\":\"x\",\"__typename\":\"T\"}}";
	write_own(&operation, OWN);
	assert_string_equal(read_one(&operation), OWN);
	set("T:1", "t", "\"y\"");
	post_edits();
	static const char THEN[] = "{\"a\":{\"id\":\"1\",\"t\":\"y\",\"__typename\":\"T\"}}";
	assert_string_equal(read_one(&operation), THEN);
	open_core();
	commit();
	assert_string_equal(read_one(&operation), THEN);
	run_all_edits();
	turn();
	assert_string_equal(read_one(&operation), THEN);
	close_core();
	aps_operation_clear(&operation);
}

static void what_others_commit_shows_beside_it(void **state)
{
	(void)state;
	set("T:1", "t", "\"own\"");
	post_edits();
	set("ROOT_QUERY", "all", "{\"__edits\":[[\"^\",\"T:9\"],[\"+\",\"T:8\",\"T:1\"]]}");
	post_edits();
	struct aps_operation list = make("{ all { id } }", "");
	respond("{ x { id } y { id } }",
	        "{\"x\":{\"id\":\"8\",\"__typename\":\"T\"},\"y\":{\"id\":\"9\",\"__typename\":\"T\"}}");
	turn();
	assert_string_equal(ids(), "918");
	respond("{ a(n: 1) { id t u } all { id } one }",
	        "{\"a\":{\"id\":\"1\",\"t\":\"theirs\",\"u\":7,\"__typename\":\"T\"},\"all\":[{\"id\":\"2\",\"__"
	        "typename\":"
	        "\"T\"},{\"id\":\"1\",\"__typename\":\"T\"},{\"id\":\"3\",\"__typename\":\"T\"}],\"one\":2}");
	turn();
	assert_string_equal(ask("{ one a(n: 1) { t u } }"),
	                    "{\"one\":2,\"a\":{\"t\":\"own\",\"u\":7,\"__typename\":\"T\"}}");
	assert_string_equal(ids(), "92183");
	struct aps_err err;
	assert_int_equal(run_edits(&err), APS_OK);
	turn();
	assert_string_equal(ids(), "92183");
	run_all_edits();
	turn();
	assert_string_equal(ids(), "92183");
	respond("{ all { id } }", "{\"all\":[{\"id\":\"3\",\"__typename\":\"T\"}]}");
	turn();
	assert_string_equal(ids(), "3");
	aps_operation_clear(&list);
}

static void a_new_record_is_the_one_that_others_make_as_well(void **state)
{
	(void)state;
	struct aps_operation operation = make("{ new { id t u } }", "");
	write_own(&operation, "{\"new\":{\"id\":\"n\",\"t\":1,\"u\":2,\"__typename\":\"T\"}}");
	set("ROOT_QUERY", "all", "{\"__edits\":[[\"+\",\"T:n\"]]}");
	post_edits();
	assert_string_equal(ids(), "1n");
	respond("{ other { id u } }", "{\"other\":{\"id\":\"n\",\"u\":5,\"__typename\":\"T\"}}");
	turn();
	static const char OWN[] =
	        "{\"new\":{\"t\":1,\"u\":2,\"__typename\":\"T\"},\"other\":{\"u\":2,\"__typename\":\"T\"}}";
	assert_string_equal(ids(), "1n");
	assert_string_equal(ask("{ new { t u } other { u } }"), OWN);
	run_all_edits();
	turn();
	assert_string_equal(ids(), "1n");
	assert_string_equal(ask("{ new { t u } other { u } }"), OWN);
	aps_operation_clear(&operation);
}

static void names_that_the_store_has_not_are_only_lent(void **state)
{
	(void)state;
	struct aps_operation operation = make("{ own1 own2 }", "");
	write_own(&operation, "{\"own1\":1,\"own2\":2}");
	post_edits();
	assert_string_equal(ask("{ own1 own2 }"), "{\"own1\":1,\"own2\":2}");
	assert_string_equal(ask("{ theirs1 }"), "missing");
	/* these get the same numbers */
	respond("{ theirs1 theirs2 theirs3 }", "{\"theirs1\":3,\"theirs2\":4,\"theirs3\":5}");
	turn();
	assert_string_equal(ask("{ theirs2 own1 own2 theirs3 theirs1 one }"),
	                    "{\"theirs2\":4,\"own1\":1,\"own2\":2,\"theirs3\":5,\"theirs1\":3,\"one\":1}");
	run_all_edits();
	turn();
	assert_string_equal(ask("{ theirs2 own1 own2 theirs3 theirs1 one }"),
	                    "{\"theirs2\":4,\"own1\":1,\"own2\":2,\"theirs3\":5,\"theirs1\":3,\"one\":1}");
	aps_operation_clear(&operation);
}

static void a_read_that_starts_again_has_no_number_that_was_lent(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_operation operation = make("{ own }", "");
	write_own(&operation, "{\"own\":1}");
	post_edits();
	/* committed, and not published yet: by one who has the file for a moment */
	struct aps_vaults vaults = {.first = NULL};
	aps_process_release(&world.vault->file.claim);
	struct aps_vault *vault = aps_vault_open(&vaults, &(struct aps_store_options){.path = world.path}, &err);
	struct aps_channel *channel = aps_channel_new(5);
	struct aps_partition *partition = aps_partition_open(vault, "p", "", &world.policies, channel, &err);
	assert_non_null(partition);
	struct aps_operation other = make("query Q($n: Int) { late(n: $n) { id theirs } }", "{\"n\":1}");
	const struct aps_partition_data what = {
	        .operation = &other,
	        .data = APS_STR("{\"late\":{\"id\":\"9\",\"theirs\":2,\"__typename\":\"T\"}}"),
	        .errors = APS_STR("")};
	assert_int_equal(aps_partition_write(partition, &what, &err), APS_OK);
	assert_int_equal(aps_vault_commit(vault, &err), APS_OK);
	assert_string_equal(ask("{ own late(n: 1) { theirs } one }"),
	                    "{\"own\":1,\"late\":{\"theirs\":2,\"__typename\":\"T\"},\"one\":1}");
	aps_partition_close(partition);
	aps_vault_close(&vaults, vault);
	char lock[128];
	snprintf(lock, sizeof lock, "%s-leader", world.path);
	assert_int_equal(aps_process_claim(lock, &world.vault->file.claim, &err), APS_OK);
	aps_channel_unref(channel);
	aps_operation_clear(&operation);
	aps_operation_clear(&other);
}

static void what_comes_after_an_edit_in_its_commit_lies_above_it(void **state)
{
	(void)state;
	struct aps_err err;
	set("T:1", "t", "\"own\"");
	post_edits();
	run_all_edits();
	respond("{ a(n: 1) { id t } }", "{\"a\":{\"id\":\"1\",\"t\":\"theirs\",\"__typename\":\"T\"}}");
	assert_string_equal(ask("{ a(n: 1) { t } }"), "{\"a\":{\"t\":\"own\",\"__typename\":\"T\"}}");
	assert_int_equal(aps_vault_commit(world.vault, &err), APS_OK); /* and the turn isn't over yet */
	assert_string_equal(ask("{ a(n: 1) { t } }"), "{\"a\":{\"t\":\"theirs\",\"__typename\":\"T\"}}");
}

static void an_eviction_is_seen_at_once(void **state)
{
	(void)state;
	evict("T:1", "");
	post_edits();
	assert_string_equal(ids(), "");
	assert_string_equal(ask("{ a(n: 1) { t } }"), "missing");
	evict("ROOT_QUERY", "a");
	evict("ROOT_QUERY", "nothing");
	post_edits();
	respond("{ a(n: 2) { id t } }", "{\"a\":{\"id\":\"2\",\"t\":1,\"__typename\":\"T\"}}");
	turn();
	assert_string_equal(ask("{ a(n: 2) { t } }"), "missing"); /* all of its arguments are evicted, these too */
	run_all_edits();
	turn();
	assert_string_equal(ask("{ a(n: 2) { t } }"), "missing");
	assert_string_equal(ids(), "");
}

static void fields_are_shown_with_the_own_edits(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	set("ROOT_QUERY", "all", "{\"__edits\":[[\"+\",\"T:7\"]]}");
	assert_int_equal(aps_reader_field(world.reader, APS_STR("ROOT_QUERY"), APS_STR("all"), &text, &err), APS_OK);
	assert_string_equal(text.p, "[\"all\",false,{\"__list\":[{\"__ref\":\"T:1\"},{\"__ref\":\"T:7\"}]}]");
	assert_int_equal(aps_reader_field(world.reader, APS_STR("ROOT_QUERY"), APS_STR("a"), &text, &err), APS_OK);
	assert_string_equal(text.p, "[\"a({\\\"n\\\":1})\",true,{\"__ref\":\"T:1\"}]");
	aps_buf_clear(&text);
}

static void a_list_that_is_being_made_is_seen_and_can_be_taken_back(void **state)
{
	(void)state;
	set("T:1", "t", "\"kept\"");
	post_edits();
	set("T:1", "t", "\"own\"");
	set("T:1", "u", "\"own\"");
	evict("ROOT_QUERY", "one");
	assert_string_equal(ask("{ a(n: 1) { t u } }"), "{\"a\":{\"t\":\"own\",\"u\":\"own\",\"__typename\":\"T\"}}");
	assert_string_equal(ask("{ one }"), "missing");
	/* the core goes on meanwhile */
	respond("{ a(n: 1) { id v } }", "{\"a\":{\"id\":\"1\",\"v\":1,\"__typename\":\"T\"}}");
	turn();
	assert_string_equal(ask("{ a(n: 1) { t u v } }"),
	                    "{\"a\":{\"t\":\"own\",\"u\":\"own\",\"v\":1,\"__typename\":\"T\"}}");
	struct aps_edits *taken = aps_reader_take_back(world.reader);
	assert_int_equal(aps_edits_count(taken), 3);
	assert_string_equal(ask("{ one a(n: 1) { t u } }"),
	                    "{\"one\":1,\"a\":{\"t\":\"kept\",\"u\":0,\"__typename\":\"T\"}}");
	run_all_edits();
	turn();
	/* as one list, given away */
	struct aps_err err;
	assert_int_equal(aps_partition_edit(world.partition, 9, taken, &err), APS_OK);
	aps_edits_unref(taken);
	turn();
	assert_string_equal(ask("{ a(n: 1) { t u } }"), "{\"a\":{\"t\":\"own\",\"u\":\"own\",\"__typename\":\"T\"}}");
	assert_int_equal(aps_reader_close_edits(world.reader, &taken), 0);
	assert_null(aps_reader_take_back(world.reader));
}

static void what_the_core_cannot_keep_is_seen_no_more(void **state)
{
	(void)state;
	struct aps_err err;
	set("T:1", "t", "\"first\"");
	post_edits();
	set("T:1", "u", "\"second\"");
	post_edits();
	aps_mem_fail_at(1);
	assert_int_equal(run_edits(&err), APS_E_NOMEM);
	aps_mem_fail_at(0);
	assert_string_equal(ask("{ a(n: 1) { t u } }"),
	                    "{\"a\":{\"t\":\"first\",\"u\":\"second\",\"__typename\":\"T\"}}");
	run_all_edits();
	turn();
	assert_string_equal(ask("{ a(n: 1) { t u } }"), "{\"a\":{\"t\":\"x\",\"u\":\"second\",\"__typename\":\"T\"}}");
}

/* The store can't be written any more, and the memory that stands in for it has this trigger. */
static void forbid(const char *trigger)
{
	static const struct aps_err FULL = {.code = APS_E_STORAGE, .word = "full", .msg = "full"};
	struct aps_err err;
	assert_true(aps_vault_cope(world.vault, &FULL));
	assert_int_equal(aps_vault_commit(world.vault, &err), APS_OK);
	assert_int_equal(aps_db_exec(world.vault->db, trigger, &err), APS_OK);
}

static void without_a_commit_nothing_of_it_stays(void **state)
{
	(void)state;
	struct aps_err err;
	assert_string_equal(ask("{ a(n: 1) { t } }"), "{\"a\":{\"t\":\"x\",\"__typename\":\"T\"}}");
	forbid("CREATE TEMP TRIGGER no BEFORE UPDATE ON main.counter BEGIN SELECT RAISE(ABORT, 'no'); END");
	set("T:1", "t", "\"own\"");
	post_edits();
	run_all_edits();
	assert_int_equal(end_turn(&err), APS_E_STORAGE);
	assert_string_equal(ask("{ a(n: 1) { t } }"), "{\"a\":{\"t\":\"x\",\"__typename\":\"T\"}}");
	assert_int_equal(aps_db_exec(world.vault->db, "DROP TRIGGER no", &err), APS_OK);
	set("T:1", "u", "\"later\"");
	post_edits();
	run_all_edits();
	turn();
	assert_string_equal(ask("{ a(n: 1) { t u } }"), "{\"a\":{\"t\":\"x\",\"u\":\"later\",\"__typename\":\"T\"}}");
}

static void what_is_saved_half_is_not_kept_nor_what_came_before_it_in_its_turn(void **state)
{
	(void)state;
	struct aps_err err;
	forbid("CREATE TEMP TRIGGER no BEFORE INSERT ON main.entry WHEN new.key = CAST('RT:9' AS BLOB)"
	       " BEGIN SELECT RAISE(ABORT, 'no'); END");
	respond("{ one }", "{\"one\":5}");
	struct aps_operation operation = make("{ x { id fresh } y { id } }", "");
	const struct aps_edit_what what =
	        write_of(&operation, "{\"x\":{\"id\":\"8\",\"fresh\":1,\"__typename\":\"T\"},\"y\":{\"id\":\"9\","
	                             "\"__typename\":\"T\"}}");
	edit(&what);
	post_edits();
	assert_int_equal(run_edits(&err), APS_E_STORAGE);
	respond("{ late { id newer } }", "{\"late\":{\"id\":\"7\",\"newer\":1,\"__typename\":\"T\"}}");
	turn();
	assert_string_equal(ask("{ one late { newer } }"), "{\"one\":1,\"late\":{\"newer\":1,\"__typename\":\"T\"}}");
	assert_string_equal(ask("{ x { id } }"), "missing");
	assert_int_equal(aps_db_exec(world.vault->db, "DROP TRIGGER no", &err), APS_OK);
	edit(&what);
	post_edits();
	run_all_edits();
	turn();
	assert_string_equal(ask("{ x { fresh } late { newer } }"),
	                    "{\"x\":{\"fresh\":1,\"__typename\":\"T\"},\"late\":{\"newer\":1,\"__typename\":\"T\"}}");
	aps_operation_clear(&operation);
}

static void edits_that_change_nothing_go_as_well(void **state)
{
	(void)state;
	struct aps_err err;
	set("T:1", "t", "\"x\"");
	evict("T:none", "");
	post_edits();
	run_all_edits();
	turn();
	assert_string_equal(ask("{ one }"), "{\"one\":1}");
	/* were it still there it would lie above this */
	respond("{ a(n: 1) { id t } }", "{\"a\":{\"id\":\"1\",\"t\":\"y\",\"__typename\":\"T\"}}");
	aps_vault_commit(world.vault, &err);
	assert_string_equal(ask("{ a(n: 1) { t } }"), "{\"a\":{\"t\":\"y\",\"__typename\":\"T\"}}");
}

static void an_announcement_that_is_lost_takes_no_own_write_with_it(void **state)
{
	(void)state;
	struct aps_err err;
	assert_string_equal(ask("{ a(n: 1) { t u } }"), "{\"a\":{\"t\":\"x\",\"u\":0,\"__typename\":\"T\"}}");
	set("T:1", "t", "\"own\"");
	post_edits();
	set("T:1", "u", "\"own\"");
	post_edits();
	assert_int_equal(run_edits(&err), APS_OK);
	aps_partition_write(world.partition, &(struct aps_partition_data){.operation = &query, .data = APS_STR("")},
	                    &err);
	world.partition->changed.rc = APS_E_NOMEM; /* as where memory is short */
	assert_int_equal(aps_vault_commit(world.vault, &err), APS_OK);
	assert_string_equal(ask("{ a(n: 1) { t u } }"), "{\"a\":{\"t\":\"own\",\"u\":\"own\",\"__typename\":\"T\"}}");
	aps_channel_decide(world.channel, n_run);
	respond("{ a(n: 1) { id t u } }", "{\"a\":{\"id\":\"1\",\"t\":\"y\",\"u\":\"y\",\"__typename\":\"T\"}}");
	assert_int_equal(aps_vault_commit(world.vault, &err), APS_OK);
	assert_string_equal(ask("{ a(n: 1) { t u } }"), "{\"a\":{\"t\":\"y\",\"u\":\"own\",\"__typename\":\"T\"}}");
}

static void a_loss_is_not_hidden_by_a_later_one(void **state)
{
	(void)state;
	struct aps_buf changes;
	uint64_t edits;
	struct aps_channel *channel = aps_channel_new(1);
	const struct aps_channel_change change = {7, 8};
	aps_buf_init(&changes, APS_BUF_ANY_SIZE);
	aps_channel_announce(channel, 1, NULL, 0, 3);
	aps_channel_announce(channel, 2, &change, 1, 4);
	aps_channel_announce(channel, 3, NULL, 0, 0);
	assert_false(aps_channel_fetch(channel, 1, &changes, &edits));
	assert_int_equal(edits, 0);
	assert_false(aps_channel_fetch(channel, 2, &changes, &edits));
	assert_int_equal(edits, 4);
	assert_false(aps_channel_fetch(channel, 3, &changes, &edits));
	aps_channel_announce(channel, 4, &change, 1, 5);
	assert_true(aps_channel_fetch(channel, 4, &changes, &edits));
	assert_int_equal(edits, 5);
	aps_buf_clear(&changes);
	aps_channel_unref(channel);
}

static void a_store_that_moves_on_while_an_edit_is_made_is_followed(void **state)
{
	(void)state;
	/* nothing of it is in memory yet, and each commit brings names */
	respond("{ p1 b1: a(n: 2) { id t w1 } }",
	        "{\"p1\":1,\"b1\":{\"id\":\"2\",\"t\":1,\"w1\":1,\"__typename\":\"T\"}}");
	turn();
	set("T:2", "t", "\"own\"");
	post_edits();
	assert_string_equal(ask("{ p1 a(n: 2) { t w1 } }"),
	                    "{\"p1\":1,\"a\":{\"t\":\"own\",\"w1\":1,\"__typename\":\"T\"}}");
	struct aps_operation operation = make("{ q1 q2 a(n: 2) { id w2 } }", "");
	write_own(&operation, "{\"q1\":1,\"q2\":2,\"a\":{\"id\":\"2\",\"w2\":2,\"__typename\":\"T\"}}");
	post_edits();
	respond("{ p2 a(n: 3) { id w3 } }", "{\"p2\":1,\"a\":{\"id\":\"3\",\"w3\":1,\"__typename\":\"T\"}}");
	turn();
	set("T:3", "w3", "\"own\"");
	post_edits();
	assert_string_equal(ask("{ q2 p1 p2 b: a(n: 2) { t w1 w2 } a(n: 3) { w3 } }"),
	                    "{\"q2\":2,\"p1\":1,\"p2\":1,\"b\":{\"t\":\"own\",\"w1\":1,\"w2\":2,\"__typename\":\"T\"},"
	                    "\"a\":{\"w3\":\"own\",\"__typename\":\"T\"}}");
	run_all_edits();
	turn();
	assert_string_equal(ask("{ q2 p1 p2 b: a(n: 2) { t w1 w2 } a(n: 3) { w3 } }"),
	                    "{\"q2\":2,\"p1\":1,\"p2\":1,\"b\":{\"t\":\"own\",\"w1\":1,\"w2\":2,\"__typename\":\"T\"},"
	                    "\"a\":{\"w3\":\"own\",\"__typename\":\"T\"}}");
	aps_operation_clear(&operation);
}

#define SHOWN "{\"a\":{\"id\":\"1\",\"t\":%zu,\"u\":%zu,\"v\":%zu,\"__typename\":\"T\"},\"own\":%zu}"

/* What was written is laid over the cache by the next read: to make room for it takes little memory. */
static void without_memory_an_edit_is_there_or_it_is_not(void **state)
{
	(void)state;
	struct aps_operation operation = make("{ a(n: 1) { id t u v } own }", "");
	size_t n_failed = 0, n_unwritten = 0, was = 0, was_set = 0;
	char data[128], text[24];
	const struct aps_edit_what set_of = {
	        .kind = APS_EDIT_SET, .key = APS_STR("T:1"), .field = APS_STR("t"), .json = {text, 0}};
	for (size_t nth = 1; nth < 240; nth++) {
		struct aps_err err = {0};
		bool is_set = nth % 2 == 0 && was != 0;
		snprintf(text, sizeof text, "%zu", nth);
		snprintf(data, sizeof data, SHOWN, nth, nth, nth, nth);
		struct aps_edit_what what = is_set ? set_of : write_of(&operation, data);
		if (is_set) what.json.n = strlen(text);
		if (nth % 3 == 0) { /* something lies below, which is new, and something above */
			respond("{ p }", nth % 2 == 0 ? "{\"p\":1}" : "{\"p\":2}");
			turn();
			set("T:1", "w", "1");
		}
		aps_mem_fail_at(nth / 2 % 40 + 1);
		enum aps_rc rc = try_edit(&what, &err);
		aps_mem_fail_at(0);
		n_failed += rc != APS_OK;
		n_unwritten += rc != APS_OK && !is_set;
		if (rc != APS_OK) assert_int_equal(rc, APS_E_NOMEM);
		if (rc == APS_OK) was_set = nth;
		if (rc == APS_OK && !is_set) was = nth;
		snprintf(data, sizeof data, SHOWN, was_set, was, was, was);
		assert_string_equal(read_one(&operation), was != 0 ? data : "missing");
		if (nth % 7 == 0 && n_posted == 0) {
			struct aps_edits *edits;
			uint64_t number = aps_reader_close_edits(world.reader, &edits);
			if (number != 0) posted[n_posted++] = (struct posted){number, edits};
			run_all_edits();
			turn();
			assert_string_equal(read_one(&operation), was != 0 ? data : "missing");
		}
	}
	assert_in_range(n_failed, 15, 200);
	assert_in_range(n_unwritten, 2, 20);
	aps_operation_clear(&operation);
}

static void without_memory_a_read_fails_and_the_next_one_shows_all(void **state)
{
	(void)state;
	struct aps_operation operation = make("{ a(n: 1) { id t } own { id t } }", "");
	static const char OWN[] = "{\"a\":{\"id\":\"1\",\"t\":5,\"__typename\":\"T\"},\"own\":{\"id\":\"n\",\"t\":6,"
	                          "\"__typename\":\"T\"}}";
	size_t n_failed = 0;
	write_own(&operation, OWN);
	post_edits();
	for (size_t nth = 1; nth < 80; nth++) {
		struct aps_err err = {0};
		const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
		respond("{ p }", nth % 2 == 0 ? "{\"p\":1}" : "{\"p\":2}"); /* what lies above is made anew */
		turn();
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_reader_read(world.reader, &operation, &options, &world.result, &err);
		aps_mem_fail_at(0);
		n_failed += rc != APS_OK;
		if (rc != APS_OK) assert_int_equal(rc, APS_E_NOMEM);
		if (rc == APS_OK) assert_string_equal(world.result.data.p, OWN);
		assert_string_equal(read_one(&operation), OWN);
	}
	assert_in_range(n_failed, 20, 78);
	aps_operation_clear(&operation);
}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        UNIT(what_is_written_is_read_at_once_and_later_the_same),
	        cmocka_unit_test_setup_teardown(what_is_written_is_read_before_there_is_a_file, setup_edits,
	                                        teardown_edits),
	        UNIT(what_others_commit_shows_beside_it),
	        UNIT(a_new_record_is_the_one_that_others_make_as_well),
	        UNIT(names_that_the_store_has_not_are_only_lent),
	        UNIT(a_read_that_starts_again_has_no_number_that_was_lent),
	        UNIT(what_comes_after_an_edit_in_its_commit_lies_above_it),
	        UNIT(an_eviction_is_seen_at_once),
	        UNIT(fields_are_shown_with_the_own_edits),
	        UNIT(a_list_that_is_being_made_is_seen_and_can_be_taken_back),
	        UNIT(what_the_core_cannot_keep_is_seen_no_more),
	        UNIT(without_a_commit_nothing_of_it_stays),
	        UNIT(what_is_saved_half_is_not_kept_nor_what_came_before_it_in_its_turn),
	        UNIT(edits_that_change_nothing_go_as_well),
	        UNIT(an_announcement_that_is_lost_takes_no_own_write_with_it),
	        UNIT(a_loss_is_not_hidden_by_a_later_one),
	        UNIT(a_store_that_moves_on_while_an_edit_is_made_is_followed),
	        UNIT(without_memory_an_edit_is_there_or_it_is_not),
	        UNIT(without_memory_a_read_fails_and_the_next_one_shows_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
