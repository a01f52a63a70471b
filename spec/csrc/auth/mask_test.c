#include "auth/mask.h"
#include "base/mem.h"
#include "codec/json_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the six above */
#include <cmocka.h>

static struct aps_secrets secrets;

static int begin(void **state)
{
	(void)state;
	aps_secrets_init(&secrets);
	return 0;
}

static int end(void **state)
{
	(void)state;
	aps_secrets_clear(&secrets);
	assert_int_equal(aps_mem_live(), 0);
	return 0;
}

static void keep(const char *name, const char *value)
{
	aps_secrets_add_header(&secrets, aps_str_of(name), aps_str_of(value));
}

static void expect(const char *text, const char *masked)
{
	char line[512];
	size_t n = strlen(text);
	assert_true(n < sizeof line);
	memcpy(line, text, n + 1);
	assert_int_equal(aps_mask(&secrets, line, n, APS_STR("")), strcmp(text, masked) != 0);
	assert_string_equal(line, masked);
}

static void secrets_are_masked_and_what_is_like_them_in_its_beginning(void **state)
{
	(void)state;
	keep("x-api-key", "da2-12345678");
	expect("da2-12345678 and da2-123456780, da2-x: da2-1234", "************ and ************0, da2-x: ********");
	expect("da2-12345678", "************");
	expect("da2-123", "da2-123");
	expect("nothing of it", "nothing of it");
	expect("DA2-12345678, Da2-12345678", "************, ************");
}

static void a_secret_of_less_than_eight_bytes_stays_unless_its_header_authenticates(void **state)
{
	(void)state;
	keep("x-token", "token");
	keep("x-secret", "refused");
	keep("x-api-key", "the");
	expect("the token is refused", "the token is refused");
}

static void a_scheme_stays_and_its_credentials_go_with_it_or_alone(void **state)
{
	(void)state;
	keep("Authorization", "Bearer abcdefgh12345");
	expect("Bearer eggs are no Bearer abcdefgh12345", "Bearer eggs are no ********************");
	expect("token abcdefgh12345", "token *************");
	expect("token abcdefgh1...", "token *********...");
}

static void of_a_signature_the_digits_are_masked_and_the_words_before_them_stay(void **state)
{
	(void)state;
	keep("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/appsync/aws4_request, "
	                      "SignedHeaders=host, Signature=0123456789abcdef0123456789abcdef");
	expect("AWS4-HMAC-SHA256 Credential= is expected", "AWS4-HMAC-SHA256 Credential= is expected");
	expect("got 0123456789ABCDEF0123456789abcdef here", "got ******************************** here");
}

static void basic_credentials_are_masked_decoded_too(void **state)
{
	(void)state;
	keep("Proxy-Authorization", "Basic dXNlcjpwYXNzd29yZDE="); /* user:password1 */
	expect("dXNlcjpwYXNzd29yZDE= is user:password1", "******************** is **************");
	expect("no password1!", "no *********!");
}

static void a_url_gives_its_password_in_each_spelling(void **state)
{
	(void)state;
	aps_secrets_add_url(&secrets, "http://me:pass%2Fword@host:1/p@th");
	aps_secrets_add_url(&secrets, "http://host/me:password9@");
	aps_secrets_add_url(&secrets, NULL);
	expect("me:pass/word, pass%2fword, password9, host", "************, ***********, password9, host");
}

static void a_proxy_without_a_scheme_gives_its_password_too(void **state)
{
	(void)state;
	aps_secrets_add_url(&secrets, "me:password1@proxy:3128");
	aps_secrets_add_url(&secrets, "proxy.example.com:3128");
	aps_secrets_add_url(&secrets, "");
	expect("password1 to proxy.example.com:3128", "********* to proxy.example.com:3128");
	expect("bWU6cGFzc3dvcmQx", "****************");
}

static void each_value_of_a_cookie_is_a_secret(void **state)
{
	(void)state;
	keep("cookie", "lang=de; sid=abcdefgh; theme=darkdark1");
	expect("sid abcdefgh or darkdark1 in de", "sid ******** or ********* in de");
}

