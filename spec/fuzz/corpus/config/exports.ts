import { ResourcesConfig } from 'aws-amplify';

type Mode = 'apiKey' | 'iam';
const REGION = 'us-east-1', other = /[{]/g;
const oauth = { scopes: ['email'], redirect: () => `${window.location.origin}/` };
export const config: ResourcesConfig = {
  API: { GraphQL: { endpoint: `https://abc.appsync-api.${REGION}.amazonaws.com/graphql`, region: REGION,
    defaultAuthMode: 'apiKey' as Mode, apiKey: process.env.KEY || 'da2-' + 'x' } },
  ...{ Auth: { oauth } },
};
export { config as default };
