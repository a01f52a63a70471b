#include "sync/sync_simulation.h"

#include "base/mem.h"
#include "sync/sync_check.h"
#include "sync/sync_owner.h"
#include "sync/sync_wire.h"

#include <inttypes.h>
#include <string.h>

#define BEGAN_MS     INT64_C(1700000000000)
#define MINUTE_MS    INT64_C(60000)
#define HOUR_MS      (60 * MINUTE_MS)
#define DAY_MS       (24 * HOUR_MS)
#define SLOW_MS      20000
#define QUIET_TURNS  1500
#define REST_FETCHES 100 /* beyond what is due */

uint64_t sync_below(struct sync_simulation *world, uint64_t n)
{
	return aps_rand_below(&world->rand, n);
}

bool sync_chance(struct sync_simulation *world, unsigned percent)
{
	return sync_below(world, 100) < percent;
}

static bool is_over(const struct sync_simulation *world)
{
	return world->violation[0] != '\0';
}

static struct aps_delta_sync *machine_of(struct sync_simulation *world)
{
	return &world->process.machine;
}

/* Time. */

static void skip(struct sync_simulation *world, int64_t ms, bool is_awake)
{
	world->true_ms += ms;
	if (is_awake) world->mono_ms += ms;
	sync_wire_pass_time(world);
}

static bool fire(struct sync_simulation *world)
{
	struct sync_process *process = &world->process;
	if (!process->is_running || !process->is_armed || world->mono_ms < process->due_ms) return false;
	process->is_armed = false;
	world->n_dues++;
	sync_owner_feed_kind(world, APS_SYNC_ON_DUE);
	sync_owner_go_on(world);
	return true;
}

/* At most so long, and no longer than until the timer's time is over. */
static int64_t pass_time(struct sync_simulation *world, int64_t ms)
{
	const struct sync_process *process = &world->process;
	int64_t left_ms = process->due_ms - world->mono_ms;
	if (process->is_running && process->is_armed && left_ms < ms) ms = left_ms > 0 ? left_ms : 0;
	skip(world, ms, true);
	fire(world);
	return ms;
}

/* Most requests are answered before. */
static void pass_long(struct sync_simulation *world, int64_t ms)
{
	if (!world->process.request.is_under_way || sync_chance(world, 20)) pass_time(world, ms);
}

/* Nobody looks at the device, or nothing runs on it: the service's records change meanwhile. */
static void be_away(struct sync_simulation *world, int64_t ms)
{
	sync_say(world, "%" PRId64 " s later", ms / 1000);
	for (uint64_t n = sync_below(world, 6); n > 0; n--) {
		int64_t part_ms = (int64_t)sync_below(world, (uint64_t)ms + 1);
		skip(world, part_ms, false);
		ms -= part_ms;
		sync_wire_change(world, false);
	}
	skip(world, ms, false);
}

static int64_t some_length(struct sync_simulation *world)
{
	const struct aps_delta_sync_options *options = &world->options;
	const struct service_manner *manner = &world->service.manner;
	const int64_t lengths[] = {options->window_ms / 2, options->window_ms, options->interval_ms, manner->token_ms,
	                           manner->tombstone_ms,   manner->journal_ms, 10 * MINUTE_MS,       40 * DAY_MS};
	int64_t ms = lengths[sync_below(world, APS_COUNTOF(lengths))];
	ms += (int64_t)sync_below(world, 20000) - 10000;
	return ms > 0 ? ms : 0;
}

/* The process. */

/* Another version of the app, now and then. By the time, not drawn: what else happens in a schedule stays as it is. */
static void change_limit(struct sync_simulation *world)
{
	if (world->options.max_records == 0 || world->true_ms % 16 != 0) return;
	world->options.max_records = (uint64_t)world->true_ms / 16 % 9;
	sync_say(world, "%" PRIu64 " records from now on", world->options.max_records);
}

static void die(struct sync_simulation *world)
{
	world->process.hearing.is_joined = false;
	if (sync_chance(world, 30)) sync_owner_commit(world);
	sync_owner_kill(world);
	change_limit(world);
	if (sync_chance(world, 25)) be_away(world, some_length(world));
	world->is_told_offline = !world->is_quiet && sync_chance(world, 20);
	sync_owner_start(world);
}

static void stop(struct sync_simulation *world)
{
	sync_owner_feed_kind(world, APS_SYNC_ON_STOP);
	world->n_stops++;
	die(world);
}

static void sleep_long(struct sync_simulation *world)
{
	sync_say(world, "it sleeps");
	sync_wire_break(world);
	be_away(world, some_length(world));
}

/* The network. */

