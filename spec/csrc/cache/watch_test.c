#include "cache_world.h"

#include <stdlib.h>

#include "base/rand.h"
#include "cache/evict.h"
#include "cache/watch.h"

#define MAX_WATCHES 8

/* A watch as the application has it: the text and, by number, what each segment of it was when it came. */
struct screen {
	struct aps_gql_document *document;
	struct aps_binding binding;
	struct aps_watch watch;
	char *shown;        /* the text, as it was asked for last */
	char *pieces[4096]; /* by segment; NULL: it isn't known, or is no more */
	unsigned n_changes;
};

static struct aps_watches watches;
static struct screen screens[MAX_WATCHES];
static bool is_packed; /* each test runs for both forms */

static void open_screen(struct screen *screen, const char *query, const char *variables)
{
	const struct aps_read_options options = {
	        .root = APS_STR("RROOT_QUERY"), .is_packed = is_packed, .key_seed = world.cache.entries.seed};
	struct aps_err err;
	memset(screen, 0, sizeof *screen);
	screen->document = parse(query);
	screen->binding = (struct aps_binding){.policies = &world.policies, .names = &world.cache.names};
	assert_int_equal(aps_binding_init(&screen->binding, screen->document,
	                                  aps_gql_document_operation(screen->document, 0), aps_str_of(variables), &err),
	                 APS_OK);
	aps_watch_add(&watches, &screen->watch, &screen->binding, &options, APS_BUF_ANY_SIZE);
}

static void close_screen(struct screen *screen)
{
	aps_watch_remove(&watches, &screen->watch);
	aps_binding_clear(&screen->binding);
	aps_gql_document_unref(screen->document);
	for (size_t i = 0; i < APS_COUNTOF(screen->pieces); i++) free(screen->pieces[i]);
	free(screen->shown);
}

/* Of text, or of what is packed. */
static char *copy(const struct screen *screen, struct aps_str data)
{
	struct aps_buf json;
	struct aps_str text = data;
	const struct aps_packed packed = {data, screen->binding.labels, screen->binding.n_labels};
	aps_buf_init(&json, APS_BUF_ANY_SIZE);
	if (is_packed) {
		assert_true(packed_text(&packed, &json));
		text = aps_buf_str(&json);
	}

	char *p = malloc(text.n + 1);
	assert_non_null(p);
	memcpy(p, text.p, text.n);
	p[text.n] = '\0';
	aps_buf_clear(&json);
	return p;
}

/* A number stands for the same text for as long as it is there. */
static void check_segment(struct screen *screen, const struct aps_segment *segment)
{
	const struct aps_read_result *result = &screen->watch.result;
	assert_true(segment->begin <= segment->end && segment->end <= result->data.n);
	assert_true(segment->id != 0 && segment->id < APS_COUNTOF(screen->pieces));
	struct aps_str text = {result->data.p + segment->begin, segment->end - segment->begin};
	char *now = copy(screen, text), **piece = &screen->pieces[segment->id];
	assert_true(strlen(now) >= 2 && now[0] == '{' && now[strlen(now) - 1] == '}');
	if (*piece != NULL) assert_string_equal(now, *piece);
	free(*piece);
	*piece = now;
}

static void refresh(struct screen *screen)
{
	struct aps_watch_change change;
	struct aps_err err;
	assert_int_equal(aps_watch_read(&watches, &screen->watch, &world.source, &change, &err), APS_OK);
	for (size_t i = 0; i < change.gone.n / sizeof(uint64_t); i++) {
		uint64_t id = ((const uint64_t *)(const void *)change.gone.p)[i];
		assert_true(id < APS_COUNTOF(screen->pieces));
		free(screen->pieces[id]);
		screen->pieces[id] = NULL;
	}
	for (size_t i = 0; i < aps_segments_count(&screen->watch.result.segments); i++)
		check_segment(screen, aps_segments_at(&screen->watch.result.segments, i));
	screen->n_changes += change.is_other;
	aps_buf_clear(&change.gone);
}

static const char *text_of(struct screen *screen)
{
	free(screen->shown);
	screen->shown = copy(screen, aps_buf_str(&screen->watch.result.data));
	return screen->shown;
}

static uint64_t id_of(const struct screen *screen, const char *text)
{
	for (uint64_t id = 1; id < APS_COUNTOF(screen->pieces); id++)
		if (screen->pieces[id] != NULL && strstr(screen->pieces[id], text) == screen->pieces[id]) return id;
	return 0;
}

