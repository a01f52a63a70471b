/* Optimistic layers as a reader sees them: from the store, whatever the core does meanwhile. What a reader shows is
 * what the core shows. */
#include "reader_world.h"

#include "edit_calls.h"

#include "base/rand.h"

static void lay(uint64_t layer)
{
	struct aps_err err;
	uint64_t id;
	if (aps_partition_add_layer(world.partition, layer, APS_LAYER_PASSING, edits, &id, &err) != APS_OK)
		fail_msg("%s", err.msg);
	drop_edits();
	commit();
}

static void settle(uint64_t layer)
{
	struct aps_err err;
	uint64_t id = aps_partition_find_layer(world.partition, layer);
	if (aps_partition_settle_layer(world.partition, id, edits, &err) != APS_OK) fail_msg("%s", err.msg);
	if (edits != NULL) drop_edits();
	commit();
}

/* What the core shows. */
static char *read_core(const struct aps_operation *operation, bool *is_optimistic)
{
	struct aps_binding binding = {.policies = &world.policies, .names = &world.partition->cache.names};
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_partial = true};
	struct aps_read_result result;
	struct aps_err err;
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_binding_init(&binding, operation->document, operation->definition,
	                                  aps_operation_variables(operation), &err),
	                 APS_OK);
	assert_int_equal(aps_denormalize(aps_partition_source(world.partition), &binding, &options, &result, &err),
	                 APS_OK);
	char *text = strdup(result.data.p);
	*is_optimistic = result.is_optimistic;
	aps_read_result_clear(&result);
	aps_binding_clear(&binding);
	return text;
}

static const char *read_reader(const struct aps_operation *operation)
{
	struct aps_err err;
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_partial = true};
	if (aps_reader_read(world.reader, operation, &options, &world.result, &err) != APS_OK) fail_msg("%s", err.msg);
	return world.result.data.p;
}

static void assert_same(const struct aps_operation *operation)
{
	bool is_optimistic;
	char *text = read_core(operation, &is_optimistic);
	assert_string_equal(read_reader(operation), text);
	assert_int_equal(world.result.is_optimistic, is_optimistic);
	free(text);
}

static void assert_shows(const struct aps_operation *operation, const char *text)
{
	assert_string_equal(read_reader(operation), text);
	assert_same(operation);
}

#define POST "{ a { id t u } }"

static void a_reader_sees_layers_come_and_leave(void **state)
{
	(void)state;
	struct aps_operation operation = make(POST, "");
	open_core();
	write_one(&operation, "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":1,\"__typename\":\"T\"}}");
	commit();
	assert_shows(&operation, "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":1,\"__typename\":\"T\"}}");
	begin_edits();
	write_edit("ROOT_QUERY", "{ a { id t } }", "{\"a\":{\"id\":\"1\",\"t\":2,\"__typename\":\"T\"}}");
	lay(7);
	assert_shows(&operation, "{\"a\":{\"id\":\"1\",\"t\":2,\"u\":1,\"__typename\":\"T\"}}");
	assert_true(world.result.is_optimistic);
	write_one(&operation, "{\"a\":{\"id\":\"1\",\"t\":3,\"u\":3,\"__typename\":\"T\"}}");
	commit();
	assert_shows(&operation, "{\"a\":{\"id\":\"1\",\"t\":2,\"u\":3,\"__typename\":\"T\"}}");
	begin_edits();
	write_edit("ROOT_QUERY", "{ a { id t u } }", "{\"a\":{\"id\":\"2\",\"t\":9,\"u\":9,\"__typename\":\"T\"}}");
	lay(8); /* a record that only this layer has */
	assert_shows(&operation, "{\"a\":{\"id\":\"2\",\"t\":9,\"u\":9,\"__typename\":\"T\"}}");
	begin_edits();
	evict_edit("T:2");
	lay(9);
	assert_shows(&operation, "{\"a\":{}}");
	settle(9);
	settle(8);
	assert_shows(&operation, "{\"a\":{\"id\":\"1\",\"t\":2,\"u\":3,\"__typename\":\"T\"}}");
	begin_edits();
	write_edit("ROOT_QUERY", "{ a { id u } }", "{\"a\":{\"id\":\"1\",\"u\":4,\"__typename\":\"T\"}}");
	settle(7); /* what it is settled with is kept */
	assert_shows(&operation, "{\"a\":{\"id\":\"1\",\"t\":3,\"u\":4,\"__typename\":\"T\"}}");
	assert_false(world.result.is_optimistic);
	settle(7); /* nothing is left of it */
	close_core();
	aps_operation_clear(&operation);
}

