#include "store/entry_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void an_id_is_its_owner_its_mode_and_its_number(void **state)
{
	(void)state;
	static const int64_t OWNERS[] = {1, 2, APS_ENTRY_MAX_OWNER}, NUMBERS[] = {1, 77, APS_ENTRY_MAX_NUMBER};
	for (size_t i = 0; i < 3; i++) {
		for (size_t j = 0; j < 3; j++) {
			for (int mode = 0; mode < APS_ENTRY_MODE_COUNT; mode++) {
				int64_t id = aps_entry_id(OWNERS[i], (enum aps_entry_mode)mode, NUMBERS[j]);
				assert_true(id > 0);
				assert_int_equal(aps_entry_owner(id), OWNERS[i]);
				assert_int_equal(aps_entry_mode(id), mode);
				assert_int_equal(aps_entry_number(id), NUMBERS[j]);
				assert_int_equal(aps_entry_id_of(aps_entry_id_of(id, 3), OWNERS[i]), id);
			}
		}
	}
}

static void lanes_are_ranges_that_have_nothing_of_others(void **state)
{
	(void)state;
	struct aps_entry_range iam = aps_entry_lane(2, APS_ENTRY_AWS_IAM), owned = aps_entry_owned(2);
	assert_int_equal(aps_entry_lane(2, APS_ENTRY_API_KEY).last + 1, iam.first);
	assert_int_equal(aps_entry_lane(2, APS_ENTRY_AMAZON_COGNITO_USER_POOLS).first, iam.last + 1);
	assert_int_equal(aps_entry_lane(2, APS_ENTRY_NONE).first, owned.first);
	assert_true(aps_entry_lane(2, APS_ENTRY_AWS_LAMBDA).last <= owned.last);
	assert_int_equal(aps_entry_owned(3).first, owned.last + 1);
	assert_int_equal(aps_entry_owned(APS_ENTRY_MAX_OWNER).last, aps_entry_all().last);
	assert_true(aps_entry_all().first <= aps_entry_owned(1).first);
}

static void modes_have_the_numbers_that_files_have(void **state)
{
	(void)state;
	static const char *const NAMES[] = {"NONE",           "API_KEY",   "AWS_IAM", "AMAZON_COGNITO_USER_POOLS",
	                                    "OPENID_CONNECT", "AWS_LAMBDA"};
	enum aps_entry_mode mode;
	for (size_t i = 0; i < APS_COUNTOF(NAMES); i++) {
		assert_string_equal(aps_entry_mode_name((enum aps_entry_mode)i), NAMES[i]);
		assert_true(aps_entry_mode_find(aps_str_of(NAMES[i]), &mode));
		assert_int_equal(mode, i);
	}
	assert_null(aps_entry_mode_name(APS_ENTRY_MODE_COUNT));
	assert_null(aps_entry_mode_name((enum aps_entry_mode)15));
	assert_false(aps_entry_mode_find(APS_STR("api_key"), &mode));
}

static void a_public_id_is_read_back_by_its_own_store_only(void **state)
{
	(void)state;
	static const int64_t NUMBERS[] = {1, 10, APS_ENTRY_MAX_NUMBER};
	char text[APS_ENTRY_TEXT_CHARS + 1];
	int64_t number;
	aps_entry_text(0xabc, 12, text);
	assert_string_equal(text, "00000abc-12");
	for (size_t i = 0; i < 3; i++) {
		aps_entry_text(UINT32_MAX, NUMBERS[i], text);
		assert_true(aps_entry_text_read(aps_str_of(text), UINT32_MAX, &number));
		assert_int_equal(number, NUMBERS[i]);
		assert_false(aps_entry_text_read(aps_str_of(text), 1, &number));
	}
	static const char *const WRONG[] = {"",
	                                    "00000abc-",
	                                    "00000abc",
	                                    "00000abc-0",
	                                    "00000abc-012",
	                                    "00000abc--1",
	                                    "00000abc-1 ",
	                                    "00000ABC-1",
	                                    "0000abc-12",
	                                    "00000abc-1099511627776",
	                                    "00000abc-99999999999999999999",
	                                    "00000abc_12",
	                                    "x0000abc-12"};
	for (size_t i = 0; i < APS_COUNTOF(WRONG); i++) {
		assert_false(aps_entry_text_read(aps_str_of(WRONG[i]), 0xabc, &number));
		assert_int_equal(number, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_id_is_its_owner_its_mode_and_its_number),
	        cmocka_unit_test(lanes_are_ranges_that_have_nothing_of_others),
	        cmocka_unit_test(modes_have_the_numbers_that_files_have),
	        cmocka_unit_test(a_public_id_is_read_back_by_its_own_store_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