static void change_network(struct sync_simulation *world)
{
	world->has_network = !world->has_network;
	sync_say(world, world->has_network ? "the network is back" : "the network is gone");
	if (!world->has_network) sync_wire_break_link(world);
	if (sync_chance(world, 70)) world->is_told_offline = !world->has_network;
}

static void change_clock(struct sync_simulation *world)
{
	static const int64_t JUMPS[] = {0, 0, DAY_MS, -DAY_MS, HOUR_MS, -HOUR_MS, 4 * MINUTE_MS, -4 * MINUTE_MS};
	world->ahead_ms = JUMPS[sync_below(world, APS_COUNTOF(JUMPS))];
	sync_say(world, "the device's clock is %" PRId64 " s ahead", world->ahead_ms / 1000);
}

static void hint(struct sync_simulation *world)
{
	if (!world->is_told_offline) sync_owner_feed_kind(world, APS_SYNC_ON_ONLINE);
}

static void ask_for_more(struct sync_simulation *world, uint64_t n)
{
	struct aps_sync_event event = {.kind = APS_SYNC_ON_MORE, .n_more = n};
	sync_say(world, "%" PRIu64 " more", n);
	sync_owner_feed(world, &event);
}

static void write_own(struct sync_simulation *world)
{
	if (world->has_network && world->service.manner.has_versions) sync_wire_change(world, true);
}

static void step_rarely(struct sync_simulation *world, uint64_t luck)
{
	if (luck < 14)
		die(world);
	else if (luck < 21)
		stop(world);
	else if (luck < 33)
		change_network(world);
	else if (luck < 40)
		change_clock(world);
	else if (luck < 46)
		hint(world);
	else if (luck < 52)
		ask_for_more(world, 1 + sync_below(world, 5));
	else if (luck < 56)
		sync_owner_clear_store(world);
	else if (luck < 62)
		sleep_long(world);
	else if (luck < 70)
		sync_wire_lose_events(world);
	else if (luck < 76)
		world->is_denied = !world->is_denied;
	else if (luck < 82)
		world->is_down = !world->is_down;
	else if (luck < 86)
		world->service.n_restarts++;
	else if (luck < 92)
		world->n_failing = 1 + (unsigned)sync_below(world, 3);
	else
		pass_long(world, some_length(world));
}

static void step(struct sync_simulation *world)
{
	uint64_t luck = sync_below(world, 100);
	world->n_steps++;
	if (luck < 18)
		sync_wire_change(world, false);
	else if (luck < 20)
		write_own(world);
	else if (luck < 45)
		sync_wire_move_request(world);
	else if (luck < 60)
		sync_wire_deliver(world);
	else if (luck < 68)
		sync_wire_move_link(world);
	else if (luck < 78)
		pass_time(world, (int64_t)sync_below(world, 2000));
	else if (luck < 80)
		pass_long(world, (int64_t)sync_below(world, 10 * MINUTE_MS));
	else if (luck < 85)
		sync_owner_commit(world);
	else if (luck < 91)
		sync_owner_unpark(world);
	else
		step_rarely(world, sync_below(world, 100));
	if (!is_over(world) && sync_chance(world, 80)) sync_owner_go_on(world);
}

/* Quiet. */

static bool is_at_rest(struct sync_simulation *world)
{
	const struct sync_process *process = &world->process;
	bool is_told = world->link.n == 0 && !world->link.is_untold && !world->link.owes_missed;
	if (world->options.has_subscription && !world->is_denied) is_told = is_told && world->link.is_registered;
	return is_told && !process->request.is_under_way && !process->answer.is_there && !process->keeping.is_busy &&
	       !process->keeping.is_over && process->hearing.n == 0 && !process->hearing.has_news &&
	       !process->hearing.has_missed && !process->machine.is_missing && !world->store.is_open &&
	       !process->is_cleared && !aps_delta_sync_holds_events(machine_of(world));
}

static void quiet_turn(struct sync_simulation *world)
{
	if (world->is_slow && world->process.request.is_under_way) pass_time(world, SLOW_MS);
	const struct sync_link *link = &world->link;
	bool may_stop = world->process.n_refused > SYNC_MAX_REFUSED || world->process.hearing.standing == HAS_ENDED;
	if (may_stop && machine_of(world)->phase == APS_SYNC_STOPPED) die(world);
	sync_wire_move_request(world);
	sync_wire_deliver(world);
	if (!link->is_registered || link->is_untold || link->owes_missed) sync_wire_move_link(world);
	sync_owner_unpark(world);
	sync_owner_commit(world);
	sync_owner_go_on(world);
	enum aps_sync_phase phase = machine_of(world)->phase;
	bool waits = phase == APS_SYNC_WAITING || phase == APS_SYNC_SUBSCRIBING;
	waits = waits || (world->options.has_subscription && !world->process.hearing.is_joined);
	waits = waits || machine_of(world)->is_missing;
	if (!is_over(world) && waits) pass_time(world, HOUR_MS);
}