static void below_layers_is_what_the_service_has_said_and_the_application_itself(void **state)
{
	(void)state;
	struct aps_operation operation = make(POST, "");
	struct aps_err err;
	open_core();
	write_one(&operation, "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":1,\"__typename\":\"T\"}}");
	begin_edits();
	write_edit("ROOT_QUERY", "{ a { id t } }", "{\"a\":{\"id\":\"1\",\"t\":2,\"__typename\":\"T\"}}");
	lay(7);
	const struct aps_edit_what own = {
	        .kind = APS_EDIT_SET, .key = APS_STR("T:1"), .field = APS_STR("u"), .json = APS_STR("{\"__json\":5}")};
	for (size_t nth = 0; nth < 60; nth++) { /* with what is in memory, and without enough of it */
		assert_string_equal(read_one(&operation),
		                    "{\"a\":{\"id\":\"1\",\"t\":2,\"u\":1,\"__typename\":\"T\"}}");
		assert_true(world.result.is_optimistic);
		aps_reader_look_below(world.reader, true);
		aps_mem_fail_at(nth);
		const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
		aps_reader_read(world.reader, &operation, &options, &world.result, &err);
		aps_mem_fail_at(0);
		assert_string_equal(read_one(&operation),
		                    "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":1,\"__typename\":\"T\"}}");
		assert_false(world.result.is_optimistic);
		assert_int_equal(aps_reader_edit(world.reader, &own, &err), APS_OK);
		assert_string_equal(read_one(&operation),
		                    "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":5,\"__typename\":\"T\"}}");
		aps_edits_unref(aps_reader_take_back(world.reader));
		aps_reader_look_below(world.reader, true); /* twice is legal */
		aps_reader_look_below(world.reader, false);
	}
	assert_shows(&operation, "{\"a\":{\"id\":\"1\",\"t\":2,\"u\":1,\"__typename\":\"T\"}}");
	close_core();
	aps_operation_clear(&operation);
}

static void layers_end_with_the_process_that_had_them(void **state)
{
	(void)state;
	struct aps_operation operation = make(POST, "");
	open_core();
	write_one(&operation, "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":1,\"__typename\":\"T\"}}");
	begin_edits();
	write_edit("ROOT_QUERY", "{ a { id t } }", "{\"a\":{\"id\":\"1\",\"t\":2,\"__typename\":\"T\"}}");
	lay(7);
	close_core();
	open_core();
	aps_reader_free(world.reader);
	world.reader = aps_reader_new(world.path, "p", "", &world.policies, world.channel, NULL);
	assert_shows(&operation, "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":1,\"__typename\":\"T\"}}");
	close_core();
	aps_operation_clear(&operation);
}

/* Ids are given again by each process; those of another identity may still be there. */
static void layers_of_a_former_process_are_in_nobodys_way(void **state)
{
	(void)state;
	struct aps_operation operation = make(POST, "");
	struct aps_err err;
	open_core();
	begin_edits();
	write_edit("ROOT_QUERY", "{ a { id t } }", "{\"a\":{\"id\":\"1\",\"t\":1,\"__typename\":\"T\"}}");
	lay(7);
	close_core();
	world.vault = aps_vault_open(&world.vaults, &(struct aps_store_options){.path = world.path}, &err);
	assert_non_null(world.vault);
	world.partition = aps_partition_open(world.vault, "p", "other", &world.policies, world.channel, &err);
	assert_non_null(world.partition);
	aps_reader_free(world.reader);
	world.reader = aps_reader_new(world.path, "p", "other", &world.policies, world.channel, &err);
	begin_edits();
	write_edit("ROOT_QUERY", "{ a { id t u } }", "{\"a\":{\"id\":\"1\",\"t\":2,\"u\":2,\"__typename\":\"T\"}}");
	lay(7);
	assert_shows(&operation, "{\"a\":{\"id\":\"1\",\"t\":2,\"u\":2,\"__typename\":\"T\"}}");
	aps_partition_close(world.partition);
	aps_vault_close(&world.vaults, world.vault);
	aps_operation_clear(&operation);
}

