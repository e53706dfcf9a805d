import { readTimerEvent } from '../../../shared/core/timer-event';

test.each([
  ['{"dry_run":true}', { dry_run: true }],
  ['{"dry_run":null}', {}],
  ['', {}],
  ['no JSON', {}],
  [undefined, {}],
])('the user event %j is read as %j', (user_event, expected) => {
  expect(readTimerEvent({ trigger_type: 'TIMER', user_event })).toEqual(expected);
});

test.each([undefined, null, 'text', {}, { trigger_type: 'OBS' }, { trigger_type: 'TIMER', user_event: {} }])(
  'an event that is not a timer’s is not read as one: %j',
  (event) => {
    expect(readTimerEvent(event)).toBeUndefined();
  },
);
