/* Load on a GraphQL server, ours or another, which serves `type Post @model` of bench/data/server.graphql.
 * Arguments: port, process id of the server, name of the row, then one of
 *   mix SECONDS            70 % get, 20 % list of 20, 10 % create, 1,000 records, 16 connections, one subscriber
 *   floor SECONDS          the same without the subscriber
 *   requests COUNT         the same, so many requests
 *   list SECONDS RECORDS   lists of 20 among so many records, 16 connections
 *   create SECONDS         creates alone
 *   sync SECONDS           of versioned models: syncs of 20, of the table
 *   delta SECONDS          the same, of the journal
 *   fanout SUBSCRIBERS     one mutation to so many subscribers, 20 times: seconds until the last one has it
 * CPU time is the server's. Every answer is looked at. */
#include "base/clock.h"
#include "base/mem.h"
#include "load/load_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define FIELDS        "id title author content ups rating published createdAt updatedAt"
#define N_CONNECTIONS 16
#define MAX_LATENCIES 4000000

enum kind { GET, LIST, CREATE, SYNC, DELTA };

struct load {
	struct aps_load_peer peers[N_CONNECTIONS];
	struct aps_load_peer *subscribers;
	int n_subscribers;
	long n_events; /* of the subscribers */
	int epoll, port, pid;
	const char *mode;
	long n_records, n_sent, n_answered, n_to_send, n_created;
	double stop_at;
	long long began_ms; /* since 1970: what was created is of later */
	unsigned random;
	float *latencies; /* seconds; NULL: not measuring */
	long n_latencies;
};

static unsigned next_random(struct load *load, unsigned below)
{
	load->random = load->random * 1664525u + 1013904223u;
	return (load->random >> 8) % below;
}

static void send_request(struct aps_load_peer *peer, const char *body)
{
	char request[2048];
	int n = snprintf(request, sizeof(request),
	                 "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
	                 "x-api-key: da2-bench\r\nContent-Length: %zu\r\n\r\n%s",
	                 strlen(body), body);
	aps_load_send(peer, request, (size_t)n);
}

static void send_get(struct load *load, struct aps_load_peer *peer)
{
	char body[512];
	snprintf(body, sizeof(body),
	         "{\"query\":\"query G($id: ID!) { getPost(id: $id) { " FIELDS " } }\",\"variables\":{\"id\":\"p%u\"}}",
	         next_random(load, (unsigned)load->n_records));
	send_request(peer, body);
}

static void send_create(struct load *load, struct aps_load_peer *peer)
{
	char body[1024];
	snprintf(body, sizeof(body),
	         "{\"query\":\"mutation C($input: CreatePostInput!) { createPost(input: $input) { " FIELDS " } }\","
	         "\"variables\":{\"input\":{\"id\":\"p%ld\",\"title\":\"Post number %ld\",\"author\":\"author %ld\","
	         "\"content\":\"All that is to be said of it, in a line of some length, with \\\"quotes\\\".\","
	         "\"ups\":%ld,\"rating\":4.5,\"published\":true}}}",
	         load->n_created, load->n_created, load->n_created % 50, load->n_created % 1000);
	load->n_created++;
	send_request(peer, body);
}

/* `last_sync`: milliseconds since 1970; 0: of the table. */
static void send_sync(struct aps_load_peer *peer, long long last_sync)
{
	char body[512];
	snprintf(body, sizeof(body),
	         "{\"query\":\"query S($limit: Int, $lastSync: AWSTimestamp) { syncPosts(limit: $limit, lastSync: "
	         "$lastSync) { "
	         "items { " FIELDS " _version _lastChangedAt _deleted } nextToken startedAt } }\","
	         "\"variables\":{\"limit\":20,\"lastSync\":%lld}}",
	         last_sync);
	send_request(peer, body);
}

static enum kind next_kind(const struct load *load)
{
	static const enum kind mix[10] = {GET, GET, LIST, GET, GET, CREATE, GET, LIST, GET, GET};
	if (strcmp(load->mode, "create") == 0) return CREATE;
	if (strcmp(load->mode, "list") == 0) return LIST;
	if (strcmp(load->mode, "sync") == 0) return SYNC;
	if (strcmp(load->mode, "delta") == 0) return DELTA;
	return mix[load->n_sent % 10];
}

