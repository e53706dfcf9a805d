import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type {
  AttemptDetail,
  ConsoleState,
  Invocation,
  InvocationState,
  ObjectEvent,
  RequestEntry,
} from '../server/console-api';
import { fetchInvocation } from './api';
import { useFetched } from './fetched';
import { formatDuration, plural } from './format';
import { Badge, Choices, Empty, Key, Moment, Search, useGrowing, ViewHead } from './parts';
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
  const [functionName, setFunctionName] = useState('all');
  const [text, setText] = useState('');
  const names = [...new Set(invocations.map((invocation) => invocation.functionName))].sort();
  const wanted = text.trim().toLowerCase();
  const found = invocations.filter(
    (invocation) =>
      (functionName === 'all' || invocation.functionName === functionName) &&
      (wanted === '' ||
        `${invocation.requestId} ${invocation.trigger} ${invocation.state} ${subjects.get(invocation.requestId)}`
          .toLowerCase()
          .includes(wanted)),
  );
  const { shown, end } = useGrowing(found.length, ROWS_AT_ONCE);
  const visible = found.slice(0, shown);
  const linked = invocations.find(({ requestId }) => requestId === selected);
  // Whoever followed a link wants to see that one, however long ago it was.
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
        <Empty title="No invocation">
          Functions run when a video is uploaded, a timer fires or the API is called.
        </Empty>
      ) : (
        <div class="table invocations">
          <div class="table-head" aria-hidden="true">
            <span>Function</span>
            <span>State</span>
            <span>About</span>
            <span>Trigger</span>
            <span class="right">Duration</span>
            <span>Start</span>
            <span class="right">Accepted</span>
          </div>
          {listed.map((invocation) => (
            <InvocationEntry
              key={invocation.requestId}
              invocation={invocation}
              subject={subjects.get(invocation.requestId)}
              isLinked={invocation.requestId === selected}
            />
          ))}
        </div>
      )}
      {end}
    </>
  );
}

/** What each invocation was about, by request id: the key of the object, or the request that API Gateway handed on. */
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

function InvocationEntry(props: { invocation: Invocation; subject: string | undefined; isLinked: boolean }) {
  const { invocation, subject, isLinked } = props;
  const [isOpen, setOpen] = useState(isLinked);
  const element = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (!isLinked) return;
    setOpen(true);
    element.current?.scrollIntoView({ block: 'center' });
  }, [isLinked]);
  const { functionName, trigger, state, acceptedAtMs, attempts, requestId } = invocation;
  const last = attempts.at(-1);
  const { kind, label } = INVOCATION_STATES[state];
  const retries = attempts.length - 1;
  return (
    <details
      ref={element}
      class="entry"
      open={isOpen}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary>
        <b>{functionName}</b>
        <span>
          <Badge kind={kind}>{label}</Badge>
          {retries > 0 && <span class="badge waiting">{plural(retries, 'retry', 'retries')}</span>}
        </span>
        <span class="subject">{subject !== undefined && <Key>{subject}</Key>}</span>
        <span class="quiet">{trigger}</span>
        <span class="right num">{last?.durationMs !== undefined && formatDuration(last.durationMs)}</span>
        <span class="quiet">{last?.isCold !== undefined && (last.isCold ? 'cold' : 'warm')}</span>
        <span class="right">
          <Moment timeMs={acceptedAtMs} />
        </span>
      </summary>
      {isOpen && <InvocationBody requestId={requestId} invocation={invocation} />}
    </details>
  );
}

function InvocationBody({ requestId, invocation }: { requestId: string; invocation: Invocation }) {
  const { value, problem } = useFetched(requestId, invocation, () => fetchInvocation(requestId));
  return (
    <div class="entry-body">
      <p class="quiet">
        Request <code>{requestId}</code>
      </p>
      {invocation.discardReason !== undefined && <p class="problem">{invocation.discardReason}</p>}
      {problem !== undefined && <p class="problem">{problem}</p>}
      {value === undefined && problem === undefined && (
        <div class="skeleton log-skeleton" aria-hidden="true" />
      )}
      {value?.attempts.map((attempt) => (
        <AttemptView key={attempt.number} attempt={attempt} isOnly={value.attempts.length === 1} />
      ))}
      {value !== undefined && <Text title="Event" text={pretty(value.event)} />}
    </div>
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
      <h3>
        {isOnly ? 'Log' : `Attempt ${number}`}{' '}
        <small class="quiet">
          <Moment timeMs={startedAtMs} />
          {facts.map((fact) => ` · ${fact}`)}
        </small>
      </h3>
      {log.length === 0 ? (
        <p class="quiet">Nothing was logged.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <ol class="log" tabIndex={0} aria-label="Log lines">
          {log.map((line, index) => (
            <li key={index} class={line.level.toLowerCase()}>
              <Moment timeMs={line.timeMs} />
              <span class="level">{line.level}</span>
              <bdi>{line.text}</bdi>
            </li>
          ))}
        </ol>
      )}
      {result !== undefined && <Text title={isError ? 'Error' : 'Result'} text={pretty(result)} />}
    </section>
  );
}

/** A longer text in a box of its own. */
export function Text({ title, text }: { title: string; text: string }) {
  return (
    <section class="text" aria-label={title}>
      <h3>{title}</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{text}</pre>
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
