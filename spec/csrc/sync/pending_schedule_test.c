/* Three devices change one record of a service in random order, and hear of it late, twice and in any order. N= and
 * SEED=: how many schedules, and the first one's seed. */
#include "sync/pending_record.h"

#include "base/rand.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N_DEVICES    3
#define N_STEPS      40
#define MAX_VERSIONS 512
#define MAX_EVENTS   1024
#define MAX_QUIET    20000
#define N_FIELDS     3

enum mode {
	MODE_EXACT,       /* each device has its own field, and all count: what comes out is known */
	MODE_CLIENT_WINS, /* conflicts are told, and the device's change is sent again */
	MODE_SERVER_WINS, /* conflicts are told, and the device's change is dropped */
	MODE_AUTOMERGE,   /* the service merges by field; what it has wins */
	MODE_COUNT
};

static const char *const FIELDS[N_FIELDS] = {"a", "b", "c"};
static const struct aps_pending_rule RULES[] = {{{"n", 1}, APS_FIELD_MERGE_SUM_DELTA}};

enum answer { ANSWER_OK, ANSWER_CONFLICT, ANSWER_REFUSED };

/* What a device has sent: on its way there, or back. */
struct flight {
	bool is_sent, is_answered;
	struct aps_pending_request request;
	struct aps_record_fields change;
	enum answer answer;
	struct aps_str record;
};

struct device {
	struct aps_pending_record pending;
	struct flight flight;
	struct aps_str events[MAX_EVENTS]; /* that it hasn't heard yet */
	size_t n_events;
	long written[N_FIELDS]; /* the last value it has written; 0: none that must arrive */
};

struct world {
	enum mode mode;
	struct aps_rand rand;
	struct aps_arena arena;
	struct aps_record_fields versions[MAX_VERSIONS]; /* the record's states; [0]: there was none */
	int64_t version;
	struct device devices[N_DEVICES];
	long last_value, n_added;
	bool was_seen[N_STEPS * N_DEVICES * N_FIELDS + MAX_VERSIONS]; /* values that the service has had */
};

static struct world w;

static bool is_one_in(unsigned n)
{
	return aps_rand_below(&w.rand, n) == 0;
}

static struct aps_str text_of(long value)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%ld", value);
	return aps_arena_dup(&w.arena, (struct aps_str){text, (size_t)n});
}

static struct aps_str json_of(const struct aps_record_fields *fields)
{
	struct aps_buf out;
	struct aps_json_writer writer;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&writer, &out);
	aps_record_fields_write(fields, &writer);
	assert_int_equal(aps_json_writer_finish(&writer), APS_OK);
	struct aps_str json = aps_arena_dup(&w.arena, (struct aps_str){out.p, out.n});
	aps_buf_clear(&out);
	return json;
}

static long number_of(const struct aps_record_fields *fields, const char *name)
{
	int64_t value = 0;
	return aps_record_fields_int(fields, name, &value) ? (long)value : 0;
}

static struct aps_str service_record(void)
{
	return w.version != 0 ? json_of(&w.versions[w.version]) : APS_STR("");
}

/* ---- the service ---- */

static void put_version(const struct aps_record_fields *fields, bool is_deleted)
{
	struct aps_record_fields *record = &w.versions[++w.version];
	assert_true(w.version < MAX_VERSIONS);
	assert_true(aps_record_fields_copy(record, fields, &w.arena));
	assert_true(aps_record_fields_set(record, APS_STR("_version"), text_of((long)w.version), &w.arena));
	struct aps_str deleted = is_deleted ? APS_STR("true") : APS_STR("false");
	assert_true(aps_record_fields_set(record, APS_STR("_deleted"), deleted, &w.arena));
	for (size_t i = 0; i < N_FIELDS; i++) w.was_seen[number_of(record, FIELDS[i])] = true;
	struct aps_str event = service_record();
	for (size_t i = 0; i < N_DEVICES; i++) {
		struct device *device = &w.devices[i];
		size_t n_times = is_one_in(8) ? 0 : is_one_in(8) ? 2 : 1;
		for (size_t k = 0; k < n_times && device->n_events < MAX_EVENTS; k++)
			device->events[device->n_events++] = event;
	}
}

