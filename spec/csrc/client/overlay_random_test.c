/* Own edits and responses on both sides, in random order, with commits, failures and reads in between:
 *
 *   - what a reader shows is what another one shows that begins with what is committed and makes the own edits that
 *     aren't decided yet once more;
 *   - a field that was written by the application itself has that value until the core has decided;
 *   - when all is committed, a reader shows what a new one shows.
 */
#include "overlay_world.h"

#include "base/mem.h"
#include "base/rand.h"

#define N_ROUNDS 60
#define N_STEPS  80

/* An own edit that isn't decided yet. */
struct made {
	struct aps_edit_what what;
	char *json;
	uint64_t number; /* 0: its list isn't complete */
};

struct round {
	struct aps_rand rand;
	uint64_t seed;
	struct made made[512];
	size_t n_made;
	int value; /* each is written once */
};

static struct round round_;

/* What is read, of the operations that are written. */
static const char *const QUERIES[] = {
        "{ one { id t u } all { id t } at { x y } }",
        "{ two: get(id: 2) { id t n(x: 1) v } all { id u } plain }",
        "{ get(id: 3) { id u at { x z } list { id } } conn { items { id t } next } }",
        "{ all { id at { x y } n(x: 2) } other { id w } }",
};

static struct aps_operation operations[APS_COUNTOF(QUERIES)];

static size_t below(size_t n)
{
	return (size_t)aps_rand_below(&round_.rand, n);
}

static int next_value(void)
{
	return ++round_.value;
}

static void put_record(struct aps_buf *out, const char *fields)
{
	aps_buf_addf(out, "{\"id\":\"%zu\",", below(5));
	for (; *fields != '\0'; fields++) {
		if (*fields == '@')
			aps_buf_addf(out, "\"at\":{\"x\":%d,\"%c\":%d},", next_value(), fields[1] == 'z' ? 'z' : 'y',
			             next_value());
		else if (*fields == 'l')
			aps_buf_addf(out, "\"list\":[{\"id\":\"%zu\",\"__typename\":\"T\"}],", below(5));
		else if (*fields != 'z')
			aps_buf_addf(out, "\"%c\":%d,", *fields, next_value());
	}
	aps_buf_add_text(out, "\"__typename\":\"T\"}");
}

static void put_records(struct aps_buf *out, const char *fields)
{
	size_t n = below(5);
	aps_buf_add_byte(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i != 0) aps_buf_add_byte(out, ',');
		put_record(out, fields);
	}
	aps_buf_add_byte(out, ']');
}

/* Data for the operation. */
static void put_data(struct aps_buf *out, size_t query)
{
	switch (query) {
	case 0:
		aps_buf_add_text(out, "{\"one\":");
		put_record(out, "tu");
		aps_buf_add_text(out, ",\"all\":");
		put_records(out, "t");
		aps_buf_addf(out, ",\"at\":{\"x\":%d,\"y\":%d}}", next_value(), next_value());
		break;
	case 1:
		aps_buf_add_text(out, "{\"two\":");
		put_record(out, "tnv");
		aps_buf_add_text(out, ",\"all\":");
		put_records(out, "u");
		aps_buf_addf(out, ",\"plain\":%d}", next_value());
		break;
	case 2:
		aps_buf_add_text(out, "{\"get\":");
		put_record(out, "u@zl");
		aps_buf_add_text(out, ",\"conn\":{\"items\":");
		put_records(out, "t");
		aps_buf_addf(out, ",\"next\":%d}}", next_value());
		break;
	default:
		aps_buf_add_text(out, "{\"all\":");
		put_records(out, "@n");
		aps_buf_add_text(out, ",\"other\":");
		put_record(out, "w");
		aps_buf_add_byte(out, '}');
		break;
	}
}

static struct made *add_made(const char *json)
{
	struct made *made = &round_.made[round_.n_made++];
	assert_true(round_.n_made <= APS_COUNTOF(round_.made));
	*made = (struct made){.json = strdup(json)};
	return made;
}

static void drop_made(uint64_t number)
{
	size_t n = 0;
	for (size_t i = 0; i < round_.n_made; i++) {
		if (round_.made[i].number == 0 || round_.made[i].number > number)
			round_.made[n++] = round_.made[i];
		else
			free(round_.made[i].json);
	}
	round_.n_made = n;
}

