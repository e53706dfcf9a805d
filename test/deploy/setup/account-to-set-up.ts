import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Setup, setup } from '../../../deploy/setup/setup';
import {
  GatewayBook,
  type GatewayInstance,
  localInstance,
} from '../../../local/apig/management/gateway-book';
import { createApiGroupServer, MANAGEMENT_PATHS } from '../../../local/apig/management/server';
import { createFunctionGraph, type FunctionGraph } from '../../../local/functiongraph/functiongraph';
import { closeServer, listen, readBody } from '../../../local/http-server';
import type { Agency } from '../../../local/iam/agencies';
import { Credentials } from '../../../local/iam/credentials';
import { IdentityBook } from '../../../local/iam/identity-book';
import { isAllowed } from '../../../local/iam/rights';
import { createIamServer, IAM_PATHS } from '../../../local/iam/server';
import { LogBook } from '../../../local/lts/log-book';
import { createLts, LTS_PATHS } from '../../../local/lts/server';
import { createMpc, type Mpc } from '../../../local/mpc/server';
import { ObjectStore } from '../../../local/obs/object-store';
import { createObsServer } from '../../../local/obs/server';
import { createSmn, SMN_PATHS } from '../../../local/smn/server';
import { TopicBook } from '../../../local/smn/topic-book';
import { type Fate, KEY, REGION } from '../cloud-to-deploy-to';

export interface AccountOptions {
  denied?: readonly string[];
  bucketsOfOthers?: readonly string[];
  agencies?: readonly Agency[];
  instances?: readonly GatewayInstance[];
}

/** What a run printed, and how it ended. */
export interface Run {
  ok: boolean;
  lines: string[];
  text: string;
}

export const UPLOADS = 'mpc-snapshots-demo-videos-3eb1bd43';
export const SNAPSHOTS = 'mpc-snapshots-demo-snapshots-3eb1bd43';

/** An account that has nothing but a key, behind a relay that remembers calls and decides what becomes of them. */
export class AccountToSetUp {
  /** `POST /v2/…/groups`, in the order in which they came. */
  readonly calls: string[] = [];
  /** Fates of the calls to come, in order; all others pass. */
  readonly fates: Fate[] = [];
  /** `POST /v2/…/groups` that something else answers than the service. */
  babbling: RegExp | undefined;
  /** Of every call the first time that it is made. */
  firstFate: Fate = 'pass';
  /** Whose answers get lost, after they had their effect. */
  loses: RegExp | undefined;
  /** How often each list is answered as it was before the first change, as by a cloud whose lists come late. */
  staleLooks = 0;
  readonly #lists = new Map<string, { answer: Answer; left: number }>();
  #isChanged = false;
  /** Calls that find nothing the first time, for what they are about was made a moment ago. */
  lateFor: RegExp | undefined;
  readonly #late = new Set<string>();
  readonly #seen = new Set<string>();
  readonly identities: IdentityBook;
  readonly gateways: GatewayBook;
  readonly logs = new LogBook();
  readonly functiongraph: FunctionGraph;
  readonly #servers: (readonly [RegExp, Server])[] = [];
  readonly #addresses = new Map<Server, string>();
  readonly #relay: Server;
  #address = '';

