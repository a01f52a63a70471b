#include "sync/pending_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAX_STEPS 9

/* A record's way, and what is queued and shown at the end:
 *    save J, save@B J (of batch B), save? J (with a condition), delete, delete@B, delete?
 *    begin: the first entry that hasn't     ok J, ok gone: the first one is answered     no, no J: it is refused
 *    remote J: taken; remote! J: a conflict; remote= J: old
 *    merge J: its conflict is merged by the rules; merge! J: likewise, and the client wins; resolve-delete J */
struct row {
	const char *base;
	const char *steps[MAX_STEPS];
	const char *queued; /* "create{…} update{…}", those that have begun with a star */
	const char *shown;
};

static const struct aps_pending_rule RULES[] = {
        {{"n", 1}, APS_FIELD_MERGE_SUM_DELTA},
        {{"m", 1}, APS_FIELD_MERGE_MAX},
};

static struct aps_arena arena;
static uint64_t last_number;

static void write_fields(const struct aps_record_fields *fields, struct aps_buf *out)
{
	struct aps_json_writer w;
	aps_json_writer_init(&w, out);
	aps_record_fields_write(fields, &w);
	assert_int_equal(aps_json_writer_finish(&w), APS_OK);
}

static struct aps_record_fields fields_of(struct aps_str json)
{
	struct aps_record_fields fields;
	struct aps_err err;
	assert_int_equal(aps_record_fields_read(&fields, json, true, &arena, &err), APS_OK);
	return fields;
}

static void number_entries(struct aps_pending_record *record)
{
	size_t n = 0;
	for (size_t i = 0; i < record->n_entries; i++) {
		if (record->entries[i].is_gone) continue;
		record->entries[n] = record->entries[i];
		if (record->entries[n].number == 0) record->entries[n].number = ++last_number;
		n++;
	}
	record->n_entries = n;
}

static void change(struct aps_pending_record *record, const char *word, struct aps_str json)
{
	struct aps_err err;
	const char *batch = strchr(word, '@');
	struct aps_pending_change what = {.is_delete = word[0] == 'd'};
	if (!what.is_delete) what.record = fields_of(json);
	if (batch != NULL) what.batch = (uint64_t)(batch[1] - '0');
	if (strchr(word, '?') != NULL) what.condition = APS_STR("[\"all\"]");
	assert_int_equal(aps_pending_change(record, &what, &err), APS_OK);
}

static void meet(struct aps_pending_record *record, char how, struct aps_str json)
{
	struct aps_err err;
	enum aps_pending_meets meets;
	assert_int_equal(aps_pending_remote(record, json, &meets, &err), APS_OK);
	assert_int_equal(meets, how == '!' ? APS_PENDING_CONFLICTS : how == '=' ? APS_PENDING_OLD : APS_PENDING_TAKEN);
}

static void merge(struct aps_pending_record *record, bool is_conflict, struct aps_str json)
{
	struct aps_err err;
	struct aps_pending_merged merged;
	bool is_delete = record->entries[0].op == APS_PENDING_DELETE;
	assert_int_equal(aps_pending_merge(record, 0, json, &merged, &err), APS_OK);
	assert_int_equal(merged.has_conflict, is_conflict);
	assert_int_equal(aps_pending_resolved(record, 0, json, &merged.change, is_delete, &err), APS_OK);
}