/* What the service takes of a change that is based on an older version. */
static struct aps_record_fields automerged(const struct flight *flight)
{
	struct aps_record_fields taken = {NULL, 0, 0};
	const struct aps_record_fields *now = &w.versions[w.version];
	bool has_base = flight->request.version > 0 && flight->request.version < w.version;
	for (size_t i = 0; has_base && i < flight->change.n; i++) {
		const struct aps_record_field *field = &flight->change.items[i];
		struct aps_str before = aps_record_fields_get(&w.versions[flight->request.version], field->name);
		if (!aps_record_value_is_same(before, aps_record_fields_get(now, field->name))) continue;
		assert_true(aps_record_fields_set(&taken, field->name, field->value, &w.arena));
	}
	return taken;
}

static enum answer carry_out(const struct flight *flight)
{
	enum aps_pending_op op = flight->request.op;
	bool exists = w.version != 0;
	if (op == APS_PENDING_CREATE && exists) return w.mode == MODE_CLIENT_WINS ? ANSWER_CONFLICT : ANSWER_REFUSED;
	if (op == APS_PENDING_CREATE) {
		put_version(&flight->change, false);
		return ANSWER_OK;
	}
	if (!exists) return ANSWER_REFUSED;
	struct aps_record_fields record, change = flight->change;
	bool is_alive = !aps_record_fields_is_true(&w.versions[w.version], "_deleted");
	bool is_old = !flight->request.has_version || flight->request.version != w.version;
	bool may_merge = w.mode == MODE_AUTOMERGE && op == APS_PENDING_UPDATE && is_alive;
	if (is_old && !may_merge) return ANSWER_CONFLICT;
	if (is_old) change = automerged(flight);
	assert_true(aps_record_fields_copy(&record, &w.versions[w.version], &w.arena));
	if (op == APS_PENDING_UPDATE) assert_true(aps_record_fields_apply(&record, &change, &w.arena));
	put_version(&record, op == APS_PENDING_DELETE);
	return ANSWER_OK;
}

static void execute(struct device *device)
{
	struct flight *flight = &device->flight;
	if (!flight->is_sent || flight->is_answered) return;
	/* some are refused for another reason, which says nothing of the record, or all of it */
	bool is_refused = w.mode >= MODE_SERVER_WINS && is_one_in(16);
	flight->answer = is_refused ? ANSWER_REFUSED : carry_out(flight);
	flight->record = is_refused && is_one_in(2) ? APS_STR("") : service_record();
	flight->is_answered = true;
}

/* ---- a device ---- */

static void shown_of(const struct device *device, struct aps_record_fields *shown, bool *is_there)
{
	struct aps_err err;
	assert_int_equal(aps_pending_shown(&device->pending, shown, is_there, &err), APS_OK);
}

static void drop_gone(struct device *device)
{
	struct aps_pending_record *record = &device->pending;
	size_t n = 0;
	for (size_t i = 0; i < record->n_entries; i++) {
		if (record->entries[i].is_gone) {
			assert_false(record->entries[i].has_begun);
			continue;
		}
		record->entries[n] = record->entries[i];
		record->entries[n].is_rewritten = false;
		n++;
	}
	record->n_entries = n;
}

static void change_fields(struct device *device, const struct aps_record_fields *shown, bool is_there,
                          struct aps_record_fields *change)
{
	size_t own = (size_t)(device - w.devices);
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (w.mode == MODE_EXACT ? i != own : !is_one_in(2)) continue;
		bool is_cleared = w.mode != MODE_EXACT && is_there && is_one_in(6);
		device->written[i] = is_cleared ? 0 : ++w.last_value;
		struct aps_str value = is_cleared ? APS_STR("null") : text_of(w.last_value);
		assert_true(aps_record_fields_set(change, aps_str_of(FIELDS[i]), value, &w.arena));
	}
	if (w.mode != MODE_EXACT || is_one_in(2)) return;
	long more = 1 + (long)aps_rand_below(&w.rand, 5);
	w.n_added += more;
	assert_true(aps_record_fields_set(change, APS_STR("n"), text_of(number_of(shown, "n") + more), &w.arena));
}