static void edit_data(void)
{
	size_t query = below(APS_COUNTOF(QUERIES));
	struct aps_buf data;
	aps_buf_init(&data, APS_BUF_ANY_SIZE);
	put_data(&data, query);
	struct made *made = add_made(data.p);
	made->what = write_of(&operations[query], made->json);
	edit(&made->what);
	aps_buf_clear(&data);
}

static const char *const RECORDS[] = {"T:0", "T:1", "T:2", "T:3", "T:4", "ROOT_QUERY"};

static void edit_field(void)
{
	static const char *const FIELDS[] = {"t", "u", "n({\"x\":1})", "n({\"x\":2})", "fresh"};
	char json[32];
	snprintf(json, sizeof json, "%d", next_value());
	struct made *made = add_made(json);
	made->what = set_of(RECORDS[below(5)], FIELDS[below(APS_COUNTOF(FIELDS))], made->json);
	edit(&made->what);
}

static void edit_list(void)
{
	static const char *const FORMS[] = {"{\"__edits\":[[\"^\",\"T:%zu\"]]}", "{\"__edits\":[[\"-\",\"T:%zu\"]]}",
	                                    "{\"__edits\":[[\"+\",\"T:%zu\",\"T:%zu\"]]}",
	                                    "{\"__list\":[{\"__ref\":\"T:%zu\"},{\"__ref\":\"T:%zu\"}]}"};
	char json[96], whole[128];
	size_t form = below(APS_COUNTOF(FORMS)), first = below(5), second = below(5);
	bool is_deep = below(3) == 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(json, sizeof json, FORMS[form], first, second);
#pragma GCC diagnostic pop
	snprintf(whole, sizeof whole, is_deep ? "{\"__fields\":{\"items\":%s}}" : "%s", json);
	struct made *made = add_made(whole);
	made->what = set_of("ROOT_QUERY", is_deep ? "conn" : "all", made->json);
	edit(&made->what);
}

static void edit_object(void)
{
	static const char *const FORMS[] = {"{\"x\":%d}", "{\"__fields\":{\"y\":%d}}",
	                                    "{\"z\":%d,\"y\":{\"__ref\":\"T:1\"}}"};
	char json[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(json, sizeof json, FORMS[below(APS_COUNTOF(FORMS))], next_value());
#pragma GCC diagnostic pop
	struct made *made = add_made(json);
	made->what = set_of(RECORDS[below(6)], "at", made->json);
	edit(&made->what);
}

static void edit_evict(void)
{
	static const char *const FIELDS[] = {"", "", "t", "n", "all", "get", "conn", "n({\"x\":1})"};
	struct made *made = add_made("");
	made->what = (struct aps_edit_what){
	        .kind = APS_EDIT_EVICT,
	        .key = aps_str_of(RECORDS[below(6)]),
	        .field = aps_str_of(FIELDS[below(APS_COUNTOF(FIELDS))]),
	};
	edit(&made->what);
}

static void respond(void)
{
	size_t query = below(APS_COUNTOF(QUERIES));
	struct aps_buf data;
	aps_buf_init(&data, APS_BUF_ANY_SIZE);
	put_data(&data, query);
	write_one(&operations[query], data.p);
	aps_buf_clear(&data);
}

static void post(void)
{
	struct aps_edits *edits;
	uint64_t number = aps_reader_close_edits(world.reader, &edits);
	if (number == 0) return;
	posted[n_posted++] = (struct posted){number, edits};
	for (size_t i = 0; i < round_.n_made; i++)
		if (round_.made[i].number == 0) round_.made[i].number = number;
}

static void run_one(bool fails)
{
	struct aps_err err;
	if (n_posted == 0) return;
	aps_mem_fail_at(fails ? 1 + below(12) : 0);
	run_edits(&err);
	aps_mem_fail_at(0);
}

static void end(void)
{
	struct aps_err err;
	end_turn(&err);
	drop_made(n_run);
}

static void take_back(void)
{
	if (round_.n_made == 0 || round_.made[round_.n_made - 1].number != 0) return;
	aps_edits_unref(aps_reader_take_back(world.reader));
	while (round_.n_made != 0 && round_.made[round_.n_made - 1].number == 0)
		free(round_.made[--round_.n_made].json);
}

/* All queries, with what is missing. */
static char *read_all(struct aps_reader *reader)
{
	struct aps_buf text;
	struct aps_err err;
	struct aps_read_result result;
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_partial = true};
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	for (size_t i = 0; i < APS_COUNTOF(QUERIES); i++) {
		if (aps_reader_read(reader, &operations[i], &options, &result, &err) != APS_OK) fail_msg("%s", err.msg);
		aps_buf_addf(&text, "%s missing %zu\n", result.data.p, result.n_missing);
	}
	char *copy = strdup(text.p);
	aps_read_result_clear(&result);
	aps_buf_clear(&text);
	return copy;
}