static void run_step(struct aps_pending_record *record, const char *step)
{
	char word[32];
	struct aps_err err;
	static const struct aps_record_fields NOTHING = {NULL, 0, 0};
	const char *space = strchr(step, ' ');
	size_t n = space != NULL ? (size_t)(space - step) : strlen(step);
	struct aps_str json = aps_str_of(space != NULL ? space + 1 : "");
	assert_true(n < sizeof word);
	memcpy(word, step, n);
	word[n] = '\0';
	if (aps_str_is(json, "gone")) json = APS_STR("");
	if (strncmp(word, "save", 4) == 0 || strncmp(word, "delete", 6) == 0)
		change(record, word, json);
	else if (strcmp(word, "begin") == 0)
		record->entries[0].has_begun = true;
	else if (strcmp(word, "ok") == 0)
		assert_int_equal(aps_pending_answered(record, 0, json, &err), APS_OK);
	else if (strcmp(word, "no") == 0)
		assert_int_equal(aps_pending_dropped(record, 0, json, &err), APS_OK);
	else if (strncmp(word, "remote", 6) == 0)
		meet(record, word[6], json);
	else if (strncmp(word, "merge", 5) == 0)
		merge(record, word[5] == '!', json);
	else if (strcmp(word, "resolve-delete") == 0)
		assert_int_equal(aps_pending_resolved(record, 0, json, &NOTHING, true, &err), APS_OK);
	else
		fail_msg("no such step: %s", word);
	number_entries(record);
}

static void write_queued(const struct aps_pending_record *record, struct aps_buf *out)
{
	for (size_t i = 0; i < record->n_entries; i++) {
		const struct aps_pending_entry *entry = &record->entries[i];
		const struct aps_pending_request request = aps_pending_request_of(record, i);
		if (i != 0) aps_buf_add_byte(out, ' ');
		aps_buf_addf(out, "%s%s", entry->has_begun ? "*" : "", aps_pending_op_name(request.op));
		if (request.has_version && i == 0) aps_buf_addf(out, ":%lld", (long long)request.version);
		if (entry->op != APS_PENDING_DELETE) write_fields(&entry->change, out);
	}
}

static void write_shown(const struct aps_pending_record *record, struct aps_buf *out)
{
	struct aps_record_fields shown;
	struct aps_err err;
	bool is_there;
	assert_int_equal(aps_pending_shown(record, &shown, &is_there, &err), APS_OK);
	if (is_there)
		write_fields(&shown, out);
	else
		aps_buf_add_text(out, "none");
}

static void run_row(const struct row *row)
{
	struct aps_pending_record record;
	struct aps_err err;
	struct aps_buf queued, shown;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	aps_buf_init(&queued, APS_BUF_ANY_SIZE);
	aps_buf_init(&shown, APS_BUF_ANY_SIZE);
	print_message("%s:", row->base);
	assert_int_equal(aps_pending_init(&record, aps_str_of(row->base), &arena, &err), APS_OK);
	record.rules = RULES;
	record.n_rules = APS_COUNTOF(RULES);
	for (size_t i = 0; i < MAX_STEPS && row->steps[i] != NULL; i++) {
		print_message(" %s;", row->steps[i]);
		run_step(&record, row->steps[i]);
	}
	write_queued(&record, &queued);
	write_shown(&record, &shown);
	print_message("\n  %s | %s\n", queued.n != 0 ? queued.p : "", shown.p);
	assert_string_equal(queued.n != 0 ? queued.p : "", row->queued);
	assert_string_equal(shown.p, row->shown);
	aps_buf_clear(&queued);
	aps_buf_clear(&shown);
	aps_arena_clear(&arena);
}

#define CHECK(rows)                                                                                                    \
	do {                                                                                                           \
		for (size_t i = 0; i < APS_COUNTOF(rows); i++) run_row(&(rows)[i]);                                    \
	} while (0)

