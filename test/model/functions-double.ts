import path from 'node:path';
import { buildSync } from 'esbuild';
import type { FunctionContext } from '../../shared/core/context';
import { accessKeyOf, type CloudDouble, type CloudRequest } from './cloud-double';
import { type CallEnd, inMemoryHttp, type Serve } from './in-memory-http';
import { dateOf, quiet, type VirtualTime } from './virtual-time';

/**
 * What becomes of one outgoing call of an invocation. `before` and `after` say whether the service does it, `late` that
 * MPC does it as late as it can.
 */
export const FATES = [
  'ok',
  'crash-before',
  'crash-after',
  'reset-before',
  'reset-after',
  'refused-connection',
  'hang-before',
  'hang-after',
  'slow',
  'slower',
  'late',
  'reset-late',
  'crash-late',
  'throttled',
  'error-before',
  'error-after',
  'expired-credentials',
] as const;
export type Fate = (typeof FATES)[number];

/**
 * What becomes of the calls of an invocation: of each in turn, or of the first
 * that creates a task. All others go well.
 */
export type Fates = readonly Fate[] | { create: Fate };

export type FunctionName = 'create' | 'cancel' | 'query' | 'on-upload' | 'on-finish';

export type Outcome =
  | { kind: 'returned'; value: unknown }
  | { kind: 'failed'; message: string }
  | { kind: 'killed' };

type Handler = (event: unknown, context: FunctionContext) => Promise<unknown>;

/** A process with the functions loaded. What they keep between invocations, they keep here. */
interface Instance {
  code: LoadedCode;
  lastUsedMs: number;
}

interface Running {
  accessKey: string;
  instance: Instance;
  killAtMs: number;
  fates: Fates;
  calls: number;
  creates: number;
  isExpired: boolean;
  outcome?: Outcome;
}

const TIMEOUT_SECONDS: Record<FunctionName, number> = {
  create: 30,
  cancel: 60,
  query: 30,
  'on-upload': 60,
  'on-finish': 120,
};
/** The FAQ of FunctionGraph: instances without work are reclaimed after about a minute. */
const RECLAIM_AFTER_MS = 60_000;
/** API Gateway gives a back end no longer than a minute. */
const LATEST_ARRIVAL_MS = 59_000;
/** Within the time that the functions wait for an answer. */
const SLOW_ARRIVAL_MS = 8_000;
/** Longer than they wait for most answers. */
const SLOWER_ARRIVAL_MS = 20_000;

/** FunctionGraph in memory: loads the real functions, runs them against a double of the cloud, kills them. */
export class FunctionsDouble {
  readonly logLines: string[] = [];
  /** When each create call left, whether or not it arrived, ms since the epoch. */
  readonly createsSentAtMs: number[] = [];
  readonly #cloud: CloudDouble;
  readonly #time: VirtualTime;
  readonly #userData: Readonly<Record<string, string>>;
  readonly #running = new Map<string, Running>();
  /** Calls that wait for their turn while two invocations run side by side. */
  #held: { accessKey: string; release: () => void }[] | undefined;
  #warm: Instance | undefined;
  #invocations = 0;

  readonly #answerMs: (request: CloudRequest) => number;

  /** @param answerMs how long a call takes that goes well; a service does what it is asked at the end of it */
  constructor(
    cloud: CloudDouble,
    time: VirtualTime,
    userData: Readonly<Record<string, string>>,
    answerMs: (request: CloudRequest) => number = () => 0,
  ) {
    this.#answerMs = answerMs;
    this.#cloud = cloud;
    this.#time = time;
    this.#userData = userData;
  }

  /**
   * Runs one invocation to its end. Of on-upload there is one instance, as long
   * as it is neither killed nor reclaimed.
   */
  async invoke(name: FunctionName, event: unknown, fates: Fates = []): Promise<Outcome> {
    const isWarm = this.#warm !== undefined && this.#time.nowMs - this.#warm.lastUsedMs <= RECLAIM_AFTER_MS;
    if (!isWarm) this.close();
    const instance = this.#warm ?? this.#load();
    this.#warm = instance;
    const running = this.#start(name, event, instance, fates);
    await this.#untilSettled([running], () => 0);
    if (running.outcome?.kind === 'killed') this.close();
    return running.outcome ?? { kind: 'killed' };
  }

