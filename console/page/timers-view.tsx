import type { ConsoleState, Timer } from '../server/console-api';
import { fireTimer } from './api';
import { formatDuration } from './format';
import { Action, Empty, Moment, useNow, ViewHead } from './parts';
import { useTeller } from './toasts';

/** Timer triggers and when they fire. */
export function TimersView({ state: { timers, service } }: { state: ConsoleState }) {
  const nowMs = useNow(1000);
  return (
    <>
      <ViewHead title="Timers" />
      <p class="lead">
        The sweep looks for uploads whose event was lost; the clean-up cancels tasks that have waited too
        long.
      </p>
      {timers.length === 0 ? (
        <Empty title="No timer">No function has a timer trigger.</Empty>
      ) : (
        <ul class="cards">
          {timers.map((timer) => (
            <TimerCard
              key={`${timer.functionName} ${timer.name}`}
              timer={timer}
              nowMs={nowMs}
              canWrite={service.canWrite}
            />
          ))}
        </ul>
      )}
    </>
  );
}

function TimerCard({ timer, nowMs, canWrite }: { timer: Timer; nowMs: number; canWrite: boolean }) {
  const teller = useTeller();
  const { functionName, name, schedule, isActive, nextAtMs } = timer;
  const fire = (): Promise<void> =>
    teller.attempt(async () => {
      const { requestId } = await fireTimer({ functionName, timer: name });
      return `${name} has fired: invocation ${requestId}.`;
    });
  return (
    <li class="card">
      <h2>{name}</h2>
      <dl class="facts">
        <dt>Function</dt>
        <dd>{functionName}</dd>
        <dt>Schedule</dt>
        <dd class="mono">{schedule}</dd>
        <dt>Next</dt>
        <dd class="num">
          {nextAtMs === undefined ? (
            isActive ? (
              'never'
            ) : (
              'switched off'
            )
          ) : (
            <>
              <Moment timeMs={nextAtMs} /> <span class="quiet">in {formatWait(nextAtMs - nowMs)}</span>
            </>
          )}
        </dd>
      </dl>
      {canWrite && <Action onAct={fire}>Fire now</Action>}
    </li>
  );
}

/** Whole seconds: the text changes once a second. */
function formatWait(waitMs: number): string {
  const seconds = Math.max(0, Math.round(waitMs / 1000));
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1000);
}
