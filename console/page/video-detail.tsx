import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConsoleState, Frame, Task } from '../server/console-api';
import { cancelTask, fetchExplanation, fetchFrames, snapshotUrl } from './api';
import { Copy, Value } from './copy';
import { ExplanationPanel } from './explanation';
import { useFetched } from './fetched';
import { fileName, formatDuration, formatSize, formatVideoTime } from './format';
import { Moment } from './moment';
import { Action, Badge, Choices, Icon, Key } from './parts';
import { PlayerDialog } from './player-dialog';
import { ResultsPanel } from './results-panel';
import { linkTo, useChoice, useRoute } from './route';
import { useReporter } from './toasts';
import { stageOf, stageOfTask, type Video } from './videos';

/** Everything about one video: its tasks, its frames and what happened to it. */
export function VideoDetail({ video, state }: { video: Video; state: ConsoleState }) {
  const { upload, tasks, bucket, key } = video;
  const { service } = state;
  const { filter } = useRoute();
  const { task: _, ...listFilter } = filter;
  const [chosenId, setChosenId] = useChoice<string>('task', '');
  // A newer task is offered, but does not replace the one on the screen.
  const shownId = useRef<string | undefined>(undefined);
  const task = tasks.find(({ id }) => id === (chosenId || shownId.current)) ?? tasks[0];
  shownId.current = task?.id;
  const stage = stageOf(video);
  const explanation = useFetched(key, video, () => fetchExplanation(key));
  useEffect(() => {
    document.title = `${fileName(key)} · mpc-snapshots`;
  }, [key]);
  return (
    <article class="detail">
      <a class="back" href={linkTo('videos', undefined, listFilter)}>
        <Icon name="back" /> All videos
      </a>
      <header class="detail-head">
        <h2>
          <Key isWhole>{fileName(key)}</Key>
        </h2>
        <Badge kind={stage.kind}>{stage.label}</Badge>
      </header>
      <p class="detail-facts quiet">
        <span class="value">
          <Key isWhole>{`${bucket}/${key}`}</Key>
          <Copy text={`${bucket}/${key}`} what="bucket and key" />
        </span>
        {upload !== undefined && (
          <>
            <span class="num">{formatSize(upload.sizeBytes)}</span>
            <span>
              uploaded <Moment timeMs={upload.lastModifiedMs} />
            </span>
          </>
        )}
      </p>
      <div class="detail-tasks">
        {task === undefined ? (
          <span class="quiet">No task yet</span>
        ) : (
          <Choices
            label="Which task"
            chosen={task.id}
            onChoose={setChosenId}
            choices={tasks.map((one) => ({
              value: one.id,
              label: `${nameOf(one, tasks)} · ${stageOfTask(one).label}`,
            }))}
          />
        )}
      </div>
      {task !== undefined && (
        <TaskPanel
          key={task.id}
          task={task}
          state={state}
          videoKey={upload !== undefined && bucket === service.uploadBucket ? key : undefined}
          canWrite={service.canWrite}
        />
      )}
      {bucket === service.uploadBucket && (
        <section class="panel" aria-label="Why">
          <h3>
            What happened{' '}
            <a class="aside" href={linkTo('explain', key)}>
              link to this
            </a>
          </h3>
          <ExplanationPanel {...explanation} />
        </section>
      )}
    </article>
  );
}