static void changes_are_folded(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"", {"save {\"a\":1}"}, "create{\"a\":1}", "{\"a\":1}"},
	        {"", {"save {\"a\":1}", "save {\"a\":2,\"b\":3}"}, "create{\"a\":2,\"b\":3}", "{\"a\":2,\"b\":3}"},
	        {"", {"save {\"a\":1}", "save {\"a\":null}"}, "create{}", "{}"},
	        {"", {"save {\"a\":1}", "save? {\"a\":2}"}, "create{\"a\":2}", "{\"a\":2}"},
	        {"", {"save {\"a\":1}", "delete"}, "", "none"},
	        {"", {"save {\"a\":1}", "delete?"}, "", "none"},
	        {"", {"save {\"a\":1}", "delete", "save {\"a\":2}"}, "create{\"a\":2}", "{\"a\":2}"},
	        {"", {"delete"}, "", "none"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "save {\"b\":3}"},
	         "update:4{\"a\":2,\"b\":3}",
	         "{\"a\":2,\"_version\":4,\"b\":3}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "save {\"a\":null}"},
	         "update:4{\"a\":null}",
	         "{\"_version\":4}"},
	        {"{\"a\":1,\"_version\":4}", {"save {\"a\":2}", "delete"}, "delete:4", "none"},
	        {"{\"a\":1,\"_version\":4}", {"delete", "delete"}, "delete:4", "none"},
	        {"{\"a\":1,\"_version\":4}", {"delete", "save {\"a\":1}"}, "", "{\"a\":1,\"_version\":4}"},
	        {"{\"a\":1,\"c\":1,\"_version\":4}",
	         {"delete", "save {\"a\":1,\"b\":2}"},
	         "update:4{\"b\":2,\"c\":null}",
	         "{\"a\":1,\"_version\":4,\"b\":2}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "save? {\"a\":3}", "save {\"a\":4}"},
	         "update:4{\"a\":2} update{\"a\":3} update{\"a\":4}",
	         "{\"a\":4,\"_version\":4}"},
	        {"{\"a\":1,\"_version\":4}", {"save? {\"a\":2}", "delete"}, "update:4{\"a\":2} delete", "none"},
	        {"{\"a\":1,\"_version\":4}",
	         {"delete?", "save {\"a\":2}"},
	         "delete:4 update{\"a\":2}", /* over the tombstone that the first one leaves */
	         "{\"a\":2}"},
	};
	CHECK(ROWS);
}

static void batches_stay_as_they_are(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"", {"save@1 {\"a\":1}", "save {\"a\":2}"}, "create{\"a\":1} update{\"a\":2}", "{\"a\":2}"},
	        {"", {"save {\"a\":1}", "save@1 {\"a\":2}"}, "create{\"a\":1} update{\"a\":2}", "{\"a\":2}"},
	        {"", {"save@1 {\"a\":1}", "save@1 {\"a\":2}"}, "create{\"a\":2}", "{\"a\":2}"},
	        {"", {"save@1 {\"a\":1}", "delete"}, "create{\"a\":1} delete", "none"},
	        {"",
	         {"save@1 {\"a\":1}", "save@2 {\"a\":2}", "save@2 {\"b\":1}"},
	         "create{\"a\":1} update{\"a\":2,\"b\":1}",
	         "{\"a\":2,\"b\":1}"},
	};
	CHECK(ROWS);
}

static void what_has_begun_stays_as_it_was_sent(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"", {"save {\"a\":1}", "begin", "save {\"a\":2}"}, "*create{\"a\":1} update{\"a\":2}", "{\"a\":2}"},
	        {"", {"save {\"a\":1}", "begin", "delete"}, "*create{\"a\":1} delete", "none"},
	        {"",
	         {"save {\"a\":1}", "begin", "delete", "save {\"a\":2}"},
	         "*create{\"a\":1} update{\"a\":2}",
	         "{\"a\":2}"},
	        {"",
	         {"save {\"a\":1}", "begin", "save {\"a\":2}", "save {\"b\":2}"},
	         "*create{\"a\":1} update{\"a\":2,\"b\":2}",
	         "{\"a\":2,\"b\":2}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"delete", "begin", "save {\"a\":2}"},
	         "*delete:4 update{\"a\":2}",
	         "{\"a\":2}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "begin", "remote! {\"a\":3,\"_version\":5}"},
	         "*update:4{\"a\":2}",
	         "{\"a\":2,\"_version\":4}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "begin", "remote {\"a\":1,\"b\":3,\"_version\":5}"},
	         "*update:5{\"a\":2}",
	         "{\"a\":2,\"b\":3,\"_version\":5}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"delete", "begin", "remote! {\"a\":3,\"_version\":5}"},
	         "*delete:4",
	         "none"},
	        {"", {"save {\"a\":1}", "begin", "remote! {\"a\":1,\"_version\":1}"}, "*create{\"a\":1}", "{\"a\":1}"},
	};
	CHECK(ROWS);
}

