import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core/auth/BasicCredentials';
import { ClientBuilder } from '@huaweicloud/huaweicloud-sdk-core/ClientBuilder';

interface Context {
  getSecurityAccessKey(): string;
  getSecuritySecretKey(): string;
  getSecurityToken(): string;
  getProjectID(): string;
  getUserData(key: string): string;
}

/** CreateThumbnailsTask as users write it with the vendor's core SDK: its MPC client is not published for Node.js. */
export const handler = async (
  event: { body: string; isBase64Encoded: boolean },
  context: Context,
): Promise<unknown> => {
  const credentials = new BasicCredentials()
    .withAk(context.getSecurityAccessKey())
    .withSk(context.getSecuritySecretKey())
    .withSecurityToken(context.getSecurityToken())
    .withProjectId(context.getProjectID());
  const client = new ClientBuilder((hcClient) => hcClient)
    .withCredential(credentials)
    .withEndpoint(context.getUserData('MPC_ENDPOINT'))
    .build();
  const body = JSON.parse(Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8').toString());
  const answer = (await client.sendRequest({
    method: 'POST',
    url: '/v1/{project_id}/thumbnails',
    contentType: 'application/json',
    queryParams: {},
    pathParams: {},
    headers: {},
    data: body,
  })) as { task_id?: string };
  return {
    statusCode: 202,
    headers: {},
    body: JSON.stringify({ task_id: answer.task_id }),
    isBase64Encoded: false,
  };
};
