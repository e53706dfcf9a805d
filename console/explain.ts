import { asTyped } from '../package-folder';
import type {
  CaptureReport,
  Delivery,
  Explanation,
  ExplanationStep,
  ObjectEvent,
  Task,
  Timer,
} from './server/console-api';

/** Everything that is known about one key. */
export interface Facts {
  bucket: string;
  key: string;
  /** Undefined when there is no such object. */
  object: { sizeBytes: number; lastModifiedMs: number } | undefined;
  /** True when a trigger covers creations of this key. */
  isWatched: boolean;
  /** Since when events are visible at all; undefined where they are not. */
  watchingSinceMs: number | undefined;
  /** Of this key, newest first. */
  events: readonly ObjectEvent[];
  /** What on-upload reported last. */
  report: CaptureReport | undefined;
  /** Of this key, newest first. */
  tasks: readonly Task[];
  /** The timer of on-upload, which looks for uploads without a task. */
  sweep: Timer | undefined;
}

type Finding = Pick<Explanation, 'verdict' | 'reason' | 'summary' | 'remedy'>;

/** Reason codes of on-upload in words. It may know more than these. */
const SKIPPED: Readonly<Record<string, string>> = {
  own_output: 'it is a snapshot of this service itself',
  bucket_not_allowed: 'its bucket is not one of UPLOAD_BUCKETS',
  outside_prefix: 'its key does not begin with UPLOAD_PREFIX',
  not_a_video: 'its key has none of the endings in UPLOAD_SUFFIXES',
  empty: 'it has 0 bytes',
  not_a_creation: 'the event is about a removal',
  unreadable_record: 'the event could not be read',
};

/** Explains why a key was captured, or why not. */
export function explain(facts: Facts): Explanation {
  const { bucket, key } = facts;
  return { bucket, key, ...findingOf(facts), steps: stepsOf(facts) };
}

function findingOf(facts: Facts): Finding {
  const { object, report, bucket, key } = facts;
  const tasks = tasksToTell(facts);
  const [task] = [...tasks].sort(unfinishedFirst);
  const event = newestCreation(facts);
  // An event newer than the task may be about a newer file, unless on-upload reported otherwise.
  const isSettled =
    task !== undefined &&
    (event === undefined || tasks.every((one) => isSettledBy(event, one, tasks, report)));
  if (task !== undefined && isSettled) return findingOfTask(task);
  if (object === undefined) {
    return {
      verdict: 'not_found',
      reason: 'no_such_object',
      summary: `There is no object ${key} in the bucket ${bucket}.`,
      remedy: 'Check the key (upper and lower case matter) and whether the upload is complete.',
    };
  }
  if (event !== undefined) return findingOfEvent(event, facts);
  if (report !== undefined) return findingOfReport(report);
  return facts.isWatched ? noEvent(facts) : noTrigger(facts);
}

/** The task that on-upload named, or the newest; of an upload with several captures the newest of each. */
function tasksToTell({ tasks, report }: Facts): Task[] {
  const ofCaptures = new Map<string, Task>();
  for (const task of [...tasks].reverse()) if (task.capture !== undefined) ofCaptures.set(task.capture, task);
  if (ofCaptures.size > 0) return [...ofCaptures.values()];
  const task = tasks.find(({ id }) => id === report?.taskId) ?? tasks[0];
  return task === undefined ? [] : [task];
}

/** Missing pictures come first. */
function unfinishedFirst(a: Task, b: Task): number {
  return Number(a.status === 'SUCCEEDED') - Number(b.status === 'SUCCEEDED');
}

/** A task in words, with the name of its capture where an upload has several. */
function named({ id, capture }: Task): string {
  return capture === undefined ? `Task ${id}` : `Task ${id} (${capture})`;
}

function isSettledBy(
  event: ObjectEvent,
  task: Task,
  tasks: readonly Task[],
  report: CaptureReport | undefined,
): boolean {
  // on-upload reports all captures of an upload at once.
  const isTold = tasks.some(({ id }) => id === report?.taskId);
  return event.timeMs <= task.createdAtMs || (isTold && (report?.timeMs ?? 0) >= event.timeMs);
}

function findingOfTask(task: Task): Finding {
  const { status, description, frameCount, isArchive } = task;
  const name = named(task);
  switch (status) {
    case 'SUCCEEDED':
      return {
        verdict: 'captured',
        reason: 'succeeded',
        summary: `${name} made ${count(frameCount, 'frame')}${isArchive ? ', packed into one archive' : ''}.`,
      };
    case 'WAITING':
      return { verdict: 'in_progress', reason: 'waiting', summary: `${name} is waiting in MPC's queue.` };
    case 'PROCESSING':
      return {
        verdict: 'in_progress',
        reason: 'processing',
        summary: `${name} is running; it has made ${count(frameCount, 'frame')} so far.`,
      };
    case 'FAILED':
      return {
        verdict: 'not_captured',
        reason: 'failed',
        summary: `${name} failed: ${description ?? 'MPC gave no reason'}`,
        remedy:
          'The same file would fail again. Upload a repaired video, or create a task with other parameters.',
      };
    case 'CANCELED':
      return {
        verdict: 'not_captured',
        reason: 'cancelled',
        summary: `${name} was cancelled while it waited in the queue.`,
        remedy:
          'Create a task with POST /snapshots. Only tasks that the clean-up cancelled are started again automatically.',
      };
  }
}

