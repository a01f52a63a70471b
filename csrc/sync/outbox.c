#include "sync/outbox.h"

#include "base/mem.h"

#define REASON_TEXT(name, text) text,
static const char *const REASON_NAMES[] = {APS_OUTBOX_REASON_MAP(REASON_TEXT)};
#undef REASON_TEXT

static const enum aps_outbox_reason REASONS[APS_DELIVERY_STATE_COUNT] = {
        [APS_DELIVERY_QUEUED] = APS_OUTBOX_FOR_NONE,        [APS_DELIVERY_MARKING] = APS_OUTBOX_FOR_SENDING,
        [APS_DELIVERY_SENDING] = APS_OUTBOX_FOR_SENDING,    [APS_DELIVERY_WAITING] = APS_OUTBOX_FOR_RETRY,
        [APS_DELIVERY_NO_AUTH] = APS_OUTBOX_FOR_AUTH,       [APS_DELIVERY_LOOKING] = APS_OUTBOX_FOR_SENDING,
        [APS_DELIVERY_RESOLVING] = APS_OUTBOX_FOR_RESOLVER, [APS_DELIVERY_ENDING] = APS_OUTBOX_FOR_SENDING,
        [APS_DELIVERY_HELD] = APS_OUTBOX_FOR_STORAGE,       [APS_DELIVERY_ENDED] = APS_OUTBOX_FOR_NONE,
};

const char *aps_outbox_reason_name(enum aps_outbox_reason reason)
{
	return (unsigned)reason < APS_OUTBOX_REASON_COUNT ? REASON_NAMES[reason] : NULL;
}

void aps_outbox_init(struct aps_outbox *outbox, const struct aps_outbox_options *options,
                     struct aps_outbox_journal *journal)
{
	*outbox = (struct aps_outbox){.options = *options, .journal = journal};
	aps_buf_init(&outbox->actions, APS_BUF_ANY_SIZE);
	aps_entity_order_init(&outbox->entities);
}

void aps_outbox_clear(struct aps_outbox *outbox)
{
	aps_outbox_forget(outbox);
	aps_buf_clear(&outbox->actions);
	aps_entity_order_clear(&outbox->entities);
}

void aps_outbox_forget(struct aps_outbox *outbox)
{
	while (outbox->items != NULL) {
		struct aps_outbox_item *item = outbox->items;
		outbox->items = item->next;
		aps_free(item);
	}
	aps_buf_reset(&outbox->actions);
	outbox->n_taken = 0;
	aps_outbox_look_again(outbox);
}

static bool is_serial(const struct aps_outbox *outbox)
{
	return outbox->options.order == APS_OUTBOX_SERIAL;
}

static struct aps_outbox_item *find_item(const struct aps_outbox *outbox, uint64_t number)
{
	struct aps_outbox_item *item = outbox->items;
	while (item != NULL && item->number != number) item = item->next;
	return item;
}

const struct aps_outbox_item *aps_outbox_item(const struct aps_outbox *outbox, uint64_t number)
{
	return find_item(outbox, number);
}

void aps_outbox_distrust(struct aps_outbox *outbox, uint64_t number)
{
	struct aps_outbox_item *item = find_item(outbox, number);
	if (item != NULL) item->delivery.resend = APS_RESEND_NEVER;
}

static struct aps_outbox_item *item_of_mode(const struct aps_outbox *outbox, unsigned mode)
{
	struct aps_outbox_item *item = outbox->items;
	while (item != NULL && item->mode != mode) item = item->next;
	return item;
}

/* Those that were taken make room. */
static void drop_taken(struct aps_outbox *outbox)
{
	struct aps_buf *actions = &outbox->actions;
	size_t n_bytes = outbox->n_taken * sizeof(struct aps_outbox_action);
	if (n_bytes == 0) return;
	memmove(actions->p, actions->p + n_bytes, actions->n - n_bytes);
	actions->n -= n_bytes;
	outbox->n_taken = 0;
}

static bool make_room(struct aps_outbox *outbox, size_t n)
{
	if (outbox->actions.n + n * sizeof(struct aps_outbox_action) >= outbox->actions.capacity) drop_taken(outbox);
	if (aps_buf_reserve(&outbox->actions, n * sizeof(struct aps_outbox_action)) != NULL) return true;
	outbox->actions.rc = APS_OK;
	aps_fail(&outbox->trouble, APS_E_NOMEM, "no memory for the queue");
	return false;
}