/* Until nothing is left to do. */
static void settle(struct sync_simulation *world)
{
	for (int turn = 0; turn < QUIET_TURNS && !is_over(world); turn++) {
		if (is_at_rest(world)) return;
		quiet_turn(world);
	}
	sync_violate(world, "it never comes to rest: %s", aps_sync_phase_name(machine_of(world)->phase));
}

/* So many requests are due at most. */
static int64_t count_due(const struct sync_simulation *world, int64_t ms)
{
	const struct aps_delta_sync_options *options = &world->options;
	int64_t n = REST_FETCHES;
	/* where the window is shorter than a page takes, passes begin anew */
	bool is_tiny = options->window_ms < MINUTE_MS;
	if (options->has_base) n += ms / options->interval_ms * (is_tiny ? 4 : 2) * SERVICE_KEYS;
	if (options->has_delta) /* more often than not below: the clock may be wrong */
		n += ms / (options->window_ms / 4 > 500 ? options->window_ms / 4 : 500);
	if (options->has_base && options->has_delta && is_tiny) n += ms / APS_SYNC_MIN_RERUN_MS * (4 * SERVICE_KEYS);
	if (options->has_delta && world->is_denied) n += ms / aps_sync_earlier_ms(options->poll_ms, 100);
	return n;
}

/* So long nothing happens but what is due. */
static void rest(struct sync_simulation *world, int64_t ms)
{
	const int64_t n_most = count_due(world, ms);
	world->n_fetches = world->n_dues = 0;
	while (ms > 0 && !is_over(world)) {
		ms -= pass_time(world, ms);
		settle(world);
		if (world->n_fetches > n_most || world->n_dues > n_most)
			sync_violate(world, "%u requests and %u timers in a time of rest", world->n_fetches,
			             world->n_dues);
	}
}

static void calm(struct sync_simulation *world)
{
	sync_say(world, "quiet from now on");
	world->is_quiet = true;
	world->has_network = true;
	world->is_told_offline = world->is_down = false;
	world->n_failing = 0;
	world->is_denied = sync_chance(world, 20) && world->options.has_delta;
	if (world->is_denied) sync_wire_break_link(world);
	if (machine_of(world)->phase == APS_SYNC_STOPPED) die(world);
	world->is_told_offline = false;
}

static void end(struct sync_simulation *world)
{
	const struct aps_delta_sync_options *options = &world->options;
	bool has_query = options->has_base || options->has_delta;
	calm(world);
	settle(world);
	bool is_told = options->has_subscription && !world->is_denied && !world->has_lost_silently;
	if (is_told) sync_check_end(world, "at once");
	if (options->has_delta) {
		rest(world, world->is_denied ? options->poll_ms + MINUTE_MS : options->window_ms / 2 + MINUTE_MS);
		rest(world, options->window_ms / 2 + MINUTE_MS);
		sync_check_end(world, "after a heartbeat");
	}
	if (options->has_base && machine_of(world)->checkpoint.is_truncated && sync_chance(world, 70)) {
		ask_for_more(world, 1000);
		settle(world);
		if (is_told || options->has_delta) sync_check_end(world, "with all of them");
	}
	/* many heartbeats are in a day */
	bool is_short = !options->has_delta || options->interval_ms <= options->window_ms || sync_chance(world, 3);
	if (has_query && options->has_base && is_short) {
		world->is_denied = false;
		/* the device's clock may be behind, by less than what is called a jump */
		const int64_t ms = options->interval_ms + options->interval_ms / 8 + APS_SYNC_CLOCK_SLACK_MS;
		rest(world, ms);
		rest(world, ms);
		sync_check_end(world, "after an interval");
	}
}

/* The beginning. */

static struct service_manner some_manner(struct sync_simulation *world)
{
	const int64_t window_ms = world->options.window_ms;
	bool has_versions = sync_chance(world, 75);
	struct service_manner manner = {
	        .has_versions = has_versions,
	        .tells_changes = has_versions && sync_chance(world, 75),
	        .raises_at_deletion = sync_chance(world, 60),
	        .lists_deleted = sync_chance(world, 50),
	        .forgets_versions = sync_chance(world, 40),
	        .filters = sync_chance(world, 25),
	        .journals_last = sync_chance(world, 25),
	        .journals_by_key = sync_chance(world, 25),
	        .counts_seconds = sync_chance(world, 50),
	        .tells_start = sync_chance(world, 50),
	        .max_page = (uint32_t)(1 + sync_below(world, 6)),
	        .too_large = sync_chance(world, 20) ? (uint32_t)(1 + sync_below(world, 4)) : 0,
	        .journal_ms = sync_chance(world, 50) ? window_ms : window_ms + window_ms / 3,
	        .tombstone_ms = (int64_t)(1 + sync_below(world, 48)) * HOUR_MS,
	        .token_ms = (int64_t)(1 + sync_below(world, 90)) * MINUTE_MS,
	};
	if (manner.too_large > 0 && manner.too_large < world->options.min_page_size)
		manner.too_large = world->options.min_page_size;
	return manner;
}

