#include "base/mem.h"
#include "base/rand.h"
#include "cache/list_edit.h"
#include "cache/patch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static int teardown(void **state)
{
	(void)state;
	return aps_mem_live() == 0 ? 0 : -1;
}

/* "12z": references and a string. */
static void put_items(struct aps_buf *out, const char *letters)
{
	for (; *letters != '\0'; letters++) {
		if (*letters >= '0' && *letters <= '9')
			aps_cell_put_ref(out, (uint64_t)(*letters - '0'));
		else
			aps_cell_put_text(out, APS_CELL_STRING, (struct aps_str){letters, 1});
	}
}

static void get_items(struct aps_str items, char *letters)
{
	struct aps_cell value;
	while (aps_cell_take(&items, &value))
		*letters++ = value.tag == APS_CELL_REF ? (char)('0' + value.as.entry) : *value.text.p;
	*letters = '\0';
}

/* What becomes of `base` by what made `now` of `former`. */
static const char *edit(const char *former, const char *now, const char *base)
{
	static char result[64];
	struct aps_buf a, b, c, edits, out;
	uint64_t n;
	bool is_exact;
	aps_buf_init(&a, APS_BUF_ANY_SIZE);
	aps_buf_init(&b, APS_BUF_ANY_SIZE);
	aps_buf_init(&c, APS_BUF_ANY_SIZE);
	aps_buf_init(&edits, APS_BUF_ANY_SIZE);
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	put_items(&a, former);
	put_items(&b, now);
	put_items(&c, base);
	assert_int_equal(aps_list_edit_make(&edits, aps_buf_str(&a), aps_buf_str(&b), &is_exact, NULL), APS_OK);
	assert_int_equal(aps_list_edit_apply(&out, aps_buf_str(&c), aps_buf_str(&edits), &n, NULL), APS_OK);
	get_items(aps_buf_str(&out), result);
	assert_int_equal(n, strlen(result));
	if (!is_exact) {
		assert_int_equal(edits.n, 0);
		strcpy(result, "as a whole");
	}
	aps_buf_clear(&a);
	aps_buf_clear(&b);
	aps_buf_clear(&c);
	aps_buf_clear(&edits);
	aps_buf_clear(&out);
	return result;
}