/* What has changed is told, and those that it concerns read again. */
static void turn(void)
{
	aps_watches_mark(&watches, &world.changed);
	aps_changed_clear(&world.changed);
	for (struct aps_watch *watch = watches.first, *next; watch != NULL; watch = next) {
		next = watch->next;
		if (watch->is_stale) refresh(APS_CONTAINER_OF(watch, struct screen, watch));
	}
	assert_int_equal(watches.n_stale, 0);
}

static int open_watches(void **state)
{
	aps_watches_init(&watches);
	memset(screens, 0, sizeof screens);
	return setup(state);
}

static int close_watches(void **state)
{
	for (size_t i = 0; i < MAX_WATCHES; i++)
		if (screens[i].document != NULL) close_screen(&screens[i]);
	assert_null(watches.first);
	assert_int_equal(watches.n_nodes, 0);
	assert_int_equal(watches.n_stale, 0);
	aps_watches_clear(&watches);
	return teardown(state);
}

#define POSTS "{ all { id title author { id name } } }"
#define POST(id, title)                                                                                                \
	"{\"id\":\"" id "\",\"title\":\"" title "\",\"__typename\":\"P\",\"author\":{\"id\":\"" id                     \
	"\",\"name\":\"n\",\"__typename\":\"A\"}}"

static void only_what_has_changed_is_read_again(void **state)
{
	(void)state;
	struct screen *screen = &screens[0];
	write_data(POSTS, "{}", "{\"all\":[" POST("1", "a") "," POST("2", "b") "," POST("3", "c") "]}");
	open_screen(screen, POSTS, "{}");
	turn();
	assert_int_equal(screen->watch.result.n_records, 6);
	uint64_t first = id_of(screen, "{\"id\":\"1\",\"title\""), second = id_of(screen, "{\"id\":\"2\",\"title\"");
	uint64_t author = id_of(screen, "{\"id\":\"2\",\"name\"");
	assert_true(first != 0 && second != 0 && author != 0);
	write_data("{ one { id title } }", "{}", "{\"one\":{\"id\":\"2\",\"title\":\"B\",\"__typename\":\"P\"}}");
	turn();
	assert_int_equal(screen->watch.result.n_records, 1); /* its author was taken over */
	assert_int_equal(id_of(screen, "{\"id\":\"1\",\"title\""), first);
	assert_int_not_equal(id_of(screen, "{\"id\":\"2\",\"title\""), second);
	assert_int_equal(id_of(screen, "{\"id\":\"2\",\"name\""), author);
	assert_non_null(strstr(text_of(screen), "\"title\":\"B\""));
	assert_int_equal(screen->n_changes, 2);
}

static void what_moves_in_a_list_is_found_again(void **state)
{
	(void)state;
	struct screen *screen = &screens[0];
	write_data(POSTS, "{}", "{\"all\":[" POST("1", "a") "," POST("2", "b") "," POST("3", "c") "]}");
	open_screen(screen, POSTS, "{}");
	turn();
	uint64_t third = id_of(screen, "{\"id\":\"3\",\"title\"");
	write_data(POSTS, "{}", "{\"all\":[" POST("3", "c") "," POST("4", "d") "," POST("1", "a") "]}");
	turn();
	assert_int_equal(screen->watch.result.n_records, 2); /* the new one and its author */
	assert_int_equal(id_of(screen, "{\"id\":\"3\",\"title\""), third);
	assert_int_equal(id_of(screen, "{\"id\":\"2\",\"title\""), 0);
}

static void what_does_not_show_is_no_change(void **state)
{
	(void)state;
	struct screen *screen = &screens[0];
	write_data(POSTS, "{}", "{\"all\":[" POST("1", "a") "]}");
	open_screen(screen, POSTS, "{}");
	turn();
	write_data("{ one { id likes } }", "{}", "{\"one\":{\"id\":\"1\",\"likes\":9,\"__typename\":\"P\"}}");
	turn();
	assert_int_equal(screen->n_changes, 1);
	write_data("{ other { id } }", "{}", "{\"other\":{\"id\":\"9\",\"__typename\":\"P\"}}");
	aps_watches_mark(&watches, &world.changed);
	assert_true(screen->watch.is_stale); /* the root has another field */
	turn();
	assert_int_equal(screen->n_changes, 1);
	write_data("{ all { id author { id bio } } }", "{}",
	           "{\"all\":[{\"id\":\"1\",\"__typename\":\"P\",\"author\":{\"id\":\"8\",\"bio\":\"-\",\"__typename\":"
	           "\"A\"}}]}");
	turn();
	assert_int_equal(screen->n_changes, 2); /* another author, of whom no name is known: it isn't whole any more */
	assert_string_equal(screen->watch.result.missing.p, "all.0.author.name");
}

