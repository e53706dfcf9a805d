import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock';
import { groupExists, noSuchGroup, noSuchStream, streamExists, tooManyGroups } from './errors';
import { LogLines } from './log-lines';

/** The tags of a group or a stream. */
export type Tags = Readonly<Record<string, string>>;

export interface LogStream {
  id: string;
  name: string;
  createdMs: number;
  ttlDays: number;
  tags: Tags;
  lines: LogLines;
}

export interface LogGroup {
  id: string;
  name: string;
  createdMs: number;
  ttlDays: number;
  tags: Tags;
  /** By id. */
  streams: Map<string, LogStream>;
}

/** Most log groups of a project (LTS user guide, "Usage Restrictions"). */
const MAX_GROUPS = 100;

/** The log groups of the account with their streams, in memory. */
export class LogBook {
  readonly #groups = new Map<string, LogGroup>();

  constructor(private readonly clock: Clock = Date.now) {}

  /** In the order of their creation. */
  groups(): LogGroup[] {
    return [...this.#groups.values()];
  }

  /** @throws Refused LTS.0201 */
  group(id: string): LogGroup {
    const group = this.#groups.get(id);
    if (group === undefined) throw noSuchGroup();
    return group;
  }

  /** @throws Refused LTS.0201, LTS.0208 */
  stream(groupId: string, id: string): LogStream {
    const stream = this.group(groupId).streams.get(id);
    if (stream === undefined) throw noSuchStream();
    return stream;
  }

  /** @throws Refused LTS.0103, LTS.0104 */
  createGroup(name: string, ttlDays: number, tags: Tags, id: string = randomUUID()): LogGroup {
    if (this.groups().some((group) => group.name === name)) throw groupExists(name);
    if (this.#groups.size >= MAX_GROUPS) throw tooManyGroups(MAX_GROUPS);
    const group = { id, name, createdMs: this.clock(), ttlDays, tags, streams: new Map() };
    this.#groups.set(group.id, group);
    return group;
  }

  /** @throws Refused LTS.0201, LTS.0205 */
  createStream(
    groupId: string,
    name: string,
    ttlDays: number | undefined,
    tags: Tags,
    id: string = randomUUID(),
  ): LogStream {
    const group = this.group(groupId);
    if ([...group.streams.values()].some((stream) => stream.name === name)) throw streamExists(name);
    const createdMs = this.clock();
    const lines = new LogLines();
    const stream = { id, name, createdMs, ttlDays: ttlDays ?? group.ttlDays, tags, lines };
    group.streams.set(stream.id, stream);
    return stream;
  }

  /** Stores lines. If the stream does not exist, they are lost: nobody waits for an answer. */
  append(groupId: string, streamId: string, lines: readonly string[]): void {
    const stream = this.#groups.get(groupId)?.streams.get(streamId);
    for (const line of lines) stream?.lines.append(line, this.clock());
  }

  /** Also deletes its streams. @throws Refused LTS.0201 */
  deleteGroup(id: string): void {
    this.group(id);
    this.#groups.delete(id);
  }

  /** @throws Refused LTS.0201, LTS.0208 */
  deleteStream(groupId: string, id: string): void {
    this.stream(groupId, id);
    this.group(groupId).streams.delete(id);
  }
}
