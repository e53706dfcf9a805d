import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { Artifact } from '../../deploy/artifacts';
import { zipFunction } from '../../deploy/bundle';
import { CloudApi, type Connection, connectionFrom } from '../../deploy/cloud-api';
import { type DeployOptions, deploy } from '../../deploy/deploy';
import { type DesiredState, desiredState } from '../../deploy/desired-state';
import { FunctionGraphApi } from '../../deploy/functiongraph-api';
import type { Plan } from '../../deploy/plan';
import { planText } from '../../deploy/plan-text';
import { readService } from '../../deploy/service-file';
import { createEventGridServer } from '../../local/eg/server';
import {
  createFunctionGraph,
  type FunctionGraph,
  type FunctionGraphBehaviour,
} from '../../local/functiongraph/functiongraph';
import { closeServer, listen, readBody } from '../../local/http-server';
import { Credentials } from '../../local/iam/credentials';
import { lackingFields } from './mandatory-fields';

export const REGION = 'ap-southeast-3';
export const KEY = {
  accessKey: 'AKTEST',
  secretKey: 'SKTEST',
  projectId: '0123456789abcdef0123456789abcdef',
};

/** What happens to one call on its way to FunctionGraph and back. */
export type Fate = 'pass' | 'lost-before' | 'lost-after' | '500-after' | 403 | 429 | 500 | 503;

// biome-ignore lint/suspicious/noExplicitAny: tests change what they like
export type ServiceObject = any;

/** `serverless.yml` for a stage, its variables resolved, for a test to change. */
export function serviceOf(stage: string, changed: Record<string, string> = {}): Promise<ServiceObject> {
  return readService(stage, {
    UPLOAD_BUCKET: `${stage}-videos`,
    SNAPSHOT_BUCKET: `${stage}-snapshots`,
    APIG_GROUP_ID: `group-of-${stage}`,
    ...changed,
  });
}

export async function desiredOf(
  stage: string,
  change: (service: ServiceObject) => void = () => {},
): Promise<DesiredState> {
  const service = await serviceOf(stage);
  change(service);
  return desiredState(service);
}

/** Code that says what it is; real bundles would make the tests slow and prove nothing more. */
export async function codeFor(desired: DesiredState, text = 'first'): Promise<Artifact[]> {
  return Promise.all(
    desired.functions.map(async ({ key }) => {
      const code = `exports.handler = async (event, context) => ${JSON.stringify(`${key} ${text}`)};`;
      const zip = await zipFunction(Buffer.from(code));
      return { key, zip, digest: createHash('sha512').update(zip).digest('hex') };
    }),
  );
}

/**
 * A FunctionGraph and an EventGrid behind a relay that remembers calls, decides what becomes of them, and refuses bodies
 * without a field that the vendor's SDK calls mandatory.
 */
export class CloudToDeployTo {
  /** `PUT functions/mpc-snapshots-prod-create/config`, in the order in which they came. */
  readonly calls: string[] = [];
  /** Fates of the calls to come, in order; all others pass. */
  readonly fates: Fate[] = [];
  /** How many of the next triggers find their place taken still, as while another one is deleted in the background. */
  takenTriggers = 0;
  /** Told before each call is carried out. */
  onCall: () => void = () => {};
  /** How often each call is throttled before it passes. */
  throttledTimes = 0;
  /** How many functions the next lists leave out, as lists do that come late: all. */
  emptyLists = 0;
  /** The most functions of a page, whatever is asked for. */
  pageSize = Number.POSITIVE_INFINITY;
  /** What is about a function finds none the first time. */
  isLate = false;
  readonly #found = new Set<string>();
  readonly #seen = new Map<string, number>();
  readonly #startedAtMs = Date.now();
  readonly functiongraph: FunctionGraph;
  readonly #eventGrid: Server;
  readonly #relay: Server;
  #address = '';
  #target = '';
  #eventGridTarget = '';
  /** What a deployment said while it waited. */
  readonly waits: string[] = [];
  /** How long it would have waited. */
  pausedMs = 0;

