#include "codec/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka needs the four above */
#include <cmocka.h>

static void check(bool is_done, const unsigned char digest[APS_SHA256_BYTES], const char *wanted)
{
	char text[2 * APS_SHA256_BYTES + 1];
	assert_true(is_done);
	aps_hex(digest, APS_SHA256_BYTES, text);
	assert_string_equal(text, wanted);
}

static void sha256_gives_the_values_of_fips_180(void **state)
{
	(void)state;
	unsigned char digest[APS_SHA256_BYTES];
	check(aps_sha256(APS_STR(""), digest), digest,
	      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check(aps_sha256((struct aps_str){NULL, 0}, digest), digest,
	      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check(aps_sha256(APS_STR("abc"), digest), digest,
	      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check(aps_sha256(APS_STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), digest), digest,
	      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* RFC 4231, cases 1, 2, 6 and 7 (the last two have keys longer than a block), and two keys at the edges. */
static void hmac_gives_the_values_of_rfc_4231(void **state)
{
	(void)state;
	char long_key[131];
	memset(long_key, 0xaa, sizeof long_key);
	const struct {
		struct aps_str key, text;
		const char *wanted;
	} rows[] = {
	        {APS_STR("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"),
	         APS_STR("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	        {APS_STR("Jefe"), APS_STR("what do ya want for nothing?"),
	         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	        {{long_key, sizeof long_key},
	         APS_STR("Test Using Larger Than Block-Size Key - Hash Key First"),
	         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	        {{long_key, sizeof long_key},
	         APS_STR("This is a test using a larger than block-size key and a larger than block-size data. The key "
	                 "needs to "
	                 "be hashed before being used by the HMAC algorithm."),
	         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
	        {{long_key, 64},
	         APS_STR("block"), /* as long as a block; by Python's hmac */
	         "17fdf183abeadb3f439b70ca7d86f064900bd9e62791d5a5b0e6e3cd8db333b1"},
	        {{NULL, 0}, {NULL, 0}, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
	};
	for (size_t i = 0; i < APS_COUNTOF(rows); i++) {
		unsigned char digest[APS_SHA256_BYTES];
		check(aps_hmac_sha256(rows[i].key, rows[i].text, digest), digest, rows[i].wanted);
		struct aps_hmac_key key;
		assert_true(aps_hmac_key_init(&key, rows[i].key));
		for (int twice = 0; twice < 2; twice++) /* signing must not use the key up */
			check(aps_hmac_key_sign(&key, rows[i].text, digest), digest, rows[i].wanted);
		struct aps_hmac_key moved = key;
		check(aps_hmac_key_sign(&moved, rows[i].text, digest), digest, rows[i].wanted);
	}
}

static void hexadecimal_is_lower_case(void **state)
{
	(void)state;
	char text[9] = "xxxxxxxx";
	aps_hex((const unsigned char *)"\x00\x0f\xa5\xff", 4, text);
	assert_string_equal(text, "000fa5ff");
	aps_hex(NULL, 0, text);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(sha256_gives_the_values_of_fips_180),
	        cmocka_unit_test(hmac_gives_the_values_of_rfc_4231),
	        cmocka_unit_test(hexadecimal_is_lower_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
