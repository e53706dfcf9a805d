import type { Complain } from './desired-triggers';
import type { FunctionDefinition } from './schema';

/** An event with its place in `serverless.yml`. */
interface Placed {
  key: string;
  at: string;
  event: FunctionDefinition['events'][number];
}

/**
 * Refuses pairs of events of which the cloud allows only one: the second one would stop a deployment halfway (FSS.1108,
 * FSS.1147, FSS.1148).
 */
export function refuseRivals(
  functions: Readonly<Record<string, FunctionDefinition>>,
  complain: Complain,
): void {
  const all = Object.entries(functions).flatMap(([key, { events }]) =>
    events.map((event, index): Placed => ({ key, at: `functions.${key}.events[${index}]`, event })),
  );
  for (const [index, one] of all.entries()) {
    for (const other of all.slice(0, index)) {
      const why = rivalry(one, other);
      if (why !== undefined) complain(`${one.at} ${why} (${other.at})`);
    }
  }
}

/** The conflict of two events; undefined when both are possible. */
function rivalry({ key, event: one }: Placed, { key: otherKey, event: other }: Placed): string | undefined {
  if (one.apigw && other.apigw) {
    const { req_method: method, path } = one.apigw;
    const isSame = method === other.apigw.req_method && path === other.apigw.path;
    return isSame ? `repeats ${method} ${path}; an API group allows it only once` : undefined;
  }
  if (one.obs && other.obs) {
    return overlap(one.obs, other.obs)
      ? `listens to objects of ${one.obs.bucket} that another event listens to; OBS sends each notification once: give them prefixes or suffixes that do not overlap`
      : undefined;
  }
  if (key !== otherKey) return undefined;
  if (one.timer && one.timer.name === other.timer?.name) {
    return `repeats timer ${one.timer.name}; a function allows a name only once`;
  }
  if (one.smn?.topic_urn !== undefined && one.smn.topic_urn === other.smn?.topic_urn) {
    return `repeats topic ${one.smn.topic_urn}; a function allows it only once`;
  }
  return undefined;
}

type Listener = NonNullable<FunctionDefinition['events'][number]['obs']>;

function overlap(one: Listener, other: Listener): boolean {
  return (
    one.bucket !== '' &&
    one.bucket === other.bucket &&
    (one.prefix.startsWith(other.prefix) || other.prefix.startsWith(one.prefix)) &&
    (one.suffix.endsWith(other.suffix) || other.suffix.endsWith(one.suffix))
  );
}