  private constructor(behaviour: Partial<FunctionGraphBehaviour>) {
    const credentials = new Credentials(KEY);
    this.functiongraph = createFunctionGraph({
      credentials,
      region: REGION,
      projectId: KEY.projectId,
      behaviour,
      // Passes while a deployment pauses, and then alone.
      clock: () => this.#startedAtMs + this.pausedMs,
    });
    this.#eventGrid = createEventGridServer({ functiongraph: this.functiongraph, credentials });
    this.#relay = createServer((incoming, outgoing) => {
      this.#handle(incoming, outgoing).catch(() => outgoing.destroy());
    });
  }

  static async start(behaviour: Partial<FunctionGraphBehaviour> = {}): Promise<CloudToDeployTo> {
    const cloud = new CloudToDeployTo(behaviour);
    cloud.#eventGridTarget = `http://127.0.0.1:${await listen(cloud.#eventGrid, 0)}`;
    cloud.#target = `http://127.0.0.1:${await listen(cloud.functiongraph.server, 0)}`;
    cloud.#address = `http://127.0.0.1:${await listen(cloud.#relay, 0)}`;
    return cloud;
  }

  async stop(): Promise<void> {
    await closeServer(this.#relay);
    await closeServer(this.#eventGrid);
    await this.functiongraph.close();
  }

  /** What a deployment reads to find this cloud. */
  get environment(): Record<string, string> {
    return {
      HUAWEICLOUD_SDK_AK: KEY.accessKey,
      HUAWEICLOUD_SDK_SK: KEY.secretKey,
      HUAWEICLOUD_SDK_PROJECT_ID: KEY.projectId,
      FUNCTIONGRAPH_ENDPOINT: this.#address,
      EG_ENDPOINT: this.#address,
    };
  }

  get connection(): Connection {
    return connectionFrom(this.environment, REGION);
  }

  /** A client that does not really wait, so that no test has to. */
  api(connection = this.connection): FunctionGraphApi {
    const pause = async (ms: number) => {
      this.pausedMs += ms;
    };
    const onWait = (what: string) => this.waits.push(what);
    return new FunctionGraphApi(new CloudApi(connection, { pause, random: () => 0, onWait }));
  }

  /** @returns the plan as people see it, of every look at the cloud */
  async deploy(
    desired: DesiredState,
    artifacts: readonly Artifact[],
    options: DeployOptions = {},
  ): Promise<string[]> {
    const plans: Plan[] = [];
    await deploy(desired, artifacts, this.api(), { ...options, onPlan: (plan) => plans.push(plan) });
    return plans.flatMap((plan) => planText(plan));
  }

  state(): unknown {
    return stateOf(this.functiongraph);
  }

  namesOfFunctions(): string[] {
    return this.functiongraph
      .functions()
      .map(({ name }) => name)
      .sort();
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await readBody(incoming, 10_000_000);
    this.calls.push(describe(incoming));
    this.onCall();
    const fate = this.fates.shift() ?? this.#throttle(`${incoming.method} ${incoming.url} ${body}`);
    if (fate === 'lost-before') return void outgoing.destroy();
    const refuse = (status: number, code: string) => {
      const error = { error_code: code, error_msg: `refused by the test with ${status}` };
      outgoing.writeHead(status).end(JSON.stringify(error));
    };
    if (typeof fate === 'number') return refuse(fate, `FSS.0${fate}`);
    const lacking = lackingFields(incoming.method ?? '', incoming.url ?? '', body);
    if (lacking.length > 0) return refuse(400, `MANDATORY ${lacking.join(', ')}`);
    if (this.takenTriggers > 0 && describe(incoming).startsWith('POST triggers')) {
      this.takenTriggers -= 1;
      return refuse(409, 'FSS.1147');
    }
    const [method, what] = describe(incoming).split(' ');
    if (this.isLate && method !== 'GET' && what !== 'functions' && !this.#found.has(`${method} ${what}`)) {
      this.#found.add(`${method} ${what}`);
      return refuse(404, 'FSS.1051');
    }
    const isEventGrid = incoming.url?.includes('/subscriptions') === true;
    const answer = await this.#forward(incoming, body, isEventGrid ? this.#eventGridTarget : this.#target);
    if (fate === 'lost-after') return void outgoing.destroy();
    if (fate === '500-after') return void outgoing.writeHead(500).end('{}');
    const isList = describe(incoming) === 'GET functions' && answer.status === 200;
    outgoing
      .writeHead(answer.status, answer.headers)
      .end(isList ? this.#list(incoming, answer) : answer.body);
  }

  #list({ url = '' }: IncomingMessage, { body }: { body: Buffer }): string {
    const isEmpty = this.emptyLists > 0;
    if (isEmpty) this.emptyLists -= 1;
    const { functions } = JSON.parse(body.toString()) as { functions: unknown[] };
    const page = functions.slice(0, isEmpty ? 0 : this.pageSize);
    const marker = Number(new URLSearchParams(url.split('?')[1]).get('marker'));
    const isLast = isEmpty || page.length === functions.length;
    const next_marker = marker + page.length + (isLast ? 0 : 1);
    return JSON.stringify({ functions: page, count: page.length, next_marker });
  }

  #throttle(call: string): Fate {
    const times = this.#seen.get(call) ?? 0;
    this.#seen.set(call, times + 1);
    return times < this.throttledTimes ? 429 : 'pass';
  }

  /** The host header goes on as it is: it is signed. */
  #forward({ method, url, headers }: IncomingMessage, body: Buffer, target: string) {
    return new Promise<{ status: number; headers: Record<string, string>; body: Buffer }>(
      (resolve, reject) => {
        const sent = request(`${target}${url}`, { method, headers }, (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => {
            const { 'content-type': type = 'application/json', 'x-is-func-err': isError = 'false' } =
              answer.headers;
            resolve({
              status: answer.statusCode ?? 0,
              headers: { 'content-type': type, 'x-is-func-err': String(isError) },
              body: Buffer.concat(chunks),
            });
          });
        });
        sent.on('error', reject);
        sent.end(body);
      },
    );
  }
}