/* As after a move to where everything has other numbers. */
static void what_is_forgotten_is_read_as_if_for_the_first_time(void **state)
{
	(void)state;
	struct screen *screen = &screens[0], *other = &screens[1];
	struct aps_buf gone;
	write_data(POSTS, "{}", "{\"all\":[" POST("1", "a") "," POST("2", "b") "]}");
	open_screen(screen, POSTS, "{}");
	open_screen(other, POSTS, "{}");
	turn();
	uint64_t first = id_of(screen, "{\"id\":\"1\",\"title\"");
	size_t n_segments = aps_segments_count(&screen->watch.result.segments);
	aps_buf_init(&gone, APS_BUF_ANY_SIZE);
	aps_watch_forget(&watches, &screen->watch, &gone);
	assert_true(screen->watch.is_stale);
	assert_false(other->watch.is_stale);
	assert_int_equal(gone.n / sizeof(uint64_t), n_segments);
	write_data("{ one { id title } }", "{}", "{\"one\":{\"id\":\"1\",\"title\":\"A\",\"__typename\":\"P\"}}");
	assert_int_equal(watches.n_stale, 1);
	aps_watch_forget(&watches, &screen->watch, &gone); /* nothing more */
	assert_int_equal(gone.n / sizeof(uint64_t), n_segments);
	aps_buf_clear(&gone);
	for (size_t i = 0; i < APS_COUNTOF(screen->pieces); i++) {
		free(screen->pieces[i]);
		screen->pieces[i] = NULL;
	}
	turn();
	assert_int_equal(screen->watch.result.n_records, 4);
	assert_int_equal(screen->n_changes, 2);
	assert_int_equal(other->watch.result.n_records, 1);
	assert_string_equal(text_of(screen), text_of(other));
	assert_int_not_equal(id_of(screen, "{\"id\":\"2\",\"title\""), first);
	assert_true(aps_segments_at(&screen->watch.result.segments, 0)->id > n_segments); /* no number comes twice */
}

static void a_layer_is_seen_and_seen_to_leave(void **state)
{
	(void)state;
	struct screen *screen = &screens[0];
	write_data(POSTS, "{}", "{\"all\":[" POST("1", "a") "," POST("2", "b") "]}");
	open_screen(screen, POSTS, "{}");
	turn();
	assert_false(screen->watch.result.is_optimistic);
	write_layer(7, "{ one { id title } }", "{\"one\":{\"id\":\"2\",\"title\":\"B\",\"__typename\":\"P\"}}");
	turn();
	assert_true(screen->watch.result.is_optimistic);
	write_answer(7, "{ one { id title } }", "{\"one\":{\"id\":\"2\",\"title\":\"B\",\"__typename\":\"P\"}}");
	turn();
	assert_false(screen->watch.result.is_optimistic);
	assert_int_equal(screen->n_changes, 3);
}

static void evict(const char *key, const char *field)
{
	aps_write_begin(&world.write, &world.cache);
	aps_evict(&world.write, aps_str_of(key), aps_str_of(field));
	assert_true(aps_write_settle(&world.write));
	note_changed();
	aps_write_commit(&world.write);
}

static const char *const QUERIES[] = {
        "{ all { id title author { id name } } }",
        "{ all { id tags author { id friends { id name } } } one { id title } }",
        "{ p: list(n: 1) { items { id title } next } }",
        "{ list(n: 1) { items { id author { name } } } list2: list(n: 2) { items { id title tags } } }",
        "{ one { id author { id best { id title author { name } } } } }",
        "{ all { ... on P { id } ... on Q { id title } likes(x: 1) } }",
};

