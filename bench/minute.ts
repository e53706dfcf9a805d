import { childProgram } from '../local/child-program';
import { makeClip } from '../test/clip';
import { runNode } from './process';

/** A picture every 5 s of a minute, and the last frame. */
export const MINUTE_POINTS = [...Array.from({ length: 12 }, (_, index) => index * 5000), 'last'];

/** A minute of 1080p, as users upload it. @returns path of the file */
export function makeMinute(): Promise<string> {
  return makeClip({
    seconds: 60,
    width: 1920,
    height: 1080,
    detailed: true,
    encoderOptions: { crf: '34' },
  });
}

/** How long the engine alone takes for the pictures of the minute, in ms, in a running process. */
export async function bareEngineMs(clip: string): Promise<number> {
  const engine = childProgram('../bench/bare-engine.ts');
  return Number(await runNode([engine, clip, JSON.stringify(MINUTE_POINTS)]));
}