  /**
   * Runs two invocations at the same time, each in an instance of its own; of on-upload the platform should not.
   * @param order which of the two makes the next call, where both want to
   */
  async invokeBoth(
    name: FunctionName | readonly [FunctionName, FunctionName],
    events: readonly [unknown, unknown],
    order: readonly boolean[],
  ): Promise<Outcome[]> {
    this.#held = [];
    const turns = [...order];
    const names = typeof name === 'string' ? [name, name] : name;
    const running = events.map((event, at) => this.#start(names[at] ?? 'on-upload', event, this.#load(), []));
    await this.#untilSettled(running, (count) => (turns.shift() === true && count > 1 ? 1 : 0));
    this.#held = undefined;
    for (const { instance } of running) instance.code.end();
    return running.map(({ outcome }) => outcome ?? { kind: 'killed' });
  }

  /** Says which function made a call. */
  nameOf(accessKey: string): string {
    return accessKey.split(':')[0] ?? '';
  }

  /** A cold start. */
  #load(): Instance {
    const code = spare.pop() ?? new LoadedCode();
    code.begin({
      time: this.#time,
      serve: (request, connected) => this.#serve(request, connected),
      keepLine: (line) => this.logLines.push(line),
    });
    return { code, lastUsedMs: this.#time.nowMs };
  }

  /** The copy in which the instance runs that is there. */
  get loaded(): LoadedCode {
    if (this.#warm === undefined) throw new Error('no instance');
    return this.#warm.code;
  }

  /** The instance is reclaimed, or nothing happens here any more. */
  close(): void {
    this.#warm?.code.end();
    this.#warm = undefined;
  }

  #start(name: FunctionName, event: unknown, instance: Instance, fates: Fates): Running {
    this.#invocations += 1;
    const running: Running = {
      accessKey: `${name}:${this.#invocations}`,
      instance,
      killAtMs: this.#time.nowMs + TIMEOUT_SECONDS[name] * 1000,
      fates,
      calls: 0,
      creates: 0,
      isExpired: false,
    };
    this.#running.set(running.accessKey, running);
    const settle = (outcome: Outcome) => {
      running.outcome ??= outcome;
      this.#running.delete(running.accessKey);
      instance.lastUsedMs = this.#time.nowMs;
    };
    instance.code.handlers[name](event, this.#context(name, running)).then(
      (value) => settle({ kind: 'returned', value }),
      (error: unknown) => settle({ kind: 'failed', message: String(error) }),
    );
    return running;
  }

  async #untilSettled(running: readonly Running[], choose: (count: number) => number): Promise<void> {
    for (;;) {
      await quiet();
      const alive = running.filter(({ outcome }) => outcome === undefined);
      if (alive.length === 0) return;
      const held = this.#held?.splice(choose(this.#held.length), 1)[0];
      if (held !== undefined) {
        held.release();
        continue;
      }
      const killAtMs = Math.min(...alive.map((one) => one.killAtMs));
      if ((this.#time.nextMs ?? Number.POSITIVE_INFINITY) < killAtMs) {
        this.#time.fireNext();
        continue;
      }
      this.#time.nowMs = killAtMs;
      for (const one of alive) if (one.killAtMs <= killAtMs) this.#kill(one);
    }
  }

  #kill(running: Running): void {
    running.outcome ??= { kind: 'killed' };
    this.#running.delete(running.accessKey);
    this.#time.forget(running.instance.code);
  }

