import type { ComponentChildren } from 'preact';
import type { ConsoleState, MpcCalls, RefusedUpload, Task, WaitingUploads } from '../server/console-api';
import { formatMoment, plural } from './format';
import { Moment, useNow } from './moment';
import { Choices, Empty, Key, ViewHead } from './parts';
import { linkTo, useChoice } from './route';
import { Table } from './table';

const MINUTE_MS = 60_000;
const MINUTES = 60;
/** docs/settings.md */
const DEFAULT_PACE = 80;
const DEFAULT_READS = 12;
/** So many callers have their own colour; all others share the last one. */
const COLOURS = 6;

/** Who calls MPC how often, and what is waiting. */
export function QuotaView({ state }: { state: ConsoleState }) {
  const { quota } = state;
  const nowMs = useNow(5_000);
  const firstMs = (Math.floor(nowMs / MINUTE_MS) - MINUTES + 1) * MINUTE_MS;
  const calls = state.mpcCalls.filter(({ minuteMs }) => minuteMs >= firstMs);
  return (
    <>
      <ViewHead title="Quota" />
      <p class="lead">
        MPC allows {quota.callsPerMinute} calls of each operation in a minute, for the whole project. Refused
        calls count too.
      </p>
      <Numbers state={state} calls={calls} nowMs={nowMs} />
      <section class="panel" aria-label="Calls of MPC in the last hour">
        <h2>Calls of MPC in the last hour</h2>
        {quota.noCalls !== undefined && calls.length > 0 && <p class="problem">{quota.noCalls}</p>}
        {calls.length === 0 ? (
          quota.noCalls === undefined ? (
            <Empty title="No calls in the last hour">
              Each upload calls MPC, and so do reads of unfinished tasks and the timers of the functions.
            </Empty>
          ) : (
            <Empty title="Unknown">{quota.noCalls}</Empty>
          )
        ) : (
          <Calls calls={calls} firstMs={firstMs} limit={quota.callsPerMinute} />
        )}
      </section>
      {quota.refused !== undefined && quota.refused.length > 0 && (
        <Refused uploads={quota.refused} count={quota.refusedCount} />
      )}
    </>
  );
}

function Numbers({
  state,
  calls,
  nowMs,
}: {
  state: ConsoleState;
  calls: readonly MpcCalls[];
  nowMs: number;
}) {
  const { quota, tasks } = state;
  const waitingTasks = tasks.filter(({ status }) => status === 'WAITING');
  const oldest = waitingTasks.reduce<Task | undefined>(
    (first, task) => (first === undefined || task.createdAtMs < first.createdAtMs ? task : first),
    undefined,
  );
  const lastMinute = calls.filter(({ minuteMs }) => minuteMs > nowMs - MINUTE_MS - MINUTE_MS / 2);
  const { createsPerMinute, readsPerMinute, waiting, later } = quota;
  return (
    <dl class="numbers">
      {/* The settings of deployed functions are not visible from here. */}
      {state.service.kind === 'local' && (
        <>
          <Figure title="Pace of creating" note={settingNote('MPC_REQUESTS_PER_MINUTE', createsPerMinute)}>
            {perMinute(createsPerMinute ?? DEFAULT_PACE)}
          </Figure>
          <Figure
            title="Reads for callers"
            note={`${settingNote('MPC_READS_PER_MINUTE', readsPerMinute)}, of each instance of query`}
          >
            {perMinute(readsPerMinute ?? DEFAULT_READS)}
          </Figure>
        </>
      )}
      {quota.noCalls === undefined && (
        <Figure
          title="Calls in the last minute"
          note={`${plural(sum(calls, 'refused'), 'call')} refused in the last hour`}
        >
          {sum(lastMinute, 'count')}
        </Figure>
      )}
      <Figure
        title="Tasks waiting in MPC"
        note={
          oldest === undefined ? (
            'none'
          ) : (
            <>
              the oldest came <Moment timeMs={oldest.createdAtMs} />,{' '}
              <a href={linkTo('videos', `${oldest.bucket}/${oldest.key}`, { task: oldest.id })}>
                task {oldest.id}
              </a>
            </>
          )
        }
      >
        {waitingTasks.length}
      </Figure>
      <Waiting title="Waiting uploads" uploads={waiting} />
      <Waiting title="Uploads to be tried again" uploads={later} />
    </dl>
  );
}

function perMinute(count: number): string {
  return `${count.toLocaleString('en')} a minute`;
}

function settingNote(name: string, value: number | undefined): string {
  // Lets a name break between its words.
  const words = name.replaceAll('_', '_\u200b');
  return value === undefined ? `default of ${words}` : words;
}

function Figure({
  title,
  note,
  children,
}: {
  title: string;
  note: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        <b class="num">{children}</b>
        <small class="quiet">{note}</small>
      </dd>
    </div>
  );
}

function Waiting({ title, uploads }: { title: string; uploads: WaitingUploads | undefined }) {
  return (
    <Figure
      title={title}
      note={
        uploads === undefined ? (
          'no right to list the records in the snapshot bucket'
        ) : uploads.oldestMs === undefined ? (
          'none'
        ) : (
          <>
            the oldest came <Moment timeMs={uploads.oldestMs} />
          </>
        )
      }
    >
      {uploads?.count ?? 'unknown'}
    </Figure>
  );
}

