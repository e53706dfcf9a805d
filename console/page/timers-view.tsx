import type { ConsoleState, Timer } from '../server/console-api';
import { fireTimer } from './api';
import { Moment } from './moment';
import { Action, Empty, ViewHead } from './parts';
import { Table } from './table';
import { useReporter } from './toasts';

/** Timer triggers and when they fire. */
export function TimersView({ state: { timers, service } }: { state: ConsoleState }) {
  return (
    <>
      <ViewHead title="Timers" />
      <p class="lead">
        The sweep starts waiting uploads and finds uploads whose event was lost. The clean-up cancels tasks
        that have waited too long. Finish looks for ended tasks and sends notices.
      </p>
      {timers.length === 0 ? (
        <Empty title="No timers">No function has a timer trigger.</Empty>
      ) : (
        <Table
          label="Timers"
          columns={[
            { title: 'Timer' },
            { title: 'Function' },
            { title: 'Schedule', kind: 'main' },
            { title: 'Next', kind: 'right' },
            ...(service.canWrite ? [{ title: '', kind: 'act' as const }] : []),
          ]}
          rows={timers.map((timer) => ({
            id: `${timer.functionName} ${timer.name}`,
            cells: [
              <b key="name">{timer.name}</b>,
              timer.functionName,
              <span key="schedule" class="mono">
                {timer.schedule}
              </span>,
              <Next key="next" timer={timer} />,
              ...(service.canWrite ? [<Fire key="fire" timer={timer} />] : []),
            ],
          }))}
        />
      )}
    </>
  );
}

function Next({ timer: { nextAtMs, isActive } }: { timer: Timer }) {
  if (nextAtMs !== undefined) return <Moment timeMs={nextAtMs} />;
  return <span class="quiet">{isActive ? 'never' : 'off'}</span>;
}

function Fire({ timer: { functionName, name } }: { timer: Timer }) {
  const reporter = useReporter();
  const fire = (): Promise<void> =>
    reporter.attempt(async () => {
      const { requestId } = await fireTimer({ functionName, timer: name });
      return `${name} has fired: invocation ${requestId}.`;
    });
  return <Action onAct={fire}>Fire now</Action>;
}