/* Another item is to come. What has happened must not be lost for want of memory: each has room for what follows from
 * an event and for what it begins afterwards, before they are taken. */
static bool make_room_for_item(struct aps_outbox *outbox)
{
	size_t n = 1;
	for (const struct aps_outbox_item *item = outbox->items; item != NULL; item = item->next) n++;
	return make_room(outbox, n * 2);
}

static void act(struct aps_outbox *outbox, const struct aps_outbox_item *item, const struct aps_delivery_action *what)
{
	const struct aps_delivery *delivery = &item->delivery;
	const struct aps_outbox_action action = {
	        .number = item->number,
	        .mode = item->mode,
	        .store = what->store,
	        .kind = what->kind,
	        .outcome = delivery->outcome,
	        .blocked_by = delivery->outcome == APS_DELIVERY_ENDED_BLOCKED ? item->blocked_by : 0,
	        .n_attempts = delivery->n_attempts,
	        .n_counted = delivery->n_counted,
	        .n_rounds = delivery->n_rounds,
	        .n_failures = delivery->n_failures,
	        .is_in_doubt = delivery->is_in_doubt,
	};
	if (what->store != APS_DELIVERY_STORE_NOTHING || what->kind != APS_DELIVERY_DO_NOTHING)
		aps_buf_add(&outbox->actions, &action, sizeof action);
}

const struct aps_outbox_action *aps_outbox_peek(const struct aps_outbox *outbox)
{
	const struct aps_outbox_action *all = (const struct aps_outbox_action *)(const void *)outbox->actions.p;
	return outbox->n_taken < outbox->actions.n / sizeof *all ? &all[outbox->n_taken] : NULL;
}

bool aps_outbox_take(struct aps_outbox *outbox, struct aps_outbox_action *action)
{
	const struct aps_outbox_action *next = aps_outbox_peek(outbox);
	if (next == NULL) return false;
	*action = *next;
	outbox->n_taken++;
	struct aps_outbox_item *item = find_item(outbox, action->number);
	if (item != NULL && aps_delivery_is_durable(action->store)) item->is_stored = true;
	return true;
}

static struct aps_outbox_item *add_item(struct aps_outbox *outbox, const struct aps_outbox_info *info)
{
	struct aps_outbox_item **at = &outbox->items;
	if (!make_room_for_item(outbox)) return NULL;
	struct aps_outbox_item *item = aps_calloc(1, sizeof *item);
	if (item == NULL) {
		aps_fail(&outbox->trouble, APS_E_NOMEM, "no memory for the queue");
		return NULL;
	}
	item->number = info->number;
	item->mode = info->mode;
	item->waits_for = info->waits_for;
	item->blocked_by = info->blocked_by;
	while (*at != NULL && (*at)->number < item->number) at = &(*at)->next;
	item->next = *at;
	*at = item;
	return item;
}

static void drop_item(struct aps_outbox *outbox, struct aps_outbox_item *item)
{
	struct aps_outbox_item **at = &outbox->items;
	while (*at != item) at = &(*at)->next;
	*at = item->next;
	aps_free(item);
}

/* Those of which nothing has begun are read once more, where they stand now. */
void aps_outbox_look_again(struct aps_outbox *outbox)
{
	struct aps_outbox_item *next;
	for (struct aps_outbox_item *item = outbox->items; item != NULL; item = next) {
		next = item->next;
		if (item->is_new && item->delivery.state == APS_DELIVERY_QUEUED) drop_item(outbox, item);
	}
	memset(outbox->is_drained, 0, sizeof outbox->is_drained);
	aps_entity_order_clear(&outbox->entities);
	outbox->scanned = 0;
	outbox->is_scanned = false;
}

void aps_outbox_look_on(struct aps_outbox *outbox)
{
	memset(outbox->is_drained, 0, sizeof outbox->is_drained);
	outbox->is_scanned = false;
}

void aps_outbox_change(struct aps_outbox *outbox, const struct aps_outbox_options *options)
{
	outbox->options = *options;
	aps_outbox_look_again(outbox);
}

