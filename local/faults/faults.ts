import type { IncomingMessage, Server } from 'node:http';
import type { Attempt } from '../functiongraph/functiongraph';
import { type AccessKey, Credentials } from '../iam/credentials';
import { CALL_FAULTS, type Call, type CallFault, serveUnseen } from './call-faults';
import { Dice } from './dice';
import { EventFaults } from './event-faults';
import type { FaultDial, FaultName, FaultShares } from './parse-faults';
import { Timeouts } from './timeouts';

/** A fault that happened. */
export interface Fault {
  name: FaultName;
  /** Its number among the decisions of this fault, counted from 1. The same seed hits the same numbers. */
  decision: number;
  /** The event or call that it hit. */
  what: string;
}

export interface FaultOptions extends FaultDial {
  /** Called for every fault that happens. */
  onFault?: (fault: Fault) => void;
}

/** The start of every cloud: no faults until somebody sets them. */
const NO_FAULTS: FaultOptions = { shares: {}, seed: 0 };

interface RunningAttempt extends Attempt {
  calls: number;
  expiry: Stumble | undefined;
  crash: Stumble | undefined;
}

/** The call at which an attempt is hit, and the number of the decision. */
interface Stumble {
  call: number;
  decision: number;
}

/** An attempt with fewer calls than that escapes its fault. */
const LATEST_CALL = 5;

/**
 * Injects faults between the services of a cloud, without their knowledge: into events on their way to functions, into
 * functions' calls to MPC and OBS, and into the instances that make these calls. Calls of all others are untouched.
 */
export class Faults {
  readonly #listeners = new Set<(fault: Fault) => void>();
  readonly #dice: Dice;
  readonly #timeouts = new Timeouts();
  readonly #decisions = new Map<string, number>();
  readonly #attempts = new Map<string, RunningAttempt>();
  readonly #events: EventFaults;
  #shares: FaultShares;
  readonly #burst = { untilMs: 0 };
  #credentials: KeyPerAttempt | undefined;

  constructor({ shares, seed, onFault }: FaultOptions = NO_FAULTS) {
    this.#shares = shares;
    this.#dice = new Dice(seed);
    if (onFault !== undefined) this.#listeners.add(onFault);
    const hits = (name: FaultName, what: string) => this.#hits(name, what);
    this.#events = new EventFaults({ hits, dice: this.#dice, timeouts: this.#timeouts });
  }