static void add_object(struct aps_buf *json, struct aps_rand *rand, int depth, bool is_post)
{
	unsigned id = (unsigned)aps_rand_below(rand, 9);
	const char *type = is_post ? (id % 4 == 3 ? "Q" : "P") : "A";
	aps_buf_addf(json, "{\"id\":\"%u\",\"__typename\":\"%s\"", id, type);
	if (is_post && aps_rand_below(rand, 3) != 0)
		aps_buf_addf(json, ",\"title\":\"t%u\"", (unsigned)aps_rand_below(rand, 3));
	if (is_post && aps_rand_below(rand, 3) == 0)
		aps_buf_addf(json, ",\"tags\":[\"x\",\"%u\"]", (unsigned)aps_rand_below(rand, 3));
	if (is_post && aps_rand_below(rand, 3) == 0)
		aps_buf_addf(json, ",\"likes\":%u", (unsigned)aps_rand_below(rand, 3));
	if (!is_post) aps_buf_addf(json, ",\"name\":\"n%u\"", (unsigned)aps_rand_below(rand, 3));
	if (is_post && depth < 3 && aps_rand_below(rand, 2) == 0) {
		aps_buf_add_text(json, ",\"author\":");
		add_object(json, rand, depth + 1, false);
	}
	if (!is_post && depth < 3 && aps_rand_below(rand, 3) == 0) {
		aps_buf_add_text(json, ",\"best\":");
		if (aps_rand_below(rand, 4) == 0)
			aps_buf_add_text(json, "null");
		else
			add_object(json, rand, depth + 1, true);
	}
	if (!is_post && depth < 3 && aps_rand_below(rand, 3) == 0) {
		aps_buf_add_text(json, ",\"friends\":[");
		add_object(json, rand, depth + 1, false);
		aps_buf_add_byte(json, ']');
	}
	aps_buf_add_byte(json, '}');
}

static void add_list(struct aps_buf *json, struct aps_rand *rand)
{
	size_t n = aps_rand_below(rand, 6);
	aps_buf_add_byte(json, '[');
	for (size_t i = 0; i < n; i++) {
		if (i != 0) aps_buf_add_byte(json, ',');
		add_object(json, rand, 0, true);
	}
	aps_buf_add_byte(json, ']');
}

#define FIELDS "id title tags likes(x: 1) author { id name best { id title author { id name } } friends { id name } }"

/* Anything that any of the queries looks at. */
static void write_something(struct aps_rand *rand, uint64_t layer, uint64_t leaves)
{
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY")};
	struct aps_buf json;
	aps_buf_init(&json, APS_BUF_ANY_SIZE);
	switch (aps_rand_below(rand, 4)) {
	case 0:
		aps_buf_add_text(&json, "{\"all\":");
		add_list(&json, rand);
		aps_buf_add_byte(&json, '}');
		write_to(layer, leaves, "{ all { " FIELDS " } }", "{}", json.p, &options);
		break;
	case 1:
		aps_buf_add_text(&json, "{\"one\":");
		add_object(&json, rand, 0, true);
		aps_buf_add_byte(&json, '}');
		write_to(layer, leaves, "{ one { " FIELDS " } }", "{}", json.p, &options);
		break;
	default:
		aps_buf_addf(&json, "{\"list\":{\"next\":%u,\"items\":", (unsigned)aps_rand_below(rand, 2));
		add_list(&json, rand);
		aps_buf_add_text(&json, "}}");
		write_to(layer, leaves, "query ($n: Int) { list(n: $n) { next items { " FIELDS " } } }",
		         aps_rand_below(rand, 2) == 0 ? "{\"n\":1}" : "{\"n\":2}", json.p, &options);
		break;
	}
	if (world.changes.n > 5 && memcmp(world.changes.p, "error", 5) == 0) fail_msg("%s", world.changes.p);
	aps_buf_clear(&json);
}

static void change_something(struct aps_rand *rand)
{
	static uint64_t last_layer;
	char key[32];
	uint64_t leaves = 0;
	struct aps_buf layers;
	aps_buf_init(&layers, APS_BUF_ANY_SIZE);
	aps_layers_list(&world.cache.layers, &layers);
	if (layers.n != 0 && aps_rand_below(rand, 2) == 0) memcpy(&leaves, layers.p, sizeof leaves);
	aps_buf_clear(&layers);
	switch (aps_rand_below(rand, 10)) {
	case 0:
		snprintf(key, sizeof key, "R%c:%u", "PQA"[aps_rand_below(rand, 3)], (unsigned)aps_rand_below(rand, 9));
		evict(key, aps_rand_below(rand, 2) == 0 ? "" : "title");
		break;
	case 1: evict("RROOT_QUERY", aps_rand_below(rand, 2) == 0 ? "list" : "one"); break;
	case 2: write_something(rand, ++last_layer, 0); break;
	default: write_something(rand, 0, leaves); break;
	}
}

/* Stale or not, all show what a first read shows. */
static void check_screens(void)
{
	for (size_t i = 0; i < MAX_WATCHES; i++) {
		struct screen *screen = &screens[i];
		if (screen->document == NULL) continue;
		struct aps_read_result result;
		struct aps_err err;
		struct aps_read_options options = screen->watch.options;
		options.reuse = NULL;
		options.is_packed = false;
		aps_read_result_init(&result, APS_BUF_ANY_SIZE);
		assert_int_equal(aps_denormalize(&world.source, &screen->binding, &options, &result, &err), APS_OK);
		assert_string_equal(text_of(screen), result.data.p);
		assert_int_equal(screen->watch.result.n_missing, result.n_missing);
		assert_int_equal(screen->watch.result.is_optimistic, result.is_optimistic);
		aps_read_result_clear(&result);
	}
}

