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
  /** Its place among the decisions of this fault, counted from 1: with the same seed the same places are hit. */
  decision: number;
  /** The event or call that it hit. */
  what: string;
}

export interface FaultOptions extends FaultDial {
  /** Told of every fault that happens. */
  onFault?: (fault: Fault) => void;
}

/** Where nothing goes wrong until somebody turns the dial. */
const NO_FAULTS: FaultOptions = { shares: {}, seed: 0 };

interface RunningAttempt extends Attempt {
  calls: number;
  expiry: Stumble | undefined;
  crash: Stumble | undefined;
}

/** At which of its calls an attempt is hit, by which decision. */
interface Stumble {
  call: number;
  decision: number;
}

/** An attempt that makes fewer calls than the one at which it was to stumble goes through. */
const LATEST_CALL = 5;

/**
 * Makes things go wrong between the services of a cloud, without their knowing: on the way of events to functions, in
 * calls of functions to MPC and OBS, and with the instances that make these. Calls of anybody else are left alone.
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

  /** What goes wrong from now on. */
  get dial(): FaultDial {
    return { shares: this.#shares, seed: this.#dice.seed };
  }

  /** Sets what goes wrong from now on; all decisions begin anew, as the seed gives them. */
  turn({ shares, seed }: FaultDial): void {
    this.#shares = shares;
    this.#dice.reseed(seed);
    this.#decisions.clear();
  }

  /** Listens to every fault that happens; returns how to stop. */
  onFault(listener: (fault: Fault) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Credentials that tell the attempts of functions apart by their keys, as long as anything is to go wrong. */
  credentials(permanent: AccessKey): Credentials {
    this.#credentials = new KeyPerAttempt(permanent, () => this.#isOn());
    return this.#credentials;
  }

  /** To be told of every attempt of a function; the function that is returned ends it. */
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
   * Stands between an event and its delivery.
   * @param what names the event
   * @returns which faults hit it
   */
  deliver(what: string, send: () => void): FaultName[] {
    return this.#events.deliver(what, send);
  }

  /** The same for a message of a topic. */
  deliverMessage(what: string, send: () => void): FaultName[] {
    return this.#events.deliverMessage(what, send);
  }

  /** Stands in front of a server from now on. */
  intercept(server: Server, service: 'mpc' | 'obs'): void {
    const listeners = server.listeners('request') as Call['serve'][];
    server.removeAllListeners('request');
    const serve: Call['serve'] = (request, response) => {
      for (const listener of listeners) listener.call(server, request, response);
    };
    server.on('request', (request, response) => {
      const attempt = this.#attempts.get(accessKeyOf(request) ?? '');
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
    // All are asked, so that no fault shifts the decisions of another one.
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

  /** The call at which a fault will hit an attempt, if it does and the attempt gets that far. */
  #stumble(name: FaultName): Stumble | undefined {
    const { isHit, decision } = this.#decide(name);
    if (!isHit) return undefined;
    return { decision, call: 1 + Math.floor(this.#dice.roll(`${name}: call`) * LATEST_CALL) };
  }

  /** Decided for each kind of call by itself: functions make some side by side, and which comes first must not matter. */
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

/** Each attempt gets a key of its own, so that a call shows which attempt makes it. */
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

/** The id of the key in a signature: in the header, or in an address for OBS. */
function accessKeyOf({ headers, url }: IncomingMessage): string | undefined {
  const signature = `${headers.authorization ?? ''} ${url?.split('?')[1] ?? ''}`;
  const [, bySdk, byObs, byUrl] =
    /Access=([^,\s]+)|^(?:OBS|AWS) ([^:\s]+):|\bA(?:WSA)?ccessKeyId=([^&\s]+)/.exec(signature) ?? [];
  return bySdk ?? byObs ?? byUrl;
}
