/* The realtime machine under arbitrary orders of inputs and arbitrary frames.
 * The first byte: protocol and seed. Then operations: one byte for the kind, one for its argument; those with a text
 * are followed by its length (one byte) and its bytes. In a text the byte 0x01 followed by a digit stands for the id of
 * that subscription, 0x02 for the same written in escapes, and 0x03 for 200 bytes of text. Whatever comes: only added
 * subscriptions are spoken of, each is told in a sensible order, and a machine that waits for something says until
 * when. */
#include "base/buf.h"
#include "proto/realtime.h"

#define N_SUBS 9

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct fuzz {
	const uint8_t *p;
	size_t n;
	struct aps_realtime *rt;
	int64_t now_ms;
	bool is_added[N_SUBS + 1], is_started[N_SUBS + 1], is_connected;
	char ids[N_SUBS + 1][APS_UUID_CHARS + 1];
	struct aps_buf text;
};

static uint8_t take_byte(struct fuzz *f)
{
	if (f->n == 0) return 0;
	f->n--;
	return *f->p++;
}

static void add_escaped(struct aps_buf *out, const char *id)
{
	for (; *id != '\0'; id++) aps_buf_addf(out, "\\u%04x", (unsigned)(unsigned char)*id);
}

static struct aps_str take_text(struct fuzz *f)
{
	size_t n = take_byte(f);
	if (n > f->n) n = f->n;
	aps_buf_reset(&f->text);
	for (size_t i = 0; i < n; i++) {
		uint8_t c = f->p[i];
		bool has_number = i + 1 < n && f->p[i + 1] >= '1' && f->p[i + 1] <= '9';
		if (c == 1 && has_number)
			aps_buf_add_text(&f->text, f->ids[f->p[++i] - '0']);
		else if (c == 2 && has_number)
			add_escaped(&f->text, f->ids[f->p[++i] - '0']);
		else if (c == 3)
			aps_buf_addf(&f->text, "%0200d", 0);
		else
			aps_buf_add_byte(&f->text, (char)c);
	}
	f->p += n;
	f->n -= n;
	return aps_buf_str(&f->text);
}

static void check(struct fuzz *f, uint64_t starting, const struct aps_realtime_action *a)
{
	const char *id = a->kind == APS_REALTIME_DO_SEND ? aps_str_find(a->text, "\"id\":\"") : NULL;
	if (starting != 0 && id != NULL) memcpy(f->ids[starting], id + 6, APS_UUID_CHARS);
	if (a->kind == APS_REALTIME_DO_CONNECT) {
		APS_ASSERT(!f->is_connected);
		f->is_connected = true;
	}
	if (a->kind == APS_REALTIME_DO_CLOSE) f->is_connected = false;
	if (a->kind == APS_REALTIME_NOTICE) APS_ASSERT(a->text.n > 0 && a->text.n < 200);
	if (a->sub == 0) return;
	APS_ASSERT(a->sub <= N_SUBS && f->is_added[a->sub]);
	bool *is_started = &f->is_started[a->sub];
	if (a->kind == APS_REALTIME_SUB_STARTED) *is_started = true;
	if (a->kind == APS_REALTIME_SUB_DATA) APS_ASSERT(*is_started && a->payload.n > 0);
	if (a->kind == APS_REALTIME_SUB_RECONNECTING) {
		APS_ASSERT(*is_started && a->err != NULL);
		*is_started = false;
	}
	if (a->kind == APS_REALTIME_SUB_DELAYED) APS_ASSERT(!*is_started && a->err != NULL);
	if (a->kind == APS_REALTIME_SUB_ENDED) f->is_added[a->sub] = *is_started = false;
	if (a->kind == APS_REALTIME_AUTH_REFUSED) APS_ASSERT(a->err != NULL && a->err->code == APS_E_AUTH);
}

static void drain(struct fuzz *f, uint64_t starting)
{
	struct aps_realtime_action action;
	size_t n_actions = 0;
	while (aps_realtime_next(f->rt, &action)) {
		check(f, starting, &action);
		APS_ASSERT(++n_actions < 200);
	}
}