static int64_t some_window_ms(struct sync_simulation *world, bool is_hasty)
{
	if (sync_chance(world, 2)) return 1 + (int64_t)sync_below(world, 5000); /* it is always over */
	return (int64_t)(is_hasty ? 3 + sync_below(world, 2) : 10 + sync_below(world, 110)) * MINUTE_MS;
}

static struct aps_delta_sync_options some_options(struct sync_simulation *world)
{
	unsigned queries = (unsigned)(1 + sync_below(world, 7));
	if (sync_chance(world, 50)) queries = 7;
	/* a base pass of a slow service takes longer than its window */
	bool is_hasty = sync_chance(world, 10);
	world->is_slow = is_hasty && (queries & 2) != 0;
	struct aps_delta_sync_options options = {
	        .has_base = (queries & 1) != 0,
	        .has_delta = (queries & 2) != 0,
	        .has_subscription = (queries & 4) != 0,
	        .is_paged = sync_chance(world, 80),
	        .is_delta_paged = sync_chance(world, 80),
	        .window_ms = some_window_ms(world, is_hasty),
	        .poll_ms = MINUTE_MS,
	        .max_records = sync_chance(world, 25) ? 1 + sync_below(world, 8) : 0,
	        .page_size = (uint32_t)(1 + sync_below(world, 6)),
	};
	const int64_t intervals[] = {DAY_MS, 6 * HOUR_MS, options.window_ms, options.window_ms / 2};
	options.interval_ms = intervals[sync_below(world, APS_COUNTOF(intervals))];
	if (options.interval_ms < APS_SYNC_MIN_RERUN_MS) options.interval_ms = APS_SYNC_MIN_RERUN_MS;
	options.min_page_size = (uint32_t)(1 + sync_below(world, options.page_size));
	return options;
}

static void begin(struct sync_simulation *world, uint64_t seed, FILE *log)
{
	memset(world->excused, 0, sizeof world->excused);
	world->seed = seed;
	world->log = log;
	world->violation[0] = '\0';
	aps_rand_init(&world->rand, seed);
	world->options = some_options(world);
	const struct service_manner manner = some_manner(world);
	sync_service_init(&world->service, &manner);
	sync_store_init(&world->store, world->options.has_base);
	world->true_ms = BEGAN_MS + (int64_t)sync_below(world, 100000);
	world->ahead_ms = 0;
	world->has_network = true;
	world->is_told_offline = world->is_down = world->is_denied = world->is_quiet = false;
	world->has_lost_silently = false;
	world->n_failing = 0;
	const struct aps_delta_sync_options *o = &world->options;
	sync_say(world,
	         "seed %" PRIu64 ":%s%s%s, window %" PRId64 " s, interval %" PRId64 " s, %" PRIu64
	         " records, pages of %u..%u%s",
	         seed, o->has_base ? " base" : "", o->has_delta ? " delta" : "",
	         o->has_subscription ? " subscription" : "", o->window_ms / 1000, o->interval_ms / 1000, o->max_records,
	         o->min_page_size, o->page_size, o->is_paged ? "" : ", not paged");
	sync_say(world,
	         "versions %d, changed %d, raises %d, lists %d, forgets %d, filters %d, last %d, by key %d, start %d",
	         manner.has_versions, manner.tells_changes, manner.raises_at_deletion, manner.lists_deleted,
	         manner.forgets_versions, manner.filters, manner.journals_last, manner.journals_by_key,
	         manner.tells_start);
}

const char *sync_simulation_run(struct sync_simulation *world, uint64_t seed, FILE *log)
{
	begin(world, seed, log);
	for (uint64_t n = sync_below(world, 15); n > 0; n--) sync_wire_change(world, false);
	if (sync_chance(world, 20)) change_clock(world);
	sync_owner_start(world);
	uint64_t n_steps = 20 + sync_below(world, 180);
	for (uint64_t i = 0; i < n_steps && !is_over(world); i++) step(world);
	if (!is_over(world)) end(world);
	if (world->process.is_running) aps_delta_sync_clear(machine_of(world));
	world->process.is_running = false;
	return is_over(world) ? world->violation : NULL;
}
