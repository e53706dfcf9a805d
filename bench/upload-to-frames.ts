import { startDeployedCloud } from '../local/commands/deployed-cloud';
import { uploadFile } from '../local/commands/upload-file';
import { bareEngineMs, MINUTE_POINTS, makeMinute } from './minute';
import { type Suite, seriesOf, takeTurns } from './suite';

const ROUNDS = 7;

/**
 * From the first byte of the upload to the last frame in the bucket, compared with the engine alone on the same file
 * and points.
 */
export const uploadToFrames: Suite = {
  name: 'upload to frames',
  about:
    'A 60 s clip of 1080p through the whole local cloud, compared with the bare engine on the same file and points.',
  async run() {
    const clip = await makeMinute();
    const cloud = await startDeployedCloud({ port: 0 });
    let uploads = 0;
    try {
      const samples = await takeTurns(
        [
          {
            name: 'bare engine, in a running process',
            measure: () => bareEngineMs(clip),
          },
          {
            name: 'upload → all frames visible',
            measure: async () => {
              const key = `uploads/run-${uploads++}.mp4`;
              const startedAt = performance.now();
              const done = new Promise<void>((resolve, reject) => {
                const stop = cloud.mpc.tasks.onChange((task) => {
                  if (task.input.object !== key || task.endedAtMs === undefined) return;
                  stop();
                  if (task.pictures.length === MINUTE_POINTS.length) resolve();
                  else
                    reject(
                      new Error(`${task.status}: ${task.description ?? `${task.pictures.length} pictures`}`),
                    );
                });
              });
              await uploadFile(clip, key, cloud, () => {});
              await done;
              return performance.now() - startedAt;
            },
          },
        ],
        ROUNDS,
      );
      const title = `60 s of 1080p, ${MINUTE_POINTS.length} frames of 640 px`;
      return { tables: [{ title, unit: 'ms', series: seriesOf(samples, (ms) => ms) }] };
    } finally {
      await cloud.close();
    }
  },
};
