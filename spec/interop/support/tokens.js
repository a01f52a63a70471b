// JSON Web Tokens as a Cognito user pool gives them, signed with a secret that the server knows.
'use strict';

const crypto = require('node:crypto');

const SECRET = 'a-secret-of-the-user-pool';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The ID token of a user; `claims` may say more, or otherwise. */
function token(username, claims = {}) {
	const now = Math.floor(Date.now() / 1000);
	const all = { iss: 'https://cognito-idp.us-east-1.amazonaws.com/us-east-1_interop', sub: `sub-${username}`,
		'cognito:username': username, token_use: 'id', iat: now, exp: now + 3600, ...claims };
	const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(all)}`;
	return `${signed}.${crypto.createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}

module.exports = { token, SECRET };