static void versions_are_chained(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"",
	         {"save {\"a\":1}", "begin", "save {\"a\":2}", "ok {\"a\":1,\"_version\":1}"},
	         "update:1{\"a\":2}",
	         "{\"a\":2,\"_version\":1}"},
	        {"", {"save {\"a\":1}", "begin", "delete", "ok {\"a\":1,\"_version\":1}"}, "delete:1", "none"},
	        {"",
	         {"save {\"a\":1}", "begin", "ok {\"a\":1,\"t\":9,\"_version\":1}"},
	         "",
	         "{\"a\":1,\"t\":9,\"_version\":1}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"delete", "begin", "save {\"a\":2}", "ok {\"a\":1,\"_version\":5,\"_deleted\":true}"},
	         "update:5{\"a\":2}", /* made anew over its tombstone */
	         "{\"a\":2}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "begin", "save {\"b\":2}", "ok {\"a\":2,\"_version\":5}", "begin",
	          "ok {\"a\":2,\"b\":2,\"_version\":6}"},
	         "",
	         "{\"a\":2,\"b\":2,\"_version\":6}"},
	        /* the service has made something else of what is changed here once more */
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "begin", "save {\"a\":3}", "ok {\"a\":7,\"_version\":6}"},
	         "update:4{\"a\":3}",
	         "{\"a\":3,\"_version\":4}"},
	        {"",
	         {"save {\"a\":1}", "begin", "save {\"a\":3}", "ok {\"a\":7,\"_version\":1}"},
	         "update:0{\"a\":3}",
	         "{\"a\":3,\"_version\":0}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "begin", "delete", "ok {\"a\":7,\"_version\":6}"},
	         "delete:4",
	         "none"},
	        /* but what it adds is no conflict */
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "begin", "delete", "ok {\"a\":2,\"t\":7,\"_version\":5}"},
	         "delete:5",
	         "none"},
	        /* its answer comes behind what came of it by another way */
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"b\":2}", "begin", "remote {\"a\":3,\"_version\":5}", "ok {\"a\":1,\"b\":2,\"_version\":5}"},
	         "",
	         "{\"a\":3,\"_version\":5}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "begin", "save {\"a\":3}", "remote {\"a\":1,\"b\":9,\"_version\":6}",
	          "ok {\"a\":2,\"_version\":5}"},
	         "update:5{\"a\":3}", /* the service has to tell of the conflict */
	         "{\"a\":3,\"b\":9,\"_version\":5}"},
	        {"{\"n\":1,\"_version\":4}",
	         {"save {\"n\":2}", "begin", "save {\"n\":3}", "remote {\"n\":1,\"b\":9,\"_version\":6}",
	          "ok {\"n\":2,\"_version\":5}"},
	         "update:6{\"n\":2}",
	         "{\"n\":2,\"b\":9,\"_version\":6}"},
	        /* a deletion that others have undone before its answer came */
	        {"{\"a\":1,\"_version\":4}",
	         {"delete", "begin", "save {\"a\":2}", "ok {\"a\":1,\"_version\":6}"},
	         "update:4{\"a\":2}",
	         "{\"a\":2}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"delete", "begin", "save {\"a\":2}", "ok {\"a\":1,\"_version\":6}", "delete"},
	         "",
	         "none"},
	};
	CHECK(ROWS);
}

