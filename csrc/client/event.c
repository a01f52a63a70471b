#include "client/event.h"

#include "base/mem.h"

#include <stdio.h>

#define NUMBER_BYTES      24
#define SMALL_BLOCK_BYTES ((size_t)1024)

static const struct aps_event_form FORMS[] = {
#define FORM(name, shape, target, a, b, c)                                                                             \
	[APS_EVENT_##name] = {#name, APS_SHAPE_##shape, #target, {APS_VALUE_##a, APS_VALUE_##b, APS_VALUE_##c}},
        APS_EVENT_MAP(FORM)
#undef FORM
};

const struct aps_event_form *aps_event_form(enum aps_event_kind kind)
{
	return kind > APS_EVENT_NONE && kind < APS_EVENT_COUNT ? &FORMS[kind] : NULL;
}

const char *aps_result_source_name(enum aps_result_source source)
{
	static const char *const NAMES[] = {
#define NAME(name, text) [APS_RESULT_FROM_##name] = (text),
	        APS_RESULT_SOURCE_MAP(NAME)
#undef NAME
	};
	return NAMES[source];
}

static void free_result(struct aps_mail *mail)
{
	struct aps_result_event *event = (struct aps_result_event *)mail;
	if (--event->n_refs != 0) return;
	aps_http_answer_clear(&event->answer);
	aps_bytes_unref(event->bytes);
	aps_arena_clear(&event->decoded);
	aps_free(event);
}

static void free_data(struct aps_mail *mail)
{
	struct aps_data_event *event = (struct aps_data_event *)mail;
	aps_bytes_unref(event->bytes);
	aps_free(event);
}

static void free_view(struct aps_mail *mail)
{
	struct aps_view_event *event = (struct aps_view_event *)mail;
	aps_view_unref(event->view);
	aps_free(event);
}

static void free_note(struct aps_mail *mail)
{
	struct aps_note_event *event = (struct aps_note_event *)mail;
	aps_free(event->text);
	aps_free(event->errors);
	aps_free(event);
}

static const struct aps_mail_kind RESULT_KIND = {"result", free_result};
static const struct aps_mail_kind DATA_KIND = {"data", free_data};
static const struct aps_mail_kind VIEW_KIND = {"view", free_view};
static const struct aps_mail_kind NOTE_KIND = {"note", free_note};

struct aps_result_event *aps_result_event_new(uint64_t call)
{
	struct aps_result_event *event = aps_calloc(1, sizeof *event);
	if (event == NULL) return NULL;
	event->head = (struct aps_event){{NULL, &RESULT_KIND, sizeof *event}, APS_EVENT_RESULT, call, 0};
	event->n_refs = 1;
	aps_arena_init(&event->decoded, APS_BUF_ANY_SIZE);
	return event;
}

struct aps_result_event *aps_result_event_ref(struct aps_result_event *event)
{
	event->n_refs++;
	return event;
}

void aps_result_event_unref(struct aps_result_event *event)
{
	if (event != NULL) free_result(&event->head.mail);
}

struct aps_result_event *aps_number_event_new(uint64_t call)
{
	struct aps_result_event *event = aps_result_event_new(call);
	if (event == NULL) return NULL;
	event->source = APS_RESULT_FROM_CACHE;
	event->bytes = aps_bytes_new(NUMBER_BYTES);
	if (event->bytes != NULL) return event;
	free_result(&event->head.mail);
	return NULL;
}

void aps_result_event_say(struct aps_result_event *event, uint64_t number, const struct aps_err *why)
{
	if (why != NULL) {
		event->response.err = *why;
		return;
	}
	int n = snprintf(event->bytes->p, NUMBER_BYTES, "%llu", (unsigned long long)number);
	event->response.data = (struct aps_str){event->bytes->p, n > 0 ? (size_t)n : 0};
}

struct aps_data_event *aps_data_event_new(uint64_t sub, struct aps_bytes *bytes, struct aps_str payload)
{
	struct aps_data_event *event = aps_malloc(sizeof *event);
	if (event == NULL) return NULL;
	*event = (struct aps_data_event){
	        .head = {{NULL, &DATA_KIND, sizeof *event + payload.n}, APS_EVENT_SUB_DATA, sub, 0},
	        .bytes = aps_bytes_ref(bytes),
	        .payload = payload,
	};
	return event;
}

struct aps_view_event *aps_view_event_new(uint64_t watch, struct aps_view *view, const struct aps_err *err)
{
	struct aps_view_event *event = aps_calloc(1, sizeof *event);
	if (event == NULL) {
		aps_view_unref(view);
		return NULL;
	}
	size_t n_bytes = sizeof *event + (view != NULL ? aps_view_bytes(view) : 0);
	event->head = (struct aps_event){{NULL, &VIEW_KIND, n_bytes}, APS_EVENT_VIEW, watch, 0};
	event->view = view;
	if (err != NULL) event->err = *err;
	return event;
}

void aps_data_event_own(struct aps_data_event *event)
{
	if (event->bytes->n <= 2 * event->payload.n + SMALL_BLOCK_BYTES) return;
	struct aps_bytes *own = aps_bytes_new(event->payload.n);
	if (own == NULL) return;
	memcpy(own->p, event->payload.p, event->payload.n);
	aps_bytes_unref(event->bytes);
	event->bytes = own;
	event->payload.p = own->p;
}

void aps_note_event_set_err(struct aps_note_event *event, const struct aps_err *err)
{
	event->has_err = err != NULL;
	if (err != NULL) event->err = *err;
}

struct aps_note_event *aps_note_event_new(enum aps_event_kind kind, uint64_t target, const char *word,
                                          const struct aps_err *err)
{
	struct aps_note_event *event = aps_calloc(1, sizeof *event);
	if (event == NULL) return NULL;
	event->head = (struct aps_event){{NULL, &NOTE_KIND, sizeof *event}, kind, target, 0};
	event->word = word;
	aps_note_event_set_err(event, err);
	return event;
}

enum aps_rc aps_result_event_set_json(struct aps_result_event *event, struct aps_buf *json, struct aps_err *err)
{
	struct aps_bytes *bytes = json->rc == APS_OK ? aps_bytes_new(json->n) : NULL;
	if (bytes == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	memcpy(bytes->p, json->p, json->n);
	event->bytes = bytes;
	event->source = APS_RESULT_FROM_CACHE;
	event->response.data = (struct aps_str){bytes->p, bytes->n};
	event->head.mail.n_bytes += bytes->n;
	return APS_OK;
}