function Refused({ uploads, count }: { uploads: readonly RefusedUpload[]; count: number | undefined }) {
  return (
    <section class="panel" aria-label="Uploads that MPC refuses">
      <h2>Uploads that MPC refuses</h2>
      <p class="quiet">
        MPC cannot read these videos or has no right to. The pause between two tries grows to a day.
        {count !== undefined && count > uploads.length && ` The first ${uploads.length} of ${count}:`}
      </p>
      <Table
        label="Refused uploads"
        columns={[
          { title: 'Video', kind: 'main' },
          { title: 'Next try', kind: 'right' },
        ]}
        rows={uploads.map(({ bucket, key, againAtMs }) => ({
          id: `${bucket}/${key}`,
          cells: [
            <a key="video" href={linkTo('videos', `${bucket}/${key}`)}>
              <Key>{`${bucket}/${key}`}</Key>
            </a>,
            <Moment key="again" timeMs={againAtMs} />,
          ],
        }))}
      />
    </section>
  );
}

function Calls({ calls, firstMs, limit }: { calls: readonly MpcCalls[]; firstMs: number; limit: number }) {
  const [operation, setOperation] = useChoice<string>('operation', 'all');
  const operations = [...new Set(calls.map((one) => one.operation))].sort();
  const shown = calls.filter((one) => operation === 'all' || one.operation === operation);
  const callers = [...new Set(shown.map(({ caller }) => caller))].sort();
  const colourOf = (caller: string): number => Math.min(callers.indexOf(caller), COLOURS - 1);
  const pairs = [...new Set(shown.map((one) => `${one.caller}\n${one.operation}`))].sort();
  return (
    <>
      {operations.length > 1 && (
        <Choices
          label="Which operation"
          chosen={operation}
          onChoose={setOperation}
          choices={[{ value: 'all', label: 'All' }, ...operations.map((value) => ({ value, label: value }))]}
        />
      )}
      <Chart
        calls={shown}
        firstMs={firstMs}
        colourOf={colourOf}
        limit={operation === 'all' && operations.length > 1 ? undefined : limit}
      />
      <Table
        label="Callers"
        columns={[
          { title: 'Caller', kind: 'main' },
          { title: 'Operation' },
          { title: 'Last hour', kind: 'right' },
          { title: 'Most in a minute', kind: 'minor right' },
          { title: 'Refused', kind: 'minor right' },
          { title: 'Last', kind: 'right' },
        ]}
        rows={pairs.map((id) => {
          const [caller = '', name = ''] = id.split('\n');
          const own = shown.filter((one) => one.caller === caller && one.operation === name);
          return {
            id,
            cells: [
              <span key="caller">
                <span class={`swatch colour-${colourOf(caller)}`} /> {caller}
              </span>,
              name,
              <span key="count" class="num">
                {plural(sum(own, 'count'), 'call')}
              </span>,
              <span key="most" class="num">
                {Math.max(...own.map(({ count }) => count))}
              </span>,
              <span key="refused" class={sum(own, 'refused') > 0 ? 'num problem' : 'num quiet'}>
                {sum(own, 'refused')}
              </span>,
              <span key="last" class="num quiet">
                {formatMoment(Math.max(...own.map(({ minuteMs }) => minuteMs))).replace(/:\d\d$/, '')}
              </span>,
            ],
          };
        })}
      />
    </>
  );
}

const WIDTH = 720;
const HEIGHT = 150;

/** A bar for each minute, with a part for each caller. The table below it says the same in numbers. */
function Chart(props: {
  calls: readonly MpcCalls[];
  firstMs: number;
  colourOf: (caller: string) => number;
  /** Of one operation in a minute, where only one is shown. */
  limit: number | undefined;
}) {
  const { calls, firstMs, colourOf, limit } = props;
  const totals = new Map<number, number>();
  const bars = [...calls]
    .sort((a, b) => colourOf(a.caller) - colourOf(b.caller))
    .map(({ id, minuteMs, caller, count }) => {
      const below = totals.get(minuteMs) ?? 0;
      totals.set(minuteMs, below + count);
      return { id, column: (minuteMs - firstMs) / MINUTE_MS, below, count, colour: colourOf(caller) };
    });
  const peak = Math.max(...totals.values());
  const top = Math.max(10, Math.ceil(peak / 10) * 10);
  const y = (count: number): number => HEIGHT - (count / top) * HEIGHT;
  const step = WIDTH / MINUTES;
  return (
    <figure class="chart">
      <div class="chart-scale num quiet" aria-hidden="true">
        <span>{top}</span>
        <span>0</span>
      </div>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Calls in each of the last ${MINUTES} minutes; the most in one minute: ${peak}`}
      >
        {bars.map(({ id, column, below, count, colour }) => (
          <rect
            key={id}
            class={`colour-${colour}`}
            x={column * step + 1}
            width={step - 2}
            y={y(below + count)}
            height={(count / top) * HEIGHT}
          />
        ))}
        {limit !== undefined && limit <= top && (
          <line class="limit" x1={0} x2={WIDTH} y1={y(limit)} y2={y(limit)} />
        )}
      </svg>
      <figcaption class="num quiet">
        <span>{formatMoment(firstMs).replace(/:\d\d$/, '')}</span>
        <span>{limit === undefined ? 'calls a minute' : `calls a minute, of ${limit} that MPC allows`}</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}

function sum(calls: readonly MpcCalls[], of: 'count' | 'refused'): number {
  return calls.reduce((total, one) => total + one[of], 0);
}
