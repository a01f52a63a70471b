/* What an entry has besides its document and its variables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/queue_extra.h"
#include "queue_world.h"

static void assert_reads_as_written(const char *text)
{
	struct aps_queue_extra extra;
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_queue_extra_read(&extra, aps_str_of(text), NULL), APS_OK);
	assert_int_equal(aps_queue_extra_write(&extra, &out, NULL), APS_OK);
	assert_true(aps_str_is(aps_buf_str(&out), text));
	aps_buf_clear(&out);
	aps_queue_extra_clear(&extra);
}

static void all_of_it_comes_back(void **state)
{
	(void)state;
	assert_reads_as_written("");
	assert_reads_as_written(
	        "{\"headers\":{\"x-a\":\"1\"},\"rules\":[{\"kind\":\"add\"}],\"roots\":[\"T:1\"],\"made\":[\"T:1\"]}");
	assert_reads_as_written("{\"made\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\","
	                        "\"13\",\"14\",\"15\",\"16\",\"17\"]}");
}

static void the_one_at_the_root_is_found_wherever_it_stands(void **state)
{
	(void)state;
	struct aps_queue_extra extra;
	assert_int_equal(
	        aps_queue_extra_read(&extra, APS_STR("{\"roots\":[\"T:1\",\"T:2\"],\"made\":[\"T:3\",\"T:2\"]}"), NULL),
	        APS_OK);
	assert_true(aps_str_is(aps_queue_extra_made_root(&extra), "T:2"));
	aps_queue_extra_clear(&extra);
	assert_int_equal(aps_queue_extra_read(&extra, APS_STR("{\"roots\":[\"T:1\"],\"made\":[\"T:3\"]}"), NULL),
	                 APS_OK);
	assert_int_equal(aps_queue_extra_made_root(&extra).n, 0);
	aps_queue_extra_clear(&extra);
}

static void what_was_not_written_so_is_an_error(void **state)
{
	(void)state;
	static const char *const TEXTS[] = {"[]", "{", "{\"roots\":1}", "{\"made\":[1]}", "{} x", "{\"headers\":}"};
	for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
		struct aps_queue_extra extra;
		struct aps_err err;
		assert_true(aps_queue_extra_read(&extra, aps_str_of(TEXTS[i]), &err) != APS_OK);
		aps_queue_extra_clear(&extra);
	}
}

static void without_memory_nothing_comes_back_in_part(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		struct aps_queue_extra extra;
		struct aps_err err;
		aps_mem_fail_at(nth);
		enum aps_rc rc =
		        aps_queue_extra_read(&extra, APS_STR("{\"made\":[\"1\",\"2\",\"3\",\"4\",\"5\"]}"), &err);
		aps_mem_fail_at(0);
		assert_true(rc == APS_E_NOMEM || extra.made.n_items == 5);
		aps_queue_extra_clear(&extra);
		if (rc == APS_OK) break;
	}
}

#define N_MANY 40

static const char *many(char *text, size_t n_text, const char *before, const char *id, const char *behind)
{
	size_t n = (size_t)snprintf(text, n_text, "%s{\"many\":[", before);
	for (int i = 0; i < N_MANY; i++)
		n += (size_t)snprintf(text + n, n_text - n, "%s{\"__typename\":\"Todo\",\"id\":\"%s%02d\",\"n\":1}",
		                      i == 0 ? "" : ",", id, i);
	(void)snprintf(text + n, n_text - n, "]}%s", behind);
	return text;
}

static void each_object_of_a_large_response_may_have_a_temporary_id(void **state)
{
	(void)state;
	static const char MANY[] = "mutation Many { many { id n } }";
	static char response[8192], data[8192];
	int64_t n;
	begin();
	be_online(false);
	many(response, sizeof response, "", "2f1c9c52-6f4a-4a54-9a0e-1d2c3b4a59", "");
	enqueue(&(struct asked){
	        .document = MANY, .variables = "{}", .response = response, .edits = make_edits(MANY, "{}", response)});
	turn();
	restart(); /* as the store has it */
	be_online(true);
	answer(200, many(data, sizeof data, "{\"data\":", "real", "}"));
	turn();
	assert_int_equal(aps_db_read_int(aps_queue_db(world.queue),
	                                 "SELECT count(*) FROM id_map WHERE made LIKE 'real%'", &n, NULL),
	                 APS_OK);
	assert_int_equal(n, N_MANY);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(all_of_it_comes_back),
	        cmocka_unit_test(the_one_at_the_root_is_found_wherever_it_stands),
	        cmocka_unit_test(what_was_not_written_so_is_an_error),
	        cmocka_unit_test(without_memory_nothing_comes_back_in_part),
	        cmocka_unit_test(each_object_of_a_large_response_may_have_a_temporary_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