static void what_others_write_goes_under_it_by_field(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"b\":2}", "remote {\"a\":9,\"_version\":5}"},
	         "update:5{\"b\":2}",
	         "{\"a\":9,\"_version\":5,\"b\":2}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "remote {\"a\":2,\"_version\":5}"},
	         "update:5{\"a\":2}",
	         "{\"a\":2,\"_version\":5}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "remote! {\"a\":9,\"_version\":5}"},
	         "update:4{\"a\":2}",
	         "{\"a\":2,\"_version\":4}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "remote= {\"a\":9,\"_version\":4}"},
	         "update:4{\"a\":2}",
	         "{\"a\":2,\"_version\":4}"},
	        {"{\"n\":10,\"_version\":4}",
	         {"save {\"n\":15}", "save? {\"n\":17}", "remote {\"n\":20,\"_version\":5}"},
	         "update:5{\"n\":25} update{\"n\":27}",
	         "{\"n\":27,\"_version\":5}"},
	        {"{\"n\":10,\"_version\":4}",
	         {"save {\"n\":15}", "remote {\"n\":15,\"_version\":5}"},
	         "update:5{\"n\":20}",
	         "{\"n\":20,\"_version\":5}"},
	        {"{\"m\":10,\"_version\":4}",
	         {"save {\"m\":15}", "remote {\"m\":20,\"_version\":5}"},
	         "update:5{\"m\":20}",
	         "{\"m\":20,\"_version\":5}"},
	        /* nothing is rewritten where one of the fields is a conflict */
	        {"{\"a\":1,\"n\":10,\"_version\":4}",
	         {"save {\"n\":15,\"a\":2}", "remote! {\"n\":20,\"a\":3,\"_version\":5}"},
	         "update:4{\"n\":15,\"a\":2}",
	         "{\"a\":2,\"n\":15,\"_version\":4}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "remote! {\"a\":1,\"_version\":5,\"_deleted\":true}"},
	         "update:4{\"a\":2}",
	         "{\"a\":2,\"_version\":4}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "remote! gone"},
	         "update:4{\"a\":2}",
	         "{\"a\":2,\"_version\":4}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"delete", "remote {\"a\":1,\"_version\":5,\"_deleted\":true}"},
	         "delete:5",
	         "none"},
	        {"{\"a\":1,\"_version\":4}", {"delete", "remote! {\"a\":2,\"_version\":5}"}, "delete:4", "none"},
	        {"", {"save {\"a\":1}", "remote! {\"a\":2,\"_version\":1}"}, "create{\"a\":1}", "{\"a\":1}"},
	        {"", {"save {\"a\":1}", "remote= gone"}, "create{\"a\":1}", "{\"a\":1}"},
	};
	CHECK(ROWS);
}

static void what_is_refused_is_taken_back(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"", {"save {\"a\":1}", "begin", "no"}, "", "none"},
	        {"", {"save {\"a\":1}", "begin", "no {\"a\":7,\"_version\":3}"}, "", "{\"a\":7,\"_version\":3}"},
	        {"{\"a\":1,\"_version\":4}", {"save {\"a\":2}", "begin", "no"}, "", "{\"a\":1,\"_version\":4}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "begin", "save {\"b\":3}", "no"},
	         "update:4{\"b\":3}",
	         "{\"a\":1,\"_version\":4,\"b\":3}"},
	        {"{\"n\":10,\"_version\":4}",
	         {"save {\"n\":15}", "begin", "save {\"n\":17}", "no"},
	         "update:4{\"n\":12}",
	         "{\"n\":12,\"_version\":4}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "begin", "save {\"a\":3}", "no {\"a\":5,\"_version\":6}"},
	         "update:6{\"a\":3}",
	         "{\"a\":3,\"_version\":6}"},
	        {"{\"a\":1,\"_version\":4}", {"delete", "begin", "no"}, "", "{\"a\":1,\"_version\":4}"},
	        /* what was to be made anew is there still */
	        {"{\"a\":1,\"c\":1,\"_version\":4}",
	         {"delete", "begin", "save {\"a\":2}", "no"},
	         "update:4{\"a\":2,\"c\":null}",
	         "{\"a\":2,\"_version\":4}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"delete", "begin", "save {\"a\":1}", "no"},
	         "",
	         "{\"a\":1,\"_version\":4}"},
	        {"{\"a\":1,\"_version\":4}", {"delete", "begin", "save {\"a\":2}", "no", "delete"}, "delete:4", "none"},
	        {"", {"save {\"a\":1}", "begin", "save {\"a\":2}", "no"}, "update{\"a\":2}", "none"},
	        {"",
	         {"save {\"a\":1}", "begin", "save {\"a\":2}", "no", "save {\"a\":3}"},
	         "update{\"a\":2} create{\"a\":3}",
	         "{\"a\":3}"},
	};
	CHECK(ROWS);
}

