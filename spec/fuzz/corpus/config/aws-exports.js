/* eslint-disable */
// WARNING: DO NOT EDIT. const wrong = { "aws_project_region": "no" }
import { nothing } from 'somewhere';

const awsmobile = {
    "aws_project_region": "us-east-1",
    aws_appsync_graphqlEndpoint: 'https://abc.appsync-api.us-east-1.amazonaws.com/graphql', // the endpoint
    'aws_appsync_region': "us-east-2",
    "aws_appsync_authenticationType": "AMAZON_COGNITO_USER_POOLS",
    "aws_appsync_apiKey": null,
    "aws_cognito_identity_pool_id": "us-east-1:uuid",
    "aws_user_pools_id": "us-east-1_P",
    "aws_user_pools_web_client_id": "client",
    "aws_mandatory_sign_in": "enable",
    "oauth": {},
    "aws_user_files_s3_bucket": "b",
    "aws_user_files_s3_bucket_region": "us-east-1",
    "aws_cloud_logic_custom": [
        { "name": "rest1", "endpoint": "https://x.execute-api.us-east-1.amazonaws.com/dev", "region": "us-east-1", },
    ],
};

export default awsmobile;