/* From the journal. */
static struct aps_outbox_item *adopt(struct aps_outbox *outbox, const struct aps_outbox_info *info)
{
	struct aps_outbox_item *item = add_item(outbox, info);
	if (item == NULL) return NULL;
	item->is_new = !info->is_marked;
	struct aps_delivery_action action = {.kind = APS_DELIVERY_DO_NOTHING};
	if (info->is_marked)
		action = aps_delivery_init_found(&item->delivery, info->resend);
	else
		aps_delivery_init(&item->delivery, info->resend);
	item->delivery.n_attempts = info->n_attempts;
	item->delivery.n_counted = info->n_counted;
	item->delivery.n_rounds = info->n_rounds;
	act(outbox, item, &action);
	return item;
}

static void feed_item(struct aps_outbox *outbox, struct aps_outbox_item *item, enum aps_delivery_event_kind kind)
{
	const struct aps_delivery_event event = {.kind = kind, .successes = outbox->successes};
	if (!make_room(outbox, 1)) return;
	struct aps_delivery_action action = aps_delivery_feed(&item->delivery, &outbox->options.delivery, &event);
	act(outbox, item, &action);
}

/* Whoever waited for it can be sent, or never will be. */
static void release_dependents(struct aps_outbox *outbox, uint64_t number, enum aps_delivery_outcome outcome)
{
	for (struct aps_outbox_item *item = outbox->items; item != NULL; item = item->next) {
		if (item->waits_for != number) continue;
		item->waits_for = 0;
		if (outcome != APS_DELIVERY_ENDED_DONE) item->blocked_by = number;
	}
}

static bool has_ended(const struct aps_outbox_item *item)
{
	return item->delivery.state == APS_DELIVERY_ENDING || item->delivery.state == APS_DELIVERY_HELD;
}

/* Behind what has ended; that is in the transaction that what follows is in. */
static void pass_by(struct aps_outbox *outbox, const struct aps_outbox_item *item)
{
	aps_entity_order_end(&outbox->entities, item->number);
	release_dependents(outbox, item->number, item->delivery.outcome);
}

/* A request of it is, or is about to be. */
static bool is_at_service(const struct aps_outbox_item *item)
{
	return item->delivery.state == APS_DELIVERY_MARKING || item->delivery.state == APS_DELIVERY_SENDING ||
	       item->delivery.state == APS_DELIVERY_LOOKING;
}

static size_t count_at_service(const struct aps_outbox *outbox)
{
	size_t n = 0;
	for (const struct aps_outbox_item *item = outbox->items; item != NULL; item = item->next)
		n += is_at_service(item);
	return n;
}

/* Its turn has come. */
static void go(struct aps_outbox *outbox, struct aps_outbox_item *item, bool has_room)
{
	if (item->blocked_by != 0) {
		feed_item(outbox, item, APS_DELIVERY_ON_BLOCKED);
		return;
	}
	if (!has_room || item->waits_for != 0 || outbox->reach == APS_OUTBOX_OFFLINE) return;
	feed_item(outbox, item, APS_DELIVERY_ON_GO);
	bool has_begun = item->delivery.state != APS_DELIVERY_QUEUED;
	if (has_begun && outbox->reach == APS_OUTBOX_PROBE) outbox->reach = APS_OUTBOX_OFFLINE;
}

/* In whatever order: those that have had their turn and stepped back. */
static void go_all(struct aps_outbox *outbox)
{
	size_t n_at_service = count_at_service(outbox);
	for (struct aps_outbox_item *item = outbox->items; item != NULL; item = item->next) {
		if (item->delivery.state == APS_DELIVERY_QUEUED) {
			go(outbox, item, is_serial(outbox) || n_at_service < APS_OUTBOX_AT_ONCE);
			n_at_service += is_at_service(item);
		}
		if (has_ended(item)) pass_by(outbox, item);
	}
}

/* What couldn't be stored before anything that follows it. */
static void store_held(struct aps_outbox *outbox)
{
	for (struct aps_outbox_item *item = outbox->items; item != NULL; item = item->next)
		if (item->delivery.state == APS_DELIVERY_HELD) feed_item(outbox, item, APS_DELIVERY_ON_STORE_BACK);
}