function findingOfEvent(event: ObjectEvent, facts: Facts): Finding {
  const delivery = newestDelivery(event);
  if (delivery === undefined) {
    if (event.faults.includes('drop')) {
      return {
        verdict: 'not_captured',
        reason: 'event_dropped',
        summary: 'The fault "drop" lost the event on its way to the function.',
        remedy: `${whenSwept(facts)} Or deliver the event again.`,
      };
    }
    return {
      verdict: 'in_progress',
      reason: 'event_on_its_way',
      summary: `The event is delayed by ${event.faults.join(' and ') || 'the platform'} and has reached no function yet.`,
    };
  }
  const { functionName, state, attempt, requestId } = delivery;
  switch (state) {
    case 'queued':
    case 'running':
      return {
        verdict: 'in_progress',
        reason: 'event_on_its_way',
        summary: `${functionName} ${state === 'queued' ? 'has the event in its queue' : 'is processing the event'}.`,
      };
    case 'retrying':
      return {
        verdict: 'in_progress',
        reason: 'invocation_retrying',
        summary: `Attempt ${attempt} of ${functionName} failed; the platform tries again.${saidOf(facts.report)}`,
      };
    case 'failed':
      return {
        verdict: 'not_captured',
        reason: 'invocation_failed',
        summary: `${functionName} failed ${count(attempt, 'time')} and the platform gave up.${saidOf(facts.report)}`,
        remedy: `Read the log of invocation ${requestId}. ${whenSwept(facts)}`,
      };
    case 'discarded':
      return {
        verdict: 'not_captured',
        reason: 'event_discarded',
        summary: `The platform discarded the event before ${functionName} received it.`,
        remedy: whenSwept(facts),
      };
    case 'succeeded':
      if (facts.report !== undefined) return findingOfReport(facts.report);
      return {
        verdict: 'not_captured',
        reason: 'no_report',
        summary: `${functionName} received the event but logged nothing about this key.`,
        remedy: `Read the log of invocation ${requestId}.`,
      };
  }
}

function findingOfReport({ outcome, reason = '', taskId, requestId }: CaptureReport): Finding {
  if (outcome === 'failed' && reason.startsWith('refused')) {
    return {
      verdict: 'not_captured',
      reason: 'refused',
      summary: `MPC refuses this video permanently: ${reason}. It is tried again after pauses that double, up to a day.`,
      remedy: asTyped(
        `Read MPC's message in the log of invocation ${requestId}. If rights are missing, npm run doctor names them. If MPC cannot read the file, upload a repaired one.`,
      ),
    };
  }
  if (outcome === 'failed') {
    return {
      verdict: 'not_captured',
      reason,
      summary: `on-upload could not start the capture: ${reason}.`,
      remedy: `Read the log of invocation ${requestId}.`,
    };
  }
  if (taskId !== undefined) {
    return {
      verdict: 'in_progress',
      reason: 'started',
      summary: `on-upload started task ${taskId}, which is no longer among the newest tasks.`,
      remedy: `Ask for it with GET /snapshots/${taskId}.`,
    };
  }
  return {
    verdict: 'not_captured',
    reason,
    summary: `on-upload skipped it: ${SKIPPED[reason] ?? reason}.`,
  };
}

function noEvent(facts: Facts): Finding {
  const { object, watchingSinceMs, key } = facts;
  if (watchingSinceMs === undefined) {
    return {
      verdict: 'not_captured',
      reason: 'no_task',
      summary: 'It is in the bucket and has no task. This console sees no events and invocations.',
      remedy: `Search the log of on-upload for ${key}: its line upload.processed has the reason. Without such a line the event was lost; the timer of on-upload looks for such uploads every few minutes.`,
    };
  }
  const isOlder = object !== undefined && object.lastModifiedMs < watchingSinceMs;
  return {
    verdict: 'not_captured',
    reason: 'no_event',
    summary: isOlder
      ? 'It was uploaded before this cloud started, and no event about it has arrived since.'
      : 'No event about it is known: it was lost, or too many newer ones have come.',
    remedy: `${whenSwept(facts)} Or deliver an event by hand: on-upload then reports its decision.`,
  };
}