static void put_list(struct aps_buf *json, struct aps_rand *rand, size_t n_least, size_t n_more)
{
	size_t n = n_least + aps_rand_below(rand, n_more + 1), first = aps_rand_below(rand, 20);
	aps_buf_add_text(json, "{\"all\":[");
	for (size_t i = 0; i < n; i++)
		aps_buf_addf(json, "%s{\"id\":\"%zu\",\"t\":%u,\"__typename\":\"T\"}", i != 0 ? "," : "",
		             first + i * (1 + first % 2), (unsigned)aps_rand_below(rand, 3));
	aps_buf_add_text(json, "]}");
}

/* `n_least`: above 256 lists are in blocks. */
static void lay_anything(uint64_t seed, size_t n_least, size_t n_steps)
{
	struct aps_rand rand;
	uint64_t layers[4] = {0}, last = 0;
	struct aps_operation all = make("{ all { id t } one { id t u } at(n: 1) { x } }", "");
	struct aps_operation one = make("{ one { id t u } at(n: 1) { x } }", ""), list = make("{ all { id t } }", "");
	aps_rand_init(&rand, seed);
	for (size_t step = 0; step < n_steps; step++) {
		struct aps_buf json;
		char key[16];
		aps_buf_init(&json, APS_BUF_ANY_SIZE);
		size_t slot = aps_rand_below(&rand, APS_COUNTOF(layers));
		bool is_layer = aps_rand_below(&rand, 3) != 0;
		bool is_list = aps_rand_below(&rand, 3) == 0;
		if (is_list)
			put_list(&json, &rand, n_least, 6);
		else
			aps_buf_addf(
			        &json,
			        "{\"one\":{\"id\":\"%zu\",\"t\":%u,\"u\":%u,\"__typename\":\"T\"},\"at\":{\"x\":%u}}",
			        (size_t)aps_rand_below(&rand, 6), (unsigned)aps_rand_below(&rand, 3),
			        (unsigned)aps_rand_below(&rand, 3), (unsigned)aps_rand_below(&rand, 3));
		if (!is_layer) {
			write_one(is_list ? &list : &one, json.p);
			commit();
		} else {
			begin_edits();
			write_edit("ROOT_QUERY", is_list ? "{ all { id t } }" : "{ one { id t u } at(n: 1) { x } }",
			           json.p);
			snprintf(key, sizeof key, "T:%u", (unsigned)aps_rand_below(&rand, 6));
			if (aps_rand_below(&rand, 8) == 0) evict_edit(key);
			if (layers[slot] == 0)
				lay(layers[slot] = ++last);
			else
				settle(layers[slot]), layers[slot] = 0;
		}
		aps_buf_clear(&json);
		if (aps_rand_below(&rand, 4) == 0) {
			aps_reader_look_below(world.reader, true);
			read_reader(&all);
			assert_false(world.result.is_optimistic);
			aps_reader_look_below(world.reader, false);
		}
		if (aps_rand_below(&rand, 4) != 0) assert_same(&all);
	}
	for (size_t slot = 0; slot < APS_COUNTOF(layers); slot++)
		if (layers[slot] != 0) settle(layers[slot]);
	assert_same(&all);
	assert_false(world.result.is_optimistic);
	aps_operation_clear(&all);
	aps_operation_clear(&one);
	aps_operation_clear(&list);
}

static void a_reader_shows_what_the_core_shows_whatever_layers_come(void **state)
{
	(void)state;
	open_core();
	for (uint64_t seed = 1; seed <= 20; seed++) lay_anything(seed, 0, 60);
	lay_anything(99, 300, 40);
	world.partition->max_bytes = 0; /* between two turns of the core nothing is kept */
	for (uint64_t seed = 1; seed <= 20; seed++) lay_anything(seed, 0, 60);
	lay_anything(99, 300, 40);
	close_core();
}