static void save(struct device *device)
{
	bool is_there;
	struct aps_err err;
	struct aps_record_fields before, after;
	struct aps_pending_change change = {.is_delete = w.mode != MODE_EXACT && is_one_in(5)};
	shown_of(device, &before, &is_there);
	if (change.is_delete)
		memset(device->written, 0, sizeof device->written);
	else
		change_fields(device, &before, is_there, &change.record);
	if (is_one_in(6)) change.condition = APS_STR("[\"all\"]");
	if (is_one_in(6)) change.batch = 1 + aps_rand_below(&w.rand, 2);
	assert_int_equal(aps_pending_change(&device->pending, &change, &err), APS_OK);
	drop_gone(device);
	shown_of(device, &after, &is_there);
	assert_int_equal(is_there, !change.is_delete);
	for (size_t i = 0; i < change.record.n; i++) {
		const struct aps_record_field *field = &change.record.items[i];
		assert_true(aps_record_value_is_same(field->value, aps_record_fields_get(&after, field->name)));
	}
}

static void send(struct device *device)
{
	struct flight *flight = &device->flight;
	struct aps_pending_record *record = &device->pending;
	if (flight->is_sent || record->n_entries == 0) return;
	record->entries[0].has_begun = true;
	*flight = (struct flight){.is_sent = true, .request = aps_pending_request_of(record, 0)};
	assert_true(aps_record_fields_copy(&flight->change, &record->entries[0].change, &w.arena));
}

/* What was written here, and is queued still, is shown whatever others say; the counter goes with theirs. */
static void hear(struct device *device)
{
	bool is_there, stays;
	struct aps_err err;
	struct aps_record_fields before, after;
	enum aps_pending_meets meets;
	struct aps_pending_record *record = &device->pending;
	if (device->n_events == 0) return;
	size_t i = aps_rand_below(&w.rand, (uint32_t)device->n_events);
	struct aps_str event = device->events[i];
	device->events[i] = device->events[--device->n_events];
	shown_of(device, &before, &is_there);
	assert_int_equal(aps_pending_remote(record, event, &meets, &err), APS_OK);
	drop_gone(device);
	shown_of(device, &after, &stays);
	if (record->n_entries != 0) assert_int_equal(is_there, stays);
	for (size_t k = 0; stays && k < record->n_entries; k++)
		for (size_t f = 0; f < N_FIELDS; f++) {
			struct aps_str name = aps_str_of(FIELDS[f]);
			if (aps_record_fields_get(&record->entries[k].change, name).n == 0) continue;
			assert_true(aps_record_value_is_same(aps_record_fields_get(&before, name),
			                                     aps_record_fields_get(&after, name)));
		}
}

/* The client wins, or the service. */
static void settle(struct device *device, struct aps_str remote)
{
	struct aps_err err;
	struct aps_pending_merged merged;
	bool is_delete = device->pending.entries[0].op == APS_PENDING_DELETE;
	assert_int_equal(aps_pending_merge(&device->pending, 0, remote, &merged, &err), APS_OK);
	if (w.mode == MODE_EXACT) assert_false(merged.has_conflict);
	if (merged.has_conflict && w.mode >= MODE_SERVER_WINS)
		assert_int_equal(aps_pending_dropped(&device->pending, 0, remote, &err), APS_OK);
	else
		assert_int_equal(aps_pending_resolved(&device->pending, 0, remote, &merged.change, is_delete, &err),
		                 APS_OK);
}

