// In the place of a Cognito identity pool.
'use strict';

const { ACCESS_KEY_ID, SECRET_ACCESS_KEY } = require('./server');

module.exports = {
	credentialsProvider: {
		getCredentialsAndIdentityId: async () => ({
			credentials: { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY },
		}),
		clearCredentialsAndIdentityId: () => {},
	},
};
