import Plyr from 'plyr';

export interface PlayerOptions {
  source: string;
  trackUrl: string | undefined;
  startSeconds: number;
  onUnplayable: () => void;
}

/**
 * Puts a player into an empty element.
 *
 * @returns how to take it away again
 */
export function openPlayer(stage: HTMLElement, options: PlayerOptions): () => void {
  const { source, trackUrl, startSeconds, onUnplayable } = options;
  loadStyles();
  const video = document.createElement('video');
  video.playsInline = true;
  video.preload = 'metadata';
  video.addEventListener('error', onUnplayable);
  video.addEventListener(
    'loadedmetadata',
    () => {
      video.currentTime = startSeconds;
    },
    { once: true },
  );
  video.src = source;
  stage.append(video);
  const player = new Plyr(video, {
    controls: [
      'play-large',
      'play',
      'progress',
      'current-time',
      'duration',
      'mute',
      'volume',
      'settings',
      'fullscreen',
    ],
    settings: ['speed'],
    ratio: '16:9',
    iconUrl: 'player.svg',
    // The defaults are addresses on a server of the player's makers.
    blankVideo: 'data:,',
    storage: { enabled: false },
    keyboard: { focused: true, global: false },
    tooltips: { controls: false, seek: true },
    previewThumbnails: { enabled: trackUrl !== undefined, src: trackUrl ?? '' },
  });
  return () => {
    player.destroy();
    video.removeAttribute('src');
    // Ends the download.
    video.load();
    stage.replaceChildren();
  };
}

function loadStyles(): void {
  const href = 'player.css';
  if (document.querySelector(`link[href="${href}"]`) !== null) return;
  document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href }));
}
