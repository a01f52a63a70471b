#include "client/flight.h"

#include "base/mem.h"
#include "client/caching.h"
#include "client/core.h"
#include "client/reach.h"

struct aps_flight {
	struct aps_request request;
	struct aps_outcome_sink sink;
	struct aps_client *client;
	struct aps_topic *topic;
	struct aps_shared shared;         /* while others may board */
	uint64_t epoch;                   /* in which it began */
	uint32_t asked_at;                /* likewise: what its cache has known by then; of a query */
	struct aps_passenger *passengers; /* who came first stands first */
	struct aps_parked parked;
	struct aps_outcome outcome; /* while it is parked; then the request is over */
	bool is_parked;
	struct aps_reap reap;
};

/* Of a client. */
struct flights {
	struct aps_table open; /* that others may board */
	uint64_t epoch;        /* mutations that were answered */
	struct aps_reap reap;
};

static struct flights *flights_of(const struct aps_core *core, const struct aps_client *client)
{
	return aps_client_part(core, client, &aps_flight_feature);
}

static void free_flight(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	aps_free(APS_CONTAINER_OF(reap, struct aps_flight, reap));
}

/* The newest of those alike: if it is of an earlier epoch, all are. */
static struct aps_flight *find_open(const struct flights *all, const struct aps_topic *topic)
{
	struct aps_shared *shared = aps_shared_find(&all->open, topic);
	if (shared == NULL) return NULL;
	struct aps_flight *flight = APS_CONTAINER_OF(shared, struct aps_flight, shared);
	return flight->epoch == all->epoch ? flight : NULL;
}

static void end_flight(struct aps_core *core, struct aps_flight *flight)
{
	aps_shared_remove(&flights_of(core, flight->client)->open, &flight->shared);
	aps_request_clear(core, &flight->request);
	aps_topic_free(flight->topic);
	aps_core_reap(core, &flight->reap, free_flight);
}

static void tell(struct aps_core *core, struct aps_flight *flight, struct aps_outcome *outcome)
{
	struct aps_passenger *passenger = flight->passengers;
	flight->passengers = passenger->next;
	passenger->flight = NULL;
	passenger->told(core, passenger, outcome);
}

static bool is_mutation(const struct aps_flight *flight)
{
	return flight->topic->operation.definition->kind == APS_GQL_MUTATION;
}

void aps_flight_note_answer(const struct aps_core *core, const struct aps_client *client)
{
	flights_of(core, client)->epoch++;
}

/* Takes *outcome. */
static void land(struct aps_core *core, struct aps_flight *flight, struct aps_outcome *outcome)
{
	if (is_mutation(flight)) aps_flight_note_answer(core, flight->client);
	while (flight->passengers != NULL && flight->passengers->next != NULL) {
		struct aps_outcome copy;
		aps_outcome_dup(&copy, outcome);
		tell(core, flight, &copy);
	}
	if (flight->passengers != NULL)
		tell(core, flight, outcome);
	else /* all have left a flight that was parked */
		aps_outcome_clear(outcome);
	end_flight(core, flight);
}

static void written(struct aps_core *core, struct aps_parked *parked)
{
	struct aps_flight *flight = APS_CONTAINER_OF(parked, struct aps_flight, parked);
	struct aps_outcome outcome;
	aps_outcome_move(&outcome, &flight->outcome);
	land(core, flight, &outcome);
}

/* True: it is in the cache, or there is nothing to put there. */
static bool keep(struct aps_core *core, struct aps_flight *flight)
{
	const struct aps_gqlhttp_response *response = &flight->outcome.response;
	const struct aps_topic *topic = flight->topic;
	if (topic->cache == 0 || response->data.n == 0) return true;
	flight->parked = (struct aps_parked){
	        .operation = &topic->operation,
	        .data = response->data,
	        .errors = response->errors,
	        .layer = topic->layer,
	        .asked_at = flight->asked_at,
	        .written = written,
	};
	return aps_caching_write(core, flight->client, topic->cache, &flight->parked);
}

/* The service wasn't given the time that the client's other requests have: its silence says nothing. */
static bool is_impatient(const struct aps_flight *flight)
{
	int64_t timeout_ms = flight->request.options.timeout_ms;
	bool is_short = timeout_ms != 0 && timeout_ms < flight->client->settings.request_timeout_ms;
	return is_short && flight->outcome.response.err.code == APS_E_TIMEOUT;
}

/* Kept before anybody is told. Takes *outcome. */
static void ended(struct aps_core *core, struct aps_outcome_sink *sink, struct aps_outcome *outcome)
{
	struct aps_flight *flight = APS_CONTAINER_OF(sink, struct aps_flight, sink);
	aps_outcome_move(&flight->outcome, outcome);
	if (!is_impatient(flight)) aps_reach_heard(core, flight->client, &flight->outcome);
	flight->is_parked = !keep(core, flight);
	if (!flight->is_parked) {
		written(core, &flight->parked);
		return;
	}
	/* what is asked from now on is asked anew */
	aps_shared_remove(&flights_of(core, flight->client)->open, &flight->shared);
	aps_request_clear(core, &flight->request);
}