function noTrigger({ bucket, key }: Facts): Finding {
  return {
    verdict: 'not_captured',
    reason: 'no_trigger',
    summary: `No trigger of a function covers ${key} in the bucket ${bucket}.`,
    remedy: 'Look at the triggers of on-upload: bucket, prefix, suffix and events.',
  };
}

function whenSwept({ sweep }: Facts): string {
  if (sweep?.nextAtMs === undefined) return 'No timer looks for lost events.';
  const at = new Date(sweep.nextAtMs).toISOString().replace(/\.\d{3}/, '');
  return `The timer ${sweep.name} looks for such uploads, once they are 20 seconds old; it fires next at ${at}.`;
}

function saidOf(report: CaptureReport | undefined): string {
  return report?.outcome === 'failed' ? ` It reported: ${report.reason}.` : '';
}

/** The steps of the upload so far. */
function stepsOf(facts: Facts): ExplanationStep[] {
  const event = newestCreation(facts);
  const tasks = tasksToTell(facts);
  return [
    objectStep(facts),
    ...(event === undefined
      ? [missingEventStep(facts, tasks[0])]
      : [eventStep(event), ...event.deliveries.map(deliveryStep)]),
    ...(facts.report === undefined ? [] : [reportStep(facts.report)]),
    ...tasks.flatMap(taskSteps),
  ];
}

function objectStep({ object, bucket }: Facts): ExplanationStep {
  if (object === undefined) return { what: 'object', state: 'problem', text: `Not in the bucket ${bucket}.` };
  return {
    what: 'object',
    state: 'ok',
    text: `In the bucket ${bucket}, ${count(object.sizeBytes, 'byte')}.`,
    timeMs: object.lastModifiedMs,
  };
}

function missingEventStep({ isWatched, watchingSinceMs }: Facts, task: Task | undefined): ExplanationStep {
  if (watchingSinceMs === undefined)
    return { what: 'event', state: 'unknown', text: 'Not visible from here.' };
  if (!isWatched) return { what: 'event', state: 'problem', text: 'No trigger covers it.' };
  return { what: 'event', state: task === undefined ? 'problem' : 'unknown', text: 'None known.' };
}

function eventStep({ name, timeMs, faults, deliveries }: ObjectEvent): ExplanationStep {
  const hit = faults.length === 0 ? '' : ` Hit by ${faults.join(', ')}.`;
  const isLost = deliveries.length === 0 && faults.includes('drop');
  const state = deliveries.length > 0 ? 'ok' : isLost ? 'problem' : 'waiting';
  return { what: 'event', state, text: `${name}.${hit}`, timeMs };
}

const DELIVERY_STATE = {
  queued: 'waiting',
  running: 'waiting',
  retrying: 'waiting',
  succeeded: 'ok',
  failed: 'problem',
  discarded: 'problem',
} as const satisfies Record<Delivery['state'], ExplanationStep['state']>;

function deliveryStep({
  functionName,
  state,
  attempt,
  requestId,
  timeMs,
  isReplay,
}: Delivery): ExplanationStep {
  const again = isReplay ? ', delivered by hand' : '';
  const text = `To ${functionName}: ${state}, ${count(attempt, 'attempt')}${again}.`;
  return { what: 'delivery', state: DELIVERY_STATE[state], text, requestId, timeMs };
}

function reportStep({ outcome, reason, taskId, timeMs, requestId }: CaptureReport): ExplanationStep {
  const text = [outcome, reason, taskId && `task ${taskId}`].filter(Boolean).join(', ');
  const state = outcome === 'failed' || (outcome === 'skipped' && taskId === undefined) ? 'problem' : 'ok';
  return { what: 'function', state, text: `on-upload said: ${text}.`, timeMs, requestId };
}

function taskSteps(task: Task): ExplanationStep[] {
  const { id, status, description, createdAtMs, endedAtMs, frameCount } = task;
  const isOver = status === 'FAILED' || status === 'CANCELED';
  const state = status === 'SUCCEEDED' ? 'ok' : isOver ? 'problem' : 'waiting';
  const why = description === undefined ? '' : `: ${description}`;
  return [
    {
      what: 'task',
      state,
      text: `${named(task)} is ${status}${why}`,
      taskId: id,
      timeMs: endedAtMs ?? createdAtMs,
    },
    {
      what: 'frames',
      state: frameCount > 0 && !isOver ? 'ok' : state,
      text: `${count(frameCount, 'frame')}.`,
      taskId: id,
    },
  ];
}

function newestCreation({ events }: Facts): ObjectEvent | undefined {
  return events.find(({ name }) => name.startsWith('ObjectCreated'));
}

/** The best outcome counts: one of two deliveries may have failed. */
function newestDelivery({ deliveries }: ObjectEvent): Delivery | undefined {
  return deliveries.find(({ state }) => state === 'succeeded') ?? deliveries.at(-1);
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}
