import type {
  CapturePoint,
  CapturePool,
  Frame,
  PictureSize,
  VideoInfo,
} from '../../../../local/mpc/capture/capture-pool';

/** Opens a file, takes pictures of it and closes it. */
export async function captureFile(
  pool: CapturePool,
  { filePath, ...job }: { filePath: string; points: readonly CapturePoint[]; size: PictureSize },
  onFrame: (frame: Frame) => void | Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const video = await pool.open(filePath, signal);
  try {
    await video.capture(job, onFrame, signal);
  } finally {
    video.close();
  }
}

/** What a file says about its video. */
export async function describeFile(
  pool: CapturePool,
  filePath: string,
  signal?: AbortSignal,
): Promise<VideoInfo> {
  const video = await pool.open(filePath, signal);
  video.close();
  return video.info;
}