  /** The faults from now on. */
  get dial(): FaultDial {
    return { shares: this.#shares, seed: this.#dice.seed };
  }

  /** Sets the faults from now on. All decisions restart from the seed. */
  turn({ shares, seed }: FaultDial): void {
    this.#shares = shares;
    this.#dice.reseed(seed);
    this.#decisions.clear();
  }

  /** Reports every fault that happens. @returns a function that ends this */
  onFault(listener: (fault: Fault) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Credentials that give each attempt of a function its own key, as long as there are faults. */
  credentials(permanent: AccessKey): Credentials {
    this.#credentials = new KeyPerAttempt(permanent, () => this.#isOn());
    return this.#credentials;
  }

  /** To be called before every attempt of a function. @returns a function to call when the attempt has ended */
  readonly onAttempt = (attempt: Attempt): (() => void) => {
    if (!this.#isOn()) return () => {};
    this.#attempts.set(attempt.accessKey, {
      ...attempt,
      calls: 0,
      expiry: this.#stumble('credentials'),
      crash: this.#stumble('crash'),
    });
    return () => this.#attempts.delete(attempt.accessKey);
  };

  /**
   * Delivers an event, subject to the faults.
   * @param what names the event
   * @returns which faults hit it
   */
  deliver(what: string, send: () => void): FaultName[] {
    return this.#events.deliver(what, send);
  }

  /** Delivers a message of a topic, subject to the faults. */
  deliverMessage(what: string, send: () => void): FaultName[] {
    return this.#events.deliverMessage(what, send);
  }

  /** Subjects the calls of a server to the faults from now on. */
  intercept(server: Server, service: 'mpc' | 'obs'): void {
    const listeners = server.listeners('request') as Call['serve'][];
    server.removeAllListeners('request');
    const serve: Call['serve'] = (request, response) => {
      for (const listener of listeners) listener.call(server, request, response);
    };
    server.on('request', (request, response) => {
      const attempt = this.#attempts.size === 0 ? undefined : this.#attempts.get(accessKeyOf(request) ?? '');
      if (attempt === undefined) serve(request, response);
      else
        this.#handle(
          { request, response, serve, dice: this.#dice, timeouts: this.#timeouts, burst: this.#burst },
          attempt,
          service,
        );
    });
  }

  close(): void {
    this.#timeouts.close();
  }

  #isOn(): boolean {
    return Object.values(this.#shares).some((share) => share > 0);
  }

  #handle(call: Call, attempt: RunningAttempt, service: 'mpc' | 'obs'): void {
    attempt.calls += 1;
    const what = `${attempt.functionName}: ${service} ${call.request.method} ${call.request.url?.split('?')[0]}`;
    // All faults are rolled, so that none shifts the decisions of another one.
    const names = (Object.keys(CALL_FAULTS) as CallFault[]).filter((name) => name.startsWith(`${service}.`));
    const [hit] = names.filter((name) => this.#hits(name, what));
    const { calls, expiry, crash } = attempt;
    if (calls === expiry?.call) {
      this.#credentials?.expire(attempt.accessKey);
      this.#tell('credentials', expiry.decision, what);
    }
    if (calls === crash?.call) this.#crash(call, attempt, crash.decision, what);
    else if (service === 'mpc' && Date.now() < this.#burst.untilMs) CALL_FAULTS['mpc.burst'](call);
    else if (hit === undefined) call.serve(call.request, call.response);
    else CALL_FAULTS[hit](call);
  }

  #crash(call: Call, { kill }: RunningAttempt, decision: number, what: string): void {
    const isBefore = this.#dice.roll('crash: before or after') < 0.5;
    this.#tell('crash', decision, `${isBefore ? 'before' : 'after'} ${what}`);
    if (isBefore) kill();
    else void serveUnseen(call).then(kill);
  }

  /** The call at which a fault will hit an attempt; undefined if it will not. The attempt may end before that call. */
  #stumble(name: FaultName): Stumble | undefined {
    const { isHit, decision } = this.#decide(name);
    if (!isHit) return undefined;
    return { decision, call: 1 + Math.floor(this.#dice.roll(`${name}: call`) * LATEST_CALL) };
  }

  /**
   * Each kind of call has its own decisions: functions make some calls side by side, and their order must not matter.
   */
  #hits(name: FaultName, what: string): boolean {
    const { isHit, decision } = this.#decide(name, `${name} ${what}`);
    if (isHit) this.#tell(name, decision, what);
    return isHit;
  }

  #decide(name: FaultName, stream: string = name): { isHit: boolean; decision: number } {
    const decision = (this.#decisions.get(stream) ?? 0) + 1;
    this.#decisions.set(stream, decision);
    return { isHit: this.#dice.roll(stream) < (this.#shares[name] ?? 0), decision };
  }

  #tell(name: FaultName, decision: number, what: string): void {
    for (const listener of this.#listeners) listener({ name, decision, what });
  }
}

/** Each attempt gets its own key, so that a call shows which attempt makes it. */
class KeyPerAttempt extends Credentials {
  readonly #isOn: () => boolean;
  #issued = 0;

  constructor(permanent: AccessKey, isOn: () => boolean) {
    super(permanent);
    this.#isOn = isOn;
  }

  override temporaryKeyOf(agency: string, holder?: string): AccessKey {
    if (!this.#isOn()) return super.temporaryKeyOf(agency, holder);
    this.#issued += 1;
    const key = super.temporaryKeyOf(`${agency} ${this.#issued}`, holder);
    key.agency = agency;
    return key;
  }

  expire(accessKey: string): void {
    const key = this.find(accessKey);
    if (key !== undefined) key.expiresAtMs = 0;
  }
}

/** The id of the key in a signature: in the header or, for OBS, in the URL. */
function accessKeyOf({ headers, url }: IncomingMessage): string | undefined {
  const signature = `${headers.authorization ?? ''} ${url?.split('?')[1] ?? ''}`;
  const [, bySdk, byObs, byUrl] =
    /Access=([^,\s]+)|^(?:OBS|AWS) ([^:\s]+):|\bA(?:WSA)?ccessKeyId=([^&\s]+)/.exec(signature) ?? [];
  return bySdk ?? byObs ?? byUrl;
}
