import { explain, type Facts } from '../../console/explain';
import type { Delivery, ObjectEvent, Task } from '../../console/server/console-api';

const delivery = (state: Delivery['state'], more: Partial<Delivery> = {}): Delivery => ({
  requestId: 'r1',
  functionName: 'on-upload',
  state,
  attempt: 1,
  timeMs: 2000,
  isReplay: false,
  ...more,
});
const event = (more: Partial<ObjectEvent> = {}): ObjectEvent => ({
  id: 'e1',
  name: 'ObjectCreated:Put',
  bucket: 'videos',
  key: 'a.mp4',
  timeMs: 2000,
  faults: [],
  deliveries: [],
  ...more,
});
const task = (status: Task['status'], more: Partial<Task> = {}): Task => ({
  id: '1000001',
  status,
  bucket: 'videos',
  key: 'a.mp4',
  createdAtMs: 3000,
  frameCount: 0,
  isArchive: false,
  ...more,
});
const facts = (more: Partial<Facts>): Facts => ({
  bucket: 'videos',
  key: 'a.mp4',
  object: { sizeBytes: 1, lastModifiedMs: 2000 },
  isWatched: true,
  watchingSinceMs: 1000,
  events: [],
  report: undefined,
  tasks: [],
  sweep: { functionName: 'on-upload', name: 'sweep', schedule: 'Rate 5m', isActive: true, nextAtMs: 0 },
  ...more,
});
const said = (outcome: 'started' | 'skipped' | 'failed', more = {}) => ({
  outcome,
  timeMs: 2500,
  requestId: 'r1',
  ...more,
});

test.each<[string, Partial<Facts>, string, string]>([
  ['nothing was uploaded', { object: undefined }, 'not_found', 'no_such_object'],
  ['no trigger asks for it', { isWatched: false }, 'not_captured', 'no_trigger'],
  ['it is older than this cloud', { watchingSinceMs: 9000 }, 'not_captured', 'no_event'],
  ['its event was dropped', { events: [event({ faults: ['drop'] })] }, 'not_captured', 'event_dropped'],
  ['its event is delayed', { events: [event({ faults: ['delay'] })] }, 'in_progress', 'event_on_its_way'],
  [
    'it waits for an instance',
    { events: [event({ deliveries: [delivery('queued')] })] },
    'in_progress',
    'event_on_its_way',
  ],
  [
    'it is tried again',
    { events: [event({ deliveries: [delivery('retrying')] })] },
    'in_progress',
    'invocation_retrying',
  ],
  [
    'the platform gave up',
    { events: [event({ deliveries: [delivery('failed')] })] },
    'not_captured',
    'invocation_failed',
  ],
  [
    'the event was discarded',
    { events: [event({ deliveries: [delivery('discarded')] })] },
    'not_captured',
    'event_discarded',
  ],
  [
    'on-upload skipped it',
    {
      events: [event({ deliveries: [delivery('succeeded')] })],
      report: said('skipped', { reason: 'own_output' }),
    },
    'not_captured',
    'own_output',
  ],
  [
    'on-upload was invoked by hand',
    { report: said('skipped', { reason: 'empty' }) },
    'not_captured',
    'empty',
  ],
  [
    'the function said nothing',
    { events: [event({ deliveries: [delivery('succeeded')] })] },
    'not_captured',
    'no_report',
  ],
  ['its task waits', { tasks: [task('WAITING')] }, 'in_progress', 'waiting'],
  ['its task runs', { tasks: [task('PROCESSING')] }, 'in_progress', 'processing'],
  ['its task failed', { tasks: [task('FAILED')] }, 'not_captured', 'failed'],
  ['its task was cancelled', { tasks: [task('CANCELED')] }, 'not_captured', 'cancelled'],
  ['it is captured', { tasks: [task('SUCCEEDED', { frameCount: 3 })] }, 'captured', 'succeeded'],
  [
    'it is captured and was deleted since',
    { object: undefined, tasks: [task('SUCCEEDED')] },
    'captured',
    'succeeded',
  ],
])('an upload is explained when %s', (_, known, verdict, reason) => {
  const explanation = explain(facts(known));
  expect(explanation).toMatchObject({ verdict, reason });
  expect(explanation.summary).toMatch(/\.$|: MPC gave no reason$/);
  expect(explanation.steps[0]?.what).toBe('object');
});

test('the task of an earlier upload under the key does not answer for a later one', () => {
  const later = event({ timeMs: 5000, deliveries: [delivery('queued', { timeMs: 5000 })] });
  const known = facts({ tasks: [task('SUCCEEDED', { createdAtMs: 3000 })], events: [later] });
  expect(explain(known)).toMatchObject({ verdict: 'in_progress', reason: 'event_on_its_way' });
});

test('an event that came again finds the task that its upload already has', () => {
  const again = event({ timeMs: 5000, deliveries: [delivery('succeeded')] });
  const report = {
    outcome: 'skipped' as const,
    reason: 'already_started',
    taskId: '1000001',
    timeMs: 5001,
    requestId: 'r2',
  };
  const known = facts({ tasks: [task('SUCCEEDED', { createdAtMs: 3000 })], events: [again], report });
  expect(explain(known)).toMatchObject({ verdict: 'captured', reason: 'succeeded' });
});

test('one delivery that succeeded counts more than one that failed', () => {
  const twice = event({ deliveries: [delivery('succeeded'), delivery('failed')] });
  const report = said('skipped', { reason: 'not_a_video' });
  expect(explain(facts({ events: [twice], report })).reason).toBe('not_a_video');
});

test('each of several captures has its steps and its name, and a missing one comes first', () => {
  const tasks = [
    task('FAILED', { id: '1000003', capture: 'cover', description: 'no picture' }),
    task('SUCCEEDED', { id: '1000002', capture: 'track', frameCount: 3 }),
    task('CANCELED', { id: '1000001', capture: 'track' }),
  ];
  const report = said('skipped', { reason: 'already_started', taskId: '1000003', timeMs: 5000 });
  const again = event({ timeMs: 4000, deliveries: [delivery('succeeded')] });
  const explained = explain(facts({ tasks, report, events: [again] }));
  expect(explained).toMatchObject({
    verdict: 'not_captured',
    reason: 'failed',
    summary: 'Task 1000003 (cover) failed: no picture',
  });
  const told = explained.steps.filter(({ what }) => what === 'task').map(({ text }) => text);
  expect(told).toEqual(['Task 1000002 (track) is SUCCEEDED', 'Task 1000003 (cover) is FAILED: no picture']);
});
