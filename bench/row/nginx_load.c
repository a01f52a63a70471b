/* Requests for one path of nginx, each looked at. Arguments: port, process ids of the workers with commas between them,
 * name of the workload, name of the row, path, connections, seconds, what each body has in it, and how many requests a
 * second, 0: as many as are answered. CPU time is the workers', of all their threads. */
#include "base/clock.h"
#include "base/mem.h"
#include "load/load_peer.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define MAX_CONNECTIONS 256
#define MAX_LATENCIES   4000000
#define WARM_UP_S       0.5

struct load {
	struct aps_load_peer peers[MAX_CONNECTIONS];
	struct aps_load_peer *idle[MAX_CONNECTIONS];
	int n_connections, n_idle, epoll;
	char request[512];
	const char *wanted;
	double rate, began, stop_at;
	long n_sent, n_answered, n_latencies;
	float *latencies; /* seconds; NULL: not measuring */
};

static double task_cpu_s(const char *pid, const char *task)
{
	char path[600];
	unsigned long long ns = 0;
	snprintf(path, sizeof path, "/proc/%s/task/%s/schedstat", pid, task);
	FILE *file = fopen(path, "r");
	if (file == NULL) return 0; /* it has just ended */
	if (fscanf(file, "%llu", &ns) != 1) ns = 0;
	fclose(file);
	return (double)ns / 1e9;
}

static double process_cpu_s(const char *pid)
{
	char path[64];
	double sum = 0;
	snprintf(path, sizeof path, "/proc/%s/task", pid);
	DIR *tasks = opendir(path);
	if (tasks == NULL) aps_load_die("a worker has ended");
	for (struct dirent *entry; (entry = readdir(tasks)) != NULL;)
		if (entry->d_name[0] != '.') sum += task_cpu_s(pid, entry->d_name);
	closedir(tasks);
	return sum;
}

static double cpu_s(const char *pids)
{
	char copy[256], *rest = NULL;
	double sum = 0;
	snprintf(copy, sizeof copy, "%s", pids);
	for (char *pid = strtok_r(copy, ",", &rest); pid != NULL; pid = strtok_r(NULL, ",", &rest))
		sum += process_cpu_s(pid);
	return sum;
}

/* So many are due by now. */
static bool is_due(const struct load *load)
{
	double now = aps_clock_mono_s();
	if (now >= load->stop_at) return false;
	return load->rate == 0 || (double)load->n_sent < (now - load->began) * load->rate;
}

static void send_due(struct load *load)
{
	while (load->n_idle > 0 && is_due(load)) {
		aps_load_send(load->idle[--load->n_idle], load->request, strlen(load->request));
		load->n_sent++;
	}
}

static void take_answer(struct load *load, struct aps_load_peer *peer)
{
	struct aps_str body;
	size_t n_whole;
	aps_load_receive(peer);
	int status = aps_load_answer(peer, &body, &n_whole);
	if (status == 0) return;
	if (status != 200 || memmem(body.p, body.n, load->wanted, strlen(load->wanted)) == NULL) {
		fprintf(stderr, "%s%d %.*s\n", load->request, status, (int)body.n, body.p);
		aps_load_die("the answer is wrong");
	}
	aps_load_skip(peer, n_whole);
	load->n_answered++;
	if (load->latencies != NULL && load->n_latencies < MAX_LATENCIES)
		load->latencies[load->n_latencies++] = (float)(aps_clock_mono_s() - peer->sent_at);
	load->idle[load->n_idle++] = peer;
}

static void run(struct load *load, double seconds)
{
	load->n_sent = load->n_answered = 0;
	load->began = aps_clock_mono_s();
	load->stop_at = load->began + seconds;
	while (send_due(load), load->n_answered < load->n_sent || aps_clock_mono_s() < load->stop_at) {
		struct epoll_event ready[MAX_CONNECTIONS];
		int n = epoll_wait(load->epoll, ready, MAX_CONNECTIONS, load->rate == 0 ? 10000 : 1);
		if (n <= 0 && load->rate == 0) aps_load_die("nothing arrived within 10 seconds");
		for (int i = 0; i < n; i++) take_answer(load, ready[i].data.ptr);
	}
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static double latency_ms(const struct load *load, double part)
{
	return load->n_latencies == 0 ? 0 : load->latencies[(long)((double)load->n_latencies * part)] * 1e3;
}

static void connect_all(struct load *load, int port)
{
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < load->n_connections; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &load->peers[i]};
		aps_load_open(&load->peers[i], port);
		if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, load->peers[i].fd, &event) != 0)
			aps_load_die("epoll_ctl failed");
		load->idle[load->n_idle++] = &load->peers[i];
	}
}

int main(int n_args, char **args)
{
	if (n_args != 10) return 2;
	struct load *load = aps_calloc(1, sizeof *load);
	load->n_connections = atoi(args[6]);
	if (load->n_connections < 1 || load->n_connections > MAX_CONNECTIONS) return 2;
	load->wanted = args[8];
	load->rate = atof(args[9]);
	snprintf(load->request, sizeof load->request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", args[5]);
	connect_all(load, atoi(args[1]));
	run(load, WARM_UP_S);
	load->latencies = aps_calloc(MAX_LATENCIES, sizeof(float));
	double cpu = cpu_s(args[2]), began = aps_clock_mono_s();
	run(load, atof(args[7]));
	double wall = aps_clock_mono_s() - began;
	cpu = cpu_s(args[2]) - cpu;
	qsort(load->latencies, (size_t)load->n_latencies, sizeof(float), by_size);
	printf("{\"workload\":\"%s\",\"peer\":\"%s\",\"n\":%ld,\"wall_s\":%.6f,\"cpu_s\":%.6f,\"p50_ms\":%.4f,\"p99_"
	       "ms\":%.4f,"
	       "\"unit\":\"req/s\",\"ok\":true}\n",
	       args[3], args[4], load->n_answered, wall, cpu, latency_ms(load, 0.5), latency_ms(load, 0.99));
	return 0;
}
