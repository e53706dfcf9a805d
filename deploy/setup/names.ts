import { createHash } from 'node:crypto';
import { ownerMark } from '../desired-state';

/** A stage of a service. */
export interface Stage {
  service: string;
  stage: string;
}

/** The names of the things that setup creates, unless the environment gives others. */
export interface Names {
  uploadBucket: string;
  snapshotBucket: string;
  /** All buckets in `serverless.yml`, if it has more. */
  buckets: readonly string[];
  agency: string;
  policy: string;
  apiGroup: string;
  logGroup: string;
  logStream: string;
  topic: string;
  /** Setup recognizes its own topic by it: SMN's list shows no other text. Only letters, spaces and hyphens. */
  topicDisplayName: string;
  /** The mark in descriptions and remarks of things that setup created; functions have the same. */
  mark: string;
  /** The tag of things without a description. */
  tag: { key: string; value: string };
}

/**
 * Names depend only on stage and project, so that an interrupted run finds its own things again. Bucket names are unique in
 * the world: a part of the project's hash makes a collision unlikely.
 */
export function namesOf(
  { service, stage }: Stage,
  projectId: string,
  environment: Readonly<Record<string, string | undefined>>,
): Names {
  const base = `${service}-${stage}`;
  const given = (name: string) => environment[name]?.trim() || undefined;
  const rare = createHash('sha256').update(projectId).digest('hex').slice(0, 8);
  const bucket = (what: string) => {
    const start = base
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, '-')
      .slice(0, 40);
    return `${start}-${what}-${rare}`;
  };
  return {
    uploadBucket: given('UPLOAD_BUCKET') ?? bucket('videos'),
    snapshotBucket: given('SNAPSHOT_BUCKET') ?? bucket('snapshots'),
    buckets: [],
    agency: given('AGENCY') ?? base,
    policy: base,
    apiGroup: base.replaceAll(/\W/g, '_').slice(0, 64),
    logGroup: base.slice(0, 64),
    logStream: 'functions',
    topic: base.replaceAll(/[^\w-]/g, '-').slice(0, 255),
    topicDisplayName: `Made by setup of ${service} ${stage}`,
    mark: ownerMark({ service, stage }),
    tag: { key: 'serverless', value: `${service}/${stage}` },
  };
}