static void edits_hold_above_what_the_service_brings(void **state)
{
	(void)state;
	static const char *const ROWS[][4] = {
	        /* former, now, base, what becomes of it */
	        {"12", "123", "12", "123"},     /* comes last */
	        {"12", "123", "129", "1239"},   /* behind its neighbour */
	        {"12", "123", "9", "93"},       /* whose neighbour has gone */
	        {"12", "312", "12", "312"},     /* comes first */
	        {"12", "312", "912", "3912"},   /* stays first */
	        {"12", "123", "132", "132"},    /* the service has it already, where it says */
	        {"123", "13", "123", "13"},     /* goes */
	        {"123", "13", "13", "13"},      /* has gone by itself */
	        {"123", "13", "9123", "913"},   /* */
	        {"123", "231", "123", "231"},   /* moved */
	        {"123", "321", "1234", "3214"}, /* turned round */
	        {"", "1", "", "1"},             /* into nothing */
	        {"1", "", "12", "2"},           /* all of it goes */
	        {"12", "1342", "12", "1342"},   /* several behind one */
	        {"12", "12", "21", "21"},       /* nothing */
	        {"1a", "12", "", "as a whole"}, /* scalars */
	        {"12", "a2", "", "as a whole"},
	        {"11", "12", "", "as a whole"}, /* twice */
	        {"12", "1132", "", "as a whole"},
	        {"12", "3312", "", "as a whole"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++)
		assert_string_equal(edit(ROWS[i][0], ROWS[i][1], ROWS[i][2]), ROWS[i][3]);
}

static size_t below(struct aps_rand *rand, size_t n)
{
	return (size_t)(aps_rand_u64(rand) % n);
}

static void edits_make_the_one_list_of_the_other(void **state)
{
	(void)state;
	struct aps_rand rand;
	aps_rand_init(&rand, 20261129);
	for (int i = 0; i < 20000; i++) {
		char former[16] = "", now[16] = "";
		for (size_t n = below(&rand, 10), at = 0, ref = below(&rand, 10); n-- > 0; ref = (ref + 3) % 10)
			former[at++] = (char)('0' + ref);
		for (size_t n = below(&rand, 10), at = 0, ref = below(&rand, 10); n-- > 0; ref = (ref + 7) % 10)
			now[at++] = (char)('0' + ref);
		assert_string_equal(edit(former, now, former), now);
	}
}

static struct aps_entries entries;

static void put_random(struct aps_buf *out, struct aps_rand *rand, unsigned depth)
{
	size_t at = out->n, n = below(rand, 4);
	switch (below(rand, depth > 3 ? 4 : 6)) {
	case 0: aps_cell_put_tag(out, APS_CELL_NULL); break;
	case 1: aps_cell_put_int(out, (int64_t)below(rand, 3)); break;
	case 2: aps_cell_put_text(out, APS_CELL_STRING, below(rand, 2) ? APS_STR("x") : APS_STR("")); break;
	case 3: aps_cell_put_ref(out, below(rand, 3) + 1); break;
	case 4:
		for (size_t i = 0; i < n; i++) put_random(out, rand, depth + 1);
		aps_cell_close_list(out, at, n);
		break;
	default:
		if (below(rand, 2)) {
			aps_cell_put_name(out, 0, APS_STR("a({})"));
			put_random(out, rand, depth + 1);
		}
		for (uint32_t name = 1; name < 5; name++) {
			if (below(rand, 2)) continue;
			aps_cell_put_name(out, name, APS_STR(""));
			put_random(out, rand, depth + 1);
		}
		aps_cell_close_object(out, at);
	}
}

static void put_random_fields(struct aps_buf *out, struct aps_rand *rand)
{
	for (uint32_t name = 1; name < 6; name++) {
		if (below(rand, 3) == 0) continue;
		aps_cell_put_name(out, name, APS_STR(""));
		put_random(out, rand, 0);
	}
}

static void a_patch_makes_the_one_content_of_the_other(void **state)
{
	(void)state;
	struct aps_rand rand;
	aps_rand_init(&rand, 7);
	for (int i = 0; i < 20000; i++) {
		struct aps_buf former, now, patch, out;
		bool is_evicted;
		aps_buf_init(&former, APS_BUF_ANY_SIZE);
		aps_buf_init(&now, APS_BUF_ANY_SIZE);
		aps_buf_init(&patch, APS_BUF_ANY_SIZE);
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		enum aps_patch_kind kind = i % 2 == 0 ? APS_PATCH_FIELDS : APS_PATCH_VALUE;
		if (kind == APS_PATCH_FIELDS) {
			put_random_fields(&former, &rand);
			put_random_fields(&now, &rand);
		} else {
			put_random(&former, &rand, 0);
			put_random(&now, &rand, 0);
		}
		struct aps_str from = former.p != NULL ? aps_buf_str(&former) : APS_STR("");
		struct aps_str to = now.p != NULL ? aps_buf_str(&now) : APS_STR("");
		assert_int_equal(aps_patch_make(&patch, kind, from, to, &entries, NULL), APS_OK);
		if (patch.n == 0) {
			assert_true(aps_str_eq(from, to));
		} else {
			assert_int_equal(aps_patch_apply(&out, from, aps_buf_str(&patch), &is_evicted, &entries, NULL),
			                 APS_OK);
			assert_false(is_evicted);
			assert_true(aps_str_eq(aps_buf_str(&out), to) || (out.n == 0 && to.n == 0));
		}
		/* and nothing in a damaged one is believed */
		for (size_t k = 0; k < 3 && patch.n != 0; k++) {
			patch.p[below(&rand, patch.n)] = (char)below(&rand, 256);
			aps_buf_reset(&out);
			aps_patch_apply(&out, from, (struct aps_str){patch.p, patch.n - below(&rand, 2)}, &is_evicted,
			                &entries, NULL);
		}
		aps_buf_clear(&former);
		aps_buf_clear(&now);
		aps_buf_clear(&patch);
		aps_buf_clear(&out);
	}
}

#define MANY 12

/* What becomes of anything else. */
static void make_any_patch(struct aps_buf *patch, enum aps_patch_kind kind, struct aps_rand *rand)
{
	struct aps_buf former, now;
	aps_buf_init(&former, APS_BUF_ANY_SIZE);
	aps_buf_init(&now, APS_BUF_ANY_SIZE);
	while (patch->n == 0) {
		aps_buf_reset(&former);
		aps_buf_reset(&now);
		aps_buf_add(&former, "", 0);
		aps_buf_add(&now, "", 0);
		for (int i = 0; i < 2; i++) {
			if (kind == APS_PATCH_FIELDS)
				put_random_fields(i == 0 ? &former : &now, rand);
			else
				put_random(i == 0 ? &former : &now, rand, 0);
		}
		bool is_eviction = below(rand, 10) == 0;
		struct aps_str to = is_eviction ? (struct aps_str){NULL, 0} : aps_buf_str(&now);
		assert_int_equal(aps_patch_make(patch, kind, aps_buf_str(&former), to, &entries, NULL), APS_OK);
	}
	aps_buf_clear(&former);
	aps_buf_clear(&now);
}

static void apply_one_by_one(struct aps_buf *out, struct aps_str content, const struct aps_str *patches, size_t n,
                             bool *is_nowhere)
{
	struct aps_buf below_it;
	aps_buf_init(&below_it, APS_BUF_ANY_SIZE);
	aps_buf_add(&below_it, "", 0);
	aps_buf_add_str(&below_it, content);
	*is_nowhere = content.p == NULL;
	for (size_t i = 0; i < n; i++) {
		struct aps_str base = *is_nowhere ? (struct aps_str){NULL, 0} : aps_buf_str(&below_it);
		aps_buf_reset(out);
		aps_buf_add(out, "", 0);
		assert_int_equal(aps_patch_apply(out, base, patches[i], is_nowhere, &entries, NULL), APS_OK);
		struct aps_buf former = below_it;
		below_it = *out;
		*out = former;
	}
	aps_buf_reset(out);
	aps_buf_add_str(out, aps_buf_str(&below_it));
	aps_buf_clear(&below_it);
}

static void many_patches_at_once_are_what_they_are_one_after_the_other(void **state)
{
	(void)state;
	struct aps_rand rand;
	aps_rand_init(&rand, 11);
	for (int round = 0; round < 4000; round++) {
		enum aps_patch_kind kind = round % 2 == 0 ? APS_PATCH_FIELDS : APS_PATCH_VALUE;
		struct aps_buf made[MANY], content, expected, out, text, all;
		struct aps_str patches[MANY];
		size_t n = 1 + below(&rand, MANY);
		bool is_nowhere, was_nowhere;
		aps_buf_init(&content, APS_BUF_ANY_SIZE);
		aps_buf_init(&expected, APS_BUF_ANY_SIZE);
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		aps_buf_init(&text, APS_BUF_ANY_SIZE);
		aps_buf_init(&all, APS_BUF_ANY_SIZE);
		aps_buf_add(&content, "", 0);
		if (kind == APS_PATCH_FIELDS)
			put_random_fields(&content, &rand);
		else
			put_random(&content, &rand, 0);
		struct aps_str base = below(&rand, 8) == 0 ? (struct aps_str){NULL, 0} : aps_buf_str(&content);
		for (size_t i = 0; i < n; i++) {
			aps_buf_init(&made[i], APS_BUF_ANY_SIZE);
			make_any_patch(&made[i], kind, &rand);
			patches[i] = aps_buf_str(&made[i]);
			aps_patches_put(&text, i + 1, patches[i]);
			aps_buf_add(&all, &patches[i], sizeof patches[i]);
		}
		apply_one_by_one(&expected, base, patches, n, &was_nowhere);
		assert_int_equal(aps_patches_apply(&out, base, &all, &is_nowhere, &entries, NULL), APS_OK);
		assert_int_equal(is_nowhere, was_nowhere);
		if (!is_nowhere) assert_int_equal(out.n, expected.n);
		if (!is_nowhere && out.n != 0) assert_memory_equal(out.p, expected.p, out.n);
		aps_buf_reset(&expected);
		assert_int_equal(
		        aps_patches_apply_text(&expected, base, aps_buf_str(&text), &was_nowhere, &entries, NULL),
		        APS_OK);
		assert_int_equal(expected.n, out.n);
		for (size_t nth = 1; round < 40; nth++) {
			struct aps_err err = {0};
			aps_buf_clear(&out);
			aps_mem_fail_at(nth);
			enum aps_rc rc =
			        aps_patches_apply_text(&out, base, aps_buf_str(&text), &is_nowhere, &entries, &err);
			aps_mem_fail_at(0);
			if (rc == APS_OK) break;
			assert_int_equal(rc, APS_E_NOMEM);
		}
		text.n--; /* one that is cut off */
		assert_int_equal(aps_patches_apply_text(&out, base, aps_buf_str(&text), &is_nowhere, &entries, NULL),
		                 APS_E_STORAGE);
		for (size_t i = 0; i < n; i++) aps_buf_clear(&made[i]);
		aps_buf_clear(&content);
		aps_buf_clear(&expected);
		aps_buf_clear(&out);
		aps_buf_clear(&text);
		aps_buf_clear(&all);
	}
}

static void an_evicted_record_and_a_new_one_are_patches_too(void **state)
{
	(void)state;
	struct aps_buf fields, patch, out;
	bool is_evicted;
	aps_buf_init(&fields, APS_BUF_ANY_SIZE);
	aps_buf_init(&patch, APS_BUF_ANY_SIZE);
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_cell_put_name(&fields, 1, APS_STR(""));
	aps_cell_put_int(&fields, 1);
	const struct aps_str nowhere = {NULL, 0};
	aps_patch_make(&patch, APS_PATCH_FIELDS, aps_buf_str(&fields), nowhere, &entries, NULL);
	assert_int_equal(aps_patch_apply(&out, aps_buf_str(&fields), aps_buf_str(&patch), &is_evicted, &entries, NULL),
	                 APS_OK);
	assert_true(is_evicted);
	aps_buf_reset(&patch);
	aps_patch_make(&patch, APS_PATCH_FIELDS, nowhere, aps_buf_str(&fields), &entries, NULL);
	assert_int_equal(aps_patch_apply(&out, nowhere, aps_buf_str(&patch), &is_evicted, &entries, NULL), APS_OK);
	assert_true(aps_str_eq(aps_buf_str(&out), aps_buf_str(&fields)));
	aps_buf_reset(&patch);
	aps_patch_make(&patch, APS_PATCH_FIELDS, nowhere, nowhere, &entries, NULL);
	assert_int_equal(patch.n, 0);
	aps_buf_clear(&fields);
	aps_buf_clear(&patch);
	aps_buf_clear(&out);
}

/* A long list of these references, in one block. */
static uint64_t add_long_list(uint64_t first, uint64_t n)
{
	struct aps_buf content;
	aps_buf_init(&content, APS_BUF_ANY_SIZE);
	struct aps_entry *block = aps_entries_add(&entries, APS_STR(""));
	for (uint64_t i = 0; i < n; i++) aps_cell_put_ref(&content, first + i);
	aps_cell_close_list(&content, 0, n);
	aps_entries_set(&entries, block, aps_strndup(content.p, content.n), content.n);
	aps_buf_reset(&content);
	struct aps_entry *list = aps_entries_add(&entries, APS_STR(""));
	aps_cell_put_count(&content, block->number);
	aps_cell_put_count(&content, n);
	aps_entries_set(&entries, list, aps_strndup(content.p, content.n), content.n);
	aps_buf_clear(&content);
	return list->number;
}

static void a_long_list_is_patched_by_its_items(void **state)
{
	(void)state;
	struct aps_buf former, now, patch, out, expected;
	bool is_evicted;
	aps_entries_init(&entries, 1, NULL);
	aps_buf_init(&former, APS_BUF_ANY_SIZE);
	aps_buf_init(&now, APS_BUF_ANY_SIZE);
	aps_buf_init(&patch, APS_BUF_ANY_SIZE);
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_buf_init(&expected, APS_BUF_ANY_SIZE);
	aps_cell_put_long_list(&former, add_long_list(51, 3), 3);
	for (uint64_t ref = 50; ref <= 53; ref++) aps_cell_put_ref(&now, ref);
	aps_cell_close_list(&now, 0, 4);
	aps_patch_make(&patch, APS_PATCH_VALUE, aps_buf_str(&former), aps_buf_str(&now), &entries, NULL);
	aps_buf_reset(&former);
	aps_cell_put_long_list(&former, add_long_list(61, 3), 3);
	assert_int_equal(aps_patch_apply(&out, aps_buf_str(&former), aps_buf_str(&patch), &is_evicted, &entries, NULL),
	                 APS_OK);
	aps_cell_put_ref(&expected, 50);
	for (uint64_t ref = 61; ref <= 63; ref++) aps_cell_put_ref(&expected, ref);
	aps_cell_close_list(&expected, 0, 4);
	assert_true(aps_str_eq(aps_buf_str(&out), aps_buf_str(&expected)));
	/* a list that isn't there, or is damaged, is told */
	aps_buf_reset(&former);
	aps_buf_reset(&out);
	aps_cell_put_long_list(&former, 99, 3);
	struct aps_err err;
	assert_int_equal(aps_patch_apply(&out, aps_buf_str(&former), aps_buf_str(&patch), &is_evicted, &entries, &err),
	                 APS_E_STORAGE);
	assert_string_equal(err.word, "corrupt");
	aps_buf_clear(&former);
	aps_buf_clear(&now);
	aps_buf_clear(&patch);
	aps_buf_clear(&out);
	aps_buf_clear(&expected);
	aps_entries_clear(&entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_teardown(edits_hold_above_what_the_service_brings, teardown),
	        cmocka_unit_test_teardown(edits_make_the_one_list_of_the_other, teardown),
	        cmocka_unit_test_teardown(a_patch_makes_the_one_content_of_the_other, teardown),
	        cmocka_unit_test_teardown(many_patches_at_once_are_what_they_are_one_after_the_other, teardown),
	        cmocka_unit_test_teardown(an_evicted_record_and_a_new_one_are_patches_too, teardown),
	        cmocka_unit_test_teardown(a_long_list_is_patched_by_its_items, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
