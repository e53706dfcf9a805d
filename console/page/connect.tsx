import type { Service } from '../server/console-api';
import { Copy, Value } from './copy';

/** What the page of an OBS client asks for, in its words. */
const OBS_CLIENT = [
  ['Endpoint', 'OBS_ENDPOINT'],
  ['Access key', 'HUAWEICLOUD_SDK_AK'],
  ['Secret key', 'HUAWEICLOUD_SDK_SK'],
  ['Region', 'HUAWEICLOUD_SDK_REGION'],
] as const;

/** The local cloud in the words of an OBS client. */
export function ObsClient({ service }: { service: Service }) {
  const { environment = {}, uploadBucket, uploadPrefix } = service;
  return (
    <dl class="facts">
      {OBS_CLIENT.map(([title, name]) => (
        <>
          <dt>{title}</dt>
          <dd>
            <Value text={environment[name] ?? ''} what={title.toLowerCase()} />
          </dd>
        </>
      ))}
      <dt>Bucket</dt>
      <dd>
        <Value text={uploadBucket} what="upload bucket" />
      </dd>
      <dt>Keys</dt>
      <dd>
        any; the page uploads to <code>{uploadPrefix}</code>
      </dd>
    </dl>
  );
}

/** The first screen of an empty cloud. */
export function Begin({ service }: { service: Service }) {
  if (service.environment === undefined) {
    return (
      <p class="empty">
        Videos uploaded to <code>{service.uploadBucket}</code> appear here with their frames.
      </p>
    );
  }
  return (
    <section class="begin" aria-label="How to begin">
      <h2>No videos yet. Three ways to begin</h2>
      <ol>
        <li class="card">
          <h3>Drop a video on this page</h3>
          <p>Its frames appear here as they are made.</p>
        </li>
        <li class="card">
          <h3>Start with a file</h3>
          <p>
            <Value text={service.commands.startWithFile} what="command" />
          </p>
          <p class="quiet">
            Without a file, <code>{service.commands.start}</code> uses a sample video.
          </p>
        </li>
        <li class="card">
          <h3>Upload with an OBS client</h3>
          <ObsClient service={service} />
        </li>
      </ol>
    </section>
  );
}

/** For programs: the variables that clients read. */
export function Environment({ environment }: { environment: Readonly<Record<string, string>> }) {
  const lines = Object.entries(environment).map(([name, value]) => `export ${name}='${value}'`);
  return (
    <section class="panel" aria-label="Environment of clients">
      <h2>
        For your own programs <Copy text={lines.join('\n')} what="environment" label="Copy all" />
      </h2>
      <dl class="user-data">
        {Object.entries(environment).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Value text={value} what={name} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
