import { useState } from 'preact/hooks';
import type { ConsoleState, Delivery, ObjectEvent } from '../server/console-api';
import { deliver } from './api';
import { plural } from './format';
import { INVOCATION_STATES } from './invocations-view';
import { Action, Badge, Empty, Icon, Key, Moment, Search, useGrowing, ViewHead } from './parts';
import { linkTo } from './route';
import { useTeller } from './toasts';

const ROWS_AT_ONCE = 100;

/** Events of OBS, how they arrived, and how to deliver them again. */
export function EventsView({ state }: { state: ConsoleState }) {
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const found = state.events.filter(
    ({ bucket, key, name }) => wanted === '' || `${bucket}/${key} ${name}`.toLowerCase().includes(wanted),
  );
  const { shown, end } = useGrowing(found.length, ROWS_AT_ONCE);
  return (
    <>
      <ViewHead title="Events" />
      <div class="toolbar">
        <p class="lead">
          What OBS told the functions. Delivering one again changes nothing: an upload has one task, however
          often it is told of.
        </p>
        <Search label="Key or event" value={text} onInput={setText} />
      </div>
      {found.length === 0 ? (
        <Empty title={state.events.length === 0 ? 'No event yet' : 'No event fits'}>
          Every object that is created or removed in a watched bucket makes one.
        </Empty>
      ) : (
        <ul class="table events">
          {found.slice(0, shown).map((event) => (
            <EventEntry key={event.id} event={event} canWrite={state.service.canWrite} />
          ))}
        </ul>
      )}
      {end}
    </>
  );
}

function EventEntry({ event, canWrite }: { event: ObjectEvent; canWrite: boolean }) {
  const teller = useTeller();
  const send = (times: 1 | 2): Promise<void> =>
    teller.attempt(async () => {
      const { requestIds } = await deliver({ event: event.id, times });
      return `Delivered: ${plural(requestIds.length, 'invocation')}.`;
    });
  return (
    <li class="event">
      <div class="event-what">
        <span class="row-key">
          <Key>{event.key}</Key>
        </span>
        <span class="row-facts quiet">
          <span>{event.name}</span>
          <span>{event.bucket}</span>
          <Moment timeMs={event.timeMs} />
          {event.faults.map((fault, index) => (
            <span key={index} class="badge bad">
              {fault}
            </span>
          ))}
        </span>
      </div>
      <Deliveries deliveries={event.deliveries} />
      {canWrite && (
        <div class="event-actions">
          <Action onAct={() => send(1)}>
            <Icon name="repeat" /> Deliver again
          </Action>
          <Action onAct={() => send(2)}>Deliver twice</Action>
        </div>
      )}
    </li>
  );
}

function Deliveries({ deliveries }: { deliveries: readonly Delivery[] }) {
  if (deliveries.length === 0) return <p class="deliveries quiet">Has not arrived</p>;
  return (
    <ul class="deliveries" aria-label="Deliveries">
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
