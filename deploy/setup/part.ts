import * as z from 'zod';
import { CallFailed } from '../cloud-api';

/** One thing to make or to take back. */
export interface Step {
  /** For people: `bucket my-videos, private, in ap-southeast-3`. */
  what: string;
  /** Who may do it: a system policy or role. */
  right: string;
  /** What somebody who may can do instead. */
  command: string;
  /** The service that it calls, where that is not the part's. */
  service?: string;
  /** The later steps of its part can do nothing without it. */
  isNeeded?: boolean;
  /** @throws CallFailed */
  make(): Promise<unknown>;
}

/** What stands in the way of a part, which is then left as it is. */
export interface Obstacle {
  text: string;
  todo: string;
}

export interface Consent {
  question: string;
  /** Told when the answer is no: the next look has no steps then. */
  refuse(): void;
}

/** What one look at a part brought. */
export interface Look {
  /** What is there already and is used as it is, for people. */
  there?: readonly string[];
  steps?: readonly Step[];
  /** To be asked before the steps are done, by itself: they take something away from somebody. */
  consent?: Consent;
  /** What belongs to somebody else and stays as it is; nothing is lacking without it. */
  left?: Obstacle;
  obstacle?: Obstacle;
  /** Variables for `.env.<stage>`. */
  values?: Readonly<Record<string, string>>;
}

/** A part of what a stage needs. */
export interface Part {
  /** Short name, such as `bucket my-videos`. */
  name: string;
  /** The service that it lives in, for people. */
  service: string;
  /** Who may look at it: a system policy or role. */
  right: string;
  /** @throws CallFailed, ZodError for an answer of an unknown form */
  look(): Promise<Look>;
}

/** Looks, and turns a refusal into an obstacle. */
export async function lookAt(part: Part, region: string): Promise<Look> {
  try {
    return await part.look();
  } catch (error) {
    if (error instanceof CallFailed) return { obstacle: obstacleOf(error, part, region) };
    if (error instanceof z.ZodError) {
      const text = `${part.service} answers in a form that is not known here`;
      return { obstacle: { text, todo: 'make it in the console, and tell the people of this project' } };
    }
    throw error;
  }
}

function obstacleOf(error: CallFailed, { service, right }: Part, region: string): Obstacle {
  return { text: error.message, todo: whatToDo(error, service, region) ?? mayLook(right) };
}

function mayLook(right: string): string {
  return `look with a key that has "${right}", or let this one have it, and run the command again`;
}

/** The failure of a step in one line, and below it what to do. */
export function failureOf(error: CallFailed, step: Step, service: string, region: string): Obstacle {
  const advice = whatToDo(error, service, region);
  const todo = advice ?? `whoever has "${step.right}" can: ${step.command}`;
  return { text: `${step.what}: ${error.message}`, todo };
}

/** What to do about refusals that have nothing to do with rights; undefined for a right that is lacking. */
function whatToDo(
  { status, code, isOutcomeUnknown }: CallFailed,
  service: string,
  region: string,
): string | undefined {
  const known = ADVICE[code];
  if (known !== undefined) return known;
  if (['ENOTFOUND', 'EAI_AGAIN'].includes(code)) {
    return `${region} may have no ${service}, or this machine has no network: choose another region with HUAWEICLOUD_SDK_REGION, or run the command again`;
  }
  if (status === 404 && code.startsWith('APIGW.'))
    return `${region} has no ${service}: choose another region`;
  if (status === 0 || status >= 500 || isOutcomeUnknown) {
    return 'run the command again: it finds what was done and does the rest';
  }
  if (status === 429) return 'too many calls: wait a minute and run the command again';
  return undefined;
}

const QUOTA =
  'delete what nobody needs, or ask for more in the console (My Quotas), and run the command again';
const NAME_TAKEN =
  'names of buckets are unique in the world, and another account has this one: choose another with UPLOAD_BUCKET or SNAPSHOT_BUCKET';

/** What to do about a refusal, by the service's code. */
const ADVICE: Readonly<Record<string, string>> = {
  UNEXPECTED_ANSWER: 'make it in the console, and tell the people of this project',
  'APIG.3101': `the gateway is full: ${QUOTA}`,
  'LTS.0104': QUOTA,
  TooManyBuckets: QUOTA,
  BucketAlreadyExists: NAME_TAKEN,
  InvalidBucketName:
    'a bucket’s name has 3 to 63 lower-case letters, digits, "-" and ".": choose another with UPLOAD_BUCKET or SNAPSHOT_BUCKET',
};