static void send_next(struct load *load, struct aps_load_peer *peer)
{
	peer->tag = next_kind(load);
	if (peer->tag == CREATE)
		send_create(load, peer);
	else if (peer->tag == GET)
		send_get(load, peer);
	else if (peer->tag == SYNC || peer->tag == DELTA)
		send_sync(peer, peer->tag == DELTA ? load->began_ms : 0);
	else
		send_request(peer, "{\"query\":\"query L($limit: Int) { listPosts(limit: $limit) { items { " FIELDS
		                   " } nextToken } }\",\"variables\":{\"limit\":20}}");
	load->n_sent++;
}

static long count(struct aps_str text, const char *what)
{
	long n = 0;
	const char *at = text.p, *end = text.p + text.n;
	while ((at = memmem(at, (size_t)(end - at), what, strlen(what))) != NULL) n++, at += strlen(what);
	return n;
}

static void check(long kind, int status, struct aps_str body)
{
	long n_wanted = kind == GET || kind == CREATE ? 1 : 20;
	if (status == 200 && count(body, "\"errors\"") == 0 && count(body, "\"id\":\"p") == n_wanted) return;
	fprintf(stderr, "%d %.*s\n", status, (int)body.n, body.p);
	aps_load_die("the answer is wrong");
}

static bool wants_more(const struct load *load)
{
	return load->n_to_send > 0 ? load->n_sent < load->n_to_send : aps_clock_mono_s() < load->stop_at;
}

static void take_answers(struct load *load, struct aps_load_peer *peer)
{
	struct aps_str body;
	size_t n_whole;
	int status = aps_load_answer(peer, &body, &n_whole);
	if (status == 0) return;
	check(peer->tag, status, body);
	aps_load_skip(peer, n_whole);
	load->n_answered++;
	if (load->latencies != NULL && load->n_latencies < MAX_LATENCIES)
		load->latencies[load->n_latencies++] = (float)(aps_clock_mono_s() - peer->sent_at);
	if (wants_more(load)) send_next(load, peer);
}

static void take_events(struct load *load, struct aps_load_peer *peer)
{
	struct aps_str text;
	size_t n_whole;
	while (aps_load_ws_text(peer, &text, &n_whole)) {
		if (count(text, "\"id\":\"p") != 1) aps_load_die("the event is wrong");
		load->n_events++;
		aps_load_skip(peer, n_whole);
	}
}

static void turn(struct load *load)
{
	struct epoll_event ready[256];
	int n = epoll_wait(load->epoll, ready, 256, 10000);
	if (n <= 0) aps_load_die("nothing arrived within 10 seconds");
	for (int i = 0; i < n; i++) {
		struct aps_load_peer *peer = ready[i].data.ptr;
		aps_load_receive(peer);
		if (peer >= load->peers && peer < load->peers + N_CONNECTIONS)
			take_answers(load, peer);
		else
			take_events(load, peer);
	}
}

static void watch(struct load *load, struct aps_load_peer *peer)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, peer->fd, &event) != 0) aps_load_die("epoll_ctl failed");
}

/* So many requests (n > 0) or so many seconds; all of them answered. */
static void run(struct load *load, const char *mode, long n, double seconds)
{
	load->mode = mode;
	load->n_sent = load->n_answered = 0;
	load->n_to_send = n;
	load->stop_at = aps_clock_mono_s() + seconds;
	for (int i = 0; i < N_CONNECTIONS && (i == 0 || wants_more(load)); i++) send_next(load, &load->peers[i]);
	while (load->n_answered < load->n_sent) turn(load);
}

static void subscribe(struct load *load, int n)
{
	load->subscribers = aps_calloc((size_t)n, sizeof(*load->subscribers));
	load->n_subscribers = n;
	for (int i = 0; i < n; i++) {
		aps_load_ws_open(&load->subscribers[i], load->port);
		aps_load_ws_send(&load->subscribers[i], "{\"type\":\"subscribe\",\"id\":\"s\",\"payload\":{\"query\":"
		                                        "\"subscription { onCreatePost { " FIELDS " } }\"}}");
		watch(load, &load->subscribers[i]);
	}
	/* Answers of later requests say that the subscriptions, which were sent before, are there. */
	usleep(300000);
}