/** Everything that is deployed, without what only tells when it was. */
export function stateOf(functiongraph: FunctionGraph) {
  return functiongraph
    .functions()
    .map(({ name, configuration, code, triggers, asyncInvoke }) => ({
      name,
      configuration: { encrypted_user_data: '{}', ...configuration },
      digest: code.digest,
      asyncInvoke,
      triggers: triggers
        // Ids of timers, APIs, topics' triggers and subscriptions are drawn by lot.
        .map(({ type, id, status, data }) => ({
          type,
          id: type === 'TIMER' ? data.name : type === 'OBS' ? id : '',
          status,
          data,
        }))
        .sort((a, b) => a.id.localeCompare(b.id)),
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

function describe({ method, url = '' }: IncomingMessage): string {
  const path = decodeURIComponent(url.split('?')[0] ?? '').replace(/^\/v\d\/\w+\/(fgs\/)?/, '');
  return `${method} ${path.replace(/urn:fss:[^:]+:\w+:function:default:([\w-]+)(:latest)?/, '$1')}`;
}

/** Much of what can change between two versions: settings, code (by the test), triggers of every kind, a moved path. */
export function secondVersion(service: ServiceObject): void {
  const { create, cancel, query, 'on-upload': onUpload } = service.functions;
  service.provider.environment.LOG_LEVEL = 'debug';
  create.memorySize = 256;
  // `cancel` takes over a path that `query` had.
  cancel.events = [...cancel.events, query.events.pop()];
  cancel.events[1].timer.rate = '20m';
  onUpload.concurrency = 2;
  onUpload.asynchronous.retries = 1;
  onUpload.events[0].obs.prefix = 'in/';
  onUpload.events[1].timer.status = 'DISABLED';
}

/** What a deployment into an empty cloud gives. */
export async function cleanState(
  change?: (service: ServiceObject) => void,
  code = 'first',
): Promise<unknown> {
  const clean = await CloudToDeployTo.start();
  try {
    const desired = await desiredOf('prod', change);
    await clean.deploy(desired, await codeFor(desired, code));
    return clean.state();
  } finally {
    await clean.stop();
  }
}