static void receive(struct device *device)
{
	struct aps_err err;
	struct flight *flight = &device->flight;
	if (!flight->is_answered) return;
	if (flight->answer == ANSWER_OK)
		assert_int_equal(aps_pending_answered(&device->pending, 0, flight->record, &err), APS_OK);
	else if (flight->answer == ANSWER_REFUSED)
		assert_int_equal(aps_pending_dropped(&device->pending, 0, flight->record, &err), APS_OK);
	else
		settle(device, flight->record);
	if (flight->answer == ANSWER_REFUSED) memset(device->written, 0, sizeof device->written);
	*flight = (struct flight){.is_sent = false};
	drop_gone(device);
}

/* ---- schedules ---- */

static void step(bool is_quiet)
{
	struct device *device = &w.devices[aps_rand_below(&w.rand, N_DEVICES)];
	switch (aps_rand_below(&w.rand, is_quiet ? 4 : 5)) {
	case 0: send(device); break;
	case 1: execute(device); break;
	case 2: receive(device); break;
	case 3: hear(device); break;
	default: save(device); break;
	}
}

static bool is_settled(void)
{
	for (size_t i = 0; i < N_DEVICES; i++) {
		const struct device *device = &w.devices[i];
		if (device->pending.n_entries != 0 || device->flight.is_sent || device->n_events != 0) return false;
	}
	return true;
}

/* What one sync tells at the end: the service's record, and nothing else, is what each device shows. */
static void check_device(struct device *device)
{
	bool is_there;
	struct aps_err err;
	struct aps_record_fields shown;
	enum aps_pending_meets meets;
	const struct aps_record_fields *record = &w.versions[w.version];
	if (w.version != 0) {
		assert_int_equal(aps_pending_remote(&device->pending, service_record(), &meets, &err), APS_OK);
		assert_int_not_equal(meets, APS_PENDING_CONFLICTS);
	}
	shown_of(device, &shown, &is_there);
	assert_int_equal(is_there, w.version != 0 && !aps_record_fields_is_true(record, "_deleted"));
	if (is_there) assert_string_equal(json_of(&shown).p, json_of(record).p);
	for (size_t i = 0; i < N_FIELDS && w.mode <= MODE_CLIENT_WINS; i++) {
		long value = device->written[i];
		assert_true(value == 0 || w.was_seen[value]);
		if (w.mode == MODE_EXACT && value != 0) assert_int_equal(number_of(record, FIELDS[i]), value);
	}
}

static void run_schedule(uint64_t seed, enum mode mode)
{
	struct aps_err err;
	memset(&w, 0, sizeof w);
	w.mode = mode;
	aps_rand_init(&w.rand, seed);
	aps_arena_init(&w.arena, APS_BUF_ANY_SIZE);
	if (mode == MODE_EXACT || is_one_in(2)) {
		static const struct aps_record_fields EMPTY = {NULL, 0, 0};
		put_version(&EMPTY, false);
	}
	for (size_t i = 0; i < N_DEVICES; i++) {
		struct aps_pending_record *record = &w.devices[i].pending;
		assert_int_equal(aps_pending_init(record, service_record(), &w.arena, &err), APS_OK);
		record->rules = RULES;
		record->n_rules = APS_COUNTOF(RULES);
	}
	for (size_t i = 0; i < N_STEPS; i++) step(false);
	for (size_t i = 0; !is_settled(); i++) {
		assert_true(i < MAX_QUIET);
		step(true);
	}
	for (size_t i = 0; i < N_DEVICES; i++) check_device(&w.devices[i]);
	if (mode == MODE_EXACT) assert_int_equal(number_of(&w.versions[w.version], "n"), w.n_added);
	aps_arena_clear(&w.arena);
}

static uint64_t given(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void devices_agree(void **state)
{
	(void)state;
	uint64_t n = given("N", 2000), first = given("SEED", 1);
	print_message("N=%" PRIu64 " SEED=%" PRIu64 "\n", n, first);
	for (uint64_t i = 0; i < n; i++)
		for (int mode = 0; mode < MODE_COUNT; mode++) {
			w.mode = MODE_COUNT;
			run_schedule(first + i, (enum mode)mode);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(devices_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