static void a_reader_hides_layers_and_shows_them_again(void **state)
{
	static const char BASE[] = "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":1,\"__typename\":\"T\"}}";
	static const char BELOW[] = "{\"a\":{\"id\":\"1\",\"t\":2,\"u\":1,\"__typename\":\"T\"}}";
	(void)state;
	struct aps_operation operation = make(POST, "");
	open_core();
	write_one(&operation, BASE);
	commit();
	begin_edits();
	write_edit("ROOT_QUERY", "{ a { id t } }", "{\"a\":{\"id\":\"1\",\"t\":2,\"__typename\":\"T\"}}");
	lay(7);
	assert_shows(&operation, BELOW);
	for (int i = 0; i < 3; i++) {
		aps_reader_look_below(world.reader, true);
		assert_string_equal(read_reader(&operation), BASE);
		assert_false(world.result.is_optimistic);
		aps_reader_look_below(world.reader, true);
		aps_reader_look_below(world.reader, false);
		assert_shows(&operation, BELOW);
	}
	begin_edits(); /* one more comes while they are hidden */
	write_edit("ROOT_QUERY", "{ a { id u } }", "{\"a\":{\"id\":\"1\",\"u\":5,\"__typename\":\"T\"}}");
	aps_reader_look_below(world.reader, true);
	lay(8);
	assert_string_equal(read_reader(&operation), BASE);
	aps_reader_look_below(world.reader, false);
	assert_shows(&operation, "{\"a\":{\"id\":\"1\",\"t\":2,\"u\":5,\"__typename\":\"T\"}}");
	aps_reader_look_below(world.reader, true); /* and both leave */
	assert_string_equal(read_reader(&operation), BASE);
	settle(8);
	settle(7);
	assert_string_equal(read_reader(&operation), BASE);
	aps_reader_look_below(world.reader, false);
	assert_shows(&operation, BASE);
	close_core();
	aps_operation_clear(&operation);
}

#define MAKE    "mutation { make { id t } }"
#define N_HOPES 8

/* A record that somebody hopes to make. */
struct hope {
	unsigned n; /* T:xn is its temporary name, T:n its own; 0: none */
	uint64_t layer, other_layer;
	bool is_answered, is_told; /* is_told: the list has come with it before the answer */
};

static void add_to_list(const char *key)
{
	char json[96];
	snprintf(json, sizeof json, "{\"__edits\":[[\"+\",\"%s\",\"%s\"]]}", key, key);
	const struct aps_edit_what what = {
	        .kind = APS_EDIT_SET, .key = APS_STR("ROOT_QUERY"), .field = APS_STR("all"), .json = aps_str_of(json)};
	assert_true(aps_edits_add(edits, &what));
}

static void hope_for(struct hope *hope, unsigned n, uint64_t layer)
{
	char json[128], key[16];
	*hope = (struct hope){.n = n, .layer = layer};
	begin_edits();
	snprintf(json, sizeof json, "{\"make\":{\"id\":\"x%u\",\"t\":%u,\"__typename\":\"T\"}}", n, n);
	write_edit("", MAKE, json);
	snprintf(key, sizeof key, "T:x%u", n);
	add_to_list(key);
	lay(layer);
}

/* Another mutation of the same record, by the name that it had when it was begun. */
static void hope_more(struct hope *hope, uint64_t layer)
{
	char json[128];
	hope->other_layer = layer;
	begin_edits();
	snprintf(json, sizeof json, "{\"make\":{\"id\":\"%s%u\",\"t\":%u,\"__typename\":\"T\"}}",
	         hope->is_answered ? "" : "x", hope->n, 1000 + hope->n);
	write_edit("", MAKE, json);
	lay(layer);
}

static void answer(struct hope *hope)
{
	char json[128];
	struct aps_err err;
	struct aps_operation operation = make(MAKE, "");
	snprintf(json, sizeof json, "{\"make\":{\"id\":\"%u\",\"t\":%u,\"__typename\":\"T\"}}", hope->n, hope->n);
	const struct aps_partition_data data = {
	        .operation = &operation,
	        .data = aps_str_of(json),
	        .layer = aps_partition_find_layer(world.partition, hope->layer),
	};
	if (aps_partition_write(world.partition, &data, &err) != APS_OK) fail_msg("%s", err.msg);
	commit();
	hope->is_answered = true;
	aps_operation_clear(&operation);
}

