import { useState } from 'preact/hooks';
import type { ConsoleState, Notice, PublishedFile, Task } from '../server/console-api';
import { fetchResults, sendNotice } from './api';
import { Copy, Value } from './copy';
import { embedSnippet, PLAYERS, type PlayerName } from './embed';
import { useFetched } from './fetched';
import { formatSize, plural } from './format';
import { Moment } from './moment';
import { Action, Badge, Choices, Icon } from './parts';
import { Table } from './table';
import { useReporter } from './toasts';
import type { Stage } from './videos';

/** What a task left for sites and players, and its notices. */
export function ResultsPanel({ task, state }: { task: Task; state: ConsoleState }) {
  const { value, problem } = useFetched(task.id, `${task.status} ${task.publishedFiles}`, () =>
    fetchResults(task.id),
  );
  const notices = state.notices.filter((notice) => notice.task === task.id);
  return (
    <>
      <section class="panel" aria-label="Published files">
        <h3>Files beside the pictures</h3>
        {problem !== undefined && <p class="problem">{problem}</p>}
        {value === undefined ? (
          problem === undefined && <div class="skeleton files-skeleton" aria-hidden="true" />
        ) : (
          <Files files={value.files} task={task} />
        )}
      </section>
      {value !== undefined && task.status === 'SUCCEEDED' && !task.isArchive && (
        <Embed addresses={value.embed} />
      )}
      <section class="panel" aria-label="Webhook">
        <h3>Webhook</h3>
        {notices.length === 0 ? (
          <p class="quiet">{whyNoNotice(state)}</p>
        ) : (
          <Notices notices={notices} canWrite={state.service.canWrite} />
        )}
      </section>
    </>
  );
}

function Files({ files, task }: { files: readonly PublishedFile[]; task: Task }) {
  if (files.length === 0) {
    const isOpen = task.endedAtMs === undefined;
    return (
      <p class="quiet">
        {isOpen
          ? 'Files are written when the task has ended.'
          : 'None. docs/results-players-and-cdn.md says when files are published.'}
      </p>
    );
  }
  return (
    <ul class="files">
      {files.map(({ name, what, sizeBytes, address, url }) => (
        <li key={name}>
          <a href={url} target="_blank" rel="noreferrer">
            {name}
          </a>
          <span class="quiet">{what}</span>
          <span class="quiet num right">{formatSize(sizeBytes)}</span>
          <Copy text={address} what={`address of ${name}`} />
        </li>
      ))}
    </ul>
  );
}

function Embed({ addresses }: { addresses: Parameters<typeof embedSnippet>[1] }) {
  const [player, setPlayer] = useState<PlayerName>('plyr');
  const snippet = embedSnippet(player, addresses);
  return (
    <section class="panel" aria-label="Embed">
      <h3>Embed in your page</h3>
      <div class="toolbar">
        <Choices label="Which player" choices={PLAYERS} chosen={player} onChoose={setPlayer} />
        <Copy text={snippet} what="snippet" label="Copy" />
      </div>
      <section class="text" aria-label="Snippet">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre class="snippet" tabIndex={0}>
          {snippet}
        </pre>
      </section>
      <p class="quiet note">
        {addresses.note}
        {player === 'video' &&
          ' Browsers show no previews by themselves; your script finds the track by its label. The track needs crossorigin, so the video’s bucket needs a CORS rule for your page.'}
      </p>
    </section>
  );
}

const NOTICE_STATES: Record<Notice['state'], { kind: Stage['kind']; label: string }> = {
  due: { kind: 'waiting', label: 'Due' },
  retrying: { kind: 'waiting', label: 'Retrying' },
  sent: { kind: 'good', label: 'Sent' },
  given_up: { kind: 'bad', label: 'Given up' },
  gone: { kind: 'idle', label: 'Sent or given up' },
};

function Notices({ notices, canWrite }: { notices: readonly Notice[]; canWrite: boolean }) {
  return (
    <Table
      label="Deliveries"
      columns={[
        { title: 'Notice', kind: 'main' },
        { title: 'State' },
        { title: 'Attempts' },
        { title: 'Last answer' },
        { title: 'Next', kind: 'right' },
        ...(canWrite ? [{ title: '', kind: 'act' as const }] : []),
      ]}
      rows={notices.map((notice) => {
        const { id, type, state, attempts, lastAnswer, lastAttemptAtMs, nextAttemptAtMs } = notice;
        return {
          id,
          cells: [
            <span key="id" class="notice">
              {type} <Value text={id} what="webhook-id" />
            </span>,
            <Badge key="state" kind={NOTICE_STATES[state].kind}>
              {NOTICE_STATES[state].label}
            </Badge>,
            <span key="attempts" class="num">
              {plural(attempts, 'attempt')}
            </span>,
            lastAnswer !== undefined && (
              <span class="quiet answer">
                {lastAnswer} {lastAttemptAtMs !== undefined && <Moment timeMs={lastAttemptAtMs} />}
              </span>
            ),
            nextAttemptAtMs !== undefined && <Moment timeMs={nextAttemptAtMs} />,
            ...(canWrite ? [<SendAgain key="again" notice={notice} />] : []),
          ],
        };
      })}
    />
  );
}

function SendAgain({ notice: { id } }: { notice: Notice }) {
  const reporter = useReporter();
  const send = (): Promise<void> =>
    reporter.attempt(async () => {
      const { requestId } = await sendNotice({ notice: id });
      return requestId === undefined
        ? 'The next run of on-finish sends it, within a minute.'
        : `on-finish sends it: invocation ${requestId}.`;
    });
  return (
    <Action onAct={send}>
      <Icon name="repeat" /> Send again
    </Action>
  );
}

function whyNoNotice({ settings, service }: ConsoleState): string {
  if (service.kind === 'deployed') return 'No notice of this task is waiting. Sent notices leave no record.';
  const isSet = settings.some(({ userData }) => userData.NOTIFY_URL);
  return isSet
    ? 'No notice yet.'
    : `NOTIFY_URL is not set, so no notice is sent. docs/webhooks.md says how to set it; ${service.commands.listen} starts a receiver to try it with.`;
}
