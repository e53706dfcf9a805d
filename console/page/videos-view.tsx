import { useEffect, useMemo, useState } from 'preact/hooks';
import type { ConsoleState, Service } from '../server/console-api';
import { Begin } from './connect';
import { formatSize } from './format';
import { Choices, Empty, Icon, Key, Search, useGrowing, ViewHead } from './parts';
import { fits, linkTo, useChoice, useRoute, useSearchText } from './route';
import type { Transfer, Transfers } from './transfers';
import { VideoDetail } from './video-detail';
import { VideoRow } from './video-row';
import { type Stage, stageOf, type Video } from './videos';

const ROWS_AT_ONCE = 60;
type Choice = 'all' | 'open' | 'good' | 'other';

const CHOICE_OF: Record<Stage['kind'], Choice> = {
  waiting: 'open',
  working: 'open',
  good: 'good',
  bad: 'other',
  idle: 'other',
};

/** Videos, how far each one is, and the one that is selected. */
export function VideosView(props: {
  state: ConsoleState;
  videos: ReadonlyMap<string, Video>;
  transfers: Transfers;
  selected: string | undefined;
}) {
  const { state, videos, transfers, selected } = props;
  const { service } = state;
  const video = selected === undefined ? undefined : videos.get(selected);
  const visibleTransfers = useVisibleTransfers(transfers, videos, service);
  return (
    <div class={selected === undefined ? 'videos' : 'videos with-detail'}>
      <section class="videos-list" aria-label="List of videos">
        <ViewHead title="Videos" />
        {service.canWrite && <DropZone service={service} onFiles={transfers.add} />}
        <VideoList
          videos={videos}
          transfers={visibleTransfers}
          onRemoveTransfer={transfers.remove}
          selected={selected}
          service={service}
        />
      </section>
      {selected !== undefined && (
        <section class="videos-detail" aria-label="Selected video">
          {video === undefined ? (
            <Empty title="This video is gone">
              <a href={linkTo('videos')}>All videos</a>
            </Empty>
          ) : (
            <VideoDetail key={video.id} video={video} state={state} />
          )}
        </section>
      )}
    </div>
  );
}

/** A transfer is shown until its video is in the list. */
function useVisibleTransfers(
  { list, remove }: Transfers,
  videos: ReadonlyMap<string, Video>,
  { uploadBucket }: Service,
): readonly Transfer[] {
  const hasArrived = ({ state, key }: Transfer): boolean =>
    state === 'sent' && videos.get(`${uploadBucket}/${key}`)?.upload !== undefined;
  useEffect(() => {
    for (const transfer of list) if (hasArrived(transfer)) remove(transfer.id);
  }, [list, videos]);
  return list.filter((transfer) => !hasArrived(transfer));
}

/** Files can be dropped anywhere on the page; this says so. */
function DropZone({ service, onFiles }: { service: Service; onFiles: (files: Iterable<File>) => void }) {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
    const over = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      // Without a related target the pointer has left the window.
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      onFiles(event.dataTransfer?.files ?? []);
    };
    addEventListener('dragover', over);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', over);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
    };
  }, [onFiles]);
  return (
    <label class={isOver ? 'drop over' : 'drop'}>
      <Icon name="upload" />
      <span>
        <b>Drop videos anywhere</b> <span class="drop-or">or choose files</span>
        <small>
          Uploaded to <code>{`${service.uploadBucket}/${service.uploadPrefix}`}</code>
        </small>
      </span>
      <input
        type="file"
        accept="video/*,.mkv,.mxf,.flv,.ts"
        multiple
        onChange={({ currentTarget }) => {
          onFiles(currentTarget.files ?? []);
          currentTarget.value = '';
        }}
      />
    </label>
  );
}

function VideoList(props: {
  videos: ReadonlyMap<string, Video>;
  transfers: readonly Transfer[];
  onRemoveTransfer: (id: number) => void;
  selected: string | undefined;
  service: Service;
}) {
  const { videos, transfers, onRemoveTransfer, selected, service } = props;
  const { filter } = useRoute();
  const [text, setText] = useSearchText();
  const [choice, setChoice] = useChoice<Choice>('show', 'all');
  const all = useMemo(
    () => [...videos.values()].map((video) => ({ video, choice: CHOICE_OF[stageOf(video).kind] })),
    [videos],
  );
  const count = (wanted: Choice): number => all.filter((entry) => entry.choice === wanted).length;
  const isWanted = fits(text);
  const found = all.filter(
    (entry) =>
      (choice === 'all' || entry.choice === choice) &&
      (isWanted(entry.video.key) || entry.video.tasks.some(({ id }) => id === text.trim())),
  );
  // Which task is shown is chosen for each video.
  const { task: _, ...listFilter } = filter;
  const { shown, end } = useGrowing(found.length, ROWS_AT_ONCE);
  if (all.length === 0 && transfers.length === 0) return <Begin service={service} />;
  return (
    <>
      <div class="toolbar">
        <Choices
          label="Which videos"
          chosen={choice}
          onChoose={setChoice}
          choices={[
            { value: 'all', label: 'All', count: all.length },
            { value: 'open', label: 'In progress', count: count('open') },
            { value: 'good', label: 'Captured', count: count('good') },
            { value: 'other', label: 'Not captured', count: count('other') },
          ]}
        />
        <Search label="Key or task id" value={text} onInput={setText} />
      </div>
      <ul class="rows">
        {transfers.map((transfer) => (
          <TransferRow key={transfer.id} transfer={transfer} onRemove={onRemoveTransfer} />
        ))}
        {found.slice(0, shown).map(({ video }) => (
          <VideoRow
            key={video.id}
            video={video}
            isSelected={video.id === selected}
            href={linkTo('videos', video.id, listFilter)}
          />
        ))}
      </ul>
      {end}
      {found.length === 0 && transfers.length === 0 && (
        <Empty title="No video matches">Try another part of the key, or another filter.</Empty>
      )}
    </>
  );
}

function TransferRow({ transfer, onRemove }: { transfer: Transfer; onRemove: (id: number) => void }) {
  const { id, name, sizeBytes, share, state, problem } = transfer;
  const percent = Math.floor(share * 100);
  return (
    <li class="row transfer">
      <div class="cover">
        <Icon name="upload" />
      </div>
      <div class="row-main">
        <span class="row-key">
          <Key>{name}</Key>
        </span>
        {problem === undefined ? (
          <progress aria-label={`Upload of ${name}`} max={100} value={percent} />
        ) : (
          <span class="problem">{problem}</span>
        )}
      </div>
      <div class="row-side">
        <span class="num quiet">
          {state === 'queued' && 'Queued'}
          {state === 'sending' && `${percent} % of ${formatSize(sizeBytes)}`}
          {state === 'sent' && 'Uploaded'}
          {state === 'failed' && 'Not uploaded'}
        </span>
        {state !== 'sent' && (
          <button
            type="button"
            class="button quiet"
            aria-label={state === 'failed' ? `Dismiss ${name}` : `Stop uploading ${name}`}
            onClick={() => onRemove(id)}
          >
            <Icon name="close" />
          </button>
        )}
      </div>
    </li>
  );
}
