import { Component } from 'preact';
import { pictureUrl } from './api';
import { formatDuration, formatSize, plural } from './format';
import { Elapsed, Moment } from './moment';
import { Badge, Icon, Key } from './parts';
import { arrivedAtMs, stageOf, type Video } from './videos';

interface VideoRowProps {
  video: Video;
  isSelected: boolean;
  href: string;
}

/** One video in the list. There may be thousands: one is drawn again only when it has changed. */
export class VideoRow extends Component<VideoRowProps> {
  override shouldComponentUpdate({ video, isSelected, href }: VideoRowProps): boolean {
    const old = this.props;
    return video !== old.video || isSelected !== old.isSelected || href !== old.href;
  }

  render({ video, isSelected, href }: VideoRowProps) {
    const { upload, tasks, key } = video;
    const stage = stageOf(video);
    const task = tasks.find(({ cover }) => cover !== undefined);
    return (
      <li class="row">
        <a class="row-link" href={href} aria-current={isSelected ? 'true' : undefined}>
          <div class="cover">
            {task?.cover === undefined ? (
              <Icon name="film" />
            ) : (
              <img src={pictureUrl(task.id, task.cover)} alt="" loading="lazy" decoding="async" />
            )}
          </div>
          <div class="row-main">
            <span class="row-key">
              <Key>{key}</Key>
            </span>
            <span class="row-facts quiet">
              {upload !== undefined && <span class="num">{formatSize(upload.sizeBytes)}</span>}
              <Moment timeMs={arrivedAtMs(video)} />
              {tasks.length > 1 && <span>{plural(tasks.length, 'task')}</span>}
            </span>
          </div>
          <div class="row-side">
            <Badge kind={stage.kind}>{stage.label}</Badge>
            <span class="row-note quiet" title={stage.note}>
              {stage.note}
              <Took video={video} />
            </span>
          </div>
        </a>
      </li>
    );
  }
}

/** How long the newest task took, or has been running. */
function Took({ video }: { video: Video }) {
  const [task] = video.tasks;
  if (task === undefined) return null;
  if (task.endedAtMs === undefined) {
    return (
      <>
        {task.frameCount > 0 && ' · '}
        <Elapsed sinceMs={task.createdAtMs} />
      </>
    );
  }
  if (task.status !== 'SUCCEEDED') return null;
  return <span class="num"> · {formatDuration(task.endedAtMs - task.createdAtMs)}</span>;
}