/* Somebody else tells of it. */
static void bring(struct hope *hope)
{
	char json[128], key[16];
	snprintf(json, sizeof json, "{\"make\":{\"id\":\"%u\",\"t\":%u,\"__typename\":\"T\"}}", hope->n, hope->n);
	struct aps_operation operation = make(MAKE, "");
	write_one(&operation, json);
	aps_operation_clear(&operation);
	begin_edits();
	snprintf(key, sizeof key, "T:%u", hope->n);
	add_to_list(key);
	settle(UINT64_MAX); /* of no layer: only what is kept */
	hope->is_told = true;
}

static void end_hope(struct hope *hope, bool has_update)
{
	char key[16];
	snprintf(key, sizeof key, "T:%u", hope->n);
	if (has_update) begin_edits();
	if (has_update) add_to_list(key);
	settle(hope->layer);
	if (hope->other_layer != 0) settle(hope->other_layer);
	hope->n = 0;
}

static unsigned count_in(const char *text, const char *format, unsigned n)
{
	char id[32];
	unsigned times = 0;
	snprintf(id, sizeof id, format, n);
	for (; (text = strstr(text, id)) != NULL; text++) times++;
	return times;
}

static void assert_once(const struct hope *hope, const char *text)
{
	unsigned n_own = count_in(text, "\"id\":\"%u\"", hope->n), n_hoped = count_in(text, "\"id\":\"x%u\"", hope->n);
	assert_int_equal(n_own, hope->is_answered || hope->is_told);
	assert_int_equal(n_hoped, !hope->is_answered);
	if (hope->other_layer != 0) assert_int_equal(count_in(text, "\"t\":%u,", 1000 + hope->n), 1);
}

static void hope_for_anything(uint64_t seed)
{
	struct aps_rand rand;
	struct hope hopes[N_HOPES] = {{0}};
	struct aps_operation all = make("{ all { id t } }", "");
	uint64_t last = 0;
	unsigned n = 0;
	write_one(&all, "{\"all\":[]}");
	commit();
	aps_rand_init(&rand, seed);
	for (size_t step = 0; step < 150; step++) {
		struct hope *hope = &hopes[aps_rand_below(&rand, N_HOPES)];
		size_t kind = aps_rand_below(&rand, 6);
		if (hope->n == 0)
			hope_for(hope, ++n, ++last);
		else if (kind == 0 && hope->other_layer == 0)
			hope_more(hope, ++last);
		else if (kind == 1 && !hope->is_answered && !hope->is_told)
			bring(hope);
		else if (kind <= 3 && !hope->is_answered)
			answer(hope);
		else if (kind >= 4)
			end_hope(hope, hope->is_answered && aps_rand_below(&rand, 4) != 0);
		assert_same(&all);
		for (size_t i = 0; i < N_HOPES; i++)
			if (hopes[i].n != 0) assert_once(&hopes[i], world.result.data.p);
	}
	for (size_t i = 0; i < N_HOPES; i++)
		if (hopes[i].n != 0) end_hope(&hopes[i], false);
	assert_same(&all);
	assert_false(world.result.is_optimistic);
	assert_null(strstr(world.result.data.p, "\"id\":\"x"));
	aps_operation_clear(&all);
}

static void lists_have_each_item_once_by_its_temporary_or_its_own_name(void **state)
{
	(void)state;
	open_core();
	for (uint64_t seed = 1; seed <= 20; seed++) hope_for_anything(seed);
	world.partition->max_bytes = 0; /* between two turns of the core nothing is kept */
	for (uint64_t seed = 1; seed <= 20; seed++) hope_for_anything(seed);
	close_core();
}

/* What the application has written, and the core hasn't committed. */
struct own {
	uint64_t number, layer; /* layer 0: for good */
	struct aps_edits *edits;
};

static void edit_own(struct aps_rand *rand)
{
	char json[128], key[16];
	struct aps_err err;
	snprintf(key, sizeof key, "T:%u", (unsigned)aps_rand_below(rand, 5));
	struct aps_edit_what what = {.kind = APS_EDIT_SET, .key = APS_STR("ROOT_QUERY"), .field = APS_STR("all")};
	switch (aps_rand_below(rand, 4)) {
	case 0: snprintf(json, sizeof json, "{\"__edits\":[[\"+\",\"%s\",\"%s\"]]}", key, key); break;
	case 1: snprintf(json, sizeof json, "{\"__edits\":[[\"-\",\"%s\"]]}", key); break;
	case 2:
		snprintf(json, sizeof json, "{\"__json\":%u}", (unsigned)aps_rand_below(rand, 1000));
		what.key = aps_str_of(key);
		what.field = aps_rand_below(rand, 2) == 0 ? APS_STR("t") : APS_STR("u");
		break;
	default:
		json[0] = '\0';
		what.kind = APS_EDIT_EVICT;
		what.key = aps_str_of(key);
		what.field = APS_STR("");
	}
	what.json = aps_str_of(json);
	assert_int_equal(aps_reader_edit(world.reader, &what, &err), APS_OK);
}

