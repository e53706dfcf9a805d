import * as z from 'zod';
import { parseJson } from '../parse-json';
import type { FunctionGraphBehaviour } from './behaviour';
import { FunctionGraphError } from './errors';

/** The `param` of each type of destination (FunctionGraph API reference, configuring asynchronous notification). */
const destinationParams = {
  FunctionGraph: z.object({
    func_urn: z
      .string()
      .regex(/^urn:fss:[^:]+:[^:]+:function:[^:]+:[^:]+(:[^:]+)?$/, 'must be the URN of a function'),
  }),
  OBS: z.object({
    bucket: z.string().min(1, 'must name a bucket'),
    prefix: z.string().default(''),
    expires: z.number().int().min(0, 'must be 0 to 365 (d)').max(365, 'must be 0 to 365 (d)').default(0),
  }),
  SMN: z.object({ topic_urn: z.string().min(1, 'must be the URN of a topic') }),
  DIS: z.object({ stream_name: z.string().min(1, 'must name a stream') }),
} as const;

type DestinationType = keyof typeof destinationParams;
export type Destination = {
  [Type in DestinationType]: { type: Type; param: z.infer<(typeof destinationParams)[Type]> };
}[DestinationType];

/** Consoles and SDKs send an empty `destination` for none. */
const target = z
  .object({
    destination: z.enum(['FunctionGraph', 'OBS', 'SMN', 'DIS']).or(z.literal('')).default(''),
    param: z.string().default(''),
  })
  .superRefine(({ destination, param }, context) => {
    if (destination === '') return;
    const json = parseJson(param);
    if (json === undefined) {
      context.addIssue({ code: 'custom', path: ['param'], message: 'must be JSON in a string' });
      return;
    }
    const issue = destinationParams[destination].safeParse(json).error?.issues[0];
    if (issue === undefined) return;
    context.addIssue({ code: 'custom', path: ['param', ...issue.path], message: issue.message });
  });

/** The documented body of an asynchronous-invocation configuration. */
export const asyncInvokeConfiguration = z.object({
  max_async_retry_attempts: z.number().int().min(0).max(3).optional(),
  max_async_event_age_in_seconds: z.number().int().min(1).max(86_400).optional(),
  enable_async_status_log: z.boolean().optional(),
  destination_config: z.object({ on_success: target.optional(), on_failure: target.optional() }).optional(),
});

export type AsyncInvokeConfiguration = z.infer<typeof asyncInvokeConfiguration>;

/** @throws FunctionGraphError FSS.0400 for an event age below the shortest one */
export function refuseEventAge(
  { max_async_event_age_in_seconds: age }: AsyncInvokeConfiguration,
  { shortestEventAgeSeconds: shortest }: Pick<FunctionGraphBehaviour, 'shortestEventAgeSeconds'>,
): void {
  if (age === undefined || age >= shortest) return;
  throw new FunctionGraphError(
    'FSS.0400',
    `max_async_event_age_in_seconds: must be ${shortest} to 86400 (s), got ${age}`,
  );
}

/** The destination of the result of an asynchronous invocation; undefined if none is configured. */
export function destinationFor(
  configuration: AsyncInvokeConfiguration | undefined,
  result: 'on_success' | 'on_failure',
): Destination | undefined {
  const { destination: type = '', param = '' } = configuration?.destination_config?.[result] ?? {};
  if (type === '') return undefined;
  return { type, param: destinationParams[type].parse(JSON.parse(param)) } as Destination;
}