/* What a new reader shows that makes the edits that aren't decided. */
static char *read_anew(void)
{
	struct aps_err err;
	struct aps_channel *channel = aps_channel_new(77);
	struct aps_reader *reader = aps_reader_new(world.path, "p", "", &world.policies, channel, &err);
	assert_non_null(reader);
	for (size_t i = 0; i < round_.n_made; i++)
		if (aps_reader_edit(reader, &round_.made[i].what, &err) != APS_OK) fail_msg("%s", err.msg);
	char *text = read_all(reader);
	aps_reader_free(reader);
	aps_channel_unref(channel);
	return text;
}

static void check(void)
{
	char *shown = read_all(world.reader), *anew = read_anew();
	if (strcmp(shown, anew) != 0)
		fail_msg("seed %llu: shown\n%sanew\n%s", (unsigned long long)round_.seed, shown, anew);
	free(shown);
	free(anew);
}

/* The field of a record, shown; empty: it isn't there. */
static void show(const struct aps_edit_what *what, struct aps_buf *out)
{
	struct aps_err err;
	aps_buf_reset(out);
	if (aps_reader_field(world.reader, what->key, what->field, out, &err) != APS_OK) fail_msg("%s", err.msg);
}

/* The last thing that the application has written, if it is a number, is what it reads. */
static void check_last(void)
{
	struct aps_buf text;
	if (round_.n_made == 0) return;
	const struct made *last = &round_.made[round_.n_made - 1];
	if (last->what.kind != APS_EDIT_SET || last->json[0] == '{') return;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	show(&last->what, &text);
	/* a record that is nowhere has no fields */
	if (strcmp(text.p, "[]") != 0 && strstr(text.p, last->json) == NULL)
		fail_msg("seed %llu: %s has no %s", (unsigned long long)round_.seed, text.p, last->json);
	aps_buf_clear(&text);
}

static void step(void)
{
	switch (below(14)) {
	case 0:
	case 1: edit_data(); break;
	case 2: edit_field(); break;
	case 3: edit_list(); break;
	case 4: edit_object(); break;
	case 5: edit_evict(); break;
	case 6:
	case 7: respond(); break;
	case 8:
	case 9: post(); break;
	case 10: run_one(below(6) == 0); break;
	case 11:
		while (n_posted != 0) run_one(false);
		break;
	case 12: end(); break;
	case 13: take_back(); break;
	}
	check_last();
	if (below(3) == 0) check();
}

static void run_round(void)
{
	open_core();
	for (size_t i = 0; i < N_STEPS; i++) step();
	post();
	while (n_posted != 0) run_one(false);
	end();
	assert_int_equal(round_.n_made, 0);
	check();
	/* and what lies below is what the core has */
	char *shown = read_all(world.reader);
	close_core();
	char *later = read_anew();
	assert_string_equal(shown, later);
	free(shown);
	free(later);
}

static void both_sides_agree_whatever_the_order(void **state)
{
	const char *given = getenv("SEED");
	uint64_t first = given != NULL ? strtoull(given, NULL, 10) : 1;
	print_message("seeds %llu and %d more (SEED=... begins elsewhere)\n", (unsigned long long)first, N_ROUNDS - 1);
	for (uint64_t seed = first; seed < first + N_ROUNDS; seed++) {
		round_ = (struct round){.seed = seed};
		aps_rand_init(&round_.rand, seed);
		assert_int_equal(setup_edits(state), 0);
		for (size_t i = 0; i < APS_COUNTOF(QUERIES); i++) operations[i] = make(QUERIES[i], "");
		run_round();
		for (size_t i = 0; i < APS_COUNTOF(QUERIES); i++) aps_operation_clear(&operations[i]);
		assert_int_equal(teardown_edits(state), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(both_sides_agree_whatever_the_order)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
