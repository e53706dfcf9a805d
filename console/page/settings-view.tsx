import type { ConsoleState, FunctionSettings } from '../server/console-api';
import { Environment } from './connect';
import { Copy } from './copy';
import { Empty, ViewHead } from './parts';

/** How the functions are deployed, and with which settings. */
export function SettingsView({ state: { settings, service } }: { state: ConsoleState }) {
  const common = commonUserData(settings);
  return (
    <>
      <ViewHead title="Settings" />
      <p class="lead">
        Settings that are not listed have the defaults in docs/settings.md. Region{' '}
        <code>{service.region}</code>, uploads in <code>{service.uploadBucket}</code>, pictures in{' '}
        <code>{service.snapshotBucket}</code>.
      </p>
      {settings.length === 0 && <Empty title="No function is deployed" />}
      <div class="panels">
        {Object.keys(common).length > 0 && (
          <section class="panel" aria-label="User data of every function">
            <h2>User data of every function</h2>
            <UserData data={common} />
          </section>
        )}
        {service.environment !== undefined && <Environment environment={service.environment} />}
      </div>
      <ul class="cards">
        {settings.map((entry) => (
          <FunctionCard key={entry.functionName} settings={entry} common={common} />
        ))}
      </ul>
    </>
  );
}

/** What all functions have in common is shown once. */
function commonUserData(settings: readonly FunctionSettings[]): Record<string, string> {
  const [first, ...others] = settings;
  if (first === undefined) return {};
  return Object.fromEntries(
    Object.entries(first.userData).filter(([key, value]) =>
      others.every(({ userData }) => userData[key] === value),
    ),
  );
}

function FunctionCard({ settings, common }: { settings: FunctionSettings; common: Record<string, string> }) {
  const { functionName, runtime, memoryMb, timeoutSeconds, maxInstances, triggers, userData } = settings;
  const own = Object.fromEntries(Object.entries(userData).filter(([key]) => !Object.hasOwn(common, key)));
  return (
    <li class="card">
      <h2>{functionName}</h2>
      <dl class="facts">
        <dt>Runtime</dt>
        <dd>{runtime}</dd>
        <dt>Memory</dt>
        <dd class="num">{memoryMb} MB</dd>
        <dt>Time-out</dt>
        <dd class="num">{timeoutSeconds} s</dd>
        <dt>Instances</dt>
        <dd class="num">{maxInstances === undefined ? 'no limit' : `${maxInstances} at most`}</dd>
        <dt>Triggers</dt>
        <dd>
          {triggers.length === 0 ? 'none' : triggers.map((trigger) => <div key={trigger}>{trigger}</div>)}
        </dd>
      </dl>
      {Object.keys(own).length > 0 && <UserData data={own} />}
    </li>
  );
}

function UserData({ data }: { data: Record<string, string> }) {
  return (
    <dl class="user-data">
      {Object.entries(data).map(([key, value]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd>
            <span class="value">
              <bdi>{value}</bdi>
              <Copy text={value} what={key} />
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
