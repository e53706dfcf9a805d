import { useMemo } from 'preact/hooks';
import type {
  AttemptDetail,
  ConsoleState,
  Invocation,
  InvocationState,
  ObjectEvent,
  RequestEntry,
} from '../server/console-api';
import { fetchInvocation } from './api';
import { TextBox, Value } from './copy';
import { useFetched } from './fetched';
import { formatDuration, plural } from './format';
import { Moment } from './moment';
import { Badge, Choices, Empty, Key, Search, useGrowing, ViewHead } from './parts';
import { fits, useChoice, useSearchText } from './route';
import { Table } from './table';
import type { Stage } from './videos';

export const INVOCATION_STATES: Record<InvocationState, { kind: Stage['kind']; label: string }> = {
  queued: { kind: 'waiting', label: 'Queued' },
  running: { kind: 'working', label: 'Running' },
  retrying: { kind: 'waiting', label: 'Retrying' },
  succeeded: { kind: 'good', label: 'Succeeded' },
  failed: { kind: 'bad', label: 'Failed' },
  discarded: { kind: 'bad', label: 'Discarded' },
};

const ROWS_AT_ONCE = 100;

/** What the functions did, with their logs. */
export function InvocationsView({ state, selected }: { state: ConsoleState; selected: string | undefined }) {
  const { invocations, events, requests } = state;
  const subjects = useMemo(() => subjectsOf(events, requests), [events, requests]);
  const aboutOf = ({ requestId, about }: Invocation): string | undefined => about ?? subjects.get(requestId);
  const [functionName, setFunctionName] = useChoice<string>('function', 'all');
  const [text, setText] = useSearchText();
  const names = [...new Set(invocations.map((invocation) => invocation.functionName))].sort();
  const isWanted = fits(text);
  const found = invocations.filter(
    (invocation) =>
      (functionName === 'all' || invocation.functionName === functionName) &&
      isWanted(`${invocation.requestId} ${invocation.trigger} ${invocation.state} ${aboutOf(invocation)}`),
  );
  const { shown, end } = useGrowing(found.length, ROWS_AT_ONCE);
  const visible = found.slice(0, shown);
  const linked = invocations.find(({ requestId }) => requestId === selected);
  // A link leads to its invocation, however old that is.
  const listed = linked !== undefined && !visible.includes(linked) ? [linked, ...visible] : visible;
  return (
    <>
      <ViewHead title="Invocations" />
      <div class="toolbar">
        <Choices
          label="Which function"
          chosen={functionName}
          onChoose={setFunctionName}
          choices={[{ value: 'all', label: 'All' }, ...names.map((value) => ({ value, label: value }))]}
        />
        <Search label="Key, request id or state" value={text} onInput={setText} />
      </div>
      {listed.length === 0 ? (
        <Empty title={invocations.length === 0 ? 'No invocation yet' : 'No invocation matches'}>
          Functions run when a video is uploaded, a timer fires or the API is called.
        </Empty>
      ) : (
        <Table
          label="Invocations"
          openId={selected}
          columns={[
            { title: 'Function' },
            { title: 'State' },
            { title: 'About', kind: 'main' },
            { title: 'Trigger', kind: 'minor' },
            { title: 'Duration', kind: 'right' },
            { title: 'Start', kind: 'minor' },
            { title: 'Accepted', kind: 'right' },
          ]}
          rows={listed.map((invocation) => rowOf(invocation, aboutOf(invocation)))}
        />
      )}
      {end}
    </>
  );
}

/** What each invocation was about, by request id: the key of the object, or the request that API Gateway forwarded. */
function subjectsOf(events: readonly ObjectEvent[], requests: readonly RequestEntry[]): Map<string, string> {
  const subjects = new Map<string, string>();
  for (const { key, deliveries } of events) {
    for (const { requestId } of deliveries) subjects.set(requestId, key);
  }
  for (const { invocationId, method, path } of requests) {
    if (invocationId !== undefined) subjects.set(invocationId, `${method} ${path}`);
  }
  return subjects;
}

