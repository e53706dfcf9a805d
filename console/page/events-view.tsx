import type { ConsoleState, Delivery, ObjectEvent } from '../server/console-api';
import { deliver } from './api';
import { Value } from './copy';
import { plural } from './format';
import { INVOCATION_STATES } from './invocations-view';
import { Moment } from './moment';
import { Action, Badge, Empty, Icon, Key, Search, useGrowing, ViewHead } from './parts';
import { fits, linkTo, useSearchText } from './route';
import { Table } from './table';
import { useReporter } from './toasts';

const ROWS_AT_ONCE = 100;

/** Events of OBS, how they arrived, and how to deliver them again. */
export function EventsView({ state, selected }: { state: ConsoleState; selected: string | undefined }) {
  const { events, service } = state;
  const [text, setText] = useSearchText();
  const isWanted = fits(text);
  const found = events.filter(({ bucket, key, name }) => isWanted(`${bucket}/${key} ${name}`));
  const { shown, end } = useGrowing(found.length, ROWS_AT_ONCE);
  return (
    <>
      <ViewHead title="Events" />
      <div class="toolbar">
        <p class="lead">
          Events that OBS sent to the functions. Delivering one again changes nothing: an upload has one task,
          however often its event arrives.
        </p>
        <Search label="Key or event" value={text} onInput={setText} />
      </div>
      {found.length === 0 ? (
        <Empty title={events.length === 0 ? 'No events yet' : 'No event matches'}>
          OBS sends one when an object in a watched bucket is created or deleted.
        </Empty>
      ) : (
        <Table
          label="Events"
          openId={selected}
          columns={[
            { title: 'Event' },
            { title: 'Object', kind: 'main' },
            { title: 'Deliveries' },
            { title: 'Time', kind: 'right' },
          ]}
          rows={found.slice(0, shown).map((event) => rowOf(event, service.canWrite))}
        />
      )}
      {end}
    </>
  );
}

function rowOf(event: ObjectEvent, canWrite: boolean) {
  const { id, name, key, timeMs, faults, deliveries } = event;
  return {
    id,
    cells: [
      <span key="name">
        {name.replace(/^Object\w+:/, '')}{' '}
        {faults.map((fault, index) => (
          <span key={index} class="badge bad">
            {fault}
          </span>
        ))}
      </span>,
      <Key key="key">{key}</Key>,
      <Deliveries key="deliveries" deliveries={deliveries} />,
      <Moment key="time" timeMs={timeMs} />,
    ],
    body: () => <EventBody event={event} canWrite={canWrite} />,
  };
}

function EventBody({ event, canWrite }: { event: ObjectEvent; canWrite: boolean }) {
  const reporter = useReporter();
  const send = (times: 1 | 2): Promise<void> =>
    reporter.attempt(async () => {
      const { requestIds } = await deliver({ event: event.id, times });
      return `Delivered: ${plural(requestIds.length, 'invocation')}.`;
    });
  return (
    <>
      <dl class="facts">
        <dt>Object</dt>
        <dd>
          <Value text={`${event.bucket}/${event.key}`} what="bucket and key" />
        </dd>
        <dt>Event</dt>
        <dd>{event.name}</dd>
        {event.deliveries.map(({ requestId, functionName, attempt, isReplay }) => (
          <>
            <dt>{functionName}</dt>
            <dd>
              <Value text={requestId} what="request id" />{' '}
              <span class="quiet">
                {plural(attempt, 'attempt')}
                {isReplay && ', by hand'}
              </span>
            </dd>
          </>
        ))}
      </dl>
      <div class="actions">
        <a class="button" href={linkTo('explain', event.key)}>
          Explain
        </a>
        {canWrite && (
          <>
            <Action onAct={() => send(1)}>
              <Icon name="repeat" /> Deliver again
            </Action>
            <Action onAct={() => send(2)}>Deliver twice</Action>
          </>
        )}
      </div>
    </>
  );
}

function Deliveries({ deliveries }: { deliveries: readonly Delivery[] }) {
  if (deliveries.length === 0) return <span class="quiet">Not delivered yet</span>;
  return (
    <ul class="deliveries">
      {deliveries.map(({ requestId, functionName, state, attempt, isReplay }) => {
        const { kind, label } = INVOCATION_STATES[state];
        return (
          <li key={requestId}>
            <a href={linkTo('invocations', requestId)}>{functionName}</a> <Badge kind={kind}>{label}</Badge>
            {attempt > 1 && <span class="quiet"> attempt {attempt}</span>}
            {isReplay && <span class="quiet"> by hand</span>}
          </li>
        );
      })}
    </ul>
  );
}