static void conflicts_are_merged(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "begin", "merge {\"a\":1,\"b\":5,\"_version\":6}"},
	         "*update:6{\"a\":2}",
	         "{\"a\":2,\"b\":5,\"_version\":6}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "begin", "merge! {\"a\":5,\"_version\":6}"},
	         "*update:6{\"a\":2}",
	         "{\"a\":2,\"_version\":6}"},
	        {"{\"n\":10,\"_version\":4}",
	         {"save {\"n\":15}", "begin", "save {\"n\":16}", "merge {\"n\":100,\"_version\":6}"},
	         "*update:6{\"n\":105} update{\"n\":106}",
	         "{\"n\":106,\"_version\":6}"},
	        {"{\"a\":1,\"b\":1,\"_version\":4}",
	         {"save {\"a\":2}", "begin", "merge! {\"a\":1,\"b\":1,\"_version\":6,\"_deleted\":true}"},
	         "*update:6{\"a\":2,\"b\":1}", /* it is brought back, whole */
	         "{\"a\":2,\"b\":1}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"delete", "begin", "merge! {\"a\":2,\"_version\":6}"},
	         "*delete:6",
	         "none"},
	        {"{\"a\":1,\"_version\":4}",
	         {"delete", "begin", "merge {\"a\":2,\"_version\":6,\"_deleted\":true}"},
	         "*delete:6",
	         "none"},
	        {"",
	         {"save {\"a\":1}", "begin", "merge! {\"a\":2,\"b\":3,\"_version\":6}"},
	         "*update:6{\"a\":1}",
	         "{\"a\":1,\"b\":3,\"_version\":6}"},
	        {"{\"a\":1,\"_version\":4}",
	         {"save {\"a\":2}", "begin", "resolve-delete {\"a\":5,\"_version\":6}"},
	         "*delete:6",
	         "none"},
	};
	CHECK(ROWS);
}

static void what_has_become_of_entries_is_told(void **state)
{
	(void)state;
	struct aps_pending_record record;
	struct aps_err err;
	struct aps_pending_change what = {.is_delete = false};
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_pending_init(&record, APS_STR("{\"a\":1,\"_version\":4}"), &arena, &err), APS_OK);
	const struct aps_pending_entry queued = {.number = 17, .op = APS_PENDING_UPDATE};
	assert_int_equal(aps_pending_add(&record, &queued, APS_STR("{\"a\":2}"), &err), APS_OK);
	what.record = fields_of(APS_STR("{\"b\":3}"));
	assert_int_equal(aps_pending_change(&record, &what, &err), APS_OK);
	assert_int_equal(record.n_entries, 2);
	assert_true(record.entries[0].is_gone);
	assert_int_equal(record.entries[1].number, 0);
	assert_int_equal(aps_pending_find(&record, 17), 0);
	assert_int_equal(aps_pending_find(&record, 18), 2);
	aps_arena_clear(&arena);

	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_pending_init(&record, APS_STR(""), &arena, &err), APS_OK);
	const struct aps_pending_entry making = {.number = 18, .op = APS_PENDING_CREATE};
	assert_int_equal(aps_pending_add(&record, &making, APS_STR("{\"a\":2}"), &err), APS_OK);
	what.record = fields_of(APS_STR("{\"b\":3}"));
	assert_int_equal(aps_pending_change(&record, &what, &err), APS_OK);
	assert_int_equal(record.n_entries, 1);
	assert_true(record.entries[0].is_rewritten);
	aps_arena_clear(&arena);
}