static double server_cpu_s(int pid)
{
	char path[64], text[1024] = "";
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "r");
	if (file == NULL || fgets(text, sizeof(text), file) == NULL) aps_load_die("the server's process can't be read");
	fclose(file);
	unsigned long user = 0, system = 0;
	const char *rest = strrchr(text, ')');
	sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static void print_row(struct load *load, const char *workload, const char *name, double wall_s, double cpu_s)
{
	qsort(load->latencies, (size_t)load->n_latencies, sizeof(float), by_size);
	printf("{\"workload\":\"%s\",\"peer\":\"%s\",\"n\":%ld,\"wall_s\":%.6f,\"cpu_s\":%.6f,\"p50_ms\":%.3f,"
	       "\"p99_ms\":%.3f,\"unit\":\"%s\",\"ok\":true}\n",
	       workload, name, load->n_answered, wall_s, cpu_s, load->latencies[load->n_latencies / 2] * 1e3,
	       load->latencies[load->n_latencies * 99 / 100] * 1e3, load->n_subscribers > 1 ? "mutations/s" : "req/s");
}

static void measure(struct load *load, const char *name, const char *mode, long n, double seconds)
{
	char workload[64];
	run(load, mode, 0, 1);
	while (load->n_events < load->n_created - load->n_records && load->n_subscribers > 0) turn(load);
	load->latencies = aps_calloc(MAX_LATENCIES, sizeof(float));
	double cpu_s = server_cpu_s(load->pid), began = aps_clock_mono_s();
	run(load, mode, n, seconds);
	double wall_s = aps_clock_mono_s() - began;
	cpu_s = server_cpu_s(load->pid) - cpu_s;
	while (load->n_events < load->n_created - load->n_records && load->n_subscribers > 0) turn(load);
	if (strcmp(mode, "mix") == 0)
		snprintf(workload, sizeof(workload), "server");
	else
		snprintf(workload, sizeof(workload), "server %s %ld", mode, load->n_records);
	print_row(load, workload, name, wall_s, cpu_s);
}

/* From the request until the last subscriber has the event. */
static void measure_fanout(struct load *load, const char *name)
{
	char workload[64];
	load->latencies = aps_calloc(MAX_LATENCIES, sizeof(float));
	double cpu_s = server_cpu_s(load->pid), began = aps_clock_mono_s();
	for (int i = 0; i < 20; i++) {
		double sent = aps_clock_mono_s();
		load->n_events = 0;
		load->n_sent = load->n_answered = 0;
		load->n_to_send = 1;
		load->mode = "create";
		send_next(load, &load->peers[0]);
		while (load->n_answered < 1 || load->n_events < load->n_subscribers) turn(load);
		load->latencies[i] = (float)(aps_clock_mono_s() - sent);
	}
	double wall_s = aps_clock_mono_s() - began;
	load->n_answered = load->n_latencies = 20;
	snprintf(workload, sizeof(workload), "server fanout %d", load->n_subscribers);
	print_row(load, workload, name, wall_s, server_cpu_s(load->pid) - cpu_s);
}

/* Whether a mode is of requests of one kind. */
static bool is_alone(const char *what)
{
	return strcmp(what, "list") == 0 || strcmp(what, "create") == 0 || strcmp(what, "sync") == 0 ||
	       strcmp(what, "delta") == 0;
}

int main(int n_args, char **args)
{
	if (n_args < 6) return 2;
	struct load *load = aps_calloc(1, sizeof(*load));
	const char *name = args[3], *what = args[4];
	load->port = atoi(args[1]);
	load->pid = atoi(args[2]);
	load->random = 20240601;
	load->began_ms = (long long)time(NULL) * 1000;
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < N_CONNECTIONS; i++) {
		aps_load_open(&load->peers[i], load->port);
		watch(load, &load->peers[i]);
	}
	load->n_records = strcmp(what, "list") == 0 && n_args > 6 ? atol(args[6]) : 1000;
	run(load, "create", load->n_records, 0);
	if (strcmp(what, "fanout") == 0) {
		subscribe(load, atoi(args[5]));
		measure_fanout(load, name);
	} else if (is_alone(what)) {
		measure(load, name, what, 0, atof(args[5]));
	} else {
		if (strcmp(what, "floor") != 0) subscribe(load, 1);
		bool is_count = strcmp(what, "requests") == 0;
		measure(load, name, "mix", is_count ? atol(args[5]) : 0, is_count ? 0 : atof(args[5]));
	}
	return 0;
}