static void commit_own(const struct own *own)
{
	struct aps_err err;
	uint64_t id;
	enum aps_rc rc = own->layer != 0 ? aps_partition_add_layer(world.partition, own->layer, APS_LAYER_PASSING,
	                                                           own->edits, &id, &err)
	                                 : aps_partition_edit(world.partition, own->number, own->edits, &err);
	if (rc != APS_OK) fail_msg("%s", err.msg);
	world.partition->edits = own->number;
	commit();
	aps_channel_decide(world.channel, own->number);
	aps_edits_unref(own->edits);
}

/* What is shown of own edits before the core has them is what is shown once it has. */
static void write_anything(uint64_t seed)
{
	static const char BASE[] =
	        "{\"all\":[{\"id\":\"1\",\"t\":1,\"u\":1,\"__typename\":\"T\"},{\"id\":\"2\",\"t\":2,\"u\":2,"
	        "\"__typename\":\"T\"},{\"id\":\"3\",\"t\":3,\"u\":3,\"__typename\":\"T\"}]}";
	struct aps_rand rand;
	struct own waiting[3];
	struct aps_operation all = make("{ all { id t u } }", "");
	uint64_t last = seed * 1000, first = last + 1;
	size_t n = 0;
	aps_rand_init(&rand, seed);
	write_one(&all, BASE);
	commit();
	for (size_t step = 0; step < 80; step++) {
		if (n == APS_COUNTOF(waiting) || (n != 0 && aps_rand_below(&rand, 3) == 0)) {
			char *before = strdup(read_reader(&all));
			commit_own(&waiting[0]);
			assert_string_equal(read_reader(&all), before);
			memmove(waiting, waiting + 1, --n * sizeof *waiting);
			free(before);
			if (n == 0) assert_same(&all);
			continue;
		}
		if (n == 0 && first <= last && aps_rand_below(&rand, 4) == 0) {
			settle(first++);
			continue;
		}
		bool is_hoped = aps_rand_below(&rand, 2) == 0;
		aps_reader_hope(world.reader, is_hoped);
		aps_reader_look_below(world.reader, !is_hoped);
		for (size_t i = 0; i <= aps_rand_below(&rand, 2); i++) edit_own(&rand);
		aps_reader_hope(world.reader, false);
		aps_reader_look_below(world.reader, false);
		waiting[n] = (struct own){.layer = is_hoped ? ++last : 0};
		waiting[n].number = aps_reader_close_edits(world.reader, &waiting[n].edits);
		n++;
	}
	for (size_t i = 0; i < n; i++) commit_own(&waiting[i]);
	while (first <= last) settle(first++);
	assert_same(&all);
	aps_operation_clear(&all);
}

static void own_edits_lie_where_they_will_lie(void **state)
{
	(void)state;
	open_core();
	for (uint64_t seed = 1; seed <= 40; seed++) write_anything(seed);
	world.partition->max_bytes = 0; /* between two turns of the core nothing is kept */
	for (uint64_t seed = 1; seed <= 40; seed++) write_anything(seed);
	close_core();
}

static void set_own(const char *json, bool is_hoped)
{
	struct aps_err err;
	struct aps_edits *own;
	const struct aps_edit_what what = {
	        .kind = APS_EDIT_SET, .key = APS_STR("T:1"), .field = APS_STR("t"), .json = aps_str_of(json)};
	aps_reader_hope(world.reader, is_hoped);
	aps_reader_look_below(world.reader, !is_hoped);
	assert_int_equal(aps_reader_edit(world.reader, &what, &err), APS_OK);
	aps_reader_hope(world.reader, false);
	aps_reader_look_below(world.reader, false);
	assert_int_not_equal(aps_reader_close_edits(world.reader, &own), 0);
	aps_edits_unref(own);
}

