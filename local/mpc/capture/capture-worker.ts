/** The program of a capture worker: a child process that takes pictures of videos, one request at a time. */

import { CaptureError } from './capture-error';
import type { WorkerAnswer, WorkerRequest } from './worker-messages';

/** Resolves when the message is sent, so that a picture never waits until the next one is decoded. */
function answer(message: WorkerAnswer): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

async function serve(request: WorkerRequest): Promise<void> {
  let engine: typeof import('./capture-engine');
  try {
    engine = require('./capture-engine');
  } catch (error) {
    const cause = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    await answer({ type: 'failed', reason: 'crashed', message: engineMissing(cause) });
    return;
  }
  try {
    if (request.type === 'close') return engine.close(request.videoId);
    if (request.type === 'open') await answer({ type: 'info', info: engine.open(request.video) });
    let isMidGroup = false;
    if (request.type === 'capture') {
      const captured = engine.capture(request.video, request.turn);
      isMidGroup = captured.isMidGroup;
      await answer({ type: 'frame', frame: captured.frame });
    }
    await answer({ type: 'done', isMidGroup });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = error instanceof CaptureError ? error.reason : 'unreadable';
    await answer({ type: 'failed', reason, message });
  }
}

function engineMissing(cause: string): string {
  return (
    `the package node-av, which decodes videos, cannot be loaded on this machine (${process.platform} ${process.arch}): ${cause} ` +
    'It needs its platform package (install without --omit=optional) and on Linux glibc 2.28 or later, not musl.'
  );
}

let queue: Promise<void> = Promise.resolve();
process.on('message', (request: WorkerRequest) => {
  queue = queue.then(() => serve(request));
});
process.on('disconnect', () => process.exit());
