import type { Server } from 'node:http';
import { AccessBook } from '../../local/apig/access-book';
import { createGateway } from '../../local/apig/server';
import { closeServer, listen } from '../../local/http-server';
import { Credentials } from '../../local/iam/credentials';
import { type Cloud, PROJECT, startCloud } from '../local/functiongraph/cloud';

const ECHO = `exports.handler = async (event, context) => ({
  statusCode: 200, headers: {}, isBase64Encoded: false, body: JSON.stringify({ task_array: [event] }) });`;

/** An API Gateway that verifies signatures with the vendor's signer, and a function that answers with what it was sent. */
export class GatewayWithCallers {
  readonly user = { accessKey: 'AKUSER', secretKey: 'user-secret', projectId: PROJECT };
  readonly app = { appKey: '01177c425f71487ea362ba84dc4abe5e', appSecret: 'app-secret' };

  private constructor(
    readonly address: string,
    readonly appCode: string,
    readonly credentials: Credentials,
    private readonly cloud: Cloud,
    private readonly server: Server,
  ) {}

  static async start(): Promise<GatewayWithCallers> {
    const cloud = await startCloud();
    await cloud.deploy('echo', ECHO);
    for (const auth of ['IAM', 'APP']) {
      const name = auth.toLowerCase();
      const trigger = { name, path: `/${name}`, req_method: 'ANY', match_mode: 'SWA', auth };
      await cloud.addTrigger('echo', 'DEDICATEDGATEWAY', trigger);
    }
    const access = new AccessBook();
    const app = access.addApp({
      name: 'app_demo',
      key: '01177c425f71487ea362ba84dc4abe5e',
      secret: 'app-secret',
    });
    const { code } = access.addCode(app);
    for (const { apiId, envId } of cloud.functiongraph.apiRoutes()) access.authorize(app.id, apiId, envId);
    const credentials = new Credentials(
      { accessKey: 'AKUSER', secretKey: 'user-secret', projectId: PROJECT },
      Date.now,
    );
    const server = createGateway({
      functiongraph: cloud.functiongraph,
      credentials,
      accessOf: () => access,
      behaviour: { simpleAuthentication: true },
    });
    const address = `http://127.0.0.1:${await listen(server, 0)}`;
    return new GatewayWithCallers(address, code, credentials, cloud, server);
  }

  async stop(): Promise<void> {
    await closeServer(this.server);
    await this.cloud.close();
  }
}
