import { type ConsoleChange, type ConsoleState, LIMITS } from '../server/console-api';

/** The state after a change. Lists and entries that did not change stay the very same objects. */
export function applyChange(state: ConsoleState, change: ConsoleChange): ConsoleState {
  const removed = new Set(change.removedUploads);
  const uploads = removed.size > 0 ? state.uploads.filter(({ key }) => !removed.has(key)) : state.uploads;
  return {
    service: state.service,
    uploads: merge(uploads, change.uploads, {
      identity: ({ key }) => key,
      timeMs: ({ lastModifiedMs }) => lastModifiedMs,
      limit: LIMITS.uploads,
    }),
    tasks: merge(state.tasks, change.tasks, {
      identity: ({ id }) => id,
      timeMs: ({ createdAtMs }) => createdAtMs,
      limit: LIMITS.tasks,
    }),
    events: merge(state.events, change.events, {
      identity: ({ id }) => id,
      timeMs: ({ timeMs }) => timeMs,
      limit: LIMITS.events,
    }),
    invocations: merge(state.invocations, change.invocations, {
      identity: ({ requestId }) => requestId,
      timeMs: ({ acceptedAtMs }) => acceptedAtMs,
      limit: LIMITS.invocations,
    }),
    requests: merge(state.requests, change.requests, {
      identity: ({ id }) => id,
      timeMs: ({ timeMs }) => timeMs,
      limit: LIMITS.requests,
    }),
    notices: merge(state.notices, change.notices, {
      identity: ({ id }) => id,
      timeMs: ({ timeMs }) => timeMs,
      limit: LIMITS.notices,
    }),
    mpcCalls: merge(state.mpcCalls, change.mpcCalls, {
      identity: ({ id }) => id,
      timeMs: ({ minuteMs }) => minuteMs,
      limit: LIMITS.mpcCalls,
    }),
    quota: change.quota ?? state.quota,
    timers: change.timers ?? state.timers,
    faults: change.faults ?? state.faults,
    settings: change.settings ?? state.settings,
  };
}

interface ListRules<Entry> {
  identity: (entry: Entry) => string;
  /** The newest comes first. */
  timeMs: (entry: Entry) => number;
  limit: number;
}

function merge<Entry>(
  old: Entry[],
  changed: readonly Entry[] | undefined,
  { identity, timeMs, limit }: ListRules<Entry>,
): Entry[] {
  if (changed === undefined || changed.length === 0) return old;
  const byIdentity = new Map(changed.map((entry) => [identity(entry), entry]));
  const kept = old.map((entry) => {
    const replacement = byIdentity.get(identity(entry));
    byIdentity.delete(identity(entry));
    return replacement ?? entry;
  });
  // Sorting is stable: entries of the same moment stay in the order in which they came.
  return [...byIdentity.values(), ...kept].sort((a, b) => timeMs(b) - timeMs(a)).slice(0, limit);
}