  async #serve(request: CloudRequest, connected: () => void): Promise<CallEnd> {
    const accessKey = decodeURIComponent(accessKeyOf(request));
    const isNotice = request.headers['webhook-id'] !== undefined;
    const running = isNotice ? [...this.#running.values()].at(-1) : this.#running.get(accessKey);
    if (running === undefined) return 'never';
    const held = this.#held;
    if (held !== undefined) await new Promise<void>((release) => held.push({ accessKey, release }));
    const isMpc = request.path.includes('/thumbnails');
    const isCreate = isMpc && request.method === 'POST';
    if (isCreate) this.createsSentAtMs.push(this.#time.nowMs);
    const fate = nextFate(running, isCreate);
    if (fate === 'refused-connection') return 'refused';
    connected();
    if (fate === 'expired-credentials') running.isExpired = true;
    if (running.isExpired && !isNotice)
      return isMpc ? mpcFailure(401, 'APIGW.0301') : obsFailure(403, 'InvalidAccessKeyId');
    const failure = (mpcStatus: number, code: string) =>
      isMpc ? mpcFailure(mpcStatus, code) : obsFailure(503, 'ServiceUnavailable');
    const does = () => this.#cloud.handle(request);
    switch (fate) {
      case 'ok': {
        const ms = this.#answerMs(request);
        return ms === 0 ? does() : this.#later(ms, does);
      }
      case 'crash-before':
        this.#kill(running);
        return 'never';
      case 'crash-after':
        does();
        this.#kill(running);
        return 'never';
      case 'reset-before':
        return 'reset';
      case 'reset-after':
        does();
        return 'reset';
      case 'hang-before':
        return 'never';
      case 'hang-after':
        does();
        return 'never';
      case 'slow':
        return this.#later(SLOW_ARRIVAL_MS, does);
      case 'slower':
        return this.#later(SLOWER_ARRIVAL_MS, does);
      case 'late':
        // Only MPC's gateway holds a call for so long. It has counted it by then.
        if (!isMpc) return does();
        return (
          this.#cloud.arrive(request) ?? this.#later(LATEST_ARRIVAL_MS, () => this.#cloud.serve(request))
        );
      case 'reset-late':
        this.#arriveLate(isMpc, does);
        return 'reset';
      case 'crash-late':
        this.#arriveLate(isMpc, does);
        this.#kill(running);
        return 'never';
      case 'throttled':
        return failure(429, 'APIGW.0308');
      case 'error-before':
        return failure(500, 'MPC.10050');
      case 'error-after':
        does();
        return failure(500, 'MPC.10050');
      case 'expired-credentials':
        return failure(401, 'APIGW.0301');
    }
  }

  /** The call is on its way to MPC's gateway, whatever becomes of its caller; what OBS is sent it does before anything else happens. */
  #arriveLate(isMpc: boolean, does: () => CallEnd): void {
    if (isMpc) this.#time.after(LATEST_ARRIVAL_MS, does);
    else does();
  }

  #later(delayMs: number, does: () => CallEnd): Promise<CallEnd> {
    return new Promise((resolve) => this.#time.after(delayMs, () => resolve(does())));
  }

  #context(name: FunctionName, running: Running): FunctionContext {
    return {
      getRequestID: () => `request ${this.#invocations}`,
      getRemainingTimeInMilliSeconds: () => running.killAtMs - this.#time.nowMs,
      getProjectID: () => '77b6a44cba5143ab91d13ab9a8ff44fd',
      getFunctionName: () => name,
      getUserData: (key) => this.#userData[key],
      getSecurityAccessKey: () => running.accessKey,
      getSecuritySecretKey: () => 'secret',
      getSecurityToken: () => 'token',
    };
  }
}

function nextFate(running: Running, isCreate: boolean): Fate {
  const { fates } = running;
  running.calls += 1;
  if (isCreate) running.creates += 1;
  if ('create' in fates) return isCreate && running.creates === 1 ? fates.create : 'ok';
  return fates[running.calls - 1] ?? 'ok';
}

/** Where a process runs. */
interface Surroundings {
  time: VirtualTime;
  serve: Serve;
  keepLine: (line: string) => void;
}

/** Those of processes that are gone. */
const spare: LoadedCode[] = [];

/**
 * The functions, loaded as a process loads them. To load them is most of the work of a short history, so that one process after
 * another runs in the same copy: the end of one stops all that was still going on, and the next one begins with nothing kept.
 */
export class LoadedCode {
  readonly handlers: Record<FunctionName, Handler>;
  readonly #loaded: Loaded;
  #process: Surroundings | undefined;