static void without_memory_own_edits_are_shown_later(void **state)
{
	(void)state;
	struct aps_operation operation = make(POST, "");
	static const char *const SHOWN[] = {"{\"a\":{\"id\":\"1\",\"t\":2,\"u\":1,\"__typename\":\"T\"}}",
	                                    "{\"a\":{\"id\":\"1\",\"t\":4,\"u\":1,\"__typename\":\"T\"}}"};
	open_core();
	write_one(&operation, "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":1,\"__typename\":\"T\"}}");
	begin_edits();
	write_edit("ROOT_QUERY", "{ a { id t } }", "{\"a\":{\"id\":\"1\",\"t\":2,\"__typename\":\"T\"}}");
	lay(7);
	assert_shows(&operation, SHOWN[0]);
	for (int round = 0; round < 2; round++) {
		if (round == 0) set_own("3", false); /* below the layer, which shows */
		if (round == 1) set_own("4", true);  /* above it */
		for (size_t nth = 1; nth < 60; nth++) {
			struct aps_err err;
			const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
			aps_reader_look_below(world.reader, true);
			assert_string_equal(read_reader(&operation),
			                    "{\"a\":{\"id\":\"1\",\"t\":3,\"u\":1,\"__typename\":\"T\"}}");
			aps_reader_look_below(world.reader, false);
			aps_mem_fail_at(nth);
			aps_reader_read(world.reader, &operation, &options, &world.result, &err);
			aps_mem_fail_at(0);
			assert_string_equal(read_reader(&operation), SHOWN[round]);
		}
	}
	close_core();
	aps_operation_clear(&operation);
}

static void without_memory_a_layer_is_all_or_nothing(void **state)
{
	(void)state;
	struct aps_operation operation = make(POST, "");
	size_t n_failed = 0;
	open_core();
	write_one(&operation, "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":1,\"__typename\":\"T\"}}");
	commit();
	for (size_t nth = 1; nth < 150; nth++) {
		struct aps_err err;
		const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_partial = true};
		begin_edits();
		write_edit("ROOT_QUERY", "{ a { id t } }", "{\"a\":{\"id\":\"1\",\"t\":2,\"__typename\":\"T\"}}");
		aps_mem_fail_at(nth);
		uint64_t id;
		enum aps_rc rc = aps_partition_add_layer(world.partition, nth, APS_LAYER_PASSING, edits, &id, &err);
		aps_mem_fail_at(0);
		n_failed += rc != APS_OK;
		drop_edits();
		aps_vault_commit(world.vault, &err);
		assert_same(&operation);
		aps_mem_fail_at(nth);
		id = aps_partition_find_layer(world.partition, nth);
		rc = aps_partition_settle_layer(world.partition, id, NULL, &err);
		aps_mem_fail_at(0);
		n_failed += rc != APS_OK;
		aps_vault_commit(world.vault, &err);
		assert_same(&operation);
		settle(nth);
		aps_reader_free(world.reader); /* so that it has to look into the store */
		world.reader = aps_reader_new(world.path, "p", "", &world.policies, world.channel, &err);
		aps_mem_fail_at(nth);
		rc = aps_reader_read(world.reader, &operation, &options, &world.result, &err);
		aps_mem_fail_at(0);
		n_failed += rc != APS_OK;
		assert_shows(&operation, "{\"a\":{\"id\":\"1\",\"t\":1,\"u\":1,\"__typename\":\"T\"}}");
	}
	assert_true(n_failed > 30);
	close_core();
	aps_operation_clear(&operation);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_reader_sees_layers_come_and_leave, setup, teardown),
	        cmocka_unit_test_setup_teardown(below_layers_is_what_the_service_has_said_and_the_application_itself,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(layers_end_with_the_process_that_had_them, setup, teardown),
	        cmocka_unit_test_setup_teardown(layers_of_a_former_process_are_in_nobodys_way, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_reader_shows_what_the_core_shows_whatever_layers_come, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(a_reader_hides_layers_and_shows_them_again, setup, teardown),
	        cmocka_unit_test_setup_teardown(lists_have_each_item_once_by_its_temporary_or_its_own_name, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(own_edits_lie_where_they_will_lie, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_own_edits_are_shown_later, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_a_layer_is_all_or_nothing, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