static void follow_anything(uint64_t seed, size_t n_steps)
{
	struct aps_rand rand;
	aps_rand_init(&rand, seed);
	for (size_t step = 0; step < n_steps; step++) {
		struct screen *screen = &screens[aps_rand_below(&rand, MAX_WATCHES)];
		if (screen->document == NULL) {
			open_screen(screen, QUERIES[aps_rand_below(&rand, APS_COUNTOF(QUERIES))], "{}");
		} else if (aps_rand_below(&rand, 16) == 0 || screen->watch.reuse.last_id > 3500) {
			close_screen(screen);
			memset(screen, 0, sizeof *screen);
		}
		for (size_t n = aps_rand_below(&rand, 3); n > 0; n--) change_something(&rand);
		turn();
		check_screens();
	}
}

static void watches_show_what_is_there_whatever_happens(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) follow_anything(seed, 100);
}

/* A failed read changes nothing, and the next one is right. */
static void a_watch_survives_the_lack_of_memory(void **state)
{
	(void)state;
	struct screen *screen = &screens[0];
	write_data(POSTS, "{}", "{\"all\":[" POST("1", "a") "," POST("2", "b") "," POST("3", "c") "]}");
	open_screen(screen, POSTS, "{}");
	turn();
	size_t n_failed = 0;
	for (size_t nth = 1; nth < 200; nth++) {
		struct aps_watch_change change = {.is_other = false};
		struct aps_err err;
		char title[2] = {(char)('a' + nth % 26), '\0'}, json[512];
		snprintf(json, sizeof json, "{\"all\":[" POST("2", "%s") "," POST("1", "a") "," POST("4", "%s") "]}",
		         title, title);
		write_data(POSTS, "{}", json);
		char *before = copy(screen, aps_buf_str(&screen->watch.result.data));
		aps_watches_mark(&watches, &world.changed);
		aps_changed_clear(&world.changed);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_watch_read(&watches, &screen->watch, &world.source, &change, &err);
		aps_mem_fail_at(0);
		aps_buf_clear(&change.gone);
		if (rc != APS_OK) {
			n_failed++;
			assert_int_equal(rc, APS_E_NOMEM);
			assert_string_equal(text_of(screen), before);
			assert_true(screen->watch.is_stale);
			assert_int_equal(aps_watch_read(&watches, &screen->watch, &world.source, &change, &err),
			                 APS_OK);
			aps_buf_clear(&change.gone);
		}
		check_screens();
		free(before);
	}
	assert_true(n_failed > 3);
}

static void without_memory_everything_has_changed(void **state)
{
	(void)state;
	struct aps_changed changed = {.n = 0};
	aps_mem_fail_at(1);
	aps_changed_add(&changed, 5);
	aps_mem_fail_at(0);
	assert_true(aps_changed_has(&changed, 6));
	assert_false(aps_changed_is_empty(&changed));
	aps_changed_clear(&changed);
	assert_true(aps_changed_is_empty(&changed));
	for (uint64_t n = 1; n <= 10000; n++) aps_changed_add(&changed, n * 3);
	for (uint64_t n = 1; n <= 30000; n++) assert_int_equal(aps_changed_has(&changed, n), n % 3 == 0);
	aps_changed_clear(&changed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(only_what_has_changed_is_read_again, open_watches, close_watches),
	        cmocka_unit_test_setup_teardown(what_moves_in_a_list_is_found_again, open_watches, close_watches),
	        cmocka_unit_test_setup_teardown(what_does_not_show_is_no_change, open_watches, close_watches),
	        cmocka_unit_test_setup_teardown(what_is_forgotten_is_read_as_if_for_the_first_time, open_watches,
	                                        close_watches),
	        cmocka_unit_test_setup_teardown(a_layer_is_seen_and_seen_to_leave, open_watches, close_watches),
	        cmocka_unit_test_setup_teardown(watches_show_what_is_there_whatever_happens, open_watches,
	                                        close_watches),
	        cmocka_unit_test_setup_teardown(a_watch_survives_the_lack_of_memory, open_watches, close_watches),
	        cmocka_unit_test(without_memory_everything_has_changed),
	};
	int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	is_packed = true;
	return n_failed + cmocka_run_group_tests(tests, NULL, NULL);
}
