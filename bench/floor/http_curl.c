/* Floor of HTTP: N posts by libcurl, one after the other (easy interface) or so many at once (multi interface).
 * Arguments: port, "seq" or a number. */
#include "base/mem.h"
#include "measure.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_AT_ONCE 64

struct poster {
	char url[128];
	struct curl_slist *headers;
	char *body;
	size_t n_body;
	size_t n_received;
	long n, n_wrong;
};

static size_t receive(char *bytes APS_UNUSED, size_t size, size_t n, void *context)
{
	struct poster *p = context;
	p->n_received += size * n;
	return size * n;
}

static CURL *make_handle(struct poster *p)
{
	CURL *easy = curl_easy_init();
	curl_easy_setopt(easy, CURLOPT_URL, p->url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, p->headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, p);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, p->body);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)p->n_body);
	return easy;
}

static void post_in_turn(struct poster *p)
{
	CURL *easy = make_handle(p);
	for (long i = 0; i < p->n; i++)
		if (curl_easy_perform(easy) != CURLE_OK) p->n_wrong++;
	curl_easy_cleanup(easy);
}

/* Takes what has ended and starts the next ones. */
static long take_ended(struct poster *p, CURLM *multi, long *n_left_to_start)
{
	CURLMsg *message;
	int n_queued;
	long n_ended = 0;
	while ((message = curl_multi_info_read(multi, &n_queued))) {
		if (message->msg != CURLMSG_DONE) continue;
		CURL *easy = message->easy_handle;
		if (message->data.result != CURLE_OK) p->n_wrong++;
		n_ended++;
		curl_multi_remove_handle(multi, easy);
		if (*n_left_to_start > 0) {
			curl_multi_add_handle(multi, easy);
			--*n_left_to_start;
		} else {
			curl_easy_cleanup(easy);
		}
	}
	return n_ended;
}

static void post_at_once(struct poster *p, int n_at_once)
{
	CURLM *multi = curl_multi_init();
	long n_left_to_start = p->n - n_at_once, n_ended = 0;
	int n_running;
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)MAX_AT_ONCE);
	for (int i = 0; i < n_at_once; i++) curl_multi_add_handle(multi, make_handle(p));
	while (n_ended < p->n) {
		curl_multi_perform(multi, &n_running);
		n_ended += take_ended(p, multi, &n_left_to_start);
		if (n_ended < p->n) curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	curl_multi_cleanup(multi);
}

int main(int n_args, char **args)
{
	if (n_args < 3) return 2;
	struct poster poster = {.n = aps_row_count(20000)};
	size_t n_answer;
	char workload[32];
	int n_at_once = strcmp(args[2], "seq") == 0 ? 1 : atoi(args[2]);
	if (n_at_once < 1 || n_at_once > MAX_AT_ONCE || n_at_once > poster.n) return 2;
	poster.body = aps_row_data("w7_request.json", &poster.n_body);
	aps_free(aps_row_data("w7_response.json", &n_answer));
	snprintf(poster.url, sizeof poster.url, "http://127.0.0.1:%d/graphql", atoi(args[1]));
	poster.headers = curl_slist_append(NULL, "Content-Type: application/json");
	poster.headers = curl_slist_append(poster.headers, "x-api-key: da2-fakeApiId123456");
	poster.headers = curl_slist_append(poster.headers, "Expect:");
	if (n_at_once == 1)
		snprintf(workload, sizeof workload, "w7-http-seq");
	else
		snprintf(workload, sizeof workload, "w7-http-c%d", n_at_once);
	struct aps_meter meter = aps_meter_start();
	if (n_at_once == 1)
		post_in_turn(&poster);
	else
		post_at_once(&poster, n_at_once);
	meter = aps_meter_stop(meter);
	bool ok = poster.n_wrong == 0 && poster.n_received == n_answer * (size_t)poster.n;
	aps_row_print(&(struct aps_row){workload, n_at_once == 1 ? "FLOOR libcurl easy (C)" : "FLOOR libcurl multi (C)",
	                                LIBCURL_VERSION, "req/s", poster.n, NULL, ok},
	              meter);
	curl_slist_free_all(poster.headers);
	aps_free(poster.body);
	return ok ? 0 : 1;
}