  private constructor(
    readonly folder: string,
    readonly store: ObjectStore,
    readonly mpc: Mpc,
    readonly topics: TopicBook,
    { bucketsOfOthers = [], agencies = [], instances }: AccountOptions,
    credentials: Credentials,
  ) {
    const projectId = KEY.projectId;
    this.identities = new IdentityBook(agencies);
    this.gateways = new GatewayBook(instances ?? [localInstance('gateway-1')]);
    this.functiongraph = createFunctionGraph({ credentials, region: REGION, projectId });
    const obs = createObsServer({
      store,
      credentials,
      region: REGION,
      bucketsOfOthers,
      isAllowed: (key, action) => isAllowed(key, action),
    });
    this.#servers.push(
      [IAM_PATHS, createIamServer({ credentials, region: REGION, identities: this.identities })],
      [MANAGEMENT_PATHS, createApiGroupServer({ credentials, gateways: this.gateways })],
      [LTS_PATHS, createLts({ credentials, logs: this.logs })],
      [SMN_PATHS, createSmn({ credentials, topics, subscriptionsOf: () => [] })],
      [/^\/v1\/\w{32}\//, mpc.server],
      [/^\/v2\/\w{32}\/fgs\//, this.functiongraph.server],
      [/^/, obs],
    );
    this.#relay = createServer((incoming, outgoing) => {
      this.#handle(incoming, outgoing).catch(() => outgoing.destroy());
    });
  }

  static async start(options: AccountOptions = {}): Promise<AccountToSetUp> {
    const credentials = new Credentials({ ...KEY, denied: options.denied ?? [] });
    const folder = mkdtempSync(path.join(tmpdir(), 'setup-'));
    const store = await ObjectStore.open(path.join(folder, 'obs'));
    const capture = { open: () => Promise.reject(new Error('nothing is captured here')) };
    const topics = new TopicBook({ region: REGION, projectId: KEY.projectId });
    const mpc = await createMpc({
      store,
      capture,
      credentials,
      region: REGION,
      authorizedBuckets: [],
      topics: { mayPublish: (urn) => topics.mayPublish(urn, 'mpc'), publish: () => {} },
    });
    const account = new AccountToSetUp(folder, store, mpc, topics, options, credentials);
    for (const [, server] of account.#servers) {
      account.#addresses.set(server, `http://127.0.0.1:${await listen(server, 0)}`);
    }
    account.#address = `http://127.0.0.1:${await listen(account.#relay, 0)}`;
    return account;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#relay, ...this.#servers.map(([, server]) => server)].map(closeServer));
    await Promise.all([this.functiongraph.close(), this.mpc.close(), this.store.close()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  get environment(): Record<string, string> {
    const names = ['FUNCTIONGRAPH', 'APIG', 'IAM', 'MPC', 'OBS', 'LTS', 'EG', 'SMN'];
    return {
      HUAWEICLOUD_SDK_AK: KEY.accessKey,
      HUAWEICLOUD_SDK_SK: KEY.secretKey,
      ...Object.fromEntries(names.map((name) => [`${name}_ENDPOINT`, this.#address])),
    };
  }

  /** `npm run setup -- --stage demo --yes`, with what `.env.demo` says, as the framework reads it. */
  async setup(
    options: Setup['options'] = {},
    { environment = {}, ...changed }: Partial<Setup> = {},
  ): Promise<Run> {
    const lines: string[] = [];
    const ok = await setup({
      service: 'mpc-snapshots',
      stage: 'demo',
      region: REGION,
      directory: this.folder,
      environment: { ...this.envFile(), ...this.environment, ...environment },
      options: { yes: true, ...options },
      print: (line) => lines.push(line),
      diagnose: async () => [],
      cloudOptions: { pause: async () => {}, random: () => 0 },
      ...changed,
    });
    return { ok, lines, text: lines.join('\n') };
  }

  /** What `.env.demo` says; empty when there is none. */
  envFile(): Record<string, string> {
    const file = path.join(this.folder, '.env.demo');
    if (!existsSync(file)) return {};
    const lines = readFileSync(file, 'utf8').split('\n');
    return Object.fromEntries(
      lines.flatMap((line) => [/^(\w+)=(.*)$/.exec(line)?.slice(1) ?? []]).filter((one) => one.length > 0),
    );
  }

  /** Everything that is in the account and in `.env.demo`; ids that are made by chance are left out. */
  async state(): Promise<unknown> {
    const { HUAWEICLOUD_SDK_PROJECT_ID: _, ...file } = this.envFile();
    const policies = this.identities.customPolicies();
    const isThere = (id: string | undefined) => {
      const groups = this.gateways.instances.flatMap((one) => this.gateways.groups(one.id));
      const logs = this.logs.groups();
      return [
        ...groups.map((one) => one.id),
        ...logs.map((one) => one.id),
        ...logs.flatMap((one) => [...one.streams.keys()]),
      ].includes(id ?? '');
    };
    return {
      buckets: this.store.buckets().map(({ name }) => [name, this.store.lifecycle(name)]),
      authorized: await this.authorized(),
      agencies: this.identities.agencies().map(({ name, description, trustDomainName, ...rights }) => ({
        name,
        description,
        trustDomainName,
        project: rights.projectRoles.map((role) => role.display_name),
        domain: rights.domainRoles.map((role) => [role.display_name, role.policy]),
      })),
      policies: policies.map(({ display_name, description, policy }) => ({
        display_name,
        description,
        policy,
      })),
      groups: this.gateways.instances.map(({ id }) =>
        this.gateways.groups(id).map(({ name, remark }) => ({ name, remark })),
      ),
      logs: this.logs.groups().map(({ name, ttlDays, tags, streams }) => ({
        name,
        ttlDays,
        tags,
        streams: [...streams.values()].map((stream) => [stream.name, stream.tags]),
      })),
      topics: this.topics.list().map(({ urn, displayName, accessPolicy }) => ({
        urn,
        displayName,
        accessPolicy,
      })),
      notifications: this.mpc.notifications.list().filter(({ status }) => status === 'on'),
      file: Object.fromEntries(
        Object.entries(file)
          .map(([name, value]) =>
            name === 'SETUP_MADE'
              ? [name, value.split(',').sort().join(',')]
              : [name, /_ID$/.test(name) && name !== 'APIG_INSTANCE_ID' ? isThere(value) : value],
          )
          .sort(),
      ),
    };
  }

  /** Buckets that MPC may use. */
  async authorized(): Promise<string[]> {
    const authorized: string[] = [];
    for (const { name } of this.store.buckets()) if (this.mpc.mayUse(name)) authorized.push(name);
    return authorized;
  }

  #staleAnswer(method: string | undefined, url: string): Answer | undefined {
    const list = method === 'GET' && this.#isChanged ? this.#lists.get(url) : undefined;
    if (list === undefined || list.left === 0) return undefined;
    list.left -= 1;
    return list.answer;
  }

  #firstFateOf(call: string): Fate {
    if (this.#seen.has(call)) return 'pass';
    this.#seen.add(call);
    return this.firstFate;
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await readBody(incoming, 10_000_000);
    const { method, url = '' } = incoming;
    this.calls.push(`${method} ${url.split('?')[0]}`);
    const [, server] = this.#servers.find(([paths]) => paths.test(url)) ?? [];
    const fate = this.fates.shift() ?? this.#firstFateOf(`${method} ${url} ${body}`);
    if (fate === 'lost-before') return void outgoing.destroy();
    if (typeof fate === 'number') {
      const refusal = { error_code: `X.0${fate}`, error_msg: `refused by the test with ${fate}` };
      outgoing.writeHead(fate).end(JSON.stringify(refusal));
      return;
    }
    if (this.babbling?.test(`${method} ${url}`)) return void outgoing.writeHead(200).end('<html>');
    if (this.lateFor?.test(`${method} ${url}`) && !this.#late.has(url)) {
      this.#late.add(url);
      return void outgoing.writeHead(404).end('{"error":{"code":404,"message":"Could not find it"}}');
    }
    const target = this.#addresses.get(server as Server);
    const answer = this.#staleAnswer(method, url) ?? (await forward(`${target}${url}`, incoming, body));
    if (method === 'GET') {
      const before = this.#lists.get(url);
      if (before === undefined || !this.#isChanged) this.#lists.set(url, { answer, left: this.staleLooks });
    } else if (answer.status < 300) this.#isChanged = true;
    if (fate === 'lost-after' || this.loses?.test(`${method} ${url}`)) return void outgoing.destroy();
    if (fate === '500-after') return void outgoing.writeHead(500).end('{}');
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  }
}

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** The host header goes on as it is: it is signed. */
function forward(address: string, { method, headers }: IncomingMessage, body: Buffer) {
  return new Promise<Answer>((resolve, reject) => {
    const sent = request(address, { method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
