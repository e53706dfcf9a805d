import * as z from 'zod';
import { gatewayBehaviour } from './apig/behaviour';
import type { CloudOptions } from './cloud';
import { functionGraphBehaviour } from './functiongraph/behaviour';
import { ltsBehaviour } from './lts/behaviour';
import { mpcBehaviour } from './mpc/behaviour';
import { obsBehaviour } from './obs/behaviour';
import { UsageError } from './usage-error';

const SERVICES = {
  mpc: mpcBehaviour,
  obs: obsBehaviour,
  functiongraph: functionGraphBehaviour,
  apig: gatewayBehaviour,
  lts: ltsBehaviour,
} as const;

/** Every switch between two readings of the documents, as `service.name`, with its values and its default. */
export const SWITCHES: ReadonlyMap<string, z.ZodType> = new Map(
  Object.entries(SERVICES).flatMap(([service, { shape }]) =>
    Object.entries(shape).map(([name, value]): [string, z.ZodType] => [`${service}.${name}`, value]),
  ),
);

/**
 * Reads a list such as `mpc.idsAs=number,obs.pathStyle=refused`.
 * @throws UsageError that names the mistake and lists what is possible
 */
export function parseSwitches(text: string): Pick<CloudOptions, keyof typeof SERVICES> {
  const options: Record<string, { behaviour: Record<string, unknown> }> = {};
  for (const item of text.split(',').map((part) => part.trim())) {
    if (item === '') continue;
    const [name = '', value = ''] = item.split(/=(.*)/s).map((part) => part.trim());
    const schema = SWITCHES.get(name);
    if (schema === undefined) {
      throw new UsageError(`--behaviour: there is no switch "${name}". The switches are:\n${list()}`);
    }
    const parsed = schema.safeParse(typed(value));
    if (!parsed.success) {
      throw new UsageError(`--behaviour: ${name} must be ${valuesOf(schema)}, got "${value}"`);
    }
    const [service = '', field = ''] = name.split('.');
    options[service] ??= { behaviour: {} };
    options[service].behaviour[field] = parsed.data;
  }
  return options;
}

function typed(value: string): unknown {
  if (value === 'true' || value === 'false') return value === 'true';
  return /^\d+$/.test(value) ? Number(value) : value;
}

function valuesOf(schema: z.ZodType): string {
  const { enum: choices, type, minimum, maximum } = z.toJSONSchema(schema, { io: 'input' });
  if (choices !== undefined) return choices.join(' or ');
  if (type === 'boolean') return 'true or false';
  if (type !== 'integer') return 'a time zone such as Europe/Berlin';
  const isBounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  return `a whole number from ${minimum}${isBounded ? ` to ${maximum}` : ''}`;
}

function list(): string {
  return [...SWITCHES]
    .map(([name, schema]) => `  ${name.padEnd(39)} ${valuesOf(schema)} (default ${schema.parse(undefined)})`)
    .join('\n');
}
