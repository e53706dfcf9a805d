const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/** `14:03:59`, with the day in front when it is not today. */
export function formatMoment(timeMs: number, nowMs = Date.now()): string {
  const moment = new Date(timeMs);
  const time = clock.format(moment);
  return moment.toDateString() === new Date(nowMs).toDateString() ? time : `${day.format(moment)}, ${time}`;
}

/** `now`, `20 s ago`, `3 min ago`, `in 12 s`, and the day when it is more than a week away. */
export function formatRelative(timeMs: number, nowMs: number): string {
  const seconds = Math.round(Math.abs(nowMs - timeMs) / 1000);
  const isFuture = timeMs > nowMs;
  if (seconds >= 7 * 86_400) return formatMoment(timeMs, nowMs);
  if (!isFuture && seconds < 10) return 'now';
  const [count, unit] =
    seconds < 60
      ? // Counting every second up would make a long list flicker.
        [isFuture ? seconds : seconds - (seconds % 10), 's']
      : seconds < 3600
        ? [Math.floor(seconds / 60), 'min']
        : seconds < 86_400
          ? [Math.floor(seconds / 3600), 'h']
          : [Math.floor(seconds / 86_400), 'd'];
  return isFuture ? `in ${count} ${unit}` : `${count} ${unit} ago`;
}

/** `812 ms`, `1.2 s`, `2 min 5 s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  if (durationMs < 60_000) return `${(durationMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `640 kB`, `12.3 MB`. */
export function formatSize(sizeBytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = sizeBytes;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 99.95 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

/** A moment of a video as players show it: `1:05`, `1:02:03`, with thousandths where they matter: `0:01.500`. */
export function formatVideoTime(timeSeconds: number): string {
  const totalMs = Math.round(timeSeconds * 1000);
  const hours = Math.floor(totalMs / 3_600_000);
  const minutes = Math.floor(totalMs / 60_000) % 60;
  const seconds = String(Math.floor(totalMs / 1000) % 60).padStart(2, '0');
  const thousandths = totalMs % 1000 === 0 ? '' : `.${String(totalMs % 1000).padStart(3, '0')}`;
  const head = hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}` : String(minutes);
  return `${head}:${seconds}${thousandths}`;
}

/** `1 frame`, `12 frames`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** A file's own part of a key. */
export function fileName(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1) || key;
}