function rowOf(invocation: Invocation, subject: string | undefined) {
  const { functionName, trigger, state, acceptedAtMs, attempts, requestId } = invocation;
  const last = attempts.at(-1);
  const { kind, label } = INVOCATION_STATES[state];
  const retries = attempts.length - 1;
  return {
    id: requestId,
    cells: [
      <b key="name">{functionName}</b>,
      <>
        <Badge kind={kind}>{label}</Badge>
        {retries > 0 && <span class="badge waiting">{plural(retries, 'retry', 'retries')}</span>}
      </>,
      subject !== undefined && <Key>{readable(subject)}</Key>,
      <span key="trigger" class="quiet">
        {trigger}
      </span>,
      last?.durationMs !== undefined && <span class="num">{formatDuration(last.durationMs)}</span>,
      last?.isCold !== undefined && <span class="quiet">{last.isCold ? 'cold' : 'warm'}</span>,
      <Moment key="time" timeMs={acceptedAtMs} />,
    ],
    body: () => <InvocationBody requestId={requestId} invocation={invocation} subject={subject} />,
  };
}

/** A request without the escapes of its address, for people. Keys stay as they are. */
function readable(subject: string): string {
  if (!/^[A-Z]+ \//.test(subject)) return subject;
  try {
    return decodeURIComponent(subject);
  } catch {
    return subject;
  }
}

function InvocationBody(props: { requestId: string; invocation: Invocation; subject: string | undefined }) {
  const { requestId, invocation, subject } = props;
  const { value, problem } = useFetched(requestId, invocation, () => fetchInvocation(requestId));
  return (
    <>
      <dl class="facts">
        <dt>Request</dt>
        <dd>
          <Value text={requestId} what="request id" />
        </dd>
        <dt>Trigger</dt>
        <dd>{invocation.trigger}</dd>
        {subject !== undefined && (
          <>
            <dt>About</dt>
            <dd>
              <Value text={subject} what="what it is about" />
            </dd>
          </>
        )}
      </dl>
      {invocation.discardReason !== undefined && <p class="problem">{invocation.discardReason}</p>}
      {problem !== undefined && <p class="problem">{problem}</p>}
      {value === undefined && problem === undefined && (
        <div class="skeleton log-skeleton" aria-hidden="true" />
      )}
      {value?.attempts.map((attempt) => (
        <AttemptView key={attempt.number} attempt={attempt} isOnly={value.attempts.length === 1} />
      ))}
      {value !== undefined && <TextBox title="Event" text={pretty(value.event)} />}
    </>
  );
}

function AttemptView({ attempt, isOnly }: { attempt: AttemptDetail; isOnly: boolean }) {
  const { number, startedAtMs, durationMs, memoryMb, isCold, isError, log = [], result } = attempt;
  const facts = [
    durationMs !== undefined && formatDuration(durationMs),
    memoryMb !== undefined && `${Math.round(memoryMb)} MB`,
    isCold !== undefined && (isCold ? 'cold start' : 'warm'),
  ].filter((fact) => fact !== false);
  return (
    <section class="attempt" aria-label={`Attempt ${number}`}>
      <h2>
        {isOnly ? 'Log' : `Attempt ${number}`}{' '}
        <small class="quiet">
          <Moment timeMs={startedAtMs} isExact />
          {facts.map((fact) => ` · ${fact}`)}
        </small>
      </h2>
      {log.length === 0 ? (
        <p class="quiet">Nothing was logged.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section class="log" tabIndex={0} aria-label={`Log lines of attempt ${number}`}>
          <ol>
            {log.map((line, index) => (
              <li key={index} class={line.level.toLowerCase()}>
                <Moment timeMs={line.timeMs} isExact />
                <span class="level">{line.level}</span>
                <bdi>{line.text}</bdi>
              </li>
            ))}
          </ol>
        </section>
      )}
      {result !== undefined && (
        <TextBox
          title={`${isError ? 'Error' : 'Result'}${isOnly ? '' : ` of attempt ${number}`}`}
          text={pretty(result)}
        />
      )}
    </section>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
