import * as z from 'zod';
import { CallFailed } from '../cloud-api';

/** One thing to create or to remove. */
export interface Step {
  /** For people, for example `bucket my-videos, private, in ap-southeast-3`. */
  what: string;
  /** The system policy or role that allows it. */
  right: string;
  /** The same by hand, for somebody with that right. */
  command: string;
  /** The called service, if it differs from the part's. */
  service?: string;
  /** The later steps of its part depend on it. */
  isNeeded?: boolean;
  /** @throws CallFailed */
  make(): Promise<unknown>;
}

/** Why a part is left unchanged, and what to do. */
export interface Obstacle {
  text: string;
  todo: string;
}

export interface Consent {
  question: string;
  /** Called when the answer is no: the next inspection then has no steps. */
  refuse(): void;
}

/** The result of inspecting a part. */
export interface Inspection {
  /** What exists and is used unchanged, for people. */
  there?: readonly string[];
  steps?: readonly Step[];
  /** A separate question before the steps: they take something away from others. */
  consent?: Consent;
  /** What belongs to others and stays unchanged; the stage works without it. */
  left?: Obstacle;
  obstacle?: Obstacle;
  /** Variables for `.env.<stage>`. */
  values?: Readonly<Record<string, string>>;
}

/** A part of what a stage needs. */
export interface Part {
  /** Short name, for example `bucket my-videos`. */
  name: string;
  /** The name of its service, for people. */
  service: string;
  /** The system policy or role that allows to look at it. */
  right: string;
  /** @throws CallFailed, ZodError for an answer of an unknown form */
  inspect(): Promise<Inspection>;
}

/** Looks at a part. A refusal becomes an obstacle. */
export async function inspect(part: Part, region: string): Promise<Inspection> {
  try {
    return await part.inspect();
  } catch (error) {
    if (error instanceof CallFailed) return { obstacle: obstacleOf(error, part, region) };
    if (error instanceof z.ZodError) {
      const text = `${part.service} answers in an unknown format`;
      return { obstacle: { text, todo: 'create it in the console, and report the problem to this project' } };
    }
    throw error;
  }
}

function obstacleOf(error: CallFailed, { service, right }: Part, region: string): Obstacle {
  return { text: error.message, todo: whatToDo(error, service, region) ?? mayLook(right) };
}

function mayLook(right: string): string {
  return `use a key that has "${right}", or give it to this key, and run the command again`;
}

/** The failure of a step, and what to do. */
export function failureOf(error: CallFailed, step: Step, service: string, region: string): Obstacle {
  const advice = whatToDo(error, service, region);
  const todo = advice ?? `somebody with "${step.right}" can do this: ${step.command}`;
  return { text: `${step.what}: ${error.message}`, todo };
}

/** What to do about failures that do not concern rights; undefined for a missing right. */
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
  'delete what nobody needs, or request a higher quota in the console (My Quotas), and run the command again';
const NAME_TAKEN =
  'names of buckets are unique in the world, and another account has this one: choose another with UPLOAD_BUCKET or SNAPSHOT_BUCKET';

/** What to do about a refusal, by the service's code. */
const ADVICE: Readonly<Record<string, string>> = {
  UNEXPECTED_ANSWER: 'create it in the console, and report the problem to this project',
  'APIG.3101': `the gateway is full: ${QUOTA}`,
  'LTS.0104': QUOTA,
  TooManyBuckets: QUOTA,
  BucketAlreadyExists: NAME_TAKEN,
  InvalidBucketName:
    'a bucket’s name has 3 to 63 lower-case letters, digits, "-" and ".": choose another with UPLOAD_BUCKET or SNAPSHOT_BUCKET',
};
