/* AppSync's signatures, presigned URLs, refusals, memory. Hashes and signatures were computed by a separate script with
 * Python's hashlib and hmac; the presigned URL is the example of the Amazon S3 API Reference. */
#include "auth/sigv4.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

#define HOST  "example1234567890000.appsync-api.us-east-1.amazonaws.com"
#define NOW_S 1585699810 /* 2020-04-01T00:10:10Z */
#define SUBSCRIPTION                                                                                                   \
	"{\"query\":\"subscription onCreateMessage {\\n onCreateMessage {\\n __typename\\n message\\n }\\n }\","       \
	"\"variables\":{}}"

static const struct aps_header REALTIME[] = {{{"accept", 6}, {"application/json, text/javascript", 33}},
                                             {{"content-encoding", 16}, {"amz-1.0", 7}},
                                             {{"content-type", 12}, {"application/json; charset=UTF-8", 31}}};

struct fixture {
	struct aps_sigv4_request request;
	struct aps_sigv4_options options;
	struct aps_sigv4 out;
	struct aps_err err;
};

static struct fixture make(const char *url, const char *body)
{
	struct fixture f = {.request = {APS_STR("POST"), aps_str_of(url), REALTIME, 3, aps_str_of(body)}};
	aps_sigv4_options_init(&f.options, APS_STR("appsync"));
	f.options.region = APS_STR("us-east-1");
	f.options.access_key_id = APS_STR("AKIDEXAMPLE");
	f.options.secret_access_key = APS_STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	f.options.now_s = NOW_S;
	aps_sigv4_init(&f.out);
	return f;
}

static enum aps_rc sign(struct fixture *f)
{
	return aps_sigv4_sign(&f->request, &f->options, NULL, &f->out, &f->err);
}

static void expect(struct fixture *f, const char *hash, const char *signature)
{
	assert_int_equal(sign(f), APS_OK);
	assert_string_equal(f->out.string_to_sign.p + f->out.string_to_sign.n - 64, hash);
	assert_string_equal(f->out.signature, signature);
	aps_sigv4_clear(&f->out);
}

static void a_realtime_connect_is_signed(void **state)
{
	(void)state;
	struct fixture f = make("https://" HOST "/graphql/connect", "{}");
	expect(&f, "2f04c7e19d77a43b38064fca294019f70e4f46031c260f207e2ebe9595db563d",
	       "2f5e7fe25b88c59d1268241cb5f9f153b5b0f89b972aae457542a00969ea352e");
}

static void a_session_token_is_signed_too(void **state)
{
	(void)state;
	struct fixture f = make("https://" HOST "/graphql/connect", "{}");
	f.options.session_token = APS_STR("SESSIONTOKENEXAMPLE");
	expect(&f, "ac11cfdaef9b9cf5c56adf3398684a3510b121a096d1b52aa40cfbe95c3978b6",
	       "6ad60a816b795e29a996e88ea2161935bf85dded2b9dc6f6b0ec05fa4f6ab378");
}

static void a_subscription_is_signed(void **state)
{
	(void)state;
	struct fixture f = make("https://" HOST "/graphql", SUBSCRIPTION);
	expect(&f, "e24869fb75f2d71c1fef8659cbde6cf7fe9cc7a40ada981917cace5a3ac02968",
	       "4d416cbd6fd3325876ea20bc0a931b003c6f1bb26b11f5838a29b9dd1cc9f4c0");
}

static void a_query_over_http_is_signed(void **state)
{
	(void)state;
	struct fixture f = make("https://" HOST ":443/graphql#part",
	                        "{\"query\":\"query Q { listPosts { items { id } } }\",\"variables\":{}}");
	f.request.headers = &REALTIME[2];
	f.request.n_headers = 1;
	expect(&f, "e0c2a38b4a66fb3ed7f43f035f84098772546a20cfbc480a1a2786304bae6c5a",
	       "a4e95058712944d1643864344556588cb05ee43fbd46926410a396dacd9a6c3c");
}