static void headers_without_a_telling_name_are_not_secret(void **state)
{
	(void)state;
	keep("x-tenant", "tenant-number-one");
	expect("tenant-number-one", "tenant-number-one");
	static const char *const NAMES[] = {"AUTHORIZATION", "X-Amz-Security-Token", "x-client-secret", "x-password",
	                                    "x-access-key",  "X-CSRFToken",          "Cookie",          "set-session"};
	for (size_t i = 0; i < APS_COUNTOF(NAMES); i++) {
		char value[] = "value-x-of-it";
		value[6] = (char)('a' + i);
		keep(NAMES[i], value);
		expect(value, "*************");
	}
}

static void escapes_of_json_urls_and_html_hide_nothing(void **state)
{
	(void)state;
	keep("x-api-key", "a/b+c d&e\"f");
	expect("a/b+c d&e\"f", "***********");
	expect("a\\/b+c d&e\\\"f", "*************");
	expect("a\\u002fb\\u002Bc\\u0020d\\u0026e\\u0022f", "************************************");
	expect("a\\\\/b+c d&e\\\\\\\"f", "****************");
	expect("a%2fb%2Bc%20d%26e%22f", "*********************");
	expect("a%252fb%252Bc%2520d%2526e%2522f", "*******************************");
	expect("a%2Fb%2Bc+d%26e%22f", "*******************");
	expect("a&#47;b&#x2B;c d&amp;e&quot;f", "*****************************");
}

static void bytes_beyond_ascii_are_found_raw_and_escaped(void **state)
{
	(void)state;
	keep("x-secret", "caf\xc3\xa9-caf\xc3\xa9");
	expect("caf\xc3\xa9-caf\xc3\xa9", "***********");
	expect("caf\\u00e9-caf\\u00E9", "*******************");
	expect("caf%C3%A9-caf%c3%a9", "*******************");
	expect("caf&eacute;", "caf&eacute;");
}

static void backslashes_of_a_secret_are_found_escaped(void **state)
{
	(void)state;
	keep("x-secret", "C:\\dir\\secret\\");
	expect("C:\\dir\\secret\\", "**************");
	expect("{\"m\":\"C:\\\\dir\\\\secret\\\\\"}", "{\"m\":\"*****************\"}");
}

/* {"host":"h","x-api-key":"da2-12345678"} and its like, at each alignment, in both alphabets. */
static void base64_hides_nothing_at_any_alignment_of_either_alphabet(void **state)
{
	(void)state;
	keep("x-api-key", "?"
	                  "?>>da2-12345678");
	expect("Pz8+PmRhMi0xMjM0NTY3OA==", "************************");
	expect("Pz8-PmRhMi0xMjM0NTY3OA", "**********************");
	expect("eD8/Pj5kYTItMTIzNDU2Nzg=", "eD**********************");
	expect("eD8_Pj5kYTItMTIzNDU2Nzg", "eD*********************");
	expect("eHg/Pz4+ZGEyLTEyMzQ1Njc4", "eHg*********************");
	expect("eHg_Pz4-ZGEyLTEyMzQ1Njc4", "eHg*********************");
	expect("Pz8%2BPmRhMi0xMjM0NTY3OA", "************************");
	expect("id eHg_Pz4 and on", "id eHg_Pz4 and on");
}

static void of_base64_the_whole_last_group_is_masked(void **state)
{
	(void)state;
	aps_secrets_add_url(&secrets, "http://me:my-password@proxy"); /* bWU6bXktcGFzc3dvcmQ= */
	keep("authorization", "Bearer abcdefgh12");                   /* QmVhcmVyIGFiY2RlZmdoMTI= */
	expect("bWU6bXktcGFzc3dvcmQ=", "********************");
	expect("QmVhcmVyIGFiY2RlZmdoMTI= ends", "************************ ends");
	expect("QmVhcmVyIGFiY2RlZmdoMTI%3D", "**************************");
	expect("{\"m\":\"QmVhcmVyIGFiY2RlZmdoMTI\\u003d\"}", "{\"m\":\"*****************************\"}");
	expect("YWJjZGVmZ2gxMg==, YWJjZGVmZ2gxMg", "****************, **************");
}

static void what_is_cut_off_at_the_end_is_masked_also_where_it_begins_with_common_words(void **state)
{
	(void)state;
	keep("authorization", "Bearer tokentokentoken/");
	expect("got Bearer tok", "got **********");
	expect("got Bearer tokentokentoken\\u00", "got **********************\\u00");
	expect("got Bearer tok and more", "got Bearer tok and more");
}

