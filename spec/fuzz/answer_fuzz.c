/* HTTP answers: bytes as a server would send them, through libcurl, to all that reads an answer afterwards.
 * The first byte picks the method and how much is sent at a time; the rest is what the server says, in which the byte
 * 0x01 stands for 200 bytes of text. Whatever comes: one answer, in bounded memory; its headers are whole lines, its
 * spans lie inside its body, its message is one line. */
#include "base/mem.h"
#include "codec/utf8.h"
#include "net/http.h"
#include "proto/gqlhttp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_RESPONSE 4096
#define POLL_MS      1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct {
	int listener;
	struct aps_http *http;
	char url[64];
} world;

static void make_world(void)
{
	struct aps_err err;
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t n = sizeof address;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	world.listener = socket(AF_INET, SOCK_STREAM, 0);
	APS_ASSERT(bind(world.listener, (struct sockaddr *)&address, n) == 0 && listen(world.listener, 16) == 0);
	APS_ASSERT(getsockname(world.listener, (struct sockaddr *)&address, &n) == 0);
	fcntl(world.listener, F_SETFL, O_NONBLOCK);
	snprintf(world.url, sizeof world.url, "http://127.0.0.1:%d/graphql", ntohs(address.sin_port));
	world.http = aps_http_new(&err);
	APS_ASSERT(world.http != NULL);
}

static void start(uint8_t kind)
{
	static const char *const METHODS[] = {"POST", "POST", "GET", "HEAD"};
	static const struct aps_header HEADERS[] = {{{"content-type", 12}, {"application/json", 16}},
	                                            {{"x-api-key", 9}, {"da2-secret", 10}}};
	static const struct aps_net_options OPTIONS = {.verify = true};
	struct aps_err err;
	uint64_t id;
	struct aps_http_request request = {
	        .method = METHODS[kind % 4],
	        .url = world.url,
	        .headers = HEADERS,
	        .n_headers = 2,
	        .options = &OPTIONS,
	        .connect_timeout_ms = 60000,
	        .timeout_ms = 60000,
	        .max_response_bytes = MAX_RESPONSE,
	        .is_sent_once = kind % 4 == 0,
	};
	if (kind % 4 < 2) {
		request.body = aps_strndup("{}", 2);
		request.n_body = 2;
	}
	APS_ASSERT(aps_http_start(world.http, &request, &id, &err) == APS_OK);
}

/* What the server says, as much at a time as `step`; false: there is nothing more, and it has hung up. */
static bool serve(int *fd, struct aps_str *left, size_t step)
{
	char request[4096];
	if (*fd < 0) return false;
	if (recv(*fd, request, sizeof request, MSG_DONTWAIT) == 0) left->n = 0;
	size_t n = left->n < step ? left->n : step;
	if (n != 0 && send(*fd, left->p, n, MSG_NOSIGNAL) < 0) n = left->n;
	*left = (struct aps_str){left->p + n, left->n - n};
	if (left->n != 0) return true;
	close(*fd);
	*fd = -1;
	return false;
}

static void check_span(struct aps_str span, struct aps_str body)
{
	if (span.n == 0) return;
	APS_ASSERT(span.p >= body.p && span.p + span.n <= body.p + body.n);
}

static void check_message(const struct aps_err *err)
{
	struct aps_str message = aps_str_of(err->msg);
	APS_ASSERT(aps_utf8_check(message) == message.n);
	for (size_t i = 0; i < message.n; i++) APS_ASSERT((unsigned char)message.p[i] >= 0x20);
}

static void check(const struct aps_http_answer *answer)
{
	check_message(&answer->err);
	APS_ASSERT(strstr(answer->err.msg, "da2-secret") == NULL); /* our own words: nothing of the server's */
	APS_ASSERT(answer->n_body <= MAX_RESPONSE);
	for (size_t i = 0; i < answer->n_headers; i++) {
		const struct aps_header *header = &answer->headers[i];
		APS_ASSERT(memchr(header->value.p, '\n', header->value.n) == NULL);
		for (size_t k = 0; k < header->name.n; k++)
			APS_ASSERT(header->name.p[k] < 'A' || header->name.p[k] > 'Z');
	}
	if (answer->err.code != APS_OK) return;
	struct aps_arena decoded;
	struct aps_gqlhttp_response response;
	struct aps_str body = {answer->body, answer->n_body};
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	aps_gqlhttp_parse(answer->status, aps_http_answer_header(answer, "x-amzn-errortype"), body, &decoded,
	                  &response);
	check_span(response.data, body);
	check_span(response.errors, body);
	check_span(response.extensions, body);
	check_message(&response.err);
	aps_arena_clear(&decoded);
}

static struct aps_buf expand(const uint8_t *data, size_t n)
{
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	for (size_t i = 0; i < n; i++)
		if (data[i] == 1)
			aps_buf_addf(&text, "%0200d", 0);
		else
			aps_buf_add_byte(&text, (char)data[i]);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (world.http == NULL) make_world();
	if (n == 0) return 0;
	struct aps_buf text = expand(data + 1, n - 1);
	struct aps_str left = aps_buf_str(&text);
	size_t step = data[0] & 4 ? 1 + (data[0] >> 3) : SIZE_MAX;
	struct aps_http_answer answer;
	int fd = -1;
	bool was_served = false;
	start(data[0]);
	while (!aps_http_next(world.http, &answer)) {
		if (!was_served) fd = accept(world.listener, NULL, NULL);
		was_served = was_served || fd >= 0;
		bool is_serving = serve(&fd, &left, step);
		aps_http_poll(world.http, is_serving || !was_served ? 0 : POLL_MS);
	}
	check(&answer);
	aps_http_answer_clear(&answer);
	if (fd >= 0) close(fd);
	while ((fd = accept(world.listener, NULL, NULL)) >= 0) close(fd); /* of a request that was sent again */
	aps_buf_clear(&text);
	return 0;
}
