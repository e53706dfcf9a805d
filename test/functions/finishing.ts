import type { CloudRequest } from '../model/cloud-double';
import type { Outcome } from '../model/functions-double';
import { InstallationDouble, returned, SNAPSHOTS } from '../model/installation-double';

export const MINUTE_MS = 60_000;
export const SECRET = `whsec_${Buffer.from('a secret of exactly 32 characters').toString('base64')}`;
export const NEXT_SECRET = `whsec_${Buffer.from('another secret of 32 characters!').toString('base64')}`;
export const NOTIFIED = { NOTIFY_URL: 'http://hooks/snapshots?from=mpc', NOTIFY_SECRET: SECRET };

export const objectsOf = (service: InstallationDouble) => service.cloud.buckets.get(SNAPSHOTS) ?? new Map();
export const filesIn = (service: InstallationDouble, directory: string) =>
  [...objectsOf(service).keys()]
    .filter((key) => key.startsWith(`${directory}/`))
    .map((key) => key.slice(directory.length + 1))
    .sort();
export const textOf = (service: InstallationDouble, key: string): string =>
  objectsOf(service).get(key)?.body ?? '';
export const jsonOf = (service: InstallationDouble, key: string) => JSON.parse(textOf(service, key));
export const linesOf = (service: InstallationDouble, event: string) =>
  service.functions.logLines.map((line) => JSON.parse(line)).filter((line) => line.event === event);

/** What an API answer says. */
export const answered = (outcome: Outcome) => {
  const { statusCode, headers, body } = returned(outcome) as {
    statusCode: number;
    headers: Record<string, string>;
    body: string;
  };
  return { status: statusCode, headers, body: JSON.parse(body) };
};

/** An installation with one upload, whose task is 1. */
export async function withTask(userData: Record<string, string> = {}): Promise<InstallationDouble> {
  const service = new InstallationDouble({ userData });
  await service.deliver([service.upload('a.mp4')]);
  return service;
}

/** Receives notices, and answers with these statuses in turn; the last one stays. */
export function receive(service: InstallationDouble, ...statuses: number[]): CloudRequest[] {
  const received: CloudRequest[] = [];
  service.cloud.receiver = (request) => {
    received.push(request);
    return { status: statuses[received.length - 1] ?? statuses.at(-1) ?? 204, body: '' };
  };
  return received;
}

export const DELETE = { ON_REMOVAL: 'delete' };

/** An installation that removes, with videos whose tasks have ended, and their files. */
export async function withVideos(keys: readonly string[], userData: Record<string, string> = {}) {
  const service = new InstallationDouble({ userData: { ...DELETE, ...userData } });
  for (const key of keys) await service.deliver([service.upload(key)]);
  endAll(service);
  await service.finish();
  return service;
}

/** MPC ends all that it has. */
export function endAll(service: InstallationDouble): void {
  for (const { id, status } of service.cloud.tasks) {
    if (status === 'WAITING' || status === 'PROCESSING') service.cloud.end(id);
  }
}