function TaskPanel(props: {
  task: Task;
  state: ConsoleState;
  /** Absent when the video cannot be played. */
  videoKey: string | undefined;
  canWrite: boolean;
}) {
  const { task, state, videoKey, canWrite } = props;
  const reporter = useReporter();
  const [playFromSeconds, setPlayFrom] = useState<number>();
  const version = `${task.status} ${task.frameCount}`;
  const frames = useFetched(task.id, version, () => fetchFrames(task.id));
  const hasFrames = task.frameCount > 0 && !task.isArchive;
  const cancel = (): Promise<void> =>
    reporter.attempt(async () => {
      await cancelTask(task.id);
      return `Task ${task.id} is cancelled.`;
    });
  return (
    <>
      <div class="actions">
        {videoKey !== undefined && (
          <button type="button" class="button main-action" onClick={() => setPlayFrom(0)}>
            <Icon name="play" /> Play{hasFrames && ' with previews'}
          </button>
        )}
        {hasFrames && (
          <>
            <a class="button" href={snapshotUrl(task.id, 'html')} target="_blank" rel="noreferrer">
              <Icon name="sheet" /> Contact sheet
            </a>
            <a class="button" href={snapshotUrl(task.id, 'vtt')} target="_blank" rel="noreferrer">
              Preview track
            </a>
            <a class="button" href={snapshotUrl(task.id, 'poster')} target="_blank" rel="noreferrer">
              Poster
            </a>
          </>
        )}
        {task.status === 'WAITING' && canWrite && (
          <Action class="danger" onAct={cancel}>
            Cancel task
          </Action>
        )}
      </div>
      <section class="panel" aria-label={`Task ${task.id}`}>
        <h3>
          Frames <TaskFacts task={task} tasks={state.tasks} />
        </h3>
        <p class="task-facts quiet">
          <span>
            task <Value text={task.id} what="task id" />
          </span>
          <span>
            {task.capture !== undefined && `capture ${task.capture}, `}created{' '}
            <Moment timeMs={task.createdAtMs} />
          </span>
          {task.endedAtMs !== undefined && (
            <span>
              took <span class="num">{formatDuration(task.endedAtMs - task.createdAtMs)}</span>
            </span>
          )}
        </p>
        {task.status === 'FAILED' && <p class="problem">{task.description}</p>}
        {frames.problem !== undefined && <p class="problem">{frames.problem}</p>}
        {task.isArchive ? (
          <p class="quiet">The pictures are packed into an archive, which is not shown here.</p>
        ) : (
          <Gallery
            task={task}
            frames={frames.value?.frames}
            onPlay={videoKey === undefined ? undefined : setPlayFrom}
          />
        )}
      </section>
      <ResultsPanel task={task} state={state} />
      {playFromSeconds !== undefined && videoKey !== undefined && (
        <PlayerDialog
          videoKey={videoKey}
          trackUrl={hasFrames ? snapshotUrl(task.id, 'vtt') : undefined}
          startSeconds={playFromSeconds}
          onClose={() => setPlayFrom(undefined)}
        />
      )}
    </>
  );
}

/** Where an upload has several captures, each task has the name of its capture. */
function nameOf(task: Task, tasks: readonly Task[]): string {
  const isAlone = tasks.filter(({ capture }) => capture === task.capture).length === 1;
  if (task.capture === undefined) return `Task ${task.id}`;
  return isAlone ? task.capture : `${task.capture} ${task.id}`;
}

function TaskFacts({ task, tasks }: { task: Task; tasks: readonly Task[] }) {
  const position = 1 + tasks.filter(({ status, id }) => status === 'WAITING' && isBefore(id, task.id)).length;
  return (
    <small class="quiet">
      {task.status === 'WAITING' && `number ${position} in the queue`}
      {task.frameCount > 0 && !task.isArchive && task.frameCount}
      {task.status === 'PROCESSING' && ' so far'}
    </small>
  );
}

/** Ids count up, but are texts: of two of the same length the greater is the later. */
function isBefore(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length;
}

/** Announced frames that are not here yet keep their places, so that nothing moves when they come. */
function Gallery(props: {
  task: Task;
  frames: readonly Frame[] | undefined;
  onPlay: ((seconds: number) => void) | undefined;
}) {
  const { task, frames = [], onPlay } = props;
  const missing = Math.max(0, task.frameCount - frames.length);
  if (frames.length + missing === 0) {
    return (
      <p class="quiet">
        {task.endedAtMs === undefined ? 'Frames appear here as they are made.' : 'There are no frames.'}
      </p>
    );
  }
  return (
    <ul class="gallery">
      {frames.map((frame) => (
        <li key={frame.name}>
          <FrameView frame={frame} onPlay={onPlay} />
        </li>
      ))}
      {Array.from({ length: missing }, (_, index) => (
        <li key={`missing ${index}`} aria-hidden="true">
          <div class="picture skeleton" />
          <span class="caption">&nbsp;</span>
        </li>
      ))}
    </ul>
  );
}

function FrameView({ frame, onPlay }: { frame: Frame; onPlay: ((seconds: number) => void) | undefined }) {
  const { name, timeSeconds, url } = frame;
  const label = timeSeconds === null ? name : formatVideoTime(timeSeconds);
  const picture = <img src={url} alt={`Frame at ${label}`} loading="lazy" decoding="async" />;
  return (
    <>
      {onPlay !== undefined && timeSeconds !== null ? (
        <button
          type="button"
          class="picture"
          aria-label={`Play from ${label}`}
          onClick={() => onPlay(timeSeconds)}
        >
          {picture}
        </button>
      ) : (
        <div class="picture">{picture}</div>
      )}
      <a class="caption" href={url} target="_blank" rel="noreferrer" title={name}>
        <span class="num">{label}</span>
      </a>
    </>
  );
}