static void board(struct aps_flight *flight, const struct aps_flight_options *options, struct aps_passenger *passenger)
{
	struct aps_passenger **at = &flight->passengers;
	while (*at != NULL) at = &(*at)->next;
	*at = passenger;
	passenger->next = NULL;
	passenger->flight = flight;
	struct aps_request_options *request = &flight->request.options;
	if (options->end_ms <= request->end_ms) return;
	request->end_ms = options->end_ms;
	request->timeout_ms = options->timeout_ms;
}

/* The topic is the caller's when it fails. */
static struct aps_flight *new_flight(struct aps_core *core, const struct aps_flight_options *options,
                                     struct aps_topic *topic, bool is_shared)
{
	struct flights *all = flights_of(core, options->client);
	struct aps_flight *flight = aps_calloc(1, sizeof *flight);
	if (flight == NULL || (is_shared && !aps_shared_add(&all->open, &flight->shared, topic))) {
		aps_free(flight);
		return NULL;
	}
	flight->sink.ended = ended;
	flight->client = options->client;
	flight->topic = topic;
	flight->epoch = all->epoch;
	if (is_shared) flight->asked_at = aps_caching_moment(core, options->client, topic->cache);
	const struct aps_settings *settings = &options->client->settings;
	const struct aps_request_options request = {
	        .client = options->client,
	        .operation = &topic->operation,
	        .headers = &topic->headers,
	        .credential = topic->credential,
	        .retry = settings->retry,
	        .is_safe = options->is_safe,
	        .end_ms = options->end_ms,
	        .timeout_ms = options->timeout_ms,
	        .more_ms = is_shared ? settings->request_timeout_ms : 0,
	};
	aps_request_init(core, &flight->request, &request, &flight->sink);
	return flight;
}

bool aps_flight_board(struct aps_core *core, const struct aps_flight_options *options, struct aps_topic *topic,
                      struct aps_passenger *passenger)
{
	APS_ON_THREAD(core->thread);
	bool is_shared = topic->operation.definition->kind == APS_GQL_QUERY && topic->cache != 0;
	struct aps_flight *flight = is_shared ? find_open(flights_of(core, options->client), topic) : NULL;
	if (flight != NULL) {
		aps_topic_free(topic);
		APS_STATS_ADD(options->client->stats, deduplicated, 1);
		board(flight, options, passenger);
		return true;
	}
	flight = new_flight(core, options, topic, is_shared);
	if (flight == NULL) {
		aps_topic_free(topic);
		return false;
	}
	board(flight, options, passenger);
	aps_request_start(core, &flight->request);
	return true;
}

/* What has come is kept all the same: a flight that is parked goes on without passengers. */
static void leave(struct aps_core *core, struct aps_passenger *passenger)
{
	struct aps_flight *flight = passenger->flight;
	struct aps_passenger **at = &flight->passengers;
	while (*at != passenger) at = &(*at)->next;
	*at = passenger->next;
	passenger->flight = NULL;
	if (flight->passengers == NULL && !flight->is_parked) end_flight(core, flight);
}

void aps_flight_leave(struct aps_core *core, struct aps_passenger *passenger, const struct aps_err *why,
                      struct aps_outcome *outcome)
{
	APS_ON_THREAD(core->thread);
	struct aps_flight *flight = passenger->flight;
	if (flight->is_parked) {
		aps_outcome_init_err(outcome, why);
		outcome->n_attempts = flight->outcome.n_attempts;
	} else {
		bool is_told = aps_request_leave(core, &flight->request, why, outcome);
		APS_ASSERT(is_told);
	}
	leave(core, passenger);
}

bool aps_flight_leave_late(struct aps_core *core, struct aps_passenger *passenger, int64_t timeout_ms,
                           struct aps_outcome *outcome)
{
	APS_ON_THREAD(core->thread);
	if (passenger->flight->is_parked) return false;
	bool is_told = aps_request_leave_late(core, &passenger->flight->request, timeout_ms, outcome);
	APS_ASSERT(is_told);
	leave(core, passenger);
	return true;
}

static enum aps_rc client_opened(struct aps_core *core, struct aps_client *client APS_UNUSED, void **part,
                                 struct aps_err *err)
{
	struct flights *all = aps_calloc(1, sizeof *all);
	if (all == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	aps_map_init(&all->open.map, core->hash_seed);
	*part = all;
	return APS_OK;
}

static void free_flights(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	struct flights *all = APS_CONTAINER_OF(reap, struct flights, reap);
	aps_map_clear(&all->open.map);
	aps_free(all);
}

/* Its passengers have left. */
static void client_closing(struct aps_core *core, struct aps_client *client, const struct aps_err *err APS_UNUSED)
{
	aps_core_reap(core, &flights_of(core, client)->reap, free_flights);
}

const struct aps_feature aps_flight_feature = {
        .name = "flights",
        .client_opened = client_opened,
        .client_closing = client_closing,
};
