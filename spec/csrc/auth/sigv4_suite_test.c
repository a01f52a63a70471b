/* Cases of the AWS Signature Version 4 test suite and cases beyond it. The canonical requests were written out by hand
 * from the rules; hashes and signatures were computed from them by a separate script with Python's hashlib and hmac.
 * Request targets are relative, the host is a header, paths are normalized. */
#include "auth/sigv4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

#define NOW_S       1440938160 /* 2015-08-30T12:36:00Z */
#define MAX_HEADERS 10

struct suite_case {
	const char *name;
	const char *method;
	const char *target;
	const char *headers[MAX_HEADERS][2];
	const char *body;
	const char *canonical_request;
	const char *hash; /* of the canonical request */
	const char *signature;
};

/* clang-format off */
static const struct suite_case SUITE[] = {
	{"get-vanilla", "GET", "/", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
	 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-header-key-duplicate", "GET", "/", {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}}, "",
	 "GET\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "my-header1:value2,value2,value1\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;my-header1;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "dc7f04a3abfde8d472b0ab1a418b741b7c67174dad1551b4117b15527fbe966c",
	 "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
	{"get-header-value-multiline", "GET", "/", {{"My-Header1", "value1\n  value2\n     value3"}}, "",
	 "GET\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "my-header1:value1 value2 value3\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;my-header1;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "e99419459a677bc11de234014be3c4e72c1ea5b454ceb58b613061f5d7a162e8",
	 "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"},
	{"get-header-value-order", "GET", "/", {{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"}, {"My-Header1", "value2"}}, "",
	 "GET\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "my-header1:value4,value1,value3,value2\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;my-header1;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "31ce73cd3f3d9f66977ad3dd957dc47af14df92fcd8509f59b349e9137c58b86",
	 "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
	{"get-header-value-trim", "GET", "/", {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}, "",
	 "GET\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "my-header1:value1\n"
	 "my-header2:\"a b c\"\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;my-header1;my-header2;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "a726db9b0df21c14f559d0a978e563112acb1b9e05476f0a6a1c7d68f28605c7",
	 "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
	{"get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", {{NULL, NULL}}, "",
	 "GET\n"
	 "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "6a968768eefaa713e2a6b16b589a8ea192661f098f37349f4e2c0082757446f9",
	 "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
	{"get-utf8", "GET", "/\xe1\x88\xb4", {{NULL, NULL}}, "",
	 "GET\n"
	 "/%E1%88%B4\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "2a0a97d02205e45ce2e994789806b19270cfbbb0921b278ccf58f5249ac42102",
	 "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
	{"get-vanilla-empty-query-key", "GET", "/?Param1=value1", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "Param1=value1\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "1e24db194ed7d0eec2de28d7369675a243488e08526e8c1c73571282f7c517ab",
	 "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
	{"get-vanilla-query", "GET", "/?", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
	 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-vanilla-query-order-encoded", "GET", "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "%E1%88%B4=Value1&Param=Value2&Param-3=Value3\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "868294f5c38bd141c4972a373a76654f1418a8e4fc18b2e7903ae45e8ae0ec71",
	 "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
	{"get-vanilla-query-order-key", "GET", "/?Param1=value2&Param1=Value1", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "Param1=Value1&Param1=value2\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "704b4cef673542d84cdff252633f065e8daeba5f168b77116f8b1bcaf3d38f89",
	 "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
	{"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "Param1=value1&Param2=value2\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "816cd5b414d056048ba4f7c5386d6e0533120fb1fcfa93762cf0fc39e2cf19e0",
	 "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
	{"get-vanilla-query-order-value", "GET", "/?Param1=value2&Param1=value1", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "Param1=value1&Param1=value2\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "c968629d70850097a2d8781c9bf7edcb988b04cac14cca9be4acc3595f884606",
	 "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
	{"get-vanilla-query-unreserved", "GET", "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "c30d4703d9f799439be92736156d47ccfb2d879ddf56f5befa6d1d6aab979177",
	 "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
	{"get-vanilla-utf8-query", "GET", "/?\xe1\x88\xb4=bar", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "%E1%88%B4=bar\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "eb30c5bed55734080471a834cc727ae56beb50e5f39d1bff6d0d38cb192a7073",
	 "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
	{"get-relative", "GET", "/example/..", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
	 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-relative-relative", "GET", "/example1/example2/../..", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
	 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-slash", "GET", "//", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
	 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-slash-dot-slash", "GET", "/./", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
	 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{"get-slashes", "GET", "//example//", {{NULL, NULL}}, "",
	 "GET\n"
	 "/example/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "cb96b4ac96d501f7c5c15bc6d67b3035061cfced4af6585ad927f7e6c985c015",
	 "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
	{"get-slash-pointless-dot", "GET", "/./example", {{NULL, NULL}}, "",
	 "GET\n"
	 "/example\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "214d50c111a8edc4819da6a636336472c916b5240f51e9a51b5c3305180cf702",
	 "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
	{"get-space", "GET", "/example space/", {{NULL, NULL}}, "",
	 "GET\n"
	 "/example%20space/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "63ee75631ed7234ae61b5f736dfc7754cdccfedbff4b5128a915706ee9390d86",
	 "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
	{"post-header-key-case", "POST", "/", {{NULL, NULL}}, "",
	 "POST\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "553f88c9e4d10fc9e109e2aeb65f030801b70c2f6468faca261d401ae622fc87",
	 "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	{"post-header-key-sort", "POST", "/", {{"My-Header1", "value1"}}, "",
	 "POST\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "my-header1:value1\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;my-header1;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "9368318c2967cf6de74404b30c65a91e8f6253e0a8659d6d5319f1a812f87d65",
	 "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
	{"post-header-value-case", "POST", "/", {{"My-Header1", "VALUE1"}}, "",
	 "POST\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "my-header1:VALUE1\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;my-header1;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "d51ced243e649e3de6ef63afbbdcbca03131a21a7103a1583706a64618606a93",
	 "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
	{"post-sts-header-before", "POST", "/", {{"X-Amz-Security-Token", "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="}}, "",
	 "POST\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "x-amz-security-token:AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==\n"
	 "\n"
	 "host;x-amz-date;x-amz-security-token\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "c237e1b440d4c63c32ca95b5b99481081cb7b13c7e40434868e71567c1a882f6",
	 "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
	{"post-vanilla", "POST", "/", {{NULL, NULL}}, "",
	 "POST\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "553f88c9e4d10fc9e109e2aeb65f030801b70c2f6468faca261d401ae622fc87",
	 "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	{"post-vanilla-query", "POST", "/?Param1=value1", {{NULL, NULL}}, "",
	 "POST\n"
	 "/\n"
	 "Param1=value1\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "9d659678c1756bb3113e2ce898845a0a79dbbc57b740555917687f1b3340fbbd",
	 "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
	{"post-x-www-form-urlencoded", "POST", "/", {{"Content-Type", "application/x-www-form-urlencoded"}}, "Param1=value1",
	 "POST\n"
	 "/\n"
	 "\n"
	 "content-type:application/x-www-form-urlencoded\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "content-type;host;x-amz-date\n"
	 "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
	 "42a5e5bb34198acb3e84da4f085bb7927f2bc277ca766e6d19c73c2154021281",
	 "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	{"post-x-www-form-urlencoded-parameters", "POST", "/", {{"Content-Type", "application/x-www-form-urlencoded; charset=utf8"}}, "Param1=value1",
	 "POST\n"
	 "/\n"
	 "\n"
	 "content-type:application/x-www-form-urlencoded; charset=utf8\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "content-type;host;x-amz-date\n"
	 "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
	 "2e1cf7ed91881a30569e46552437e4156c823447bf1781b921b5d486c568dd1c",
	 "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
	{"post-x-www-form-urlencoded, with its length", "POST", "/", {{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Length", "13"}}, "Param1=value1",
	 "POST\n"
	 "/\n"
	 "\n"
	 "content-length:13\n"
	 "content-type:application/x-www-form-urlencoded\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "content-length;content-type;host;x-amz-date\n"
	 "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
	 "a1a6cdc48a69eabac00524b1103e18f2655960c25a3c2e8de6f180e59238c68a",
	 "fec50118d90ecf934441dd37fb9a49bd7f5adb6450802ca3a0977623bbb7c27f"},
	{"an encoded path is encoded again", "GET", "/a%20b", {{NULL, NULL}}, "",
	 "GET\n"
	 "/a%2520b\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "16c699a018e1b9a0f43057b42c6f48782b1737dd64b2913ec0ca21a04654e58d",
	 "08c33fd523b5dc18699a2c38863929f12203a282c033d442d45b59a096458aa6"},
	{"a name without a value gets an equals sign, a plus stays a plus", "GET", "/?b&a=1+2&c=", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "a=1%2B2&b=&c=\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "43581fb696a41e9c6b9108d185bb1a308615c1ba9881e101651502391c757cfa",
	 "bfb12e8d174ce3ad8fae0a02035fec23d0084ab5a703105e09acd21ef0b2e4cc"},
	{"a percent sign that starts no escape is itself encoded", "GET", "/?a=100%&b=%zz", {{NULL, NULL}}, "",
	 "GET\n"
	 "/\n"
	 "a=100%25&b=%25zz\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "0e51822f015747e56fbb46cb12be99358efd4962fcc41c66b0b7da5f418ac452",
	 "946471206b64a536626473c712ebfa753af537b6dcbedd60ad789d46ce1ae14a"},
	{"headers that proxies change are left out", "GET", "/", {{"User-Agent", "x"}, {"Connection", "close"}, {"Cache-Control", "no-cache"}, {"Expect", "100-continue"}, {"X-Amzn-Trace-Id", "Root=1"}, {"Transfer-Encoding", "chunked"}, {"Authorization", "old"}, {"Proxy-Authorization", "p"}, {"Sec-Fetch-Mode", "cors"}, {"Keep-Alive", "1"}}, "",
	 "GET\n"
	 "/\n"
	 "\n"
	 "host:example.amazonaws.com\n"
	 "x-amz-date:20150830T123600Z\n"
	 "\n"
	 "host;x-amz-date\n"
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
	 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
};
/* clang-format on */

static struct aps_sigv4_options suite_options(void)
{
	struct aps_sigv4_options options;
	aps_sigv4_options_init(&options, APS_STR("service"));
	options.region = APS_STR("us-east-1");
	options.access_key_id = APS_STR("AKIDEXAMPLE");
	options.secret_access_key = APS_STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	options.now_s = NOW_S;
	options.normalize_path = true;
	return options;
}

static size_t fill_headers(const struct suite_case *c, struct aps_header *headers)
{
	size_t n = 0;
	for (; n < MAX_HEADERS && c->headers[n][0] != NULL; n++)
		headers[n] = (struct aps_header){aps_str_of(c->headers[n][0]), aps_str_of(c->headers[n][1])};
	headers[n] = (struct aps_header){APS_STR("Host"), APS_STR("example.amazonaws.com")};
	return n + 1;
}

static void check_case(const struct suite_case *c, struct aps_sigv4_cache *cache, struct aps_sigv4 *out)
{
	struct aps_header headers[MAX_HEADERS + 1];
	struct aps_sigv4_options options = suite_options();
	struct aps_err err;
	struct aps_sigv4_request request = {.method = aps_str_of(c->method),
	                                    .url = aps_str_of(c->target),
	                                    .headers = headers,
	                                    .n_headers = fill_headers(c, headers),
	                                    .body = aps_str_of(c->body)};
	print_message("  %s\n", c->name);
	assert_int_equal(aps_sigv4_sign(&request, &options, cache, out, &err), APS_OK);
	assert_string_equal(out->canonical_request.p, c->canonical_request);
	assert_true(aps_str_starts(aps_buf_str(&out->string_to_sign),
	                           "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"));
	assert_string_equal(out->string_to_sign.p + out->string_to_sign.n - 64, c->hash);
	assert_string_equal(out->signature, c->signature);
	assert_true(aps_str_ends(aps_buf_str(&out->authorization), c->signature));
}

static void each_request_of_the_suite_is_signed_as_an_independent_script_signs_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(SUITE); i++) {
		struct aps_sigv4 out;
		aps_sigv4_init(&out);
		check_case(&SUITE[i], NULL, &out);
		aps_sigv4_clear(&out);
	}
}

static void one_result_and_one_cached_key_serve_all_requests_in_any_order(void **state)
{
	(void)state;
	struct aps_sigv4 out;
	struct aps_sigv4_cache cache = {.is_set = false};
	aps_sigv4_init(&out);
	for (size_t i = 0; i < APS_COUNTOF(SUITE); i++) check_case(&SUITE[i], &cache, &out);
	for (size_t i = APS_COUNTOF(SUITE); i > 0; i--) check_case(&SUITE[i - 1], &cache, &out);
	aps_sigv4_clear(&out);
}

static void a_date_header_of_the_request_is_the_time_of_signing(void **state)
{
	(void)state;
	struct aps_sigv4 out;
	struct aps_sigv4_options options = suite_options();
	struct aps_header headers[] = {{APS_STR("X-Amz-Date"), APS_STR(" 20150830T123600Z")},
	                               {APS_STR("Host"), APS_STR("example.amazonaws.com")}};
	struct aps_sigv4_request request = {APS_STR("get"), APS_STR("/"), headers, 2, APS_STR("")};
	options.now_s = 0;
	aps_sigv4_init(&out);
	assert_int_equal(aps_sigv4_sign(&request, &options, NULL, &out, NULL), APS_OK);
	assert_string_equal(out.canonical_request.p, SUITE[0].canonical_request);
	assert_string_equal(out.signature, SUITE[0].signature);
	assert_string_equal(out.authorization.p,
	                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
	                    "SignedHeaders=host;x-amz-date, "
	                    "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	aps_sigv4_clear(&out);
}

static void the_token_can_be_added_after_signing(void **state)
{
	(void)state;
	/* post-sts-header-after: the signature is that of post-vanilla. */
	struct aps_sigv4 out;
	struct aps_sigv4_options options = suite_options();
	struct aps_header host = {APS_STR("Host"), APS_STR("example.amazonaws.com")};
	struct aps_sigv4_request request = {APS_STR("POST"), APS_STR("/"), &host, 1, APS_STR("")};
	options.session_token = APS_STR("AQoDYXdzEPT");
	options.token_after_signing = true;
	aps_sigv4_init(&out);
	assert_int_equal(aps_sigv4_sign(&request, &options, NULL, &out, NULL), APS_OK);
	assert_string_equal(out.signature, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
	assert_int_equal(out.n_added, 3);
	assert_true(aps_str_is(out.added[1].name, "x-amz-security-token"));
	assert_true(aps_str_is(out.added[1].value, "AQoDYXdzEPT"));
	aps_sigv4_clear(&out);
}

static void a_token_that_is_among_the_headers_is_not_added_again(void **state)
{
	(void)state;
	struct aps_sigv4 out;
	struct aps_sigv4_options options = suite_options();
	struct aps_header headers[] = {{APS_STR("X-Amz-Security-Token"), APS_STR("mine")},
	                               {APS_STR("Host"), APS_STR("example.amazonaws.com")}};
	struct aps_sigv4_request request = {APS_STR("POST"), APS_STR("/"), headers, 2, APS_STR("")};
	options.session_token = APS_STR("other");
	aps_sigv4_init(&out);
	assert_int_equal(aps_sigv4_sign(&request, &options, NULL, &out, NULL), APS_OK);
	assert_non_null(strstr(out.canonical_request.p, "\nx-amz-security-token:mine\n"));
	assert_int_equal(out.n_added, 2);
	aps_sigv4_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_request_of_the_suite_is_signed_as_an_independent_script_signs_it),
	        cmocka_unit_test(one_result_and_one_cached_key_serve_all_requests_in_any_order),
	        cmocka_unit_test(a_date_header_of_the_request_is_the_time_of_signing),
	        cmocka_unit_test(the_token_can_be_added_after_signing),
	        cmocka_unit_test(a_token_that_is_among_the_headers_is_not_added_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