static void an_event_api_connect_is_signed(void **state)
{
	(void)state;
	struct fixture f = make("https://user:password@" HOST "/event", "{}");
	expect(&f, "bbca99052b8b19c0dd4153b1b5e97677bf75c9a4c4ded2d4fdd37d3d18e1456c",
	       "f5e1620c9534ba965864e15ace073258161abea4ef6579bdf254a1f2eb23e45a");
}

static void what_was_added_is_listed_in_order(void **state)
{
	(void)state;
	struct fixture f = make("http://localhost:8080/graphql", "{}");
	f.options.session_token = APS_STR("TOKEN");
	f.options.sign_body = true;
	assert_int_equal(sign(&f), APS_OK);
	static const char *const NAMES[] = {"host", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256",
	                                    "authorization"};
	static const char *const VALUES[] = {"localhost:8080", "20200401T001010Z", "TOKEN",
	                                     "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", NULL};
	assert_int_equal(f.out.n_added, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_true(aps_str_is(f.out.added[i].name, NAMES[i]));
		if (VALUES[i] != NULL) assert_true(aps_str_is(f.out.added[i].value, VALUES[i]));
	}
	assert_string_equal(f.out.added[4].value.p, f.out.authorization.p);
	assert_string_equal(f.out.url.p, "http://localhost:8080/graphql");
	aps_sigv4_clear(&f.out);
}

static struct fixture make_s3(const char *url)
{
	struct fixture f = make(url, "");
	aps_sigv4_options_init(&f.options, APS_STR("s3"));
	f.request.method = APS_STR("GET");
	f.request.n_headers = 0;
	f.options.region = APS_STR("us-east-1");
	f.options.access_key_id = APS_STR("AKIAIOSFODNN7EXAMPLE");
	f.options.secret_access_key = APS_STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
	f.options.now_s = 1369353600; /* 2013-05-24T00:00:00Z */
	return f;
}