static void broken_texts_are_told(void **state)
{
	(void)state;
	struct aps_pending_record record;
	struct aps_err err;
	enum aps_pending_meets meets;
	const struct aps_pending_entry queued = {.number = 17, .op = APS_PENDING_UPDATE};
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_pending_init(&record, APS_STR("{"), &arena, &err), APS_E_SYNTAX);
	assert_int_equal(aps_pending_init(&record, APS_STR("{}"), &arena, &err), APS_OK);
	assert_int_equal(aps_pending_add(&record, &queued, APS_STR("7"), &err), APS_E_PROTOCOL);
	assert_int_equal(aps_pending_init(&record, APS_STR("{}"), &arena, &err), APS_OK);
	assert_int_equal(aps_pending_remote(&record, APS_STR("{]"), &meets, &err), APS_E_SYNTAX);
	aps_arena_clear(&arena);
}

/* Every way of failing for want of memory ends with its error. */
static void a_ceiling_is_told(void **state)
{
	(void)state;
	static const char BASE[] = "{\"a\":1,\"n\":1,\"_version\":4}";
	bool is_done = false;
	for (size_t ceiling = 16; !is_done; ceiling += 16) {
		struct aps_pending_record record;
		struct aps_pending_merged merged;
		struct aps_err err;
		enum aps_pending_meets meets;
		struct aps_arena small;
		struct aps_pending_change what = {.is_delete = false};
		assert_true(ceiling < 1 << 20);
		aps_arena_init(&arena, APS_BUF_ANY_SIZE);
		aps_arena_init(&small, ceiling);
		what.record = fields_of(APS_STR("{\"n\":2,\"b\":3}"));
		enum aps_rc rc = aps_pending_init(&record, aps_str_of(BASE), &small, &err);
		record.rules = RULES;
		record.n_rules = APS_COUNTOF(RULES);
		if (rc == APS_OK) rc = aps_pending_change(&record, &what, &err);
		if (rc == APS_OK) rc = aps_pending_remote(&record, APS_STR("{\"n\":9,\"_version\":5}"), &meets, &err);
		if (rc == APS_OK) record.entries[0].has_begun = true;
		if (rc == APS_OK) rc = aps_pending_change(&record, &what, &err);
		if (rc == APS_OK)
			rc = aps_pending_merge(&record, 0, APS_STR("{\"n\":8,\"_version\":6}"), &merged, &err);
		if (rc == APS_OK)
			rc = aps_pending_resolved(&record, 0, APS_STR("{\"n\":8,\"_version\":6}"), &merged.change,
			                          false, &err);
		if (rc == APS_OK) rc = aps_pending_answered(&record, 0, APS_STR("{\"n\":8,\"_version\":7}"), &err);
		if (rc == APS_OK) rc = aps_pending_dropped(&record, 0, APS_STR(""), &err);
		is_done = rc == APS_OK;
		if (!is_done) assert_int_equal(rc, APS_E_TOO_BIG);
		if (!is_done) assert_int_equal(err.code, APS_E_TOO_BIG);
		aps_arena_clear(&small);
		aps_arena_clear(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(changes_are_folded),
	        cmocka_unit_test(batches_stay_as_they_are),
	        cmocka_unit_test(what_has_begun_stays_as_it_was_sent),
	        cmocka_unit_test(versions_are_chained),
	        cmocka_unit_test(what_others_write_goes_under_it_by_field),
	        cmocka_unit_test(what_is_refused_is_taken_back),
	        cmocka_unit_test(conflicts_are_merged),
	        cmocka_unit_test(what_has_become_of_entries_is_told),
	        cmocka_unit_test(broken_texts_are_told),
	        cmocka_unit_test(a_ceiling_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