  constructor() {
    compiled ??= compile();
    const loaded = { exports: {} as Record<FunctionName, Handler> };
    const http = inMemoryHttp(async (request, connected) => {
      const process = this.#process;
      const end = await process?.serve(request, connected);
      return end === undefined || process !== this.#process ? 'never' : end;
    });
    const log = { write: (line: string) => this.#process?.keepLine(line) };
    this.#loaded = compiled(
      loaded.exports,
      loaded,
      (name: string) => (/^node:https?$/.test(name) ? http : require(name)),
      dateOf(() => this.#process?.time.nowMs ?? 0),
      (run: () => void, delayMs = 0) => this.#process?.time.after(delayMs, run, this),
      (id: number) => this.#process?.time.cancel(id),
      { stdout: log, stderr: log, env: {} },
      // The jitter of repeats.
      Object.assign(Object.create(Math), { random: () => 0.5 }),
    );
    this.handlers = loaded.exports;
  }

  begin(surroundings: Surroundings): void {
    this.#process = surroundings;
    this.#loaded.forget();
  }

  /** No timer of this process fires, no call of it is answered. */
  end(): void {
    this.#process?.time.forget(this);
    this.#process = undefined;
    spare.push(this);
  }

  /** What its variables hold. */
  variables(): Record<string, unknown> {
    return this.#loaded.variables();
  }
}

interface Loaded {
  forget(): void;
  variables(): Record<string, unknown>;
}

let compiled: ((...parts: unknown[]) => Loaded) | undefined;

/**
 * The functions as one piece of code, to be run anew for every copy. Only
 * zod, which keeps nothing, stays outside.
 */
function compile(): (...parts: unknown[]) => Loaded {
  const names = Object.keys(TIMEOUT_SECONDS);
  const { outputFiles } = buildSync({
    stdin: {
      contents: names.map((name) => `export { handler as '${name}' } from './functions/${name}';`).join('\n'),
      resolveDir: path.join(__dirname, '..', '..'),
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['zod/mini'],
    write: false,
  });
  // Each module would copy all of zod for itself.
  const code = (outputFiles[0]?.text ?? '').replaceAll('__toESM(require("zod/mini"))', 'require("zod/mini")');
  const { variables, statements } = variablesOf(code);
  return new Function(
    ...['exports', 'module', 'require', 'Date', 'setTimeout', 'clearTimeout', 'process', 'Math'],
    `${code}
return { forget() { ${statements.join('\n')} }, variables: () => ({ ${variables.join(', ')} }) };`,
  ) as (...parts: unknown[]) => Loaded;
}

/**
 * A bundle's variables, and the statements that give those their first values again that can change: they are assigned
 * elsewhere, or things are put into them.
 */
function variablesOf(code: string): { variables: string[]; statements: string[] } {
  // The bundler prints what stands outside of functions without indentation, one statement for each variable.
  const found = [...code.matchAll(/^var ([\w$]+)(?: = ([\s\S]*?))?;\n(?=[^\s})\]])/gm)];
  const uses = code.replace(/^var [\w$]+ = /gm, '');
  const namesIn = (form: RegExp) => new Set([...uses.matchAll(form)].map(([, name]) => name));
  const assigned = namesIn(/(?<![\w$.])([\w$]+)(?: [-+*/?&|]{0,2}= |\+\+|--)/g);
  const putInto = namesIn(/(?<![\w$.])([\w$]+)(?:\.(?:set|add|push|delete)\(|(?:\[[^\]]+\]|\.\w+) = )/g);
  const statements = found.flatMap(([, name = '', value = 'void 0']) => {
    const isContainer = /^(\/\*.*?\*\/ )?(new |\{|\[)/.test(value);
    return assigned.has(name) || (isContainer && putInto.has(name)) ? [`${name} = ${value};`] : [];
  });
  return { variables: found.map(([, name = '']) => name), statements };
}

function obsFailure(status: number, code: string): CallEnd {
  return { status, body: `<Error><Code>${code}</Code><Message>${code}</Message></Error>` };
}

function mpcFailure(status: number, code: string): CallEnd {
  return { status, body: JSON.stringify({ error_code: code, error_msg: code }) };
}