static bool take_next(struct aps_outbox *outbox, unsigned modes, uint64_t after, struct aps_outbox_info *info)
{
	*info = (struct aps_outbox_info){.number = 0};
	aps_buf_init(&info->records, APS_BUF_ANY_SIZE);
	if (outbox->journal->next(outbox->journal, modes, after, info, &outbox->trouble) == APS_OK) return true;
	aps_buf_clear(&info->records);
	return false;
}

/* An entry of a lane that has none in memory but such as have ended. False: there is trouble, or none. */
static bool fill_lane(struct aps_outbox *outbox, unsigned mode)
{
	struct aps_outbox_info info;
	bool is_wanted = !outbox->is_drained[mode] && outbox->has_store;
	for (const struct aps_outbox_item *item = outbox->items; item != NULL; item = item->next)
		if (item->mode == mode && !has_ended(item)) is_wanted = false;
	if (!is_wanted) return false;
	uint64_t after = 0;
	bool is_taken = false;
	while (take_next(outbox, 1u << mode, after, &info)) {
		aps_buf_clear(&info.records);
		outbox->is_drained[mode] = info.number == 0;
		if (info.number == 0) break;
		after = info.number;
		if (find_item(outbox, info.number) != NULL) continue; /* it has ended, and is still there */
		is_taken = adopt(outbox, &info) != NULL;
		break;
	}
	return is_taken;
}

static bool fill_lanes(struct aps_outbox *outbox)
{
	bool is_any = false;
	for (unsigned mode = 0; mode < APS_OUTBOX_MODES && outbox->trouble.code == APS_OK; mode++)
		if ((outbox->options.modes >> mode & 1u) != 0) is_any = fill_lane(outbox, mode) || is_any;
	return is_any;
}

/* One that is in hand was known before (aps_outbox_lost()). */
static enum aps_rc note(struct aps_outbox *outbox, const struct aps_outbox_info *info)
{
	const struct aps_outbox_item *item = find_item(outbox, info->number);
	const uint64_t *records = (const uint64_t *)(const void *)info->records.p;
	size_t n = info->records.n / sizeof *records;
	if (item == NULL) return aps_entity_order_add(&outbox->entities, info->number, records, n, &outbox->trouble);
	if (has_ended(item)) return APS_OK;
	return aps_entity_order_add_started(&outbox->entities, info->number, records, n, &outbox->trouble);
}

/* Looks at more of the queue. False: there is trouble, or no more. */
static bool scan(struct aps_outbox *outbox)
{
	struct aps_outbox_info info;
	if (outbox->is_scanned || !outbox->has_store) return false;
	if (aps_entity_order_count(&outbox->entities) >= APS_OUTBOX_MAX_HELD) return false;
	if (outbox->n_reads == APS_OUTBOX_MAX_READS) return false;
	outbox->n_reads++;
	if (!take_next(outbox, outbox->options.modes, outbox->scanned, &info)) return false;
	outbox->is_scanned = info.number == 0;
	enum aps_rc rc = info.number != 0 ? note(outbox, &info) : APS_OK;
	if (rc == APS_OK && info.number != 0) outbox->scanned = info.number;
	aps_buf_clear(&info.records);
	return rc == APS_OK && !outbox->is_scanned;
}

/* What is in hand is known to the order before anything else begins. False: not yet. */
static bool scan_hand(struct aps_outbox *outbox)
{
	uint64_t last = 0;
	for (const struct aps_outbox_item *item = outbox->items; item != NULL; item = item->next)
		if (!has_ended(item)) last = item->number;
	while (outbox->scanned < last && scan(outbox)) {
	}
	return outbox->trouble.code == APS_OK && (outbox->scanned >= last || outbox->n_reads < APS_OUTBOX_MAX_READS);
}

/* The more are held the more are read at once: each time all of them are looked through. */
static bool scan_some(struct aps_outbox *outbox)
{
	size_t n = 1 + aps_entity_order_count(&outbox->entities) / 2;
	bool is_any = false;
	while (n-- > 0 && scan(outbox)) is_any = true;
	return is_any;
}

/* Offline only what is shown of the queue is wanted: its first one. */
static bool may_scan(const struct aps_outbox *outbox)
{
	return outbox->reach != APS_OUTBOX_OFFLINE || outbox->items == NULL;
}