static void a_presigned_url_is_that_of_the_s3_reference(void **state)
{
	(void)state;
	struct fixture f = make_s3("https://examplebucket.s3.amazonaws.com/test.txt");
	f.options.in_query = true;
	f.options.expires_s = 86400;
	assert_int_equal(sign(&f), APS_OK);
	assert_string_equal(f.out.string_to_sign.p + f.out.string_to_sign.n - 64,
	                    "3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04");
	assert_string_equal(f.out.signature, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
	assert_string_equal(
	        f.out.url.p,
	        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
	        "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&"
	        "X-Amz-Expires=86400&X-Amz-SignedHeaders=host&"
	        "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
	assert_int_equal(f.out.authorization.n, 0);
	aps_sigv4_clear(&f.out);
}

static void a_presigned_url_keeps_its_query_and_signs_the_token(void **state)
{
	(void)state;
	struct fixture f = make_s3("https://b.s3.amazonaws.com?versionId=1");
	f.options.in_query = true;
	f.options.session_token = APS_STR("a/b+c=");
	assert_int_equal(sign(&f), APS_OK);
	assert_true(aps_str_starts(aps_buf_str(&f.out.url), "https://b.s3.amazonaws.com?versionId=1&X-Amz-Algorithm="));
	assert_non_null(
	        strstr(f.out.url.p, "&X-Amz-SignedHeaders=host&X-Amz-Security-Token=a%2Fb%2Bc%3D&X-Amz-Signature="));
	assert_non_null(strstr(f.out.canonical_request.p,
	                       "&X-Amz-Security-Token=a%2Fb%2Bc%3D&X-Amz-SignedHeaders=host&versionId=1\n"));
	f.options.token_after_signing = true;
	assert_int_equal(sign(&f), APS_OK);
	assert_null(strstr(f.out.canonical_request.p, "X-Amz-Security-Token"));
	assert_true(aps_str_ends(aps_buf_str(&f.out.url), "&X-Amz-Security-Token=a%2Fb%2Bc%3D"));
	aps_sigv4_clear(&f.out);
}

static void s3_signs_its_path_escaped_once_with_the_hash_of_the_body(void **state)
{
	(void)state;
	struct fixture f = make_s3("https://b.s3.amazonaws.com/a%20b//../c!%2fd");
	assert_int_equal(sign(&f), APS_OK);
	assert_true(aps_str_starts(aps_buf_str(&f.out.canonical_request), "GET\n/a%20b//../c%21%2Fd\n\nhost:"));
	assert_non_null(
	        strstr(f.out.canonical_request.p,
	               "\nx-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"));
	aps_sigv4_clear(&f.out);
}

static void an_unsigned_payload_says_so(void **state)
{
	(void)state;
	struct fixture f = make_s3("https://b.s3.amazonaws.com/k");
	f.options.unsigned_payload = true;
	assert_int_equal(sign(&f), APS_OK);
	assert_true(aps_str_ends(aps_buf_str(&f.out.canonical_request), "\nUNSIGNED-PAYLOAD"));
	assert_non_null(strstr(f.out.canonical_request.p, "\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n"));
	aps_sigv4_clear(&f.out);
}

static void a_given_hash_stands_for_the_body(void **state)
{
	(void)state;
	struct aps_header hash = {APS_STR("X-Amz-Content-Sha256"), APS_STR("abc")};
	struct fixture f = make_s3("https://b.s3.amazonaws.com/k");
	f.request.headers = &hash;
	f.request.n_headers = 1;
	assert_int_equal(sign(&f), APS_OK);
	assert_true(aps_str_ends(aps_buf_str(&f.out.canonical_request), "\nabc"));
	assert_int_equal(f.out.n_added, 3);
	aps_sigv4_clear(&f.out);
}

static void many_headers_and_parameters_are_sorted_and_stay_in_order_under_one_name(void **state)
{
	(void)state;
	struct aps_header headers[100];
	char names[100][8];
	struct aps_buf url, want_headers, want_query;
	struct fixture f = make("https://h/", "");
	aps_buf_init(&url, 1 << 16);
	aps_buf_init(&want_headers, 1 << 16);
	aps_buf_init(&want_query, 1 << 16);
	aps_buf_add_text(&url, "https://h/?");
	for (int i = 0; i < 100; i++) {
		snprintf(names[i], sizeof names[i], "N-%02d", (i * 37) % 50);
		headers[i] = (struct aps_header){aps_str_of(names[i]), i < 50 ? APS_STR("first") : APS_STR("second")};
		aps_buf_addf(&url, "%sp%02d=%d", i == 0 ? "" : "&", (i * 37) % 50, i < 50);
	}
	for (int i = 0; i < 50; i++) {
		aps_buf_addf(&want_headers, "n-%02d:first,second\n", i);
		aps_buf_addf(&want_query, "%sp%02d=0&p%02d=1", i == 0 ? "" : "&", i, i);
	}
	f.request.headers = headers;
	f.request.n_headers = 100;
	f.request.url = aps_buf_str(&url);
	assert_int_equal(sign(&f), APS_OK);
	assert_non_null(strstr(f.out.canonical_request.p, want_headers.p));
	assert_non_null(strstr(f.out.canonical_request.p, want_query.p));
	aps_buf_clear(&url);
	aps_buf_clear(&want_headers);
	aps_buf_clear(&want_query);
	aps_sigv4_clear(&f.out);
}

static void refuse(struct fixture *f, const char *message)
{
	assert_int_equal(sign(f), APS_E_USAGE);
	assert_string_equal(f->err.msg, message);
	assert_int_equal(f->out.n_added, 0);
	assert_int_equal(f->out.canonical_request.n, 0);
	assert_null(strstr(f->err.msg, "wJalr"));
	aps_sigv4_clear(&f->out);
}

static void what_is_missing_or_wrong_is_named(void **state)
{
	(void)state;
	struct aps_header bad_name = {APS_STR("a b"), APS_STR("")};
	struct aps_header bad_value = {APS_STR("a"), APS_STR("x\0y")};
	struct aps_header bad_date = {APS_STR("x-amz-date"), APS_STR("yesterday")};
#define REFUSED(change, message)                                                                                       \
	do {                                                                                                           \
		struct fixture f = make("https://h/graphql", "{}");                                                    \
		change;                                                                                                \
		refuse(&f, message);                                                                                   \
	} while (0)
	REFUSED(f.request.url = APS_STR(""), "url: is empty");
	REFUSED(f.request.url = APS_STR("#x"), "url: is empty");
	REFUSED(f.request.url = APS_STR("graphql"), "url: must be absolute or start with '/'");
	REFUSED(f.request.url = APS_STR("https:///graphql"), "url: has no host");
	REFUSED(f.request.url = APS_STR("https://a\nb/"), "url: the host contains a space or a control character");
	REFUSED(f.request.url = APS_STR("/graphql"), "url: has no host, and there is no host header");
	REFUSED(f.request.method = APS_STR(""), "method: is missing or isn't an HTTP method");
	REFUSED(f.request.method = APS_STR("GET\n"), "method: is missing or isn't an HTTP method");
	REFUSED(f.options.region = APS_STR(""), "region: is missing");
	REFUSED(f.options.region = APS_STR("a/b"), "region: contains a character that is not allowed");
	REFUSED(f.options.service = APS_STR(""), "service: is missing");
	REFUSED(f.options.access_key_id = APS_STR(""), "access_key_id: is missing");
	REFUSED(f.options.access_key_id = APS_STR("a\r\nb"), "access_key_id: contains a character that is not allowed");
	REFUSED(f.options.secret_access_key = APS_STR(""), "secret_access_key: is missing");
	static const struct aps_str UNUSABLE[] = {
	        {"a\0b", 3}, {"a\nb", 3}, {"a\x1b", 2}, {"a\x7f", 2}, {"\xc3\xa9", 2}};
	for (size_t i = 0; i < APS_COUNTOF(UNUSABLE); i++) {
		struct aps_str bad = UNUSABLE[i];
		REFUSED(f.options.session_token = bad,
		        "session_token: contains a space, a control character or one beyond ASCII");
		REFUSED(f.options.secret_access_key = bad,
		        "secret_access_key: contains a space, a control character or one beyond ASCII");
		REFUSED(f.options.access_key_id = bad, "access_key_id: contains a character that is not allowed");
		REFUSED(f.options.region = bad, "region: contains a character that is not allowed");
		REFUSED(f.options.service = bad, "service: contains a character that is not allowed");
	}
	static const struct aps_str URLS[] = {{"https://h/a\rb", 13},
	                                      {"https://h/a\nb", 13},
	                                      {"https://h/?a=\0b", 15},
	                                      {"https://h/#\n", 12},
	                                      {"/a\x7f", 3}};
	for (size_t i = 0; i < APS_COUNTOF(URLS); i++)
		REFUSED(f.request.url = URLS[i], "url: contains a control character");
	static const struct aps_str VALUES[] = {{"x\r\nb: c", 7}, {"x\ny", 3},   {"x\ry", 3},
	                                        {"x\r y", 4},     {"x\n", 2},    {"x\r\n", 3},
	                                        {"x\n\n y", 5},   {"x\x1by", 3}, {"x\x7f", 2}};
	for (size_t i = 0; i < APS_COUNTOF(VALUES); i++) {
		struct aps_header broken = {APS_STR("a"), VALUES[i]};
		REFUSED((f.request.headers = &broken, f.request.n_headers = 1),
		        "headers: the value of a contains a line break that folds no line, or another control "
		        "character");
	}
	REFUSED(f.options.now_s = INT64_MAX, "now: must be within the years 0000 and 9999");
	REFUSED((f.request.headers = &bad_name, f.request.n_headers = 1), "headers: a name isn't an HTTP token");
	REFUSED((f.request.headers = &bad_value, f.request.n_headers = 1),
	        "headers: the value of a contains a line break that folds no line, or another control character");
	REFUSED((f.request.headers = &bad_date, f.request.n_headers = 1),
	        "headers: x-amz-date is not of the form 20150830T123600Z");
	REFUSED((f.options.in_query = true, f.options.expires_s = 0), "expires: must be within 1 and 604800 seconds");
	REFUSED((f.options.in_query = true, f.options.expires_s = 604801),
	        "expires: must be within 1 and 604800 seconds");
#undef REFUSED
}

static void a_cached_key_is_left_when_secret_day_region_or_service_change(void **state)
{
	(void)state;
	struct aps_sigv4_cache cache = {.is_set = false};
	for (int change = 0; change < 5; change++) {
		struct fixture cached = make("https://h/graphql", "{}");
		if (change == 1) cached.options.secret_access_key = APS_STR("other");
		if (change == 2) cached.options.now_s += 86400;
		if (change == 3) cached.options.region = APS_STR("us-east-");
		if (change == 3) cached.options.service = APS_STR("1appsync");
		if (change == 4) cached.options.service = APS_STR("execute-api");
		struct fixture plain = cached;
		aps_sigv4_init(&plain.out);
		assert_int_equal(aps_sigv4_sign(&cached.request, &cached.options, &cache, &cached.out, NULL), APS_OK);
		assert_int_equal(sign(&plain), APS_OK);
		assert_string_equal(cached.out.signature, plain.out.signature);
		assert_true(cache.is_set);
		aps_sigv4_clear(&cached.out);
		aps_sigv4_clear(&plain.out);
	}
}

static void signing_again_allocates_nothing(void **state)
{
	(void)state;
	struct aps_sigv4_cache cache = {.is_set = false};
	struct fixture f = make("https://" HOST "/graphql?b=2&a=1", SUBSCRIPTION);
	assert_int_equal(aps_sigv4_sign(&f.request, &f.options, &cache, &f.out, NULL), APS_OK);
	aps_mem_fail_at(1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(aps_sigv4_sign(&f.request, &f.options, &cache, &f.out, &f.err), APS_OK);
	void *block = aps_malloc(1); /* the failure is still waiting */
	assert_null(block);
	aps_mem_fail_at(0);
	aps_sigv4_clear(&f.out);
	aps_sigv4_clear(&f.out);
}

static void every_failed_allocation_is_told_and_leaks_nothing(void **state)
{
	(void)state;
	struct aps_header headers[40];
	size_t before = aps_mem_live();
	bool succeeded = false;
	for (size_t nth = 1; !succeeded; nth++) {
		struct fixture f =
		        make("https://h/a/../b?1&2&3&4&5&6&7&8&9&0&1&2&3&4&5&6&7&8&9&0&1&2&3&4&5&6&7&8&9&0&1&2&3", "");
		for (size_t i = 0; i < 40; i++) headers[i] = (struct aps_header){APS_STR("n"), APS_STR("v")};
		f.request.headers = headers;
		f.request.n_headers = 40;
		f.options.normalize_path = true;
		f.options.in_query = nth % 2 == 0;
		aps_mem_fail_at(nth);
		enum aps_rc rc = sign(&f);
		aps_mem_fail_at(0);
		succeeded = rc == APS_OK && nth > 40;
		if (rc != APS_OK) assert_int_equal(rc, APS_E_NOMEM);
		aps_sigv4_clear(&f.out);
		assert_int_equal(aps_mem_live(), before);
		assert_true(nth < 200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_realtime_connect_is_signed),
	        cmocka_unit_test(a_session_token_is_signed_too),
	        cmocka_unit_test(a_subscription_is_signed),
	        cmocka_unit_test(a_query_over_http_is_signed),
	        cmocka_unit_test(an_event_api_connect_is_signed),
	        cmocka_unit_test(what_was_added_is_listed_in_order),
	        cmocka_unit_test(a_presigned_url_is_that_of_the_s3_reference),
	        cmocka_unit_test(a_presigned_url_keeps_its_query_and_signs_the_token),
	        cmocka_unit_test(s3_signs_its_path_escaped_once_with_the_hash_of_the_body),
	        cmocka_unit_test(an_unsigned_payload_says_so),
	        cmocka_unit_test(a_given_hash_stands_for_the_body),
	        cmocka_unit_test(many_headers_and_parameters_are_sorted_and_stay_in_order_under_one_name),
	        cmocka_unit_test(what_is_missing_or_wrong_is_named),
	        cmocka_unit_test(a_cached_key_is_left_when_secret_day_region_or_service_change),
	        cmocka_unit_test(signing_again_allocates_nothing),
	        cmocka_unit_test(every_failed_allocation_is_told_and_leaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