static void operate_on_sub(struct fuzz *f, uint8_t kind, uint64_t sub)
{
	struct aps_err err;
	aps_fail(&err, APS_E_AUTH, "given up");
	switch (kind) {
	case 0:
		if (!f->is_added[sub]) f->is_started[sub] = false;
		if (aps_realtime_add(f->rt, sub, f->now_ms) == APS_OK) f->is_added[sub] = true;
		break;
	case 1:
		f->is_added[sub] = f->is_started[sub] = false;
		aps_realtime_remove(f->rt, sub, f->now_ms);
		break;
	case 2:
		aps_realtime_start(f->rt, sub, APS_STR("{}"), f->now_ms);
		drain(f, sub);
		break;
	case 3: aps_realtime_end(f->rt, sub, &err, f->now_ms); break;
	default: aps_realtime_retry_auth(f->rt, sub, true, f->now_ms); break;
	}
}

static void close_by_peer(struct fuzz *f, uint8_t argument)
{
	static const enum aps_rc CODES[] = {APS_E_NETWORK, APS_E_TIMEOUT, APS_E_TLS,
	                                    APS_E_AUTH,    APS_E_HTTP,    APS_E_PROTOCOL};
	static const long NATIVES[] = {0, 1000, 1006, 404, 503, 4400, 4401, 4403, 4406, 4408, 4409, 4429};
	struct aps_err err;
	aps_fail_word(&err, CODES[argument % APS_COUNTOF(CODES)], NULL, NATIVES[argument % APS_COUNTOF(NATIVES)],
	              "closed");
	f->is_connected = false;
	aps_realtime_closed(f->rt, argument == 255 ? NULL : &err, f->now_ms);
}

static void operate(struct fuzz *f)
{
	uint8_t kind = take_byte(f) % 16;
	uint8_t argument = take_byte(f);
	struct aps_err err;
	aps_fail(&err, APS_E_CLOSED, "failed by the owner");
	switch (kind) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4: operate_on_sub(f, kind, 1 + argument % N_SUBS); break;
	case 5: aps_realtime_retry_auth(f->rt, 0, argument % 4 != 0, f->now_ms); break;
	case 6: aps_realtime_opened(f->rt, argument % 2 == 0 ? APS_STR("") : APS_STR("{}"), f->now_ms); break;
	case 7: close_by_peer(f, argument); break;
	case 8: aps_realtime_paused(f->rt, argument % 2 == 0, f->now_ms); break;
	case 9: aps_realtime_set_online(f->rt, argument % 2 == 0, f->now_ms); break;
	case 10:
		f->now_ms += argument * 1000;
		aps_realtime_tick(f->rt, f->now_ms);
		break;
	case 11:
		if (aps_realtime_deadline_ms(f->rt) > f->now_ms) f->now_ms = aps_realtime_deadline_ms(f->rt);
		aps_realtime_tick(f->rt, f->now_ms);
		break;
	case 12: aps_realtime_too_big(f->rt, take_text(f), f->now_ms); break;
	case 13:
		if (argument == 0)
			aps_realtime_fail(f->rt, &err, f->now_ms);
		else
			aps_realtime_hint(f->rt, f->now_ms);
		break;
	default: aps_realtime_text(f->rt, take_text(f), f->now_ms); break;
	}
	drain(f, 0);
	/* After a tick nothing is overdue. */
	if (kind == 10 || kind == 11)
		APS_ASSERT(aps_realtime_deadline_ms(f->rt) == -1 || aps_realtime_deadline_ms(f->rt) >= f->now_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz f = {.p = data, .n = n};
	struct aps_realtime_options options;
	struct aps_rand rand;
	uint8_t first = take_byte(&f);
	aps_realtime_options_init(&options);
	options.protocol = first % 2 == 0 ? APS_REALTIME_APPSYNC : APS_REALTIME_TRANSPORT_WS;
	aps_rand_init(&rand, first);
	aps_buf_init(&f.text, APS_BUF_ANY_SIZE);
	f.rt = aps_realtime_new(&options, &rand);
	APS_ASSERT(f.rt != NULL);
	while (f.n > 0) operate(&f);
	aps_realtime_free(f.rt);
	aps_buf_clear(&f.text);
	return 0;
}