static void expect_json(const char *text, const char *wanted)
{
	struct aps_json_reader r;
	struct aps_str value;
	expect(text, wanted);
	aps_json_reader_init(&r, aps_str_of(wanted), 0);
	assert_int_equal(aps_json_skip_value(&r, &value), APS_OK);
}

static void json_stays_json(void **state)
{
	(void)state;
	keep("x-api-key", "12345678");
	keep("authorization", "{\"token\":\"abcdefgh\\n\"}");
	static const char *const ROWS[][2] = {
	        {"{\"a\":12345678,\"b\":\"12345678\"}", "{\"a\":99999999,\"b\":\"********\"}"},
	        {"[-12345678.5]", "[-99999999.5]"},
	        {"{\"echo\":{\"token\":\"abcdefgh\\n\"}}", "{\"echo\":{\"*****\":\"**********\"}}"},
	        {"{\"\\\\\\u003112345678\":1}", "{\"\\\\\\u0031********\":1}"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) expect_json(ROWS[i][0], ROWS[i][1]);
}

static void json_stays_json_where_a_secret_ends_or_begins_within_an_escape(void **state)
{
	(void)state;
	keep("x-api-key", "abcdefgh\\");
	keep("x-token", "ude00-12345");
	keep("x-secret", "ijklmnop\xf0\x9f");
	keep("x-password", "\x98\x80-67890ab");
	static const char *const ROWS[][2] = {
	        {"{\"m\":\"abcdefgh\\\"tail\"}", "{\"m\":\"**********tail\"}"},
	        {"{\"m\":\"abcdefgh\\\\\\\"tail\"}", "{\"m\":\"************tail\"}"},
	        {"{\"m\":\"abcdefgh\\u0041tail\"}", "{\"m\":\"**************tail\"}"},
	        {"{\"m\":\"abcdefgh\\ud83d\\ude00tail\"}", "{\"m\":\"********************tail\"}"},
	        {"[\"\\ud83d\\ude00-12345\"]", "[\"\\ud83d\\ude00-12345\"]"},
	        {"[\"ijklmnop\xf0\x9f\x98\x80\"]", "[\"************\"]"},
	        {"[\"\xf0\x9f\x98\x80-67890ab\"]", "[\"\xf0\x9f\x98\x80-67890ab\"]"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) expect_json(ROWS[i][0], ROWS[i][1]);
}

static void json_stays_json_also_where_a_service_cut_its_strings(void **state)
{
	(void)state;
	keep("x-api-key", "12345678");
	static const char *const ROWS[][2] = {
	        {"[\"\xe2\",\"12345678\",1]", "[\"\xe2\",\"********\",1]"},
	        {"[\"\xf0\x9f\x98\",12345678,\"\xc3\"]", "[\"\xf0\x9f\x98\",99999999,\"\xc3\"]"},
	        {"[\"12345678\xe2\x82\",{\"\xff\":1}]", "[\"********\xe2\x82\",{\"\xff\":1}]"},
	        {"[\"\\ud83d\",\"12345678\\ud83d\"]", "[\"\\ud83d\",\"********\\ud83d\"]"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) expect_json(ROWS[i][0], ROWS[i][1]);
}

static void a_short_credential_is_masked_as_a_whole_word_and_nowhere_else(void **state)
{
	(void)state;
	keep("Authorization", "Bearer abcd");
	keep("x-api-key", "k-1234");
	keep("Cookie", "sid=se%20t; a=b");
	expect("abcd, Abcd; <abcd>", "****, ****; <****>");
	expect("xabcd abcdx abcd1 _abcd", "xabcd abcdx abcd1 _abcd");
	expect("not abc nor bcd nor abcdabcd", "not abc nor bcd nor abcdabcd");
	expect("k-1234 k-12345 ak-1234", "****** k-12345 ak-1234");
	expect("se t se%20t sid=se t", "**** ****** sid=****");
	expect("Bearer abcd", "***********");
	expect("{\"m\":\"\\nabcd\\tk-1234\",\"abcd\":\"abcd\",\"abcd\" :1}",
	       "{\"m\":\"\\n****\\t******\",\"abcd\":\"****\",\"abcd\" :1}");
	expect("%20abcd \\u0020abcd \\u0061bcd", "%20**** \\u0020**** *********");
}

static void a_short_value_of_another_header_is_no_credential(void **state)
{
	(void)state;
	keep("x-auth-mode", "user");
	keep("x-api-key", "abc");
	keep("authorization", "a");
	expect("user a abc", "user a abc");
}

static void pairs_and_short_escapes_of_json_hide_nothing(void **state)
{
	(void)state;
	keep("x-api-key", "\xf0\x9f\x98\x80-tab\there-\\\xc3\xa9");
	expect("\\ud83d\\ude00-tab\\there-\\\\\\u00e9", "*******************************");
	expect("\\\\ud83d\\\\ude00-tab\\u0009here-", "*****************************");
	expect("&#128512;-tab\there-", "*******************");
}

static void what_looks_like_an_escape_in_a_secret_is_found_raw_and_escaped(void **state)
{
	(void)state;
	keep("x-api-key", "100%-&amp;safe");
	expect("100%-&amp;safe", "**************");
	expect("100%25-&amp;amp;safe", "********************");
	expect("100%2525-%26amp;safe", "********************");
	keep("x-token", "a%25b%2Fcdefg");
	expect("a%25b%2Fcdefg", "*************");
	keep("x-secret", "h%25\"ijklmno");
	expect("h%25\\\"ijklmno", "*************");
	expect("a%2525b%252Fcdefg", "*****************");
}

static void a_kept_part_stays_as_it_is(void **state)
{
	(void)state;
	keep("x-api-key", "da2-12345678");
	char text[] = "{\"data\":{\"k\":\"da2-12345678\"},\"errors\":[{\"message\":\"da2-12345678\"}]}";
	struct aps_str kept = {text + 8, 20};
	assert_true(aps_mask(&secrets, text, sizeof text - 1, kept));
	assert_string_equal(text, "{\"data\":{\"k\":\"da2-12345678\"},\"errors\":[{\"message\":\"************\"}]}");
}

static void members_of_an_object_are_secrets_by_their_name(void **state)
{
	(void)state;
	aps_secrets_add_object(&secrets, APS_STR("{\"host\":\"example.com\",\"x-api\\u002dkey\":\"da2\\/12345678\","
	                                         "\"authorization\":{\"x\":1},\"cookie\":null}"));
	expect("example.com da2/12345678", "example.com ************");
	aps_secrets_add_object(&secrets, APS_STR("[]"));
	aps_secrets_add_object(&secrets, APS_STR("{\"cookie\":"));
}

static void a_secret_with_the_letter_of_an_escape_is_masked_in_escapes_too(void **state)
{
	(void)state;
	keep("x-api-key", "uk-u12345u");
	expect("\\u0075\\u006b-\\u007512345\\u0075.", "******************************.");
	expect("uk-u12345u \\uk-u12345u", "********** ***********");
}

static void secrets_have_many_names(void **state)
{
	(void)state;
	keep("X-Pwd", "my-pass-1");
	keep("X-Bearer", "my-bearer-2");
	keep("Cookie", "a=\"quoted-33\"; b=s%3Aencoded-44");
	keep("Authorization", "Digest username=\"ann\", response=\"0123456789abcdef\", qop=auth");
	aps_secrets_add_url(&secrets,
	                    "https://api.example/graphql?stage=production&token=in-the-url&x=1#key=fragment-66");
	expect("my-pass-1 my-bearer-2", "********* ***********");
	expect("quoted-33 s:encoded-44 s%3Aencoded-44", "********* ************ **************");
	expect("0123456789abcdef", "****************");
	expect("in-the-url of production, fragment-66", "********** of production, fragment-66");
}

static void many_secrets_are_all_masked(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		char value[32];
		snprintf(value, sizeof value, "secret-%03d", i);
		keep("x-secret", value);
		keep("x-secret", value);
	}
	expect("secret-000 secret-111 secret-199", "********** ********** **********");
}

static void materials_secrets_are_masked_and_its_key_id_is_none(void **state)
{
	(void)state;
	char id[] = "AKIDEXAMPLE", key[] = "secret+access/key", session[] = "session-token-1";
	struct aps_auth_material material = {.mode = APS_AUTH_IAM, .credentials = {id, key, session, 0}};
	aps_secrets_add_material(&secrets, &material);
	char token[] = "Bearer a.b.c.d.e.f";
	material = (struct aps_auth_material){.mode = APS_AUTH_OIDC, .secret = token};
	aps_secrets_add_material(&secrets, &material);
	expect("AKIDEXAMPLE secret+access/key session-token-1 a.b.c.d.e.f",
	       "AKIDEXAMPLE ***************** *************** ***********");
}

static void without_memory_nothing_is_shown(void **state)
{
	(void)state;
	keep("x-api-key", "da2-12345678");
	for (size_t nth = 1; nth < 8; nth++) {
		char text[] = "key da2-12345678";
		aps_mem_fail_at(nth);
		assert_true(aps_mask(&secrets, text, sizeof text - 1, APS_STR("")));
		aps_mem_fail_at(0);
		assert_null(strstr(text, "da2"));
	}
	aps_mem_fail_at(1);
	keep("x-api-key", "another-key-that-needs-room");
	aps_mem_fail_at(0);
	char text[] = "key";
	assert_true(aps_mask(&secrets, text, 3, APS_STR("")));
	assert_string_equal(text, "***");
}

/* Each would take minutes if a place were looked at again for each byte before it. */
static void a_long_run_of_escapes_costs_no_more_than_other_text(void **state)
{
	(void)state;
	keep("x-api-key", "da2-12345678");
	static const char *const PIECES[] = {"\\", "%25", "&#", "\\u", "&", "da2-123", "2525"};
	size_t n = (size_t)1 << 20;
	char *text = malloc(n + 1);
	for (size_t i = 0; i < APS_COUNTOF(PIECES); i++) {
		size_t n_piece = strlen(PIECES[i]);
		for (size_t k = 0; k < n; k++) text[k] = PIECES[i][k % n_piece];
		assert_false(aps_mask(&secrets, text, n, APS_STR("")));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	        TEST(secrets_are_masked_and_what_is_like_them_in_its_beginning),
	        TEST(a_secret_of_less_than_eight_bytes_stays_unless_its_header_authenticates),
	        TEST(a_scheme_stays_and_its_credentials_go_with_it_or_alone),
	        TEST(of_a_signature_the_digits_are_masked_and_the_words_before_them_stay),
	        TEST(basic_credentials_are_masked_decoded_too),
	        TEST(a_url_gives_its_password_in_each_spelling),
	        TEST(a_proxy_without_a_scheme_gives_its_password_too),
	        TEST(each_value_of_a_cookie_is_a_secret),
	        TEST(headers_without_a_telling_name_are_not_secret),
	        TEST(escapes_of_json_urls_and_html_hide_nothing),
	        TEST(bytes_beyond_ascii_are_found_raw_and_escaped),
	        TEST(backslashes_of_a_secret_are_found_escaped),
	        TEST(base64_hides_nothing_at_any_alignment_of_either_alphabet),
	        TEST(of_base64_the_whole_last_group_is_masked),
	        TEST(what_is_cut_off_at_the_end_is_masked_also_where_it_begins_with_common_words),
	        TEST(json_stays_json),
	        TEST(json_stays_json_where_a_secret_ends_or_begins_within_an_escape),
	        TEST(json_stays_json_also_where_a_service_cut_its_strings),
	        TEST(a_short_credential_is_masked_as_a_whole_word_and_nowhere_else),
	        TEST(a_short_value_of_another_header_is_no_credential),
	        TEST(pairs_and_short_escapes_of_json_hide_nothing),
	        TEST(what_looks_like_an_escape_in_a_secret_is_found_raw_and_escaped),
	        TEST(a_kept_part_stays_as_it_is),
	        TEST(members_of_an_object_are_secrets_by_their_name),
	        TEST(a_secret_with_the_letter_of_an_escape_is_masked_in_escapes_too),
	        TEST(secrets_have_many_names),
	        TEST(many_secrets_are_all_masked),
	        TEST(materials_secrets_are_masked_and_its_key_id_is_none),
	        TEST(a_long_run_of_escapes_costs_no_more_than_other_text),
	        TEST(without_memory_nothing_is_shown),
#undef TEST
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