static bool is_timed(const struct aps_outbox_item *item)
{
	return item->delivery.state == APS_DELIVERY_WAITING || item->delivery.state == APS_DELIVERY_NO_AUTH;
}

/* One that waits by itself keeps no other one from starting. */
static bool is_crowded(const struct aps_outbox *outbox)
{
	size_t n_busy = 0;
	for (const struct aps_outbox_item *item = outbox->items; item != NULL; item = item->next)
		n_busy += !is_timed(item) && item->waits_for == 0 && !has_ended(item) &&
		          item->delivery.state != APS_DELIVERY_RESOLVING;
	return n_busy >= APS_OUTBOX_AT_ONCE || outbox->entities.n_started >= APS_OUTBOX_MAX_HAND;
}

/* False: there is trouble, or none may start. */
static bool start_one(struct aps_outbox *outbox)
{
	struct aps_outbox_info info = {.number = 0};
	uint64_t number;
	if (is_crowded(outbox) || !outbox->has_store) return false;
	if (!scan_hand(outbox)) return false;
	do {
		if (aps_entity_order_start(&outbox->entities, &number, &outbox->trouble) != APS_OK) return false;
	} while (number == 0 && may_scan(outbox) && scan_some(outbox));
	if (number == 0) return false;
	aps_buf_init(&info.records, APS_BUF_ANY_SIZE);
	enum aps_rc rc = outbox->journal->find(outbox->journal, number, &info, &outbox->trouble);
	aps_buf_clear(&info.records);
	if (rc == APS_OK && info.number == 0) { /* somebody else has taken it away */
		aps_entity_order_end(&outbox->entities, number);
		return true;
	}
	if (rc == APS_OK && adopt(outbox, &info) != NULL) return true;
	aps_entity_order_step_back(&outbox->entities, number);
	return false;
}

static bool fill(struct aps_outbox *outbox)
{
	return is_serial(outbox) ? fill_lanes(outbox) : start_one(outbox);
}

enum aps_rc aps_outbox_go_on(struct aps_outbox *outbox, struct aps_err *err)
{
	aps_err_clear(&outbox->trouble);
	outbox->n_reads = 0;
	if (outbox->has_store) {
		store_held(outbox);
		do {
			go_all(outbox);
		} while (outbox->trouble.code == APS_OK && fill(outbox));
	}
	if (outbox->trouble.code != APS_OK) *err = outbox->trouble;
	return outbox->trouble.code;
}

/* Nothing before it is in the queue that has to do with it. */
static bool is_next(const struct aps_outbox *outbox, const struct aps_outbox_info *info)
{
	if (outbox->reach != APS_OUTBOX_ONLINE || !outbox->has_store || info->waits_for != 0 || info->blocked_by != 0)
		return false;
	return outbox->is_drained[info->mode] && item_of_mode(outbox, info->mode) == NULL;
}

static enum aps_rc add_to_order(struct aps_outbox *outbox, const struct aps_outbox_info *info, bool *may_start,
                                struct aps_err *err)
{
	uint64_t number = 0;
	*may_start = false;
	if (!outbox->is_scanned) return APS_OK; /* it comes up when it is read */
	bool is_held = aps_entity_order_count(&outbox->entities) >= APS_OUTBOX_MAX_HELD;
	bool may_go = outbox->reach == APS_OUTBOX_ONLINE && outbox->has_store && info->waits_for == 0 &&
	              info->blocked_by == 0 && !is_crowded(outbox);
	if (is_held) {
		outbox->is_scanned = false;
		return APS_OK;
	}
	enum aps_rc rc =
	        aps_entity_order_add(&outbox->entities, info->number, (const uint64_t *)(const void *)info->records.p,
	                             info->records.n / sizeof(uint64_t), err);
	if (rc != APS_OK) return rc;
	outbox->scanned = info->number;
	if (!may_go) return APS_OK;
	rc = aps_entity_order_start(&outbox->entities, &number, err);
	*may_start = number == info->number;
	if (rc == APS_OK && number != 0 && !*may_start) aps_entity_order_step_back(&outbox->entities, number);
	if (rc != APS_OK) aps_entity_order_end(&outbox->entities, info->number);
	return rc;
}

