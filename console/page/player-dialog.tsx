import { useEffect, useRef, useState } from 'preact/hooks';
import { videoUrl } from './api';
import { fileName } from './format';
import { Icon, Key } from './parts';

interface PlayerDialogProps {
  videoKey: string;
  /** Preview track for the progress bar, WebVTT; absent when there are no frames. */
  trackUrl: string | undefined;
  startSeconds: number;
  onClose: () => void;
}

/** The video in a player. The player's code is loaded when it is first needed. */
export function PlayerDialog({ videoKey, trackUrl, startSeconds, onClose }: PlayerDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    dialog.current?.showModal();
    let isOpen = true;
    let destroy = (): void => {};
    import('./player')
      .then(({ openPlayer }) => {
        if (!isOpen || stage.current === null) return;
        destroy = openPlayer(stage.current, {
          source: videoUrl(videoKey),
          trackUrl,
          startSeconds,
          onUnplayable: () => setProblem('This browser cannot play the video. Its frames are still shown.'),
        });
      })
      .catch(() => setProblem('The player could not be loaded: the console’s server does not answer.'));
    return () => {
      isOpen = false;
      destroy();
    };
  }, []);
  return (
    <dialog class="player" ref={dialog} aria-label={`Player: ${fileName(videoKey)}`} onClose={onClose}>
      <header>
        <h2>
          <Key isWhole>{fileName(videoKey)}</Key>
        </h2>
        <button
          type="button"
          class="button quiet"
          aria-label="Close the player"
          onClick={() => dialog.current?.close()}
        >
          <Icon name="close" />
        </button>
      </header>
      {problem !== undefined && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <div class="stage" ref={stage} />
      <p class="quiet player-hint">
        {trackUrl === undefined
          ? 'No frames for the progress bar yet.'
          : 'Point at the progress bar to see the frames.'}
      </p>
    </dialog>
  );
}