/* It is in the transaction that inserts it already. */
static enum aps_rc send_at_once(struct aps_outbox *outbox, const struct aps_outbox_info *info, struct aps_err *err)
{
	struct aps_outbox_item *item = add_item(outbox, info);
	const struct aps_delivery_event event = {.kind = APS_DELIVERY_ON_GO, .successes = outbox->successes};
	if (item == NULL) {
		*err = outbox->trouble;
		return err->code;
	}
	aps_delivery_init(&item->delivery, info->resend);
	aps_delivery_feed(&item->delivery, &outbox->options.delivery, &event);
	item->is_new = item->is_stored = true;
	return APS_OK;
}

enum aps_rc aps_outbox_add(struct aps_outbox *outbox, const struct aps_outbox_info *info, bool *is_sent,
                           struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	*is_sent = false;
	if ((outbox->options.modes >> info->mode & 1u) == 0) return APS_OK; /* it is sent by others */
	if (is_serial(outbox))
		*is_sent = is_next(outbox, info);
	else
		rc = add_to_order(outbox, info, is_sent, err);
	if (rc == APS_OK && *is_sent) {
		rc = send_at_once(outbox, info, err);
		if (rc != APS_OK) aps_entity_order_end(&outbox->entities, info->number);
		return rc;
	}
	outbox->is_drained[info->mode] = false;
	return rc;
}

enum aps_rc aps_outbox_feed(struct aps_outbox *outbox, uint64_t number, const struct aps_delivery_event *event,
                            struct aps_err *err)
{
	struct aps_outbox_item *item = find_item(outbox, number);
	if (item == NULL)
		return aps_fail(err, APS_E_INTERNAL, "the queue has no entry %llu in hand", (unsigned long long)number);
	if (!make_room(outbox, 1)) {
		*err = outbox->trouble;
		return err->code;
	}
	struct aps_delivery_event known = *event;
	known.successes = outbox->successes;
	struct aps_delivery_action action = aps_delivery_feed(&item->delivery, &outbox->options.delivery, &known);
	if (action.kind == APS_DELIVERY_DO_REJECT) {
		*err = action.err;
		return err->code;
	}
	act(outbox, item, &action);
	return APS_OK;
}

/* True: something of it is in the transaction that has ended. */
static bool is_open(const struct aps_outbox_item *item)
{
	bool is_ending = item->delivery.state == APS_DELIVERY_MARKING || item->delivery.state == APS_DELIVERY_ENDING;
	return is_ending && item->is_stored;
}

void aps_outbox_committed(struct aps_outbox *outbox)
{
	struct aps_outbox_item *next;
	for (struct aps_outbox_item *item = outbox->items; item != NULL; item = next) {
		next = item->next;
		if (is_open(item)) {
			feed_item(outbox, item, APS_DELIVERY_ON_COMMITTED);
			item->is_new = false;
		}
		item->is_stored = false;
		if (item->delivery.state != APS_DELIVERY_ENDED) continue;
		pass_by(outbox, item);
		drop_item(outbox, item);
	}
}

/* What it was about to do isn't done. */
static void take_back(struct aps_outbox *outbox, uint64_t number)
{
	struct aps_outbox_action *all = (struct aps_outbox_action *)(void *)outbox->actions.p;
	for (size_t i = outbox->n_taken; i < outbox->actions.n / sizeof *all; i++) {
		if (all[i].number != number) continue;
		all[i].store = APS_DELIVERY_STORE_NOTHING;
		all[i].kind = APS_DELIVERY_DO_NOTHING;
	}
}

/* What had been read in that transaction may be there no more, or there again: an item of which nothing has begun is
 * read once more. */
void aps_outbox_lost(struct aps_outbox *outbox)
{
	struct aps_outbox_item *next;
	aps_outbox_look_again(outbox);
	for (struct aps_outbox_item *item = outbox->items; item != NULL; item = next) {
		next = item->next;
		if (is_open(item)) feed_item(outbox, item, APS_DELIVERY_ON_LOST);
		item->is_stored = false;
		if (!item->is_new) continue;
		take_back(outbox, item->number);
		drop_item(outbox, item);
	}
}

void aps_outbox_set_reach(struct aps_outbox *outbox, enum aps_outbox_reach reach)
{
	outbox->reach = reach;
}

void aps_outbox_set_store(struct aps_outbox *outbox, bool has_store)
{
	outbox->has_store = has_store;
}

void aps_outbox_auth_changed(struct aps_outbox *outbox, unsigned mode)
{
	for (struct aps_outbox_item *item = outbox->items; item != NULL; item = item->next)
		if (item->mode == mode && item->delivery.state == APS_DELIVERY_NO_AUTH)
			feed_item(outbox, item, APS_DELIVERY_ON_AUTH_CHANGED);
}

void aps_outbox_wait(struct aps_outbox *outbox, uint64_t number, int64_t due_ms)
{
	struct aps_outbox_item *item = find_item(outbox, number);
	if (item != NULL) item->due_ms = due_ms;
}

bool aps_outbox_has_paused(const struct aps_outbox *outbox)
{
	return outbox->n_reads == APS_OUTBOX_MAX_READS;
}

bool aps_outbox_is_empty(const struct aps_outbox *outbox)
{
	bool is_read = is_serial(outbox) || outbox->is_scanned;
	for (unsigned mode = 0; is_serial(outbox) && mode < APS_OUTBOX_MODES; mode++)
		is_read = is_read && (outbox->is_drained[mode] || (outbox->options.modes >> mode & 1u) == 0);
	return is_read && outbox->items == NULL && aps_entity_order_count(&outbox->entities) == 0;
}

int64_t aps_outbox_due_ms(const struct aps_outbox *outbox)
{
	int64_t due_ms = INT64_MAX;
	for (const struct aps_outbox_item *item = outbox->items; item != NULL; item = item->next)
		if (is_timed(item) && item->due_ms < due_ms) due_ms = item->due_ms;
	return due_ms;
}

void aps_outbox_pass_time(struct aps_outbox *outbox, int64_t now_ms)
{
	for (struct aps_outbox_item *item = outbox->items; item != NULL; item = item->next)
		if (is_timed(item) && item->due_ms <= now_ms) feed_item(outbox, item, APS_DELIVERY_ON_DUE);
}

void aps_outbox_hurry(struct aps_outbox *outbox, uint64_t number)
{
	struct aps_outbox_item *item = find_item(outbox, number);
	if (item != NULL && is_timed(item)) feed_item(outbox, item, APS_DELIVERY_ON_DUE);
}

void aps_outbox_rename(struct aps_outbox *outbox, uint64_t from, uint64_t to)
{
	aps_entity_order_rename(&outbox->entities, from, to);
}

void aps_outbox_recall(struct aps_outbox *outbox, uint64_t number)
{
	struct aps_outbox_item *item = find_item(outbox, number);
	if (item == NULL || item->delivery.state != APS_DELIVERY_SENDING || item->delivery.is_in_doubt) return;
	item->delivery.state = APS_DELIVERY_QUEUED;
}

bool aps_outbox_reread(struct aps_outbox *outbox, uint64_t number)
{
	struct aps_outbox_item *item = find_item(outbox, number);
	if (item != NULL && aps_delivery_is_under_way(&item->delivery)) return false;
	if (item != NULL) drop_item(outbox, item);
	aps_outbox_look_again(outbox);
	return true;
}

bool aps_outbox_withdraw(struct aps_outbox *outbox, uint64_t number)
{
	struct aps_outbox_item *item = find_item(outbox, number);
	if (item != NULL && aps_delivery_is_under_way(&item->delivery)) return false;
	aps_entity_order_end(&outbox->entities, number);
	if (item != NULL) drop_item(outbox, item);
	release_dependents(outbox, number, APS_DELIVERY_ENDED_NONE);
	return true;
}

enum aps_outbox_reason aps_outbox_reason(const struct aps_outbox *outbox, const struct aps_outbox_item *item)
{
	if (!outbox->has_store) return APS_OUTBOX_FOR_STORAGE;
	if (item->delivery.state != APS_DELIVERY_QUEUED) return REASONS[item->delivery.state];
	if (item->waits_for != 0) return APS_OUTBOX_FOR_MAKER;
	return outbox->reach == APS_OUTBOX_ONLINE ? APS_OUTBOX_FOR_NONE : APS_OUTBOX_FOR_NETWORK;
}
